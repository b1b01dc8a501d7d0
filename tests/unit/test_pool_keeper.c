/* The keeper's threads, and forks. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pool/keeper.h"
#include "pool/pressure.h"
#include "sim/fake_factory.h"

static fake_factory fake, other, third;

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

/* The helpers of all keepers, as the kernel sees them. */
typedef struct helper_threads {
    uint32_t count, asleep;
    uint64_t switches; /* how often they went to sleep */
} helper_threads;

static void add_helper(helper_threads *helpers, FILE *status)
{
    char line[256], state = '?';
    bool helper = false;
    unsigned long long switches = 0;
    while (fgets(line, sizeof line, status)) {
        helper |= strcmp(line, "Name:\tbp-keeper\n") == 0;
        (void)sscanf(line, "State: %c", &state);
        (void)sscanf(line, "voluntary_ctxt_switches: %llu", &switches);
    }
    helpers->count += helper;
    helpers->asleep += helper && state == 'S';
    helpers->switches += helper ? switches : 0;
}

static helper_threads look_at_helpers(void)
{
    helper_threads helpers = {0};
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks));) {
        char path[sizeof task->d_name + 32];
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (status) {
            add_helper(&helpers, status);
            fclose(status);
        }
    }
    closedir(tasks);
    return helpers;
}

/* Until nothing is due for any helper, and the kernel has put the last of them to sleep: from then
 * on only a call of ours, or a mistake, wakes one. (Threads of an earlier test may still be going.)
 */
static helper_threads wait_for_rest(bp_keeper *first, bp_keeper *second)
{
    uint32_t expected = first == second ? 2 : 4;
    UNTIL(bp__keeper_is_at_rest(first) && bp__keeper_is_at_rest(second));
    helper_threads helpers;
    do
        helpers = look_at_helpers();
    while (helpers.count != expected || helpers.asleep != expected);
    return helpers;
}

static void use_once(bp_pool *pool)
{
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(5000), &lease, NULL), BP_OK);
    assert_int_equal(bp_pool_give(&lease), BP_OK);
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

/* --- memory pressure, from files that the test writes ----------------------------------------- */

static char root[] = "/tmp/bullpen-pressure-XXXXXX";

static int make_root(void **state)
{
    (void)state;
    strcpy(root + sizeof root - sizeof "XXXXXX", "XXXXXX");
    if (!mkdtemp(root))
        return -1;
    bp__pressure_root_set(root);
    return 0;
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about, (void)type, (void)place;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    bp__pressure_root_set("/");
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_folders(char *path)
{
    for (char *slash = strchr(path + sizeof root, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* Replaced as a whole, so that a keeper that reads meanwhile sees the old text or the new. */
static void put(const char *file, const char *text)
{
    char path[256], new[sizeof path + 4];
    snprintf(path, sizeof path, "%s/%s", root, file);
    snprintf(new, sizeof new, "%s.new", path);
    make_folders(path);
    FILE *stream = fopen(new, "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(rename(new, path), 0);
}

static void drop(const char *file)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, file);
    assert_int_equal(remove(path), 0);
}

static void put_stall(const char *file, const char *some, const char *full)
{
    char text[256];
    snprintf(text, sizeof text,
             "some avg10=%s avg60=0.00 avg300=0.00 total=1\n"
             "full avg10=%s avg60=0.00 avg300=0.00 total=1\n",
             some, full);
    put(file, text);
}

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

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_items_are_reset),
        cmocka_unit_test(condemned_items_are_replaced),
        cmocka_unit_test(threads_start_with_the_first_work),
        cmocka_unit_test(a_stalled_pool_stalls_no_other),
        WITH_FILES(an_idle_pool_wakes_nobody),
        WITH_FILES(a_surplus_is_looked_after),
        cmocka_unit_test(pools_outlive_their_keeper),
        cmocka_unit_test(the_last_lease_frees_a_dropped_pool),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(a_fork_never_blocks),
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
