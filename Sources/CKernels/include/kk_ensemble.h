#ifndef KK_ENSEMBLE_H
#define KK_ENSEMBLE_H

#include <stddef.h>

/// Two functions of a symmetric matrix times a vector, by Chebyshev series of one recursion: p[i] += sum a[k] T_k(M) x,
/// q[i] += sum b[k] T_k(M) x with M = (matrix - centre I) / radius. The matrix is [n, stride], n at most 256, stride a multiple of
/// 8 and at least n, zeros past n; x, p and q have stride numbers.
void kk_chebyshev_f64(size_t n, size_t stride, const double *matrix, double centre, double radius, size_t terms,
                      const double *a, const double *b, const double *x, double *p, double *q);

#endif
