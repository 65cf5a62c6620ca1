#ifndef KK_RUNTIME_H
#define KK_RUNTIME_H

/// 1 when this build carries the thread sanitizer, which does not see the barriers of OpenMP.
int kk_thread_sanitizer(void);
/// 1 when this build carries the address sanitizer, which must see every release of memory.
int kk_address_sanitizer(void);

#endif
