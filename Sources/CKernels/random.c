#include "kk_random.h"

#include <math.h>
#include <string.h>

#include "clones.h"
#include "mathfunctions.h"

#pragma STDC FP_CONTRACT OFF

#include "randomlanes.h"

KK_INLINE void put(void *y, const void *x, size_t offset, size_t n, size_t width) {
  if (offset + GROUP <= n) memcpy((char *)y + offset * width, x, GROUP * width);
  else memcpy((char *)y + offset * width, x, (n - offset) * width);
}

KK_CLONES void kk_random_words(uint64_t key, uint64_t block, size_t n, uint32_t *y) {
  for (size_t i = 0; i < n; i += GROUP) {
    word x[4];
    philox(key, block + i / 4, x);
    put(y, x, i, n, 4);
  }
}

KK_CLONES void kk_uniform_f32(uint64_t key, uint64_t block, size_t n, float lower, float upper, float *y) {
  const float width = upper - lower;
  for (size_t i = 0; i < n; i += GROUP) {
    word x[4];
    real u[4];
    philox(key, block + i / 4, x);
    for (int k = 0; k < 4; k++) {
      unit(&x[k], &u[k]);
      u[k] = u[k] * width + lower;
    }
    put(y, u, i, n, 4);
  }
}

KK_CLONES void kk_normal_f32(uint64_t key, uint64_t block, size_t n, float mean, float deviation, float *y) {
  for (size_t i = 0; i < n; i += GROUP) {
    word x[4];
    real z[4];
    philox(key, block + i / 4, x);
    box_muller(&x[0], &x[1], &z[0], &z[1]);
    box_muller(&x[2], &x[3], &z[2], &z[3]);
    for (int k = 0; k < 4; k++) z[k] = z[k] * deviation + mean;
    put(y, z, i, n, 4);
  }
}

KK_CLONES void kk_bernoulli_f32(uint64_t key, uint64_t block, size_t n, const float *p, float *y) {
  for (size_t i = 0; i < n; i += GROUP) {
    word x[4];
    float u[GROUP];
    philox(key, block + i / 4, x);
    for (int k = 0; k < 4; k++) {
      real v;
      unit(&x[k], &v);
      memcpy(u + k * LANES, &v, sizeof v);
    }
    if (i + GROUP <= n) {
      KK_VECTOR for (int j = 0; j < GROUP; j++) y[i + j] = u[j] < p[i + j] ? 1.0f : 0.0f;
    } else {
      for (size_t j = i; j < n; j++) y[j] = u[j - i] < p[j] ? 1.0f : 0.0f;
    }
  }
}

// Doubles take two words each, so a group of 16 blocks gives 32 of them.
KK_INLINE void unit_f64(uint64_t key, uint64_t block, double u[2 * LANES]) {
  word x[4];
  uint32_t w[GROUP];
  philox(key, block, x);
  memcpy(w, x, sizeof w);
  for (int j = 0; j < 2 * LANES; j++) {
    uint64_t bits = ((uint64_t)w[j] << 21) ^ (w[j + 2 * LANES] >> 11);
    u[j] = (double)(int64_t)(bits & 0x1fffffffffffff) * 0x1p-53;
  }
}

KK_CLONES void kk_uniform_f64(uint64_t key, uint64_t block, size_t n, double lower, double upper, double *y) {
  double u[2 * LANES];
  for (size_t i = 0; i < n; i += 2 * LANES) {
    unit_f64(key, block + i / 2, u);
    for (size_t j = 0; j < 2 * LANES && i + j < n; j++) y[i + j] = lower + (upper - lower) * u[j];
  }
}

KK_CLONES void kk_bernoulli_f64(uint64_t key, uint64_t block, size_t n, const double *p, double *y) {
  double u[2 * LANES];
  for (size_t i = 0; i < n; i += 2 * LANES) {
    unit_f64(key, block + i / 2, u);
    for (size_t j = 0; j < 2 * LANES && i + j < n; j++) y[i + j] = u[j] < p[i + j] ? 1.0 : 0.0;
  }
}

void kk_normal_f64(uint64_t key, uint64_t block, size_t n, double mean, double deviation, double *y) {
  double u[2 * LANES], z[2 * LANES];
  for (size_t i = 0; i < n; i += 2 * LANES) {
    unit_f64(key, block + i / 2, u);
    for (int j = 0; j < LANES; j++) {
      double r = sqrt(-2 * log1p(-u[j])), angle = 6.283185307179586477 * u[j + LANES];
      z[j] = r * cos(angle);
      z[j + LANES] = r * sin(angle);
    }
    for (size_t j = 0; j < 2 * LANES && i + j < n; j++) y[i + j] = mean + deviation * z[j];
  }
}
