/* A plugin that calls whatever of the host it is told to, and what it is given: for the tests of
 * components' host functions. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_COMPONENT_HOST_WORLD_H
#define BULLPEN_TESTS_COMPONENT_HOST_WORLD_H

#include <bullpen/bullpen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "support/folder.h"
#include "support/signals.h"
#include "support/web.h"
#include "unit/component_world.h"

/* Functions of tests/guests/component/host.wat. */
enum {
    KV_GET,
    KV_SET,
    KV_SET_IF_ABSENT,
    KV_SET_IF_VERSION,
    KV_DELETE,
    KV_EXISTS,
    KV_LIST,
    KV_COUNT,
    LOG,
    LOG_ENABLED,
    CONFIG_GET,
    HTTP_FETCH,
    METRIC_ADD,
    METRIC_SET,
    METRIC_OBSERVE,
    METRIC_POOL,
    REMAINING_MS,
    KV_GET_UTF16,
};

typedef struct world {
    host host;
    bp_kv *kv;
    bp_plugin *plugin;
    web server;
    char entry[64];
    const char *hosts[1];
} world;

static const bp_config_entry config[] = {{"greeting", "hello"}, {"empty", ""}};

static inline bp_plugin_options options_of(world *w)
{
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.name = "shop";
    options.kv = w->kv;
    options.config = config;
    options.config_count = COUNT(config);
    options.http_hosts = w->hosts;
    options.http_hosts_count = 1;
    options.http_response_headers = true;
    options.limits.time_ms = PATIENCE_MS;
    options.limits.init_time_ms = PATIENCE_MS;
    return options;
}

static inline int set_up(void **state)
{
    world *w = *state = calloc(1, sizeof *w);
    host_open(&w->host, NULL);
    web_start(&w->server);
    snprintf(w->entry, sizeof w->entry, "127.0.0.1:%u", w->server.port);
    w->hosts[0] = w->entry;
    assert_int_equal(bp_kv_open(NULL, &w->kv, NULL), BP_OK);
    bp_plugin_options options = options_of(w);
    w->plugin = host_load(&w->host, "component/host.wat", &options);
    return 0;
}

static inline int tear_down(void **state)
{
    world *w = *state;
    host_unload(&w->host, w->plugin);
    bp_kv_unref(w->kv);
    web_stop(&w->server);
    host_close(&w->host);
    free(w);
    return 0;
}

/* It finished, and the result that begins the answer is ok; its payload is at `at`. */
static inline bp_call_result goes_well(bp_plugin *plugin, const asked *what)
{
    bp_call_result result = run(plugin, what);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    if (byte_at(&result, 0)) {
        bp_bytes text = bytes_at(&result, word_at(&result, 4) ? 4 : 8);
        fail_msg("an error: %.*s", (int)text.size, (const char *)text.data);
    }
    return result;
}

/* The function answered with an error; its text lies at `at`. */
static inline void fails(bp_plugin *plugin, const asked *what, size_t at, const char *reason)
{
    bp_call_result result = run(plugin, what);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_int_equal(byte_at(&result, 0), 1);
    bp_bytes text = bytes_at(&result, at);
    if (!memmem(text.data, text.size, reason, strlen(reason)))
        fail_msg("'%.*s' does not say '%s'", (int)text.size, (const char *)text.data, reason);
    bp_call_result_done(&result);
}

/* The call ended there. */
static inline void ends(bp_plugin *plugin, const asked *what, bp_outcome outcome,
                        const char *message)
{
    bp_call_result result = run(plugin, what);
    assert_outcome(outcome, &result);
    assert_contains(result.message, message, "message");
    bp_call_result_done(&result);
}

/* ---- keys and values ---- */

static inline asked setting(unsigned which, const char *key, const char *value)
{
    asked made = ask_text(which, key);
    give(&made, 2, bp_bytes_of(value));
    return made;
}

static inline void has_version(bp_plugin *plugin, const asked *what, uint64_t version)
{
    bp_call_result result = goes_well(plugin, what);
    bool optional = what->which != KV_SET;
    if (optional)
        assert_int_equal(byte_at(&result, 8), version != 0);
    if (version)
        assert_int_equal(long_at(&result, optional ? 16 : 8), version);
    bp_call_result_done(&result);
}

static inline void has_value(bp_plugin *plugin, const asked *what, const char *value,
                             uint64_t version)
{
    bp_call_result result = goes_well(plugin, what);
    assert_int_equal(byte_at(&result, 8), value != NULL);
    if (value) {
        is_text(bytes_at(&result, 16), value);
        assert_int_equal(long_at(&result, 24), version);
    }
    bp_call_result_done(&result);
}

static inline void is_there(bp_plugin *plugin, unsigned which, const char *key, bool there)
{
    asked what = ask_text(which, key);
    bp_call_result result = goes_well(plugin, &what);
    assert_int_equal(byte_at(&result, 4), there);
    bp_call_result_done(&result);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
