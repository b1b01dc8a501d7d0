/* Pools that share a budget. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>

#include "sim/fake_factory.h"

static fake_factory fake;

static bp_pool *new_pool(bp_pool_budget *budget, const char *name)
{
    bp_pool_ops ops = fake_ops_plain();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = NULL;
    options.name = name;
    options.min_warm = BP_POOL_NONE;
    options.budget = budget;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &pool, NULL), BP_OK);
    return pool;
}

static bp_pool_budget *new_budget(uint32_t limit, uint32_t max_waiters)
{
    bp_pool_budget *budget = NULL;
    memset(&fake, 0, sizeof fake);
    assert_int_equal(bp_pool_budget_new(limit, max_waiters, &budget, NULL), BP_OK);
    return budget;
}

static bp_lease take(bp_pool *pool)
{
    bp_lease lease = BP_LEASE_INIT;
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(5000), &lease, NULL), BP_OK);
    return lease;
}

static void surplus_elsewhere_makes_room(void **state)
{
    (void)state;
    bp_pool_budget *budget = new_budget(2, 0);
    bp_pool *left = new_pool(budget, "left"), *right = new_pool(budget, "right");
    assert_int_equal(bp_pool_warm(left, 2, bp_deadline_in_ms(1000), NULL, NULL), BP_OK);
    uint32_t limit = 0;
    assert_int_equal(bp_pool_budget_used(budget, &limit), 2);
    assert_int_equal(limit, 2);
    bp_lease lease = take(right);
    assert_int_equal(fake.why[BP_RECYCLE_PRESSURE], 1);
    assert_int_equal(fake_stats(left).live, 1);
    assert_int_equal(fake.high, 2);
    bp_pool_give(&lease);
    assert_int_equal(bp_pool_warm(left, 3, bp_deadline_in_ms(1000), NULL, NULL), BP_EBUSY);
    bp_pool_unref(left);
    bp_pool_unref(right);
    assert_int_equal(bp_pool_budget_used(budget, NULL), 0);
    bp_pool_budget_unref(budget);
}

typedef struct taker {
    pthread_t thread;
    bp_pool *pool;
    bp_lease lease;
    bp_status status;
} taker;

static void *take_on_thread(void *data)
{
    taker *self = data;
    self->status = bp_pool_take(self->pool, bp_deadline_in_ms(20000), &self->lease, NULL);
    return NULL;
}

static void a_spent_budget_is_waited_for(void **state)
{
    (void)state;
    bp_pool_budget *budget = new_budget(1, 1);
    bp_pool *left = new_pool(budget, "left"), *right = new_pool(budget, "right");
    bp_lease lease = take(left), none;
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp_pool_try_take(right, &none, &error), BP_EBUSY);
    assert_non_null(strstr(error.message, "budget"));
    taker waiting = {.pool = right};
    pthread_create(&waiting.thread, NULL, take_on_thread, &waiting);
    while (fake_stats(right).waiters == 0)
        sched_yield();
    assert_int_equal(bp_pool_take(right, bp_deadline_in_ms(5000), &none, &error), BP_EBUSY);
    assert_non_null(strstr(error.message, "line for the budget is full"));
    bp_lease_condemn(&lease, BP_RECYCLE_TRAP);
    bp_pool_give(&lease);
    bp_pool_tick(left); /* destroys it: the place goes to the other pool */
    pthread_join(waiting.thread, NULL);
    assert_int_equal(waiting.status, BP_OK);
    assert_int_equal(fake.high, 1);
    bp_pool_give(&waiting.lease);
    bp_pool_unref(left);
    bp_pool_unref(right);
    bp_pool_budget_unref(budget);
    assert_int_equal(fake.live, 0);
}

/* An item that is given back into a pool goes to its own waiters, though they wait for a place. */
static void own_items_serve_too(void **state)
{
    (void)state;
    bp_pool_budget *budget = new_budget(1, 0);
    bp_pool *left = new_pool(budget, "left"), *right = new_pool(budget, "right");
    bp_lease lease = take(left);
    taker waiting = {.pool = left};
    pthread_create(&waiting.thread, NULL, take_on_thread, &waiting);
    while (fake_stats(left).waiters == 0)
        sched_yield();
    bp_pool_give(&lease);
    pthread_join(waiting.thread, NULL);
    assert_int_equal(waiting.status, BP_OK);
    assert_int_equal(fake.created, 1);
    bp_pool_give(&waiting.lease);
    /* Idle surplus given back while another pool waits must not be sat upon either. */
    lease = take(right);
    assert_int_equal(fake.why[BP_RECYCLE_PRESSURE], 1);
    bp_pool_give(&lease);
    bp_pool_unref(left);
    bp_pool_unref(right);
    bp_pool_budget_unref(budget);
}

/* The other pool's only item comes back while we wait: surplus there, so we get its place. */
static void given_surplus_makes_room_for_waiters(void **state)
{
    (void)state;
    bp_pool_budget *budget = new_budget(1, 0);
    bp_pool *left = new_pool(budget, "left"), *right = new_pool(budget, "right");
    bp_lease lease = take(left);
    taker waiting = {.pool = right};
    pthread_create(&waiting.thread, NULL, take_on_thread, &waiting);
    while (fake_stats(right).waiters == 0)
        sched_yield();
    bp_pool_give(&lease);
    pthread_join(waiting.thread, NULL);
    assert_int_equal(waiting.status, BP_OK);
    assert_int_equal(fake.high, 1);
    bp_pool_give(&waiting.lease);
    bp_pool_unref(left);
    bp_pool_unref(right);
    bp_pool_budget_unref(budget);
}

static void bad_budgets_are_refused(void **state)
{
    (void)state;
    bp_pool_budget *budget = NULL;
    assert_int_equal(bp_pool_budget_new(0, 0, &budget, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_budget_new(1, 0, NULL, NULL), BP_EINVAL);
    bp_pool_budget_unref(NULL);
    assert_null(bp_pool_budget_ref(NULL));
    assert_int_equal(bp_pool_budget_used(NULL, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(surplus_elsewhere_makes_room),
        cmocka_unit_test(a_spent_budget_is_waited_for),
        cmocka_unit_test(own_items_serve_too),
        cmocka_unit_test(given_surplus_makes_room_for_waiters),
        cmocka_unit_test(bad_budgets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
