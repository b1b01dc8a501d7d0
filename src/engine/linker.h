/* Host functions, and code linked to them: ready to be instantiated. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_LINKER_H
#define BP_ENGINE_LINKER_H

#include "engine/module.h"

/* A raw WebAssembly value; the same bytes as the engine's. */
typedef union bp__value {
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    uint8_t v128[16];
} bp__value;

/*
 * A host function. `values` holds the parameters and takes the results, from the first on.
 * False unwinds the guest; the host's own state tells why.
 */
typedef bool (*bp__host_fn)(void *env, void *host_data, bp__value *values);

typedef struct bp__linker bp__linker;
bp_status bp__linker_new(bp__engine *engine, bp__linker **ret, bp_error *reterr);
void bp__linker_free(bp__linker *linker);
/* `signature` as in bp__extern_type, numbers only. `env` is borrowed until the linked code is gone. */
bp_status bp__linker_define(bp__linker *linker, const char *module, const char *name,
                            const char *signature, bp__host_fn function, void *env,
                            bp_error *reterr);

/* Code whose imports are all resolved and checked. Immutable, thread-safe. */
typedef struct bp__linked bp__linked;
bp_status bp__linker_link(bp__linker *linker, const bp__module *module, bp__linked **ret,
                          bp_error *reterr);
void bp__linked_free(bp__linked *linked);

#endif
