/* The keeper's threads, and forks. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sim/keeper_fixture.h"

static fake_factory fake, other, third;

static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = -2; /* "." and ".." */
    assert_non_null(tasks);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

static void given_items_are_reset(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.min_warm = 4;
    bp_pool *pool = new_pool(keeper, &fake, options);
    for (int i = 0; i < 50; i++) {
        bp_lease lease;
        assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(5000), &lease, NULL), BP_OK);
        fake_item *item = bp_lease_item(&lease);
        assert_false(item->dirty);
        item->dirty = true;
        bp_pool_give(&lease);
    }
    UNTIL(fake_stats(pool).dirty == 0);
    assert_int_equal(fake.resets, 50);
    assert_int_equal(fake.created, 4);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
    assert_int_equal(fake.live, 0);
}

/* All that is pristine is used at once, then there is a pause in which it is reset. */
static void use_all(bp_pool *pool)
{
    bp_lease leases[4];
    unsigned taken = 0;
    while (taken < 4 && bp_pool_take(pool, BP_NOW, &leases[taken], NULL) == BP_OK)
        ((fake_item *)bp_lease_item(&leases[taken++]))->dirty = true;
    while (taken)
        assert_int_equal(bp_pool_give(&leases[--taken]), BP_OK);
    UNTIL(fake_stats(pool).dirty == 0);
}

/* One that runs out of items again and again gets more of them; one that may not, does not. */
static void a_busy_pool_grows_if_it_may(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *still = new_pool(keeper, &other, options);
    options.grow_when_busy = true;
    bp_pool *growing = new_pool(keeper, &fake, options);
    while (fake_stats(growing).live < 4) {
        use_all(growing);
        use_all(still);
    }
    for (int i = 0; i < 20; i++)
        use_all(growing);
    assert_int_equal(fake_stats(growing).live, 4); /* its max_live */
    assert_int_equal(fake_stats(still).live, 1);
    /* what it grew by is surplus */
    assert_int_equal(bp_pool_trim(growing, BP_TRIM_SURPLUS), 3);
    bp_pool_unref(still);
    bp_pool_unref(growing);
    bp_keeper_free(keeper);
}

/* What it grows by is only a wish: neither a closed pool nor a spent budget has to grant it. */
static void growth_takes_no_other_pools_place(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_budget *budget = NULL;
    assert_int_equal(bp_pool_budget_new(2, 0, &budget, NULL), BP_OK);
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.budget = budget;
    bp_pool *neighbour = new_pool(keeper, &other, options);
    options.grow_when_busy = true;
    bp_pool *pool = new_pool(keeper, &fake, options);
    for (int i = 0; i < 50; i++)
        use_once(pool);
    UNTIL(fake_stats(pool).dirty == 0);
    assert_int_equal(fake_stats(pool).live, 1);
    assert_int_equal(fake_stats(neighbour).live, 1);
    assert_int_equal(other.destroyed, 0);
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    assert_int_equal(bp_pool_close(pool, BP_NOW), BP_ETIMEDOUT);
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    UNTIL(fake.live == 0);
    assert_int_equal(fake.created, 1);
    bp_pool_unref(pool);
    bp_pool_unref(neighbour);
    bp_pool_budget_unref(budget);
    bp_keeper_free(keeper);
}

/* Destroying may take as long as it likes: it costs a helper, and nobody else anything. */
static void a_slow_destroy_holds_nobody_up(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.max_live = 2;
    bp_pool *pool = new_pool(keeper, &fake, options);
    bp_lease lease;
    fake.stall_trapped = true;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    bp_lease_condemn(&lease, BP_RECYCLE_TRAP);
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    UNTIL(fake.stalled == 1);
    for (int i = 0; i < 20; i++)
        use_once(pool);
    bp_pool_stats stats = fake_stats(pool);
    assert_int_equal(stats.live, 2); /* what is being destroyed keeps its place until it is gone */
    assert_int_equal(stats.busy, 1);
    assert_int_equal(bp_pool_close(pool, BP_NOW), BP_ETIMEDOUT);
    assert_int_equal(fake.live, 1); /* what was idle did not wait for it */
    fake.stall_trapped = false;
    UNTIL(fake.live == 0);
    assert_int_equal(fake.why[BP_RECYCLE_TRAP], 1);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
}

static void condemned_items_are_replaced(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.min_warm = 2;
    bp_pool *pool = new_pool(keeper, &fake, options);
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    bp_lease_condemn(&lease, BP_RECYCLE_TRAP);
    bp_pool_give(&lease);
    UNTIL(fake_stats(pool).idle == 2);
    assert_int_equal(fake.why[BP_RECYCLE_TRAP], 1);
    assert_int_equal(fake.created, 3);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
}

static void threads_start_with_the_first_work(void **state)
{
    (void)state;
    int before = count_threads();
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.prewarm = BP_PREWARM_BACKGROUND;
    assert_int_equal(count_threads(), before);
    bp_pool *pool = new_pool(keeper, &fake, options);
    UNTIL(fake_stats(pool).idle == 1);
    assert_int_equal(count_threads(), before + 2);
    bp_keeper_stop(keeper);
    UNTIL(count_threads() == before);
    bp_keeper_start(keeper);
    UNTIL(count_threads() == before + 2);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
}

/* A creation that does not come back must not keep another pool from being served. */
static void a_stalled_pool_stalls_no_other(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.prewarm = BP_PREWARM_BACKGROUND;
    options.name = "stalled";
    bp_pool_ops ops = fake_ops();
    bp_pool *stalled = NULL;
    memset(&other, 0, sizeof other);
    other.stall_create = true;
    options.keeper = keeper;
    assert_int_equal(bp_pool_new(&ops, &other, &options, &stalled, NULL), BP_OK);
    UNTIL(other.stalled == 1);
    options.name = "well";
    bp_pool *well = new_pool(keeper, &fake, options);
    UNTIL(fake_stats(well).idle == 1);
    for (uint32_t i = 1; i <= 20; i++) {
        bp_lease lease;
        assert_int_equal(bp_pool_take(well, bp_deadline_in_ms(5000), &lease, NULL), BP_OK);
        bp_pool_give(&lease);
        UNTIL(fake.resets == i);
    }
    assert_int_equal(other.stalled, 1);
    bp_lease lease;
    assert_int_equal(bp_pool_take(stalled, BP_NOW, &lease, NULL), BP_EBUSY);
    other.stall_create = false;
    UNTIL(fake_stats(stalled).idle == 1);
    bp_pool_unref(stalled);
    bp_pool_unref(well);
    bp_keeper_free(keeper);
}

static uint64_t count_passes(bp_pool *const pools[3])
{
    uint64_t passes = 0;
    for (int i = 0; i < 3; i++)
        passes += fake_stats(pools[i]).keeper_passes;
    return passes;
}

/* Two pools at their floor, and one with a surplus that may stay for ever. Both the scheduler's
 * count and our own must stand still for longer than the longest interval at which a keeper looks
 * at anything without being asked: a second, for memory. */
static void an_idle_pool_wakes_nobody(void **state)
{
    (void)state;
    bp_keeper_options careless = BP_KEEPER_OPTIONS_INIT;
    careless.ignore_memory_pressure = true;
    bp_keeper *keeper = new_keeper(), *ignoring = NULL;
    assert_int_equal(bp_keeper_new(&careless, &ignoring, NULL), BP_OK);
    bp_pool_options options = BP_POOL_OPTIONS_INIT, unlimited = options;
    unlimited.idle_ttl_ms = BP_UNLIMITED;
    bp_pool *pools[3] = {new_pool(keeper, &fake, options), new_pool(keeper, &other, unlimited),
                         new_pool(ignoring, &third, unlimited)};
    assert_int_equal(bp_pool_warm(pools[2], 4, bp_deadline_in_ms(5000), NULL, NULL), BP_OK);
    for (int i = 0; i < 3; i++)
        use_once(pools[i]);

    helper_threads before = wait_for_rest(keeper, ignoring);
    uint64_t passes = count_passes(pools);
    assert_int_equal(fake.resets + other.resets + third.resets, 3); /* nothing was left undone */
    usleep(2500000); /* not for something: for nothing */
    helper_threads after = look_at_helpers();
    assert_int_equal(after.switches, before.switches);
    assert_int_equal(after.asleep, 4);
    assert_int_equal(count_passes(pools), passes);

    use_once(pools[0]); /* that the count does count */
    UNTIL(look_at_helpers().switches > before.switches);
    for (int i = 0; i < 3; i++)
        bp_pool_unref(pools[i]);
    bp_keeper_free(keeper);
    bp_keeper_free(ignoring);
}

/* While there is a surplus that memory pressure could claim, the keeper looks; not after. */
static void a_surplus_is_looked_after(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.idle_ttl_ms = BP_UNLIMITED;
    bp_pool *pool = new_pool(keeper, &fake, options);
    assert_int_equal(bp_pool_warm(pool, 2, bp_deadline_in_ms(5000), NULL, NULL), BP_OK);
    uint64_t passes = fake_stats(pool).keeper_passes;
    UNTIL(fake_stats(pool).keeper_passes >= passes + 2);
    assert_false(bp__keeper_is_at_rest(keeper));
    assert_int_equal(bp_pool_trim(pool, BP_TRIM_SURPLUS), 1);
    (void)wait_for_rest(keeper, keeper);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
}

/* Where takers reset, nobody else is needed: neither their gives nor their takes wake a helper. */
static void resets_on_take_wake_nobody(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.reset_when = BP_RESET_ON_TAKE;
    options.min_warm = 4;
    bp_pool *pool = new_pool(keeper, &fake, options);
    (void)wait_for_rest(keeper, keeper);
    uint64_t passes = fake_stats(pool).keeper_passes;
    for (uint32_t i = 0; i < 20; i++) {
        use_once(pool);
        assert_true(bp__keeper_is_at_rest(keeper)); /* a wake-up shows for 8 naps of 1 ms */
    }
    assert_int_equal(fake_stats(pool).keeper_passes, passes);
    bp_lease leases[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(5000), &leases[i], NULL), BP_OK);
    bp_lease_condemn(&leases[0], BP_RECYCLE_TRAP);
    bp_pool_give(&leases[0]); /* that is a helper's */
    UNTIL(fake.why[BP_RECYCLE_TRAP] == 1);
    for (int i = 1; i < 4; i++)
        bp_pool_give(&leases[i]);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
}

static void pools_outlive_their_keeper(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = new_pool(keeper, &fake, options);
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    bp_keeper_free(keeper);
    bp_pool_give(&lease);
    assert_int_equal(fake_stats(pool).dirty, 1);
    bp_pool_tick(pool);
    assert_int_equal(fake_stats(pool).dirty, 0);
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    bp_pool_unref(pool);
    bp_pool_give(&lease); /* nobody else would destroy it */
    assert_int_equal(fake.live, 0);
}

static void the_last_lease_frees_a_dropped_pool(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = new_pool(keeper, &fake, options);
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    bp_pool_unref(pool);
    assert_int_equal(bp_pool_give(&lease), BP_OK);
    UNTIL(fake.live == 0);
    bp_keeper_free(keeper);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    bp_keeper *keeper = NULL;
    bp_keeper_options options = BP_KEEPER_OPTIONS_INIT;
    options.helpers = 65;
    assert_int_equal(bp_keeper_new(&options, &keeper, NULL), BP_EINVAL);
    options.helpers = 1;
    options.size = 0;
    assert_int_equal(bp_keeper_new(&options, &keeper, NULL), BP_EINVAL);
    assert_int_equal(bp_keeper_new(NULL, NULL, NULL), BP_EINVAL);
    bp__alloc_fail_at(1);
    assert_int_equal(bp_keeper_new(NULL, &keeper, NULL), BP_ENOMEM);
    bp__alloc_fail_at(0);
    assert_null(keeper);
    bp_keeper_free(NULL);
}

/* Whatever else is asked of the copy of a pool that was in use. */
static bool is_refused(bp_pool *pool)
{
    bp_lease none;
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    bp_deadline by = bp_deadline_in_ms(2000);
    bp_pool_tick(pool);
    return bp_pool_try_take(pool, &none, NULL) == BP_EINVAL &&
           bp_pool_take_for(pool, bp_bytes_of("k"), by, &none, NULL) == BP_EINVAL &&
           bp_pool_warm(pool, 1, by, NULL, NULL) == BP_EINVAL &&
           bp_pool_resize(pool, 2, 1, NULL) == BP_EINVAL && bp_pool_trim(pool, BP_TRIM_ALL) == 0 &&
           bp_pool_drain(pool, by) == BP_EINVAL && bp_pool_close(pool, by) == BP_EINVAL &&
           bp_pool_ref(pool) == pool && bp_pool_stats_read(pool, &stats) == BP_EINVAL;
}

/* A lease that was out when the process was forked is the parent's. */
static int end_lease_in_child(bp_lease lease)
{
    if (bp_lease_condemn(&lease, BP_RECYCLE_TRAP) != BP_EINVAL)
        return 1;
    if (bp_lease_detach(&lease))
        return 2;
    return bp_pool_give(&lease) == BP_EINVAL ? 0 : 3;
}

/* In a child of fork(): 0 if every answer is as it should be. */
static int use_in_child(bp_pool *pool, bp_status expected)
{
    bp_lease lease;
    bp_status status = bp_pool_take(pool, bp_deadline_in_ms(2000), &lease, NULL);
    if (status != expected)
        return 1;
    if (!status && bp_pool_give(&lease))
        return 2;
    if (expected == BP_EINVAL && !is_refused(pool))
        return 3;
    bp_pool_unref(pool);
    return 0;
}

static int fork_and_use(bp_pool *pool, const bp_lease *lease, bp_status expected)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(lease ? end_lease_in_child(*lease) : use_in_child(pool, expected));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t forked;
static bp_pool *forking;

static bp_status fork_in_create(void *factory, bp_deadline by, void **ret_item, bp_error *reterr)
{
    bp_lease lease;
    bp_error error = BP_ERROR_INIT;
    forked = fork();
    if (forked == 0) {
        bp_status status = bp_pool_take(forking, bp_deadline_in_ms(2000), &lease, &error);
        _exit(status == BP_EINVAL && strstr(error.message, "made before fork()") ? 0 : 1);
    }
    return fake_create(factory, by, ret_item, reterr);
}

/* A factory forks: the pool is in use then, though no keeper runs and nobody waits. */
static void a_factory_may_fork(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    bp_pool_ops ops = fake_ops_plain();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    ops.create = fork_in_create;
    options.min_warm = BP_POOL_NONE;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &forking, NULL), BP_OK);
    use_once(forking);
    int status = -1;
    assert_true(forked > 0);
    assert_int_equal(waitpid(forked, &status, 0), forked);
    assert_int_equal(status, 0);
    assert_int_equal(fork_and_use(forking, NULL, BP_OK), 0); /* at rest again */
    bp_pool_unref(forking);
}

static void *use_on_thread(void *pool)
{
    use_once(pool);
    return NULL;
}

/* Another thread is in the factory: its place would be busy for ever in the child. */
static void a_fork_beside_a_factory(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    bp_pool_ops ops = fake_ops_plain();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = NULL;
    pthread_t thread;
    options.min_warm = BP_POOL_NONE;
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &pool, NULL), BP_OK);
    fake.stall_create = true;
    assert_int_equal(pthread_create(&thread, NULL, use_on_thread, pool), 0);
    UNTIL(fake.stalled == 1);
    assert_int_equal(fork_and_use(pool, NULL, BP_EINVAL), 0);
    fake.stall_create = false;
    pthread_join(thread, NULL);
    bp_pool_unref(pool);
}

static void a_fork_never_blocks(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.prewarm = BP_PREWARM_BACKGROUND;
    bp_pool *pool = new_pool(keeper, &fake, options);
    UNTIL(fake_stats(pool).idle == 1);
    assert_int_equal(fork_and_use(pool, NULL, BP_EINVAL), 0); /* the keeper was running */
    bp_keeper_stop(keeper);
    assert_int_equal(fork_and_use(pool, NULL, BP_OK), 0);
    bp_keeper_start(keeper);
    bp_lease lease; /* the parent goes on */
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(5000), &lease, NULL), BP_OK);
    assert_int_equal(fork_and_use(pool, &lease, BP_EINVAL), 0);
    bp_pool_give(&lease);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
    assert_int_equal(fake.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_items_are_reset),
        cmocka_unit_test(a_busy_pool_grows_if_it_may),
        cmocka_unit_test(growth_takes_no_other_pools_place),
        cmocka_unit_test(a_slow_destroy_holds_nobody_up),
        cmocka_unit_test(condemned_items_are_replaced),
        cmocka_unit_test(threads_start_with_the_first_work),
        cmocka_unit_test(a_stalled_pool_stalls_no_other),
        WITH_FILES(an_idle_pool_wakes_nobody),
        WITH_FILES(a_surplus_is_looked_after),
        WITH_FILES(resets_on_take_wake_nobody),
        cmocka_unit_test(pools_outlive_their_keeper),
        cmocka_unit_test(the_last_lease_frees_a_dropped_pool),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(a_fork_never_blocks),
        cmocka_unit_test(a_factory_may_fork),
        cmocka_unit_test(a_fork_beside_a_factory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
