#ifndef KK_NORMALISE_H
#define KK_NORMALISE_H

#include <stddef.h>
#include <stdint.h>

#define KK_DECLARE_NORMALISE(REAL, T)                                                                                  \
  /** For x[rows, columns]: mean[c] and moment[c] = sum of squared distances from it. */                               \
  void kk_column_moments_##T(size_t rows, size_t columns, const REAL *x, REAL *mean, REAL *moment);                    \
  /** y[i] = x[i] * scale[c] + shift[c] (+ residual[i]), c = i mod period, then max(0, .) where `relu`. */             \
  void kk_affine_##T(int relu, size_t n, size_t period, const REAL *scale, const REAL *shift, const REAL *x,           \
                     const REAL *residual, REAL *y);                                                                   \
  /** sum[c] of g and dot[c] of g * (x - mean[c]) over rows; g counts only where y > 0 when y is given. */             \
  void kk_column_gradient_sums_##T(size_t rows, size_t columns, const REAL *g, const REAL *x, const REAL *y,           \
                                   const REAL *mean, REAL *sum, REAL *dot);                                            \
  /** d[i] = a[c] * g[i] + b[c] * x[i] + k[c], c = i mod period; g as above, which goes to masked if not null. */      \
  void kk_affine_gradient_##T(size_t n, size_t period, const REAL *a, const REAL *b, const REAL *k, const REAL *g,     \
                              const REAL *x, const REAL *y, REAL *d, REAL *masked);                                    \
  /** Each row to zero mean and unit variance: y = (x - mean) * inverse; inverse[r] = 1 / sqrt(variance + epsilon). */ \
  void kk_row_normalise_##T(size_t rows, size_t columns, REAL epsilon, const REAL *x, REAL *y, REAL *inverse);         \
  /** Its gradient, from its output y. */                                                                              \
  void kk_row_normalise_gradient_##T(size_t rows, size_t columns, const REAL *g, const REAL *y, const REAL *inverse, REAL *d); \
  /** p -= rate * v, v = momentum * v + (g + decay * p); Nesterov's form where asked. */                               \
  void kk_sgd_##T(size_t n, REAL rate, REAL momentum, REAL decay, int nesterov, const REAL *g, REAL *p, REAL *v);      \
  /** Adam (Kingma & Ba 2015); `decoupled` decay is AdamW (Loshchilov & Hutter 2019). c1, c2 = 1 - beta^t. */          \
  void kk_adam_##T(size_t n, REAL rate, REAL beta1, REAL beta2, REAL epsilon, REAL decay, int decoupled, REAL c1, REAL c2, \
                   const REAL *g, REAL *p, REAL *m, REAL *v);

KK_DECLARE_NORMALISE(float, f32)
KK_DECLARE_NORMALISE(double, f64)

#endif
