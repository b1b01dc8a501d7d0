/* Waiting in line, and being served. SPDX-License-Identifier: Apache-2.0
 *
 * Serving is direct: who gives or frees a place claims it for the first in line, under the mutex,
 * and calls exactly that one. So nobody wakes for nothing.
 *
 * One exception to "first come, first served". A called thread needs microseconds to wake, often
 * more than the item is held for; if everybody had to wait for that, each take would cost a switch
 * of threads. So, until the called one is there, a thread that is running already may take its
 * claim and leave it the next one. This is bounded: OVERTAKES_MAX times for each waiter, and only
 * while it wakes; if it arrives and has no claim, the next is its own for certain. Takes with a
 * key, polls and tries do not overtake. */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "pool/budget.h"
#include "pool/core.h"
#include "pool/park.h"
#include "pool/waiter.h"

#define OVERTAKES_MAX 8

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
    if (!waiter->has_claim)
        pool->waiters--;
    waiter->queued = false;
    bp__sub(&pool->gate, 1, seq_cst);
    if (!pool->first)
        bp__budget_sated(pool);
}

static void give_claim_locked(bp_pool *pool, bp__waiter *waiter)
{
    waiter->has_claim = true;
    pool->waiters--;
}

static void lose_claim_locked(bp_pool *pool, bp__waiter *waiter)
{
    waiter->has_claim = false;
    pool->waiters++;
}

/* Claims for those in line, the first first, until nothing is left; returns those to call. */
bp__waiter *bp__serve_locked(bp_pool *pool)
{
    bp__waiter *called = NULL;
    for (bp__waiter *waiter = pool->first; waiter && pool->waiters; waiter = waiter->next) {
        if (waiter->has_claim)
            continue;
        if (!bp__claim_any_locked(pool, waiter->request, &waiter->claim))
            break;
        give_claim_locked(pool, waiter);
        if (waiter->called)
            continue; /* it is on its way */
        waiter->called = true;
        waiter->next_called = called;
        called = waiter;
    }
    return called;
}

/* Takes what the first in line is just coming for. */
static bool overtake_locked(bp_pool *pool, const bp__request *request, bp__claim *ret)
{
    bp__waiter *first = pool->first;
    if (!first || !first->has_claim || first->passed || first->overtaken >= OVERTAKES_MAX)
        return false;
    if (request->polls || request->try_only || request->has_key || first->request->has_key)
        return false;
    *ret = first->claim;
    first->overtaken++;
    lose_claim_locked(pool, first);
    return true;
}

/* Sends away everybody who has no claim. */
bp__waiter *bp__dismiss_all_locked(bp_pool *pool)
{
    bp__waiter *called = NULL;
    for (bp__waiter *waiter = pool->first, *next; waiter; waiter = next) {
        next = waiter->next;
        if (waiter->has_claim)
            continue;
        unlink_locked(pool, waiter);
        waiter->status = BP_ECLOSED;
        if (waiter->called)
            continue;
        waiter->called = true;
        waiter->next_called = called;
        called = waiter;
    }
    return called;
}

void bp__wake_all(bp__waiter *called)
{
    while (called) {
        bp__waiter *next = called->next_called;
        /* After the swap the waiter may be gone; only its address is used. */
        bp__swap(&called->signal, BP__CALLED, acq_rel);
        bp__unpark(&called->signal);
        called = next;
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

static bool is_out_of_time(const bp__request *request)
{
    return bp_cancel_triggered(request->cancel) || bp_deadline_passed(request->by);
}

/* True when the waiting is over: it is called, its deadline passes or its token is triggered. */
static bool is_called(bp__waiter *waiter)
{
    return bp__load(&waiter->signal, acquire) == BP__CALLED || is_out_of_time(waiter->request);
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

/* The caller is between the mutex and its last touch. */
static void await_last_touch(bp__waiter *waiter)
{
    for (;;) {
        uint32_t signal = bp__load(&waiter->signal, acquire);
        if (signal == BP__CALLED)
            return;
        bp__park(&waiter->signal, signal, UINT64_MAX);
    }
}

typedef enum arrival { ARRIVED, DISMISSED, OVERTAKEN, LATE } arrival;

/* What the waiter finds when it looks up. Unless it was overtaken it has left the line. */
static arrival arrive_locked(bp_pool *pool, bp__waiter *waiter)
{
    waiter->called = false;
    if (!waiter->queued)
        return DISMISSED;
    if (waiter->has_claim) {
        unlink_locked(pool, waiter);
        return ARRIVED;
    }
    if (is_out_of_time(waiter->request)) {
        unlink_locked(pool, waiter);
        return LATE;
    }
    waiter->passed = true;
    bp__store(&waiter->signal, BP__WAITING, seq_cst);
    return OVERTAKEN;
}

static arrival arrive(bp_pool *pool, bp__waiter *waiter)
{
    pthread_mutex_lock(&pool->mutex);
    while (waiter->called && bp__load(&waiter->signal, acquire) != BP__CALLED) {
        pthread_mutex_unlock(&pool->mutex);
        await_last_touch(waiter);
        pthread_mutex_lock(&pool->mutex);
    }
    arrival found = arrive_locked(pool, waiter);
    pthread_mutex_unlock(&pool->mutex);
    return found;
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
    arrival found;
    do {
        sleep_until_called(pool, waiter);
        found = arrive(pool, waiter);
    } while (found == OVERTAKEN);
    if (found == LATE)
        return give_up(pool, waiter->request, reterr);
    if (found == DISMISSED)
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
    if (overtake_locked(pool, request, &waiter->claim))
        return BP_OK;
    if (!pool->waiters && bp__claim_any_locked(pool, request, &waiter->claim))
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
