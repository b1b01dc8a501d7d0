/* Leases that are out past their deadline. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_OVERDUE_H
#define BP_POOL_OVERDUE_H

#include "pool/private.h"

/* Counts and logs the lease once if its deadline is over. `state` is the slot's, leased. */
void bp__overdue_check(bp_pool *pool, bp__slot *slot, uint64_t state, uint64_t now);

#endif
