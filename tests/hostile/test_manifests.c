/* Manifests that lie, contradict themselves, or want what is not theirs.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/host.h"
#include "support/signals.h"

/* "(module)" in base64. */
#define EMPTY "AGFzbQEAAAA="

typedef struct bad_manifest {
    const char *json;
    bp_status status;
    const char *message;
} bad_manifest;

static void expect_refused(host *self, const char *json, bp_status expected, const char *message)
{
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(expected, host_try_text(self, json, NULL, &plugin, &error), &error);
    assert_contains(error.message, message, json);
    assert_null(plugin);
}

static void run_cases(const bad_manifest *cases, size_t count)
{
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < count; i++)
        expect_refused(&self, cases[i].json, cases[i].status, cases[i].message);
    host_close(&self);
}

static void the_least_manifest_loads(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(
        &self,
        "{\"wasm\": [{\"data\": \"" EMPTY "\", \"name\": \"main\"}], \"config\": {\"a\": \"b\"}}",
        NULL);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_string_equal(info.name, "main");
    assert_int_equal(info.code_bytes, 8);
    host_unload(&self, plugin);
    host_close(&self);
}

static void expect_name(host *self, const char *name, const char *expected)
{
    char text[512];
    snprintf(text, sizeof text, "{\"wasm\": [{\"data\": \"" EMPTY "\", \"name\": \"%s\"}]}", name);
    bp_plugin *plugin = host_load_text(self, text, NULL);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_string_equal(info.name, expected);
    host_unload(self, plugin);
}

static void a_name_is_cut_between_characters_and_an_empty_one_is_none(void **state)
{
    (void)state;
    char name[120], expected[100] = {0};
    host self;
    host_open(&self, NULL);
    memset(expected, 'x', 99); /* the next character would reach past 100 bytes */
    snprintf(name, sizeof name, "%s\xC3\xA9 and more", expected);
    expect_name(&self, name, expected);
    expect_name(&self, "", "plugin");
    host_close(&self);
}

static void shapes_that_are_wrong_are_placed(void **state)
{
    (void)state;
    static const bad_manifest cases[] = {
        {"{}", BP_EFORMAT, "/wasm: is missing"},
        {"{\"wasm\": {}}", BP_EFORMAT, "/wasm: must be a list"},
        {"{\"wasm\": []}", BP_EFORMAT, "/wasm: names 0"},
        {"{\"wasm\": [1]}", BP_EFORMAT, "/wasm/0: must be an object"},
        {"{\"wasm\": [{}]}", BP_EFORMAT, "/wasm/0: needs"},
        {"{\"wasm\": [{\"path\": 1}]}", BP_EFORMAT, "/wasm/0/path: must be a string"},
        {"{\"wasm\": [{\"path\": null}]}", BP_EFORMAT, "/wasm/0/path: must be a string"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"config\": [1]}", BP_EFORMAT,
         "/config: must be"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"config\": {\"a\": 1}}", BP_EFORMAT,
         "/config/a: must be a string"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"memory\": 1}", BP_EFORMAT, "/memory: must be"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"allowed_hosts\": 1}", BP_EFORMAT,
         "/allowed_hosts"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"allowed_paths\": []}", BP_EFORMAT,
         "/allowed_paths"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"timeout_ms\": \"1\"}", BP_EFORMAT,
         "/timeout_ms: must be a whole number"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"timeout_ms\": 1.5}", BP_EFORMAT,
         "/timeout_ms: must be a whole number"},
    };
    run_cases(cases, COUNT(cases));
}

static void unknown_and_repeated_keys_are_refused(void **state)
{
    (void)state;
    static const bad_manifest cases[] = {
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"timeout\": 5}", BP_EFORMAT,
         "/timeout: unknown key"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"timeout_m\": 5}", BP_EFORMAT,
         "did you mean 'timeout_ms'"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\", \"hsah\": null}]}", BP_EFORMAT,
         "did you mean 'hash'"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"memory\": {\"max_page\": 1}}", BP_EFORMAT,
         "did you mean 'max_pages'"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"wasm\": []}", BP_EFORMAT, "duplicate"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"a\\u0000b\": 1}", BP_EFORMAT, "line 1"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}]} trailing", BP_EFORMAT, "line 1"},
        {"{\"wasm\": [{\"data\": \"\xff\xff\"}]}", BP_EFORMAT, "line 1"},
    };
    run_cases(cases, COUNT(cases));
}

static void limits_that_are_none_are_refused(void **state)
{
    (void)state;
#define WITH(rest) "{\"wasm\": [{\"data\": \"" EMPTY "\"}], " rest "}"
    static const bad_manifest cases[] = {
        {WITH("\"timeout_ms\": 0"), BP_EINVAL, "/timeout_ms: 0 is not allowed"},
        {WITH("\"timeout_ms\": -1"), BP_EINVAL, "/timeout_ms: -1"},
        {WITH("\"timeout_ms\": 9223372036854775807"), BP_EINVAL, "/timeout_ms"},
        {WITH("\"timeout_ms\": 99999999999999999999"), BP_EFORMAT, ""},
        {WITH("\"memory\": {\"max_pages\": 0}"), BP_EINVAL, "/memory/max_pages: 0"},
        {WITH("\"memory\": {\"max_pages\": 65537}"), BP_EINVAL, "/memory/max_pages: 65537"},
        {WITH("\"memory\": {\"max_pages\": -5}"), BP_EINVAL, "/memory/max_pages: -5"},
        {WITH("\"memory\": {\"max_var_bytes\": -1}"), BP_EINVAL, "/memory/max_var_bytes"},
    };
    run_cases(cases, COUNT(cases));
#undef WITH
}

static void code_comes_from_one_place_and_is_checked(void **state)
{
    (void)state;
    static const bad_manifest cases[] = {
        {"{\"wasm\": [{\"url\": \"http://localhost/x.wasm\"}]}", BP_EDENIED, "network"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\"}, {\"data\": \"" EMPTY "\"}]}", BP_EUNSUPPORTED,
         "names 2 modules"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\", \"path\": \"tests/guests/echo.wat\"}]}", BP_EFORMAT,
         "is there too"},
        {"{\"wasm\": [{\"path\": \"tests/guests/echo.wat\", \"data\": \"" EMPTY "\"}]}", BP_EFORMAT,
         "is there too"},
        {"{\"wasm\": [{\"data\": \"\"}]}", BP_EFORMAT, "base64"},
        {"{\"wasm\": [{\"data\": \"AGFzb\"}]}", BP_EFORMAT, "base64"},
        {"{\"wasm\": [{\"data\": \"!!!!\"}]}", BP_EFORMAT, "base64"},
        {"{\"wasm\": [{\"data\": \"AGFzbQEAAA=A\"}]}", BP_EFORMAT, "base64"},
        {"{\"wasm\": [{\"data\": \"AGFzbQEAAAB=\"}]}", BP_EFORMAT, "base64"},
        {"{\"wasm\": [{\"data\": \"AGFzbQEAAAA=    \"}]}", BP_EFORMAT, "base64"},
        {"{\"wasm\": [{\"data\": \"    AGFzbQEAAAA=\"}]}", BP_EFORMAT, "base64"},
        {"{\"wasm\": [{\"data\": \"AGFzbQEAA===\"}]}", BP_EFORMAT, "base64"},
        {"{\"wasm\": [{\"data\": \"====\"}]}", BP_EFORMAT, ""},
        {"{\"wasm\": [{\"data\": \"    \"}]}", BP_EFORMAT, ""},
        {"{\"wasm\": [{\"data\": \"e30K\"}]}", BP_EFORMAT, ""}, /* a manifest in a manifest */
        {"{\"wasm\": [{\"data\": \"" EMPTY "\", \"hash\": \"00\"}]}", BP_EFORMAT, "SHA-256"},
        {"{\"wasm\": [{\"data\": \"" EMPTY "\", \"hash\": \""
         "0000000000000000000000000000000000000000000000000000000000000000\"}]}",
         BP_EFORMAT, "/wasm/0/hash: the code's SHA-256 is"},
        {"{\"wasm\": [{\"path\": \"tests/guests/absent.wasm\"}]}", BP_ENOTFOUND, "absent.wasm"},
        {"{\"wasm\": [{\"path\": \"tests/guests\"}]}", BP_EFORMAT, "directory"},
        {"{\"wasm\": [{\"path\": \"/dev/zero\"}]}", BP_EFORMAT, "not a regular file"},
        {"{\"wasm\": [{\"path\": \"/etc/passwd\"}]}", BP_EFORMAT, "not a plugin"},
        {"{\"wasm\": [{\"path\": \"\"}]}", BP_ENOTFOUND, ""},
    };
    run_cases(cases, COUNT(cases));
}

/* What a manifest asks for but nobody grants is said, and not silently left out. */
static void wishes_that_are_not_granted_are_logged(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load_text(&self,
                                       "{\"wasm\": [{\"data\": \"" EMPTY "\"}],"
                                       " \"allowed_hosts\": [\"*\"],"
                                       " \"allowed_paths\": {\"/\": \"/\"}}",
                                       NULL);
    assert_true(journal_find(&self.journal, BP_LOG_WARN, "allowed_hosts", NULL));
    assert_true(journal_find(&self.journal, BP_LOG_WARN, "allowed_paths", NULL));
    host_unload(&self, plugin);
    host_close(&self);
}

static void a_manifest_narrows_limits_and_never_widens_them(void **state)
{
    (void)state;
    static const char json[] = "{\"wasm\": [{\"data\": \"" EMPTY "\"}], \"timeout_ms\": 500,"
                               " \"memory\": {\"max_pages\": 32, \"max_var_bytes\": 100}}";
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits.time_ms = 100;
    options.limits.memory_bytes = BP_UNLIMITED;
    bp_plugin *plugin = host_load_text(&self, json, &options);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    assert_int_equal(info.limits.time_ms, 100);
    assert_int_equal(info.limits.memory_bytes, 32 * 65536);
    assert_int_equal(info.limits.var_bytes, 100);
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_manifest_loads),
        cmocka_unit_test(a_name_is_cut_between_characters_and_an_empty_one_is_none),
        cmocka_unit_test(shapes_that_are_wrong_are_placed),
        cmocka_unit_test(unknown_and_repeated_keys_are_refused),
        cmocka_unit_test(limits_that_are_none_are_refused),
        cmocka_unit_test(code_comes_from_one_place_and_is_checked),
        cmocka_unit_test(wishes_that_are_not_granted_are_logged),
        cmocka_unit_test(a_manifest_narrows_limits_and_never_widens_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
