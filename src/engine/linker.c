/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/linker.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "engine/instance_private.h"
#include "engine/linked.h"

_Static_assert(sizeof(bp__value) == sizeof(wasmtime_val_raw_t),
               "values are handed over as they are");

#define PARAMETERS_MAX 16

typedef struct host_entry {
    bp__host_fn function;
    void *env;
} host_entry;

/* From the guest to a host function: finds the instance, whose data the function works on. */
static wasm_trap_t *enter_host(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *values,
                               size_t count)
{
    (void)count;
    const host_entry *entry = env;
    bp__instance *instance = wasmtime_context_get_data(wasmtime_caller_context(caller));
    /* Only a start function needs it (see bp__instance_memory); plugins come through here for every
     * 8 bytes that they copy. */
    if (__builtin_expect(!instance->instantiated, 0))
        instance->caller = caller;
    if (__builtin_expect(
            entry->function(entry->env, instance->guest.host_data, (bp__value *)values), 1))
        return NULL;
    instance->guest.stopped = true;
    return wasmtime_trap_new("stopped by the host", 19);
}

bp_status bp__linker_new(bp__engine *engine, bp__linker **ret, bp_error *reterr)
{
    wasmtime_linker_t *linker = wasmtime_linker_new(engine->wasm);
    if (!linker)
        return bp__error_oom(reterr, "making a linker");
    *ret = (bp__linker *)linker;
    return BP_OK;
}

void bp__linker_free(bp__linker *linker)
{
    if (linker)
        wasmtime_linker_delete((wasmtime_linker_t *)linker);
}

static wasm_valtype_t *new_valtype(char letter)
{
    return wasm_valtype_new(letter == 'I'   ? WASM_I64
                            : letter == 'f' ? WASM_F32
                            : letter == 'd' ? WASM_F64
                                            : WASM_I32);
}

static wasm_functype_t *new_functype(const char *signature)
{
    wasm_valtype_t *types[2][PARAMETERS_MAX];
    size_t counts[2] = {0, 0};
    int side = 0;
    for (const char *at = signature; *at; at++) {
        if (*at == '>')
            side = 1;
        else if (counts[side] < PARAMETERS_MAX)
            types[side][counts[side]++] = new_valtype(*at);
    }
    wasm_valtype_vec_t parameters, results;
    wasm_valtype_vec_new(&parameters, counts[0], types[0]);
    wasm_valtype_vec_new(&results, counts[1], types[1]);
    return wasm_functype_new(&parameters, &results);
}

bp_status bp__linker_define(bp__linker *linker, const char *module, const char *name,
                            const char *signature, bp__host_fn function, void *env,
                            bp_error *reterr)
{
    host_entry *entry = bp__alloc(sizeof *entry);
    if (!entry)
        return bp__error_oom(reterr, "defining host functions");
    *entry = (host_entry){function, env};
    wasm_functype_t *type = new_functype(signature);
    wasmtime_error_t *error = wasmtime_linker_define_func_unchecked(
        (wasmtime_linker_t *)linker, module, strlen(module), name, strlen(name), type, enter_host,
        entry, bp__free);
    wasm_functype_delete(type);
    return error ? bp__engine_error(error, BP_EINVAL, reterr, name) : BP_OK;
}

bp_status bp__linker_link(bp__linker *linker, const bp__module *module, bp__linked **ret,
                          bp_error *reterr)
{
    bp__linked *linked = bp__alloc_zeroed(1, sizeof *linked);
    if (!linked)
        return bp__error_oom(reterr, "linking");
    wasmtime_error_t *error =
        wasmtime_linker_instantiate_pre((wasmtime_linker_t *)linker, module->wasm, &linked->core);
    if (error) {
        bp__free(linked);
        return bp__engine_error(error, BP_EDENIED, reterr, "link");
    }
    *ret = linked;
    return BP_OK;
}

void bp__linked_free(bp__linked *linked)
{
    if (!linked)
        return;
    if (linked->core)
        wasmtime_instance_pre_delete(linked->core);
    foundation_component_linked_delete(linked->component);
    bp__free(linked);
}
