/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/access.h"
#include "guest/component/private.h"

bool bp__component_enter(bp__sandbox *sandbox, const char *name)
{
    bp__buffer_clear(&sandbox->failure);
    return bp__host_enter(&sandbox->host, name);
}

foundation_reply bp__component_leave(bp__sandbox *sandbox, foundation_reply reply)
{
    (void)bp__host_leave(&sandbox->host);
    return reply;
}

foundation_reply bp__component_fail(bp__sandbox *sandbox, const bp_error *error,
                                    foundation_slice *reterr)
{
    if (bp__access_ends(sandbox, error))
        return FOUNDATION_REPLY_STOP;
    bp__buffer_append_text(&sandbox->failure, error->message);
    *reterr = bp__slice_of(bp__buffer_bytes(&sandbox->failure));
    return bp__component_leave(sandbox, FOUNDATION_REPLY_ERROR);
}

/* The guest has what it was lent. */
static void done(void *host_data)
{
    bp__lent *lent = &((bp__sandbox *)host_data)->lent;
    bp_kv_value_done(&lent->value);
    bp_kv_page_done(&lent->page);
    bp__fetch_response_done(&lent->response);
    bp__buffer_done(&lent->text);
    *lent = (bp__lent){0};
}

const foundation_plugin_host bp__component_functions = {
    .kv_get = bp__component_kv_get,
    .kv_set = bp__component_kv_set,
    .kv_delete = bp__component_kv_delete,
    .kv_exists = bp__component_kv_exists,
    .kv_list = bp__component_kv_list,
    .kv_count = bp__component_kv_count,
    .log = bp__component_log,
    .log_enabled = bp__component_log_enabled,
    .config_get = bp__component_config_get,
    .http_fetch = bp__component_http_fetch,
    .metric_record = bp__component_metric_record,
    .metric_pool = bp__component_metric_pool,
    .remaining_ms = bp__component_remaining_ms,
    .done = done,
};
