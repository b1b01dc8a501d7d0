/* From a claimed slot to a lease. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/error.h"
#include "pool/claim.h"
#include "pool/core.h"
#include "pool/factory.h"
#include "pool/jitter.h"
#include "pool/keeper.h"
#include "pool/overdue.h"

/* Ages of a new item; it is in a BUSY slot. */
static void stamp_new(bp_pool *pool, bp__slot *slot)
{
    uint64_t now = bp__now_ns();
    uint64_t age = bp__jitter(pool, pool->max_age), ttl = bp__jitter(pool, pool->idle_ttl);
    atomic_store_explicit(&slot->age_end, age ? bp__deadline_after(now, age) : 0,
                          memory_order_relaxed);
    atomic_store_explicit(&slot->idle_ttl, ttl, memory_order_relaxed);
    atomic_store_explicit(&slot->checked, now, memory_order_relaxed);
    uint64_t gen = bp__state_gen(bp__load(&slot->state, relaxed));
    bool wears = pool->max_uses && pool->max_uses <= UINT64_MAX - gen;
    atomic_store_explicit(&slot->gen_end, wears ? gen + pool->max_uses : UINT64_MAX,
                          memory_order_relaxed);
    /* The generation may be that in which the last item here was idle. */
    atomic_store_explicit(&slot->idle_since, 0, memory_order_relaxed);
    slot->key_size = 0;
}

bp_status bp__slot_create(bp_pool *pool, bp__slot *slot, bp_deadline by, bp_error *reterr)
{
    void *item = NULL;
    bp_status status = bp__factory_create(pool, by, &item, reterr);
    if (status)
        return status;
    if (!bp__factory_check(pool, item, by)) {
        bp__factory_destroy(pool, item, BP_RECYCLE_UNHEALTHY);
        return bp_error_set(reterr, BP_EHOST, "pool '%s': new item failed its health check",
                            pool->name);
    }
    slot->item = item;
    stamp_new(pool, slot);
    return BP_OK;
}

bp_status bp__slot_reset(bp_pool *pool, bp__slot *slot, bp_deadline by, bp_error *reterr)
{
    bp_status status = bp__factory_reset(pool, slot->item, by, reterr);
    if (!status)
        slot->key_size = 0;
    return status;
}

bool bp__slot_reset_in_time(bp_pool *pool, bp__slot *slot)
{
    bp_error error = BP_ERROR_INIT;
    bp_deadline by = bp__deadline_after(bp__now_ns(), pool->reset_timeout);
    bp_status status = bp__slot_reset(pool, slot, by, &error);
    if (!status && bp__now_ns() > by)
        status = bp_error_set(&error, BP_ETIMEDOUT, "pool '%s': reset took too long", pool->name);
    if (status)
        bp__log(&pool->logger, BP_LOG_WARN, "pool", NULL, "%s", error.message);
    return !status;
}

void bp__lend(bp_pool *pool, const bp__request *request, bp__slot *slot, bp_lease *ret)
{
    bp__kind kind = request->has_key ? BP__LEASED_KEYED : BP__LEASED;
    if (request->has_key && !pool->cleans)
        bp__slot_set_key(slot, request->key, request->hash);
    uint64_t state = bp__state_as(bp__load(&slot->state, relaxed), kind);
    bp__overdue_set(slot, state, request->lease_by);
    bp__store(&slot->state, state, release);
    *ret = (bp_lease){.pool = pool, .slot = slot, .stamp = state};
    *bp__thread_home(pool->id) = (bp__home){pool->id, slot};
}

/* Makes an item pristine that somebody else used; without one left the claim becomes a place. */
static void clean(bp_pool *pool, bp__claim *claim, bp_deadline by)
{
    if (!pool->ops.reset) {
        bp__slot_discard(pool, claim->slot, BP_RECYCLE_OTHER_KEY);
        claim->kind = BP__EMPTY;
        return;
    }
    bp_error error = BP_ERROR_INIT;
    if (!bp__slot_reset(pool, claim->slot, by, &error)) {
        bp__tally(&bp__counters_of(pool)->resets_inline);
        claim->kind = BP__FREE;
        return;
    }
    bp__log(&pool->logger, BP_LOG_WARN, "pool", NULL, "%s", error.message);
    bp__slot_discard(pool, claim->slot, BP_RECYCLE_RESET_FAILED);
    claim->kind = BP__EMPTY;
}

/* Whether the claimed item can be lent for this request without more ado. */
static bool fits(const bp__request *request, const bp__claim *claim)
{
    switch (claim->kind) {
    case BP__FREE:
        return true;
    case BP__USED:
        return !request->has_key;
    case BP__KEPT:
        return request->has_key && bp__slot_has_key(claim->slot, request->key);
    default:
        return false;
    }
}

/* An unfit item leaves; another that is idle takes its turn, else its place is used for a new
 * one. So a waiter that was served keeps its turn. */
static void replace_unfit(bp_pool *pool, const bp__request *request, bp__claim *claim)
{
    bp__slot_discard(pool, claim->slot, BP_RECYCLE_UNHEALTHY);
    bp__claim other;
    claim->kind = BP__EMPTY;
    if (!bp__claim_ready(pool, request, false, &other))
        return;
    bp__place_free(pool, claim->slot);
    *claim = other;
}

/* A place that was an item's when the pool was larger must not be filled again. */
static bool is_above_max(bp_pool *pool)
{
    if (!(bp__load(&pool->gate, seq_cst) & BP__GATE_SHRINK))
        return false;
    pthread_mutex_lock(&pool->mutex);
    bool above = pool->live > pool->max_live;
    pthread_mutex_unlock(&pool->mutex);
    return above;
}

static bp_status fill_place(bp_pool *pool, const bp__request *request, bp__claim *claim,
                            bp_error *reterr)
{
    if (is_above_max(pool))
        return BP__AGAIN;
    bp_status status = bp__slot_create(pool, claim->slot, request->by, reterr);
    if (!status) {
        claim->kind = BP__FREE;
        claim->created = true;
    }
    return status;
}

static bp_status refuse_late(bp_pool *pool, bp_error *reterr)
{
    return bp_error_set(reterr, BP_ETIMEDOUT, "pool '%s': deadline passed while preparing an item",
                        pool->name);
}

/* Until the claim holds an item that fits and is healthy. */
static bp_status make_fit(bp_pool *pool, const bp__request *request, bp__claim *claim,
                          bool *ret_worked, bp_error *reterr)
{
    for (;;) {
        if (fits(request, claim)) {
            if (!pool->checks_on_take || bp__factory_check(pool, claim->slot->item, request->by))
                return BP_OK;
            replace_unfit(pool, request, claim);
            continue;
        }
        *ret_worked = true;
        if (request->polls)
            return bp_error_set(reterr, BP_EBUSY, "pool '%s': nothing idle is healthy", pool->name);
        if (request->start && bp_deadline_passed(request->by))
            return refuse_late(pool, reterr);
        if (claim->kind == BP__DOOMED) {
            bp__slot_discard(pool, claim->slot, claim->why);
            claim->kind = BP__EMPTY;
        } else if (claim->kind != BP__EMPTY) {
            clean(pool, claim, request->by);
        } else {
            return fill_place(pool, request, claim, reterr); /* creation has checked it */
        }
    }
}

/* The taker does not get it, but others may. */
static void put_back(bp_pool *pool, bp__claim *claim)
{
    if (claim->kind == BP__EMPTY)
        bp__place_free(pool, claim->slot);
    else
        bp__slot_publish(pool, claim->slot, claim->kind,
                         claim->kind == BP__DOOMED ? (uint32_t)claim->why : 0);
}

bp_status bp__prepare(bp_pool *pool, const bp__request *request, bp__claim claim, bp_lease *ret,
                      bool *ret_worked, bp_error *reterr)
{
    bp_status status = make_fit(pool, request, &claim, ret_worked, reterr);
    bool looked = *ret_worked || pool->checks_on_take;
    if (!status && looked && request->start && bp_deadline_passed(request->by))
        status = refuse_late(pool, reterr);
    if (status) {
        put_back(pool, &claim);
        return status;
    }
    bp__lend(pool, request, claim.slot, ret);
    if (claim.created)
        bp__keeper_post(pool, false); /* there is one item more to look after */
    return BP_OK;
}
