#include "kk_runtime.h"

#if !defined(__has_feature)
#define __has_feature(x) 0
#endif

int kk_thread_sanitizer(void) { return __has_feature(thread_sanitizer); }
int kk_address_sanitizer(void) { return __has_feature(address_sanitizer); }
