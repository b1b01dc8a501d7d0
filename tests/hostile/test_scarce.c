/* A process that is short of addresses or mappings: what cannot be had is an error that says what
 * to raise, neighbours are served, and nothing ends the host. SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/child.h"
#include "support/host.h"
#include "support/thread.h"

static const char guest[] =
    "(module (memory 2 100) (func (export \"handle\") (drop (memory.grow (i32.const 1)))"
    " (i32.store (i32.const 131072) (i32.const 7))))";

/* How a child ended that says what it saw by its exit code. */
enum { WORKS = 0, REFUSED = 10, UNCLEAR = 11, BROKEN = 12 };

static int judge(const bp_error *error)
{
    bool clear = strstr(error->message, "vm.max_map_count") ||
                 strstr(error->message, "RLIMIT_AS") || error->status == BP_ENOMEM ||
                 error->status == BP_EBUSY;
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

static int use_runtime(void)
{
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    bp_plugin *plugin = NULL;
    if (bp_runtime_new(NULL, &runtime, &error) != BP_OK)
        return judge(&error);
    bp_status status = bp_plugin_load_bytes(runtime, bp_bytes_of(guest), NULL, &plugin, &error);
    int result = status != BP_OK ? judge(&error) : WORKS;
    if (status == BP_OK && !answers(plugin, &error))
        result = BROKEN; /* what was loaded has to serve */
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
    return result;
}

static int use_few_addresses(void *data)
{
    rlim_t bytes = *(rlim_t *)data;
    const struct rlimit limit = {bytes, bytes};
    return setrlimit(RLIMIT_AS, &limit) == 0 ? use_runtime() : UNCLEAR;
}

static void few_addresses_are_enough_or_an_error(void **state)
{
    (void)state;
    bool worked = false;
    for (rlim_t bytes = (rlim_t)512 << 20; bytes <= (rlim_t)64 << 30; bytes *= 2) {
        int how = child_run(use_few_addresses, &bytes);
        if (how != WORKS && how != REFUSED)
            fail_msg("with %llu MiB of addresses: %d", (unsigned long long)bytes >> 20, how);
        if (worked && how != WORKS)
            fail_msg("with %llu MiB it does not work, with less it does",
                     (unsigned long long)bytes >> 20);
        worked |= how == WORKS;
        if (bytes >= (rlim_t)4 << 30)
            assert_int_equal(how, WORKS);
    }
}

/* ---- mappings ---- */

/* Takes all mappings that the kernel gives this process but for `left`; returns how many, the
 * region in `*ret`. Every other page is of another kind, so that none joins its neighbour. */
static size_t take_mappings(size_t left, char **ret)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = 200000, taken = 0;
    char *region =
        mmap(NULL, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED)
        return 0;
    while (2 * taken + 1 < pages && mprotect(region + (2 * taken + 1) * page, page, PROT_READ) == 0)
        taken++;
    for (size_t i = 0; i < left / 2 && i < taken; i++)
        (void)mprotect(region + (2 * (taken - 1 - i) + 1) * page, page, PROT_NONE);
    *ret = region;
    return taken;
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
    munmap(region, 200000 * (size_t)sysconf(_SC_PAGESIZE));
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
    assert_int_equal(child_run(run_out_of_mappings, NULL), REFUSED);
}

int main(void)
{
    /* No runtime in this process: its children make their own. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_addresses_are_enough_or_an_error),
        cmocka_unit_test(without_mappings_it_says_what_to_raise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
