/* Extism's host functions: sequences of calls through the table that the linker uses, with handles,
 * offsets and sizes that a guest may make up. SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox is a real one around a module that is nothing but a memory; its host state is set as
 * for a call, and set anew when a function unwinds the guest. */
#include "engine/engine.h"
#include "fuzz.h"
#include "guest/extism/functions.h"
#include "guest/sandbox.h"

/* One page of memory and nothing else. */
#define MODULE "\0asm\1\0\0\0\5\3\1\0\1"
#define PAGE UINT64_C(65536)
#define EXTISM_BYTES UINT64_C(65536) /* what is left of the limit beside that page */
#define OUTPUT_BYTES 1024
#define LOG_BYTES 2000
#define VAR_BYTES 2000
#define HOST_CALLS 100
#define CALLS_MAX 300
#define HANDLES 16
#define ENDS 200 /* bytes of a large block that are looked at, from either end */

static struct {
    bp__engine *engine;
    bp__program *program;
    bp__sandbox sandbox;
    bp__config config;
    size_t logged;
    fuzz_stream from;
    uint64_t handles[HANDLES]; /* what functions answered, for the next ones */
} world;

static void keep(void *data, const bp_log_record *record)
{
    (void)data;
    fuzz_check_line(record->text.data, record->text.size);
    world.logged += record->text.size;
}

static void make_program(void)
{
    bp__module *module = NULL;
    bp__program_options options = {.name = "plugin",
                                   .config = &world.config,
                                   .logger = {keep, NULL, BP_LOG_TRACE},
                                   .limits = {.instance = {PAGE + EXTISM_BYTES, 10, false},
                                              .init_time_ms = 60000,
                                              .log_bytes = LOG_BYTES,
                                              .host_calls = HOST_CALLS,
                                              .var_bytes = VAR_BYTES}};
    FUZZ_CHECK(bp__module_compile(world.engine, BP_BYTES(MODULE), &module, NULL) == BP_OK);
    FUZZ_CHECK(bp__program_new(world.engine, module, &options, &world.program, NULL) == BP_OK);
}

static void end_world(void)
{
    bp__sandbox_done(&world.sandbox);
    bp__program_free(world.program);
    bp__engine_free(world.engine);
    bp__config_done(&world.config);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bp__engine_options options = {.instances_max = 1,
                                  .memory_bytes_max = PAGE + EXTISM_BYTES,
                                  .table_elements_max = 10,
                                  .stack_bytes = 256 * 1024,
                                  .tick_ms = 1};
    FUZZ_CHECK(bp__config_set(&world.config, "key", "value", NULL) == BP_OK);
    FUZZ_CHECK(bp__config_set(&world.config, "", "of no key", NULL) == BP_OK);
    FUZZ_CHECK(bp__config_set(&world.config, "empty", "", NULL) == BP_OK);
    FUZZ_CHECK(bp__engine_new(&options, &world.engine, NULL) == BP_OK);
    make_program();
    FUZZ_CHECK(bp__sandbox_init(&world.sandbox, world.program, NULL) == BP_OK);
    FUZZ_CHECK(bp__sandbox_open(&world.sandbox, UINT64_MAX, NULL, NULL) == BP_OK);
    FUZZ_CHECK(bp__instance_memory_bytes(world.sandbox.instance) >= PAGE);
    FUZZ_CHECK(atexit(end_world) == 0);
    return 0;
}

/* ---- calling ---- */

static const bp__host_function *named(const char *name)
{
    for (size_t i = 0; i < bp__extism_function_count; i++)
        if (strcmp(bp__extism_functions[i].name, name) == 0)
            return &bp__extism_functions[i];
    fuzz_broken(__FILE__, __LINE__, name);
}

static bool call(const bp__host_function *function, bp__value values[2])
{
    return function->call((void *)(uintptr_t)function->name, &world.sandbox, values);
}

/* For functions that never unwind. */
static uint64_t ask(const char *name, uint64_t first, uint64_t second)
{
    bp__value values[2] = {{.i64 = (int64_t)first}, {.i64 = (int64_t)second}};
    FUZZ_CHECK(call(named(name), values));
    return (uint64_t)values[0].i64;
}

static uint8_t byte_at(uint64_t at)
{
    static const bp__host_function *load; /* the one that is called most */
    bp__value values[2] = {{.i64 = (int64_t)at}, {.i64 = 0}};
    load = load ? load : named("load_u8");
    FUZZ_CHECK(call(load, values));
    FUZZ_CHECK(values[0].i32 >= 0 && values[0].i32 <= 255);
    return (uint8_t)values[0].i32;
}

static void begin(void)
{
    uint8_t how = fuzz_byte(&world.from);
    bp__host_call host = {.by = how == 1 ? BP_NOW : UINT64_MAX,
                          .vars = how == 2 ? NULL : &world.sandbox.vars,
                          .host_calls_max = HOST_CALLS,
                          .output_bytes_max = OUTPUT_BYTES,
                          .log_bytes_max = LOG_BYTES};
    world.logged = 0;
    bp__host_state_begin(&world.sandbox.host, &host);
    ask("reset", 0, 0);
    FUZZ_CHECK(world.sandbox.memory.used == BP__EXTISM_START);
    bp_bytes input = fuzz_run(&world.from, fuzz_byte(&world.from));
    if (!input.size)
        return;
    uint64_t handle = bp__extism_put(&world.sandbox.memory, input);
    FUZZ_CHECK(handle);
    world.sandbox.input_handle = handle;
    world.sandbox.input_size = input.size;
}

static void end(void)
{
    bp__host_state_end(&world.sandbox.host);
    FUZZ_CHECK(world.logged <= 3 * LOG_BYTES);
}

/* ---- what must hold at any moment ---- */

/* Blocks stand one behind the other, each behind its header, and none reaches past what is used. */
static void check_blocks(void)
{
    const bp__extism_memory *memory = &world.sandbox.memory;
    uint64_t end = BP__EXTISM_START;
    uint32_t freed = 0;
    for (uint32_t i = 0; i < memory->block_count; i++) {
        const bp__extism_block *block = &memory->blocks[i];
        FUZZ_CHECK(block->at >= end + 8 && block->at % 8 == 0);
        FUZZ_CHECK(block->size > 0 && block->size <= block->capacity);
        end = block->at + block->capacity;
        freed += !block->active;
    }
    FUZZ_CHECK(end <= memory->used && memory->free_count == freed);
    FUZZ_CHECK(memory->used <= memory->capacity || !memory->data);
    FUZZ_CHECK(memory->block_count <= memory->block_capacity);
}

static void check_limits(void)
{
    const bp__extism_memory *memory = &world.sandbox.memory;
    uint64_t charged = memory->used + memory->block_count * sizeof *memory->blocks;
    FUZZ_CHECK(charged <= EXTISM_BYTES || !memory->block_count);
    const bp__vars *vars = &world.sandbox.vars;
    uint64_t bytes = 0;
    for (size_t i = 0; i < vars->count; i++)
        bytes += BP__VAR_OVERHEAD + vars->items[i].key_size + vars->items[i].value_size;
    FUZZ_CHECK(bytes == vars->bytes && bytes <= VAR_BYTES);
}

static void check_places(void)
{
    const bp__sandbox *sandbox = &world.sandbox;
    if (sandbox->input_size)
        FUZZ_CHECK(
            bp__extism_in_bounds(&sandbox->memory, sandbox->input_handle, sandbox->input_size));
    if (sandbox->output_size)
        FUZZ_CHECK(
            bp__extism_in_bounds(&sandbox->memory, sandbox->output_at, sandbox->output_size));
    FUZZ_CHECK(sandbox->output_size <= OUTPUT_BYTES);
}

static void check_stop(void)
{
    const bp__host_state *host = &world.sandbox.host;
    FUZZ_CHECK(host->stop != BP__STOP_NONE && host->host_function);
    FUZZ_CHECK(host->stop != BP__STOP_LIMIT || (host->limit && host->message[0]));
    FUZZ_CHECK(host->stop != BP__STOP_REFUSED || host->message[0]);
    fuzz_check_line(host->message, strlen(host->message));
}

/* ---- deeds ---- */

/* A handle that was answered, one beside it, a small number, a place around the end, or any. */
static uint64_t argument(void)
{
    uint64_t handle = world.handles[fuzz_byte(&world.from) % HANDLES];
    switch (fuzz_byte(&world.from) % 8) {
    case 0:
        return fuzz_below(&world.from, 64);
    case 1:
        return handle + fuzz_below(&world.from, 32) - 16;
    case 2:
        return world.sandbox.memory.used + fuzz_below(&world.from, 32) - 16;
    case 3:
        return fuzz_below(&world.from, 2 * EXTISM_BYTES);
    case 4:
        return UINT64_MAX - fuzz_below(&world.from, 16);
    case 5:
        return fuzz_number(&world.from, 8);
    default:
        return handle;
    }
}

static void remember(uint64_t handle)
{
    world.handles[fuzz_byte(&world.from) % HANDLES] = handle;
}

/* Any function with any arguments; false when it unwinds the guest. */
static bool call_any(void)
{
    const bp__host_function *function =
        &bp__extism_functions[fuzz_below(&world.from, (uint32_t)bp__extism_function_count)];
    bp__value values[2] = {{.i64 = 0}, {.i64 = 0}};
    for (size_t i = 0; function->signature[i] != '>'; i++)
        values[i].i64 = (int64_t)argument();
    const char *results = strchr(function->signature, '>') + 1;
    if (!call(function, values))
        return false;
    if (*results == 'I')
        remember((uint64_t)values[0].i64);
    return true;
}

/* A new block is as long as it was asked for, inside what is used, and holds nothing. */
static void make_block(void)
{
    uint64_t size = fuzz_byte(&world.from) % 4 ? fuzz_below(&world.from, 256) : argument();
    uint64_t handle = ask("alloc", size, 0);
    remember(handle);
    if (!handle)
        return;
    FUZZ_CHECK(size && size <= EXTISM_BYTES);
    FUZZ_CHECK(ask("length", handle, 0) == size);
    FUZZ_CHECK(handle + size <= ask("memory_bytes", 0, 0));
    for (uint64_t i = 0; i < size && i < ENDS; i++)
        FUZZ_CHECK(byte_at(handle + i) == 0 && byte_at(handle + size - 1 - i) == 0);
}

/* A block that is freed has no length and cannot be freed again. */
static void free_block(void)
{
    uint64_t handle = argument();
    bool known = ask("length", handle, 0) != 0;
    uint32_t freed = world.sandbox.memory.free_count;
    ask("free", handle, 0);
    FUZZ_CHECK(ask("length", handle, 0) == 0);
    FUZZ_CHECK(world.sandbox.memory.free_count == freed + known);
    FUZZ_CHECK(!handle || world.sandbox.input_handle != handle);
}

/* What is stored is loaded again; outside, nothing is stored and 0 is loaded. */
static void store_and_load(void)
{
    uint64_t at = argument(), value = fuzz_number(&world.from, 8);
    uint64_t used = ask("memory_bytes", 0, 0);
    bool inside = at >= BP__EXTISM_START && at <= used && used - at >= 8;
    ask("store_u64", at, value);
    FUZZ_CHECK(ask("load_u64", at, 0) == (inside ? value : 0));
    if (inside)
        FUZZ_CHECK(byte_at(at) == (value & 0xFF));
}

static uint64_t block_of(bp_bytes bytes)
{
    uint64_t handle = ask("alloc", bytes.size, 0);
    for (size_t i = 0; handle && i < bytes.size; i++)
        ask("store_u8", handle + i, ((const uint8_t *)bytes.data)[i]);
    return handle;
}

static bool call_named(const char *name, uint64_t first, uint64_t second, uint64_t *ret)
{
    bp__value values[2] = {{.i64 = (int64_t)first}, {.i64 = (int64_t)second}};
    bool returns = call(named(name), values);
    *ret = (uint64_t)values[0].i64;
    return returns;
}

/* Functions on variables free the blocks that they are handed. */
static bool get_var(bp_bytes key, uint64_t *ret)
{
    return call_named("var_get", block_of(key), 0, ret);
}

/* What is got, if there was room for its block, is what was set. */
static bool set_and_get(bp_bytes key)
{
    bp_bytes value = fuzz_run(&world.from, 1 + fuzz_byte(&world.from) % 32);
    uint64_t got, key_handle = block_of(key), value_handle = block_of(value);
    if (!key_handle || !value_handle)
        return true;
    if (!call_named("var_set", key_handle, value_handle, &got) || !get_var(key, &got))
        return false;
    remember(got);
    if (!got)
        return true;
    FUZZ_CHECK(ask("length", got, 0) == value.size);
    for (size_t i = 0; i < value.size; i++)
        FUZZ_CHECK(byte_at(got + i) == ((const uint8_t *)value.data)[i]);
    return true;
}

static bool delete_and_get(bp_bytes key)
{
    uint64_t got, key_handle = block_of(key);
    if (!key_handle)
        return true;
    if (!call_named("var_set", key_handle, 0, &got) || !get_var(key, &got))
        return false;
    FUZZ_CHECK(got == 0);
    return true;
}

static bool use_variable(void)
{
    bp_bytes key = fuzz_run(&world.from, 1 + fuzz_byte(&world.from) % 4);
    return fuzz_byte(&world.from) % 4 ? set_and_get(key) : delete_and_get(key);
}

/* As the input says; false when the guest is to be unwound. */
static bool log_text(void)
{
    static const char *const names[] = {"log_trace", "log_debug", "log_info", "log_warn",
                                        "log_error"};
    uint64_t ignored, left = world.sandbox.host.log_left;
    const char *name = names[fuzz_byte(&world.from) % 5];
    uint64_t handle = block_of(fuzz_run(&world.from, fuzz_byte(&world.from)));
    uint64_t size = ask("length", handle, 0);
    if (!call_named(name, handle, 0, &ignored))
        return false;
    FUZZ_CHECK(left - world.sandbox.host.log_left == size);
    return true;
}

static bool act(void)
{
    switch (fuzz_byte(&world.from) % 8) {
    case 0:
        make_block();
        return true;
    case 1:
        free_block();
        return true;
    case 2:
        store_and_load();
        return true;
    case 3:
        return use_variable();
    case 4:
        return log_text();
    default:
        return call_any();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(world.handles, 0, sizeof world.handles);
    world.from = (fuzz_stream){data, size};
    bp__extism_memory_done(&world.sandbox.memory);
    bp__vars_clear(&world.sandbox.vars);
    begin();
    for (unsigned i = 0; i < CALLS_MAX && world.from.left; i++) {
        if (!act()) {
            check_stop();
            end();
            begin();
        }
        check_blocks();
        check_limits();
        check_places();
    }
    end();
    return 0;
}
