/* A plugin from the inside. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_PLUGIN_H
#define BP_PLUGIN_PLUGIN_H

#include <bullpen/plugin.h>

#include "base/sha256.h"
#include "guest/sandbox.h"
#include "host/series.h"
#include "plugin/call_counts.h"
#include "plugin/manifest.h"
#include "plugin/runtime.h"
#include "plugin/tenants.h"

struct bp_plugin {
    /* Users. The last decrement releases to who frees the plugin (reaper.c). */
    _Atomic uint32_t references;
    bp_runtime *runtime; /* referenced */
    char *name;
    bp_reset_policy reset;
    bp_limits limits; /* effective */
    uint32_t max_live, min_warm;
    uint64_t max_uses, idle_ttl_ms; /* as in bp_plugin_options */
    bp__config config;
    bp__grants grants;
    bp_kv *kv; /* referenced, or NULL */
    bool describes; /* nothing can be called but what tells of its exports */
    bool is_own; /* has a manifest of ours, which names what is writeable */
    char *version, *description, *default_export; /* the manifest's, or NULL */
    bool *writeable;                              /* by export; NULL: all */
    bp__fetch_client *http;                       /* NULL: not granted */
    bp__env env;
    bp__folder *folder;           /* kept open until the last call ended; NULL: none */
    bp_host_functions *functions; /* referenced; NULL: none but the runtime's */
    bp__program *program;
    bp__tenants tenants;
    bp_pool *pool;
    bp__call_counts calls;
    bp__series series; /* what it counts itself */
    const char **export_names;
    uint64_t code_bytes;
    bp_code_source code_source;
    uint64_t code_ns; /* until the compiled code was there */
    uint8_t digest[BP__SHA256_SIZE];
    char sha256[BP__SHA256_HEX_SIZE];
};

/* What the pool of a plugin holds. */
typedef struct bp__item {
    bp__sandbox sandbox;
    bp_plugin *plugin;
    bp_lease lease;     /* while a result or a session holds it */
    bp__tenant *tenant; /* likewise; NULL: none */
    bool spent;         /* no call may follow before a reset, not even in a session */
} bp__item;

/* Frees everything; nothing of the pool may be lent. */
void bp__plugin_free(bp_plugin *plugin);

/* Ends the lease that `item` holds. The item may be gone afterwards, and its plugin too. */
void bp__item_give(bp__item *item);

/* While this thread takes from a pool: what cancels a creation that it has to do itself. */
void bp__taking_cancel_set(bp_cancel *cancel);

#endif
