/* Guests that attack before they are called: start functions and initialisation, when a plugin is
 * loaded and when its sandboxes are made anew. SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>

#include "support/attack.h"
#include "support/signals.h"
#include "support/thread.h"

#define INIT_MS 20

static bp_plugin_options short_init(void)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.limits.init_time_ms = INIT_MS;
    options.limits.time_ms = PATIENCE_MS;
    return options;
}

static void expect_load(host *self, const char *guest, bp_status expected, const char *message)
{
    bp_plugin_options options = short_init();
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(expected, host_try_load(self, guest, &options, &plugin, &error), &error);
    assert_contains(error.message, message, "error");
    assert_contains(error.message, guest, "error");
    assert_null(plugin);
    host_neighbour_answers(self);
}

static void loading_fails_with_the_reason(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    expect_load(&self, "start_loop.wat", BP_ETIMEDOUT, "initialisation");
    expect_load(&self, "initialize_loop.wat", BP_ETIMEDOUT, "initialisation");
    expect_load(&self, "start_trap.wat", BP_EGUEST, "unreachable");
    expect_load(&self, "start_exit.wat", BP_EGUEST, "exited with 0");
    host_close(&self);
}

/* Nothing was warmed, so the call makes the sandbox: its deadline covers that. */
static void a_calls_deadline_covers_initialisation(void **state)
{
    (void)state;
    static const char *const guests[] = {"start_loop.wat", "initialize_loop.wat"};
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = short_init();
    options.limits.init_time_ms = PATIENCE_MS;
    options.min_warm = BP_POOL_NONE;
    for (size_t i = 0; i < COUNT(guests); i++) {
        bp_plugin *plugin = host_load(&self, guests[i], &options);
        bp_call call = BP_CALL_INIT;
        call.export_name = "ping";
        call.timeout_ms = INIT_MS;
        for (int again = 0; again < 3; again++)
            call_refused(plugin, &call, BP_ETIMEDOUT, "call plugin");
        assert_int_equal(plugin_stats(plugin).creates, 0);
        host_unload(&self, plugin);
    }
    host_close(&self);
}

static void a_start_that_fails_fails_each_call_with_the_reason(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = short_init();
    options.min_warm = BP_POOL_NONE;
    bp_plugin *plugin = host_load(&self, "start_trap.wat", &options);
    bp_call call = BP_CALL_INIT;
    call.export_name = "ping";
    for (int again = 0; again < 3; again++)
        call_refused(plugin, &call, BP_EGUEST, "unreachable");
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- when sandboxes are made again ---- */

static bp_plugin *load_dice(host *self, const bp_plugin_options *options)
{
    bp_deadline by = bp_deadline_in_ms(PATIENCE_MS);
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    bp_status status;
    do
        status = host_try_load(self, "start_dice.wat", options, &plugin, &error);
    while (status == BP_ETIMEDOUT && !bp_deadline_passed(by));
    assert_status(BP_OK, status, &error);
    return plugin;
}

static uint64_t failures_of(bp_plugin *plugin)
{
    bp_pool_stats stats = plugin_stats(plugin);
    assert_true(stats.live <= stats.max_live);
    return stats.create_failures + stats.recycles[BP_RECYCLE_RESET_FAILED];
}

/* Half of all resets and refills fail; the calls between them all finish. */
static void a_pool_survives_starts_that_loop_at_recycling(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = short_init();
    options.max_live = 2;
    bp_plugin *plugin = load_dice(&self, &options);
    bp_deadline by = bp_deadline_in_ms(PATIENCE_MS);
    unsigned finished = 0;
    while ((failures_of(plugin) < 3 || finished < 10) && !bp_deadline_passed(by)) {
        bp_call call = BP_CALL_INIT;
        call.export_name = "ping";
        bp_call_result result = BP_CALL_RESULT_INIT;
        bp_error error = BP_ERROR_INIT;
        bp_status status = bp_plugin_call(plugin, &call, &result, &error);
        if (status == BP_OK) {
            assert_outcome(BP_OUTCOME_FINISHED, &result);
            finished++;
        } else {
            assert_status(BP_ETIMEDOUT, status, &error);
        }
        bp_call_result_done(&result);
        host_neighbour_answers(&self);
    }
    assert_true(failures_of(plugin) >= 3);
    assert_true(finished >= 10);
    host_unload(&self, plugin);
    host_close(&self);
}

/* On a helper, which blocks signals: a fault must still reach the engine's handler. */
static void a_start_that_traps_on_a_helper_fails_that_sandbox_only(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = short_init();
    options.prewarm_background = true;
    bp_plugin *plugin = host_load(&self, "start_trap.wat", &options);
    bp_deadline by = bp_deadline_in_ms(PATIENCE_MS);
    while (plugin_stats(plugin).create_failures == 0 && !bp_deadline_passed(by))
        sched_yield();
    assert_true(plugin_stats(plugin).create_failures > 0);
    host_unload(&self, plugin);
    host_close(&self);
}

/* A plugin that is ended while helpers sit in its looping start: ending it waits no longer than the
 * initialisation's own deadline. */
static void a_plugin_can_be_ended_while_its_start_loops(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = short_init();
    options.prewarm_background = true;
    bp_plugin *plugin = host_load(&self, "start_loop.wat", &options);
    bp_deadline by = bp_deadline_in_ms(PATIENCE_MS);
    while (plugin_stats(plugin).create_failures == 0 && !bp_deadline_passed(by))
        sched_yield();
    assert_true(plugin_stats(plugin).create_failures > 0);
    host_unload(&self, plugin);
    host_close(&self);
}

typedef struct canceller {
    bp_plugin *plugin;
    bp_cancel *cancel;
} canceller;

static void *trigger_once_it_creates(void *data)
{
    canceller *self = data;
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    while (bp_plugin_get_pool_stats(self->plugin, &stats, NULL) == BP_OK && stats.busy == 0)
        sched_yield();
    bp_cancel_trigger(self->cancel);
    return NULL;
}

/* Nothing is warm, so the caller's own thread initialises, and its token ends that. */
static void a_token_ends_an_initialisation(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.min_warm = BP_POOL_NONE;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    bp_plugin *plugin = host_load(&self, "initialize_loop.wat", &options);
    bp_call call = BP_CALL_INIT;
    call.export_name = "ping";
    assert_status(BP_OK, bp_cancel_new(&call.cancel, NULL), NULL);
    canceller canceller_of_it = {plugin, call.cancel};
    pthread_t other = thread_start(0, trigger_once_it_creates, &canceller_of_it);
    call_refused(plugin, &call, BP_ECANCELLED, "cancelled");
    thread_join(other);
    bp_cancel_free(call.cancel);
    host_unload(&self, plugin);
    host_close(&self);
}

/* Four memories each, and still everybody gets as many sandboxes as the runtime has. */
static void one_plugins_memories_do_not_keep_others_from_starting(void **state)
{
    (void)state;
    bp_runtime_options small = BP_RUNTIME_OPTIONS_INIT;
    small.sandboxes_max = 8;
    host self;
    host_open(&self, &small);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = options.min_warm = 3;
    static const char text[] = "(module (memory 1) (memory 1) (memory 1) (memory 1)"
                               " (func (export \"go\")))";
    bp_plugin *greedy = host_load_text(&self, text, &options);
    bp_plugin *other = host_load_text(&self, text, &options);
    host_neighbour_answers(&self);
    host_unload(&self, greedy);
    host_unload(&self, other);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_fails_with_the_reason),
        cmocka_unit_test(a_calls_deadline_covers_initialisation),
        cmocka_unit_test(a_start_that_fails_fails_each_call_with_the_reason),
        cmocka_unit_test(a_pool_survives_starts_that_loop_at_recycling),
        cmocka_unit_test(a_start_that_traps_on_a_helper_fails_that_sandbox_only),
        cmocka_unit_test(a_plugin_can_be_ended_while_its_start_loops),
        cmocka_unit_test(a_token_ends_an_initialisation),
        cmocka_unit_test(one_plugins_memories_do_not_keep_others_from_starting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
