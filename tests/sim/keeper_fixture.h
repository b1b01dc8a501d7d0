/* Pools with a keeper on a fake factory, and files to read memory pressure from.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SIM_KEEPER_FIXTURE_H
#define BULLPEN_TESTS_SIM_KEEPER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool/keeper.h"
#include "pool/pressure.h"
#include "sim/fake_factory.h"

/* Until `condition`, which a helper brings about; the test's own timeout is the limit. */
#define UNTIL(condition)                                                                           \
    while (!(condition))                                                                           \
    sched_yield()

static inline bp_keeper *new_keeper(void)
{
    bp_keeper *keeper = NULL;
    assert_int_equal(bp_keeper_new(NULL, &keeper, NULL), BP_OK);
    return keeper;
}

static inline bp_pool *new_pool(bp_keeper *keeper, fake_factory *factory, bp_pool_options options)
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

static char root[] = "/tmp/bullpen-pressure-XXXXXX";

static inline int make_root(void **state)
{
    (void)state;
    strcpy(root + sizeof root - sizeof "XXXXXX", "XXXXXX");
    if (!mkdtemp(root))
        return -1;
    bp__pressure_root_set(root);
    return 0;
}

static inline int remove_one(const char *path, const struct stat *about, int type,
                             struct FTW *place)
{
    (void)about, (void)type, (void)place;
    return remove(path);
}

static inline int remove_root(void **state)
{
    (void)state;
    bp__pressure_root_set("/");
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void make_folders(char *path)
{
    for (char *slash = strchr(path + sizeof root, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* Replaced as a whole, so that a keeper that reads meanwhile sees the old text or the new. */
static inline void put(const char *file, const char *text)
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

static inline void drop(const char *file)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, file);
    assert_int_equal(remove(path), 0);
}

static inline void put_stall(const char *file, const char *some, const char *full)
{
    char text[256];
    snprintf(text, sizeof text,
             "some avg10=%s avg60=0.00 avg300=0.00 total=1\n"
             "full avg10=%s avg60=0.00 avg300=0.00 total=1\n",
             some, full);
    put(file, text);
}

/* The helpers of all keepers, as the kernel sees them. */
typedef struct helper_threads {
    uint32_t count, asleep;
    uint64_t switches; /* how often they went to sleep */
} helper_threads;

static inline void add_helper(helper_threads *helpers, FILE *status)
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

static inline helper_threads look_at_helpers(void)
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
static inline helper_threads wait_for_rest(bp_keeper *first, bp_keeper *second)
{
    uint32_t expected = first == second ? 2 : 4;
    UNTIL(bp__keeper_is_at_rest(first) && bp__keeper_is_at_rest(second));
    helper_threads helpers;
    do
        helpers = look_at_helpers();
    while (helpers.count != expected || helpers.asleep != expected);
    return helpers;
}

static inline void use_once(bp_pool *pool)
{
    bp_lease lease;
    assert_int_equal(bp_pool_take(pool, bp_deadline_in_ms(5000), &lease, NULL), BP_OK);
    assert_int_equal(bp_pool_give(&lease), BP_OK);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

#endif
