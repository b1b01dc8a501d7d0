/* Cursors and pages. SPDX-License-Identifier: Apache-2.0
 *
 * A cursor is CURSOR_FORMAT and the last key that was listed. It comes back through a guest, so it
 * can be anything: at worst another place in the namespace of whoever gives it. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "host/kv.h"

#define CURSOR_FORMAT 1

int bp__kv_compare(bp_bytes a, bp_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

bool bp__kv_range_has(const bp__kv_range *range, bp_bytes key)
{
    return key.size >= range->prefix.size &&
           (!range->prefix.size || memcmp(key.data, range->prefix.data, range->prefix.size) == 0) &&
           bp__kv_compare(key, range->after) > 0;
}

bool bp__kv_keys_add(bp__kv_keys *keys, bp_bytes key)
{
    uint16_t size = (uint16_t)key.size;
    keys->count++;
    return bp__buffer_append(&keys->bytes, &size, sizeof size) &&
           bp__buffer_append(&keys->bytes, key.data, key.size);
}

bp_status bp__kv_cursor_read(bp_bytes cursor, bp_bytes *ret_after, bp_error *reterr)
{
    const uint8_t *bytes = cursor.data;
    *ret_after = (bp_bytes){NULL, 0};
    if (!cursor.size)
        return BP_OK;
    if (!bytes || cursor.size < 2 || cursor.size > BP_KV_CURSOR_SIZE_MAX ||
        bytes[0] != CURSOR_FORMAT)
        return bp_error_set(reterr, BP_EINVAL, "kv: that is no cursor of a page");
    *ret_after = (bp_bytes){bytes + 1, cursor.size - 1};
    return BP_OK;
}

/* One piece of memory: the array, then the cursor's first byte and the keys' bytes. */
bp_status bp__kv_page_make(bp__kv_keys *keys, bp_kv_page *ret, bp_error *reterr)
{
    size_t array_size = keys->count * sizeof(bp_bytes);
    char *memory = bp__alloc(array_size + keys->bytes.size + BP_KV_CURSOR_SIZE_MAX);
    if (!memory)
        return bp__error_oom(reterr, "making a page of keys");
    bp_bytes *array = (bp_bytes *)(void *)memory, last = {NULL, 0};
    char *to = memory + array_size;
    const char *from = keys->bytes.data;
    for (uint32_t i = 0; i < keys->count; i++) {
        uint16_t size;
        memcpy(&size, from, sizeof size);
        memcpy(to, from + sizeof size, size);
        last = array[i] = (bp_bytes){to, size};
        to += size;
        from += sizeof size + size;
    }
    ret->count = keys->count;
    ret->keys = array;
    ret->cursor = (bp_bytes){NULL, 0};
    if (keys->more && keys->count) {
        *to = CURSOR_FORMAT;
        memcpy(to + 1, last.data, last.size);
        ret->cursor = (bp_bytes){to, last.size + 1};
    }
    ret->private_ = memory;
    return BP_OK;
}
