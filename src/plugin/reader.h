/* Reading a module's bytes without believing them. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_READER_H
#define BP_PLUGIN_READER_H

#include <bullpen/error.h>

typedef struct reader {
    const uint8_t *at, *end;
} reader;

/* An unsigned LEB128 of at most 32 bits. */
static inline bool read_u32(reader *from, uint32_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (from->at == from->end)
            return false;
        uint8_t byte = *from->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            *ret = (uint32_t)value;
            return value <= UINT32_MAX;
        }
    }
    return false;
}

#define HEADER_SIZE 8

/* Sections of a component that hold a whole module, a whole component. */
#define BP__SECTION_PART_MODULE 1
#define BP__SECTION_PART_COMPONENT 4

/* functions.c */

/* How many functions an import section brings; as far as it can be read, the rest is the engine's
 * to judge. */
uint32_t bp__count_imported_functions(reader imports);
/* BP_ELIMIT names the first function whose body is larger than `bytes_max`; BP_EFORMAT: a body does
 * not fit into its section. `imported` is the index of the first. */
bp_status bp__check_bodies(reader code, uint32_t imported, uint64_t bytes_max, bp_error *reterr);

#endif
