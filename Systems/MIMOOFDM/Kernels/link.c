#include "kk_link.h"

#include <string.h>

#include "clones.h"

// These are products, as in BLAS: a multiply and an add may be one instruction where the machine has it.
#pragma STDC FP_CONTRACT ON

#define LANES 16
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float V __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t I __attribute__((vector_size(4 * LANES), aligned(4)));
typedef uint32_t U __attribute__((vector_size(4 * LANES), aligned(4)));

size_t kk_least_squares_scratch(size_t columns) { return LANES * (4 * columns * columns + 3 * columns); }

// Lanes past the end are 0; what they compute is not stored.
KK_INLINE void get(V *v, const float *p, size_t lanes) {
  if (lanes >= LANES) *v = *(const V *)p;
  else {
    *v = (V){};
    memcpy(v, p, 4 * lanes);
  }
}

KK_INLINE void put(float *p, const V *v, size_t lanes) {
  if (lanes >= LANES) *(V *)p = *v;
  else memcpy(p, v, 4 * lanes);
}

// LDL^H of the Gram matrix: L below the diagonal of a, pivots' reciprocals in d, L^-1 in m, right-hand side in z.
KK_INLINE void least_squares(size_t rows, size_t n, size_t systems, size_t at, float ridge, const float *h,
                             const float *y, float *x, float *g, V *are, V *aim, V *mre, V *mim, V *d, V *zre, V *zim) {
  const size_t lanes = systems - at, plane = 2 * systems;
  UNROLL for (size_t i = 0; i < n; i++) {
    V sre = {}, sim = {};
    UNROLL for (size_t r = 0; r < rows; r++) {
      V a, b, c, e;
      get(&a, h + (r * n + i) * plane + at, lanes);
      get(&b, h + (r * n + i) * plane + systems + at, lanes);
      get(&c, y + r * plane + at, lanes);
      get(&e, y + r * plane + systems + at, lanes);
      sre += a * c + b * e;
      sim += a * e - b * c;
    }
    zre[i] = sre;
    zim[i] = sim;
    UNROLL for (size_t j = 0; j <= i; j++) {
      V gre = {}, gim = {};
      UNROLL for (size_t r = 0; r < rows; r++) {
        V a, b, c, e;
        get(&a, h + (r * n + i) * plane + at, lanes);
        get(&b, h + (r * n + i) * plane + systems + at, lanes);
        get(&c, h + (r * n + j) * plane + at, lanes);
        get(&e, h + (r * n + j) * plane + systems + at, lanes);
        gre += a * c + b * e;
        gim += a * e - b * c;
      }
      if (i == j) gre += ridge;
      are[i * n + j] = gre;
      aim[i * n + j] = gim;
    }
  }
  UNROLL for (size_t j = 0; j < n; j++) {
    V pivot = are[j * n + j];
    V lre[64], lim[64];  // row j of L times its pivots
    UNROLL for (size_t k = 0; k < j; k++) {
      V p = are[k * n + k];
      lre[k] = are[j * n + k] * p;
      lim[k] = aim[j * n + k] * p;
      pivot -= are[j * n + k] * lre[k] + aim[j * n + k] * lim[k];
    }
    are[j * n + j] = pivot;
    d[j] = 1.0f / pivot;
    UNROLL for (size_t i = j + 1; i < n; i++) {
      V sre = are[i * n + j], sim = aim[i * n + j];
      UNROLL for (size_t k = 0; k < j; k++) {
        sre -= are[i * n + k] * lre[k] + aim[i * n + k] * lim[k];
        sim -= aim[i * n + k] * lre[k] - are[i * n + k] * lim[k];
      }
      are[i * n + j] = sre * d[j];
      aim[i * n + j] = sim * d[j];
    }
  }
  UNROLL for (size_t j = 0; j < n; j++) {
    UNROLL for (size_t i = j + 1; i < n; i++) {
      V sre = -are[i * n + j], sim = -aim[i * n + j];
      UNROLL for (size_t k = j + 1; k < i; k++) {
        sre -= are[i * n + k] * mre[k * n + j] - aim[i * n + k] * mim[k * n + j];
        sim -= are[i * n + k] * mim[k * n + j] + aim[i * n + k] * mre[k * n + j];
      }
      mre[i * n + j] = sre;
      mim[i * n + j] = sim;
    }
  }
  // D^-1 L^-1 z, from below so that z can be overwritten.
  UNROLL for (size_t q = 0; q < n; q++) {
    size_t i = n - 1 - q;
    V sre = zre[i], sim = zim[i];
    UNROLL for (size_t k = 0; k < i; k++) {
      sre += mre[i * n + k] * zre[k] - mim[i * n + k] * zim[k];
      sim += mre[i * n + k] * zim[k] + mim[i * n + k] * zre[k];
    }
    zre[i] = sre * d[i];
    zim[i] = sim * d[i];
  }
  UNROLL for (size_t j = 0; j < n; j++) {
    V sre = zre[j], sim = zim[j], s = d[j];
    UNROLL for (size_t i = j + 1; i < n; i++) {
      V a = mre[i * n + j], b = mim[i * n + j];
      sre += a * zre[i] + b * zim[i];
      sim += a * zim[i] - b * zre[i];
      s += (a * a + b * b) * d[i];
    }
    put(x + j * plane + at, &sre, lanes);
    put(x + j * plane + systems + at, &sim, lanes);
    put(g + j * systems + at, &s, lanes);
  }
}

// Sizes known to the compiler keep everything in registers and the first level of cache.
#define FIXED(R, N)                                                                                                  \
  if (rows == R && columns == N) {                                                                                   \
    V are[N * N], aim[N * N], mre[N * N], mim[N * N], d[N], zre[N], zim[N];                                          \
    for (size_t at = 0; at < n; at += LANES)                                                                         \
      least_squares(R, N, n, at, ridge, h, y, x, g, are, aim, mre, mim, d, zre, zim);                                \
    return;                                                                                                          \
  }

KK_CLONES void kk_least_squares_f32(size_t rows, size_t columns, size_t n, float ridge, const float *h, const float *y,
                                    float *x, float *g, float *scratch) {
  FIXED(1, 1)
  FIXED(2, 2)
  FIXED(4, 4)
  FIXED(8, 4)
  V *s = (V *)scratch;
  const size_t square = columns * columns;
  for (size_t at = 0; at < n; at += LANES)
    least_squares(rows, columns, n, at, ridge, h, y, x, g, s, s + square, s + 2 * square, s + 3 * square,
                  s + 4 * square, s + 4 * square + columns, s + 4 * square + 2 * columns);
}

KK_CLONES void kk_apply_channel_f32(size_t rows, size_t columns, size_t n, const float *h, const float *x, float *y) {
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i += LANES) {
      V re, im;
      get(&re, y + r * 2 * n + i, n - i);
      get(&im, y + r * 2 * n + n + i, n - i);
      for (size_t t = 0; t < columns; t++) {
        const float *p = h + (r * columns + t) * 2 * n + i, *q = x + t * 2 * n + i;
        V a, b, c, d;
        get(&a, p, n - i);
        get(&b, p + n, n - i);
        get(&c, q, n - i);
        get(&d, q + n, n - i);
        re += a * c - b * d;
        im += a * d + b * c;
      }
      put(y + r * 2 * n + i, &re, n - i);
      put(y + r * 2 * n + n + i, &im, n - i);
    }
}

KK_INLINE void amplitude(const U *label, int bits, float half, V *result) {
  U level = *label & ((1u << bits) - 1);
  level ^= level >> 1;
  level ^= level >> 2;
  *result = __builtin_convertvector((I)(2 * level) - ((1 << bits) - 1), V) * half;
}

KK_CLONES void kk_map_f32(size_t n, int bits, int quadrature, float half, const uint32_t *words, float *x) {
  for (size_t i = 0; i < n; i += LANES) {
    V word, re, im = {};
    get(&word, (const float *)words + i, n - i);
    U low = (U)word, high = low >> bits;
    amplitude(&low, bits, half, &re);
    if (quadrature) amplitude(&high, bits, half, &im);
    put(x + i, &re, n - i);
    put(x + n + i, &im, n - i);
  }
}

KK_INLINE void label(const V *x, int bits, float scale, U *result) {
  const float top = (float)((1 << bits) - 1);
  V level = *x * scale + (0.5f * top + 0.5f);
  // Comparisons with what is not a number are false, which leaves level 0.
  I above = level > 0.0f;
  level = (V)((I)level & above);
  I over = level > top;
  level = (V)(((I)level & ~over) | ((I)((V){} + top) & over));
  U l = (U)__builtin_convertvector(level, I);
  *result = l ^ (l >> 1);
}

KK_CLONES size_t kk_count_errors_f32(size_t n, int bits, int quadrature, float half, const uint32_t *words,
                                     const float *x, uint8_t *wrong) {
  const float scale = 0.5f / half;
  const uint32_t mask = (1u << bits) - 1;
  size_t total = 0;
  for (size_t i = 0; i < n; i += LANES) {
    const size_t lanes = n - i < LANES ? n - i : LANES;
    V word, re, im;
    U a, b = {};
    get(&word, (const float *)words + i, n - i);
    get(&re, x + i, n - i);
    get(&im, x + n + i, n - i);
    label(&re, bits, scale, &a);
    a = (a ^ (U)word) & mask;
    if (quadrature) {
      label(&im, bits, scale, &b);
      b = (b ^ ((U)word >> bits)) & mask;
    }
    U bad = a | (b << 4);
    bad -= (bad >> 1) & 0x55;
    bad = (bad & 0x33) + ((bad >> 2) & 0x33);
    bad = (bad + (bad >> 4)) & 0x0f;
    for (size_t k = 0; k < lanes; k++) total += bad[k];
    if (wrong)
      for (size_t k = 0; k < lanes; k++) wrong[i + k] = (uint8_t)bad[k];
  }
  return total;
}

KK_CLONES double kk_squared_distance_f32(size_t n, const float *x, const float *y) {
  double total = 0;
  for (size_t start = 0; start < n; start += 4096) {
    const size_t end = n - start < 4096 ? n : start + 4096;
    V sum = {};
    for (size_t i = start; i < end; i += LANES) {
      V a, b;
      get(&a, x + i, end - i);
      get(&b, y + i, end - i);
      sum += (a - b) * (a - b);
    }
    for (int k = 0; k < LANES; k++) total += sum[k];
  }
  return total;
}
