/* Entries in memory. SPDX-License-Identifier: Apache-2.0
 *
 * One lock guards all: what happens under it takes microseconds, and values are neither copied nor
 * allocated there. So every change sees the counts that it alters, and limits hold to the byte. */
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "host/kv.h"
#include "host/kv_tree.h"

#define SWEEP_BATCH 256

typedef struct space {
    bp__tree_node node; /* in store.spaces */
    bp__kv_space name;
    bp__tree keys, times; /* of entries, by key; and of those that expire, by time and key */
    bp__kv_use use;       /* what has expired included, as long as it is there */
} space;

typedef struct entry {
    bp__tree_node by_key, by_time, by_store_time;
    space *space;
    bp__kv_blob *value;
    uint64_t version, expires_ms;
    size_t key_size;
    uint8_t key[];
} entry;

typedef struct store {
    pthread_mutex_t mutex; /* guards the rest */
    bp__tree spaces;
    bp__tree times; /* of all entries that expire, by time, then by address */
    uint64_t version, bytes, bytes_max;
    bp__kv_counters *counters;
} store;

#define OF(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

/* What entries stand in order of: a moment (0 for those in order of keys alone) and a key. */
typedef struct moment {
    uint64_t time_ms;
    bp_bytes key;
} moment;

static bp_bytes key_of(const entry *item)
{
    return (bp_bytes){item->key, item->key_size};
}

static int order_times(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int order_space(const void *key, const bp__tree_node *node)
{
    const bp__kv_space *a = key, *b = &OF(node, const space, node)->name;
    return bp__kv_compare((bp_bytes){a->bytes, a->size}, (bp_bytes){b->bytes, b->size});
}

static int order_key(const void *key, const bp__tree_node *node)
{
    return bp__kv_compare(*(const bp_bytes *)key, key_of(OF(node, const entry, by_key)));
}

static int order_time(const void *key, const bp__tree_node *node)
{
    const moment *at = key;
    const entry *item = OF(node, const entry, by_time);
    int order = order_times(at->time_ms, item->expires_ms);
    return order ? order : bp__kv_compare(at->key, key_of(item));
}

static int order_store_time(const void *key, const bp__tree_node *node)
{
    const entry *a = key, *b = OF(node, const entry, by_store_time);
    int order = order_times(a->expires_ms, b->expires_ms);
    return order ? order : ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b);
}

static uint64_t memory_now_ms(void)
{
    return bp__now_ns() / BP_NS_PER_MS;
}

/* ---- entries and namespaces, under the lock */

static space *find_space(store *self, const bp__kv_space *name)
{
    bp__tree_node *node = bp__tree_find(&self->spaces, name);
    return node ? OF(node, space, node) : NULL;
}

static entry *find_entry(space *in, bp_bytes key)
{
    bp__tree_node *node = in ? bp__tree_find(&in->keys, &key) : NULL;
    return node ? OF(node, entry, by_key) : NULL;
}

static uint64_t bytes_of(const entry *item)
{
    return item->key_size + item->value->size;
}

static void free_entry(entry *item)
{
    if (!item)
        return;
    bp__kv_blob_unref(item->value);
    bp__free(item);
}
BP_DEFINE_CLEANUP(cleanup_entry, entry, free_entry)

static void link_entry(store *self, space *in, entry *item)
{
    bp_bytes key = key_of(item);
    item->space = in;
    bp__tree_add(&in->keys, &key, &item->by_key);
    if (item->expires_ms) {
        bp__tree_add(&in->times, &(moment){item->expires_ms, key}, &item->by_time);
        bp__tree_add(&self->times, item, &item->by_store_time);
    }
    in->use.entries++;
    in->use.bytes += bytes_of(item);
    self->bytes += bytes_of(item);
}

static void unlink_entry(store *self, entry *item)
{
    space *in = item->space;
    bp_bytes key = key_of(item);
    bp__tree_remove(&in->keys, &key);
    if (item->expires_ms) {
        bp__tree_remove(&in->times, &(moment){item->expires_ms, key});
        bp__tree_remove(&self->times, item);
    }
    in->use.entries--;
    in->use.bytes -= bytes_of(item);
    self->bytes -= bytes_of(item);
}

static void drop_space_if_empty(store *self, space *in)
{
    if (in->use.entries)
        return;
    bp__tree_remove(&self->spaces, &in->name);
    bp__free(in);
}

static space *make_space(store *self, const bp__kv_space *name)
{
    space *made = bp__alloc_zeroed(1, sizeof *made);
    if (!made)
        return NULL;
    made->name = *name;
    bp__tree_init(&made->keys, order_key);
    bp__tree_init(&made->times, order_time);
    bp__tree_add(&self->spaces, name, &made->node);
    return made;
}

/* The entry that expires first of those in `times`, if that has come. */
static entry *first_expired(const bp__tree *times, bool of_store, uint64_t now_ms)
{
    bp__tree_node *node = bp__tree_first(times);
    if (!node)
        return NULL;
    entry *item = of_store ? OF(node, entry, by_store_time) : OF(node, entry, by_time);
    return bp__kv_expired(item->expires_ms, now_ms) ? item : NULL;
}

static void expire(store *self, entry *item)
{
    unlink_entry(self, item);
    free_entry(item);
    bp__kv_add(&self->counters->expired, 1);
}

/* ---- operations */

static bp_status memory_open(const bp__kv_setup *setup, void **ret, bp_error *reterr)
{
    if (*setup->place)
        return bp_error_set(reterr, BP_EINVAL, "kv: nothing stands behind \"memory:\"");
    store *self = bp__alloc_zeroed(1, sizeof *self);
    if (!self)
        return bp__error_oom(reterr, "opening a key-value store");
    pthread_mutex_init(&self->mutex, NULL);
    bp__tree_init(&self->spaces, order_space);
    bp__tree_init(&self->times, order_store_time);
    self->bytes_max = setup->store_bytes_max;
    self->counters = setup->counters;
    *ret = self;
    return BP_OK;
}

static void memory_close(void *data)
{
    store *self = data;
    for (bp__tree_node *node; (node = self->spaces.root);) {
        space *in = OF(node, space, node);
        while (in->keys.root) {
            entry *item = OF(in->keys.root, entry, by_key);
            unlink_entry(self, item);
            free_entry(item);
        }
        drop_space_if_empty(self, in);
    }
    pthread_mutex_destroy(&self->mutex);
    bp__free(self);
}

static bp_status memory_get(void *data, const bp__kv_request *request, bool with_value,
                            bp__kv_found *ret, bp_error *reterr)
{
    store *self = data;
    BP_LOCK_SCOPE(&self->mutex);
    const entry *item = find_entry(find_space(self, &request->space), request->key);
    if (!item || bp__kv_expired(item->expires_ms, memory_now_ms()))
        return bp__kv_absent(reterr);
    *ret = (bp__kv_found){.blob = with_value ? bp__kv_blob_ref(item->value) : NULL,
                          .version = item->version,
                          .expires_ms = item->expires_ms};
    return BP_OK;
}

/* Room for `added` in place of `old`, made by removing what has expired if need be. */
static bp_status make_room(store *self, space *in, const entry *old, const entry *added,
                           const bp_kv_limits *limits, uint64_t now_ms, bp_error *reterr)
{
    static const bp__kv_use nothing;
    uint64_t from = old ? bytes_of(old) : 0, to = bytes_of(added);
    for (;;) {
        bp_status status = bp__kv_room(limits, in ? &in->use : &nothing, old, from, to, reterr);
        if (!status)
            break;
        entry *gone = in ? first_expired(&in->times, false, now_ms) : NULL;
        if (!gone)
            return status;
        expire(self, gone);
    }
    uint64_t rest = self->bytes - from;
    if (to > from && (rest > self->bytes_max || to > self->bytes_max - rest))
        return bp_error_set(
            reterr, BP_ELIMIT,
            "kv limit store_bytes_max: %llu of %llu bytes are used by all namespaces",
            (unsigned long long)self->bytes, (unsigned long long)self->bytes_max);
    return BP_OK;
}

static bp_status put_locked(store *self, const bp__kv_request *request, const bp__kv_write *write,
                            entry *added, bp_error *reterr)
{
    uint64_t now_ms = memory_now_ms();
    space *in = find_space(self, &request->space);
    entry *old = find_entry(in, request->key);
    if (old && bp__kv_expired(old->expires_ms, now_ms)) {
        expire(self, old);
        old = NULL;
    }
    bp_status status = bp__kv_condition_check(write->condition, write->version, old,
                                              old ? old->version : 0, reterr);
    if (!status)
        status = make_room(self, in, old, added, &request->limits, now_ms, reterr);
    if (!status && !in && !(in = make_space(self, &request->space)))
        status = bp__error_oom(reterr, "making room for a namespace");
    if (!status) {
        if (old) {
            unlink_entry(self, old);
            free_entry(old);
        }
        added->version = ++self->version;
        link_entry(self, in, added);
    }
    if (in)
        drop_space_if_empty(self, in);
    return status;
}

static bp_status memory_set(void *data, const bp__kv_request *request, const bp__kv_write *write,
                            uint64_t *ret_version, bp_error *reterr)
{
    store *self = data;
    bp_cleanup(cleanup_entry) entry *added = bp__alloc_zeroed(1, sizeof *added + request->key.size);
    if (added)
        added->value = bp__kv_blob_of(write->value);
    if (!added || !added->value)
        return bp__error_oom(reterr, "copying a value");
    memcpy(added->key, request->key.data, request->key.size);
    added->key_size = request->key.size;
    added->expires_ms = write->expires_ms;
    BP_LOCK_SCOPE(&self->mutex);
    bp_status status = put_locked(self, request, write, added, reterr);
    if (status)
        return status;
    *ret_version = added->version;
    added = NULL;
    return BP_OK;
}

static bp_status memory_remove(void *data, const bp__kv_request *request, uint64_t if_version,
                               bp_error *reterr)
{
    store *self = data;
    BP_LOCK_SCOPE(&self->mutex);
    entry *item = find_entry(find_space(self, &request->space), request->key);
    if (!item || bp__kv_expired(item->expires_ms, memory_now_ms()))
        return bp__kv_absent(reterr);
    bp_status status = bp__kv_condition_check(if_version ? BP_KV_IF_VERSION : BP_KV_ALWAYS,
                                              if_version, true, item->version, reterr);
    if (status)
        return status;
    space *in = item->space;
    unlink_entry(self, item);
    free_entry(item);
    drop_space_if_empty(self, in);
    return BP_OK;
}

static bp__tree_node *range_begin(const space *in, const bp__kv_range *range)
{
    if (bp__kv_compare(range->after, range->prefix) >= 0 && range->after.size)
        return bp__tree_after(&in->keys, &range->after);
    return bp__tree_at(&in->keys, &range->prefix);
}

static bp_status memory_list(void *data, const bp__kv_request *request, const bp__kv_range *range,
                             bp__kv_keys *keys, bp_error *reterr)
{
    store *self = data;
    BP_LOCK_SCOPE(&self->mutex);
    const space *in = find_space(self, &request->space);
    if (!in)
        return BP_OK;
    uint64_t now_ms = memory_now_ms();
    for (bp__tree_node *node = range_begin(in, range); node;) {
        const entry *item = OF(node, const entry, by_key);
        bp_bytes key = key_of(item);
        if (!bp__kv_range_has(range, key))
            break;
        bool expired = bp__kv_expired(item->expires_ms, now_ms);
        if (!expired && keys->count == keys->limit) {
            keys->more = true;
            break;
        }
        if (!expired && !bp__kv_keys_add(keys, key))
            return bp__error_oom(reterr, "listing keys");
        node = bp__tree_after(&in->keys, &key);
    }
    return BP_OK;
}

/* Expired ones are removed first, so that what is left is what is counted. */
static bp_status memory_count(void *data, const bp__kv_request *request, uint64_t *ret_entries,
                              uint64_t *ret_bytes, bp_error *reterr)
{
    store *self = data;
    (void)reterr;
    BP_LOCK_SCOPE(&self->mutex);
    space *in = find_space(self, &request->space);
    *ret_entries = 0;
    *ret_bytes = 0;
    if (!in)
        return BP_OK;
    uint64_t now_ms = memory_now_ms();
    for (entry *gone; (gone = first_expired(&in->times, false, now_ms));)
        expire(self, gone);
    *ret_entries = in->use.entries;
    *ret_bytes = in->use.bytes;
    drop_space_if_empty(self, in);
    return BP_OK;
}

/* Some at a time, so that nobody waits long for the lock. False when there are no more. */
static bool sweep_some(store *self, bp__kv_sweep *sweep)
{
    BP_LOCK_SCOPE(&self->mutex);
    uint64_t now_ms = memory_now_ms();
    for (int i = 0; i < SWEEP_BATCH; i++) {
        entry *gone = first_expired(&self->times, true, now_ms);
        if (!gone) {
            bp__tree_node *next = bp__tree_first(&self->times);
            sweep->next_ms = next ? OF(next, entry, by_store_time)->expires_ms : UINT64_MAX;
            return false;
        }
        space *in = gone->space;
        expire(self, gone);
        drop_space_if_empty(self, in);
    }
    return true;
}

static bp_status memory_sweep(void *data, bp__kv_sweep *sweep, bp_error *reterr)
{
    (void)reterr;
    while (sweep_some(data, sweep))
        if (bp_cancel_triggered(sweep->cancel))
            return bp_error_set(reterr, BP_ECANCELLED, "kv: cancelled");
    return BP_OK;
}

const bp__kv_backend bp__kv_memory = {
    .scheme = "memory",
    .bytes_default = UINT64_C(1) << 30,
    .sweep_pause_ms = 100,
    .now_ms = memory_now_ms,
    .open = memory_open,
    .close = memory_close,
    .get = memory_get,
    .set = memory_set,
    .remove = memory_remove,
    .list = memory_list,
    .count = memory_count,
    .sweep = memory_sweep,
};
