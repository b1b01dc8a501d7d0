/* Components from core modules, bindings for C, and what is none. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

static const char bytes_world[] = "package local:test;\n"
                                  "/// A world.\n"
                                  "world plugin {\n"
                                  "    /// Turns bytes into bytes.\n"
                                  "    export handle: func(input: list<u8>) -> list<u8>;\n"
                                  "}\n";
/* Answers what it got. */
static const char bytes_module[] =
    "(module (memory (export \"memory\") 1) (global $end (mut i32) (i32.const 1024))\n"
    "  (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32)\n"
    "    global.get $end\n"
    "    (global.set $end (i32.add (global.get $end) (local.get 3))))\n"
    "  (func (export \"handle\") (param i32 i32) (result i32)\n"
    "    (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1))\n"
    "    i32.const 0))";

/* ---- what is made ---- */

/* What was made, with the names of files one behind the other. */
typedef struct product {
    char names[256];
    uint8_t *bytes;
    size_t size;
    bool refuse;
} product;

static bool take(void *data, const uint8_t *bytes, size_t size)
{
    product *self = data;
    free(self->bytes);
    self->bytes = malloc(size + 1);
    assert_non_null(self->bytes);
    memcpy(self->bytes, bytes, size);
    self->bytes[size] = 0;
    self->size = size;
    return !self->refuse;
}

static bool take_file(void *data, const char *name, const uint8_t *bytes, size_t size)
{
    product *self = data;
    strcat(self->names, name);
    strcat(self->names, " ");
    return take(data, bytes, size);
}

static foundation_wit_file file_of(const char *name, const char *text)
{
    return (foundation_wit_file){name, (const uint8_t *)text, strlen(text)};
}

static wasm_byte_vec_t binary_of(const char *wat)
{
    wasm_byte_vec_t binary;
    assert_no_error(wasmtime_wat2wasm(wat, strlen(wat), &binary));
    return binary;
}

static bool has_text(const product *self, const char *text)
{
    return memmem(self->bytes, self->size, text, strlen(text)) != NULL;
}

static bool encode(const char *wat, const char *wit, product *ret, foundation_build_error *error)
{
    wasm_byte_vec_t binary = binary_of(wat);
    foundation_wit_file file = file_of("world.wit", wit ? wit : "");
    foundation_wit world = {&file, 1, NULL};
    error->message[0] = '\0';
    bool fine = foundation_component_encode((const uint8_t *)binary.data, binary.size,
                                            wit ? &world : NULL, take, ret, error);
    wasm_byte_vec_delete(&binary);
    return fine;
}

static void expect_no_component(const char *wat, const char *wit, const char *why)
{
    product made = {.size = 0};
    foundation_build_error error;
    assert_false(encode(wat, wit, &made, &error));
    assert_null(made.bytes);
    if (!strstr(error.message, why))
        fail_msg("'%s' does not say '%s'", error.message, why);
    assert_null(strchr(error.message, '\n'));
}

/* ---- tests ---- */

static bool is_component(const product *self)
{
    static const uint8_t head[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    return self->size > sizeof head && memcmp(self->bytes, head, sizeof head) == 0;
}

static void a_module_becomes_a_component(void **state)
{
    (void)state;
    product made = {.size = 0};
    foundation_build_error error;
    if (!encode(bytes_module, bytes_world, &made, &error))
        fail_msg("%s", error.message);
    assert_true(is_component(&made));
    assert_true(has_text(&made, "package-docs"));
    assert_true(has_text(&made, "Turns bytes into bytes."));
    assert_true(has_text(&made, "{\"worlds\":{\"root\":"));
    free(made.bytes);
}

static void a_command_needs_no_wit(void **state)
{
    (void)state;
    product made = {.size = 0};
    foundation_build_error error;
    if (!encode("(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32)))"
                "  (memory (export \"memory\") 1) (func (export \"_start\")))",
                NULL, &made, &error))
        fail_msg("%s", error.message);
    assert_true(is_component(&made));
    assert_true(has_text(&made, "wasi:cli/run@0.2."));
    free(made.bytes);
}

static void what_a_module_imports_of_wasi_is_adapted(void **state)
{
    (void)state;
    product made = {.size = 0};
    foundation_build_error error;
    if (!encode("(module (import \"wasi_snapshot_preview1\" \"random_get\""
                "    (func (param i32 i32) (result i32)))"
                "  (memory (export \"memory\") 1) (func (export \"go\") "
                "    (drop (call 0 (i32.const 0) (i32.const 8)))))",
                "package local:test; world w { export go: func(); }", &made, &error))
        fail_msg("%s", error.message);
    assert_true(has_text(&made, "wasi:random/random@0.2."));
    free(made.bytes);
}

static void modules_that_do_not_fit_are_errors(void **state)
{
    (void)state;
    expect_no_component(bytes_module, NULL, "no WIT was given");
    expect_no_component("(module)", bytes_world, "handle");
    expect_no_component("(module (func (export \"handle\")))", bytes_world, "handle");
    expect_no_component("(module (import \"env\" \"x\" (func)))", bytes_world, "env");
    expect_no_component("(module (memory (export \"memory\") 1) (func (export \"go\")))",
                        "package local:test; world other { export stop: func(); }", "stop");
}

static void bytes_that_are_no_module_are_errors(void **state)
{
    (void)state;
    static const uint8_t bytes[][12] = {
        {0},
        {'h', 'e', 'l', 'l', 'o'},
        {0, 'a', 's', 'm'},
        {0, 'a', 's', 'm', 0x0d, 0, 1, 0},
        {0, 'a', 's', 'm', 1, 0, 0, 0, 7, 7},
        {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 0xff, 0xff, 0xff},
    };
    foundation_wit_file file = file_of("world.wit", bytes_world);
    foundation_wit world = {&file, 1, NULL};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
        for (size_t size = 0; size <= sizeof *bytes; size++) {
            product made = {.size = 0};
            foundation_build_error error = {.message = ""};
            if (size == 8 && i >= 4)
                continue; /* an empty module: above */
            assert_false(foundation_component_encode(bytes[i], size, &world, take, &made, &error));
            assert_true(error.message[0]);
            assert_false(foundation_component_add_docs(bytes[i], size == 8 ? 7 : size, &world, take,
                                                       &made, &error));
            assert_null(made.bytes);
        }
}

static void a_damaged_section_of_types_is_an_error(void **state)
{
    (void)state;
    static const uint8_t bad[] = {0,   'a', 's', 'm', 1,   0,   0,   0,   0,   18,
                                  14,  'c', 'o', 'm', 'p', 'o', 'n', 'e', 'n', 't',
                                  '-', 't', 'y', 'p', 'e', 3,   0,   1};
    for (size_t i = 25; i < sizeof bad; i++) {
        uint8_t copy[sizeof bad];
        memcpy(copy, bad, sizeof bad);
        for (unsigned value = 0; value < 256; value++) {
            product made = {.size = 0};
            foundation_build_error error = {.message = ""};
            copy[i] = (uint8_t)value;
            assert_false(foundation_component_encode(copy, sizeof copy, NULL, take, &made, &error));
        }
    }
}

static void comments_are_added_once(void **state)
{
    (void)state;
    product made = {.size = 0};
    foundation_build_error error = {.message = ""};
    wasm_byte_vec_t component =
        binary_of("(component (core module $m (func (export \"go\"))) (core instance $i "
                  "(instantiate $m)) (func (export \"go\") (canon lift (core func $i \"go\"))))");
    foundation_wit_file file =
        file_of("w.wit", "package local:test; world w { /// Goes.\n export go: func(); }");
    foundation_wit world = {&file, 1, NULL};
    if (!foundation_component_add_docs((const uint8_t *)component.data, component.size, &world,
                                       take, &made, &error))
        fail_msg("%s", error.message);
    assert_true(has_text(&made, "\"func_exports\":{\"go\":{\"docs\":\"Goes.\"}}"));
    size_t size = made.size;
    uint8_t *first = made.bytes;
    made.bytes = NULL;
    assert_true(foundation_component_add_docs(first, size, &world, take, &made, &error));
    assert_int_equal(made.size, size);
    assert_memory_equal(made.bytes, first, size);
    free(first);
    free(made.bytes);
    wasm_byte_vec_delete(&component);
}

static void interfaces_of_a_package_have_their_own_section(void **state)
{
    (void)state;
    product made = {.size = 0};
    foundation_build_error error;
    if (!encode("(module (func (export \"local:test/api@1.0.0#go\")))",
                "package local:test@1.0.0; interface api { /// Goes on.\n go: func(); }"
                "world w { export api; }",
                &made, &error))
        fail_msg("%s", error.message);
    assert_true(has_text(&made, "package-docs:local:test@1.0.0"));
    assert_true(has_text(&made, "Goes on."));
    free(made.bytes);
}

static void bindings_are_three_files(void **state)
{
    (void)state;
    product made = {.size = 0};
    foundation_build_error error = {.message = ""};
    foundation_wit_file file = file_of("world.wit", bytes_world);
    foundation_wit world = {&file, 1, "plugin"};
    if (!foundation_wit_bindgen_c(&world, take_file, &made, &error))
        fail_msg("%s", error.message);
    assert_string_equal(made.names, "plugin.c plugin.h plugin_component_type.o ");
    made.refuse = true;
    made.names[0] = '\0';
    assert_false(foundation_wit_bindgen_c(&world, take_file, &made, &error));
    assert_string_equal(made.names, "plugin.c ");
    free(made.bytes);
}

static void expect_no_bindings(const foundation_wit *world, const char *why)
{
    product made = {.size = 0};
    foundation_build_error error = {.message = ""};
    assert_false(foundation_wit_bindgen_c(world, take_file, &made, &error));
    assert_null(made.bytes);
    if (!strstr(error.message, why))
        fail_msg("'%s' does not say '%s'", error.message, why);
    assert_null(strchr(error.message, '\n'));
}

static void wrong_wit_has_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "no `package` header"},
        {"package local:test;\nworld w {\n  export x: fun();\n}", "world.wit:3:16"},
        {"package local:test;\nworld w { import nope; }", "world.wit:2:18"},
        {"package local:test;\nworld w { import a:b/c; }", "'a:b' not found"},
        {"package local:test;\nworld w { export f: func(x: list<nope>); }", "nope"},
        {"package local:test;\ninterface i {}", "no worlds"},
        {"package local:test;\nworld a {}\nworld b {}", "multiple worlds"},
        {"package local:test;\nworld w { type a = b; type b = a; }", "depends on itself"},
        {"package local:test;\nworld w {\n/*", "world.wit:3:"},
        {"package local:test;\nworld w { export f: func(); export f: func(); }", "world.wit:2:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        foundation_wit_file file = file_of("world.wit", cases[i].text);
        expect_no_bindings(&(foundation_wit){&file, 1, NULL}, cases[i].why);
    }
    expect_no_bindings(&(foundation_wit){NULL, 0, NULL}, "no WIT file");
    foundation_wit_file odd = {"world.wit", (const uint8_t *)"package a:b;\n\xff", 14};
    expect_no_bindings(&(foundation_wit){&odd, 1, NULL}, "world.wit:2: not UTF-8");
    foundation_wit_file file = file_of("world.wit", bytes_world);
    expect_no_bindings(&(foundation_wit){&file, 1, "other"}, "`other` not found");
    expect_no_bindings(&(foundation_wit){&file, 1, "a:b/c@"}, "world");
}

static void what_c_does_not_have_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *items, *why;
    } cases[] = {
        {"export f: func(x: list<u8, 4>);", "lists of a fixed length"},
        {"export f: func() -> stream<u8>;", "streams"},
        {"export f: func() -> future<u8>;", "futures"},
        {"export f: func(x: map<string, u8>);", "maps"},
        {"export f: func(x: error-context);", "error contexts"},
        {"export f: func(x: option<error-context>);", "error contexts"},
        {"export f: async func();", "asynchronous functions"},
        {"resource r; export f: func() -> r;", "resources outside of an interface"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "package local:test;\nworld w { %s }", cases[i].items);
        foundation_wit_file file = file_of("world.wit", text);
        expect_no_bindings(&(foundation_wit){&file, 1, NULL}, cases[i].why);
    }
}

/* Types that double at each level: a few lines that would fill all memory. */
static void types_too_large_are_refused(void **state)
{
    (void)state;
    char text[4096] = "package local:test;\nworld w { record r0 { a: u64, b: u64 } ";
    size_t size = strlen(text);
    for (int i = 1; i < 40; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "record r%d { a: r%d, b: r%d } ",
                                 i, i - 1, i - 1);
    snprintf(text + size, sizeof text - size, "export f: func(x: r39); }");
    foundation_wit_file file = file_of("world.wit", text);
    expect_no_bindings(&(foundation_wit){&file, 1, NULL}, "not valid WebAssembly");
}

static void packages_are_found_by_folder(void **state)
{
    (void)state;
    product made = {.size = 0};
    foundation_build_error error = {.message = ""};
    foundation_wit_file files[] = {
        file_of("world.wit", "package local:test; world w { include a:one/all; import c:two/i; }"),
        file_of("more.wit", "interface unused {}"),
        file_of("deps/one/w.wit", "package a:one; world all { import i; }"),
        file_of("deps/one/i.wit", "interface i { f: func(); }"),
        file_of("deps/two.wit", "package c:two; interface i { g: func(); }"),
    };
    foundation_wit world = {files, 5, NULL};
    if (!foundation_wit_bindgen_c(&world, take_file, &made, &error))
        fail_msg("%s", error.message);
    free(made.bytes);
    expect_no_bindings(&(foundation_wit){files, 2, NULL}, "world.wit:1:");
    expect_no_bindings(&(foundation_wit){files + 2, 3, NULL}, "no WIT file beside");
}

/* What is given is cut and changed everywhere; whatever that is then, nothing may panic. */
static void damaged_wit_is_an_error_or_is_not(void **state)
{
    (void)state;
    static const char text[] =
        "package local:test@1.0.0;\ninterface i { record r { a: u8, b: option<string> }\n"
        "variant v { x, y(r) } enum e { k, l } flags f { m, n } resource q { constructor(a: u8); "
        "s: static func() -> result<q, e>; t: func(b: borrow<q>) -> list<tuple<v, f>>; } }\n"
        "world w { import i; use i.{r}; export h: func(x: r) -> result; export j: interface "
        "{ use i.{q}; g: func(z: q); } include z; }\nworld z { export k: func(); }\n";
    static const char other[] = "{}<>;:,.*/@%- \n0a";
    char copy[sizeof text];
    foundation_wit_file whole = file_of("w.wit", text);
    product all = {.size = 0};
    foundation_build_error none = {.message = ""};
    if (!foundation_wit_bindgen_c(&(foundation_wit){&whole, 1, "w"}, take_file, &all, &none))
        fail_msg("%s", none.message);
    free(all.bytes);
    for (size_t i = 0; i < sizeof text; i++) {
        for (size_t j = 0; j < sizeof other; j++) {
            memcpy(copy, text, sizeof text);
            copy[i] = other[j];
            product made = {.size = 0};
            foundation_build_error error;
            foundation_wit_file file = {"w.wit", (const uint8_t *)copy, j ? sizeof text - 1 : i};
            foundation_wit world = {&file, 1, "w"};
            foundation_wit_bindgen_c(&world, take_file, &made, &error);
            free(made.bytes);
        }
    }
}

static void damaged_modules_are_an_error_or_are_not(void **state)
{
    (void)state;
    foundation_wit_file file = file_of("world.wit", bytes_world);
    foundation_wit world = {&file, 1, NULL};
    wasm_byte_vec_t binary = binary_of(bytes_module);
    for (size_t i = 8; i < binary.size; i++) {
        char was = binary.data[i];
        for (unsigned flip = 1; flip < 256; flip <<= 1) {
            product made = {.size = 0};
            foundation_build_error error;
            binary.data[i] = (char)(was ^ (char)flip);
            foundation_component_encode((const uint8_t *)binary.data, binary.size, &world, take,
                                        &made, &error);
            free(made.bytes);
        }
        binary.data[i] = was;
    }
    wasm_byte_vec_delete(&binary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_becomes_a_component),
        cmocka_unit_test(a_command_needs_no_wit),
        cmocka_unit_test(what_a_module_imports_of_wasi_is_adapted),
        cmocka_unit_test(modules_that_do_not_fit_are_errors),
        cmocka_unit_test(bytes_that_are_no_module_are_errors),
        cmocka_unit_test(a_damaged_section_of_types_is_an_error),
        cmocka_unit_test(comments_are_added_once),
        cmocka_unit_test(interfaces_of_a_package_have_their_own_section),
        cmocka_unit_test(bindings_are_three_files),
        cmocka_unit_test(wrong_wit_has_a_place),
        cmocka_unit_test(what_c_does_not_have_is_named),
        cmocka_unit_test(types_too_large_are_refused),
        cmocka_unit_test(packages_are_found_by_folder),
        cmocka_unit_test(damaged_wit_is_an_error_or_is_not),
        cmocka_unit_test(damaged_modules_are_an_error_or_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
