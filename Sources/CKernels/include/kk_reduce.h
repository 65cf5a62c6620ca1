#ifndef KK_REDUCE_H
#define KK_REDUCE_H

#include <stddef.h>
#include <stdint.h>

/// Ways to reduce. The order is shared with `Reduction` in Swift.
enum { KK_SUM, KK_PRODUCT, KK_MAXIMUM_OF, KK_MINIMUM_OF };

#define KK_DECLARE_REDUCE(REAL, T)                                                                                     \
  /** y[o, j] = reduction over i of x[o, i, j]; sums are made in blocks, so that their error grows slowly. */           \
  void kk_reduce_##T(int reduction, size_t outer, size_t n, size_t inner, const REAL *x, REAL *y);                     \
  /** index[o, j] = first i at which x[o, i, j] is largest (or smallest); NaN counts as the extreme. */                \
  void kk_argument_##T(int largest, size_t outer, size_t n, size_t inner, const REAL *x, int32_t *index);              \
  /** y[o, i, j] = x[o, 0, j] + ... + x[o, i, j]; from the end where `reversed`. */                                    \
  void kk_cumulative_sum_##T(int reversed, size_t outer, size_t n, size_t inner, const REAL *x, REAL *y);              \
  /** Softmax over i of x[o, i, j], or its logarithm. */                                                               \
  void kk_softmax_##T(int logarithm, size_t outer, size_t n, size_t inner, const REAL *x, REAL *y);                    \
  /** Gradient of the above from its output y. */                                                                      \
  void kk_softmax_gradient_##T(int logarithm, size_t outer, size_t n, size_t inner, const REAL *g, const REAL *y, REAL *d); \
  /** Sum of x[i] * y[i]. */                                                                                           \
  double kk_dot_##T(size_t n, const REAL *x, const REAL *y);                                                           \
  /** 1 where every number is finite. */                                                                               \
  int kk_all_finite_##T(size_t n, const REAL *x);

KK_DECLARE_REDUCE(float, f32)
KK_DECLARE_REDUCE(double, f64)

#endif
