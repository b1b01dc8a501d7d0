/* Asking a component what it offers. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_DESCRIBE_H
#define BP_PLUGIN_DESCRIBE_H

#include <bullpen/runtime.h>

#include "engine/module.h"

/* Whether it has an export that tells. */
bool bp__describes(const bp__module *module);

/* As bp_inspection_describe(). `code` is what `module` was made of; `ret` is JSON, owned:
 * bp__free(). */
bp_status bp__describe(bp_runtime *runtime, const bp__module *module, bp_bytes code,
                       uint32_t timeout_ms, char **ret, bp_error *reterr);

#endif
