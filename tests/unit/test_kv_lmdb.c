/* The key-value store in a file: what only a file can do to it. SPDX-License-Identifier: Apache-2.0
 */
#include <bullpen/kv.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/thread.h"

static char folder[FOLDER_PATH_MAX];
static bp_error error;

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static bp_status open_file(const char *path, uint64_t bytes_max, bp_kv **ret)
{
    char location[FOLDER_PATH_MAX + 8];
    bp_kv_limits limits = BP_KV_LIMITS_INIT;
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    snprintf(location, sizeof location, "file:%s", path);
    limits.entries_max = limits.bytes_max = BP_UNLIMITED;
    options.location = location;
    options.limits = &limits;
    options.store_bytes_max = bytes_max;
    options.timeout_ms = PATIENCE_MS;
    return bp_kv_open(&options, ret, &error);
}

static bp_kv *open_folder(void)
{
    bp_kv *kv = NULL;
    assert_status(BP_OK, open_file(folder, 0, &kv), &error);
    return kv;
}

static bp_kv_call plugin(void)
{
    bp_kv_call call = BP_KV_CALL_INIT;
    call.plugin = BP_BYTES("p");
    return call;
}

static bp_status set(bp_kv *kv, unsigned number, size_t size, bp_error *reterr)
{
    char key[16];
    bp_kv_call call = plugin();
    char *value = calloc(1, size + 1);
    snprintf(key, sizeof key, "%08u", number);
    memset(value, (int)number, size);
    bp_status status =
        bp_kv_set(kv, &call, bp_bytes_of(key), (bp_bytes){value, size}, NULL, NULL, reterr);
    free(value);
    return status;
}

static bp_status get(bp_kv *kv, unsigned number, size_t size)
{
    char key[16];
    bp_kv_call call = plugin();
    bp_kv_value value = BP_KV_VALUE_INIT;
    snprintf(key, sizeof key, "%08u", number);
    bp_status status = bp_kv_get(kv, &call, bp_bytes_of(key), &value, &error);
    if (!status)
        assert_int_equal(value.bytes.size, size);
    for (size_t i = 0; i < value.bytes.size; i++)
        assert_int_equal(((const uint8_t *)value.bytes.data)[i], (uint8_t)number);
    bp_kv_value_done(&value);
    return status;
}

static void entries_are_there_after_opening_again(void **state)
{
    (void)state;
    bp_kv_call call = plugin();
    uint64_t first, second, entries, bytes;
    bp_kv *kv = open_folder();
    assert_status(BP_OK, set(kv, 1, 10, &error), &error);
    assert_status(BP_OK, bp_kv_set(kv, &call, BP_BYTES("a"), BP_BYTES("1"), NULL, &first, &error),
                  &error);
    bp_kv_unref(kv);
    kv = open_folder();
    assert_status(BP_OK, get(kv, 1, 10), &error);
    assert_status(BP_OK, bp_kv_set(kv, &call, BP_BYTES("a"), BP_BYTES("2"), NULL, &second, &error),
                  &error);
    assert_true(second > first);
    assert_status(BP_OK, bp_kv_count(kv, &call, &entries, &bytes, &error), &error);
    assert_int_equal(entries, 2);
    assert_int_equal(bytes, 20);
    bp_kv_unref(kv);
}

static void what_expires_while_nobody_looks_is_gone(void **state)
{
    (void)state;
    bp_kv_call call = plugin();
    bp_kv_change change = BP_KV_CHANGE_INIT;
    bp_kv_stats stats = BP_KV_STATS_INIT;
    uint64_t entries;
    change.ttl_ms = 5000;
    bp__clock_fake_wall_set(1000000);
    bp_kv *kv = open_folder();
    assert_status(BP_OK, bp_kv_set(kv, &call, BP_BYTES("a"), BP_BYTES("1"), &change, NULL, &error),
                  &error);
    bp_kv_unref(kv);
    bp__clock_fake_wall_set(1005000);
    kv = open_folder(); /* sweeps */
    assert_status(BP_OK, bp_kv_count(kv, &call, &entries, NULL, &error), &error);
    assert_int_equal(entries, 0);
    assert_status(BP_OK, bp_kv_stats_read(kv, &stats, &error), &error);
    assert_int_equal(stats.expired, 1);
    bp_kv_unref(kv);
    bp__clock_fake_wall_set(0);
}

static void the_map_grows(void **state)
{
    (void)state;
    bp_kv *kv = open_folder();
    for (unsigned i = 0; i < 40; i++)
        assert_status(BP_OK, set(kv, i, 256 << 10, &error), &error);
    for (unsigned i = 0; i < 40; i++)
        assert_status(BP_OK, get(kv, i, 256 << 10), &error);
    bp_kv_unref(kv);
}

static void a_full_store_says_so_and_can_be_emptied(void **state)
{
    (void)state;
    bp_kv *kv = NULL;
    bp_kv_call call = plugin();
    unsigned count = 0;
    bp_status status;
    assert_status(BP_OK, open_file(folder, 2 << 20, &kv), &error);
    while ((status = set(kv, count, 1000, &error)) == BP_OK)
        count++;
    assert_int_equal(status, BP_ELIMIT);
    assert_contains(error.message, "store_bytes_max", "the error");
    assert_true(count > 500);
    for (unsigned i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "%08u", i);
        assert_status(BP_OK, bp_kv_delete(kv, &call, bp_bytes_of(key), 0, &error), &error);
    }
    for (unsigned i = 0; i < count / 2; i++)
        assert_status(BP_OK, set(kv, i, 1000, &error), &error);
    bp_kv_unref(kv);
}

/* ---- folders and files that will not do */

static void assert_refused(const char *path, bp_status expected, const char *part)
{
    bp_kv *kv = NULL;
    assert_status(expected, open_file(path, 0, &kv), &error);
    assert_contains(error.message, part, "the error");
    assert_null(kv);
}

static void what_is_no_store_is_refused(void **state)
{
    (void)state;
    char path[FOLDER_PATH_MAX], noise[20000];
    memset(noise, 'x', sizeof noise);
    assert_refused("relative", BP_EINVAL, "absolute");
    assert_refused("/nonexistent/folder/deep", BP_ESYSTEM, "No such file");
    folder_write(folder_path(folder, "data.mdb", path), noise, sizeof noise);
    assert_refused(path, BP_EFORMAT, "Not a directory");
    assert_refused(folder, BP_EFORMAT, "is no file of a key-value store");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_refused(folder, BP_EFORMAT, "no regular file");
}

static void a_foreign_lmdb_file_is_refused_and_left_alone(void **state)
{
    (void)state;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
    MDB_val key = {1, "k"}, value = {1, "v"};
    MDB_stat before, after;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(mdb_env_create(&env), 0);
        assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
        assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
        assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
        assert_int_equal(mdb_dbi_open(txn, round ? "meta" : NULL, MDB_CREATE, &table), 0);
        assert_int_equal(mdb_put(txn, table, &key, &value, 0), 0);
        assert_int_equal(mdb_txn_commit(txn), 0);
        assert_int_equal(mdb_env_stat(env, &before), 0);
        mdb_env_close(env);
        assert_refused(folder, BP_EFORMAT, "holds something else");
        assert_int_equal(mdb_env_create(&env), 0);
        assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
        assert_int_equal(mdb_env_stat(env, &after), 0);
        mdb_env_close(env);
        assert_int_equal(after.ms_entries, before.ms_entries);
    }
}

/* Any status, but no fault: run in a child, since this is about not ending the process. */
static int in_child(void (*run)(void))
{
    int how = 0;
    pid_t child = fork();
    if (child == 0) {
        run();
        _exit(1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static void read_all_of_a_cut_file(void)
{
    bp_kv *kv = NULL;
    bool damaged = open_file(folder, 0, &kv) != BP_OK;
    for (unsigned i = 0; kv && i < 200; i++) {
        char key[16];
        bp_kv_call call = plugin();
        bp_kv_value value = BP_KV_VALUE_INIT;
        snprintf(key, sizeof key, "%08u", i);
        damaged = bp_kv_get(kv, &call, bp_bytes_of(key), &value, &error) == BP_EFORMAT || damaged;
        bp_kv_value_done(&value);
    }
    bp_kv_unref(kv);
    _exit(damaged ? 0 : 2);
}

static void a_cut_file_is_no_fault(void **state)
{
    (void)state;
    char path[FOLDER_PATH_MAX];
    bp_kv *kv = open_folder();
    for (unsigned i = 0; i < 200; i++)
        assert_status(BP_OK, set(kv, i, 1000, &error), &error);
    bp_kv_unref(kv);
    assert_int_equal(truncate(folder_path(folder, "data.mdb", path), 40960), 0);
    assert_int_equal(in_child(read_all_of_a_cut_file), 0);
}

static void others_rights_are_refused(void **state)
{
    (void)state;
    char path[FOLDER_PATH_MAX];
    assert_int_equal(chmod(folder, 0770), 0);
    assert_refused(folder, BP_EDENIED, "others can write");
    assert_int_equal(chmod(folder, 0700), 0);
    bp_kv_unref(open_folder());
    assert_int_equal(chmod(folder_path(folder, "data.mdb", path), 0666), 0);
    assert_refused(folder, BP_EDENIED, "others can write to");
    assert_int_equal(chmod(path, 0600), 0);
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(folder, 65534, 65534), 0);
    assert_refused(folder, BP_EDENIED, "belongs to user 65534");
    assert_int_equal(chown(folder, 0, 0), 0);
}

static void open_what_cannot_be_written(void)
{
    bp_kv *kv = NULL;
    if (geteuid() == 0 && seteuid(65534) != 0)
        _exit(3);
    bp_status status = open_file(folder, 0, &kv);
    _exit(status == BP_ESYSTEM && error.os_errno == EACCES ? 0 : 2);
}

static void a_read_only_folder_is_an_error_of_the_system(void **state)
{
    (void)state;
    if (geteuid() == 0)
        assert_int_equal(chown(folder, 65534, 65534), 0);
    assert_int_equal(chmod(folder, 0500), 0);
    assert_int_equal(in_child(open_what_cannot_be_written), 0);
}

static void write_until_full(void)
{
    bp_kv *kv = NULL;
    struct rlimit limit = {4 << 20, 4 << 20};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || open_file(folder, 0, &kv) != BP_OK)
        _exit(3);
    bp_status status = BP_OK;
    unsigned i = 0;
    while (i < 2000 && (status = set(kv, i, 10000, &error)) == BP_OK)
        i++;
    bool good = status == BP_ESYSTEM &&
                (error.os_errno == EFBIG || error.os_errno == ENOSPC || error.os_errno == EIO);
    bp_kv_unref(kv);
    _exit(good && i > 100 ? 0 : 2);
}

/* A limit on the size of files stands in for a disk: it fails in the same place. */
static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    assert_int_equal(in_child(write_until_full), 0);
    bp_kv *kv = open_folder();
    for (unsigned i = 0; i < 100; i++)
        assert_status(BP_OK, get(kv, i, 10000), &error);
    assert_status(BP_OK, set(kv, 5000, 10000, &error), &error);
    bp_kv_unref(kv);
}

static void one_process_opens_it_once(void **state)
{
    (void)state;
    bp_kv *kv = open_folder();
    assert_refused(folder, BP_EBUSY, "open in this process already");
    bp_kv_unref(kv);
    bp_kv_unref(open_folder());
}

/* ---- two processes, and waiting */

static void write_in_child(void)
{
    bp_kv *kv = NULL;
    if (open_file(folder, 0, &kv) != BP_OK)
        _exit(3);
    for (unsigned i = 0; i < 30; i++)
        if (set(kv, 1000 + i, 100000, &error) != BP_OK)
            _exit(2);
    bp_kv_unref(kv);
    _exit(0);
}

static void processes_share_a_store(void **state)
{
    (void)state;
    int how = 0;
    pid_t child = fork();
    if (child == 0)
        write_in_child();
    bp_kv *kv = open_folder();
    for (unsigned i = 0; i < 30; i++)
        assert_status(BP_OK, set(kv, i, 100, &error), &error);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    /* The other one made the file larger than our map. */
    for (unsigned i = 0; i < 30; i++) {
        assert_status(BP_OK, get(kv, i, 100), &error);
        assert_status(BP_OK, get(kv, 1000 + i, 100000), &error);
    }
    assert_status(BP_OK, set(kv, 31, 100, &error), &error);
    bp_kv_unref(kv);
}

/* Holds the lock of writers, as another process would, until told. */
typedef struct holder {
    pid_t child;
    int go[2], ready[2];
} holder;

static void hold(const holder *self)
{
    MDB_env *env;
    MDB_txn *txn;
    char byte = 0;
    bool good = mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 4) == 0 &&
                mdb_env_open(env, folder, 0, 0600) == 0 && mdb_txn_begin(env, NULL, 0, &txn) == 0;
    if (good && write(self->ready[1], &byte, 1) == 1 && read(self->go[0], &byte, 1) >= 0)
        mdb_txn_abort(txn);
    _exit(good ? 0 : 2);
}

static void hold_begin(holder *self)
{
    char byte;
    assert_int_equal(pipe(self->go), 0);
    assert_int_equal(pipe(self->ready), 0);
    self->child = fork();
    if (self->child == 0) {
        close(self->go[1]);
        hold(self);
    }
    close(self->ready[1]);
    close(self->go[0]);
    assert_int_equal(read(self->ready[0], &byte, 1), 1);
}

static void hold_end(holder *self)
{
    int how = 0;
    close(self->go[1]);
    assert_int_equal(waitpid(self->child, &how, 0), self->child);
    assert_int_equal(how, 0);
    close(self->ready[0]);
}

static void *trigger(void *cancel)
{
    bp_cancel_trigger(cancel);
    return NULL;
}

static void a_deadline_and_a_cancel_end_the_wait(void **state)
{
    (void)state;
    bp_kv_unref(open_folder());
    holder other;
    hold_begin(&other);
    char location[FOLDER_PATH_MAX + 8];
    (void)location;
    bp_kv_call call = plugin();
    bp_cancel *cancel = NULL;
    hold_end(&other);
    bp_kv *kv = open_folder();
    hold_begin(&other);
    call.by = bp_deadline_in_ms(20);
    assert_int_equal(bp_kv_set(kv, &call, BP_BYTES("late"), BP_BYTES("1"), NULL, NULL, &error),
                     BP_ETIMEDOUT);
    assert_contains(error.message, "may still be made", "the error");
    /* The thread waits for the lock with the first; this one stands in the queue and comes out. */
    call.by = bp_deadline_in_ms(20);
    assert_int_equal(bp_kv_set(kv, &call, BP_BYTES("later"), BP_BYTES("1"), NULL, NULL, &error),
                     BP_ETIMEDOUT);
    assert_contains(error.message, "nothing was changed", "the error");
    assert_status(BP_OK, bp_cancel_new(&cancel, &error), &error);
    call.by = bp_deadline_in_ms(PATIENCE_MS);
    call.cancel = cancel;
    pthread_t thread = thread_start(0, trigger, cancel);
    assert_int_equal(bp_kv_set(kv, &call, BP_BYTES("no"), BP_BYTES("1"), NULL, NULL, &error),
                     BP_ECANCELLED);
    thread_join(thread);
    bp_cancel_free(cancel);
    /* Readers wait for nobody. */
    bp_kv_call reader = plugin();
    bool there = true;
    assert_status(BP_OK, bp_kv_exists(kv, &reader, BP_BYTES("later"), &there, &error), &error);
    assert_false(there);
    hold_end(&other);
    assert_status(BP_OK, set(kv, 1, 1, &error), &error);
    assert_status(BP_OK, bp_kv_exists(kv, &reader, BP_BYTES("late"), &there, &error), &error);
    assert_true(there); /* it was before the last in the queue */
    assert_status(BP_OK, bp_kv_exists(kv, &reader, BP_BYTES("later"), &there, &error), &error);
    assert_false(there);
    bp_kv_unref(kv);
}

/* ---- grouping */

#define WRITERS 8
#define WRITES 20

typedef struct writer {
    bp_kv *kv;
    unsigned first, failures;
} writer;

static void *write_some(void *data)
{
    writer *self = data;
    for (unsigned i = 0; i < WRITES; i++)
        self->failures += set(self->kv, self->first + i, 100, NULL) != BP_OK;
    return NULL;
}

static void changes_of_many_go_into_one_commit(void **state)
{
    (void)state;
    writer writers[WRITERS];
    pthread_t threads[WRITERS];
    bp_kv_stats stats = BP_KV_STATS_INIT;
    holder other;
    bp_kv *kv = open_folder();
    hold_begin(&other); /* so that all of them are there before the first commit */
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (writer){kv, i * WRITES, 0};
        threads[i] = thread_start(0, write_some, &writers[i]);
    }
    hold_end(&other);
    for (unsigned i = 0; i < WRITERS; i++) {
        thread_join(threads[i]);
        assert_int_equal(writers[i].failures, 0);
    }
    for (unsigned i = 0; i < WRITERS * WRITES; i++)
        assert_status(BP_OK, get(kv, i, 100), &error);
    assert_status(BP_OK, bp_kv_stats_read(kv, &stats, &error), &error);
    assert_true(stats.commits >= WRITES);
    assert_true(stats.commits <= WRITERS * WRITES);
    bp_kv_unref(kv);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(entries_are_there_after_opening_again),
        T(what_expires_while_nobody_looks_is_gone),
        T(the_map_grows),
        T(a_full_store_says_so_and_can_be_emptied),
        T(what_is_no_store_is_refused),
        T(a_foreign_lmdb_file_is_refused_and_left_alone),
        T(a_cut_file_is_no_fault),
        T(others_rights_are_refused),
        T(a_read_only_folder_is_an_error_of_the_system),
        T(a_full_disk_loses_nothing),
        T(one_process_opens_it_once),
        T(processes_share_a_store),
        T(a_deadline_and_a_cancel_end_the_wait),
        T(changes_of_many_go_into_one_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
