/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/overdue.h"

#include "base/clock.h"

void bp__overdue_check(bp_pool *pool, bp__slot *slot, uint64_t state, uint64_t now)
{
    uint64_t by = atomic_load_explicit(&slot->lease_by, memory_order_relaxed);
    if ((by ^ bp__state_gen(state)) & 1 || by <= 1 || by >= now)
        return;
    /* The deadline may be a later lease's: then the state differs now. */
    if (bp__state_gen(bp__load(&slot->state, seq_cst)) != bp__state_gen(state))
        return;
    uint64_t seen = bp__swap(&slot->overdue_seen, bp__state_gen(state) + 1, relaxed);
    if (seen == bp__state_gen(state) + 1)
        return;
    bp__tally(&bp__counters_of(pool)->lease_overdue);
    bp__log(&pool->logger, BP_LOG_WARN, "pool", NULL,
            "pool '%s': a lease is out %llu ms past its deadline", pool->name,
            (unsigned long long)((now - by) / BP_NS_PER_MS));
}
