/* Background work of one pool, one pass at a time. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/error.h"
#include "pool/budget.h"
#include "pool/core.h"
#include "pool/factory.h"
#include "pool/jitter.h"
#include "pool/keeper.h"
#include "pool/overdue.h"
#include "pool/pace.h"
#include "pool/sweep.h"

#define BACKOFF_MIN (100 * BP_NS_PER_MS)
#define BACKOFF_MAX (30 * BP_NS_PER_S)
/* How soon a pool that could not get its items from the budget asks again, and how often memory
 * pressure is looked at while there is something to trim. */
#define ASK_AGAIN (1 * BP_NS_PER_S)

/* One pass: what time it is, and when the next is due. */
typedef struct pass {
    bp_pool *pool;
    uint64_t now;
    uint64_t due;
    bool ran_out; /* nothing was pristine, and something became so */
} pass;

static void due_by(pass *now, uint64_t when)
{
    if (when < now->due)
        now->due = when;
}

static void reset_slot(bp_pool *pool, bp__slot *slot)
{
    if (bp__slot_reset_in_time(pool, slot))
        bp__slot_publish(pool, slot, BP__FREE, 0);
    else
        bp__slot_destroy(pool, slot, BP_RECYCLE_RESET_FAILED);
}

/* Given items: reset the dirty, destroy the doomed. Those whose policy is "on take" stay dirty, and
 * those in a rush. */
static void do_given(pass *now, bool paced)
{
    bp_pool *pool = now->pool;
    bool resets = pool->reset_when == BP_RESET_ON_GIVE_BACKGROUND;
    if (resets && paced && bp__pace_look(pool, now->now)) {
        resets = false;
        due_by(now, now->now + BP__PACE_REST);
    }
    bp__scan scan = {.hint = BP__HINT_WORK, .exact = true};
    scan.kinds = resets ? BP__WORK_KINDS : BP__BIT(BP__DOOMED);
    bool none_ready = bp__load(&pool->ready, relaxed) <= 0;
    bp__claim claim;
    while (bp__scan_grab(pool, &scan, &claim)) {
        if (claim.kind == BP__DOOMED) {
            bp__slot_destroy(pool, claim.slot, claim.why);
            continue;
        }
        now->ran_out = none_ready;
        reset_slot(pool, claim.slot);
    }
    if (scan.again && bp__load(&pool->gate, seq_cst) & BP__GATE_WAITERS)
        bp__serve(pool);
}

static uint64_t relaxed(const _Atomic uint64_t *place)
{
    return atomic_load_explicit(place, memory_order_relaxed);
}

static bool is_too_old(const pass *now, const bp__slot *slot)
{
    uint64_t end = relaxed(&slot->age_end);
    return end && end <= now->now;
}

/* Idle for too long, and may go. */
static bool is_idle_too_long(const pass *now, const bp__slot *slot)
{
    uint64_t ttl = relaxed(&slot->idle_ttl);
    if (!ttl || bp__deadline_after(relaxed(&slot->idle_since), ttl) > now->now)
        return false;
    return now->pool->idle_floor == BP_IDLE_REPLACE || bp__sweep_is_above_floor(now->pool);
}

static bool is_check_due(const pass *now, const bp__slot *slot)
{
    uint64_t interval = now->pool->check_interval;
    return interval && bp__deadline_after(relaxed(&slot->checked), interval) <= now->now;
}

/* Owns the slot if nobody has touched it since `state` was read. */
static bool grab_unchanged(bp_pool *pool, bp__slot *slot, uint64_t state)
{
    if (!bp__cas(&slot->state, &state, bp__state_as(state, BP__BUSY)))
        return false;
    bp__ready_less(pool, bp__state_kind(state));
    return true;
}

static void check_slot(pass *now, bp__slot *slot, uint64_t state)
{
    bp_pool *pool = now->pool;
    if (!grab_unchanged(pool, slot, state))
        return;
    if (!bp__factory_check(pool, slot->item, UINT64_MAX)) {
        bp__slot_destroy(pool, slot, BP_RECYCLE_UNHEALTHY);
        return;
    }
    atomic_store_explicit(&slot->checked, now->now, memory_order_relaxed);
    bp__slot_publish(pool, slot, bp__state_kind(state), 0);
}

static void recycle(pass *now, bp__slot *slot, uint64_t state, bp_recycle_reason why)
{
    if (grab_unchanged(now->pool, slot, state))
        bp__slot_destroy(now->pool, slot, why);
}

/* When the item, as it is, must be looked at again. */
static void plan(pass *now, const bp__slot *slot, bool idle)
{
    bp_pool *pool = now->pool;
    uint64_t age_end = relaxed(&slot->age_end), ttl = relaxed(&slot->idle_ttl);
    if (age_end)
        due_by(now, age_end > now->now ? age_end : now->now + ASK_AGAIN);
    if (pool->check_interval)
        due_by(now, idle ? bp__deadline_after(relaxed(&slot->checked), pool->check_interval)
                         : bp__deadline_after(now->now, pool->check_interval));
    /* A give does not say when it was: the stamp is late by up to a quarter. */
    if (ttl && (pool->idle_floor == BP_IDLE_REPLACE || bp__sweep_is_above_floor(pool)))
        due_by(now, bp__deadline_after(now->now, ttl / 4 + 1));
}

static void look_after_idle(pass *now, bp__slot *slot, uint64_t state)
{
    uint64_t gen = bp__state_gen(state);
    if (relaxed(&slot->idle_gen) != gen || !relaxed(&slot->idle_since)) {
        atomic_store_explicit(&slot->idle_gen, gen, memory_order_relaxed);
        atomic_store_explicit(&slot->idle_since, now->now, memory_order_relaxed);
    }
    if (is_too_old(now, slot))
        recycle(now, slot, state, BP_RECYCLE_MAX_AGE);
    else if (is_idle_too_long(now, slot))
        recycle(now, slot, state, BP_RECYCLE_IDLE);
    else {
        if (is_check_due(now, slot))
            check_slot(now, slot, state);
        plan(now, slot, true);
    }
}

static void look_after(pass *now, bp__slot *slot)
{
    uint64_t state = bp__load(&slot->state, acquire);
    if (bp__state_in(state, BP__IDLE_KINDS & ~BP__BIT(BP__DOOMED)))
        look_after_idle(now, slot, state);
    else if (bp__state_in(state, BP__LEASED_KINDS)) {
        bp__overdue_check(now->pool, slot, state, now->now);
        plan(now, slot, false);
    }
}

/* The highest places first: takers prefer the lowest, so the surplus is up there. */
static void look_over(pass *now)
{
    for (uint32_t b = bp__block_count(now->pool); b-- > 0;) {
        bp__block *block = bp__block_at(now->pool, b);
        for (uint32_t i = block->count; i-- > 0;)
            look_after(now, &block->slots[i]);
    }
}

static void note_failure(pass *now, const bp_error *error)
{
    bp_pool *pool = now->pool;
    pthread_mutex_lock(&pool->mutex);
    pool->backoff = pool->backoff ? pool->backoff * 2 : BACKOFF_MIN;
    if (pool->backoff > BACKOFF_MAX)
        pool->backoff = BACKOFF_MAX;
    uint64_t wait = pool->backoff;
    pool->refill_after = bp__deadline_after(bp__now_ns(), bp__jitter(pool, wait));
    pthread_mutex_unlock(&pool->mutex);
    bp__log(&pool->logger, BP_LOG_WARN, "pool", NULL, "%s; next try in about %llu ms",
            error->message, (unsigned long long)(wait / BP_NS_PER_MS));
}

/* Late is a failure here: nobody waited for it, and the next might be as late. */
static bp_status create_in_time(bp_pool *pool, bp__slot *slot, bp_error *reterr)
{
    bp_deadline by = bp__deadline_after(bp__now_ns(), pool->create_timeout);
    bp_status status = bp__slot_create(pool, slot, by, reterr);
    if (status || bp__now_ns() <= by)
        return status;
    bp__slot_discard(pool, slot, BP_RECYCLE_TIMEOUT);
    return bp_error_set(reterr, BP_ETIMEDOUT, "pool '%s': create took too long", pool->name);
}

/* A place if the pool is below min_warm and may create now; plans the next look otherwise. */
static bp__slot *reserve_to_refill(pass *now)
{
    bp_pool *pool = now->pool;
    bp__slot *slot = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (!pool->closed && pool->live < bp__load(&pool->min_warm, relaxed)) {
        if (pool->refill_after > bp__now_ns())
            due_by(now, pool->refill_after);
        else if (!(slot = bp__place_reserve_locked(pool)))
            due_by(now, now->now + ASK_AGAIN);
        if (!slot && !pool->first)
            bp__budget_sated(pool); /* we ask again, but do not stand in its line */
    }
    pthread_mutex_unlock(&pool->mutex);
    return slot;
}

static void create_into(pass *now, bp__slot *slot)
{
    bp_pool *pool = now->pool;
    bp_error error = BP_ERROR_INIT;
    if (create_in_time(pool, slot, &error)) {
        note_failure(now, &error);
        bp__place_free(pool, slot);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->backoff = 0;
    pthread_mutex_unlock(&pool->mutex);
    bp__slot_publish(pool, slot, BP__FREE, 0);
}

static void refill(pass *now)
{
    bp__slot *slot;
    while ((slot = reserve_to_refill(now)))
        create_into(now, slot); /* a failure puts off the next */
}

/* Waking a helper costs a giver 5 us, more than many a reset. The more pristine items there are,
 * the fewer gives have to: so a pool that ran out of them gets one more each time. */
static void grow(pass *now)
{
    bp_pool *pool = now->pool;
    bp__slot *slot = NULL;
    if (!pool->grows)
        return;
    pthread_mutex_lock(&pool->mutex);
    if (now->ran_out && !pool->first && pool->refill_after <= now->now) {
        slot = bp__place_reserve_locked(pool);
        if (!slot)
            bp__budget_sated(pool); /* it was only a wish */
    }
    uint32_t live = pool->live, floor = bp__load(&pool->min_warm, relaxed);
    bp__store(&pool->warm_wanted, live > floor ? live : floor, relaxed);
    pthread_mutex_unlock(&pool->mutex);
    if (slot)
        create_into(now, slot);
}

static void relieve(pass *now)
{
    switch (bp__keeper_pressure(now->pool)) {
    case BP_MEMORY_CRITICAL:
        bp_pool_trim(now->pool, BP_TRIM_ALL);
        break;
    case BP_MEMORY_LOW:
        bp_pool_trim(now->pool, BP_TRIM_SURPLUS);
        break;
    case BP_MEMORY_OK:
        break;
    }
    if (bp__keeper_watches_pressure(now->pool) && bp__sweep_is_above_floor(now->pool))
        due_by(now, now->now + ASK_AGAIN);
}

uint64_t bp__maintain(bp_pool *pool, bool paced)
{
    pass now = {.pool = pool, .now = bp__now_ns(), .due = UINT64_MAX};
    if (bp__swap(&pool->working, true, acquire))
        return now.now + BP_NS_PER_MS; /* somebody is at it; look whether he is done */
    bp__tally(&bp__counters_of(pool)->keeper_passes);
    do_given(&now, paced);
    if (bp__load(&pool->gate, seq_cst) & BP__GATE_CLOSED) {
        bp__sweep_all(pool, BP_RECYCLE_CLOSE);
    } else {
        look_over(&now);
        bp__sweep_shrink(pool);
        relieve(&now);
        refill(&now);
        grow(&now);
    }
    bp__store(&pool->working, false, release);
    return now.due;
}
