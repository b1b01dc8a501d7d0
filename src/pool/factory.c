/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/factory.h"

#include "base/clock.h"
#include "base/error.h"
#include "pool/claim.h"

/* What is put back when the factory returns; factories of two pools may call into each other. */
typedef struct visit {
    bp_pool *pool;
    const bp_pool *before;
    uint64_t start;
} visit;

static visit enter(bp_pool *pool)
{
    visit entered = {pool, bp__thread_self.factory_of, bp__now_ns()};
    bp__thread_self.factory_of = pool;
    bp__tally(&bp__counters_of(pool)->calls_begun);
    return entered;
}

/* How long it took. */
static uint64_t leave(const visit *entered)
{
    bp__tally(&bp__counters_of(entered->pool)->calls_ended);
    bp__thread_self.factory_of = entered->before;
    uint64_t now = bp__now_ns();
    return now > entered->start ? now - entered->start : 0;
}

/* Factories may forget the message, or use a number that is not theirs: we have one there. */
static bp_status complain(bp_pool *pool, bp_status status, const char *what, bp_error *error,
                          bp_error *reterr)
{
    if (status == BP__AGAIN)
        status = BP_EHOST;
    if (error->status != status || !error->message[0])
        bp_error_set(error, status, "%s failed: %s", what, bp_status_text(status));
    bp__error_prefix(error, "pool '%s'", pool->name);
    if (reterr)
        *reterr = *error;
    return status;
}

bp_status bp__factory_create(bp_pool *pool, bp_deadline by, void **ret_item, bp_error *reterr)
{
    bp_error error = BP_ERROR_INIT;
    void *item = NULL;
    visit entered = enter(pool);
    bp_status status = pool->ops.create(pool->factory, by, &item, &error);
    uint64_t took = leave(&entered);
    bp__histogram_add(&bp__counters_of(pool)->create_time, took);
    if (status) {
        bp__tally(&bp__counters_of(pool)->create_failures);
        return complain(pool, status, "create", &error, reterr);
    }
    bp__tally(&bp__counters_of(pool)->creates);
    *ret_item = item;
    return BP_OK;
}

bp_status bp__factory_reset(bp_pool *pool, void *item, bp_deadline by, bp_error *reterr)
{
    bp_error error = BP_ERROR_INIT;
    visit entered = enter(pool);
    bp_status status = pool->ops.reset(pool->factory, item, by, &error);
    bp__histogram_add(&bp__counters_of(pool)->reset_time, leave(&entered));
    if (!status) {
        bp__tally(&bp__counters_of(pool)->resets);
        return BP_OK;
    }
    return complain(pool, status, "reset", &error, reterr);
}

bool bp__factory_check(bp_pool *pool, void *item, bp_deadline by)
{
    if (!pool->ops.check)
        return true;
    visit entered = enter(pool);
    uint64_t limit = bp__deadline_after(entered.start, pool->check_timeout);
    bool healthy = pool->ops.check(pool->factory, item, bp__deadline_min(by, limit));
    return leave(&entered) <= pool->check_timeout && healthy;
}

void bp__factory_destroy(bp_pool *pool, void *item, bp_recycle_reason why)
{
    bp__tally(&bp__counters_of(pool)->recycles[why]);
    if (!pool->ops.destroy)
        return;
    visit entered = enter(pool);
    pool->ops.destroy(pool->factory, item, why);
    leave(&entered);
}
