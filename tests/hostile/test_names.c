/* Names as weapons: with a NUL, endless, or too many. SPDX-License-Identifier: Apache-2.0 */
#include "support/attack.h"
#include "support/check.h"
#include "support/host.h"
#include "support/signals.h"

#include "base/buffer.h"
#include "engine/module.h"

static void expect_refusal(const char *text, bp_status expected, const char *message)
{
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(expected, host_try_text(&self, text, NULL, &plugin, &error), &error);
    assert_contains(error.message, message, "error");
    assert_null(plugin);
    host_neighbour_answers(&self);
    host_close(&self);
}

/* Cut at the NUL, the name of a harmless export would lead to one whose results overrun the stack. */
static void a_nul_in_a_name_is_refused(void **state)
{
    (void)state;
    expect_refusal("(module"
                   " (func (export \"a\\00b\") (result i32) (i32.const 0))"
                   " (func (export \"a\") (result i64 i64 i64 i64 i64 i64 i64 i64)"
                   "  (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1)"
                   "  (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1)))",
                   BP_EFORMAT, "NUL");
    expect_refusal("(module"
                   " (func (export \"__wasm_call_ctors\\00\"))"
                   " (func (export \"__wasm_call_ctors\") (param i64 i64 i64))"
                   " (func (export \"go\")))",
                   BP_EFORMAT, "NUL");
    expect_refusal("(module (import \"extism:host/env\" \"alloc\\00\" (func)))", BP_EFORMAT,
                   "NUL");
}

/* Start functions of other types than they should have are not start functions. */
static void starts_of_other_types_are_not_run(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(&self,
                                       "(module"
                                       " (func (export \"_initialize\") (param i64) unreachable)"
                                       " (func (export \"hs_init\") (param i64 i64) unreachable)"
                                       " (func (export \"__wasm_call_ctors\") (result i64)"
                                       "  unreachable)"
                                       " (func (export \"go\")))",
                                       NULL);
    bp_call_result result = call_ran(plugin, "go", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

static void too_many_exports_are_refused(void **state)
{
    (void)state;
    bp__buffer text = {0};
    bp__buffer_append_text(&text, "(module (func $f)");
    for (int i = 0; i < 10001; i++)
        bp__buffer_printf(&text, "(export \"e%d\" (func $f))", i);
    bp__buffer_append_text(&text, ")");
    expect_refusal(bp__buffer_text(&text), BP_ELIMIT, "10001 exports");
    bp__buffer_done(&text);
}

/* The names of functions are copied for each frame of a backtrace. */
static void a_name_of_megabytes_is_not_carried_along(void **state)
{
    (void)state;
    enum { SIZE = 2 * 1024 * 1024 };
    bp__buffer text = {0};
    bp__buffer_append_text(&text, "(module (func $f (@name \"");
    for (int i = 0; i < SIZE; i++)
        bp__buffer_append_text(&text, "n");
    bp__buffer_append_text(&text, "\") (unreachable)) (func (export \"go\") (call $f)))");
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(&self, bp__buffer_text(&text), NULL);
    bp_call_result result = call_ran(plugin, "go", BP_BYTES(""));
    assert_outcome(BP_OUTCOME_TRAPPED, &result);
    assert_contains(result.backtrace, "function 0", "backtrace");
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
    bp__buffer_done(&text);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nul_in_a_name_is_refused),
        cmocka_unit_test(starts_of_other_types_are_not_run),
        cmocka_unit_test(too_many_exports_are_refused),
        cmocka_unit_test(a_name_of_megabytes_is_not_carried_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
