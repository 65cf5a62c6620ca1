#include "kk_ensemble.h"

#include <string.h>

#include "clones.h"

// These are products, as in BLAS: a multiply and an add may be one instruction where the machine has it.
#pragma STDC FP_CONTRACT ON

#define LANES 8
#define MOST 256
typedef double V __attribute__((vector_size(8 * LANES), aligned(8)));

// y = (matrix x - centre x) * scale - z; the matrix is symmetric, so its rows are its columns.
KK_INLINE void advance(size_t n, size_t blocks, const double *matrix, double centre, double scale, const V *x,
                       const V *z, V *y) {
  const double *numbers = (const double *)x;
  V sum[MOST / LANES];
  for (size_t k = 0; k < blocks; k++) sum[k] = -centre * x[k];
  for (size_t j = 0; j < n; j++) {
    const double f = numbers[j];
    const V *row = (const V *)(matrix + j * blocks * LANES);
    for (size_t k = 0; k < blocks; k++) sum[k] += f * row[k];
  }
  for (size_t k = 0; k < blocks; k++) y[k] = scale * sum[k] - (z ? z[k] : (V){});
}

KK_INLINE void series(size_t n, size_t blocks, const double *matrix, double centre, double radius, size_t terms,
                      const double *a, const double *b, const double *x, double *p, double *q) {
  V t[3][MOST / LANES];
  V *before = t[0], *now = t[1], *next = t[2], *ps = (V *)p, *qs = (V *)q;
  memcpy(before, x, 8 * LANES * blocks);
  advance(n, blocks, matrix, centre, 1 / radius, before, NULL, now);
  for (size_t k = 0; k < blocks; k++) {
    ps[k] += a[0] * before[k];
    qs[k] += b[0] * before[k];
  }
  for (size_t i = 1; i < terms; i++) {
    for (size_t k = 0; k < blocks; k++) {
      ps[k] += a[i] * now[k];
      qs[k] += b[i] * now[k];
    }
    if (i + 1 == terms) break;
    advance(n, blocks, matrix, centre, 2 / radius, now, before, next);
    V *old = before;
    before = now;
    now = next;
    next = old;
  }
}

KK_CLONES void kk_chebyshev_f64(size_t n, size_t stride, const double *matrix, double centre, double radius,
                                size_t terms, const double *a, const double *b, const double *x, double *p, double *q) {
  if (stride == 16) return series(n, 2, matrix, centre, radius, terms, a, b, x, p, q);
  series(n, stride / LANES, matrix, centre, radius, terms, a, b, x, p, q);
}
