/* Code without what nobody needs to run it. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "plugin/format.h"
#include "plugin/reader.h"

/* A name section larger than this is of no help to anybody. */
#define NAME_SECTION_BYTES_MAX (1024 * 1024)

#define SECTION_CUSTOM 0

/* Whether a custom section, with its name in front, stays. */
static bool stays(reader section, bool keep_debug)
{
    static const char debug[] = ".debug_", name[] = "name";
    size_t bytes = (size_t)(section.end - section.at);
    uint32_t size;
    if (!read_u32(&section, &size) || size > (size_t)(section.end - section.at))
        return false;
    if (size >= sizeof debug - 1 && memcmp(section.at, debug, sizeof debug - 1) == 0)
        return keep_debug;
    if (size == sizeof name - 1 && memcmp(section.at, name, size) == 0)
        return bytes <= NAME_SECTION_BYTES_MAX;
    return true;
}

/* In as many bytes as the old number took: LEB128 may be longer than it has to be. */
static void rewrite_size(uint8_t *at, size_t bytes, size_t size)
{
    for (size_t i = 0; i < bytes; i++) {
        uint8_t more = i + 1 < bytes ? 0x80 : 0;
        at[i] = (uint8_t)((size & 0x7F) | more);
        size >>= 7;
    }
}

static uint8_t *strip(uint8_t *begin, uint8_t *end, bool is_component, bool keep_debug);

/* A module or a component inside: shrinks within its section, whose new end is returned. Only what
 * was checked before comes here, so that this does not go deeper than the check allows. */
static uint8_t *strip_part(uint8_t *size_at, size_t size_bytes, uint8_t *content, uint8_t *end,
                           bool is_component, bool keep_debug)
{
    uint8_t *new_end = strip(content + HEADER_SIZE, end, is_component, keep_debug);
    rewrite_size(size_at, size_bytes, (size_t)(new_end - content));
    return new_end;
}

/* Sections from `begin` on, moved together; returns their new end. */
static uint8_t *strip(uint8_t *begin, uint8_t *end, bool is_component, bool keep_debug)
{
    uint8_t *to = begin;
    reader from = {begin, end};
    while (from.at < from.end) {
        uint8_t *start = (uint8_t *)(uintptr_t)from.at, id = *from.at++;
        uint32_t size;
        if (!read_u32(&from, &size) || size > (size_t)(from.end - from.at))
            return end; /* not checked before; left to the engine */
        uint8_t *content = (uint8_t *)(uintptr_t)from.at, *content_end = content + size;
        from.at += size;
        if (id == SECTION_CUSTOM && !stays((reader){content, content_end}, keep_debug))
            continue;
        bool is_part = id == BP__SECTION_PART_MODULE || id == BP__SECTION_PART_COMPONENT;
        if (is_component && is_part && size >= HEADER_SIZE)
            content_end = strip_part(start + 1, (size_t)(content - start - 1), content, content_end,
                                     id == BP__SECTION_PART_COMPONENT, keep_debug);
        memmove(to, start, (size_t)(content_end - start));
        to += content_end - start;
    }
    return to;
}

void bp__code_strip(bp__buffer *wasm, bool keep_debug)
{
    uint8_t *bytes = (uint8_t *)wasm->data;
    bool is_component = bp__format_of(bp__buffer_bytes(wasm)) == BP__FORMAT_COMPONENT;
    uint8_t *end = strip(bytes + HEADER_SIZE, bytes + wasm->size, is_component, keep_debug);
    wasm->size = (size_t)(end - bytes);
}
