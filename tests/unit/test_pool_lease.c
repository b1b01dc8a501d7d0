/* Leases: taking, giving, ending badly, keys. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/fake_factory.h"

static fake_factory fake;

static bp_pool *new_pool(bp_pool_ops ops, bp_pool_options options)
{
    bp_pool *pool = NULL;
    memset(&fake, 0, sizeof fake);
    bp_error error = BP_ERROR_INIT;
    if (bp_pool_new(&ops, &fake, &options, &pool, &error))
        fail_msg("%s", error.message);
    return pool;
}

static bp_pool *plain_pool(uint32_t max_live)
{
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.name = "x";
    options.max_live = max_live;
    return new_pool(fake_ops_plain(), options);
}

static bp_lease take(bp_pool *pool)
{
    bp_lease lease = BP_LEASE_INIT;
    bp_error error = BP_ERROR_INIT;
    if (bp_pool_take(pool, bp_deadline_in_ms(5000), &lease, &error))
        fail_msg("%s", error.message);
    return lease;
}

static bp_lease take_for(bp_pool *pool, const char *key)
{
    bp_lease lease = BP_LEASE_INIT;
    bp_error error = BP_ERROR_INIT;
    if (bp_pool_take_for(pool, bp_bytes_of(key), bp_deadline_in_ms(5000), &lease, &error))
        fail_msg("%s", error.message);
    return lease;
}

static void a_thread_gets_its_own_last_item_back(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(4);
    assert_int_equal(bp_pool_warm(pool, 4, bp_deadline_in_ms(5000), NULL, NULL), BP_OK);
    bp_lease first = take(pool), second = take(pool);
    uint32_t number = fake_number(&second);
    bp_pool_give(&first);
    bp_pool_give(&second);
    bp_lease again = take(pool);
    assert_int_equal(fake_number(&again), number);
    bp_pool_give(&again);
    bp_pool_stats stats = fake_stats(pool);
    assert_int_equal(stats.takes[BP_TAKE_HIT], 3);
    assert_int_equal(stats.takes[BP_TAKE_MISS], 0);
    assert_int_equal(stats.take_wait.count, 3);
    bp_pool_unref(pool);
}

/* Whether the item stood ready: the callers' clocks depend on it. */
static void a_lease_knows_whether_it_had_to_wait(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(2);
    bp_lease ready = take(pool), made = take(pool);
    assert_false(bp_lease_waited(&ready));
    assert_true(bp_lease_waited(&made)); /* for its creation */
    bp_pool_give(&made);
    bp_pool_give(&ready);
    ready = take(pool);
    assert_false(bp_lease_waited(&ready));
    bp_pool_give(&ready);
    bp_pool_unref(pool);
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.reset_when = BP_RESET_ON_TAKE;
    options.max_live = 1;
    pool = new_pool(fake_ops(), options);
    ready = take(pool);
    assert_false(bp_lease_waited(&ready));
    bp_pool_give(&ready);
    bp_lease cleaned = take(pool);
    assert_true(bp_lease_waited(&cleaned)); /* for its reset */
    bp_pool_give(&cleaned);
    bp_pool_unref(pool);
    options.reset_when = BP_RESET_NEVER;
    options.check_on_take = true;
    pool = new_pool(fake_ops(), options);
    ready = take(pool);
    assert_false(bp_lease_waited(&ready)); /* a look at it is no wait */
    bp_pool_give(&ready);
    bp_pool_unref(pool);
}

static void polling_only_pops(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(2);
    bp_lease first = take(pool), other = BP_LEASE_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &other, &error), BP_EBUSY);
    assert_string_equal(error.message, "pool 'x': nothing is idle (1 of 2 live)");
    assert_int_equal(fake.created, 1);
    assert_int_equal(bp_pool_try_take(pool, &other, NULL), BP_OK); /* creates */
    bp_lease third = BP_LEASE_INIT;
    assert_int_equal(bp_pool_try_take(pool, &third, &error), BP_EBUSY);
    assert_string_equal(error.message, "pool 'x': at capacity (2 of 2 live)");
    assert_null(third.pool); /* untouched */
    assert_int_equal(bp_pool_take(pool, 1, &third, &error), BP_ETIMEDOUT);
    bp_pool_give(&first);
    bp_pool_give(&other);
    assert_int_equal(fake_stats(pool).takes[BP_TAKE_BUSY], 2);
    assert_int_equal(fake_stats(pool).takes[BP_TAKE_TIMEOUT], 1);
    bp_pool_unref(pool);
}

static void bad_leases_are_answered(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(2), *neighbour = plain_pool(1);
    bp_lease none = BP_LEASE_INIT, lease = take(pool);
    bp_lease copy = lease, foreign = lease;
    foreign.pool = neighbour;
    assert_int_equal(bp_pool_give(NULL), BP_EINVAL);
    assert_int_equal(bp_pool_give(&none), BP_EINVAL);
    assert_int_equal(bp_pool_give(&foreign), BP_EINVAL);
    assert_int_equal(bp_lease_condemn(&foreign, BP_RECYCLE_TRAP), BP_EINVAL);
    assert_int_equal(bp_lease_condemn(&lease, BP_RECYCLE_COUNT), BP_EINVAL);
    assert_null(bp_lease_item(NULL));
    assert_null(bp_lease_item(&none));
    assert_null(bp_lease_item(&foreign));
    assert_null(bp_lease_detach(&none));
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    assert_int_equal(bp_pool_give(&lease), BP_EINVAL); /* zeroed by the first */
    assert_null(bp_lease_item(&copy));
    bp_lease next = take(pool); /* the same slot, another lease */
    bp_lease copy2 = copy;
    assert_int_equal(bp_lease_condemn(&copy2, BP_RECYCLE_TRAP), BP_ESTALE);
    assert_null(bp_lease_detach(&copy2));
    assert_int_equal(bp_pool_give(&copy), BP_ESTALE);
    assert_non_null(bp_lease_item(&next)); /* nothing happened to it */
    assert_int_equal(bp_pool_give(&next), BP_OK);
    bp_lease_begin(NULL);
    bp_lease_end(&none);
    assert_int_equal(bp_pool_take(NULL, BP_NOW, &lease, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_take(pool, BP_NOW, NULL, NULL), BP_EINVAL);
    assert_int_equal(bp_pool_take_with(pool, NULL, &lease, NULL), BP_EINVAL);
    bp_pool_take_options options = {.size = 1};
    assert_int_equal(bp_pool_take_with(pool, &options, &lease, NULL), BP_EINVAL);
    bp_pool_unref(pool);
    bp_pool_unref(neighbour);
}

static void a_condemned_item_is_never_lent_again(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(1);
    for (unsigned why = 0; why < BP_RECYCLE_COUNT; why++) {
        bp_lease lease = take(pool);
        uint32_t number = fake_number(&lease), before = fake.why[why];
        assert_int_equal(bp_lease_condemn(&lease, (bp_recycle_reason)why), BP_OK);
        assert_int_equal(bp_lease_condemn(&lease, BP_RECYCLE_CRASH), BP_OK); /* first stays */
        assert_non_null(bp_lease_item(&lease));
        assert_int_equal(bp_pool_give(&lease), BP_OK);
        lease = take(pool);
        assert_int_not_equal(fake_number(&lease), number);
        bp_pool_give(&lease);
        assert_int_equal(fake.why[why], before + 1);
        assert_int_equal(fake.live, 1);
    }
    bp_pool_unref(pool);
}

static void scope_ends_a_lease(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(1);
    {
        BP_AUTO_LEASE lease = take(pool);
        bp_lease_begin(&lease);
        bp_lease_end(&lease);
    }
    assert_int_equal(fake_stats(pool).idle, 1);
    {
        BP_AUTO_LEASE lease = take(pool);
        bp_lease_begin(&lease);
    }
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_ABANDONED], 1);
    {
        BP_AUTO_LEASE lease = BP_LEASE_INIT;
        (void)lease;
    }
    bp_pool_unref(pool);
}

static void detached_items_leave_their_place(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(1);
    bp_lease lease = take(pool);
    fake_item *item = bp_lease_detach(&lease);
    assert_non_null(item);
    assert_int_equal(fake_stats(pool).live, 0);
    lease = take(pool);
    assert_ptr_not_equal(bp_lease_item(&lease), item);
    bp_pool_give(&lease);
    assert_int_equal(fake_stats(pool).detaches, 1);
    free(item);
    fake.live--;
    bp_pool_unref(pool);
    assert_int_equal(fake.live, 0);
}

static void max_uses_changes_the_item(void **state)
{
    (void)state;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.min_warm = BP_POOL_NONE;
    options.max_live = 1;
    options.max_uses = 1;
    bp_pool *pool = new_pool(fake_ops_plain(), options);
    for (uint32_t i = 1; i <= 3; i++) {
        bp_lease lease = take(pool);
        assert_int_equal(fake_number(&lease), i);
        bp_pool_give(&lease);
    }
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_MAX_USES], 3);
    assert_int_equal(fake.live, 0);
    bp_pool_unref(pool);
}

static void keys_keep_tenants_apart(void **state)
{
    (void)state;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.max_live = 3;
    options.min_warm = 3;
    options.reset_when = BP_RESET_NEVER;
    bp_pool *pool = new_pool(fake_ops(), options);
    bp_lease a = take_for(pool, "a"), b = take_for(pool, "b"), c = take(pool);
    uint32_t of_a = fake_number(&a), of_b = fake_number(&b), of_none = fake_number(&c);
    bp_pool_give(&a);
    bp_pool_give(&b);
    bp_pool_give(&c);
    assert_int_equal(fake_stats(pool).kept, 2);
    a = take_for(pool, "a");
    b = take_for(pool, "b");
    c = take(pool);
    assert_int_equal(fake_number(&a), of_a);
    assert_int_equal(fake_number(&b), of_b);
    assert_int_equal(fake_number(&c), of_none);
    assert_int_equal(fake.resets, 0);
    bp_pool_give(&a);
    bp_pool_give(&b);
    bp_pool_give(&c);
    bp_lease d = take_for(pool, ""); /* a key of its own: nothing is pristine */
    assert_int_equal(fake.resets, 1);
    bp_pool_give(&d);
    d = take_for(pool, "");
    assert_int_equal(fake.resets, 1);
    bp_pool_give(&d);
    c = take(pool);
    assert_true(fake_number(&c) != 0);
    bp_pool_give(&c);
    assert_int_equal(fake.created, 3);
    char long_key[BP_POOL_KEY_SIZE_MAX + 1] = {0};
    bp_bytes key = {long_key, sizeof long_key};
    assert_int_equal(bp_pool_take_for(pool, key, BP_NOW, &d, NULL), BP_EINVAL);
    key.size--;
    assert_int_equal(bp_pool_take_for(pool, key, bp_deadline_in_ms(1000), &d, NULL), BP_OK);
    bp_pool_give(&d);
    assert_int_equal(bp_pool_take_for(pool, (bp_bytes){NULL, 3}, BP_NOW, &d, NULL), BP_EINVAL);
    bp_pool_unref(pool);
}

/* Two keys with one hash are two keys all the same. */
static void hashes_are_not_trusted(void **state)
{
    (void)state;
    bp_pool *pool = plain_pool(1);
    bp_lease lease = take_for(pool, "tenant-162789");
    uint32_t number = fake_number(&lease);
    bp_pool_give(&lease);
    lease = take_for(pool, "tenant-379192");
    assert_int_not_equal(fake_number(&lease), number);
    bp_pool_give(&lease);
    assert_int_equal(fake.why[BP_RECYCLE_OTHER_KEY], 1);
    bp_pool_unref(pool);
}

static void resets_come_when_the_policy_says(void **state)
{
    (void)state;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.max_live = 1;
    options.reset_when = BP_RESET_ON_GIVE_INLINE;
    bp_pool *pool = new_pool(fake_ops(), options);
    bp_lease lease = take(pool);
    bp_pool_give(&lease);
    assert_int_equal(fake.resets, 1);
    assert_int_equal(fake_stats(pool).dirty, 0);
    bp_pool_unref(pool);
    options.reset_when = BP_RESET_ON_TAKE;
    pool = new_pool(fake_ops(), options);
    lease = take(pool);
    bp_pool_give(&lease);
    bp_pool_tick(pool);
    assert_int_equal(fake.resets, 0);
    assert_int_equal(fake_stats(pool).dirty, 1);
    lease = take(pool);
    assert_int_equal(fake.resets, 1);
    assert_int_equal(fake_stats(pool).resets_inline, 1);
    bp_pool_give(&lease);
    bp_pool_unref(pool);
}

/* What a thread wrote is in its core's cache still: it resets its own last item, not the lowest. */
static void a_thread_resets_its_own_last_item(void **state)
{
    (void)state;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.max_live = 3;
    options.min_warm = 3;
    options.reset_when = BP_RESET_ON_TAKE;
    bp_pool *pool = new_pool(fake_ops(), options);
    bp_lease leases[3] = {take(pool), take(pool), take(pool)};
    uint32_t lowest = fake_number(&leases[0]), last = fake_number(&leases[2]);
    for (int i = 0; i < 3; i++)
        bp_pool_give(&leases[i]);
    leases[0] = take(pool);
    assert_int_equal(fake_number(&leases[0]), last);
    leases[1] = take(pool); /* that one is out: the lowest that waits */
    assert_int_equal(fake_number(&leases[1]), lowest);
    bp_pool_give(&leases[0]);
    bp_pool_give(&leases[1]);
    bp_pool_unref(pool);
}

static void an_item_that_cannot_be_reset_is_replaced(void **state)
{
    (void)state;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.max_live = 1;
    options.reset_when = BP_RESET_ON_TAKE;
    bp_pool *pool = new_pool(fake_ops(), options);
    bp_lease lease = take(pool);
    ((fake_item *)bp_lease_item(&lease))->unresettable = true;
    bp_pool_give(&lease);
    lease = take(pool);
    assert_int_equal(fake_number(&lease), 2);
    assert_int_equal(fake.why[BP_RECYCLE_RESET_FAILED], 1);
    bp_pool_give(&lease);
    bp_pool_unref(pool);
}

static void unhealthy_items_are_passed_over(void **state)
{
    (void)state;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.max_live = 3;
    options.min_warm = 3;
    options.check_on_take = true;
    options.reset_when = BP_RESET_NEVER;
    bp_pool *pool = new_pool(fake_ops(), options);
    bp_lease leases[3] = {take(pool), take(pool), take(pool)};
    ((fake_item *)bp_lease_item(&leases[0]))->sick = true;
    uint32_t healthy = fake_number(&leases[1]);
    ((fake_item *)bp_lease_item(&leases[2]))->sick = true;
    for (int i = 0; i < 3; i++)
        bp_pool_give(&leases[i]);
    bp_lease lease = take(pool);
    assert_int_equal(fake_number(&lease), healthy);
    bp_lease fresh = take(pool); /* the other sick one goes, and a new one comes */
    assert_int_equal(fake_number(&fresh), 4);
    assert_int_equal(fake.why[BP_RECYCLE_UNHEALTHY], 2);
    bp_pool_give(&lease);
    bp_pool_give(&fresh);
    fake.sick_creates = 1;
    leases[0] = take(pool);
    leases[1] = take(pool);
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp_pool_try_take(pool, &leases[2], &error), BP_EHOST);
    assert_non_null(strstr(error.message, "new item failed its health check"));
    bp_pool_give(&leases[0]);
    bp_pool_give(&leases[1]);
    bp_pool_unref(pool);
}

static void a_failing_create_reaches_the_taker(void **state)
{
    (void)state;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.name = "x";
    options.min_warm = BP_POOL_NONE;
    options.max_live = 1;
    bp_pool *pool = new_pool(fake_ops_plain(), options);
    bp_lease lease;
    bp_error error = BP_ERROR_INIT;
    fake.fail_creates = 1;
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(1000), &lease, &error), BP_EHOST + 7);
    assert_string_equal(error.message, "pool 'x': no luck");
    assert_int_equal(error.host_code, 42);
    assert_int_equal(fake_stats(pool).live, 0); /* the place came back */
    lease = take(pool);
    bp_pool_give(&lease);
    assert_int_equal(fake_stats(pool).takes[BP_TAKE_ERROR], 1);
    bp_pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_gets_its_own_last_item_back),
        cmocka_unit_test(a_lease_knows_whether_it_had_to_wait),
        cmocka_unit_test(polling_only_pops),
        cmocka_unit_test(bad_leases_are_answered),
        cmocka_unit_test(a_condemned_item_is_never_lent_again),
        cmocka_unit_test(scope_ends_a_lease),
        cmocka_unit_test(detached_items_leave_their_place),
        cmocka_unit_test(max_uses_changes_the_item),
        cmocka_unit_test(keys_keep_tenants_apart),
        cmocka_unit_test(hashes_are_not_trusted),
        cmocka_unit_test(resets_come_when_the_policy_says),
        cmocka_unit_test(a_thread_resets_its_own_last_item),
        cmocka_unit_test(an_item_that_cannot_be_reset_is_replaced),
        cmocka_unit_test(unhealthy_items_are_passed_over),
        cmocka_unit_test(a_failing_create_reaches_the_taker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
