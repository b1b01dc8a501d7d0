/* SPDX-License-Identifier: Apache-2.0
 *
 * A reset in the background takes work off the taker's path, at a price: the item's memory moves
 * to another core's caches and back, and changing mappings interrupts the cores that use them.
 * For sandboxes, whose reset takes 3 to 12 us, that price was two to four times the reset itself
 * in CPU time (bench/compare P6), and it slowed the takers down too. It is worth paying while
 * takers pause. When they do not, there is no time between calls in which to do it. */
#include "pool/pace.h"

#include "base/clock.h"
#include "pool/core.h"

/* More takes a millisecond than this are a rush. */
#define RUSH_TAKES_PER_MS 25
/* Fewer takes than this tell nothing about the rate. */
#define TAKES_MIN 8

static uint64_t takes_so_far(bp_pool *pool)
{
    uint64_t takes = 0;
    for (uint32_t b = 0; b < bp__block_count(pool); b++) {
        bp__block *block = bp__block_at(pool, b);
        for (uint32_t i = 0; i < block->count; i++)
            takes += bp__state_leases(bp__load(&block->slots[i].state, relaxed));
    }
    return takes;
}

bool bp__pace_look(bp_pool *pool, uint64_t now)
{
    uint64_t takes = takes_so_far(pool);
    uint64_t taken = takes - pool->pace_takes, passed = now - pool->pace_at;
    bool rush = bp__load(&pool->rush, relaxed);
    if (taken >= TAKES_MIN || passed >= BP__PACE_REST) {
        rush = taken >= TAKES_MIN && taken * BP_NS_PER_MS > passed * RUSH_TAKES_PER_MS;
        bp__store(&pool->rush, rush, relaxed);
        pool->pace_takes = takes;
        pool->pace_at = now;
    }
    return rush;
}
