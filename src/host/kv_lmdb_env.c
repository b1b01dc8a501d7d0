/* Transactions, the map, and LMDB's errors. SPDX-License-Identifier: Apache-2.0
 *
 * LMDB maps its file into memory. The map grows by being made anew, which must not happen under a
 * transaction of this process: transactions hold `map` shared, who makes the map anew holds it alone.
 * Values are copied out of the map before a transaction ends, so nothing else points into it. */
#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "host/kv_lmdb.h"

#define TRIES 8

bp_status bp__lmdb_damaged(const bp__lmdb *self, bp_error *reterr)
{
    return bp_error_set(reterr, BP_EFORMAT,
                        "kv: '%s' is damaged: restore it from a copy, or remove it", self->path);
}

bp_status bp__lmdb_error(const bp__lmdb *self, int code, const char *doing, bp_error *reterr)
{
    switch (code) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return bp__lmdb_damaged(self, reterr);
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return bp_error_set(reterr, BP_EFORMAT,
                            "kv: %s: '%s/data.mdb' is no file of a key-value store (%s)", doing,
                            self->path, mdb_strerror(code));
    case MDB_PANIC:
        return bp_error_set(reterr, BP_ESYSTEM,
                            "kv: %s: an earlier write to '%s' failed: close the store and open it "
                            "again",
                            doing, self->path);
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return bp_error_set(reterr, BP_ELIMIT,
                            "kv limit store_bytes_max: '%s/data.mdb' may have %llu bytes, which are "
                            "used; delete entries, or raise it",
                            self->path, (unsigned long long)self->bytes_max);
    case MDB_READERS_FULL:
        return bp_error_set(reterr, BP_EBUSY, "kv: %s: too many readers of '%s' at once", doing,
                            self->path);
    case ENOMEM:
        return bp__error_oom(reterr, "using a key-value store");
    default:
        if (code > 0)
            return bp__error_os(reterr, BP_ESYSTEM, code, "kv: %s in '%s'", doing, self->path);
        return bp_error_set(reterr, BP_ESYSTEM, "kv: %s in '%s': %s", doing, self->path,
                            mdb_strerror(code));
    }
}

static struct timespec real_moment(bp_deadline by)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * BP_NS_PER_S + (uint64_t)now.tv_nsec;
    return bp__deadline_timespec(bp__deadline_after(now_ns, bp_deadline_left_ns(by)));
}

/* Another process has made the file larger: the map follows. */
static bp_status follow(bp__lmdb *self, bp_deadline by, bp_error *reterr)
{
    struct timespec until = real_moment(by);
    if (pthread_rwlock_clockwrlock(&self->map, CLOCK_MONOTONIC, &until) != 0)
        return bp_error_set(reterr, BP_ETIMEDOUT, "kv: '%s' was busy until the deadline",
                            self->path);
    int code = mdb_env_set_mapsize(self->env, 0);
    pthread_rwlock_unlock(&self->map);
    return code ? bp__lmdb_error(self, code, "following its growth", reterr) : BP_OK;
}

static MDB_txn *take_kept(bp__lmdb *self)
{
    pthread_mutex_lock(&self->kept_mutex);
    MDB_txn *txn = self->kept_count ? self->kept[--self->kept_count] : NULL;
    pthread_mutex_unlock(&self->kept_mutex);
    return txn;
}

static int begin_read(bp__lmdb *self, MDB_txn **ret)
{
    MDB_txn *txn = take_kept(self);
    if (!txn)
        return mdb_txn_begin(self->env, NULL, MDB_RDONLY, ret);
    int code = mdb_txn_renew(txn);
    if (code)
        mdb_txn_abort(txn);
    else
        *ret = txn;
    return code;
}

bp_status bp__lmdb_read_begin(bp__lmdb *self, bp_deadline by, MDB_txn **ret, bp_error *reterr)
{
    int code = 0;
    for (int i = 0; i < TRIES; i++) {
        struct timespec until = real_moment(by);
        if (pthread_rwlock_clockrdlock(&self->map, CLOCK_MONOTONIC, &until) != 0)
            return bp_error_set(reterr, BP_ETIMEDOUT, "kv: '%s' was busy until the deadline",
                                self->path);
        code = begin_read(self, ret);
        if (code == 0)
            return BP_OK;
        pthread_rwlock_unlock(&self->map);
        if (code == MDB_MAP_RESIZED) {
            bp_status status = follow(self, by, reterr);
            if (status)
                return status;
        } else if (code == MDB_READERS_FULL) {
            int dead; /* processes that were killed leave their places taken */
            (void)mdb_reader_check(self->env, &dead);
        } else {
            break;
        }
    }
    return bp__lmdb_error(self, code, "reading", reterr);
}

void bp__lmdb_read_end(bp__lmdb *self, MDB_txn *txn)
{
    mdb_txn_reset(txn);
    pthread_mutex_lock(&self->kept_mutex);
    bool keep = self->kept_count < BP__LMDB_KEPT;
    if (keep)
        self->kept[self->kept_count++] = txn;
    pthread_mutex_unlock(&self->kept_mutex);
    if (!keep)
        mdb_txn_abort(txn);
    pthread_rwlock_unlock(&self->map);
}

int bp__lmdb_write_begin(bp__lmdb *self, MDB_txn **ret)
{
    for (;;) {
        pthread_rwlock_rdlock(&self->map);
        int code = mdb_txn_begin(self->env, NULL, 0, ret);
        if (code == 0)
            return 0;
        pthread_rwlock_unlock(&self->map);
        if (code != MDB_MAP_RESIZED)
            return code;
        pthread_rwlock_wrlock(&self->map);
        code = mdb_env_set_mapsize(self->env, 0);
        pthread_rwlock_unlock(&self->map);
        if (code)
            return code;
    }
}

int bp__lmdb_write_commit(bp__lmdb *self, MDB_txn *txn)
{
    int code = mdb_txn_commit(txn);
    pthread_rwlock_unlock(&self->map);
    return code;
}

void bp__lmdb_write_abort(bp__lmdb *self, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    pthread_rwlock_unlock(&self->map);
}

bool bp__lmdb_grow(bp__lmdb *self)
{
    pthread_rwlock_wrlock(&self->map);
    MDB_envinfo info;
    bool grown = false;
    if (mdb_env_info(self->env, &info) == 0 && info.me_mapsize < self->bytes_max) {
        uint64_t size = info.me_mapsize > self->bytes_max / 2 ? self->bytes_max
                                                              : (uint64_t)info.me_mapsize * 2;
        grown = mdb_env_set_mapsize(self->env, (size_t)size) == 0;
    }
    pthread_rwlock_unlock(&self->map);
    return grown;
}

#define SLACK (UINT64_C(4) << 20)

void bp__lmdb_slack(bp__lmdb *self, bool allow)
{
    pthread_rwlock_wrlock(&self->map);
    /* LMDB makes it no smaller than what is used of it. */
    (void)mdb_env_set_mapsize(self->env, (size_t)(self->bytes_max + (allow ? SLACK : 0)));
    pthread_rwlock_unlock(&self->map);
}
