/* What a pool counts. SPDX-License-Identifier: Apache-2.0
 *
 * The table below makes the counters, their sum in bp_pool_stats_read() and, through metrics.c,
 * the exposition, docs/metrics.md and the command's JSON. A row is
 *   ONE(field, unit, name, help)                          a number
 *   EACH(field, size, unit, name, help, label, names)     one for each value of a label
 *   TIMES(field, name, help)                              a histogram of durations
 * where `field` is the one of bp_pool_stats that the sum goes to. */
#ifndef BP_POOL_COUNTERS_H
#define BP_POOL_COUNTERS_H

#include <bullpen/pool.h>
#include <stdalign.h>

#include "pool/atomic.h"

#define BP__COUNTER_MAP(ONE, EACH, TIMES)                                                          \
    EACH(takes, BP_TAKE_COUNT, "takes", "take_total", "Takes by how they ended.", "result",        \
         take_name)                                                                                \
    TIMES(take_wait, "take_wait_seconds",                                                          \
          "Time from take to its answer; an idle item at once counts as zero.")                    \
    TIMES(create_time, "create_seconds", "Time to create an item.")                                \
    TIMES(reset_time, "reset_seconds", "Time to reset an item.")                                   \
    EACH(recycles, BP_RECYCLE_COUNT, "items", "recycle_total", "Items destroyed, by reason.",      \
         "reason", recycle_name)                                                                   \
    ONE(creates, "items", "create_total", "Items created.")                                        \
    ONE(create_failures, "creations", "create_failures_total", "Creations that failed.")           \
    ONE(resets, "resets", "reset_total", "Items reset.")                                           \
    ONE(resets_inline, "resets", "reset_inline_total",                                             \
        "Items reset by a taker because nothing pristine was idle.")                               \
    ONE(detaches, "items", "detach_total", "Items taken out of the pool.")                         \
    ONE(lease_overdue, "leases", "lease_overdue", "Leases seen out past their deadline.")          \
    ONE(keeper_passes, "passes", "keeper_passes_total", "Background passes over the pool.")

typedef struct bp__histogram {
    _Atomic uint64_t bucket[BP_POOL_BUCKETS];
    _Atomic uint64_t sum_ns;
} bp__histogram;

/* One set of counters; relaxed, they publish nothing. Hits are not among them: the generations
 * of the slots count leases (state.h), and what was no miss was a hit. */
typedef struct bp__counters {
#define ONE(field, unit, name, help) _Atomic uint64_t field;
#define EACH(field, size, unit, name, help, label, names) _Atomic uint64_t field[size];
#define TIMES(field, name, help) bp__histogram field;
    alignas(64) BP__COUNTER_MAP(ONE, EACH, TIMES)
    /* Calls of the factory that began, and that ended, in this set: a fork compares the sums. */
    _Atomic uint64_t calls_begun, calls_ended;
#undef ONE
#undef EACH
#undef TIMES
} bp__counters;

/* Threads are spread over so many sets, which are added up when somebody reads. */
#define BP__COUNTER_SETS 4

#define bp__tally(place) ((void)atomic_fetch_add_explicit(place, 1, memory_order_relaxed))

/* Upper bound of a bucket, inclusive; the last one has none. */
static inline uint64_t bp__histogram_bound(uint32_t bucket)
{
    return UINT64_C(1000) << (2 * bucket);
}

static inline void bp__histogram_add(bp__histogram *histogram, uint64_t ns)
{
    uint32_t bucket = 0;
    while (bucket + 1 < BP_POOL_BUCKETS && ns > bp__histogram_bound(bucket))
        bucket++;
    bp__tally(&histogram->bucket[bucket]);
    atomic_fetch_add_explicit(&histogram->sum_ns, ns, memory_order_relaxed);
}

#endif
