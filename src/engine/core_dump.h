/* What a guest looked like when it trapped, as a file. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_CORE_DUMP_H
#define BP_ENGINE_CORE_DUMP_H

#include "engine/instance_private.h"

/* Writes the dump of the trap that just ended the instance's run into the engine's folder, if it
 * has one, and its path into the report. A failure is logged: the call has ended either way. */
void bp__core_dump(bp__instance *instance, const wasmtime_error_t *error, const wasm_trap_t *trap);

#endif
