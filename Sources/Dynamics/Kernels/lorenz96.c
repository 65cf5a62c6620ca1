#include "kk_lorenz96.h"

#include <string.h>

#include "clones.h"

// These are products, as in BLAS: a multiply and an add may be one instruction where the machine has it.
#pragma STDC FP_CONTRACT ON

#define LANES 8
typedef double V __attribute__((vector_size(8 * LANES), aligned(8)));

// x has its last two variables before the first and the first behind the last.
KK_INLINE void slope(size_t n, double forcing, const V *x, V *k) {
  for (size_t i = 0; i < n; i++) k[i] = (x[i + 3] - x[i]) * x[i + 1] - x[i + 2] + forcing;
}

KK_INLINE void wrap(size_t n, V *x) {
  x[0] = x[n];
  x[1] = x[n + 1];
  x[n + 2] = x[2];
}

KK_CLONES void kk_lorenz96_f64(size_t variables, size_t members, double forcing, double step, size_t steps, double *x,
                               double *scratch) {
  const size_t n = variables;
  V *state = (V *)scratch, *stage = state + n + 3, *k = stage + n + 3, *next = k + n;
  for (size_t first = 0; first < members; first += LANES) {
    const size_t count = members - first < LANES ? members - first : LANES;
    for (size_t i = 0; i < n; i++) {
      state[i + 2] = (V){};
      memcpy(&state[i + 2], x + i * members + first, 8 * count);
    }
    for (size_t s = 0; s < steps; s++) {
      wrap(n, state);
      slope(n, forcing, state, k);
      for (size_t i = 0; i < n; i++) stage[i + 2] = state[i + 2] + step / 2 * k[i];
      for (size_t i = 0; i < n; i++) next[i] = state[i + 2] + step / 6 * k[i];
      wrap(n, stage);
      slope(n, forcing, stage, k);
      for (size_t i = 0; i < n; i++) {
        next[i] += step / 3 * k[i];
        stage[i + 2] = state[i + 2] + step / 2 * k[i];
      }
      wrap(n, stage);
      slope(n, forcing, stage, k);
      for (size_t i = 0; i < n; i++) {
        next[i] += step / 3 * k[i];
        stage[i + 2] = state[i + 2] + step * k[i];
      }
      wrap(n, stage);
      slope(n, forcing, stage, k);
      for (size_t i = 0; i < n; i++) state[i + 2] = next[i] + step / 6 * k[i];
    }
    for (size_t i = 0; i < n; i++) memcpy(x + i * members + first, &state[i + 2], 8 * count);
  }
}
