/* HTTP for plugins: requests to allowed hosts only. SPDX-License-Identifier: Apache-2.0
 *
 * A client belongs to one plugin; so do its connections, and a connection serves one tenant only.
 * Every hop, redirects included, is checked anew: the URL against the allow-lists, its name is
 * resolved here, every address it has is checked, and the socket connects to one of those or to
 * nothing. docs/security.md has the whole of it. */
#ifndef BP_HOST_FETCH_H
#define BP_HOST_FETCH_H

#include <bullpen/deadline.h>

#include "base/buffer.h"
#include "host/allow.h"
#include "host/resolve.h"

/* As they stand: 0 allows none. */
typedef struct bp__fetch_limits {
    uint64_t response_bytes; /* of a body, as it comes out of the connection */
    uint64_t request_bytes;  /* of a body */
    uint32_t header_bytes;   /* of a request's headers, and of all heads of a hop's response */
    uint32_t header_count;   /* likewise */
    uint32_t redirects;
    uint32_t
        connections;  /* fetches at once; more of them wait. Each keeps a few idle connections */
    uint64_t time_ms; /* of a fetch, below the caller's deadline */
} bp__fetch_limits;

#define BP__FETCH_LIMITS_DEFAULT                                                                   \
    {.response_bytes = UINT64_C(16) << 20,                                                         \
     .request_bytes = UINT64_C(16) << 20,                                                          \
     .header_bytes = 64 << 10,                                                                     \
     .header_count = 100,                                                                          \
     .redirects = 5,                                                                               \
     .connections = 8,                                                                             \
     .time_ms = 30000}

typedef struct bp__fetch_options {
    const bp__allow *hosts; /* the host's policy; consumed by bp__fetch_client_new() */
    const bp__allow *asked; /* what the plugin asked for, likewise; NULL: as `hosts` */
    bool private_addresses; /* private networks may be reached */
    bp__fetch_limits limits;
    const char *ca_file;  /* certificates to trust, PEM; NULL: the system's */
    bp__lookup_fn lookup; /* for tests; NULL: getaddrinfo() */
    void *lookup_data;    /* lives until every look-up has returned */
} bp__fetch_options;

typedef struct bp__fetch_client bp__fetch_client;

/* Takes over the lists' content (also on failure, where it is freed). BP_EINVAL: `ca_file` cannot
 * be read. @threads any */
bp_status bp__fetch_client_new(const bp__fetch_options *options, bp__fetch_client **ret,
                               bp_error *reterr);
/* Closes its connections; NULL is fine. No fetch may be running. A look-up that nobody waits for
 * any more may still be, in a thread of its own. */
void bp__fetch_client_free(bp__fetch_client *client);

typedef struct bp__fetch_header {
    const char *name, *value;
} bp__fetch_header;

/* All borrowed while the fetch runs. */
typedef struct bp__fetch_request {
    const char *method; /* NULL: GET */
    const char *url;
    const bp__fetch_header *headers;
    size_t header_count;
    bool has_body; /* an empty one is sent with its length */
    bp_bytes body;
    bp_bytes tenant; /* whose connections may be used */
} bp__fetch_request;

/* Begins with zeros; ends with bp__fetch_response_done(). */
typedef struct bp__fetch_response {
    uint32_t status;
    bp__buffer body;
    bp__buffer headers; /* "name\0value\0…"; names in lower case, in the order they came */
    uint32_t redirects; /* that were followed */
    const char *limit;  /* the limit's name when BP_ELIMIT was the answer; static */
} bp__fetch_response;

void bp__fetch_response_done(bp__fetch_response *response);
/* The header at `*at` (begin with 0), which moves on; false at the end. */
bool bp__fetch_header_next(const bp__fetch_response *response, size_t *at, bp__fetch_header *ret);

/*
 * Fetches, redirects included. Any status that the server answers is BP_OK.
 * @return BP_EINVAL (the request is none), BP_EDENIED (host or address not allowed), BP_ELIMIT,
 *         BP_ETIMEDOUT, BP_ECANCELLED, BP_ENOMEM, BP_ESYSTEM (name, network, TLS, protocol).
 * @threads any, many at once; blocks until `by` at most.
 */
bp_status bp__fetch(bp__fetch_client *client, const bp__fetch_request *request, bp_deadline by,
                    bp_cancel *cancel, bp__fetch_response *ret, bp_error *reterr);

#endif
