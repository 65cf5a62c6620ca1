#ifndef KK_RANDOM_H
#define KK_RANDOM_H

#include <stddef.h>
#include <stdint.h>

// Philox4x32-10 (Salmon et al., SC'11). Counter = (block, 0), key = the stream. One block is 4 words; blocks are
// made 16 at a time, so that draw number i depends on (key, first block, i) alone, on every machine.

/// Words 0..n-1 of the stream from `block` on, which must be a multiple of 16; 64 words for every 16 blocks.
void kk_random_words(uint64_t key, uint64_t block, size_t n, uint32_t *y);
/// y[i] uniform on (0, 1): multiples of 2^-24 plus 2^-25; from `block` (a multiple of 16) on.
void kk_uniform_f32(uint64_t key, uint64_t block, size_t n, float lower, float upper, float *y);
/// y[i] uniform on [lower, upper) with 53 random bits; two words each.
void kk_uniform_f64(uint64_t key, uint64_t block, size_t n, double lower, double upper, double *y);
/// y[i] normal: Box-Muller on pairs of words; |z| < 5.9.
void kk_normal_f32(uint64_t key, uint64_t block, size_t n, float mean, float deviation, float *y);
/// y[i] normal: Box-Muller on pairs of 53-bit uniforms; four words for two numbers.
void kk_normal_f64(uint64_t key, uint64_t block, size_t n, double mean, double deviation, double *y);
/// y[i] = 1 with probability p[i], else 0; p and y may be the same.
void kk_bernoulli_f32(uint64_t key, uint64_t block, size_t n, const float *p, float *y);
void kk_bernoulli_f64(uint64_t key, uint64_t block, size_t n, const double *p, double *y);

#endif
