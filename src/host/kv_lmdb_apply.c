/* Changes within a write transaction. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "host/kv_lmdb.h"

#define SWEEP_BATCH 1000

static int read_number(bp__lmdb_batch *batch, const char *name, uint64_t *ret)
{
    MDB_val key = bp__lmdb_val(name, strlen(name)), value;
    int code = mdb_get(batch->txn, batch->self->meta, &key, &value);
    *ret = 0;
    if (code == MDB_NOTFOUND)
        return 0;
    if (!code && value.mv_size != 8)
        return MDB_CORRUPTED;
    if (!code)
        *ret = bp__lmdb_get64(value.mv_data);
    return code;
}

static int write_number(bp__lmdb_batch *batch, const char *name, uint64_t number)
{
    uint8_t bytes[8];
    bp__lmdb_put64(bytes, number);
    MDB_val key = bp__lmdb_val(name, strlen(name)), value = bp__lmdb_val(bytes, sizeof bytes);
    return mdb_put(batch->txn, batch->self->meta, &key, &value, 0);
}

int bp__lmdb_batch_begin(bp__lmdb_batch *batch)
{
    batch->now_ms = bp__wall_ms();
    batch->expired = 0;
    batch->changed = false;
    int code = read_number(batch, "version", &batch->version);
    return code ? code : read_number(batch, "space", &batch->space);
}

int bp__lmdb_batch_end(bp__lmdb_batch *batch)
{
    if (!batch->changed)
        return 0;
    int code = write_number(batch, "version", batch->version);
    return code ? code : write_number(batch, "space", batch->space);
}

/* ---- namespaces and entries */

static int read_space(bp__lmdb_batch *batch, const bp__kv_space *name, bp__lmdb_space *ret,
                      bool *ret_there)
{
    MDB_val key = bp__lmdb_val(name->bytes, name->size), value;
    int code = mdb_get(batch->txn, batch->self->names, &key, &value);
    *ret_there = code == 0;
    *ret = (bp__lmdb_space){0};
    if (code == MDB_NOTFOUND)
        return 0;
    return code || bp__lmdb_space_read(&value, ret) ? code : MDB_CORRUPTED;
}

/* One without entries is forgotten; its number is not used again. */
static int write_space(bp__lmdb_batch *batch, const bp__kv_space *name, const bp__lmdb_space *space)
{
    uint8_t bytes[BP__LMDB_SPACE_SIZE];
    MDB_val key = bp__lmdb_val(name->bytes, name->size);
    batch->changed = true;
    if (!space->use.entries) {
        int code = mdb_del(batch->txn, batch->self->names, &key, NULL);
        return code == MDB_NOTFOUND ? 0 : code;
    }
    bp__lmdb_space_write(space, bytes);
    MDB_val value = bp__lmdb_val(bytes, sizeof bytes);
    return mdb_put(batch->txn, batch->self->names, &key, &value, 0);
}

/* What is known of an entry without holding on to the page it stands on. */
typedef struct seen {
    bool there;
    uint64_t version, expires_ms, bytes;
} seen;

static int read_entry(bp__lmdb_batch *batch, uint64_t number, bp_bytes key, seen *ret)
{
    bp__lmdb_key name;
    bp__lmdb_entry entry;
    bp__lmdb_data_key(&name, number, key);
    MDB_val at = bp__lmdb_key_val(&name), value;
    int code = mdb_get(batch->txn, batch->self->data, &at, &value);
    *ret = (seen){0};
    if (code)
        return code == MDB_NOTFOUND ? 0 : code;
    if (!bp__lmdb_entry_read(&value, &entry))
        return MDB_CORRUPTED;
    *ret = (seen){true, entry.version, entry.expires_ms, key.size + entry.value.size};
    return 0;
}

static int delete_from(bp__lmdb_batch *batch, MDB_dbi table, const bp__lmdb_key *name)
{
    MDB_val at = bp__lmdb_key_val(name);
    int code = mdb_del(batch->txn, table, &at, NULL);
    return code == MDB_NOTFOUND ? MDB_CORRUPTED : code;
}

/* Takes an entry that is there out of both tables and out of the counts, which the caller writes.
 */
static int drop(bp__lmdb_batch *batch, bp__lmdb_space *space, bp_bytes key, const seen *entry)
{
    bp__lmdb_key name;
    bp__lmdb_data_key(&name, space->number, key);
    int code = delete_from(batch, batch->self->data, &name);
    if (!code && entry->expires_ms) {
        bp__lmdb_time_key(&name, entry->expires_ms, space->number, key);
        code = delete_from(batch, batch->self->times, &name);
    }
    if (!code && (!space->use.entries || space->use.bytes < entry->bytes))
        code = MDB_CORRUPTED;
    if (code)
        return code;
    space->use.entries--;
    space->use.bytes -= entry->bytes;
    batch->changed = true;
    return 0;
}

/* ---- what has expired */

/* The name of namespace `number`: only sweeps want it, so there is no table by number. */
static int find_space(bp__lmdb_batch *batch, uint64_t number, bp__kv_space *ret,
                      bp__lmdb_space *ret_space)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_cursor_open(batch->txn, batch->self->names, &cursor);
    if (code)
        return code;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (!bp__lmdb_space_read(&value, ret_space) || key.mv_size > sizeof ret->bytes) {
            code = MDB_CORRUPTED;
            break;
        }
        if (ret_space->number == number) {
            memcpy(ret->bytes, key.mv_data, key.mv_size);
            ret->size = key.mv_size;
            break;
        }
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? MDB_CORRUPTED : code;
}

/* A copy of the first key in `times`, if its time has come, from `from` on. */
static int next_expired(bp__lmdb_batch *batch, const bp__lmdb_key *from, bp__lmdb_key *ret,
                        bool *ret_there)
{
    MDB_cursor *cursor;
    MDB_val key = bp__lmdb_key_val(from), value;
    uint64_t expires_ms, number;
    bp_bytes name;
    int code = mdb_cursor_open(batch->txn, batch->self->times, &cursor);
    if (code)
        return code;
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    *ret_there = false;
    if (code == 0) {
        if (!bp__lmdb_time_key_read(&key, &expires_ms, &number, &name)) {
            code = MDB_CORRUPTED;
        } else if (bp__kv_expired(expires_ms, batch->now_ms)) {
            memcpy(ret->bytes, key.mv_data, key.mv_size);
            ret->size = key.mv_size;
            *ret_there = true;
        }
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int drop_expired(bp__lmdb_batch *batch, bp__lmdb_space *space, bp_bytes key)
{
    seen entry;
    int code = read_entry(batch, space->number, key, &entry);
    if (!code && !entry.there)
        code = MDB_CORRUPTED;
    if (!code)
        code = drop(batch, space, key, &entry);
    if (!code)
        batch->expired++;
    return code;
}

static int sweep(bp__lmdb_batch *batch, bp__lmdb_job *job)
{
    bp__kv_space name = {.size = 0};
    bp__lmdb_space space = {0};
    int code = 0;
    for (job->swept = 0; job->swept < SWEEP_BATCH && !code; job->swept++) {
        bp__lmdb_key at = {.size = 1}, found;
        bool there;
        uint64_t expires_ms, number;
        bp_bytes key;
        code = next_expired(batch, &at, &found, &there);
        if (code || !there)
            break;
        MDB_val found_val = bp__lmdb_key_val(&found);
        if (!bp__lmdb_time_key_read(&found_val, &expires_ms, &number, &key))
            return MDB_CORRUPTED;
        if (!space.number || space.number != number)
            code = find_space(batch, number, &name, &space);
        if (!code)
            code = drop_expired(batch, &space, key);
        if (!code)
            code = write_space(batch, &name, &space);
    }
    return code;
}

/* Makes room in one namespace: everything of it that has expired goes. */
static int sweep_space(bp__lmdb_batch *batch, const bp__kv_space *name, bp__lmdb_space *space)
{
    bp__lmdb_key at = {.size = 1}, found;
    for (;;) {
        bool there;
        uint64_t expires_ms, number;
        bp_bytes key;
        int code = next_expired(batch, &at, &found, &there);
        if (code || !there)
            return code ? code : write_space(batch, name, space);
        MDB_val found_val = bp__lmdb_key_val(&found);
        if (!bp__lmdb_time_key_read(&found_val, &expires_ms, &number, &key))
            return MDB_CORRUPTED;
        if (number == space->number)
            code = drop_expired(batch, space, key);
        if (code)
            return code;
        /* The next one: the same with a byte more is the first key behind it. */
        at = found;
        if (at.size < sizeof at.bytes)
            at.bytes[at.size++] = 0;
        else
            for (size_t i = at.size; i-- > 0 && ++at.bytes[i] == 0;)
                continue;
    }
}

/* ---- the changes */

static int make_room(bp__lmdb_batch *batch, bp__lmdb_job *job, bp__lmdb_space *space,
                     const seen *old)
{
    uint64_t bytes = job->key.size + job->write.value.size;
    job->status =
        bp__kv_room(&job->limits, &space->use, old->there, old->bytes, bytes, &job->error);
    if (!job->status || !space->number)
        return 0;
    int code = sweep_space(batch, &job->space, space);
    if (!code)
        job->status =
            bp__kv_room(&job->limits, &space->use, old->there, old->bytes, bytes, &job->error);
    return code;
}

static int put(bp__lmdb_batch *batch, bp__lmdb_job *job, bp__lmdb_space *space)
{
    bp__lmdb_key name;
    uint8_t *stored = job->bytes + job->key.size;
    const bp__lmdb_entry entry = {.version = ++batch->version, .expires_ms = job->write.expires_ms};
    bp__lmdb_entry_write_head(&entry, stored);
    bp__lmdb_data_key(&name, space->number, job->key);
    MDB_val at = bp__lmdb_key_val(&name);
    MDB_val value = bp__lmdb_val(stored, BP__LMDB_ENTRY_HEAD + job->write.value.size);
    int code = mdb_put(batch->txn, batch->self->data, &at, &value, 0);
    if (!code && entry.expires_ms) {
        bp__lmdb_time_key(&name, entry.expires_ms, space->number, job->key);
        at = bp__lmdb_key_val(&name);
        value = bp__lmdb_val("", 0);
        code = mdb_put(batch->txn, batch->self->times, &at, &value, 0);
    }
    space->use.entries++;
    space->use.bytes += job->key.size + job->write.value.size;
    job->version = entry.version;
    return code ? code : write_space(batch, &job->space, space);
}

static int read_old(bp__lmdb_batch *batch, const bp__lmdb_job *job, bp__lmdb_space *space,
                    seen *old)
{
    bool there;
    int code = read_space(batch, &job->space, space, &there);
    *old = (seen){0};
    if (!code && there)
        code = read_entry(batch, space->number, job->key, old);
    if (code || !old->there || !bp__kv_expired(old->expires_ms, batch->now_ms))
        return code;
    code = drop(batch, space, job->key, old);
    *old = (seen){0};
    batch->expired++;
    return code ? code : write_space(batch, &job->space, space);
}

static int set(bp__lmdb_batch *batch, bp__lmdb_job *job)
{
    bp__lmdb_space space;
    seen old;
    int code = read_old(batch, job, &space, &old);
    if (code)
        return code;
    job->status = bp__kv_condition_check(job->write.condition, job->write.version, old.there,
                                         old.version, &job->error);
    if (!job->status)
        code = make_room(batch, job, &space, &old);
    if (code || job->status)
        return code;
    if (old.there)
        code = drop(batch, &space, job->key, &old);
    /* One that lost its last entry is out of the table, so it is a new one. */
    if (!space.number)
        space.number = ++batch->space;
    return code ? code : put(batch, job, &space);
}

static int delete(bp__lmdb_batch *batch, bp__lmdb_job *job)
{
    bp__lmdb_space space;
    seen old;
    int code = read_old(batch, job, &space, &old);
    if (code)
        return code;
    if (!old.there)
        job->status = bp__kv_absent(&job->error);
    else
        job->status = bp__kv_condition_check(job->write.condition, job->write.version, true,
                                             old.version, &job->error);
    if (job->status)
        return 0;
    code = drop(batch, &space, job->key, &old);
    return code ? code : write_space(batch, &job->space, &space);
}

int bp__lmdb_apply(bp__lmdb_batch *batch, bp__lmdb_job *job)
{
    job->status = BP_OK;
    switch (job->what) {
    case BP__LMDB_SET:
        return set(batch, job);
    case BP__LMDB_REMOVE:
        return delete (batch, job);
    case BP__LMDB_SWEEP:
        return sweep(batch, job);
    }
    return MDB_BAD_TXN;
}
