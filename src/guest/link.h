/* Joins a module's imports with what the host has. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_LINK_H
#define BP_GUEST_LINK_H

#include "engine/linker.h"
#include "host/functions.h"
#include "host/wasi1.h"

/* A function that guests may import; one row of an ABI's table. */
typedef struct bp__host_function {
    const char *name;
    const char *signature; /* as in bp__extern_type */
    bp__host_fn call;      /* its host_data is the bp__sandbox */
} bp__host_function;

/* The embedder's own, of all plugins and of this one; each may be NULL. No function is in both. */
typedef struct bp__user_functions {
    const bp_host_functions *sets[2];
} bp__user_functions;

bp_status bp__link(bp__engine *engine, const bp__module *module, bool wasi,
                   const bp__user_functions *functions, bp__linked **ret, bp_error *reterr);

#endif
