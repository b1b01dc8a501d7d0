/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/toml.h"

#include <foundation.h>

#include "base/error.h"

static bool append(void *data, const uint8_t *bytes, size_t size)
{
    return bp__buffer_append(data, bytes, size);
}

bp_status bp__toml_to_json(bp_bytes text, bp__buffer *to, bp_error *reterr)
{
    foundation_toml_error error = {.message = ""};
    if (foundation_toml_to_json(text.data, text.size, append, to, &error))
        return BP_OK;
    if (to->overflow)
        return bp__error_oom(reterr, "reading TOML");
    if (!error.line) /* nowhere in particular: it nests too deeply, or there was no thread for it */
        return bp_error_set(reterr, BP_EFORMAT, "%s", error.message);
    return bp_error_set(reterr, BP_EFORMAT, "line %u, column %u: %s", error.line, error.column,
                        error.message);
}
