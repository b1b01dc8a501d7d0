/* The word that says what a slot is. SPDX-License-Identifier: Apache-2.0
 *
 *   63 ............ 9 | 8 ... 4 | 3 .. 0
 *      generation     |   why   |  kind
 *
 * The generation grows by one whenever a lease ends and is never set back, so a lease (which
 * remembers the whole word) is recognised as ended, no compare-and-swap can mistake one idle
 * period of a slot for another, and the leases of a slot need no other counter. `why` counts for
 * CONDEMNED and DOOMED only and is 0 elsewhere. */
#ifndef BP_POOL_STATE_H
#define BP_POOL_STATE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum bp__kind {
    /* Idle: nobody owns the slot, who swaps the word away does. */
    BP__FREE = 0,   /* pristine */
    BP__USED = 1,   /* used without a key, not reset: for takers without a key */
    BP__KEPT = 2,   /* used under slot->key, not reset: for that key */
    BP__DIRTY = 3,  /* used, to be reset before it is lent */
    BP__DOOMED = 4, /* to be destroyed because of `why` */
    /* Owned by one thread, or by the list of empty slots (EMPTY, under the pool's mutex). */
    BP__EMPTY = 5, /* no item and no place */
    BP__BUSY = 6,  /* being created, reset, checked, destroyed or handed over */
    /* Leased: owned by who has the lease. */
    BP__LEASED = 8,
    BP__LEASED_KEYED = 9,
    BP__CONDEMNED = 10, /* leased; destroyed at its end because of `why` */
} bp__kind;

#define BP__GEN_ONE (UINT64_C(1) << 9)
#define BP__BIT(kind) (1U << (kind))
#define BP__READY_KINDS (BP__BIT(BP__FREE) | BP__BIT(BP__USED))
#define BP__WORK_KINDS (BP__BIT(BP__DIRTY) | BP__BIT(BP__DOOMED))
#define BP__IDLE_KINDS (BP__READY_KINDS | BP__BIT(BP__KEPT) | BP__WORK_KINDS)
#define BP__LEASED_KINDS (BP__BIT(BP__LEASED) | BP__BIT(BP__LEASED_KEYED) | BP__BIT(BP__CONDEMNED))

static inline bp__kind bp__state_kind(uint64_t state)
{
    return (bp__kind)(state & 15);
}

static inline bool bp__state_in(uint64_t state, uint32_t kinds)
{
    return (kinds >> (state & 15)) & 1;
}

static inline uint32_t bp__state_why(uint64_t state)
{
    return (uint32_t)(state >> 4) & 31;
}

static inline uint64_t bp__state_gen(uint64_t state)
{
    return state >> 9;
}

/* The same generation as another kind, without a reason. */
static inline uint64_t bp__state_as(uint64_t state, bp__kind kind)
{
    return (state & ~UINT64_C(511)) | (uint64_t)kind;
}

static inline uint64_t bp__state_why_as(uint64_t state, bp__kind kind, uint32_t why)
{
    return bp__state_as(state, kind) | (uint64_t)why << 4;
}

/* The next generation as another kind: a lease ended. */
static inline uint64_t bp__state_next(uint64_t state, bp__kind kind)
{
    return bp__state_as(state + BP__GEN_ONE, kind);
}

/* Leases that the slot has seen so far, over all its items. */
static inline uint64_t bp__state_leases(uint64_t state)
{
    return bp__state_gen(state) + bp__state_in(state, BP__LEASED_KINDS);
}

#endif
