/* Fetches from servers that behave badly, and by guests that do. SPDX-License-Identifier:
 * Apache-2.0 */
#include <sys/wait.h>

#include "fetch_world.h"

/* ---- plain ones ---- */

static void an_answer_comes_with_status_headers_and_body(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    bp__fetch_response response = {0};
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, get(client, web_url(&server, "/ok"), patience(), &response, &error),
                  &error);
    assert_int_equal(response.status, 200);
    assert_body(&response, "hello");
    assert_string_equal(header_of(&response, "content-type"), "text/plain");
    assert_string_equal(header_of(&response, "content-length"), "5");
    static const unsigned statuses[] = {204, 304, 404, 500, 302, 999};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        char path[32];
        snprintf(path, sizeof path, "/status/%u", statuses[i]);
        assert_status(BP_OK, get(client, web_url(&server, path), patience(), &response, &error),
                      &error);
        assert_int_equal(response.status, statuses[i]);
        assert_int_equal(response.body.size, 0);
    }
    bp__fetch_response_done(&response);
    bp__fetch_client_free(client);
}

static void a_request_goes_out_as_it_was_made(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    static const bp__fetch_header headers[] = {{"X-One", " two"}, {"Empty", ""}, {"Accept", "a/b"}};
    static const struct {
        const char *method, *body, *has, *has_not;
    } rows[] = {
        {NULL, NULL, "GET /echo HTTP/1.1\r\n", "Content-Length"},
        {"get", NULL, "GET /echo", "Content-Length"},
        {"POST", "a=b", "Content-Length: 3\r\n", "Content-Type"},
        {"POST", NULL, "Content-Length: 0\r\n", "Transfer-Encoding"},
        {"put", NULL, "PUT /echo HTTP/1.1\r\n", "Expect"},
        {"DELETE", NULL, "DELETE /echo HTTP/1.1\r\n", "Content-Length"},
        {"PROPFIND", "<x/>", "PROPFIND /echo HTTP/1.1\r\n", "Content-Type"},
        {"GET", "odd", "\r\n\r\nodd", "Transfer-Encoding"},
        {"OPTIONS", NULL, "X-One: two\r\n", "Expect"},
        {"GET", NULL, "Empty:\r\n", "Accept: */*"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        bp__fetch_request request = {.method = rows[i].method,
                                     .url = web_url(&server, "/echo#part"),
                                     .headers = headers,
                                     .header_count = COUNT(headers),
                                     .has_body = rows[i].body != NULL,
                                     .body = bp_bytes_of(rows[i].body)};
        bp__fetch_response response = {0};
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_OK, bp__fetch(client, &request, patience(), NULL, &response, &error),
                      &error);
        assert_contains(body_text(&response), rows[i].has, "request");
        if (strstr(body_text(&response), rows[i].has_not))
            fail_msg("%s was sent: %s", rows[i].has_not, body_text(&response));
        bp__fetch_response_done(&response);
    }
    bp__fetch_client_free(client);
}

static void a_head_request_has_headers_only(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    bp__fetch_request request = {.method = "head", .url = web_url(&server, "/ok")};
    bp__fetch_response response = {0};
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__fetch(client, &request, patience(), NULL, &response, &error), &error);
    assert_int_equal(response.body.size, 0);
    assert_string_equal(header_of(&response, "content-length"), "5");
    bp__fetch_response_done(&response);
    bp__fetch_client_free(client);
}

static void connections_are_used_again_but_not_across_tenants(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server(), *other = client_for_server();
    bp__fetch_response response = {0};
    unsigned before = web_connections(&server);
    static const char *const tenants[] = {NULL, NULL, "a", "a", NULL, "a", "b"};
    for (size_t i = 0; i < COUNT(tenants); i++) {
        bp__fetch_request request = {.url = web_url(&server, "/ok"),
                                     .tenant = bp_bytes_of(tenants[i])};
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_OK, bp__fetch(client, &request, patience(), NULL, &response, &error),
                      &error);
    }
    assert_int_equal(web_connections(&server) - before, 3);
    assert_int_equal(get(other, web_url(&server, "/ok"), patience(), &response, NULL), BP_OK);
    assert_int_equal(web_connections(&server) - before, 4);
    bp__fetch_response_done(&response);
    bp__fetch_client_free(client);
    bp__fetch_client_free(other);
}

/* With one lane for all: a tenant that takes it over begins on a connection of its own. */
static void a_lane_changes_hands_without_its_connections(void **unused)
{
    (void)unused;
    bp__allow hosts = {0};
    allow(&hosts, "127.0.0.1:*");
    bp__fetch_options options = options_of(&hosts);
    options.limits.connections = 1;
    bp__fetch_client *client = new_client(&options);
    bp__fetch_response response = {0};
    unsigned before = web_connections(&server);
    for (int i = 0; i < 4; i++) {
        bp__fetch_request request = {.url = web_url(&server, "/ok"),
                                     .tenant = bp_bytes_of(i % 2 ? "odd" : "even")};
        assert_int_equal(bp__fetch(client, &request, patience(), NULL, &response, NULL), BP_OK);
    }
    assert_int_equal(web_connections(&server) - before, 4);
    bp__fetch_response_done(&response);
    bp__fetch_client_free(client);
}

/* What a parent and its child wrote on one connection would be one muddle. */
static void a_forked_child_has_connections_of_its_own(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    const char *url = web_url(&server, "/ok");
    bp__fetch_response response = {0};
    unsigned before = web_connections(&server);
    assert_int_equal(get(client, url, patience(), &response, NULL), BP_OK);
    pid_t child = fork();
    if (child == 0)
        _exit(get(client, url, patience(), &response, NULL) != BP_OK);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(get(client, url, patience(), &response, NULL), BP_OK);
    assert_int_equal(web_connections(&server) - before, 2);
    bp__fetch_response_done(&response);
    bp__fetch_client_free(client);
}

/* ---- servers that behave badly ---- */

static void bad_answers_are_errors(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    static const char *const paths[] = {
        "/close",      "/close-early", "/http09",          "/binary", "/chunks-bad",
        "/chunks-cut", "/chunks-huge", "/length-negative", "/reset",  "/no-colon"};
    for (size_t i = 0; i < COUNT(paths); i++)
        expect(client, paths[i], BP_ESYSTEM, "host '127.0.0.1': ", NULL);
    expect(client, "/length-short", BP_OK, NULL, NULL);
    expect(client, "/length-huge", BP_OK, NULL, NULL); /* read to its end, within the limit */
    expect(client, "/length-and-chunks", BP_OK, NULL, NULL);
    expect(client, "/ok", BP_OK, NULL, NULL);
    bp__fetch_client_free(client);
}

static void floods_end_at_a_limit_by_name(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    expect(client, "/endless-body", BP_ELIMIT, "16777216", "http_response_bytes");
    expect(client, "/endless-head", BP_ELIMIT, "http_header_bytes (65536", "http_header_bytes");
    expect(client, "/endless-continue", BP_ELIMIT, "http_header_bytes", "http_header_bytes");
    expect(client, "/many-headers", BP_ELIMIT, "at most 100", "http_header_bytes");
    expect(client, "/huge-header", BP_ELIMIT, "http_header_bytes", "http_header_bytes");
    expect(client, "/ok", BP_OK, NULL, NULL);
    bp__fetch_client_free(client);
}

static void the_body_may_be_as_large_as_its_limit(void **unused)
{
    (void)unused;
    for (uint64_t limit = 4; limit <= 5; limit++) {
        bp__allow hosts = {0};
        allow(&hosts, "127.0.0.1:*");
        bp__fetch_options options = options_of(&hosts);
        options.limits.response_bytes = limit;
        bp__fetch_client *client = new_client(&options);
        expect(client, "/ok", limit == 5 ? BP_OK : BP_ELIMIT, NULL,
               limit == 5 ? NULL : "http_response_bytes");
        bp__fetch_client_free(client);
    }
}

/* What is compressed stays so: nothing becomes more than came in. */
static void nothing_is_decompressed(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    bp__fetch_response response = {0};
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, get(client, web_url(&server, "/bomb"), patience(), &response, &error),
                  &error);
    assert_int_equal(response.body.size, 10);
    assert_memory_equal(response.body.data, "\x1f\x8b", 2);
    assert_string_equal(header_of(&response, "content-encoding"), "gzip");
    assert_status(BP_OK,
                  get(client, web_url(&server, "/transfer-bomb"), patience(), &response, &error),
                  &error);
    assert_true(response.body.size < 30);
    bp__fetch_response_done(&response);
    bp__fetch_client_free(client);
}

static void heads_are_read_with_care(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    bp__fetch_response response = {0};
    assert_int_equal(get(client, web_url(&server, "/trailers"), patience(), &response, NULL),
                     BP_OK);
    assert_body(&response, "ok");
    assert_string_equal(header_of(&response, "a"), "1");
    assert_null(header_of(&response, "location"));
    assert_int_equal(get(client, web_url(&server, "/interim"), patience(), &response, NULL), BP_OK);
    assert_int_equal(response.status, 200);
    assert_null(header_of(&response, "link"));
    assert_string_equal(header_of(&response, "a"), "1");
    assert_int_equal(get(client, web_url(&server, "/headers"), patience(), &response, NULL), BP_OK);
    assert_string_equal(header_of(&response, "b"), "two");
    assert_string_equal(header_of(&response, "empty"), "");
    assert_string_equal(header_of(&response, "a"), "1");
    bp__fetch_response_done(&response);
    bp__fetch_client_free(client);
}

static void slow_servers_end_at_the_deadline(void **unused)
{
    (void)unused;
    static const char *const paths[] = {"/drip-body", "/drip-head", "/stall"};
    bp__fetch_client *client = client_for_server();
    for (size_t i = 0; i < COUNT(paths); i++) {
        bp__fetch_response response = {0};
        bp_error error = BP_ERROR_INIT;
        bp_deadline by = soon();
        assert_status(BP_ETIMEDOUT, get(client, web_url(&server, paths[i]), by, &response, &error),
                      &error);
        assert_true(bp_deadline_passed(by));
        bp__fetch_response_done(&response);
    }
    bp__fetch_response response = {0};
    assert_int_equal(get(client, web_url(&server, "/ok"), BP_NOW, &response, NULL), BP_ETIMEDOUT);
    expect(client, "/ok", BP_OK, NULL, NULL);
    bp__fetch_client_free(client);
}

/* A port where somebody listens and never accepts. */
static void a_server_that_never_accepts_ends_at_the_deadline(void **unused)
{
    (void)unused;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof here;
    int deaf = socket(AF_INET, SOCK_STREAM, 0);
    char url[64];
    assert_int_equal(bind(deaf, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(deaf, 1), 0);
    assert_int_equal(getsockname(deaf, (struct sockaddr *)&here, &size), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(here.sin_port));
    bp__fetch_client *client = client_for_server();
    bp__fetch_response response = {0};
    assert_int_equal(get(client, url, soon(), &response, NULL), BP_ETIMEDOUT);
    close(deaf);
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_ESYSTEM, get(client, url, patience(), &response, &error), &error);
    assert_contains(error.message, "connect", "message");
    bp__fetch_response_done(&response);
    bp__fetch_client_free(client);
}

static void a_fetch_has_a_time_of_its_own(void **unused)
{
    (void)unused;
    bp__allow hosts = {0};
    allow(&hosts, "127.0.0.1:*");
    bp__fetch_options options = options_of(&hosts);
    options.limits.time_ms = 100;
    bp__fetch_client *client = new_client(&options);
    expect(client, "/stall", BP_ELIMIT, "http_time_ms (100)", "http_time_ms");
    bp__fetch_client_free(client);
}

static void a_large_upload_to_who_hangs_up_is_an_error(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    size_t size = 8 << 20;
    char *body = calloc(1, size);
    bp__fetch_request request = {.method = "POST",
                                 .url = web_url(&server, "/reset"),
                                 .has_body = true,
                                 .body = {body, size}};
    bp__fetch_response response = {0};
    bp_error error = BP_ERROR_INIT;
    for (int i = 0; i < 5; i++)
        assert_status(BP_ESYSTEM, bp__fetch(client, &request, patience(), NULL, &response, &error),
                      &error);
    request.body.size = (16 << 20) + 1;
    assert_status(BP_ELIMIT, bp__fetch(client, &request, patience(), NULL, &response, &error),
                  &error);
    assert_string_equal(response.limit, "http_request_bytes");
    bp__fetch_response_done(&response);
    free(body);
    bp__fetch_client_free(client);
}

/* ---- requests that behave badly ---- */

static void bad_requests_never_leave(void **unused)
{
    (void)unused;
    static const struct {
        const char *method, *name, *value, *message;
    } rows[] = {
        {"GET /x HTTP/1.1\r\nA:", "a", "b", "method"},
        {"", "a", "b", "method"},
        {"G ET", "a", "b", "method"},
        {"CONNECT", "a", "b", "not sent"},
        {"trace", "a", "b", "not sent"},
        {"GET", "a", "b\r\nc: d", "control character"},
        {"GET", "a", "b\nc", "control character"},
        {"GET", "a", "b\x7f", "control character"},
        {"GET", "", "b", "header name"},
        {"GET", "a:", "b", "header name"},
        {"GET", "a b", "c", "header name"},
        {"GET", "a\r\nb", "c", "header name"},
        {"GET", ":authority", "c", "header name"},
        {"GET", "\xc3\xa9", "c", "header name"},
        {"GET", "Host", "evil", "how a message travels"},
        {"GET", "content-length", "5", "how a message travels"},
        {"GET", "Transfer-Encoding", "chunked", "how a message travels"},
        {"GET", "connection", "keep-alive", "how a message travels"},
        {"GET", "Upgrade", "h2c", "how a message travels"},
        {"GET", "Proxy-Authorization", "x", "how a message travels"},
        {"GET", "TE", "gzip", "how a message travels"},
        {"GET", "Expect", "100-continue", "how a message travels"},
    };
    bp__fetch_client *client = client_for_server();
    unsigned before = server.requests;
    bp__fetch_response response = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        bp__fetch_header header = {rows[i].name, rows[i].value};
        bp__fetch_request request = {.method = rows[i].method,
                                     .url = web_url(&server, "/ok"),
                                     .headers = &header,
                                     .header_count = 1};
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_EINVAL, bp__fetch(client, &request, patience(), NULL, &response, &error),
                      &error);
        assert_contains(error.message, rows[i].message, "message");
    }
    bp__fetch_request body = {
        .method = "HEAD", .url = web_url(&server, "/ok"), .has_body = true, .body = BP_BYTES("x")};
    assert_int_equal(bp__fetch(client, &body, patience(), NULL, &response, NULL), BP_EINVAL);
    bp__fetch_header many[101];
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (bp__fetch_header){"a", "b"};
    bp__fetch_request flood = {
        .url = web_url(&server, "/ok"), .headers = many, .header_count = 101};
    assert_int_equal(bp__fetch(client, &flood, patience(), NULL, &response, NULL), BP_ELIMIT);
    assert_string_equal(response.limit, "http_header_bytes");
    assert_int_equal(server.requests, before);
    bp__fetch_client_free(client);
}

/* ---- redirects ---- */

static void redirects_are_followed_by_their_rules(void **unused)
{
    (void)unused;
    static const struct {
        int status;
        const char *method, *becomes;
        bool keeps_body;
    } rows[] = {
        {301, "POST", "GET", false},     {302, "POST", "GET", false}, {303, "POST", "GET", false},
        {307, "POST", "POST", true},     {308, "POST", "POST", true}, {301, "PUT", "PUT", true},
        {302, "DELETE", "DELETE", true}, {303, "PUT", "GET", false},  {307, "GET", "GET", true},
    };
    static const bp__fetch_header headers[] = {{"Content-Type", "text/x"}, {"Authorization", "me"}};
    bp__fetch_client *client = client_for_server();
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[64];
        snprintf(path, sizeof path, "/to/%d//echo", rows[i].status);
        bp__fetch_request request = {.method = rows[i].method,
                                     .url = web_url(&server, path),
                                     .headers = headers,
                                     .header_count = COUNT(headers),
                                     .has_body = true,
                                     .body = BP_BYTES("the body")};
        bp__fetch_response response = {0};
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_OK, bp__fetch(client, &request, patience(), NULL, &response, &error),
                      &error);
        const char *text = body_text(&response);
        assert_int_equal(strncmp(text, rows[i].becomes, strlen(rows[i].becomes)), 0);
        assert_int_equal(strstr(text, "the body") != NULL, rows[i].keeps_body);
        assert_int_equal(strstr(text, "Content-Type: text/x") != NULL, rows[i].keeps_body);
        assert_contains(text, "Authorization: me", "the same origin");
        assert_int_equal(response.redirects, 1);
        bp__fetch_response_done(&response);
    }
    bp__fetch_client_free(client);
}

static void credentials_stay_with_their_origin(void **unused)
{
    (void)unused;
    static const bp__fetch_header headers[] = {
        {"authorization", "me"}, {"COOKIE", "c=d"}, {"X-Other", "goes along"}};
    bp__fetch_client *client = client_for_server();
    char path[512];
    /* There and back again: what was dropped stays so. */
    snprintf(path, sizeof path, "/to/302/http://127.0.0.2:%u/to/302/%s", server.port,
             web_url(&server, "/echo"));
    bp__fetch_request request = {
        .url = web_url(&server, path), .headers = headers, .header_count = COUNT(headers)};
    bp__fetch_response response = {0};
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp__fetch(client, &request, patience(), NULL, &response, &error);
    /* The server listens on 127.0.0.1 alone, so that the hop fails shows that it was tried. */
    assert_status(BP_ESYSTEM, status, &error);
    assert_contains(error.message, "after 1 redirects", "message");
    web second;
    web_start(&second);
    snprintf(path, sizeof path, "/to/302/%s", web_url(&second, "/echo"));
    request.url = web_url(&server, path);
    assert_status(BP_OK, bp__fetch(client, &request, patience(), NULL, &response, &error), &error);
    assert_contains(body_text(&response), "X-Other: goes along", "request");
    assert_null(strcasestr(body_text(&response), "authorization"));
    assert_null(strcasestr(body_text(&response), "cookie"));
    char back[512];
    snprintf(back, sizeof back, "/to/307/%s", web_url(&server, "/echo"));
    snprintf(path, sizeof path, "/to/307/%s", web_url(&second, back));
    request.url = web_url(&server, path);
    assert_status(BP_OK, bp__fetch(client, &request, patience(), NULL, &response, &error), &error);
    assert_int_equal(response.redirects, 2);
    assert_null(strcasestr(body_text(&response), "authorization"));
    bp__fetch_response_done(&response);
    bp__fetch_client_free(client);
    web_stop(&second);
}

static void every_redirect_is_checked(void **unused)
{
    (void)unused;
    bp__allow hosts = {0};
    char entry[64];
    snprintf(entry, sizeof entry, "127.0.0.1:%u", server.port);
    allow(&hosts, entry);
    allow(&hosts, "10.0.0.1:80");
    allow(&hosts, "*:81");
    bp__fetch_options options = options_of(&hosts);
    bp__fetch_client *client = new_client(&options);
    expect(client, "/to/302/http://example.com/", BP_EDENIED,
           "after 1 redirects: host 'example.com' (http, port 80) is not among", NULL);
    expect(client, "/to/302/http://127.0.0.2/", BP_EDENIED, "'127.0.0.2'", NULL);
    expect(client, "/to/302/http://192.168.0.1:81/", BP_EDENIED, "a private address", NULL);
    expect(client, "/to/302/http://169.254.169.254:81/", BP_EDENIED, "metadata", NULL);
    expect(client, "/to/302/http://[::1]:81/", BP_EDENIED, "a loopback address", NULL);
    expect(client, "/to/302/http://0x7f.1:81/", BP_EDENIED, "a loopback address", NULL);
    expect(client, "/to/302/file:///etc/passwd", BP_EINVAL, "the redirect", NULL);
    expect(client, "/to/302/ftp://127.0.0.1/", BP_EINVAL, "the redirect", NULL);
    expect(client, "/to/302/http://user:pw@127.0.0.1/", BP_EINVAL, "the redirect", NULL);
    expect(client, "/two-locations", BP_ESYSTEM, "several locations", NULL);
    bp__fetch_client_free(client);
}

static void redirects_have_an_end(void **unused)
{
    (void)unused;
    bp__fetch_client *client = client_for_server();
    expect(client, "/to/302//to/302//to/302//to/302//to/302//ok", BP_OK, NULL, NULL);
    expect(client, "/to/302//to/302//to/302//to/302//to/302//to/302//ok", BP_ELIMIT,
           "more than 5 redirects", "http_redirects");
    expect(client, "/to/302/?", BP_ELIMIT, "more than 5", "http_redirects");
    bp__fetch_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_with_status_headers_and_body),
        cmocka_unit_test(a_request_goes_out_as_it_was_made),
        cmocka_unit_test(a_head_request_has_headers_only),
        cmocka_unit_test(connections_are_used_again_but_not_across_tenants),
        cmocka_unit_test(a_lane_changes_hands_without_its_connections),
        cmocka_unit_test(a_forked_child_has_connections_of_its_own),
        cmocka_unit_test(bad_answers_are_errors),
        cmocka_unit_test(floods_end_at_a_limit_by_name),
        cmocka_unit_test(the_body_may_be_as_large_as_its_limit),
        cmocka_unit_test(nothing_is_decompressed),
        cmocka_unit_test(heads_are_read_with_care),
        cmocka_unit_test(slow_servers_end_at_the_deadline),
        cmocka_unit_test(a_server_that_never_accepts_ends_at_the_deadline),
        cmocka_unit_test(a_fetch_has_a_time_of_its_own),
        cmocka_unit_test(a_large_upload_to_who_hangs_up_is_an_error),
        cmocka_unit_test(bad_requests_never_leave),
        cmocka_unit_test(redirects_are_followed_by_their_rules),
        cmocka_unit_test(credentials_stay_with_their_origin),
        cmocka_unit_test(every_redirect_is_checked),
        cmocka_unit_test(redirects_have_an_end),
    };
    unsigned before = process_descriptors();
    return world_check(before, cmocka_run_group_tests(tests, world_start, world_stop));
}
