/* The engine: Wasmtime, set up for pristine instances. Thread-safe. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_ENGINE_H
#define BP_ENGINE_ENGINE_H

#include <bullpen/error.h>

#include "base/log.h"
#include "base/sha256.h"

typedef struct bp__engine bp__engine;

/* What compiled code looks at while it runs. */
typedef enum bp__engine_kind {
    BP__ENGINE_GUARDED, /* the time */
    BP__ENGINE_METERED, /* the time, and its fuel */
    BP__ENGINE_FAST,    /* nothing: it cannot be interrupted */
    BP__ENGINE_KINDS
} bp__engine_kind;

typedef struct bp__engine_options {
    bp__engine_kind kind;
    bool no_signals; /* guests' faults are found by checks, not by signals */
    const char *core_dump_dir; /* copied; NULL: no core dumps */
    uint32_t instances_max;
    uint64_t memory_bytes_max;   /* of one linear memory */
    uint64_t table_elements_max; /* of one table */
    uint64_t stack_bytes;
    uint32_t tick_ms;
    bp__logger logger;
} bp__engine_options;

/* Falls back to smaller address reservations where large ones are refused, and logs that. */
bp_status bp__engine_new(const bp__engine_options *options, bp__engine **ret, bp_error *reterr);
/* One that only compiles: no room for instances is reserved. Its code runs in an engine whose
 * kind, memory reservation, stack and use of signals are the same; bp__engine_settings() tells. */
bp_status bp__engine_new_compiler(bp__engine_kind kind, bool no_signals,
                                  uint64_t memory_reservation, uint64_t stack_bytes,
                                  bp__engine **ret, bp_error *reterr);
/* Nothing made from it may be left. Joins the ticker. */
void bp__engine_free(bp__engine *engine);

/* May be fewer than asked for. */
uint32_t bp__engine_instances_max(const bp__engine *engine);
uint64_t bp__engine_memory_reservation(const bp__engine *engine);
bool bp__engine_pagemap_scan(const bp__engine *engine);
bp__engine_kind bp__engine_get_kind(const bp__engine *engine);
bool bp__engine_no_signals(const bp__engine *engine);
uint64_t bp__engine_stack_bytes(const bp__engine *engine);
/* SHA-256 of everything that code depends on which this engine compiles. */
const uint8_t *bp__engine_settings(const bp__engine *engine);

/* Before anything that runs a guest or a compiler: BP_EINVAL, with both sizes, when this thread has
 * too little stack left. Lets the signals of guests' faults through to it. */
bp_status bp__engine_check_stack(const bp__engine *engine, bp_error *reterr);

const char *bp__engine_version(void);

#endif
