/* A store: what every backend has in common. SPDX-License-Identifier: Apache-2.0 */
#include "host/kv.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "host/kv_private.h"

#define TIMEOUT_MS 5000
#define PAGE_DEFAULT 100

/* ---- opening and closing */

static void free_kv(bp_kv *kv)
{
    bp__kv_sweeper_free(kv->sweeper);
    if (kv->self)
        kv->backend->close(kv->self);
    bp__free(kv->location);
    bp__free(kv);
}
BP_DEFINE_CLEANUP(cleanup_kv, bp_kv, free_kv)

/* What was there when it was opened may expire too. */
static void watch_old(bp_kv *kv, bp_deadline by)
{
    bp__kv_sweep sweep = {.by = by, .next_ms = UINT64_MAX};
    if (kv->backend->sweep_at_open && kv->backend->sweep(kv->self, &sweep, NULL) == BP_OK &&
        sweep.next_ms != UINT64_MAX)
        bp__kv_sweeper_due(kv->sweeper, sweep.next_ms);
}

static bp_status open_backend(bp_kv *kv, const bp_kv_options *options, const char *place,
                              bp_error *reterr)
{
    const bp__kv_setup setup = {
        .place = place,
        .store_bytes_max =
            options->store_bytes_max ? options->store_bytes_max : kv->backend->bytes_default,
        .replicas = options->replicas ? options->replicas : 1,
        .by = bp_deadline_in_ms(kv->timeout_ms),
        .counters = &kv->counters,
        .logger = &kv->logger,
    };
    bp_status status = kv->backend->open(&setup, &kv->self, reterr);
    if (status)
        return status;
    kv->sweeper = bp__kv_sweeper_new(kv->backend, kv->self, &kv->logger);
    if (!kv->sweeper)
        return bp__error_oom(reterr, "opening a key-value store");
    watch_old(kv, setup.by);
    return BP_OK;
}

bp_status bp_kv_open(const bp_kv_options *from, bp_kv **ret, bp_error *reterr)
{
    bp_kv_options options;
    bp_status status = bp__options_copy(&options, sizeof options, from, "bp_kv_options", reterr);
    if (!status && !ret)
        status = bp_error_set(reterr, BP_EINVAL, "bp_kv_open: ret is NULL");
    if (status)
        return status;
    bp_cleanup(cleanup_kv) bp_kv *kv = bp__alloc_zeroed(1, sizeof *kv);
    if (!kv)
        return bp__error_oom(reterr, "opening a key-value store");
    const char *location = options.location ? options.location : "memory:", *place;
    atomic_init(&kv->references, 1);
    kv->pid = getpid();
    kv->timeout_ms = options.timeout_ms ? options.timeout_ms : TIMEOUT_MS;
    kv->logger = (bp__logger){options.log, options.log_data, (bp_log_level)options.log_level};
    status = bp__kv_limits_read(options.limits, &kv->limits, reterr);
    if (!status)
        status = bp__kv_location_read(location, &kv->backend, &place, reterr);
    if (status)
        return status;
    kv->location = bp__kv_location_public(location);
    if (!kv->location)
        return bp__error_oom(reterr, "opening a key-value store");
    status = open_backend(kv, &options, place, reterr);
    if (status) {
        bp__error_prefix(reterr, "open '%s'", kv->location);
        return status;
    }
    *ret = bp_steal(&kv);
    return BP_OK;
}

bp_kv *bp_kv_ref(bp_kv *kv)
{
    if (kv)
        atomic_fetch_add_explicit(&kv->references, 1, memory_order_relaxed);
    return kv;
}

void bp_kv_unref(bp_kv *kv)
{
    if (!kv || atomic_fetch_sub_explicit(&kv->references, 1, memory_order_acq_rel) != 1)
        return;
    /* In a child its threads are gone, and its locks and sockets are the parent's. */
    if (kv->pid == getpid())
        free_kv(kv);
}

const char *bp_kv_location(const bp_kv *kv)
{
    return kv ? kv->location : "";
}

/* ---- operations: begin, ask the backend, end */

static bp_status begin(bp_kv *kv, const bp_kv_call *call, bp__kv_request *request, bp_error *reterr)
{
    if (kv->pid != getpid())
        return bp_error_set(reterr, BP_EINVAL,
                            "kv: '%s' was opened before a fork: open it anew in this process",
                            kv->location);
    return bp__kv_request_read(request, &kv->limits, kv->timeout_ms, call, reterr);
}

static bp_status begin_key(bp_kv *kv, const bp_kv_call *call, bp_bytes key, bp__kv_request *request,
                           bp_error *reterr)
{
    bp_status status = begin(kv, call, request, reterr);
    if (!status)
        status = bp__kv_key_check(request, key, reterr);
    request->key = key;
    return status;
}

static bp_kv_result result_of(bp_status status)
{
    switch (status) {
    case BP_OK:
        return BP_KV_RESULT_OK;
    case BP_ENOTFOUND:
        return BP_KV_RESULT_NOT_FOUND;
    case BP_ECONFLICT:
        return BP_KV_RESULT_CONFLICT;
    case BP_ELIMIT:
        return BP_KV_RESULT_LIMIT;
    case BP_ETIMEDOUT:
        return BP_KV_RESULT_TIMED_OUT;
    case BP_ECANCELLED:
        return BP_KV_RESULT_CANCELLED;
    case BP_EUNAVAILABLE:
        return BP_KV_RESULT_UNAVAILABLE;
    case BP_EINVAL:
        return BP_KV_RESULT_INVALID;
    default:
        return BP_KV_RESULT_FAILED;
    }
}

static bp_status end(bp_kv *kv, bp_kv_operation operation, bp_status status)
{
    bp__kv_add(&kv->counters.calls[operation][result_of(status)], 1);
    return status;
}

static bp_status refuse_null(bp_error *reterr)
{
    return bp_error_set(reterr, BP_EINVAL, "kv: the store, or where its answer goes, is NULL");
}

static uint64_t ttl_left(const bp_kv *kv, uint64_t expires_ms)
{
    uint64_t now_ms = kv->backend->now_ms();
    if (!expires_ms)
        return BP_UNLIMITED;
    return expires_ms > now_ms ? expires_ms - now_ms : 0;
}

static bp_status get(bp_kv *kv, const bp_kv_call *call, bp_bytes key, bp_kv_value *ret,
                     bp_error *reterr)
{
    bp__kv_request request;
    bp__kv_found found = {0};
    bp_status status = begin_key(kv, call, key, &request, reterr);
    if (!status)
        status = kv->backend->get(kv->self, &request, true, &found, reterr);
    if (status)
        return status;
    const bp_kv_value value = {
        .bytes = {found.blob->bytes, found.blob->size},
        .version = found.version,
        .ttl_ms = ttl_left(kv, found.expires_ms),
        .private_ = found.blob,
    };
    status = bp__result_copy(ret, &value, sizeof value, "bp_kv_value", reterr);
    if (status)
        bp__kv_blob_unref(found.blob);
    else
        bp__kv_add(&kv->counters.read_bytes, value.bytes.size);
    return status;
}

bp_status bp_kv_get(bp_kv *kv, const bp_kv_call *call, bp_bytes key, bp_kv_value *ret,
                    bp_error *reterr)
{
    if (!kv || !ret)
        return refuse_null(reterr);
    return end(kv, BP_KV_OPERATION_GET, get(kv, call, key, ret, reterr));
}

void bp_kv_value_done(bp_kv_value *value)
{
    if (!value)
        return;
    bp__kv_blob_unref(value->private_);
    value->private_ = NULL;
    value->bytes = (bp_bytes){NULL, 0};
}

static bp_status read_change(const bp_kv *kv, const bp_kv_change *from, bp__kv_write *ret,
                             bp_error *reterr)
{
    bp_kv_change change;
    bp_status status = bp__options_copy(&change, sizeof change, from, "bp_kv_change", reterr);
    if (status)
        return status;
    if (change.condition > BP_KV_IF_VERSION)
        return bp_error_set(reterr, BP_EINVAL, "kv: there is no condition %u", change.condition);
    uint64_t now_ms = kv->backend->now_ms();
    ret->condition = (bp_kv_condition)change.condition;
    ret->version = change.version;
    /* A time beyond what can be counted is for ever. */
    ret->expires_ms =
        change.ttl_ms && change.ttl_ms < UINT64_MAX - now_ms ? now_ms + change.ttl_ms : 0;
    return BP_OK;
}

static bp_status check_value(const bp__kv_request *request, bp_bytes value, bp_error *reterr)
{
    if (!value.data && value.size)
        return bp_error_set(reterr, BP_EINVAL, "kv: the value has a size but no data");
    if (value.size > request->limits.value_bytes_max)
        return bp_error_set(reterr, BP_ELIMIT,
                            "kv limit value_bytes_max: the value has %zu bytes, of %llu",
                            value.size, (unsigned long long)request->limits.value_bytes_max);
    return BP_OK;
}

static bp_status set(bp_kv *kv, const bp_kv_call *call, bp_bytes key, bp_bytes value,
                     const bp_kv_change *change, uint64_t *ret_version, bp_error *reterr)
{
    bp__kv_request request;
    bp__kv_write write = {.value = value};
    bp_status status = begin_key(kv, call, key, &request, reterr);
    if (!status)
        status = check_value(&request, value, reterr);
    if (!status)
        status = read_change(kv, change, &write, reterr);
    if (!status)
        status = kv->backend->set(kv->self, &request, &write, ret_version, reterr);
    if (!status)
        bp__kv_add(&kv->counters.written_bytes, key.size + value.size);
    if (!status && write.expires_ms)
        bp__kv_sweeper_due(kv->sweeper, write.expires_ms);
    return status;
}

bp_status bp_kv_set(bp_kv *kv, const bp_kv_call *call, bp_bytes key, bp_bytes value,
                    const bp_kv_change *change, uint64_t *ret_version, bp_error *reterr)
{
    uint64_t version;
    if (!kv)
        return refuse_null(reterr);
    return end(kv, BP_KV_OPERATION_SET,
               set(kv, call, key, value, change, ret_version ? ret_version : &version, reterr));
}

bp_status bp_kv_delete(bp_kv *kv, const bp_kv_call *call, bp_bytes key, uint64_t if_version,
                       bp_error *reterr)
{
    if (!kv)
        return refuse_null(reterr);
    bp__kv_request request;
    bp_status status = begin_key(kv, call, key, &request, reterr);
    if (!status)
        status = kv->backend->remove(kv->self, &request, if_version, reterr);
    return end(kv, BP_KV_OPERATION_DELETE, status);
}

bp_status bp_kv_exists(bp_kv *kv, const bp_kv_call *call, bp_bytes key, bool *ret, bp_error *reterr)
{
    if (!kv || !ret)
        return refuse_null(reterr);
    bp__kv_request request;
    bp__kv_found found = {0};
    bp_status status = begin_key(kv, call, key, &request, reterr);
    if (!status) {
        status = kv->backend->get(kv->self, &request, false, &found, reterr);
        if (status == BP_OK || status == BP_ENOTFOUND) {
            *ret = status == BP_OK;
            status = BP_OK;
        }
    }
    return end(kv, BP_KV_OPERATION_EXISTS, status);
}

static bp_status list(bp_kv *kv, const bp_kv_call *call, const bp__kv_range *range, uint32_t limit,
                      bp_kv_page *ret, bp_error *reterr)
{
    bp__kv_request request;
    bp__kv_keys keys = {.limit = limit ? limit : PAGE_DEFAULT};
    bp_kv_page page = BP_KV_PAGE_INIT;
    bp_status status = begin(kv, call, &request, reterr);
    if (!status && limit > BP_KV_PAGE_MAX)
        status = bp_error_set(reterr, BP_EINVAL, "kv: a page has at most %d keys, not %u",
                              BP_KV_PAGE_MAX, limit);
    /* No key is so long: an empty page. */
    if (!status && range->prefix.size <= BP_KV_KEY_SIZE_MAX)
        status = kv->backend->list(kv->self, &request, range, &keys, reterr);
    if (!status)
        status = bp__kv_page_make(&keys, &page, reterr);
    if (!status)
        status = bp__result_copy(ret, &page, sizeof page, "bp_kv_page", reterr);
    if (status)
        bp_kv_page_done(&page);
    bp__buffer_done(&keys.bytes);
    return status;
}

bp_status bp_kv_list(bp_kv *kv, const bp_kv_call *call, bp_bytes prefix, bp_bytes cursor,
                     uint32_t limit, bp_kv_page *ret, bp_error *reterr)
{
    if (!kv || !ret || (!prefix.data && prefix.size))
        return refuse_null(reterr);
    bp__kv_range range = {.prefix = prefix};
    bp_status status = bp__kv_cursor_read(cursor, &range.after, reterr);
    if (!status)
        status = list(kv, call, &range, limit, ret, reterr);
    return end(kv, BP_KV_OPERATION_LIST, status);
}

void bp_kv_page_done(bp_kv_page *page)
{
    if (!page)
        return;
    bp__free(page->private_);
    page->private_ = NULL;
    page->keys = NULL;
    page->count = 0;
    page->cursor = (bp_bytes){NULL, 0};
}

bp_status bp_kv_count(bp_kv *kv, const bp_kv_call *call, uint64_t *ret_entries, uint64_t *ret_bytes,
                      bp_error *reterr)
{
    if (!kv)
        return refuse_null(reterr);
    bp__kv_request request;
    uint64_t entries = 0, bytes = 0;
    bp_status status = begin(kv, call, &request, reterr);
    if (!status)
        status = kv->backend->count(kv->self, &request, &entries, &bytes, reterr);
    if (!status && ret_entries)
        *ret_entries = entries;
    if (!status && ret_bytes)
        *ret_bytes = bytes;
    return end(kv, BP_KV_OPERATION_COUNT, status);
}

bp_status bp__kv_sweep_now(bp_kv *kv, uint64_t *ret_next_ms, bp_error *reterr)
{
    bp__kv_sweep sweep = {.by = bp_deadline_in_ms(kv->timeout_ms), .next_ms = UINT64_MAX};
    bp_status status = kv->backend->sweep(kv->self, &sweep, reterr);
    *ret_next_ms = sweep.next_ms;
    return status;
}
