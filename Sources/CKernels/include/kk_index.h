#ifndef KK_INDEX_H
#define KK_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define KK_DECLARE_INDEX(WORD, T)                                                                                      \
  /** y[c * ldy + r] = x[r * ldx + c]: transpose of rows x columns words. */                                           \
  void kk_transpose_##T(size_t rows, size_t columns, const WORD *x, size_t ldx, WORD *y, size_t ldy);                  \
  /** y[i] = x[i * stride]. */                                                                                         \
  void kk_copy_strided_##T(size_t n, const WORD *x, ptrdiff_t stride, WORD *y);                                        \
  /** y[o, i, j] = x[o, index[i], j]; `rows` is the extent of x there, indices are valid. */                           \
  void kk_select_rows_##T(size_t outer, size_t n, size_t inner, size_t rows, const int32_t *index, const WORD *x, WORD *y); \
  /** y[o, i, j] = x[o, index[o, i, j], j]; `rows` is the extent of x there. */                                        \
  void kk_gather_##T(size_t outer, size_t n, size_t inner, size_t rows, const int32_t *index, const WORD *x, WORD *y);

KK_DECLARE_INDEX(uint32_t, w32)
KK_DECLARE_INDEX(uint64_t, w64)

#define KK_DECLARE_SCATTER(REAL, T)                                                                                    \
  /** y[o, index[i], j] += x[o, i, j]. */                                                                              \
  void kk_add_rows_##T(size_t outer, size_t n, size_t inner, size_t rows, const int32_t *index, const REAL *x, REAL *y); \
  /** y[o, index[o, i, j], j] += x[o, i, j]. */                                                                        \
  void kk_scatter_add_##T(size_t outer, size_t n, size_t inner, size_t rows, const int32_t *index, const REAL *x, REAL *y); \
  /** Compressed sparse rows times dense [columns of A, width], for rows first..<last. */                              \
  void kk_csr_product_##T(size_t first, size_t last, size_t width, const int32_t *start, const int32_t *column,        \
                          const REAL *value, const REAL *x, REAL *y);                                                  \
  /** d[k] = row(k) of g times row column[k] of x: gradient of the stored values. */                                   \
  void kk_csr_value_gradient_##T(size_t first, size_t last, size_t width, const int32_t *start, const int32_t *column, \
                                 const REAL *g, const REAL *x, REAL *d);                                               \
  /** Interleaved complex numbers: y = a * b, or a * conjugate(b). n pairs; y may be a. */                             \
  void kk_complex_multiply_##T(int conjugate, size_t n, const REAL *a, const REAL *b, REAL *y);

KK_DECLARE_SCATTER(float, f32)
KK_DECLARE_SCATTER(double, f64)

#endif
