/* One who waits in line. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_WAITER_H
#define BP_POOL_WAITER_H

#include "pool/claim.h"

typedef enum bp__signal {
    BP__WAITING = 0,
    BP__SERVED = 1,  /* `claim` or `status` is filled in; the last touch of the waiter */
    BP__NUDGED = 2,  /* look: a cancel token was triggered, or other pools may have surplus */
} bp__signal;

/* Lives on the waiting thread's stack. */
struct bp__waiter {
    bp__waiter *next, *previous; /* under the pool's mutex while queued, then the waker's */
    const bp__request *request;
    bool queued;      /* under the mutex */
    bp_status status; /* written by who unlinks it, published by `signal` */
    bp__claim claim;  /* likewise, if status is BP_OK */
    /* What it sleeps on. SERVED is a release by the waker, acquired by the waiter. */
    _Atomic uint32_t signal;
};

#endif
