#include "kk_index.h"

#include <string.h>

#include "clones.h"

#pragma STDC FP_CONTRACT OFF

#define KK_DEFINE_INDEX(WORD, T)                                                                                       \
  KK_CLONES void kk_transpose_##T(size_t rows, size_t columns, const WORD *restrict x, size_t ldx, WORD *restrict y, size_t ldy) { \
    for (size_t r = 0; r < rows; r += 16)                                                                              \
      for (size_t c = 0; c < columns; c += 16) {                                                                       \
        size_t rn = rows - r < 16 ? rows - r : 16, cn = columns - c < 16 ? columns - c : 16;                           \
        for (size_t j = 0; j < cn; j++)                                                                                \
          for (size_t i = 0; i < rn; i++) y[(c + j) * ldy + r + i] = x[(r + i) * ldx + c + j];                         \
      }                                                                                                                \
  }                                                                                                                    \
  void kk_copy_strided_##T(size_t n, const WORD *x, ptrdiff_t stride, WORD *y) {                                       \
    if (stride == 0)                                                                                                   \
      for (size_t i = 0; i < n; i++) y[i] = x[0];                                                                      \
    else                                                                                                               \
      for (size_t i = 0; i < n; i++) y[i] = x[(ptrdiff_t)i * stride];                                                  \
  }                                                                                                                    \
  void kk_select_rows_##T(size_t outer, size_t n, size_t inner, size_t rows, const int32_t *index, const WORD *x, WORD *y) { \
    for (size_t o = 0; o < outer; o++)                                                                                 \
      for (size_t i = 0; i < n; i++)                                                                                   \
        memcpy(y + (o * n + i) * inner, x + (o * rows + (size_t)index[i]) * inner, inner * sizeof(WORD));              \
  }                                                                                                                    \
  void kk_gather_##T(size_t outer, size_t n, size_t inner, size_t rows, const int32_t *index, const WORD *x, WORD *y) { \
    for (size_t o = 0; o < outer; o++)                                                                                 \
      for (size_t i = 0; i < n; i++)                                                                                   \
        for (size_t j = 0; j < inner; j++) {                                                                           \
          size_t at = (o * n + i) * inner + j;                                                                         \
          y[at] = x[(o * rows + (size_t)index[at]) * inner + j];                                                       \
        }                                                                                                              \
  }

KK_DEFINE_INDEX(uint32_t, w32)
KK_DEFINE_INDEX(uint64_t, w64)

#define KK_DEFINE_SCATTER(REAL, T)                                                                                     \
  KK_CLONES void kk_add_rows_##T(size_t outer, size_t n, size_t inner, size_t rows, const int32_t *index, const REAL *restrict x, REAL *restrict y) { \
    for (size_t o = 0; o < outer; o++)                                                                                 \
      for (size_t i = 0; i < n; i++) {                                                                                 \
        REAL *to = y + (o * rows + (size_t)index[i]) * inner;                                                          \
        const REAL *from = x + (o * n + i) * inner;                                                                    \
        for (size_t j = 0; j < inner; j++) to[j] += from[j];                                                           \
      }                                                                                                                \
  }                                                                                                                    \
  void kk_scatter_add_##T(size_t outer, size_t n, size_t inner, size_t rows, const int32_t *index, const REAL *x, REAL *y) { \
    for (size_t o = 0; o < outer; o++)                                                                                 \
      for (size_t i = 0; i < n; i++)                                                                                   \
        for (size_t j = 0; j < inner; j++) {                                                                           \
          size_t at = (o * n + i) * inner + j;                                                                         \
          y[(o * rows + (size_t)index[at]) * inner + j] += x[at];                                                      \
        }                                                                                                              \
  }                                                                                                                    \
  KK_CLONES void kk_csr_product_##T(size_t first, size_t last, size_t width, const int32_t *start, const int32_t *column, \
                                    const REAL *value, const REAL *restrict x, REAL *restrict y) {                     \
    for (size_t r = first; r < last; r++) {                                                                            \
      REAL *out = y + r * width;                                                                                       \
      if (width == 1) {                                                                                                \
        REAL total = 0;                                                                                                \
        for (int32_t k = start[r]; k < start[r + 1]; k++) total += value[k] * x[column[k]];                            \
        out[0] = total;                                                                                                \
        continue;                                                                                                      \
      }                                                                                                                \
      for (size_t j = 0; j < width; j++) out[j] = 0;                                                                   \
      for (int32_t k = start[r]; k < start[r + 1]; k++) {                                                              \
        const REAL v = value[k], *in = x + (size_t)column[k] * width;                                                  \
        for (size_t j = 0; j < width; j++) out[j] += v * in[j];                                                        \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  KK_CLONES void kk_csr_value_gradient_##T(size_t first, size_t last, size_t width, const int32_t *start, const int32_t *column, \
                                           const REAL *g, const REAL *x, REAL *d) {                                    \
    for (size_t r = first; r < last; r++)                                                                              \
      for (int32_t k = start[r]; k < start[r + 1]; k++) {                                                              \
        const REAL *a = g + r * width, *b = x + (size_t)column[k] * width;                                             \
        REAL total = 0;                                                                                                \
        for (size_t j = 0; j < width; j++) total += a[j] * b[j];                                                       \
        d[k] = total;                                                                                                  \
      }                                                                                                                \
  }                                                                                                                    \
  KK_CLONES void kk_complex_multiply_##T(int conjugate, size_t n, const REAL *a, const REAL *b, REAL *y) {             \
    const REAL s = conjugate ? -1 : 1;                                                                                 \
    KK_VECTOR for (size_t i = 0; i < n; i++) {                                                                         \
      REAL ar = a[2 * i], ai = a[2 * i + 1], br = b[2 * i], bi = s * b[2 * i + 1];                                     \
      y[2 * i] = ar * br - ai * bi;                                                                                    \
      y[2 * i + 1] = ar * bi + ai * br;                                                                                \
    }                                                                                                                  \
  }

KK_DEFINE_SCATTER(float, f32)
KK_DEFINE_SCATTER(double, f64)
