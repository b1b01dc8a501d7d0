/* Components from core modules, by the foundation's encoder. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_ENCODE_H
#define BP_ENGINE_ENCODE_H

#include <bullpen/error.h>

/* A file of WIT: its name, and its text. */
typedef struct bp__wit_file {
    const char *name;
    bp_bytes text;
} bp__wit_file;

typedef struct bp__wit {
    const bp__wit_file *files;
    size_t count;
    const char *world; /* NULL: the only one */
} bp__wit;

/* Gets a file that was made, borrowed; false to stop. */
typedef bool (*bp__encode_write_fn)(void *data, const char *name, bp_bytes content);

/* Each writes what it makes, or answers BP_EFORMAT with what is wrong, BP_ENOMEM, BP_ECANCELLED.
 * `wit` may be NULL for bp__encode_component() alone. */
bp_status bp__encode_component(bp_bytes module, const bp__wit *wit, bp__encode_write_fn write,
                               void *data, bp_error *reterr);
bp_status bp__encode_docs(bp_bytes component, const bp__wit *wit, bp__encode_write_fn write,
                          void *data, bp_error *reterr);
bp_status bp__encode_bindings_c(const bp__wit *wit, bp__encode_write_fn write, void *data,
                                bp_error *reterr);

#endif
