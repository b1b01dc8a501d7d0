/* Opening a folder as a store. SPDX-License-Identifier: Apache-2.0
 *
 * LMDB trusts its file: whoever can write to it can make this process crash. So the folder and what
 * is in it must be this user's, and nobody else's to write to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "host/kv_lmdb.h"

#define MAP_FIRST (UINT64_C(1) << 20)
#define READERS_MAX 1022
#define TABLES 4

/* Environments of this process: LMDB's file locks break when a process opens one twice. */
static pthread_mutex_t open_mutex = PTHREAD_MUTEX_INITIALIZER; /* guards `open_first` */
static bp__lmdb *open_first;

static bp_status claim(bp__lmdb *self, const struct stat *folder, bp_error *reterr)
{
    BP_LOCK_SCOPE(&open_mutex);
    for (bp__lmdb *other = open_first; other; other = other->next_open)
        if (other->device == folder->st_dev && other->inode == folder->st_ino)
            return bp_error_set(reterr, BP_EBUSY,
                                "kv: '%s' is open in this process already: share that store",
                                self->path);
    self->device = folder->st_dev;
    self->inode = folder->st_ino;
    self->next_open = open_first;
    open_first = self;
    return BP_OK;
}

static void unclaim(bp__lmdb *self)
{
    BP_LOCK_SCOPE(&open_mutex);
    for (bp__lmdb **place = &open_first; *place; place = &(*place)->next_open)
        if (*place == self) {
            *place = self->next_open;
            return;
        }
}

void bp__lmdb_free(bp__lmdb *self)
{
    for (unsigned i = 0; i < self->kept_count; i++)
        mdb_txn_abort(self->kept[i]);
    if (self->env)
        mdb_env_close(self->env);
    unclaim(self);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->mutex);
    bp__free(self->path);
    bp__free(self);
}
BP_DEFINE_CLEANUP(cleanup_lmdb, bp__lmdb, bp__lmdb_free)

static bp__lmdb *make(const bp__kv_setup *setup)
{
    bp__lmdb *self = bp__alloc_zeroed(1, sizeof *self);
    if (!self)
        return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&self->mutex, NULL);
    self->bytes_max = setup->store_bytes_max & ~UINT64_C(4095); /* of whole pages */
    self->counters = setup->counters;
    self->path = bp__strdup(setup->place);
    if (self->path)
        return self;
    bp__lmdb_free(self);
    return NULL;
}

static bp_status check_owner(const bp__lmdb *self, const char *name, const struct stat *status,
                             bp_error *reterr)
{
    if (status->st_uid != geteuid())
        return bp_error_set(reterr, BP_EDENIED,
                            "kv: '%s%s' belongs to user %u, not to this one (%u)", self->path, name,
                            status->st_uid, geteuid());
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return bp_error_set(reterr, BP_EDENIED,
                            "kv: others can write to '%s%s'; take that right from them", self->path,
                            name);
    return BP_OK;
}

static bp_status check_file(const bp__lmdb *self, int folder, const char *name, bp_error *reterr)
{
    struct stat status;
    if (fstatat(folder, name + 1, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? BP_OK
                               : bp__error_os(reterr, BP_ESYSTEM, errno, "kv: look at '%s%s'",
                                              self->path, name);
    if (!S_ISREG(status.st_mode))
        return bp_error_set(reterr, BP_EFORMAT, "kv: '%s%s' is no regular file", self->path, name);
    return check_owner(self, name, &status, reterr);
}

/* Opens the folder, made if need be, and checks who can write to it. */
static bp_status open_folder(bp__lmdb *self, int *ret, bp_error *reterr)
{
    if (mkdir(self->path, 0700) != 0 && errno != EEXIST)
        return bp__error_os(reterr, BP_ESYSTEM, errno, "kv: make the folder '%s'", self->path);
    bp_auto_fd int folder = open(self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;
    if (folder < 0 || fstat(folder, &status) != 0)
        return bp__error_os(reterr, errno == ENOTDIR ? BP_EFORMAT : BP_ESYSTEM, errno,
                            "kv: open the folder '%s'", self->path);
    bp_status checked = check_owner(self, "", &status, reterr);
    if (!checked)
        checked = check_file(self, folder, "/data.mdb", reterr);
    if (!checked)
        checked = check_file(self, folder, "/lock.mdb", reterr);
    if (!checked)
        checked = claim(self, &status, reterr);
    if (!checked) {
        *ret = folder;
        folder = -1;
    }
    return checked;
}

static bp_status open_env(bp__lmdb *self, bp_error *reterr)
{
    int code = mdb_env_create(&self->env);
    if (!code)
        code = mdb_env_set_maxdbs(self->env, TABLES);
    if (!code)
        code = mdb_env_set_maxreaders(self->env, READERS_MAX);
    if (!code)
        code = mdb_env_set_mapsize(
            self->env, (size_t)(self->bytes_max < MAP_FIRST ? self->bytes_max : MAP_FIRST));
    /* NOTLS: a place in the table of readers belongs to a transaction, not to a thread. */
    if (!code)
        code = mdb_env_open(self->env, self->path, MDB_NOTLS, 0600);
    return code ? bp__lmdb_error(self, code, "opening", reterr) : BP_OK;
}

/* A file that lacks pages would fault where they are read. With zeros in their place LMDB sees that
 * they are no pages of its own. Pages at the end may lack rightly: those that were never used. */
static int fill_up(const bp__lmdb *self, bool *ret_cut)
{
    MDB_envinfo info;
    MDB_stat table;
    struct stat file;
    int fd;
    *ret_cut = false;
    if (mdb_env_info(self->env, &info) || mdb_env_stat(self->env, &table) ||
        mdb_env_get_fd(self->env, &fd) || fstat(fd, &file) != 0)
        return EIO;
    off_t size = (off_t)((info.me_last_pgno + 1) * table.ms_psize);
    if (file.st_size >= size)
        return 0;
    *ret_cut = true;
    return ftruncate(fd, size) == 0 ? 0 : errno;
}

/* Whether the file has something in it that is not ours. */
static int look(bp__lmdb *self, MDB_txn *txn, bool *ret_foreign)
{
    MDB_dbi main_table, meta;
    MDB_stat table;
    int code = mdb_dbi_open(txn, NULL, 0, &main_table);
    if (!code)
        code = mdb_stat(txn, main_table, &table);
    if (code || !table.ms_entries)
        return code;
    MDB_val key = bp__lmdb_val("format", 6), value;
    code = mdb_dbi_open(txn, "meta", 0, &meta);
    if (!code)
        code = mdb_get(txn, meta, &key, &value);
    *ret_foreign = code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE || code == MDB_BAD_VALSIZE ||
                   (!code && (value.mv_size != strlen(BP__LMDB_FORMAT) ||
                              memcmp(value.mv_data, BP__LMDB_FORMAT, value.mv_size) != 0));
    (void)self;
    return *ret_foreign ? 0 : code;
}

static int open_tables(bp__lmdb *self, MDB_txn *txn)
{
    const struct {
        const char *name;
        MDB_dbi *table;
    } tables[TABLES] = {{"names", &self->names},
                        {"data", &self->data},
                        {"times", &self->times},
                        {"meta", &self->meta}};
    int code = 0;
    for (int i = 0; i < TABLES && !code; i++)
        code = mdb_dbi_open(txn, tables[i].name, MDB_CREATE, tables[i].table);
    MDB_val key = bp__lmdb_val("format", 6);
    MDB_val value = bp__lmdb_val(BP__LMDB_FORMAT, strlen(BP__LMDB_FORMAT));
    if (!code)
        code = mdb_put(txn, self->meta, &key, &value, MDB_NOOVERWRITE);
    return code == MDB_KEYEXIST ? 0 : code;
}

static bp_status prepare(bp__lmdb *self, const bp__logger *logger, bp_error *reterr)
{
    MDB_txn *txn;
    bool foreign = false, cut = false;
    int code = bp__lmdb_write_begin(self, &txn);
    if (code)
        return bp__lmdb_error(self, code, "opening", reterr);
    code = fill_up(self, &cut);
    if (!code)
        code = look(self, txn, &foreign);
    if (!code && !foreign)
        code = open_tables(self, txn);
    if (code || foreign)
        bp__lmdb_write_abort(self, txn);
    else
        code = bp__lmdb_write_commit(self, txn);
    if (cut)
        bp__log(logger, BP_LOG_WARN, "kv", NULL,
                "'%s/data.mdb' ends before its last page: it was cut, or that page was never used",
                self->path);
    if (foreign)
        return bp_error_set(reterr, BP_EFORMAT,
                            "kv: '%s/data.mdb' is an LMDB file, but holds something else",
                            self->path);
    return code ? bp__lmdb_error(self, code, "opening", reterr) : BP_OK;
}

bp_status bp__lmdb_open(const bp__kv_setup *setup, bp__lmdb **ret, bp_error *reterr)
{
    if (setup->place[0] != '/')
        return bp_error_set(reterr, BP_EINVAL,
                            "kv: behind \"file:\" stands an absolute path: file:/path/to/folder");
    bp_cleanup(cleanup_lmdb) bp__lmdb *self = make(setup);
    if (!self)
        return bp__error_oom(reterr, "opening a key-value store");
    bp_auto_fd int folder = -1;
    bp_status status = open_folder(self, &folder, reterr);
    if (!status)
        status = open_env(self, reterr);
    if (!status)
        status = prepare(self, setup->logger, reterr);
    /* The file's name has to last as long as what is in it. */
    if (!status && fsync(folder) != 0)
        status = bp__error_os(reterr, BP_ESYSTEM, errno, "kv: sync the folder '%s'", self->path);
    if (!status)
        *ret = bp_steal(&self);
    return status;
}
