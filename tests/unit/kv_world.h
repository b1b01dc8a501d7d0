/* A key-value store in the place that a test program was told, and what its tests do with it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_KV_WORLD_H
#define BULLPEN_TESTS_KV_WORLD_H

#include <bullpen/kv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "host/kv.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/nats.h"
#include "support/thread.h"

#define NOON UINT64_C(1900000000000) /* a moment on the wall clock, in milliseconds */

/* The backend under test, and the store of one test. */
static enum { MEMORY, LMDB, NATS } backend;
static char folder[FOLDER_PATH_MAX];
static nats_server server;
static unsigned opened; /* each test has a place of its own */
static bp_kv *kv;
static bp_error error;

static inline void place(char to[FOLDER_PATH_MAX + 64])
{
    if (backend == MEMORY)
        strcpy(to, "memory:");
    else if (backend == LMDB)
        snprintf(to, FOLDER_PATH_MAX + 64, "file:%s/%u", folder, opened);
    else
        snprintf(to, FOLDER_PATH_MAX + 64, "nats://127.0.0.1:%u/b%u", server.port, opened);
}

static inline bp_kv *open_with(const bp_kv_limits *limits)
{
    char location[FOLDER_PATH_MAX + 64];
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    bp_kv *ret = NULL;
    place(location);
    options.location = location;
    options.limits = limits;
    options.timeout_ms = PATIENCE_MS;
    assert_status(BP_OK, bp_kv_open(&options, &ret, &error), &error);
    return ret;
}

static inline int set_up(void **state)
{
    (void)state;
    opened++;
    kv = open_with(NULL);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    bp__alloc_fail_at(0);
    bp__clock_fake_set(0);
    bp__clock_fake_wall_set(0);
    bp_kv_unref(kv);
    kv = NULL;
    return 0;
}

/* Stops both clocks at the same moment, so that either kind of backend sees it. */
static inline void stop_clocks(uint64_t wall_ms)
{
    bp__clock_fake_wall_set(wall_ms);
    if (backend == MEMORY)
        bp__clock_fake_set(wall_ms * BP_NS_PER_MS);
}

static inline bp_kv_call of(const char *plugin, const char *tenant)
{
    bp_kv_call call = BP_KV_CALL_INIT;
    call.plugin = bp_bytes_of(plugin);
    call.tenant = bp_bytes_of(tenant);
    return call;
}

static inline uint64_t set(const bp_kv_call *call, const char *key, const char *value)
{
    uint64_t version = 0;
    assert_status(BP_OK,
                  bp_kv_set(kv, call, bp_bytes_of(key), bp_bytes_of(value), NULL, &version, &error),
                  &error);
    assert_true(version != 0);
    return version;
}

static inline bp_status change(const bp_kv_call *call, const char *key, const char *value,
                               bp_kv_condition condition, uint64_t version, uint64_t ttl_ms)
{
    bp_kv_change how = BP_KV_CHANGE_INIT;
    how.condition = condition;
    how.version = version;
    how.ttl_ms = ttl_ms;
    return bp_kv_set(kv, call, bp_bytes_of(key), bp_bytes_of(value), &how, NULL, &error);
}

static inline bp_status has(const bp_kv_call *call, const char *key, const char *expected)
{
    bp_kv_value value = BP_KV_VALUE_INIT;
    bp_status status = bp_kv_get(kv, call, bp_bytes_of(key), &value, &error);
    if (!status && expected) {
        assert_int_equal(value.bytes.size, strlen(expected));
        assert_memory_equal(value.bytes.data, expected, value.bytes.size);
    }
    bp_kv_value_done(&value);
    return status;
}

static inline void assert_count(const bp_kv_call *call, uint64_t entries, uint64_t bytes)
{
    uint64_t got_entries = 99, got_bytes = 99;
    assert_status(BP_OK, bp_kv_count(kv, call, &got_entries, &got_bytes, &error), &error);
    assert_int_equal(got_entries, entries);
    assert_int_equal(got_bytes, bytes);
}

static inline bp_status list(const bp_kv_call *call, const char *prefix, bp_bytes cursor,
                             uint32_t limit, bp_kv_page *ret)
{
    *ret = (bp_kv_page)BP_KV_PAGE_INIT;
    return bp_kv_list(kv, call, bp_bytes_of(prefix), cursor, limit, ret, &error);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Runs the tests in the place that is named. */
static inline int run_in(const char *wanted, int (*run_all)(const char *name))
{
    if (strcmp(wanted, "memory") == 0)
        return run_all("memory");
    if (strcmp(wanted, "file") == 0) {
        backend = LMDB;
        folder_make(folder);
        int failed = run_all("file");
        folder_remove(folder);
        return failed;
    }
    backend = NATS;
    if (!nats_server_there())
        return 77;
    nats_server_start(&server);
    int failed = run_all("nats");
    nats_server_stop(&server);
    return failed;
}

#endif
