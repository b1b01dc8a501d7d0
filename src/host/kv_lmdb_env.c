/* Transactions, the map, and LMDB's errors. SPDX-License-Identifier: Apache-2.0
 *
 * LMDB maps its file into memory. The map grows by being made anew, which must not happen under a
 * transaction of this process: who has one is counted, and who makes the map anew waits until there
 * is none. (No rwlock: ThreadSanitizer does not see those with a monotonic deadline.)
 * Values are copied out of the map before a transaction ends, so nothing else points into it. */
#include <errno.h>

#include "base/cleanup.h"
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
        return bp_error_set(
            reterr, BP_ELIMIT,
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

struct timespec bp__lmdb_moment(bp_deadline by)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * BP_NS_PER_S + (uint64_t)now.tv_nsec;
    return bp__deadline_timespec(bp__deadline_after(now_ns, bp_deadline_left_ns(by)));
}

/* ---- who uses the map, and who makes it anew */

static bool wait_locked(bp__lmdb *self, const struct timespec *until)
{
    return pthread_cond_timedwait(&self->changed, &self->mutex, until) == 0;
}

/* False when the map was being made anew until the deadline. */
static bool enter(bp__lmdb *self, bp_deadline by)
{
    BP_LOCK_SCOPE(&self->mutex);
    if (self->remakers) {
        struct timespec until = bp__lmdb_moment(by);
        while (self->remakers && wait_locked(self, &until))
            continue;
    }
    self->users += !self->remakers;
    return !self->remakers;
}

static void leave(bp__lmdb *self)
{
    BP_LOCK_SCOPE(&self->mutex);
    if (--self->users == 0 && self->remakers)
        pthread_cond_broadcast(&self->changed);
}

/* LMDB's error, or 0; ETIMEDOUT when there were others until the deadline. A size of 0 is that of
 * the file. */
static int remake(bp__lmdb *self, size_t size, bp_deadline by)
{
    struct timespec until = bp__lmdb_moment(by);
    BP_LOCK_SCOPE(&self->mutex);
    int code = 0;
    self->remakers++;
    while ((self->users || self->remaking) && !code)
        code = wait_locked(self, &until) ? 0 : ETIMEDOUT;
    if (!self->users && !self->remaking) {
        self->remaking = true;
        pthread_mutex_unlock(&self->mutex);
        code = mdb_env_set_mapsize(self->env, size);
        pthread_mutex_lock(&self->mutex);
        self->remaking = false;
    }
    self->remakers--;
    pthread_cond_broadcast(&self->changed);
    return code;
}

static bp_status busy(const bp__lmdb *self, bp_error *reterr)
{
    return bp_error_set(reterr, BP_ETIMEDOUT, "kv: '%s' was busy until the deadline", self->path);
}

/* Another process has made the file larger: the map follows. */
static bp_status follow(bp__lmdb *self, bp_deadline by, bp_error *reterr)
{
    int code = remake(self, 0, by);
    if (code == ETIMEDOUT)
        return busy(self, reterr);
    return code ? bp__lmdb_error(self, code, "following its growth", reterr) : BP_OK;
}

/* ---- transactions */

static MDB_txn *take_kept(bp__lmdb *self)
{
    BP_LOCK_SCOPE(&self->mutex);
    return self->kept_count ? self->kept[--self->kept_count] : NULL;
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
        if (!enter(self, by))
            return busy(self, reterr);
        code = begin_read(self, ret);
        if (code == 0)
            return BP_OK;
        leave(self);
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

static bool keep(bp__lmdb *self, MDB_txn *txn)
{
    BP_LOCK_SCOPE(&self->mutex);
    bool kept = self->kept_count < BP__LMDB_KEPT;
    if (kept)
        self->kept[self->kept_count++] = txn;
    return kept;
}

void bp__lmdb_read_end(bp__lmdb *self, MDB_txn *txn)
{
    mdb_txn_reset(txn);
    if (!keep(self, txn))
        mdb_txn_abort(txn);
    leave(self);
}

/* The writer has no deadline: its callers have, and leave it. */
#define NO_END ((bp_deadline)UINT64_MAX)

int bp__lmdb_write_begin(bp__lmdb *self, MDB_txn **ret)
{
    for (;;) {
        while (!enter(self, NO_END))
            continue;
        int code = mdb_txn_begin(self->env, NULL, 0, ret);
        if (code == 0)
            return 0;
        leave(self);
        if (code == MDB_MAP_RESIZED)
            code = remake(self, 0, NO_END);
        if (code)
            return code;
    }
}

int bp__lmdb_write_commit(bp__lmdb *self, MDB_txn *txn)
{
    int code = mdb_txn_commit(txn);
    leave(self);
    return code;
}

void bp__lmdb_write_abort(bp__lmdb *self, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    leave(self);
}

bool bp__lmdb_grow(bp__lmdb *self)
{
    MDB_envinfo info;
    if (mdb_env_info(self->env, &info) != 0 || info.me_mapsize >= self->bytes_max)
        return false;
    uint64_t size =
        info.me_mapsize > self->bytes_max / 2 ? self->bytes_max : (uint64_t)info.me_mapsize * 2;
    return remake(self, (size_t)size, NO_END) == 0;
}

#define SLACK (UINT64_C(4) << 20)

void bp__lmdb_slack(bp__lmdb *self, bool allow)
{
    /* LMDB makes it no smaller than what is used of it. */
    (void)remake(self, (size_t)(self->bytes_max + (allow ? SLACK : 0)), NO_END);
}
