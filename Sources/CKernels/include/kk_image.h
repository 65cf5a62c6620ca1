#ifndef KK_IMAGE_H
#define KK_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/// Extents of a pooling window over [depth, height, width] with the channels last; 1-D and 2-D set the rest to 1.
typedef struct {
  size_t channels;
  ptrdiff_t in[3], out[3], window[3], stride[3], padding[3];
} kk_pool;

#define KK_DECLARE_IMAGE(REAL, T)                                                                                      \
  /** One sample: y[o, c] = largest x in the window; at[o, c] = its position among the input pixels. */                \
  void kk_max_pool_##T(const kk_pool *p, const REAL *x, REAL *y, int32_t *at);                                         \
  /** One sample: d[at[o, c], c] += g[o, c]; d starts at zero. */                                                      \
  void kk_max_pool_gradient_##T(const kk_pool *p, const REAL *g, const int32_t *at, REAL *d);                          \
  /** One sample: mean over the window; padding counts where `countPadding`. */                                        \
  void kk_average_pool_##T(const kk_pool *p, int countPadding, const REAL *x, REAL *y);                                \
  void kk_average_pool_gradient_##T(const kk_pool *p, int countPadding, const REAL *g, REAL *d);                       \
  /** Four channels of an image next to each other: y[4 * i + c] = x[c * pixels + i]; missing ones repeat the first. */    \
  void kk_pack_channels_##T(size_t pixels, size_t channels, const REAL *x, REAL *y);                                   \
  /** One row of bilinear sampling: an image in packs of four channels, at grid[n, 2] = (x, y) in [-1, 1], gives            \
      y[c * plane + i]. `border`: 0 zeros, 1 nearest edge; `corners`: 1 if +-1 are the centres of the corner pixels. */      \
  void kk_grid_sample_##T(int border, int corners, size_t n, size_t channels, size_t height, size_t width, size_t plane, \
                          const REAL *packed, const REAL *grid, REAL *y);                                               \
  /** Adds to gradients of image and grid (either may be null), one row. */                                            \
  void kk_grid_sample_gradient_##T(int border, int corners, size_t n, size_t channels, size_t height, size_t width,    \
                                   size_t plane, const REAL *image, const REAL *grid, const REAL *g, REAL *dimage, REAL *dgrid);

KK_DECLARE_IMAGE(float, f32)
KK_DECLARE_IMAGE(double, f64)

#endif
