/* A module's functions, before anything compiles them. SPDX-License-Identifier: Apache-2.0 */
#include "plugin/reader.h"

enum { IMPORT_FUNC = 0, IMPORT_TABLE = 1, IMPORT_MEMORY = 2, IMPORT_GLOBAL = 3, IMPORT_TAG = 4 };

#define LIMITS_HAVE_MAX 1
#define TYPE_REF_NULL 0x63
#define TYPE_REF 0x64

static bool skip_bytes(reader *from, size_t count)
{
    if (count > (size_t)(from->end - from->at))
        return false;
    from->at += count;
    return true;
}

static bool skip_name(reader *from)
{
    uint32_t size;
    return read_u32(from, &size) && skip_bytes(from, size);
}

/* A reference to a type that the module defines has that type behind its first byte. */
static bool skip_type(reader *from)
{
    uint32_t first, heap;
    return read_u32(from, &first) &&
           ((first != TYPE_REF && first != TYPE_REF_NULL) || read_u32(from, &heap));
}

static bool skip_limits(reader *from)
{
    uint32_t flags, minimum, maximum;
    return read_u32(from, &flags) && read_u32(from, &minimum) &&
           (!(flags & LIMITS_HAVE_MAX) || read_u32(from, &maximum));
}

static bool skip_import(reader *from, uint8_t *ret_kind)
{
    uint32_t type;
    if (!skip_name(from) || !skip_name(from) || from->at == from->end)
        return false;
    *ret_kind = *from->at++;
    switch (*ret_kind) {
    case IMPORT_FUNC:
        return read_u32(from, &type);
    case IMPORT_TABLE:
        return skip_type(from) && skip_limits(from);
    case IMPORT_MEMORY:
        return skip_limits(from);
    case IMPORT_GLOBAL:
        return skip_type(from) && skip_bytes(from, 1);
    case IMPORT_TAG:
        return skip_bytes(from, 1) && read_u32(from, &type);
    default:
        return false;
    }
}

uint32_t bp__count_imported_functions(reader imports)
{
    uint32_t count, functions = 0;
    uint8_t kind;
    if (!read_u32(&imports, &count))
        return 0;
    for (uint32_t i = 0; i < count && skip_import(&imports, &kind); i++)
        functions += kind == IMPORT_FUNC;
    return functions;
}

bp_status bp__check_bodies(reader code, uint32_t imported, uint64_t bytes_max, bp_error *reterr)
{
    uint32_t count, size;
    if (!read_u32(&code, &count))
        return BP_EFORMAT;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_u32(&code, &size) || !skip_bytes(&code, size))
            return BP_EFORMAT;
        if (size > bytes_max)
            return bp_error_set(
                reterr, BP_ELIMIT, "function %llu has %u bytes, function_bytes_max allows %llu",
                (unsigned long long)imported + i, size, (unsigned long long)bytes_max);
    }
    return BP_OK;
}
