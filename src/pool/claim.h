/* Owning a slot in order to lend it. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_CLAIM_H
#define BP_POOL_CLAIM_H

#include "pool/private.h"

/* What a taker asks for. */
typedef struct bp__request {
    bp_deadline by;       /* once it has started, BP_DEADLINE_DEFAULT only if it polls */
    bp_deadline lease_by; /* 0: the lease has no deadline */
    bp_bytes key;
    uint32_t hash;
    bool has_key;
    bool polls;    /* only pop */
    bool try_only; /* do not queue */
    bp_cancel *cancel;
    uint64_t start; /* when it left the fast path; 0: it has not */
} bp__request;

/* A slot that is BUSY and the claimer's, and what it was: EMPTY means a place without an item. */
typedef struct bp__claim {
    bp__slot *slot;
    bp__kind kind;
    bp_recycle_reason why; /* of a DOOMED one */
    bool waited;           /* it was served to a waiter */
    bool created;          /* the place was filled for it */
} bp__claim;

uint32_t bp__key_hash(bp_bytes key);
bool bp__slot_has_key(const bp__slot *slot, bp_bytes key);
void bp__slot_set_key(bp__slot *slot, bp_bytes key, uint32_t hash);

/* Own some slot that is idle as one of `kinds`, the lowest that the hints show. With `match`, one
 * that was kept for its key. `exact` looks at every block. `again` comes back: a slot was idle and was
 * left idle, so the gate must be looked at (P4 in core.h). */
typedef struct bp__scan {
    bp__hint hint;
    uint32_t kinds;
    const bp__request *match;
    bool exact;
    bool again;
} bp__scan;
bool bp__scan_grab(bp_pool *pool, bp__scan *scan, bp__claim *ret);

/* Items that can be lent as they are. */
bool bp__claim_ready(bp_pool *pool, const bp__request *request, bool locked, bp__claim *ret);
/* Those and items that a reset makes fit. */
bool bp__claim_idle(bp_pool *pool, const bp__request *request, bool locked, bp__claim *ret);
/* Those, a free place, and items that must be replaced. Under the mutex. */
bool bp__claim_any_locked(bp_pool *pool, const bp__request *request, bp__claim *ret);

/* A slot with a place, BUSY; NULL when all places (or the budget's) are taken. */
bp__slot *bp__place_reserve_locked(bp_pool *pool);
/* A BUSY slot without an item gives its place back, which may serve a waiter. The slot may have
 * been the last thing that kept the pool: it is not to be touched afterwards. */
void bp__place_free(bp_pool *pool, bp__slot *slot);
/* More are live than may be, and one more is to go for that: counted, until bp__slot_discard() or
 * bp__dooming_end(). False: no more have to. */
bool bp__dooming_begin(bp_pool *pool);
/* One goes for `resize`, whether it has to or not. */
void bp__dooming_add(bp_pool *pool);
/* It was not one that goes for `resize`. */
void bp__dooming_end(bp_pool *pool);
/* Destroys the item; the slot is still ours and has its place. Who says `resize` has counted the
 * slot as dooming. */
void bp__slot_discard(bp_pool *pool, bp__slot *slot, bp_recycle_reason why);
/* Destroys the item, then frees the place; may free the pool as well. */
void bp__slot_destroy(bp_pool *pool, bp__slot *slot, bp_recycle_reason why);

/* An owned item becomes idle and whoever waits is served. The owner is the reason that the pool
 * exists still; afterwards it may not. */
void bp__slot_publish(bp_pool *pool, bp__slot *slot, bp__kind kind, uint32_t why);
/* After the last step of a publish: P4. `slot` is what was published. */
void bp__gate_check(bp_pool *pool, bp__slot *slot);

/* queue.c */
void bp__serve(bp_pool *pool);
bp__waiter *bp__serve_locked(bp_pool *pool);
bp__waiter *bp__dismiss_all_locked(bp_pool *pool);
void bp__wake_all(bp__waiter *woken);
/* The first in line looks again whether other pools have surplus. */
void bp__nudge_first(bp_pool *pool);
bp_status bp__wait_in_line(bp_pool *pool, const bp__request *request, bp__claim *ret,
                           bp_error *reterr);

/* The pool shrank while a place was in hand: ask for another. Never leaves the pool, and no factory
 * can say it: theirs begin with BP_EHOST. */
#define BP__AGAIN ((bp_status)(BP_EHOST - 1))

/* prepare.c: makes the claimed slot fit for the request and lends it; the claim is consumed.
 * `*ret_worked`: it took more than a look. May be BP__AGAIN. */
bp_status bp__prepare(bp_pool *pool, const bp__request *request, bp__claim claim, bp_lease *ret,
                      bool *ret_worked, bp_error *reterr);
void bp__lend(bp_pool *pool, const bp__request *request, bp__slot *slot, bp_lease *ret);
/* Creates into a BUSY slot without an item, and checks the item. On failure the slot is as
 * before, and the place is still taken. */
bp_status bp__slot_create(bp_pool *pool, bp__slot *slot, bp_deadline by, bp_error *reterr);
/* Resets the item of a BUSY slot. */
bp_status bp__slot_reset(bp_pool *pool, bp__slot *slot, bp_deadline by, bp_error *reterr);
/* Likewise, without a caller's deadline: late is a failure, and failures are logged here. */
bool bp__slot_reset_in_time(bp_pool *pool, bp__slot *slot);

#endif
