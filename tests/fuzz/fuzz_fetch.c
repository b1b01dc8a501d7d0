/* What decides where a plugin's requests go: allow-lists, URLs, locations, and heads of requests
 * and responses. SPDX-License-Identifier: Apache-2.0
 *
 * The input's lines: an entry of an allow-list, a URL, a location seen from it; what follows is the
 * head of a response, and its first line the method, its second a header of a request. */
#include "fuzz.h"
#include "host/fetch_head.h"
#include "host/fetch_url.h"

/* The text up to the next newline, owned; moves on. */
static char *next_line(const char **at, const char *end)
{
    const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
    const char *stop = newline ? newline : end;
    char *line = strndup(*at, (size_t)(stop - *at));
    FUZZ_CHECK(line);
    *at = newline ? newline + 1 : end;
    return line;
}

/* A host is one label or more in lower case, or an address in its one spelling. */
static void check_origin(const bp__origin *origin)
{
    bp__address address;
    char text[BP__ADDRESS_TEXT];
    FUZZ_CHECK(origin->host[0] && strlen(origin->host) <= BP__HOST_NAME_MAX && origin->port);
    FUZZ_CHECK(bp__address_parse(origin->host, &address) == origin->is_address);
    for (const char *at = origin->host; *at; at++)
        FUZZ_CHECK((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '.' ||
                   *at == '-' || *at == '_' || (origin->is_address && *at == ':'));
    if (!origin->is_address)
        return;
    FUZZ_CHECK(bp__address_equal(&address, &origin->address));
    FUZZ_CHECK(strcmp(bp__address_print(&address, text), origin->host) == 0);
    /* Nothing but a public address opens by itself. */
    bp__allow nothing = {0};
    bool is_public = bp__address_classify(&address) == BP__ADDRESS_PUBLIC;
    FUZZ_CHECK(bp__allow_opens(&nothing, false, origin, &address) == is_public);
    FUZZ_CHECK(!bp__allow_matches(&nothing, origin));
}

/* What was written for curl begins with what was checked, and reads back as the same. */
static void check_url(const bp__url *url)
{
    char start[BP__HOST_NAME_MAX + 32];
    const bp__origin *origin = &url->origin;
    bool v6 = origin->is_address && origin->address.family == 6;
    check_origin(origin);
    snprintf(start, sizeof start, "http%s://%s%s%s:%u/", origin->https ? "s" : "", v6 ? "[" : "",
             origin->host, v6 ? "]" : "", origin->port);
    FUZZ_CHECK(strncmp(url->text, start, strlen(start)) == 0);
    for (const char *at = url->text; *at; at++)
        FUZZ_CHECK(*at > ' ' && *at < 0x7F && *at != '#');
    if (strlen(url->text) > BP__URL_MAX)
        return;
    bp__url again;
    bp_error error = BP_ERROR_INIT;
    FUZZ_CHECK(bp__url_read(url->text, &again, &error) == BP_OK);
    FUZZ_CHECK(strcmp(again.text, url->text) == 0 && bp__origin_equal(&again.origin, origin));
    bp__url_done(&again);
}

static void check_entry(const char *entry, bp__allow_dialect dialect, const bp__origin *origin)
{
    bp__allow list = {0};
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp__allow_add(&list, entry, dialect, &error);
    FUZZ_CHECK(list.count == (status == BP_OK));
    if (status != BP_OK)
        fuzz_check_error(status, &error);
    if (list.count && origin && bp__allow_matches(&list, origin)) {
        const bp__allow_entry *made = list.entries;
        FUZZ_CHECK(made->kind != BP__ALLOW_NAME || strcmp(made->name, origin->host) == 0);
        FUZZ_CHECK(made->kind != BP__ALLOW_NETWORK || origin->is_address);
        FUZZ_CHECK(origin->https ? made->https : made->http);
        FUZZ_CHECK(made->any_port || !made->port || made->port == origin->port);
    }
    bp__allow_done(&list);
}

static void check_urls(const char *entry, const char *text, const char *location)
{
    bp__url url, next;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp__url_read(text, &url, &error);
    if (status != BP_OK)
        fuzz_check_error(status, &error);
    else
        check_url(&url);
    check_entry(entry, BP__ALLOW_OWN, status == BP_OK ? &url.origin : NULL);
    check_entry(entry, BP__ALLOW_EXTISM, status == BP_OK ? &url.origin : NULL);
    if (status != BP_OK)
        return;
    status = bp__url_follow(&url, location, &next, &error);
    if (status == BP_OK)
        check_url(&next);
    else
        fuzz_check_error(status, &error);
    bp__url_done(&next);
    bp__url_done(&url);
}

/* What passes has nothing in it that begins a line of its own. */
static void check_request(const char *method, const char *line)
{
    char *name = strdup(line), *value = name ? strchr(name, ':') : NULL;
    FUZZ_CHECK(name);
    if (value)
        *value++ = '\0';
    bp__fetch_header header = {name, value ? value : ""};
    bp__fetch_request request = {.method = method, .headers = &header, .header_count = 1};
    bp__fetch_limits limits = BP__FETCH_LIMITS_DEFAULT;
    const char *limit = NULL;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp__request_check(&request, &limits, &limit, &error);
    FUZZ_CHECK((status == BP_ELIMIT) == (limit != NULL));
    if (status != BP_OK)
        fuzz_check_error(status, &error);
    else
        FUZZ_CHECK(!strpbrk(method, " \r\n:") && !strpbrk(name, " \r\n:") &&
                   !strpbrk(header.value, "\r\n"));
    free(name);
}

static void check_response(const char *at, const char *end)
{
    bp__head head = {.bytes_left = 500, .count_left = 20};
    bp__fetch_response response = {0};
    bool fine = true;
    size_t fields = 0, lines = 0;
    while (fine && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t size = newline ? (size_t)(newline + 1 - at) : (size_t)(end - at);
        fine = bp__head_add(&head, at, size, &response);
        at += size, lines++;
    }
    FUZZ_CHECK(fine == !response.limit && response.headers.size <= 500 + 2 * 20);
    bp__fetch_header header;
    for (size_t place = 0; bp__fetch_header_next(&response, &place, &header); fields++) {
        FUZZ_CHECK(place <= response.headers.size && header.name[0]);
        for (const char *byte = header.name; *byte; byte++)
            FUZZ_CHECK(*byte < 'A' || *byte > 'Z');
    }
    FUZZ_CHECK(fields <= lines && fields <= 20);
    const char *location = NULL;
    (void)bp__head_location(&response, &location, NULL);
    FUZZ_CHECK(!location || *location);
    bp__fetch_response_done(&response);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    char *entry = next_line(&at, end), *url = next_line(&at, end), *location = next_line(&at, end);
    check_urls(entry, url, location);
    check_response(at, end);
    char *method = next_line(&at, end), *line = next_line(&at, end);
    check_request(method, line);
    free(entry);
    free(url);
    free(location);
    free(method);
    free(line);
    return 0;
}
