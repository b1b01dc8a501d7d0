/* Taking. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "pool/budget.h"
#include "pool/claim.h"
#include "pool/core.h"
#include "pool/factory.h"
#include "pool/overdue.h"

static const bp_take_result results[] = {
    [BP_OK] = BP_TAKE_MISS,
    [BP_EBUSY] = BP_TAKE_BUSY,
    [BP_ETIMEDOUT] = BP_TAKE_TIMEOUT,
    [BP_ECLOSED] = BP_TAKE_CLOSED,
    [BP_ECANCELLED] = BP_TAKE_CANCELLED,
};

static bp_take_result result_of(bp_status status)
{
    size_t known = sizeof results / sizeof *results;
    bp_take_result result = (size_t)status < known ? results[status] : BP_TAKE_ERROR;
    return result == BP_TAKE_HIT ? BP_TAKE_ERROR : result; /* 0 is a gap in the table */
}

/* A take that left the fast path ends. */
static bp_status finish(bp_pool *pool, const bp__request *request, bp_status status)
{
    bp__tally(&bp__counters_of(pool)->takes[result_of(status)]);
    uint64_t now = request->start ? bp__now_ns() : 0;
    uint64_t waited = now > request->start ? now - request->start : 0;
    bp__histogram_add(&bp__counters_of(pool)->take_wait, waited);
    return status;
}

/* The lease's line is ours: fill in the rest. */
static inline void fill(bp_pool *pool, bp__slot *slot, uint64_t state, bp_deadline by,
                        bp_lease *ret)
{
    bp__overdue_set(slot, state, by == BP_DEADLINE_DEFAULT ? 0 : by);
    if (pool->counts_ready)
        bp__sub(&pool->ready, 1, relaxed);
    ret->pool = pool;
    ret->slot = slot;
    ret->stamp = state;
    ret->unfinished = 0;
    ret->waited = 0;
}

/* T2: the slot that this thread had last. */
static inline bool take_home(bp_pool *pool, bp_deadline by, bp_lease *ret)
{
    bp__home *home = bp__thread_home(pool->id);
    if (home->pool_id != pool->id)
        return false;
    uint64_t was;
    if (!bp__grab(home->slot, pool->lend_kinds, BP__LEASED, &was))
        return false;
    fill(pool, home->slot, bp__state_as(was, BP__LEASED), by, ret);
    return true;
}

static bp_status refuse(bp_pool *pool, uint32_t gate, bp_error *reterr)
{
    if (gate & BP__GATE_FORKED)
        return bp_error_set(reterr, BP_EINVAL,
                            "pool '%s': made before fork() while it was in use; stop its keeper "
                            "and every thread in it before fork(), or make a new pool",
                            pool->name);
    return bp_error_set(reterr, BP_ECLOSED, "pool '%s': closed", pool->name);
}

static bp_status refuse_factory(bp_pool *pool, bp_error *reterr)
{
    return bp_error_set(reterr, BP_EINVAL,
                        "pool '%s': nothing is idle, and its own factory cannot wait", pool->name);
}

/* Fixes the deadline, which is relative to now if the caller gave none. */
static void start(bp_pool *pool, bp__request *request)
{
    if (request->polls)
        return;
    request->start = bp__now_ns();
    if (request->by == BP_DEADLINE_DEFAULT)
        request->by = bp__deadline_after(request->start, pool->take_timeout);
    else if (request->try_only && request->by == BP_NOW)
        request->by = bp__deadline_after(request->start, pool->create_timeout);
}

/* When the budget is spent, other pools' surplus makes room; then the line. */
static bp_status claim_slowly(bp_pool *pool, const bp__request *request, bp__claim *ret,
                              bp_error *reterr)
{
    if (request->start && !request->try_only && request->by <= request->start)
        return bp_error_set(reterr, BP_ETIMEDOUT, "pool '%s': deadline passed before the take",
                            pool->name);
    /* While nobody waits what is dirty can be had as what is pristine: without a lock. */
    if (bp__load(&pool->gate, seq_cst) == 0 && bp__claim_idle(pool, request, false, ret))
        return BP_OK;
    if (!request->polls && bp__budget_is_short(pool))
        bp__budget_squeeze(pool);
    return bp__wait_in_line(pool, request, ret, reterr);
}

static bp_status take_slowly(bp_pool *pool, bp__request *request, bp_lease *ret, bp_error *reterr)
{
    uint32_t gate = bp__load(&pool->gate, seq_cst);
    if (gate & (BP__GATE_CLOSED | BP__GATE_FORKED))
        return finish(pool, request, refuse(pool, gate, reterr));
    bp__claim claim;
    request->polls |= bp__inside_factory(pool);
    bool at_once = !(gate & BP__GATE_WAITERS) && bp__claim_ready(pool, request, false, &claim);
    if (at_once && !pool->checks_on_take) {
        bp__lend(pool, request, claim.slot, ret);
        return BP_OK; /* a hit: counted by the slot */
    }
    start(pool, request);
    if (!at_once && bp__inside_factory(pool))
        return finish(pool, request, refuse_factory(pool, reterr));
    bool worked = false, waited = false;
    bp_status status;
    do {
        status = at_once ? BP_OK : claim_slowly(pool, request, &claim, reterr);
        if (status)
            break;
        waited |= claim.waited;
        status = bp__prepare(pool, request, claim, ret, &worked, reterr);
        at_once = false;
    } while (status == BP__AGAIN);
    if (!status && !worked && !waited)
        return BP_OK; /* a hit */
    if (!status)
        ret->waited = 1;
    else if (bp__inside_factory(pool))
        status = refuse_factory(pool, reterr);
    return finish(pool, request, status);
}

static void ask(bp__request *request, bp_deadline by)
{
    request->by = by;
    request->lease_by = by == BP_DEADLINE_DEFAULT ? 0 : by;
    request->polls = by == BP_NOW;
}

static bp_status take_plainly(bp_pool *pool, bp_deadline by, bool try_only, bp_lease *ret,
                              bp_error *reterr)
{
    if (!pool || !ret)
        return bp_error_set(reterr, BP_EINVAL, "take: %s is NULL", pool ? "ret" : "pool");
    bp__request request = {.try_only = try_only};
    ask(&request, by);
    request.polls &= !try_only;
    return take_slowly(pool, &request, ret, reterr);
}

bp_status bp_pool_take(bp_pool *pool, bp_deadline by, bp_lease *ret, bp_error *reterr)
{
    if (__builtin_expect(pool && ret && bp__load(&pool->gate, acquire) == 0, 1) &&
        take_home(pool, by, ret))
        return BP_OK;
    return take_plainly(pool, by, false, ret, reterr);
}

bp_status bp_pool_try_take(bp_pool *pool, bp_lease *ret, bp_error *reterr)
{
    if (__builtin_expect(pool && ret && bp__load(&pool->gate, acquire) == 0, 1) &&
        take_home(pool, BP_NOW, ret))
        return BP_OK;
    return take_plainly(pool, BP_NOW, true, ret, reterr);
}

static bp_status check_key(bp_pool *pool, bp_bytes key, bp_error *reterr)
{
    if (key.size > BP_POOL_KEY_SIZE_MAX)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': key of %zu bytes, at most %d",
                            pool->name, key.size, BP_POOL_KEY_SIZE_MAX);
    if (key.size && !key.data)
        return bp_error_set(reterr, BP_EINVAL, "pool '%s': key without bytes", pool->name);
    return BP_OK;
}

/* A slot was grabbed for a look at its key, which is another's: as it was. */
static void return_other_key(bp_pool *pool, bp__slot *slot)
{
    bp__publish(pool, slot, BP__KEPT, 0);
    bp__gate_check(pool, slot);
}

/* T2 with a key: the thread's last slot, if it was kept for the same key or is pristine. */
static inline bool take_home_for(bp_pool *pool, bp_bytes key, bp_deadline by, bp_lease *ret)
{
    bp__home *home = bp__thread_home(pool->id);
    if (home->pool_id != pool->id || pool->checks_on_take)
        return false;
    bp__slot *slot = home->slot;
    uint64_t was;
    if (!bp__grab(slot, BP__BIT(BP__FREE) | BP__BIT(BP__KEPT), BP__BUSY, &was))
        return false;
    if (bp__state_kind(was) == BP__KEPT && !bp__slot_has_key(slot, key)) {
        return_other_key(pool, slot);
        return false;
    }
    if (bp__state_kind(was) == BP__FREE && !pool->cleans)
        bp__slot_set_key(slot, key, bp__key_hash(key));
    uint64_t state = bp__state_as(was, BP__LEASED_KEYED);
    bp__store(&slot->state, state, release);
    fill(pool, slot, state, by, ret);
    return true;
}

bp_status bp_pool_take_for(bp_pool *pool, bp_bytes key, bp_deadline by, bp_lease *ret,
                           bp_error *reterr)
{
    if (!pool || !ret)
        return bp_error_set(reterr, BP_EINVAL, "take: %s is NULL", pool ? "ret" : "pool");
    bp_status status = check_key(pool, key, reterr);
    if (status)
        return status;
    if (bp__load(&pool->gate, acquire) == 0 && take_home_for(pool, key, by, ret))
        return BP_OK;
    bp__request request = {.key = key, .has_key = true, .hash = bp__key_hash(key)};
    ask(&request, by);
    return take_slowly(pool, &request, ret, reterr);
}

static bp_status read_options(bp_pool *pool, const bp_pool_take_options *options,
                              bp_pool_take_options *ret, bp_error *reterr)
{
    bp_status status = bp__options_copy(ret, sizeof *ret, options, "bp_pool_take_options", reterr);
    if (status)
        return bp__error_prefix(reterr, "pool '%s'", pool->name), status;
    return ret->has_key ? check_key(pool, ret->key, reterr) : BP_OK;
}

bp_status bp_pool_take_with(bp_pool *pool, const bp_pool_take_options *given, bp_lease *ret,
                            bp_error *reterr)
{
    bp_pool_take_options read, *options = &read;
    if (!pool || !given || !ret)
        return bp_error_set(reterr, BP_EINVAL, "take: %s is NULL",
                            !pool    ? "pool"
                            : !given ? "options"
                                     : "ret");
    bp_status status = read_options(pool, given, options, reterr);
    if (status)
        return status;
    bp__request request = {
        .has_key = options->has_key, .try_only = options->try_only, .cancel = options->cancel};
    if (options->has_key) {
        request.key = options->key;
        request.hash = bp__key_hash(options->key);
    }
    ask(&request, options->by);
    request.polls &= !options->try_only;
    if (bp_cancel_triggered(options->cancel))
        return finish(pool, &request,
                      bp_error_set(reterr, BP_ECANCELLED, "pool '%s': cancelled before the take",
                                   pool->name));
    return take_slowly(pool, &request, ret, reterr);
}
