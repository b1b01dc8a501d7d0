/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "engine/private.h"
#include "engine/room.h"
#include "engine/signals.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Dirty pages up to this much are copied back to their first content instead of being given back
 * to the kernel, which costs a fault each and stops the other threads meanwhile. With the scan only
 * dirty pages are looked at, so it can be generous; without, all of it is copied each time. */
#define KEEP_RESIDENT_SCAN (16 * MIB)
#define KEEP_RESIDENT_BLIND (64 * 1024)

/* Slots that no module uses keep the last one's memory mapped for its next instance. */
#define WARM_SLOTS_MAX 100

/* With fewer instances than this an engine is of no use. */
#define INSTANCES_MIN 2

/* Addresses that are left for what comes after the engine: stacks of threads, the allocator's
 * arenas for them, compiled code. An engine that takes the last ones is made, and then ends the
 * process with its first allocation that fails. */
#define HEADROOM_BYTES (256 * MIB)

/* A module may have a few memories and tables. There are as many slots as all instances together
 * can take, so that one plugin's never keep another from starting. */
#define MEMORIES_PER_MODULE 4
#define TABLES_PER_MODULE 4

/* A component is several modules: its own, and those that its toolchain puts between them. Python's
 * are the most that we have seen, about 30. Nothing is reserved for them: this is only counted. */
#define MODULES_PER_COMPONENT 100

/* Largest instance state (globals, imports, function references): 1 MiB in Wasmtime's default. */
#define INSTANCE_BYTES_MAX (4 * MIB)

const char *bp__engine_version(void)
{
    return foundation_version();
}

/* More instances, memories or tables than a sandbox has room for. Such errors have no kind of their
 * own, and come from the compiler or, when it was another process, from who loads its code. */
static bool is_beyond_a_sandbox(const char *text)
{
    return strstr(text, "pooling allocator") != NULL;
}

bp_status bp__engine_error(wasmtime_error_t *error, bp_status status, bp_error *reterr,
                           const char *doing)
{
    char text[BP_ERROR_MESSAGE_MAX];
    foundation_error_text(error, text, sizeof text);
    foundation_error_info info;
    foundation_error_inspect(error, &info);
    wasmtime_error_delete(error);
    if (info.kind == FOUNDATION_ERROR_POOL_FULL)
        return bp_error_set(reterr, BP_EBUSY, "%s: every sandbox of the runtime is in use (%s)",
                            doing, text);
    if (info.kind == FOUNDATION_ERROR_OUT_OF_MAPPINGS) {
        bp_error_set(reterr, BP_ENOMEM,
                     "%s: the kernel gives no more mappings or addresses; raise "
                     "vm.max_map_count or RLIMIT_AS, or lower sandboxes_max or "
                     "memory_bytes_max (%s)",
                     doing, text);
        if (reterr)
            reterr->os_errno = info.os_errno;
        return BP_ENOMEM;
    }
    if (is_beyond_a_sandbox(text))
        status = BP_ELIMIT;
    return bp_error_set(reterr, status, "%s: %s", doing, text);
}

static void configure_language(wasm_config_t *config)
{
    /* What no plugin toolchain needs yet stays off: less code to trust. */
    wasmtime_config_wasm_memory64_set(config, false);
    wasmtime_config_wasm_gc_set(config, false);
    wasmtime_config_wasm_exceptions_set(config, false);
    wasmtime_config_wasm_multi_memory_set(config, true);
    wasmtime_config_wasm_relaxed_simd_deterministic_set(config, true);
}

static void configure_pool(wasm_config_t *config, const bp__engine_options *options, bool scan)
{
    wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
    uint32_t instances = options->instances_max;
    wasmtime_pooling_allocation_config_total_component_instances_set(pool, instances);
    wasmtime_pooling_allocation_config_total_core_instances_set(pool,
                                                                instances * MODULES_PER_COMPONENT);
    wasmtime_pooling_allocation_config_total_memories_set(pool, instances * MEMORIES_PER_MODULE);
    wasmtime_pooling_allocation_config_total_tables_set(pool, instances * TABLES_PER_MODULE);
    /* For externref, which WebAssembly 2.0 has: a heap is made when a guest first uses one. */
    wasmtime_pooling_allocation_config_total_gc_heaps_set(pool, instances);
    wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, MEMORIES_PER_MODULE);
    wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, TABLES_PER_MODULE);
    wasmtime_pooling_allocation_config_max_core_instances_per_component_set(pool,
                                                                            MODULES_PER_COMPONENT);
    wasmtime_pooling_allocation_config_max_memories_per_component_set(pool, MEMORIES_PER_MODULE);
    wasmtime_pooling_allocation_config_max_tables_per_component_set(pool, TABLES_PER_MODULE);
    wasmtime_pooling_allocation_config_max_core_instance_size_set(pool, INSTANCE_BYTES_MAX);
    wasmtime_pooling_allocation_config_max_component_instance_size_set(pool, INSTANCE_BYTES_MAX);
    wasmtime_pooling_allocation_config_max_memory_size_set(pool, options->memory_bytes_max);
    wasmtime_pooling_allocation_config_table_elements_set(pool, options->table_elements_max);
    wasmtime_pooling_allocation_config_max_unused_warm_slots_set(
        pool, instances < WARM_SLOTS_MAX ? instances : WARM_SLOTS_MAX);
    size_t resident = scan ? KEEP_RESIDENT_SCAN : KEEP_RESIDENT_BLIND;
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, resident);
    wasmtime_pooling_allocation_config_table_keep_resident_set(pool, resident);
    foundation_pooling_pagemap_scan_set(pool, scan);
    wasmtime_pooling_allocation_strategy_set(config, pool);
    wasmtime_pooling_allocation_config_delete(pool);
}

/* All that the compiler looks at: the same wherever code for one engine is made. */
static wasm_config_t *make_code_config(bp__engine_kind kind, bool no_signals, uint64_t stack_bytes,
                                       uint64_t reservation)
{
    wasm_config_t *config = wasm_config_new();
    configure_language(config);
    wasmtime_config_epoch_interruption_set(config, kind != BP__ENGINE_FAST);
    wasmtime_config_consume_fuel_set(config, kind == BP__ENGINE_METERED);
    wasmtime_config_signals_based_traps_set(config, !no_signals);
    wasmtime_config_max_wasm_stack_set(config, stack_bytes);
    wasmtime_config_memory_init_cow_set(config, true);
    wasmtime_config_memory_reservation_set(config, reservation);
    wasmtime_config_memory_guard_size_set(config, reservation >= 4 * GIB ? 32 * MIB : 64 * 1024);
    foundation_config_backtrace_details_set(config, true);
    return config;
}

static wasm_config_t *make_config(const bp__engine_options *options, uint64_t reservation,
                                  bool scan)
{
    wasm_config_t *config =
        make_code_config(options->kind, options->no_signals, options->stack_bytes, reservation);
    foundation_config_core_dump_set(config, options->core_dump_dir != NULL);
    configure_pool(config, options, scan);
    return config;
}

/* Why there is no engine: Wasmtime's error, or that too little room was left; or neither. */
typedef struct refusal {
    wasmtime_error_t *error;
    bool cramped;
} refusal;

static bool is_refused(const refusal *why)
{
    return why->error || why->cramped;
}

static refusal try_engine(bp__engine *engine, const bp__engine_options *options,
                          uint64_t reservation)
{
    refusal why = {.cramped = !bp__room_for_bytes(HEADROOM_BYTES)};
    engine->memory_reservation = reservation;
    if (!why.cramped)
        why.error = foundation_engine_new(make_config(options, reservation, engine->pagemap_scan),
                                          &engine->wasm);
    if (!is_refused(&why) && !bp__room_for_bytes(HEADROOM_BYTES)) {
        wasm_engine_delete(engine->wasm);
        engine->wasm = NULL;
        why.cramped = true;
    }
    return why;
}

static bool wants_addresses(const refusal *why)
{
    foundation_error_info info = {0};
    if (why->error)
        foundation_error_inspect(why->error, &info);
    return why->cramped || info.kind == FOUNDATION_ERROR_OUT_OF_MAPPINGS;
}

static void forget(refusal *why)
{
    if (why->error)
        wasmtime_error_delete(why->error);
    *why = (refusal){0};
}

/* Fewer and fewer instances until their addresses fit. */
static refusal try_fewer(bp__engine *engine, bp__engine_options *options, refusal why)
{
    while (is_refused(&why) && options->instances_max > INSTANCES_MIN && wants_addresses(&why)) {
        forget(&why);
        options->instances_max =
            options->instances_max > 2 * INSTANCES_MIN ? options->instances_max / 2 : INSTANCES_MIN;
        why = try_engine(engine, options, options->memory_bytes_max);
    }
    return why;
}

static bp_status report(const refusal *why, bp_error *reterr)
{
    if (why->error)
        return bp__engine_error(why->error, BP_EENGINE, reterr, "set up the engine");
    return bp_error_set(reterr, BP_ENOMEM,
                        "set up the engine: it would leave this process less than %llu MiB of "
                        "addresses; raise RLIMIT_AS or vm.max_map_count, or lower sandboxes_max "
                        "or memory_bytes_max",
                        (unsigned long long)(HEADROOM_BYTES / MIB));
}

/* With 4 GiB a guest's 32-bit addresses need no check at all; less costs a comparison an access.
 * Where a limit on addresses (RLIMIT_AS) refuses that, less is better than nothing, and is said. */
static bp_status make_wasm_engine(bp__engine *engine, const bp__engine_options *given,
                                  bp_error *reterr)
{
    bp__engine_options options = *given;
    refusal why = try_engine(engine, &options, 4 * GIB);
    bool less = is_refused(&why);
    if (less) {
        forget(&why);
        why = try_engine(engine, &options, options.memory_bytes_max);
    }
    why = try_fewer(engine, &options, why);
    if (is_refused(&why))
        return report(&why, reterr);
    engine->instances_max = options.instances_max;
    if (less)
        bp__log(&engine->logger, BP_LOG_WARN, "engine", NULL,
                "reserving 4 GiB of addresses a memory was refused: %llu MiB are reserved, guests "
                "check every access, and at most %u sandboxes can live at once (%u were asked for)",
                (unsigned long long)(engine->memory_reservation / MIB), options.instances_max,
                given->instances_max);
    return BP_OK;
}

static void collect(void *data, const uint8_t *bytes, size_t size)
{
    bp__buffer_append(data, bytes, size);
}

/* The engine's own account of what its code depends on, and ours: which foundation that is, since
 * the engine does not know of our patches to it. */
static bp_status find_settings(bp__engine *engine, bp_error *reterr)
{
    bp__buffer text = {0};
    bp__buffer_printf(&text, "bullpen code 1, %s, %s\n", foundation_version(), BP__FOUNDATION);
    foundation_engine_compile_settings(engine->wasm, collect, &text);
    bp_status status = text.overflow
                           ? bp__error_oom(reterr, "setting up the engine")
                           : bp__sha256(bp__buffer_bytes(&text), engine->settings, reterr);
    bp__buffer_done(&text);
    return status;
}

bp_status bp__engine_new_compiler(bp__engine_kind kind, bool no_signals,
                                  uint64_t memory_reservation, uint64_t stack_bytes,
                                  bp__engine **ret, bp_error *reterr)
{
    bp__engine *engine = bp__alloc_zeroed(1, sizeof *engine);
    if (!engine)
        return bp__error_oom(reterr, "making the engine");
    engine->kind = kind;
    engine->no_signals = no_signals;
    engine->stack_bytes = stack_bytes;
    engine->memory_reservation = memory_reservation;
    wasmtime_error_t *error = foundation_engine_new(
        make_code_config(kind, no_signals, stack_bytes, memory_reservation), &engine->wasm);
    bp_status status = error ? bp__engine_error(error, BP_EENGINE, reterr, "set up the engine")
                             : find_settings(engine, reterr);
    if (status != BP_OK) {
        bp__engine_free(engine);
        return status;
    }
    *ret = engine;
    return BP_OK;
}

bp_status bp__engine_new(const bp__engine_options *options, bp__engine **ret, bp_error *reterr)
{
    bp__engine *engine = bp__alloc_zeroed(1, sizeof *engine);
    if (!engine)
        return bp__error_oom(reterr, "making the engine");
    engine->kind = options->kind;
    engine->no_signals = options->no_signals;
    engine->logger = options->logger;
    engine->stack_bytes = options->stack_bytes;
    engine->memory_bytes_max = options->memory_bytes_max;
    engine->pagemap_scan = foundation_pagemap_scan_available();
    bp_status status = BP_OK;
    if (options->core_dump_dir && !(engine->core_dump_dir = bp__strdup(options->core_dump_dir)))
        status = bp__error_oom(reterr, "making the engine");
    if (status == BP_OK)
        status = make_wasm_engine(engine, options, reterr);
    if (status == BP_OK)
        status = find_settings(engine, reterr);
    if (status == BP_OK && !engine->no_signals)
        bp__signals_remember();
    if (status == BP_OK)
        status = bp__ticker_new(engine->wasm, options->tick_ms, engine->instances_max,
                                &engine->ticker, reterr);
    if (status != BP_OK) {
        bp__engine_free(engine);
        return status;
    }
    *ret = engine;
    return BP_OK;
}

void bp__engine_free(bp__engine *engine)
{
    if (!engine)
        return;
    bp__ticker_free(engine->ticker);
    if (engine->wasm)
        wasm_engine_delete(engine->wasm);
    bp__free(engine->core_dump_dir);
    bp__free(engine);
}

uint32_t bp__engine_instances_max(const bp__engine *engine)
{
    return engine->instances_max;
}

uint64_t bp__engine_memory_reservation(const bp__engine *engine)
{
    return engine->memory_reservation;
}

bp__engine_kind bp__engine_get_kind(const bp__engine *engine)
{
    return engine->kind;
}

bool bp__engine_no_signals(const bp__engine *engine)
{
    return engine->no_signals;
}

bool bp__engine_pagemap_scan(const bp__engine *engine)
{
    return engine->pagemap_scan;
}

uint64_t bp__engine_stack_bytes(const bp__engine *engine)
{
    return engine->stack_bytes;
}

const uint8_t *bp__engine_settings(const bp__engine *engine)
{
    return engine->settings;
}
