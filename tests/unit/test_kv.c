/* What every backend of the key-value store promises: one suite, run over each of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/kv_world.h"

/* ---- entries */

static void what_is_set_is_got(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_value value = BP_KV_VALUE_INIT;
    const bp_bytes key = {"\0\xff/. *>\n", 8}, bytes = {"a\0b\xfe", 4};
    uint64_t version;
    bool there = true;
    assert_int_equal(bp_kv_get(kv, &call, key, &value, &error), BP_ENOTFOUND);
    assert_status(BP_OK, bp_kv_exists(kv, &call, key, &there, &error), &error);
    assert_false(there);
    assert_status(BP_OK, bp_kv_set(kv, &call, key, bytes, NULL, &version, &error), &error);
    assert_status(BP_OK, bp_kv_get(kv, &call, key, &value, &error), &error);
    assert_int_equal(value.bytes.size, bytes.size);
    assert_memory_equal(value.bytes.data, bytes.data, bytes.size);
    assert_int_equal(value.version, version);
    assert_true(value.ttl_ms == BP_UNLIMITED);
    bp_kv_value_done(&value);
    bp_kv_value_done(&value);
    assert_status(BP_OK, bp_kv_exists(kv, &call, key, &there, &error), &error);
    assert_true(there);
    assert_count(&call, 1, 12);
}

static void empty_values_are_values(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    set(&call, "empty", "");
    assert_status(BP_OK, has(&call, "empty", ""), &error);
    assert_count(&call, 1, 5);
}

static void values_outlive_the_store(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_value value = BP_KV_VALUE_INIT;
    set(&call, "key", "value");
    assert_status(BP_OK, bp_kv_get(kv, &call, BP_BYTES("key"), &value, &error), &error);
    set(&call, "key", "another");
    bp_kv_unref(kv);
    kv = NULL;
    assert_memory_equal(value.bytes.data, "value", 5);
    bp_kv_value_done(&value);
}

static void each_write_has_a_version_of_its_own(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    uint64_t first = set(&call, "key", "1"), second = set(&call, "key", "1");
    assert_true(first != second);
    assert_status(BP_OK, bp_kv_delete(kv, &call, BP_BYTES("key"), 0, &error), &error);
    uint64_t third = set(&call, "key", "1");
    assert_true(third != first && third != second);
}

static void if_absent_sets_only_what_is_not_there(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    assert_status(BP_OK, change(&call, "key", "1", BP_KV_IF_ABSENT, 0, 0), &error);
    assert_int_equal(change(&call, "key", "2", BP_KV_IF_ABSENT, 0, 0), BP_ECONFLICT);
    assert_contains(error.message, "exists", "the error");
    assert_status(BP_OK, has(&call, "key", "1"), &error);
}

static void if_version_sets_only_that_version(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    uint64_t version = set(&call, "key", "1");
    assert_int_equal(change(&call, "other", "2", BP_KV_IF_VERSION, version, 0), BP_ENOTFOUND);
    assert_int_equal(change(&call, "key", "2", BP_KV_IF_VERSION, version + 1, 0), BP_ECONFLICT);
    assert_status(BP_OK, has(&call, "key", "1"), &error);
    assert_status(BP_OK, change(&call, "key", "2", BP_KV_IF_VERSION, version, 0), &error);
    assert_int_equal(change(&call, "key", "3", BP_KV_IF_VERSION, version, 0), BP_ECONFLICT);
    assert_status(BP_OK, has(&call, "key", "2"), &error);
}

static void delete_removes_what_it_is_told_to(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    uint64_t version = set(&call, "key", "1");
    assert_int_equal(bp_kv_delete(kv, &call, BP_BYTES("kex"), 0, &error), BP_ENOTFOUND);
    assert_int_equal(bp_kv_delete(kv, &call, BP_BYTES("key"), version + 1, &error), BP_ECONFLICT);
    assert_status(BP_OK, has(&call, "key", "1"), &error);
    assert_status(BP_OK, bp_kv_delete(kv, &call, BP_BYTES("key"), version, &error), &error);
    assert_int_equal(has(&call, "key", NULL), BP_ENOTFOUND);
    assert_int_equal(bp_kv_delete(kv, &call, BP_BYTES("key"), 0, &error), BP_ENOTFOUND);
    assert_count(&call, 0, 0);
    assert_status(BP_OK, change(&call, "key", "2", BP_KV_IF_ABSENT, 0, 0), &error);
}

static void namespaces_do_not_meet(void **state)
{
    (void)state;
    bp_kv_call calls[] = {of("p", NULL), of("p", "t"), of("pt", NULL), of("q", "t"), of("p", NULL)};
    calls[4].kind = BP_KV_VARS;
    for (size_t i = 0; i < COUNT(calls); i++) {
        char value[2] = {(char)('a' + i), 0};
        set(&calls[i], "key", value);
    }
    for (size_t i = 0; i < COUNT(calls); i++) {
        char value[2] = {(char)('a' + i), 0};
        assert_status(BP_OK, has(&calls[i], "key", value), &error);
        assert_count(&calls[i], 1, 4);
    }
    assert_status(BP_OK, bp_kv_delete(kv, &calls[0], BP_BYTES("key"), 0, &error), &error);
    assert_int_equal(has(&calls[0], "key", NULL), BP_ENOTFOUND);
    assert_status(BP_OK, has(&calls[1], "key", "b"), &error);
}

/* ---- time */

static void what_has_expired_is_not_there(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_value value = BP_KV_VALUE_INIT;
    bool there = true;
    uint64_t next_ms;
    stop_clocks(NOON);
    assert_status(BP_OK, change(&call, "short", "1", BP_KV_ALWAYS, 0, 100), &error);
    assert_status(BP_OK, change(&call, "long", "2", BP_KV_ALWAYS, 0, 1000), &error);
    set(&call, "ever", "3");
    stop_clocks(NOON + 99);
    assert_status(BP_OK, bp_kv_get(kv, &call, BP_BYTES("short"), &value, &error), &error);
    assert_int_equal(value.ttl_ms, 1);
    bp_kv_value_done(&value);
    stop_clocks(NOON + 100);
    assert_int_equal(has(&call, "short", NULL), BP_ENOTFOUND);
    assert_status(BP_OK, bp_kv_exists(kv, &call, BP_BYTES("short"), &there, &error), &error);
    assert_false(there);
    assert_int_equal(bp_kv_delete(kv, &call, BP_BYTES("short"), 0, &error), BP_ENOTFOUND);
    assert_count(&call, 2, 10);
    assert_int_equal(change(&call, "short", "4", BP_KV_IF_VERSION, 1, 0), BP_ENOTFOUND);
    assert_status(BP_OK, change(&call, "short", "4", BP_KV_IF_ABSENT, 0, 0), &error);
    stop_clocks(NOON + 1000);
    assert_count(&call, 2, 11);
    assert_status(BP_OK, bp__kv_sweep_now(kv, &next_ms, &error), &error);
    assert_true(next_ms == UINT64_MAX);
    assert_count(&call, 2, 11);
    assert_status(BP_OK, has(&call, "short", "4"), &error);
}

static void a_new_value_has_a_new_time(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    uint64_t next_ms;
    stop_clocks(NOON);
    assert_status(BP_OK, change(&call, "a", "1", BP_KV_ALWAYS, 0, 100), &error);
    assert_status(BP_OK, change(&call, "a", "2", BP_KV_ALWAYS, 0, 300), &error);
    assert_status(BP_OK, change(&call, "b", "1", BP_KV_ALWAYS, 0, 100), &error);
    set(&call, "b", "2");
    stop_clocks(NOON + 200);
    assert_status(BP_OK, bp__kv_sweep_now(kv, &next_ms, &error), &error);
    assert_true(next_ms == NOON + 300);
    assert_status(BP_OK, has(&call, "a", "2"), &error);
    assert_status(BP_OK, has(&call, "b", "2"), &error);
    assert_count(&call, 2, 4);
}

static void the_expired_make_room(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_limits limits = BP_KV_LIMITS_INIT;
    limits.entries_max = 2;
    call.limits = &limits;
    stop_clocks(NOON);
    assert_status(BP_OK, change(&call, "a", "1", BP_KV_ALWAYS, 0, 100), &error);
    assert_status(BP_OK, change(&call, "b", "1", BP_KV_ALWAYS, 0, 100), &error);
    assert_int_equal(change(&call, "c", "1", BP_KV_ALWAYS, 0, 0), BP_ELIMIT);
    stop_clocks(NOON + 2000);
    assert_status(BP_OK, change(&call, "c", "1", BP_KV_ALWAYS, 0, 0), &error);
    assert_count(&call, 1, 2);
}

static void a_ttl_beyond_counting_is_for_ever(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_value value = BP_KV_VALUE_INIT;
    assert_status(BP_OK, change(&call, "a", "1", BP_KV_ALWAYS, 0, UINT64_MAX), &error);
    assert_status(BP_OK, bp_kv_get(kv, &call, BP_BYTES("a"), &value, &error), &error);
    assert_true(value.ttl_ms == BP_UNLIMITED);
    bp_kv_value_done(&value);
}

/* ---- limits */

static bp_status fill(const bp_kv_call *call, const char *key, size_t size)
{
    char *bytes = calloc(1, size + 1);
    assert_non_null(bytes);
    bp_status status =
        bp_kv_set(kv, call, bp_bytes_of(key), (bp_bytes){bytes, size}, NULL, NULL, &error);
    free(bytes);
    return status;
}

static void limits_hold_to_the_byte(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_limits limits = BP_KV_LIMITS_INIT;
    limits.entries_max = 3;
    limits.key_bytes_max = 4;
    limits.value_bytes_max = 50;
    limits.bytes_max = 100;
    call.limits = &limits;
    assert_int_equal(fill(&call, "abcde", 1), BP_ELIMIT);
    assert_contains(error.message, "key_bytes_max: the key has 5 bytes, of 4", "the error");
    assert_int_equal(fill(&call, "a", 51), BP_ELIMIT);
    assert_contains(error.message, "value_bytes_max: the value has 51 bytes, of 50", "the error");
    assert_status(BP_OK, fill(&call, "a", 50), &error);
    assert_int_equal(fill(&call, "b", 49), BP_ELIMIT);
    assert_contains(error.message, "bytes_max: 51 of 100", "the error");
    assert_status(BP_OK, fill(&call, "b", 48), &error);
    assert_count(&call, 2, 100);
    assert_int_equal(fill(&call, "c", 0), BP_ELIMIT);
    assert_status(BP_OK, fill(&call, "b", 47), &error);
    assert_status(BP_OK, fill(&call, "c", 0), &error);
    assert_status(BP_OK, fill(&call, "a", 10), &error);
    assert_int_equal(fill(&call, "d", 1), BP_ELIMIT);
    assert_contains(error.message, "entries_max: 3 of 3", "the error");
    assert_status(BP_OK, bp_kv_delete(kv, &call, BP_BYTES("c"), 0, &error), &error);
    assert_status(BP_OK, fill(&call, "d", 1), &error);
    assert_count(&call, 3, 61);
    limits.bytes_max = 20; /* lowered below what is there */
    assert_int_equal(fill(&call, "b", 48), BP_ELIMIT);
    assert_status(BP_OK, fill(&call, "b", 1), &error);
    bp_kv_call other = of("p", "t");
    other.limits = &limits;
    assert_status(BP_OK, fill(&other, "a", 10), &error);
}

static void the_stores_limits_cannot_be_exceeded(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_limits limits = BP_KV_LIMITS_INIT, wider = BP_KV_LIMITS_INIT;
    limits.value_bytes_max = 10;
    wider.value_bytes_max = 20;
    call.limits = &wider;
    bp_kv_unref(kv);
    kv = open_with(&limits);
    assert_int_equal(fill(&call, "a", 11), BP_ELIMIT);
    assert_status(BP_OK, fill(&call, "a", 10), &error);
}

/* ---- pages */

static void assert_key(const bp_kv_page *page, uint32_t index, const char *key)
{
    assert_true(index < page->count);
    assert_int_equal(page->keys[index].size, strlen(key));
    assert_memory_equal(page->keys[index].data, key, strlen(key));
}

static void keys_are_listed_in_order(void **state)
{
    (void)state;
    static const char *const keys[] = {"b", "a",    "a/2", "a/10",    "a/1",
                                       "c", "\xff", "a0",  "\xff\xff"};
    bp_kv_call call = of("p", NULL);
    bp_kv_page page;
    for (size_t i = 0; i < COUNT(keys); i++)
        set(&call, keys[i], "");
    assert_status(BP_OK, list(&call, "", (bp_bytes){NULL, 0}, 0, &page), &error);
    assert_int_equal(page.count, COUNT(keys));
    assert_int_equal(page.cursor.size, 0);
    for (uint32_t i = 1; i < page.count; i++)
        assert_true(bp__kv_compare(page.keys[i - 1], page.keys[i]) < 0);
    bp_kv_page_done(&page);
    assert_status(BP_OK, list(&call, "a/", (bp_bytes){NULL, 0}, 0, &page), &error);
    assert_int_equal(page.count, 3);
    assert_key(&page, 0, "a/1");
    assert_key(&page, 1, "a/10");
    assert_key(&page, 2, "a/2");
    bp_kv_page_done(&page);
    assert_status(BP_OK, list(&call, "d", (bp_bytes){NULL, 0}, 0, &page), &error);
    assert_int_equal(page.count, 0);
    bp_kv_page_done(&page);
    bp_kv_page_done(&page);
    bp_kv_call nobody = of("nobody", NULL);
    assert_status(BP_OK, list(&nobody, "", (bp_bytes){NULL, 0}, 0, &page), &error);
    assert_int_equal(page.count, 0);
    bp_kv_page_done(&page);
}

static void pages_follow_each_other(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    char key[16];
    for (int i = 0; i < 25; i++) {
        snprintf(key, sizeof key, "k%02d", i);
        set(&call, key, "v");
    }
    set(&call, "other", "v");
    char cursor[BP_KV_CURSOR_SIZE_MAX];
    bp_bytes at = {NULL, 0};
    int seen = 0;
    do {
        bp_kv_page page;
        assert_status(BP_OK, list(&call, "k", at, 10, &page), &error);
        for (uint32_t i = 0; i < page.count; i++) {
            snprintf(key, sizeof key, "k%02d", seen++);
            assert_key(&page, i, key);
        }
        assert_true(page.cursor.size <= sizeof cursor);
        if (page.cursor.size)
            memcpy(cursor, page.cursor.data, page.cursor.size);
        at = (bp_bytes){cursor, page.cursor.size};
        /* One that is listed already may go. */
        if (seen == 10)
            assert_status(BP_OK, bp_kv_delete(kv, &call, BP_BYTES("k09"), 0, &error), &error);
        bp_kv_page_done(&page);
    } while (at.size);
    assert_int_equal(seen, 25);
}

static void the_last_page_has_no_cursor(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_page page;
    stop_clocks(NOON);
    set(&call, "a", "v");
    set(&call, "b", "v");
    assert_status(BP_OK, change(&call, "c", "v", BP_KV_ALWAYS, 0, 10), &error);
    stop_clocks(NOON + 10);
    assert_status(BP_OK, list(&call, "", (bp_bytes){NULL, 0}, 2, &page), &error);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.cursor.size, 0);
    bp_kv_page_done(&page);
    assert_status(BP_OK, list(&call, "", (bp_bytes){NULL, 0}, 1, &page), &error);
    assert_true(page.cursor.size > 0);
    bp_kv_page_done(&page);
}

static void bad_cursors_are_refused(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    bp_kv_page page;
    char large[BP_KV_CURSOR_SIZE_MAX + 1] = {1};
    set(&call, "a", "v");
    assert_int_equal(list(&call, "", BP_BYTES("x"), 0, &page), BP_EINVAL);
    assert_int_equal(list(&call, "", BP_BYTES("\1"), 0, &page), BP_EINVAL);
    assert_int_equal(list(&call, "", BP_BYTES("\2abc"), 0, &page), BP_EINVAL);
    assert_int_equal(list(&call, "", (bp_bytes){large, sizeof large}, 0, &page), BP_EINVAL);
    assert_int_equal(list(&call, "", (bp_bytes){NULL, 0}, BP_KV_PAGE_MAX + 1, &page), BP_EINVAL);
    /* One of another place leads nowhere else than to this namespace's own. */
    assert_status(BP_OK, list(&call, "b", BP_BYTES("\1\xff"), 0, &page), &error);
    assert_int_equal(page.count, 0);
    bp_kv_page_done(&page);
    assert_status(BP_OK, list(&call, "a", BP_BYTES("\1A"), 0, &page), &error);
    assert_int_equal(page.count, 1);
    bp_kv_page_done(&page);
}

/* ---- what callers get wrong, and what ends a wait */

static void arguments_are_checked(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL), bad = call;
    char large[BP_KV_TENANT_SIZE_MAX + 1] = {0};
    bp_kv_value value = BP_KV_VALUE_INIT;
    assert_int_equal(bp_kv_get(NULL, &call, BP_BYTES("k"), &value, &error), BP_EINVAL);
    assert_int_equal(bp_kv_get(kv, NULL, BP_BYTES("k"), &value, &error), BP_EINVAL);
    assert_int_equal(bp_kv_get(kv, &call, BP_BYTES("k"), NULL, &error), BP_EINVAL);
    assert_int_equal(bp_kv_get(kv, &call, (bp_bytes){NULL, 0}, &value, &error), BP_EINVAL);
    assert_int_equal(bp_kv_get(kv, &call, (bp_bytes){NULL, 1}, &value, &error), BP_EINVAL);
    bad.plugin = (bp_bytes){NULL, 0};
    assert_int_equal(has(&bad, "k", NULL), BP_EINVAL);
    bad.plugin = (bp_bytes){large, BP_KV_PLUGIN_SIZE_MAX + 1};
    assert_int_equal(has(&bad, "k", NULL), BP_EINVAL);
    bad = call;
    bad.tenant = (bp_bytes){large, sizeof large};
    assert_int_equal(has(&bad, "k", NULL), BP_EINVAL);
    bad.tenant = (bp_bytes){NULL, 3};
    assert_int_equal(has(&bad, "k", NULL), BP_EINVAL);
    bad = call;
    bad.kind = 2;
    assert_int_equal(has(&bad, "k", NULL), BP_EINVAL);
    bad = call;
    bad.size = 0;
    assert_int_equal(has(&bad, "k", NULL), BP_EINVAL);
    assert_int_equal(change(&call, "k", "v", (bp_kv_condition)3, 0, 0), BP_EINVAL);
    assert_int_equal(bp_kv_set(kv, &call, BP_BYTES("k"), (bp_bytes){NULL, 1}, NULL, NULL, NULL),
                     BP_EINVAL);
    assert_int_equal(bp_kv_exists(kv, &call, BP_BYTES("k"), NULL, &error), BP_EINVAL);
}

static void a_passed_deadline_and_a_cancel_change_nothing(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL), late = call, ended = call;
    bp_cancel *cancel = NULL;
    late.by = 1;
    assert_int_equal(change(&late, "k", "v", BP_KV_ALWAYS, 0, 0), BP_ETIMEDOUT);
    assert_int_equal(has(&late, "k", NULL), BP_ETIMEDOUT);
    assert_status(BP_OK, bp_cancel_new(&cancel, &error), &error);
    bp_cancel_trigger(cancel);
    ended.cancel = cancel;
    assert_int_equal(change(&ended, "k", "v", BP_KV_ALWAYS, 0, 0), BP_ECANCELLED);
    bp_cancel_free(cancel);
    assert_int_equal(has(&call, "k", NULL), BP_ENOTFOUND);
}

static void a_child_is_refused(void **state)
{
    (void)state;
    bp_kv_call call = of("p", NULL);
    int how = 0;
    set(&call, "k", "v");
    pid_t child = fork();
    if (child == 0) {
        bp_kv_value value = BP_KV_VALUE_INIT;
        bool refused = bp_kv_get(kv, &call, BP_BYTES("k"), &value, &error) == BP_EINVAL &&
                       strstr(error.message, "fork") != NULL;
        bp_kv_unref(kv);
        _exit(refused ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    assert_status(BP_OK, has(&call, "k", "v"), &error);
}

static int run_all(const char *name)
{
    const struct CMUnitTest tests[] = {
        T(what_is_set_is_got),
        T(empty_values_are_values),
        T(values_outlive_the_store),
        T(each_write_has_a_version_of_its_own),
        T(if_absent_sets_only_what_is_not_there),
        T(if_version_sets_only_that_version),
        T(delete_removes_what_it_is_told_to),
        T(namespaces_do_not_meet),
        T(what_has_expired_is_not_there),
        T(a_new_value_has_a_new_time),
        T(the_expired_make_room),
        T(a_ttl_beyond_counting_is_for_ever),
        T(limits_hold_to_the_byte),
        T(the_stores_limits_cannot_be_exceeded),
        T(keys_are_listed_in_order),
        T(pages_follow_each_other),
        T(the_last_page_has_no_cursor),
        T(bad_cursors_are_refused),
        T(arguments_are_checked),
        T(a_passed_deadline_and_a_cancel_change_nothing),
        T(a_child_is_refused),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return run_in(argc > 1 ? argv[1] : "memory", run_all);
}
