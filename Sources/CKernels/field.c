#include "kk_field.h"

#include <string.h>

#include "clones.h"
#include "mathfunctions.h"

// These are products, as in BLAS: a multiply and an add may be one instruction where the machine has it.
#pragma STDC FP_CONTRACT ON

/// States that a step keeps on its stack.
#define KK_FIELD_STATES 256

#define REAL float
#define LANES 16
#define F(name) name##_f32
#include "field.inc"
#undef REAL
#undef LANES
#undef F

#define REAL double
#define LANES 8
#define F(name) name##_f64
#include "field.inc"
