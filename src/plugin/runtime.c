/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/runtime.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "engine/signals.h"
#include "host/functions.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define WASM_PAGE_SIZE UINT64_C(65536)

/* The tick that deadlines are kept to; a longer one than this would be no deadline. */
#define TICK_MS_MAX 1000
#define SANDBOXES_MAX 100000
/* See docs/internals/compiled-code.md: what a process of its own costs, and what it saves. */
#define HELPER_BYTES_MIN (4 * 1024)
/* What a helper's stack has beside the guest's. */
#define HELPER_STACK_BYTES (512 * 1024)

static void fill_defaults(bp_runtime_options *options)
{
    const bp_runtime_options defaults = {
        .size = sizeof defaults,
        .sandboxes_max = 256,
        .memory_bytes_max = 256 * MIB,
        .table_elements_max = 100000,
        .stack_bytes = 512 * 1024,
        .plugin_bytes_max = 64 * MIB,
        .functions_max = 100000,
        .tick_ms = 1,
        .helpers = 2,
        .compiled_max = 10,
        .cache_bytes_max = GIB,
        .compile_time_ms = 60000,
        .helper_bytes_min = HELPER_BYTES_MIN,
        .function_bytes_max = MIB,
        .compile_memory_bytes = GIB,
    };
#define DEFAULT(field)                                                                             \
    if (options->field == 0)                                                                       \
    options->field = defaults.field
    DEFAULT(sandboxes_max);
    DEFAULT(memory_bytes_max);
    DEFAULT(table_elements_max);
    DEFAULT(stack_bytes);
    DEFAULT(plugin_bytes_max);
    DEFAULT(functions_max);
    DEFAULT(tick_ms);
    DEFAULT(helpers);
    DEFAULT(compiled_max);
    DEFAULT(cache_bytes_max);
    DEFAULT(compile_time_ms);
    DEFAULT(helper_bytes_min);
    DEFAULT(function_bytes_max);
    DEFAULT(compile_memory_bytes);
#undef DEFAULT
    /* A linear memory has whole pages, and 32-bit addresses end at 4 GiB. */
    if (options->memory_bytes_max > 4 * GIB)
        options->memory_bytes_max = 4 * GIB;
    options->memory_bytes_max =
        (options->memory_bytes_max + WASM_PAGE_SIZE - 1) & ~(WASM_PAGE_SIZE - 1);
}

static bp_status check_range(const char *name, uint64_t value, uint64_t min, uint64_t max,
                             bp_error *reterr)
{
    if (value >= min && value <= max)
        return BP_OK;
    return bp_error_set(reterr, BP_EINVAL, "runtime option %s: %llu is not between %llu and %llu",
                        name, (unsigned long long)value, (unsigned long long)min,
                        (unsigned long long)max);
}

static bp_status check_options(const bp_runtime_options *options, bp_error *reterr)
{
    bp_status status =
        check_range("sandboxes_max", options->sandboxes_max, 1, SANDBOXES_MAX, reterr);
    if (status == BP_OK)
        status =
            check_range("table_elements_max", options->table_elements_max, 1, 10000000, reterr);
    if (status == BP_OK)
        status = check_range("stack_bytes", options->stack_bytes, 64 * 1024, 256 * MIB, reterr);
    if (status == BP_OK)
        status = check_range("tick_ms", options->tick_ms, 1, TICK_MS_MAX, reterr);
    if (status == BP_OK)
        status =
            check_range("signals", options->signals, BP_SIGNALS_HANDLERS, BP_SIGNALS_NONE, reterr);
    if (status == BP_OK)
        status = check_range("compile_memory_bytes", options->compile_memory_bytes, 256 * MIB,
                             BP_UNLIMITED, reterr);
    if (status == BP_OK)
        status = check_range("helpers", options->helpers, 1, 64, reterr);
    if (status == BP_OK)
        status = check_range("log_level", options->log_level, BP_LOG_TRACE, BP_LOG_OFF, reterr);
    return status;
}

/* What was given as text is copied where it is kept; the caller's own may be gone afterwards. */
static bp_status make_modules(bp_runtime *runtime, bp_error *reterr)
{
    bp_runtime_options *options = &runtime->options;
    bp__module_cache_options modules = {
        .kept_max = options->compiled_max == BP_POOL_NONE ? 0 : options->compiled_max,
        .dir = options->cache_dir,
        .disk_bytes_max = options->cache_bytes_max,
        .compiler = options->compiler,
        .compile_time_ms = options->compile_time_ms,
        .compile_memory_bytes = options->compile_memory_bytes,
        .helper_bytes_min = options->helper_bytes_min,
        .logger = runtime->logger,
    };
    options->cache_dir = options->compiler = NULL;
    return bp__module_cache_new(&modules, &runtime->modules, reterr);
}

static bp_status make_engine(const bp_runtime *runtime, bp__engine_kind kind, bp__engine **ret,
                             bp_error *reterr)
{
    const bp_runtime_options *options = &runtime->options;
    bp__engine_options engine = {
        .kind = kind,
        .no_signals = options->signals == BP_SIGNALS_NONE,
        .core_dump_dir = options->core_dump_dir,
        .instances_max = options->sandboxes_max,
        .memory_bytes_max = options->memory_bytes_max,
        .table_elements_max = options->table_elements_max,
        .stack_bytes = options->stack_bytes,
        .tick_ms = options->tick_ms,
        .logger = runtime->logger,
    };
    return bp__engine_new(&engine, ret, reterr);
}

bp_status bp__runtime_engine(bp_runtime *runtime, bp__engine_kind kind, bp__engine **ret,
                             bp_error *reterr)
{
    if (kind == BP__ENGINE_GUARDED) {
        *ret = runtime->engine;
        return BP_OK;
    }
    BP_LOCK_SCOPE(&runtime->mutex);
    bp_status status = BP_OK;
    if (!runtime->others[kind])
        status = make_engine(runtime, kind, &runtime->others[kind], reterr);
    *ret = runtime->others[kind];
    return status;
}

static bp_status start_parts(bp_runtime *runtime, bp_error *reterr)
{
    const bp_runtime_options *options = &runtime->options;
    bp_status status = make_engine(runtime, BP__ENGINE_GUARDED, &runtime->engine, reterr);
    if (status != BP_OK)
        return status;
    runtime->options.sandboxes_max = bp__engine_instances_max(runtime->engine);
    status = make_modules(runtime, reterr);
    if (status != BP_OK)
        return status;
    bp_keeper_options keeper = BP_KEEPER_OPTIONS_INIT;
    keeper.helpers = options->helpers;
    keeper.stack_bytes =
        options->stack_bytes + HELPER_STACK_BYTES; /* guests are initialised there */
    keeper.log = options->log;
    keeper.log_data = options->log_data;
    keeper.log_level = (bp_log_level)options->log_level;
    status = bp_keeper_new(&keeper, &runtime->keeper, reterr);
    if (status != BP_OK)
        return status;
    return bp_pool_budget_new(options->sandboxes_max, 0, &runtime->budget, reterr);
}

static void free_runtime(bp_runtime *runtime)
{
    bp_keeper_free(runtime->keeper);
    bp_pool_budget_unref(runtime->budget);
    bp__module_cache_free(runtime->modules);
    bp__engine_free(runtime->engine);
    for (size_t kind = 0; kind < BP__ENGINE_KINDS; kind++)
        bp__engine_free(runtime->others[kind]);
    pthread_mutex_destroy(&runtime->mutex);
    bp__free(runtime->core_dump_dir);
    bp_host_functions_unref(runtime->functions);
    bp__free(runtime);
}

/* The caller's strings may go; engines that are made later need them too. */
static bp_status keep_given(bp_runtime *runtime, bp_error *reterr)
{
    runtime->functions = bp__host_functions_use(runtime->options.host_functions);
    const char *given = runtime->options.core_dump_dir;
    if (given && !(runtime->core_dump_dir = bp__strdup(given)))
        return bp__error_oom(reterr, "making a runtime");
    runtime->options.core_dump_dir = runtime->core_dump_dir;
    return BP_OK;
}

bp_status bp_runtime_new(const bp_runtime_options *options, bp_runtime **ret, bp_error *reterr)
{
    if (!ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_runtime_new: ret is NULL");
    bp_runtime *runtime = bp__alloc_zeroed(1, sizeof *runtime);
    if (!runtime)
        return bp__error_oom(reterr, "making a runtime");
    bp_status status = bp__options_copy(&runtime->options, sizeof runtime->options, options,
                                        "bp_runtime_options", reterr);
    pthread_mutex_init(&runtime->mutex, NULL);
    if (status == BP_OK) {
        fill_defaults(&runtime->options);
        status = check_options(&runtime->options, reterr);
    }
    if (status == BP_OK)
        status = keep_given(runtime, reterr);
    runtime->logger = (bp__logger){runtime->options.log, runtime->options.log_data,
                                   (bp_log_level)runtime->options.log_level};
    if (status == BP_OK)
        status = start_parts(runtime, reterr);
    if (status != BP_OK) {
        free_runtime(runtime);
        return status;
    }
    atomic_init(&runtime->references, 1);
    runtime->process = getpid();
    *ret = runtime;
    return BP_OK;
}

bp_status bp__runtime_check_process(const bp_runtime *runtime, bp_error *reterr)
{
    if (runtime->process == getpid())
        return BP_OK;
    return bp_error_set(reterr, BP_EINVAL,
                        "this runtime was made before fork(), by process %ld, whose threads are "
                        "not here; make another one in this process",
                        (long)runtime->process);
}

bp_status bp_runtime_check_signals(const bp_runtime *runtime, bp_error *reterr)
{
    if (!runtime)
        return bp_error_set(reterr, BP_EINVAL, "bp_runtime_check_signals: runtime is NULL");
    return runtime->options.signals == BP_SIGNALS_NONE ? BP_OK : bp__signals_check(reterr);
}

bp_runtime *bp_runtime_ref(bp_runtime *runtime)
{
    atomic_fetch_add_explicit(&runtime->references, 1, memory_order_relaxed);
    return runtime;
}

void bp_runtime_unref(bp_runtime *runtime)
{
    if (runtime && atomic_fetch_sub_explicit(&runtime->references, 1, memory_order_acq_rel) == 1)
        free_runtime(runtime);
}

/* "200000 100000" in cgroup 2's cpu.max is two cores; "max" is no limit. */
static uint32_t quota_cores(void)
{
    unsigned long long quota, period;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!file)
        return UINT32_MAX;
    int fields = fscanf(file, "%llu %llu", &quota, &period);
    fclose(file);
    if (fields != 2 || period == 0)
        return UINT32_MAX;
    uint64_t cores = (quota + period - 1) / period;
    return cores ? (uint32_t)cores : 1;
}

uint32_t bp__cores(void)
{
    cpu_set_t set;
    uint32_t cores = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cores = (uint32_t)CPU_COUNT(&set);
    uint32_t quota = quota_cores();
    return quota < cores ? quota : cores;
}

bp_status bp_runtime_get_info(const bp_runtime *runtime, bp_runtime_info *ret, bp_error *reterr)
{
    if (!runtime || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_runtime_get_info: an argument is NULL");
    const bp_runtime_options *options = &runtime->options;
    const bp__code_disk *disk = bp__module_cache_disk(runtime->modules);
    bp__module_cache_stats modules;
    bp__module_cache_read_stats(runtime->modules, &modules);
    bp_runtime_info info = {
        .size = sizeof info,
        .sandboxes_max = options->sandboxes_max,
        .memory_bytes_max = options->memory_bytes_max,
        .table_elements_max = options->table_elements_max,
        .stack_bytes = options->stack_bytes,
        .memory_reservation_bytes = bp__engine_memory_reservation(runtime->engine),
        .tick_ms = options->tick_ms,
        .cores = bp__cores(),
        .pagemap_scan = bp__engine_pagemap_scan(runtime->engine),
        .cache_memory_hits = modules.memory_hits,
        .cache_disk_hits = modules.disk_hits,
        .compiles = modules.compiles,
        .compile_failures = modules.compile_failures,
        .cache_bad_entries = modules.bad_entries,
        .compiled_kept = modules.kept,
        .cache_dir = bp__code_disk_path(disk),
        .cache_problem = bp__code_disk_problem(disk),
        .compiler = bp__module_cache_compiler(runtime->modules),
    };
    return bp__result_copy(ret, &info, sizeof info, "bp_runtime_info", reterr);
}

const char *bp_version(void)
{
    return BP__VERSION;
}

const char *bp_engine_version(void)
{
    return bp__engine_version();
}
