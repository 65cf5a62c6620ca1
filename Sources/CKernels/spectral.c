#include "kk_spectral.h"

#include <string.h>

#include "clones.h"

// These are products, as in BLAS: a multiply and an add may be one instruction where the machine has it.
#pragma STDC FP_CONTRACT ON

KK_CLONES void kk_weigh2_f64(size_t n, const double *a, const double *p, const double *b, const double *q, double *y) {
  KK_VECTOR for (size_t i = 0; i < n; i++) y[i] = a[i] * p[i] + b[i] * q[i];
}

KK_CLONES void kk_weigh3_f64(size_t n, const double *a, const double *p, const double *b, const double *q,
                             const double *r, double *y) {
  KK_VECTOR for (size_t i = 0; i < n; i++) y[i] = a[i] * p[i] + b[i] * (2 * q[i] - r[i]);
}

KK_CLONES void kk_weigh5_f64(size_t n, const double *a, const double *b, const double *p, const double *c,
                             const double *q, const double *r, const double *d, const double *s, double *y) {
  KK_VECTOR for (size_t i = 0; i < n; i++) y[i] = a[i] * y[i] + b[i] * p[i] + c[i] * (q[i] + r[i]) + d[i] * s[i];
}

KK_CLONES void kk_square_f64(size_t n, const double *x, double *y) {
  KK_VECTOR for (size_t i = 0; i < n; i++) y[i] = x[i] * x[i];
}

KK_CLONES void kk_times_imaginary_f64(size_t n, const double *w, const double *x, double *y) {
  KK_VECTOR for (size_t i = 0; i < n / 2; i++) {
    double re = x[2 * i], im = x[2 * i + 1];
    y[2 * i] = -w[i] * im;
    y[2 * i + 1] = w[i] * re;
  }
}

typedef double Pair __attribute__((vector_size(16), aligned(8)));

KK_CLONES void kk_stress_f64(size_t n, double *pairs) {
  KK_VECTOR for (size_t i = 0; i < n; i++) {
    double u = pairs[2 * i], v = pairs[2 * i + 1];
    pairs[2 * i] = u * v;
    pairs[2 * i + 1] = v * v - u * u;
  }
}

// i times a complex number.
KK_INLINE Pair turned(Pair z) { return __builtin_shufflevector(z, z, 1, 0) * (Pair){-1, 1}; }
KK_INLINE Pair conjugate(Pair z) { return z * (Pair){1, -1}; }

KK_CLONES void kk_join_halves_f64(size_t rows, size_t n, size_t half, const double *u, const double *v, double *w) {
  for (size_t r = 0; r < rows; r++) {
    const Pair *a = (const Pair *)u + r * half, *b = (const Pair *)v + r * half;
    Pair *c = (Pair *)w + r * n;
    c[0] = a[0] + turned(b[0]);
    for (size_t k = 1; k < half; k++) {
      Pair t = turned(b[k]);
      c[k] = a[k] + t;
      c[n - k] = conjugate(a[k] - t);
    }
  }
}

KK_CLONES void kk_split_halves_f64(size_t rows, size_t n, size_t half, const double *w, double *u, double *v) {
  for (size_t r = 0; r < rows; r++) {
    const Pair *c = (const Pair *)w + r * n;
    Pair *a = (Pair *)u + r * half, *b = (Pair *)v + r * half;
    for (size_t k = 0; k < half; k++) {
      Pair here = 0.5 * c[k], there = 0.5 * conjugate(c[k ? n - k : 0]);
      a[k] = here + there;
      b[k] = turned(there - here);
    }
  }
}

KK_CLONES void kk_scale_plus_f64(size_t n, const double *a, const double *p, double *y) {
  KK_VECTOR for (size_t i = 0; i < n; i++) y[i] = a[i] * y[i] + p[i];
}
