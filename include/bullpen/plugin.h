/* Bullpen: plugins: load, look at, free. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_PLUGIN_H
#define BULLPEN_PLUGIN_H

#include <bullpen/kv.h>
#include <bullpen/policy.h>
#include <bullpen/pool.h>
#include <bullpen/runtime.h>

BP_BEGIN_DECLS

/** Code with its pool of warm sandboxes. Opaque; thread-safe. */
typedef struct bp_plugin bp_plugin;

/** What a sandbox looks like to the next call. */
typedef enum bp_reset_policy {
    BP_RESET_FRESH = 0, /**< pristine, every time; the work is done between calls */
    BP_RESET_REUSE = 1, /**< memory and globals live on between calls of one tenant */
} bp_reset_policy;

/**
 * Ceilings for one call in one sandbox. Zero means "as the runtime, the manifest or the default
 * says"; BP_UNLIMITED lifts this side's own limit. Effective is the smallest of all sides.
 */
typedef struct bp_limits {
    uint64_t memory_bytes;   /**< all memories of a sandbox together; default 64 MiB */
    uint64_t table_elements; /**< all tables together; default: the runtime's */
    uint64_t time_ms;        /**< one call, from the first wait to the last byte; default 1000. Kept
                                  to two ticks, scheduling, and what a host function may take */
    uint64_t init_time_ms;   /**< making and initialising a sandbox; default 5000 */
    uint64_t input_bytes;    /**< default 16 MiB */
    uint64_t output_bytes;   /**< default 16 MiB */
    uint64_t log_bytes;      /**< a call's log text, stdout and stderr; default 64 KiB */
    uint64_t host_calls;     /**< calls of host functions in one call, but for those that only touch
                                  Extism memory, input, output and error; default unlimited */
    uint64_t var_bytes;      /**< Extism vars of a plugin and tenant; default 1 MiB. When 4096
                                  tenants have some, the one not seen for longest loses its own */
    uint64_t fuel;           /**< what a call may execute, about one a wasm instruction: the same on
                                  every machine, in every run; initialisation is not counted.
                                  Default: not counted, which is faster. BP_UNLIMITED: counted only */
    bool trap_on_grow_failure; /**< end the call when growth is refused, instead of answering -1 */
    uint64_t reserved_[4];     /**< zero: this struct lies inside of others and cannot grow */
} bp_limits;

/** One configuration value. Strings are borrowed while a function runs. */
typedef struct bp_config_entry {
    const char *key;
    const char *value;
} bp_config_entry;

/** One environment variable. Strings are borrowed while a function runs. */
typedef struct bp_env_entry {
    const char *name;
    const char *value; /**< NULL: what this process has; if it has none, neither has the plugin */
} bp_env_entry;

/** Descriptors that a guest may have open at once of `files_dir`; one more is refused (EMFILE). */
#define BP_FILES_OPEN_MAX 64

typedef struct bp_plugin_options {
    uint32_t size;    /**< set by BP_PLUGIN_OPTIONS_INIT */
    uint32_t reset;   /**< a bp_reset_policy; default fresh */
    const char *name; /**< for messages and metrics; default: the manifest's, else the file's */
    bool wasi; /**< grants WASI: clocks, randomness, stdout and stderr to the log, and what
                     `files_dir` and `env` say. Components have its functions without this, and
                     nothing by them */
    bool prewarm_background; /**< do not wait for the first sandboxes while loading */
    bool debug_info; /**< keep DWARF, so that backtraces have files and lines: for plugins that you
                          trust, since the engine reads all of it again for every trap */
    bool trusted;    /**< compile it without the checks that let it be interrupted, which can double
                        its    speed. Nothing ends such a guest but itself: neither a deadline nor a
                        cancel,    in calls or in initialisation. Needs limits.time_ms = BP_UNLIMITED */
    uint32_t max_live;    /**< sandboxes at once; default 8, or fewer on a small runtime */
    uint32_t min_warm;    /**< kept ready; default 1; BP_POOL_NONE for none */
    uint64_t max_uses;    /**< calls before a sandbox is replaced (reuse); 0: no rotation */
    uint64_t idle_ttl_ms; /**< idle ones above min_warm go after this; default 60 000 */
    bp_limits limits;
    const bp_config_entry *config; /**< copied; wins over the manifest's */
    size_t config_count;
    bp_cancel *cancel; /**< ends a compilation by bullpen-compile, or the wait for somebody else's:
                            BP_ECANCELLED. Borrowed while loading; NULL: none */
    const char *const *http_hosts; /**< grants HTTP to these hosts, `[scheme://]host[:port]` each: a name,
                            "*.suffix", an address, a network ("10.0.0.0/8"), or "*". Without a port
                            the scheme's own; ":*" is any. Of a plugin with an Extism manifest only
                            those hosts that its allowed_hosts name, too. Copied; docs/plugins/http.md */
    size_t http_hosts_count;       /**< 0: HTTP is not granted */
    bool http_private_addresses;   /**< hosts may be at loopback, private, link-local and the like; else
                            only at public addresses, and at those that http_hosts names */
    bool http_response_headers;    /**< plugins see the headers of responses */
    uint64_t http_request_bytes;   /**< one request's body; default 16 MiB */
    uint64_t http_response_bytes;  /**< one response's body; default 16 MiB */
    const char *http_ca_file;      /**< certificates to trust (PEM); default: the system's. Copied */
    bp_kv *kv; /**< the store behind the plugin's kv functions, where its name and the tenant are its
                    namespace; referenced; NULL: none */
    const char *files_dir; /**< a folder whose files the plugin may read, as "/"; NULL: none. Needs
                                `wasi`. It is opened while loading and kept until the plugin's last
                                call ended, whatever becomes of its path */
    const bp_env_entry *env; /**< environment variables, all that the plugin sees; copied. Needs
                                  `wasi`; at most 128 KiB in all */
    size_t env_count;
    bp_host_functions *host_functions; /**< the host's own, for this plugin, beside the runtime's;
                                            NULL: none. The plugin keeps a reference */
    bp_policy *policy; /**< grants and limits by the plugin's name, beside what stands here; only used
                            while loading; NULL: none */
} bp_plugin_options;

#define BP_PLUGIN_OPTIONS_INIT {.size = (uint32_t)sizeof(bp_plugin_options)}

/**
 * Load a plugin and warm its pool.
 * The file is a WebAssembly module or component, its text form, a manifest (docs/plugins/manifest.md), the
 * folder that has one as manifest.json, or an Extism manifest, which names a module by path or
 * carries it in base64. A plugin with a manifest of ours gets what that asks for and the options
 * grant, and nothing else.
 * @param      runtime borrowed; the plugin keeps a reference.
 * @param      options borrowed; NULL for the defaults.
 * @param[out] ret     owned on BP_OK: end it with bp_plugin_unref().
 * @return BP_OK; BP_ENOTFOUND, BP_ESYSTEM (the file); BP_EFORMAT (no plugin; says what it is);
 *         BP_EUNSUPPORTED (it serves HTTP, several modules); BP_EDENIED (an import that was not
 *         granted, or that nobody has); BP_ELIMIT; BP_EINVAL (options that contradict each other,
 *         or too little stack); BP_ETIMEDOUT (compiling or initialisation was too slow), BP_EGUEST
 *         (initialisation failed); BP_ECANCELLED; BP_EBUSY (no sandbox left); BP_ENOMEM;
 * BP_EENGINE.
 * @threads any; blocks while compiling and warming.
 */
BP_API BP_MUST_USE bp_status bp_plugin_load_file(bp_runtime *runtime, const char *path,
                                                 const bp_plugin_options *options, bp_plugin **ret,
                                                 bp_error *reterr);
/** As bp_plugin_load_file(), from memory; paths in a manifest are relative to the working folder.
 */
BP_API BP_MUST_USE bp_status bp_plugin_load_bytes(bp_runtime *runtime, bp_bytes code,
                                                  const bp_plugin_options *options, bp_plugin **ret,
                                                  bp_error *reterr);
/** @threads any */
BP_API bp_plugin *bp_plugin_ref(bp_plugin *plugin);
/**
 * End one's use; NULL is fine. The last one closes the pool: sandboxes that are lent end when they
 * come back. @threads any; the last one blocks until helpers finished what they do for it
 */
BP_API void bp_plugin_unref(bp_plugin *plugin);

/** Where a plugin's compiled code came from. */
typedef enum bp_code_source {
    BP_CODE_MEMORY = 1,   /**< the runtime had it, or was just making it for somebody else */
    BP_CODE_DISK = 2,     /**< the cache folder */
    BP_CODE_COMPILED = 3, /**< compiled in this process */
    BP_CODE_HELPER = 4,   /**< compiled by bullpen-compile */
} bp_code_source;
/** "memory", "disk", "compiled", "helper". @threads any */
BP_API const char *bp_code_source_name(bp_code_source source);

/** What a plugin is and what holds for it. Strings live as long as the plugin. */
typedef struct bp_plugin_info {
    uint32_t size; /**< set by BP_PLUGIN_INFO_INIT */
    uint32_t reset;
    const char *name;
    const char *abi;    /**< "extism", "component", "command" */
    const char *sha256; /**< of the main module's bytes, in hex */
    uint64_t code_bytes, compiled_bytes;
    uint32_t max_live, min_warm;
    bp_limits limits;           /**< effective */
    const char *const *exports; /**< names of the callable exports */
    size_t export_count;
    uint32_t code_source;              /**< a bp_code_source */
    uint64_t code_ns;                  /**< how long it took to have the compiled code */
    const char *version, *description; /**< the manifest's; "" without one */
    const char
        *default_export; /**< what a call without a name means; NULL: "handle", if it is there */
} bp_plugin_info;
#define BP_PLUGIN_INFO_INIT {.size = (uint32_t)sizeof(bp_plugin_info)}
/** @param[in,out] ret begins with BP_PLUGIN_INFO_INIT. @threads any */
BP_API bp_status bp_plugin_get_info(const bp_plugin *plugin, bp_plugin_info *ret, bp_error *reterr);

/** The pool's counters; begins with BP_POOL_STATS_INIT. @threads any */
BP_API bp_status bp_plugin_get_pool_stats(const bp_plugin *plugin, bp_pool_stats *ret,
                                          bp_error *reterr);
/** The plugin's pool, for bp_pool_metrics_write() and the like; borrowed. @threads any */
BP_API bp_pool *bp_plugin_pool(bp_plugin *plugin);

BP_END_DECLS

#endif
