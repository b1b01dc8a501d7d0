/* Plugins that other people wrote and published (tools/fetch-plugins), with the answers that their
 * own projects expect. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "support/attack.h"
#include "support/signals.h"

static bp_plugin *load(host *self, const char *guest, bool wasi, const char *key, const char *value)
{
    const bp_config_entry entry = {key, value};
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.wasi = wasi;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    options.config = &entry;
    options.config_count = key != NULL;
    return host_load(self, guest, &options);
}

typedef struct plugin_case {
    const char *guest;
    bool wasi;
    const char *key, *value; /* of the configuration */
    const char *export_name, *input, *output;
} plugin_case;

static const plugin_case cases[] = {
    {"extism-pdk/code.wasm", false, NULL, NULL, "count_vowels", "Hello, World!", "{\"count\":3}"},
    {"extism-pdk/code.wasm", false, NULL, NULL, "count_vowels", "", "{\"count\":0}"},
    {"extism-pdk/count_vowels.wasm", false, NULL, NULL, "count_vowels", "Hello, World!",
     "{\"count\":3}"},
    {"go-sdk/count_vowels.wasm", false, NULL, NULL, "count_vowels", "Hello, World!",
     "{\"count\":3,\"total\":3,\"vowels\":\"aeiouAEIOU\"}"},
    {"go-sdk/count_vowels.wasm", false, "vowels", "lo", "count_vowels", "Hello, World!",
     "{\"count\":5,\"total\":5,\"vowels\":\"lo\"}"},
    {"go-sdk/config.wasm", true, "thing", "hello", "run_test", "", "{\"config\": \"hello\"}"},
    {"go-sdk/config.wasm", true, NULL, NULL, "run_test", "", "{\"config\": \"<unset by host>\"}"},
    {"go-sdk/hello.wasm", true, NULL, NULL, "run_test", "", "Hello, world!"},
    {"go-sdk/noop.wasm", true, NULL, NULL, "run_test", "", ""},
    {"go-sdk/replace.wasm", true, NULL, NULL, "run_test", "x", "x"},
    {"go-sdk/var.wasm", true, NULL, NULL, "run_test", "", "a: 0"},
};

/* On pristine sandboxes every call answers the same. */
static void answers_are_those_that_their_authors_expect(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const plugin_case *one = &cases[i];
        bp_plugin *plugin = load(&self, one->guest, one->wasi, one->key, one->value);
        for (int again = 0; again < 5; again++)
            call_answers(plugin, one->export_name, one->input, one->output);
        host_unload(&self, plugin);
    }
    host_close(&self);
}

static void variables_belong_to_tenants(void **state)
{
    (void)state;
    static const struct {
        const char *tenant, *output;
    } calls[] = {
        {"ada", "{\"count\":1,\"total\":1,\"vowels\":\"aeiouAEIOU\"}"},
        {"ada", "{\"count\":1,\"total\":2,\"vowels\":\"aeiouAEIOU\"}"},
        {"bob", "{\"count\":1,\"total\":1,\"vowels\":\"aeiouAEIOU\"}"},
        {"ada", "{\"count\":1,\"total\":3,\"vowels\":\"aeiouAEIOU\"}"},
        {NULL, "{\"count\":1,\"total\":1,\"vowels\":\"aeiouAEIOU\"}"},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, "go-sdk/count_vowels.wasm", false, NULL, NULL);
    for (size_t i = 0; i < COUNT(calls); i++) {
        bp_call call = BP_CALL_INIT;
        call.export_name = "count_vowels";
        call.input = BP_BYTES("a");
        call.tenant = bp_bytes_of(calls[i].tenant);
        bp_call_result result = call_ran_with(plugin, &call);
        assert_output(calls[i].output, &result);
        bp_call_result_done(&result);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

static void logs_and_prints_arrive(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, "go-sdk/log.wasm", true, NULL, NULL);
    call_answers(plugin, "run_test", "", "");
    journal_record record;
    assert_true(journal_find(&self.journal, BP_LOG_INFO, "this is an info log", &record));
    assert_string_equal(record.plugin, "log");
    assert_true(journal_find(&self.journal, BP_LOG_WARN, "this is a warning log", NULL));
    assert_true(journal_find(&self.journal, BP_LOG_ERROR, "this is an error log", NULL));
    host_unload(&self, plugin);
    plugin = load(&self, "go-sdk/println.wasm", true, NULL, NULL);
    call_answers(plugin, "run_test", "here", "");
    assert_true(
        journal_find(&self.journal, BP_LOG_INFO, "this was printed from the plugin here", NULL));
    host_unload(&self, plugin);
    host_close(&self);
}

static void http_is_refused_with_the_plugins_name(void **state)
{
    (void)state;
    static const struct {
        const char *guest, *export_name;
    } plugins[] = {{"extism-pdk/http.wasm", "http_get"}, {"go-sdk/http.wasm", "run_test"}};
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(plugins); i++) {
        bp_plugin *plugin = load(&self, plugins[i].guest, true, NULL, NULL);
        bp_call_result result =
            call_ran(plugin, plugins[i].export_name, BP_BYTES("{\"url\":\"http://localhost\"}"));
        assert_outcome(BP_OUTCOME_TRAPPED, &result);
        assert_contains(result.message, "http is not granted to plugin 'http'", "message");
        bp_call_result_done(&result);
        host_unload(&self, plugin);
    }
    host_close(&self);
}

/* It sleeps as long as its configuration says, by looking at the clock again and again. */
static void a_sleeping_plugin_ends_at_its_deadline(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = load(&self, "go-sdk/sleep.wasm", true, "duration", "3600");
    bp_call call = BP_CALL_INIT;
    call.export_name = "run_test";
    call.timeout_ms = 200;
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_TIMED_OUT, &result);
    bp_call_result_done(&result);
    host_unload(&self, plugin);
    host_close(&self);
}

static void without_wasi_the_import_and_the_way_out_are_named(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_EDENIED, host_try_load(&self, "go-sdk/log.wasm", NULL, &plugin, &error),
                  &error);
    assert_contains(error.message, "wasi_snapshot_preview1", "error");
    assert_contains(error.message, "--wasi", "error");
    host_close(&self);
}

/* As often as a host would, on one plugin from a manifest. */
static void a_manifest_loads_a_real_plugin(void **state)
{
    (void)state;
    char path[GUEST_PATH_MAX], json[GUEST_PATH_MAX + 256];
    host self;
    host_open(&self, NULL);
    snprintf(json, sizeof json,
             "{\"wasm\": [{\"path\": \"%s\", \"hash\":"
             " \"0c1779c48f56f94b3e3624d76f55e38215870c59ccb3d41f6ba8b2bc22f218f5\"}],"
             " \"config\": {\"vowels\": \"x\"}, \"memory\": {\"max_pages\": 64},"
             " \"timeout_ms\": 30000}",
             guest_path("go-sdk/count_vowels.wasm", path));
    bp_plugin *plugin = host_load_text(&self, json, NULL);
    for (int again = 0; again < 1000; again++)
        call_answers(plugin, "count_vowels", "xyz",
                     "{\"count\":1,\"total\":1,\"vowels\":\"x\"}");
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_that_their_authors_expect),
        cmocka_unit_test(variables_belong_to_tenants),
        cmocka_unit_test(logs_and_prints_arrive),
        cmocka_unit_test(http_is_refused_with_the_plugins_name),
        cmocka_unit_test(a_sleeping_plugin_ends_at_its_deadline),
        cmocka_unit_test(without_wasi_the_import_and_the_way_out_are_named),
        cmocka_unit_test(a_manifest_loads_a_real_plugin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
