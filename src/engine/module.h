/* Compiled code and its imports and exports. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_MODULE_H
#define BP_ENGINE_MODULE_H

#include "engine/engine.h"

typedef enum bp__extern_kind {
    BP__EXTERN_FUNC,
    BP__EXTERN_GLOBAL,
    BP__EXTERN_TABLE,
    BP__EXTERN_MEMORY,
    BP__EXTERN_TAG,
    BP__EXTERN_WIT_FUNC, /* of a component, as all below */
    BP__EXTERN_INTERFACE,
    BP__EXTERN_WIT_TYPE,
    BP__EXTERN_WIT_OTHER, /* a module, a component, a value */
} bp__extern_kind;

/* Types of a component's functions that have a way of their own. */
typedef enum bp__wit_shape {
    BP__WIT_ANY,
    BP__WIT_BYTES,   /* func(list<u8>) -> result<list<u8>, string> */
    BP__WIT_INIT,    /* func() -> result<_, string> */
    BP__WIT_RUN,     /* func() -> result */
    BP__WIT_NOTHING, /* func() */
} bp__wit_shape;

/* An import or an export. For a function `type` is its signature: 'i' i32, 'I' i64, 'f' f32,
 * 'd' f64, 'v' v128, 'r' a reference; '>' stands between parameters and results. For others it is
 * a text for people: "memory(17..)", or in WIT's words for what is a component's.
 * A component's functions in interfaces: imports have the interface as `module`; exports have a
 * name like "wasi:cli/run@0.2.0#run". */
typedef struct bp__extern_type {
    char *module; /* NULL for exports, and for what a component imports at its root */
    char *name;
    char *type;
    bp__extern_kind kind;
    bp__wit_shape shape; /* of a BP__EXTERN_WIT_FUNC */
} bp__extern_type;

/* What one instance takes. */
typedef struct bp__module_needs {
    uint32_t memories, tables, functions;
    uint64_t memory_bytes_initial;   /* of the largest memory */
    uint64_t table_elements_initial; /* of the largest table */
} bp__module_needs;

/* Immutable. Shared by its users, each of whom ends its use with bp__module_unref(); linked code
 * (linker.h) keeps the engine's part of it alive by itself. */
typedef struct bp__module {
    void *wasm; /* the engine's */
    bool is_component;
    bp__extern_type *imports, *exports;
    size_t import_count, export_count;
    bp__module_needs needs;
    uint64_t compiled_bytes;
    struct bp__cached
        *cached; /* its place in a cache, which counts its users; NULL: has one user */
} bp__module;

/* Compiled code as bytes. Ends with bp__code_done(). */
typedef struct bp__code {
    uint8_t *data;
    size_t size;
    bool is_ours; /* from bp__alloc(), not the engine's */
} bp__code;
void bp__code_done(bp__code *code);

/* Text to binary. `ret` is owned: bp__free(). */
bp_status bp__wat_to_wasm(bp_bytes text, uint8_t **ret, size_t *ret_size, bp_error *reterr);

/* Of what is WebAssembly: whether it is a component. */
bool bp__wasm_is_component(bp_bytes wasm);

/* Validates and compiles a core module or a component; seconds for a large one. */
bp_status bp__module_compile(bp__engine *engine, bp_bytes wasm, bp__module **ret, bp_error *reterr);
/* The same to bytes, without loading them. */
bp_status bp__module_precompile(bp__engine *engine, bp_bytes wasm, bp__code *ret, bp_error *reterr);
bp_status bp__module_serialize(const bp__module *module, bp__code *ret, bp_error *reterr);
/* Loads such bytes, which are copied. UNSAFE: they are native code, which no check can find
 * harmless. They must have been authenticated, and be in memory that nobody else can write to. */
bp_status bp__module_load(bp__engine *engine, bp_bytes code, bp__module **ret, bp_error *reterr);

/* Ends one use; NULL is fine. Thread-safe. */
void bp__module_unref(bp__module *module);
/* Frees one that no cache knows. */
void bp__module_free(bp__module *module);

/* The signature in words: "func(i64, i32) -> i64". `ret` is owned: bp__free(); NULL without memory.
 */
char *bp__signature_text(const char *signature);

#endif
