/* Bullpen: the runtime, which everything else hangs on. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_RUNTIME_H
#define BULLPEN_RUNTIME_H

#include <bullpen/deadline.h>
#include <bullpen/error.h>
#include <bullpen/host_function.h>
#include <bullpen/log.h>

BP_BEGIN_DECLS

/**
 * Engine, helper threads and ceilings for a set of plugins. One a process is usual.
 * Opaque; thread-safe. Threads start with the first plugin, block all signals but faults, and have
 * names that begin with "bullpen-" or "bp-". A forked child has none of them: its parent's runtime
 * refuses to load and to call there (BP_EINVAL), and it can make one of its own.
 */
typedef struct bp_runtime bp_runtime;

/** How a guest's fault (an access beyond its memory, a division by zero) becomes a trap. */
typedef enum bp_signals {
    BP_SIGNALS_HANDLERS =
        0,               /**< by handlers of SIGSEGV, SIGILL and SIGFPE, installed with the first
                              runtime; faults of others go to the handlers that were there */
    BP_SIGNALS_NONE = 1, /**< by checks in the compiled code: no handler is installed */
} bp_signals;

/** Zero in a field means its default. */
typedef struct bp_runtime_options {
    uint32_t size;               /**< set by BP_RUNTIME_OPTIONS_INIT */
    uint32_t sandboxes_max;      /**< live at once, over all plugins; default 256 */
    uint64_t memory_bytes_max;   /**< ceiling for one sandbox; default 256 MiB, at most 4 GiB */
    uint64_t table_elements_max; /**< ceiling for one sandbox; default 100 000 */
    uint64_t stack_bytes;        /**< guest stack, on the caller's own; default 512 KiB */
    uint64_t plugin_bytes_max;   /**< largest plugin file; default 64 MiB */
    uint32_t functions_max;      /**< most functions in a plugin; default 100 000 */
    uint32_t tick_ms;            /**< how exactly deadlines are kept; default 1 */
    uint32_t helpers;            /**< threads for resets and refills; default 2 */
    uint32_t log_level;          /**< a bp_log_level, the lowest that `log` gets; default trace */
    bp_log_fn log;               /**< where records go; NULL: nowhere */
    void *log_data;              /**< borrowed until the runtime is freed */
    const char *core_dump_dir; /**< NULL: none. A folder for core dumps of guests that trap, as many
                                    as 100, in the format of WebAssembly's debuggers. A dump holds
                                    the guest's whole memory; copied */
    uint32_t compiled_max;     /**< compiled modules that nobody uses and that are kept in memory;
                                    default 10; BP_POOL_NONE (pool.h) for none */
    uint32_t signals;          /**< a bp_signals: how guests' faults are found; default handlers.
                                    Checks in their place take time: a loop that reads and writes
                                    bytes took 1.8 to 2.2 times as long, count_vowels as long */
    const char *cache_dir;     /**< folder of compiled modules, made if missing; only used if it is
                                    this user's and nobody else can write to it. NULL:
                                    $BULLPEN_CACHE_DIR, else $XDG_CACHE_HOME/bullpen/modules, else
                                    ~/.cache/bullpen/modules; "": none. Copied */
    uint64_t cache_bytes_max;  /**< what that folder may hold, the oldest used go first; default
                                    1 GiB; BP_UNLIMITED */
    uint64_t compile_time_ms;  /**< longest compilation by bullpen-compile; default 60 000;
                                    BP_UNLIMITED */
    const char *compiler;      /**< that program. NULL: $BULLPEN_COMPILE, else beside the program
                                    that runs, else where it was installed; "": none, everything
                                    is compiled in this process. Copied */
    uint64_t helper_bytes_min; /**< smaller modules are compiled in this process, whose compilation
                                    their size bounds; default 4 KiB; 1: none; BP_UNLIMITED: all.
                                    Components are not, whatever their size, but for the last */
    uint64_t function_bytes_max; /**< largest function of a plugin, in bytes of WebAssembly; default
                                      1 MiB; BP_UNLIMITED */
    uint64_t compile_memory_bytes; /**< what bullpen-compile may allocate for one module, 256 MiB or
                                        more; default 1 GiB; BP_UNLIMITED */
    bp_host_functions *host_functions; /**< the host's own, for all plugins; NULL: none. The runtime
                                            keeps a reference */
} bp_runtime_options;

#define BP_RUNTIME_OPTIONS_INIT {.size = (uint32_t)sizeof(bp_runtime_options)}

/**
 * Make a runtime.
 * It reserves addresses, not memory: 4 GiB for each memory of each sandbox. Where a limit refuses
 * that (RLIMIT_AS), as much as memory_bytes_max; then for fewer and fewer sandboxes, two at least.
 * A warning in the log says so, and bp_runtime_get_info() what came of it. 256 MiB are left for
 * what comes after: less is BP_ENOMEM, since the engine ends the process when it is refused memory.
 * @param      options borrowed; NULL for the defaults.
 * @param[out] ret     owned on BP_OK: end it with bp_runtime_unref().
 * @return BP_OK, BP_EINVAL (names the option), BP_ENOMEM (addresses or memory), BP_EENGINE.
 * @threads any; blocks for milliseconds.
 */
BP_API BP_MUST_USE bp_status bp_runtime_new(const bp_runtime_options *options, bp_runtime **ret,
                                            bp_error *reterr);
/**
 * Whether guests' faults still reach this library's handlers. A handler that the host installs
 * after the first runtime gets them first; that is well if it passes them on to the handler that it
 * replaced, which nobody can see from here.
 * @return BP_OK (also with BP_SIGNALS_NONE), or BP_EINVAL with the signal's name. @threads any
 */
BP_API BP_MUST_USE bp_status bp_runtime_check_signals(const bp_runtime *runtime, bp_error *reterr);
/** @threads any */
BP_API bp_runtime *bp_runtime_ref(bp_runtime *runtime);
/**
 * End one's use. Plugins keep their runtime alive; the last to go joins its threads.
 * NULL is fine. @threads any; the last one blocks until helpers finished what they do.
 */
BP_API void bp_runtime_unref(bp_runtime *runtime);

/** What a runtime ended up with. */
typedef struct bp_runtime_info {
    uint32_t size; /**< set by BP_RUNTIME_INFO_INIT */
    uint32_t sandboxes_max;
    uint64_t memory_bytes_max;
    uint64_t table_elements_max;
    uint64_t stack_bytes;
    uint64_t memory_reservation_bytes; /**< addresses reserved for each linear memory */
    uint32_t tick_ms;
    uint32_t cores;             /**< this process may use: affinity and cgroup quota */
    bool pagemap_scan;          /**< resets copy only dirty pages back (Linux 6.7 and later) */
    uint64_t cache_memory_hits; /**< loads whose module was in memory, or just being made */
    uint64_t cache_disk_hits;   /**< loads whose module was on disk */
    uint64_t compiles;          /**< modules that were compiled */
    uint64_t compile_failures;  /**< modules that could not be, for whatever reason */
    uint64_t cache_bad_entries; /**< files in the cache folder that were no code of ours */
    uint32_t compiled_kept;     /**< modules in memory that nobody uses, now */
    const char *cache_dir;      /**< the folder; NULL: none. Lives as long as the runtime */
    const char *cache_problem;  /**< why nothing is kept on disk; NULL: it is. Lives likewise */
    const char *compiler;       /**< the path of bullpen-compile; NULL: none. Lives likewise */
} bp_runtime_info;
#define BP_RUNTIME_INFO_INIT {.size = (uint32_t)sizeof(bp_runtime_info)}

/** @param[in,out] ret begins with BP_RUNTIME_INFO_INIT. @threads any */
BP_API bp_status bp_runtime_get_info(const bp_runtime *runtime, bp_runtime_info *ret,
                                     bp_error *reterr);

/** "0.1.0" of the library that runs, which may be newer than the headers. */
BP_API const char *bp_version(void);
/** Name and version of the engine inside: "wasmtime 48.0.8 …". */
BP_API const char *bp_engine_version(void);

BP_END_DECLS

#endif
