/* Components: what they import and export, and linking them. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_COMPONENT_H
#define BP_ENGINE_COMPONENT_H

#include "engine/linker.h"

/* Fills the lists and needs of a module that is a component. */
bp_status bp__component_describe(bp__module *module, bp_error *reterr);

/* A function's type in WIT's words, for people: "func(n: u32) -> string". Owned: bp__free(); NULL
 * without memory. */
char *bp__component_signature(const bp__module *module, const bp__extern_type *function);

/* Whether a call with JSON can never reach it: a resource, a stream or too much is in its type. */
bool bp__component_refuses(const bp__module *module, const bp__extern_type *export);

/* The host's functions, as tables of callbacks whose host_data is that of the instance. */
typedef struct bp__component_imports {
    const struct foundation_wasi_host *wasi;     /* WASI 0.2 */
    const struct foundation_plugin_host *plugin; /* the interfaces of wit/plugin.wit */
    const struct foundation_user_function *user; /* the embedder's own that it imports */
    size_t user_count;
} bp__component_imports;

/* BP_EDENIED names an import that nobody has; BP_EFORMAT one that has another type. */
bp_status bp__component_link(bp__engine *engine, const bp__module *module,
                             const bp__component_imports *imports, bp__linked **ret,
                             bp_error *reterr);

#endif
