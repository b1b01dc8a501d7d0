/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/call_counts.h"

#include "base/alloc.h"
#include "base/error.h"

bp_status bp__call_counts_init(bp__call_counts *counts, size_t exports, bp_error *reterr)
{
    counts->of = bp__alloc_zeroed(exports, sizeof *counts->of);
    if (!counts->of)
        return bp__error_oom(reterr, "making the counters of calls");
    counts->exports = exports;
    return BP_OK;
}

void bp__call_counts_done(bp__call_counts *counts)
{
    for (size_t i = 0; i < counts->exports; i++)
        bp__free(atomic_load_explicit(&counts->of[i], memory_order_relaxed));
    bp__free(counts->of);
}

/* Two threads may make it at once: one of them then has made it in vain. */
static bp__export_counts *make(bp__call_counts *counts, size_t export)
{
    bp__export_counts *made = bp__alloc_aligned(alignof(bp__export_counts), sizeof *made);
    bp__export_counts *there = NULL;
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong_explicit(&counts->of[export], &there, made,
                                                memory_order_acq_rel, memory_order_acquire))
        return made;
    bp__free(made);
    return there;
}

static void raise_longest(_Atomic uint64_t *longest, uint64_t ns)
{
    uint64_t now = atomic_load_explicit(longest, memory_order_relaxed);
    while (ns > now && !atomic_compare_exchange_weak_explicit(
                           longest, &now, ns, memory_order_relaxed, memory_order_relaxed))
        continue;
}

void bp__call_counted(bp__call_counts *counts, size_t export, bp_outcome outcome, uint64_t ns,
                      uint64_t spread)
{
    bp__export_counts *of = atomic_load_explicit(&counts->of[export], memory_order_acquire);
    if (!of)
        of = make(counts, export);
    if (!of)
        return;
    bp__call_set *set = &of->sets[spread % BP__CALL_SETS];
    bool finished = outcome == BP_OUTCOME_FINISHED;
    bp__histogram_add(finished ? &set->finished : &set->others, ns);
    if (!finished)
        bp__tally(&set->outcomes[outcome]);
    raise_longest(&of->longest_ns, ns);
}

void bp__call_refused(bp__call_counts *counts, bp_status status)
{
    unsigned place = (unsigned)status;
    bp__tally(&counts->refused[place < BP__REFUSALS ? place : BP__REFUSALS - 1]);
}

/* Others go on counting meanwhile: each figure only grows, together they may be a call apart. */
static void add_set(const bp__call_set *set, bp__call_sum *to)
{
    for (size_t i = 0; i < BP__OUTCOMES; i++)
        to->outcomes[i] += atomic_load_explicit(&set->outcomes[i], memory_order_relaxed);
    for (size_t i = 0; i < BP_POOL_BUCKETS; i++) {
        uint64_t finished = atomic_load_explicit(&set->finished.bucket[i], memory_order_relaxed);
        to->outcomes[BP_OUTCOME_FINISHED] += finished;
        to->buckets[i] += finished;
        to->buckets[i] += atomic_load_explicit(&set->others.bucket[i], memory_order_relaxed);
    }
    to->sum_ns += atomic_load_explicit(&set->finished.sum_ns, memory_order_relaxed);
    to->sum_ns += atomic_load_explicit(&set->others.sum_ns, memory_order_relaxed);
}

bool bp__call_sum_read(const bp__call_counts *counts, size_t export, bp__call_sum *ret)
{
    const bp__export_counts *of = atomic_load_explicit(&counts->of[export], memory_order_acquire);
    *ret = (bp__call_sum){0};
    if (!of)
        return false;
    for (size_t i = 0; i < BP__CALL_SETS; i++)
        add_set(&of->sets[i], ret);
    ret->longest_ns = atomic_load_explicit(&of->longest_ns, memory_order_relaxed);
    return true;
}
