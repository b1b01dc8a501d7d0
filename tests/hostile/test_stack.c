/* Guests that recurse, on threads of all sizes. SPDX-License-Identifier: Apache-2.0 */
#include "support/attack.h"
#include "support/signals.h"
#include "support/thread.h"

#define KIB 1024

static void recursion_is_a_trap(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"recurse", BP_OUTCOME_TRAPPED, NULL, "stack", "recurse"},
        {"recurse_mutually", BP_OUTCOME_TRAPPED, NULL, "stack", "odd"},
        {"recurse_wide", BP_OUTCOME_TRAPPED, NULL, "stack", "wide"},
        {"recurse_indirectly", BP_OUTCOME_TRAPPED, NULL, "stack", "indirect"},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "stack.wat", NULL);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    host_unload(&self, plugin);
    host_close(&self);
}

/* What a thread of another size is asked to do; it must not assert. */
typedef struct errand {
    host *host;
    bp_plugin *plugin;
    const char *export_name;
    bp_status status;
    uint32_t outcome;
    bp_error error;
} errand;

static void *run_call(void *data)
{
    errand *self = data;
    bp_call call = BP_CALL_INIT;
    call.export_name = self->export_name;
    bp_call_result result = BP_CALL_RESULT_INIT;
    self->status = bp_plugin_call(self->plugin, &call, &result, &self->error);
    self->outcome = result.outcome;
    bp_call_result_done(&result);
    return NULL;
}

static void *run_session(void *data)
{
    errand *self = data;
    bp_session *session = NULL;
    self->status = bp_session_open(self->plugin, NULL, &session, &self->error);
    bp_session_end(session);
    return NULL;
}

static void *run_load(void *data)
{
    errand *self = data;
    char path[GUEST_PATH_MAX];
    bp_plugin *plugin = NULL;
    self->status = bp_plugin_load_file(self->host->runtime, guest_path(self->export_name, path),
                                       NULL, &plugin, &self->error);
    bp_plugin_unref(plugin);
    return NULL;
}

static void *run_inspect(void *data)
{
    errand *self = data;
    char path[GUEST_PATH_MAX];
    bp_inspection *inspection = NULL;
    self->status = bp_inspect_file(self->host->runtime, guest_path(self->export_name, path),
                                   &inspection, &self->error);
    bp_inspection_free(inspection);
    return NULL;
}

static errand send(host *self, bp_plugin *plugin, size_t stack_bytes, void *(*run)(void *data),
                   const char *name)
{
    errand sent = {.host = self, .plugin = plugin, .export_name = name, .error = BP_ERROR_INIT};
    thread_join(thread_start(stack_bytes, run, &sent));
    return sent;
}

static void expect_too_small(const errand *sent, const char *needed)
{
    assert_status(BP_EINVAL, sent->status, &sent->error);
    assert_contains(sent->error.message, "KiB of stack left", "error");
    assert_contains(sent->error.message, needed, "error");
}

/* 512 KiB of guest stack and 128 KiB of ours. */
static void calls_from_small_threads_are_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, 640 * KIB};
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "stack.wat", NULL);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        errand sent = send(&self, plugin, sizes[i], run_call, "recurse");
        expect_too_small(&sent, "640 KiB");
        plugin_is_whole(plugin);
        host_neighbour_answers(&self);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

static void recursion_on_a_thread_that_is_just_large_enough_is_a_trap(void **state)
{
    (void)state;
    static const char *const exports[] = {"recurse", "recurse_mutually", "recurse_wide",
                                          "recurse_indirectly"};
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "stack.wat", NULL);
    for (size_t i = 0; i < COUNT(exports); i++) {
        errand sent = send(&self, plugin, 704 * KIB, run_call, exports[i]);
        assert_status(BP_OK, sent.status, &sent.error);
        assert_int_equal(sent.outcome, BP_OUTCOME_TRAPPED);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* A runtime with less stack for guests serves smaller threads. */
static void a_smaller_guest_stack_fits_a_smaller_thread(void **state)
{
    (void)state;
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.stack_bytes = 128 * KIB;
    options.sandboxes_max = 16;
    host self;
    host_open(&self, &options);
    bp_plugin *plugin = host_load(&self, "stack.wat", NULL);
    errand sent = send(&self, plugin, 512 * KIB, run_call, "recurse");
    assert_status(BP_OK, sent.status, &sent.error);
    assert_int_equal(sent.outcome, BP_OUTCOME_TRAPPED);
    sent = send(&self, plugin, 128 * KIB, run_call, "recurse");
    expect_too_small(&sent, "256 KiB");
    host_unload(&self, plugin);
    host_close(&self);
}

/* Loading compiles and runs start functions; a session may have to make its sandbox. */
static void everything_that_runs_guests_looks_at_the_stack(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.min_warm = BP_POOL_NONE;
    bp_plugin *plugin = host_load(&self, "start_recurse.wat", &options);
    errand sent = send(&self, plugin, 128 * KIB, run_session, NULL);
    expect_too_small(&sent, "640 KiB");
    /* here a sandbox is ready, but no call could follow */
    sent = send(&self, self.neighbour, 128 * KIB, run_session, NULL);
    expect_too_small(&sent, "640 KiB");
    sent = send(&self, NULL, 128 * KIB, run_load, "start_recurse.wat");
    expect_too_small(&sent, "640 KiB");
    sent = send(&self, NULL, 128 * KIB, run_inspect, "start_recurse.wat");
    expect_too_small(&sent, "640 KiB");
    host_unload(&self, plugin);
    host_close(&self);
}

static void a_start_function_that_recurses_fails_the_load(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_EGUEST, host_try_load(&self, "start_recurse.wat", NULL, &plugin, &error),
                  &error);
    assert_contains(error.message, "stack", "error");
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recursion_is_a_trap),
        cmocka_unit_test(calls_from_small_threads_are_refused),
        cmocka_unit_test(recursion_on_a_thread_that_is_just_large_enough_is_a_trap),
        cmocka_unit_test(a_smaller_guest_stack_fits_a_smaller_thread),
        cmocka_unit_test(everything_that_runs_guests_looks_at_the_stack),
        cmocka_unit_test(a_start_function_that_recurses_fails_the_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
