/* What guests answer: codes, errors, outputs of every kind, and floods.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "support/attack.h"
#include "support/signals.h"

static bp_plugin_options patient_options(void)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits.time_ms = PATIENCE_MS;
    return options;
}

typedef struct answer_case {
    const char *export_name;
    bp_outcome outcome;
    int32_t code;
    const char *output, *message;
} answer_case;

static void codes_errors_and_outputs(void **state)
{
    (void)state;
    static const answer_case cases[] = {
        {"zero", BP_OUTCOME_FINISHED, 0, "", ""},
        {"one", BP_OUTCOME_GUEST_ERROR, 1, "", "export 'one' returned 1"},
        {"minus_one", BP_OUTCOME_GUEST_ERROR, -1, "", "export 'minus_one' returned -1"},
        {"output_and_seven", BP_OUTCOME_GUEST_ERROR, 7, "oooooooo", "returned 7"},
        {"error", BP_OUTCOME_GUEST_ERROR, 0, "", "eeeeeeee"},
        {"error_and_seven", BP_OUTCOME_GUEST_ERROR, 7, "", "eeeeeeee"},
        {"error_and_output", BP_OUTCOME_GUEST_ERROR, 0, "oooooooo", "eeeeeeee"},
        {"error_cleared", BP_OUTCOME_FINISHED, 0, "", ""},
        {"error_replaced", BP_OUTCOME_GUEST_ERROR, 0, "", "ffffffff"},
        {"error_freed", BP_OUTCOME_GUEST_ERROR, 0, "", ""},
        {"error_then_trap", BP_OUTCOME_TRAPPED, 0, "", "unreachable"},
        {"output_kept", BP_OUTCOME_FINISHED, 0, "oooooooo", ""},
        {"output_beyond", BP_OUTCOME_FINISHED, 0, "oooooooo", ""},
        {"output_inside", BP_OUTCOME_FINISHED, 0, "oo", ""},
        {"output_freed", BP_OUTCOME_FINISHED, 0, "oooooooo", ""},
        {"output_then_trap", BP_OUTCOME_TRAPPED, 0, "", "unreachable"},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "answers.wat", NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_call_result result = call_ran(plugin, cases[i].export_name, BP_BYTES(""));
        assert_outcome(cases[i].outcome, &result);
        assert_int_equal(result.exit_code, cases[i].code);
        assert_output(cases[i].output, &result);
        assert_contains(result.message, cases[i].message, cases[i].export_name);
        if (cases[i].outcome == BP_OUTCOME_FINISHED)
            assert_string_equal(result.message, "");
        bp_call_result_done(&result);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* Messages are UTF-8 and of a bounded length, whatever the guest says. */
static void error_texts_are_mended_and_cut(void **state)
{
    (void)state;
    static const char *const exports[] = {"error_bytes", "error_controls", "error_zeros",
                                          "error_megabytes"};
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient_options();
    bp_plugin *plugin = host_load(&self, "answers.wat", &options);
    for (size_t i = 0; i < COUNT(exports); i++) {
        bp_call_result result = call_ran(plugin, exports[i], BP_BYTES(""));
        assert_outcome(BP_OUTCOME_GUEST_ERROR, &result);
        size_t size = strlen(result.message);
        assert_true(bp__utf8_valid(result.message, size));
        assert_true(size <= 64 * 1024);
        bp_call_result_done(&result);
        host_neighbour_answers(&self);
    }
    bp_call_result result = call_ran(plugin, "error_bytes", BP_BYTES(""));
    assert_contains(result.message, "\xEF\xBF\xBD\xEF\xBF\xBD", "message");
    bp_call_result_done(&result);
    result = call_ran(plugin, "error_megabytes", BP_BYTES(""));
    assert_contains(result.message, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "message");
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- inputs ---- */

static void a_freed_input_is_gone(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "answers.wat", NULL);
    bp_call_result result = call_ran(plugin, "input_length", BP_BYTES("12345"));
    assert_int_equal(result.exit_code, 5);
    bp_call_result_done(&result);
    result = call_ran(plugin, "input_freed", BP_BYTES("12345"));
    assert_int_equal(result.exit_code, 0);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

static void inputs_over_their_limit_run_nothing(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient_options();
    options.limits.input_bytes = 5;
    bp_plugin *plugin = host_load(&self, "answers.wat", &options);
    bp_call call = BP_CALL_INIT;
    call.export_name = "input_length";
    call.input = BP_BYTES("123456");
    call_refused(plugin, &call, BP_ELIMIT, "input_bytes (5)");
    call.input = BP_BYTES("12345");
    bp_call_result result = call_ran_with(plugin, &call);
    assert_int_equal(result.exit_code, 5);
    bp_call_result_done(&result);
    call.input = (bp_bytes){NULL, 3};
    call_refused(plugin, &call, BP_EINVAL, "input.data");
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- floods ---- */

static void floods_end_at_a_limit_that_is_named(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"output_flood", BP_OUTCOME_LIMIT_EXCEEDED, "output_bytes", "output_bytes (1000000)", ""},
        {"log_flood", BP_OUTCOME_LIMIT_EXCEEDED, "log_bytes", "log", ""},
        {"log_at_once", BP_OUTCOME_LIMIT_EXCEEDED, "log_bytes", "log", ""},
        {"host_call_flood", BP_OUTCOME_LIMIT_EXCEEDED, "host_calls", "1000 host calls", ""},
        {"var_flood", BP_OUTCOME_LIMIT_EXCEEDED, "var_bytes", "var_bytes (10000)", ""},
        {"var_empty_flood", BP_OUTCOME_LIMIT_EXCEEDED, "var_bytes", "var_bytes (10000)", ""},
        {"var_long_key", BP_OUTCOME_LIMIT_EXCEEDED, "var_key_bytes", "4096", ""},
        {"var_one", BP_OUTCOME_FINISHED, NULL, "", NULL},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient_options();
    options.limits.output_bytes = 1000000;
    options.limits.log_bytes = 4000;
    options.limits.host_calls = 1000;
    options.limits.var_bytes = 10000;
    bp_plugin *plugin = host_load(&self, "answers.wat", &options);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    /* three floods of the log, each with its own 4000 bytes at most */
    assert_true(self.journal.guest_bytes <= 3 * 4000);
    assert_true(self.journal.guest_bytes > 0);
    host_unload(&self, plugin);
    host_close(&self);
}

static void standard_output_counts_as_log(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"print", BP_OUTCOME_FINISHED, NULL, "", NULL},
        {"complain", BP_OUTCOME_FINISHED, NULL, "", NULL},
        {"print_flood", BP_OUTCOME_LIMIT_EXCEEDED, "log_bytes", "log", ""},
        {"print_at_once", BP_OUTCOME_LIMIT_EXCEEDED, "log_bytes", "log", ""},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient_options();
    options.wasi = true;
    options.limits.log_bytes = 400;
    bp_plugin *plugin = host_load(&self, "wasi.wat", &options);
    attacks_run(&self, plugin, attacks, 2);
    assert_true(journal_find(&self.journal, BP_LOG_INFO, "out", NULL));
    assert_true(journal_find(&self.journal, BP_LOG_WARN, "out", NULL));
    attacks_run(&self, plugin, attacks + 2, 2);
    assert_true(self.journal.guest_bytes <= 500);
    host_unload(&self, plugin);
    host_close(&self);
}

/* A guest's log is made of whole records of valid text that say whose they are. */
static void logs_of_guests_are_mended_lines(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient_options();
    options.name = "talker";
    bp_plugin *plugin = host_load(&self, "answers.wat", &options);
    bp_call_result result = call_ran(plugin, "log_bytes", BP_BYTES(""));
    journal_record record;
    assert_true(journal_find(&self.journal, BP_LOG_INFO, "\xEF\xBF\xBD", &record));
    assert_string_equal(record.plugin, "talker");
    assert_string_equal(record.source, "guest");
    assert_true(record.call_id == result.call_id);
    bp_call_result_done(&result);
    result = call_ran(plugin, "log_lines", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    assert_false(journal_find(&self.journal, BP_LOG_INFO, "\n", NULL));
    host_unload(&self, plugin);
    host_close(&self);
}

/* A manifest with "max_var_bytes": 0 turns variables off: setting one ends the call. */
static void variables_can_be_off(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    char manifest[GUEST_PATH_MAX + 128], path[GUEST_PATH_MAX];
    snprintf(manifest, sizeof manifest,
             "{\"wasm\": [{\"path\": \"%s\"}], \"memory\": {\"max_var_bytes\": 0}}",
             guest_path("c/greet.wasm", path));
    bp_plugin_options options = patient_options();
    options.wasi = true;
    bp_plugin *plugin = host_load_text(&self, manifest, &options);
    bp_call_result result = call_ran(plugin, "count", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_TRAPPED, &result);
    assert_contains(result.message, "variables are off", "message");
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

static void wasi_opens_nothing_and_checks_pointers(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"probe", BP_OUTCOME_FINISHED, NULL, "", NULL},
        {"bad_pointers", BP_OUTCOME_FINISHED, NULL, "", NULL},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = patient_options();
    options.wasi = true;
    bp_plugin *plugin = host_load(&self, "wasi.wat", &options);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_errors_and_outputs),
        cmocka_unit_test(error_texts_are_mended_and_cut),
        cmocka_unit_test(a_freed_input_is_gone),
        cmocka_unit_test(inputs_over_their_limit_run_nothing),
        cmocka_unit_test(floods_end_at_a_limit_that_is_named),
        cmocka_unit_test(standard_output_counts_as_log),
        cmocka_unit_test(logs_of_guests_are_mended_lines),
        cmocka_unit_test(variables_can_be_off),
        cmocka_unit_test(wasi_opens_nothing_and_checks_pointers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
