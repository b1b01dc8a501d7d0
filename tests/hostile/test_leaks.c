/* What a call leaves behind is found, also where the guest exports nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "support/host.h"
#include "support/signals.h"

static const char guest_text[] =
    "(module"
    " (import \"extism:host/env\" \"alloc\" (func $alloc (param i64) (result i64)))"
    " (import \"extism:host/env\" \"store_u64\" (func $store (param i64 i64)))"
    " (import \"extism:host/env\" \"var_set\" (func $var_set (param i64 i64)))"
    " (memory 2 4)"
    " (memory $second 1 4)"
    " (table $t 4 8 funcref)"
    " (global $counter (mut i32) (i32.const 7))"
    " (global $wide (mut i64) (i64.const 0))"
    " (elem (table $t) (i32.const 0) func $f $f)"
    " (func $f (result i32) (i32.const 0))"
    " (type $number (func (result i32)))"
    " (func (export \"nothing\") (drop (call_indirect $t (type $number) (i32.const 1))))"
    " (func (export \"memory\") (i32.store (i32.const 0x10010) (i32.const 1))"
    "  (i32.store (i32.const 0x1f000) (i32.const 1)))"
    " (func (export \"put_back\") (i32.store (i32.const 64) (i32.const 1))"
    "  (i32.store (i32.const 64) (i32.const 0)))"
    " (func (export \"second\") (i32.store $second (i32.const 8) (i32.const 1)))"
    " (func (export \"grow\") (drop (memory.grow (i32.const 1))))"
    " (func (export \"global\") (global.set $counter (i32.const 8)))"
    " (func (export \"wide\") (global.set $wide (i64.const -2)))"
    " (func (export \"table\") (table.set $t (i32.const 2) (ref.func $f)))"
    " (func (export \"grow_table\") (drop (table.grow $t (ref.null func) (i32.const 2))))"
    " (func (export \"var\") (local $key i64) (local $value i64)"
    "  (local.set $key (call $alloc (i64.const 8)))"
    "  (call $store (local.get $key) (i64.const 0x6b6b6b6b6b6b6b6b))"
    "  (local.set $value (call $alloc (i64.const 5)))"
    "  (call $var_set (local.get $key) (local.get $value)))"
    " (func (export \"trap\") (global.set $counter (i32.const 9)) (unreachable)))";

typedef struct findings {
    unsigned count;
    bp_leak last;
    char text[512];
} findings;

static void note(void *data, const bp_leak *leak)
{
    findings *self = data;
    self->count++;
    self->last = *leak;
    assert_true(strlen(leak->text) < sizeof self->text);
    strcpy(self->text, leak->text);
}

static findings check(bp_plugin *plugin, const char *export_name, bp_outcome outcome)
{
    findings found = {.count = 0};
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_leak_check(plugin, &call, note, &found, &result, &error), &error);
    assert_outcome(outcome, &result);
    bp_call_result_done(&result);
    return found;
}

static void each_place_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *export_name, *kind;
        uint32_t index;
        uint64_t changed, first;
        const char *text;
    } cases[] = {
        {"memory", "memory", 0, 2, 0x10010, "memory 0: 2 pages of 4 KiB"},
        {"second", "memory", 1, 1, 8, "memory 1: 1 pages"},
        {"grow", "memory", 0, 0, 0, "memory 0: grew from 2 to 3 pages of 64 KiB"},
        {"global", "global", 0, 4, 0, "global 0: was 0x00000007, is 0x00000008"},
        {"wide", "global", 1, 8, 0, "global 1: was 0x0000000000000000, is 0xfffffffffffffffe"},
        {"table", "table", 0, 1, 2, "table 0: 1 of 4 elements"},
        {"grow_table", "table", 0, 2, 4, "table 0: 2 of 6 elements"},
        {"var", "var", 0, 5, 0, "var 'kkkkkkkk': was set (5 bytes)"},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(&self, guest_text, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        findings found = check(plugin, cases[i].export_name, BP_OUTCOME_FINISHED);
        assert_int_equal(found.count, 1);
        assert_string_equal(found.last.kind, cases[i].kind);
        assert_int_equal(found.last.index, cases[i].index);
        assert_int_equal(found.last.changed, cases[i].changed);
        assert_int_equal(found.last.first, cases[i].first);
        assert_contains(found.text, cases[i].text, "text");
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* Calls through a table, and bytes that are as they were, leave nothing. */
static void nothing_is_found_where_nothing_is(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(&self, guest_text, NULL);
    assert_int_equal(check(plugin, "nothing", BP_OUTCOME_FINISHED).count, 0);
    assert_int_equal(check(plugin, "put_back", BP_OUTCOME_FINISHED).count, 0);
    assert_int_equal(check(plugin, "trap", BP_OUTCOME_TRAPPED).count, 0); /* it is gone anyway */
    host_unload(&self, plugin);
    host_close(&self);
}

/* Under `reuse` too: the check starts pristine, and nobody meets what it left. */
static void a_check_disturbs_nobody(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.reset = BP_RESET_REUSE;
    options.max_live = 1;
    bp_plugin *plugin = host_load_text(&self, guest_text, &options);
    for (unsigned i = 0; i < 3; i++) {
        call_answers(plugin, "global", "", "");
        findings found = check(plugin, "global", BP_OUTCOME_FINISHED);
        assert_int_equal(found.count, 1);
        assert_contains(found.text, "was 0x00000007, is 0x00000008", "text");
    }
    plugin_is_whole(plugin);
    host_unload(&self, plugin);
    host_close(&self);
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(&self, guest_text, NULL);
    bp_call call = BP_CALL_INIT;
    call.export_name = "nothing";
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_EINVAL, bp_leak_check(NULL, &call, note, NULL, &result, &error), &error);
    assert_status(BP_EINVAL, bp_leak_check(plugin, &call, NULL, NULL, &result, &error), &error);
    call.export_name = "nowhere";
    assert_status(BP_ENOTFOUND, bp_leak_check(plugin, &call, note, NULL, &result, &error), &error);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_place_is_named),
        cmocka_unit_test(nothing_is_found_where_nothing_is),
        cmocka_unit_test(a_check_disturbs_nobody),
        cmocka_unit_test(bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
