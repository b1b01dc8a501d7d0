/* The atomic steps of the pool's lock-free core. SPDX-License-Identifier: Apache-2.0
 *
 * Every access to a word that two threads may touch without a lock goes through these, so that
 * tests/sim/model_pool.c can put a scheduler between any two of them (BP__STEP). */
#ifndef BP_POOL_ATOMIC_H
#define BP_POOL_ATOMIC_H

#include <stdatomic.h>

#ifndef BP__STEP
#define BP__STEP() ((void)0)
#endif

#define bp__load(place, order) (BP__STEP(), atomic_load_explicit(place, memory_order_##order))
#define bp__store(place, value, order)                                                             \
    (BP__STEP(), atomic_store_explicit(place, value, memory_order_##order))
#define bp__add(place, value, order)                                                               \
    (BP__STEP(), atomic_fetch_add_explicit(place, value, memory_order_##order))
#define bp__sub(place, value, order)                                                               \
    (BP__STEP(), atomic_fetch_sub_explicit(place, value, memory_order_##order))
#define bp__or(place, value, order)                                                                \
    (BP__STEP(), atomic_fetch_or_explicit(place, value, memory_order_##order))
#define bp__and(place, value, order)                                                               \
    (BP__STEP(), atomic_fetch_and_explicit(place, value, memory_order_##order))
#define bp__swap(place, value, order)                                                              \
    (BP__STEP(), atomic_exchange_explicit(place, value, memory_order_##order))
/* Strong; sequentially consistent when it succeeds, relaxed when it fails. */
#define bp__cas(place, expected, value)                                                            \
    (BP__STEP(), atomic_compare_exchange_strong_explicit(place, expected, value,                   \
                                                         memory_order_seq_cst,                     \
                                                         memory_order_relaxed))

#endif
