/* Compiling in another process, which can be ended. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_HELPER_H
#define BP_ENGINE_HELPER_H

#include <bullpen/deadline.h>

#include "base/log.h"
#include "engine/code_entry.h"
#include "engine/engine.h"

/* Where the compiler program is: `named` (an option), else $BULLPEN_COMPILE, else beside the
 * program that runs, else where it was installed. `*ret` is owned: bp__free(); NULL: nowhere. */
bp_status bp__helper_find(const char *named, char **ret, bp_error *reterr);

typedef struct bp__helper_ask {
    const char *program;
    bp_bytes wasm;
    const bp__code_key *key;
    uint64_t time_ms;      /* BP_UNLIMITED: until it is done */
    uint64_t memory_bytes; /* BP_UNLIMITED: as much as it takes */
    bp_cancel *cancel;     /* NULL: none */
} bp__helper_ask;

/*
 * Compiles with it. Code on BP_OK: `*ret` is owned (bp__free), `*ret_size` its bytes.
 * BP_EUNSUPPORTED: no helper could be had, or it is not of this version, and the module was not
 * looked at. BP_ETIMEDOUT, BP_ECANCELLED: it was ended. BP_EENGINE: it crashed, or answered
 * nonsense. Else what the compiler said of the module.
 */
bp_status bp__helper_compile(const bp__engine *engine, const bp__helper_ask *ask, uint8_t **ret,
                             size_t *ret_size, bp_error *reterr);

#endif
