/* Entries in a file: what the parts of this backend share. SPDX-License-Identifier: Apache-2.0
 *
 * Four tables in one LMDB environment, all numbers big-endian:
 *   names  namespace                      -> its number, entries, bytes
 *   data   number, key                    -> version, time of expiry, value
 *   times  time of expiry, number, key    -> nothing; of entries that expire
 *   meta   "format", "version", "space"   -> FORMAT; the last version and the last number given out
 * A change alters all of them in one transaction, so counts match content after any crash. */
#ifndef BP_HOST_KV_LMDB_H
#define BP_HOST_KV_LMDB_H

#include <lmdb.h>
#include <pthread.h>
#include <sys/types.h>

#include "host/kv.h"

#define BP__LMDB_FORMAT "bullpen-kv 1"
#define BP__LMDB_KEPT 16

typedef struct bp__lmdb_writer bp__lmdb_writer;

typedef struct bp__lmdb {
    MDB_env *env;
    MDB_dbi names, data, times, meta;
    char *path;
    uint64_t bytes_max;           /* of the file */
    bp__kv_counters *counters;    /* the store's: not to be touched once that may be gone */
    pthread_mutex_t mutex;        /* guards what follows, down to `kept_count` */
    pthread_cond_t changed;       /* somebody left, or the map is new; on CLOCK_MONOTONIC */
    unsigned users;               /* have a transaction */
    unsigned remakers;            /* wait to make the map anew, or do: nobody enters meanwhile */
    bool remaking;                /* one of them does */
    MDB_txn *kept[BP__LMDB_KEPT]; /* read transactions to be renewed */
    unsigned kept_count;
    bp__lmdb_writer *writer;
    dev_t device; /* of the folder: what bp__lmdb_claim() goes by */
    ino_t inode;
    struct bp__lmdb *next_open;
} bp__lmdb;

/* ---- kv_lmdb_record.c: bytes in the tables */

/* What `names` says of a namespace. */
typedef struct bp__lmdb_space {
    uint64_t number;
    bp__kv_use use;
} bp__lmdb_space;
#define BP__LMDB_SPACE_SIZE 24
void bp__lmdb_space_write(const bp__lmdb_space *space, uint8_t to[BP__LMDB_SPACE_SIZE]);
bool bp__lmdb_space_read(const MDB_val *from, bp__lmdb_space *ret);

/* A value in `data`; the value proper points into `from`. */
typedef struct bp__lmdb_entry {
    uint64_t version, expires_ms;
    bp_bytes value;
} bp__lmdb_entry;
#define BP__LMDB_ENTRY_HEAD 16
void bp__lmdb_entry_write_head(const bp__lmdb_entry *entry, uint8_t to[BP__LMDB_ENTRY_HEAD]);
bool bp__lmdb_entry_read(const MDB_val *from, bp__lmdb_entry *ret);

/* A key of `data`, or of `times` (with a time before it). LMDB's own limit is 511 bytes. */
#define BP__LMDB_KEY_MAX (16 + BP_KV_KEY_SIZE_MAX)
typedef struct bp__lmdb_key {
    uint8_t bytes[BP__LMDB_KEY_MAX];
    size_t size;
} bp__lmdb_key;
void bp__lmdb_data_key(bp__lmdb_key *ret, uint64_t number, bp_bytes key);
void bp__lmdb_time_key(bp__lmdb_key *ret, uint64_t expires_ms, uint64_t number, bp_bytes key);
bool bp__lmdb_data_key_read(const MDB_val *from, uint64_t *ret_number, bp_bytes *ret_key);
bool bp__lmdb_time_key_read(const MDB_val *from, uint64_t *ret_expires_ms, uint64_t *ret_number,
                            bp_bytes *ret_key);
static inline MDB_val bp__lmdb_val(const void *data, size_t size)
{
    return (MDB_val){.mv_size = size, .mv_data = (void *)(uintptr_t)data};
}
static inline MDB_val bp__lmdb_key_val(const bp__lmdb_key *key)
{
    return bp__lmdb_val(key->bytes, key->size);
}
void bp__lmdb_put64(uint8_t to[8], uint64_t value);
uint64_t bp__lmdb_get64(const uint8_t from[8]);

/* ---- kv_lmdb_env.c: transactions and the map */

/* What LMDB's error means to callers. */
bp_status bp__lmdb_error(const bp__lmdb *self, int code, const char *doing, bp_error *reterr);
bp_status bp__lmdb_damaged(const bp__lmdb *self, bp_error *reterr);
/* Ends with bp__lmdb_read_end(). Data that it shows is valid until then. */
bp_status bp__lmdb_read_begin(bp__lmdb *self, bp_deadline by, MDB_txn **ret, bp_error *reterr);
void bp__lmdb_read_end(bp__lmdb *self, MDB_txn *txn);
/* The moment on the real clock that `by` is; a test may have set the other one. */
struct timespec bp__lmdb_moment(bp_deadline by);
/* Waits for the writers of other processes. Ends with _commit or _abort. */
int bp__lmdb_write_begin(bp__lmdb *self, MDB_txn **ret);
int bp__lmdb_write_commit(bp__lmdb *self, MDB_txn *txn);
void bp__lmdb_write_abort(bp__lmdb *self, MDB_txn *txn);
/* Doubles the map; false when it is as large as it may be. No transaction of this thread is open.
 */
bool bp__lmdb_grow(bp__lmdb *self);
/* Lets the file grow past its limit, or no further. */
void bp__lmdb_slack(bp__lmdb *self, bool allow);

/* ---- kv_lmdb_open.c */

bp_status bp__lmdb_open(const bp__kv_setup *setup, bp__lmdb **ret, bp_error *reterr);
/* Closes and frees; the writer is gone. */
void bp__lmdb_free(bp__lmdb *self);

/* ---- kv_lmdb_apply.c: changes, within a write transaction */

typedef enum bp__lmdb_what { BP__LMDB_SET, BP__LMDB_REMOVE, BP__LMDB_SWEEP } bp__lmdb_what;

/* A change that somebody waits for, and what came of it. */
typedef struct bp__lmdb_job {
    struct bp__lmdb_job *next;
    bp__lmdb_what what;
    bp__kv_space space;
    bp_bytes key; /* in `bytes` */
    bp_kv_limits limits;
    bp__kv_write write; /* its value is in `bytes`, behind the head */
    /* The writer's until `done`. */
    bp_status status;
    bp_error error;
    uint64_t version;
    uint64_t swept;
    /* Under the writer's mutex. */
    pthread_cond_t wakeup;
    bool taken, done, cancelled, abandoned;
    uint8_t bytes[]; /* the key, then an entry: BP__LMDB_ENTRY_HEAD and the value */
} bp__lmdb_job;

/* A transaction: numbers that are given out in it, and what it does. */
typedef struct bp__lmdb_batch {
    bp__lmdb *self;
    MDB_txn *txn;
    uint64_t now_ms, version, space, expired;
    bool changed;
    uint64_t commits, expired_in_all; /* of all transactions with this */
} bp__lmdb_batch;

/* LMDB's error: then the transaction is lost. A job's own failure is its status. */
int bp__lmdb_batch_begin(bp__lmdb_batch *batch);
int bp__lmdb_apply(bp__lmdb_batch *batch, bp__lmdb_job *job);
int bp__lmdb_batch_end(bp__lmdb_batch *batch);

/* ---- kv_lmdb_writer.c */

bp__lmdb_writer *bp__lmdb_writer_new(bp__lmdb *self);
/* Ends the thread, then the environment; at the latest after some seconds without having waited for
 * either, which then end by themselves. */
void bp__lmdb_writer_close(bp__lmdb_writer *writer);
/* NULL when memory is gone. */
bp__lmdb_job *bp__lmdb_job_new(bp__lmdb_what what, const bp__kv_request *request, bp_bytes value);
void bp__lmdb_job_free(bp__lmdb_job *job);
/* Hands a job over and waits. BP_OK: it is done, see its status; free it. Else it is consumed: it
 * was not begun, or may be made without anybody waiting. */
bp_status bp__lmdb_submit(bp__lmdb_writer *writer, bp__lmdb_job *job, bp_deadline by,
                          bp_cancel *cancel, bp_error *reterr);

#endif
