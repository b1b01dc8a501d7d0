/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fetch_transfer.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/error.h"

#define CONNECTION_AGE_MAX_S 60L
#define CONNECT_TIME_MS 10000L

/* A transfer while it runs; curl's callbacks get it. */
typedef struct run {
    const bp__transfer *transfer;
    bp__fetch_response *response;
    bp__head head;
    struct curl_slist *headers, *resolve;
    char text[CURL_ERROR_SIZE]; /* curl's words */
    bool wrong_address;         /* a socket was about to go where nobody checked */
} run;

/* ---- callbacks ---- */

/* The second wall: whatever made curl choose an address, a socket only goes to a checked one. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *to)
{
    run *self = data;
    const bp__addresses *allowed = self->transfer->addresses;
    bp__address address;
    uint16_t port = 0;
    bool known = false;
    if (purpose == CURLSOCKTYPE_IPCXN && bp__address_from(&to->addr, to->addrlen, &address, &port))
        for (size_t i = 0; i < allowed->count && !known; i++)
            known = bp__address_equal(&allowed->items[i], &address);
    if (!known || port != self->transfer->url->origin.port) {
        self->wrong_address = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    run *self = data;
    return bp__head_add(&self->head, line, size * count, self->response) ? size * count : 0;
}

/* Every byte is counted as it comes; nothing is decompressed, so none becomes many. */
static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    run *self = data;
    bp__buffer *body = &self->response->body;
    uint64_t limit = self->transfer->limits->response_bytes;
    size *= count;
    if (size > limit || body->size > limit - size) {
        self->response->limit = "http_response_bytes";
        return CURL_WRITEFUNC_ERROR;
    }
    return bp__buffer_append(body, bytes, size) ? size : CURL_WRITEFUNC_ERROR;
}

static void wake(void *multi)
{
    curl_multi_wakeup(multi);
}

/* ---- setting up ---- */

/* Returns false when memory is gone; other failures cannot be for options that this curl knows. */
#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

static bool append(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);
    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool append_buffer(struct curl_slist **list, bp__buffer *text)
{
    const char *line = text->overflow ? NULL : bp__buffer_text(text);
    bool fine = line && append(list, line);
    bp__buffer_done(text);
    return fine;
}

/* "Name:" would take a header out, so an empty value is written "Name;". */
static bool add_header(run *self, const bp__fetch_header *header)
{
    bp__buffer line = {0};
    const char *value = header->value + strspn(header->value, " \t");
    bp__buffer_printf(&line, *value ? "%s: %s" : "%s;", header->name, value);
    return append_buffer(&self->headers, &line);
}

/* No header comes from curl that the guest did not send, but for Host, the body's length, Accept
 * and User-Agent. */
static bool add_headers(run *self)
{
    const bp__fetch_request *request = self->transfer->request;
    const bp__fetch_hop *hop = self->transfer->hop;
    bool has_type = false, dropped = request->has_body && !hop->has_body;
    for (size_t i = 0; i < request->header_count; i++) {
        const bp__fetch_header *header = &request->headers[i];
        if (!bp__hop_sends(hop, header->name, dropped))
            continue;
        has_type = has_type || strcasecmp(header->name, "Content-Type") == 0;
        if (!add_header(self, header))
            return false;
    }
    return append(&self->headers, "Expect:") &&
           (has_type || append(&self->headers, "Content-Type:"));
}

static bool set_method(run *self, CURL *easy)
{
    const bp__fetch_hop *hop = self->transfer->hop;
    bp_bytes body = self->transfer->request->body;
    if (strcmp(hop->method, "HEAD") == 0)
        return SET(CURLOPT_NOBODY, 1L);
    if (!SET(CURLOPT_CUSTOMREQUEST, hop->method))
        return false;
    if (!hop->has_body)
        return SET(CURLOPT_HTTPGET, 1L);
    return SET(CURLOPT_POST, 1L) && SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size) &&
           SET(CURLOPT_POSTFIELDS, body.size ? body.data : "");
}

/* Tells curl what the name resolves to, and to forget what the lane's last name did: such entries
 * would stay for ever. */
static bool pin(run *self, CURL *easy)
{
    bp__lane *lane = self->transfer->lane;
    const bp__origin *origin = &self->transfer->url->origin;
    if (lane->pinned[0] && !append(&self->resolve, lane->pinned))
        return false;
    lane->pinned[0] = '\0';
    if (!origin->is_address) {
        bp__buffer line = {0};
        char text[BP__ADDRESS_TEXT];
        bp__buffer_printf(&line, "%s:%u:", origin->host, origin->port);
        for (size_t i = 0; i < self->transfer->addresses->count; i++)
            bp__buffer_printf(&line, i ? ",%s" : "%s",
                              bp__address_print(&self->transfer->addresses->items[i], text));
        if (!append_buffer(&self->resolve, &line))
            return false;
        snprintf(lane->pinned, sizeof lane->pinned, "-%s:%u", origin->host, origin->port);
    }
    return !self->resolve || SET(CURLOPT_RESOLVE, self->resolve);
}

static bool set_security(run *self, CURL *easy)
{
    const char *ca_file = self->transfer->ca_file;
    if (ca_file && !(SET(CURLOPT_CAINFO, ca_file) && SET(CURLOPT_CAPATH, NULL)))
        return false;
    return SET(CURLOPT_PROTOCOLS_STR, "http,https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
           SET(CURLOPT_PROXY, "") && SET(CURLOPT_NOPROXY, "*") &&
           SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) && SET(CURLOPT_SSL_VERIFYPEER, 1L) &&
           SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           SET(CURLOPT_HTTP09_ALLOWED, 0L) && SET(CURLOPT_ACCEPT_ENCODING, NULL) &&
           SET(CURLOPT_HTTP_CONTENT_DECODING, 0L) && SET(CURLOPT_OPENSOCKETFUNCTION, open_socket) &&
           SET(CURLOPT_OPENSOCKETDATA, self);
}

static bool set_plain(run *self, CURL *easy)
{
    return SET(CURLOPT_URL, self->transfer->url->text) && SET(CURLOPT_PATH_AS_IS, 1L) &&
           SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_ERRORBUFFER, self->text) &&
           SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) &&
           SET(CURLOPT_USERAGENT, "bullpen/" BP__VERSION) &&
           SET(CURLOPT_MAXAGE_CONN, CONNECTION_AGE_MAX_S) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIME_MS) &&
           SET(CURLOPT_HEADERFUNCTION, on_header) && SET(CURLOPT_HEADERDATA, self) &&
           SET(CURLOPT_WRITEFUNCTION, on_body) && SET(CURLOPT_WRITEDATA, self);
}
#undef SET

static bool set_up(run *self)
{
    CURL *easy = self->transfer->lane->easy;
    curl_easy_reset(easy);
    return add_headers(self) && set_plain(self, easy) && set_security(self, easy) &&
           set_method(self, easy) && pin(self, easy) &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, self->headers) == CURLE_OK;
}

/* ---- running ---- */

static bp_status refuse_time(bp_status status, bp_error *reterr)
{
    return bp_error_set(reterr, status,
                        status == BP_ECANCELLED ? "cancelled" : "no whole answer came in time");
}

/* BP_OK: the transfer came to its end, by *ret_code. */
static bp_status drive(const run *self, CURLcode *ret_code, bp_error *reterr)
{
    CURLM *multi = self->transfer->lane->multi;
    for (;;) {
        int running = 0, messages = 0;
        CURLMcode code = curl_multi_perform(multi, &running);
        CURLMsg *message = curl_multi_info_read(multi, &messages);
        if (message && message->msg == CURLMSG_DONE) {
            *ret_code = message->data.result;
            return BP_OK;
        }
        uint64_t left_ms = bp_deadline_left_ns(self->transfer->by) / BP_NS_PER_MS;
        if (bp_cancel_triggered(self->transfer->cancel))
            return refuse_time(BP_ECANCELLED, reterr);
        if (bp_deadline_passed(self->transfer->by))
            return refuse_time(BP_ETIMEDOUT, reterr);
        if (code == CURLM_OK)
            code = curl_multi_poll(multi, NULL, 0, left_ms < INT_MAX ? (int)left_ms + 1 : INT_MAX,
                                   NULL);
        if (code != CURLM_OK)
            return bp_error_set(reterr, BP_ESYSTEM, "%s", curl_multi_strerror(code));
    }
}

/* Cancelled, the lane's poll ends at once; its handle outlives the watch. */
static bp_status perform(const run *self, CURLcode *ret_code, bp_error *reterr)
{
    const bp__transfer *transfer = self->transfer;
    bp__cancel_waker waker = {.wake = wake, .data = transfer->lane->multi};
    if (curl_multi_add_handle(transfer->lane->multi, transfer->lane->easy) != CURLM_OK)
        return bp__error_oom(reterr, "starting a transfer");
    bp_status status = BP_ECANCELLED;
    if (bp__cancel_watch(transfer->cancel, &waker)) {
        status = drive(self, ret_code, reterr);
        bp__cancel_unwatch(transfer->cancel, &waker);
    } else {
        refuse_time(status, reterr);
    }
    curl_multi_remove_handle(transfer->lane->multi, transfer->lane->easy);
    return status;
}

/* ---- judging ---- */

static bp_status over_limit(const run *self, const char *limit, bp_error *reterr)
{
    const bp__fetch_limits *limits = self->transfer->limits;
    self->response->limit = limit;
    if (strcmp(limit, "http_response_bytes") == 0)
        return bp_error_set(reterr, BP_ELIMIT,
                            "the response's body is over http_response_bytes (%llu)",
                            (unsigned long long)limits->response_bytes);
    return bp_error_set(
        reterr, BP_ELIMIT,
        "the response's headers are over http_header_bytes (%u, at most %u of them)",
        limits->header_bytes, limits->header_count);
}

static bp_status failed(const run *self, CURLcode code, bp_error *reterr)
{
    const bp__fetch_response *response = self->response;
    if (response->limit)
        return over_limit(self, response->limit, reterr);
    if (response->body.overflow || response->headers.overflow)
        return bp__error_oom(reterr, "receiving a response");
    if (self->wrong_address)
        return bp_error_set(reterr, BP_EDENIED,
                            "the connection was about to go to an address that "
                            "was not checked");
    /* curl's own answer to a line of over 100 KiB, which no limit of ours lets pass either. */
    if (code == CURLE_OUT_OF_MEMORY && !self->head.ended)
        return over_limit(self, "http_header_bytes", reterr);
    return bp_error_set(reterr, BP_ESYSTEM, "host '%s': %s%s%s", self->transfer->url->origin.host,
                        curl_easy_strerror(code), *self->text ? ": " : "", self->text);
}

static bp_status judge(const run *self, CURLcode code, bp_error *reterr)
{
    long status = 0;
    if (code != CURLE_OK)
        return failed(self, code, reterr);
    curl_easy_getinfo(self->transfer->lane->easy, CURLINFO_RESPONSE_CODE, &status);
    self->response->status = (uint32_t)status;
    return BP_OK;
}

bp_status bp__transfer_run(const bp__transfer *transfer, bp__fetch_response *response,
                           bp_error *reterr)
{
    run self = {.transfer = transfer,
                .response = response,
                .head = {.bytes_left = transfer->limits->header_bytes,
                         .count_left = transfer->limits->header_count}};
    CURLcode code = CURLE_OK;
    bp_status status = set_up(&self) ? perform(&self, &code, reterr)
                                     : bp__error_oom(reterr, "preparing a transfer");
    if (status == BP_OK)
        status = judge(&self, code, reterr);
    /* It points into this frame and to the request. */
    curl_easy_reset(transfer->lane->easy);
    curl_slist_free_all(self.headers);
    curl_slist_free_all(self.resolve);
    return status;
}
