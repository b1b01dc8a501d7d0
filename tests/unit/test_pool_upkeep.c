/* Background work, driven by ticks and a fake clock. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "pool/overdue.h"
#include "sim/fake_factory.h"

static fake_factory fake;
static uint64_t now_ms;

static void advance(uint64_t ms)
{
    now_ms += ms;
    bp__clock_fake_set(now_ms * BP_NS_PER_MS);
}

static int real_clock(void **state)
{
    (void)state;
    bp__clock_fake_set(0);
    return 0;
}

/* Exact ages, three places, one warm. */
static bp_pool_options usual(void)
{
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.max_live = 3;
    options.jitter_percent = BP_POOL_NONE;
    options.reset_when = BP_RESET_NEVER;
    now_ms = 0;
    advance(1000);
    return options;
}

static bp_pool *new_pool(bp_pool_options options)
{
    bp_pool_ops ops = fake_ops();
    bp_pool *pool = NULL;
    memset(&fake, 0, sizeof fake);
    bp_error error = BP_ERROR_INIT;
    if (bp_pool_new(&ops, &fake, &options, &pool, &error))
        fail_msg("%s", error.message);
    return pool;
}

static void warm(bp_pool *pool, uint32_t n)
{
    assert_int_equal(bp_pool_warm(pool, n, bp_deadline_in_ms(1000), NULL, NULL), BP_OK);
}

static void idle_items_go_down_to_the_floor(void **state)
{
    (void)state;
    bp_pool_options options = usual();
    options.idle_ttl_ms = 100;
    bp_pool *pool = new_pool(options);
    warm(pool, 3);
    bp_pool_tick(pool);
    advance(99);
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 3);
    advance(1);
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 1); /* min_warm stays */
    assert_int_equal(fake.why[BP_RECYCLE_IDLE], 2);
    advance(100000);
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 1);
    assert_int_equal(fake.created, 3);
    bp_pool_unref(pool);
}

static void use_restarts_the_idle_clock(void **state)
{
    (void)state;
    bp_pool_options options = usual();
    options.idle_ttl_ms = 100;
    options.min_warm = BP_POOL_NONE;
    bp_pool *pool = new_pool(options);
    warm(pool, 1);
    bp_pool_tick(pool);
    advance(90);
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    bp_pool_give(&lease);
    bp_pool_tick(pool);
    advance(90);
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 1);
    advance(10);
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 0);
    bp_pool_unref(pool);
}

static void the_floor_may_be_replaced(void **state)
{
    (void)state;
    bp_pool_options options = usual();
    options.idle_ttl_ms = 100;
    options.idle_floor = BP_IDLE_REPLACE;
    bp_pool *pool = new_pool(options);
    bp_pool_tick(pool);
    advance(100);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_IDLE], 1);
    assert_int_equal(fake.live, 1);
    assert_int_equal(fake.created, 2);
    bp_pool_unref(pool);
}

/* A place whose item was replaced has seen no lease since; the new item has not been idle before.
 */
static void a_replacement_begins_its_own_idle_time(void **state)
{
    (void)state;
    bp_pool_options options = usual();
    options.idle_ttl_ms = 100;
    options.idle_floor = BP_IDLE_REPLACE;
    bp_pool *pool = new_pool(options);
    for (uint32_t replaced = 1; replaced <= 3; replaced++) {
        bp_pool_tick(pool);
        advance(99);
        bp_pool_tick(pool);
        assert_int_equal(fake.why[BP_RECYCLE_IDLE], replaced - 1);
        advance(1);
        bp_pool_tick(pool);
        assert_int_equal(fake.why[BP_RECYCLE_IDLE], replaced);
    }
    assert_int_equal(fake.live, 1);
    bp_pool_unref(pool);
}

static void use_all(bp_pool *pool, bool sicken)
{
    bp_lease leases[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(1000), &leases[i], NULL), BP_OK);
        ((fake_item *)bp_lease_item(&leases[i]))->sick = sicken;
    }
    for (int i = 0; i < 3; i++)
        bp_pool_give(&leases[i]);
}

/* What waits for its next taker to be reset is idle like anything else. */
static void items_to_be_reset_are_looked_after_too(void **state)
{
    (void)state;
    bp_pool_options options = usual();
    options.reset_when = BP_RESET_ON_TAKE;
    options.idle_ttl_ms = 100;
    options.max_age_ms = 1000;
    options.check_interval_ms = 10;
    bp_pool *pool = new_pool(options);
    use_all(pool, false);
    bp_pool_tick(pool);
    assert_int_equal(fake_stats(pool).dirty, 3);
    advance(100);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_IDLE], 2); /* down to the floor */
    assert_int_equal(fake_stats(pool).dirty, 1);
    advance(900);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_MAX_AGE], 1);
    use_all(pool, true);
    assert_int_equal(fake_stats(pool).dirty, 3);
    advance(10);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_UNHEALTHY], 3);
    assert_int_equal(fake.live, 1);
    bp_pool_unref(pool);
}

static void idle_items_may_stay_for_ever(void **state)
{
    (void)state;
    bp_pool_options options = usual();
    options.idle_ttl_ms = BP_UNLIMITED;
    bp_pool *pool = new_pool(options);
    warm(pool, 3);
    for (int i = 0; i < 5; i++) {
        advance(10000000);
        bp_pool_tick(pool);
    }
    assert_int_equal(fake.live, 3);
    bp_pool_unref(pool);
}

static void aged_items_are_replaced(void **state)
{
    (void)state;
    bp_pool_options options = usual();
    options.max_age_ms = 500;
    bp_pool *pool = new_pool(options);
    advance(499);
    bp_pool_tick(pool);
    assert_int_equal(fake.created, 1);
    advance(1);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_MAX_AGE], 1);
    assert_int_equal(fake.created, 2);
    assert_int_equal(fake.live, 1);
    bp_pool_unref(pool);
}

static void jitter_spreads_ages(void **state)
{
    (void)state;
    bp_pool_options options = usual();
    options.max_age_ms = 1000;
    options.jitter_percent = 50;
    options.max_live = 64;
    options.min_warm = 64;
    bp_pool *pool = new_pool(options);
    advance(499);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_MAX_AGE], 0);
    advance(251);
    bp_pool_tick(pool);
    uint32_t early = fake.why[BP_RECYCLE_MAX_AGE];
    assert_true(early > 8 && early < 56);
    advance(250);
    bp_pool_tick(pool);
    assert_true(fake.why[BP_RECYCLE_MAX_AGE] >= 64);
    bp_pool_unref(pool);
}

static void idle_items_are_checked(void **state)
{
    (void)state;
    bp_pool_options options = usual();
    options.check_interval_ms = 50;
    bp_pool *pool = new_pool(options);
    uint32_t checks = fake.checks;
    advance(49);
    bp_pool_tick(pool);
    assert_int_equal(fake.checks, checks);
    advance(1);
    bp_pool_tick(pool);
    assert_int_equal(fake.checks, checks + 1);
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    ((fake_item *)bp_lease_item(&lease))->sick = true;
    bp_pool_give(&lease);
    advance(50);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_UNHEALTHY], 1);
    assert_int_equal(fake.live, 1); /* a new one */
    bp_pool_unref(pool);
}

static void creation_backs_off(void **state)
{
    (void)state;
    bp_pool_options options = usual();
    bp_pool *pool = new_pool(options);
    fake.fail_creates = 1000;
    bp_pool_trim(pool, BP_TRIM_ALL);
    assert_int_equal(fake.why[BP_RECYCLE_PRESSURE], 1);
    bp_pool_tick(pool);
    assert_int_equal(fake.fail_creates, 1000); /* not refilled at once after a full trim */
    advance(5000);
    for (int i = 0; i < 600; i++) {
        bp_pool_tick(pool);
        advance(100);
    }
    /* 0.1, 0.2, … 25.6 s, then every 30: about ten tries in a minute. */
    uint32_t tries = 1000 - fake.fail_creates;
    assert_true(tries >= 8 && tries <= 12);
    fake.fail_creates = 0;
    advance(30000);
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 1);
    bp_pool_unref(pool);
}

static void condemned_items_are_replaced(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(usual());
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    bp_lease_condemn(&lease, BP_RECYCLE_CRASH);
    bp_pool_give(&lease);
    assert_int_equal(fake.live, 1); /* queued, not destroyed by the giver */
    assert_int_equal(fake_stats(pool).busy, 1);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_CRASH], 1);
    assert_int_equal(fake_stats(pool).idle, 1);
    bp_pool_unref(pool);
}

static void overdue_leases_are_counted_once(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(usual());
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(10), &lease, NULL), BP_OK);
    advance(10);
    assert_int_equal(fake_stats(pool).lease_overdue, 0);
    advance(1);
    bp_pool_tick(pool);
    bp_pool_tick(pool);
    assert_int_equal(fake_stats(pool).lease_overdue, 1);
    assert_int_equal(bp_pool_give(&lease), BP_OK); /* still good */
    assert_int_equal(bp_pool_take(pool, BP_DEADLINE_DEFAULT, &lease, NULL), BP_OK);
    advance(100000);
    bp_pool_tick(pool);
    assert_int_equal(fake_stats(pool).lease_overdue, 1); /* that one has no deadline */
    bp_pool_give(&lease);
    bp_pool_unref(pool);
}

/* A pass may look between a take and the writing of its deadline: what it then sees is the deadline
 * of the lease before. */
static void an_earlier_leases_deadline_is_not_this_ones(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(usual());
    bp_lease lease;
    for (uint64_t i = 0; i < 4; i++) { /* both parities, of generation and deadline */
        assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(10) + i / 2, &lease, NULL), BP_OK);
        bp__slot *slot = lease.slot;
        bp_deadline earlier = atomic_load(&slot->lease_by);
        advance(100);
        assert_int_equal(bp_pool_give(&lease), BP_OK);
        assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(10), &lease, NULL), BP_OK);
        assert_ptr_equal(lease.slot, slot);
        bp_deadline own = atomic_exchange(&slot->lease_by, earlier);
        bp__overdue_check(pool, slot, lease.stamp, bp__now_ns());
        assert_int_equal(fake_stats(pool).lease_overdue, i);
        atomic_store(&slot->lease_by, own);
        advance(100);
        assert_int_equal(fake_stats(pool).lease_overdue, i + 1);
        assert_int_equal(bp_pool_give(&lease), BP_OK);
    }
    bp_pool_unref(pool);
}

static void shrinking_takes_idle_and_then_given_items(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(usual());
    warm(pool, 3);
    bp_lease first, second;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &first, NULL), BP_OK);
    assert_int_equal(bp_pool_take(pool, BP_NOW, &second, NULL), BP_OK);
    assert_int_equal(bp_pool_resize(pool, 1, 0, NULL), BP_OK);
    assert_int_equal(fake.live, 2);
    bp_pool_give(&first);
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 1);
    assert_int_equal(fake.why[BP_RECYCLE_RESIZE], 2);
    bp_pool_give(&second);
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 1);
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp_pool_resize(pool, 1, 2, &error), BP_EINVAL);
    assert_non_null(strstr(error.message, "min_warm"));
    assert_int_equal(bp_pool_resize(pool, 100, 70, NULL), BP_OK);
    bp_pool_tick(pool);
    assert_int_equal(fake.live, 70);
    assert_int_equal(fake_stats(pool).high_water, 70);
    bp_pool_unref(pool);
    assert_int_equal(fake.live, 0);
}

static void trim_takes_the_surplus(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(usual());
    warm(pool, 3);
    assert_int_equal(bp_pool_trim(pool, BP_TRIM_SURPLUS), 2);
    assert_int_equal(bp_pool_trim(pool, BP_TRIM_SURPLUS), 0);
    assert_int_equal(bp_pool_trim(pool, BP_TRIM_ALL), 1);
    assert_int_equal(fake.why[BP_RECYCLE_PRESSURE], 3);
    bp_pool_unref(pool);
}

static void an_idle_pool_needs_no_passes(void **state)
{
    (void)state;
    bp_pool *pool = new_pool(usual());
    assert_int_equal(fake_stats(pool).keeper_passes, 0);
    bp_pool_tick(pool);
    assert_int_equal(fake_stats(pool).keeper_passes, 1);
    bp_pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_items_go_down_to_the_floor),
        cmocka_unit_test(use_restarts_the_idle_clock),
        cmocka_unit_test(the_floor_may_be_replaced),
        cmocka_unit_test(a_replacement_begins_its_own_idle_time),
        cmocka_unit_test(items_to_be_reset_are_looked_after_too),
        cmocka_unit_test(idle_items_may_stay_for_ever),
        cmocka_unit_test(aged_items_are_replaced),
        cmocka_unit_test(jitter_spreads_ages),
        cmocka_unit_test(idle_items_are_checked),
        cmocka_unit_test(creation_backs_off),
        cmocka_unit_test(condemned_items_are_replaced),
        cmocka_unit_test(overdue_leases_are_counted_once),
        cmocka_unit_test(an_earlier_leases_deadline_is_not_this_ones),
        cmocka_unit_test(shrinking_takes_idle_and_then_given_items),
        cmocka_unit_test(trim_takes_the_surplus),
        cmocka_unit_test(an_idle_pool_needs_no_passes),
    };
    return cmocka_run_group_tests(tests, NULL, real_clock);
}
