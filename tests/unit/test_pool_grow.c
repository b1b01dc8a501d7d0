/* Pools that get another item when they run out, and the pace at which helpers are of use. Driven
 * by passes on this thread, beside a keeper that is stopped. SPDX-License-Identifier: Apache-2.0 */
#include "pool/keeper.h"
#include "pool/pace.h"
#include "sim/pool_fixture.h"

static bp_keeper *keeper;
static uint64_t now_ns;

static void advance(uint64_t ns)
{
    now_ns += ns;
    bp__clock_fake_set(now_ns);
}

static int begin(void **state)
{
    (void)state;
    now_ns = BP_NS_PER_S;
    advance(0);
    if (bp_keeper_new(NULL, &keeper, NULL))
        return -1;
    bp_keeper_stop(keeper);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bp_keeper_free(keeper);
    bp__clock_fake_set(0);
    return 0;
}

static bp_pool *growing_pool(uint32_t max_live, bp_pool_budget *budget)
{
    bp_pool_options options = pool_options(max_live);
    options.min_warm = 1;
    options.reset_when = BP_RESET_ON_GIVE_BACKGROUND;
    options.keeper = keeper;
    options.budget = budget;
    options.grow_when_busy = true;
    return pool_with(fake_ops(), options);
}

/* All that is pristine is used at once, and comes back to be reset. */
static void run_out(bp_pool *pool)
{
    bp_lease leases[16];
    unsigned taken = 0;
    while (taken < 16 && bp_pool_take(pool, BP_NOW, &leases[taken], NULL) == BP_OK)
        taken++;
    while (taken)
        assert_int_equal(bp_pool_give(&leases[--taken]), BP_OK);
    bp_pool_tick(pool);
}

static void one_at_a_time_up_to_the_limit(void **state)
{
    (void)state;
    bp_pool *pool = growing_pool(3, NULL);
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 1); /* nothing happened, so nothing ran out */
    run_out(pool);
    assert_int_equal(fake.live, 2);
    pool_use(pool); /* one of two */
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 2);
    run_out(pool);
    assert_int_equal(fake.live, 3);
    run_out(pool);
    run_out(pool);
    assert_int_equal(fake.live, 3);
    assert_int_equal(fake.high, 3);
    assert_int_equal(bp__load(&pool->warm_wanted, relaxed), 3);
    assert_int_equal(bp_pool_trim(pool, BP_TRIM_SURPLUS), 2); /* surplus like any other */
    pool_end(pool);
}

static void a_spent_budget_is_left_alone(void **state)
{
    (void)state;
    bp_pool_budget *budget = NULL;
    assert_int_equal(bp_pool_budget_new(1, 0, &budget, NULL), BP_OK);
    bp_pool *pool = growing_pool(3, budget);
    run_out(pool);
    assert_int_equal(fake.created, 1);
    assert_int_equal(bp_pool_budget_used(budget, NULL), 1);
    assert_false(pool->hungry); /* it was only a wish */
    assert_int_equal(bp__load(&pool->gate, relaxed), 0);
    pool_end(pool);
    bp_pool_budget_unref(budget);
}

static bp_pool *to_close;

static void close_at_creation(fake_call call, bp_deadline by)
{
    (void)by;
    if (call == FAKE_CREATE)
        assert_int_equal(bp_pool_close(to_close, BP_NOW), BP_ETIMEDOUT);
}

static void close_at_reset(fake_call call, bp_deadline by)
{
    (void)by;
    if (call == FAKE_RESET)
        assert_int_equal(bp_pool_close(to_close, BP_NOW), BP_ETIMEDOUT);
}

/* Closed before the pass looks whether it is, and after. */
static void a_closed_pool_does_not_grow(void **state)
{
    (void)state;
    to_close = growing_pool(4, NULL);
    fake.hook = close_at_reset;
    run_out(to_close);
    assert_int_equal(fake.created, 1);
    assert_int_equal(fake.live, 0);
    pool_end(to_close);

    to_close = growing_pool(4, NULL);
    assert_int_equal(bp_pool_resize(to_close, 4, 2, NULL), BP_OK);
    fake.hook = close_at_creation;
    run_out(to_close); /* its refill closes it, and what would grow comes after that */
    assert_int_equal(fake.created, 2);
    assert_int_equal(fake.live, 0);
    pool_end(to_close);
}

static void a_failed_creation_puts_it_off(void **state)
{
    (void)state;
    bp_pool *pool = growing_pool(3, NULL);
    fake.fail_creates = 1;
    run_out(pool);
    run_out(pool);
    assert_int_equal(fake_stats(pool).create_failures, 1);
    assert_int_equal(fake.created, 1);
    advance(BP_NS_PER_S);
    run_out(pool);
    assert_int_equal(fake.created, 2);
    pool_end(pool);
}

static void take_often(bp_pool *pool, uint32_t times)
{
    while (times--) {
        bp_lease lease = pool_take(pool);
        assert_int_equal(bp_pool_give(&lease), BP_OK);
    }
}

/* Takers in a rush reset for themselves; what they leave is reset once they pause. */
static void helpers_keep_out_of_a_rush(void **state)
{
    (void)state;
    bp_pool *pool = growing_pool(1, NULL);
    (void)bp__maintain(pool, true);
    advance(BP_NS_PER_MS);
    take_often(pool, 100); /* 100 a millisecond */
    uint64_t due = bp__maintain(pool, true);
    assert_int_equal(due, now_ns + BP__PACE_REST);
    assert_int_equal(fake_stats(pool).dirty, 1);
    assert_int_equal(fake_stats(pool).resets_inline, 99);
    uint32_t resets = fake.resets;
    advance(10 * BP_NS_PER_MS);
    take_often(pool, 100); /* 10 a millisecond */
    (void)bp__maintain(pool, true);
    assert_int_equal(fake_stats(pool).dirty, 0);
    assert_int_equal(fake.resets, resets + 101);
    advance(BP_NS_PER_MS);
    take_often(pool, 100);
    (void)bp__maintain(pool, true);
    assert_int_equal(fake_stats(pool).dirty, 1);
    advance(BP__PACE_REST); /* nobody comes any more */
    (void)bp__maintain(pool, true);
    assert_int_equal(fake_stats(pool).dirty, 0);
    pool_end(pool);
}

/* A host's own tick is not one of many: it resets all there is. */
static void a_tick_knows_no_rush(void **state)
{
    (void)state;
    bp_pool *pool = growing_pool(1, NULL);
    (void)bp__maintain(pool, true);
    advance(BP_NS_PER_MS);
    take_often(pool, 100);
    bp_pool_tick(pool);
    assert_int_equal(fake_stats(pool).dirty, 0);
    pool_end(pool);
}

#define PASS(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PASS(one_at_a_time_up_to_the_limit), PASS(a_spent_budget_is_left_alone),
        PASS(a_closed_pool_does_not_grow),   PASS(a_failed_creation_puts_it_off),
        PASS(helpers_keep_out_of_a_rush),    PASS(a_tick_knows_no_rush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
