/* The engine: Wasmtime, set up for pristine instances. Thread-safe. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_ENGINE_H
#define BP_ENGINE_ENGINE_H

#include <bullpen/error.h>

#include "base/log.h"

typedef struct bp__engine bp__engine;

typedef struct bp__engine_options {
    uint32_t instances_max;
    uint64_t memory_bytes_max;   /* of one linear memory */
    uint64_t table_elements_max; /* of one table */
    uint64_t stack_bytes;
    uint32_t tick_ms;
    bp__logger logger;
} bp__engine_options;

/* Falls back to smaller address reservations where large ones are refused, and logs that. */
bp_status bp__engine_new(const bp__engine_options *options, bp__engine **ret, bp_error *reterr);
/* Nothing made from it may be left. Joins the ticker. */
void bp__engine_free(bp__engine *engine);

/* May be fewer than asked for. */
uint32_t bp__engine_instances_max(const bp__engine *engine);
uint64_t bp__engine_memory_reservation(const bp__engine *engine);
bool bp__engine_pagemap_scan(const bp__engine *engine);

/* Before anything that runs a guest or a compiler: BP_EINVAL, with both sizes, when this thread has
 * too little stack left. Lets the signals of guests' faults through to it. */
bp_status bp__engine_check_stack(const bp__engine *engine, bp_error *reterr);

const char *bp__engine_version(void);

#endif
