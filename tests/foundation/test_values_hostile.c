/* Components that lie about their values, types too large to be written, and limits: an error each
 * time, and never the end of the process. */
#include "components.h"

#include <time.h>

/* `give` returns its argument: of a type that takes one number that is the value, of any other the
 * address of it. At 64 stands what `words` says. */
static char *give_text(const char *declarations, const char *type, const char *words)
{
    char *text = NULL;
    assert_true(asprintf(&text,
                         "(component (core module $m " MODULE_BASICS " (data (i32.const 64) \"%s\")"
                         " (func (export \"give\") (param i32) (result i32) (local.get 0)))"
                         " (core instance $i (instantiate $m)) %s"
                         " (func (export \"give\") (param \"n\" u32) (result %s)"
                         " (canon lift (core func $i \"give\") " LIFT_OPTIONS ")))",
                         words, declarations, type) > 0);
    return text;
}

static sandbox *give_new(wasm_engine_t *engine, const char *declarations, const char *type,
                         const char *words)
{
    char *text = give_text(declarations, type, words);
    sandbox *it = sandbox_of(engine, text);
    free(text);
    return it;
}

/* The call fails with an error that has these words. Another one is harmless. */
static void assert_failed(sandbox *it, const char *name, const char *arguments, const char *words)
{
    foundation_json_result result;
    for (int i = 0; i < 2; i++) {
        wasmtime_error_t *error = call_limited(it, name, arguments, &no_limits, &result);
        assert_non_null(error);
        assert_int_equal(result.kind, FOUNDATION_JSON_FAILED);
        assert_null(result.text.data);
        char text[512];
        foundation_error_text(error, text, sizeof text);
        wasmtime_error_delete(error);
        if (i == 0 && !strstr(text, words))
            fail_msg("%s: %s", words, text);
    }
}

#define NAMED(name, type)                                                                          \
    " (type $raw-" name " " type ") (export $" name " \"" name "\" (type $raw-" name "))"
#define COLOR NAMED("color", "(enum \"red\" \"green\" \"blue\")")
#define SHAPE NAMED("shape", "(variant (case \"a\" u64) (case \"b\" string))")

static void values_that_are_none_are_errors(void **state)
{
    (void)state;
    static const struct {
        const char *declarations, *type, *words, *argument, *error;
    } cases[] = {
        {"", "char", "", "[55296]", "out of range for `char`"},
        {"", "char", "", "[1114112]", "out of range for `char`"},
        {"", "char", "", "[4294967295]", "out of range for `char`"},
        {COLOR, "$color", "", "[3]", "discriminant 3 out of range [0..3)"},
        {COLOR, "$color", "", "[4294967295]", "out of range"},
        {"", "(result)", "", "[2]", "discriminant 2 out of range [0..2)"},
        {"", "(option u8)", "\\02", "[64]", "discriminant 2 out of range"},
        {"", "(result u8 (error u8))", "\\ff", "[64]", "out of range"},
        {SHAPE, "$shape", "\\02", "[64]", "out of range"},
        {SHAPE, "$shape", "\\02", "[4294967288]", "out of bounds"},
        {"", "string", "", "[4294967292]", "out of bounds"},
        {"", "string", "", "[65]", "not aligned"},
        {"", "string", "\\00\\00\\01\\00\\01\\00\\00\\00", "[64]", "out of bounds"},
        {"", "string", "\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff", "[64]", "out of bounds"},
        {"", "string", "\\48\\00\\00\\00\\01\\00\\00\\00\\ff", "[64]", "invalid utf-8"},
        {"", "string", "\\48\\00\\00\\00\\02\\00\\00\\00\\c3\\28", "[64]", "invalid utf-8"},
        {"", "(list u8)", "\\00\\00\\01\\00\\01\\00\\00\\00", "[64]", "out of bounds"},
        {"", "(list u64)", "\\04\\00\\00\\00\\01\\00\\00\\00", "[64]", "not aligned"},
        {"", "(list u64)", "\\00\\00\\00\\00\\ff\\ff\\ff\\ff", "[64]", "out of bounds"},
        {"", "(list (list u64))",
         "\\48\\00\\00\\00\\01\\00\\00\\00\\f8\\ff\\ff\\ff\\02\\00\\00\\00", "[64]",
         "out of bounds"},
        {"", "(map string u64)", "\\00\\00\\00\\00\\ff\\ff\\ff\\ff", "[64]", "out of bounds"},
        {"", "(tuple u64 u64)", "", "[65528]", "out of bounds"},
        {"", "(list u64 9)", "", "[65480]", "out of bounds"},
    };
    wasm_engine_t *engine = maps_engine();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sandbox *it = give_new(engine, cases[i].declarations, cases[i].type, cases[i].words);
        assert_failed(it, "give", cases[i].argument, cases[i].error);
        sandbox_free(it);
    }
    wasm_engine_delete(engine);
}

static void what_is_too_much_is_cut_off(void **state)
{
    (void)state;
    /* What is beyond the flags does not count, nor which number is true. */
    static const struct {
        const char *declarations, *type, *argument, *text;
    } cases[] = {
        {"", "bool", "[255]", "true"},
        {"", "u8", "[511]", "255"},
        {"", "s16", "[65535]", "-1"},
        {NAMED("rights", "(flags \"read\" \"write\")"), "$rights", "[4294967294]", "[\"write\"]"},
    };
    wasm_engine_t *engine = plain_engine();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sandbox *it = give_new(engine, cases[i].declarations, cases[i].type, "");
        bool ok = false;
        char *text = call_json(it, "give", cases[i].argument, &ok);
        assert_string_equal(text, cases[i].text);
        free(text);
        sandbox_free(it);
    }
    wasm_engine_delete(engine);
}

/* `realloc` and `run` as they are given. */
static sandbox *run_new(wasm_engine_t *engine, const char *realloc_body, const char *run_body,
                        const char *after_body)
{
    char *text = NULL;
    assert_true(asprintf(&text,
                         "(component (core module $m (memory (export \"mem\") 1)"
                         " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) %s)"
                         " (func (export \"run\") (param i32 i32) %s)"
                         " (func (export \"after\") %s))"
                         " (core instance $i (instantiate $m))"
                         " (func (export \"run\") (param \"a\" (list u64))"
                         " (canon lift (core func $i \"run\") " LIFT_OPTIONS
                         " (post-return (core func $i \"after\")))))",
                         realloc_body, run_body, after_body) > 0);
    sandbox *it = sandbox_of(engine, text);
    free(text);
    return it;
}

static void functions_that_fail_are_errors(void **state)
{
    (void)state;
    static const struct {
        const char *realloc, *run, *after, *error;
    } cases[] = {
        {"(unreachable)", "", "", "unreachable"},
        {"(i32.const -8)", "", "", "beyond end of memory"},
        {"(i32.const 65536)", "", "", "beyond end of memory"},
        {"(i32.const 1)", "", "", "not aligned"},
        {"(i32.const 8)", "(unreachable)", "", "unreachable"},
        {"(i32.const 8)", "(drop (i64.load (i32.const -1)))", "", "out of bounds"},
        {"(i32.const 8)", "", "(unreachable)", "unreachable"},
        {"(loop $l (br $l)) (unreachable)", "", "", "interrupt"},
        {"(i32.const 8)", "(loop $l (br $l))", "", "interrupt"},
        {"(i32.const 8)", "", "(loop $l (br $l))", "interrupt"},
    };
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_epoch_interruption_set(config, true);
    wasm_engine_t *engine = engine_new(config);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sandbox *it = run_new(engine, cases[i].realloc, cases[i].run, cases[i].after);
        bool loops = strcmp(cases[i].error, "interrupt") == 0;
        /* The deadline is in the past for those that loop. */
        wasmtime_context_set_epoch_deadline(wasmtime_store_context(it->store), loops ? 0 : 1000);
        assert_failed(it, "run", "[[1]]", cases[i].error);
        sandbox_free(it);
    }
    wasm_engine_delete(engine);
}

/* ---- depth and size of types ---- */

/* `inside` in so many brackets. */
static char *nested(const char *open, unsigned depth, const char *inside, const char *close)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (unsigned i = 0; i < depth; i++)
        fputs(open, out);
    fputs(inside, out);
    for (unsigned i = 0; i < depth; i++)
        fputs(close, out);
    fclose(out);
    return text;
}

/* Lists in lists: at 64 stands a list of one element, which is at 64. */
static const char endless[] = "\\40\\00\\00\\00\\01\\00\\00\\00";

static void depth_of_values_is_bounded(void **state)
{
    (void)state;
    wasm_engine_t *engine = plain_engine();
    char *type = nested("(list ", 90, "u16", ")");
    sandbox *it = give_new(engine, "", type, endless), *back = echo_new(engine, "", type);
    /* The array of arguments and the tuple in it are two more. */
    char *deepest = nested("[", 62, "", "]"), *deeper = nested("[", 63, "", "]");
    char *text = echo(back, deepest);
    assert_string_equal(text, deepest);
    char *arguments = NULL;
    assert_true(asprintf(&arguments, "[[%s" SEVENTEEN_ZEROS "]]", deeper) > 0);
    assert_refused(back, "echo", arguments,
                   "argument 'x', element 0, element 0, …, element 0, element 0, element 0: nested "
                   "deeper than 64 levels");
    foundation_json_result result;
    assert_no_error(call_limited(it, "give", "[64]", &no_limits, &result));
    assert_int_equal(result.kind, FOUNDATION_JSON_TOO_LARGE);
    assert_string_equal(result.message, "the result is nested deeper than 64 levels");
    assert_null(result.text.data);
    free(type);
    free(deepest);
    free(deeper);
    free(text);
    free(arguments);
    sandbox_free(it);
    sandbox_free(back);
    wasm_engine_delete(engine);
}

/* Types of which each is made of the one before; the first is u8. */
static char *chain(const char *format, int count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("(type $t0 u8)", out);
    for (int i = 1; i < count; i++)
        fprintf(out, format, i, i - 1, i - 1);
    fclose(out);
    return text;
}

static bool keep(void *data, const uint8_t *bytes, size_t size)
{
    char **ret = data;
    *ret = strndup((const char *)bytes, size);
    return true;
}

static void assert_cut(const foundation_component *component, const char *reason)
{
    char *signature = NULL, *schema = NULL;
    assert_true(foundation_component_func_signature(component, "give", 4, false, keep, &signature));
    assert_true(foundation_component_func_schema(component, "give", 4, false, keep, &schema));
    assert_true(strlen(signature) < 17000 && strlen(schema) < 17000);
    assert_string_equal(signature + strlen(signature) - 3, "…");
    assert_non_null(strstr(schema, reason));
    free(signature);
    free(schema);
}

/* By the engine; what recurses over types relies on that. */
static void depth_of_types_is_bounded(void **state)
{
    (void)state;
    wasm_engine_t *engine = plain_engine();
    static const char option[] = "(type $t%d (option $t%d))";
    char *types = chain(option, 98), *deep_types = chain(option, 102);
    char *text = give_text(types, "$t97", ""), *deeper = give_text(deep_types, "$t101", "");
    sandbox *it = sandbox_of(engine, text);
    bool ok = false;
    char *value = call_json(it, "give", "[64]", &ok);
    assert_string_equal(value, "null");
    wasm_byte_vec_t binary;
    assert_no_error(wasmtime_wat2wasm(deeper, strlen(deeper), &binary));
    foundation_component *component = NULL;
    wasmtime_error_t *error =
        foundation_component_new(engine, (const uint8_t *)binary.data, binary.size, &component);
    assert_non_null(error);
    wasmtime_error_delete(error);
    wasm_byte_vec_delete(&binary);
    sandbox_free(it);
    free(value);
    free(types);
    free(deep_types);
    free(text);
    free(deeper);
    wasm_engine_delete(engine);
}

/* Each type is twice in the next one: written out the last has more than half a million. */
static void size_of_types_is_bounded(void **state)
{
    (void)state;
    wasm_engine_t *engine = plain_engine();
    char *types = chain("(type $t%d (list (tuple $t%d $t%d)))", 18);
    char *text = give_text(types, "$t17", "");
    foundation_component *component = component_new(engine, text);
    assert_cut(component, "\"the type of the result has more than 8192 types, fields and cases\"");
    sandbox *it = sandbox_new(engine, component);
    assert_refused(it, "give", "[64]",
                   "not to be called with JSON: the type of the result has more than 8192 types, "
                   "fields and cases");
    sandbox_free(it);
    foundation_component_delete(component);
    free(types);
    free(text);
    wasm_engine_delete(engine);
}

/* ---- limits ---- */

static void assert_limited(sandbox *it, const char *name, const char *arguments,
                           foundation_json_limits limits, foundation_json_kind kind,
                           const char *message)
{
    foundation_json_result result;
    assert_no_error(call_limited(it, name, arguments, &limits, &result));
    if (result.kind != kind)
        fail_msg("%s: kind %d: %s", arguments, result.kind, result.message);
    assert_string_equal(result.message, message);
    foundation_bytes_free(&result.text);
}

static void limits_are_kept(void **state)
{
    (void)state;
    wasm_engine_t *engine = plain_engine();
    sandbox *it = give_new(engine, "", "(list u16)", "\\00\\04\\00\\00\\64\\00\\00\\00");
    /* A hundred values of 40 bytes, "0," each. */
    assert_limited(it, "give", "[64]", (foundation_json_limits){0, 4000, 201},
                   FOUNDATION_JSON_FINISHED, "");
    assert_limited(it, "give", "[64]", (foundation_json_limits){0, 4000, 200},
                   FOUNDATION_JSON_TOO_LARGE,
                   "the result is longer than 200 bytes as JSON; raise the limit or return less");
    assert_limited(
        it, "give", "[64]", (foundation_json_limits){0, 3999, 201}, FOUNDATION_JSON_TOO_LARGE,
        "the result takes more than 3999 bytes of memory; raise the limit or return less");
    sandbox_free(it);
    it = run_new(engine, "(i32.const 8)", "", "");
    assert_limited(it, "run", "[[1,2,3]]", (foundation_json_limits){240, 0, 4},
                   FOUNDATION_JSON_FINISHED, "");
    assert_limited(it, "run", "[[1,2,3]]", (foundation_json_limits){239, 0, 4},
                   FOUNDATION_JSON_REFUSED,
                   "argument 'a': the arguments take more than 239 bytes of memory");
    sandbox_free(it);
    wasm_engine_delete(engine);
}

/* The limit of one call is not that of the next, which may be another way. */
static void a_limit_is_for_one_call(void **state)
{
    (void)state;
    static const char wat[] =
        "(component (core module $m " MODULE_BASICS
        " (func (export \"same\") (param i32 i32) (result i32)"
        "  (i32.store (i32.const 68) (local.get 0)) (i32.store (i32.const 72) (local.get 1))"
        "  (i32.const 64)))"
        " (core instance $i (instantiate $m))"
        " (func (export \"same\") (param \"a\" (list u8)) (result (result (list u8) (error "
        "string)))"
        "  (canon lift (core func $i \"same\") " LIFT_OPTIONS ")))";
    wasm_engine_t *engine = plain_engine();
    sandbox *it = sandbox_of(engine, wat);
    wasmtime_context_t *context = wasmtime_store_context(it->store);
    foundation_component_lift_limit_set(context, 3);
    bool ok = false;
    char *text = call_json(it, "same", "[[1,2,3,4,5,6]]", &ok);
    assert_string_equal(text, "{\"base64\":\"AQIDBAUG\"}");
    free(text);
    foundation_component_func same;
    assert_true(foundation_component_get_func(context, &it->instance, "same", 4,
                                              FOUNDATION_SHAPE_BYTES, &same));
    foundation_bytes bytes;
    assert_no_error(foundation_component_call(context, &same, FOUNDATION_SHAPE_BYTES,
                                              (const uint8_t *)"abc", 3, &bytes, &ok));
    foundation_bytes_free(&bytes);
    wasmtime_error_t *error = foundation_component_call(context, &same, FOUNDATION_SHAPE_BYTES,
                                                        (const uint8_t *)"abcd", 4, &bytes, &ok);
    assert_non_null(error);
    wasmtime_error_delete(error);
    sandbox_free(it);
    wasm_engine_delete(engine);
}

/* What JSON has no form for is refused before the guest is entered: this one would trap. */
static void resources_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *arguments, *message;
    } cases[] = {
        {"take", "[7]", "the type of parameter 'door' has a resource (own)"},
        {"look", "{\"doors\":[]}", "the type of parameter 'doors' has a resource (borrow)"},
        {"make", "[]", "the type of the result has a resource (own)"},
    };
    static const char wat[] =
        "(component (type $raw-door (resource (rep i32)))"
        " (core module $m (memory (export \"mem\") 1)"
        "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (unreachable))"
        "  (func (export \"take\") (param i32) (unreachable))"
        "  (func (export \"look\") (param i32 i32) (unreachable))"
        "  (func (export \"make\") (result i32) (unreachable)))"
        " (core instance $i (instantiate $m))"
        " (export $door \"door\" (type $raw-door))"
        " (func (export \"take\") (param \"door\" (own $door))"
        "  (canon lift (core func $i \"take\")))"
        " (func (export \"look\") (param \"doors\" (list (option (borrow $door))))"
        "  (canon lift (core func $i \"look\") " LIFT_OPTIONS "))"
        " (func (export \"make\") (result (own $door)) (canon lift (core func $i \"make\"))))";
    wasm_engine_t *engine = plain_engine();
    sandbox *it = sandbox_of(engine, wat);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char message[256];
        snprintf(message, sizeof message,
                 "not to be called with JSON: %s, for which JSON has no form", cases[i].message);
        assert_refused(it, cases[i].name, cases[i].arguments, message);
    }
    sandbox_free(it);
    wasm_engine_delete(engine);
}

/* ---- what looking for names takes ---- */

#define CASES 4000
#define VALUES 20000

/* `many` gives its list back, whose items are of a type with that many cases. */
static char *many_cases_text(const char *kind, const char *each)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    fprintf(to,
            "(component (core module $m " MODULE_BASICS
            " (func (export \"many\") (param i32 i32) (result i32)"
            " (i32.store (i32.const 64) (local.get 0)) (i32.store (i32.const 68) (local.get 1))"
            " (i32.const 64)))"
            " (core instance $i (instantiate $m)) (type $raw (%s",
            kind);
    for (int i = 0; i < CASES; i++)
        fprintf(to, each, i);
    fprintf(to,
            ")) (export $t \"t\" (type $raw)) (func (export \"many\") (param \"list\" (list $t))"
            " (result (list $t)) (canon lift (core func $i \"many\") " LIFT_OPTIONS ")))");
    assert_int_equal(fclose(to), 0);
    return text;
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What it costs to take and give as many values, all of this case. */
static uint64_t cost_of_case(sandbox *it, int number)
{
    char *arguments = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&arguments, &size);
    assert_non_null(to);
    for (int i = 0; i < VALUES; i++)
        fprintf(to, "%s\"c%d\"", i ? "," : "[[", number);
    fprintf(to, "]]");
    assert_int_equal(fclose(to), 0);
    foundation_json_result result;
    uint64_t begun = cpu_ns();
    assert_no_error(call_limited(it, "many", arguments, &no_limits, &result));
    uint64_t took = cpu_ns() - begun;
    assert_int_equal(result.kind, FOUNDATION_JSON_FINISHED);
    assert_int_equal(result.text.size, size - 2);
    assert_memory_equal(result.text.data, arguments + 1, size - 2);
    foundation_bytes_free(&result.text);
    free(arguments);
    return took;
}

/* Nothing ends that but its own end: the last of all cases must not cost what all of them do. (It
 * did: hundreds of times what the first one costs.) */
static void any_case_is_found_as_quickly(void **state)
{
    (void)state;
    static const char *const types[][2] = {{"variant", " (case \"c%d\")"}, {"enum", " \"c%d\""}};
    wasm_engine_t *engine = maps_engine();
    for (size_t i = 0; i < 2; i++) {
        char *text = many_cases_text(types[i][0], types[i][1]);
        sandbox *it = sandbox_of(engine, text);
        free(text);
        uint64_t first = cost_of_case(it, 0), last = cost_of_case(it, CASES - 1);
        if (last > 20 * first)
            fail_msg("%s: %u us, and not about %u", types[i][0], (unsigned)(last / 1000),
                     (unsigned)(first / 1000));
        sandbox_free(it);
    }
    wasm_engine_delete(engine);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_are_none_are_errors),
        cmocka_unit_test(what_is_too_much_is_cut_off),
        cmocka_unit_test(functions_that_fail_are_errors),
        cmocka_unit_test(depth_of_values_is_bounded),
        cmocka_unit_test(depth_of_types_is_bounded),
        cmocka_unit_test(size_of_types_is_bounded),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(a_limit_is_for_one_call),
        cmocka_unit_test(resources_are_refused),
        cmocka_unit_test(any_case_is_found_as_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
