/* Guests that call the embedder's own functions, and functions that misbehave.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/attack.h"
#include "support/process.h"
#include "support/signals.h"

#define GUEST "host_functions.wat"

#define FUNCTION(name)                                                                             \
    static bp_status name(__attribute__((unused)) const bp_host_call *call,                        \
                          __attribute__((unused)) const bp_host_value *arguments,                  \
                          __attribute__((unused)) bp_host_value *results,                          \
                          __attribute__((unused)) bp_error *reterr)

static double numbers_sum;

FUNCTION(numbers)
{
    assert_int_equal(arguments[0].i32, INT32_MIN);
    assert_true(arguments[1].i64 == INT64_MIN);
    assert_true(arguments[2].f32 == 0x1.fffffep+127f);
    assert_true(arguments[3].f64 == -0x1p-1074);
    results[0].f64 = numbers_sum = 0.1;
    return BP_OK;
}

FUNCTION(many)
{
    for (int i = 0; i < 16; i += 4) {
        assert_int_equal(arguments[i].i32, i + 1);
        assert_true(arguments[i + 1].i64 == i + 2);
        assert_true(arguments[i + 2].f32 == (float)i + 3.5f);
        assert_true(arguments[i + 3].f64 == i + 4.25);
    }
    results[0].i32 = -1;
    results[1].i64 = INT64_C(1) << 40;
    results[2].f32 = 1000.5f;
    results[3].f64 = 100000.25;
    return BP_OK;
}

FUNCTION(echo)
{
    assert_non_null(arguments[0].bytes.data);
    results[0].bytes = arguments[0].bytes;
    return BP_OK;
}

FUNCTION(twice)
{
    bp_bytes in = arguments[0].bytes;
    char *out = bp_host_call_alloc(call, 2 * in.size);
    if (!out)
        return bp_error_set(reterr, BP_ENOMEM, "no memory for %zu bytes", 2 * in.size);
    memcpy(out, in.data, in.size);
    memcpy(out + in.size, in.data, in.size);
    results[0].bytes = in;
    results[1].bytes = (bp_bytes){out, 2 * in.size};
    return BP_OK;
}

FUNCTION(shout)
{
    static const char not_text[] = {(char)0xFF, 'x'};
    bp_bytes in = arguments[0].bytes;
    results[0].bytes = in;
    if (in.size && *(const char *)in.data == '!')
        results[0].bytes = (bp_bytes){not_text, sizeof not_text};
    if (in.size && *(const char *)in.data == '0')
        results[0].bytes = (bp_bytes){NULL, 3};
    return BP_OK;
}

FUNCTION(refuse)
{
    bp_bytes why = arguments[0].bytes;
    if (why.size == 0)
        return BP_EDENIED; /* without a word */
    return bp_error_set(reterr, BP_EHOST, "no, because %.*s", (int)why.size,
                        (const char *)why.data);
}

FUNCTION(nothing)
{
    return BP_OK;
}

FUNCTION(about)
{
    char text[512];
    bool in_time = bp_deadline_left_ns(call->by) > 0 && call->by != UINT64_MAX;
    int size =
        snprintf(text, sizeof text, "%s|%s|%.*s|%s|%d|%d|%d", call->plugin, call->function,
                 (int)call->tenant.size, call->tenant.size ? (const char *)call->tenant.data : "",
                 call->context ? (const char *)call->context : "-", call->call_id != 0, in_time,
                 call->cancel != NULL);
    char *out = bp_host_call_alloc(call, (size_t)size);
    assert_non_null(out);
    memcpy(out, text, (size_t)size);
    results[0].bytes = (bp_bytes){out, (size_t)size};
    return BP_OK;
}

/* What "call_back" does, and whom it calls. */
typedef struct back {
    bp_plugin *plugin;
    bp_session *session;
    bp_cancel *cancel; /* triggered before it returns */
    bool late;         /* comes back after the deadline */
    unsigned depth;    /* calls below this one */
    bp_status status;  /* of the last nested call */
    bp_error error;
} back;
static back back_to;

static bp_status nested(const bp_call *call, bp_call_result *result, bp_error *reterr)
{
    return back_to.session ? bp_session_call(back_to.session, call, result, reterr)
                           : bp_plugin_call(back_to.plugin, call, result, reterr);
}

FUNCTION(call_back)
{
    bp_call next = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    next.export_name = back_to.depth ? "call_back" : "echo";
    next.input = arguments[0].bytes;
    if (back_to.cancel)
        bp_cancel_trigger(back_to.cancel);
    while (back_to.late && !bp_deadline_passed(call->by))
        ;
    if (!back_to.plugin && !back_to.session)
        return BP_OK;
    if (back_to.depth)
        back_to.depth--;
    back_to.status = nested(&next, &result, &back_to.error);
    if (back_to.status != BP_OK) {
        *reterr = back_to.error;
        return back_to.status;
    }
    char *out = bp_host_call_alloc(call, result.output.size);
    if (result.output.size) /* a call that was late has none */
        memcpy(out, result.output.data, result.output.size);
    results[0].bytes = (bp_bytes){out, result.output.size};
    bp_status status = bp_call_result_ok(&result)
                           ? BP_OK
                           : bp_error_set(reterr, BP_EHOST, "nested: %s", result.message);
    bp_call_result_done(&result);
    return status;
}

FUNCTION(answer)
{
    results[0].i32 = *(const int *)call->data;
    return BP_OK;
}

/* ---- the host ---- */

static const struct {
    const char *module, *name, *signature;
    bp_host_fn call;
} functions[] = {
    {NULL, "numbers", "i32 i64 f32 f64 -> f64", numbers},
    {NULL, "many",
     "i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 -> i32 i64 f32 f64", many},
    {NULL, "echo", "bytes -> bytes", echo},
    {NULL, "twice", "bytes -> bytes bytes", twice},
    {NULL, "shout", "text -> text", shout},
    {NULL, "fail", "text ->", refuse},
    {NULL, "nothing", "->", nothing},
    {NULL, "about", "-> text", about},
    {NULL, "call_back", "bytes -> bytes", call_back},
    {"mine", "answer", "-> i32", answer},
};

static int forty_two = 42;

static bp_host_functions *make_set(size_t first, size_t end)
{
    bp_host_functions *set = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_host_functions_new(&set, &error), &error);
    for (size_t i = first; i < end; i++) {
        bp_host_function function = BP_HOST_FUNCTION_INIT;
        function.module = functions[i].module;
        function.name = functions[i].name;
        function.signature = functions[i].signature;
        function.call = functions[i].call;
        function.data = &forty_two;
        assert_status(BP_OK, bp_host_function_define(set, &function, &error), &error);
    }
    return set;
}

static bp_plugin_options options_with(bp_host_functions *set)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    options.host_functions = set;
    return options;
}

/* Half of the functions are the runtime's, half the plugin's. */
static bp_plugin *open_all(host *self)
{
    bp_runtime_options runtime = BP_RUNTIME_OPTIONS_INIT;
    runtime.sandboxes_max = 32;
    runtime.host_functions = make_set(0, 5);
    host_open(self, &runtime);
    bp_host_functions_unref(runtime.host_functions);
    bp_plugin_options options = options_with(make_set(5, COUNT(functions)));
    bp_plugin *plugin = host_load(self, GUEST, &options);
    bp_host_functions_unref(options.host_functions);
    memset(&back_to, 0, sizeof back_to);
    return plugin;
}

static void values_of_every_type_pass(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    bp_call_result result = call_ran(plugin, "numbers", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_int_equal(result.output.size, sizeof numbers_sum);
    assert_memory_equal(result.output.data, &numbers_sum, sizeof numbers_sum);
    assert_int_equal(result.host_calls, 1);
    bp_call_result_done(&result);
    result = call_ran(plugin, "many", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    int64_t sum = -1 + (INT64_C(1) << 40) + 1000 + 100000;
    assert_memory_equal(result.output.data, &sum, sizeof sum);
    bp_call_result_done(&result);
    call_answers(plugin, "answer", "", "");
    host_unload(&self, plugin);
    host_close(&self);
}

static void bytes_pass(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    call_answers(plugin, "echo", "some bytes", "some bytes");
    call_answers(plugin, "echo", "", "");
    call_answers(plugin, "empty", "", "");
    call_answers(plugin, "consumed", "input", "");
    call_answers(plugin, "shout", "gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F");
    bp_call_result result = call_ran(plugin, "twice", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_int_equal(result.output.size, 8);
    assert_memory_equal(result.output.data, "A\0\0\0A\0\0\0", 8);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

static void as_many_bytes_as_the_limits_allow(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    size_t size = (size_t)16 << 20;
    char *large = malloc(size);
    assert_non_null(large);
    for (size_t i = 0; i < size; i++)
        large[i] = (char)(i * 7);
    bp_call_result result = call_ran(plugin, "echo", (bp_bytes){large, size});
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_int_equal(result.output.size, size);
    assert_memory_equal(result.output.data, large, size);
    bp_call_result_done(&result);
    /* Twice as much is more than the plugin's memory has room for. */
    bp_call call = BP_CALL_INIT;
    bp_limits limits = {.memory_bytes = 24 << 20};
    call.export_name = "echo";
    call.input = (bp_bytes){large, size};
    call.limits = &limits;
    result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_OUT_OF_MEMORY, &result);
    assert_string_equal(result.limit, "memory_bytes");
    assert_contains(result.message, "echo: ", "message");
    bp_call_result_done(&result);
    free(large);
    host_unload(&self, plugin);
    host_close(&self);
}

static void handles_that_are_none_end_the_call(void **state)
{
    (void)state;
    static const attack attacks[] = {
        {"bad_one", BP_OUTCOME_TRAPPED, NULL, "echo: argument 1: 1 is no block", ""},
        {"bad_far", BP_OUTCOME_TRAPPED, NULL, "is no block of Extism memory", ""},
        {"bad_inside", BP_OUTCOME_TRAPPED, NULL, "is no block of Extism memory", ""},
        {"bad_freed", BP_OUTCOME_TRAPPED, NULL, "is no block of Extism memory", ""},
        {"fail", BP_OUTCOME_TRAPPED, NULL, "fail: not granted", ""},
    };
    host self;
    bp_plugin *plugin = open_all(&self);
    attacks_run(&self, plugin, attacks, COUNT(attacks));
    host_unload(&self, plugin);
    host_close(&self);
}

static void trapped(bp_plugin *plugin, const char *export_name, const char *input,
                    const char *message)
{
    bp_call_result result = call_ran(plugin, export_name, bp_bytes_of(input));
    assert_outcome(BP_OUTCOME_TRAPPED, &result);
    assert_contains(result.message, message, "message");
    bp_call_result_done(&result);
}

static void text_is_checked_on_both_sides(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    trapped(plugin, "shout", "\xC3", "shout: argument 1: the text is not UTF-8");
    trapped(plugin, "shout", "!", "shout: result 1: the text is not UTF-8");
    trapped(plugin, "shout", "0", "shout: result 1: its data is NULL");
    trapped(plugin, "fail", "it is late", "fail: no, because it is late");
    host_unload(&self, plugin);
    host_close(&self);
}

static void calls_are_counted(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    bp_call call = BP_CALL_INIT;
    bp_limits limits = {.host_calls = 100};
    call.export_name = "flood";
    call.limits = &limits;
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_LIMIT_EXCEEDED, &result);
    assert_string_equal(result.limit, "host_calls");
    assert_contains(result.message, "nothing: more than 100 host calls", "message");
    bp_call_result_done(&result);
    call.limits = NULL;
    call.timeout_ms = 1000; /* a new sandbox may have to be made first */
    result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_TIMED_OUT, &result);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

static void a_function_sees_its_call(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    call_answers(plugin, "about", "", "host_functions|about||-|1|1|0");
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    bp_call call = BP_CALL_INIT;
    char context[] = "context";
    call.export_name = "about";
    call.tenant = BP_BYTES("ada");
    call.context = context;
    call.cancel = cancel;
    bp_call_result result = call_ran_with(plugin, &call);
    assert_output("host_functions|about|ada|context|1|1|1", &result);
    bp_call_result_done(&result);
    bp_cancel_free(cancel);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- coming back to the library ---- */

static void functions_may_call_plugins(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    back_to.plugin = self.neighbour;
    call_answers(plugin, "call_back", "over there", "over there");
    back_to.plugin = plugin;
    call_answers(plugin, "call_back", "to itself", "to itself");
    back_to.depth = 3;
    call_answers(plugin, "call_back", "and deeper", "and deeper");
    host_unload(&self, plugin);
    host_close(&self);
}

/* Each call holds a sandbox while it waits for the next: the last one finds none, and all of them
 * end with the deadline of the first. */
static void a_circle_of_calls_ends_with_the_deadline(void **state)
{
    (void)state;
    host self;
    bp_plugin *neighbour = open_all(&self);
    bp_plugin_options options = options_with(make_set(5, COUNT(functions)));
    options.max_live = 1;
    options.name = "narrow";
    bp_plugin *plugin = host_load(&self, GUEST, &options);
    bp_host_functions_unref(options.host_functions);
    back_to.plugin = plugin;
    bp_call call = BP_CALL_INIT;
    call.export_name = "call_back";
    call.input = BP_BYTES("x");
    call.timeout_ms = 500;
    bp_call_result result = call_ran_with(plugin, &call);
    assert_true(result.outcome == BP_OUTCOME_TIMED_OUT || result.outcome == BP_OUTCOME_TRAPPED);
    assert_int_equal(back_to.status, BP_ETIMEDOUT);
    bp_call_result_done(&result);
    call_answers(plugin, "echo", "still fine", "still fine");
    host_unload(&self, plugin);
    host_unload(&self, neighbour);
    host_close(&self);
}

static void no_depth_ends_the_process(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    back_to.plugin = plugin;
    back_to.depth = UINT32_MAX;
    bp_call call = BP_CALL_INIT;
    call.export_name = "call_back";
    call.input = BP_BYTES("x");
    call.timeout_ms = 300;
    bp_call_result result = call_ran_with(plugin, &call);
    assert_true(result.outcome == BP_OUTCOME_TIMED_OUT || result.outcome == BP_OUTCOME_TRAPPED);
    bp_call_result_done(&result);
    back_to.plugin = NULL;
    call_answers(plugin, "echo", "still fine", "still fine");
    host_unload(&self, plugin);
    host_close(&self);
}

static void a_session_is_not_entered_twice(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_session_open(plugin, NULL, &back_to.session, &error), &error);
    bp_call call = BP_CALL_INIT;
    call.export_name = "call_back";
    call.input = BP_BYTES("x");
    bp_call_result result = BP_CALL_RESULT_INIT;
    assert_status(BP_OK, bp_session_call(back_to.session, &call, &result, &error), &error);
    assert_outcome(BP_OUTCOME_TRAPPED, &result);
    assert_int_equal(back_to.status, BP_EBUSY);
    assert_contains(result.message, "runs a call already", "message");
    bp_call_result_done(&result);
    bp_session_end(back_to.session);
    host_unload(&self, plugin);
    host_close(&self);
}

static void who_comes_back_late_is_late(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    back_to.late = true;
    bp_call call = BP_CALL_INIT;
    call.export_name = "call_back";
    call.timeout_ms = 500;
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_TIMED_OUT, &result);
    assert_contains(result.message, "call_back: the deadline passed", "message");
    bp_call_result_done(&result);
    back_to.late = false;
    assert_int_equal(bp_cancel_new(&back_to.cancel, NULL), BP_OK);
    call.cancel = back_to.cancel;
    call.timeout_ms = PATIENCE_MS;
    result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_CANCELLED, &result);
    bp_call_result_done(&result);
    /* A call from within is cancelled with the one that it is in: it does not even begin. */
    bp_cancel_free(back_to.cancel);
    assert_int_equal(bp_cancel_new(&back_to.cancel, NULL), BP_OK);
    call.cancel = back_to.cancel;
    back_to.plugin = self.neighbour;
    result = call_ran_with(plugin, &call);
    assert_int_equal(back_to.status, BP_ECANCELLED);
    bp_call_result_done(&result);
    bp_cancel_free(back_to.cancel);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- linking ---- */

static void refused(host *self, const char *text, bp_host_functions *set, bp_status status,
                    const char *message)
{
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    bp_plugin_options options = options_with(set);
    assert_status(status, host_try_text(self, text, &options, &plugin, &error), &error);
    assert_contains(error.message, message, "error");
}

static void imports_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    host self;
    bp_plugin *plugin = open_all(&self);
    bp_host_functions *own = make_set(5, COUNT(functions));
    refused(&self, "(module (import \"extism:host/user\" \"ecko\" (func)))", own, BP_EDENIED,
            "the nearest it has is 'echo'");
    refused(&self, "(module (import \"extism:host/user\" \"aboot\" (func)))", own, BP_EDENIED,
            "the nearest it has is 'about'");
    refused(&self, "(module (import \"mine\" \"answers\" (func)))", own, BP_EDENIED,
            "the nearest it has is 'answer'");
    refused(&self, "(module (import \"theirs\" \"answer\" (func)))", own, BP_EDENIED,
            "'theirs' 'answer'");
    refused(&self, "(module (import \"extism:host/user\" \"echo\" (func (param i32))))", own,
            BP_EFORMAT, "is func(i32), but the host's is func(i64) -> i64");
    refused(&self, "(module (import \"mine\" \"answer\" (global i32)))", own, BP_EFORMAT,
            "global(i32), but the host's is func() -> i32");
    bp_host_functions *both = make_set(2, 3);
    refused(&self, "(module)", both, BP_EINVAL,
            "'extism:host/user' 'echo' is one of the runtime's");
    bp_host_functions_unref(both);
    bp_host_functions_unref(own);
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- memory that is gone ---- */

static void no_memory(void **state)
{
    (void)state;
    static const char *const exports[] = {"twice", "many"};
    host self;
    bp_plugin *plugin = open_all(&self);
    uint64_t failures = 0;
    for (size_t i = 0; i < COUNT(exports); i++) {
        bool failed = true;
        for (uint64_t nth = 1; failed; nth++) {
            bp_call call = BP_CALL_INIT;
            bp_call_result result = BP_CALL_RESULT_INIT;
            bp_error error = BP_ERROR_INIT;
            call.export_name = exports[i];
            bp__alloc_fail_at(nth);
            bp_status status = bp_plugin_call(plugin, &call, &result, &error);
            failed = bp__alloc_failed();
            bp__alloc_fail_at(0);
            failures += failed;
            if (!failed)
                assert_outcome(BP_OUTCOME_FINISHED, &result);
            assert_true(status == BP_OK || error.message[0]);
            bp_call_result_done(&result);
            plugin_is_whole(plugin);
        }
    }
    assert_true(failures > 2);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type_pass),
        cmocka_unit_test(bytes_pass),
        cmocka_unit_test(as_many_bytes_as_the_limits_allow),
        cmocka_unit_test(handles_that_are_none_end_the_call),
        cmocka_unit_test(text_is_checked_on_both_sides),
        cmocka_unit_test(calls_are_counted),
        cmocka_unit_test(a_function_sees_its_call),
        cmocka_unit_test(functions_may_call_plugins),
        cmocka_unit_test(a_circle_of_calls_ends_with_the_deadline),
        cmocka_unit_test(no_depth_ends_the_process),
        cmocka_unit_test(a_session_is_not_entered_twice),
        cmocka_unit_test(who_comes_back_late_is_late),
        cmocka_unit_test(imports_that_do_not_fit_are_refused),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
