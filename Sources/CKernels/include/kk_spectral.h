#ifndef KK_SPECTRAL_H
#define KK_SPECTRAL_H

#include <stddef.h>

// Steps of pseudo-spectral solvers. Spectra are n numbers, real and imaginary parts in turn; weights have one number for each
// of them, so that a complex number's weight stands twice.

/// y[i] = a[i] p[i] + b[i] q[i].
void kk_weigh2_f64(size_t n, const double *a, const double *p, const double *b, const double *q, double *y);
/// y[i] = a[i] p[i] + b[i] (2 q[i] - r[i]).
void kk_weigh3_f64(size_t n, const double *a, const double *p, const double *b, const double *q, const double *r,
                   double *y);
/// y[i] = a[i] y[i] + b[i] p[i] + c[i] (q[i] + r[i]) + d[i] s[i].
void kk_weigh5_f64(size_t n, const double *a, const double *b, const double *p, const double *c, const double *q,
                   const double *r, const double *d, const double *s, double *y);
/// y[i] = x[i]^2.
void kk_square_f64(size_t n, const double *x, double *y);
/// y = i w x for n/2 complex numbers; w real, one number each.
void kk_times_imaginary_f64(size_t n, const double *w, const double *x, double *y);
/// Each of n pairs (u, v) becomes (u v, v^2 - u^2).
void kk_stress_f64(size_t n, double *pairs);
/// Half spectra of two real rows, [rows, half] complex, as the spectrum of u + i v, [rows, n] complex; what lies between
/// `half` and n - half is left alone.
void kk_join_halves_f64(size_t rows, size_t n, size_t half, const double *u, const double *v, double *w);
/// The opposite.
void kk_split_halves_f64(size_t rows, size_t n, size_t half, const double *w, double *u, double *v);
/// y[i] = a[i] y[i] + p[i].
void kk_scale_plus_f64(size_t n, const double *a, const double *p, double *y);

#endif
