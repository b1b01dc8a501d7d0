/* One who waits in line. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_WAITER_H
#define BP_POOL_WAITER_H

#include "pool/claim.h"

typedef enum bp__signal {
    BP__WAITING = 0,
    BP__CALLED = 1,  /* come: there is a claim, or a status; the caller's last touch */
    BP__NUDGED = 2,  /* look: a cancel token was triggered, or other pools may have surplus */
} bp__signal;

/* Lives on the waiting thread's stack. Everything but `signal` is under the pool's mutex. */
struct bp__waiter {
    bp__waiter *next, *previous; /* in line */
    bp__waiter *next_called;     /* of those to call once the mutex is free; the caller's */
    const bp__request *request;
    bool queued;
    bool has_claim;     /* `claim` is ours, unless somebody overtakes us before we come */
    bool called;        /* told to come, and not there yet */
    bool passed;        /* came and found the claim gone: nobody overtakes us again */
    uint32_t overtaken; /* how often */
    bp_status status;   /* why it has to leave without a claim */
    bp__claim claim;
    /* What it sleeps on. CALLED is a release by the caller, acquired by the waiter. */
    _Atomic uint32_t signal;
};

#endif
