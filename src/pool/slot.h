/* Slots, and the blocks they come in. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_SLOT_H
#define BP_POOL_SLOT_H

#include <bullpen/pool.h>
#include <stdalign.h>

#include "pool/atomic.h"
#include "pool/state.h"

#define BP__LINE 64
#define BP__BLOCK_SLOTS 64

typedef struct bp__block bp__block;

/* A place for one item. "Owner" is who moved `state` to BUSY or LEASED; the move acquires what
 * the last owner wrote, the move away releases it. Fields without _Atomic are the owner's. */
typedef struct bp__slot {
    /* The lease's line: all that a warm take and give touch of a slot. */
    alignas(BP__LINE) _Atomic uint64_t state;
    /* Generation at which the item is worn out (max_uses). Written by the owner; a give by a
     * stale lease may read it too, and then fails at `state`; relaxed. */
    _Atomic uint64_t gen_end;
    void *item;
    /* The lease's deadline, see overdue.h. Written by the owner after it has the lease, read by
     * who looks for leases that are overdue and checks `state` again afterwards; relaxed. */
    _Atomic uint64_t lease_by;
    bp_pool *pool;    /* never changes */
    bp__block *block; /* never changes */
    uint64_t bit;     /* its bit in the block's hints; never changes */

    /* The keeper's line. Atomics: the owner or the one maintenance pass writes, the pass reads
     * for slots it does not own (and swaps `state` from the very word it looked at before it
     * acts); relaxed. */
    _Atomic uint64_t idle_gen;     /* generation that `idle_since` is about */
    _Atomic uint64_t idle_since;   /* when it was first seen idle in that generation */
    _Atomic uint64_t age_end;      /* when the item is too old, jitter included; 0: never */
    _Atomic uint64_t idle_ttl;     /* nanoseconds, jitter included; 0: never */
    _Atomic uint64_t checked;      /* when it was created or checked last */
    _Atomic uint64_t overdue_seen; /* generation + 1 of the lease that was counted as overdue */
    struct bp__slot *next_empty;   /* under the pool's mutex */
    uint32_t key_size;
    uint8_t key[BP_POOL_KEY_SIZE_MAX];
} bp__slot;

/* Which slots of a block may be idle, by what they are good for. */
typedef enum bp__hint { BP__HINT_READY, BP__HINT_KEPT, BP__HINT_WORK, BP__HINT_COUNT } bp__hint;

/* Up to 64 slots and their hints. Never freed while the pool lives. */
struct bp__block {
    /* Set by who makes a slot idle, cleared by a scanner that found it taken; see core.h. */
    alignas(BP__LINE) _Atomic uint64_t hints[BP__HINT_COUNT];
    uint32_t index; /* in pool->blocks */
    uint32_t count;
    /* Hash of each slot's key, so that a search for a key passes over others without touching
     * their slots. Written by the owner; only a filter: the key itself is compared; relaxed. */
    alignas(BP__LINE) _Atomic uint32_t key_hash[BP__BLOCK_SLOTS];
    bp__slot slots[];
};

#endif
