/* Guests that trap: the outcome, the kind, and where it was. SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>

#include "support/attack.h"
#include "support/signals.h"
#include "support/thread.h"

static void every_trap_has_its_message_and_its_functions(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"unreachable", BP_OUTCOME_TRAPPED, NULL, "unreachable", "give_up"},
        {"unreachable", BP_OUTCOME_TRAPPED, NULL, "unreachable", "caller_of_it"},
        {"divide", BP_OUTCOME_TRAPPED, NULL, "divide by zero", "divide"},
        {"overflow", BP_OUTCOME_TRAPPED, NULL, "integer overflow", "overflow"},
        {"convert", BP_OUTCOME_TRAPPED, NULL, "invalid conversion", "convert"},
        {"load_far", BP_OUTCOME_TRAPPED, NULL, "out of bounds", "load_far"},
        {"load_next", BP_OUTCOME_TRAPPED, NULL, "out of bounds", "load_next"},
        {"store_far", BP_OUTCOME_TRAPPED, NULL, "out of bounds", "store_far"},
        {"copy_far", BP_OUTCOME_TRAPPED, NULL, "out of bounds", "copy_far"},
        {"call_null", BP_OUTCOME_TRAPPED, NULL, "uninitialized element", "call_null"},
        {"call_beyond", BP_OUTCOME_TRAPPED, NULL, "undefined element", "call_beyond"},
        {"call_other_type", BP_OUTCOME_TRAPPED, NULL, "type mismatch", "call_other_type"},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "traps.wat", NULL);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    host_unload(&self, plugin);
    host_close(&self);
}

static void trap_codes_tell_the_kinds_apart(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "traps.wat", NULL);
    static const char *const exports[] = {"unreachable", "divide",      "overflow", "convert",
                                          "load_far",    "call_beyond", "call_null"};
    uint32_t codes[COUNT(exports)];
    for (size_t i = 0; i < COUNT(exports); i++) {
        bp_call_result result = call_ran(plugin, exports[i], BP_BYTES(""));
        codes[i] = result.trap_code;
        assert_true(codes[i] > 0);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(codes[j], codes[i]);
        bp_call_result_done(&result);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

static void innermost_frame_is_first_with_one_line_each(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "traps.wat", NULL);
    bp_call_result result = call_ran(plugin, "unreachable", BP_BYTES(""));
    const char *inner = strstr(result.backtrace, "give_up");
    const char *outer = strstr(result.backtrace, "caller_of_it");
    assert_non_null(inner);
    assert_non_null(outer);
    assert_true(inner < outer);
    assert_non_null(memchr(inner, '\n', (size_t)(outer - inner)));
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- where signals are blocked ---- */

typedef struct blocked_calls {
    bp_plugin *plugin;
    unsigned trapped;
} blocked_calls;

static void *call_with_signals_blocked(void *data)
{
    static const char *const exports[] = {"unreachable", "divide", "load_far"};
    blocked_calls *self = data;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (size_t i = 0; i < COUNT(exports); i++) {
        bp_call call = BP_CALL_INIT;
        call.export_name = exports[i];
        bp_call_result result = BP_CALL_RESULT_INIT;
        if (bp_plugin_call(self->plugin, &call, &result, NULL) == BP_OK)
            self->trapped += result.outcome == BP_OUTCOME_TRAPPED;
        bp_call_result_done(&result);
    }
    return NULL;
}

/* Daemons block every signal in their threads; a fault whose signal is blocked would kill them. */
static void traps_on_a_thread_that_blocks_signals_are_outcomes(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    blocked_calls calls = {.plugin = host_load(&self, "traps.wat", NULL)};
    thread_join(thread_start(0, call_with_signals_blocked, &calls));
    assert_int_equal(calls.trapped, 3);
    host_unload(&self, calls.plugin);
    host_close(&self);
}

/* The numbers are those of the lines that tests/guests/c/crash.c marks. */
static void debug_information_gives_files_and_lines(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"divide", BP_OUTCOME_TRAPPED, NULL, "divide by zero", "crash.c:9\n"},
        {"divide", BP_OUTCOME_TRAPPED, NULL, "divide by zero", "crash.c:14\n"},
        {"divide", BP_OUTCOME_TRAPPED, NULL, "divide by zero", "divide_by"},
        {"store_far", BP_OUTCOME_TRAPPED, NULL, "out of bounds", "crash.c:19\n"},
        {"store_far", BP_OUTCOME_TRAPPED, NULL, "out of bounds", "crash.c:24\n"},
        {"write_wild", BP_OUTCOME_TRAPPED, NULL, "out of bounds", "crash.c:31\n"},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.debug_info = true;
    bp_plugin *plugin = host_load(&self, "c/crash.wasm", &options);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    host_unload(&self, plugin);
    host_close(&self);
}

/* The engine reads all debug information again for each trap, so it is the host that asks for it. */
static void debug_information_is_dropped_unless_asked_for(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"divide", BP_OUTCOME_TRAPPED, NULL, "divide by zero", "divide at offset"},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "c/crash.wasm", NULL);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    host_unload(&self, plugin);
    host_close(&self);
}

/* Names come from the guest: long, and with characters that would forge lines of a log. */
static void names_of_a_hostile_module_stay_on_their_line(void **state)
{
    (void)state;
    static const char text[] =
        "(module (func $f (@name \"first\\0asecond\\1b[31m\") (unreachable))"
        " (func (export \"go\") (call $f)))";
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(&self, text, NULL);
    bp_call_result result = call_ran(plugin, "go", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_TRAPPED, &result);
    assert_contains(result.backtrace, "first", "backtrace");
    assert_null(strchr(result.backtrace, '\x1b'));
    unsigned lines = 0;
    for (const char *at = result.backtrace; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 2);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_trap_has_its_message_and_its_functions),
        cmocka_unit_test(trap_codes_tell_the_kinds_apart),
        cmocka_unit_test(innermost_frame_is_first_with_one_line_each),
        cmocka_unit_test(traps_on_a_thread_that_blocks_signals_are_outcomes),
        cmocka_unit_test(debug_information_gives_files_and_lines),
        cmocka_unit_test(debug_information_is_dropped_unless_asked_for),
        cmocka_unit_test(names_of_a_hostile_module_stay_on_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
