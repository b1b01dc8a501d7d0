/* What components may call of the host: with arguments that make sense, and with others.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/component_host_world.h"

/* ---- the rest ---- */

static asked logging(uint32_t level, const char *message)
{
    asked made = ask(LOG);
    made.arguments[0] = level;
    give(&made, 1, bp_bytes_of(message));
    return made;
}

static asked recording(unsigned which, const char *name, double value)
{
    asked made = ask_text(which, name);
    made.real = value;
    return made;
}

static asked fetching(const char *method, const char *url)
{
    asked made = ask_text(HTTP_FETCH, method);
    give(&made, 2, bp_bytes_of(url));
    return made;
}

static void what_is_not_there_is_a_reason(void **state)
{
    world *w = *state;
    bp_plugin_options options = options_of(w);
    options.kv = NULL;
    options.http_hosts_count = 0;
    bp_plugin *poor = host_load(&w->host, "component/host.wat", &options);
    asked get = ask_text(KV_GET, "a"), set = setting(KV_SET, "a", "b");
    fails(poor, &get, 8, "no key-value store");
    fails(poor, &set, 8, "no key-value store");
    asked fetch = ask_text(HTTP_FETCH, "GET");
    give(&fetch, 2, bp_bytes_of(web_url(&w->server, "/ok")));
    fails(poor, &fetch, 4, "http is not granted to plugin 'shop'");
    host_unload(&w->host, poor);
    get = ask_text(KV_GET, "");
    fails(w->plugin, &get, 8, "key");
}

/* With a manifest that asks for no more than `capabilities`. */
static bp_plugin *load_with(world *w, const char *folder, const char *more)
{
    char text[512], path[FOLDER_PATH_MAX];
    bp_bytes code = guest_bytes("component/host.wat");
    folder_write(folder_path(folder, "code.wat", path), code.data, code.size);
    free((void *)(uintptr_t)code.data);
    int size =
        snprintf(text, sizeof text,
                 "{\"name\":\"shop\",\"version\":\"1.2.3\",\"entry\":\"code.wat\",%s}", more);
    folder_write(folder_path(folder, "manifest.json", path), text, (size_t)size);
    bp_plugin_options options = options_of(w);
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_plugin_load_file(w->host.runtime, folder, &options, &plugin, &error),
                  &error);
    return plugin;
}

/* Where the guest's type has a place for it, a refusal is an error; else it ends the call, as it
 * does for Extism's plugins. */
static void what_is_not_granted_is_refused(void **state)
{
    world *w = *state;
    char folder[FOLDER_PATH_MAX];
    folder_make(folder);
    bp_plugin *plugin = load_with(w, folder, "\"capabilities\":{}");
    static const char refusal[] = " is not granted: the manifest does not ask for it";
    asked get = ask_text(KV_GET, "a"), set = setting(KV_SET, "a", "b");
    fails(plugin, &get, 8, refusal);
    fails(plugin, &set, 8, refusal);
    asked count = ask_text(KV_COUNT, ""), list = ask_text(KV_LIST, "");
    fails(plugin, &count, 8, refusal);
    fails(plugin, &list, 4, refusal);
    asked add = recording(METRIC_ADD, "sold", 1), pool = ask_text(METRIC_POOL, "live");
    fails(plugin, &add, 4, "metrics is not granted");
    fails(plugin, &pool, 8, "metrics is not granted");
    asked fetch = fetching("GET", web_url(&w->server, "/ok"));
    fails(plugin, &fetch, 4, "http");
    asked config_get = ask_text(CONFIG_GET, "greeting"), log = logging(3, "psst");
    ends(plugin, &config_get, BP_OUTCOME_TRAPPED, "config is not granted");
    ends(plugin, &log, BP_OUTCOME_TRAPPED, "log is not granted");
    asked enabled = ask(LOG_ENABLED); /* so that who asks first goes on */
    enabled.arguments[0] = 4;
    bp_call_result result = run(plugin, &enabled);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    assert_int_equal(word_at(&result, 0), 0);
    bp_call_result_done(&result);
    host_unload(&w->host, plugin);
    plugin = load_with(w, folder, "\"capabilities\":{\"kv:write\":{},\"kv:read\":{}}");
    fails(plugin, &set, 8, "does not mark this export as writeable");
    has_value(plugin, &get, NULL, 0);
    host_unload(&w->host, plugin);
    folder_remove(folder);
}

static void configuration_is_read(void **state)
{
    world *w = *state;
    static const struct {
        const char *key;
        size_t size;
        const char *value;
    } cases[] = {{"greeting", 8, "hello"},
                 {"empty", 5, ""},
                 {"none", 4, NULL},
                 {"", 0, NULL},
                 {"greeting\0", 9, NULL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        asked get = ask(CONFIG_GET);
        give(&get, 0, (bp_bytes){cases[i].key, cases[i].size});
        bp_call_result result = run(w->plugin, &get);
        assert_outcome(BP_OUTCOME_FINISHED, &result);
        assert_int_equal(byte_at(&result, 0), cases[i].value != NULL);
        if (cases[i].value)
            is_text(bytes_at(&result, 4), cases[i].value);
        bp_call_result_done(&result);
    }
}

static void records_are_written(void **state)
{
    world *w = *state;
    asked log = logging(3, "from a component"), enabled = ask(LOG_ENABLED);
    bp_call_result result = run(w->plugin, &log);
    assert_outcome(BP_OUTCOME_FINISHED, &result);
    bp_call_result_done(&result);
    assert_true(
        journal_find(&w->host.journal, BP_LOG_WARN, "from a component", &(journal_record){0}));
    enabled.arguments[0] = 4;
    result = run(w->plugin, &enabled);
    assert_int_equal(word_at(&result, 0), 1);
    bp_call_result_done(&result);
    log = logging(5, "no such level");
    ends(w->plugin, &log, BP_OUTCOME_TRAPPED, "");
    for (int level = BP_LOG_TRACE; level < BP_LOG_OFF; level++)
        assert_false(journal_find(&w->host.journal, (bp_log_level)level, "no such level",
                                  &(journal_record){0}));
}

static void the_log_has_a_limit(void **state)
{
    world *w = *state;
    bp_plugin_options options = options_of(w);
    options.limits.log_bytes = 4;
    bp_plugin *plugin = host_load(&w->host, "component/host.wat", &options);
    asked log = logging(3, "12345");
    ends(plugin, &log, BP_OUTCOME_LIMIT_EXCEEDED, "5 bytes for the log");
    host_unload(&w->host, plugin);
}

static void host_calls_are_counted(void **state)
{
    world *w = *state;
    asked get = ask_text(KV_GET, "a");
    bp_call_result result = run(w->plugin, &get);
    assert_int_equal(result.host_calls, 1);
    bp_call_result_done(&result);
}

/* A label as it lies in the guest's list. */
static void label(asked *to, uint32_t list[4], const char *name, const char *value)
{
    list[0] = put(to, name, strlen(name));
    list[1] = (uint32_t)strlen(name);
    list[2] = put(to, value, strlen(value));
    list[3] = (uint32_t)strlen(value);
}

static bool append(void *data, bp_bytes text)
{
    return bp__buffer_append(data, text.data, text.size);
}

static void metrics_are_counted(void **state)
{
    world *w = *state;
    asked add = recording(METRIC_ADD, "sold", 3);
    uint32_t labels[2][4];
    label(&add, labels[0], "kind", "tea");
    label(&add, labels[1], "size", "l");
    add.arguments[2] = put(&add, labels, sizeof labels);
    add.arguments[3] = 2;
    for (int i = 0; i < 2; i++) {
        bp_call_result result = goes_well(w->plugin, &add);
        bp_call_result_done(&result);
    }
    asked set = recording(METRIC_SET, "level", 0.5);
    bp_call_result result = goes_well(w->plugin, &set);
    bp_call_result_done(&result);
    bp__buffer text = {0};
    assert_int_equal(bp_metrics_write(w->host.runtime, &w->plugin, 1, append, &text), BP_OK);
    const char *written = bp__buffer_text(&text);
    assert_contains(written, "_sold{plugin=\"shop\",kind=\"tea\",size=\"l\"} 6", "metrics");
    assert_contains(written, "_level{plugin=\"shop\"} 0.5", "metrics");
    bp__buffer_done(&text);
    set = recording(METRIC_SET, "sold", 1);
    fails(w->plugin, &set, 4, "sold");
    set = recording(METRIC_OBSERVE, "no name", 1);
    fails(w->plugin, &set, 4, "no name");
    add.arguments[3] = 9;
    add.arguments[2] = DATA_AT;
    asked many = recording(METRIC_ADD, "many", 1);
    uint32_t same[9][4];
    for (unsigned i = 0; i < COUNT(same); i++)
        label(&many, same[i], "n", "v");
    many.arguments[2] = put(&many, same, sizeof same);
    many.arguments[3] = COUNT(same);
    fails(w->plugin, &many, 4, "at most 8 labels");
}

static void a_pool_tells_its_figures(void **state)
{
    world *w = *state;
    asked pool = ask_text(METRIC_POOL, "live");
    bp_call_result result = goes_well(w->plugin, &pool);
    uint64_t bits = long_at(&result, 8);
    double live;
    memcpy(&live, &bits, sizeof live);
    assert_true(live >= 1);
    bp_call_result_done(&result);
    pool = ask_text(METRIC_POOL, "secrets");
    fails(w->plugin, &pool, 8, "no such figure");
}

static void time_left_is_told(void **state)
{
    world *w = *state;
    asked remaining = ask(REMAINING_MS);
    bp_call_result result = run(w->plugin, &remaining);
    uint64_t left = long_at(&result, 0);
    assert_true(left > 0 && left <= PATIENCE_MS);
    bp_call_result_done(&result);
}

/* ---- HTTP ---- */

static void with_header(asked *to, bp_bytes name, bp_bytes value)
{
    uint32_t list[4] = {put(to, name.data, name.size), (uint32_t)name.size,
                        put(to, value.data, value.size), (uint32_t)value.size};
    to->arguments[4] = put(to, list, sizeof list);
    to->arguments[5] = 1;
}

static void pages_are_fetched(void **state)
{
    world *w = *state;
    asked fetch = fetching("GET", web_url(&w->server, "/ok"));
    bp_call_result result = goes_well(w->plugin, &fetch);
    assert_int_equal(number_at(&result, 4, 2), 200);
    is_text(bytes_at(&result, 16), "hello");
    assert_true(word_at(&result, 12) > 0);
    size_t headers = word_at(&result, 8) - RESULT_AT;
    bp_bytes name = bytes_at(&result, headers);
    assert_true(name.size > 0);
    bp_call_result_done(&result);
    fetch = fetching("GET", web_url(&w->server, "/status/404"));
    result = goes_well(w->plugin, &fetch);
    assert_int_equal(number_at(&result, 4, 2), 404);
    bp_call_result_done(&result);
}

static void bodies_and_headers_are_sent(void **state)
{
    world *w = *state;
    asked fetch = fetching("POST", web_url(&w->server, "/echo"));
    with_header(&fetch, bp_bytes_of("X-Kind"), bp_bytes_of("tea"));
    fetch.arguments[6] = 1;
    give(&fetch, 7, bp_bytes_of("a body"));
    bp_call_result result = goes_well(w->plugin, &fetch);
    bp_bytes echo = bytes_at(&result, 16);
    assert_non_null(memmem(echo.data, echo.size, "POST /echo", 10));
    assert_non_null(memmem(echo.data, echo.size, "X-Kind: tea\r\n", 13));
    assert_non_null(memmem(echo.data, echo.size, "\r\n\r\na body", 10));
    bp_call_result_done(&result);
}

static void a_fetch_ends_with_the_call(void **state)
{
    world *w = *state;
    bp_plugin_options options = options_of(w);
    options.limits.time_ms = 200;
    bp_plugin *plugin = host_load(&w->host, "component/host.wat", &options);
    asked fetch = fetching("GET", web_url(&w->server, "/stall"));
    ends(plugin, &fetch, BP_OUTCOME_TIMED_OUT, "http.fetch");
    host_unload(&w->host, plugin);
}

/* Nothing of it reaches the server. */
static void requests_that_are_none_are_refused(void **state)
{
    world *w = *state;
    static const struct {
        const char *name;
        size_t name_size;
        const char *value;
        size_t value_size;
        const char *reason;
    } headers[] = {
        {"X-A", 3, "b\r\nX-Evil: 1", 12, "control character"},
        {"X-A", 3, "b\nc", 3, "control character"},
        {"X-A\r\nX-Evil: 1", 14, "b", 1, "the header name"},
        {"X\0A", 3, "b", 1, "a NUL in a header"},
        {"X-A", 3, "b\0c", 3, "a NUL in a header"},
        {"", 0, "b", 1, "the header name"},
        {"Host", 4, "evil.example", 12, "says how a message travels"},
        {"Transfer-Encoding", 17, "chunked", 7, "says how a message travels"},
    };
    unsigned before = w->server.requests;
    for (size_t i = 0; i < COUNT(headers); i++) {
        asked fetch = fetching("GET", web_url(&w->server, "/ok"));
        with_header(&fetch, (bp_bytes){headers[i].name, headers[i].name_size},
                    (bp_bytes){headers[i].value, headers[i].value_size});
        fails(w->plugin, &fetch, 4, headers[i].reason);
    }
    asked fetch = fetching("GET /x HTTP/1.1\r\nX-Evil: 1\r\n", web_url(&w->server, "/ok"));
    fails(w->plugin, &fetch, 4, "the method");
    fetch = ask(HTTP_FETCH);
    give(&fetch, 0, (bp_bytes){"GET\0x", 5});
    give(&fetch, 2, bp_bytes_of(web_url(&w->server, "/ok")));
    fails(w->plugin, &fetch, 4, "a NUL in its method");
    const char *url = web_url(&w->server, "/ok");
    fetch = ask_text(HTTP_FETCH, "GET");
    give(&fetch, 2, (bp_bytes){url, strlen(url) + 1});
    fails(w->plugin, &fetch, 4, "a NUL in its URL");
    fetch = fetching("GET", "http://127.0.0.1:1/elsewhere");
    fails(w->plugin, &fetch, 4, "not among the hosts that the plugin may reach");
    assert_int_equal(w->server.requests, before);
    assert_true(journal_find(&w->host.journal, BP_LOG_WARN, "refused:", &(journal_record){0}));
}

/* Thousands of headers that all are the same long text. */
static void headers_that_repeat_one_text_are_too_many(void **state)
{
    world *w = *state;
    asked fetch = fetching("GET", web_url(&w->server, "/ok"));
    char value[1024];
    memset(value, 'v', sizeof value);
    uint32_t one[4] = {put(&fetch, "n", 1), 1, put(&fetch, value, sizeof value), sizeof value};
    uint32_t list[100][4];
    for (unsigned i = 0; i < COUNT(list); i++)
        memcpy(list[i], one, sizeof one);
    fetch.arguments[4] = put(&fetch, list, sizeof list);
    fetch.arguments[5] = COUNT(list);
    fails(w->plugin, &fetch, 4, "request headers");
    /* More of them than there is memory: they are zeros behind the list, or outside. */
    fetch.arguments[5] = 0x0FFFFFFF;
    ends(w->plugin, &fetch, BP_OUTCOME_TRAPPED, "out of bounds");
}

/* ---- what is no argument ---- */

static void pointers_are_checked(void **state)
{
    world *w = *state;
    static const struct {
        unsigned which;
        uint32_t at, size;
    } cases[] = {
        {KV_GET, 0xFFFFFFFF, 1},   {KV_GET, 65530, 100},        {KV_GET, 0, 0xFFFFFFFF},
        {KV_GET, 0xFFFFFFF0, 64},  {KV_DELETE, 65536, 1},       {KV_COUNT, 0x80000000, 2},
        {KV_GET_UTF16, 4097, 2},   {KV_GET_UTF16, 0, 1u << 31}, {CONFIG_GET, 1u << 31, 1u << 31},
        {HTTP_FETCH, 1u << 31, 3}, {METRIC_ADD, 0xFFFFFFFF, 2}, {METRIC_POOL, 70000, 5},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        asked what = ask(cases[i].which);
        what.arguments[0] = cases[i].at;
        what.arguments[1] = cases[i].size;
        ends(w->plugin, &what, BP_OUTCOME_TRAPPED, "");
    }
    asked set = ask_text(KV_SET, "k");
    set.arguments[2] = 65000;
    set.arguments[3] = 10000;
    ends(w->plugin, &set, BP_OUTCOME_TRAPPED, "out of bounds");
}

static void text_is_utf8(void **state)
{
    world *w = *state;
    static const unsigned functions[] = {KV_GET,     KV_SET,     KV_DELETE,  KV_EXISTS,
                                         KV_LIST,    KV_COUNT,   CONFIG_GET, HTTP_FETCH,
                                         METRIC_ADD, METRIC_SET, METRIC_POOL};
    for (size_t i = 0; i < COUNT(functions); i++) {
        asked what = ask_text(functions[i], "\xC3(");
        ends(w->plugin, &what, BP_OUTCOME_TRAPPED, "utf-8");
    }
    asked log = logging(3, "\xFF");
    ends(w->plugin, &log, BP_OUTCOME_TRAPPED, "utf-8");
    asked set = setting(KV_SET, "k", "\xFF"); /* a value may be any bytes */
    has_version(w->plugin, &set, 1);
}

static uint32_t dice(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static uint32_t any_number(uint64_t *seed)
{
    static const uint32_t edges[] = {0,        1,          2,          3,          8,
                                     100,      4096,       4176,       4177,       5000,
                                     65535,    65536,      65537,      131072,     1u << 20,
                                     1u << 24, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF};
    uint32_t which = dice(seed);
    return which % 4 ? edges[(which >> 8) % COUNT(edges)] : dice(seed);
}

/* Any function with any arguments: the call goes well or ends, and nothing else happens. */
static void any_arguments_are_survived(void **state)
{
    world *w = *state;
    uint64_t seed = 20260;
    unsigned finished = 0, others = 0;
    for (unsigned i = 0; i < 3000; i++) {
        asked what = ask(dice(&seed) % (KV_GET_UTF16 + 1));
        for (size_t j = 0; j < COUNT(what.arguments); j++)
            what.arguments[j] = any_number(&seed);
        what.number = dice(&seed);
        what.used = 256;
        for (size_t j = 0; j < what.used; j++)
            what.data[j] =
                dice(&seed) % 8 ? (uint8_t)(dice(&seed) % 96 + 32) : (uint8_t)dice(&seed);
        bp_call_result result = run(w->plugin, &what);
        assert_true(result.outcome != BP_OUTCOME_TIMED_OUT);
        *(result.outcome == BP_OUTCOME_FINISHED ? &finished : &others) += 1;
        bp_call_result_done(&result);
    }
    assert_true(finished > 100 && others > 100);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_there_is_a_reason),
        TEST(what_is_not_granted_is_refused),
        TEST(configuration_is_read),
        TEST(records_are_written),
        TEST(the_log_has_a_limit),
        TEST(host_calls_are_counted),
        TEST(metrics_are_counted),
        TEST(a_pool_tells_its_figures),
        TEST(time_left_is_told),
        TEST(pages_are_fetched),
        TEST(bodies_and_headers_are_sent),
        TEST(a_fetch_ends_with_the_call),
        TEST(requests_that_are_none_are_refused),
        TEST(headers_that_repeat_one_text_are_too_many),
        TEST(pointers_are_checked),
        TEST(text_is_utf8),
        TEST(any_arguments_are_survived),
    };
    return cmocka_run_group_tests_name("component_host", tests, NULL, NULL);
}
