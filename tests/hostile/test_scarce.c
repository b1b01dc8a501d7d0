/* A process that is short of addresses or mappings: what cannot be had is an error that says what
 * to raise, neighbours are served, and nothing ends the host. SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "engine/room.h"
#include "support/child.h"
#include "support/host.h"
#include "support/process.h"
#include "support/thread.h"

static const char guest[] =
    "(module (memory 2 100) (func (export \"handle\") (drop (memory.grow (i32.const 1)))"
    " (i32.store (i32.const 131072) (i32.const 7)))"
    " (func (export \"trap\") unreachable)"
    " (func (export \"grow\") (drop (memory.grow (i32.const 90)))))";

/* How a child ended that says what it saw by its exit code. */
enum { WORKS = 0, REFUSED = 10, UNCLEAR = 11, BROKEN = 12 };

static int judge(const bp_error *error)
{
    bool clear = strstr(error->message, "vm.max_map_count") ||
                 strstr(error->message, "RLIMIT_AS") || error->status == BP_ENOMEM;
    if (!clear)
        fprintf(stderr, "%s: %s\n", bp_status_name(error->status), error->message);
    return clear ? REFUSED : UNCLEAR;
}

static bool answers(bp_plugin *plugin, bp_error *reterr)
{
    bp_call_result result = BP_CALL_RESULT_INIT;
    reterr->status = bp_plugin_call(plugin, NULL, &result, reterr);
    bool fine = reterr->status == BP_OK && bp_call_result_ok(&result);
    bp_call_result_done(&result);
    return fine;
}

/* A runtime, a plugin, and calls, for some of which a sandbox is replaced. `scarce` makes it so, at
 * one of the moments. */
typedef enum moment { BEFORE_RUNTIME, BEFORE_LOAD, BEFORE_CALLS, MOMENTS } moment;
typedef struct life {
    moment when;
    bool (*scarce)(void *data);
    void *data;
    uint64_t memory_bytes_max;
} life;

static bool becomes_scarce(const life *self, moment now)
{
    return self->when != now || self->scarce(self->data);
}

static int call_again_and_again(bp_plugin *plugin)
{
    static const char *const exports[] = {"handle", "trap", "grow", "handle"};
    int how = WORKS;
    for (size_t i = 0; i < 40; i++) {
        bp_call call = BP_CALL_INIT;
        bp_call_result result = BP_CALL_RESULT_INIT;
        bp_error error = BP_ERROR_INIT;
        call.export_name = exports[i % COUNT(exports)];
        if (bp_plugin_call(plugin, &call, &result, &error) != BP_OK)
            how = judge(&error) == REFUSED ? REFUSED : BROKEN;
        bp_call_result_done(&result);
    }
    return how;
}

/* Fewer addresses than usual are said. */
static bool is_said(bp_runtime *runtime, journal *log)
{
    bp_runtime_info info = BP_RUNTIME_INFO_INIT;
    journal_record record;
    if (bp_runtime_get_info(runtime, &info, NULL) != BP_OK || info.sandboxes_max < 2)
        return false;
    return info.memory_reservation_bytes >= UINT64_C(4) << 30 ||
           journal_find(log, BP_LOG_WARN, "reserving 4 GiB", &record);
}

static int live(void *data)
{
    const life *self = data;
    journal log;
    journal_init(&log);
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.memory_bytes_max = self->memory_bytes_max;
    options.log = journal_write;
    options.log_data = &log;
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    bp_plugin *plugin = NULL;
    int how = UNCLEAR;
    if (!becomes_scarce(self, BEFORE_RUNTIME))
        return UNCLEAR;
    if (bp_runtime_new(&options, &runtime, &error) != BP_OK)
        return judge(&error);
    if (!is_said(runtime, &log) || !becomes_scarce(self, BEFORE_LOAD))
        return UNCLEAR;
    if (bp_plugin_load_bytes(runtime, bp_bytes_of(guest), NULL, &plugin, &error) != BP_OK)
        how = judge(&error);
    else if (becomes_scarce(self, BEFORE_CALLS))
        how = call_again_and_again(plugin);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
    return how;
}

/* ---- addresses ---- */

static bool limit_addresses(void *data)
{
    const struct rlimit limit = {*(rlim_t *)data, *(rlim_t *)data};
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

/* Returns how many MiB were enough. With more it works as well, with less it is refused: what is
 * loaded serves. */
static unsigned find_enough(unsigned first, unsigned last, unsigned step, uint64_t memory_bytes_max)
{
    unsigned enough = 0;
    for (unsigned mib = first; mib <= last; mib += step) {
        rlim_t bytes = (rlim_t)mib << 20;
        life self = {BEFORE_RUNTIME, limit_addresses, &bytes, memory_bytes_max};
        int how = child_run(live, &self);
        if (how != WORKS && (how != REFUSED || enough))
            fail_msg("with %u MiB of addresses: %d; %u were enough", mib, how, enough);
        if (how == WORKS && !enough)
            enough = mib;
    }
    return enough;
}

static void few_addresses_are_enough_or_an_error(void **state)
{
    (void)state;
    unsigned enough = find_enough(16, 1024, 16, UINT64_C(16) << 20);
    assert_in_range(enough, 16, 640);
    enough = find_enough(512, 6144, 128, 0);
    assert_in_range(enough, 512, 4096);
    assert_int_equal(find_enough(16384, 65536, 16384, 0), 16384);
}

/* ---- mappings ---- */

/* The kernel keeps something for each; more than this takes too much of it for a test. */
#define MAPPINGS_TRIED_MAX 1500000

static size_t map_count_max(void)
{
    unsigned long count = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%lu", &count) != 1)
        count = 0;
    fclose(file);
    return count;
}

static void skip_if_there_are_too_many(void)
{
    size_t count = map_count_max();
    if (count && count <= MAPPINGS_TRIED_MAX)
        return;
    print_message("skipped: vm.max_map_count is %zu, too many to use up in a test\n", count);
    skip();
}

static size_t region_bytes(void)
{
    return (map_count_max() + 100) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Takes all mappings that the kernel gives this process but for `left`; returns how many, the
 * region in `*ret`. Every other page is of another kind, so that none joins its neighbour. */
static size_t take_mappings(size_t left, char **ret)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = region_bytes() / page, taken = 0;
    char *region =
        mmap(NULL, region_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED)
        return 0;
    while (2 * taken + 1 < pages && mprotect(region + (2 * taken + 1) * page, page, PROT_READ) == 0)
        taken++;
    for (size_t i = 0; i < left / 2 && i < taken; i++)
        (void)mprotect(region + (2 * (taken - 1 - i) + 1) * page, page, PROT_NONE);
    *ret = region;
    return taken;
}

static bool leave_mappings(void *data)
{
    char *region = NULL;
    return take_mappings(*(size_t *)data, &region) > 0;
}

static void few_mappings_are_enough_or_an_error(void **state)
{
    (void)state;
    skip_if_there_are_too_many();
    for (int when = 0; when < MOMENTS; when++)
        for (size_t left = 0; left <= 40; left += left < 16 ? 2 : 8) {
            life self = {(moment)when, leave_mappings, &left, 0};
            int how = child_run(live, &self);
            if (how != WORKS && how != REFUSED)
                fail_msg("at moment %d with %zu mappings left: %d", when, left, how);
            if (left >= 40)
                assert_int_equal(how, WORKS);
        }
}

static int ask_for_room(void *data)
{
    bp_error error = BP_ERROR_INIT;
    unsigned before = process_mappings();
    if (bp__room_for_mappings(&error) != BP_OK || process_mappings() != before)
        return BROKEN;
    return !leave_mappings(data)                    ? UNCLEAR
           : bp__room_for_mappings(&error) == BP_OK ? WORKS
                                                    : judge(&error);
}

static void room_is_seen(void **state)
{
    (void)state;
    skip_if_there_are_too_many();
    size_t none = 0, some = 40;
    assert_int_equal(child_run(ask_for_room, &none), REFUSED);
    assert_int_equal(child_run(ask_for_room, &some), WORKS);
}

/* ---- helpers ---- */

static _Atomic unsigned resets, starved;

static bp_status create(void *factory, bp_deadline by, void **ret, bp_error *reterr)
{
    (void)by;
    (void)reterr;
    *ret = factory;
    return BP_OK;
}

/* On a helper, if there is one. */
static bp_status reset(void *factory, void *item, bp_deadline by, bp_error *reterr)
{
    (void)factory;
    (void)item;
    (void)by;
    (void)reterr;
    starved += !bp__alloc_works();
    resets++;
    return BP_OK;
}

static int give_with_few_mappings(void *data)
{
    bp_error error = BP_ERROR_INIT;
    bp_keeper *keeper = NULL;
    bp_pool *pool = NULL;
    bp_lease lease = BP_LEASE_INIT;
    bp_pool_ops ops = BP_POOL_OPS_INIT;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    ops.create = create;
    ops.reset = reset;
    options.max_live = 1;
    NEED(bp_keeper_new(NULL, &keeper, &error) == BP_OK);
    options.keeper = keeper;
    NEED(bp_pool_new(&ops, data, &options, &pool, &error) == BP_OK);
    NEED(bp_pool_take(pool, bp_deadline_in_ms(PATIENCE_MS), &lease, &error) == BP_OK);
    NEED(leave_mappings(data));
    NEED(bp_pool_give(&lease) == BP_OK); /* starts helpers, or as many as are of use */
    NEED(bp_pool_take(pool, bp_deadline_in_ms(PATIENCE_MS), &lease, &error) == BP_OK);
    NEED(bp_pool_give(&lease) == BP_OK);
    bp_pool_unref(pool);
    bp_keeper_free(keeper);
    return resets == 0 || starved ? BROKEN : WORKS;
}

static void helpers_have_memory_or_are_none(void **state)
{
    (void)state;
    skip_if_there_are_too_many();
    for (size_t left = 0; left <= 24; left += 2)
        assert_int_equal(child_run(give_with_few_mappings, &left), WORKS);
}

/* A thread that is new to the library: its first call needs mappings of its own. */
typedef struct newcomer {
    bp_plugin *plugin;
    pthread_barrier_t begin, between, done;
    bool told, served;
} newcomer;

static void *call_twice(void *data)
{
    newcomer *self = data;
    bp_error error = BP_ERROR_INIT;
    pthread_barrier_wait(&self->begin);
    self->told = !answers(self->plugin, &error) && judge(&error) == REFUSED;
    pthread_barrier_wait(&self->between);
    pthread_barrier_wait(&self->done);
    self->served = answers(self->plugin, &error);
    return NULL;
}

static pthread_t start_newcomer(newcomer *self, bp_plugin *plugin)
{
    self->plugin = plugin;
    pthread_barrier_init(&self->begin, NULL, 2);
    pthread_barrier_init(&self->between, NULL, 2);
    pthread_barrier_init(&self->done, NULL, 2);
    return thread_start(0, call_twice, self);
}

static int run_out_of_mappings(void *data)
{
    (void)data;
    newcomer other;
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    bp_plugin *neighbour = NULL, *plugin = NULL;
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = 200;
    if (bp_runtime_new(NULL, &runtime, &error) != BP_OK ||
        bp_plugin_load_bytes(runtime, bp_bytes_of(guest), &options, &neighbour, &error) != BP_OK)
        return UNCLEAR;
    pthread_t thread = start_newcomer(&other, neighbour);
    char *region = NULL;
    size_t taken = take_mappings(40, &region);
    if (taken == 0)
        return UNCLEAR;
    /* As many sandboxes as there are mappings for, and then an error. */
    bp_session *sessions[200];
    size_t open = 0;
    bp_status status = BP_OK;
    for (; open < 200; open++) {
        status = bp_session_open(neighbour, NULL, &sessions[open], &error);
        if (status != BP_OK)
            break;
    }
    if (open == 0 || open == 200)
        return BROKEN;
    int how = judge(&error);
    if (!strstr(error.message, "vm.max_map_count"))
        how = UNCLEAR;
    pthread_barrier_wait(&other.begin);
    pthread_barrier_wait(&other.between);
    if (!other.told)
        how = UNCLEAR;
    /* Those who have a sandbox are served, with growth, which needs a mapping at times. */
    bp_call_result result = BP_CALL_RESULT_INIT;
    if (bp_session_call(sessions[0], NULL, &result, &error) != BP_OK)
        how = BROKEN;
    bp_call_result_done(&result);
    for (size_t i = 0; i < open; i++)
        bp_session_end(sessions[i]);
    if (bp_plugin_load_bytes(runtime, bp_bytes_of(guest), NULL, &plugin, &error) == BP_OK)
        bp_plugin_unref(plugin); /* the sandboxes that were ended left room */
    munmap(region, region_bytes());
    pthread_barrier_wait(&other.done);
    thread_join(thread);
    if (!other.served || !answers(neighbour, &error))
        how = BROKEN;
    if (bp_plugin_load_bytes(runtime, bp_bytes_of(guest), NULL, &plugin, &error) != BP_OK ||
        !answers(plugin, &error))
        how = BROKEN;
    bp_plugin_unref(plugin);
    bp_plugin_unref(neighbour);
    bp_runtime_unref(runtime);
    return how;
}

static void without_mappings_it_says_what_to_raise(void **state)
{
    (void)state;
    skip_if_there_are_too_many();
    assert_int_equal(child_run(run_out_of_mappings, NULL), REFUSED);
}

int main(void)
{
    /* No runtime in this process: its children make their own. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_addresses_are_enough_or_an_error),
        cmocka_unit_test(few_mappings_are_enough_or_an_error),
        cmocka_unit_test(room_is_seen),
        cmocka_unit_test(helpers_have_memory_or_are_none),
        cmocka_unit_test(without_mappings_it_says_what_to_raise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
