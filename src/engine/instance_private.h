/* The instance's inside, for the engine's files only. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_INSTANCE_PRIVATE_H
#define BP_ENGINE_INSTANCE_PRIVATE_H

#include "engine/instance.h"
#include "engine/private.h"

struct bp__instance {
    foundation_guest guest; /* first: the store's data is this struct, and components want it so */
    bp__engine *engine;
    bp__run_slot *slot;

    wasmtime_store_t *store; /* NULL: an empty shell */
    wasmtime_context_t *context;
    wasmtime_instance_t wasm;
    foundation_component_instance component; /* in its place, when the code is one */
    const bp__linked *linked;                /* what it was made from */
    bool has_checkpoint;                     /* of a component */
    foundation_limiter *limiter;             /* the store's */
    bool instantiated; /* `wasm` or `component` is valid; not yet so in a start function */
    enum { MEMORY_UNKNOWN, MEMORY_THERE, MEMORY_ABSENT } memory_known;
    wasmtime_memory_t memory; /* the one exported as "memory", if it is known and there */
    bp__instance_limits limits;
    uint64_t memory_bytes, host_bytes;

    /* The run in progress. */
    wasmtime_caller_t *caller; /* of a start function's last host call; valid while that runs */
    bp__until until;
    bp__ended interrupted; /* set by the callback: DEADLINE or CANCELLED */
    bp__trap_report report;
};

/* Around everything that runs guest code. */
void bp__run_begin(bp__instance *instance, bp__until until);
static inline void bp__run_end(bp__instance *instance)
{
    bp__ticker_leave(instance->slot);
    instance->caller = NULL;
}
/* How it came back when the engine returned one of these, which are deleted. */
bp__ended bp__run_conclude(bp__instance *instance, wasmtime_error_t *error, wasm_trap_t *trap);

/* component_instance.c */

/* What a component may hand over follows from the limits that it has now. */
void bp__component_limit_copies(bp__instance *instance);
wasmtime_error_t *bp__component_instantiate(bp__instance *instance,
                                            const foundation_component_linked *linked);
wasmtime_error_t *bp__component_reset(bp__instance *instance, bool *ret_done);

/* Fills the report from what the engine returned, and deletes that. */
void bp__trap_report_fill(bp__trap_report *report, wasmtime_error_t *error, wasm_trap_t *trap);

#endif
