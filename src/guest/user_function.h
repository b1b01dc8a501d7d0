/* From a guest to the embedder's own functions. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_USER_FUNCTION_H
#define BP_GUEST_USER_FUNCTION_H

#include "engine/linker.h"
#include "guest/sandbox.h"
#include "host/functions.h"

/* A bp__host_fn: its env is a bp__definition, its host_data the bp__sandbox. */
bool bp__user_function_call(void *env, void *host_data, bp__value *values);

/* What bp_host_call_alloc() made for one call. NULL: nothing. */
typedef struct bp__user_scratch bp__user_scratch;
void bp__user_scratch_free(bp__user_scratch *scratch);

/* Calls it for a guest of any ABI. `reterr` has a message when it fails. Adds to `*scratch`, which
 * results may point to. The caller enters and leaves the host. */
bp_status bp__user_function_invoke(const bp__definition *function, bp__sandbox *sandbox,
                                   const bp_host_value *arguments, bp_host_value *results,
                                   bp__user_scratch **scratch, bp_error *reterr);

/* What this thread is bound by while it runs such a function: a call that it makes from there ends
 * with the one that it is in. UINT64_MAX and NULL anywhere else. */
typedef struct bp__bound {
    bp_deadline by;
    bp_cancel *cancel;
} bp__bound;
bp__bound bp__user_function_bound(void);

#endif
