/* TOML, by the foundation's parser. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_TOML_H
#define BP_ENGINE_TOML_H

#include <bullpen/error.h>

#include "base/buffer.h"

/* Appends the text's meaning as JSON. BP_EFORMAT tells line and column. */
bp_status bp__toml_to_json(bp_bytes text, bp__buffer *to, bp_error *reterr);

#endif
