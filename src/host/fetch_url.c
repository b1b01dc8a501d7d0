/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fetch_url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"

BP_DEFINE_CLEANUP(cleanup_curlu, CURLU, curl_url_cleanup)
BP_DEFINE_CLEANUP(cleanup_part, char, curl_free)

static bp_status refuse(bp_error *reterr, const char *why)
{
    return bp_error_set(reterr, BP_EINVAL, "the URL %s", why);
}

/* What parsers are known to disagree about is refused before one of them sees it. */
static bp_status check_text(const char *text, bp_error *reterr)
{
    if (strlen(text) > BP__URL_MAX)
        return refuse(reterr, "is longer than 8192 bytes");
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at >= 0x7F)
            return refuse(reterr, "is not ASCII; write a host as punycode, the rest in %XX");
        if (*at <= ' ')
            return refuse(reterr, "has a space or a control character; write it as %XX");
        if (*at == '\\')
            return refuse(reterr, "has a backslash");
    }
    return BP_OK;
}

static bp_status check_scheme(const char *text, bp_error *reterr)
{
    size_t size = strncasecmp(text, "https://", 8) == 0  ? 8
                  : strncasecmp(text, "http://", 7) == 0 ? 7
                                                         : 0;
    if (!size)
        return refuse(reterr, "does not begin with http:// or https://");
    return text[size] == '/' ? refuse(reterr, "has no host") : BP_OK;
}

/* One part; absent: NULL and BP_OK. */
static bp_status part_of(CURLU *url, CURLUPart what, CURLUcode absent, char **ret, bp_error *reterr)
{
    *ret = NULL;
    CURLUcode code = curl_url_get(url, what, ret, 0);
    if (code == CURLUE_OK || (absent != CURLUE_OK && code == absent))
        return BP_OK;
    if (code == CURLUE_OUT_OF_MEMORY)
        return bp__error_oom(reterr, "reading a URL");
    return bp_error_set(reterr, BP_EINVAL, "the URL cannot be read: %s", curl_url_strerror(code));
}

static bp_status check_credentials(CURLU *url, bp_error *reterr)
{
    bp_cleanup(cleanup_part) char *user = NULL, *password = NULL;
    bp_status status = part_of(url, CURLUPART_USER, CURLUE_NO_USER, &user, reterr);
    if (status == BP_OK)
        status = part_of(url, CURLUPART_PASSWORD, CURLUE_NO_PASSWORD, &password, reterr);
    if (status == BP_OK && (user || password))
        return refuse(reterr, "has a user or a password; send an Authorization header");
    return status;
}

static bp_status read_host(CURLU *url, bp__origin *origin, bp_error *reterr)
{
    bp_cleanup(cleanup_part) char *host = NULL, *zone = NULL;
    bp_status status = part_of(url, CURLUPART_HOST, CURLUE_OK, &host, reterr);
    if (status == BP_OK)
        status = part_of(url, CURLUPART_ZONEID, CURLUE_NO_ZONEID, &zone, reterr);
    if (status != BP_OK)
        return status;
    if (zone)
        return refuse(reterr, "has an address with a zone");
    size_t size = strlen(host);
    bool bracketed = size > 2 && host[0] == '[' && host[size - 1] == ']';
    const char *wrong = bp__origin_set_host(origin, host + bracketed, size - 2 * bracketed);
    if (wrong)
        return bp_error_set(reterr, BP_EINVAL, "the URL's host '%.200s' %s", host, wrong);
    return BP_OK;
}

/* curl refuses ports above 65535 but not 0, which would mean the default to some. */
static bp_status read_port(CURLU *url, bp__origin *origin, bp_error *reterr)
{
    bp_cleanup(cleanup_part) char *port = NULL;
    bp_status status = part_of(url, CURLUPART_PORT, CURLUE_NO_PORT, &port, reterr);
    if (status != BP_OK)
        return status;
    unsigned long number = port ? strtoul(port, NULL, 10) : origin->https ? 443UL : 80UL;
    if (number == 0 || number > UINT16_MAX)
        return refuse(reterr, "has a port that is none");
    origin->port = (uint16_t)number;
    return BP_OK;
}

/* The URL is written anew from what was checked, so that nobody reads another host in it. */
static bp_status write_url(CURLU *url, bp__url *to, bp_error *reterr)
{
    bp_cleanup(cleanup_part) char *path = NULL, *query = NULL;
    const bp__origin *origin = &to->origin;
    bp_status status = part_of(url, CURLUPART_PATH, CURLUE_OK, &path, reterr);
    if (status == BP_OK)
        status = part_of(url, CURLUPART_QUERY, CURLUE_NO_QUERY, &query, reterr);
    if (status != BP_OK)
        return status;
    bool v6 = origin->is_address && origin->address.family == 6;
    bp__buffer text = {0};
    bp__buffer_printf(&text, "%s://%s%s%s:%u%s%s%s", origin->https ? "https" : "http",
                      v6 ? "[" : "", origin->host, v6 ? "]" : "", origin->port, path,
                      query ? "?" : "", query ? query : "");
    if (!text.overflow && bp__buffer_text(&text)) {
        to->text = text.data;
        return BP_OK;
    }
    bp__buffer_done(&text);
    return bp__error_oom(reterr, "reading a URL");
}

static bp_status read_url(CURLU *url, bp__url *to, bp_error *reterr)
{
    bp_cleanup(cleanup_part) char *scheme = NULL;
    bp_status status = part_of(url, CURLUPART_SCHEME, CURLUE_OK, &scheme, reterr);
    if (status != BP_OK)
        return status;
    to->origin.https = strcasecmp(scheme, "https") == 0;
    status = check_credentials(url, reterr);
    if (status == BP_OK)
        status = read_host(url, &to->origin, reterr);
    if (status == BP_OK)
        status = read_port(url, &to->origin, reterr);
    return status == BP_OK ? write_url(url, to, reterr) : status;
}

static bp_status set(CURLU *url, const char *text, bp_error *reterr)
{
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    if (code == CURLUE_OK)
        return BP_OK;
    if (code == CURLUE_OUT_OF_MEMORY)
        return bp__error_oom(reterr, "reading a URL");
    if (code == CURLUE_USER_NOT_ALLOWED)
        return refuse(reterr, "has a user or a password; send an Authorization header");
    return bp_error_set(reterr, BP_EINVAL, "the URL cannot be read: %s", curl_url_strerror(code));
}

bp_status bp__url_read(const char *text, bp__url *ret, bp_error *reterr)
{
    *ret = (bp__url){0};
    bp_status status = check_text(text, reterr);
    if (status == BP_OK)
        status = check_scheme(text, reterr);
    if (status != BP_OK)
        return status;
    bp_cleanup(cleanup_curlu) CURLU *url = curl_url();
    if (!url)
        return bp__error_oom(reterr, "reading a URL");
    status = set(url, text, reterr);
    return status == BP_OK ? read_url(url, ret, reterr) : status;
}

/* Joined by curl, then read like any other, since a location may be a whole URL. */
bp_status bp__url_follow(const bp__url *base, const char *location, bp__url *ret, bp_error *reterr)
{
    *ret = (bp__url){0};
    bp_status status = check_text(location, reterr);
    if (status != BP_OK)
        return status;
    bp_cleanup(cleanup_curlu) CURLU *url = curl_url();
    bp_cleanup(cleanup_part) char *whole = NULL;
    if (!url)
        return bp__error_oom(reterr, "reading a URL");
    status = set(url, base->text, reterr);
    if (status == BP_OK)
        status = set(url, location, reterr);
    if (status == BP_OK)
        status = part_of(url, CURLUPART_URL, CURLUE_OK, &whole, reterr);
    return status == BP_OK ? bp__url_read(whole, ret, reterr) : status;
}

void bp__url_done(bp__url *url)
{
    bp__free(url->text);
    url->text = NULL;
}

bool bp__origin_equal(const bp__origin *a, const bp__origin *b)
{
    return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}
