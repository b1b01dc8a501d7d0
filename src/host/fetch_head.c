/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fetch_head.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"

#define METHOD_MAX 32
/* What a header costs on the wire beside its name and value: colon, space, end of line. */
#define HEADER_OVERHEAD 4

/* ---- requests ---- */

static bool is_token(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    if (!*text)
        return false;
    for (; *text; text++) {
        char byte = *text;
        bool alphanumeric = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                            (byte >= 'A' && byte <= 'Z');
        if (!alphanumeric && !strchr(others, byte))
            return false;
    }
    return true;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

static bp_status check_method(const bp__fetch_request *request, bp_error *reterr)
{
    /* CONNECT makes a tunnel, TRACE shows a request to who should not see it. */
    static const char *const refused[] = {"CONNECT", "TRACE", "TRACK", NULL};
    const char *method = request->method;
    if (!method)
        return BP_OK;
    if (!is_token(method) || strlen(method) > METHOD_MAX)
        return bp_error_set(reterr, BP_EINVAL, "the method '%.40s' is none", method);
    if (is_one_of(method, refused))
        return bp_error_set(reterr, BP_EINVAL, "the method %s is not sent", method);
    if (strcasecmp(method, "HEAD") == 0 && request->has_body && request->body.size)
        return bp_error_set(reterr, BP_EINVAL, "a HEAD request has no body");
    return BP_OK;
}

static bp_status check_header(const bp__fetch_header *header, bp_error *reterr)
{
    static const char *const ours[] = {
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
        "TE",   "Trailer",        "Upgrade",           "Expect",     "HTTP2-Settings",
        NULL};
    if (!is_token(header->name))
        return bp_error_set(reterr, BP_EINVAL, "the header name '%.80s' is none", header->name);
    if (is_one_of(header->name, ours) || strncasecmp(header->name, "Proxy-", 6) == 0)
        return bp_error_set(reterr, BP_EINVAL,
                            "the header '%.80s' says how a message travels, which is the host's; "
                            "leave it out",
                            header->name);
    for (const unsigned char *at = (const unsigned char *)header->value; *at; at++)
        if ((*at < ' ' && *at != '\t') || *at == 0x7F)
            return bp_error_set(reterr, BP_EINVAL,
                                "the header '%.80s' has a control character in its value",
                                header->name);
    return BP_OK;
}

bp_status bp__request_check(const bp__fetch_request *request, const bp__fetch_limits *limits,
                            const char **ret_limit, bp_error *reterr)
{
    bp_status status = check_method(request, reterr);
    uint64_t bytes = 0;
    for (size_t i = 0; status == BP_OK && i < request->header_count; i++) {
        const bp__fetch_header *header = &request->headers[i];
        bytes += strlen(header->name) + strlen(header->value) + HEADER_OVERHEAD;
        status = check_header(header, reterr);
    }
    if (status != BP_OK)
        return status;
    if (bytes > limits->header_bytes || request->header_count > limits->header_count) {
        *ret_limit = "http_header_bytes";
        return bp_error_set(reterr, BP_ELIMIT,
                            "%zu request headers of %llu bytes, at most %u of %u are allowed",
                            request->header_count, (unsigned long long)bytes, limits->header_count,
                            limits->header_bytes);
    }
    if (request->has_body && request->body.size > limits->request_bytes) {
        *ret_limit = "http_request_bytes";
        return bp_error_set(reterr, BP_ELIMIT,
                            "a request body of %zu bytes is over http_request_bytes (%llu)",
                            request->body.size, (unsigned long long)limits->request_bytes);
    }
    return BP_OK;
}

const char *bp__method_spell(const char *method)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(method, known[i]) == 0)
            return known[i];
    return method;
}

bool bp__method_has_body(const char *method)
{
    static const char *const with[] = {"POST", "PUT", "PATCH", NULL};
    return is_one_of(method, with);
}

/* ---- redirects ---- */

bool bp__is_redirect(uint32_t status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

void bp__hop_redirect(bp__fetch_hop *hop, uint32_t status)
{
    bool post = strcmp(hop->method, "POST") == 0;
    bool to_get = status == 303 ? strcmp(hop->method, "HEAD") != 0 : status <= 302 && post;
    if (!to_get)
        return;
    hop->method = "GET";
    hop->has_body = false;
}

bool bp__hop_sends(const bp__fetch_hop *hop, const char *name, bool body_was_dropped)
{
    static const char *const credentials[] = {"Authorization", "Cookie", "Cookie2", NULL};
    if (hop->foreign && is_one_of(name, credentials))
        return false;
    return !body_was_dropped || strncasecmp(name, "Content-", 8) != 0;
}

/* ---- responses ---- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool over(bp__fetch_response *response)
{
    response->limit = "http_header_bytes";
    return false;
}

/* Names in lower case, values without blanks around them. Folded lines are obsolete, and lines
 * without a name or with a NUL are none: they are left out. */
static bool add_field(const char *line, size_t size, bp__fetch_response *response)
{
    const char *colon = memchr(line, ':', size);
    if (!colon || colon == line || is_blank(line[0]) || is_blank(colon[-1]) ||
        memchr(line, '\0', size))
        return true;
    const char *value = colon + 1, *end = line + size;
    while (value < end && is_blank(*value))
        value++;
    while (end > value && is_blank(end[-1]))
        end--;
    bp__buffer *to = &response->headers;
    size_t start = to->size;
    bool fits = bp__buffer_append(to, line, (size_t)(colon - line)) &&
                bp__buffer_append(to, "", 1) &&
                bp__buffer_append(to, value, (size_t)(end - value)) && bp__buffer_append(to, "", 1);
    for (char *at = to->data + start; fits && *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    return fits;
}

/* What an interim answer (1xx) said is no part of the response. */
static void begin_head(bp__head *head, const char *line, size_t size, bp__fetch_response *response)
{
    const char *space = memchr(line, ' ', size);
    head->interim = space && space + 1 < line + size && space[1] == '1';
    response->headers.size = 0;
}

bool bp__head_add(bp__head *head, const char *line, size_t size, bp__fetch_response *response)
{
    if (size > head->bytes_left)
        return over(response);
    head->bytes_left -= (uint32_t)size;
    while (size && (line[size - 1] == '\n' || line[size - 1] == '\r'))
        size--;
    if (head->ended)
        return true;
    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        begin_head(head, line, size, response);
        return true;
    }
    if (size == 0) {
        head->ended = !head->interim;
        return true;
    }
    if (head->count_left-- == 0)
        return over(response);
    return add_field(line, size, response);
}

bool bp__fetch_header_next(const bp__fetch_response *response, size_t *at, bp__fetch_header *ret)
{
    if (*at >= response->headers.size)
        return false;
    ret->name = response->headers.data + *at;
    ret->value = ret->name + strlen(ret->name) + 1;
    *at += strlen(ret->name) + strlen(ret->value) + 2;
    return true;
}

bp_status bp__head_location(const bp__fetch_response *response, const char **ret, bp_error *reterr)
{
    const char *found = NULL;
    bp__fetch_header header;
    for (size_t at = 0; bp__fetch_header_next(response, &at, &header);) {
        if (strcmp(header.name, "location") != 0)
            continue;
        if (found && strcmp(found, header.value) != 0)
            return bp_error_set(reterr, BP_ESYSTEM, "the redirect names several locations");
        found = header.value;
    }
    *ret = found && *found ? found : NULL;
    return BP_OK;
}
