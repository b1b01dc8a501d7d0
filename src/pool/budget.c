/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/budget.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "pool/claim.h"
#include "pool/sweep.h"

struct bp_pool_budget {
    /* Guards the rest. Comes after a pool's mutex; nothing is called while it is held. */
    pthread_mutex_t mutex;
    uint32_t limit, used;
    uint32_t waiters, max_waiters;
    uint32_t owners;
    bp_pool *members; /* round-robin: who was squeezed goes to the end */
    bp_pool *last_member;
    bp_pool *first_hungry, *last_hungry; /* pools that wait for a place, first come first */
};

/* While anybody waits, gives in every pool of the budget go the long way and nudge him. */
static void set_sharing_locked(bp_pool_budget *budget, bool sharing)
{
    for (bp_pool *pool = budget->members; pool; pool = pool->next_member) {
        if (sharing)
            bp__or(&pool->gate, BP__GATE_SHARE, seq_cst);
        else
            bp__and(&pool->gate, ~BP__GATE_SHARE, seq_cst);
    }
}

static void unlink_hungry_locked(bp_pool_budget *budget, bp_pool *pool)
{
    if (!pool->hungry)
        return;
    bp_pool **place = &budget->first_hungry, *previous = NULL;
    while (*place != pool) {
        previous = *place;
        place = &previous->next_hungry;
    }
    *place = pool->next_hungry;
    if (budget->last_hungry == pool)
        budget->last_hungry = previous;
    pool->next_hungry = NULL;
    pool->hungry = false;
    if (!budget->first_hungry)
        set_sharing_locked(budget, false);
}

static void append_hungry_locked(bp_pool_budget *budget, bp_pool *pool)
{
    if (pool->hungry)
        return;
    if (!budget->first_hungry)
        set_sharing_locked(budget, true);
    *(budget->last_hungry ? &budget->last_hungry->next_hungry : &budget->first_hungry) = pool;
    budget->last_hungry = pool;
    pool->next_hungry = NULL;
    pool->hungry = true;
}

bool bp__budget_take(bp_pool *pool)
{
    bp_pool_budget *budget = pool->budget;
    if (!budget)
        return true;
    BP_LOCK_SCOPE(&budget->mutex);
    if (budget->used >= budget->limit) {
        append_hungry_locked(budget, pool);
        return false;
    }
    budget->used++;
    return true;
}

void bp__budget_sated(bp_pool *pool)
{
    bp_pool_budget *budget = pool->budget;
    if (!budget)
        return;
    BP_LOCK_SCOPE(&budget->mutex);
    unlink_hungry_locked(budget, pool);
}

/* The first pool of the line, held and out of it; NULL if nobody waits. */
static bp_pool *next_hungry(bp_pool_budget *budget, bool one_less)
{
    BP_LOCK_SCOPE(&budget->mutex);
    if (one_less)
        budget->used--;
    while (budget->first_hungry && budget->used < budget->limit) {
        bp_pool *pool = budget->first_hungry;
        unlink_hungry_locked(budget, pool);
        if (bp__pool_try_hold(pool))
            return pool;
    }
    return NULL;
}

void bp__budget_release(bp_pool *pool)
{
    bp_pool_budget *budget = pool->budget;
    if (!budget)
        return;
    bool one_less = true;
    bp_pool *hungry;
    /* A pool may have no use for the place any more: then it is the next one's. */
    while ((hungry = next_hungry(budget, one_less))) {
        one_less = false;
        bp__serve(hungry);
        bp__pool_release(hungry);
    }
}

/* Some other pool of the budget, held; each call another one, as long as there are. */
static bp_pool *next_member(bp_pool *pool)
{
    bp_pool_budget *budget = pool->budget;
    BP_LOCK_SCOPE(&budget->mutex);
    bp_pool *member = budget->members;
    if (member->next_member) {
        budget->members = member->next_member;
        budget->members->previous_member = NULL;
        member->previous_member = budget->last_member;
        member->next_member = NULL;
        budget->last_member->next_member = member;
        budget->last_member = member;
    }
    return member != pool && bp__pool_try_hold(member) ? member : NULL;
}

static uint32_t count_members(bp_pool_budget *budget)
{
    BP_LOCK_SCOPE(&budget->mutex);
    uint32_t count = 0;
    for (bp_pool *pool = budget->members; pool; pool = pool->next_member)
        count++;
    return count;
}

bool bp__budget_squeeze(bp_pool *pool)
{
    if (!pool->budget)
        return false;
    for (uint32_t left = count_members(pool->budget); left > 0; left--) {
        bp_pool *member = next_member(pool);
        if (!member)
            continue;
        bool squeezed = bp__sweep_surplus(member, BP_RECYCLE_PRESSURE);
        bp__pool_release(member);
        if (squeezed)
            return true;
    }
    return false;
}

bp_pool *bp__budget_hungry(bp_pool *pool)
{
    bp_pool_budget *budget = pool->budget;
    if (!budget)
        return NULL;
    BP_LOCK_SCOPE(&budget->mutex);
    bp_pool *hungry = budget->first_hungry;
    return hungry && bp__pool_try_hold(hungry) ? hungry : NULL;
}

bool bp__budget_is_spent(bp_pool *pool)
{
    bp_pool_budget *budget = pool->budget;
    if (!budget)
        return false;
    BP_LOCK_SCOPE(&budget->mutex);
    return budget->used >= budget->limit;
}

bool bp__budget_is_short(bp_pool *pool)
{
    if (!bp__budget_is_spent(pool))
        return false;
    BP_LOCK_SCOPE(&pool->mutex);
    return pool->live < pool->max_live;
}

bool bp__budget_wait_begin(bp_pool *pool)
{
    bp_pool_budget *budget = pool->budget;
    BP_LOCK_SCOPE(&budget->mutex);
    if (budget->used >= budget->limit && budget->waiters >= budget->max_waiters)
        return false;
    budget->waiters++;
    return true;
}

void bp__budget_wait_end(bp_pool *pool)
{
    BP_LOCK_SCOPE(&pool->budget->mutex);
    pool->budget->waiters--;
}

void bp__budget_join(bp_pool *pool, bp_pool_budget *budget)
{
    BP_LOCK_SCOPE(&budget->mutex);
    budget->owners++;
    pool->budget = budget;
    pool->previous_member = budget->last_member;
    *(budget->last_member ? &budget->last_member->next_member : &budget->members) = pool;
    budget->last_member = pool;
    if (budget->first_hungry)
        bp__or(&pool->gate, BP__GATE_SHARE, seq_cst);
}

static void unlink_member_locked(bp_pool_budget *budget, bp_pool *pool)
{
    bp_pool *next = pool->next_member, *previous = pool->previous_member;
    *(previous ? &previous->next_member : &budget->members) = next;
    *(next ? &next->previous_member : &budget->last_member) = previous;
}

void bp__budget_leave(bp_pool *pool)
{
    bp_pool_budget *budget = pool->budget;
    if (!budget)
        return;
    pthread_mutex_lock(&budget->mutex);
    unlink_hungry_locked(budget, pool);
    unlink_member_locked(budget, pool);
    pthread_mutex_unlock(&budget->mutex);
    bp_pool_budget_unref(budget);
}

bp_status bp_pool_budget_new(uint32_t limit, uint32_t max_waiters, bp_pool_budget **ret,
                             bp_error *reterr)
{
    if (!ret || limit == 0)
        return bp_error_set(reterr, BP_EINVAL, "bp_pool_budget_new: %s",
                            ret ? "limit is 0: it must be 1 or more" : "ret is NULL");
    bp_pool_budget *budget = bp__alloc_zeroed(1, sizeof *budget);
    if (!budget)
        return bp__error_oom(reterr, "making a budget");
    pthread_mutex_init(&budget->mutex, NULL);
    budget->limit = limit;
    budget->max_waiters = max_waiters ? max_waiters : 1024;
    budget->owners = 1;
    *ret = budget;
    return BP_OK;
}

bp_pool_budget *bp_pool_budget_ref(bp_pool_budget *budget)
{
    if (!budget)
        return NULL;
    BP_LOCK_SCOPE(&budget->mutex);
    budget->owners++;
    return budget;
}

void bp_pool_budget_unref(bp_pool_budget *budget)
{
    if (!budget)
        return;
    pthread_mutex_lock(&budget->mutex);
    bool last = --budget->owners == 0;
    pthread_mutex_unlock(&budget->mutex);
    if (!last)
        return;
    pthread_mutex_destroy(&budget->mutex);
    bp__free(budget);
}

uint32_t bp_pool_budget_used(bp_pool_budget *budget, uint32_t *ret_limit)
{
    if (!budget)
        return 0;
    BP_LOCK_SCOPE(&budget->mutex);
    if (ret_limit)
        *ret_limit = budget->limit;
    return budget->used;
}
