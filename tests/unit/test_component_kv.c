/* What components may do with the key-value store. SPDX-License-Identifier: Apache-2.0 */
#include "unit/component_host_world.h"

static void entries_outlive_calls(void **state)
{
    world *w = *state;
    asked get = ask_text(KV_GET, "a");
    has_value(w->plugin, &get, NULL, 0);
    is_there(w->plugin, KV_EXISTS, "a", false);
    asked set = setting(KV_SET_IF_ABSENT, "a", "one");
    has_version(w->plugin, &set, 1);
    has_version(w->plugin, &set, 0);
    has_value(w->plugin, &get, "one", 1);
    set = setting(KV_SET, "b", "");
    has_version(w->plugin, &set, 2);
    get = ask_text(KV_GET, "b");
    has_value(w->plugin, &get, "", 2);
    set = setting(KV_SET_IF_VERSION, "a", "two");
    set.other = 7;
    has_version(w->plugin, &set, 0);
    set.other = 1;
    set.arguments[4] = 1; /* for a minute */
    set.number = 60000;
    has_version(w->plugin, &set, 3); /* the third write was in vain */
    is_there(w->plugin, KV_EXISTS, "a", true);
    is_there(w->plugin, KV_DELETE, "a", true);
    is_there(w->plugin, KV_DELETE, "a", false);
    /* What the embedder sees is the same. */
    bp_kv_call call = BP_KV_CALL_INIT;
    call.plugin = bp_bytes_of("shop");
    bool there = false;
    assert_int_equal(bp_kv_exists(w->kv, &call, bp_bytes_of("b"), &there, NULL), BP_OK);
    assert_true(there);
}

static void large_values_go_both_ways(void **state)
{
    world *w = *state;
    char value[3000];
    memset(value, 'v', sizeof value);
    asked set = ask_text(KV_SET, "large");
    give(&set, 2, (bp_bytes){value, sizeof value});
    has_version(w->plugin, &set, 1);
    asked get = ask_text(KV_GET, "large");
    bp_call_result result = goes_well(w->plugin, &get);
    bp_bytes got = bytes_at(&result, 16);
    assert_int_equal(got.size, sizeof value);
    assert_memory_equal(got.data, value, sizeof value);
    bp_call_result_done(&result);
}

static void lists_come_in_pages(void **state)
{
    world *w = *state;
    for (const char *at = "abcde"; *at; at++) {
        asked set = setting(KV_SET, (char[]){'k', *at, '\0'}, "1");
        bp_call_result result = goes_well(w->plugin, &set);
        bp_call_result_done(&result);
    }
    asked list = ask_text(KV_LIST, "k");
    list.arguments[5] = 3;
    bp_call_result result = goes_well(w->plugin, &list);
    assert_int_equal(word_at(&result, 8), 3);
    size_t keys = word_at(&result, 4) - RESULT_AT;
    is_text(bytes_at(&result, keys), "ka");
    is_text(bytes_at(&result, keys + 16), "kc");
    assert_int_equal(byte_at(&result, 12), 1);
    bp_bytes after = bytes_at(&result, 16);
    list = ask_text(KV_LIST, "k");
    list.arguments[2] = 1;
    give(&list, 3, after);
    bp_call_result_done(&result);
    result = goes_well(w->plugin, &list);
    assert_int_equal(word_at(&result, 8), 2);
    is_text(bytes_at(&result, word_at(&result, 4) - RESULT_AT), "kd");
    assert_int_equal(byte_at(&result, 12), 0);
    bp_call_result_done(&result);
    asked count = ask_text(KV_COUNT, "k");
    result = goes_well(w->plugin, &count);
    assert_int_equal(long_at(&result, 8), 5);
    bp_call_result_done(&result);
    list.arguments[5] = 1001;
    fails(w->plugin, &list, 4, "at most 1000 keys");
    list = ask_text(KV_LIST, "k");
    list.arguments[2] = 1;
    give(&list, 3, bp_bytes_of("zz"));
    fails(w->plugin, &list, 4, "'after' is none that a page gave");
}

/* Other hosts' keys may be any bytes; a component has them as text. */
static void keys_that_are_no_text_are_left_out(void **state)
{
    world *w = *state;
    bp_kv_call call = BP_KV_CALL_INIT;
    call.plugin = bp_bytes_of("shop");
    assert_int_equal(
        bp_kv_set(w->kv, &call, bp_bytes_of("\xFFx"), bp_bytes_of("1"), NULL, NULL, NULL), BP_OK);
    asked list = ask_text(KV_LIST, "");
    bp_call_result result = goes_well(w->plugin, &list);
    assert_int_equal(word_at(&result, 8), 0);
    bp_call_result_done(&result);
}

static void tenants_have_their_own(void **state)
{
    world *w = *state;
    asked set = setting(KV_SET, "a", "hers"), get = ask_text(KV_GET, "a");
    bp_call_result result = run_for(w->plugin, "ada", &set);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    result = run_for(w->plugin, "bob", &get);
    assert_int_equal(byte_at(&result, 8), 0);
    bp_call_result_done(&result);
    result = run_for(w->plugin, "ada", &get);
    is_text(bytes_at(&result, 16), "hers");
    bp_call_result_done(&result);
}

static void a_key_may_hold_a_nul(void **state)
{
    world *w = *state;
    asked set = ask(KV_SET), get = ask(KV_GET), other = ask_text(KV_GET, "a");
    give(&set, 0, (bp_bytes){"a\0b", 3});
    give(&set, 2, bp_bytes_of("1"));
    give(&get, 0, (bp_bytes){"a\0b", 3});
    has_version(w->plugin, &set, 1);
    has_value(w->plugin, &get, "1", 1);
    has_value(w->plugin, &other, NULL, 0);
}

static void utf16_is_read(void **state)
{
    world *w = *state;
    asked set = setting(KV_SET, "gr\xC3\xBC\xC3\x9F", "dich"), get = ask(KV_GET_UTF16);
    static const uint16_t key[] = {'g', 'r', 0xFC, 0xDF};
    static const uint16_t half[] = {0xD800, 'x'};
    has_version(w->plugin, &set, 1);
    get.arguments[0] = put(&get, key, sizeof key);
    get.arguments[1] = COUNT(key);
    has_value(w->plugin, &get, "dich", 1);
    get = ask(KV_GET_UTF16);
    get.arguments[0] = put(&get, half, sizeof half);
    get.arguments[1] = COUNT(half);
    ends(w->plugin, &get, BP_OUTCOME_TRAPPED, "unpaired surrogate");
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        TEST(entries_outlive_calls),  TEST(large_values_go_both_ways),
        TEST(lists_come_in_pages),    TEST(keys_that_are_no_text_are_left_out),
        TEST(tenants_have_their_own), TEST(a_key_may_hold_a_nul),
        TEST(utf16_is_read),
    };
    return cmocka_run_group_tests_name("component_kv", tests, NULL, NULL);
}
