#ifndef KK_FEEDBACK_H
#define KK_FEEDBACK_H

#include <stddef.h>
#include <stdint.h>

#include "kk_neuron.h"

// Networks whose output drives their own input:
//   h[0] = (x, u)   h[l + 1] = activation(W[l] h[l] + p[l])   dx/dt = a x + b h[layers] + noise
// Samples lie in the lanes of vectors: x is [states, samples], rows `stride` apart.

typedef struct {
  size_t inputs, outputs;
  /// Row-major, [outputs, inputs].
  const float *weight;
  /// Bias and injected signal of the n-th evaluation: [outputs] at bias + n * biasStep; a step of 0 where none is injected.
  const float *bias;
  size_t biasStep;
  /// KK_NEURON_…; `ceiling` is the largest output of a rectifier.
  int activation;
  float ceiling;
} kk_feedback_layer;

typedef struct {
  size_t states, drives, layers;
  const kk_feedback_layer *layer;
  /// u of the n-th evaluation: [drives] at drive + n * drives; where driveStride is not 0 [drives, samples] at
  /// drive + n * drives * driveStride.
  const float *drive;
  size_t driveStride;
} kk_feedback;

/// Floats of memory that the loops below need.
size_t kk_feedback_memory(const kk_feedback *f);

/// `steps` steps, from step `first` of `total`, of an explicit Runge-Kutta method whose stage q starts from
/// x + reach[q] k[q-1] (reach[0] is 0) and whose sum is share[q] k[q].
typedef struct {
  size_t first, steps, total, stages;
  const float *reach, *share;
  /// [steps, stages], step sizes included; evaluations of the network are counted in this order.
  const float *a, *b;
  /// [steps] or null: deviation of a normal number added to each state after each step, from the stream (key, block).
  const float *c;
  uint64_t key, block;
} kk_feedback_method;

/// n samples take (n + 15) / 16 * kk_feedback_blocks(states, total) blocks, however the steps are cut.
void kk_feedback_steps(const kk_feedback *f, const kk_feedback_method *m, size_t n, size_t stride, float *x, float *memory);
uint64_t kk_feedback_blocks(size_t states, size_t steps);

/// The same network as a circuit with first-order amplifiers, multipliers that err and cells that fluctuate.
typedef struct {
  /// Variances of reading a weight, [outputs, inputs], and a bias, [outputs].
  const float *weightVariance, *biasVariance;
  /// What amplifiers can put out.
  float lowest, highest;
} kk_circuit_layer;

typedef struct {
  kk_feedback network;
  const kk_circuit_layer *layer;
  /// Part of the way to its target that an amplifier goes in one inner step, 0 to 1.
  float follow;
  /// Loss of the state in one inner step, as a fraction.
  float leak;
  /// Multipliers: results times 1 + gain, plus offset, for a x and for b s, [2, states].
  const float *gain, *offset;
  /// `refreshes` times new signals (evaluations of the network count refreshes), new read noise where `noisy`, then
  /// `inner` steps.
  size_t refreshes, inner;
  int noisy;
  /// [refreshes], for one inner step.
  const float *a, *b;
  /// [refreshes] or null: deviation of noise added to each state at each refresh.
  const float *c;
  uint64_t key, block;
  /// Inner steps after which states are read, not falling.
  const size_t *when;
  size_t reads;
} kk_feedback_circuit;

/// states: [reads, states, samples], rows `stride` apart. squares, one for each layer's input: increased by the squares of its
/// values at the end of every refresh, over all samples. Blocks: (n + 15) / 16 * kk_circuit_blocks(...).
void kk_feedback_run(const kk_feedback_circuit *f, size_t n, size_t stride, const float *x, float *states, double *squares,
                     float *memory);
size_t kk_circuit_memory(const kk_feedback *f);
uint64_t kk_circuit_blocks(const kk_feedback *f, size_t refreshes);

#endif
