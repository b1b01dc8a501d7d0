/* Where fetches go: names, addresses, grants; and many fetches at once. SPDX-License-Identifier:
 * Apache-2.0 */
#include "fetch_world.h"

#include <signal.h>

/* ---- names ---- */

typedef struct names {
    const char *answers[4][3]; /* of the first look-up, of the second, … */
    _Atomic unsigned asked;
    int error;
    pthread_mutex_t *holds; /* a look-up waits for it */
} names;

static int look_up(void *data, const char *host, bp__address *ret, size_t max, size_t *ret_count)
{
    names *self = data;
    (void)host;
    unsigned turn = self->asked++;
    if (self->holds) {
        pthread_mutex_lock(self->holds);
        pthread_mutex_unlock(self->holds);
    }
    if (self->error)
        return self->error;
    for (size_t i = 0; i < 3 && i < max && self->answers[turn % 4][i]; i++)
        if (bp__address_parse(self->answers[turn % 4][i], &ret[i]))
            *ret_count = i + 1;
    return 0;
}

/* Any name, and the addresses of `network`. */
static bp__fetch_client *client_with(names *answers, const char *network)
{
    bp__allow hosts = {0};
    allow(&hosts, "*:*");
    if (network)
        allow(&hosts, network);
    bp__fetch_options options = options_of(&hosts);
    options.lookup = look_up;
    options.lookup_data = answers;
    return new_client(&options);
}

static bp_status get_named(bp__fetch_client *client, const char *name, const char *path,
                           bp_error *reterr)
{
    char url[512];
    bp__fetch_response response = {0};
    snprintf(url, sizeof url, "http://%s:%u%s", name, server.port, path);
    bp_status status = get(client, url, patience(), &response, reterr);
    bp__fetch_response_done(&response);
    return status;
}

static void any_refused_address_refuses_the_name(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"10.0.0.1",  "169.254.169.254", "::1",
                                      "fd00::1",   "64:ff9b::7f00:1", "0.0.0.0",
                                      "127.0.0.2", "::ffff:10.0.0.1", "2002:a00:1::"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        names answers = {.answers = {{"127.0.0.1", "8.8.8.8", bad[i]}}};
        bp__fetch_client *client = client_with(&answers, "127.0.0.1:*");
        bp_error error = BP_ERROR_INIT;
        unsigned before = web_connections(&server);
        assert_status(BP_EDENIED, get_named(client, "mixed.example", "/ok", &error), &error);
        assert_contains(error.message, "host 'mixed.example' is at ", "message");
        assert_int_equal(web_connections(&server), before);
        bp__fetch_client_free(client);
    }
}

/* Looking up has a thread of its own, which takes none of the host's signals and has a name. */
static int look_at_thread(void *data, const char *host, bp__address *ret, size_t max,
                          size_t *ret_count)
{
    (void)host, (void)ret, (void)max;
    char name[16] = "";
    sigset_t blocked;
    pthread_getname_np(pthread_self(), name, sizeof name);
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    *(bool *)data = strncmp(name, "bullpen-", 8) == 0 && sigismember(&blocked, SIGALRM) == 1 &&
                    sigismember(&blocked, SIGTERM) == 1;
    *ret_count = 0;
    return 0;
}

static void lookups_are_in_a_thread_of_ours(void **unused)
{
    (void)unused;
    bool ours = false;
    bp__allow hosts = {0};
    allow(&hosts, "*:*");
    bp__fetch_options options = options_of(&hosts);
    options.lookup = look_at_thread;
    options.lookup_data = &ours;
    bp__fetch_client *client = new_client(&options);
    bp_error error = BP_ERROR_INIT;
    assert_int_not_equal(get_named(client, "any.example", "/ok", &error), BP_OK);
    assert_true(ours);
    bp__fetch_client_free(client);
}

/* The first answer is fine, all later ones lead elsewhere: what was checked is what is used. */
static void a_name_that_changes_is_used_as_it_was_checked(void **unused)
{
    (void)unused;
    names answers = {.answers = {{"127.0.0.1"}, {"169.254.169.254"}, {"127.0.0.2"}, {"10.0.0.1"}}};
    bp__fetch_client *client = client_with(&answers, "127.0.0.1:*");
    bp_error error = BP_ERROR_INIT;
    bp__clock_fake_set(BP_NS_PER_S * 1000);
    assert_status(BP_OK, get_named(client, "rebinding.example", "/ok", &error), &error);
    assert_int_equal(answers.asked, 1);
    /* The answer is kept for a while, also for the next connection. */
    assert_status(BP_ESYSTEM, get_named(client, "rebinding.example", "/close-early", &error),
                  &error);
    assert_status(BP_OK, get_named(client, "rebinding.example", "/ok", &error), &error);
    assert_int_equal(answers.asked, 1);
    /* Then it is asked for and checked again. */
    bp__clock_fake_set(BP_NS_PER_S * 2000);
    assert_status(BP_EDENIED, get_named(client, "rebinding.example", "/ok", &error), &error);
    assert_contains(error.message, "169.254.169.254, a cloud's metadata address", "message");
    assert_int_equal(answers.asked, 2);
    bp__clock_fake_set(0);
    bp__fetch_client_free(client);
}

static void a_redirect_to_a_name_is_resolved_and_checked(void **unused)
{
    (void)unused;
    names answers = {.answers = {{"127.0.0.1"}, {"192.168.1.1"}}};
    bp__fetch_client *client = client_with(&answers, "127.0.0.1:*");
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_EDENIED,
                  get_named(client, "one.example", "/to/302/http://two.example/", &error), &error);
    assert_contains(error.message, "host 'two.example' is at 192.168.1.1", "message");
    bp__fetch_client_free(client);
}

static void a_name_that_nobody_has_is_an_error(void **unused)
{
    (void)unused;
    names none = {.error = EAI_NONAME}, empty = {0};
    bp_error error = BP_ERROR_INIT;
    bp__fetch_client *client = client_with(&none, NULL);
    assert_status(BP_ESYSTEM, get_named(client, "absent.example", "/", &error), &error);
    assert_contains(error.message, "look up 'absent.example': ", "message");
    assert_status(BP_ESYSTEM, get_named(client, "absent.example", "/", &error), &error);
    assert_int_equal(none.asked, 2); /* failures are not kept */
    bp__fetch_client_free(client);
    client = client_with(&empty, NULL);
    assert_status(BP_ESYSTEM, get_named(client, "empty.example", "/", &error), &error);
    bp__fetch_client_free(client);
}

/* getaddrinfo() cannot be interrupted; whoever waits for it can leave. */
static void a_look_up_that_hangs_ends_at_the_deadline(void **unused)
{
    (void)unused;
    static pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;
    static names answers = {.answers = {{"127.0.0.1"}}, .holds = &hold};
    bp__fetch_client *client = client_with(&answers, "127.0.0.1:*");
    bp__fetch_response response = {0};
    pthread_mutex_lock(&hold);
    /* More than may run at once: the last ones do not even begin. */
    for (int i = 0; i < 10; i++) {
        char url[64];
        bp_error error = BP_ERROR_INIT;
        snprintf(url, sizeof url, "http://hangs%d.example/", i);
        assert_status(BP_ETIMEDOUT, get(client, url, bp_deadline_in_ms(20), &response, &error),
                      &error);
    }
    assert_true(answers.asked <= 8);
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    bp_cancel_trigger(cancel);
    bp__fetch_request request = {.url = "http://hangs.example/"};
    assert_int_equal(bp__fetch(client, &request, patience(), cancel, &response, NULL),
                     BP_ECANCELLED);
    bp_cancel_free(cancel);
    bp__fetch_client_free(client); /* the look-ups are not waited for */
    pthread_mutex_unlock(&hold);
}

/* Whatever curl would connect to, the socket is not made. */
static void the_socket_only_goes_where_was_checked(void **unused)
{
    (void)unused;
    bp__lanes lanes;
    bp__lane *lane = NULL;
    bp__lanes_init(&lanes, 1);
    assert_int_equal(bp__lane_take(&lanes, BP_BYTES(""), patience(), NULL, &lane, NULL), BP_OK);
    bp__fetch_request request = {.url = web_url(&server, "/ok")};
    bp__fetch_hop hop = {.method = "GET"};
    bp__fetch_limits limits = BP__FETCH_LIMITS_DEFAULT;
    bp__url url;
    assert_int_equal(bp__url_read(request.url, &url, NULL), BP_OK);
    bp__addresses checked = {.items = {{.family = 4, .bytes = {8, 8, 8, 8}}}, .count = 1};
    bp__transfer transfer = {lane, &request, &hop, &url, &checked, &limits, NULL, patience(), NULL};
    bp__fetch_response response = {0};
    bp_error error = BP_ERROR_INIT;
    unsigned before = web_connections(&server);
    assert_status(BP_EDENIED, bp__transfer_run(&transfer, &response, &error), &error);
    assert_contains(error.message, "not checked", "message");
    assert_int_equal(web_connections(&server), before);
    checked.items[0] = url.origin.address;
    assert_status(BP_OK, bp__transfer_run(&transfer, &response, &error), &error);
    bp__fetch_response_done(&response);
    bp__url_done(&url);
    bp__lane_give(&lanes, lane);
    bp__lanes_done(&lanes);
}

static void the_environment_is_not_asked(void **unused)
{
    (void)unused;
    static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY",
                                            "https_proxy"};
    for (size_t i = 0; i < COUNT(variables); i++)
        setenv(variables[i], "http://127.0.0.1:1", 1);
    names answers = {.answers = {{"127.0.0.1"}}};
    bp__fetch_client *client = client_with(&answers, "127.0.0.1:*");
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, get_named(client, "direct.example", "/ok", &error), &error);
    for (size_t i = 0; i < COUNT(variables); i++)
        unsetenv(variables[i]);
    bp__fetch_client_free(client);
}

static void what_the_plugin_did_not_ask_for_is_refused(void **unused)
{
    (void)unused;
    bp__allow hosts = {0}, asked = {0};
    allow(&hosts, "127.0.0.1:*");
    assert_int_equal(bp__allow_add(&asked, "127.0.0.1", BP__ALLOW_EXTISM, NULL), BP_OK);
    bp__fetch_options options = options_of(&hosts);
    options.asked = &asked;
    bp__fetch_client *client = new_client(&options);
    expect(client, "/ok", BP_OK, NULL, NULL);
    bp__fetch_client_free(client);
    hosts = asked = (bp__allow){0};
    allow(&hosts, "127.0.0.1:*");
    assert_int_equal(bp__allow_add(&asked, "*.example.com", BP__ALLOW_EXTISM, NULL), BP_OK);
    client = new_client(&options);
    expect(client, "/ok", BP_EDENIED, "not in allowed_hosts", NULL);
    bp__fetch_client_free(client);
    /* That the plugin names an address opens nothing: only the host's entries do. */
    hosts = asked = (bp__allow){0};
    allow(&hosts, "*:*");
    assert_int_equal(bp__allow_add(&asked, "127.0.0.1", BP__ALLOW_EXTISM, NULL), BP_OK);
    client = new_client(&options);
    expect(client, "/ok", BP_EDENIED, "a loopback address", NULL);
    bp__fetch_client_free(client);
    hosts = (bp__allow){0};
    allow(&hosts, "*:*");
    options.asked = NULL;
    options.private_addresses = true;
    client = new_client(&options);
    expect(client, "/ok", BP_OK, NULL, NULL);
    bp__fetch_client_free(client);
}

/* ---- many at once, and their end ---- */

typedef struct visitor {
    bp__fetch_client *client;
    const char *url;
    bp_cancel *cancel;
    unsigned wanted, answered;
    bp_status last;
} visitor;

static void *visit(void *data)
{
    visitor *self = data;
    bp__fetch_response response = {0};
    for (unsigned i = 0; i < self->wanted; i++) {
        bp__fetch_request request = {.url = self->url};
        self->last = bp__fetch(self->client, &request, patience(), self->cancel, &response, NULL);
        self->answered += self->last == BP_OK && response.body.size == 5;
    }
    bp__fetch_response_done(&response);
    return NULL;
}

static void threads_share_a_client(void **unused)
{
    (void)unused;
    bp__allow hosts = {0};
    allow(&hosts, "127.0.0.1:*");
    bp__fetch_options options = options_of(&hosts);
    options.limits.connections = 3;
    bp__fetch_client *client = new_client(&options), *other = client_for_server();
    unsigned before = web_connections(&server);
    visitor visitors[8];
    pthread_t threads[8];
    for (size_t i = 0; i < COUNT(threads); i++) {
        visitors[i] = (visitor){i % 4 ? client : other, web_url(&server, "/ok"), NULL, 40, 0, 0};
        char *url = strdup(visitors[i].url);
        visitors[i].url = url;
        threads[i] = thread_start(0, visit, &visitors[i]);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        thread_join(threads[i]);
        assert_int_equal(visitors[i].answered, 40);
        free((void *)(uintptr_t)visitors[i].url);
    }
    assert_true(web_connections(&server) - before <= 3 + 2);
    bp__fetch_client_free(client);
    bp__fetch_client_free(other);
}

static void a_cancel_ends_a_fetch(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    visitor stuck = {client, web_url(&server, "/stall"), cancel, 1, 0, 0};
    unsigned before = server.requests;
    pthread_t thread = thread_start(0, visit, &stuck);
    while (server.requests == before)
        sched_yield();
    bp_cancel_trigger(cancel);
    thread_join(thread);
    assert_int_equal(stuck.last, BP_ECANCELLED);
    bp__fetch_request request = {.url = web_url(&server, "/ok")};
    bp__fetch_response response = {0};
    assert_int_equal(bp__fetch(client, &request, patience(), cancel, &response, NULL),
                     BP_ECANCELLED);
    bp_cancel_free(cancel);
    bp__fetch_client_free(client);
}

static void who_waits_for_a_turn_may_leave(void **unused)
{
    (void)unused;
    bp__allow hosts = {0};
    allow(&hosts, "127.0.0.1:*");
    bp__fetch_options options = options_of(&hosts);
    options.limits.connections = 1;
    bp__fetch_client *client = new_client(&options);
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    visitor stuck = {client, web_url(&server, "/stall"), cancel, 1, 0, 0};
    unsigned before = server.requests;
    pthread_t thread = thread_start(0, visit, &stuck);
    while (server.requests == before)
        sched_yield();
    bp__fetch_response response = {0};
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_ETIMEDOUT, get(client, web_url(&server, "/ok"), soon(), &response, &error),
                  &error);
    assert_contains(error.message, "1 fetches of the plugin are running", "message");
    bp_cancel_trigger(cancel);
    thread_join(thread);
    expect(client, "/ok", BP_OK, NULL, NULL);
    bp_cancel_free(cancel);
    bp__fetch_client_free(client);
}

static bp_status fetch_once(bp_error *reterr)
{
    static names answers;
    answers = (names){.answers = {{"127.0.0.1"}, {"127.0.0.1"}, {"127.0.0.1"}, {"127.0.0.1"}}};
    bp__allow hosts = {0};
    bp__fetch_client *client = NULL;
    bp_status status = bp__allow_add(&hosts, "*:*", BP__ALLOW_OWN, reterr);
    if (status == BP_OK)
        status = bp__allow_add(&hosts, "127.0.0.1:*", BP__ALLOW_OWN, reterr);
    if (status != BP_OK) {
        bp__allow_done(&hosts);
        return status;
    }
    bp__fetch_options options = options_of(&hosts);
    options.lookup = look_up;
    options.lookup_data = &answers;
    options.ca_file = "/dev/null";
    status = bp__fetch_client_new(&options, &client, reterr);
    if (status == BP_OK)
        status = get_named(client, "name.example", "/to/302//ok", reterr);
    bp__fetch_client_free(client);
    return status;
}

static void every_failed_allocation_is_said(void **unused)
{
    (void)unused;
    bool failed = true;
    unsigned before = process_descriptors();
    for (uint64_t nth = 1; failed; nth++) {
        bp_error error = BP_ERROR_INIT;
        bp__alloc_fail_at(nth);
        bp_status status = fetch_once(&error);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_status(failed ? BP_ENOMEM : BP_OK, status, &error);
        assert_true(nth < 100);
    }
    /* The server closes its ends a little later; also those of the test before, which may have been
     * counted. */
    bp_deadline by = patience();
    while (process_descriptors() > before && !bp_deadline_passed(by))
        sched_yield();
    assert_in_range(process_descriptors(), 0, before);
}

static void a_file_of_certificates_must_be_there(void **unused)
{
    (void)unused;
    bp__allow hosts = {0};
    allow(&hosts, "*");
    bp__fetch_options options = options_of(&hosts);
    options.ca_file = "/nowhere/ca.pem";
    bp__fetch_client *client = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_EINVAL, bp__fetch_client_new(&options, &client, &error), &error);
    assert_contains(error.message, "'/nowhere/ca.pem'", "message");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_refused_address_refuses_the_name),
        cmocka_unit_test(lookups_are_in_a_thread_of_ours),
        cmocka_unit_test(a_name_that_changes_is_used_as_it_was_checked),
        cmocka_unit_test(a_redirect_to_a_name_is_resolved_and_checked),
        cmocka_unit_test(a_name_that_nobody_has_is_an_error),
        cmocka_unit_test(a_look_up_that_hangs_ends_at_the_deadline),
        cmocka_unit_test(the_socket_only_goes_where_was_checked),
        cmocka_unit_test(the_environment_is_not_asked),
        cmocka_unit_test(what_the_plugin_did_not_ask_for_is_refused),
        cmocka_unit_test(threads_share_a_client),
        cmocka_unit_test(a_cancel_ends_a_fetch),
        cmocka_unit_test(who_waits_for_a_turn_may_leave),
        cmocka_unit_test(every_failed_allocation_is_said),
        cmocka_unit_test(a_file_of_certificates_must_be_there),
    };
    unsigned before = process_descriptors();
    return world_check(before, cmocka_run_group_tests(tests, world_start, world_stop));
}
