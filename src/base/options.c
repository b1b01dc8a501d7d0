/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"

static uint32_t size_of(const void *from)
{
    uint32_t size;
    memcpy(&size, from, sizeof size);
    return size;
}

/* "bp_call" begins with BP_CALL_INIT. */
static bp_status bad_size(const char *type, uint32_t size, bp_error *reterr)
{
    char macro[64];
    size_t i = 0;
    for (; type[i] && i < sizeof macro - 1; i++)
        macro[i] = (char)toupper((unsigned char)type[i]);
    macro[i] = '\0';
    return bp_error_set(reterr, BP_EINVAL, "%s: size is %u; begin with %s_INIT", type, size, macro);
}

bp_status bp__options_copy(void *to, size_t size, const void *from, const char *type,
                           bp_error *reterr)
{
    memset(to, 0, size);
    if (!from)
        return BP_OK;
    uint32_t given = size_of(from);
    if (given < sizeof given || given > BP__SIZE_SANE_MAX)
        return bad_size(type, given, reterr);
    for (size_t i = size; i < given; i++)
        if (((const char *)from)[i])
            return bp_error_set(reterr, BP_EUNSUPPORTED,
                                "%s: sets a field that this version of the library does not know",
                                type);
    memcpy(to, from, given < size ? given : size);
    return BP_OK;
}

bp_status bp__result_copy(void *to, const void *from, size_t size, const char *type,
                          bp_error *reterr)
{
    uint32_t given = size_of(to);
    if (given < sizeof given || given > BP__SIZE_SANE_MAX)
        return bad_size(type, given, reterr);
    memcpy(to, from, given < size ? given : size);
    memcpy(to, &given, sizeof given);
    return BP_OK;
}
