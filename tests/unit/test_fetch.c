/* Fetches from servers that behave badly, and by guests that do. SPDX-License-Identifier:
 * Apache-2.0 */
#include "support/check.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "host/fetch.h"
#include "host/fetch_transfer.h"
#include "support/process.h"
#include "support/thread.h"
#include "support/web.h"

static web server;

static bp_deadline patience(void)
{
    return bp_deadline_in_ms(PATIENCE_MS);
}

/* Long enough for this machine to connect, short enough to wait for. */
static bp_deadline soon(void)
{
    return bp_deadline_in_ms(300);
}

/* ---- clients ---- */

static bp__fetch_options options_of(bp__allow *hosts)
{
    return (bp__fetch_options){.hosts = hosts, .limits = BP__FETCH_LIMITS_DEFAULT};
}

static void allow(bp__allow *list, const char *entry)
{
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__allow_add(list, entry, BP__ALLOW_OWN, &error), &error);
}

static bp__fetch_client *new_client(const bp__fetch_options *options)
{
    bp__fetch_client *client = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__fetch_client_new(options, &client, &error), &error);
    return client;
}

/* May reach our server by its address, and any name that leads there. */
static bp__fetch_client *client_for_server(void)
{
    bp__allow hosts = {0};
    allow(&hosts, "*:*");
    allow(&hosts, "127.0.0.0/8:*");
    bp__fetch_options options = options_of(&hosts);
    return new_client(&options);
}

static bp_status get(bp__fetch_client *client, const char *url, bp_deadline by,
                     bp__fetch_response *ret, bp_error *reterr)
{
    bp__fetch_request request = {.url = url};
    return bp__fetch(client, &request, by, NULL, ret, reterr);
}

static void assert_body(const bp__fetch_response *response, const char *text)
{
    assert_int_equal(response->body.size, strlen(text));
    assert_memory_equal(response->body.data, text, strlen(text));
}

static const char *body_text(bp__fetch_response *response)
{
    return bp__buffer_text(&response->body);
}

static const char *header_of(const bp__fetch_response *response, const char *name)
{
    bp__fetch_header header;
    for (size_t at = 0; bp__fetch_header_next(response, &at, &header);)
        if (strcmp(header.name, name) == 0)
            return header.value;
    return NULL;
}

static void expect(bp__fetch_client *client, const char *path, bp_status expected,
                   const char *message, const char *limit)
{
    bp__fetch_response response = {0};
    bp_error error = BP_ERROR_INIT;
    bp_status status = get(client, web_url(&server, path), patience(), &response, &error);
    if (status != expected)
        print_message("%s\n", path);
    assert_status(expected, status, &error);
    if (message)
        assert_contains(error.message, message, path);
    if (limit) {
        assert_non_null(response.limit);
        assert_string_equal(response.limit, limit);
    }
    if (expected != BP_OK)
        assert_int_equal(response.body.size, 0);
    bp__fetch_response_done(&response);
}

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
    /* The server closes its ends a little later. */
    bp_deadline by = patience();
    while (process_descriptors() != before && !bp_deadline_passed(by))
        sched_yield();
    assert_int_equal(process_descriptors(), before);
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

static int start(void **unused)
{
    (void)unused;
    web_start(&server);
    return 0;
}

static int stop(void **unused)
{
    (void)unused;
    web_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_with_status_headers_and_body),
        cmocka_unit_test(a_request_goes_out_as_it_was_made),
        cmocka_unit_test(a_head_request_has_headers_only),
        cmocka_unit_test(connections_are_used_again_but_not_across_tenants),
        cmocka_unit_test(a_lane_changes_hands_without_its_connections),
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
        cmocka_unit_test(any_refused_address_refuses_the_name),
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
    int failed = cmocka_run_group_tests(tests, start, stop);
    if (process_descriptors() != before) {
        fprintf(stderr, "descriptors: %u before, %u after\n", before, process_descriptors());
        return 1;
    }
    return failed;
}
