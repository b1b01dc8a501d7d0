/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/json.h"

#include "base/error.h"

/* As long as the text is JSON this sees strings as jansson does; jansson goes no further than that.
 */
bool bp__json_is_deep(bp_bytes text, size_t depth_max)
{
    const char *at = text.data, *end = at + text.size;
    size_t depth = 0;
    bool in_string = false;
    for (; at < end; at++) {
        if (in_string && *at == '\\' && at + 1 < end)
            at++;
        else if (*at == '"')
            in_string = !in_string;
        else if (!in_string && (*at == '[' || *at == '{') && ++depth > depth_max)
            return true;
        else if (!in_string && (*at == ']' || *at == '}') && depth)
            depth--;
    }
    return false;
}

json_t *bp__json_read(bp_bytes text, size_t size_max, size_t depth_max, const char *what,
                      bp_error *reterr)
{
    json_error_t error;
    json_t *document = NULL;
    if (text.size > size_max)
        bp_error_set(reterr, BP_EINVAL, "%s is larger than %zu KiB", what, size_max / 1024);
    else if (!text.data)
        bp_error_set(reterr, BP_EINVAL, "%s is missing", what);
    else if (bp__json_is_deep(text, depth_max))
        bp_error_set(reterr, BP_EINVAL, "%s is nested too deeply", what);
    else if (!(document = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error)))
        bp_error_set(reterr, BP_EINVAL, "%s is no JSON: line %d, column %d: %s", what, error.line,
                     error.column, error.text);
    return document;
}
