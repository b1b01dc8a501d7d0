/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/kv_access.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "guest/access.h"

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

/* Whether there is a store, and the plugin may use it so. */
static bp_status may(bp__sandbox *sandbox, bp__capability capability, bp_error *reterr)
{
    bp_status status = bp__access_may(sandbox, capability, reterr);
    if (status == BP_OK && !sandbox->program->kv)
        return bp_error_set(reterr, BP_EDENIED,
                            "the host gives this plugin no key-value store (option kv, flag --kv)");
    return status;
}

bp_status bp__kv_access_get(bp__sandbox *sandbox, bp_bytes key, bp_kv_value *ret, bp_error *reterr)
{
    bp_status status = may(sandbox, BP__CAP_KV_READ, reterr);
    if (status != BP_OK)
        return status;
    bp_kv_call call = begin(sandbox);
    return bp_kv_get(sandbox->program->kv, &call, key, ret, reterr);
}

/* Text, so that keys can be listed as JSON and printed; other hosts' keys may be anything. */
static bp_status check_key(bp_bytes key, bp_error *reterr)
{
    if (key.size == 0 || bp__utf8_valid(key.data, key.size))
        return BP_OK;
    return bp_error_set(reterr, BP_EINVAL, "a key is UTF-8");
}

bp_status bp__kv_access_set(bp__sandbox *sandbox, bp_bytes key, bp_bytes value,
                            const bp_kv_change *change, uint64_t *ret_version, bp_error *reterr)
{
    bp_status status = may(sandbox, BP__CAP_KV_WRITE, reterr);
    if (status == BP_OK)
        status = check_key(key, reterr);
    if (status != BP_OK)
        return status;
    bp_kv_call call = begin(sandbox);
    uint64_t version = 0;
    status = bp_kv_set(sandbox->program->kv, &call, key, value, change, &version, reterr);
    bool unmet =
        change->condition != BP_KV_ALWAYS && (status == BP_ECONFLICT || status == BP_ENOTFOUND);
    if (status != BP_OK && !unmet)
        return status;
    *ret_version = version;
    return BP_OK;
}

bp_status bp__kv_access_delete(bp__sandbox *sandbox, bp_bytes key, bool *ret_was_there,
                               bp_error *reterr)
{
    bp_status status = may(sandbox, BP__CAP_KV_WRITE, reterr);
    if (status != BP_OK)
        return status;
    bp_kv_call call = begin(sandbox);
    status = bp_kv_delete(sandbox->program->kv, &call, key, 0, reterr);
    if (status != BP_OK && status != BP_ENOTFOUND)
        return status;
    *ret_was_there = status == BP_OK;
    return BP_OK;
}

bp_status bp__kv_access_exists(bp__sandbox *sandbox, bp_bytes key, bool *ret, bp_error *reterr)
{
    bp_status status = may(sandbox, BP__CAP_KV_READ, reterr);
    if (status != BP_OK)
        return status;
    bp_kv_call call = begin(sandbox);
    return bp_kv_exists(sandbox->program->kv, &call, key, ret, reterr);
}

/* ---- lists ---- */

/* A cursor's bytes may be anything; guests carry it as text. */
static void write_hex(bp_bytes bytes, char to[BP__KV_AFTER_SIZE])
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

bp_status bp__kv_access_list(bp__sandbox *sandbox, bp_bytes prefix, bp_bytes after, uint32_t limit,
                             bp_kv_page *ret, bp_error *reterr)
{
    uint8_t place[BP_KV_CURSOR_SIZE_MAX];
    bp_bytes cursor;
    bp_status status = may(sandbox, BP__CAP_KV_READ, reterr);
    if (status != BP_OK)
        return status;
    if (limit > BP_KV_PAGE_MAX)
        return bp_error_set(reterr, BP_EINVAL, "kv_list: a page has at most %d keys",
                            BP_KV_PAGE_MAX);
    if (!read_hex(after, place, &cursor))
        return bp_error_set(reterr, BP_EINVAL, "kv_list: 'after' is none that a page gave");
    bp_kv_call call = begin(sandbox);
    return bp_kv_list(sandbox->program->kv, &call, prefix, cursor, limit, ret, reterr);
}

void bp__kv_access_after(const bp_kv_page *page, char ret[BP__KV_AFTER_SIZE])
{
    write_hex(page->cursor, ret);
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

bp_status bp__kv_access_count(bp__sandbox *sandbox, bp_bytes prefix, uint64_t *ret,
                              bp_error *reterr)
{
    bp_status status = may(sandbox, BP__CAP_KV_READ, reterr);
    return status == BP_OK ? count(sandbox, prefix, ret, reterr) : status;
}
