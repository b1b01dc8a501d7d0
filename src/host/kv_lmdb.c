/* Entries in a file: reading, and handing changes to the writer. SPDX-License-Identifier:
 * Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "host/kv_lmdb.h"

static bp_status lmdb_open(const bp__kv_setup *setup, void **ret, bp_error *reterr)
{
    bp__lmdb *self;
    bp_status status = bp__lmdb_open(setup, &self, reterr);
    if (status)
        return status;
    self->writer = bp__lmdb_writer_new(self);
    if (!self->writer) {
        bp__lmdb_free(self);
        return bp__error_oom(reterr, "opening a key-value store");
    }
    *ret = self;
    return BP_OK;
}

static void lmdb_close(void *data)
{
    bp__lmdb_writer_close(((bp__lmdb *)data)->writer);
}

/* ---- reading: these return LMDB's codes */

static int read_space(const bp__lmdb *self, MDB_txn *txn, const bp__kv_space *name,
                      bp__lmdb_space *ret)
{
    MDB_val key = bp__lmdb_val(name->bytes, name->size), value;
    int code = mdb_get(txn, self->names, &key, &value);
    return code || bp__lmdb_space_read(&value, ret) ? code : MDB_CORRUPTED;
}

static int read_entry(const bp__lmdb *self, MDB_txn *txn, uint64_t number, bp_bytes key,
                      bp__lmdb_entry *ret)
{
    bp__lmdb_key name;
    bp__lmdb_data_key(&name, number, key);
    MDB_val at = bp__lmdb_key_val(&name), value;
    int code = mdb_get(txn, self->data, &at, &value);
    return code || bp__lmdb_entry_read(&value, ret) ? code : MDB_CORRUPTED;
}

static bp_status failed(const bp__lmdb *self, int code, bp_error *reterr)
{
    if (code == MDB_NOTFOUND)
        return bp__kv_absent(reterr);
    return bp__lmdb_error(self, code, "reading", reterr);
}

static bp_status get(const bp__lmdb *self, MDB_txn *txn, const bp__kv_request *request,
                     bool with_value, bp__kv_found *ret, bp_error *reterr)
{
    bp__lmdb_space space;
    bp__lmdb_entry entry;
    int code = read_space(self, txn, &request->space, &space);
    if (!code)
        code = read_entry(self, txn, space.number, request->key, &entry);
    if (!code && bp__kv_expired(entry.expires_ms, bp__wall_ms()))
        code = MDB_NOTFOUND;
    if (code)
        return failed(self, code, reterr);
    bp__kv_blob *blob = with_value ? bp__kv_blob_of(entry.value) : NULL;
    if (with_value && !blob)
        return bp__error_oom(reterr, "reading a value");
    *ret = (bp__kv_found){blob, entry.version, entry.expires_ms};
    return BP_OK;
}

static bp_status lmdb_get(void *data, const bp__kv_request *request, bool with_value,
                          bp__kv_found *ret, bp_error *reterr)
{
    bp__lmdb *self = data;
    MDB_txn *txn;
    bp_status status = bp__lmdb_read_begin(self, request->by, &txn, reterr);
    if (status)
        return status;
    status = get(self, txn, request, with_value, ret, reterr);
    bp__lmdb_read_end(self, txn);
    return status;
}

/* How often a walk looks at its deadline. */
#define LOOK_EVERY 1024

static bp_status look(const bp__kv_request *request, uint64_t step, bp_error *reterr)
{
    return step % LOOK_EVERY ? BP_OK : bp__kv_still(request, reterr);
}

/* Adds what is at the cursor; false at the end of the range or of the page. */
static bool add_key(const MDB_val *at, const MDB_val *value, uint64_t number, uint64_t now_ms,
                    const bp__kv_range *range, bp__kv_keys *keys, int *code)
{
    uint64_t of;
    bp_bytes key;
    bp__lmdb_entry entry;
    if (!bp__lmdb_data_key_read(at, &of, &key) || !bp__lmdb_entry_read(value, &entry)) {
        *code = MDB_CORRUPTED;
        return false;
    }
    if (of != number || !bp__kv_range_has(range, key))
        return false;
    if (bp__kv_expired(entry.expires_ms, now_ms))
        return true;
    if (keys->count == keys->limit) {
        keys->more = true;
        return false;
    }
    if (!bp__kv_keys_add(keys, key))
        *code = ENOMEM;
    return *code == 0;
}

static bp_status walk(const bp__lmdb *self, MDB_cursor *cursor, const bp__kv_request *request,
                      uint64_t number, const bp__kv_range *range, bp__kv_keys *keys,
                      bp_error *reterr)
{
    bp__lmdb_key from;
    bool behind = range->after.size && bp__kv_compare(range->after, range->prefix) >= 0;
    bp__lmdb_data_key(&from, number, behind ? range->after : range->prefix);
    MDB_val at = bp__lmdb_key_val(&from), value;
    uint64_t now_ms = bp__wall_ms();
    int code = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
    if (!code && behind && at.mv_size == from.size && !memcmp(at.mv_data, from.bytes, from.size))
        code = mdb_cursor_get(cursor, &at, &value, MDB_NEXT);
    for (uint64_t step = 1; !code && add_key(&at, &value, number, now_ms, range, keys, &code);
         step++) {
        bp_status status = look(request, step, reterr);
        if (status)
            return status;
        code = mdb_cursor_get(cursor, &at, &value, MDB_NEXT);
    }
    return code && code != MDB_NOTFOUND ? failed(self, code, reterr) : BP_OK;
}

static bp_status list(const bp__lmdb *self, MDB_txn *txn, const bp__kv_request *request,
                      const bp__kv_range *range, bp__kv_keys *keys, bp_error *reterr)
{
    bp__lmdb_space space;
    MDB_cursor *cursor;
    int code = read_space(self, txn, &request->space, &space);
    if (code == MDB_NOTFOUND)
        return BP_OK;
    if (!code)
        code = mdb_cursor_open(txn, self->data, &cursor);
    if (code)
        return failed(self, code, reterr);
    bp_status status = walk(self, cursor, request, space.number, range, keys, reterr);
    mdb_cursor_close(cursor);
    return status;
}

static bp_status lmdb_list(void *data, const bp__kv_request *request, const bp__kv_range *range,
                           bp__kv_keys *keys, bp_error *reterr)
{
    bp__lmdb *self = data;
    MDB_txn *txn;
    bp_status status = bp__lmdb_read_begin(self, request->by, &txn, reterr);
    if (status)
        return status;
    status = list(self, txn, request, range, keys, reterr);
    bp__lmdb_read_end(self, txn);
    return status;
}

/* Takes out of `use` what has expired and is still there. */
static bp_status without_expired(const bp__lmdb *self, MDB_txn *txn, MDB_cursor *cursor,
                                 const bp__kv_request *request, bp__lmdb_space *space,
                                 bp_error *reterr)
{
    MDB_val at, value;
    uint64_t now_ms = bp__wall_ms(), expires_ms, number;
    bp_bytes key;
    bp__lmdb_entry entry;
    int code = mdb_cursor_get(cursor, &at, &value, MDB_FIRST);
    for (uint64_t step = 1; !code; step++) {
        bp_status status = look(request, step, reterr);
        if (status)
            return status;
        if (!bp__lmdb_time_key_read(&at, &expires_ms, &number, &key))
            code = MDB_CORRUPTED;
        else if (!bp__kv_expired(expires_ms, now_ms))
            break;
        else if (number == space->number &&
                 (code = read_entry(self, txn, number, key, &entry)) == 0) {
            space->use.entries--;
            space->use.bytes -= key.size + entry.value.size;
        }
        if (!code)
            code = mdb_cursor_get(cursor, &at, &value, MDB_NEXT);
    }
    return code && code != MDB_NOTFOUND ? failed(self, code, reterr) : BP_OK;
}

static bp_status count(const bp__lmdb *self, MDB_txn *txn, const bp__kv_request *request,
                       bp__lmdb_space *space, bp_error *reterr)
{
    MDB_cursor *cursor;
    *space = (bp__lmdb_space){0};
    int code = read_space(self, txn, &request->space, space);
    if (code == MDB_NOTFOUND)
        return BP_OK;
    if (!code)
        code = mdb_cursor_open(txn, self->times, &cursor);
    if (code)
        return failed(self, code, reterr);
    bp_status status = without_expired(self, txn, cursor, request, space, reterr);
    mdb_cursor_close(cursor);
    return status;
}

static bp_status lmdb_count(void *data, const bp__kv_request *request, uint64_t *ret_entries,
                            uint64_t *ret_bytes, bp_error *reterr)
{
    bp__lmdb *self = data;
    bp__lmdb_space space;
    MDB_txn *txn;
    bp_status status = bp__lmdb_read_begin(self, request->by, &txn, reterr);
    if (status)
        return status;
    status = count(self, txn, request, &space, reterr);
    bp__lmdb_read_end(self, txn);
    if (status)
        return status;
    *ret_entries = space.use.entries;
    *ret_bytes = space.use.bytes;
    return BP_OK;
}

/* ---- changes */

/* Submits, and takes the job's own failure out of it. The job is freed. */
static bp_status finish(bp__lmdb *self, bp__lmdb_job *job, const bp__kv_request *request,
                        uint64_t *ret_version, bp_error *reterr)
{
    bp_status status = bp__lmdb_submit(self->writer, job, request->by, request->cancel, reterr);
    if (status)
        return status;
    status = job->status;
    if (status && reterr)
        *reterr = job->error;
    else if (!status && ret_version)
        *ret_version = job->version;
    bp__lmdb_job_free(job);
    return status;
}

static bp_status lmdb_set(void *data, const bp__kv_request *request, const bp__kv_write *write,
                          uint64_t *ret_version, bp_error *reterr)
{
    bp__lmdb_job *job = bp__lmdb_job_new(BP__LMDB_SET, request, write->value);
    if (!job)
        return bp__error_oom(reterr, "copying a value");
    job->write.condition = write->condition;
    job->write.version = write->version;
    job->write.expires_ms = write->expires_ms;
    return finish(data, job, request, ret_version, reterr);
}

static bp_status lmdb_remove(void *data, const bp__kv_request *request, uint64_t if_version,
                             bp_error *reterr)
{
    bp__lmdb_job *job = bp__lmdb_job_new(BP__LMDB_REMOVE, request, (bp_bytes){NULL, 0});
    if (!job)
        return bp__error_oom(reterr, "removing an entry");
    job->write.condition = if_version ? BP_KV_IF_VERSION : BP_KV_ALWAYS;
    job->write.version = if_version;
    return finish(data, job, request, NULL, reterr);
}

/* When the first entry expires; UINT64_MAX: none does. */
static bp_status first_time(bp__lmdb *self, bp_deadline by, uint64_t *ret, bp_error *reterr)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val at, value;
    uint64_t number;
    bp_bytes key;
    bp_status status = bp__lmdb_read_begin(self, by, &txn, reterr);
    if (status)
        return status;
    int code = mdb_cursor_open(txn, self->times, &cursor);
    if (!code) {
        code = mdb_cursor_get(cursor, &at, &value, MDB_FIRST);
        if (!code && !bp__lmdb_time_key_read(&at, ret, &number, &key))
            code = MDB_CORRUPTED;
        mdb_cursor_close(cursor);
    }
    bp__lmdb_read_end(self, txn);
    if (code == MDB_NOTFOUND)
        *ret = UINT64_MAX;
    return code && code != MDB_NOTFOUND ? failed(self, code, reterr) : BP_OK;
}

static bp_status lmdb_sweep(void *data, bp__kv_sweep *sweep, bp_error *reterr)
{
    bp__lmdb *self = data;
    for (;;) {
        bp_status status = first_time(self, sweep->by, &sweep->next_ms, reterr);
        if (status || sweep->next_ms > bp__wall_ms())
            return status;
        bp__lmdb_job *job = bp__lmdb_job_new(BP__LMDB_SWEEP, NULL, (bp_bytes){NULL, 0});
        if (!job)
            return bp__error_oom(reterr, "removing what has expired");
        status = bp__lmdb_submit(self->writer, job, sweep->by, sweep->cancel, reterr);
        if (status)
            return status;
        status = job->status;
        if (status && reterr)
            *reterr = job->error;
        bp__lmdb_job_free(job);
        if (status)
            return status;
    }
}

const bp__kv_backend bp__kv_lmdb = {
    .scheme = "file",
    .bytes_default = UINT64_C(16) << 30,
    .sweep_pause_ms = 1000,
    .sweep_at_open = true,
    .now_ms = bp__wall_ms,
    .open = lmdb_open,
    .close = lmdb_close,
    .get = lmdb_get,
    .set = lmdb_set,
    .remove = lmdb_remove,
    .list = lmdb_list,
    .count = lmdb_count,
    .sweep = lmdb_sweep,
};
