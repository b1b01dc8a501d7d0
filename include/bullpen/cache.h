/* Bullpen: the folder of compiled modules: list, verify, clear. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_CACHE_H
#define BULLPEN_CACHE_H

#include <bullpen/runtime.h>

BP_BEGIN_DECLS

/** A file in the cache folder. Strings are borrowed while a visit runs. */
typedef struct bp_cache_entry {
    uint32_t size;       /**< of this struct, as the library knows it */
    bool usable;         /**< this runtime would load it */
    bool removed;        /**< it was bad, and is gone now */
    const char *file;    /**< its name in the folder */
    const char *sha256;  /**< of the module's bytes as they were compiled (without debug information,
                              unless that was kept), in hex; "" if it cannot be told */
    const char *engine;  /**< what compiled it: "0.1.0, wasmtime 48.0.8 …"; "" likewise */
    uint64_t bytes;      /**< of the file */
    int64_t used_at;     /**< when it was made or loaded last; seconds since 1970 */
    const char *problem; /**< why it is bad, or of no use to this runtime; NULL: usable */
    bool bad;            /**< no code of ours; else, if not usable, it is another engine's */
} bp_cache_entry;

/** @return false to see no more. Must not call back into the runtime. */
typedef bool (*bp_cache_visit_fn)(void *data, const bp_cache_entry *entry);

/**
 * Show every entry of a runtime's cache folder, in no order; only their headers are read.
 * @return BP_OK, BP_ENOTFOUND (no folder, or not usable: says why), BP_EINVAL, BP_ESYSTEM.
 * @threads any; reads files
 */
BP_API bp_status bp_cache_list(bp_runtime *runtime, bp_cache_visit_fn visit, void *data,
                               bp_error *reterr);
/** As bp_cache_list(), but each is read whole and authenticated; bad ones are removed. @threads any */
BP_API bp_status bp_cache_verify(bp_runtime *runtime, bp_cache_visit_fn visit, void *data,
                                 bp_error *reterr);
/**
 * Remove every entry. Loaded plugins are not touched; the folder and its key stay.
 * @param[out] ret_entries how many, and @p ret_bytes how much; either may be NULL.
 * @return as bp_cache_list().
 * @threads any
 */
BP_API bp_status bp_cache_clear(bp_runtime *runtime, uint64_t *ret_entries, uint64_t *ret_bytes,
                                bp_error *reterr);

BP_END_DECLS

#endif
