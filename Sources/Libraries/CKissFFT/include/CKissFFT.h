#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A planned complex transform of one line in double precision, by KissFFT's template; the library that is packaged has
/// single precision only. Any number of threads may run one plan.
typedef struct kk_kissfft kk_kissfft;

/// Null where memory is short. `points` is 1 or more.
kk_kissfft *kk_kissfft_make(size_t points, int backward);
void kk_kissfft_free(kk_kissfft *plan);

/// y[k] = Σ x[j·stride]·exp(∓2πi·jk/points), unscaled; pairs of numbers, x and y apart.
void kk_kissfft_run(const kk_kissfft *plan, const double *x, size_t stride, double *y);

#ifdef __cplusplus
}
#endif
