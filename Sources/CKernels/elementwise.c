#include "kk_elementwise.h"

#include <math.h>

#include "clones.h"
#include "mathfunctions.h"

// One result on every machine: a multiply and an add are never fused here.
#pragma STDC FP_CONTRACT OFF

#define REAL float
#define F(name) name##_f32
#define M(name) name##f
#include "elementwise.inc"
#undef REAL
#undef F
#undef M

#define REAL double
#define F(name) name##_f64
#define M(name) name
#include "elementwise.inc"

void kk_convert_f32_f64(size_t n, const float *x, double *y) {
  for (size_t i = 0; i < n; i++) y[i] = x[i];
}
void kk_convert_f64_f32(size_t n, const double *x, float *y) {
  for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
}
void kk_convert_i32_f32(size_t n, const int32_t *x, float *y) {
  for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
}
void kk_convert_i32_f64(size_t n, const int32_t *x, double *y) {
  for (size_t i = 0; i < n; i++) y[i] = x[i];
}
