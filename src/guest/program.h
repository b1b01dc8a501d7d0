/* Linked code with everything that its sandboxes share. Immutable once made, so thread-safe.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_PROGRAM_H
#define BP_GUEST_PROGRAM_H

#include <bullpen/kv.h>

#include "base/log.h"
#include "engine/instance.h"
#include "guest/link.h"
#include "host/capability.h"
#include "host/config.h"
#include "host/env.h"
#include "host/fetch.h"
#include "host/folder.h"
#include "host/series.h"

typedef struct bp__abi bp__abi;

/* An export that can be called from outside. */
typedef struct bp__callable {
    const char *name;    /* the module's */
    bool returns_code;   /* ()->i32, else ()->() */
    bool spends;         /* _start: a command runs once in an instance */
    bp__wit_shape shape; /* of a component's */
} bp__callable;

/* How a fresh instance is initialised (abi.md, "a call"). */
typedef enum bp__start {
    BP__START_NONE,
    BP__START_CTORS,      /* __wasm_call_ctors */
    BP__START_INITIALIZE, /* _initialize */
    BP__START_HASKELL,    /* _initialize if there is one, then hs_init(0, 0) */
    BP__START_WIT,        /* a component's `init` */
} bp__start;

typedef struct bp__program_limits {
    bp__instance_limits instance;
    uint64_t init_time_ms, log_bytes, host_calls, var_bytes;
} bp__program_limits;

typedef struct bp__program {
    bp__engine *engine;
    bp__module *module; /* one use of it */
    bp__linked *linked; /* owned */
    const bp__abi *abi;
    bp__callable *callables; /* sorted by name */
    size_t callable_count;
    bp__start start;
    bp__wit_shape init_shape; /* with BP__START_WIT */
    bool has_initialize;
    bp__program_limits limits;
    bp__logger logger;
    const char *name;         /* borrowed from the plugin */
    const bp__config *config; /* borrowed from the plugin */
    bp__fetch_client *http;   /* likewise; NULL: not granted */
    bool http_headers;        /* guests see the headers of responses */
    bp__grants *grants;       /* likewise; NULL: everything */
    bp_kv *kv;                /* likewise; NULL: there is none */
    bp__series *series;       /* likewise */
    /* A figure of the plugin's pool by name; false: there is none. */
    bool (*figure)(void *data, bp_bytes name, double *ret);
    void *figure_data;
    const bp__env *env;       /* likewise */
    const bp__folder *folder; /* likewise; NULL: no files */
} bp__program;

typedef struct bp__program_options {
    const char *name;
    const char *abi; /* what the manifest says it is; NULL: guessed */
    bool describes;  /* only what tells of the component's exports can be called */
    const bp__config *config;
    bp__fetch_client *http;
    bool http_headers;
    bp__grants *grants;
    bp_kv *kv;
    bp__series *series;
    bool (*figure)(void *data, bp_bytes name, double *ret);
    void *figure_data;
    bp__logger logger;
    bp__program_limits limits;
    bool wasi;
    const bp__env *env;
    const bp__folder *folder;
    bp__user_functions functions; /* the embedder's own */
} bp__program_options;

/* Links `module` (consumed, also on failure). BP_EDENIED names an import that nobody granted. */
bp_status bp__program_new(bp__engine *engine, bp__module *module,
                          const bp__program_options *options, bp__program **ret, bp_error *reterr);
void bp__program_free(bp__program *program);

/* Finds what a caller named; BP_ENOTFOUND suggests the nearest, BP_EFORMAT tells the type. */
bp_status bp__program_find(const bp__program *program, const char *name, size_t *ret_index,
                           bp_error *reterr);

/* An export that can be called from outside: func() -> i32 or func(); of a component any but what
 * makes it ready. */
bool bp__is_callable(const bp__extern_type *export);

/* Whether only plugins that speak Extism's ABI import from this module. */
bool bp__import_is_plugins(const char *module);
/* What an import needs to be granted: "nothing", "wasi", "http", "kv", "host function", of a
 * component also "clock", "random", "files", "env"; or "?". `module` is NULL or "" for what a
 * component imports at its root. */
const char *bp__import_needs(const char *module, const char *name);

#endif
