/* What namespaces use, and making room in them. SPDX-License-Identifier: Apache-2.0
 *
 * An entry and the count of its namespace are two messages, and no server takes two at once. So who
 * grows a namespace counts first and writes then, and who shrinks it writes first and counts then:
 * at every moment the count is at least what is there, and a namespace never holds more than its
 * limits. Who dies in between leaves a count that is too high. It is mended when it is in the way:
 * when a change does not fit, what is there is counted, and that becomes the count unless that has
 * changed since. What somebody is in the middle of must not be missed by this, so everything in the
 * namespace, its count and what deletes leave included, has to be older than an operation may take.
 * A delete leaves a message, with its time, until it is counted. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "host/kv_nats.h"

/* A namespace is not tidied more often. */
#define TIDY_PAUSE_MS 1000

static bp_status read_use(bp__nats *self, const char *name, const bp__nats_wait *wait,
                          bp__nats_use *ret, uint64_t *ret_sequence, bp_error *reterr)
{
    bp__nats_stored stored;
    bp_status status = bp__nats_read(self, name, wait, &stored, reterr);
    if (status)
        return status;
    *ret = (bp__nats_use){0};
    *ret_sequence = stored.sequence;
    if (stored.there && !bp__nats_use_read(stored.bytes.data, stored.bytes.size, ret))
        status = bp_error_set(reterr, BP_EFORMAT,
                              "kv: the bucket '%s' has a count that is none; was it written by "
                              "something else?",
                              self->bucket);
    bp__nats_stored_done(&stored);
    return status;
}

static bp_status write_use(bp__nats *self, const char *name, const bp__kv_use *use,
                           uint64_t expected, const bp__nats_wait *wait, bp_error *reterr)
{
    char text[BP__NATS_USE_MAX];
    int size = snprintf(text, sizeof text, "%llu %llu %llu", (unsigned long long)use->entries,
                        (unsigned long long)use->bytes, (unsigned long long)bp__wall_ms());
    uint64_t sequence;
    const bp__nats_publish what = {
        .name = name, .bytes = {text, (size_t)size}, .expected = expected};
    return bp__nats_write(self, &what, wait, &sequence, reterr);
}

bp_status bp__nats_reserve(bp__nats *self, const bp__kv_request *request, bool replaces,
                           uint64_t from, uint64_t to, bp_error *reterr)
{
    char name[BP__NATS_NAME_MAX];
    const bp__nats_wait wait = {request->by, request->cancel};
    bp__nats_name(&request->space, NULL, name);
    for (unsigned tries = 0;; tries++) {
        bp__nats_use use;
        uint64_t sequence;
        bp_status status = read_use(self, name, &wait, &use, &sequence, reterr);
        if (!status)
            status = bp__kv_room(&request->limits, &use.use, replaces, from, to, reterr);
        if (status)
            return status;
        use.use.entries += !replaces;
        use.use.bytes += to - from;
        status = write_use(self, name, &use.use, sequence, &wait, reterr);
        if (status != BP_ECONFLICT)
            return status;
        status = bp__nats_rest(self, tries, &wait, reterr);
        if (status)
            return status;
    }
}

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

bp_status bp__nats_release(bp__nats *self, const char *of, uint64_t entries, uint64_t bytes,
                           const bp__nats_wait *wait, bp_error *reterr)
{
    char name[BP__NATS_NAME_MAX];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(of, "."), of);
    for (unsigned tries = 0;; tries++) {
        bp__nats_use use;
        uint64_t sequence;
        bp_status status = read_use(self, name, wait, &use, &sequence, reterr);
        if (status)
            return status;
        use.use.entries = less(use.use.entries, entries);
        use.use.bytes = less(use.use.bytes, bytes);
        status = write_use(self, name, &use.use, sequence, wait, reterr);
        if (status != BP_ECONFLICT)
            return status;
        status = bp__nats_rest(self, tries, wait, reterr);
        if (status)
            return status;
    }
}

bp_status bp__nats_expire(bp__nats *self, const bp__nats_item *item, const bp__nats_wait *wait,
                          bp_error *reterr)
{
    uint64_t sequence;
    const bp__nats_publish what = {
        .name = item->name, .is_delete = true, .expected = item->sequence};
    bp_status status = bp__nats_write(self, &what, wait, &sequence, reterr);
    if (status == BP_ECONFLICT)
        return BP_OK; /* somebody has written it anew, or removed it */
    if (status)
        return status;
    bp__kv_add(&self->counters->expired, 1);
    status = bp__nats_release(self, item->name, 1, item->bytes, wait, reterr);
    if (!status)
        bp__nats_clear(self, item->name, sequence, wait);
    return status;
}

/* ---- when a change does not fit */

static uint64_t hash_of(const bp__kv_space *space)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < space->size; i++)
        hash = (hash ^ space->bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

/* Reading a whole namespace takes a while, and a guest may try to write as often as it likes. */
static bool too_soon(bp__nats *self, const bp__kv_space *space)
{
    uint64_t hash = hash_of(space), now_ms = bp__wall_ms();
    pthread_mutex_lock(&self->mutex);
    bp__nats_tidied *last = &self->tidied[hash % BP__NATS_TIDIED];
    bool soon = last->hash == hash && now_ms - last->at_ms < TIDY_PAUSE_MS;
    if (!soon)
        *last = (bp__nats_tidied){hash, now_ms};
    pthread_mutex_unlock(&self->mutex);
    return soon;
}

/* What is there, and when the last of it was written. */
static bp__kv_use count(const bp__nats_items *items, uint64_t *ret_newest_ms)
{
    bp__kv_use use = {0};
    for (size_t i = 0; i < items->count; i++) {
        const bp__nats_item *item = &items->items[i];
        if (item->at_ms > *ret_newest_ms)
            *ret_newest_ms = item->at_ms;
        use.entries += item->there;
        use.bytes += item->there ? item->bytes : 0;
    }
    return use;
}

static bp_status mend(bp__nats *self, const char *name, const bp__nats_items *items,
                      const bp__nats_use *use, uint64_t sequence, const bp__nats_wait *wait,
                      bp_error *reterr)
{
    uint64_t now_ms = bp__wall_ms(), newest_ms = use->changed_ms;
    const bp__kv_use there = count(items, &newest_ms), *counted = &there;
    bool settled = now_ms > newest_ms && now_ms - newest_ms > BP__NATS_SETTLED_MS;
    if (!settled || (use->use.entries == counted->entries && use->use.bytes == counted->bytes))
        return BP_OK;
    bp__log(self->logger, BP_LOG_INFO, "kv", NULL,
            "a count in the bucket '%s' is mended: %llu entries, not %llu", self->bucket,
            (unsigned long long)counted->entries, (unsigned long long)use->use.entries);
    bp_status status = write_use(self, name, counted, sequence, wait, reterr);
    return status == BP_ECONFLICT ? BP_OK : status;
}

bp_status bp__nats_tidy(bp__nats *self, const bp__kv_request *request, bp_error *reterr)
{
    char name[BP__NATS_NAME_MAX], filter[BP__NATS_NAME_MAX + 2];
    const bp__nats_wait wait = {request->by, request->cancel};
    bp__nats_use use;
    bp__nats_items items = {0};
    uint64_t sequence, now_ms = bp__wall_ms();
    if (too_soon(self, &request->space))
        return BP_OK;
    bp__nats_name(&request->space, NULL, name);
    snprintf(filter, sizeof filter, "%s.*", name);
    /* The count first: what changes while the rest is read changes it too. */
    bp_status status = read_use(self, name, &wait, &use, &sequence, reterr);
    if (!status)
        status = bp__nats_scan(self, filter, &wait, &items, reterr);
    if (!status)
        status = mend(self, name, &items, &use, sequence, &wait, reterr);
    for (size_t i = 0; i < items.count && !status; i++)
        if (items.items[i].there && bp__kv_expired(items.items[i].expires_ms, now_ms))
            status = bp__nats_expire(self, &items.items[i], &wait, reterr);
    bp__nats_items_done(&items);
    return status;
}
