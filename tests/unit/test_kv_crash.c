/* A process that writes is killed at any moment: nothing that it was told to be done is lost.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The child writes from several threads and says through a pipe what was acknowledged. It is killed
 * after some number of acknowledgements; then the file is opened and compared with them. */
#include <bullpen/kv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"
#include "support/folder.h"
#include "support/thread.h"

#define KILLS 40
#define THREADS 3
#define KEYS 16 /* of each thread: they are overwritten and deleted over and over */

static char folder[FOLDER_PATH_MAX];
static bp_error error;

/* "key `slot` has value `number`", or is deleted (0). A write of this size to a pipe is whole. */
typedef struct ack {
    uint32_t slot, number, begun; /* begun: said before the change, so it may be there */
} ack;

/* What the parent knows of a key: the last value acknowledged, and one that may be there too. */
typedef struct known {
    uint32_t last, maybe;
    bool open; /* `maybe` was begun after `last` */
} known;
static known keys[THREADS * KEYS];

static bp_kv *open_store(void)
{
    char location[FOLDER_PATH_MAX + 8];
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    bp_kv *kv = NULL;
    snprintf(location, sizeof location, "file:%s", folder);
    options.location = location;
    options.timeout_ms = PATIENCE_MS;
    return bp_kv_open(&options, &kv, &error) == BP_OK ? kv : NULL;
}

static bp_kv_call plugin(void)
{
    bp_kv_call call = BP_KV_CALL_INIT;
    call.plugin = BP_BYTES("p");
    return call;
}

/* ---- the child */

typedef struct writer {
    bp_kv *kv;
    unsigned first, seed;
    int out;
} writer;

static bool say(const writer *self, uint32_t slot, uint32_t number, bool begun)
{
    const ack what = {slot, number, begun};
    return write(self->out, &what, sizeof what) == sizeof what;
}

static void *write_for_ever(void *data)
{
    writer *self = data;
    bp_kv_call call = plugin();
    for (uint32_t round = self->seed;; round++) {
        uint32_t slot = self->first + round % KEYS, number = round % 5 == 4 ? 0 : round;
        char key[16], value[3000];
        snprintf(key, sizeof key, "%u", slot);
        size_t size =
            (size_t)snprintf(value, sizeof value, "%u %*s", number, (int)(round % 2000), "");
        if (!say(self, slot, number, true))
            _exit(0);
        bp_status status = number ? bp_kv_set(self->kv, &call, bp_bytes_of(key),
                                              (bp_bytes){value, size}, NULL, NULL, NULL)
                                  : bp_kv_delete(self->kv, &call, bp_bytes_of(key), 0, NULL);
        if ((status && status != BP_ENOTFOUND) || !say(self, slot, number, false))
            _exit(2);
    }
}

static void child(int out, unsigned seed)
{
    writer writers[THREADS];
    pthread_t threads[THREADS];
    bp_kv *kv = open_store();
    if (!kv)
        _exit(3);
    for (unsigned i = 0; i < THREADS; i++) {
        writers[i] = (writer){kv, i * KEYS, seed, out};
        if (pthread_create(&threads[i], NULL, write_for_ever, &writers[i]) != 0)
            _exit(4);
    }
    for (;;)
        pause();
}

/* ---- the parent */

static void learn(const ack *what)
{
    assert_true(what->slot < COUNT(keys));
    known *key = &keys[what->slot];
    if (what->begun) {
        key->maybe = what->number;
        key->open = true;
    } else {
        key->last = what->number;
        key->open = false;
    }
}

static void kill_after(unsigned acknowledged, unsigned seed)
{
    int ends[2], how = 0;
    ack what;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        child(ends[1], seed);
    }
    close(ends[1]);
    for (unsigned seen = 0; read(ends[0], &what, sizeof what) == sizeof what;) {
        learn(&what);
        seen += !what.begun;
        if (seen == acknowledged) {
            kill(pid, SIGKILL);
            acknowledged = 0;
            seen = 1; /* what is in the pipe was said too */
        }
    }
    close(ends[0]);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

/* The number that a key's value begins with; 0: it is not there. Adds to what is used. */
static uint32_t value_of(bp_kv *kv, uint32_t slot, uint64_t *entries, uint64_t *bytes)
{
    char key[16];
    bp_kv_call call = plugin();
    bp_kv_value value = BP_KV_VALUE_INIT;
    snprintf(key, sizeof key, "%u", slot);
    bp_status status = bp_kv_get(kv, &call, bp_bytes_of(key), &value, &error);
    if (status == BP_ENOTFOUND)
        return 0;
    assert_status(BP_OK, status, &error);
    uint32_t number = (uint32_t)strtoul(value.bytes.data, NULL, 10);
    ++*entries;
    *bytes += strlen(key) + value.bytes.size;
    bp_kv_value_done(&value);
    return number;
}

static void compare(void)
{
    uint64_t entries = 0, bytes = 0, counted_entries, counted_bytes;
    bp_kv_call call = plugin();
    bp_kv *kv = open_store();
    assert_non_null(kv);
    for (uint32_t i = 0; i < COUNT(keys); i++) {
        uint32_t is = value_of(kv, i, &entries, &bytes);
        if (is != keys[i].last && !(keys[i].open && is == keys[i].maybe))
            fail_msg("key %u has %u; %u was acknowledged", i, is, keys[i].last);
        keys[i] = (known){.last = is};
    }
    assert_status(BP_OK, bp_kv_count(kv, &call, &counted_entries, &counted_bytes, &error), &error);
    assert_int_equal(counted_entries, entries);
    assert_int_equal(counted_bytes, bytes);
    bp_kv_unref(kv);
}

static void nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    unsigned seed = 12345;
    folder_make(folder);
    for (unsigned i = 0; i < KILLS; i++) {
        seed = seed * 1103515245 + 12345;
        kill_after(1 + (seed >> 16) % 40, 1 + i * 1000);
        compare();
    }
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_acknowledged_is_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
