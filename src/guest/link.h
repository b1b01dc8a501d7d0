/* Joins a module's imports with what the host has. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_LINK_H
#define BP_GUEST_LINK_H

#include "engine/linker.h"
#include "host/wasi1.h"

/* A function that guests may import; one row of an ABI's table. */
typedef struct bp__host_function {
    const char *name;
    const char *signature; /* as in bp__extern_type */
    bp__host_fn call;      /* its host_data is the bp__sandbox */
} bp__host_function;

bp_status bp__link(bp__engine *engine, const bp__module *module, bool wasi, bp__linked **ret,
                   bp_error *reterr);

#endif
