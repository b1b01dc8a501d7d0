/* Our own WASI preview 1: files to read when there is a folder, no sockets, no threads, and every
 * wait ends with the call.
 * Knows no engine. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_WASI1_H
#define BP_HOST_WASI1_H

#include "host/host_state.h"

#define BP__WASI1_MODULE "wasi_snapshot_preview1"
/* No function takes more. */
#define BP__WASI1_ARGS_MAX 9

/* The guest's linear memory as it is now: it can grow, so it is looked up for every host call. */
typedef struct bp__guest_memory {
    uint8_t *base; /* may be NULL only when `size` is 0 */
    size_t size;
} bp__guest_memory;

/**
 * Serves one call. Nothing in `args` or in the memory is trusted.
 * @param args        as many as the signature says; an i32 zero-extended.
 * @param ret_errno   what the function returns to the guest; only for functions with a result,
 *                    and only when it returns.
 * @return false: the guest must be unwound, state->stop says why.
 */
typedef bool (*bp__wasi1_fn)(bp__host_state *state, bp__guest_memory memory, const uint64_t *args,
                             uint32_t *ret_errno);

typedef struct bp__wasi1_function {
    const char *name;
    const char *signature; /* 'i' i32 and 'I' i64, then '>' and the result: "iIi>i", "i>" */
    bp__wasi1_fn call;
} bp__wasi1_function;

/* All of wasi_snapshot_preview1, so that whatever imports it can be linked; sorted by name. */
extern const bp__wasi1_function bp__wasi1_functions[];
extern const size_t bp__wasi1_function_count;

#endif
