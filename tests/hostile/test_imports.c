/* Imports that nobody grants and exports that nobody can call.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/attack.h"
#include "support/signals.h"

typedef struct bad_import {
    const char *text;
    bp_status status;
    const char *message;
} bad_import;

static void imports_that_are_not_granted_are_named(void **state)
{
    (void)state;
    static const bad_import cases[] = {
        {"(module (import \"env\" \"system\" (func (param i32))))", BP_EDENIED, "'env' 'system'"},
        {"(module (import \"extism:host/env\" \"http_reqest\" (func)))", BP_EDENIED,
         "the nearest it has is 'http_request'"},
        {"(module (import \"extism:host/env\" \"launch_missiles\" (func)))", BP_EDENIED,
         "'launch_missiles'"},
        {"(module (import \"extism:host/user\" \"mine\" (func)))", BP_EDENIED, "'mine'"},
        {"(module (import \"wasi_snapshot_preview1\" \"sched_yield\" (func (result i32))))",
         BP_EDENIED, "flag --wasi"},
        {"(module (import \"wasi_snapshot_preview1\" \"no_such\" (func (result i32))))", BP_EDENIED,
         "'no_such'"},
        {"(module (import \"wasi_unstable\" \"sched_yield\" (func (result i32))))", BP_EDENIED,
         "'wasi_unstable'"},
        {"(module (import \"extism:host/env\" \"alloc\" (func (param i32) (result i64))))",
         BP_EFORMAT, "func(i32) -> i64, but the host's is func(i64) -> i64"},
        {"(module (import \"extism:host/env\" \"alloc\" (memory 1)))", BP_EFORMAT,
         "memory(1..), but the host's is func(i64) -> i64"},
        {"(module (import \"extism:host/env\" \"alloc\" (global i32)))", BP_EFORMAT, "global(i32)"},
        {"(module (import \"extism:host/env\" \"alloc\" (func (param v128 externref funcref))))",
         BP_EFORMAT, "func(v128, reference, reference)"},
        {"(module (import \"extism:host/env\" \"alloc\" (global v128)))", BP_EFORMAT,
         "global(v128)"},
        {"(module (import \"env\" \"memory\" (memory 1)))", BP_EDENIED, "'env' 'memory'"},
        {"(module (import \"\" \"\" (func)))", BP_EDENIED, "'' ''"},
        {"(module (import \"extism:host/env\" \"alloc\\00evil\" (func)))", BP_EFORMAT, "NUL"},
    };
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_plugin *plugin;
        bp_error error = BP_ERROR_INIT;
        assert_status(cases[i].status, host_try_text(&self, cases[i].text, NULL, &plugin, &error),
                      &error);
        assert_contains(error.message, cases[i].message, cases[i].text);
    }
    host_close(&self);
}

/* The engine's C API has no words for some of them, and ends the process when asked. */
static void exports_of_every_type_do_no_harm(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin =
        host_load_text(&self,
                       "(module (func (export \"vector\") (param v128) (result v128) local.get 0)"
                       " (func (export \"reference\") (param funcref externref))"
                       " (global (export \"v\") v128 (v128.const i64x2 0 0))"
                       " (global (export \"f\") funcref (ref.null func))"
                       " (table (export \"t\") 1 externref))",
                       NULL);
    bp_call call = BP_CALL_INIT;
    call.export_name = "vector";
    call_refused(plugin, &call, BP_EFORMAT, "func(v128) -> v128");
    call.export_name = "reference";
    call_refused(plugin, &call, BP_EFORMAT, "func(reference, reference)");
    host_unload(&self, plugin);
    host_close(&self);
}

static void an_import_of_wasi_with_another_type_is_refused(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = true;
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_EFORMAT,
                  host_try_text(&self,
                                "(module (import \"wasi_snapshot_preview1\" \"fd_write\""
                                " (func (param i64 i64 i64 i64) (result i64))))",
                                &options, &plugin, &error),
                  &error);
    assert_contains(error.message, "func(i64, i64, i64, i64) -> i64", "error");
    host_close(&self);
}

static void one_function_can_be_imported_twice(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(
        &self,
        "(module (import \"extism:host/env\" \"input_length\" (func $a (result i64)))"
        " (import \"extism:host/env\" \"input_length\" (func $b (result i64)))"
        " (func (export \"go\") (result i32)"
        "  (i32.wrap_i64 (i64.sub (call $a) (call $b)))))",
        NULL);
    call_answers(plugin, "go", "input", "");
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- exports ---- */

static void exports_that_cannot_be_called_say_why(void **state)
{
    (void)state;
    static const bad_import cases[] = {
        {"a_parameter", BP_EFORMAT, "func(i32) -> i32"},
        {"a_wide_result", BP_EFORMAT, "func() -> i64"},
        {"two_results", BP_EFORMAT, "func() -> i32, i32"},
        {"memory", BP_EFORMAT, "memory"},
        {"a_memory", BP_EFORMAT, "memory"},
        {"a_table", BP_EFORMAT, "table"},
        {"a_global", BP_EFORMAT, "global"},
        {"pimg", BP_ENOTFOUND, "did you mean 'ping'"},
        {"error_cleard", BP_ENOTFOUND, "did you mean 'error_cleared'"},
        {"something_else_entirely", BP_ENOTFOUND, "no export 'something_else_entirely'"},
        {"", BP_ENOTFOUND, "no export ''"},
        {NULL, BP_ENOTFOUND, "it has no default export; name one of "},
        {"ping\xff\xfe\x1b", BP_ENOTFOUND, "no export"},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "answers.wat", NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_call call = BP_CALL_INIT;
        call.export_name = cases[i].text;
        call_refused(plugin, &call, cases[i].status, cases[i].message);
    }
    plugin_is_whole(plugin);
    host_unload(&self, plugin);
    host_close(&self);
}

static void the_only_export_is_named(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_call call = BP_CALL_INIT;
    call_refused(self.neighbour, &call, BP_ENOTFOUND, "name one of echo");
    host_close(&self);
}

/* ---- arguments ---- */

static void bad_arguments_are_refused_before_anything_happens(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "answers.wat", NULL);
    bp_call call = BP_CALL_INIT;
    bp_call_result result = {0};
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_EINVAL, bp_plugin_call(plugin, &call, &result, &error), &error);
    assert_contains(error.message, "BP_CALL_RESULT_INIT", "error");
    call.size = 0;
    call_refused(plugin, &call, BP_EINVAL, "bp_call");
    struct {
        bp_call known;
        uint64_t newer;
    } tail = {{.size = sizeof tail}, 1};
    call_refused(plugin, &tail.known, BP_EUNSUPPORTED, "bp_call");
    call = (bp_call)BP_CALL_INIT;
    call.export_name = "ping";
    char tenant[129] = {0};
    call.tenant = (bp_bytes){tenant, sizeof tenant};
    call_refused(plugin, &call, BP_EINVAL, "128");
    call.tenant = (bp_bytes){NULL, 1};
    call_refused(plugin, &call, BP_EINVAL, "tenant");
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_that_are_not_granted_are_named),
        cmocka_unit_test(exports_of_every_type_do_no_harm),
        cmocka_unit_test(an_import_of_wasi_with_another_type_is_refused),
        cmocka_unit_test(one_function_can_be_imported_twice),
        cmocka_unit_test(exports_that_cannot_be_called_say_why),
        cmocka_unit_test(the_only_export_is_named),
        cmocka_unit_test(bad_arguments_are_refused_before_anything_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
