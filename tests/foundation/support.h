/* Short ways to a module and an instance, for tests of foundation/ only: a failure of these ends
 * the test. */
#ifndef BULLPEN_TESTS_FOUNDATION_SUPPORT_H
#define BULLPEN_TESTS_FOUNDATION_SUPPORT_H

/* cmocka.h wants these four before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <foundation.h>
#include <signal.h>
#include <string.h>

/*
 * Wasmtime installs its signal handlers once a process, with the first engine. cmocka puts its own
 * in their place for the duration of each test, and would report a guest's trap as a crash. So
 * main() remembers Wasmtime's, and every test that makes an engine takes them back.
 */
static const int wasmtime_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction wasmtime_actions[4];

static inline void signals_remember(void)
{
    wasm_engine_delete(wasm_engine_new());
    for (size_t i = 0; i < 4; i++)
        sigaction(wasmtime_signals[i], NULL, &wasmtime_actions[i]);
}

static inline void signals_take(void)
{
    for (size_t i = 0; i < 4; i++)
        sigaction(wasmtime_signals[i], &wasmtime_actions[i], NULL);
}

#define assert_no_error(error) assert_no_error_at((error), __FILE__, __LINE__)

static inline void assert_no_error_at(wasmtime_error_t *error, const char *file, int line)
{
    if (!error)
        return;
    char text[512];
    foundation_error_text(error, text, sizeof text);
    print_error("%s\n", text);
    _fail(file, line);
}

static inline void assert_no_trap(wasm_trap_t *trap)
{
    if (!trap)
        return;
    char text[512];
    foundation_trap_text(trap, text, sizeof text);
    fail_msg("%s", text);
}

static inline wasm_engine_t *engine_new(wasm_config_t *config)
{
    wasm_engine_t *engine = NULL;
    assert_no_error(foundation_engine_new(config, &engine));
    assert_non_null(engine);
    signals_take();
    return engine;
}

static inline wasmtime_module_t *module_new(wasm_engine_t *engine, const char *wat)
{
    wasm_byte_vec_t binary;
    assert_no_error(wasmtime_wat2wasm(wat, strlen(wat), &binary));
    wasmtime_module_t *module = NULL;
    assert_no_error(
        wasmtime_module_new(engine, (const uint8_t *)binary.data, binary.size, &module));
    wasm_byte_vec_delete(&binary);
    return module;
}

static inline wasmtime_instance_t instance_new(wasmtime_store_t *store,
                                               const wasmtime_module_t *module)
{
    wasmtime_instance_t instance;
    wasm_trap_t *trap = NULL;
    assert_no_error(
        wasmtime_instance_new(wasmtime_store_context(store), module, NULL, 0, &instance, &trap));
    assert_no_trap(trap);
    return instance;
}

/* Call an export with at most one i32 each way. @return the trap, owned by the caller, or NULL. */
static inline wasm_trap_t *call_i32(wasmtime_store_t *store, const wasmtime_instance_t *instance,
                                    const char *name, const int32_t *parameter, int32_t *ret)
{
    wasmtime_context_t *context = wasmtime_store_context(store);
    wasmtime_extern_t export;
    assert_true(wasmtime_instance_export_get(context, instance, name, strlen(name), &export));
    assert_int_equal(export.kind, WASMTIME_EXTERN_FUNC);
    wasmtime_val_t in = {.kind = WASMTIME_I32, .of.i32 = parameter ? *parameter : 0};
    wasmtime_val_t out = {.kind = WASMTIME_I32};
    wasm_trap_t *trap = NULL;
    assert_no_error(wasmtime_func_call(context, &export.of.func, &in, parameter ? 1 : 0, &out,
                                       ret ? 1 : 0, &trap));
    if (!trap && ret)
        *ret = out.of.i32;
    return trap;
}

#define WASM_PAGE 65536u /* of WebAssembly */

static inline wasm_engine_t *plain_engine(void)
{
    return engine_new(wasm_config_new());
}

static inline wasm_config_t *pooled_config(uint32_t slots)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
    wasmtime_pooling_allocation_config_total_core_instances_set(pool, slots);
    wasmtime_pooling_allocation_config_total_memories_set(pool, slots);
    wasmtime_pooling_allocation_config_total_tables_set(pool, slots);
    wasmtime_pooling_allocation_config_max_memory_size_set(pool, 4 * WASM_PAGE);
    wasmtime_pooling_allocation_strategy_set(config, pool);
    wasmtime_pooling_allocation_config_delete(pool);
    return config;
}

#endif
