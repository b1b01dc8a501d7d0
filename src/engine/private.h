/* Shared by the engine's files only. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_PRIVATE_H
#define BP_ENGINE_PRIVATE_H

#include <foundation.h>
#include <stdatomic.h>

#include "base/cleanup.h"
#include "engine/engine.h"
#include "engine/ticker.h"

struct bp__engine {
    wasm_engine_t *wasm;
    bp__engine_kind kind;
    bool no_signals;
    bp__ticker *ticker;
    bp__logger logger;
    uint64_t stack_bytes;
    uint32_t instances_max;
    uint64_t memory_bytes_max; /* what a linear memory may grow to */
    uint64_t memory_reservation;
    bool pagemap_scan;
    char *core_dump_dir;
    _Atomic uint32_t core_dumps; /* so far; relaxed */
    uint8_t settings[BP__SHA256_SIZE];
};

/* Turns Wasmtime's error into ours and deletes it. */
bp_status bp__engine_error(wasmtime_error_t *error, bp_status status, bp_error *reterr,
                           const char *doing);

BP_DEFINE_CLEANUP(bp__cleanup_wasm_error, wasmtime_error_t, wasmtime_error_delete)
BP_DEFINE_CLEANUP(bp__cleanup_wasm_trap, wasm_trap_t, wasm_trap_delete)

#endif
