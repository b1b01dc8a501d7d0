/* Commands: standard input to standard output, arguments, exit codes, and every call pristine.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attack.h"
#include "support/signals.h"

static const char *const languages[] = {"command/c.wasm", "command/go.wasm", "command/rust.wasm"};
#define EACH_LANGUAGE (size_t i = 0; i < COUNT(languages); i++)

static bp_plugin_options patient(void)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    options.max_live = 2;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    return options;
}

static bp_plugin *load(host *self, const char *guest)
{
    bp_plugin_options options = patient();
    return host_load(self, guest, &options);
}

#define RUN(plugin, input, ...)                                                                    \
    run(plugin, input, (const char *const[]){__VA_ARGS__},                                         \
        COUNT(((const char *const[]){__VA_ARGS__})))

static bp_call_result run(bp_plugin *plugin, bp_bytes input, const char *const *args, size_t count)
{
    bp_call call = BP_CALL_INIT;
    call.input = input;
    call.args = args;
    call.args_count = count;
    return call_ran_with(plugin, &call);
}

#define PRINTS(plugin, text, ...)                                                                  \
    do {                                                                                           \
        bp_call_result printed = RUN(plugin, BP_BYTES(""), __VA_ARGS__);                           \
        assert_outcome(BP_OUTCOME_FINISHED, &printed);                                             \
        assert_output(text, &printed);                                                             \
        bp_call_result_done(&printed);                                                             \
    } while (0)

/* ---- what goes in and comes out ---- */

static void input_comes_out_by_default(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    for
        EACH_LANGUAGE
        {
            bp_plugin *plugin = load(&self, languages[i]);
            bp_plugin_info info = BP_PLUGIN_INFO_INIT;
            assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
            assert_string_equal(info.abi, "command");
            assert_int_equal(info.export_count, 1);
            assert_string_equal(info.exports[0], "_start");
            assert_string_equal(info.default_export, "_start");
            call_answers(plugin, NULL, "in and out", "in and out");
            call_answers(plugin, "_start", "", "");
            host_unload(&self, plugin);
        }
    host_close(&self);
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static void copies(bp_plugin *plugin, uint32_t seed)
{
    static uint8_t bytes[300000];
    char chunk[16];
    uint32_t size = draw(&seed, seed % 3 ? sizeof bytes : 100);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)draw(&seed, 256);
    snprintf(chunk, sizeof chunk, "%u", 1 + draw(&seed, size < 1000 ? 100 : 70000));
    bp_call_result result = RUN(plugin, ((bp_bytes){bytes, size}), "copy", chunk);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    if (result.output.size != size || (size && memcmp(result.output.data, bytes, size) != 0))
        fail_msg("%zu bytes of %u in chunks of %s, or others", result.output.size, size, chunk);
    bp_call_result_done(&result);
}

static void any_bytes_come_out_in_any_chunks(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    for
        EACH_LANGUAGE
        {
            bp_plugin *plugin = load(&self, languages[i]);
            for (uint32_t seed = 1; seed <= 60; seed++)
                copies(plugin, seed);
            host_unload(&self, plugin);
        }
    host_close(&self);
}

static void arguments_and_name_arrive(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    for
        EACH_LANGUAGE
        {
            bp_plugin_options options = patient();
            options.name = "a name";
            bp_plugin *plugin = host_load(&self, languages[i], &options);
            PRINTS(plugin, "a name\n", "name");
            PRINTS(plugin, "one\n\n--three=3 \xC3\xA4\n", "args", "one", "", "--three=3 \xC3\xA4");
            PRINTS(plugin, "none\n", "env", "HOME");
            host_unload(&self, plugin);
        }
    host_close(&self);
}

static void granted_variables_arrive(void **state)
{
    (void)state;
    static const bp_env_entry env[] = {{"COLOUR", "green"}};
    host self;
    host_open(&self, NULL);
    for
        EACH_LANGUAGE
        {
            bp_plugin_options options = patient();
            options.env = env;
            options.env_count = 1;
            bp_plugin *plugin = host_load(&self, languages[i], &options);
            PRINTS(plugin, "green\n", "env", "COLOUR");
            PRINTS(plugin, "none\n", "env", "HOME");
            host_unload(&self, plugin);
        }
    host_close(&self);
}

static void an_exit_code_comes_with_the_output(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    for
        EACH_LANGUAGE
        {
            bp_plugin *plugin = load(&self, languages[i]);
            bp_call_result result = RUN(plugin, BP_BYTES(""), "complain", "3");
            assert_outcome(BP_OUTCOME_EXITED, &result);
            assert_int_equal(result.exit_code, 3);
            assert_output("said before", &result);
            assert_string_equal(result.message, "the plugin exited with 3");
            assert_string_equal(result.backtrace, "");
            bp_call_result_done(&result);
            assert_true(journal_find(&self.journal, BP_LOG_WARN, "it went wrong", NULL));
            wait_for_recycles(plugin, BP_RECYCLE_EXITED, 1);
            PRINTS(plugin, "said before", "complain", "0");
            host_unload(&self, plugin);
        }
    host_close(&self);
}

/* ---- every call is the first, and no sandbox is lost by it ---- */

static void runs_once(host *self, const char *guest, bp_reset_policy policy)
{
    bp_plugin_options options = patient();
    options.reset = policy;
    options.max_live = 1;
    bp_plugin *plugin = host_load(self, guest, &options);
    for (int again = 0; again < 10; again++)
        PRINTS(plugin, "1\n", "runs");
    bp_pool_stats stats = plugin_stats(plugin);
    assert_int_equal(stats.creates, 1);
    for (unsigned why = 0; why < BP_RECYCLE_COUNT; why++)
        assert_int_equal(stats.recycles[why], 0);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_int_equal(info.reset, BP_RESET_FRESH);
    host_unload(self, plugin);
}

static void calls_are_pristine_under_any_policy(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    for
        EACH_LANGUAGE
        {
            runs_once(&self, languages[i], BP_RESET_FRESH);
            runs_once(&self, languages[i], BP_RESET_REUSE);
        }
    host_close(&self);
}

/* Of ruins.wat, which looks whether all is as it was. */
static void whatever_ended_before_is_undone(host *self, bp_plugin *plugin, int calls)
{
    static const struct {
        const char *how;
        bp_outcome outcome;
        const char *output;
    } ends[] = {{"return", BP_OUTCOME_FINISHED, "clean"},
                {"zero", BP_OUTCOME_FINISHED, "clean"},
                {"x", BP_OUTCOME_EXITED, "clean"},
                {"trap", BP_OUTCOME_TRAPPED, ""}};
    uint32_t seed = 1;
    for (int i = 0; i < calls; i++) {
        size_t way = draw(&seed, 40) < 2 ? 2 + draw(&seed, 2) : draw(&seed, 2);
        bp_call_result result = call_ran(plugin, NULL, bp_bytes_of(ends[way].how));
        assert_outcome(ends[way].outcome, &result);
        assert_output(ends[way].output, &result);
        bp_call_result_done(&result);
    }
    bp_pool_stats stats = plugin_stats(plugin);
    assert_true(stats.recycles[BP_RECYCLE_EXITED] < (uint64_t)calls / 10); /* not with 0 */
    host_unload(self, plugin);
}

/* The text with a reference: such an instance is not reset in place, but made anew. */
static bp_plugin *load_with_reference(host *self)
{
    bp_plugin_options options = patient();
    bp_bytes text = guest_bytes("ruins.wat");
    const char *end = memrchr(text.data, ')', text.size);
    char *longer = NULL;
    assert_non_null(end);
    assert_true(asprintf(&longer, "%.*s (global (mut externref) (ref.null extern)))",
                         (int)(end - (const char *)text.data), (const char *)text.data) > 0);
    bp_plugin *plugin = host_load_text(self, longer, &options);
    free(longer);
    free((void *)(uintptr_t)text.data);
    return plugin;
}

/* On each kind of engine, and where the engine cannot reset in place. */
static void whatever_ended_before_a_call_is_pristine(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options guarded = patient(), metered = patient(), fast = patient();
    metered.limits.fuel = 10000000;
    fast.trusted = true;
    fast.limits.time_ms = BP_UNLIMITED;
    whatever_ended_before_is_undone(&self, host_load(&self, "ruins.wat", &guarded), 2000);
    whatever_ended_before_is_undone(&self, host_load(&self, "ruins.wat", &metered), 300);
    whatever_ended_before_is_undone(&self, host_load(&self, "ruins.wat", &fast), 300);
    whatever_ended_before_is_undone(&self, load_with_reference(&self), 300);
    host_close(&self);
}

/* The sandbox is spent; a session knows no reset. */
static void a_session_is_one_call(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, "command/c.wasm");
    bp_session *session = NULL;
    bp_error error = BP_ERROR_INIT;
    bp_call call = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    call.input = BP_BYTES("once");
    assert_status(BP_OK, bp_session_open(plugin, NULL, &session, &error), &error);
    assert_status(BP_OK, bp_session_call(session, &call, &result, &error), &error);
    assert_output("once", &result);
    bp_call_result_done(&result);
    assert_status(BP_ECLOSED, bp_session_call(session, &call, &result, &error), &error);
    bp_session_end(session);
    call_answers(plugin, NULL, "again", "again");
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- limits and refusals ---- */

static void output_has_a_limit(void **state)
{
    (void)state;
    static const char *const guests[] = {"command/c.wasm", "command/go.wasm", "command/rust.wasm",
                                         "cat.wat", "component/cat.wat"};
    host self;
    host_open(&self, NULL);
    for
        EACH_LANGUAGE
        {
            bp_plugin_options options = patient();
            options.limits.output_bytes = 8;
            bp_plugin *plugin = host_load(&self, guests[i], &options);
            call_answers(plugin, NULL, "8 bytes.", "8 bytes.");
            bp_call_result result = call_ran(plugin, NULL, BP_BYTES("9 bytes.."));
            assert_outcome(BP_OUTCOME_LIMIT_EXCEEDED, &result);
            assert_string_equal(result.limit, "output_bytes");
            assert_output("", &result);
            bp_call_result_done(&result);
            call_answers(plugin, NULL, "8 bytes.", "8 bytes.");
            host_unload(&self, plugin);
        }
    host_close(&self);
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    static char long_text[128 * 1024 + 1];
    static const char *many[70000];
    memset(long_text, 'a', sizeof long_text - 1);
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = "a";
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, "command/c.wasm");
    bp_call call = BP_CALL_INIT;
    call.args_count = 2;
    call_refused(plugin, &call, BP_EINVAL, "args is NULL");
    call.args = (const char *const[]){"args", NULL};
    call_refused(plugin, &call, BP_EINVAL, "number 2 is NULL");
    call.args = (const char *const[]){"args", long_text};
    call_refused(plugin, &call, BP_ELIMIT, "128 KiB");
    call.args = many;
    call.args_count = COUNT(many);
    call_refused(plugin, &call, BP_ELIMIT, "128 KiB");
    call.args_count = 60000;
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    call = (bp_call)BP_CALL_INIT;
    call.args = (const char *const[]){"args"};
    call.args_count = 1;
    call.export_name = "echo";
    call_refused(self.neighbour, &call, BP_EINVAL, "is no command");
    call.export_name = "handle";
    call_refused(plugin, &call, BP_ENOTFOUND, "the only one is '_start'");
    host_unload(&self, plugin);
    host_close(&self);
}

static void the_longest_arguments_arrive(void **state)
{
    (void)state;
    static char long_text[128 * 1024 - sizeof "args"];
    memset(long_text, 'a', sizeof long_text - 1);
    host self;
    host_open(&self, NULL);
    for
        EACH_LANGUAGE
        {
            bp_plugin *plugin = load(&self, languages[i]);
            bp_call_result result = RUN(plugin, BP_BYTES(""), "args", long_text);
            assert_outcome(BP_OUTCOME_FINISHED, &result);
            assert_int_equal(result.output.size, sizeof long_text); /* a newline for the NUL */
            assert_memory_equal(result.output.data, long_text, sizeof long_text - 1);
            bp_call_result_done(&result);
            host_unload(&self, plugin);
        }
    host_close(&self);
}

static void commands_need_wasi(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_EDENIED, host_try_load(&self, "command/c.wasm", NULL, &plugin, &error),
                  &error);
    assert_contains(error.message, "needs WASI", "error");
    host_close(&self);
}

/* ---- what is a command ---- */

static void what_a_module_exports_tells_whether_it_is_a_command(void **state)
{
    (void)state;
#define IMPORT_EXTISM "(import \"extism:host/env\" \"input_length\" (func (result i64)))"
#define IMPORT_OWN                                                                                 \
    "(import \"bullpen:host/env\" \"metric_add\" (func (param i64 i64 f64) (result i32)))"
#define START "(func (export \"_start\"))"
    static const struct {
        const char *text, *abi;
        size_t exports;
    } cases[] = {
        {"(module " START ")", "command", 1},
        {"(module " START "(func (export \"__main_void\") (result i32) (i32.const 0)))", "command",
         1},
        {"(module " START "(func (export \"run\")))", "extism", 2},
        {"(module " IMPORT_EXTISM START ")", "extism", 1},
        {"(module " IMPORT_OWN START ")", "extism", 1},
        {"(module (func (export \"_start\") (result i32) (i32.const 0)))", "extism", 1},
        {"(module (func (export \"_start\") (param i32)) (func (export \"run\")))", "extism", 1},
        {"(module (func (export \"run\")))", "extism", 1},
    };
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_plugin *plugin = host_load_text(&self, cases[i].text, NULL);
        bp_plugin_info info = BP_PLUGIN_INFO_INIT;
        assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
        assert_string_equal(info.abi, cases[i].abi);
        assert_int_equal(info.export_count, cases[i].exports);
        host_unload(&self, plugin);
    }
    host_close(&self);
}

/* ---- components ---- */

/* Exits well the first time that an instance runs, else not: `how` is a number of a case. */
#define RUNS(interface, how)                                                                       \
    "(component (core module $m (global $runs (mut i32) (i32.const " how "))"                      \
    "  (func (export \"run\") (result i32) (local $was i32)"                                       \
    "    (if (i32.gt_u (global.get $runs) (i32.const 1)) (then unreachable))"                      \
    "    (local.set $was (global.get $runs)) (global.set $runs (i32.const 1)) (local.get $was)))"  \
    "  (core instance $i (instantiate $m))"                                                        \
    "  (func $run (result (result)) (canon lift (core func $i \"run\")))"                          \
    "  (instance $r (export \"run\" (func $run))) (export \"" interface "\" (instance $r)))"

static void components_run_as_commands(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(&self, RUNS("wasi:cli/run@0.2.3", "0"), NULL);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_string_equal(info.abi, "command");
    assert_string_equal(info.default_export, "wasi:cli/run@0.2.3#run");
    for (int again = 0; again < 5; again++)
        call_answers(plugin, NULL, "input", "");
    bp_call call = BP_CALL_INIT;
    call.args = (const char *const[]){"\xFF"};
    call.args_count = 1;
    call_refused(plugin, &call, BP_EINVAL, "number 1 is not UTF-8");
    host_unload(&self, plugin);
    host_close(&self);
}

/* cat.wat: by WASI 0.2, with the same streams. */
static void components_have_the_same_streams(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        bp_outcome outcome;
        int32_t code;
        bool has_output;
    } ends[] = {
        {"plain", BP_OUTCOME_FINISHED, 0, true},     {"", BP_OUTCOME_FINISHED, 0, true},
        {"0 is well", BP_OUTCOME_FINISHED, 0, true}, {"1 is not", BP_OUTCOME_EXITED, 1, true},
        {"! failure", BP_OUTCOME_EXITED, 1, true},   {"? trap", BP_OUTCOME_TRAPPED, 0, false},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, "component/cat.wat");
    uint32_t seed = 1;
    for (int i = 0; i < 300; i++) {
        size_t which = draw(&seed, COUNT(ends));
        bp_call_result result = call_ran(plugin, NULL, bp_bytes_of(ends[which].input));
        assert_outcome(ends[which].outcome, &result);
        assert_int_equal(result.exit_code, ends[which].code);
        assert_output(ends[which].has_output ? ends[which].input : "", &result);
        bp_call_result_done(&result);
    }
    for (uint32_t i = 1; i <= 30; i++) {
        static char bytes[100000];
        memset(bytes, 'a' + (int)i % 26, sizeof bytes);
        bp_call_result result = call_ran(plugin, NULL, (bp_bytes){bytes, i * 3333});
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        assert_int_equal(result.output.size, i * 3333);
        assert_memory_equal(result.output.data, bytes, i * 3333);
        bp_call_result_done(&result);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

static void a_components_failure_is_an_exit_with_1(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(&self, RUNS("wasi:cli/run@0.2.0", "1"), NULL);
    bp_call_result result = call_ran(plugin, NULL, BP_BYTES(""));
    assert_outcome(BP_OUTCOME_EXITED, &result);
    assert_int_equal(result.exit_code, 1);
    assert_string_equal(result.message, "the plugin exited with 1");
    bp_call_result_done(&result);
    wait_for_recycles(plugin, BP_RECYCLE_EXITED, 1);
    host_unload(&self, plugin);
    plugin = host_load_text(&self, RUNS("wasi:cli/run@0.2.0", "2"), NULL);
    result = call_ran(plugin, NULL, BP_BYTES(""));
    assert_outcome(BP_OUTCOME_TRAPPED, &result);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    plugin = host_load_text(&self, RUNS("other:cli/run@0.2.0", "0"), NULL);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_string_equal(info.abi, "component");
    host_unload(&self, plugin);
    host_close(&self);
}

/* _start does what there is to do: nothing is run before it. */
static void constructors_are_not_run_twice(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(&self,
                                       "(module (global $runs (mut i32) (i32.const 0))"
                                       "  (func $ctors (export \"__wasm_call_ctors\")"
                                       "    (if (global.get $runs) (then unreachable))"
                                       "    (global.set $runs (i32.const 1)))"
                                       "  (func (export \"_start\") (call $ctors)))",
                                       NULL);
    for (int again = 0; again < 3; again++)
        call_answers(plugin, NULL, "", "");
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_comes_out_by_default),
        cmocka_unit_test(any_bytes_come_out_in_any_chunks),
        cmocka_unit_test(arguments_and_name_arrive),
        cmocka_unit_test(granted_variables_arrive),
        cmocka_unit_test(an_exit_code_comes_with_the_output),
        cmocka_unit_test(calls_are_pristine_under_any_policy),
        cmocka_unit_test(whatever_ended_before_a_call_is_pristine),
        cmocka_unit_test(a_session_is_one_call),
        cmocka_unit_test(output_has_a_limit),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(the_longest_arguments_arrive),
        cmocka_unit_test(commands_need_wasi),
        cmocka_unit_test(what_a_module_exports_tells_whether_it_is_a_command),
        cmocka_unit_test(components_run_as_commands),
        cmocka_unit_test(components_have_the_same_streams),
        cmocka_unit_test(a_components_failure_is_an_exit_with_1),
        cmocka_unit_test(constructors_are_not_run_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
