/* Results, sessions, plugins and runtimes that end in any order.
 * SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdatomic.h>

#include "support/attack.h"
#include "support/process.h"
#include "support/signals.h"
#include "support/thread.h"

static bp_runtime *make_runtime(void)
{
    bp_runtime *runtime = NULL;
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 8;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_runtime_new(&options, &runtime, &error), &error);
    signals_take();
    return runtime;
}

static bp_plugin *load(bp_runtime *runtime, bp_reset_policy reset)
{
    char path[GUEST_PATH_MAX];
    bp_plugin *plugin = NULL;
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.reset = reset;
    options.limits.time_ms = PATIENCE_MS;
    bp_error error = BP_ERROR_INIT;
    guest_path("echo.wat", path);
    assert_status(BP_OK, bp_plugin_load_file(runtime, path, &options, &plugin, &error), &error);
    return plugin;
}

static void a_result_outlives_its_plugin(void **state)
{
    (void)state;
    static const bp_reset_policy policies[] = {BP_RESET_FRESH, BP_RESET_REUSE};
    for (size_t i = 0; i < COUNT(policies); i++) {
        bp_runtime *runtime = make_runtime();
        bp_plugin *plugin = load(runtime, policies[i]);
        bp_call_result result = call_ran(plugin, "echo", BP_BYTES("kept"));
        bp_plugin_unref(plugin);
        assert_output("kept", &result);
        bp_call_result_done(&result);
        bp_runtime_unref(runtime);
    }
}

static unsigned descriptors_at_start;

/* What was freed while results were held goes on a thread of its own: waits for that. */
static void wait_for_descriptors(unsigned expected)
{
    bp_deadline by = bp_deadline_in_ms(PATIENCE_MS);
    while (process_descriptors() != expected) {
        if (bp_deadline_passed(by))
            fail_msg("%u descriptors instead of %u", process_descriptors(), expected);
        sched_yield();
    }
}

static void a_result_outlives_its_runtime(void **state)
{
    (void)state;
    unsigned mappings = 0;
    for (int again = 0; again < 20; again++) {
        bp_runtime *runtime = make_runtime();
        bp_plugin *plugin = load(runtime, BP_RESET_FRESH);
        bp_call_result one = call_ran(plugin, "echo", BP_BYTES("one"));
        bp_call_result two = call_ran(plugin, "echo", BP_BYTES("two"));
        bp_runtime_unref(runtime);
        bp_plugin_unref(plugin);
        assert_output("one", &one);
        bp_call_result_done(&one);
        assert_output("two", &two);
        bp_call_result_done(&two);
        wait_for_descriptors(descriptors_at_start);
        if (again == 4)
            mappings = process_mappings();
    }
    /* a runtime has dozens: none of the last fifteen was left behind */
    assert_true(process_mappings() < mappings + 60);
}

static void a_session_outlives_its_plugin(void **state)
{
    (void)state;
    bp_runtime *runtime = make_runtime();
    bp_plugin *plugin = load(runtime, BP_RESET_FRESH);
    bp_session *session = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_session_open(plugin, NULL, &session, &error), &error);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
    bp_call call = BP_CALL_INIT;
    call.export_name = "echo";
    call.input = BP_BYTES("alone");
    bp_call_result result = BP_CALL_RESULT_INIT;
    assert_status(BP_OK, bp_session_call(session, &call, &result, &error), &error);
    assert_output("alone", &result);
    bp_call_result_done(&result);
    bp_session_end(session);
}

static void a_result_can_be_ended_twice(void **state)
{
    (void)state;
    bp_runtime *runtime = make_runtime();
    bp_plugin *plugin = load(runtime, BP_RESET_FRESH);
    bp_call_result result = call_ran(plugin, "echo", BP_BYTES("once"));
    bp_call_result_done(&result);
    bp_call_result_done(&result);
    bp_call_result never = BP_CALL_RESULT_INIT;
    bp_call_result_done(&never);
    bp_call_result_done(NULL);
    plugin_is_whole(plugin);
    bp_plugin_unref(plugin);
    bp_plugin_unref(NULL);
    bp_runtime_unref(runtime);
    bp_runtime_unref(NULL);
}

/* An output is the guest's memory until the result ends: another call must not get that sandbox. */
static void outputs_that_are_held_do_not_change(void **state)
{
    (void)state;
    bp_runtime *runtime = make_runtime();
    bp_plugin *plugin = load(runtime, BP_RESET_REUSE);
    bp_call_result held[4];
    for (size_t i = 0; i < COUNT(held); i++) {
        char input[] = {(char)('a' + i), 0};
        held[i] = call_ran(plugin, "echo", bp_bytes_of(input));
    }
    assert_int_equal(plugin_stats(plugin).in_use, COUNT(held));
    for (size_t i = 0; i < COUNT(held); i++) {
        char expected[] = {(char)('a' + i), 0};
        assert_output(expected, &held[i]);
        bp_call_result_done(&held[i]);
    }
    plugin_is_whole(plugin);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
}

/* ---- ending while others call ---- */

typedef struct caller {
    bp_plugin *plugin; /* its own reference */
    _Atomic unsigned *started;
    unsigned wrong;
} caller;

static void *call_then_let_go(void *data)
{
    caller *self = data;
    for (int i = 0; i < 200; i++) {
        bp_call call = BP_CALL_INIT;
        call.export_name = "echo";
        call.input = BP_BYTES("x");
        bp_call_result result = BP_CALL_RESULT_INIT;
        bp_status status = bp_plugin_call(self->plugin, &call, &result, NULL);
        self->wrong += status != BP_OK || result.output.size != 1;
        if (i == 0)
            atomic_fetch_add(self->started, 1);
        if (i == 199)
            bp_plugin_unref(self->plugin); /* before its own last result */
        bp_call_result_done(&result);
    }
    return NULL;
}

static void the_last_user_of_any_thread_ends_a_plugin(void **state)
{
    (void)state;
    unsigned descriptors = process_descriptors();
    for (int again = 0; again < 20; again++) {
        bp_runtime *runtime = make_runtime();
        bp_plugin *plugin = load(runtime, BP_RESET_FRESH);
        _Atomic unsigned started = 0;
        caller callers[3];
        pthread_t threads[COUNT(callers)];
        for (size_t i = 0; i < COUNT(callers); i++) {
            callers[i] = (caller){bp_plugin_ref(plugin), &started, 0};
            threads[i] = thread_start(0, call_then_let_go, &callers[i]);
        }
        bp_plugin_unref(plugin);
        bp_runtime_unref(runtime);
        for (size_t i = 0; i < COUNT(callers); i++) {
            thread_join(threads[i]);
            assert_int_equal(callers[i].wrong, 0);
        }
        assert_int_equal(started, COUNT(callers));
    }
    /* The last plugin may end on a thread of its own, and its runtime with it. */
    bp_deadline patience = bp_deadline_in_ms(PATIENCE_MS);
    while (process_descriptors() != descriptors && !bp_deadline_passed(patience))
        sched_yield();
    assert_int_equal(process_descriptors(), descriptors);
}

/* ---- many plugins on few places ---- */

static void plugins_share_the_runtimes_places(void **state)
{
    (void)state;
    bp_runtime *runtime = make_runtime(); /* 8 places */
    bp_plugin *plugins[12];
    for (size_t i = 0; i < COUNT(plugins); i++) {
        char path[GUEST_PATH_MAX];
        bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
        options.min_warm = BP_POOL_NONE;
        options.limits.time_ms = PATIENCE_MS;
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_OK,
                      bp_plugin_load_file(runtime, guest_path("echo.wat", path), &options,
                                          &plugins[i], &error),
                      &error);
    }
    for (int again = 0; again < 5; again++)
        for (size_t i = 0; i < COUNT(plugins); i++)
            call_answers(plugins[i], "echo", "all", "all");
    uint32_t live = 0;
    for (size_t i = 0; i < COUNT(plugins); i++)
        live += plugin_stats(plugins[i]).live;
    assert_true(live <= 8);
    for (size_t i = 0; i < COUNT(plugins); i++)
        bp_plugin_unref(plugins[i]);
    bp_runtime_unref(runtime);
}

int main(void)
{
    bp_runtime_unref(make_runtime()); /* the engine keeps some for the life of the process */
    descriptors_at_start = process_descriptors();
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_outlives_its_plugin),
        cmocka_unit_test(a_result_outlives_its_runtime),
        cmocka_unit_test(a_session_outlives_its_plugin),
        cmocka_unit_test(a_result_can_be_ended_twice),
        cmocka_unit_test(outputs_that_are_held_do_not_change),
        cmocka_unit_test(the_last_user_of_any_thread_ends_a_plugin),
        cmocka_unit_test(plugins_share_the_runtimes_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
