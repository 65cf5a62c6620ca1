// Philox4x32-10 and Box-Muller for 16 lanes at a time. Include it with contraction off where bits have to be those of
// `kk_normal_f32`.
#ifndef KK_RANDOMLANES_H
#define KK_RANDOMLANES_H

#include "clones.h"

#define LANES 16
#define GROUP (4 * LANES)

typedef uint64_t wide __attribute__((vector_size(8 * LANES)));
typedef uint32_t word __attribute__((vector_size(4 * LANES)));
typedef int32_t integer __attribute__((vector_size(4 * LANES)));
typedef float real __attribute__((vector_size(4 * LANES)));

// Words live in the low halves of 64-bit lanes: the product of two of them is then one instruction (pmuludq).
KK_INLINE void philox(uint64_t key, uint64_t block, word x[4]) {
  const wide low = (wide){} + 0xffffffffu;
  wide c0 = (wide){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + block, c1 = c0 >> 32, c2 = {}, c3 = {};
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    wide p0 = (c0 & low) * 0xD2511F53u, p1 = (c2 & low) * 0xCD9E8D57u;
    c0 = (p1 >> 32) ^ c1 ^ k0;
    c1 = p1;
    c2 = (p0 >> 32) ^ c3 ^ k1;
    c3 = p0;
    c1 &= low;
    c3 &= low;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  x[0] = __builtin_convertvector(c0, word);
  x[1] = __builtin_convertvector(c1, word);
  x[2] = __builtin_convertvector(c2, word);
  x[3] = __builtin_convertvector(c3, word);
}

// Vectors go by pointer: passed by value they would tie the helper's calling convention to one instruction set.
KK_INLINE void unit(const word *x, real *u) {
  *u = __builtin_convertvector((integer)(*x >> 8), real) * 0x1p-24f + 0x1p-25f;
}

// -2 log(u) for u in (0, 1): the polynomial of kk_log_f32 without its special cases.
KK_INLINE void minus_two_log(const real *u, real *result) {
  integer i = (integer)*u;
  integer e = (i >> 23) - 126;
  real m = (real)((i & 0x007fffff) | 0x3f000000);
  integer low = m < 0.70710678f;  // all ones where true
  real ef = __builtin_convertvector(e + low, real);
  real f = m + (real)((integer)m & low) - 1.0f;
  real z = f * f;
  real p = f * 7.0376836292e-2f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  real y = f * z * p - 0.5f * z + f + 0.69314718f * ef;
  *result = y * -2.0f;
}

// Box-Muller: the angle is 2 pi (w / 2^32 - 1/2), folded to an eighth turn so that short polynomials suffice.
KK_INLINE void box_muller(const word *a, const word *b, real *p, real *q) {
  real u, r;
  unit(a, &u);
  minus_two_log(&u, &r);
  r = __builtin_elementwise_sqrt(r);
  integer t = (integer)*b;                      // one turn is 2^32
  integer quarter = (t + 0x20000000) >> 30;     // nearest quarter turn
  integer rest = t - (integer)((word)quarter << 30);
  real x = __builtin_convertvector(rest, real) * 1.46291807927e-9f;  // 2 pi / 2^32: |x| <= pi / 4
  real z = x * x;
  real s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * x + x;
  real c = ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
  integer odd = (integer)((quarter & 1) != 0);
  integer sb = (integer)s, cb = (integer)c;
  integer cosine = (sb & odd) | (cb & ~odd), sine = (cb & odd) | (sb & ~odd);
  integer cosineSign = ((quarter + 1) & 2) << 30, sineSign = (quarter & 2) << 30;
  *p = r * (real)(cosine ^ cosineSign);
  *q = r * (real)(sine ^ sineSign);
}

#endif
