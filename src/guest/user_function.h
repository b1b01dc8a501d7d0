/* From a guest to the embedder's own functions. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_USER_FUNCTION_H
#define BP_GUEST_USER_FUNCTION_H

#include "engine/linker.h"
#include "host/functions.h"

/* A bp__host_fn: its env is a bp__definition, its host_data the bp__sandbox. */
bool bp__user_function_call(void *env, void *host_data, bp__value *values);

/* What this thread is bound by while it runs such a function: a call that it makes from there ends
 * with the one that it is in. UINT64_MAX and NULL anywhere else. */
typedef struct bp__bound {
    bp_deadline by;
    bp_cancel *cancel;
} bp__bound;
bp__bound bp__user_function_bound(void);

#endif
