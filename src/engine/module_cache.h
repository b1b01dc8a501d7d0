/* Compiled once: modules in memory, behind them the disk, behind that the compiler. Thread-safe.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_MODULE_CACHE_H
#define BP_ENGINE_MODULE_CACHE_H

#include "engine/code_disk.h"
#include "engine/module.h"

typedef struct bp__module_cache bp__module_cache;

typedef struct bp__module_cache_options {
    uint32_t kept_max;          /* modules without a user that are kept in memory; 0: none */
    const char *dir;            /* as bp_runtime_options.cache_dir */
    uint64_t disk_bytes_max;
    const char *compiler;       /* as bp_runtime_options.compiler */
    uint64_t compile_time_ms;   /* BP_UNLIMITED: as long as it takes */
    uint64_t compile_memory_bytes; /* BP_UNLIMITED: as much as it takes */
    uint64_t helper_bytes_min;
    bp__logger logger;
} bp__module_cache_options;

typedef enum bp__module_source {
    BP__FROM_MEMORY = 1,
    BP__FROM_DISK,
    BP__FROM_COMPILER, /* in this process */
    BP__FROM_HELPER,
} bp__module_source;

typedef struct bp__module_cache_stats {
    uint64_t memory_hits, disk_hits, compiles, compile_failures, bad_entries;
    uint32_t kept;    /* in memory without a user, now */
    uint32_t waiting; /* threads, for a module that another is making, now */
} bp__module_cache_stats;

bp_status bp__module_cache_new(const bp__module_cache_options *options, bp__module_cache **ret,
                               bp_error *reterr);
/* No module of it may be in use; before the engines that they were made for. */
void bp__module_cache_free(bp__module_cache *cache);

/*
 * The module of these bytes for an engine, compiled if need be. Engines of one cache differ in their
 * settings (bp__engine_settings()) and outlive it. `digest` is their SHA-256, or NULL: not known yet.
 * Threads that want one module at the same time wait for the first of them, and get its module or
 * its error (but for BP_ECANCELLED, which is that one's own). `*ret` ends with bp__module_unref().
 */
bp_status bp__module_cache_take(bp__module_cache *cache, bp__engine *engine, bp_bytes wasm,
                                const uint8_t *digest, bp_cancel *cancel, bp__module **ret,
                                bp__module_source *ret_source, bp_error *reterr);
/* bp__module_unref() of a module that has a place in a cache. */
void bp__module_cache_give(bp__module *module);

void bp__module_cache_read_stats(bp__module_cache *cache, bp__module_cache_stats *ret);
bp__code_disk *bp__module_cache_disk(bp__module_cache *cache);
/* The path of the compiler program; NULL: none. */
const char *bp__module_cache_compiler(const bp__module_cache *cache);

#endif
