/* From a module's bytes to loaded code: by the compiler program or in this process.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_COMPILE_H
#define BP_ENGINE_COMPILE_H

#include <bullpen/deadline.h>
#include <stdatomic.h>

#include "engine/code_entry.h"
#include "engine/module.h"

typedef struct bp__compiler {
    char *program;             /* owned; NULL: there is none */
    uint64_t memory_bytes;     /* that it may allocate; BP_UNLIMITED */
    uint64_t helper_bytes_min; /* smaller modules are compiled in this process; components only
                                  where it is BP_UNLIMITED */
    uint64_t time_ms;
    bp__logger logger;
    /* It was told that there is no program: set by the first who misses it; publishes nothing. */
    _Atomic bool told;
} bp__compiler;

typedef struct bp__compiled {
    bp__module *module; /* owned */
    bp__code code;      /* in bytes, if they were asked for */
    bool by_helper;
} bp__compiled;

/* `with_code`: the bytes are wanted too. */
bp_status bp__compile(bp__compiler *compiler, bp__engine *engine, bp_bytes wasm,
                      const bp__code_key *key, bool with_code, bp_cancel *cancel, bp__compiled *ret,
                      bp_error *reterr);

#endif
