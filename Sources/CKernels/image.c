#include "kk_image.h"

#include "clones.h"

#pragma STDC FP_CONTRACT OFF

#define REAL float
#define INT int32_t
#define F(name) name##_f32
#include "image.inc"
#undef REAL
#undef INT
#undef F

#define REAL double
#define INT int64_t
#define F(name) name##_f64
#include "image.inc"
