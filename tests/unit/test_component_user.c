/* The embedder's own functions, called by components. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/bullpen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/signals.h"
#include "unit/component_world.h"

/* Functions of tests/guests/component/user.wat. */
enum { SHOUT, ECHO, GET_USER, NUMBERS, SUM, NOTE, CHECK, THINGS_ECHO, HALF };

/* What the functions do next. */
typedef enum mode {
    WELL,
    FAIL, /* with a text */
    FAIL_SILENTLY,
    NO_TEXT, /* text that is no UTF-8 */
    NO_DATA, /* a size, and no data */
    PART,    /* half of what came in, from where it lies */
    LARGE,   /* much more than came in */
    LATE,    /* its call is cancelled meanwhile */
} mode;

typedef struct world {
    host host;
    bp_plugin *plugin;
    bp_cancel *cancel;
    mode mode;
    char noted[64];
    unsigned called, freed;
} world;

#define FUNCTION(name)                                                                             \
    static bp_status name(const bp_host_call *call, const bp_host_value *in, bp_host_value *out,   \
                          bp_error *reterr)

static bp_status answer_bytes(const bp_host_call *call, bp_bytes from, bp_bytes *to,
                              bp_error *reterr)
{
    static const char broken[] = "\xFF";
    world *w = call->data;
    switch (w->mode) {
    case FAIL:
        return bp_error_set(reterr, BP_ENOTFOUND, "no such user: %u", 7u);
    case FAIL_SILENTLY:
        return BP_EDENIED;
    case NO_TEXT:
        *to = (bp_bytes){broken, 1};
        return BP_OK;
    case NO_DATA:
        *to = (bp_bytes){NULL, 5};
        return BP_OK;
    case PART:
        *to = (bp_bytes){(const char *)from.data + from.size / 2, from.size - from.size / 2};
        return BP_OK;
    case LATE:
        bp_cancel_trigger(w->cancel);
        return BP_OK;
    default:
        break;
    }
    size_t size = w->mode == LARGE ? (size_t)1 << 20 : from.size;
    char *made = bp_host_call_alloc(call, size + 1);
    assert_non_null(made);
    memset(made, '.', size + 1);
    if (from.size)
        memcpy(made, from.data, from.size);
    made[size] = '!';
    *to = (bp_bytes){made, size + 1};
    return BP_OK;
}

FUNCTION(shout)
{
    return answer_bytes(call, in[0].bytes, &out[0].bytes, reterr);
}

FUNCTION(get_user)
{
    world *w = call->data;
    w->called++;
    assert_int_equal(in[0].i64, 42);
    assert_int_equal(in[1].bytes.size, 3);
    assert_memory_equal(in[1].bytes.data, "ada", 3);
    return answer_bytes(call, in[2].bytes, &out[0].bytes, reterr);
}

FUNCTION(numbers)
{
    (void)call;
    (void)reterr;
    assert_int_equal(in[0].i32, -5);
    assert_int_equal(in[1].i64, INT64_MIN);
    assert_true(in[2].f32 == 1.5f && in[3].f64 == -2.25);
    out[0].i32 = INT32_MIN;
    out[1].i64 = -9;
    out[2].f32 = 0.5f;
    out[3].f64 = 1e300;
    out[4].bytes = bp_bytes_of("five");
    return BP_OK;
}

FUNCTION(sum)
{
    (void)call;
    (void)reterr;
    out[0].i32 = in[0].i32 + in[1].i32;
    return BP_OK;
}

FUNCTION(half)
{
    (void)call;
    (void)reterr;
    out[0].f64 = in[0].f64 / 2;
    return BP_OK;
}

FUNCTION(note)
{
    world *w = call->data;
    (void)out;
    (void)reterr;
    assert_true(in[0].bytes.size < sizeof w->noted);
    memcpy(w->noted, in[0].bytes.data, in[0].bytes.size);
    return BP_OK;
}

FUNCTION(check)
{
    bp_bytes nothing;
    (void)in;
    (void)out;
    return answer_bytes(call, (bp_bytes){"", 0}, &nothing, reterr);
}

static void count_free(void *data)
{
    ((world *)data)->freed++;
}

static const struct {
    const char *module, *name, *signature;
    bp_host_fn call;
} definitions[] = {
    {NULL, "shout", "text -> text", shout},
    {NULL, "echo", "bytes -> bytes", shout},
    {NULL, "get_user", "i64 text bytes -> bytes", get_user},
    {NULL, "numbers", "i32 i64 f32 f64 -> i32 i64 f32 f64 text", numbers},
    {NULL, "sum", "i32 i32 -> i32", sum},
    {NULL, "note", "text ->", note},
    {NULL, "check", "->", check},
    {NULL, "half", "f64 -> f64", half},
    {"my:app/things@1.0.0", "echo", "bytes -> bytes", shout},
};

static bp_host_functions *new_set(world *w)
{
    bp_host_functions *set = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_host_functions_new(&set, &error), &error);
    for (size_t i = 0; i < COUNT(definitions); i++) {
        bp_host_function function = BP_HOST_FUNCTION_INIT;
        function.module = definitions[i].module;
        function.name = definitions[i].name;
        function.signature = definitions[i].signature;
        function.call = definitions[i].call;
        function.data = w;
        function.free_data = count_free;
        assert_status(BP_OK, bp_host_function_define(set, &function, &error), &error);
    }
    return set;
}

static int set_up(void **state)
{
    world *w = *state = calloc(1, sizeof *w);
    host_open(&w->host, NULL);
    assert_int_equal(bp_cancel_new(&w->cancel, NULL), BP_OK);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.host_functions = new_set(w);
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    w->plugin = host_load(&w->host, "component/user.wat", &options);
    bp_host_functions_unref(options.host_functions);
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    host_unload(&w->host, w->plugin);
    assert_int_equal(w->freed, COUNT(definitions));
    host_close(&w->host);
    bp_cancel_free(w->cancel);
    free(w);
    return 0;
}

static bp_call_result finishes(world *w, const asked *what)
{
    bp_call_result result = run(w->plugin, what);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    return result;
}

static void ends(world *w, const asked *what, bp_outcome outcome, const char *message)
{
    bp_call_result result = run(w->plugin, what);
    assert_outcome(outcome, &result);
    assert_contains(result.message, message, "message");
    bp_call_result_done(&result);
}

static void text_and_bytes_go_both_ways(void **state)
{
    world *w = *state;
    asked what = ask_text(SHOUT, "gr\xC3\xBC\xC3\x9F");
    bp_call_result result = finishes(w, &what);
    is_text(bytes_at(&result, 0), "gr\xC3\xBC\xC3\x9F!");
    bp_call_result_done(&result);
    what = ask(ECHO);
    give(&what, 0, (bp_bytes){"\xFF\0x", 3});
    result = finishes(w, &what);
    bp_bytes got = bytes_at(&result, 0);
    assert_int_equal(got.size, 4);
    assert_memory_equal(got.data, "\xFF\0x!", 4);
    bp_call_result_done(&result);
    what = ask_text(NOTE, "remember");
    result = finishes(w, &what);
    assert_string_equal(w->noted, "remember");
    assert_int_equal(result.host_calls, 1);
    bp_call_result_done(&result);
}

static void numbers_go_both_ways(void **state)
{
    world *w = *state;
    asked what = ask(NUMBERS);
    float c = 1.5f;
    what.arguments[0] = (uint32_t)-5;
    memcpy(&what.arguments[1], &c, sizeof c);
    what.number = (uint64_t)INT64_MIN;
    what.real = -2.25;
    bp_call_result result = finishes(w, &what);
    float third;
    double fourth;
    memcpy(&third, (const char *)result.output.data + 16, sizeof third);
    memcpy(&fourth, (const char *)result.output.data + 24, sizeof fourth);
    assert_int_equal(word_at(&result, 0), 0x80000000);
    assert_int_equal((int64_t)long_at(&result, 8), -9);
    assert_true(third == 0.5f && fourth == 1e300);
    is_text(bytes_at(&result, 32), "five");
    bp_call_result_done(&result);
    what = ask(SUM);
    what.arguments[0] = 0xFFFFFFFF;
    what.arguments[1] = 3;
    result = finishes(w, &what);
    assert_int_equal(word_at(&result, 0), 2);
    bp_call_result_done(&result);
    what = ask(HALF);
    what.real = 3;
    result = finishes(w, &what);
    memcpy(&fourth, result.output.data, sizeof fourth);
    assert_true(fourth == 1.5);
    bp_call_result_done(&result);
}

static asked asking_for_user(const char *data)
{
    asked what = ask_text(GET_USER, "ada");
    what.number = 42;
    give(&what, 2, bp_bytes_of(data));
    return what;
}

static void large_bytes_go_both_ways(void **state)
{
    world *w = *state;
    w->mode = LARGE;
    asked what = asking_for_user("x");
    bp_call_result result = finishes(w, &what);
    bp_bytes got = bytes_at(&result, 4);
    assert_int_equal(got.size, ((size_t)1 << 20) + 1);
    assert_int_equal(((const char *)got.data)[got.size - 1], '!');
    bp_call_result_done(&result);
    what = ask(ECHO); /* all that the guest has, over and over */
    what.arguments[0] = 0;
    what.arguments[1] = 65536;
    w->mode = WELL;
    result = finishes(w, &what);
    assert_int_equal(bytes_at(&result, 0).size, 65537);
    bp_call_result_done(&result);
}

/* The guest's memory moves while the result is put into it. */
static void a_result_may_be_part_of_an_argument(void **state)
{
    world *w = *state;
    w->mode = PART;
    asked what = asking_for_user("first second");
    bp_call_result result = finishes(w, &what);
    assert_int_equal(byte_at(&result, 0), 0);
    is_text(bytes_at(&result, 4), "second");
    bp_call_result_done(&result);
    what = ask(ECHO);
    what.arguments[1] = 65536; /* so that it has to grow */
    result = finishes(w, &what);
    assert_int_equal(bytes_at(&result, 0).size, 32768);
    bp_call_result_done(&result);
}

static void failures_are_results_where_there_is_a_place(void **state)
{
    world *w = *state;
    static const struct {
        unsigned which;
        mode mode;
        const char *text;
    } cases[] = {{GET_USER, FAIL, "no such user: 7"},
                 {GET_USER, FAIL_SILENTLY, "not granted"},
                 {CHECK, FAIL, "no such user: 7"},
                 {THINGS_ECHO, FAIL, "no such user: 7"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        asked what = cases[i].which == GET_USER ? asking_for_user("") : ask(cases[i].which);
        w->mode = cases[i].mode;
        bp_call_result result = finishes(w, &what);
        assert_int_equal(byte_at(&result, 0), 1);
        is_text(bytes_at(&result, 4), cases[i].text);
        bp_call_result_done(&result);
    }
    w->mode = WELL;
    asked check = ask(CHECK);
    bp_call_result result = finishes(w, &check);
    assert_int_equal(byte_at(&result, 0), 0);
    bp_call_result_done(&result);
}

static void other_failures_end_the_call(void **state)
{
    world *w = *state;
    asked what = ask_text(SHOUT, "x");
    w->mode = FAIL;
    ends(w, &what, BP_OUTCOME_TRAPPED, "no such user: 7");
    w->mode = NO_TEXT;
    ends(w, &what, BP_OUTCOME_TRAPPED, "result 1: the text is not UTF-8");
    w->mode = NO_DATA;
    ends(w, &what, BP_OUTCOME_TRAPPED, "result 1: its data is NULL");
    what = asking_for_user("");
    ends(w, &what, BP_OUTCOME_TRAPPED, "result 1: its data is NULL");
}

static void what_comes_back_late_ends_the_call(void **state)
{
    world *w = *state;
    bp_call call = BP_CALL_INIT;
    asked what = asking_for_user("");
    w->mode = LATE;
    call.export_name = "handle";
    call.input = (bp_bytes){&what, offsetof(asked, data) + what.used};
    call.cancel = w->cancel;
    bp_call_result result = call_ran_with(w->plugin, &call);
    assert_outcome(BP_OUTCOME_CANCELLED, &result);
    bp_call_result_done(&result);
}

static void arguments_are_checked(void **state)
{
    world *w = *state;
    static const struct {
        unsigned which;
        uint32_t at, size;
        const char *message;
    } cases[] = {{SHOUT, 0xFFFFFFFF, 1, "out of bounds"},
                 {SHOUT, 65536, 1, "out of bounds"},
                 {ECHO, 0, 0xFFFFFFFF, "out of bounds"},
                 {NOTE, 0x80000000, 0x80000000, "out of bounds"},
                 {THINGS_ECHO, 65000, 1000, "out of bounds"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        asked what = ask(cases[i].which);
        what.arguments[0] = cases[i].at;
        what.arguments[1] = cases[i].size;
        ends(w, &what, BP_OUTCOME_TRAPPED, cases[i].message);
    }
    asked what = ask_text(SHOUT, "\xC3(");
    ends(w, &what, BP_OUTCOME_TRAPPED, "argument 1: the text is not UTF-8");
    what = asking_for_user("");
    what.arguments[0] = put(&what, "\xFF\xFF", 2);
    what.arguments[1] = 2;
    unsigned called = w->called;
    ends(w, &what, BP_OUTCOME_TRAPPED, "argument 2: the text is not UTF-8");
    assert_int_equal(w->called, called);
}

/* ---- what does not fit ---- */

static void types_that_differ_are_shown(void **state)
{
    world *w = *state;
    static const struct {
        const char *import, *message;
        bp_status status;
    } cases[] = {
        {"(export \"get-user\" (func (param \"id\" string) (result (list u8))))",
         "import 'bullpen:host/user' 'get-user' is func(id: string) -> list<u8>, but the host's is "
         "func(s64 or u64, string, list<u8>) -> list<u8>, or with '-> result<list<u8>, string>'",
         BP_EFORMAT},
        {"(export \"note\" (func (param \"text\" string) (result u32)))",
         "is func(text: string) -> u32, but the host's is func(string), or with '-> result<_, "
         "string>'",
         BP_EFORMAT},
        {"(export \"sum\" (func (param \"a\" u8) (param \"b\" s32) (result u32)))",
         "is func(a: u8, b: s32) -> u32, but the host's is func(s32 or u32, s32 or u32)",
         BP_EFORMAT},
        {"(export \"shout\" (func (param \"text\" string) (result (result string (error u32)))))",
         "is func(text: string) -> result<string, u32>", BP_EFORMAT},
        {"(export \"echo\" (func (param \"data\" (list (list u8))) (result (list u8))))",
         "is func(data: list<list<u8>>) -> list<u8>", BP_EFORMAT},
        {"(export \"numbers\" (func (param \"a\" s32) (param \"b\" u64) (param \"c\" f32) (param "
         "\"d\" f64) (result (tuple u32 s64))))",
         "-> tuple<u32, s64>, but the host's is", BP_EFORMAT},
        {"(export \"get-usr\" (func))",
         "import 'bullpen:host/user' 'get-usr': the host has no such function; the nearest it has "
         "is 'get-user'",
         BP_EDENIED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[1024];
        snprintf(text, sizeof text, "(component (import \"bullpen:host/user\" (instance %s)))",
                 cases[i].import);
        bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
        options.host_functions = new_set(w);
        bp_plugin *plugin;
        bp_error error = BP_ERROR_INIT;
        assert_status(cases[i].status, host_try_text(&w->host, text, &options, &plugin, &error),
                      &error);
        assert_contains(error.message, cases[i].message, "message");
        bp_host_functions_unref(options.host_functions);
    }
    w->freed = 0;
}

static void what_nobody_defines_is_named(void **state)
{
    world *w = *state;
    static const struct {
        const char *interface, *message;
    } cases[] = {
        {"bullpen:host/user", "this host defines no functions there"},
        {"my:app/other", "components get imports from bullpen:plugin, from WASI 0.2, and from "
                         "interfaces that the host defines"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, "(component (import \"%s\" (instance (export \"f\" (func)))))",
                 cases[i].interface);
        bp_plugin *plugin;
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_EDENIED, host_try_text(&w->host, text, NULL, &plugin, &error), &error);
        assert_contains(error.message, cases[i].message, "message");
    }
}

/* More than components pass as numbers. */
static void many_parameters_are_refused(void **state)
{
    world *w = *state;
    char text[1024] = "(component (import \"bullpen:host/user\" (instance (export \"f\" (func";
    bp_host_functions *set = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_host_functions_new(&set, &error), &error);
    bp_host_function function = BP_HOST_FUNCTION_INIT;
    function.name = "f";
    function.signature = "text text text text text text text text text ->";
    function.call = note;
    assert_status(BP_OK, bp_host_function_define(set, &function, &error), &error);
    for (int i = 0; i < 9; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "(param \"p%d\" string)", i);
    strcat(text, ")))))");
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.host_functions = set;
    bp_plugin *plugin;
    assert_status(BP_EFORMAT, host_try_text(&w->host, text, &options, &plugin, &error), &error);
    assert_contains(error.message, "more than 16 parameters as components count them", "message");
    bp_host_functions_unref(set);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        TEST(text_and_bytes_go_both_ways),
        TEST(numbers_go_both_ways),
        TEST(large_bytes_go_both_ways),
        TEST(a_result_may_be_part_of_an_argument),
        TEST(failures_are_results_where_there_is_a_place),
        TEST(other_failures_end_the_call),
        TEST(what_comes_back_late_ends_the_call),
        TEST(arguments_are_checked),
        TEST(types_that_differ_are_shown),
        TEST(what_nobody_defines_is_named),
        TEST(many_parameters_are_refused),
    };
    return cmocka_run_group_tests_name("component_user", tests, NULL, NULL);
}
