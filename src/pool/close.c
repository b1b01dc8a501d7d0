/* Shrinking, growing and ending a pool. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/error.h"
#include "pool/core.h"
#include "pool/factory.h"
#include "pool/keeper.h"
#include "pool/options.h"
#include "pool/park.h"
#include "pool/sweep.h"

/* How long a pool that was emptied under pressure is not refilled. */
#define REFILL_AFTER_TRIM (5 * BP_NS_PER_S)

static bool is_forked(bp_pool *pool)
{
    return bp__load(&pool->gate, relaxed) & BP__GATE_FORKED;
}

/* New takes are refused and waiters sent away. */
static void shut(bp_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->closed = true;
    bp__or(&pool->gate, BP__GATE_CLOSED, seq_cst);
    bp__waiter *dismissed = bp__dismiss_all_locked(pool);
    pthread_mutex_unlock(&pool->mutex);
    bp__wake_all(dismissed);
}

static uint32_t live_now(bp_pool *pool, uint32_t *ret_emptied)
{
    pthread_mutex_lock(&pool->mutex);
    uint32_t live = pool->live;
    *ret_emptied = bp__load(&pool->emptied, seq_cst);
    pthread_mutex_unlock(&pool->mutex);
    return live;
}

bp_status bp_pool_drain(bp_pool *pool, bp_deadline by)
{
    if (!pool || is_forked(pool))
        return BP_EINVAL;
    shut(pool);
    bp__sweep_all(pool, BP_RECYCLE_CLOSE);
    if (bp__inside_factory(pool))
        by = BP_NOW; /* what it would wait for includes itself */
    else if (by == BP_DEADLINE_DEFAULT)
        by = bp__deadline_after(bp__now_ns(), pool->take_timeout);
    for (;;) {
        uint32_t emptied;
        if (live_now(pool, &emptied) == 0)
            return BP_OK;
        if (bp_deadline_passed(by))
            return BP_ETIMEDOUT;
        bp__park(&pool->emptied, emptied, by);
    }
}

bp_status bp_pool_close(bp_pool *pool, bp_deadline by)
{
    if (!pool || is_forked(pool))
        return BP_EINVAL;
    pthread_mutex_lock(&pool->mutex);
    bool answered = pool->close_answered;
    bp_status answer = pool->close_answer;
    pthread_mutex_unlock(&pool->mutex);
    if (answered)
        return answer;
    answer = bp_pool_drain(pool, by);
    pthread_mutex_lock(&pool->mutex);
    if (!pool->close_answered)
        pool->close_answer = answer;
    pool->close_answered = true;
    answer = pool->close_answer;
    pthread_mutex_unlock(&pool->mutex);
    return answer;
}

uint32_t bp_pool_trim(bp_pool *pool, bp_trim_level level)
{
    if (!pool || is_forked(pool) || (unsigned)level > BP_TRIM_ALL)
        return 0;
    uint32_t trimmed = 0;
    if (level == BP_TRIM_ALL) {
        pthread_mutex_lock(&pool->mutex);
        pool->refill_after = bp__deadline_after(bp__now_ns(), REFILL_AFTER_TRIM);
        pthread_mutex_unlock(&pool->mutex);
        return bp__sweep_all(pool, BP_RECYCLE_PRESSURE);
    }
    while (bp__sweep_surplus(pool, BP_RECYCLE_PRESSURE))
        trimmed++;
    return trimmed;
}

/* Under the mutex: the new limits hold from here on. */
static bp_status set_limits_locked(bp_pool *pool, uint32_t max_live, uint32_t min_warm,
                                   bp_error *reterr)
{
    if (pool->closed)
        return bp_error_set(reterr, BP_ECLOSED, "pool '%s': closed", pool->name);
    pool->max_live = max_live;
    bp__store(&pool->min_warm, min_warm, relaxed);
    bp__store(&pool->warm_wanted, min_warm, relaxed);
    if (pool->live > max_live)
        bp__or(&pool->gate, BP__GATE_SHRINK, seq_cst);
    else
        bp__and(&pool->gate, ~BP__GATE_SHRINK, seq_cst);
    return BP_OK;
}

static bp_status resize(bp_pool *pool, uint32_t max_live, uint32_t min_warm, bp_error *reterr)
{
    bp_status status = bp__pool_limits_check(pool->name, max_live, min_warm, reterr);
    if (!status)
        status = bp__pool_grow(pool, max_live, reterr);
    if (status)
        return status;
    pthread_mutex_lock(&pool->mutex);
    status = set_limits_locked(pool, max_live, min_warm, reterr);
    bp__waiter *served = status ? NULL : bp__serve_locked(pool);
    pthread_mutex_unlock(&pool->mutex);
    bp__wake_all(served);
    return status;
}

bp_status bp_pool_resize(bp_pool *pool, uint32_t max_live, uint32_t min_warm, bp_error *reterr)
{
    if (!pool)
        return bp_error_set(reterr, BP_EINVAL, "bp_pool_resize: pool is NULL");
    if (is_forked(pool))
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': made before fork()", pool->name);
    pthread_mutex_lock(&pool->resizing);
    pthread_mutex_lock(&pool->mutex);
    if (max_live == 0)
        max_live = pool->max_live;
    if (min_warm == 0)
        min_warm = bp__load(&pool->min_warm, relaxed);
    else if (min_warm == BP_POOL_NONE)
        min_warm = 0;
    pthread_mutex_unlock(&pool->mutex);
    bp_status status = resize(pool, max_live, min_warm, reterr);
    pthread_mutex_unlock(&pool->resizing);
    if (status)
        return status;
    bp__sweep_shrink(pool);
    bp__keeper_post(pool, true);
    return BP_OK;
}
