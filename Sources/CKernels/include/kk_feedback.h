#ifndef KK_FEEDBACK_H
#define KK_FEEDBACK_H

#include <stddef.h>
#include <stdint.h>

// Networks with two hidden rectifier layers whose output drives their own input:
//   h1 = clamp(W1 x + p1, 0, ceiling)   h2 = clamp(W2 h1 + p2, 0, ceiling)   s = W3 h2 + p3   dx/dt = a x + b s + noise
// Samples lie in the lanes of vectors: x is [states, samples].

/// Most states and hidden units that the loops take.
#define KK_FEEDBACK_STATES 16
#define KK_FEEDBACK_HIDDEN 64

typedef struct {
  size_t states, hidden;
  /// Row-major, [hidden, states], [hidden, hidden], [states, hidden]; s already has its amplitude.
  const float *w1, *w2, *w3;
  /// [states].
  const float *p3;
  float ceiling;
} kk_feedback;

/// `steps` steps of an explicit Runge-Kutta method whose stage q starts from x + reach[q] k[q-1] (reach[0] is 0) and whose
/// sum is share[q] k[q]; step sizes are in a and b, [steps, stages]. p1 and p2: biases and injected signals, [steps,
/// stages, hidden]. c, [steps] or null: deviation of a normal number added to each state after each step, from the stream
/// (key, block); n samples take (n + 15) / 16 * kk_feedback_blocks(states, steps) blocks.
void kk_feedback_steps(const kk_feedback *f, size_t n, size_t steps, size_t stages, const float *reach,
                       const float *share, const float *p1, const float *p2, const float *a, const float *b,
                       const float *c, uint64_t key, uint64_t block, float *x);
uint64_t kk_feedback_blocks(size_t states, size_t steps);

/// The same network as a circuit with first-order amplifiers, multipliers that err and cells that fluctuate.
typedef struct {
  kk_feedback network;
  /// Variances of reading the weights and biases, the shapes of w1, w2, w3 and [hidden], [hidden], [states].
  const float *v1, *v2, *v3, *u1, *u2, *u3;
  /// Part of the way to its target that an amplifier goes in one inner step, 0 to 1.
  float follow;
  /// Multipliers: results times 1 + gain, plus offset, for a x and for b s, per state and pair, [2, states].
  const float *gain, *offset;
  /// Loss of the state in one inner step, as a fraction.
  float leak;
} kk_feedback_circuit;

/// `refreshes` times: new signals (p1, p2 [refreshes, hidden]; a, b [refreshes], for one inner step), new read noise where
/// `noisy`, c as above for each refresh, then `inner` steps. Blocks: (n + 15) / 16 * kk_circuit_blocks(...).
void kk_feedback_run(const kk_feedback_circuit *f, size_t n, size_t refreshes, size_t inner, int noisy, const float *p1,
                     const float *p2, const float *a, const float *b, const float *c, uint64_t key, uint64_t block,
                     float *x);
uint64_t kk_circuit_blocks(size_t states, size_t hidden, size_t refreshes);

#endif
