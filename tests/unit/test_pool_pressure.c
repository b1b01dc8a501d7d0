/* Memory pressure, and what pools do about it. SPDX-License-Identifier: Apache-2.0 */
#include "sim/keeper_fixture.h"

static fake_factory fake, other;

static bp_memory_source source_of(const char *name)
{
    bp_memory_source sources[8];
    size_t count = bp_memory_pressure_sources(sources, 8);
    for (size_t i = 0; i < count; i++)
        if (strcmp(sources[i].name, name) == 0)
            return sources[i];
    fail_msg("there is no source '%s'", name);
    return sources[0];
}

/* A source's share in percent, -1 when it is absent. */
static int percent_of(const char *name)
{
    bp_memory_source source = source_of(name);
    assert_true(source.present || source.pressure == 0);
    return source.present ? (int)(source.pressure * 100 + 0.5) : -1;
}

static void absent_sources_are_skipped_and_named(void **state)
{
    (void)state;
    static const char *const names[] = {"psi", "cgroup2 memory.pressure", "cgroup2 memory.high",
                                        "cgroup2 memory.max", "cgroup1 memory.limit_in_bytes"};
    bp_memory_source sources[8];
    assert_int_equal(bp_memory_pressure_sources(sources, 8), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(sources[i].name, names[i]);
        assert_int_equal(strncmp(sources[i].path, root, strlen(root)), 0);
        assert_false(sources[i].present);
        assert_true(sources[i].pressure == 0);
    }
    assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_OK);
    sources[2].name = NULL; /* no more are written than there is room for */
    assert_int_equal(bp_memory_pressure_sources(sources, 2), 5);
    assert_null(sources[2].name);
    assert_int_equal(bp_memory_pressure_sources(NULL, 0), 5);
}

static void the_real_files_can_be_read(void **state)
{
    (void)state;
    bp__pressure_root_set("/");
    assert_string_equal(source_of("psi").path, "/proc/pressure/memory");
    assert_true(bp_memory_pressure_level() <= BP_MEMORY_CRITICAL);
}

/* Some tasks always wait for memory somewhere; what counts is when all do. */
static void stalls_of_all_tasks_are_pressure(void **state)
{
    (void)state;
    static const struct stall {
        const char *some, *full;
        int percent;
        bp_memory_level level;
    } stalls[] = {
        {"0.00", "0.00", 0, BP_MEMORY_OK},
        {"99.00", "0.00", 0, BP_MEMORY_OK},
        {"99.00", "8.90", 89, BP_MEMORY_OK},
        {"9.00", "9.10", 91, BP_MEMORY_LOW},
        {"9.00", "9.60", 96, BP_MEMORY_LOW},
        {"9.00", "9.80", 98, BP_MEMORY_CRITICAL},
        {"0.00", "100.00", 1000, BP_MEMORY_CRITICAL},
    };
    static const char *const files[][2] = {
        {"psi", "proc/pressure/memory"},
        {"cgroup2 memory.pressure", "sys/fs/cgroup/a/b/memory.pressure"}};
    put("proc/self/cgroup", "1:name=systemd:/elsewhere\n0::/a/b\n");
    for (int f = 0; f < 2; f++) {
        for (size_t i = 0; i < sizeof stalls / sizeof *stalls; i++) {
            put_stall(files[f][1], stalls[i].some, stalls[i].full);
            assert_int_equal(percent_of(files[f][0]), stalls[i].percent);
            assert_int_equal(bp_memory_pressure_level(), stalls[i].level);
        }
        put(files[f][1], "some avg10=99.00 avg60=0.00 avg300=0.00 total=1\n");
        assert_int_equal(percent_of(files[f][0]), -1);
        put(files[f][1], "");
        assert_int_equal(percent_of(files[f][0]), -1);
    }
}

#define GROUP "sys/fs/cgroup/a/b/"

static void limits_of_cgroup_2_are_pressure(void **state)
{
    (void)state;
    static const char *const limits[][2] = {{"cgroup2 memory.high", GROUP "memory.high"},
                                            {"cgroup2 memory.max", GROUP "memory.max"}};
    put("proc/self/cgroup", "0::/a/b\n");
    for (int i = 0; i < 2; i++) {
        put(limits[i][1], "1000000\n");
        assert_int_equal(percent_of(limits[i][0]), -1); /* a limit, and no usage */
        put(GROUP "memory.current", "500000\n");
        assert_int_equal(percent_of(limits[i][0]), 50);
        assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_OK);
        put(GROUP "memory.current", "900000\n");
        assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_LOW);
        put(GROUP "memory.current", "1200000\n");
        assert_int_equal(percent_of(limits[i][0]), 120);
        assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_CRITICAL);
        /* Of that, the kernel can drop a part at once. */
        put(GROUP "memory.stat", "anon 1\ninactive_file 250000\nactive_file 900000\n");
        assert_int_equal(percent_of(limits[i][0]), 95);
        assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_LOW);
        put(GROUP "memory.stat", "inactive_file 5000000\n");
        assert_int_equal(percent_of(limits[i][0]), 0);
        put(limits[i][1], "max\n");
        assert_int_equal(percent_of(limits[i][0]), -1);
        assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_OK);
        drop(GROUP "memory.stat");
        drop(GROUP "memory.current");
    }
}

static void limits_of_cgroup_1_are_pressure(void **state)
{
    (void)state;
    static const char name[] = "cgroup1 memory.limit_in_bytes";
    put("proc/self/cgroup", "5:cpu:/x\n4:memory:/m\n0::/\n");
    put("sys/fs/cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712\n");
    put("sys/fs/cgroup/memory/m/memory.usage_in_bytes", "920000\n");
    assert_int_equal(percent_of(name), -1); /* that number is how v1 says: none */
    put("sys/fs/cgroup/memory/m/memory.limit_in_bytes", "1000000\n");
    assert_int_equal(percent_of(name), 92);
    assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_LOW);
    put("sys/fs/cgroup/memory/m/memory.usage_in_bytes", "990000\n");
    assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_CRITICAL);
    /* The group's own pages, then those of the groups in it too, which is what the usage has. */
    put("sys/fs/cgroup/memory/m/memory.stat", "inactive_file 1\ntotal_inactive_file 400000\n");
    assert_int_equal(percent_of(name), 59);
    assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_OK);
}

/* A container sees its own group as the root of the mount, whatever its path is outside. */
static void the_root_of_the_mount_stands_in(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/outside/only\n");
    put("sys/fs/cgroup/memory.max", "1000\n");
    put("sys/fs/cgroup/memory.current", "980\n");
    assert_int_equal(percent_of("cgroup2 memory.max"), 98);
    assert_int_equal(percent_of("cgroup2 memory.high"), -1);
    assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_CRITICAL);
    drop("proc/self/cgroup");
    assert_int_equal(percent_of("cgroup2 memory.max"), 98);
    put_stall("proc/pressure/memory", "0.00", "0.00"); /* the worst counts, not the last */
    assert_int_equal(bp_memory_pressure_level(), BP_MEMORY_CRITICAL);
}

/* Until `condition`, with calls now and then: a keeper whose pools are all at their floor does not
 * wake up to look at memory. */
#define USE_UNTIL(pool, condition)                                                                 \
    while (!(condition)) {                                                                         \
        use_once(pool);                                                                            \
        usleep(1000);                                                                              \
    }

static void pressure_empties_pools_for_a_while(void **state)
{
    (void)state;
    put_stall("proc/pressure/memory", "50.00", "0.00");
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *resting = new_pool(keeper, &other, options);
    options.idle_ttl_ms = BP_UNLIMITED;
    bp_pool *pool = new_pool(keeper, &fake, options);
    assert_int_equal(bp_pool_warm(pool, 4, bp_deadline_in_ms(5000), NULL, NULL), BP_OK);
    uint64_t passes = fake_stats(pool).keeper_passes;
    UNTIL(fake_stats(pool).keeper_passes >= passes + 2);
    assert_int_equal(fake.live, 4);

    put_stall("proc/pressure/memory", "50.00", "9.50");
    UNTIL(fake.why[BP_RECYCLE_PRESSURE] == 3); /* the surplus, within about a second */
    (void)wait_for_rest(keeper, keeper);
    assert_int_equal(fake.live, 1);
    assert_int_equal(other.live, 1);

    put_stall("proc/pressure/memory", "50.00", "50.00");
    USE_UNTIL(pool, other.live == 0); /* the pool that nobody uses is emptied with the other */
    UNTIL(fake.live == 0);
    assert_true(fake.why[BP_RECYCLE_PRESSURE] >= 4);
    assert_int_equal(other.why[BP_RECYCLE_PRESSURE], 1);

    put_stall("proc/pressure/memory", "50.00", "0.00");
    UNTIL(fake_stats(pool).idle == 1 && fake_stats(resting).idle == 1);
    (void)wait_for_rest(keeper, keeper);
    assert_int_equal(other.created, 2);
    assert_int_equal(fake.destroyed, fake.why[BP_RECYCLE_PRESSURE]); /* for no other reason */
    bp_pool_unref(pool);
    bp_pool_unref(resting);
    bp_keeper_free(keeper);
}

static _Atomic bool hold_destroys;

static void destroy_when_let(void *factory, void *item, bp_recycle_reason why)
{
    while (hold_destroys)
        sched_yield();
    fake_destroy(factory, item, why);
}

/* The helper that sees the level may be gone for long, and the other one asleep by then. */
static void pressure_reaches_pools_beside_one_that_hangs(void **state)
{
    (void)state;
    bp_keeper *keeper = new_keeper();
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_pool *resting = new_pool(keeper, &other, options), *hanging = NULL;
    bp_pool_ops ops = fake_ops();
    ops.destroy = destroy_when_let;
    options.keeper = keeper;
    options.idle_ttl_ms = BP_UNLIMITED;
    memset(&fake, 0, sizeof fake);
    assert_int_equal(bp_pool_new(&ops, &fake, &options, &hanging, NULL), BP_OK);
    assert_int_equal(bp_pool_warm(hanging, 2, bp_deadline_in_ms(5000), NULL, NULL), BP_OK);
    UNTIL(fake_stats(hanging).keeper_passes > 0);
    hold_destroys = true;
    put_stall("proc/pressure/memory", "50.00", "50.00");
    UNTIL(other.live == 0);
    assert_int_equal(fake.live, 2);
    hold_destroys = false;
    UNTIL(fake.live == 0);
    bp_pool_unref(hanging);
    bp_pool_unref(resting);
    bp_keeper_free(keeper);
}

static void pressure_may_be_ignored(void **state)
{
    (void)state;
    put_stall("proc/pressure/memory", "99.00", "99.00");
    bp_keeper_options careless = BP_KEEPER_OPTIONS_INIT;
    careless.ignore_memory_pressure = true;
    bp_keeper *keeper = NULL;
    assert_int_equal(bp_keeper_new(&careless, &keeper, NULL), BP_OK);
    bp_pool *pool = new_pool(keeper, &fake, (bp_pool_options)BP_POOL_OPTIONS_INIT);
    assert_int_equal(bp_pool_warm(pool, 3, bp_deadline_in_ms(5000), NULL, NULL), BP_OK);
    use_once(pool);
    UNTIL(fake.resets == 1 && fake_stats(pool).idle == 3);
    assert_int_equal(fake.destroyed, 0);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILES(absent_sources_are_skipped_and_named),
        WITH_FILES(the_real_files_can_be_read),
        WITH_FILES(stalls_of_all_tasks_are_pressure),
        WITH_FILES(limits_of_cgroup_2_are_pressure),
        WITH_FILES(limits_of_cgroup_1_are_pressure),
        WITH_FILES(the_root_of_the_mount_stands_in),
        WITH_FILES(pressure_empties_pools_for_a_while),
        WITH_FILES(pressure_reaches_pools_beside_one_that_hangs),
        WITH_FILES(pressure_may_be_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
