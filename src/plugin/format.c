/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/format.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "plugin/reader.h"

typedef struct known_format {
    const char *magic;
    size_t size;
    const char *what;
} known_format;

static const known_format known[] = {
    {"\x7F"
     "ELF",
     4, "an ELF program or library"},
    {"MZ", 2, "a Windows program"},
    {"\xCF\xFA\xED\xFE", 4, "a macOS program"},
    {"PK\x03\x04", 4, "a ZIP archive"},
    {"\x1F\x8B", 2, "gzip-compressed; unpack it first"},
    {"\x28\xB5\x2F\xFD", 4, "zstd-compressed; unpack it first"},
    {"#!", 2, "a script"},
    {"<", 1, "an HTML or XML page"},
};

static bool begins_with(bp_bytes bytes, const char *magic, size_t size)
{
    return bytes.size >= size && memcmp(bytes.data, magic, size) == 0;
}

static size_t skip_space(const char *text, size_t size, size_t at)
{
    while (at < size && strchr(" \t\r\n", text[at]) && text[at])
        at++;
    return at;
}

/* Past blanks and comments of WebAssembly's text form; JSON has only blanks. */
static size_t skip_comments(const char *text, size_t size)
{
    size_t at = skip_space(text, size, 0);
    while (at + 1 < size) {
        if (text[at] == ';' && text[at + 1] == ';') {
            while (at < size && text[at] != '\n')
                at++;
        } else if (text[at] == '(' && text[at + 1] == ';') {
            unsigned depth = 0;
            do {
                if (at + 1 < size && text[at] == '(' && text[at + 1] == ';')
                    depth++, at++;
                else if (at + 1 < size && text[at] == ';' && text[at + 1] == ')')
                    depth--, at++;
                at++;
            } while (depth && at < size);
        } else {
            break;
        }
        at = skip_space(text, size, at);
    }
    return at;
}

bp__format bp__format_of(bp_bytes bytes)
{
    if (begins_with(bytes, "\0asm", 4) && bytes.size >= HEADER_SIZE) {
        const uint8_t *data = bytes.data;
        /* The second half of the version field is the layer: 0 a module, 1 a component. */
        return data[6] == 1 ? BP__FORMAT_COMPONENT : BP__FORMAT_MODULE;
    }
    const char *text = bytes.data;
    size_t at = skip_comments(text, bytes.size);
    if (at < bytes.size && text[at] == '(')
        return BP__FORMAT_WAT;
    if (at < bytes.size && text[at] == '{')
        return BP__FORMAT_JSON;
    return BP__FORMAT_OTHER;
}

bp_status bp__format_refuse(bp_bytes bytes, bp_error *reterr)
{
    const char *what = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known && !what; i++)
        if (begins_with(bytes, known[i].magic, known[i].size))
            what = known[i].what;
    if (bytes.size == 0)
        what = "it is empty";
    else if (begins_with(bytes, "\0asm", bytes.size < 4 ? bytes.size : 4))
        what = "a WebAssembly file that was cut after its first bytes";
    else if (!what)
        what = bp__utf8_valid(bytes.data, bp__utf8_cut(bytes.data, bytes.size, 64))
                   ? "text, neither a manifest nor WebAssembly's text form"
                   : "unknown bytes";
    return bp_error_set(reterr, BP_EFORMAT,
                        "not a plugin: %s; a .wasm module, its .wat text or an Extism manifest is "
                        "needed",
                        what);
}

static bp_status cut_off(const reader *from, bp_bytes wasm, bp_error *reterr)
{
    return bp_error_set(reterr, BP_EFORMAT,
                        "the module is cut off or damaged: a section at byte %zu of %zu does not "
                        "fit",
                        (size_t)(from->at - (const uint8_t *)wasm.data), wasm.size);
}

#define WASM_PAGE_SIZE UINT64_C(65536)
#define LIMITS_HAVE_MAX 1

enum {
    SECTION_CUSTOM = 0,
    SECTION_TYPE = 1,
    SECTION_IMPORT = 2,
    SECTION_FUNCTION = 3,
    SECTION_TABLE = 4,
    SECTION_MEMORY = 5,
    SECTION_EXPORT = 7,
    SECTION_CODE = 10,
};

static bp_status over(const char *what, uint64_t count, const char *limit, uint64_t allowed,
                      bp_error *reterr)
{
    return bp_error_set(reterr, BP_ELIMIT, "starts with %llu %s, %s allows %llu",
                        (unsigned long long)count, what, limit, (unsigned long long)allowed);
}

static bp_status check_count(reader *section, const char *what, const char *limit, uint32_t allowed,
                             bp_error *reterr)
{
    uint32_t count;
    if (!read_u32(section, &count))
        return BP_EFORMAT;
    return count <= allowed ? BP_OK : over(what, count, limit, allowed, reterr);
}

/* The limits of a memory or a table; only plain ones are looked at, others are the engine's to
 * judge. */
static bool read_minimum(reader *section, uint32_t *ret)
{
    uint32_t flags, max;
    return read_u32(section, &flags) && flags <= LIMITS_HAVE_MAX && read_u32(section, ret) &&
           (flags != LIMITS_HAVE_MAX || read_u32(section, &max));
}

static bp_status check_memories(reader *section, const bp__module_ceiling *ceiling,
                                bp_error *reterr)
{
    uint32_t count, pages;
    if (!read_u32(section, &count))
        return BP_EFORMAT;
    for (uint32_t i = 0; i < count && read_minimum(section, &pages); i++)
        if (pages > ceiling->memory_bytes / WASM_PAGE_SIZE)
            return over("bytes of memory", pages * WASM_PAGE_SIZE, "memory_bytes_max",
                        ceiling->memory_bytes, reterr);
    return BP_OK;
}

static bp_status check_tables(reader *section, const bp__module_ceiling *ceiling, bp_error *reterr)
{
    uint32_t count, type, elements;
    if (!read_u32(section, &count))
        return BP_EFORMAT;
    for (uint32_t i = 0; i < count && read_u32(section, &type) && read_minimum(section, &elements);
         i++)
        if (elements > ceiling->table_elements)
            return over("table elements", elements, "table_elements_max", ceiling->table_elements,
                        reterr);
    return BP_OK;
}

/* `imported`: how many functions were, for the index of the others. */
static bp_status check_section(uint8_t id, reader section, const bp__module_ceiling *ceiling,
                               uint32_t *imported, bp_error *reterr)
{
    switch (id) {
    case SECTION_TYPE:
        return check_count(&section, "types", "the limit", ceiling->types, reterr);
    case SECTION_IMPORT:
        *imported = bp__count_imported_functions(section);
        return check_count(&section, "imports", "the limit", ceiling->imports, reterr);
    case SECTION_CODE:
        return bp__check_bodies(section, *imported, ceiling->function_bytes, reterr);
    case SECTION_EXPORT:
        return check_count(&section, "exports", "the limit", ceiling->exports, reterr);
    case SECTION_FUNCTION:
        return check_count(&section, "functions", "functions_max", ceiling->functions, reterr);
    case SECTION_TABLE:
        return check_tables(&section, ceiling, reterr);
    case SECTION_MEMORY:
        return check_memories(&section, ceiling, reterr);
    default:
        return BP_OK;
    }
}

static bp_status check_core(bp_bytes wasm, const bp__module_ceiling *ceiling, bp_error *reterr)
{
    const uint8_t *start = wasm.data;
    if (memcmp(start + 4, "\1\0\0\0", 4) != 0)
        return bp_error_set(reterr, BP_EFORMAT,
                            "WebAssembly version %u is unknown; version 1 is needed",
                            start[4] | (unsigned)start[5] << 8);
    reader from = {start + HEADER_SIZE, start + wasm.size};
    uint32_t imported = 0;
    while (from.at < from.end) {
        uint8_t id = *from.at++;
        uint32_t size;
        if (!read_u32(&from, &size) || size > (size_t)(from.end - from.at))
            return cut_off(&from, wasm, reterr);
        bp_status status =
            check_section(id, (reader){from.at, from.at + size}, ceiling, &imported, reterr);
        if (status == BP_EFORMAT)
            return cut_off(&from, wasm, reterr);
        if (status != BP_OK)
            return status;
        from.at += size;
    }
    return BP_OK;
}

/* ---- components ---- */

/* Toolchains put components into components once or twice. */
#define COMPONENT_DEPTH_MAX 8

/* How many modules and components are inside, all levels together: the engine takes 100 modules. */
#define PARTS_MAX 1000

static bp_status check_component(bp_bytes wasm, const bp__module_ceiling *ceiling, unsigned depth,
                                 uint32_t *parts, bp_error *reterr);

/* A module or a component inside of a component. */
static bp_status check_part(bp_bytes wasm, bool is_module, const bp__module_ceiling *ceiling,
                            unsigned depth, uint32_t *parts, bp_error *reterr)
{
    if (++*parts > PARTS_MAX)
        return bp_error_set(reterr, BP_ELIMIT, "more than %d modules and components in it",
                            PARTS_MAX);
    bp__format format = bp__format_of(wasm);
    if (format != (is_module ? BP__FORMAT_MODULE : BP__FORMAT_COMPONENT))
        return BP_EFORMAT;
    return is_module ? check_core(wasm, ceiling, reterr)
                     : check_component(wasm, ceiling, depth + 1, parts, reterr);
}

static bp_status check_component(bp_bytes wasm, const bp__module_ceiling *ceiling, unsigned depth,
                                 uint32_t *parts, bp_error *reterr)
{
    const uint8_t *start = wasm.data;
    if (depth > COMPONENT_DEPTH_MAX)
        return bp_error_set(reterr, BP_ELIMIT, "components are nested more than %d deep",
                            COMPONENT_DEPTH_MAX);
    if (start[4] != 0x0D || start[5] != 0)
        return bp_error_set(reterr, BP_EFORMAT,
                            "version %u of the component format is unknown; version 13 is needed",
                            start[4] | (unsigned)start[5] << 8);
    reader from = {start + HEADER_SIZE, start + wasm.size};
    bp_status status = BP_OK;
    while (status == BP_OK && from.at < from.end) {
        uint8_t id = *from.at++;
        uint32_t size;
        if (!read_u32(&from, &size) || size > (size_t)(from.end - from.at))
            return cut_off(&from, wasm, reterr);
        bool is_module = id == BP__SECTION_PART_MODULE;
        if (is_module || id == BP__SECTION_PART_COMPONENT)
            status =
                check_part((bp_bytes){from.at, size}, is_module, ceiling, depth, parts, reterr);
        if (status == BP_EFORMAT && reterr->status != BP_EFORMAT)
            return cut_off(&from, wasm, reterr);
        from.at += size;
    }
    return status;
}

bp_status bp__code_check(bp_bytes wasm, const bp__module_ceiling *ceiling, bp_error *reterr)
{
    uint32_t parts = 0;
    bp_error error = BP_ERROR_INIT; /* of its own: whether it is filled is looked at */
    bp_status status = bp__format_of(wasm) == BP__FORMAT_COMPONENT
                           ? check_component(wasm, ceiling, 0, &parts, &error)
                           : check_core(wasm, ceiling, &error);
    if (status != BP_OK && reterr)
        *reterr = error;
    return status;
}
