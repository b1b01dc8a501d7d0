/* Extism's host functions ("extism:host/env"). SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_EXTISM_FUNCTIONS_H
#define BP_GUEST_EXTISM_FUNCTIONS_H

#include "guest/link.h"
#include "guest/sandbox.h"

extern const bp__host_function bp__extism_functions[];
extern const size_t bp__extism_function_count;

/* Frees a block, which may be the input. Unknown handles are ignored. */
void bp__extism_release(bp__sandbox *sandbox, uint64_t handle);

#endif
