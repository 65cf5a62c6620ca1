// Compile a loop for whole instruction-set levels and pick one at load time.
#ifndef KK_CLONES_H
#define KK_CLONES_H

#include <stddef.h>
#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KK_NO_CLONES 1  // resolvers run before the sanitizer is set up
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(KK_NO_CLONES)
#define KK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KK_CLONES
#endif

// For loops that may work in place (y is x): no iteration reads what another one writes.
#define KK_VECTOR _Pragma("clang loop vectorize(assume_safety)")

#define KK_INLINE static inline __attribute__((always_inline))

#endif
