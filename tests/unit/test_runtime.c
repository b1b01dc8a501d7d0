/* Runtimes, plugin options and what can be asked of both. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "support/host.h"
#include "support/signals.h"

static void options_out_of_range_are_named(void **state)
{
    (void)state;
    static const struct {
        bp_runtime_options options;
        const char *name;
    } cases[] = {
        {{.sandboxes_max = UINT32_MAX}, "sandboxes_max"},
        {{.sandboxes_max = 100001}, "sandboxes_max"},
        {{.table_elements_max = UINT64_MAX}, "table_elements_max"},
        {{.stack_bytes = 1}, "stack_bytes"},
        {{.stack_bytes = UINT64_MAX}, "stack_bytes"},
        {{.tick_ms = 1001}, "tick_ms"},
        {{.helpers = 65}, "helpers"},
        {{.log_level = BP_LOG_OFF + 1}, "log_level"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_runtime_options options = cases[i].options;
        options.size = sizeof options;
        bp_runtime *runtime = NULL;
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_EINVAL, bp_runtime_new(&options, &runtime, &error), &error);
        assert_contains(error.message, cases[i].name, "error");
        assert_null(runtime);
    }
}

static void info_tells_what_a_runtime_ended_up_with(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_runtime_info info = BP_RUNTIME_INFO_INIT;
    assert_int_equal(bp_runtime_get_info(self.runtime, &info, NULL), BP_OK);
    assert_int_equal(info.sandboxes_max, 32);
    assert_int_equal(info.memory_bytes_max, 256 << 20);
    assert_int_equal(info.stack_bytes, 512 << 10);
    assert_int_equal(info.tick_ms, 1);
    assert_true(info.cores >= 1);
    assert_true(info.memory_reservation_bytes >= info.memory_bytes_max);
    info.size = 0;
    assert_int_equal(bp_runtime_get_info(self.runtime, &info, NULL), BP_EINVAL);
    host_close(&self);
}

static void versions_are_there(void **state)
{
    (void)state;
    assert_true(strlen(bp_version()) >= 5);
    assert_contains(bp_engine_version(), "wasmtime", "version");
}

/* ---- plugins ---- */

static void contradictions_are_named(void **state)
{
    (void)state;
    static const bp_config_entry no_value = {"key", NULL};
    static const struct {
        bp_plugin_options options;
        const char *name;
    } cases[] = {
        {{.max_live = 33}, "max_live"},
        {{.max_live = 2, .min_warm = 3}, "min_warm"},
        {{.min_warm = 9}, "min_warm"},
        {{.reset = 7}, "reset"},
        {{.config_count = 1}, "config"},
        {{.config = &no_value, .config_count = 1}, "config"},
    };
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_plugin_options options = cases[i].options;
        options.size = sizeof options;
        bp_plugin *plugin;
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_EINVAL, host_try_load(&self, "echo.wat", &options, &plugin, &error),
                      &error);
        assert_contains(error.message, cases[i].name, "error");
    }
    host_close(&self);
}

static void info_tells_what_a_plugin_is(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = 3;
    options.min_warm = 2;
    options.limits.time_ms = 77;
    bp_plugin *plugin = host_load(&self, "time.wat", &options);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_string_equal(info.name, "time");
    assert_string_equal(info.abi, "extism");
    assert_int_equal(strlen(info.sha256), 64);
    assert_int_equal(info.max_live, 3);
    assert_int_equal(info.min_warm, 2);
    assert_int_equal(info.limits.time_ms, 77);
    assert_int_equal(info.export_count, 8);
    assert_string_equal(info.exports[0], "loop");
    assert_true(info.code_bytes > 0 && info.compiled_bytes > info.code_bytes);
    assert_int_equal(plugin_stats(plugin).live, 2); /* warm when loading returns */
    assert_non_null(bp_plugin_pool(plugin));
    host_unload(&self, plugin);
    host_close(&self);
}

static void nothing_is_made_of_null(void **state)
{
    (void)state;
    bp_error error = BP_ERROR_INIT;
    bp_plugin *plugin = NULL;
    bp_session *session = NULL;
    bp_inspection *inspection = NULL;
    bp_call_result result = BP_CALL_RESULT_INIT;
    assert_status(BP_EINVAL, bp_runtime_new(NULL, NULL, &error), &error);
    assert_status(BP_EINVAL, bp_plugin_load_file(NULL, "x", NULL, &plugin, &error), &error);
    assert_status(BP_EINVAL, bp_plugin_load_bytes(NULL, BP_BYTES("x"), NULL, &plugin, &error),
                  &error);
    assert_status(BP_EINVAL, bp_inspect_file(NULL, "x", &inspection, &error), &error);
    assert_status(BP_EINVAL, bp_plugin_call(NULL, NULL, &result, &error), &error);
    assert_status(BP_EINVAL, bp_session_open(NULL, NULL, &session, &error), &error);
    assert_status(BP_EINVAL, bp_session_call(NULL, NULL, &result, &error), &error);
    assert_int_equal(bp_runtime_new(NULL, NULL, NULL), BP_EINVAL);
}

static void who_does_not_read_errors_gets_the_same_statuses(void **state)
{
    (void)state;
    static const char *const hosts[] = {"http://no host/"};
    bp_plugin_options bad_host = BP_PLUGIN_OPTIONS_INIT;
    bad_host.http_hosts = hosts;
    bad_host.http_hosts_count = 1;
    const struct {
        const char *code;
        const bp_plugin_options *options;
        bp_status expected;
    } cases[] = {
        {"(module (func (export \"handle\")))", &bad_host, BP_EINVAL},
        {"{\"wasm\":[{\"path\":1}]}", NULL, BP_EFORMAT},
        {"(module (func (export \"handle\"))", NULL, BP_EFORMAT},
    };
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bp_plugin *plugin = NULL;
        assert_int_equal(bp_plugin_load_bytes(self.runtime, bp_bytes_of(cases[i].code),
                                              cases[i].options, &plugin, NULL),
                         cases[i].expected);
        assert_null(plugin);
    }
    host_close(&self);
}

/* ---- inspection ---- */

static void inspection_tells_what_imports_need(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    char path[GUEST_PATH_MAX];
    bp_inspection *inspection = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK,
                  bp_inspect_file(self.runtime, guest_path("exit.wat", path), &inspection, &error),
                  &error);
    assert_string_equal(bp_inspection_kind(inspection), "core module");
    assert_string_equal(bp_inspection_abi(inspection), "extism");
    assert_int_equal(strlen(bp_inspection_sha256(inspection)), 64);
    assert_int_equal(bp_inspection_memory_bytes(inspection), 65536);
    const bp_import_info *imports;
    assert_int_equal(bp_inspection_imports(inspection, &imports), 6);
    assert_string_equal(imports[0].name, "proc_exit");
    assert_string_equal(imports[0].type, "func(i32)");
    assert_string_equal(imports[0].needs, "wasi");
    assert_string_equal(imports[1].needs, "nothing");
    bp_inspection_free(inspection);
    bp_inspection_free(NULL);
    host_close(&self);
}

static void inspection_tells_what_exports_are(void **state)
{
    (void)state;
    static const struct {
        const char *name, *type;
        bool callable;
    } expected[] = {
        {"memory", "memory(1..)", false},          {"a_memory", "memory(1..)", false},
        {"a_table", "table(1..)", false},          {"a_global", "global(i32)", false},
        {"a_parameter", "func(i32) -> i32", false}, {"a_wide_result", "func() -> i64", false},
        {"two_results", "func() -> i32, i32", false}, {"ping", "func()", true},
        {"zero", "func() -> i32", true},
    };
    host self;
    host_open(&self, NULL);
    char path[GUEST_PATH_MAX];
    bp_inspection *inspection = NULL;
    assert_int_equal(
        bp_inspect_file(self.runtime, guest_path("answers.wat", path), &inspection, NULL), BP_OK);
    const bp_export_info *exports;
    assert_true(bp_inspection_exports(inspection, &exports) > COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_string_equal(exports[i].name, expected[i].name);
        assert_string_equal(exports[i].type, expected[i].type);
        assert_int_equal(exports[i].callable, expected[i].callable);
    }
    bp_inspection_free(inspection);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_out_of_range_are_named),
        cmocka_unit_test(info_tells_what_a_runtime_ended_up_with),
        cmocka_unit_test(versions_are_there),
        cmocka_unit_test(contradictions_are_named),
        cmocka_unit_test(info_tells_what_a_plugin_is),
        cmocka_unit_test(nothing_is_made_of_null),
        cmocka_unit_test(who_does_not_read_errors_gets_the_same_statuses),
        cmocka_unit_test(inspection_tells_what_imports_need),
        cmocka_unit_test(inspection_tells_what_exports_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
