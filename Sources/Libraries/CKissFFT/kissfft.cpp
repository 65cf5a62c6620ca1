#include "CKissFFT.h"
#include <kissfft/kissfft.hh>
#include <new>

struct kk_kissfft {
  kissfft<double> line;
  /// Whether a factor above 5 needs the scratch memory that lies inside `line`.
  bool scratched;
};

static bool has_large_factor(size_t n) {
  for (size_t p : {2, 3, 5})
    while (n % p == 0) n /= p;
  return n > 1;
}

kk_kissfft *kk_kissfft_make(size_t points, int backward) {
  try {
    return new kk_kissfft{kissfft<double>(points, backward != 0), has_large_factor(points)};
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

void kk_kissfft_free(kk_kissfft *plan) { delete plan; }

void kk_kissfft_run(const kk_kissfft *plan, const double *x, size_t stride, double *y) {
  auto from = reinterpret_cast<const std::complex<double> *>(x);
  auto to = reinterpret_cast<std::complex<double> *>(y);
  if (plan->scratched)
    kissfft<double>(plan->line).transform(from, to, 0, 1, stride);
  else
    plan->line.transform(from, to, 0, 1, stride);
}
