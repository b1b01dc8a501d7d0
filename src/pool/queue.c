/* Waiting in line, and being served. SPDX-License-Identifier: Apache-2.0
 *
 * Serving is direct: who gives or frees a place claims it for the first in line, under the mutex,
 * and wakes exactly that one. So nobody wakes for nothing and nobody overtakes. */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "pool/budget.h"
#include "pool/core.h"
#include "pool/park.h"
#include "pool/waiter.h"

static void append_locked(bp_pool *pool, bp__waiter *waiter)
{
    waiter->previous = pool->last;
    waiter->next = NULL;
    *(pool->last ? &pool->last->next : &pool->first) = waiter;
    pool->last = waiter;
    pool->waiters++;
    waiter->queued = true;
    bp__add(&pool->gate, 1, seq_cst); /* W1 */
}

static void unlink_locked(bp_pool *pool, bp__waiter *waiter)
{
    *(waiter->previous ? &waiter->previous->next : &pool->first) = waiter->next;
    *(waiter->next ? &waiter->next->previous : &pool->last) = waiter->previous;
    pool->waiters--;
    waiter->queued = false;
    bp__sub(&pool->gate, 1, seq_cst);
    if (!pool->first)
        bp__budget_sated(pool);
}

/* Claims for the first in line until nothing is left; returns those to wake, linked by `next`. */
bp__waiter *bp__serve_locked(bp_pool *pool)
{
    bp__waiter *served = NULL;
    while (pool->first && bp__claim_any_locked(pool, pool->first->request, &pool->first->claim)) {
        bp__waiter *waiter = pool->first;
        unlink_locked(pool, waiter);
        waiter->status = BP_OK;
        waiter->next = served;
        served = waiter;
    }
    return served;
}

bp__waiter *bp__dismiss_all_locked(bp_pool *pool)
{
    bp__waiter *dismissed = NULL;
    while (pool->first) {
        bp__waiter *waiter = pool->first;
        unlink_locked(pool, waiter);
        waiter->status = BP_ECLOSED;
        waiter->next = dismissed;
        dismissed = waiter;
    }
    return dismissed;
}

void bp__wake_all(bp__waiter *woken)
{
    while (woken) {
        bp__waiter *next = woken->next;
        /* After the swap the waiter may be gone; only its address is used. */
        bp__swap(&woken->signal, BP__SERVED, acq_rel);
        bp__unpark(&woken->signal);
        woken = next;
    }
}

void bp__serve(bp_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    bp__waiter *served = bp__serve_locked(pool);
    pthread_mutex_unlock(&pool->mutex);
    bp__wake_all(served);
}

static void nudge(void *data)
{
    bp__waiter *waiter = data;
    uint32_t waiting = BP__WAITING;
    if (bp__cas(&waiter->signal, &waiting, BP__NUDGED))
        bp__unpark(&waiter->signal);
}

void bp__nudge_first(bp_pool *pool)
{
    /* Under the mutex who is in line cannot leave, so is alive. */
    pthread_mutex_lock(&pool->mutex);
    if (pool->first)
        nudge(pool->first);
    pthread_mutex_unlock(&pool->mutex);
}

/* True when the waiting is over: it is served, its deadline passes or its token is triggered. */
static bool is_called(bp__waiter *waiter)
{
    return bp__load(&waiter->signal, acquire) == BP__SERVED ||
           bp_cancel_triggered(waiter->request->cancel) ||
           bp_deadline_passed(waiter->request->by);
}

static void sleep_until_called(bp_pool *pool, bp__waiter *waiter)
{
    /* In line, and known to the budget's other pools: what they have idle by now must be looked
     * for here, what they get later they tell. Places that come free serve us. */
    uint32_t signal = BP__NUDGED;
    while (!is_called(waiter)) {
        if (signal == BP__NUDGED && bp__budget_is_short(pool))
            bp__budget_squeeze(pool);
        signal = BP__NUDGED;
        if (bp__cas(&waiter->signal, &signal, BP__WAITING) || signal != BP__WAITING)
            continue;
        bp__park(&waiter->signal, BP__WAITING, waiter->request->by);
        signal = bp__load(&waiter->signal, acquire);
    }
}

/* Leaves the line. False: it has been served meanwhile, or is being. */
static bool leave(bp_pool *pool, bp__waiter *waiter)
{
    pthread_mutex_lock(&pool->mutex);
    bool queued = waiter->queued;
    if (queued)
        unlink_locked(pool, waiter);
    pthread_mutex_unlock(&pool->mutex);
    return queued;
}

/* The waker is between unlinking us and its last touch. */
static void await_last_touch(bp__waiter *waiter)
{
    for (;;) {
        uint32_t signal = bp__load(&waiter->signal, acquire);
        if (signal == BP__SERVED)
            return;
        bp__park(&waiter->signal, signal, UINT64_MAX);
    }
}

static bp_status give_up(bp_pool *pool, const bp__request *request, bp_error *reterr)
{
    if (bp_cancel_triggered(request->cancel))
        return bp_error_set(reterr, BP_ECANCELLED, "pool '%s': cancelled while waiting in line",
                            pool->name);
    pthread_mutex_lock(&pool->mutex);
    uint32_t live = pool->live, max_live = pool->max_live, waiters = pool->waiters;
    pthread_mutex_unlock(&pool->mutex);
    return bp_error_set(reterr, BP_ETIMEDOUT,
                        "pool '%s': deadline passed while waiting in line (%u of %u live, %u "
                        "others waiting)%s",
                        pool->name, live, max_live, waiters,
                        live < max_live ? "; the budget is used up" : "");
}

static bp_status wait_called(bp_pool *pool, bp__waiter *waiter, bp__claim *ret, bp_error *reterr)
{
    sleep_until_called(pool, waiter);
    if (bp__load(&waiter->signal, acquire) != BP__SERVED) {
        if (leave(pool, waiter))
            return give_up(pool, waiter->request, reterr);
        await_last_touch(waiter);
    }
    if (waiter->status)
        return bp_error_set(reterr, waiter->status, "pool '%s': closed while waiting in line",
                            pool->name);
    *ret = waiter->claim;
    ret->waited = true;
    return BP_OK;
}

static bp_status refuse_capacity(bp_pool *pool, uint32_t live, uint32_t max_live,
                                 bp_error *reterr)
{
    if (bp__budget_is_spent(pool) && live < max_live)
        return bp_error_set(reterr, BP_EBUSY, "pool '%s': the budget of all pools is used up",
                            pool->name);
    if (live < max_live)
        return bp_error_set(reterr, BP_EBUSY, "pool '%s': nothing is idle (%u of %u live)",
                            pool->name, live, max_live);
    return bp_error_set(reterr, BP_EBUSY, "pool '%s': at capacity (%u of %u live)", pool->name,
                        live, max_live);
}

/* Under the mutex: claims, joins the line, or says why neither. */
static bp_status claim_or_join_locked(bp_pool *pool, bp__waiter *waiter, bp_error *reterr)
{
    const bp__request *request = waiter->request;
    if (pool->closed)
        return bp_error_set(reterr, BP_ECLOSED, "pool '%s': closed", pool->name);
    if (!pool->first && bp__claim_any_locked(pool, request, &waiter->claim))
        return BP_OK;
    if (!pool->first)
        bp__budget_sated(pool); /* the claim may have put us in its line */
    if (request->polls || request->try_only)
        return refuse_capacity(pool, pool->live, pool->max_live, reterr);
    if (pool->waiters >= pool->max_waiters)
        return bp_error_set(reterr, BP_EBUSY, "pool '%s': the queue is full (%u of %u waiting)",
                            pool->name, pool->waiters, pool->max_waiters);
    append_locked(pool, waiter);
    return BP_OK;
}

static bp_status claim_or_wait(bp_pool *pool, bp__waiter *waiter, bp__claim *ret, bp_error *reterr)
{
    pthread_mutex_lock(&pool->mutex);
    bp_status status = claim_or_join_locked(pool, waiter, reterr);
    bool joined = waiter->queued;
    /* W2: what became idle before the gate was raised is still to be found. */
    bp__waiter *served = joined ? bp__serve_locked(pool) : NULL;
    pthread_mutex_unlock(&pool->mutex);
    bp__wake_all(served);
    if (joined)
        return wait_called(pool, waiter, ret, reterr);
    if (!status)
        *ret = waiter->claim;
    return status;
}

static bp_status wait_watched(bp_pool *pool, const bp__request *request, bp__claim *ret,
                              bp_error *reterr)
{
    bp__waiter waiter = {.request = request};
    bp__cancel_waker waker = {.wake = nudge, .data = &waiter};
    if (!bp__cancel_watch(request->cancel, &waker))
        return bp_error_set(reterr, BP_ECANCELLED, "pool '%s': cancelled before the take",
                            pool->name);
    bp_status status = claim_or_wait(pool, &waiter, ret, reterr);
    bp__cancel_unwatch(request->cancel, &waker);
    return status;
}

bp_status bp__wait_in_line(bp_pool *pool, const bp__request *request, bp__claim *ret,
                           bp_error *reterr)
{
    if (!pool->budget || request->polls)
        return wait_watched(pool, request, ret, reterr);
    if (!bp__budget_wait_begin(pool))
        return bp_error_set(reterr, BP_EBUSY, "pool '%s': the line for the budget is full",
                            pool->name);
    bp_status status = wait_watched(pool, request, ret, reterr);
    bp__budget_wait_end(pool);
    return status;
}
