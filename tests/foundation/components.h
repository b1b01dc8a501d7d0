/* Short ways to a component and a call of its functions with JSON, for tests of foundation/ only: a
 * failure of these ends the test. */
#ifndef BULLPEN_TESTS_FOUNDATION_COMPONENTS_H
#define BULLPEN_TESTS_FOUNDATION_COMPONENTS_H

#include "support.h"

#include <stdio.h>
#include <stdlib.h>

/* Memory, and an allocator that never frees: what any module begins with that takes or gives
 * values. */
#define MODULE_BASICS                                                                              \
    "(memory (export \"mem\") 1)"                                                                  \
    "(global $at (mut i32) (i32.const 4096))"                                                      \
    "(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $to i32)"              \
    " (local.set $to (i32.and"                                                                     \
    "  (i32.add (global.get $at) (i32.sub (local.get 2) (i32.const 1)))"                           \
    "  (i32.sub (i32.const 0) (local.get 2))))"                                                    \
    " (global.set $at (i32.add (local.get $to) (local.get 3)))"                                    \
    " (block $fits"                                                                                \
    "  (br_if $fits (i32.le_u (global.get $at) (i32.shl (memory.size) (i32.const 16))))"           \
    "  (drop (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get 3) (i32.const 16))))))"     \
    " (local.get $to))"

#define LIFT_OPTIONS "(memory (core memory $i \"mem\")) (realloc (core func $i \"realloc\"))"

/* More than 16 flat parameters go through memory, as a result does: a function that gives back the
 * address it gets is the identity for every type. */
#define SEVENTEEN " u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64"
#define SEVENTEEN_ZEROS ",0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0"

typedef struct sandbox {
    wasmtime_store_t *store;
    foundation_guest guest;
    foundation_component_linked *linked;
    foundation_component_instance instance;
} sandbox;

static inline wasm_engine_t *maps_engine(void)
{
    wasm_config_t *config = wasm_config_new();
    foundation_config_component_maps_set(config, true);
    return engine_new(config);
}

static inline foundation_component *component_new(wasm_engine_t *engine, const char *wat)
{
    wasm_byte_vec_t binary;
    assert_no_error(wasmtime_wat2wasm(wat, strlen(wat), &binary));
    foundation_component *component = NULL;
    assert_no_error(
        foundation_component_new(engine, (const uint8_t *)binary.data, binary.size, &component));
    wasm_byte_vec_delete(&binary);
    return component;
}

/* An instance of a component that imports nothing. */
static inline sandbox *sandbox_new(wasm_engine_t *engine, const foundation_component *component)
{
    sandbox *self = calloc(1, sizeof *self);
    foundation_component_linker *linker = foundation_component_linker_new(engine);
    assert_no_error(foundation_component_link(linker, component, &self->linked));
    foundation_component_linker_delete(linker);
    self->store = wasmtime_store_new(engine, &self->guest, NULL);
    assert_no_error(foundation_component_instantiate(wasmtime_store_context(self->store),
                                                     self->linked, &self->instance));
    return self;
}

static inline void sandbox_free(sandbox *self)
{
    foundation_guest_clear(&self->guest);
    wasmtime_store_delete(self->store);
    foundation_component_linked_delete(self->linked);
    free(self);
}

static inline sandbox *sandbox_of(wasm_engine_t *engine, const char *wat)
{
    foundation_component *component = component_new(engine, wat);
    sandbox *self = sandbox_new(engine, component);
    foundation_component_delete(component);
    return self;
}

static const foundation_json_limits no_limits = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

static inline wasmtime_error_t *call_limited(sandbox *self, const char *name, const char *arguments,
                                             const foundation_json_limits *limits,
                                             foundation_json_result *ret)
{
    wasmtime_context_t *context = wasmtime_store_context(self->store);
    foundation_component_func function;
    assert_true(foundation_component_get_func(context, &self->instance, name, strlen(name),
                                              FOUNDATION_SHAPE_ANY, &function));
    memset(ret, 0xAA, sizeof *ret); /* what was in it is not looked at */
    return foundation_component_call_json(context, &function, (const uint8_t *)arguments,
                                          strlen(arguments), limits, ret);
}

/* @return the result's text, owned; *ret_ok: whether it is no error. */
static inline char *call_json(sandbox *self, const char *name, const char *arguments, bool *ret_ok)
{
    foundation_json_result result;
    assert_no_error(call_limited(self, name, arguments, &no_limits, &result));
    if (result.kind != FOUNDATION_JSON_FINISHED)
        fail_msg("%s: %s", arguments, result.message);
    char *text = strndup((const char *)result.text.data, result.text.size);
    *ret_ok = result.is_ok;
    foundation_bytes_free(&result.text);
    assert_null(result.text.data);
    return text;
}

static inline void assert_refused(sandbox *self, const char *name, const char *arguments,
                                  const char *message)
{
    foundation_json_result result;
    assert_no_error(call_limited(self, name, arguments, &no_limits, &result));
    assert_int_equal(result.kind, FOUNDATION_JSON_REFUSED);
    assert_string_equal(result.message, message);
}

/* A component whose function `echo` gives back its argument `x`.
 * @param declarations  types, as text; @param type  what can be used of them. */
static inline char *echo_text(const char *declarations, const char *type)
{
    char *text = NULL;
    assert_true(asprintf(&text,
                         "(component (core module $m " MODULE_BASICS
                         " (func (export \"echo\") (param i32) (result i32) (local.get 0)))"
                         " (core instance $i (instantiate $m)) %s"
                         " (func (export \"echo\") (param \"x\" (tuple %s" SEVENTEEN
                         ")) (result (tuple %s" SEVENTEEN "))"
                         " (canon lift (core func $i \"echo\") " LIFT_OPTIONS ")))",
                         declarations, type, type) > 0);
    return text;
}

static inline sandbox *echo_new(wasm_engine_t *engine, const char *declarations, const char *type)
{
    char *text = echo_text(declarations, type);
    sandbox *self = sandbox_of(engine, text);
    free(text);
    return self;
}

/* What `value` comes back as; owned. */
static inline char *echo(sandbox *self, const char *value)
{
    static const char start[] = "[", end[] = SEVENTEEN_ZEROS "]";
    char *arguments = NULL;
    assert_true(asprintf(&arguments, "[[%s" SEVENTEEN_ZEROS "]]", value) > 0);
    bool ok = false;
    char *text = call_json(self, "echo", arguments, &ok);
    free(arguments);
    assert_true(ok);
    size_t size = strlen(text), tail = sizeof end - 1;
    assert_true(size > tail && text[0] == start[0] && strcmp(text + size - tail, end) == 0);
    text[size - tail] = '\0';
    memmove(text, text + 1, size - tail);
    return text;
}

#endif
