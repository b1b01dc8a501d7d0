/* What the pool keeps per thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_THREAD_H
#define BP_POOL_THREAD_H

#include <bullpen/pool.h>
#include <stdatomic.h>

#include "pool/slot.h"

#define BP__HOMES 16

/* The slot that this thread leased last in one pool. Pool ids start at 1 and are never used
 * twice, so an entry of a pool that is gone can never match and its slot is never touched. */
typedef struct bp__home {
    uint64_t pool_id;
    bp__slot *slot;
} bp__home;

typedef struct bp__thread {
    /* Direct-mapped by pool id: a thread that works with several pools finds its slot in each. */
    bp__home homes[BP__HOMES];
    /* The pool that this thread is giving to, from before the state says "idle" until after its
     * last access to the pool. Written by this thread (the swap of the state publishes it; the
     * store of NULL is a release), read by who frees a pool's memory (acquire). */
    _Atomic(bp_pool *) giving;
    const bp_pool *factory_of; /* the pool whose factory runs on this thread, or NULL */
    bool listed;
    uint32_t number; /* spreads threads over sets of counters; 0 until it is listed */
    struct bp__thread *next, *previous; /* all threads that ever gave; under thread.c's mutex */
} bp__thread;

/* initial-exec: no call to find it, also from the shared library; it fits the static reserve that
 * the loader keeps for libraries that are opened late. */
extern __thread bp__thread bp__thread_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Makes this thread's `giving` known to bp__threads_left(), until the thread ends. */
void bp__thread_list(void);
/* Waits until no thread is inside a give to `pool`: each has only a few instructions to go. */
void bp__threads_left(bp_pool *pool);

static inline bp__home *bp__thread_home(uint64_t pool_id)
{
    return &bp__thread_self.homes[pool_id % BP__HOMES];
}

#endif
