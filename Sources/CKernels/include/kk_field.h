#ifndef KK_FIELD_H
#define KK_FIELD_H

#include <stddef.h>

#include "kk_neuron.h"

// Vector fields that are small networks, the last layer linear, inside classic Runge-Kutta steps.
// Many trajectories run side by side in the lanes of a vector, or one with its units in the lanes.

/// Bytes of one vector of lanes: 16 floats or 8 doubles.
#define KK_LANE_BYTES 64
#define KK_MAX_LAYERS 8

#define KK_DECLARE_FIELD(REAL, T)                                                                                      \
  typedef struct {                                                                                                     \
    int layers;                                                                                                        \
    /** Extents: input (state, then drive), hidden layers, output (state). */                                          \
    size_t size[KK_MAX_LAYERS + 1];                                                                                    \
    /** weight[l][o * size[l] + i], one row for each output. */                                                        \
    const REAL *weight[KK_MAX_LAYERS];                                                                                 \
    /** transposed[l][i * padded(size[l + 1]) + o], rows padded with zeros to whole vectors. */                        \
    const REAL *transposed[KK_MAX_LAYERS];                                                                             \
    /** Padded like the rows of `transposed`. */                                                                       \
    const REAL *bias[KK_MAX_LAYERS];                                                                                   \
    /** KK_NEURON_… of each layer, and the largest output of a rectifier. */                                           \
    int activation[KK_MAX_LAYERS];                                                                                     \
    REAL ceiling[KK_MAX_LAYERS];                                                                                       \
  } kk_field_##T;                                                                                                      \
  /** One step for a vector of trajectories. x[state, lane] moves on; drive[3][unit, lane] at start, middle and end.   \
      activation[l][unit, stage, lane] gets the input (l = 0) and the hidden layers of the four stages. */             \
  void kk_field_step_##T(const kk_field_##T *f, REAL step, const REAL *drive, REAL *x, REAL *const *activation);        \
  /** Its gradient. g[state, lane] moves back; delta[l][unit, stage, lane] gets the gradient of each layer's sums;     \
      driveGradient[3][unit, lane] is added to unless null. */                                                         \
  void kk_field_step_gradient_##T(const kk_field_##T *f, REAL step, const REAL *const *activation, REAL *g,            \
                                  REAL *const *delta, REAL *driveGradient);                                            \
  /** One trajectory: x[step + 1, state] from x[0]; drive[2 * steps + 1, unit]; `work` holds 8 padded layers. */       \
  void kk_field_trajectory_##T(const kk_field_##T *f, REAL step, size_t steps, const REAL *drive, REAL *x, REAL *work);

KK_DECLARE_FIELD(float, f32)
KK_DECLARE_FIELD(double, f64)

#endif
