/* The keeper's threads, and forks. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sim/fake_factory.h"

static fake_factory fake, other;

/* Until `condition`, which a helper brings about; the test's own timeout is the limit. */
#define UNTIL(condition)                                                                           \
    while (!(condition))                                                                           \
    sched_yield()

static bp_keeper *new_keeper(void)
{
    bp_keeper *keeper = NULL;
    assert_int_equal(bp_keeper_new(NULL, &keeper, NULL), BP_OK);
    return keeper;
}

static bp_pool *new_pool(bp_keeper *keeper, fake_factory *factory, bp_pool_options options)
{
    bp_pool_ops ops = fake_ops();
    bp_pool *pool = NULL;
    memset(factory, 0, sizeof *factory);
    options.keeper = keeper;
    bp_error error = BP_ERROR_INIT;
    if (bp_pool_new(&ops, factory, &options, &pool, &error))
        fail_msg("%s", error.message);
    return pool;
}

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

static void an_idle_pool_wakes_nobody(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *pool = new_pool(keeper, &fake, options);
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, BP_NOW, &lease, NULL), BP_OK);
    bp_pool_give(&lease);
    UNTIL(fake_stats(pool).dirty == 0);
    bp_keeper_stop(keeper); /* what was going on is done */
    uint64_t passes = fake_stats(pool).keeper_passes;
    bp_keeper_start(keeper);
    UNTIL(fake_stats(pool).keeper_passes == passes + 1); /* the look after the start */
    usleep(30000); /* not for something: for nothing */
    assert_int_equal(fake_stats(pool).keeper_passes, passes + 1);
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

/* In a child of fork(): 0 if every answer is as it should be. */
static int use_in_child(bp_pool *pool, bp_status expected)
{
    bp_lease lease;
    bp_status status = bp_pool_take(pool, bp_deadline_in_ms(2000), &lease, NULL);
    if (status != expected)
        return 1;
    if (!status && bp_pool_give(&lease))
        return 2;
    bp_pool_unref(pool);
    return 0;
}

static int fork_and_use(bp_pool *pool, bp_status expected)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(use_in_child(pool, expected));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_fork_never_blocks(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.prewarm = BP_PREWARM_BACKGROUND;
    bp_pool *pool = new_pool(keeper, &fake, options);
    UNTIL(fake_stats(pool).idle == 1);
    assert_int_equal(fork_and_use(pool, BP_EINVAL), 0); /* the keeper was running */
    bp_keeper_stop(keeper);
    assert_int_equal(fork_and_use(pool, BP_OK), 0);
    bp_keeper_start(keeper);
    bp_lease lease; /* the parent goes on */
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(5000), &lease, NULL), BP_OK);
    bp_pool_give(&lease);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
    assert_int_equal(fake.live, 0);
}

static void pressure_sources_are_named(void **state)
{
    (void)state;
    bp_memory_source sources[16];
    size_t count = bp_memory_pressure_sources(sources, 16);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(sources[i].name);
        assert_true(sources[i].path[0] == '/');
        assert_true(sources[i].present || sources[i].pressure == 0);
    }
    assert_int_equal(bp_memory_pressure_sources(NULL, 0), 5);
    assert_true(bp_memory_pressure_level() <= BP_MEMORY_CRITICAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_items_are_reset),
        cmocka_unit_test(condemned_items_are_replaced),
        cmocka_unit_test(threads_start_with_the_first_work),
        cmocka_unit_test(a_stalled_pool_stalls_no_other),
        cmocka_unit_test(an_idle_pool_wakes_nobody),
        cmocka_unit_test(pools_outlive_their_keeper),
        cmocka_unit_test(the_last_lease_frees_a_dropped_pool),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(a_fork_never_blocks),
        cmocka_unit_test(pressure_sources_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
