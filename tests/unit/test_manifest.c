/* Our own manifests: what is wrong with them, and what they do to the plugin that has one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/bullpen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "support/folder.h"
#include "support/host.h"
#include "support/signals.h"

static const char code[] =
    "(module (import \"extism:host/env\" \"alloc\" (func $alloc (param i64) (result i64)))"
    " (import \"extism:host/env\" \"store_u8\" (func $store (param i64 i32)))"
    " (import \"extism:host/env\" \"log_info\" (func $log (param i64)))"
    " (import \"extism:host/env\" \"config_get\" (func $config (param i64) (result i64)))"
    " (import \"extism:host/env\" \"output_set\" (func $output (param i64 i64)))"
    " (import \"extism:host/env\" \"length\" (func $length (param i64) (result i64)))"
    " (import \"extism:host/env\" \"var_set\" (func $set (param i64 i64)))"
    " (import \"extism:host/env\" \"var_get\" (func $get (param i64) (result i64)))"
    " (func $a (result i64) (local $block i64) (local.set $block (call $alloc (i64.const 1)))"
    "  (call $store (local.get $block) (i32.const 97)) (local.get $block))"
    " (func (export \"say\") (call $log (call $a)))"
    " (func (export \"read\") (local $value i64) (local.set $value (call $config (call $a)))"
    "  (call $output (local.get $value) (call $length (local.get $value))))"
    " (func (export \"keep\") (call $set (call $a) (call $a)))"
    " (func (export \"look\") (drop (call $get (call $a)))))";

typedef struct world {
    host host;
    char folder[FOLDER_PATH_MAX];
} world;

static int set_up(void **state)
{
    world *w = *state = calloc(1, sizeof *w);
    char path[FOLDER_PATH_MAX];
    host_open(&w->host, NULL);
    signals_take();
    folder_make(w->folder);
    folder_write(folder_path(w->folder, "code.wat", path), code, sizeof code - 1);
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    folder_remove(w->folder);
    host_close(&w->host);
    free(w);
    return 0;
}

static bp_status try_load(world *w, const char *more, const bp_plugin_options *options,
                          bp_plugin **ret, bp_error *reterr)
{
    char text[2048], path[FOLDER_PATH_MAX];
    int size = snprintf(text, sizeof text,
                        "{\"name\":\"shop\",\"version\":\"1.2.3\",\"entry\":\"code.wat\"%s%s}",
                        *more ? "," : "", more);
    folder_write(folder_path(w->folder, "manifest.json", path), text, (size_t)size);
    bp_plugin_options none = BP_PLUGIN_OPTIONS_INIT;
    *ret = NULL;
    signals_take(); /* set_up() is a test of its own to cmocka */
    return bp_plugin_load_file(w->host.runtime, w->folder, options ? options : &none, ret, reterr);
}

static bp_plugin *load(world *w, const char *more, const bp_plugin_options *options)
{
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, try_load(w, more, options, &plugin, &error), &error);
    return plugin;
}

static void refused(world *w, const char *more, bp_status status, const char *message)
{
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(status, try_load(w, more, NULL, &plugin, &error), &error);
    assert_contains(error.message, message, more);
    assert_null(plugin);
}

static void ends(bp_plugin *plugin, const char *export_name, bp_outcome outcome, const char *text)
{
    bp_call_result result = call_ran(plugin, export_name, (bp_bytes){NULL, 0});
    assert_outcome(outcome, &result);
    if (outcome == BP_OUTCOME_FINISHED)
        assert_output(text, &result);
    else
        assert_contains(result.message, text, export_name);
    bp_call_result_done(&result);
}

/* ---- what it does ---- */

static void a_folder_is_a_plugin(void **state)
{
    world *w = *state;
    bp_plugin *plugin = load(w,
                             "\"description\":\"Sells.\",\"limits\":{\"time_ms\":70000,"
                             "\"memory_bytes\":65536},\"pool\":{\"min_warm\":2,\"max_live\":3}",
                             NULL);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_string_equal(info.name, "shop");
    assert_string_equal(info.version, "1.2.3");
    assert_string_equal(info.description, "Sells.");
    assert_null(info.default_export);
    assert_int_equal(info.limits.memory_bytes, 65536);
    assert_int_equal(info.limits.time_ms, 70000);
    assert_int_equal(info.max_live, 3);
    assert_int_equal(info.min_warm, 2);
    host_unload(&w->host, plugin);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = 1;
    options.limits.time_ms = 100;
    plugin = load(w,
                  "\"limits\":{\"time_ms\":70000},\"pool\":{\"max_live\":3,\"min_warm\":2,"
                  "\"reset\":\"reuse\"}",
                  &options);
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_int_equal(info.limits.time_ms, 100);
    assert_int_equal(info.max_live, 1);
    assert_int_equal(info.min_warm, 1);           /* as far as there is room */
    assert_int_equal(info.reset, BP_RESET_FRESH); /* the host does not allow another */
    host_unload(&w->host, plugin);
}

static void what_is_not_asked_for_is_refused(void **state)
{
    world *w = *state;
    journal_record record;
    bp_plugin *plugin = load(w, "", NULL);
    ends(plugin, "say", BP_OUTCOME_TRAPPED, "log is not granted: the manifest does not ask for it");
    ends(plugin, "read", BP_OUTCOME_TRAPPED, "config is not granted");
    ends(plugin, "look", BP_OUTCOME_TRAPPED, "kv:read is not granted");
    assert_true(journal_find(&w->host.journal, BP_LOG_WARN, "log is not granted", &record));
    assert_string_equal(record.plugin, "shop");
    host_unload(&w->host, plugin);
    plugin = load(w, "\"capabilities\":{\"log\":{},\"kv:read\":{},\"clock\":{}}", NULL);
    ends(plugin, "say", BP_OUTCOME_FINISHED, "");
    ends(plugin, "look", BP_OUTCOME_FINISHED, "");
    ends(plugin, "keep", BP_OUTCOME_TRAPPED, "kv:write is not granted");
    assert_true(
        journal_find(&w->host.journal, BP_LOG_INFO, "log granted to version 1.2.3", &record));
    assert_true(
        journal_find(&w->host.journal, BP_LOG_WARN, "clock not granted to version 1.2.3", &record));
    host_unload(&w->host, plugin);
}

static bool append(void *data, bp_bytes text)
{
    return bp__buffer_append(data, text.data, text.size);
}

static void refusals_are_counted(void **state)
{
    world *w = *state;
    bp_plugin *plugin = load(w, "", NULL);
    bp__buffer text = {0};
    ends(plugin, "say", BP_OUTCOME_TRAPPED, "log");
    ends(plugin, "say", BP_OUTCOME_TRAPPED, "log");
    assert_int_equal(bp_metrics_write(NULL, &plugin, 1, append, &text), BP_OK);
    assert_non_null(
        strstr(bp__buffer_text(&text),
               "bullpen_capability_refused_total{plugin=\"shop\",capability=\"log\"} 2\n"));
    bp__buffer_done(&text);
    host_unload(&w->host, plugin);
}

static void only_writeable_exports_write(void **state)
{
    world *w = *state;
    static const char capabilities[] = "\"capabilities\":{\"kv:write\":{},\"kv:read\":{}}";
    char more[300];
    bp_plugin *plugin = load(w, capabilities, NULL);
    ends(plugin, "keep", BP_OUTCOME_TRAPPED, "does not mark this export as writeable");
    host_unload(&w->host, plugin);
    snprintf(more, sizeof more, "%s,\"exports\":[{\"name\":\"keep\",\"writeable\":true}]",
             capabilities);
    plugin = load(w, more, NULL);
    ends(plugin, "keep", BP_OUTCOME_FINISHED, "");
    host_unload(&w->host, plugin);
}

static void a_default_export_is_called_without_a_name(void **state)
{
    world *w = *state;
    bp_plugin *plugin = load(w, "", NULL);
    bp_call call = BP_CALL_INIT;
    call_refused(plugin, &call, BP_ENOTFOUND,
                 "it has no default export; name one of keep, look, read, say");
    host_unload(&w->host, plugin);
    plugin = load(w, "\"default_export\":\"say\",\"capabilities\":{\"log\":{}}", NULL);
    bp_call_result result = call_ran_with(plugin, &call);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    host_unload(&w->host, plugin);
    refused(w, "\"default_export\":\"sya\"", BP_ENOTFOUND, "did you mean 'say'");
    refused(w, "\"exports\":[{\"name\":\"kepe\",\"writeable\":true}]", BP_ENOTFOUND,
            "did you mean 'keep'");
}

static void configuration_has_defaults_and_needs(void **state)
{
    world *w = *state;
    static const char with_default[] =
        "\"capabilities\":{\"config\":{}},\"config\":{\"a\":{\"default\":\"ours\"}}";
    static const char required[] =
        "\"capabilities\":{\"config\":{}},\"config\":{\"a\":{\"required\":true}}";
    bp_config_entry entry = {"a", "theirs"};
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.config = &entry;
    options.config_count = 1;
    bp_plugin *plugin = load(w, with_default, NULL);
    ends(plugin, "read", BP_OUTCOME_FINISHED, "ours");
    host_unload(&w->host, plugin);
    plugin = load(w, with_default, &options);
    ends(plugin, "read", BP_OUTCOME_FINISHED, "theirs");
    host_unload(&w->host, plugin);
    refused(w, required, BP_EINVAL, "requires the configuration value 'a'");
    plugin = load(w, required, &options);
    ends(plugin, "read", BP_OUTCOME_FINISHED, "theirs");
    host_unload(&w->host, plugin);
}

/* ---- what it must not do ---- */

static void code_outside_of_the_folder_is_not_read(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    refused(w, "\"logo\":\"../logo.png\"", BP_EFORMAT, "/logo: '../logo.png' is no path inside");
    folder_path(w->folder, "code.wat", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    refused(w, "", BP_EDENIED, "/entry: open 'code.wat' inside the manifest's folder");
    assert_int_equal(unlink(path), 0);
    refused(w, "", BP_ENOTFOUND, "/entry: open 'code.wat' inside the manifest's folder");
}

static void worlds_that_are_not_there_are_refused(void **state)
{
    world *w = *state;
    refused(w, "\"isolation\":\"process\"", BP_EUNSUPPORTED, "isolation 'process'");
    refused(w, "\"abi_version\":\"2.0\"", BP_EFORMAT, "built for version 2.0, this host has 1.0");
    refused(w, "\"abi_version\":\"1.1\"", BP_EFORMAT, "built for version 1.1, this host has 1.0");
    refused(w, "\"capabilities\":{\"http:fetch\":{\"hosts\":[\"exa mple.com\"]}}", BP_EFORMAT,
            "/capabilities/http:fetch/hosts/0");
}

/* ---- problems ---- */

typedef struct list {
    bp__buffer text;
} list;

static void tell(void *data, const bp_problem *problem)
{
    list *to = data;
    bp__buffer_printf(&to->text, "%s|%s|%s\n", problem->pointer, problem->message,
                      problem->hint ? problem->hint : "");
}

static void every_problem_is_told(void **state)
{
    (void)state;
    list found = {{0}};
    bp_error error = BP_ERROR_INIT;
    static const char json[] =
        "{\"name\":\"A "
        "b\",\"verison\":\"1\",\"entry\":7,\"exports\":[{\"name\":\"x\"},{\"name\":\"x\"},{}],"
        "\"default_export\":\"y\",\"hooks\":{\"on_request\":\"z\"},\"limits\":{\"time_ms\":0.5,"
        "\"fuel\":0},"
        "\"a/b~c\":1,\"pool\":{\"reset\":\"resue\"}}";
    assert_int_equal(bp_manifest_check(bp_bytes_of(json), tell, &found, &error), BP_EFORMAT);
    static const char *const wanted[] = {"/name|'A b' is not a name",
                                         "/verison|there is no such field|version",
                                         "/version|is missing|",
                                         "/entry|must be a string|",
                                         "/exports/1/name|'x' is there already|",
                                         "/exports/2/name|is missing|",
                                         "/default_export|'y' is not among the exports|x",
                                         "/hooks/on_request|'z' is not among the exports|x",
                                         "/limits/time_ms|must be a whole number|",
                                         "/limits/fuel|0 is not between 1 and ",
                                         "/a~1b~0c|there is no such field|",
                                         "/pool/reset|'resue' is none of fresh, reuse|reuse"};
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_contains(bp__buffer_text(&found.text), wanted[i], "problem");
    assert_contains(error.message, "(and 11 more)", "error");
    bp__buffer_done(&found.text);
}

static void nonsense_is_a_problem(void **state)
{
    (void)state;
    static const struct {
        const char *json, *message;
    } bad[] = {
        {"", "line 1"},
        {"[]", "/: must be an object"},
        {"{}", "/name: is missing"},
        {"{\"nmae\":\"x\"}", "/nmae: there is no such field"},
        {"{\"wasm\":[{\"url\":1}],\"timeout\":5}", "/wasm/0/url: must be a string"},
        {"{\"wasm\":[{\"url\":\"https://a.com\"}]}", "not fetched from the network"},
        {"{\"wasm\":[{\"path\":\"a\"}],\"timeout\":5}", "/timeout: there is no such field"},
        {"{\"wasm\":[],\"memory\":{\"max_pages\":0}}", "/wasm: has 0 entries"},
        {"{\"wasm\":[{\"path\":\"a\"}],\"allowed_hosts\":[\"a b\"]}", "/allowed_hosts/0: no host"},
        {"{\"name\":\"a\",\"version\":\"1.0.0\",\"entry\":\"a\",\"capabilities\":{\"http:fetch\":"
         "{\"hosts\":[\"a:70000\"]}}}",
         "/capabilities/http:fetch/hosts/0: no host"},
        {"{\"name\":\"a\",\"name\":\"b\"}", "duplicate"},
        {"{\"name\":\"a\\u0000b\"}", "\\u0000"},
        {"{\"name\":\"\xff\"}", "unable to decode byte"},
        {"{\"name\":null,\"version\":[],\"entry\":{}}", "/name: must be a string"},
        {"{\"name\":\"a\",\"version\":\"1.0.0\",\"entry\":\"/etc/passwd\"}", "no path inside"},
        {"{\"name\":\"a\",\"version\":\"01.0.0\",\"entry\":\"a\"}", "is not a version"},
        {"{\"name\":\"a\",\"version\":\"1.0.0\",\"entry\":\"a/../b\"}", "no path inside"},
        {"{\"name\":\"a\",\"version\":\"1.0.0\",\"entry\":\"a\",\"limits\":{\"fuel\":1e300}}",
         "not between"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        bp_error error = BP_ERROR_INIT;
        bp_status status = bp_manifest_check(bp_bytes_of(bad[i].json), NULL, NULL, &error);
        assert_status(BP_EFORMAT, status, &error);
        assert_contains(error.message, bad[i].message, bad[i].json);
    }
    bp__buffer deep = {0}, many = {0};
    bp__buffer_append_text(&deep, "{\"name\":");
    for (int i = 0; i < 100000; i++)
        bp__buffer_append_text(&deep, "[");
    assert_int_equal(bp_manifest_check(bp__buffer_bytes(&deep), NULL, NULL, NULL), BP_EFORMAT);
    bp__buffer_append_text(&many, "{\"name\":\"a\"");
    for (int i = 0; i < 1000; i++)
        bp__buffer_printf(&many, ",\"x%d\":1", i);
    bp__buffer_append_text(&many, "}");
    list found = {{0}};
    assert_int_equal(bp_manifest_check(bp__buffer_bytes(&many), tell, &found, NULL), BP_EFORMAT);
    unsigned lines = 0;
    for (const char *at = bp__buffer_text(&found.text); *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 100);
    bp__buffer_done(&found.text);
    bp__buffer_done(&deep);
    bp__buffer_done(&many);
}

static void note_change(void *data, bp_capability_change change, const char *name,
                        const char *parameter)
{
    bp__buffer_printf(data, "%c%s %s\n", (char)change, name, parameter);
}

static void extisms_manifests_are_right_too(void **state)
{
    (void)state;
    static const char json[] =
        "{\"wasm\":[{\"path\":\"a.wasm\",\"name\":null,\"hash\":null}],\"memory\":{\"max_pages\":5,"
        "\"max_var_bytes\":null},\"config\":{\"a\":\"b\"},\"timeout_ms\":null,\"allowed_hosts\":["
        "\"*.a.com\"],"
        "\"allowed_paths\":null}";
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_manifest_check(bp_bytes_of(json), NULL, NULL, &error), &error);
}

static void differences_are_told_by_parameter(void **state)
{
    (void)state;
#define OWN(capabilities)                                                                          \
    "{\"name\":\"a\",\"version\":\"1.0.0\",\"entry\":\"a\",\"capabilities\":{" capabilities "}}"
    bp__buffer text = {0};
    bp_error error = BP_ERROR_INIT;
    bp_bytes older = bp_bytes_of(
        OWN("\"log\":{},\"kv:read\":{},\"http:fetch\":{\"hosts\":[\"a.com\",\"b.com\"]}"));
    bp_bytes newer = bp_bytes_of(
        OWN("\"log\":{},\"clock\":{},\"http:fetch\":{\"hosts\":[\"b.com\",\"c.com\"]}"));
    assert_status(BP_OK, bp_manifest_compare(older, newer, note_change, &text, &error), &error);
    assert_string_equal(
        bp__buffer_text(&text),
        "=log \n-kv:read \n=http:fetch b.com\n+http:fetch c.com\n-http:fetch a.com\n+clock \n");
    assert_int_equal(bp_manifest_compare(older, bp_bytes_of("{}"), note_change, &text, &error),
                     BP_EFORMAT);
    assert_contains(error.message, "the newer", "error");
    bp__buffer_done(&text);
}

static void every_allocation_may_fail(void **state)
{
    world *w = *state;
    bool failed = true;
    for (uint64_t nth = 1; failed && nth < 5000; nth++) {
        bp_plugin *plugin = NULL;
        bp_error error = BP_ERROR_INIT;
        bp__alloc_fail_at(nth);
        bp_status status = try_load(
            w,
            "\"description\":\"x\",\"default_export\":\"say\",\"capabilities\":"
            "{\"log\":{},\"http:fetch\":{\"hosts\":[\"a.com\"]},\"env\":{\"names\":[\"A\"]}},"
            "\"exports\":[{\"name\":\"say\"},{\"name\":\"keep\",\"writeable\":true}],"
            "\"config\":{\"a\":{\"default\":\"b\"},\"c\":{\"required\":false}}",
            NULL, &plugin, &error);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        if (!failed)
            assert_status(BP_OK, status, &error);
        else if (status != BP_OK)
            assert_true(error.message[0] != '\0');
        if (plugin)
            host_unload(&w->host, plugin);
    }
    assert_false(failed);
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        WORLD(a_folder_is_a_plugin),
        WORLD(what_is_not_asked_for_is_refused),
        WORLD(refusals_are_counted),
        WORLD(only_writeable_exports_write),
        WORLD(a_default_export_is_called_without_a_name),
        WORLD(configuration_has_defaults_and_needs),
        WORLD(code_outside_of_the_folder_is_not_read),
        WORLD(worlds_that_are_not_there_are_refused),
        cmocka_unit_test(every_problem_is_told),
        cmocka_unit_test(nonsense_is_a_problem),
        cmocka_unit_test(extisms_manifests_are_right_too),
        cmocka_unit_test(differences_are_told_by_parameter),
        WORLD(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
