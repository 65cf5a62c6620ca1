#include "kk_normalise.h"


#include "clones.h"

#pragma STDC FP_CONTRACT OFF

#define REAL float
#define F(name) name##_f32
#include "normalise.inc"
#undef REAL
#undef F

#define REAL double
#define F(name) name##_f64
#include "normalise.inc"
