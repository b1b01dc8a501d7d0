/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/limits.h"

#include "base/error.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

/* A side that says nothing (0) does not constrain; if none says anything, `fallback` holds. */
static uint64_t smallest(uint64_t host, uint64_t manifest, uint64_t fallback, uint64_t ceiling)
{
    uint64_t limit = host ? host : manifest;
    if (manifest && manifest < limit)
        limit = manifest;
    if (!limit)
        limit = fallback;
    return limit < ceiling ? limit : ceiling;
}

bp_status bp__limits_check(const bp_limits *limits, bp_error *reterr)
{
    for (size_t i = 0; i < sizeof limits->reserved_ / sizeof *limits->reserved_; i++)
        if (limits->reserved_[i])
            return bp_error_set(reterr, BP_EUNSUPPORTED,
                                "bp_limits: sets a field that this version of the library does not "
                                "know");
    return BP_OK;
}

void bp__limits_effective(const bp_runtime_options *runtime, const bp_limits *host,
                          const bp__manifest *manifest, bp_limits *ret)
{
    static const bp__manifest none;
    if (!manifest)
        manifest = &none;
    const uint64_t any = BP_UNLIMITED;
    const bp_limits *asked = &manifest->limits;
    *ret = (bp_limits){
        .memory_bytes =
            smallest(host->memory_bytes, asked->memory_bytes, 64 * MIB, runtime->memory_bytes_max),
        .table_elements =
            smallest(host->table_elements, asked->table_elements, any, runtime->table_elements_max),
        .time_ms = smallest(host->time_ms, asked->time_ms, 1000, any),
        .init_time_ms = smallest(host->init_time_ms, asked->init_time_ms, 5000, any),
        .input_bytes = smallest(host->input_bytes, asked->input_bytes, 16 * MIB, any),
        .output_bytes = smallest(host->output_bytes, asked->output_bytes, 16 * MIB, any),
        .log_bytes = smallest(host->log_bytes, asked->log_bytes, 64 * KIB, any),
        .host_calls = smallest(host->host_calls, asked->host_calls, any, any),
        .var_bytes = smallest(host->var_bytes, asked->var_bytes, 1 * MIB, any),
        .fuel = smallest(host->fuel, asked->fuel, 0, any),
        .trap_on_grow_failure = host->trap_on_grow_failure,
    };
    if (manifest->has_var_bytes && asked->var_bytes == 0)
        ret->var_bytes = 0;
}

static uint64_t lower(uint64_t plugin, uint64_t call)
{
    return call && call < plugin ? call : plugin;
}

void bp__limits_of_call(const bp_limits *plugin, const bp_limits *call, bp_limits *ret)
{
    *ret = *plugin;
#define LOWER(field) ret->field = lower(plugin->field, call->field)
    LOWER(memory_bytes);
    LOWER(table_elements);
    LOWER(time_ms);
    LOWER(input_bytes);
    LOWER(output_bytes);
    LOWER(log_bytes);
    LOWER(host_calls);
    LOWER(fuel);
#undef LOWER
    ret->trap_on_grow_failure = plugin->trap_on_grow_failure || call->trap_on_grow_failure;
}

void bp__limits_program(const bp_limits *limits, bp__program_limits *ret)
{
    *ret = (bp__program_limits){
        .instance = {limits->memory_bytes, limits->table_elements, limits->trap_on_grow_failure},
        .init_time_ms = limits->init_time_ms,
        .log_bytes = limits->log_bytes,
        .host_calls = limits->host_calls,
        .var_bytes = limits->var_bytes,
    };
}
