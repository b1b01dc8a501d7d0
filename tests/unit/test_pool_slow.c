/* Factories that hang or come late. They wait for an event or for a clock that the test sets, so
 * that nothing here depends on how long anything takes. SPDX-License-Identifier: Apache-2.0 */
#include "sim/pool_fixture.h"

static _Atomic fake_call hanging = FAKE_CALLS; /* which function hangs */
static _Atomic uint32_t inside;                /* how many calls do so now */

static void hang(fake_call call, bp_deadline by)
{
    (void)by;
    if (call != hanging)
        return;
    inside++;
    UNTIL(call != hanging);
    inside--;
}

static void let_go(void)
{
    hanging = FAKE_CALLS;
    UNTIL(inside == 0);
}

/* What others do meanwhile. */
static void work_on(bp_pool *pool, uint32_t number)
{
    for (int i = 0; i < 1000; i++) {
        bp_lease lease = pool_take(pool);
        assert_int_equal(fake_number(&lease), number);
        assert_false(bp_lease_waited(&lease));
        assert_int_equal(bp_pool_give(&lease), BP_OK);
    }
}

static void until_the_deadline(fake_call call, bp_deadline by)
{
    if (call != FAKE_CREATE)
        return;
    inside++;
    UNTIL(bp_deadline_passed(by));
    inside--;
}

/* It comes back when its time is over, with an item: the taker is told that it was too late, and
 * the item is the next one's. */
static void a_creation_may_last_until_its_deadline(void **state)
{
    (void)state;
    bp__clock_fake_set(BP_NS_PER_S);
    bp_pool *pool = pool_with(fake_ops(), pool_options(2));
    bp_lease lease = pool_take(pool);
    fake.hook = until_the_deadline;
    pool_taker taker;
    pool_taker_start(&taker, pool, 100);
    UNTIL(inside == 1);
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    work_on(pool, 1);
    assert_int_equal(fake_stats(pool).busy, 1);
    assert_false(taker.done);
    bp__clock_fake_set(2 * BP_NS_PER_S);
    pthread_join(taker.thread, NULL);
    assert_int_equal(taker.status, BP_ETIMEDOUT);
    assert_string_equal(taker.error.message, "pool 'x': deadline passed while preparing an item");
    bp_pool_stats stats = fake_stats(pool);
    assert_int_equal(stats.takes[BP_TAKE_TIMEOUT], 1);
    assert_int_equal(stats.idle, 2);
    bp__clock_fake_set(0);
    pool_end(pool);
}

static void *tick_on_thread(void *pool)
{
    bp_pool_tick(pool);
    return NULL;
}

/* A place is in use until its item is gone: meanwhile nobody creates beside it, and nobody who
 * wants another item waits. */
static void a_slow_end_holds_up_its_place_only(void **state)
{
    (void)state;
    bp_pool *pool = pool_with(fake_ops_plain(), pool_options(2));
    bp_lease bad = pool_take(pool), good = pool_take(pool), none = BP_LEASE_INIT;
    fake.hook = hang;
    hanging = FAKE_DESTROY;
    assert_int_equal(bp_lease_condemn(&bad, BP_RECYCLE_TRAP), BP_OK);
    assert_int_equal(bp_pool_give(&bad), BP_OK); /* does not destroy it itself */
    pthread_t ticker;
    assert_int_equal(pthread_create(&ticker, NULL, tick_on_thread, pool), 0);
    UNTIL(inside == 1);
    assert_int_equal(bp_pool_give(&good), BP_OK);
    work_on(pool, 2);
    good = pool_take(pool);
    assert_int_equal(bp_pool_try_take(pool, &none, NULL), BP_EBUSY);
    assert_int_equal(fake.live, 2);
    pool_taker taker;
    pool_taker_start(&taker, pool, 60000);
    UNTIL(fake_stats(pool).waiters == 1);
    let_go();
    pthread_join(ticker, NULL);
    pthread_join(taker.thread, NULL); /* the place was handed to it */
    assert_int_equal(taker.status, BP_OK);
    assert_true(bp_lease_waited(&taker.lease));
    assert_int_equal(fake.high, 2);
    assert_int_equal(bp_pool_give(&good), BP_OK);
    assert_int_equal(bp_pool_give(&taker.lease), BP_OK);
    pool_end(pool);
}

static bp_pool *kept_pool(bp_keeper *keeper, uint32_t warm)
{
    bp_pool_options options = pool_options(warm);
    options.min_warm = warm;
    options.keeper = keeper;
    options.reset_when = BP_RESET_ON_GIVE_BACKGROUND;
    return pool_with(fake_ops(), options);
}

/* With a keeper a give never destroys or resets, however long that takes elsewhere. */
static void gives_do_not_wait_for_slow_work(void **state)
{
    (void)state;
    for (fake_call slow = FAKE_RESET; slow <= FAKE_DESTROY; slow += 2) {
        bp_keeper *keeper = NULL;
        assert_int_equal(bp_keeper_new(NULL, &keeper, NULL), BP_OK);
        bp_pool *pool = kept_pool(keeper, 8);
        bp_lease leases[8];
        for (int i = 0; i < 8; i++)
            leases[i] = pool_take(pool);
        fake.hook = hang;
        hanging = slow;
        for (int i = 0; i < 8; i++) {
            if (slow == FAKE_DESTROY)
                assert_int_equal(bp_lease_condemn(&leases[i], BP_RECYCLE_CRASH), BP_OK);
            assert_int_equal(bp_pool_give(&leases[i]), BP_OK);
        }
        UNTIL(inside == 1); /* one at a time a pool */
        assert_int_equal(fake_stats(pool).in_use, 0);
        let_go();
        UNTIL(fake_stats(pool).idle == 8 && fake_stats(pool).dirty == 0);
        assert_int_equal(fake.why[BP_RECYCLE_CRASH], slow == FAKE_DESTROY ? 8 : 0);
        bp_keeper_free(keeper);
        pool_end(pool);
    }
}

/* --- lateness, on a clock that stands still but for the factory ------------------------------- */

static fake_call late; /* the function that takes a minute */

static void take_a_minute(fake_call call, bp_deadline by)
{
    (void)by;
    static uint64_t now = BP_NS_PER_S;
    if (call == late)
        bp__clock_fake_set(now += 60 * BP_NS_PER_S);
}

static bp_pool *late_pool(bp_pool_options options, fake_call call)
{
    bp__clock_fake_set(BP_NS_PER_S);
    bp_pool *pool = pool_with(fake_ops(), options);
    late = call;
    fake.hook = take_a_minute;
    return pool;
}

static void a_late_check_is_a_failed_one(void **state)
{
    (void)state;
    bp_pool_options options = pool_options(1);
    options.check_on_take = true;
    options.min_warm = 1;
    bp_pool *pool = late_pool(options, FAKE_CHECK);
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_EBUSY);
    assert_int_equal(fake.why[BP_RECYCLE_UNHEALTHY], 1);
    bp__clock_fake_set(0);
    pool_end(pool);
}

/* Nobody waited for it, and the next one might be as late. */
static void a_late_reset_without_a_taker_is_a_failed_one(void **state)
{
    (void)state;
    bp_pool_options options = pool_options(1);
    options.reset_when = BP_RESET_ON_GIVE_INLINE;
    bp_pool *pool = late_pool(options, FAKE_RESET);
    pool_use(pool);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_RESET_FAILED], 1);
    assert_int_equal(fake.live, 0);
    pool_end(pool);
    bp_keeper *keeper = NULL;
    assert_int_equal(bp_keeper_new(NULL, &keeper, NULL), BP_OK);
    bp_keeper_stop(keeper);
    pool = kept_pool(keeper, 1);
    fake.hook = take_a_minute;
    pool_use(pool);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_RESET_FAILED], 1);
    bp_keeper_free(keeper);
    pool_end(pool);
    bp__clock_fake_set(0);
}

static void a_late_creation_without_a_taker_is_a_failed_one(void **state)
{
    (void)state;
    bp_pool_options options = pool_options(1);
    options.min_warm = 1;
    options.prewarm = BP_PREWARM_BACKGROUND;
    bp_pool *pool = late_pool(options, FAKE_CREATE);
    bp_pool_tick(pool);
    assert_int_equal(fake.why[BP_RECYCLE_TIMEOUT], 1);
    assert_int_equal(fake.live, 0);
    late = FAKE_CALLS;
    bp_pool_tick(pool); /* not at once again */
    assert_int_equal(fake.created, 1);
    bp__clock_fake_set(0);
    pool_end(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_creation_may_last_until_its_deadline),
        cmocka_unit_test(a_slow_end_holds_up_its_place_only),
        cmocka_unit_test(gives_do_not_wait_for_slow_work),
        cmocka_unit_test(a_late_check_is_a_failed_one),
        cmocka_unit_test(a_late_reset_without_a_taker_is_a_failed_one),
        cmocka_unit_test(a_late_creation_without_a_taker_is_a_failed_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
