/* Summing up. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/options.h"
#include "pool/core.h"
#include "pool/overdue.h"

static uint64_t value(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_times(const bp__histogram *from, bp_pool_histogram *to)
{
    for (uint32_t i = 0; i < BP_POOL_BUCKETS; i++) {
        uint64_t times = value(&from->bucket[i]);
        to->bucket[i] += times;
        to->count += times;
    }
    to->sum_ns += value(&from->sum_ns);
}

static void add_each(const _Atomic uint64_t *from, uint64_t *to, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        to[i] += value(&from[i]);
}

/* One set of counters onto the sum. */
static void add_counters(const bp__counters *from, bp_pool_stats *stats)
{
#define ONE(field, unit, name, help) add_each(&from->field, &stats->field, 1);
#define EACH(field, size, unit, name, help, label, names) add_each(from->field, stats->field, size);
#define TIMES(field, name, help) add_times(&from->field, &stats->field);
    BP__COUNTER_MAP(ONE, EACH, TIMES)
#undef ONE
#undef EACH
#undef TIMES
}

static void count_slot(bp_pool *pool, bp__slot *slot, uint64_t now, bp_pool_stats *stats,
                       uint64_t *leases)
{
    uint64_t state = bp__load(&slot->state, acquire);
    *leases += bp__state_leases(state);
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
    for (uint32_t i = 0; i < BP__COUNTER_SETS; i++)
        add_counters(&pool->counters[i], &read);
    add_hits(leases, &read);
    return bp__result_copy(stats, &read, sizeof read, "bp_pool_stats", NULL);
}
