// Elementary functions that vectorise: no libm, no branches, no tables.
// Polynomials are those of the Cephes library (S. L. Moshier), public domain.
#ifndef KK_MATHFUNCTIONS_H
#define KK_MATHFUNCTIONS_H

#include <math.h>
#include <string.h>

#include "clones.h"

KK_INLINE float kk_bits_f32(int32_t i) { float f; memcpy(&f, &i, 4); return f; }
KK_INLINE int32_t kk_int_f32(float f) { int32_t i; memcpy(&i, &f, 4); return i; }
KK_INLINE double kk_bits_f64(int64_t i) { double f; memcpy(&f, &i, 8); return f; }

/// exp(x), 1.2 ulp; 0 below -103.3 (no denormals under -87.3), infinity above 88.72.
KK_INLINE float kk_exp_f32(float x) {
  float c = x > 88.722839f ? 88.722839f : x;
  c = c < -87.336544f ? -87.336544f : c;
  float n = (c * 1.44269504f + 12582912.0f) - 12582912.0f;
  float r = c - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  // 2^n in two factors, so that n = 128 does not overflow on the way
  int32_t i = (int32_t)n, half = i >> 1;
  float y = p * kk_bits_f32((half + 127) << 23) * kk_bits_f32((i - half + 127) << 23);
  y = x > 88.722839f ? INFINITY : y;
  y = x < -87.336544f ? 0.0f : y;
  return x != x ? x : y;
}

/// exp(x), 1.5 ulp; 0 below -708.39, infinity above 709.78.
KK_INLINE double kk_exp_f64(double x) {
  double c = x > 709.782712893384 ? 709.782712893384 : x;
  c = c < -708.39641853226408 ? -708.39641853226408 : c;
  double shifted = c * 1.4426950408889634074 + 6755399441055744.0;
  double n = shifted - 6755399441055744.0;
  double r = c - n * 6.93145751953125e-1;
  r = r - n * 1.42860682030941723212e-6;
  double q = r * r;
  double a = r * ((1.26177193074810590878e-4 * q + 3.02994407707441961300e-2) * q + 9.99999999999999999910e-1);
  double b = ((3.00198505138664455042e-6 * q + 2.52448340349684104192e-3) * q + 2.27265548208155028766e-1) * q + 2.0;
  double p = 1.0 + 2.0 * (a / (b - a));
  int64_t bits;
  memcpy(&bits, &shifted, 8);
  int64_t i = (int64_t)(int32_t)bits;  // the low half of the shifted number is n in two's complement
  int64_t half = i >> 1;
  double y = p * kk_bits_f64((int64_t)((uint64_t)(half + 1023) << 52)) * kk_bits_f64((int64_t)((uint64_t)(i - half + 1023) << 52));
  y = x > 709.782712893384 ? INFINITY : y;
  y = x < -708.39641853226408 ? 0.0 : y;
  return x != x ? x : y;
}

/// log(x), 1 ulp; -infinity at 0, NaN below 0.
KK_INLINE float kk_log_f32(float x) {
  float scale = x < 1.17549435e-38f ? 16777216.0f : 1.0f;
  int32_t i = kk_int_f32(x * scale);
  float e = (float)((i >> 23) - 126) - (x < 1.17549435e-38f ? 24.0f : 0.0f);
  float m = kk_bits_f32((i & 0x007fffff) | 0x3f000000);
  float low = m < 0.707106781186547524f ? 1.0f : 0.0f;
  e = e - low;
  float f = m + low * m - 1.0f;
  float z = f * f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  float y = f * z * p;
  y = y + -2.12194440e-4f * e;
  y = y - 0.5f * z;
  y = f + y + 0.693359375f * e;
  y = x == 0.0f ? -INFINITY : y;
  y = x == INFINITY ? INFINITY : y;
  return x < 0.0f || x != x ? NAN : y;
}

/// tanh(x), 3 ulp: -t / (t + 2) with t = exp(-2|x|) - 1, made without cancellation as 2^n (exp(r) - 1) + (2^n - 1).
KK_INLINE float kk_tanh_f32(float x) {
  float a = x < 0 ? -x : x;
  float c = -2.0f * (a < 10.0f ? a : 10.0f);  // tanh is 1 beyond
  float shifted = c * 1.44269504f + 12582912.0f;
  float n = shifted - 12582912.0f;
  float r = c - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r;
  float scale = kk_bits_f32((int32_t)((uint32_t)(kk_int_f32(shifted) + 127) << 23));
  float t = scale * p + (scale - 1.0f);
  float y = -t / (t + 2.0f);
  y = x < 0 ? -y : y;
  return x != x ? x : y;
}

KK_INLINE double kk_tanh_f64(double x) {
  double a = x < 0 ? -x : x;
  double c = -2.0 * (a < 20.0 ? a : 20.0);
  double shifted = c * 1.4426950408889634074 + 6755399441055744.0;
  double n = shifted - 6755399441055744.0;
  double r = c - n * 6.93145751953125e-1;
  r = r - n * 1.42860682030941723212e-6;
  double q = r * r;
  double u = r * ((1.26177193074810590878e-4 * q + 3.02994407707441961300e-2) * q + 9.99999999999999999910e-1);
  double v = ((3.00198505138664455042e-6 * q + 2.52448340349684104192e-3) * q + 2.27265548208155028766e-1) * q + 2.0;
  double p = 2.0 * (u / (v - u));
  int64_t bits;
  memcpy(&bits, &shifted, 8);
  double scale = kk_bits_f64((int64_t)((uint64_t)((int64_t)(int32_t)bits + 1023) << 52));
  double t = scale * p + (scale - 1.0);
  double y = -t / (t + 2.0);
  y = x < 0 ? -y : y;
  return x != x ? x : y;
}

KK_INLINE float kk_sigmoid_f32(float x) { return 1.0f / (1.0f + kk_exp_f32(-x)); }
KK_INLINE double kk_sigmoid_f64(double x) { return 1.0 / (1.0 + kk_exp_f64(-x)); }
KK_INLINE double kk_log_f64(double x) { return log(x); }

#endif
