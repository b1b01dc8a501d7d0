/* Extism's HTTP functions: JSON on the guest's side, bp__fetch() on the host's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "guest/extism/http.h"

#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "guest/access.h"
#include "guest/json.h"
#include "guest/sandbox.h"
#include "host/fetch.h"

/* A URL and headers, with JSON's escapes. */
#define REQUEST_SIZE_MAX ((size_t)1 << 20)
/* Brackets within brackets: a request has two. */
#define DEPTH_MAX 4

static void json_free(json_t **json)
{
    if (*json)
        json_decref(*json);
}

/* ---- the request ---- */

static bp_status refuse(bp_error *reterr, const char *what)
{
    return bp_error_set(reterr, BP_EINVAL, "the request %s", what);
}

static bp_status read_headers(json_t *from, bp__fetch_request *to, bp_error *reterr)
{
    if (!from || json_is_null(from))
        return BP_OK;
    if (!json_is_object(from))
        return refuse(reterr, "has headers that are no object of strings");
    bp__fetch_header *headers = bp__alloc_zeroed(json_object_size(from), sizeof *headers);
    if (!headers)
        return bp__error_oom(reterr, "reading a request");
    to->headers = headers;
    const char *name;
    json_t *value;
    json_object_foreach(from, name, value)
    {
        if (!json_is_string(value))
            return refuse(reterr, "has a header that is no string");
        headers[to->header_count++] = (bp__fetch_header){name, json_string_value(value)};
    }
    return BP_OK;
}

static bp_status check_fields(json_t *from, bp_error *reterr)
{
    static const char *const known[] = {"url", "method", "headers", "header"};
    const char *name;
    json_t *value;
    json_object_foreach(from, name, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found = found || strcmp(name, known[i]) == 0;
        if (!found)
            return bp_error_set(reterr, BP_EINVAL, "the request has an unknown field '%.80s'",
                                name);
    }
    return BP_OK;
}

/* What it points to is `from`'s, but for the list of headers, which is owned. */
static bp_status read_request(json_t *from, bp__fetch_request *to, bp_error *reterr)
{
    if (!json_is_object(from))
        return refuse(reterr, "is no JSON object");
    bp_status status = check_fields(from, reterr);
    if (status != BP_OK)
        return status;
    json_t *method = json_object_get(from, "method");
    json_t *headers = json_object_get(from, "headers");
    json_t *older = json_object_get(from, "header"); /* as PDKs once wrote it */
    to->url = json_string_value(json_object_get(from, "url"));
    if (!to->url)
        return refuse(reterr, "has no url");
    if (method && !json_is_string(method) && !json_is_null(method))
        return refuse(reterr, "has a method that is no string");
    if (headers && older)
        return refuse(reterr, "has both 'headers' and 'header'");
    to->method = json_string_value(method);
    return read_headers(headers ? headers : older, to, reterr);
}

/* ---- the response ---- */

/* Appends a value to what the object has under this name. */
static bool add_value(json_t *object, const char *name, const char *value)
{
    bp__buffer text = {0};
    const char *before = json_string_value(json_object_get(object, name));
    if (before) {
        bp__buffer_append_text(&text, before);
        bp__buffer_append_text(&text, ", ");
    }
    bool fine = bp__utf8_append_lossy(&text, value, strlen(value)) && !text.overflow;
    fine = fine && json_object_set_new(object, name,
                                       json_stringn(text.size ? text.data : "", text.size)) == 0;
    bp__buffer_done(&text);
    return fine;
}

static int append(const char *data, size_t size, void *to)
{
    return bp__buffer_append(to, data, size) ? 0 : -1;
}

/* Names are ASCII, which servers need not know: others are left out. */
static bool write_headers(const bp__fetch_response *response, bp__buffer *to)
{
    bp_cleanup(json_free) json_t *object = json_object();
    bp__fetch_header header;
    bool fine = object != NULL;
    for (size_t at = 0; fine && bp__fetch_header_next(response, &at, &header);)
        if (bp__utf8_valid(header.name, strlen(header.name)))
            fine = add_value(object, header.name, header.value);
    return fine && json_dump_callback(object, append, to, JSON_COMPACT) == 0;
}

static bool keep_response(bp__sandbox *sandbox, const bp__fetch_response *response,
                          uint64_t *ret_handle)
{
    bp_bytes body = bp__buffer_bytes(&response->body);
    *ret_handle = bp__extism_put(&sandbox->memory, body);
    if (body.size && !*ret_handle)
        return bp__stop_set(&sandbox->host, BP__STOP_MEMORY);
    sandbox->http_status = (int32_t)response->status;
    bp__buffer_clear(&sandbox->http_headers);
    if (sandbox->program->http_headers && !write_headers(response, &sandbox->http_headers))
        return bp__stop_refuse(&sandbox->host, "out of memory while keeping headers");
    return true;
}

/* ---- the functions ---- */

static bool stop(bp__sandbox *sandbox, const bp__fetch_response *response, const bp_error *error)
{
    bp__host_state *host = &sandbox->host;
    switch (error->status) {
    case BP_ETIMEDOUT:
        return bp__stop_set(host, BP__STOP_DEADLINE);
    case BP_ECANCELLED:
        return bp__stop_set(host, BP__STOP_CANCELLED);
    case BP_ELIMIT:
        return bp__stop_limit(host, response->limit, "%s", error->message);
    default:
        return bp__stop_refuse(host, "%s", error->message);
    }
}

static bp_status fetch(bp__sandbox *sandbox, const bp__value *values, bp__fetch_response *ret,
                       bp_error *reterr)
{
    bp_cleanup(json_free) json_t *json = NULL;
    bp__fetch_request request = {0};
    uint64_t body = (uint64_t)values[1].i64;
    request.body = bp__extism_get(&sandbox->memory, body);
    request.has_body = body != 0;
    bp_status status = bp__access_may_fetch(sandbox, reterr);
    if (status == BP_OK && body && !request.body.data)
        status = refuse(reterr, "has a body that is no block");
    if (status == BP_OK)
        json = bp__json_read(bp__extism_get(&sandbox->memory, (uint64_t)values[0].i64),
                             REQUEST_SIZE_MAX, DEPTH_MAX, "the request", reterr);
    if (status == BP_OK && !json)
        status = BP_EINVAL;
    if (status == BP_OK)
        status = read_request(json, &request, reterr);
    /* Nothing touches the sandbox meanwhile, so the body stays where it is. */
    if (status == BP_OK)
        status = bp__access_fetch(sandbox, &request, ret, reterr);
    bp__free((void *)(uintptr_t)request.headers);
    return status;
}

bool bp__extism_http_request(void *env, void *host_data, bp__value *values)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__host_enter(&sandbox->host, env))
        return false;
    bp_error error = BP_ERROR_INIT;
    bp__fetch_response response = {0};
    uint64_t handle = 0;
    sandbox->http_status = 0;
    bp_status status = fetch(sandbox, values, &response, &error);
    bp__extism_free(&sandbox->memory, (uint64_t)values[0].i64);
    bp__extism_free(&sandbox->memory, (uint64_t)values[1].i64);
    bool ok = status == BP_OK ? keep_response(sandbox, &response, &handle)
                              : stop(sandbox, &response, &error);
    bp__fetch_response_done(&response);
    values[0].i64 = (int64_t)handle;
    return ok && bp__host_leave(&sandbox->host);
}

bool bp__extism_http_status_code(void *env, void *host_data, bp__value *values)
{
    (void)env;
    values[0].i32 = ((bp__sandbox *)host_data)->http_status;
    return true;
}

bool bp__extism_http_headers(void *env, void *host_data, bp__value *values)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__host_enter(&sandbox->host, env))
        return false;
    values[0].i64 =
        (int64_t)bp__extism_put(&sandbox->memory, bp__buffer_bytes(&sandbox->http_headers));
    return bp__host_leave(&sandbox->host);
}
