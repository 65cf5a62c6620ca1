#ifndef KK_LORENZ96_H
#define KK_LORENZ96_H

#include <stddef.h>

/// Lorenz 1996, `steps` classic Runge-Kutta steps for `members` states of `variables` numbers, x[variables, members]. scratch:
/// 4 (variables + 3) times 8 numbers.
void kk_lorenz96_f64(size_t variables, size_t members, double forcing, double step, size_t steps, double *x,
                     double *scratch);

#endif
