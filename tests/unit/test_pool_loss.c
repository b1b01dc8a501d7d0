/* Whatever fails, nothing is lost: no item, no place, no memory, no descriptor.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/pool_fixture.h"

#include <malloc.h>

#include "base/alloc.h"
#include "support/process.h"

#define LIMIT 5

/* A pool's whole life, with a keeper and a budget; goes on as far as it gets. */
static bp_status live_once(bool keeper_runs)
{
    bp_keeper *keeper = NULL;
    bp_pool_budget *budget = NULL;
    bp_pool *pool = NULL;
    bp_pool_options options = pool_options(LIMIT);
    bp_pool_ops ops = fake_ops();
    bp_error error = BP_ERROR_INIT;
    memset(&fake, 0, sizeof fake);
    bp_status status = bp_keeper_new(NULL, &keeper, &error);
    if (!status && !keeper_runs)
        bp_keeper_stop(keeper);
    if (!status)
        status = bp_pool_budget_new(LIMIT + 200, 0, &budget, &error);
    options.keeper = keeper;
    options.budget = budget;
    options.min_warm = 1;
    options.reset_when = BP_RESET_ON_GIVE_BACKGROUND;
    if (!status)
        status = bp_pool_new(&ops, &fake, &options, &pool, &error);
    bp_lease lease = BP_LEASE_INIT;
    if (!status)
        status = bp_pool_take(pool, bp_deadline_in_ms(60000), &lease, &error);
    if (!status)
        status = bp_pool_resize(pool, 200, 0, &error);
    if (!status)
        status = bp_pool_warm(pool, 100, BP_DEADLINE_DEFAULT, NULL, &error);
    assert_true(!status || strstr(error.message, "memory"));
    bp_lease_cleanup(&lease);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
    assert_int_equal(bp_pool_budget_used(budget, NULL), 0);
    bp_pool_budget_unref(budget);
    assert_int_equal(fake.live, 0);
    return status;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    bp_status status = BP_ENOMEM;
    uint64_t nth = 0;
    while (status) {
        bp__alloc_fail_at(++nth);
        status = live_once(false);
        bool failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_int_equal(failed, status != BP_OK);
        assert_true(!failed || status == BP_ENOMEM);
    }
    assert_true(nth > 8);
}

static void nothing_is_left_behind(void **state)
{
    (void)state;
    assert_int_equal(live_once(true), BP_OK);
    unsigned descriptors = process_descriptors();
    for (int i = 0; i < 50; i++)
        assert_int_equal(live_once(true), BP_OK);
    assert_int_equal(process_descriptors(), descriptors);
    assert_int_equal(live_once(false), BP_OK);
    size_t used = mallinfo2().uordblks;
    for (int i = 0; i < 50; i++)
        assert_int_equal(live_once(false), BP_OK);
    assert_int_equal(mallinfo2().uordblks, used);
}

/* --- each call of the factory fails in turn --------------------------------------------------- */

static uint32_t calls[FAKE_CALLS];
static fake_call failing;
static uint32_t failing_nth;

static void fail_the_nth(fake_call call, bp_deadline by)
{
    (void)by;
    if (++calls[call] != failing_nth || call != failing)
        return;
    fake.fail_creates = failing == FAKE_CREATE;
    fake.fail_resets = failing == FAKE_RESET;
    fake.fail_checks = failing == FAKE_CHECK;
}

static void use_all(bp_pool *pool)
{
    bp_lease leases[LIMIT];
    for (uint32_t i = 0; i < LIMIT; i++) {
        bp_error error = BP_ERROR_INIT;
        bp_status status = bp_pool_take_for(pool, bp_bytes_of(i % 2 ? "a" : "b"),
                                            bp_deadline_in_ms(60000), &leases[i], &error);
        if (!status)
            continue;
        assert_true(status >= BP_EHOST && error.message[0]);
        i--; /* it fails once: the place must be there again */
    }
    assert_int_equal(fake.live, LIMIT);
    for (uint32_t i = 0; i < LIMIT; i++)
        assert_int_equal(bp_pool_give(&leases[i]), BP_OK);
}

/* One life, in which one call fails. False: there were fewer calls than that. */
static bool live_with_failure(bp_reset_when reset_when, fake_call call, uint32_t nth)
{
    bp_pool_options options = pool_options(LIMIT);
    options.reset_when = reset_when;
    options.check_on_take = true;
    options.max_uses = 3;
    bp_pool *pool = pool_with(fake_ops(), options);
    memset(calls, 0, sizeof calls);
    failing = call;
    failing_nth = nth;
    fake.hook = fail_the_nth;
    for (int i = 0; i < 4; i++) {
        use_all(pool);
        bp_pool_tick(pool);
    }
    bp_pool_stats stats = fake_stats(pool);
    assert_int_equal(stats.live, fake.live);
    assert_int_equal(stats.in_use + stats.busy, 0);
    assert_int_equal(stats.recycles[BP_RECYCLE_RESET_FAILED],
                     call == FAKE_RESET && calls[call] >= nth);
    assert_int_equal(stats.recycles[BP_RECYCLE_UNHEALTHY],
                     call == FAKE_CHECK && calls[call] >= nth);
    assert_int_equal(stats.create_failures, call == FAKE_CREATE && calls[call] >= nth);
    pool_end(pool);
    return calls[call] >= nth;
}

static void any_call_of_the_factory_may_fail(void **state)
{
    (void)state;
    static const bp_reset_when policies[] = {BP_RESET_ON_GIVE_INLINE, BP_RESET_ON_TAKE,
                                             BP_RESET_NEVER};
    for (int i = 0; i < 3; i++)
        for (fake_call call = FAKE_CREATE; call < FAKE_DESTROY; call++) {
            uint32_t nth = 1;
            while (live_with_failure(policies[i], call, nth))
                nth++;
            bool never = policies[i] == BP_RESET_NEVER && call == FAKE_RESET;
            assert_true(nth > 5 || never);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(nothing_is_left_behind),
        cmocka_unit_test(any_call_of_the_factory_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
