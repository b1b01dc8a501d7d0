/* Summing up. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "pool/core.h"
#include "pool/overdue.h"

static uint64_t value(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void read_histogram(const bp__histogram *from, bp_pool_histogram *to)
{
    to->count = 0;
    for (uint32_t i = 0; i < BP_POOL_BUCKETS; i++) {
        to->bucket[i] = value(&from->bucket[i]);
        to->count += to->bucket[i];
    }
    to->sum_ns = value(&from->sum_ns);
}

static void count_slot(bp_pool *pool, bp__slot *slot, uint64_t now, bp_pool_stats *stats,
                       uint64_t *leases)
{
    *leases += value(&slot->takes);
    uint64_t state = bp__load(&slot->state, acquire);
    bp__kind kind = bp__state_kind(state);
    if (bp__state_in(state, BP__LEASED_KINDS)) {
        stats->in_use++;
        bp__overdue_check(pool, slot, state, now);
    } else if (kind == BP__BUSY || kind == BP__DOOMED) {
        stats->busy++;
    } else if (kind != BP__EMPTY) {
        stats->idle++;
        stats->dirty += kind == BP__DIRTY;
        stats->kept += kind == BP__KEPT;
    }
}

static uint64_t count_slots(bp_pool *pool, bp_pool_stats *stats)
{
    uint64_t leases = 0, now = bp__now_ns();
    for (uint32_t b = 0; b < bp__block_count(pool); b++) {
        bp__block *block = bp__block_at(pool, b);
        for (uint32_t i = 0; i < block->count; i++)
            count_slot(pool, &block->slots[i], now, stats, &leases);
    }
    return leases;
}

static void read_counters(const bp__counters *counters, bp_pool_stats *stats)
{
    for (uint32_t i = 0; i < BP_TAKE_COUNT; i++)
        stats->takes[i] = value(&counters->takes[i]);
    for (uint32_t i = 0; i < BP_RECYCLE_COUNT; i++)
        stats->recycles[i] = value(&counters->recycles[i]);
    stats->creates = value(&counters->creates);
    stats->create_failures = value(&counters->create_failures);
    stats->resets = value(&counters->resets);
    stats->resets_inline = value(&counters->resets_inline);
    stats->detaches = value(&counters->detaches);
    stats->lease_overdue = value(&counters->overdue);
    stats->keeper_passes = value(&counters->passes);
    read_histogram(&counters->take_wait, &stats->take_wait);
    read_histogram(&counters->create_time, &stats->create_time);
    read_histogram(&counters->reset_time, &stats->reset_time);
}

static void read_limits(bp_pool *pool, bp_pool_stats *stats)
{
    pthread_mutex_lock(&pool->mutex);
    stats->max_live = pool->max_live;
    stats->min_warm = bp__load(&pool->min_warm, relaxed);
    stats->live = pool->live;
    stats->waiters = pool->waiters;
    stats->high_water = pool->high_water;
    stats->closed = pool->closed;
    pthread_mutex_unlock(&pool->mutex);
}

/* Hits are counted by their slots, with everything else that was lent. */
static void add_hits(uint64_t leases, bp_pool_stats *stats)
{
    uint64_t misses = stats->takes[BP_TAKE_MISS];
    uint64_t hits = leases > misses ? leases - misses : 0;
    stats->takes[BP_TAKE_HIT] = hits;
    stats->take_wait.bucket[0] += hits;
    stats->take_wait.count += hits;
}

bp_status bp_pool_stats_read(bp_pool *pool, bp_pool_stats *stats)
{
    if (!pool || !stats || bp__load(&pool->gate, relaxed) & BP__GATE_FORKED)
        return BP_EINVAL;
    bp_pool_stats read = BP_POOL_STATS_INIT;
    read_limits(pool, &read);
    uint64_t leases = count_slots(pool, &read);
    read_counters(&pool->counters, &read);
    add_hits(leases, &read);
    return bp__result_copy(stats, &read, sizeof read, "bp_pool_stats", NULL);
}
