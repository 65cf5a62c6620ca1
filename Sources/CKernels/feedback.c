#include "kk_feedback.h"

#include <string.h>

#include "clones.h"
#include "mathfunctions.h"

// Random numbers have the same bits on every machine.
#pragma STDC FP_CONTRACT OFF
#include "randomlanes.h"

// These are products, as in BLAS: a multiply and an add may be one instruction where the machine has it.
#pragma STDC FP_CONTRACT ON

typedef float V __attribute__((vector_size(4 * LANES), aligned(4)));

#define UNROLL _Pragma("clang loop unroll(full)")
// Outputs that are summed side by side, so that the adders never wait for each other.
#define ROWS 7

KK_INLINE void get(V *v, const float *p, size_t lanes) {
  if (lanes >= LANES) *v = *(const V *)p;
  else {
    *v = (V){};
    memcpy(v, p, 4 * lanes);
  }
}

KK_INLINE void set(float *p, const V *v, size_t lanes) {
  if (lanes >= LANES) *(V *)p = *v;
  else memcpy(p, v, 4 * lanes);
}

KK_INLINE void rectify(V *v, float ceiling) {
  *v = __builtin_elementwise_min(__builtin_elementwise_max(*v, (V){}), (V){} + ceiling);
}

// s = the network at x.
KK_INLINE void network(const kk_feedback *f, size_t states, size_t hidden, const float *p1, const float *p2, const V *x,
                       V *s) {
  V h[KK_FEEDBACK_HIDDEN];
  UNROLL for (size_t j = 0; j < hidden; j++) {
    V sum = (V){} + p1[j];
    UNROLL for (size_t i = 0; i < states; i++) sum += f->w1[j * states + i] * x[i];
    rectify(&sum, f->ceiling);
    h[j] = sum;
  }
  UNROLL for (size_t k = 0; k < states; k++) s[k] = (V){} + f->p3[k];
  size_t j = 0;
  for (; j + ROWS <= hidden; j += ROWS) {
    V sum[ROWS];
    UNROLL for (int r = 0; r < ROWS; r++) sum[r] = (V){} + p2[j + r];
    UNROLL for (size_t i = 0; i < hidden; i++) {
      UNROLL for (int r = 0; r < ROWS; r++) sum[r] += f->w2[(j + r) * hidden + i] * h[i];
    }
    UNROLL for (int r = 0; r < ROWS; r++) {
      rectify(&sum[r], f->ceiling);
      UNROLL for (size_t k = 0; k < states; k++) s[k] += f->w3[k * hidden + j + r] * sum[r];
    }
  }
  for (; j < hidden; j++) {
    V sum = (V){} + p2[j];
    for (size_t i = 0; i < hidden; i++) sum += f->w2[j * hidden + i] * h[i];
    rectify(&sum, f->ceiling);
    for (size_t k = 0; k < states; k++) s[k] += f->w3[k * hidden + j] * sum;
  }
}

// Four vectors of normal numbers from 16 blocks.
KK_INLINE void normals(uint64_t key, uint64_t block, V *z) {
  word w[4];
  real r[4];
  philox(key, block, w);
  box_muller(&w[0], &w[1], &r[0], &r[1]);
  box_muller(&w[2], &w[3], &r[2], &r[3]);
  memcpy(z, r, sizeof r);
}

uint64_t kk_feedback_blocks(size_t states, size_t steps) { return 16 * ((states * steps + 3) / 4); }

KK_INLINE void steps_of(const kk_feedback *f, size_t states, size_t hidden, size_t n, size_t steps, size_t stages,
                        const float *reach, const float *share, const float *p1, const float *p2, const float *a,
                        const float *b, const float *c, uint64_t key, uint64_t block, float *x) {
  for (size_t at = 0; at < n; at += LANES) {
    V y[KK_FEEDBACK_STATES], z[4];
    UNROLL for (size_t k = 0; k < states; k++) get(&y[k], x + k * n + at, n - at);
    uint64_t counter = block + at / LANES * kk_feedback_blocks(states, steps);
    size_t left = 0;
    for (size_t t = 0; t < steps; t++) {
      V sum[KK_FEEDBACK_STATES], stage[KK_FEEDBACK_STATES], slope[KK_FEEDBACK_STATES];
      UNROLL for (size_t k = 0; k < states; k++) sum[k] = y[k], slope[k] = (V){};
      for (size_t q = 0; q < stages; q++) {
        const size_t row = t * stages + q;
        V s[KK_FEEDBACK_STATES];
        UNROLL for (size_t k = 0; k < states; k++) stage[k] = q ? y[k] + reach[q] * slope[k] : y[k];
        network(f, states, hidden, p1 + row * hidden, p2 + row * hidden, stage, s);
        UNROLL for (size_t k = 0; k < states; k++) {
          slope[k] = a[row] * stage[k] + b[row] * s[k];
          sum[k] += share[q] * slope[k];
        }
      }
      if (c) {
        UNROLL for (size_t k = 0; k < states; k++) {
          if (left == 0) {
            normals(key, counter, z);
            counter += 16;
            left = 4;
          }
          sum[k] += c[t] * z[--left];
        }
      }
      UNROLL for (size_t k = 0; k < states; k++) y[k] = sum[k];
    }
    UNROLL for (size_t k = 0; k < states; k++) set(x + k * n + at, &y[k], n - at);
  }
}

KK_CLONES void kk_feedback_steps(const kk_feedback *f, size_t n, size_t steps, size_t stages, const float *reach,
                                 const float *share, const float *p1, const float *p2, const float *a, const float *b,
                                 const float *c, uint64_t key, uint64_t block, float *x) {
  // Sizes known to the compiler keep a sample's whole network in registers.
  if (f->states == 2 && f->hidden == 14) {
    if (stages == 1 && !c)
      return steps_of(f, 2, 14, n, steps, 1, reach, share, p1, p2, a, b, NULL, key, block, x);
    return steps_of(f, 2, 14, n, steps, stages, reach, share, p1, p2, a, b, c, key, block, x);
  }
  steps_of(f, f->states, f->hidden, n, steps, stages, reach, share, p1, p2, a, b, c, key, block, x);
}

// One number for each state and neuron, for each refresh; one more for the injected noise of each state.
uint64_t kk_circuit_blocks(size_t states, size_t hidden, size_t refreshes) {
  return 16 * refreshes * ((2 * hidden + 2 * states + 3) / 4);
}

// target = W in + p (+ noise of the reads), then the amplifier behind it moves towards it.
KK_INLINE void neuron(size_t inputs, const float *w, const float *v, float bias, float biasVariance, const V *in,
                      const V *noise, float follow, float floor, float ceiling, V *out) {
  V sum = (V){} + bias, spread = (V){} + biasVariance;
  UNROLL for (size_t i = 0; i < inputs; i++) {
    sum += w[i] * in[i];
    if (noise) spread += v[i] * (in[i] * in[i]);
  }
  if (noise) sum += __builtin_elementwise_sqrt(spread) * *noise;
  sum = __builtin_elementwise_min(__builtin_elementwise_max(sum, (V){} + floor), (V){} + ceiling);
  *out += follow * (sum - *out);
}

KK_INLINE void run_of(const kk_feedback_circuit *f, size_t states, size_t hidden, size_t n, size_t refreshes,
                      size_t inner, int noisy, const float *p1, const float *p2, const float *a, const float *b,
                      const float *c, uint64_t key, uint64_t block, float *x) {
  const float ceiling = f->network.ceiling, unbounded = 3.0e38f;
  for (size_t at = 0; at < n; at += LANES) {
    V y[KK_FEEDBACK_STATES], h1[KK_FEEDBACK_HIDDEN], h2[KK_FEEDBACK_HIDDEN], s[KK_FEEDBACK_STATES];
    V z[2 * KK_FEEDBACK_HIDDEN + 2 * KK_FEEDBACK_STATES + 4];
    memset(z, 0, sizeof z);
    memset(h1, 0, sizeof h1);
    memset(h2, 0, sizeof h2);
    memset(s, 0, sizeof s);
    for (size_t k = 0; k < states; k++) get(&y[k], x + k * n + at, n - at);
    uint64_t counter = block + at / LANES * kk_circuit_blocks(states, hidden, refreshes);
    for (size_t r = 0; r < refreshes; r++) {
      if (noisy || c)
        for (size_t i = 0; i < 2 * hidden + 2 * states; i += 4, counter += 16) normals(key, counter, z + i);
      if (c)
        for (size_t k = 0; k < states; k++) y[k] += c[r] * z[2 * hidden + states + k];
      for (size_t t = 0; t < inner; t++) {
        // While the capacitors are charged, before the loop closes, amplifiers have time to settle.
        const float follow = r == 0 && t == 0 ? 1.0f : f->follow;
        for (size_t j = 0; j < hidden; j++)
          neuron(states, f->network.w1 + j * states, f->v1 + j * states, p1[r * hidden + j], f->u1[j], y,
                 noisy ? &z[j] : NULL, follow, 0, ceiling, &h1[j]);
        for (size_t j = 0; j < hidden; j++)
          neuron(hidden, f->network.w2 + j * hidden, f->v2 + j * hidden, p2[r * hidden + j], f->u2[j], h1,
                 noisy ? &z[hidden + j] : NULL, follow, 0, ceiling, &h2[j]);
        for (size_t k = 0; k < states; k++)
          neuron(hidden, f->network.w3 + k * hidden, f->v3 + k * hidden, f->network.p3[k], f->u3[k], h2,
                 noisy ? &z[2 * hidden + k] : NULL, follow, -unbounded, unbounded, &s[k]);
        for (size_t k = 0; k < states; k++) {
          // Multipliers work on signals between -1 and 1; a and b carry the inner step.
          V first = a[r] * y[k] * (1 + f->gain[k]) + f->offset[k];
          V second = b[r] * s[k] * (1 + f->gain[states + k]) + f->offset[states + k];
          y[k] += first + second - f->leak * y[k];
        }
      }
    }
    for (size_t k = 0; k < states; k++) set(x + k * n + at, &y[k], n - at);
  }
}

KK_CLONES void kk_feedback_run(const kk_feedback_circuit *f, size_t n, size_t refreshes, size_t inner, int noisy,
                               const float *p1, const float *p2, const float *a, const float *b, const float *c,
                               uint64_t key, uint64_t block, float *x) {
  if (f->network.states == 2 && f->network.hidden == 14) {
    if (!noisy) return run_of(f, 2, 14, n, refreshes, inner, 0, p1, p2, a, b, c, key, block, x);
    return run_of(f, 2, 14, n, refreshes, inner, 1, p1, p2, a, b, c, key, block, x);
  }
  run_of(f, f->network.states, f->network.hidden, n, refreshes, inner, noisy, p1, p2, a, b, c, key, block, x);
}
