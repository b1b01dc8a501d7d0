/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "host/fetch_transfer.h"

struct bp__fetch_client {
    /* Immutable. */
    bp__allow hosts, asked;
    bool has_asked, private_addresses;
    bp__fetch_limits limits;
    char *ca_file;
    /* Thread-safe. */
    bp__resolver *resolver;
    bp__lanes lanes;
};

/* Once a process and never undone: the host may use curl too, and curl counts its users. */
static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* curl reads the file at the first TLS connection; the host should hear of it now. */
static bp_status set_ca_file(bp__fetch_client *client, const char *path, bp_error *reterr)
{
    if (!path)
        return BP_OK;
    if (access(path, R_OK) != 0)
        return bp_error_set(reterr, BP_EINVAL, "http_ca_file '%.200s': cannot be read", path);
    client->ca_file = bp__strdup(path);
    return client->ca_file ? BP_OK : bp__error_oom(reterr, "making an HTTP client");
}

static void drop_lists(const bp__fetch_options *options)
{
    bp__allow hosts = *options->hosts, asked = {0};
    if (options->asked)
        asked = *options->asked;
    bp__allow_done(&hosts);
    bp__allow_done(&asked);
}

bp_status bp__fetch_client_new(const bp__fetch_options *options, bp__fetch_client **ret,
                               bp_error *reterr)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    bp__fetch_client *client = bp__alloc_zeroed(1, sizeof *client);
    if (!client) {
        drop_lists(options);
        return bp__error_oom(reterr, "making an HTTP client");
    }
    client->hosts = *options->hosts;
    client->has_asked = options->asked != NULL;
    if (client->has_asked)
        client->asked = *options->asked;
    client->private_addresses = options->private_addresses;
    client->limits = options->limits;
    bp__lanes_init(&client->lanes, options->limits.connections);
    bp_status status = set_ca_file(client, options->ca_file, reterr);
    if (status == BP_OK)
        status = bp__resolver_new(options->lookup, options->lookup_data, &client->resolver, reterr);
    if (status == BP_OK)
        *ret = client;
    else
        bp__fetch_client_free(client);
    return status;
}

void bp__fetch_client_free(bp__fetch_client *client)
{
    if (!client)
        return;
    bp__lanes_done(&client->lanes);
    bp__resolver_unref(client->resolver);
    bp__allow_done(&client->hosts);
    bp__allow_done(&client->asked);
    bp__free(client->ca_file);
    bp__free(client);
}

void bp__fetch_response_done(bp__fetch_response *response)
{
    bp__buffer_done(&response->body);
    bp__buffer_done(&response->headers);
}

/* ---- may it go there? ---- */

static bp_status check_origin(const bp__fetch_client *client, const bp__origin *origin,
                              bp_error *reterr)
{
    const char *scheme = origin->https ? "https" : "http";
    if (!bp__allow_matches(&client->hosts, origin))
        return bp_error_set(reterr, BP_EDENIED,
                            "host '%s' (%s, port %u) is not among the hosts that the plugin may "
                            "reach",
                            origin->host, scheme, origin->port);
    if (client->has_asked && !bp__allow_matches(&client->asked, origin))
        return bp_error_set(reterr, BP_EDENIED,
                            "host '%s' (%s, port %u) is not in allowed_hosts of the plugin's "
                            "manifest",
                            origin->host, scheme, origin->port);
    return BP_OK;
}

/* One bad address condemns the name: whoever answers both wants the check to see one and the
 * socket to take the other. */
static bp_status check_addresses(const bp__fetch_client *client, const bp__origin *origin,
                                 const bp__addresses *found, bp_error *reterr)
{
    for (size_t i = 0; i < found->count; i++) {
        const bp__address *address = &found->items[i];
        char text[BP__ADDRESS_TEXT];
        if (bp__allow_opens(&client->hosts, client->private_addresses, origin, address))
            continue;
        return bp_error_set(reterr, BP_EDENIED,
                            "host '%s' is at %s, %s, which the plugin may not reach", origin->host,
                            bp__address_print(address, text),
                            bp__address_class_text(bp__address_classify(address)));
    }
    return BP_OK;
}

static bp_status find_addresses(bp__fetch_client *client, const bp__origin *origin, bp_deadline by,
                                bp_cancel *cancel, bp__addresses *ret, bp_error *reterr)
{
    bp_status status = BP_OK;
    if (origin->is_address)
        *ret = (bp__addresses){.items = {origin->address}, .count = 1};
    else
        status = bp__resolve(client->resolver, origin->host, by, cancel, ret, reterr);
    return status == BP_OK ? check_addresses(client, origin, ret, reterr) : status;
}

/* ---- fetching ---- */

typedef struct fetch {
    bp__fetch_client *client;
    const bp__fetch_request *request;
    bp_deadline by;
    bp_cancel *cancel;
    bp__lane *lane;
    bp__url url;
    bp__fetch_hop hop;
    bp__fetch_response *response;
} fetch;

static void forget_response(bp__fetch_response *response)
{
    bp__buffer_clear(&response->body);
    bp__buffer_clear(&response->headers);
    response->status = 0;
}

static bp_status run_hop(fetch *self, bp_error *reterr)
{
    bp__addresses addresses;
    bp_status status =
        find_addresses(self->client, &self->url.origin, self->by, self->cancel, &addresses, reterr);
    if (status != BP_OK)
        return status;
    forget_response(self->response);
    bp__transfer transfer = {self->lane,
                             self->request,
                             &self->hop,
                             &self->url,
                             &addresses,
                             &self->client->limits,
                             self->client->ca_file,
                             self->by,
                             self->cancel};
    return bp__transfer_run(&transfer, self->response, reterr);
}

/* Moves on to what the response names. */
static bp_status redirect(fetch *self, const char *location, bp_error *reterr)
{
    bp__fetch_response *response = self->response;
    uint32_t allowed = self->client->limits.redirects;
    if (response->redirects >= allowed) {
        response->limit = "http_redirects";
        return bp_error_set(reterr, BP_ELIMIT, "more than %u redirects", allowed);
    }
    bp__url next;
    bp_status status = bp__url_follow(&self->url, location, &next, reterr);
    if (status != BP_OK)
        return bp__error_prefix(reterr, "the redirect"), status;
    if (!bp__origin_equal(&next.origin, &self->url.origin))
        self->hop.foreign = true;
    bp__hop_redirect(&self->hop, response->status);
    bp__url_done(&self->url);
    self->url = next;
    response->redirects++;
    return check_origin(self->client, &self->url.origin, reterr);
}

static bp_status run_hops(fetch *self, bp_error *reterr)
{
    for (;;) {
        const char *location = NULL;
        bp_status status = run_hop(self, reterr);
        if (status == BP_OK && bp__is_redirect(self->response->status))
            status = bp__head_location(self->response, &location, reterr);
        if (status == BP_OK && location)
            status = redirect(self, location, reterr);
        if (status != BP_OK && self->response->redirects)
            return bp__error_prefix(reterr, "after %u redirects", self->response->redirects), status;
        if (status != BP_OK || !location)
            return status;
    }
}

/* Which of the two limits on time it was. */
static bp_status judge_time(const fetch *self, bp_deadline by, bp_error *reterr)
{
    if (bp_deadline_passed(by))
        return BP_ETIMEDOUT;
    self->response->limit = "http_time_ms";
    return bp_error_set(reterr, BP_ELIMIT, "the fetch took more than http_time_ms (%llu)",
                        (unsigned long long)self->client->limits.time_ms);
}

static bp_deadline earlier(bp_deadline by, uint64_t time_ms)
{
    uint64_t ns = time_ms > UINT64_MAX / BP_NS_PER_MS ? UINT64_MAX : time_ms * BP_NS_PER_MS;
    return bp__deadline_min(by, bp__deadline_after(bp__now_ns(), ns));
}

static bp_status run_on_lane(fetch *self, bp_error *reterr)
{
    bp__lanes *lanes = &self->client->lanes;
    bp_status status =
        bp__lane_take(lanes, self->request->tenant, self->by, self->cancel, &self->lane, reterr);
    if (status != BP_OK)
        return status;
    status = run_hops(self, reterr);
    bp__lane_give(lanes, self->lane);
    return status;
}

bp_status bp__fetch(bp__fetch_client *client, const bp__fetch_request *request, bp_deadline by,
                    bp_cancel *cancel, bp__fetch_response *ret, bp_error *reterr)
{
    fetch self = {.client = client,
                  .request = request,
                  .by = earlier(by, client->limits.time_ms),
                  .cancel = cancel,
                  .hop = {.method = bp__method_spell(request->method ? request->method : "GET")},
                  .response = ret};
    self.hop.has_body = request->has_body || bp__method_has_body(self.hop.method);
    ret->redirects = 0;
    ret->limit = NULL;
    bp_status status = bp__request_check(request, &client->limits, &ret->limit, reterr);
    if (status == BP_OK)
        status = bp__url_read(request->url, &self.url, reterr);
    if (status == BP_OK)
        status = check_origin(client, &self.url.origin, reterr);
    if (status == BP_OK)
        status = run_on_lane(&self, reterr);
    bp__url_done(&self.url);
    if (status != BP_OK)
        forget_response(ret);
    return status == BP_ETIMEDOUT ? judge_time(&self, by, reterr) : status;
}
