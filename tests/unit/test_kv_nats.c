/* The key-value store on a server: what only a server can do to it. SPDX-License-Identifier:
 * Apache-2.0 */
#include <bullpen/kv.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/kv_nats.h"
#include "support/check.h"
#include "support/nats.h"
#include "support/thread.h"

static nats_server server;
static bp_error error;

static bp_status open_bucket(const char *name, uint32_t timeout_ms, bp_kv **ret)
{
    char location[128];
    bp_kv_limits limits = BP_KV_LIMITS_INIT;
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    limits.value_bytes_max = 8 << 20;
    snprintf(location, sizeof location, "nats://127.0.0.1:%u/%s", server.port, name);
    options.location = location;
    options.timeout_ms = timeout_ms;
    options.limits = &limits;
    return bp_kv_open(&options, ret, &error);
}

static bp_kv *open_good(const char *name)
{
    bp_kv *kv = NULL;
    assert_status(BP_OK, open_bucket(name, PATIENCE_MS, &kv), &error);
    return kv;
}

static bp_kv_call plugin(uint64_t ms)
{
    bp_kv_call call = BP_KV_CALL_INIT;
    call.plugin = BP_BYTES("p");
    call.by = bp_deadline_in_ms(ms);
    return call;
}

static bp_status set(bp_kv *kv, const char *key, const char *value, uint64_t ms)
{
    bp_kv_call call = plugin(ms);
    return bp_kv_set(kv, &call, bp_bytes_of(key), bp_bytes_of(value), NULL, NULL, &error);
}

static bp_status exists(bp_kv *kv, const char *key, bool *ret, uint64_t ms)
{
    bp_kv_call call = plugin(ms);
    return bp_kv_exists(kv, &call, bp_bytes_of(key), ret, &error);
}

/* ---- names */

static void names_read_back(void **state)
{
    (void)state;
    uint8_t bytes[BP_KV_KEY_SIZE_MAX], back[BP_KV_KEY_SIZE_MAX];
    char text[BP__NATS_TOKEN(BP_KV_KEY_SIZE_MAX) + 1];
    for (size_t size = 1; size <= sizeof bytes; size += size < 70 ? 1 : 41) {
        size_t got = 0;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(i * 37 + size);
        bp__nats_encode((bp_bytes){bytes, size}, text);
        assert_int_equal(strlen(text), BP__NATS_TOKEN(size));
        assert_true(bp__nats_decode(text, strlen(text), back, size, &got));
        assert_int_equal(got, size);
        assert_memory_equal(back, bytes, size);
        assert_false(bp__nats_decode(text, strlen(text), back, size - 1, &got));
    }
}

static void names_of_others_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "A", "AB", "AA=", "A.A", "AA A", "AA+", "AAAAA"};
    uint8_t bytes[16];
    size_t size;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(bp__nats_decode(bad[i], strlen(bad[i]), bytes, sizeof bytes, &size));
    bp__nats_use use;
    assert_true(bp__nats_use_read("1 2 3", 5, &use));
    assert_int_equal(use.use.bytes, 2);
    static const char *const none[] = {"",       "1",      "1 2",    "1 2 ",
                                       "1  2 3", "1 2 3 ", "-1 2 3", "1 2 99999999999999999999"};
    for (size_t i = 0; i < COUNT(none); i++)
        assert_false(bp__nats_use_read(none[i], strlen(none[i]), &use));
    bp__nats_about about;
    assert_true(bp__nats_about_read("$JS.ACK.S.c.1.22.3.444.5", &about));
    assert_int_equal(about.sequence, 22);
    assert_int_equal(about.number, 3);
    assert_int_equal(about.at_ns, 444);
    assert_int_equal(about.pending, 5);
    assert_true(bp__nats_about_read("$JS.ACK.d.a.S.c.1.22.3.444.5.r", &about));
    assert_int_equal(about.sequence, 22);
    assert_int_equal(about.pending, 5);
    assert_false(bp__nats_about_read("$JS.ACK.S.c.1.x.3.444.5", &about));
    assert_false(bp__nats_about_read("$JS.ACK.S.c.1.2.3.444", &about));
    assert_false(bp__nats_about_read("x.JS.ACK.S.c.1.2.3.444", &about));
}

static void bad_places_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "nats:",           "nats://",        "nats:///b",     "nats://host",   "nats://host/",
        "nats://host/a.b", "nats://ho st/b", "nats://u:p@/b", "http://host/b", "nats://a,b/c"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        bp_kv *kv = NULL;
        bp_kv_options options = BP_KV_OPTIONS_INIT;
        options.location = bad[i];
        assert_status(BP_EINVAL, bp_kv_open(&options, &kv, &error), &error);
    }
}

static void passwords_are_not_shown(void **state)
{
    (void)state;
    bp_kv *kv = NULL;
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    options.location = "nats://user:se/cr@et@127.0.0.1:1/bucket";
    options.timeout_ms = 2000;
    assert_true(bp_kv_open(&options, &kv, &error) != BP_OK);
    assert_null(strstr(error.message, "cr@et"));
    assert_contains(error.message, "127.0.0.1:1", "the error");
}

/* ---- the server goes, and comes back */

static void nobody_there_is_an_error_by_the_deadline(void **state)
{
    (void)state;
    nats_server gone = {0};
    nats_server_start(&gone);
    nats_server_kill(&gone);
    bp_kv *kv = NULL;
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    char location[64];
    snprintf(location, sizeof location, "nats://127.0.0.1:%u/b", gone.port);
    options.location = location;
    options.timeout_ms = 500;
    assert_status(BP_EUNAVAILABLE, bp_kv_open(&options, &kv, &error), &error);
    nats_server_stop(&gone);
}

static void a_server_that_goes_is_an_error_by_the_deadline(void **state)
{
    (void)state;
    bool there = false;
    bp_kv *kv = open_good("goes");
    assert_status(BP_OK, set(kv, "key", "1", PATIENCE_MS), &error);
    nats_server_kill(&server);
    assert_status(BP_EUNAVAILABLE, exists(kv, "key", &there, 100), &error);
    assert_contains(error.message, "is gone", "the error");
    assert_status(BP_EUNAVAILABLE, set(kv, "key", "2", 100), &error);
    bp_kv_call call = plugin(100);
    assert_int_equal(bp_kv_count(kv, &call, NULL, NULL, &error), BP_EUNAVAILABLE);
    nats_server_start(&server);
    assert_status(BP_OK, exists(kv, "key", &there, PATIENCE_MS), &error);
    assert_true(there); /* it keeps what it was told to */
    assert_status(BP_OK, set(kv, "key", "3", PATIENCE_MS), &error);
    bp_kv_unref(kv);
}

typedef struct caller {
    bp_kv *kv;
    bp_status status;
    _Atomic bool begun;
} caller;

static void *set_slowly(void *data)
{
    caller *self = data;
    bp_kv_call call = plugin(PATIENCE_MS);
    atomic_store(&self->begun, true);
    self->status = bp_kv_set(self->kv, &call, BP_BYTES("wait"), BP_BYTES("1"), NULL, NULL, NULL);
    return NULL;
}

static void who_waits_is_served_when_it_is_back(void **state)
{
    (void)state;
    caller self = {.kv = open_good("back")};
    nats_server_kill(&server);
    pthread_t thread = thread_start(0, set_slowly, &self);
    while (!atomic_load(&self.begun))
        sched_yield();
    nats_server_start(&server);
    thread_join(thread);
    assert_int_equal(self.status, BP_OK);
    bp_kv_unref(self.kv);
}

static void a_cancel_ends_the_wait_for_it(void **state)
{
    (void)state;
    bp_kv *kv = open_good("cancel");
    bp_cancel *cancel = NULL;
    bp_kv_call call = plugin(PATIENCE_MS);
    assert_status(BP_OK, bp_cancel_new(&cancel, &error), &error);
    call.cancel = cancel;
    nats_server_kill(&server);
    pthread_t thread =
        thread_start(0, (void *(*)(void *))(void (*)(void))bp_cancel_trigger, cancel);
    assert_int_equal(bp_kv_set(kv, &call, BP_BYTES("k"), BP_BYTES("v"), NULL, NULL, &error),
                     BP_ECANCELLED);
    thread_join(thread);
    bp_cancel_free(cancel);
    nats_server_start(&server);
    bp_kv_unref(kv);
}

/* ---- what it refuses */

static void a_value_over_its_payload_is_refused_by_name(void **state)
{
    (void)state;
    bp_kv *kv = open_good("payload");
    bp_kv_call call = plugin(PATIENCE_MS);
    bool there = true;
    char *large = calloc(1, 2 << 20);
    assert_non_null(large);
    assert_int_equal(
        bp_kv_set(kv, &call, BP_BYTES("k"), (bp_bytes){large, 2 << 20}, NULL, NULL, &error),
        BP_ELIMIT);
    assert_contains(error.message, "max_payload", "the error");
    assert_status(BP_OK, exists(kv, "k", &there, PATIENCE_MS), &error);
    assert_false(there);
    assert_status(
        BP_OK, bp_kv_set(kv, &call, BP_BYTES("k"), (bp_bytes){large, 1000000}, NULL, NULL, &error),
        &error);
    free(large);
    bp_kv_unref(kv);
}

/* A connection of the test's own, to do what other programs might. */
static void with_stream(const char *name, void (*use)(jsCtx *js, const char *name))
{
    char url[64];
    natsConnection *connection = NULL;
    jsCtx *js = NULL;
    snprintf(url, sizeof url, "nats://127.0.0.1:%u", server.port);
    assert_int_equal(natsConnection_ConnectTo(&connection, url), NATS_OK);
    assert_int_equal(natsConnection_JetStream(&js, connection, NULL), NATS_OK);
    use(js, name);
    jsCtx_Destroy(js);
    natsConnection_Destroy(connection);
}

static void make_forgetful(jsCtx *js, const char *name)
{
    kvConfig config;
    kvStore *bucket = NULL;
    kvConfig_Init(&config);
    config.Bucket = name;
    config.TTL = INT64_C(60000000000);
    assert_int_equal(js_CreateKeyValue(&bucket, js, &config), NATS_OK);
    kvStore_Destroy(bucket);
}

static void a_bucket_that_forgets_is_refused(void **state)
{
    (void)state;
    bp_kv *kv = NULL;
    with_stream("forgetful", make_forgetful);
    assert_status(BP_EFORMAT, open_bucket("forgetful", PATIENCE_MS, &kv), &error);
    assert_contains(error.message, "without a TTL", "the error");
}

static void remove_stream(jsCtx *js, const char *name)
{
    jsErrCode code;
    assert_int_equal(js_DeleteStream(js, name, NULL, &code), NATS_OK);
}

static void a_bucket_that_is_gone_is_an_error(void **state)
{
    (void)state;
    bool there;
    bp_kv *kv = open_good("vanishing");
    with_stream("KV_vanishing", remove_stream);
    assert_status(BP_EUNAVAILABLE, exists(kv, "k", &there, 2000), &error);
    assert_status(BP_EUNAVAILABLE, set(kv, "k", "v", 300), &error);
    bp_kv_unref(kv);
}

static void write_nonsense(jsCtx *js, const char *subject)
{
    jsErrCode code;
    assert_int_equal(js_Publish(NULL, js, subject, "nonsense", 8, NULL, &code), NATS_OK);
}

static void a_count_that_is_none_is_an_error(void **state)
{
    (void)state;
    bp__kv_space space = {.bytes = {0, 1, 'p'}, .size = 3};
    char name[BP__NATS_NAME_MAX], subject[BP__NATS_NAME_MAX + 16];
    bp_kv *kv = open_good("nonsense");
    bp__nats_name(&space, NULL, name);
    snprintf(subject, sizeof subject, "$KV.nonsense.%s", name);
    with_stream(subject, write_nonsense);
    assert_status(BP_EFORMAT, set(kv, "k", "v", PATIENCE_MS), &error);
    bp_kv_unref(kv);
}

/* ---- two hosts */

static void hosts_see_each_others_entries(void **state)
{
    (void)state;
    bp_kv *one = open_good("shared"), *two = open_good("shared");
    bp_kv_call call = plugin(PATIENCE_MS);
    bp_kv_change change = BP_KV_CHANGE_INIT;
    uint64_t version;
    assert_status(
        BP_OK, bp_kv_set(one, &call, BP_BYTES("k"), BP_BYTES("1"), NULL, &version, &error), &error);
    change.condition = BP_KV_IF_VERSION;
    change.version = version;
    assert_status(BP_OK, bp_kv_set(two, &call, BP_BYTES("k"), BP_BYTES("2"), &change, NULL, &error),
                  &error);
    assert_int_equal(bp_kv_set(one, &call, BP_BYTES("k"), BP_BYTES("3"), &change, NULL, &error),
                     BP_ECONFLICT);
    bp_kv_unref(one);
    bp_kv_unref(two);
}

/* A host that died between counting and writing: simulated by counting alone. */
static void count_too_much(jsCtx *js, const char *subject)
{
    jsErrCode code;
    assert_int_equal(js_Publish(NULL, js, subject, "5 500 1000", 10, NULL, &code), NATS_OK);
}

static void a_count_that_is_too_high_is_mended(void **state)
{
    (void)state;
    bp__kv_space space = {.bytes = {0, 1, 'p'}, .size = 3};
    char name[BP__NATS_NAME_MAX], subject[BP__NATS_NAME_MAX + 16];
    bp_kv *kv = open_good("high");
    bp_kv_limits limits = BP_KV_LIMITS_INIT;
    bp_kv_call call = plugin(PATIENCE_MS);
    limits.entries_max = 5;
    call.limits = &limits;
    assert_status(BP_OK, set(kv, "a", "1", PATIENCE_MS), &error);
    bp__nats_name(&space, NULL, name);
    snprintf(subject, sizeof subject, "$KV.high.%s", name);
    with_stream(subject, count_too_much);
    /* Not while somebody may be in the middle of a change. */
    assert_int_equal(bp_kv_set(kv, &call, BP_BYTES("b"), BP_BYTES("1"), NULL, NULL, &error),
                     BP_ELIMIT);
    bp__clock_fake_wall_set(bp__wall_ms() + BP__NATS_SETTLED_MS + 10000);
    assert_status(BP_OK, bp_kv_set(kv, &call, BP_BYTES("b"), BP_BYTES("1"), NULL, NULL, &error),
                  &error);
    bp__clock_fake_wall_set(0);
    for (int i = 0; i < 3; i++) {
        char key[2] = {(char)('c' + i), 0};
        assert_status(BP_OK,
                      bp_kv_set(kv, &call, bp_bytes_of(key), BP_BYTES("1"), NULL, NULL, &error),
                      &error);
    }
    assert_int_equal(bp_kv_set(kv, &call, BP_BYTES("z"), BP_BYTES("1"), NULL, NULL, &error),
                     BP_ELIMIT);
    bp_kv_unref(kv);
}

/* A page of more keys than one delivery of the client holds. */
static void many_keys_are_listed(void **state)
{
    (void)state;
    bp_kv *kv = open_good("many");
    bp_kv_call call = plugin(PATIENCE_MS);
    bp_kv_page page = BP_KV_PAGE_INIT;
    uint64_t entries;
    char key[16];
    for (int i = 0; i < 700; i++) {
        snprintf(key, sizeof key, "%04d", i);
        assert_status(BP_OK, set(kv, key, "v", PATIENCE_MS), &error);
    }
    assert_status(BP_OK, bp_kv_count(kv, &call, &entries, NULL, &error), &error);
    assert_int_equal(entries, 700);
    assert_status(
        BP_OK, bp_kv_list(kv, &call, (bp_bytes){NULL, 0}, (bp_bytes){NULL, 0}, 1000, &page, &error),
        &error);
    assert_int_equal(page.count, 700);
    bp_kv_page_done(&page);
    bp_kv_unref(kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_read_back),
        cmocka_unit_test(names_of_others_are_none),
        cmocka_unit_test(bad_places_are_refused),
        cmocka_unit_test(passwords_are_not_shown),
        cmocka_unit_test(nobody_there_is_an_error_by_the_deadline),
        cmocka_unit_test(a_server_that_goes_is_an_error_by_the_deadline),
        cmocka_unit_test(who_waits_is_served_when_it_is_back),
        cmocka_unit_test(a_cancel_ends_the_wait_for_it),
        cmocka_unit_test(a_value_over_its_payload_is_refused_by_name),
        cmocka_unit_test(a_bucket_that_forgets_is_refused),
        cmocka_unit_test(a_bucket_that_is_gone_is_an_error),
        cmocka_unit_test(a_count_that_is_none_is_an_error),
        cmocka_unit_test(hosts_see_each_others_entries),
        cmocka_unit_test(a_count_that_is_too_high_is_mended),
        cmocka_unit_test(many_keys_are_listed),
    };
    if (!nats_server_there())
        return 77;
    nats_server_start(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nats_server_stop(&server);
    return failed;
}
