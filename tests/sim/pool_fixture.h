/* Pools on a fake factory, for tests. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SIM_POOL_FIXTURE_H
#define BULLPEN_TESTS_SIM_POOL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/clock.h"
#include "sim/fake_factory.h"

/* Until `condition`, which another thread brings about; the test's own timeout is the limit. */
#define UNTIL(condition)                                                                           \
    while (!(condition))                                                                           \
    sched_yield()

static fake_factory fake;

/* On `fake`, which begins anew. */
static inline bp_pool *pool_with(bp_pool_ops ops, bp_pool_options options)
{
    bp_pool *pool = NULL;
    bp_error error = BP_ERROR_INIT;
    memset(&fake, 0, sizeof fake);
    if (bp_pool_new(&ops, &fake, &options, &pool, &error))
        fail_msg("%s", error.message);
    return pool;
}

/* Nothing in advance, items are never reset. */
static inline bp_pool_options pool_options(uint32_t max_live)
{
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.name = "x";
    options.max_live = max_live;
    options.min_warm = BP_POOL_NONE;
    options.reset_when = BP_RESET_NEVER;
    return options;
}

static inline bp_lease pool_take(bp_pool *pool)
{
    bp_lease lease = BP_LEASE_INIT;
    bp_error error = BP_ERROR_INIT;
    if (bp_pool_take(pool, bp_deadline_in_ms(60000), &lease, &error))
        fail_msg("%s", error.message);
    return lease;
}

static inline void pool_use(bp_pool *pool)
{
    bp_lease lease = pool_take(pool);
    assert_int_equal(bp_pool_give(&lease), BP_OK);
}

/* The end: nothing is left of it. */
static inline void pool_end(bp_pool *pool)
{
    fake.hook = NULL;
    bp_pool_unref(pool);
    assert_int_equal(fake.live, 0);
    assert_int_equal(fake.created, fake.destroyed);
}

/* A taker on a thread of its own. */
typedef struct pool_taker {
    pthread_t thread;
    bp_pool *pool;
    bp_deadline by;
    bp_lease lease;
    bp_error error;
    bp_status status;
    _Atomic bool done;
} pool_taker;

static inline void *pool_taker_run(void *data)
{
    pool_taker *self = data;
    self->status = bp_pool_take(self->pool, self->by, &self->lease, &self->error);
    self->done = true;
    return NULL;
}

static inline void pool_taker_start(pool_taker *self, bp_pool *pool, uint64_t timeout_ms)
{
    *self = (pool_taker){.pool = pool, .by = bp_deadline_in_ms(timeout_ms)};
    assert_int_equal(pthread_create(&self->thread, NULL, pool_taker_run, self), 0);
}

#endif
