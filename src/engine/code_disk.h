/* Compiled code kept on disk. Thread-safe; many processes may use one folder.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_CODE_DISK_H
#define BP_ENGINE_CODE_DISK_H

#include <bullpen/deadline.h>

#include "base/log.h"
#include "engine/code_entry.h"

typedef struct bp__code_disk bp__code_disk;

/* `dir` as bp_runtime_options.cache_dir. Always made (but for BP_ENOMEM): one that cannot be used
 * finds nothing and keeps nothing. */
bp_status bp__code_disk_new(const char *dir, uint64_t bytes_max, const bp__logger *logger,
                            bp__code_disk **ret, bp_error *reterr);
void bp__code_disk_free(bp__code_disk *disk);

/* Its path, or NULL: there is none. */
const char *bp__code_disk_path(const bp__code_disk *disk);
/* Why it is not used; NULL: it is. */
const char *bp__code_disk_problem(const bp__code_disk *disk);

/* Finds authentic code for a key: `*ret` is owned (bp__free). What has the name but is no such code
 * is removed, logged, and counted in `*bad`. False: none. */
bool bp__code_disk_get(bp__code_disk *disk, const bp__code_key *key, uint8_t **ret,
                       size_t *ret_size, uint64_t *bad);
/* Keeps it, if it can; says once in the log when not. The oldest used go when there is no room. */
void bp__code_disk_put(bp__code_disk *disk, const bp__code_key *key, bp_bytes code);
/* Takes away an entry that was authentic, but that the engine did not take. */
void bp__code_disk_drop(bp__code_disk *disk, const bp__code_key *key, const char *why);

/* The right to compile one module, among processes; the kernel gives it back when its holder dies.
 * Waits for it until `by` (BP_NOW: not at all). -1: not had; compile anyway. */
int bp__code_disk_lock(bp__code_disk *disk, const bp__code_key *key, bp_deadline by,
                       bp_cancel *cancel);
void bp__code_disk_unlock(int lock);

/* ---- looking at it from outside: code_list.c ---- */

/* Borrowed during the visit. */
typedef struct bp__code_info {
    const char *file;
    bp__code_key key;   /* zero where the header cannot be read */
    const char *engine; /* "" likewise */
    uint64_t bytes;
    int64_t used_at;     /* seconds since 1970 */
    const char *problem; /* NULL: authentic, or (not verifying) looks so */
    bool foreign;        /* nothing is wrong, but it is another engine's */
    bool removed;
} bp__code_info;

typedef bool (*bp__code_visit_fn)(void *data, const bp__code_info *info);

/* Shows every entry, in no order, until `visit` says false. `verify`: all of it is read, and what
 * has a problem is removed. */
bp_status bp__code_disk_visit(bp__code_disk *disk, const uint8_t settings[BP__SHA256_SIZE],
                              bool verify, bp__code_visit_fn visit, void *data, bp_error *reterr);
/* Removes every entry, those that are being written too. */
bp_status bp__code_disk_clear(bp__code_disk *disk, uint64_t *ret_entries, uint64_t *ret_bytes,
                              bp_error *reterr);

#endif
