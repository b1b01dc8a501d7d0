/* @NAME@: a plugin for Bullpen that sees requests and responses on their way. `bullpen plugin build` makes
 * middleware.h from the folder wit/. */
#include "middleware.h"

#include <stdlib.h>
#include <string.h>

/* What is answered belongs to the caller, so all of it is allocated. */
static middleware_list_u8_t bytes_of(const char *text)
{
    middleware_string_t copy;
    middleware_string_dup(&copy, text);
    return (middleware_list_u8_t){copy.ptr, copy.len};
}

static bool begins_with(const middleware_string_t *text, const char *start)
{
    size_t size = strlen(start);
    return text->len >= size && memcmp(text->ptr, start, size) == 0;
}

/* Rejects requests for paths below /private; all others go on as they are. */
bool exports_middleware_on_request(middleware_request_t *request, middleware_request_action_t *ret,
                                   middleware_string_t *error)
{
    (void)error;
    *ret = (middleware_request_action_t){.tag = BULLPEN_PLUGIN_HOOKS_REQUEST_ACTION_CONTINUE};
    if (begins_with(&request->path, "/private")) {
        ret->tag = BULLPEN_PLUGIN_HOOKS_REQUEST_ACTION_REJECT;
        ret->val.reject.status = 403;
        ret->val.reject.body = bytes_of("not for you\n");
    }
    return true;
}

/* Adds the header x-plugin. */
bool exports_middleware_on_response(middleware_request_t *request, middleware_response_t *response,
                                    middleware_response_action_t *ret, middleware_string_t *error)
{
    (void)request;
    (void)response;
    (void)error;
    bullpen_plugin_http_header_t *header = malloc(sizeof *header);
    if (!header)
        abort();
    middleware_string_dup(&header->name, "x-plugin");
    middleware_string_dup(&header->value, "@NAME@");
    *ret = (middleware_response_action_t){.tag = BULLPEN_PLUGIN_HOOKS_RESPONSE_ACTION_MODIFY};
    ret->val.modify.headers.add.ptr = header;
    ret->val.modify.headers.add.len = 1;
    return true;
}

/* Leaves errors as they are. */
bool exports_middleware_on_error(middleware_request_t *request, middleware_failure_t *failure,
                                 middleware_response_action_t *ret, middleware_string_t *error)
{
    (void)request;
    (void)failure;
    (void)error;
    *ret = (middleware_response_action_t){.tag = BULLPEN_PLUGIN_HOOKS_RESPONSE_ACTION_CONTINUE};
    return true;
}
