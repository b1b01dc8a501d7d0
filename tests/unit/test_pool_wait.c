/* Waiting in line. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/clock.h"
#include "sim/fake_factory.h"

static fake_factory fake;

static bp_pool *new_pool(uint32_t max_live, uint32_t max_waiters)
{
    bp_pool_ops ops = fake_ops_plain();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = NULL;
    memset(&fake, 0, sizeof fake);
    options.name = "x";
    options.max_live = max_live;
    options.min_warm = BP_POOL_NONE;
    options.max_waiters = max_waiters;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &pool, NULL), BP_OK);
    return pool;
}

/* A taker on a thread of its own. */
typedef struct taker {
    pthread_t thread;
    bp_pool *pool;
    bp_pool_take_options options;
    bp_lease lease;
    bp_error error;
    bp_status status;
    _Atomic uint32_t *order; /* counts those that came out */
    uint32_t place;          /* when it came out */
    _Atomic bool done;
} taker;

static void *take_on_thread(void *data)
{
    taker *self = data;
    self->status = bp_pool_take_with(self->pool, &self->options, &self->lease, &self->error);
    if (self->order)
        self->place = ++*self->order;
    self->done = true;
    return NULL;
}

/* Returns when the taker stands in line. */
static void start(taker *self, bp_pool *pool, uint64_t timeout_ms, bp_cancel *cancel)
{
    uint32_t before = fake_stats(pool).waiters;
    self->pool = pool;
    self->options = (bp_pool_take_options)BP_POOL_TAKE_OPTIONS_INIT;
    self->options.by = bp_deadline_in_ms(timeout_ms);
    self->options.cancel = cancel;
    assert_int_equal(pthread_create(&self->thread, NULL, take_on_thread, self), 0);
    while (fake_stats(pool).waiters == before && !self->done)
        sched_yield();
}

static bp_lease take(bp_pool *pool)
{
    bp_lease lease = BP_LEASE_INIT;
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(5000), &lease, NULL), BP_OK);
    return lease;
}

static void waiters_are_served_in_order(void **state)
{
    (void)state;
    enum { WAITERS = 20 };
    bp_pool *pool = new_pool(1, 0);
    bp_lease lease = take(pool);
    uint32_t number = fake_number(&lease);
    taker takers[WAITERS];
    memset(takers, 0, sizeof takers);
    for (int i = 0; i < WAITERS; i++)
        start(&takers[i], pool, 20000, NULL);
    bp_pool_give(&lease);
    for (int i = 0; i < WAITERS; i++) {
        pthread_join(takers[i].thread, NULL);
        assert_int_equal(takers[i].status, BP_OK);
        assert_int_equal(fake_number(&takers[i].lease), number);
        assert_int_equal(fake_stats(pool).waiters, WAITERS - 1 - i); /* one give, one waiter */
        bp_pool_give(&takers[i].lease);
    }
    assert_int_equal(fake.created, 1);
    bp_pool_unref(pool);
}

static void newcomers_do_not_overtake(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(1, 0);
    bp_lease lease = take(pool), other;
    taker waiting = {0};
    start(&waiting, pool, 20000, NULL);
    assert_int_equal(bp_pool_try_take(pool, &other, NULL), BP_EBUSY);
    bp_pool_give(&lease);
    assert_int_equal(bp_pool_try_take(pool, &other, NULL), BP_EBUSY);
    pthread_join(waiting.thread, NULL);
    assert_int_equal(waiting.status, BP_OK);
    assert_true(bp_lease_waited(&waiting.lease));
    bp_pool_give(&waiting.lease);
    bp_pool_unref(pool);
}

static void the_deadline_ends_a_wait(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(1, 0);
    bp_lease lease = take(pool), other = BP_LEASE_INIT;
    bp_error error = BP_ERROR_INIT;
    uint64_t start_ns = bp__now_ns();
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(20), &other, &error), BP_ETIMEDOUT);
    assert_true(bp__now_ns() - start_ns >= 20 * BP_NS_PER_MS);
    assert_non_null(strstr(error.message, "pool 'x': deadline passed"));
    assert_int_equal(fake_stats(pool).waiters, 0);
    bp_pool_give(&lease);
    other = take(pool);
    bp_pool_give(&other);
    bp_pool_stats stats = fake_stats(pool);
    assert_int_equal(stats.takes[BP_TAKE_TIMEOUT], 1);
    assert_true(stats.take_wait.sum_ns >= 20 * BP_NS_PER_MS);
    bp_pool_unref(pool);
}

static void the_pools_timeout_counts_without_a_deadline(void **state)
{
    (void)state;
    bp_pool_ops ops = fake_ops_plain();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = NULL;
    memset(&fake, 0, sizeof fake);
    options.max_live = 1;
    options.take_timeout_ms = 5;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &pool, NULL), BP_OK);
    bp_lease lease = take(pool), other;
    assert_int_equal(bp_pool_take(pool, BP_DEADLINE_DEFAULT, &other, NULL), BP_ETIMEDOUT);
    bp_pool_give(&lease);
    bp_pool_unref(pool);
}

static void a_full_queue_is_busy(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(1, 1);
    bp_lease lease = take(pool), other;
    bp_error error = BP_ERROR_INIT;
    taker waiting = {0};
    start(&waiting, pool, 20000, NULL);
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(20000), &other, &error), BP_EBUSY);
    assert_string_equal(error.message, "pool 'x': the queue is full (1 of 1 waiting)");
    bp_pool_give(&lease);
    pthread_join(waiting.thread, NULL);
    bp_pool_give(&waiting.lease);
    bp_pool_unref(pool);
    pool = new_pool(1, BP_POOL_NONE);
    lease = take(pool);
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(20000), &other, NULL), BP_EBUSY);
    bp_pool_give(&lease);
    bp_pool_unref(pool);
}

static void a_token_ends_a_wait(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(1, 0);
    bp_lease lease = take(pool);
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    taker waiting = {0}, patient = {0}, late = {0};
    start(&waiting, pool, 60000, cancel);
    start(&patient, pool, 60000, NULL);
    bp_cancel_trigger(cancel);
    pthread_join(waiting.thread, NULL);
    assert_int_equal(waiting.status, BP_ECANCELLED);
    assert_non_null(strstr(waiting.error.message, "cancelled"));
    start(&late, pool, 60000, cancel);
    pthread_join(late.thread, NULL);
    assert_int_equal(late.status, BP_ECANCELLED);
    bp_pool_give(&lease);
    pthread_join(patient.thread, NULL);
    assert_int_equal(patient.status, BP_OK);
    bp_pool_give(&patient.lease);
    assert_int_equal(fake_stats(pool).takes[BP_TAKE_CANCELLED], 2);
    bp_cancel_free(cancel);
    bp_pool_unref(pool);
}

/* Condemned, detached, or a creation that fails: a free place wakes a waiter, who creates. */
static void freed_places_serve_waiters(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(1, 0);
    bp_lease lease = take(pool);
    taker waiting = {0};
    start(&waiting, pool, 20000, NULL);
    bp_lease_condemn(&lease, BP_RECYCLE_TRAP);
    bp_pool_give(&lease);
    pthread_join(waiting.thread, NULL);
    assert_int_equal(waiting.status, BP_OK);
    assert_int_equal(fake_number(&waiting.lease), 2);
    assert_int_equal(fake.why[BP_RECYCLE_TRAP], 1);

    taker next = {0};
    start(&next, pool, 20000, NULL);
    fake.live--; /* first: its place is free before detach returns */
    free(bp_lease_detach(&waiting.lease));
    pthread_join(next.thread, NULL);
    assert_int_equal(fake_number(&next.lease), 3);

    taker unlucky = {0}, lucky = {0};
    start(&unlucky, pool, 20000, NULL);
    start(&lucky, pool, 20000, NULL);
    fake.fail_creates = 1;
    bp_lease_condemn(&next.lease, BP_RECYCLE_TRAP);
    bp_pool_give(&next.lease);
    pthread_join(unlucky.thread, NULL);
    pthread_join(lucky.thread, NULL);
    assert_int_equal(unlucky.status, BP_EHOST + 7);
    assert_int_equal(lucky.status, BP_OK);
    bp_pool_give(&lucky.lease);
    assert_int_equal(fake.high, 1);
    bp_pool_unref(pool);
    assert_int_equal(fake.live, 0);
}

static void close_wakes_all(void **state)
{
    (void)state;
    enum { WAITERS = 8 };
    bp_pool *pool = new_pool(1, 0);
    bp_lease lease = take(pool);
    taker takers[WAITERS];
    memset(takers, 0, sizeof takers);
    for (int i = 0; i < WAITERS; i++)
        start(&takers[i], pool, 60000, NULL);
    assert_int_equal(bp_pool_close(pool, BP_NOW), BP_ETIMEDOUT);
    for (int i = 0; i < WAITERS; i++) {
        pthread_join(takers[i].thread, NULL);
        assert_int_equal(takers[i].status, BP_ECLOSED);
    }
    bp_pool_give(&lease);
    assert_int_equal(bp_pool_drain(pool, BP_NOW), BP_OK);
    bp_pool_unref(pool);
}

static void *give_on_thread(void *data)
{
    bp_pool_give(data);
    return NULL;
}

static void drain_waits_for_leases(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(1, 0);
    bp_lease lease = take(pool);
    pthread_t thread;
    pthread_create(&thread, NULL, give_on_thread, &lease);
    assert_int_equal(bp_pool_drain(pool, bp_deadline_in_ms(20000)), BP_OK);
    pthread_join(thread, NULL);
    assert_int_equal(fake.live, 0);
    bp_pool_unref(pool);
}

static void growing_serves_waiters(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(1, 0);
    bp_lease lease = take(pool);
    taker waiting = {0};
    start(&waiting, pool, 20000, NULL);
    assert_int_equal(bp_pool_resize(pool, 2, 0, NULL), BP_OK);
    pthread_join(waiting.thread, NULL);
    assert_int_equal(waiting.status, BP_OK);
    bp_pool_give(&lease);
    bp_pool_give(&waiting.lease);
    bp_pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_are_served_in_order),
        cmocka_unit_test(newcomers_do_not_overtake),
        cmocka_unit_test(the_deadline_ends_a_wait),
        cmocka_unit_test(the_pools_timeout_counts_without_a_deadline),
        cmocka_unit_test(a_full_queue_is_busy),
        cmocka_unit_test(a_token_ends_a_wait),
        cmocka_unit_test(freed_places_serve_waiters),
        cmocka_unit_test(close_wakes_all),
        cmocka_unit_test(drain_waits_for_leases),
        cmocka_unit_test(growing_serves_waiters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
