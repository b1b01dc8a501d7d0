/* A factory for tests: counts, fails on command, stalls on command. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef BP_TESTS_FAKE_FACTORY_H
#define BP_TESTS_FAKE_FACTORY_H

#include <bullpen/pool.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct fake_item {
    uint32_t number;
    bool dirty;        /* the test used it */
    bool sick;         /* fails its check */
    bool unresettable; /* fails its reset */
} fake_item;

typedef enum fake_call { FAKE_CREATE, FAKE_RESET, FAKE_CHECK, FAKE_DESTROY, FAKE_CALLS } fake_call;

typedef struct fake_factory {
    _Atomic uint32_t live, high, created, destroyed, resets, checks;
    _Atomic uint32_t fail_creates; /* how many of the next creations fail */
    _Atomic uint32_t sick_creates; /* how many of the next items are born sick */
    _Atomic bool stall_create;     /* creations wait until it is false */
    _Atomic bool stall_trapped;    /* destructions for `trap` likewise */
    _Atomic uint32_t stalled;      /* that wait now */
    _Atomic uint32_t why[BP_RECYCLE_COUNT];
    _Atomic uint32_t fail_resets, fail_checks;            /* likewise */
    void (*_Atomic hook)(fake_call call, bp_deadline by); /* called first by each, or NULL */
} fake_factory;

static inline void fake_begin(fake_factory *fake, fake_call call, bp_deadline by)
{
    void (*hook)(fake_call, bp_deadline) = fake->hook;
    if (hook)
        hook(call, by);
}

/* One of those that were to fail? */
static inline bool fake_fails(_Atomic uint32_t *failures)
{
    uint32_t left = *failures;
    while (left && !atomic_compare_exchange_weak(failures, &left, left - 1))
        continue;
    return left != 0;
}

static inline bp_status fake_create(void *factory, bp_deadline by, void **ret_item,
                                    bp_error *reterr)
{
    fake_factory *fake = factory;
    fake_begin(fake, FAKE_CREATE, by);
    fake->stalled++;
    while (fake->stall_create)
        sched_yield();
    fake->stalled--;
    if (fake_fails(&fake->fail_creates)) {
        bp_error_set(reterr, (bp_status)(BP_EHOST + 7), "no luck");
        if (reterr)
            reterr->host_code = 42;
        return (bp_status)(BP_EHOST + 7);
    }
    fake_item *item = calloc(1, sizeof *item);
    if (!item)
        return bp_error_set(reterr, BP_ENOMEM, "no memory");
    item->number = ++fake->created;
    if (fake->sick_creates) {
        fake->sick_creates--;
        item->sick = true;
    }
    uint32_t live = ++fake->live, high = fake->high;
    while (live > high && !atomic_compare_exchange_weak(&fake->high, &high, live))
        continue;
    *ret_item = item;
    return BP_OK;
}

static inline bp_status fake_reset(void *factory, void *data, bp_deadline by, bp_error *reterr)
{
    fake_factory *fake = factory;
    fake_item *item = data;
    fake_begin(fake, FAKE_RESET, by);
    if (item->unresettable || fake_fails(&fake->fail_resets))
        return bp_error_set(reterr, BP_EHOST, "cannot be reset");
    item->dirty = false;
    fake->resets++;
    return BP_OK;
}

static inline bool fake_check(void *factory, void *data, bp_deadline by)
{
    fake_factory *fake = factory;
    fake_begin(fake, FAKE_CHECK, by);
    fake->checks++;
    return !((fake_item *)data)->sick && !fake_fails(&fake->fail_checks);
}

static inline void fake_destroy(void *factory, void *data, bp_recycle_reason why)
{
    fake_factory *fake = factory;
    fake_begin(fake, FAKE_DESTROY, BP_NOW);
    fake->stalled++;
    while (fake->stall_trapped && why == BP_RECYCLE_TRAP)
        sched_yield();
    fake->stalled--;
    fake->why[why]++;
    fake->destroyed++;
    fake->live--;
    free(data);
}

/* create and destroy only. */
static inline bp_pool_ops fake_ops_plain(void)
{
    bp_pool_ops ops = BP_POOL_OPS_INIT;
    ops.create = fake_create;
    ops.destroy = fake_destroy;
    return ops;
}

static inline bp_pool_ops fake_ops(void)
{
    bp_pool_ops ops = fake_ops_plain();
    ops.reset = fake_reset;
    ops.check = fake_check;
    return ops;
}

static inline bp_pool_stats fake_stats(bp_pool *pool)
{
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    if (bp_pool_stats_read(pool, &stats) != BP_OK)
        abort();
    return stats;
}

static inline uint32_t fake_number(const bp_lease *lease)
{
    const fake_item *item = bp_lease_item(lease);
    return item ? item->number : 0;
}

#endif
