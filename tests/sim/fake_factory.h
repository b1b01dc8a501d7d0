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

typedef struct fake_factory {
    _Atomic uint32_t live, high, created, destroyed, resets, checks;
    _Atomic uint32_t fail_creates; /* how many of the next creations fail */
    _Atomic uint32_t sick_creates; /* how many of the next items are born sick */
    _Atomic bool stall_create;     /* creations wait until it is false */
    _Atomic bool stall_trapped;    /* destructions for `trap` likewise */
    _Atomic uint32_t stalled;      /* that wait now */
    _Atomic uint32_t why[BP_RECYCLE_COUNT];
    bp_pool *reenter; /* creations call back into this pool */
    bp_status reentered;
} fake_factory;

static inline bp_status fake_create(void *factory, bp_deadline by, void **ret_item,
                                    bp_error *reterr)
{
    fake_factory *fake = factory;
    (void)by;
    if (fake->reenter) {
        bp_lease lease = BP_LEASE_INIT;
        fake->reentered = bp_pool_take(fake->reenter, bp_deadline_in_ms(1000), &lease, NULL);
        if (fake->reentered == BP_OK)
            (void)bp_pool_give(&lease);
    }
    fake->stalled++;
    while (fake->stall_create)
        sched_yield();
    fake->stalled--;
    uint32_t failures = fake->fail_creates;
    while (failures && !atomic_compare_exchange_weak(&fake->fail_creates, &failures, failures - 1))
        continue;
    if (failures) {
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
    (void)by;
    if (item->unresettable)
        return bp_error_set(reterr, BP_EHOST, "cannot be reset");
    item->dirty = false;
    fake->resets++;
    return BP_OK;
}

static inline bool fake_check(void *factory, void *data, bp_deadline by)
{
    (void)by;
    ((fake_factory *)factory)->checks++;
    return !((fake_item *)data)->sick;
}

static inline void fake_destroy(void *factory, void *data, bp_recycle_reason why)
{
    fake_factory *fake = factory;
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
