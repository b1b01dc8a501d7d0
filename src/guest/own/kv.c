/* The key-value store, as plugins see it. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/kv.h>
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "guest/own/private.h"

/* Whose entries: this plugin's, for the tenant of the call, until its deadline. */
static bp_kv_call begin(const bp__sandbox *sandbox)
{
    bp_kv_call call = BP_KV_CALL_INIT;
    const bp__host_state *host = &sandbox->host;
    call.plugin = bp_bytes_of(host->plugin);
    call.tenant = host->tenant;
    call.by = host->by;
    call.cancel = host->cancel;
    return call;
}

/* Whether there is a store, and the plugin may use it so; else the function has failed. */
static bool may(bp__sandbox *sandbox, bp__value *values, bp__capability capability)
{
    if (!bp__own_may(sandbox, values, capability))
        return false;
    if (sandbox->program->kv)
        return true;
    (void)bp__own_fail(sandbox, values,
                       "the host gives this plugin no key-value store (option kv, flag --kv)");
    return false;
}

/* Text, so that keys can be listed as JSON and printed; other hosts' keys may be anything. */
static bool is_text(bp_bytes bytes)
{
    return bytes.size == 0 || bp__utf8_valid(bytes.data, bytes.size);
}

BP__OWN_FUNCTION(kv_get)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__own_enter(sandbox, env))
        return false;
    bp_bytes key = bp__own_take(sandbox, values);
    if (!may(sandbox, values, BP__CAP_KV_READ))
        return true;
    bp_kv_call call = begin(sandbox);
    bp_kv_value value = BP_KV_VALUE_INIT;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp_kv_get(sandbox->program->kv, &call, key, &value, &error);
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
    if (!may(sandbox, values, BP__CAP_KV_WRITE))
        return true;
    if (values[2].i64 < 0 || !is_text(key))
        return bp__own_fail(sandbox, values,
                            values[2].i64 < 0 ? "a time to live is not negative"
                                              : "a key is UTF-8");
    change->ttl_ms = (uint64_t)values[2].i64;
    bp_kv_call call = begin(sandbox);
    bp_error error = BP_ERROR_INIT;
    uint64_t version = 0;
    bp_status status = bp_kv_set(sandbox->program->kv, &call, key, value, change, &version, &error);
    bool unmet =
        change->condition != BP_KV_ALWAYS && (status == BP_ECONFLICT || status == BP_ENOTFOUND);
    if (status != BP_OK && !unmet)
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
    if (!may(sandbox, values, BP__CAP_KV_WRITE))
        return true;
    bp_kv_call call = begin(sandbox);
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp_kv_delete(sandbox->program->kv, &call, key, 0, &error);
    if (status != BP_OK && status != BP_ENOTFOUND)
        return bp__own_fail_with(sandbox, values, &error);
    return bp__own_answer(sandbox, values, status == BP_OK);
}

BP__OWN_FUNCTION(kv_exists)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__own_enter(sandbox, env))
        return false;
    bp_bytes key = bp__own_take(sandbox, values);
    if (!may(sandbox, values, BP__CAP_KV_READ))
        return true;
    bp_kv_call call = begin(sandbox);
    bp_error error = BP_ERROR_INIT;
    bool there = false;
    bp_status status = bp_kv_exists(sandbox->program->kv, &call, key, &there, &error);
    if (status != BP_OK)
        return bp__own_fail_with(sandbox, values, &error);
    return bp__own_answer(sandbox, values, there);
}

/* ---- lists ---- */

/* A cursor's bytes may be anything; guests carry it in JSON. */
static void write_hex(bp_bytes bytes, char to[2 * BP_KV_CURSOR_SIZE_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes.data;
    size_t size = bytes.size < BP_KV_CURSOR_SIZE_MAX ? bytes.size : BP_KV_CURSOR_SIZE_MAX;
    for (size_t i = 0; i < size; i++) {
        to[2 * i] = digits[from[i] >> 4];
        to[2 * i + 1] = digits[from[i] & 15];
    }
    to[2 * size] = '\0';
}

static int digit_of(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                          : -1;
}

static bool read_hex(bp_bytes text, uint8_t to[BP_KV_CURSOR_SIZE_MAX], bp_bytes *ret)
{
    const char *from = text.data;
    if (text.size % 2 || text.size / 2 > BP_KV_CURSOR_SIZE_MAX)
        return false;
    for (size_t i = 0; i < text.size / 2; i++) {
        int high = digit_of(from[2 * i]), low = digit_of(from[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (uint8_t)(high << 4 | low);
    }
    *ret = (bp_bytes){to, text.size / 2};
    return true;
}

static int append(const char *data, size_t size, void *to)
{
    return bp__buffer_append(to, data, size) ? 0 : -1;
}

/* Keys that are no text are left out: a host put them there, and could not be read as JSON. */
static bool write_page(const bp_kv_page *page, bp__buffer *to)
{
    char after[2 * BP_KV_CURSOR_SIZE_MAX + 1];
    json_t *keys = json_array(), *object = json_object();
    for (uint32_t i = 0; i < page->count; i++)
        if (is_text(page->keys[i]))
            json_array_append_new(keys, json_stringn(page->keys[i].data, page->keys[i].size));
    write_hex(page->cursor, after);
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
    int32_t limit = values[2].i32;
    uint8_t place[BP_KV_CURSOR_SIZE_MAX];
    bp_bytes cursor;
    if (!bp__own_enter(sandbox, env))
        return false;
    bp_bytes prefix = bp__own_take(sandbox, values), after = bp__own_take(sandbox, values + 1);
    if (!may(sandbox, values, BP__CAP_KV_READ))
        return true;
    if (limit < 0 || limit > BP_KV_PAGE_MAX)
        return bp__own_fail(sandbox, values, "kv_list: a page has at most 1000 keys");
    if (!read_hex(after, place, &cursor))
        return bp__own_fail(sandbox, values, "kv_list: 'after' is none that a page gave");
    bp_kv_call call = begin(sandbox);
    bp_kv_page page = BP_KV_PAGE_INIT;
    bp_error error = BP_ERROR_INIT;
    bp_status status =
        bp_kv_list(sandbox->program->kv, &call, prefix, cursor, (uint32_t)limit, &page, &error);
    if (status != BP_OK)
        return bp__own_fail_with(sandbox, values, &error);
    bool more = answer_page(sandbox, values, &page);
    bp_kv_page_done(&page);
    return more;
}

/* Page by page for a prefix; the store itself counts a whole namespace. */
static bp_status count(bp__sandbox *sandbox, bp_bytes prefix, uint64_t *ret, bp_error *reterr)
{
    bp_kv_call call = begin(sandbox);
    if (prefix.size == 0)
        return bp_kv_count(sandbox->program->kv, &call, ret, NULL, reterr);
    uint8_t place[BP_KV_CURSOR_SIZE_MAX];
    bp_bytes cursor = {NULL, 0};
    do {
        bp_kv_page page = BP_KV_PAGE_INIT;
        bp_status status =
            bp_kv_list(sandbox->program->kv, &call, prefix, cursor, BP_KV_PAGE_MAX, &page, reterr);
        if (status != BP_OK)
            return status;
        *ret += page.count;
        cursor = (bp_bytes){place, page.cursor.size};
        if (page.cursor.size)
            memcpy(place, page.cursor.data, page.cursor.size);
        bp_kv_page_done(&page);
    } while (cursor.size);
    return BP_OK;
}

BP__OWN_FUNCTION(kv_count)
{
    bp__sandbox *sandbox = host_data;
    uint64_t entries = 0;
    if (!bp__own_enter(sandbox, env))
        return false;
    bp_bytes prefix = bp__own_take(sandbox, values);
    if (!may(sandbox, values, BP__CAP_KV_READ))
        return true;
    bp_error error = BP_ERROR_INIT;
    bp_status status = count(sandbox, prefix, &entries, &error);
    if (status != BP_OK)
        return bp__own_fail_with(sandbox, values, &error);
    return bp__own_answer(sandbox, values, (int64_t)entries);
}
