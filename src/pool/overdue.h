/* Leases that are out past their deadline. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_OVERDUE_H
#define BP_POOL_OVERDUE_H

#include "pool/private.h"

/* The deadline of the lease that `state` is about; 0: none. It is written after the lease was
 * taken, and nobody erases the last one's: so its lowest bit is the generation's, by which a
 * reader knows whose it is. (It cannot be older, since each lease writes one.) */
static inline void bp__overdue_set(bp__slot *slot, uint64_t state, bp_deadline by)
{
    uint64_t parity = bp__state_gen(state) & 1;
    atomic_store_explicit(&slot->lease_by, (by & ~UINT64_C(1)) | parity, memory_order_relaxed);
}

/* Counts and logs the lease once if its deadline is over. `state` is the slot's, leased. */
void bp__overdue_check(bp_pool *pool, bp__slot *slot, uint64_t state, uint64_t now);

#endif
