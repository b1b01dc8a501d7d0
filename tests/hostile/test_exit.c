/* Guests that end themselves. SPDX-License-Identifier: Apache-2.0 */
#include "support/attack.h"
#include "support/signals.h"

static bp_plugin_options with_wasi(bp_reset_policy reset)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.reset = reset;
    options.max_live = 1;
    options.limits.time_ms = PATIENCE_MS;
    return options;
}

typedef struct exit_case {
    const char *export_name;
    bp_outcome outcome;
    int32_t code;
    const char *output, *message;
} exit_case;

/* Unwound code leaves its own state half done: such a sandbox is never used again, not even under
 * `reuse`, and not even after proc_exit(0). */
static void an_exited_sandbox_is_never_used_again(void **state)
{
    (void)state;
    static const exit_case cases[] = {
        {"zero", BP_OUTCOME_FINISHED, 0, "", ""},
        {"seven", BP_OUTCOME_EXITED, 7, "", ""},
        {"minus_one", BP_OUTCOME_EXITED, -1, "", ""},
        {"output_then_zero", BP_OUTCOME_FINISHED, 0, "A", ""},
        {"error_then_zero", BP_OUTCOME_GUEST_ERROR, 0, "", "A"},
        {"error_then_seven", BP_OUTCOME_EXITED, 7, "", ""},
        {"count_then_zero", BP_OUTCOME_FINISHED, 0, "", ""},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = with_wasi(BP_RESET_REUSE);
    bp_plugin *plugin = host_load(&self, "exit.wat", &options);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_call_result result = call_ran(plugin, cases[i].export_name, BP_BYTES(""));
        assert_outcome(cases[i].outcome, &result);
        assert_int_equal(result.exit_code, cases[i].code);
        assert_output(cases[i].output, &result);
        assert_contains(result.message, cases[i].message, "message");
        assert_string_equal(result.backtrace, "");
        bp_call_result_done(&result);
        wait_for_recycles(plugin, BP_RECYCLE_EXITED, i + 1);
        result = call_ran(plugin, "calls", BP_BYTES(""));
        assert_int_equal(result.exit_code, 0); /* nobody called this one before */
        bp_call_result_done(&result);
        host_neighbour_answers(&self);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* The same call after one that did return: there the sandbox is used again. */
static void a_returned_sandbox_is_used_again(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = with_wasi(BP_RESET_REUSE);
    bp_plugin *plugin = host_load(&self, "exit.wat", &options);
    for (int32_t before = 0; before < 3; before++) {
        bp_call_result result = call_ran(plugin, "calls", BP_BYTES(""));
        assert_outcome(before ? BP_OUTCOME_GUEST_ERROR : BP_OUTCOME_FINISHED, &result);
        assert_int_equal(result.exit_code, before);
        bp_call_result_done(&result);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

static void a_session_is_spent_by_an_exit(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = with_wasi(BP_RESET_FRESH);
    bp_plugin *plugin = host_load(&self, "exit.wat", &options);
    bp_session *session = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_session_open(plugin, NULL, &session, &error), &error);
    bp_call call = BP_CALL_INIT;
    call.export_name = "zero";
    bp_call_result result = BP_CALL_RESULT_INIT;
    assert_status(BP_OK, bp_session_call(session, &call, &result, &error), &error);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    call.export_name = "calls";
    assert_status(BP_ECLOSED, bp_session_call(session, &call, &result, &error), &error);
    assert_contains(error.message, "open another", "error");
    bp_session_end(session);
    host_unload(&self, plugin);
    host_close(&self);
}

/* A command's instance is spent when _start has returned, whatever the policy. */
static void a_command_runs_once_in_an_instance(void **state)
{
    (void)state;
    static const bp_reset_policy policies[] = {BP_RESET_FRESH, BP_RESET_REUSE};
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(policies); i++) {
        bp_plugin_options options = with_wasi(policies[i]);
        bp_plugin *plugin = host_load(&self, "command.wat", &options);
        for (int again = 0; again < 3; again++)
            call_answers(plugin, "_start", "", "");
        host_unload(&self, plugin);
    }
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exited_sandbox_is_never_used_again),
        cmocka_unit_test(a_returned_sandbox_is_used_again),
        cmocka_unit_test(a_session_is_spent_by_an_exit),
        cmocka_unit_test(a_command_runs_once_in_an_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
