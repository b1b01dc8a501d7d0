/* A server that behaves badly and clients for it, for the tests of src/host/fetch*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_TEST_FETCH_WORLD_H
#define BP_TEST_FETCH_WORLD_H

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

static inline bp_deadline patience(void)
{
    return bp_deadline_in_ms(PATIENCE_MS);
}

/* Long enough for this machine to connect, short enough to wait for. */
static inline bp_deadline soon(void)
{
    return bp_deadline_in_ms(300);
}

/* ---- clients ---- */

static inline bp__fetch_options options_of(bp__allow *hosts)
{
    return (bp__fetch_options){.hosts = hosts, .limits = BP__FETCH_LIMITS_DEFAULT};
}

static inline void allow(bp__allow *list, const char *entry)
{
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__allow_add(list, entry, BP__ALLOW_OWN, &error), &error);
}

static inline bp__fetch_client *new_client(const bp__fetch_options *options)
{
    bp__fetch_client *client = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__fetch_client_new(options, &client, &error), &error);
    return client;
}

/* May reach our server by its address, and any name that leads there. */
static inline bp__fetch_client *client_for_server(void)
{
    bp__allow hosts = {0};
    allow(&hosts, "*:*");
    allow(&hosts, "127.0.0.0/8:*");
    bp__fetch_options options = options_of(&hosts);
    return new_client(&options);
}

static inline bp_status get(bp__fetch_client *client, const char *url, bp_deadline by,
                            bp__fetch_response *ret, bp_error *reterr)
{
    bp__fetch_request request = {.url = url};
    return bp__fetch(client, &request, by, NULL, ret, reterr);
}

static inline void assert_body(const bp__fetch_response *response, const char *text)
{
    assert_int_equal(response->body.size, strlen(text));
    assert_memory_equal(response->body.data, text, strlen(text));
}

static inline const char *body_text(bp__fetch_response *response)
{
    return bp__buffer_text(&response->body);
}

static inline const char *header_of(const bp__fetch_response *response, const char *name)
{
    bp__fetch_header header;
    for (size_t at = 0; bp__fetch_header_next(response, &at, &header);)
        if (strcmp(header.name, name) == 0)
            return header.value;
    return NULL;
}

static inline void expect(bp__fetch_client *client, const char *path, bp_status expected,
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

static inline int world_start(void **unused)
{
    (void)unused;
    web_start(&server);
    return 0;
}

static inline int world_stop(void **unused)
{
    (void)unused;
    web_stop(&server);
    return 0;
}

/* Descriptors that the tests leave open are a failure. */
static inline int world_check(unsigned before, int failed)
{
    if (process_descriptors() == before)
        return failed;
    fprintf(stderr, "descriptors: %u before, %u after\n", before, process_descriptors());
    return 1;
}

#endif
