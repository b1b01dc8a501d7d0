/* bullpen:plugin/http. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "guest/access.h"
#include "guest/component/private.h"

/* A method, a URL and headers. */
#define REQUEST_SIZE_MAX ((size_t)1 << 20)

/* A request as bp__fetch() takes it: with strings that end in NUL. One allocation. */
typedef struct spelled {
    bp__fetch_header *headers;
    char *at; /* where the next string goes */
} spelled;

static bool add(size_t *total, size_t size)
{
    *total += size;
    return size <= REQUEST_SIZE_MAX && *total <= REQUEST_SIZE_MAX;
}

/* Bytes that its strings take; 0: too many. */
static size_t measure(const foundation_plugin_request *request)
{
    size_t total = 0;
    bool fits = add(&total, request->method.size) && add(&total, request->url.size);
    for (size_t i = 0; fits && i < request->header_count; i++)
        fits = add(&total, request->headers[i].name.size + 1) &&
               add(&total, request->headers[i].value.size + 1);
    return fits ? total + 2 : 0;
}

/* NULL: it has a NUL in it, and so would be read as something else. */
static const char *spell(spelled *to, foundation_slice from)
{
    char *text = to->at;
    if (from.size && memchr(from.data, '\0', from.size))
        return NULL;
    if (from.size)
        memcpy(text, from.data, from.size);
    text[from.size] = '\0';
    to->at = text + from.size + 1;
    return text;
}

static bp_status refuse_nul(const char *where, bp_error *reterr)
{
    return bp_error_set(reterr, BP_EINVAL, "the request has a NUL in %s", where);
}

static bp_status spell_all(const foundation_plugin_request *from, spelled *to,
                           bp__fetch_request *ret, bp_error *reterr)
{
    if (!(ret->method = spell(to, from->method)))
        return refuse_nul("its method", reterr);
    if (!(ret->url = spell(to, from->url)))
        return refuse_nul("its URL", reterr);
    for (size_t i = 0; i < from->header_count; i++) {
        bp__fetch_header *header = &to->headers[i];
        if (!(header->name = spell(to, from->headers[i].name)) ||
            !(header->value = spell(to, from->headers[i].value)))
            return refuse_nul("a header", reterr);
    }
    ret->headers = to->headers;
    ret->header_count = from->header_count;
    ret->has_body = from->has_body;
    ret->body = bp__bytes_of_slice(from->body);
    return BP_OK;
}

static bp_status fetch(bp__sandbox *sandbox, const foundation_plugin_request *from,
                       bp__fetch_response *ret, bp_error *reterr)
{
    size_t size = measure(from);
    if (!size)
        return bp_error_set(reterr, BP_ELIMIT,
                            "the request has more than %zu bytes before its body",
                            REQUEST_SIZE_MAX);
    size_t list = from->header_count * sizeof(bp__fetch_header); /* each counted as 2 bytes above */
    void *memory = bp__alloc(list + size);
    if (!memory)
        return bp__error_oom(reterr, "reading a request");
    spelled to = {memory, (char *)memory + list};
    bp__fetch_request request = {0};
    bp_status status = spell_all(from, &to, &request, reterr);
    if (status == BP_OK)
        status = bp__access_fetch(sandbox, &request, ret, reterr);
    bp__free(memory);
    return status;
}

foundation_reply bp__component_http_fetch(void *host_data, const foundation_plugin_request *request,
                                          foundation_plugin_response *ret, foundation_slice *reterr)
{
    bp__sandbox *sandbox = host_data;
    bp_error error = BP_ERROR_INIT;
    if (!bp__component_enter(sandbox, "http.fetch"))
        return FOUNDATION_REPLY_STOP;
    bp__fetch_response *response = &sandbox->lent.response;
    if (fetch(sandbox, request, response, &error) != BP_OK) {
        bp__fetch_response_done(response);
        *response = (bp__fetch_response){0};
        return bp__component_fail(sandbox, &error, reterr);
    }
    ret->status = (uint16_t)response->status;
    ret->body = bp__slice_of(bp__buffer_bytes(&response->body));
    if (sandbox->program->http_headers)
        ret->headers = bp__slice_of(bp__buffer_bytes(&response->headers));
    return bp__component_leave(sandbox, FOUNDATION_REPLY_OK);
}
