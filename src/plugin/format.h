/* What a plugin's bytes are, told before anything trusts them. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BP_PLUGIN_FORMAT_H
#define BP_PLUGIN_FORMAT_H

#include <bullpen/error.h>

#include "base/buffer.h"

typedef enum bp__format {
    BP__FORMAT_MODULE,    /* a core WebAssembly module */
    BP__FORMAT_COMPONENT, /* a WebAssembly component */
    BP__FORMAT_WAT,       /* WebAssembly text */
    BP__FORMAT_JSON,      /* a manifest */
    BP__FORMAT_OTHER,
} bp__format;

bp__format bp__format_of(bp_bytes bytes);
/* For BP__FORMAT_OTHER: `not a plugin (an ELF program)`. Always BP_EFORMAT. */
bp_status bp__format_refuse(bp_bytes bytes, bp_error *reterr);

/* The most that a module may declare. */
typedef struct bp__module_ceiling {
    uint32_t types, functions, imports, exports;
    uint64_t memory_bytes, table_elements; /* that one memory or table starts with */
    uint64_t function_bytes;               /* of one function's body */
} bp__module_ceiling;

/* Walks the sections of a core module or a component without believing them: BP_EFORMAT when they
 * do not add up, BP_ELIMIT when it declares more than allowed, a component in one of its modules.
 * Cheap, and before any compiler. */
bp_status bp__code_check(bp_bytes wasm, const bp__module_ceiling *ceiling, bp_error *reterr);

/* Drops from checked code what would make every trap report slow: debug information unless it is to
 * be kept (the engine reads all of it again for each trap), and an oversized name section. */
void bp__code_strip(bp__buffer *wasm, bool keep_debug);

#endif
