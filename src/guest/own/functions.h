/* Bullpen's own host functions ("bullpen:host/env"): key-value store, randomness, clocks, metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_OWN_FUNCTIONS_H
#define BP_GUEST_OWN_FUNCTIONS_H

#include "guest/link.h"

#define BP__OWN_MODULE "bullpen:host/env"

/* Handles are Extism's. What fails answers -1 (a double: NaN) and leaves its reason for
 * error_text(); only a deadline, a cancel or a limit of the call ends it. */
extern const bp__host_function bp__own_functions[];
extern const size_t bp__own_function_count;

#endif
