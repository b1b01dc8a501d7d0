/*
 * Extism's host functions. Bad handles and offsets are answered, never trusted: 0 or nothing.
 * PDKs copy 8 bytes a call, so load, store and length do a bounds check and nothing else.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest/extism/functions.h"

#include "guest/extism/http.h"
#include "guest/sandbox.h"

#define HOST_FUNCTION(name) static bool name(void *env, void *host_data, bp__value *values)
#define UNUSED(variable) (void)(variable)

static uint64_t handle_of(const bp__value *value)
{
    return (uint64_t)value->i64;
}

static void return_u64(bp__value *values, uint64_t result)
{
    values[0].i64 = (int64_t)result;
}

/* ---- memory ---- */

HOST_FUNCTION(extism_alloc)
{
    bp__sandbox *sandbox = host_data;
    uint64_t size = handle_of(values);
    uint64_t handle = bp__extism_alloc(&sandbox->memory, size);
    return_u64(values, handle);
    if (handle || !size || !bp__instance_traps_on_growth(sandbox->instance))
        return true;
    sandbox->host.host_function = env;
    return bp__stop_set(&sandbox->host, BP__STOP_MEMORY);
}

void bp__extism_release(bp__sandbox *sandbox, uint64_t handle)
{
    if (handle && handle == sandbox->input_handle) {
        sandbox->input_handle = 0;
        sandbox->input_size = 0;
    }
    bp__extism_free(&sandbox->memory, handle);
}

HOST_FUNCTION(extism_free)
{
    UNUSED(env);
    bp__extism_release(host_data, handle_of(values));
    return true;
}

HOST_FUNCTION(extism_length)
{
    UNUSED(env);
    const bp__sandbox *sandbox = host_data;
    const bp__extism_block *block = bp__extism_find(&sandbox->memory, handle_of(values));
    return_u64(values, block ? block->size : 0);
    return true;
}

HOST_FUNCTION(extism_load_u8)
{
    UNUSED(env);
    const bp__extism_memory *memory = &((bp__sandbox *)host_data)->memory;
    uint64_t at = handle_of(values);
    values[0].i32 = bp__extism_in_bounds(memory, at, 1) ? memory->data[at] : 0;
    return true;
}

HOST_FUNCTION(extism_load_u64)
{
    UNUSED(env);
    const bp__extism_memory *memory = &((bp__sandbox *)host_data)->memory;
    uint64_t at = handle_of(values), loaded = 0;
    if (bp__extism_in_bounds(memory, at, sizeof loaded))
        memcpy(&loaded, memory->data + at, sizeof loaded);
    return_u64(values, loaded);
    return true;
}

HOST_FUNCTION(extism_store_u8)
{
    UNUSED(env);
    bp__extism_memory *memory = &((bp__sandbox *)host_data)->memory;
    uint64_t at = handle_of(values);
    if (bp__extism_in_bounds(memory, at, 1))
        memory->data[at] = (uint8_t)values[1].i32;
    return true;
}

HOST_FUNCTION(extism_store_u64)
{
    UNUSED(env);
    bp__extism_memory *memory = &((bp__sandbox *)host_data)->memory;
    uint64_t at = handle_of(values);
    if (bp__extism_in_bounds(memory, at, sizeof values[1].i64))
        memcpy(memory->data + at, &values[1].i64, sizeof values[1].i64);
    return true;
}

HOST_FUNCTION(extism_memory_bytes)
{
    UNUSED(env);
    return_u64(values, ((bp__sandbox *)host_data)->memory.used);
    return true;
}

/* ---- input, output, error ---- */

HOST_FUNCTION(extism_input_offset)
{
    UNUSED(env);
    return_u64(values, ((bp__sandbox *)host_data)->input_handle);
    return true;
}

HOST_FUNCTION(extism_input_length)
{
    UNUSED(env);
    return_u64(values, ((bp__sandbox *)host_data)->input_size);
    return true;
}

static const uint8_t *input_at(const bp__sandbox *sandbox, uint64_t at, uint64_t size)
{
    if (at > sandbox->input_size || size > sandbox->input_size - at)
        return NULL;
    return sandbox->memory.data + sandbox->input_handle + at;
}

HOST_FUNCTION(extism_input_load_u8)
{
    UNUSED(env);
    const uint8_t *from = input_at(host_data, handle_of(values), 1);
    values[0].i32 = from ? *from : 0;
    return true;
}

HOST_FUNCTION(extism_input_load_u64)
{
    UNUSED(env);
    uint64_t loaded = 0;
    const uint8_t *from = input_at(host_data, handle_of(values), sizeof loaded);
    if (from)
        memcpy(&loaded, from, sizeof loaded);
    return_u64(values, loaded);
    return true;
}

HOST_FUNCTION(extism_input_set)
{
    UNUSED(env);
    bp__sandbox *sandbox = host_data;
    uint64_t at = handle_of(values), size = handle_of(values + 1);
    if (!bp__extism_in_bounds(&sandbox->memory, at, size))
        return true;
    sandbox->input_handle = at;
    sandbox->input_size = size;
    return true;
}

HOST_FUNCTION(extism_output_set)
{
    bp__sandbox *sandbox = host_data;
    uint64_t at = handle_of(values), size = handle_of(values + 1);
    if (!bp__extism_in_bounds(&sandbox->memory, at, size))
        return true;
    uint64_t limit = sandbox->host.output_bytes_max;
    if (size > limit) {
        sandbox->host.host_function = env;
        return bp__stop_limit(&sandbox->host, "output_bytes",
                              "output of %llu bytes is over output_bytes (%llu)",
                              (unsigned long long)size, (unsigned long long)limit);
    }
    sandbox->output_at = at;
    sandbox->output_size = size;
    return true;
}

HOST_FUNCTION(extism_output_offset)
{
    UNUSED(env);
    return_u64(values, ((bp__sandbox *)host_data)->output_at);
    return true;
}

HOST_FUNCTION(extism_output_length)
{
    UNUSED(env);
    return_u64(values, ((bp__sandbox *)host_data)->output_size);
    return true;
}

HOST_FUNCTION(extism_error_set)
{
    UNUSED(env);
    bp__sandbox *sandbox = host_data;
    uint64_t handle = handle_of(values);
    if (handle == 0 || bp__extism_find(&sandbox->memory, handle))
        sandbox->error_handle = handle;
    return true;
}

HOST_FUNCTION(extism_error_get)
{
    UNUSED(env);
    return_u64(values, ((bp__sandbox *)host_data)->error_handle);
    return true;
}

HOST_FUNCTION(extism_reset)
{
    UNUSED(env);
    UNUSED(values);
    bp__sandbox *sandbox = host_data;
    bp__extism_memory_reset(&sandbox->memory);
    sandbox->input_handle = sandbox->input_size = 0;
    sandbox->output_at = sandbox->output_size = 0;
    sandbox->error_handle = 0;
    return true;
}

/* ---- config and vars ---- */

HOST_FUNCTION(extism_config_get)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__host_enter(&sandbox->host, env) || !bp__host_need(&sandbox->host, BP__CAP_CONFIG))
        return false;
    uint64_t handle = handle_of(values);
    bp_bytes key = bp__extism_get(&sandbox->memory, handle);
    const bp__config_item *item =
        key.data ? bp__config_get(sandbox->program->config, key.data, key.size) : NULL;
    bp__extism_free(&sandbox->memory, handle);
    return_u64(values, 0);
    if (item)
        return_u64(values,
                   bp__extism_put(&sandbox->memory, (bp_bytes){item->value, item->value_size}));
    return bp__host_leave(&sandbox->host);
}

#define VAR_KEY_SIZE_MAX 256

typedef struct put_to {
    bp__extism_memory *memory;
    uint64_t handle;
} put_to;

static void put_value(void *data, bp_bytes value)
{
    put_to *to = data;
    to->handle = bp__extism_put(to->memory, value);
}

HOST_FUNCTION(extism_var_get)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__host_enter(&sandbox->host, env) || !bp__host_need(&sandbox->host, BP__CAP_KV_READ))
        return false;
    uint64_t handle = handle_of(values);
    bp_bytes key = bp__extism_get(&sandbox->memory, handle);
    put_to to = {&sandbox->memory, 0};
    if (sandbox->host.vars && key.data && key.size <= VAR_KEY_SIZE_MAX)
        bp__vars_get(sandbox->host.vars, key, put_value, &to);
    bp__extism_free(&sandbox->memory, handle);
    return_u64(values, to.handle);
    return bp__host_leave(&sandbox->host);
}

static bool set_var(bp__sandbox *sandbox, bp_bytes key, const bp_bytes *value)
{
    if (!sandbox->host.vars)
        return bp__stop_refuse(&sandbox->host, "variables are off");
    if (key.size > VAR_KEY_SIZE_MAX)
        return bp__stop_limit(&sandbox->host, "var_key_bytes",
                              "a variable's key has %zu bytes, %d are allowed", key.size,
                              VAR_KEY_SIZE_MAX);
    switch (bp__vars_set(sandbox->host.vars, key, value)) {
    case BP__VARS_OK:
        return true;
    case BP__VARS_FULL:
        return bp__stop_limit(&sandbox->host, "var_bytes",
                              "variables would take more than var_bytes (%llu) allows",
                              (unsigned long long)sandbox->host.vars->bytes_max);
    default:
        return bp__stop_refuse(&sandbox->host, "out of memory while setting a variable");
    }
}

HOST_FUNCTION(extism_var_set)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__host_enter(&sandbox->host, env) || !bp__host_need(&sandbox->host, BP__CAP_KV_WRITE))
        return false;
    uint64_t key_handle = handle_of(values), value_handle = handle_of(values + 1);
    bp_bytes key = bp__extism_get(&sandbox->memory, key_handle);
    bp_bytes value = bp__extism_get(&sandbox->memory, value_handle);
    /* A handle of something that is no block must not delete: only 0 does. */
    bool ok = !key.data || (value_handle && !value.data) ||
              set_var(sandbox, key, value_handle ? &value : NULL);
    bp__extism_free(&sandbox->memory, key_handle);
    bp__extism_free(&sandbox->memory, value_handle);
    return ok && bp__host_leave(&sandbox->host);
}

/* ---- log ---- */

static bool log_at(const char *name, bp__sandbox *sandbox, bp_log_level level, bp__value *values)
{
    if (!bp__host_enter(&sandbox->host, name) || !bp__host_need(&sandbox->host, BP__CAP_LOG))
        return false;
    uint64_t handle = handle_of(values);
    bp_bytes text = bp__extism_get(&sandbox->memory, handle);
    bool ok = !text.data || bp__host_log(&sandbox->host, level, text.data, text.size);
    bp__extism_free(&sandbox->memory, handle);
    return ok && bp__host_leave(&sandbox->host);
}

#define LOG_FUNCTION(name, level)                                                                  \
    HOST_FUNCTION(name)                                                                            \
    {                                                                                              \
        return log_at(env, host_data, level, values);                                              \
    }
LOG_FUNCTION(extism_log_trace, BP_LOG_TRACE)
LOG_FUNCTION(extism_log_debug, BP_LOG_DEBUG)
LOG_FUNCTION(extism_log_info, BP_LOG_INFO)
LOG_FUNCTION(extism_log_warn, BP_LOG_WARN)
LOG_FUNCTION(extism_log_error, BP_LOG_ERROR)

HOST_FUNCTION(extism_get_log_level)
{
    UNUSED(env);
    const bp__logger *logger = ((bp__sandbox *)host_data)->host.logger;
    values[0].i32 =
        logger->write && logger->level < BP_LOG_OFF ? (int32_t)logger->level : INT32_MAX;
    return true;
}

const bp__host_function bp__extism_functions[] = {
    {"alloc", "I>I", extism_alloc},
    {"free", "I>", extism_free},
    {"length", "I>I", extism_length},
    {"length_unsafe", "I>I", extism_length},
    {"load_u8", "I>i", extism_load_u8},
    {"load_u64", "I>I", extism_load_u64},
    {"store_u8", "Ii>", extism_store_u8},
    {"store_u64", "II>", extism_store_u64},
    {"memory_bytes", ">I", extism_memory_bytes},
    {"input_offset", ">I", extism_input_offset},
    {"input_length", ">I", extism_input_length},
    {"input_load_u8", "I>i", extism_input_load_u8},
    {"input_load_u64", "I>I", extism_input_load_u64},
    {"input_set", "II>", extism_input_set},
    {"output_set", "II>", extism_output_set},
    {"output_offset", ">I", extism_output_offset},
    {"output_length", ">I", extism_output_length},
    {"error_set", "I>", extism_error_set},
    {"error_get", ">I", extism_error_get},
    {"reset", ">", extism_reset},
    {"config_get", "I>I", extism_config_get},
    {"var_get", "I>I", extism_var_get},
    {"var_set", "II>", extism_var_set},
    {"http_request", "II>I", bp__extism_http_request},
    {"http_status_code", ">i", bp__extism_http_status_code},
    {"http_headers", ">I", bp__extism_http_headers},
    {"log_trace", "I>", extism_log_trace},
    {"log_debug", "I>", extism_log_debug},
    {"log_info", "I>", extism_log_info},
    {"log_warn", "I>", extism_log_warn},
    {"log_error", "I>", extism_log_error},
    {"get_log_level", ">i", extism_get_log_level},
};
const size_t bp__extism_function_count = sizeof bp__extism_functions / sizeof *bp__extism_functions;
