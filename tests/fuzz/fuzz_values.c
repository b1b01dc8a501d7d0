/* JSON to the reader of typed values: through a component that gives back what it gets, so that
 * what is written can be read again. SPDX-License-Identifier: Apache-2.0
 *
 * The first byte picks a function, the rest is its arguments. */
#include <foundation.h>

#include "fuzz.h"

#define MEMORY_BYTES_MAX ((uint64_t)1 << 20)

/* Arguments of more than 16 parts go through memory, as the result does: the core function `same`
 * is the identity for every type. */
#define SIXTEEN " u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8 u8"
#define NAMED(name, type)                                                                          \
    " (type $raw-" name " " type ") (export $" name " \"" name "\" (type $raw-" name "))"
#define SAME(name, type)                                                                           \
    " (func (export \"" name "\") (param \"x\" (tuple " type SIXTEEN "))"                          \
    " (result (tuple " type SIXTEEN "))"                                                           \
    " (canon lift (core func $i \"same\") (memory (core memory $i \"mem\"))"                       \
    " (realloc (core func $i \"realloc\"))))"

static const char text[] =
    "(component (core module $m (memory (export \"mem\") 1)"
    " (global $at (mut i32) (i32.const 64))"
    " (func (export \"same\") (param i32) (result i32) (local.get 0))"
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $to i32)"
    "  (local.set $to (i32.and"
    "   (i32.add (global.get $at) (i32.sub (local.get 2) (i32.const 1)))"
    "   (i32.sub (i32.const 0) (local.get 2))))"
    "  (global.set $at (i32.add (local.get $to) (local.get 3)))"
    "  (drop (memory.grow (i32.shr_u (local.get 3) (i32.const 16))))"
    "  (block $fits"
    "   (br_if $fits (i32.le_u (global.get $at) (i32.shl (memory.size) (i32.const 16))))"
    "   (drop (memory.grow (i32.const 1))))"
    "  (local.get $to)))"
    " (core instance $i (instantiate $m))" NAMED(
        "user",
        "(record (field \"name\" string) (field \"age\" u8) (field \"nick\" (option string)))")
        NAMED("shape",
              "(variant (case \"circle\" f32) (case \"users\" (list $user)) (case \"none\"))")
            NAMED("color", "(enum \"red\" \"green\" \"blue\")")
                NAMED("rights", "(flags \"read\" \"write\" \"run\")") SAME(
                    "numbers", "(tuple bool s8 u8 s16 u16 s32 u32 s64 u64 f32 f64 char string)")
                    SAME("users", "(list $user)") SAME("shapes", "(list $shape)")
                        SAME("names", "(list (tuple $color $rights))") SAME(
                            "options",
                            "(list (option (option (result (option u8) (error string)))))")
                            SAME("bytes", "(list (list u8))") SAME(
                                "deep",
                                "(list (list (list (list (list (list (list (list char))))))))") ")";

static const char *const functions[] = {"numbers", "users", "shapes", "names",
                                        "options", "bytes", "deep"};

static wasm_engine_t *engine;
static foundation_component_linked *linked;

static void end_engine(void)
{
    foundation_component_linked_delete(linked);
    wasm_engine_delete(engine);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    wasm_byte_vec_t wasm;
    foundation_component *component = NULL;
    FUZZ_CHECK(!foundation_engine_new(wasm_config_new(), &engine));
    FUZZ_CHECK(!wasmtime_wat2wasm(text, sizeof text - 1, &wasm));
    FUZZ_CHECK(
        !foundation_component_new(engine, (const uint8_t *)wasm.data, wasm.size, &component));
    foundation_component_linker *linker = foundation_component_linker_new(engine);
    FUZZ_CHECK(!foundation_component_link(linker, component, &linked));
    foundation_component_linker_delete(linker);
    foundation_component_delete(component);
    wasm_byte_vec_delete(&wasm);
    FUZZ_CHECK(atexit(end_engine) == 0);
    return 0;
}

/* A guest of its own each time: this one never frees. */
static foundation_json_result call(const char *name, const uint8_t *arguments, size_t size)
{
    static const foundation_json_limits limits = {MEMORY_BYTES_MAX, MEMORY_BYTES_MAX, UINT64_MAX};
    foundation_guest guest = {0};
    wasmtime_store_t *store = wasmtime_store_new(engine, &guest, NULL);
    wasmtime_context_t *context = wasmtime_store_context(store);
    foundation_component_instance instance;
    foundation_component_func function;
    foundation_json_result result;
    FUZZ_CHECK(!foundation_component_instantiate(context, linked, &instance));
    FUZZ_CHECK(foundation_component_get_func(context, &instance, name, strlen(name),
                                             FOUNDATION_SHAPE_ANY, &function));
    FUZZ_CHECK(
        !foundation_component_call_json(context, &function, arguments, size, &limits, &result));
    foundation_guest_clear(&guest);
    wasmtime_store_delete(store);
    return result;
}

/* What was written is UTF-8, and reads back as the same. */
static void check_again(const char *name, const foundation_bytes *written)
{
    FUZZ_CHECK(bp__utf8_valid((const char *)written->data, written->size));
    uint8_t *arguments = malloc(written->size + 2);
    arguments[0] = '[';
    memcpy(arguments + 1, written->data, written->size);
    arguments[written->size + 1] = ']';
    foundation_json_result again = call(name, arguments, written->size + 2);
    FUZZ_CHECK(again.kind == FOUNDATION_JSON_FINISHED);
    FUZZ_CHECK(again.text.size == written->size);
    FUZZ_CHECK(memcmp(again.text.data, written->data, written->size) == 0);
    foundation_bytes_free(&again.text);
    free(arguments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream from = {data, size};
    const char *name = functions[fuzz_below(&from, sizeof functions / sizeof *functions)];
    foundation_json_result result = call(name, from.at, from.left);
    if (result.kind == FOUNDATION_JSON_REFUSED) {
        FUZZ_CHECK(result.message[0] && memchr(result.message, 0, sizeof result.message));
        fuzz_check_line(result.message, strlen(result.message));
    } else {
        FUZZ_CHECK(result.kind == FOUNDATION_JSON_FINISHED && result.is_ok);
        check_again(name, &result.text);
    }
    foundation_bytes_free(&result.text);
    return 0;
}
