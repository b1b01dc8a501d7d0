/* What components are, what is written above their exports, and what they say of themselves.
 * SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/inspect.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/folder.h"
#include "support/host.h"
#include "support/signals.h"

typedef struct world {
    host host;
    char folder[FOLDER_PATH_MAX];
} world;

static int open_world(void **state)
{
    static world self;
    self = (world){.folder = ""};
    host_open(&self.host, NULL);
    folder_make(self.folder);
    *state = &self;
    return 0;
}

static int close_world(void **state)
{
    world *self = *state;
    folder_remove(self->folder);
    host_close(&self->host);
    return 0;
}

static bp_inspection *inspect(world *self, const char *path)
{
    bp_inspection *inspection = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_inspect_file(self->host.runtime, path, &inspection, &error), &error);
    return inspection;
}

static bp_inspection *inspect_text(world *self, const char *text)
{
    char path[FOLDER_PATH_MAX];
    folder_path(self->folder, "plugin.wat", path);
    folder_write(path, text, strlen(text));
    return inspect(self, path);
}

/* The index of an export. */
static size_t export_at(const bp_inspection *inspection, const char *name)
{
    const bp_export_info *exports;
    size_t count = bp_inspection_exports(inspection, &exports);
    for (size_t i = 0; i < count; i++)
        if (strcmp(exports[i].name, name) == 0)
            return i;
    fail_msg("no export '%s'", name);
    return 0;
}

static bool is_callable(const bp_inspection *inspection, const char *name)
{
    const bp_export_info *exports;
    bp_inspection_exports(inspection, &exports);
    return exports[export_at(inspection, name)].callable;
}

static void has_docs(const bp_inspection *inspection, const char *export, const char *expected)
{
    const char *docs = bp_inspection_export_docs(inspection, export_at(inspection, export));
    if (!expected)
        assert_null(docs);
    else
        assert_true(docs && strcmp(docs, expected) == 0);
}

/* ---- imports and exports ---- */

static void imports_say_what_they_need(void **state)
{
    static const struct {
        const char *interface, *needs;
    } expected[] = {
        {"wasi:io/poll@0.2.9", "nothing"},      {"wasi:cli/environment@0.2.0", "env"},
        {"wasi:cli/exit@0.2.0", "nothing"},     {"wasi:clocks/wall-clock@0.2.3", "clock"},
        {"wasi:random/random@0.2.0", "random"}, {"wasi:filesystem/types@0.2.0", "files"},
        {"wasi:http/types@0.2.0", "?"},         {"wasi:clocks/system-clock@0.3.0", "?"},
        {"wasi:random/insecure", "?"},          {"bullpen:plugin/kv@0.1.0", "kv"},
        {"bullpen:plugin/http@0.1.0", "http"},  {"bullpen:plugin/log@0.1.0", "nothing"},
        {"bullpen:host/user", "host function"}, {"local:other/api@1.0.0", "?"},
    };
    char text[4096] = "(component";
    for (size_t i = 0; i < COUNT(expected); i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "(import \"%s\" (instance (export \"f\" (func (param \"n\" u32)))))",
                 expected[i].interface);
    strcat(text, "(import \"alone\" (func)))");
    bp_inspection *inspection = inspect_text(*state, text);
    const bp_import_info *imports;
    assert_int_equal(bp_inspection_imports(inspection, &imports), 2 * COUNT(expected) + 1);
    for (size_t i = 0; i < COUNT(expected); i++) {
        const bp_import_info *interface = &imports[2 * i], *function = interface + 1;
        assert_string_equal(interface->module, "");
        assert_string_equal(interface->name, expected[i].interface);
        assert_string_equal(interface->type, "interface");
        assert_string_equal(interface->needs, expected[i].needs);
        assert_string_equal(function->module, expected[i].interface);
        assert_string_equal(function->name, "f");
        assert_string_equal(function->type, "func(n: u32)");
        assert_string_equal(function->needs, expected[i].needs);
    }
    assert_string_equal(imports[2 * COUNT(expected)].module, "");
    assert_string_equal(imports[2 * COUNT(expected)].needs, "?");
    bp_inspection_free(inspection);
}

#define CORE                                                                                       \
    "(core module $m (memory (export \"memory\") 2)"                                               \
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 4096))"           \
    " (func (export \"f\")) (func (export \"g\") (result i32) (i32.const 0))"                      \
    " (func (export \"h\") (param i32)))"                                                          \
    "(core instance $i (instantiate $m))"                                                          \
    "(alias core export $i \"memory\" (core memory $memory))"                                      \
    "(alias core export $i \"realloc\" (core func $realloc))"

static void what_can_never_be_called_is_not_callable(void **state)
{
    bp_inspection *inspection =
        inspect_text(*state, "(component " CORE "(func $f (canon lift (core func $i \"f\")))"
                             "(type $r (resource (rep i32))) (export $r2 \"r\" (type $r))"
                             "(func $h (param \"it\" (own $r)) (canon lift (core func $i \"h\")))"
                             "(export \"f\" (func $f))"
                             "(export \"take\" (func $h) (func (param \"it\" (own $r2))))"
                             "(export \"function-comment\" (func $f)) (export \"init\" (func $f))"
                             "(instance $api (export \"function-comment\" (func $f)))"
                             "(export \"local:demo/api@1.0.0\" (instance $api)))");
    assert_string_equal(bp_inspection_abi(inspection), "component");
    assert_null(bp_inspection_remark(inspection));
    assert_true(is_callable(inspection, "f"));
    assert_true(is_callable(inspection, "local:demo/api@1.0.0#function-comment"));
    assert_false(is_callable(inspection, "take"));
    assert_false(is_callable(inspection, "function-comment"));
    assert_false(is_callable(inspection, "init"));
    assert_false(is_callable(inspection, "local:demo/api@1.0.0"));
    bp_inspection_free(inspection);
}

static void who_answers_http_is_named(void **state)
{
    static const char handler[] =
        "(component " CORE "(type $r (resource (rep i32)))"
        "(component $c (import \"r\" (type $r (sub resource))) (export $r2 \"request\" (type $r))"
        " (import \"h\" (func $h (param \"it\" (own $r))))"
        " (export \"handle\" (func $h) (func (param \"it\" (own $r2)))))"
        "(func $h (param \"it\" (own $r)) (canon lift (core func $i \"h\")))"
        "(instance $api (instantiate $c (with \"r\" (type $r)) (with \"h\" (func $h))))"
        "(export \"wasi:http/incoming-handler@0.2.3\" (instance $api)))";
    bp_inspection *inspection = inspect_text(*state, handler);
    assert_string_equal(bp_inspection_kind(inspection), "component");
    assert_string_equal(bp_inspection_remark(inspection), "http handler: not served yet");
    bp_inspection_free(inspection);
}

static void a_manifest_says_what_it_is(void **state)
{
    world *self = *state;
    static const char code[] = "(module (func (export \"_start\")) (func (export \"other\")))";
    char path[FOLDER_PATH_MAX], manifest[256];
    folder_path(self->folder, "code.wat", path);
    folder_write(path, code, strlen(code));
    for (int i = 0; i < 2; i++) {
        const char *abi = i ? "command" : "extism";
        int size = snprintf(manifest, sizeof manifest,
                            "{\"name\":\"a\",\"version\":\"1.0.0\",\"entry\":\"code.wat\","
                            "\"abi\":\"%s\"}",
                            abi);
        folder_path(self->folder, "manifest.json", path);
        folder_write(path, manifest, (size_t)size);
        bp_inspection *inspection = inspect(self, path);
        assert_string_equal(bp_inspection_abi(inspection), abi);
        assert_true(is_callable(inspection, "_start"));
        assert_int_equal(is_callable(inspection, "other"), i == 0);
        bp_inspection_free(inspection);
    }
}

static char *repeated(char what, size_t count)
{
    char *made = malloc(count + 1);
    assert_non_null(made);
    memset(made, what, count);
    made[count] = '\0';
    return made;
}

/* Each function's type takes kilobytes to write out, and there are thousands. */
static void types_that_explode_have_an_end(void **state)
{
    enum { NAME = 20000, FUNCTIONS = 4000, ROOM = FUNCTIONS * 64 + NAME + 8192 };
    char *text = malloc(ROOM), *name = repeated('x', NAME);
    assert_non_null(text);
    int size = snprintf(text, ROOM,
                        "(component " CORE "(func $f (param \"%s\" u32)"
                        " (canon lift (core func $i \"h\")))",
                        name);
    for (int i = 0; i < FUNCTIONS; i++)
        size += snprintf(text + size, ROOM - (size_t)size, "(export \"f%d\" (func $f))", i);
    snprintf(text + size, ROOM - (size_t)size, ")");
    bp_inspection *inspection = inspect_text(*state, text);
    const bp_export_info *exports;
    size_t total = 0;
    assert_int_equal(bp_inspection_exports(inspection, &exports), FUNCTIONS);
    for (size_t i = 0; i < FUNCTIONS; i++)
        total += strlen(exports[i].type);
    assert_in_range(strlen(exports[0].type), 16000, 17000);
    assert_true(total < (size_t)5 << 20);
    assert_string_equal(exports[FUNCTIONS - 1].type, "func(…)");
    bp_inspection_free(inspection);
    free(name);
    free(text);
}

/* ---- comments ---- */

#define COMMENTED(sections)                                                                        \
    "(component " sections CORE "(func $f (canon lift (core func $i \"f\")))"                      \
    "(export \"f\" (func $f)) (instance $api (export \"f\" (func $f)))"                            \
    "(export \"local:demo/api@1.0.0\" (instance $api)) (export \"inner\" (instance $api)))"
#define SECTION(name, text) "(@custom \"" name "\" \"" text "\")"

static void comments_are_found(void **state)
{
    bp_inspection *inspection = inspect_text(
        *state,
        COMMENTED(SECTION("package-docs",
                          "\\01{\\\"worlds\\\":{\\\"root\\\":{\\\"docs\\\":\\\"A world.\\\","
                          "\\\"funcs\\\":{\\\"f\\\":{\\\"docs\\\":\\\"One.\\\"}},"
                          "\\\"interfaces\\\":{\\\"inner\\\":{\\\"docs\\\":\\\"Inside.\\\","
                          "\\\"funcs\\\":{\\\"f\\\":\\\"Three.\\\"}}}}}}")
                      SECTION("package-docs:local:demo@1.0.0",
                              "\\01{\\\"interfaces\\\":{\\\"api\\\":{\\\"docs\\\":\\\"An "
                              "interface.\\\",\\\"funcs\\\":{\\\"f\\\":{\\\"docs\\\":\\\"Two."
                              "\\\"}}}}}")));
    assert_string_equal(bp_inspection_docs(inspection), "A world.");
    has_docs(inspection, "f", "One.");
    has_docs(inspection, "local:demo/api@1.0.0", "An interface.");
    has_docs(inspection, "local:demo/api@1.0.0#f", "Two.");
    has_docs(inspection, "inner", "Inside.");
    has_docs(inspection, "inner#f", "Three.");
    assert_null(bp_inspection_export_docs(inspection, SIZE_MAX));
    bp_inspection_free(inspection);
}

static void what_is_exported_comes_before_what_is_imported(void **state)
{
    bp_inspection *inspection = inspect_text(
        *state, COMMENTED(SECTION("package-docs",
                                  "\\01{\\\"worlds\\\":{\\\"other\\\":{\\\"funcs\\\":{\\\"f\\\":{"
                                  "\\\"docs\\\":\\\"In.\\\"}},\\\"func_exports\\\":{\\\"f\\\":{"
                                  "\\\"docs\\\":\\\"Out.\\\"}}}}}")));
    has_docs(inspection, "f", "Out.");
    bp_inspection_free(inspection);
}

static void comments_that_are_none_harm_nobody(void **state)
{
    static const char *const texts[] = {
        COMMENTED(SECTION("package-docs", "")),
        COMMENTED(SECTION("package-docs", "\\01")),
        COMMENTED(SECTION("package-docs", "\\01{")),
        COMMENTED(SECTION("package-docs", "\\07{\\\"worlds\\\":{}}")),
        COMMENTED(SECTION("package-docs", "\\01[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]")),
        COMMENTED(SECTION("package-docs", "\\01{\\\"worlds\\\":[]}")),
        COMMENTED(SECTION("package-docs", "\\01{\\\"worlds\\\":{\\\"root\\\":7}}")),
        COMMENTED(SECTION("package-docs", "\\01{\\\"worlds\\\":{\\\"root\\\":{\\\"funcs\\\":7}}}")),
        COMMENTED(SECTION("package-docs",
                          "\\01{\\\"worlds\\\":{\\\"root\\\":{\\\"funcs\\\":{\\\"f\\\":7}}}}")),
        COMMENTED(SECTION("package-docs", "\\01{\\\"worlds\\\":{\\\"root\\\":{\\\"funcs\\\":{"
                                          "\\\"f\\\":{\\\"docs\\\":\\\"a\\\\u0000b\\\"}}}}}")),
        COMMENTED(SECTION("package-docsx", "\\01{}")),
        COMMENTED(SECTION("package-docs:", "\\01{}")),
        COMMENTED(SECTION("package-docs:local:demo@1.0.0", "\\01{\\\"interfaces\\\":7}")),
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        bp_inspection *inspection = inspect_text(*state, texts[i]);
        assert_null(bp_inspection_docs(inspection));
        has_docs(inspection, "f", NULL);
        has_docs(inspection, "local:demo/api@1.0.0#f", NULL);
        bp_inspection_free(inspection);
    }
}

static void print_to(char **at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    free(*at);
    assert_true(vasprintf(at, format, arguments) >= 0);
    va_end(arguments);
}

static void long_comments_are_cut(void **state)
{
    static const size_t sizes[] = {4096, 4097, 900000, 1100000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *words = repeated('x', sizes[i]), *text = NULL;
        print_to(&text,
                 COMMENTED("(@custom \"package-docs\" "
                           "\"\\01{\\\"worlds\\\":{\\\"root\\\":{\\\"funcs\\\":{\\\"f\\\":"
                           "{\\\"docs\\\":\\\"%s\\\"}}}}}\")"),
                 words);
        bp_inspection *inspection = inspect_text(*state, text);
        const char *docs = bp_inspection_export_docs(inspection, export_at(inspection, "f"));
        if (i == 3)
            assert_null(docs); /* a section of more than 1 MiB is not looked at */
        else
            assert_int_equal(strlen(docs), 4096 + (i ? strlen("…") : 0));
        bp_inspection_free(inspection);
        free(words);
        free(text);
    }
}

/* ---- what it says of itself ---- */

static json_t *described(bp_inspection *inspection, uint32_t timeout_ms)
{
    const char *text = NULL;
    bp_error error = BP_ERROR_INIT;
    signals_take();
    assert_status(BP_OK, bp_inspection_describe(inspection, timeout_ms, &text, &error), &error);
    json_t *answer = json_loads(text, 0, NULL);
    assert_non_null(answer);
    return answer;
}

static void a_component_tells_what_it_offers(void **state)
{
    char path[GUEST_PATH_MAX];
    bp_inspection *inspection = inspect(*state, guest_path("component/describe.wat", path));
    assert_false(is_callable(inspection, "list-functions"));
    assert_true(is_callable(inspection, "add"));
    json_t *answer = described(inspection, 60000);
    json_t *expected = json_loads(
        "{\"functions\":["
        "{\"name\":\"add\",\"doc\":\"Adds two numbers.\\nThey may be negative.\","
        "\"writeable\":false,\"arguments\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
        "\"result\":\"a number\"},"
        "{\"name\":\"set\",\"writeable\":true,"
        "\"arguments\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
        "\"result\":\"a number\"},"
        "{\"name\":null,\"writeable\":true,"
        "\"arguments\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
        "\"result\":\"a number\"}],\"warnings\":[]}",
        0, NULL);
    assert_true(json_equal(answer, expected));
    json_decref(expected);
    json_decref(answer);
    bp_inspection_free(inspection);
}

static void who_tells_nothing_is_not_run(void **state)
{
    bp_inspection *inspection =
        inspect_text(*state, "(component (core module $m (func $s unreachable) (start $s))"
                             "(core instance (instantiate $m)))");
    json_t *answer = described(inspection, 0);
    assert_int_equal(json_array_size(json_object_get(answer, "functions")), 0);
    assert_int_equal(json_array_size(json_object_get(answer, "warnings")), 0);
    json_decref(answer);
    assert_int_equal(bp_inspection_describe(inspection, 0, NULL, NULL), BP_EINVAL);
    assert_int_equal(bp_inspection_describe(NULL, 0, NULL, NULL), BP_EINVAL);
    bp_inspection_free(inspection);
}

static void what_cannot_be_called_by_name(void **state)
{
    world *self = *state;
    bp_plugin *plugin = host_load(&self->host, "component/describe.wat", NULL);
    bp_call call = BP_CALL_INIT;
    call.export_name = "function-args";
    call_refused(plugin, &call, BP_EFORMAT, "tells what the plugin offers");
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_int_equal(info.export_count, 2);
    host_unload(&self->host, plugin);
}

/* `more` is core code and data; `list` answers the names, `tell` is what is asked of each. */
#define HOSTILE(more, list, list_type, tell, tell_name, tell_type)                                 \
    "(component (core module $m (memory (export \"memory\") 2)"                                    \
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 65536))" more     \
    " (func (export \"list\") (result i32) " list ")"                                              \
    " (func (export \"tell\") (param i32 i32) (result i32) " tell "))"                             \
    "(core instance $i (instantiate $m))"                                                          \
    "(alias core export $i \"memory\" (core memory $memory))"                                      \
    "(alias core export $i \"realloc\" (core func $realloc))"                                      \
    "(func (export \"list-functions\") (result " list_type ") (canon lift (core func $i \"list\")" \
    " (memory $memory) (realloc $realloc)))"                                                       \
    "(func (export \"" tell_name "\") (param \"name\" string) (result " tell_type ")"              \
    " (canon lift (core func $i \"tell\") (memory $memory) (realloc $realloc))))"
/* One name, "a". */
#define NAMES                                                                                      \
    " (data (i32.const 16) \"\\20\\00\\00\\00\\01\\00\\00\\00\")"                                  \
    " (data (i32.const 32) \"\\40\\00\\00\\00\\01\\00\\00\\00\")"                                  \
    " (data (i32.const 64) \"a\")"
#define LISTS(names)                                                                               \
    HOSTILE(names, "(i32.const 16)", "(list string)", "unreachable", "unused", "string")
#define FAILS(list) HOSTILE("", list, "(list string)", "unreachable", "unused", "string")
#define TELLS(more, tell, name, type)                                                              \
    HOSTILE(NAMES more, "(i32.const 16)", "(list string)", tell, name, type)
#define AT(size)                                                                                   \
    "(i32.store (i32.const 8) (i32.const 1024)) (i32.store (i32.const 12) (i32.const " size        \
    ")) (i32.const 8)"

typedef struct hostile_case {
    const char *text, *warning; /* NULL: none */
    size_t functions;
    const char *field; /* that the first function has, or NULL */
} hostile_case;

static const hostile_case hostile[] = {
    {FAILS("(loop (br 0)) (i32.const 0)"), "timed_out", 0, NULL},
    {FAILS("unreachable"), "trapped", 0, NULL},
    {FAILS("(i32.const -8)"), "'list-functions'", 0, NULL}, /* points to nowhere */
    {FAILS("(i32.store (i32.const 20) (i32.const -1)) (i32.const 16)"), "'list-functions'", 0,
     NULL},
    {HOSTILE("", "(i32.const 7)", "u32", "unreachable", "unused", "string"), "no list of names", 0,
     NULL},
    {HOSTILE("",
             "(i32.store8 (i32.const 16) (i32.const 1)) (i32.store (i32.const 24) (i32.const 0)) "
             "(i32.const 16)",
             "(result (list string) (error string))", "unreachable", "unused", "string"),
     "answered an error", 0, NULL},
    /* 10000 empty names; three that are the same; one that has a NUL; one of 64 KiB. */
    {FAILS("(i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const "
           "10000)) (i32.const 16)"),
     "10000 names that are empty", 0, NULL},
    {LISTS(" (data (i32.const 16) \"\\20\\00\\00\\00\\03\\00\\00\\00\")"
           " (data (i32.const 32) "
           "\"\\40\\00\\00\\00\\01\\00\\00\\00\\40\\00\\00\\00\\01\\00\\00\\00\\40\\00\\00\\00\\01"
           "\\00\\00\\00\")"
           " (data (i32.const 64) \"a\")"),
     "2 names", 1, NULL},
    {LISTS(" (data (i32.const 16) \"\\20\\00\\00\\00\\01\\00\\00\\00\")"
           " (data (i32.const 32) \"\\40\\00\\00\\00\\01\\00\\00\\00\")"),
     "cannot be kept as JSON", 0, NULL},
    {LISTS(" (data (i32.const 16) \"\\20\\00\\00\\00\\01\\00\\00\\00\")"
           " (data (i32.const 32) \"\\40\\00\\00\\00\\00\\00\\01\\00\")"),
     "'list-functions' failed", 0, NULL},
    {TELLS("", "(loop (br 0)) (i32.const 0)", "function-comment", "string"),
     "'function-comment' of 'a' failed: timed_out", 1, NULL},
    {TELLS("", "unreachable", "function-args", "string"), "'function-args' of 'a' failed: trapped",
     1, NULL},
    {TELLS("", "(i32.const 1)", "function-comment", "bool"), "answered no text", 1, NULL},
    {TELLS("", AT("3"), "function-writeable", "(list u8)"), "neither true nor false", 1, NULL},
    {TELLS(" (data (i32.const 1024) \"\\ff\\fe\\fd\")", AT("3"), "function-args", "(list u8)"),
     "no text", 1, NULL},
    {TELLS(" (data (i32.const 1024) \"[[1]\")", AT("4"), "function-args", "(list u8)"), NULL, 1,
     "arguments"},
    {TELLS(" (data (i32.const 1024) \"[[1]]\")", AT("5"), "function-returns", "string"), NULL, 1,
     "result"},
    {TELLS("", AT("70000"), "function-comment", "string"), "'function-comment' of 'a' failed", 1,
     NULL},
    {TELLS(" (start $s) (func $s unreachable)", AT("1"), "function-comment", "string"),
     "'list-functions'", 0, NULL},
    {"(component (import \"local:other/api@1.0.0\" (instance (export \"f\" (func))))" CORE
     "(func (export \"list-functions\") (canon lift (core func $i \"f\"))))",
     "it could not be asked: ", 0, NULL},
    {"(component (import \"bullpen:host/user\" (instance (export \"f\" (func))))" CORE
     "(func (export \"list-functions\") (canon lift (core func $i \"f\"))))",
     "it could not be asked: ", 0, NULL},
    {"(component " CORE
     "(func (export \"list-functions\") (param \"a\" u32) (canon lift (core func $i \"h\"))))",
     "'list-functions'", 0, NULL},
};

static void hostile_answers_are_warnings(void **state)
{
    for (size_t i = 0; i < COUNT(hostile); i++) {
        bp_inspection *inspection = inspect_text(*state, hostile[i].text);
        json_t *answer = described(inspection, 60000);
        json_t *functions = json_object_get(answer, "functions");
        json_t *warnings = json_object_get(answer, "warnings");
        const char *warning = json_string_value(json_array_get(warnings, 0));
        if (!hostile[i].warning != !warning || (warning && !strstr(warning, hostile[i].warning)))
            fail_msg("case %zu: '%s', not '%s'", i, warning ? warning : "",
                     hostile[i].warning ? hostile[i].warning : "");
        if (json_array_size(functions) != hostile[i].functions)
            fail_msg("case %zu: %zu functions", i, json_array_size(functions));
        if (hostile[i].field)
            assert_non_null(json_object_get(json_array_get(functions, 0), hostile[i].field));
        json_decref(answer);
        bp_inspection_free(inspection);
    }
}

static void a_long_comment_of_the_guest_is_cut(void **state)
{
    bp_inspection *inspection = inspect_text(
        *state,
        TELLS("", "(memory.fill (i32.const 1024) (i32.const 120) (i32.const 9000)) " AT("9000"),
              "function-comment", "string"));
    json_t *answer = described(inspection, 60000);
    json_t *function = json_array_get(json_object_get(answer, "functions"), 0);
    assert_int_equal(json_string_length(json_object_get(function, "doc")), 4096);
    json_decref(answer);
    bp_inspection_free(inspection);
}

/* A deadline for all of them, whatever each does. */
static void questions_have_an_end(void **state)
{
    bp_inspection *inspection =
        inspect_text(*state, HOSTILE("",
                                     "(i32.store (i32.const 16) (i32.const 1024)) (i32.store "
                                     "(i32.const 20) (i32.const 1)) (loop (br 0)) (i32.const 16)",
                                     "(list string)", "unreachable", "unused", "string"));
    json_t *answer = described(inspection, 1);
    assert_true(json_array_size(json_object_get(answer, "warnings")) >= 1);
    json_decref(answer);
    bp_inspection_free(inspection);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        TEST(imports_say_what_they_need),
        TEST(what_can_never_be_called_is_not_callable),
        TEST(who_answers_http_is_named),
        TEST(a_manifest_says_what_it_is),
        TEST(types_that_explode_have_an_end),
        TEST(comments_are_found),
        TEST(what_is_exported_comes_before_what_is_imported),
        TEST(comments_that_are_none_harm_nobody),
        TEST(long_comments_are_cut),
        TEST(a_component_tells_what_it_offers),
        TEST(who_tells_nothing_is_not_run),
        TEST(what_cannot_be_called_by_name),
        TEST(hostile_answers_are_warnings),
        TEST(a_long_comment_of_the_guest_is_cut),
        TEST(questions_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
