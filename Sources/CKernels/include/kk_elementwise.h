#ifndef KK_ELEMENTWISE_H
#define KK_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

/// Functions of one variable. The order is shared with `UnaryFunction` in Swift.
enum {
  KK_NEGATE, KK_ABS, KK_SQUARE, KK_SQRT, KK_RSQRT, KK_RECIPROCAL, KK_EXP, KK_LOG, KK_LOG1P, KK_EXPM1,
  KK_SIN, KK_COS, KK_TAN, KK_ASIN, KK_ACOS, KK_ATAN, KK_SINH, KK_COSH, KK_TANH, KK_ERF,
  KK_SIGMOID, KK_RELU, KK_SOFTPLUS, KK_SILU, KK_GELU, KK_GELU_TANH, KK_MISH, KK_HARD_SIGMOID, KK_HARD_SWISH, KK_SOFTSIGN,
  KK_ROUND, KK_FLOOR, KK_CEIL, KK_SIGN, KK_LEAKY_RELU, KK_ELU, KK_SELU, KK_POWER, KK_STEP
};

/// Functions of two variables; comparisons give 1 or 0. The order is shared with `BinaryFunction` in Swift.
enum {
  KK_ADD, KK_SUBTRACT, KK_MULTIPLY, KK_DIVIDE, KK_MAXIMUM, KK_MINIMUM, KK_POW, KK_ATAN2,
  KK_LESS, KK_LESS_EQUAL, KK_GREATER, KK_GREATER_EQUAL, KK_EQUAL, KK_NOT_EQUAL
};

#define KK_DECLARE_ELEMENTWISE(REAL, T)                                                                                \
  /** y[i] = function(x[i]); n numbers, y may be x. `parameter` is the slope, exponent or threshold where one is needed. */ \
  void kk_unary_##T(int function, size_t n, REAL parameter, const REAL *x, REAL *y);                                   \
  /** d[i] = g[i] * function'(x[i]), with y[i] = function(x[i]) at hand; d may be g. */                                 \
  void kk_unary_gradient_##T(int function, size_t n, REAL parameter, const REAL *g, const REAL *x, const REAL *y, REAL *d); \
  /** y[i] = function(a[i * sa], b[i * sb]) with strides 0 or 1. */                                                    \
  void kk_binary_##T(int function, size_t n, const REAL *a, size_t sa, const REAL *b, size_t sb, REAL *y);             \
  /** y[i] += alpha * x[i]. */                                                                                         \
  void kk_axpy_##T(size_t n, REAL alpha, const REAL *x, REAL *y);                                                      \
  /** y[i] = alpha * x[i] + beta. */                                                                                   \
  void kk_scale_shift_##T(size_t n, REAL alpha, REAL beta, const REAL *x, REAL *y);                                    \
  /** y[i] = min(max(x[i], lower), upper). */                                                                          \
  void kk_clamp_##T(size_t n, REAL lower, REAL upper, const REAL *x, REAL *y);                                         \
  /** d[i] = lower <= x[i] <= upper ? g[i] : 0. */                                                                     \
  void kk_clamp_gradient_##T(size_t n, REAL lower, REAL upper, const REAL *g, const REAL *x, REAL *d);                 \
  /** y[i] = condition[i] != 0 ? a[i] : b[i]. */                                                                       \
  void kk_select_##T(size_t n, const REAL *condition, const REAL *a, const REAL *b, REAL *y);                          \
  /** Surrogate gradient of a spike, d[i] = g[i] * s(x[i]): 0 fast sigmoid 1/(1+k|x|)^2, 1 arctangent, 2 triangle. */   \
  void kk_surrogate_##T(int shape, size_t n, REAL steepness, const REAL *g, const REAL *x, REAL *d);                   \
  /** y[r, c] = activation(x[r, c] + bias[c]); bias may be null; y may be x. */                                        \
  void kk_bias_activation_##T(int function, size_t rows, size_t columns, const REAL *bias, const REAL *x, REAL *y);    \
  void kk_fill_##T(size_t n, REAL value, REAL *y);

KK_DECLARE_ELEMENTWISE(float, f32)
KK_DECLARE_ELEMENTWISE(double, f64)

/// Number types change: round towards zero into int32, saturating is the caller's business.
void kk_convert_f32_f64(size_t n, const float *x, double *y);
void kk_convert_f64_f32(size_t n, const double *x, float *y);
void kk_convert_i32_f32(size_t n, const int32_t *x, float *y);
void kk_convert_i32_f64(size_t n, const int32_t *x, double *y);

#endif
