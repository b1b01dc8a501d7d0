/* The instance's inside, for the engine's files only. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_INSTANCE_PRIVATE_H
#define BP_ENGINE_INSTANCE_PRIVATE_H

#include "engine/instance.h"
#include "engine/private.h"

struct bp__instance {
    bp__engine *engine;
    bp__run_slot *slot;
    void *host_data;

    wasmtime_store_t *store; /* NULL: an empty shell */
    wasmtime_context_t *context;
    wasmtime_instance_t wasm;
    const bp__linked *linked; /* what `wasm` was made from */
    foundation_limiter *limiter; /* the store's */
    bool instantiated; /* `wasm` is valid; not yet so in a start function */
    enum { MEMORY_UNKNOWN, MEMORY_THERE, MEMORY_ABSENT } memory_known;
    wasmtime_memory_t memory; /* the one exported as "memory", if it is known and there */
    bp__instance_limits limits;
    uint64_t memory_bytes, host_bytes;

    /* The run in progress. */
    wasmtime_caller_t *caller; /* of a start function's last host call; valid while that runs */
    bp__until until;
    bp__ended interrupted; /* set by the callback: DEADLINE or CANCELLED */
    bool host_stopped;
    bp__trap_report report;
};

/* Fills the report from what the engine returned, and deletes that. */
void bp__trap_report_fill(bp__trap_report *report, wasmtime_error_t *error, wasm_trap_t *trap);

#endif
