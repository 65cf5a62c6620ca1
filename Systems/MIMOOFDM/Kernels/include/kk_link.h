#ifndef KK_LINK_H
#define KK_LINK_H

#include <stddef.h>
#include <stdint.h>

// Wireless links: many small complex systems side by side. A complex row of n numbers is [n real parts, n imaginary parts].

/// x[j] = least-squares solution of h x = y with ridge: (h^H h + ridge I)^-1 h^H y, for n systems in the lanes.
/// h: rows x columns complex rows; y: rows; x: columns; g: columns real rows, the diagonal of (h^H h + ridge I)^-1.
/// scratch: kk_least_squares_scratch(columns) floats.
void kk_least_squares_f32(size_t rows, size_t columns, size_t n, float ridge, const float *h, const float *y, float *x,
                          float *g, float *scratch);
size_t kk_least_squares_scratch(size_t columns);

/// y[r] += sum over t of h[r, t] x[t]: rows x columns complex rows of n systems.
void kk_apply_channel_f32(size_t rows, size_t columns, size_t n, const float *h, const float *x, float *y);

/// One complex row of Gray-labelled symbols. Word i carries the label of the real axis in its low `bits` bits and that of the
/// imaginary axis above; amplitudes are (2 level - 2^bits + 1) * half. `quadrature` 0: the imaginary part is 0.
void kk_map_f32(size_t n, int bits, int quadrature, float half, const uint32_t *words, float *x);

/// Wrong bits of n symbols: nearest levels of x[i] against the labels in words[i]; `wrong` (n numbers or null) gets those of
/// each symbol.
size_t kk_count_errors_f32(size_t n, int bits, int quadrature, float half, const uint32_t *words, const float *x,
                           uint8_t *wrong);

/// Sum of (x[i] - y[i])^2 over n numbers, in single precision for groups of 4096, which are added in double.
double kk_squared_distance_f32(size_t n, const float *x, const float *y);

#endif
