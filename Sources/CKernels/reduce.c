#include "kk_reduce.h"

#include <math.h>

#include "clones.h"
#include "mathfunctions.h"

#pragma STDC FP_CONTRACT OFF

#define REAL float
#define F(name) name##_f32
#define M(name) name##f
#include "reduce.inc"
#undef REAL
#undef F
#undef M

#define REAL double
#define F(name) name##_f64
#define M(name) name
#include "reduce.inc"
