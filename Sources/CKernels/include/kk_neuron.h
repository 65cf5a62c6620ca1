#ifndef KK_NEURON_H
#define KK_NEURON_H

/// What neurons of loops and fields do with their sums; a rectifier has a ceiling.
enum { KK_NEURON_LINEAR, KK_NEURON_TANH, KK_NEURON_SIGMOID, KK_NEURON_RECTIFIER };

#endif
