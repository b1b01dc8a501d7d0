/* What plugins may call of ours: with the SDK's own example, and with guests that ask for nonsense.
 * SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/bullpen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "support/host.h"
#include "support/signals.h"

typedef struct world {
    host host;
    bp_kv *kv;
    bp_plugin *plugin;
} world;

static bp_plugin *load(world *w, bp_kv *kv, bool wasi)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.name = "shop";
    options.kv = kv;
    options.wasi = wasi;
    return host_load(&w->host, "sdk/bullpen.wasm", &options);
}

static int set_up(void **state)
{
    world *w = *state = calloc(1, sizeof *w);
    host_open(&w->host, NULL);
    assert_int_equal(bp_kv_open(NULL, &w->kv, NULL), BP_OK);
    w->plugin = load(w, w->kv, true);
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    host_unload(&w->host, w->plugin);
    bp_kv_unref(w->kv);
    host_close(&w->host);
    free(w);
    return 0;
}

static bp_call_result ask(bp_plugin *plugin, const char *tenant, const char *export_name,
                          const char *input)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    call.input = bp_bytes_of(input);
    call.tenant = bp_bytes_of(tenant);
    return call_ran_with(plugin, &call);
}

static void answers(bp_plugin *plugin, const char *tenant, const char *export_name,
                    const char *input, const char *output)
{
    bp_call_result result = ask(plugin, tenant, export_name, input);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_output(output, &result);
    bp_call_result_done(&result);
}

/* The function failed, and said why; the guest went on, and told. */
static void fails(bp_plugin *plugin, const char *export_name, const char *input, const char *reason)
{
    bp_call_result result = ask(plugin, "", export_name, input);
    assert_outcome(BP_OUTCOME_GUEST_ERROR, &result);
    assert_contains(result.message, reason, export_name);
    bp_call_result_done(&result);
}

static void entries_outlive_calls(void **state)
{
    world *w = *state;
    answers(w->plugin, "", "kv_get", "a", "(none)");
    answers(w->plugin, "", "kv_exists", "a", "0");
    answers(w->plugin, "", "kv_set_if_absent", "a=one", "1");
    answers(w->plugin, "", "kv_set_if_absent", "a=two", "0");
    answers(w->plugin, "", "kv_version", "a", "1");
    answers(w->plugin, "", "kv_get", "a", "one");
    answers(w->plugin, "", "kv_exists", "a", "1");
    answers(w->plugin, "", "kv_set", "b=", "2");
    answers(w->plugin, "", "kv_get", "b", "(empty)");
    answers(w->plugin, "", "kv_set_if_version", "c=x", "0"); /* the third write is in vain */
    answers(w->plugin, "", "kv_set_for_a_minute", "d=x", "5");
    answers(w->plugin, "", "kv_count", "", "4");
    answers(w->plugin, "", "kv_count", "d", "1");
    answers(w->plugin, "", "kv_delete", "d", "1");
    answers(w->plugin, "", "kv_delete", "d", "0");
    /* What the embedder sees is the same. */
    bp_kv_call call = BP_KV_CALL_INIT;
    bp_kv_value value = BP_KV_VALUE_INIT;
    call.plugin = bp_bytes_of("shop");
    assert_int_equal(bp_kv_get(w->kv, &call, bp_bytes_of("a"), &value, NULL), BP_OK);
    assert_memory_equal(value.bytes.data, "one", value.bytes.size);
    bp_kv_value_done(&value);
}

static void lists_come_in_pages(void **state)
{
    world *w = *state;
    for (const char *at = "abcde"; *at; at++) {
        char pair[] = {'k', *at, '=', '1', '\0'};
        bp_call_result result = ask(w->plugin, "", "kv_set", pair);
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        bp_call_result_done(&result);
    }
    bp_call_result result = ask(w->plugin, "", "kv_list", "k");
    char after[64] = "", next[80];
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    char page[200] = "";
    assert_true(result.output.size < sizeof page);
    memcpy(page, result.output.data, result.output.size);
    assert_int_equal(sscanf(page, "{\"keys\":[\"ka\",\"kb\"],\"after\":\"%63[0-9a-f]", after), 1);
    bp_call_result_done(&result);
    snprintf(next, sizeof next, "k=%s", after);
    result = ask(w->plugin, "", "kv_list", next);
    assert_non_null(memmem(result.output.data, result.output.size, "[\"kc\",\"kd\"]", 11));
    bp_call_result_done(&result);
    answers(w->plugin, "", "kv_list", "ke", "{\"keys\":[\"ke\"],\"after\":null}");
    fails(w->plugin, "kv_list", "k=zz", "'after' is none that a page gave");
}

static void tenants_have_their_own(void **state)
{
    world *w = *state;
    answers(w->plugin, "ada", "kv_set", "a=hers", "1");
    answers(w->plugin, "bob", "kv_get", "a", "(none)");
    answers(w->plugin, "", "kv_get", "a", "(none)");
    answers(w->plugin, "ada", "kv_get", "a", "hers");
}

static void what_is_not_there_is_a_reason(void **state)
{
    world *w = *state;
    bp_plugin *poor = load(w, NULL, false);
    fails(poor, "kv_get", "a", "no key-value store");
    fails(poor, "kv_set", "a=b", "no key-value store");
    fails(poor, "random", "", "random is not granted");
    fails(poor, "wall_clock", "", "clock is not granted");
    fails(w->plugin, "kv_get", "", "key");
    fails(w->plugin, "kv_set", "\xff=b", "UTF-8");
    host_unload(&w->host, poor);
}

static void limits_are_named(void **state)
{
    world *w = *state;
    bp_kv_limits limits = BP_KV_LIMITS_INIT;
    limits.value_bytes_max = 4;
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    options.limits = &limits;
    bp_kv *small = NULL;
    assert_int_equal(bp_kv_open(&options, &small, NULL), BP_OK);
    bp_plugin *plugin = load(w, small, false);
    bp_kv_unref(small); /* the plugin has its own */
    fails(plugin, "kv_set", "a=12345", "value_bytes_max");
    answers(plugin, "", "kv_get", "a", "(none)");
    host_unload(&w->host, plugin);
}

static uint64_t number_in(const bp_call_result *result)
{
    char digits[32] = "";
    assert_true(result->output.size < sizeof digits);
    memcpy(digits, result->output.data, result->output.size);
    return strtoull(digits, NULL, 10);
}

static void clocks_and_dice(void **state)
{
    world *w = *state;
    bp_call_result first = ask(w->plugin, "", "random", ""),
                   second = ask(w->plugin, "", "random", "");
    assert_int_equal(first.output.size, 32);
    assert_memory_not_equal(first.output.data, second.output.data, 32);
    bp_call_result_done(&first);
    bp_call_result_done(&second);
    bp_call_result result = ask(w->plugin, "", "wall_clock", "");
    assert_true(number_in(&result) / 1000000000 > 1700000000);
    bp_call_result_done(&result);
    result = ask(w->plugin, "", "monotonic_clock", "");
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_true(number_in(&result) > 0);
    bp_call_result_done(&result);
    bp_call call = BP_CALL_INIT;
    call.export_name = "remaining_ms";
    call.timeout_ms = 500;
    result = call_ran_with(w->plugin, &call);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_true(number_in(&result) <= 500);
    bp_call_result_done(&result);
}

static bool append(void *data, bp_bytes text)
{
    return bp__buffer_append(data, text.data, text.size);
}

static void metrics_are_written_with_the_hosts(void **state)
{
    world *w = *state;
    bp__buffer text = {0};
    answers(w->plugin, "", "metric_add", "sold_total", "0");
    answers(w->plugin, "", "metric_add", "sold_total", "0");
    answers(w->plugin, "", "metric_set", "stock", "0");
    answers(w->plugin, "", "metric_observe", "took", "0");
    fails(w->plugin, "metric_add", "No Name", "is no name");
    fails(w->plugin, "metric_set", "sold_total", "is of another kind already");
    answers(w->plugin, "", "pool_metric", "max_live", "8");
    fails(w->plugin, "pool_metric", "nothing", "no such figure");
    assert_int_equal(bp_metrics_write(w->host.runtime, &w->plugin, 1, append, &text), BP_OK);
    const char *all = bp__buffer_text(&text);
    assert_non_null(
        strstr(all, "bullpen_plugin_custom_sold_total{plugin=\"shop\",colour=\"red\"} 4\n"));
    assert_non_null(strstr(all, "bullpen_plugin_custom_stock{plugin=\"shop\"} 0.5\n"));
    assert_non_null(strstr(all, "bullpen_plugin_custom_took_count{plugin=\"shop\"} 1\n"));
    bp__buffer_done(&text);
}

/* Handles that nobody gave out, sizes beyond everything: answers, never a fault. */
static void nonsense_is_answered(void **state)
{
    world *w = *state;
    static const char guest[] =
        "(module"
        " (import \"bullpen:host/env\" \"kv_get\" (func $get (param i64) (result i64)))"
        " (import \"bullpen:host/env\" \"kv_set\" (func $set (param i64 i64 i64) (result i64)))"
        " (import \"bullpen:host/env\" \"kv_list\" (func $list (param i64 i64 i32) (result i64)))"
        " (import \"bullpen:host/env\" \"random\" (func $random (param i64) (result i64)))"
        " (import \"bullpen:host/env\" \"metric_add\" (func $add (param i64 i64 f64) (result i32)))"
        " (import \"bullpen:host/env\" \"pool_metric\" (func $figure (param i64) (result f64)))"
        " (import \"bullpen:host/env\" \"clock_ns\" (func $clock (param i32) (result i64)))"
        " (import \"bullpen:host/env\" \"error_text\" (func $error (result i64)))"
        " (func $expect (param i64) (if (i64.ne (local.get 0) (i64.const -1)) (then unreachable)))"
        " (func (export \"handle\")"
        "  (call $expect (call $get (i64.const -8)))"
        "  (call $expect (call $get (i64.const 0x7fffffffffffffff)))"
        "  (call $expect (call $set (i64.const 1) (i64.const 2) (i64.const 3)))"
        "  (call $expect (call $set (i64.const 0) (i64.const 0) (i64.const -5)))"
        "  (call $expect (call $list (i64.const 0) (i64.const 0) (i32.const -1)))"
        "  (call $expect (call $list (i64.const 0) (i64.const 0) (i32.const 1001)))"
        "  (call $expect (call $random (i64.const -1)))"
        "  (call $expect (call $random (i64.const 65537)))"
        "  (call $expect (call $clock (i32.const 2)))"
        "  (if (i64.eqz (call $error)) (then unreachable))"
        "  (call $expect (i64.extend_i32_s (call $add (i64.const 99) (i64.const 98) (f64.const "
        "nan))))"
        "  (if (f64.eq (call $figure (i64.const -1)) (call $figure (i64.const 7))) (then "
        "unreachable))))";
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.kv = w->kv;
    options.wasi = true;
    bp_plugin *plugin = host_load_text(&w->host, guest, &options);
    bp_call_result result = call_ran(plugin, "handle", (bp_bytes){NULL, 0});
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    host_unload(&w->host, plugin);
}

/* What a guest hands over is gone, also when the function fails or may not be used. */
static void handles_are_consumed(void **state)
{
    world *w = *state;
    static const char guest[] =
        "(module"
        " (import \"extism:host/env\" \"alloc\" (func $alloc (param i64) (result i64)))"
        " (import \"extism:host/env\" \"length\" (func $length (param i64) (result i64)))"
        " (import \"bullpen:host/env\" \"kv_get\" (func $get (param i64) (result i64)))"
        " (import \"bullpen:host/env\" \"kv_set\" (func $set (param i64 i64 i64) (result i64)))"
        " (import \"bullpen:host/env\" \"kv_list\" (func $list (param i64 i64 i32) (result i64)))"
        " (import \"bullpen:host/env\" \"metric_add\" (func $add (param i64 i64 f64) (result i32)))"
        " (import \"bullpen:host/env\" \"pool_metric\" (func $figure (param i64) (result f64)))"
        " (global $a (mut i64) (i64.const 0)) (global $b (mut i64) (i64.const 0))"
        " (func $make (global.set $a (call $alloc (i64.const 3))) (global.set $b (call $alloc "
        "(i64.const 5))))"
        " (func $gone (param $both i32)"
        "  (if (i64.ne (call $length (global.get $a)) (i64.const 0)) (then unreachable))"
        "  (if (i32.and (local.get $both) (i64.ne (call $length (global.get $b)) (i64.const 0))) "
        "(then unreachable)))"
        " (func (export \"handle\")"
        "  (call $make) (drop (call $get (global.get $a))) (call $gone (i32.const 0))"
        "  (call $make) (drop (call $set (global.get $a) (global.get $b) (i64.const -1))) (call "
        "$gone (i32.const 1))"
        "  (call $make) (drop (call $list (global.get $a) (global.get $b) (i32.const 5000))) (call "
        "$gone (i32.const 1))"
        "  (call $make) (drop (call $add (global.get $a) (global.get $b) (f64.const 1))) (call "
        "$gone (i32.const 1))"
        "  (call $make) (drop (call $figure (global.get $a))) (call $gone (i32.const 0))))";
    bp_kv *const stores[] = {NULL, w->kv};
    for (size_t i = 0; i < COUNT(stores); i++) {
        bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
        options.kv = stores[i];
        bp_plugin *plugin = host_load_text(&w->host, guest, &options);
        bp_call_result result = call_ran(plugin, "handle", (bp_bytes){NULL, 0});
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        bp_call_result_done(&result);
        host_unload(&w->host, plugin);
    }
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        WORLD(entries_outlive_calls),
        WORLD(lists_come_in_pages),
        WORLD(tenants_have_their_own),
        WORLD(what_is_not_there_is_a_reason),
        WORLD(limits_are_named),
        WORLD(clocks_and_dice),
        WORLD(metrics_are_written_with_the_hosts),
        WORLD(nonsense_is_answered),
        WORLD(handles_are_consumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
