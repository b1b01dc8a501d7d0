/* The key-value store, as plugins see it through Extism's memory. SPDX-License-Identifier:
 * Apache-2.0 */
#include <jansson.h>

#include "base/text.h"
#include "guest/kv_access.h"
#include "guest/own/private.h"

BP__OWN_FUNCTION(kv_get)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__own_enter(sandbox, env))
        return false;
    bp_bytes key = bp__own_take(sandbox, values);
    bp_kv_value value = BP_KV_VALUE_INIT;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp__kv_access_get(sandbox, key, &value, &error);
    if (status == BP_ENOTFOUND)
        return bp__own_answer(sandbox, values, 0);
    if (status != BP_OK)
        return bp__own_fail_with(sandbox, values, &error);
    sandbox->kv_version = value.version;
    bool more = bp__own_answer_bytes(sandbox, values, value.bytes);
    bp_kv_value_done(&value);
    return more;
}

/* Of the last function, so it does not forget that. */
BP__OWN_FUNCTION(kv_version)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__host_enter(&sandbox->host, env))
        return false;
    return bp__own_answer(sandbox, values, (int64_t)sandbox->kv_version);
}

static bool set(const char *name, bp__sandbox *sandbox, bp__value *values, bp_kv_change *change)
{
    if (!bp__own_enter(sandbox, name))
        return false;
    bp_bytes key = bp__own_take(sandbox, values), value = bp__own_take(sandbox, values + 1);
    if (values[2].i64 < 0)
        return bp__own_fail(sandbox, values, "a time to live is not negative");
    change->ttl_ms = (uint64_t)values[2].i64;
    bp_error error = BP_ERROR_INIT;
    uint64_t version = 0;
    if (bp__kv_access_set(sandbox, key, value, change, &version, &error) != BP_OK)
        return bp__own_fail_with(sandbox, values, &error);
    sandbox->kv_version = version;
    return bp__own_answer(sandbox, values, (int64_t)version);
}

BP__OWN_FUNCTION(kv_set)
{
    bp_kv_change change = BP_KV_CHANGE_INIT;
    return set(env, host_data, values, &change);
}

BP__OWN_FUNCTION(kv_set_if_absent)
{
    bp_kv_change change = BP_KV_CHANGE_INIT;
    change.condition = BP_KV_IF_ABSENT;
    return set(env, host_data, values, &change);
}

BP__OWN_FUNCTION(kv_set_if_version)
{
    bp_kv_change change = BP_KV_CHANGE_INIT;
    change.condition = BP_KV_IF_VERSION;
    change.version = (uint64_t)values[3].i64;
    return set(env, host_data, values, &change);
}

BP__OWN_FUNCTION(kv_delete)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__own_enter(sandbox, env))
        return false;
    bp_bytes key = bp__own_take(sandbox, values);
    bp_error error = BP_ERROR_INIT;
    bool there = false;
    if (bp__kv_access_delete(sandbox, key, &there, &error) != BP_OK)
        return bp__own_fail_with(sandbox, values, &error);
    return bp__own_answer(sandbox, values, there);
}

BP__OWN_FUNCTION(kv_exists)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__own_enter(sandbox, env))
        return false;
    bp_bytes key = bp__own_take(sandbox, values);
    bp_error error = BP_ERROR_INIT;
    bool there = false;
    if (bp__kv_access_exists(sandbox, key, &there, &error) != BP_OK)
        return bp__own_fail_with(sandbox, values, &error);
    return bp__own_answer(sandbox, values, there);
}

/* ---- lists ---- */

static int append(const char *data, size_t size, void *to)
{
    return bp__buffer_append(to, data, size) ? 0 : -1;
}

/* Keys that are no text are left out: a host put them there, and could not be read as JSON. */
static bool write_page(const bp_kv_page *page, bp__buffer *to)
{
    char after[BP__KV_AFTER_SIZE];
    json_t *keys = json_array(), *object = json_object();
    for (uint32_t i = 0; i < page->count; i++)
        if (bp__utf8_valid(page->keys[i].data, page->keys[i].size))
            json_array_append_new(keys, json_stringn(page->keys[i].data, page->keys[i].size));
    bp__kv_access_after(page, after);
    bool fine = json_object_set_new(object, "keys", keys) == 0 &&
                json_object_set_new(object, "after",
                                    page->cursor.size ? json_string(after) : json_null()) == 0 &&
                json_dump_callback(object, append, to, JSON_COMPACT) == 0;
    json_decref(object);
    return fine && !to->overflow;
}

static bool answer_page(bp__sandbox *sandbox, bp__value *values, const bp_kv_page *page)
{
    bp__buffer text = {0};
    bool more = write_page(page, &text)
                    ? bp__own_answer_bytes(sandbox, values, bp__buffer_bytes(&text))
                    : bp__own_fail(sandbox, values, "out of memory while listing keys");
    bp__buffer_done(&text);
    return more;
}

BP__OWN_FUNCTION(kv_list)
{
    bp__sandbox *sandbox = host_data;
    uint32_t limit = (uint32_t)values[2].i32; /* a negative one is too many */
    if (!bp__own_enter(sandbox, env))
        return false;
    bp_bytes prefix = bp__own_take(sandbox, values), after = bp__own_take(sandbox, values + 1);
    bp_kv_page page = BP_KV_PAGE_INIT;
    bp_error error = BP_ERROR_INIT;
    if (bp__kv_access_list(sandbox, prefix, after, limit, &page, &error) != BP_OK)
        return bp__own_fail_with(sandbox, values, &error);
    bool more = answer_page(sandbox, values, &page);
    bp_kv_page_done(&page);
    return more;
}

BP__OWN_FUNCTION(kv_count)
{
    bp__sandbox *sandbox = host_data;
    uint64_t entries = 0;
    if (!bp__own_enter(sandbox, env))
        return false;
    bp_bytes prefix = bp__own_take(sandbox, values);
    bp_error error = BP_ERROR_INIT;
    if (bp__kv_access_count(sandbox, prefix, &entries, &error) != BP_OK)
        return bp__own_fail_with(sandbox, values, &error);
    return bp__own_answer(sandbox, values, (int64_t)entries);
}
