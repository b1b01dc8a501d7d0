/* bullpen:plugin/kv. SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "guest/component/private.h"
#include "guest/kv_access.h"

foundation_reply bp__component_kv_get(void *host_data, foundation_slice key,
                                      foundation_plugin_entry *ret, foundation_slice *reterr)
{
    bp__sandbox *sandbox = host_data;
    bp_error error = BP_ERROR_INIT;
    if (!bp__component_enter(sandbox, "kv.get"))
        return FOUNDATION_REPLY_STOP;
    bp_kv_value *value = &sandbox->lent.value;
    *value = (bp_kv_value)BP_KV_VALUE_INIT;
    bp_status status = bp__kv_access_get(sandbox, bp__bytes_of_slice(key), value, &error);
    if (status == BP_ENOTFOUND)
        return bp__component_leave(sandbox, FOUNDATION_REPLY_NONE);
    if (status != BP_OK)
        return bp__component_fail(sandbox, &error, reterr);
    *ret = (foundation_plugin_entry){bp__slice_of(value->bytes), value->version};
    return bp__component_leave(sandbox, FOUNDATION_REPLY_OK);
}

static const char *name_of(foundation_plugin_condition condition)
{
    return condition == FOUNDATION_PLUGIN_SET_ALWAYS      ? "kv.set"
           : condition == FOUNDATION_PLUGIN_SET_IF_ABSENT ? "kv.set-if-absent"
                                                          : "kv.set-if-version";
}

static uint32_t condition_of(foundation_plugin_condition condition)
{
    return condition == FOUNDATION_PLUGIN_SET_ALWAYS      ? BP_KV_ALWAYS
           : condition == FOUNDATION_PLUGIN_SET_IF_ABSENT ? BP_KV_IF_ABSENT
                                                          : BP_KV_IF_VERSION;
}

foundation_reply bp__component_kv_set(void *host_data, const foundation_plugin_change *from,
                                      uint64_t *ret_version, foundation_slice *reterr)
{
    bp__sandbox *sandbox = host_data;
    bp_error error = BP_ERROR_INIT;
    bp_kv_change change = BP_KV_CHANGE_INIT;
    if (!bp__component_enter(sandbox, name_of(from->condition)))
        return FOUNDATION_REPLY_STOP;
    change.condition = condition_of(from->condition);
    change.version = from->version;
    change.ttl_ms = from->has_ttl ? from->ttl_ms : 0;
    if (bp__kv_access_set(sandbox, bp__bytes_of_slice(from->key), bp__bytes_of_slice(from->value),
                          &change, ret_version, &error) != BP_OK)
        return bp__component_fail(sandbox, &error, reterr);
    return bp__component_leave(sandbox, *ret_version ? FOUNDATION_REPLY_OK : FOUNDATION_REPLY_NONE);
}

typedef bp_status (*asking)(bp__sandbox *sandbox, bp_bytes key, bool *ret, bp_error *reterr);

static foundation_reply ask(bp__sandbox *sandbox, const char *name, asking function,
                            foundation_slice key, foundation_slice *reterr)
{
    bp_error error = BP_ERROR_INIT;
    bool there = false;
    if (!bp__component_enter(sandbox, name))
        return FOUNDATION_REPLY_STOP;
    if (function(sandbox, bp__bytes_of_slice(key), &there, &error) != BP_OK)
        return bp__component_fail(sandbox, &error, reterr);
    return bp__component_leave(sandbox, there ? FOUNDATION_REPLY_OK : FOUNDATION_REPLY_NONE);
}

foundation_reply bp__component_kv_delete(void *host_data, foundation_slice key,
                                         foundation_slice *reterr)
{
    return ask(host_data, "kv.delete", bp__kv_access_delete, key, reterr);
}

foundation_reply bp__component_kv_exists(void *host_data, foundation_slice key,
                                         foundation_slice *reterr)
{
    return ask(host_data, "kv.exists", bp__kv_access_exists, key, reterr);
}

_Static_assert(sizeof(foundation_slice) == sizeof(bp_bytes) &&
                   offsetof(foundation_slice, size) == offsetof(bp_bytes, size),
               "keys are handed over as they are");

foundation_reply bp__component_kv_list(void *host_data, foundation_slice prefix,
                                       foundation_slice after, uint32_t limit,
                                       foundation_plugin_page *ret, foundation_slice *reterr)
{
    bp__sandbox *sandbox = host_data;
    bp_error error = BP_ERROR_INIT;
    char next[BP__KV_AFTER_SIZE];
    if (!bp__component_enter(sandbox, "kv.list"))
        return FOUNDATION_REPLY_STOP;
    bp_kv_page *page = &sandbox->lent.page;
    *page = (bp_kv_page)BP_KV_PAGE_INIT;
    if (bp__kv_access_list(sandbox, bp__bytes_of_slice(prefix), bp__bytes_of_slice(after), limit,
                           page, &error) != BP_OK)
        return bp__component_fail(sandbox, &error, reterr);
    bp__kv_access_after(page, next);
    if (!bp__buffer_append_text(&sandbox->lent.text, next)) { /* not "this is the last page" */
        (void)bp__error_oom(&error, "listing keys");
        return bp__component_fail(sandbox, &error, reterr);
    }
    ret->keys = (const void *)page->keys;
    ret->count = page->count;
    ret->after = bp__slice_of(bp__buffer_bytes(&sandbox->lent.text));
    return bp__component_leave(sandbox, FOUNDATION_REPLY_OK);
}

foundation_reply bp__component_kv_count(void *host_data, foundation_slice prefix, uint64_t *ret,
                                        foundation_slice *reterr)
{
    bp__sandbox *sandbox = host_data;
    bp_error error = BP_ERROR_INIT;
    if (!bp__component_enter(sandbox, "kv.count"))
        return FOUNDATION_REPLY_STOP;
    if (bp__kv_access_count(sandbox, bp__bytes_of_slice(prefix), ret, &error) != BP_OK)
        return bp__component_fail(sandbox, &error, reterr);
    return bp__component_leave(sandbox, FOUNDATION_REPLY_OK);
}
