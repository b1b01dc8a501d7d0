/* Guests with HTTP, and the servers that they meet. SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attack.h"
#include "support/signals.h"
#include "support/thread.h"
#include "support/web.h"

typedef struct world {
    host host;
    web server;
    char entry[64];
    const char *hosts[1];
} world;

static bp_plugin_options options_of(world *self)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    snprintf(self->entry, sizeof self->entry, "127.0.0.1:%u", self->server.port);
    self->hosts[0] = self->entry;
    options.http_hosts = self->hosts;
    options.http_hosts_count = 1;
    options.limits.time_ms = PATIENCE_MS;
    return options;
}

static void world_open(world *self)
{
    host_open(&self->host, NULL);
    web_start(&self->server);
}

static void world_close(world *self)
{
    web_stop(&self->server);
    host_close(&self->host);
}

/* {"url": "http://127.0.0.1:PORT/path"…}; in one of a few static buffers. */
static bp_bytes request(const world *self, const char *path, const char *more)
{
    static char texts[4][1024];
    static unsigned next;
    char *text = texts[next++ % COUNT(texts)];
    snprintf(text, sizeof texts[0], "{\"url\":\"%s\"%s}", web_url(&self->server, path), more);
    return bp_bytes_of(text);
}

static void answers_arrive(void **unused)
{
    (void)unused;
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    options.http_response_headers = true;
    bp_plugin *plugin = host_load(&self.host, "http.wat", &options);
    bp_call_result result = call_ran(plugin, "get", request(&self, "/ok", ""));
    assert_output("hello", &result);
    bp_call_result_done(&result);
    result = call_ran(plugin, "status", request(&self, "/status/404", ",\"method\":null"));
    assert_int_equal(result.exit_code, 404);
    bp_call_result_done(&result);
    result = call_ran(plugin, "headers", request(&self, "/headers", ""));
    assert_output("{\"b\":\"two\",\"a\":\"1, 2\",\"empty\":\"\",\"x\":\"\xef\xbf\xbd\xc3\xa9\","
                  "\"content-length\":\"2\"}",
                  &result);
    bp_call_result_done(&result);
    result = call_ran(plugin, "consumed", request(&self, "/ok", ""));
    assert_int_equal(result.exit_code, 0);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    bp_bytes post = request(&self, "/echo", ",\"method\":\"POST\",\"header\":{\"X-A\":\"b\"}");
    result = call_ran(plugin, "post", post);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    char *text = strndup(result.output.data, result.output.size);
    assert_contains(text, "POST /echo HTTP/1.1", "request");
    assert_contains(text, "X-A: b", "request");
    assert_contains(text, post.data, "its body");
    free(text);
    bp_call_result_done(&result);
    host_unload(&self.host, plugin);
    world_close(&self);
}

static void headers_are_kept_from_plugins_by_default(void **unused)
{
    (void)unused;
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    bp_plugin *plugin = host_load(&self.host, "http.wat", &options);
    bp_call_result result = call_ran(plugin, "headers", request(&self, "/ok", ""));
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_int_equal(result.output.size, 0);
    bp_call_result_done(&result);
    host_unload(&self.host, plugin);
    world_close(&self);
}

/* Under `reuse` as well: what a call left behind is not the next one's. */
static void nothing_is_left_of_the_last_calls_answer(void **unused)
{
    (void)unused;
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    options.http_response_headers = true;
    options.reset = BP_RESET_REUSE;
    options.max_live = 1;
    bp_plugin *plugin = host_load(&self.host, "http.wat", &options);
    for (int i = 0; i < 2; i++) { /* both trap when there is a status or a header before */
        bp_call_result result = call_ran(plugin, "status", request(&self, "/status/201", ""));
        assert_int_equal(result.exit_code, 201);
        bp_call_result_done(&result);
        result = call_ran(plugin, "headers", request(&self, "/ok", ""));
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        bp_call_result_done(&result);
    }
    host_unload(&self.host, plugin);
    world_close(&self);
}

typedef struct refusal {
    const char *export_name, *input, *message;
} refusal;

static void refusals_end_the_call_with_a_reason(void **unused)
{
    (void)unused;
    static const refusal refusals[] = {
        {"get", "{\"url\":\"http://127.0.0.1/\"}",
         "http_request: host '127.0.0.1' (http, port 80)"},
        {"get", "{\"url\":\"https://example.com/\"}", "is not among the hosts"},
        {"get", "{\"url\":\"http://169.254.169.254/latest/meta-data\"}", "is not among the hosts"},
        {"get", "{\"url\":\"file:///etc/passwd\"}", "does not begin with http"},
        {"get", "{\"url\":\"http://a@127.0.0.1/\"}", "Authorization"},
        {"get", "not json", "is no JSON: line 1"},
        {"get", "[]", "is no JSON object"},
        {"get", "[[[[[", "is nested too deeply"},
        {"get", "{\"\\\"[[[[[[\":{}}", "unknown field"},
        {"get", "{}", "has no url"},
        {"get", "{\"url\":5}", "has no url"},
        {"get", "{\"url\":\"http://a/\",\"url\":\"http://b/\"}", "is no JSON"},
        {"get", "{\"url\":\"http://a/\",\"body\":\"x\"}", "unknown field 'body'"},
        {"get", "{\"url\":\"http://a/\",\"method\":5}", "a method that is no string"},
        {"get", "{\"url\":\"http://a/\",\"method\":\"GET\\r\\nX: y\"}", "the method"},
        {"get", "{\"url\":\"http://a/\",\"headers\":[]}", "no object of strings"},
        {"get", "{\"url\":\"http://a/\",\"headers\":{\"a\":1}}", "a header that is no string"},
        {"get", "{\"url\":\"http://a/\",\"headers\":{\"a\":\"b\\nc\"}}", "control character"},
        {"get", "{\"url\":\"http://a/\",\"headers\":{\"Host\":\"b\"}}", "how a message travels"},
        {"get", "{\"url\":\"http://a/\",\"headers\":{},\"header\":{}}", "both"},
        {"get", "{\"url\":\"http://a/\\u0000b\"}", "is no JSON"},
        {"handles", "", "the request is missing"},
        {"bad_body", "{\"url\":\"http://a/\"}", "a body that is no block"},
    };
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    bp_plugin *plugin = host_load(&self.host, "http.wat", &options);
    for (size_t i = 0; i < COUNT(refusals); i++) {
        bp_call_result result =
            call_ran(plugin, refusals[i].export_name, bp_bytes_of(refusals[i].input));
        assert_outcome(BP_OUTCOME_TRAPPED, &result);
        assert_contains(result.message, refusals[i].message, refusals[i].input);
        assert_contains(result.message, "http_request: ", refusals[i].input);
        bp_call_result_done(&result);
        host_neighbour_answers(&self.host);
    }
    assert_int_equal(self.server.requests, 0);
    host_unload(&self.host, plugin);
    world_close(&self);
}

static void slow_servers_end_with_the_calls_deadline(void **unused)
{
    (void)unused;
    static const char *const paths[] = {"/stall", "/drip-body", "/drip-head"};
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    bp_plugin *plugin = host_load(&self.host, "http.wat", &options);
    for (size_t i = 0; i < COUNT(paths); i++) {
        bp_call call = BP_CALL_INIT;
        call.timeout_ms = 200;
        call.export_name = "get";
        call.input = request(&self, paths[i], "");
        bp_call_result result = call_ran_with(plugin, &call);
        assert_outcome(BP_OUTCOME_TIMED_OUT, &result);
        assert_contains(result.message, "http_request: the deadline passed", "message");
        bp_call_result_done(&result);
        host_neighbour_answers(&self.host);
    }
    host_unload(&self.host, plugin);
    world_close(&self);
}

static void floods_end_at_their_limit(void **unused)
{
    (void)unused;
    static const struct {
        const char *path, *limit;
    } rows[] = {
        {"/endless-body", "http_response_bytes"},
        {"/endless-head", "http_header_bytes"},
        {"/many-headers", "http_header_bytes"},
        {"/to/302/?", "http_redirects"},
    };
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    options.http_response_bytes = 100000;
    bp_plugin *plugin = host_load(&self.host, "http.wat", &options);
    for (size_t i = 0; i < COUNT(rows); i++) {
        bp_call_result result = call_ran(plugin, "get", request(&self, rows[i].path, ""));
        assert_outcome(BP_OUTCOME_LIMIT_EXCEEDED, &result);
        assert_string_equal(result.limit, rows[i].limit);
        assert_contains(result.message, "http_request: ", "message");
        bp_call_result_done(&result);
    }
    host_unload(&self.host, plugin);
    world_close(&self);
}

static void an_answer_that_does_not_fit_is_out_of_memory(void **unused)
{
    (void)unused;
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    options.limits.memory_bytes = 128 * 1024; /* one page is the guest's own */
    options.limits.input_bytes = 1 << 20;
    bp_plugin *plugin = host_load(&self.host, "http.wat", &options);
    bp_call_result result = call_ran(plugin, "get", request(&self, "/large", ""));
    assert_outcome(BP_OUTCOME_OUT_OF_MEMORY, &result);
    assert_string_equal(result.limit, "memory_bytes");
    bp_call_result_done(&result);
    host_unload(&self.host, plugin);
    world_close(&self);
}

typedef struct caller {
    bp_plugin *plugin;
    bp_call call;
    uint32_t outcome;
} caller;

static void *call_it(void *data)
{
    caller *self = data;
    bp_call_result result = BP_CALL_RESULT_INIT;
    self->outcome = UINT32_MAX;
    if (bp_plugin_call(self->plugin, &self->call, &result, NULL) == BP_OK)
        self->outcome = result.outcome;
    bp_call_result_done(&result);
    return NULL;
}

static void a_cancel_ends_a_call_in_a_fetch(void **unused)
{
    (void)unused;
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    bp_plugin *plugin = host_load(&self.host, "http.wat", &options);
    caller stuck = {.plugin = plugin, .call = BP_CALL_INIT};
    assert_int_equal(bp_cancel_new(&stuck.call.cancel, NULL), BP_OK);
    stuck.call.export_name = "get";
    stuck.call.input = request(&self, "/stall", "");
    pthread_t thread = thread_start(8 << 20, call_it, &stuck);
    while (self.server.requests == 0)
        sched_yield();
    bp_cancel_trigger(stuck.call.cancel);
    thread_join(thread);
    assert_int_equal(stuck.outcome, BP_OUTCOME_CANCELLED);
    bp_cancel_free(stuck.call.cancel);
    host_unload(&self.host, plugin);
    world_close(&self);
}

static void plugins_share_no_connections(void **unused)
{
    (void)unused;
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    bp_plugin *plugins[3];
    for (size_t i = 0; i < COUNT(plugins); i++)
        plugins[i] = host_load(&self.host, "http.wat", &options);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < COUNT(plugins); i++) {
            bp_call_result result = call_ran(plugins[i], "get", request(&self, "/ok", ""));
            assert_output("hello", &result);
            bp_call_result_done(&result);
        }
    assert_int_equal(web_connections(&self.server), COUNT(plugins));
    for (size_t i = 0; i < COUNT(plugins); i++)
        host_unload(&self.host, plugins[i]);
    world_close(&self);
}

static void *call_many(void *data)
{
    caller *self = data;
    uint32_t bad = 0;
    for (int i = 0; i < 25; i++) {
        call_it(self);
        bad |= self->outcome;
    }
    self->outcome = bad;
    return NULL;
}

static void threads_fetch_at_once(void **unused)
{
    (void)unused;
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    options.max_live = 4;
    bp_plugin *plugin = host_load(&self.host, "http.wat", &options);
    caller callers[6];
    bp_bytes input = request(&self, "/ok", "");
    pthread_t threads[6];
    for (size_t i = 0; i < COUNT(threads); i++) {
        callers[i] = (caller){.plugin = plugin, .call = BP_CALL_INIT};
        callers[i].call.export_name = "get";
        callers[i].call.input = input;
        threads[i] = thread_start(8 << 20, call_many, &callers[i]);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        thread_join(threads[i]);
        assert_int_equal(callers[i].outcome, BP_OUTCOME_FINISHED);
    }
    host_unload(&self.host, plugin);
    world_close(&self);
}

/* ---- what is granted ---- */

static const char module_text[] =
    "AGFzbQEAAAABBAFgAAADAgEABwUBAWYAAAoEAQIACw=="; /* one export of type func() */

static void load_manifest(world *self, const char *more, const bp_plugin_options *options,
                          bp_status expected, const char *message)
{
    char text[512];
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    snprintf(text, sizeof text, "{\"wasm\":[{\"data\":\"%s\"}]%s}", module_text, more);
    bp_status status =
        bp_plugin_load_bytes(self->host.runtime, bp_bytes_of(text), options, &plugin, &error);
    assert_status(expected, status, &error);
    if (message)
        assert_contains(error.message, message, more);
    if (plugin)
        host_unload(&self->host, plugin);
}

static void bad_lists_are_refused_at_load(void **unused)
{
    (void)unused;
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    load_manifest(&self, "", &options, BP_OK, NULL);
    load_manifest(&self, ",\"allowed_hosts\":[\"a.example\",\"*.b.example\",\"*\"]", &options,
                  BP_OK, NULL);
    load_manifest(&self, ",\"allowed_hosts\":[\"a\",\"api.*.com\"]", &options, BP_EINVAL,
                  "manifest: /allowed_hosts/1: allowed host 'api.*.com'");
    load_manifest(&self, ",\"allowed_hosts\":[\"[ab].com\"]", &options, BP_EINVAL, "'[ab].com'");
    load_manifest(&self, ",\"allowed_hosts\":[5]", &options, BP_EFORMAT, "/allowed_hosts/0");
    load_manifest(&self, ",\"allowed_hosts\":\"*\"", &options, BP_EFORMAT, "/allowed_hosts");
    load_manifest(&self, ",\"memory\":{\"max_http_response_bytes\":-1}", &options, BP_EINVAL,
                  "max_http_response_bytes");
    self.hosts[0] = "exa mple";
    load_manifest(&self, "", &options, BP_EINVAL,
                  "plugin option http_hosts: allowed host 'exa mple'");
    self.hosts[0] = NULL;
    load_manifest(&self, "", &options, BP_EINVAL, "plugin option http_hosts");
    options.http_hosts = NULL;
    load_manifest(&self, "", &options, BP_EINVAL, "plugin option http_hosts");
    self.hosts[0] = "a.example";
    options.http_hosts = self.hosts;
    options.http_ca_file = "/nowhere/ca.pem";
    load_manifest(&self, ",\"allowed_hosts\":[\"*\"]", &options, BP_EINVAL, "/nowhere/ca.pem");
    world_close(&self);
}

/* The manifest gets what both allow. By somebody else's plugin. */
static void a_manifest_narrows_the_grant(void **unused)
{
    (void)unused;
    static const struct {
        const char *more, *message; /* NULL: it works */
    } rows[] = {
        {",\"allowed_hosts\":[\"127.0.0.1\"]", NULL},
        {",\"allowed_hosts\":[\"*\"]", NULL},
        {",\"allowed_hosts\":[\"example.com\"]", "not in allowed_hosts"},
        {",\"allowed_hosts\":[\"127.0.0.1:1\"]", "not in allowed_hosts"},
        {",\"allowed_hosts\":[]", "http is not granted"},
        {"", "http is not granted"},
        {",\"allowed_hosts\":[\"*\"],\"memory\":{\"max_http_response_bytes\":4}",
         "http_response_bytes (4)"},
        {",\"allowed_hosts\":[\"*\"],\"memory\":{\"max_http_response_bytes\":5}", NULL},
    };
    world self;
    world_open(&self);
    bp_plugin_options options = options_of(&self);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[GUEST_PATH_MAX], text[2 * GUEST_PATH_MAX];
        snprintf(text, sizeof text, "{\"wasm\":[{\"path\":\"%s\"}]%s}",
                 guest_path("extism-pdk/http.wasm", path), rows[i].more);
        bp_plugin *plugin = NULL;
        bp_error error = BP_ERROR_INIT;
        assert_status(
            BP_OK,
            bp_plugin_load_bytes(self.host.runtime, bp_bytes_of(text), &options, &plugin, &error),
            &error);
        bp_call_result result = call_ran(plugin, "http_get", request(&self, "/ok", ""));
        if (rows[i].message)
            assert_contains(result.message, rows[i].message, rows[i].more);
        else
            assert_output("hello", &result);
        bp_call_result_done(&result);
        host_unload(&self.host, plugin);
    }
    world_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_arrive),
        cmocka_unit_test(headers_are_kept_from_plugins_by_default),
        cmocka_unit_test(nothing_is_left_of_the_last_calls_answer),
        cmocka_unit_test(refusals_end_the_call_with_a_reason),
        cmocka_unit_test(slow_servers_end_with_the_calls_deadline),
        cmocka_unit_test(floods_end_at_their_limit),
        cmocka_unit_test(an_answer_that_does_not_fit_is_out_of_memory),
        cmocka_unit_test(a_cancel_ends_a_call_in_a_fetch),
        cmocka_unit_test(plugins_share_no_connections),
        cmocka_unit_test(threads_fetch_at_once),
        cmocka_unit_test(bad_lists_are_refused_at_load),
        cmocka_unit_test(a_manifest_narrows_the_grant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
