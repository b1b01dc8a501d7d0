/* Making, sharing and warming pools. SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "pool/budget.h"
#include "pool/claim.h"
#include "pool/core.h"
#include "pool/factory.h"
#include "pool/keeper.h"
#include "pool/options.h"

/* Ids are never used twice: 2^64 pools do not happen. Only uniqueness counts, so relaxed. */
static _Atomic uint64_t last_id;

/* Milliseconds to nanoseconds; "unlimited" and what does not fit become `never`. */
static uint64_t to_ns(uint64_t ms, uint64_t never)
{
    return ms > UINT64_MAX / BP_NS_PER_MS ? never : ms * BP_NS_PER_MS;
}

static void set_policy(bp_pool *pool, const bp_pool_options *options)
{
    pool->cleans = pool->ops.reset && options->reset_when != BP_RESET_NEVER;
    pool->reset_when = options->reset_when;
    pool->checks_on_take = options->check_on_take;
    pool->lend_kinds = options->check_on_take ? 0 : BP__READY_KINDS;
    pool->give_kind = BP__USED;
    pool->give_kind_keyed = BP__KEPT;
    if (!pool->cleans)
        return;
    pool->counts_ready = options->reset_when == BP_RESET_ON_GIVE_BACKGROUND;
    pool->give_kind = options->reset_when == BP_RESET_ON_GIVE_INLINE ? BP__BUSY : BP__DIRTY;
    pool->give_kind_keyed = pool->give_kind;
}

static void set_options(bp_pool *pool, const bp_pool_options *options)
{
    pool->max_live = options->max_live;
    atomic_init(&pool->min_warm, options->min_warm);
    atomic_init(&pool->warm_wanted, options->min_warm);
    pool->grows = options->grow_when_busy;
    pool->take_timeout = to_ns(options->take_timeout_ms, UINT64_MAX - 1);
    pool->create_timeout = to_ns(options->create_timeout_ms, UINT64_MAX);
    pool->reset_timeout = to_ns(options->reset_timeout_ms, UINT64_MAX);
    pool->check_timeout = to_ns(options->check_timeout_ms, UINT64_MAX);
    pool->max_uses = options->max_uses == BP_UNLIMITED ? 0 : options->max_uses;
    pool->max_age = to_ns(options->max_age_ms, 0);
    pool->idle_ttl = to_ns(options->idle_ttl_ms, 0);
    pool->check_interval = to_ns(options->check_interval_ms, 0);
    pool->idle_floor = options->idle_floor;
    pool->max_waiters = options->max_waiters;
    if (pool->max_waiters > BP__GATE_WAITERS)
        pool->max_waiters = BP__GATE_WAITERS;
    pool->jitter_percent = options->jitter_percent;
    pool->logger = (bp__logger){options->log, options->log_data, options->log_level};
}

static bp_pool *make(const bp_pool_ops *ops, void *factory, const bp_pool_options *options)
{
    bp_pool *pool = bp__alloc_aligned(BP__LINE, sizeof *pool);
    char *name = bp__strdup(options->name);
    if (!pool || !name) {
        bp__free(pool);
        bp__free(name);
        return NULL;
    }
    pool->name = name;
    pool->ops = *ops;
    pool->factory = factory;
    pool->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    pool->owners = 1;
    atomic_init(&pool->holds, 1);
    atomic_init(&pool->random, pool->id);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_mutex_init(&pool->resizing, NULL);
    set_options(pool, options);
    set_policy(pool, options);
    bp__fork_watch(pool);
    return pool;
}

/* Keeper, budget and the first items; the pool is complete but for them. */
static bp_status furnish(bp_pool *pool, const bp_pool_options *options, bp_error *reterr)
{
    bp_status status = bp__pool_grow(pool, options->max_live, reterr);
    if (status)
        return status;
    if (options->budget)
        bp__budget_join(pool, options->budget);
    bool background = options->prewarm == BP_PREWARM_BACKGROUND;
    /* Before there is a keeper, which would create beside us, also when we fail and the factory
     * is about to go. */
    if (!background)
        status = bp_pool_warm(pool, options->min_warm, BP_DEADLINE_DEFAULT, NULL, reterr);
    if (status || !options->keeper)
        return status;
    status = bp__keeper_attach(options->keeper, pool, reterr);
    if (!status)
        bp__keeper_post(pool, background);
    return status;
}

bp_status bp_pool_new(const bp_pool_ops *ops, void *factory, const bp_pool_options *options,
                      bp_pool **ret, bp_error *reterr)
{
    bp_pool_options checked;
    bp_pool_ops known;
    if (!ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_pool_new: ret is NULL");
    bp_status status = bp__pool_options_read(ops, options, &known, &checked, reterr);
    if (status)
        return status;
    bp_pool *pool = make(&known, factory, &checked);
    if (!pool)
        return bp__error_oom(reterr, "making a pool");
    status = furnish(pool, &checked, reterr);
    if (status) {
        bp_pool_unref(pool);
        return status;
    }
    *ret = pool;
    return BP_OK;
}

bp_pool *bp_pool_ref(bp_pool *pool)
{
    if (!pool || bp__load(&pool->gate, relaxed) & BP__GATE_FORKED)
        return pool;
    pthread_mutex_lock(&pool->mutex);
    pool->owners++;
    pthread_mutex_unlock(&pool->mutex);
    return pool;
}

void bp_pool_unref(bp_pool *pool)
{
    /* In a fork's child the copy of a busy pool cannot be taken apart; it stays. */
    if (!pool || bp__load(&pool->gate, relaxed) & BP__GATE_FORKED)
        return;
    pthread_mutex_lock(&pool->mutex);
    bool last = pool->owners == 1;
    if (!last)
        pool->owners--;
    pthread_mutex_unlock(&pool->mutex);
    if (!last)
        return;
    (void)bp_pool_drain(pool, BP_NOW);
    pthread_mutex_lock(&pool->mutex);
    pool->owners--;
    bool ended = bp__pool_ends_locked(pool);
    pthread_mutex_unlock(&pool->mutex);
    if (ended)
        bp__pool_release(pool);
}

const char *bp_pool_name(const bp_pool *pool)
{
    return pool ? pool->name : NULL;
}

/* A place while fewer than `n` are live; *ret_status says why not, if more are wanted. */
static bp__slot *reserve_below(bp_pool *pool, uint32_t n, bp_status *ret_status)
{
    pthread_mutex_lock(&pool->mutex);
    bp__slot *slot = NULL;
    *ret_status = pool->closed ? BP_ECLOSED : BP_OK;
    if (!pool->closed && pool->live < n) {
        slot = bp__place_reserve_locked(pool);
        if (!slot && !pool->first)
            bp__budget_sated(pool); /* we do not wait in its line */
        *ret_status = slot ? BP_OK : BP_EBUSY;
    }
    pthread_mutex_unlock(&pool->mutex);
    return slot;
}

static bp_status refuse_warm(bp_pool *pool, bp_status status, bp_error *reterr)
{
    switch (status) {
    case BP_ECLOSED:
        return bp_error_set(reterr, status, "pool '%s': closed", pool->name);
    case BP_EBUSY:
        return bp_error_set(reterr, status, "pool '%s': the budget of all pools is used up",
                            pool->name);
    default:
        return bp_error_set(reterr, status, "pool '%s': deadline passed while warming", pool->name);
    }
}

/* One item; without a caller's deadline each has the pool's. */
static bp_status make_item(bp_pool *pool, bp__slot *slot, bp_deadline by, bp_error *reterr)
{
    if (by == BP_DEADLINE_DEFAULT)
        by = bp__deadline_after(bp__now_ns(), pool->create_timeout);
    bp_status status = bp_deadline_passed(by) ? refuse_warm(pool, BP_ETIMEDOUT, reterr)
                                              : bp__slot_create(pool, slot, by, reterr);
    if (status)
        bp__place_free(pool, slot);
    else
        bp__slot_publish(pool, slot, BP__FREE, 0);
    return status;
}

static bp_status warm(bp_pool *pool, uint32_t n, bp_deadline by, uint32_t *made, bp_error *reterr)
{
    for (;;) {
        bp_status status;
        bp__slot *slot = reserve_below(pool, n, &status);
        if (!slot && status == BP_EBUSY && bp__budget_squeeze(pool))
            continue;
        if (!slot)
            return status ? refuse_warm(pool, status, reterr) : BP_OK;
        status = make_item(pool, slot, by, reterr);
        if (status)
            return status;
        (*made)++;
    }
}

bp_status bp_pool_warm(bp_pool *pool, uint32_t n, bp_deadline by, uint32_t *ret_made,
                       bp_error *reterr)
{
    uint32_t made = 0;
    if (ret_made)
        *ret_made = 0;
    if (!pool)
        return bp_error_set(reterr, BP_EINVAL, "bp_pool_warm: pool is NULL");
    if (bp__load(&pool->gate, seq_cst) & BP__GATE_FORKED || bp__inside_factory(pool))
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': cannot be warmed from here", pool->name);
    pthread_mutex_lock(&pool->mutex);
    uint32_t max_live = pool->max_live;
    pthread_mutex_unlock(&pool->mutex);
    if (n > max_live)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': cannot warm %u, max_live is %u",
                            pool->name, n, max_live);
    bp_status status = warm(pool, n, by, &made, reterr);
    if (ret_made)
        *ret_made = made;
    if (made)
        bp__keeper_post(pool, false);
    return status;
}

void bp_pool_tick(bp_pool *pool)
{
    if (!pool || bp__load(&pool->gate, seq_cst) & BP__GATE_FORKED || bp__inside_factory(pool))
        return;
    if (!bp__pool_try_hold(pool))
        return;
    (void)bp__maintain(pool, false);
    bp__pool_release(pool);
}
