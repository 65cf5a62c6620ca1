#include "kk_feedback.h"

#include <string.h>

#include "clones.h"
#include "mathfunctions.h"

// Random numbers have the same bits on every machine.
#pragma STDC FP_CONTRACT OFF
#include "randomlanes.h"

// These are products, as in BLAS: a multiply and an add may be one instruction where the machine has it.
#pragma STDC FP_CONTRACT ON

typedef float V __attribute__((vector_size(4 * LANES), aligned(4)));

#define UNROLL _Pragma("clang loop unroll(full)")
// Outputs that are summed side by side, so that the adders never wait for each other.
#define ROWS 7

KK_INLINE void get(V *v, const float *p, size_t lanes) {
  if (lanes >= LANES) *v = *(const V *)p;
  else {
    *v = (V){};
    memcpy(v, p, 4 * lanes);
  }
}

KK_INLINE void set(float *p, const V *v, size_t lanes) {
  if (lanes >= LANES) *(V *)p = *v;
  else memcpy(p, v, 4 * lanes);
}

KK_INLINE void rectify(V *v, float ceiling) {
  *v = __builtin_elementwise_min(__builtin_elementwise_max(*v, (V){}), (V){} + ceiling);
}

KK_INLINE void activate(V *v, int activation, float ceiling) {
  float t[LANES];
  switch (activation) {
    case KK_NEURON_RECTIFIER: rectify(v, ceiling); break;
    case KK_NEURON_TANH:
      memcpy(t, v, sizeof t);
      KK_VECTOR for (int k = 0; k < LANES; k++) t[k] = kk_tanh_f32(t[k]);
      memcpy(v, t, sizeof t);
      break;
    case KK_NEURON_SIGMOID:
      memcpy(t, v, sizeof t);
      KK_VECTOR for (int k = 0; k < LANES; k++) t[k] = kk_sigmoid_f32(t[k]);
      memcpy(v, t, sizeof t);
      break;
    default: break;
  }
}

// `rows` outputs of a layer from the j-th on.
KK_INLINE void outputs_of(size_t rows, const kk_feedback_layer *l, const float *bias, size_t j, const V *in, V *out) {
  const size_t inputs = l->inputs;
  const float *w = l->weight + j * inputs;
  V sum[ROWS];
  UNROLL for (size_t r = 0; r < rows; r++) sum[r] = (V){} + bias[j + r];
  for (size_t i = 0; i < inputs; i++) {
    UNROLL for (size_t r = 0; r < rows; r++) sum[r] += w[r * inputs + i] * in[i];
  }
  UNROLL for (size_t r = 0; r < rows; r++) {
    activate(&sum[r], l->activation, l->ceiling);
    out[j + r] = sum[r];
  }
}

KK_INLINE void layer_of(const kk_feedback_layer *l, size_t row, const V *in, V *out) {
  const float *bias = l->bias + row * l->biasStep;
  size_t j = 0;
  for (; j + ROWS <= l->outputs; j += ROWS) outputs_of(ROWS, l, bias, j, in, out);
  for (; j + 3 <= l->outputs; j += 3) outputs_of(3, l, bias, j, in, out);
  for (; j < l->outputs; j++) outputs_of(1, l, bias, j, in, out);
}

// u of one evaluation behind the states.
KK_INLINE void drive_of(const kk_feedback *f, size_t row, size_t at, size_t n, V *u) {
  for (size_t d = 0; d < f->drives; d++) {
    if (f->driveStride) get(&u[d], f->drive + (row * f->drives + d) * f->driveStride + at, n - at);
    else u[d] = (V){} + f->drive[row * f->drives + d];
  }
}

static size_t widest(const kk_feedback *f) {
  size_t width = f->states + f->drives;
  for (size_t l = 0; l < f->layers; l++) width = f->layer[l].outputs > width ? f->layer[l].outputs : width;
  return width;
}

size_t kk_feedback_memory(const kk_feedback *f) { return LANES * (4 * f->states + f->drives + 2 * widest(f)); }

// Two states and two layers of 14 rectifiers: sizes known to the compiler keep a sample's whole network in registers.
#define SMALL_STATES 2
#define SMALL_HIDDEN 14

static int is_small(const kk_feedback *f) {
  const kk_feedback_layer *l = f->layer;
  return f->states == SMALL_STATES && f->drives == 0 && f->layers == 3 && l[0].outputs == SMALL_HIDDEN &&
         l[1].outputs == SMALL_HIDDEN && l[0].activation == KK_NEURON_RECTIFIER && l[1].activation == KK_NEURON_RECTIFIER &&
         l[2].activation == KK_NEURON_LINEAR && l[2].biasStep == 0;
}

// s = the small network at x.
KK_INLINE void small_network(const kk_feedback_layer *l, const float *p1, const float *p2, const V *x, V *s) {
  const float *w1 = l[0].weight, *w2 = l[1].weight, *w3 = l[2].weight, *p3 = l[2].bias;
  const float c1 = l[0].ceiling, c2 = l[1].ceiling;
  V h[SMALL_HIDDEN];
  UNROLL for (size_t j = 0; j < SMALL_HIDDEN; j++) {
    V sum = (V){} + p1[j];
    UNROLL for (size_t i = 0; i < SMALL_STATES; i++) sum += w1[j * SMALL_STATES + i] * x[i];
    rectify(&sum, c1);
    h[j] = sum;
  }
  UNROLL for (size_t k = 0; k < SMALL_STATES; k++) s[k] = (V){} + p3[k];
  for (size_t j = 0; j + ROWS <= SMALL_HIDDEN; j += ROWS) {
    V sum[ROWS];
    UNROLL for (int r = 0; r < ROWS; r++) sum[r] = (V){} + p2[j + r];
    UNROLL for (size_t i = 0; i < SMALL_HIDDEN; i++) {
      UNROLL for (int r = 0; r < ROWS; r++) sum[r] += w2[(j + r) * SMALL_HIDDEN + i] * h[i];
    }
    UNROLL for (int r = 0; r < ROWS; r++) {
      rectify(&sum[r], c2);
      UNROLL for (size_t k = 0; k < SMALL_STATES; k++) s[k] += w3[k * SMALL_HIDDEN + j + r] * sum[r];
    }
  }
}

// Four vectors of normal numbers from 16 blocks.
KK_INLINE void normals(uint64_t key, uint64_t block, V *z) {
  word w[4];
  real r[4];
  philox(key, block, w);
  box_muller(&w[0], &w[1], &r[0], &r[1]);
  box_muller(&w[2], &w[3], &r[2], &r[3]);
  memcpy(z, r, sizeof r);
}

uint64_t kk_feedback_blocks(size_t states, size_t steps) { return 16 * ((states * steps + 3) / 4); }

// The steps of one vector of samples, at y. `sum`, `slope` and `stage` have room for the states, `stage` for the drives
// too; `work` holds two layers.
KK_INLINE void steps_of(const kk_feedback *f, const kk_feedback_method *m, int small, size_t states, size_t stages,
                        const float *c, size_t n, size_t at, size_t width, V *y, V *sum, V *slope, V *stage, V *work) {
  const kk_feedback_layer *layer = f->layer;
  const float *p1 = layer[0].bias, *p2 = small ? layer[1].bias : NULL, *a = m->a, *b = m->b;
  const size_t d1 = layer[0].biasStep, d2 = small ? layer[1].biasStep : 0, steps = m->steps;
  const float *reach = m->reach, *share = m->share;
  const uint64_t key = m->key;
  // The n-th number of a sample is the (4 - n % 4)-th of its block: where steps are cut does not matter.
  uint64_t counter = m->block + at / LANES * kk_feedback_blocks(states, m->total) + 16 * (m->first * states / 4);
  size_t left = 0;
  V z[4];
  if (c && m->first * states % 4) {
    normals(key, counter, z);
    counter += 16;
    left = 4 - m->first * states % 4;
  }
  for (size_t t = 0; t < steps; t++) {
    UNROLL for (size_t k = 0; k < states; k++) sum[k] = y[k], slope[k] = (V){};
    for (size_t q = 0; q < stages; q++) {
      const size_t row = t * stages + q;
      V own[SMALL_STATES];
      const V *s = own;
      UNROLL for (size_t k = 0; k < states; k++) stage[k] = q ? y[k] + reach[q] * slope[k] : y[k];
      if (small) small_network(layer, p1 + row * d1, p2 + row * d2, stage, own);
      else {
        drive_of(f, row, at, n, stage + states);
        s = stage;
        for (size_t l = 0; l < f->layers; l++) {
          V *out = work + (l & 1) * width;
          layer_of(&layer[l], row, s, out);
          s = out;
        }
      }
      UNROLL for (size_t k = 0; k < states; k++) {
        slope[k] = a[row] * stage[k] + b[row] * s[k];
        sum[k] += share[q] * slope[k];
      }
    }
    if (c) {
      UNROLL for (size_t k = 0; k < states; k++) {
        if (left == 0) {
          normals(key, counter, z);
          counter += 16;
          left = 4;
        }
        sum[k] += c[t] * z[--left];
      }
    }
    UNROLL for (size_t k = 0; k < states; k++) y[k] = sum[k];
  }
}

KK_INLINE void small_steps(const kk_feedback *f, const kk_feedback_method *m, size_t stages, const float *c, size_t n,
                           size_t stride, float *x) {
  for (size_t at = 0; at < n; at += LANES) {
    V y[SMALL_STATES], sum[SMALL_STATES], slope[SMALL_STATES], stage[SMALL_STATES];
    UNROLL for (size_t k = 0; k < SMALL_STATES; k++) get(&y[k], x + k * stride + at, n - at);
    steps_of(f, m, 1, SMALL_STATES, stages, c, n, at, 0, y, sum, slope, stage, NULL);
    UNROLL for (size_t k = 0; k < SMALL_STATES; k++) set(x + k * stride + at, &y[k], n - at);
  }
}

KK_CLONES void kk_feedback_steps(const kk_feedback *f, const kk_feedback_method *m, size_t n, size_t stride, float *x,
                                 float *memory) {
  if (is_small(f)) {
    if (m->stages == 1 && !m->c) return small_steps(f, m, 1, NULL, n, stride, x);
    return small_steps(f, m, m->stages, m->c, n, stride, x);
  }
  const size_t states = f->states, width = widest(f);
  V *y = (V *)memory, *sum = y + states, *slope = sum + states, *stage = slope + states;
  V *work = stage + states + f->drives;
  for (size_t at = 0; at < n; at += LANES) {
    for (size_t k = 0; k < states; k++) get(&y[k], x + k * stride + at, n - at);
    steps_of(f, m, 0, states, m->stages, m->c, n, at, width, y, sum, slope, stage, work);
    for (size_t k = 0; k < states; k++) set(x + k * stride + at, &y[k], n - at);
  }
}

static size_t neurons(const kk_feedback *f) {
  size_t count = 0;
  for (size_t l = 0; l < f->layers; l++) count += f->layer[l].outputs;
  return count;
}

// One number for each neuron, for each refresh; one more for the injected noise of each state.
uint64_t kk_circuit_blocks(const kk_feedback *f, size_t refreshes) {
  return 16 * refreshes * ((neurons(f) + f->states + 3) / 4);
}

size_t kk_circuit_memory(const kk_feedback *f) {
  const size_t inputs = f->states + f->drives;
  return LANES * (2 * inputs + 3 * neurons(f) + f->states + 4);
}

// target = W in + p (+ noise of the reads), then the amplifiers behind it move towards it.
KK_INLINE void amplify(size_t rows, int noisy, const kk_feedback_layer *l, const kk_circuit_layer *e, const float *bias,
                       size_t j, const V *in, const V *noise, float follow, V *out) {
  const size_t inputs = l->inputs;
  const float *w = l->weight + j * inputs, *v = e->weightVariance + j * inputs;
  V sum[ROWS], spread[ROWS];
  UNROLL for (size_t r = 0; r < rows; r++) {
    sum[r] = (V){} + bias[j + r];
    if (noisy) spread[r] = (V){} + e->biasVariance[j + r];
  }
  for (size_t i = 0; i < inputs; i++) {
    const V x = in[i];
    UNROLL for (size_t r = 0; r < rows; r++) {
      sum[r] += w[r * inputs + i] * x;
      if (noisy) spread[r] += v[r * inputs + i] * (x * x);
    }
  }
  UNROLL for (size_t r = 0; r < rows; r++) {
    V target = sum[r];
    if (noisy) target += __builtin_elementwise_sqrt(spread[r]) * noise[j + r];
    activate(&target, l->activation, l->ceiling);
    target = __builtin_elementwise_min(__builtin_elementwise_max(target, (V){} + e->lowest), (V){} + e->highest);
    out[j + r] += follow * (target - out[j + r]);
  }
}

KK_INLINE void stage_of(int noisy, const kk_feedback_layer *l, const kk_circuit_layer *e, size_t row, const V *in,
                        const V *noise, float follow, V *out) {
  const float *bias = l->bias + row * l->biasStep;
  const size_t block = noisy ? 4 : ROWS;
  size_t j = 0;
  for (; j + block <= l->outputs; j += block) amplify(noisy ? 4 : ROWS, noisy, l, e, bias, j, in, noise, follow, out);
  for (; j + 2 <= l->outputs; j += 2) amplify(2, noisy, l, e, bias, j, in, noise, follow, out);
  for (; j < l->outputs; j++) amplify(1, noisy, l, e, bias, j, in, noise, follow, out);
}

// Values of vectors added up over the lanes in use.
KK_INLINE void add_lanes(const V *v, size_t count, size_t lanes, double *sum) {
  for (size_t i = 0; i < count; i++) {
    float t[LANES];
    memcpy(t, &v[i], sizeof t);
    for (size_t k = 0; k < lanes && k < LANES; k++) sum[i] += t[k];
  }
}

KK_INLINE void circuit_of(const kk_feedback_circuit *f, int noisy, size_t n, size_t at, size_t stride, V *y, V *h,
                          V *squares, V *z, float *states) {
  const kk_feedback *network = &f->network;
  const size_t inputs = network->states + network->drives, count = neurons(network), owned = network->states;
  const V *s = h + count - owned;
  uint64_t counter = f->block + at / LANES * kk_circuit_blocks(network, f->refreshes);
  size_t read = 0;
  for (; read < f->reads && f->when[read] == 0; read++)
    for (size_t k = 0; k < owned; k++) set(states + (read * owned + k) * stride + at, &y[k], n - at);
  for (size_t r = 0; r < f->refreshes; r++) {
    if (noisy || f->c)
      for (size_t i = 0; i < count + owned; i += 4, counter += 16) normals(f->key, counter, z + i);
    if (f->c)
      for (size_t k = 0; k < owned; k++) y[k] += f->c[r] * z[count + k];
    drive_of(network, r, at, n, y + owned);
    for (size_t t = 0; t < f->inner; t++) {
      // While the capacitors are charged, before the loop closes, amplifiers have time to settle.
      const float follow = r == 0 && t == 0 ? 1.0f : f->follow;
      const V *in = y;
      V *out = h, *noise = z;
      for (size_t l = 0; l < network->layers; l++) {
        stage_of(noisy, &network->layer[l], &f->layer[l], r, in, noise, follow, out);
        in = out;
        out += network->layer[l].outputs;
        noise += network->layer[l].outputs;
      }
      for (size_t k = 0; k < owned; k++) {
        // Multipliers work on signals between -1 and 1; a and b carry the inner step.
        V first = f->a[r] * y[k] * (1 + f->gain[k]) + f->offset[k];
        V second = f->b[r] * s[k] * (1 + f->gain[owned + k]) + f->offset[owned + k];
        y[k] += first + second - f->leak * y[k];
      }
      for (; read < f->reads && f->when[read] == r * f->inner + t + 1; read++)
        for (size_t k = 0; k < owned; k++) set(states + (read * owned + k) * stride + at, &y[k], n - at);
    }
    for (size_t i = 0; i < inputs; i++) squares[i] += y[i] * y[i];
    for (size_t i = 0; i < count - owned; i++) squares[inputs + i] += h[i] * h[i];
  }
}

KK_CLONES void kk_feedback_run(const kk_feedback_circuit *f, size_t n, size_t stride, const float *x, float *states,
                               double *squares, float *memory) {
  const kk_feedback *network = &f->network;
  const size_t owned = network->states, inputs = owned + network->drives, count = neurons(network);
  const size_t nodes = inputs + count - owned;
  V *y = (V *)memory, *h = y + inputs, *sums = h + count, *z = sums + inputs + count;
  for (size_t at = 0; at < n; at += LANES) {
    memset(memory, 0, 4 * kk_circuit_memory(network));
    for (size_t k = 0; k < owned; k++) get(&y[k], x + k * stride + at, n - at);
    if (f->noisy) circuit_of(f, 1, n, at, stride, y, h, sums, z, states);
    else circuit_of(f, 0, n, at, stride, y, h, sums, z, states);
    add_lanes(sums, nodes, n - at, squares);
  }
}
