/* Entries in a JetStream bucket: the operations. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "host/kv_nats.h"

/* No change takes longer, whatever its caller's deadline: kv_nats_use.c relies on it. */
#define CHANGE_MS 60000

static bp_status nats_open(const bp__kv_setup *setup, void **ret, bp_error *reterr)
{
    bp__nats *self;
    bp_status status = bp__nats_open(setup, &self, reterr);
    if (!status)
        *ret = self;
    return status;
}

static void nats_close(void *data)
{
    bp__nats_close(data);
}

static bool live(const bp__nats_stored *stored)
{
    return stored->there && !bp__kv_expired(stored->expires_ms, bp__wall_ms());
}

static bp_status nats_get(void *data, const bp__kv_request *request, bool with_value,
                          bp__kv_found *ret, bp_error *reterr)
{
    char name[BP__NATS_NAME_MAX];
    const bp__nats_wait wait = {request->by, request->cancel};
    bp__nats_stored stored;
    bp__nats_name(&request->space, &request->key, name);
    bp_status status = bp__nats_read(data, name, &wait, &stored, reterr);
    if (!status && !live(&stored))
        status = bp__kv_absent(reterr);
    bp__kv_blob *blob = !status && with_value ? bp__kv_blob_of(stored.bytes) : NULL;
    if (!status && with_value && !blob)
        status = bp__error_oom(reterr, "reading a value");
    if (!status)
        *ret = (bp__kv_found){blob, stored.sequence, stored.expires_ms};
    bp__nats_stored_done(&stored);
    return status;
}

/* What a change is decided on. */
typedef struct before {
    bool stored; /* counted in the namespace, expired or not */
    bool live;
    uint64_t sequence, bytes;
} before;

static bp_status look(bp__nats *self, const char *name, const bp__kv_request *request, before *ret,
                      bp_error *reterr)
{
    bp__nats_stored stored;
    const bp__nats_wait wait = {request->by, request->cancel};
    bp_status status = bp__nats_read(self, name, &wait, &stored, reterr);
    if (status)
        return status;
    *ret = (before){
        .stored = stored.there,
        .live = live(&stored),
        .sequence = stored.sequence,
        .bytes = stored.there ? request->key.size + stored.bytes.size : 0,
    };
    bp__nats_stored_done(&stored);
    return BP_OK;
}

static bp_status reserve(bp__nats *self, const bp__kv_request *request, const before *old,
                         uint64_t bytes, bp_error *reterr)
{
    bp_error tidying = BP_ERROR_INIT;
    bp_status status = bp__nats_reserve(self, request, old->stored, old->bytes, bytes, reterr);
    if (status != BP_ELIMIT)
        return status;
    /* What cannot be tidied leaves the refusal as it was. */
    if (bp__nats_tidy(self, request, &tidying) != BP_OK)
        return status;
    return bp__nats_reserve(self, request, old->stored, old->bytes, bytes, reterr);
}

/* One attempt; BP_ECONFLICT with `*ret_raced` when another host came first. */
static bp_status try_set(bp__nats *self, const char *name, const bp__kv_request *request,
                         const bp__kv_write *write, uint64_t *ret_version, bool *ret_raced,
                         bp_error *reterr)
{
    before old;
    const bp__nats_wait wait = {request->by, request->cancel};
    uint64_t bytes = request->key.size + write->value.size;
    bp_status status = look(self, name, request, &old, reterr);
    if (!status)
        status = bp__kv_condition_check(write->condition, write->version, old.live, old.sequence,
                                        reterr);
    bool grows = !old.stored || bytes > old.bytes;
    if (!status && grows)
        status = reserve(self, request, &old, bytes, reterr);
    if (status)
        return status;
    const bp__nats_publish what = {.name = name,
                                   .bytes = write->value,
                                   .expires_ms = write->expires_ms,
                                   .expected = old.sequence};
    status = bp__nats_write(self, &what, &wait, ret_version, reterr);
    *ret_raced = status == BP_ECONFLICT;
    /* Refused for certain: what was counted for it is given back. Else it may come yet. */
    if (grows && (*ret_raced || status == BP_ELIMIT))
        (void)bp__nats_release(self, name, !old.stored, bytes - old.bytes, &wait, NULL);
    if (!status && !grows && bytes < old.bytes)
        (void)bp__nats_release(self, name, 0, old.bytes - bytes, &wait, NULL);
    return status;
}

/* So that a change is over before its count is taken for settled. */
static bp__kv_request bounded(const bp__kv_request *request)
{
    bp__kv_request copy = *request;
    copy.by = bp__deadline_min(request->by, bp_deadline_in_ms(CHANGE_MS));
    return copy;
}

static bp_status nats_set(void *data, const bp__kv_request *from, const bp__kv_write *write,
                          uint64_t *ret_version, bp_error *reterr)
{
    char name[BP__NATS_NAME_MAX];
    const bp__kv_request request = bounded(from);
    const bp__nats_wait wait = {request.by, request.cancel};
    bp__nats_name(&request.space, &request.key, name);
    for (unsigned tries = 0;; tries++) {
        bool raced = false;
        uint64_t version;
        bp_status status = try_set(data, name, &request, write, &version, &raced, reterr);
        if (!status)
            *ret_version = version;
        if (!raced)
            return status;
        status = bp__nats_rest(data, tries, &wait, reterr);
        if (status)
            return status;
    }
}

static bp_status try_remove(bp__nats *self, const char *name, const bp__kv_request *request,
                            uint64_t if_version, bool *ret_raced, bp_error *reterr)
{
    before old;
    const bp__nats_wait wait = {request->by, request->cancel};
    uint64_t sequence;
    bp_status status = look(self, name, request, &old, reterr);
    if (!status && !old.live)
        status = bp__kv_absent(reterr);
    if (!status)
        status = bp__kv_condition_check(if_version ? BP_KV_IF_VERSION : BP_KV_ALWAYS, if_version,
                                        true, old.sequence, reterr);
    if (status)
        return status;
    const bp__nats_publish what = {.name = name, .is_delete = true, .expected = old.sequence};
    status = bp__nats_write(self, &what, &wait, &sequence, reterr);
    *ret_raced = status == BP_ECONFLICT;
    if (status)
        return status;
    /* It is gone, whatever becomes of what follows. */
    if (bp__nats_release(self, name, 1, old.bytes, &wait, NULL) == BP_OK)
        bp__nats_clear(self, name, sequence, &wait);
    return BP_OK;
}

static bp_status nats_remove(void *data, const bp__kv_request *from, uint64_t if_version,
                             bp_error *reterr)
{
    char name[BP__NATS_NAME_MAX];
    const bp__kv_request request = bounded(from);
    const bp__nats_wait wait = {request.by, request.cancel};
    bp__nats_name(&request.space, &request.key, name);
    for (unsigned tries = 0;; tries++) {
        bool raced = false;
        bp_status status = try_remove(data, name, &request, if_version, &raced, reterr);
        if (!raced)
            return status;
        status = bp__nats_rest(data, tries, &wait, reterr);
        if (status)
            return status;
    }
}

/* ---- what goes over a whole namespace */

static bp_status scan_space(bp__nats *self, const bp__kv_request *request, bp__nats_items *ret,
                            bp_error *reterr)
{
    char name[BP__NATS_SPACE_MAX + 1], filter[BP__NATS_NAME_MAX];
    const bp__nats_wait wait = {request->by, request->cancel};
    bp__nats_encode((bp_bytes){request->space.bytes, request->space.size}, name);
    snprintf(filter, sizeof filter, "%s.*", name);
    return bp__nats_scan(self, filter, &wait, ret, reterr);
}

static bp_bytes key_of(const bp__nats_item *item)
{
    return (bp_bytes){item->key, item->key_size};
}

/* Base64 does not sort like bytes. */
static int order_keys(const void *a, const void *b)
{
    return bp__kv_compare(key_of(a), key_of(b));
}

static bool item_live(const bp__nats_item *item, uint64_t now_ms)
{
    return item->there && !bp__kv_expired(item->expires_ms, now_ms);
}

static bp_status nats_list(void *data, const bp__kv_request *request, const bp__kv_range *range,
                           bp__kv_keys *keys, bp_error *reterr)
{
    bp__nats_items items = {0};
    bp_status status = scan_space(data, request, &items, reterr);
    uint64_t now_ms = bp__wall_ms();
    if (items.count > 1)
        qsort(items.items, items.count, sizeof *items.items, order_keys);
    for (size_t i = 0; i < items.count && !status && !keys->more; i++) {
        bp_bytes key = key_of(&items.items[i]);
        if (!item_live(&items.items[i], now_ms) || !bp__kv_range_has(range, key))
            continue;
        if (keys->count == keys->limit)
            keys->more = true;
        else if (!bp__kv_keys_add(keys, key))
            status = bp__error_oom(reterr, "listing keys");
    }
    bp__nats_items_done(&items);
    return status;
}

static bp_status nats_count(void *data, const bp__kv_request *request, uint64_t *ret_entries,
                            uint64_t *ret_bytes, bp_error *reterr)
{
    bp__nats_items items = {0};
    bp_status status = scan_space(data, request, &items, reterr);
    uint64_t now_ms = bp__wall_ms(), entries = 0, bytes = 0;
    for (size_t i = 0; i < items.count; i++)
        if (item_live(&items.items[i], now_ms)) {
            entries++;
            bytes += items.items[i].bytes;
        }
    bp__nats_items_done(&items);
    if (status)
        return status;
    *ret_entries = entries;
    *ret_bytes = bytes;
    return BP_OK;
}

static bp_status nats_sweep(void *data, bp__kv_sweep *sweep, bp_error *reterr)
{
    bp__nats_items items = {0};
    const bp__nats_wait wait = {sweep->by, sweep->cancel};
    bp_status status = bp__nats_scan(data, "*.*", &wait, &items, reterr);
    uint64_t now_ms = bp__wall_ms(), next_ms = UINT64_MAX;
    for (size_t i = 0; i < items.count && !status; i++) {
        const bp__nats_item *item = &items.items[i];
        if (!item->there && item->at_ms + BP__NATS_SETTLED_MS < now_ms)
            bp__nats_clear(data, item->name, item->sequence, &wait);
        else if (item->there && bp__kv_expired(item->expires_ms, now_ms))
            status = bp__nats_expire(data, item, &wait, reterr);
        else if (item->there && item->expires_ms && item->expires_ms < next_ms)
            next_ms = item->expires_ms;
    }
    bp__nats_items_done(&items);
    if (!status)
        sweep->next_ms = next_ms;
    return status;
}

const bp__kv_backend bp__kv_nats = {
    .scheme = "nats",
    .bytes_default = UINT64_MAX,
    .sweep_pause_ms = 30000,
    .now_ms = bp__wall_ms,
    .open = nats_open,
    .close = nats_close,
    .get = nats_get,
    .set = nats_set,
    .remove = nats_remove,
    .list = nats_list,
    .count = nats_count,
    .sweep = nats_sweep,
};
