/* What there is in a bucket, without values. SPDX-License-Identifier: Apache-2.0
 *
 * An ordered consumer of the last message of each subject, headers only. The server says with each
 * message how many more there are. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "host/kv_nats.h"

void bp__nats_items_done(bp__nats_items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        bp__free(items->items[i].name);
        bp__free(items->items[i].key);
    }
    bp__free(items->items);
    *items = (bp__nats_items){0};
}

static bool make_room(bp__nats_items *items)
{
    if (items->count < items->capacity)
        return true;
    size_t capacity = items->capacity ? items->capacity * 2 : 64;
    bp__nats_item *more = bp__realloc(items->items, capacity * sizeof *more);
    if (!more)
        return false;
    items->items = more;
    items->capacity = capacity;
    return true;
}

static uint64_t header_number(natsMsg *message, const char *name)
{
    const char *text = NULL;
    if (natsMsgHeader_Get(message, name, &text) != NATS_OK || !text)
        return 0;
    return strtoull(text, NULL, 10);
}

static bool add(bp__nats_items *items, const char *name, const bp__nats_item *from,
                const uint8_t *key)
{
    if (!make_room(items))
        return false;
    bp__nats_item item = *from;
    item.name = bp__strdup(name);
    item.key = (uint8_t *)bp__strndup((const char *)key, item.key_size);
    if (!item.name || !item.key) {
        bp__free(item.name);
        bp__free(item.key);
        return false;
    }
    items->items[items->count++] = item;
    return true;
}

/* Takes a message in; one whose name is not of ours is passed over. */
static bp_status take(const bp__nats *self, natsMsg *message, const jsMsgMetaData *about,
                      bp__nats_items *items, bp_error *reterr)
{
    char prefix[BP__NATS_SUBJECT_MAX];
    uint8_t key[BP_KV_KEY_SIZE_MAX];
    bp__nats_subject(self, "", prefix);
    const char *subject = natsMsg_GetSubject(message), *operation = NULL;
    size_t skip = strlen(prefix);
    bp__nats_item item = {
        .sequence = about->Sequence.Stream,
        .at_ms = (uint64_t)about->Timestamp / BP_NS_PER_MS,
    };
    if (!subject || strncmp(subject, prefix, skip) != 0 ||
        !bp__nats_name_read(subject + skip, &item.space_size, key, &item.key_size))
        return BP_OK;
    item.there = natsMsgHeader_Get(message, "KV-Operation", &operation) != NATS_OK || !operation;
    item.expires_ms = header_number(message, "Bullpen-Expires");
    item.bytes = item.key_size + header_number(message, "Nats-Msg-Size");
    return add(items, subject + skip, &item, key) ? BP_OK : bp__error_oom(reterr, "listing keys");
}

/* By name, the newest of each first. */
static int order(const void *a, const void *b)
{
    const bp__nats_item *x = a, *y = b;
    int names = strcmp(x->name, y->name);
    return names ? names : (x->sequence < y->sequence) - (x->sequence > y->sequence);
}

/* One that changed while we read is there twice: the newest counts. */
static void keep_newest(bp__nats_items *items)
{
    if (items->count > 1)
        qsort(items->items, items->count, sizeof *items->items, order);
    size_t kept = 0;
    for (size_t i = 0; i < items->count; i++) {
        bp__nats_item *item = &items->items[i];
        if (kept && strcmp(items->items[kept - 1].name, item->name) == 0) {
            bp__free(item->name);
            bp__free(item->key);
        } else {
            items->items[kept++] = *item;
        }
    }
    items->count = kept;
}

/* Whether the server has nothing more for this consumer: asked when no message comes. */
static natsStatus at_end(natsSubscription *subscription, uint64_t received,
                         const bp__nats_wait *wait, bool *ret, jsErrCode *code)
{
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = bp__nats_patience(1, wait);
    jsConsumerInfo *info = NULL;
    natsStatus s = natsSubscription_GetConsumerInfo(&info, subscription, &options, code);
    *ret = s == NATS_OK && info->NumPending == 0 && info->Delivered.Consumer <= received;
    jsConsumerInfo_Destroy(info);
    return s;
}

/* Reads to the end. A natsStatus that is none of ours is the reason to begin again. */
static natsStatus drain(bp__nats *self, natsSubscription *subscription, const bp__nats_wait *wait,
                        bp__nats_items *items, jsErrCode *code, bp_status *ret_status,
                        bp_error *reterr)
{
    bool end = false;
    uint64_t received = 0;
    natsStatus s = at_end(subscription, 0, wait, &end, code);
    while (s == NATS_OK && !end && *ret_status == BP_OK) {
        natsMsg *message = NULL;
        jsMsgMetaData *about = NULL;
        s = natsSubscription_NextMsg(&message, subscription, bp__nats_patience(0, wait));
        if (s == NATS_TIMEOUT) {
            if (bp_deadline_passed(wait->by) || bp_cancel_triggered(wait->cancel))
                break;
            s = at_end(subscription, received, wait, &end, code);
            continue;
        }
        if (s == NATS_OK)
            s = natsMsg_GetMetaData(&about, message);
        if (s == NATS_OK) {
            received++;
            *ret_status = take(self, message, about, items, reterr);
            end = about->NumPending == 0;
        }
        jsMsgMetaData_Destroy(about);
        natsMsg_Destroy(message);
        if (bp_cancel_triggered(wait->cancel) || bp_deadline_passed(wait->by))
            s = end ? s : NATS_TIMEOUT;
    }
    return s;
}

static natsStatus subscribe(bp__nats *self, const char *filter, unsigned tries,
                            const bp__nats_wait *wait, natsSubscription **ret, jsErrCode *code)
{
    char subject[BP__NATS_SUBJECT_MAX];
    bp__nats_subject(self, filter, subject);
    jsOptions options;
    jsSubOptions how;
    jsOptions_Init(&options);
    jsSubOptions_Init(&how);
    options.Wait = bp__nats_patience(tries, wait);
    how.Stream = self->stream;
    how.Ordered = true;
    how.Config.HeadersOnly = true;
    how.Config.DeliverPolicy = js_DeliverLastPerSubject;
    return js_SubscribeSync(ret, self->js, subject, &options, &how, code);
}

bp_status bp__nats_scan(bp__nats *self, const char *filter, const bp__nats_wait *wait,
                        bp__nats_items *ret, bp_error *reterr)
{
    bp__nats_items items = {0};
    for (unsigned tries = 0;; tries++) {
        natsSubscription *subscription = NULL;
        jsErrCode code = 0;
        bp_status status = BP_OK;
        natsStatus s = subscribe(self, filter, tries, wait, &subscription, &code);
        if (s == NATS_OK)
            s = drain(self, subscription, wait, &items, &code, &status, reterr);
        natsSubscription_Destroy(subscription);
        if (s == NATS_OK && status == BP_OK) {
            keep_newest(&items);
            *ret = items;
            return BP_OK;
        }
        bp__nats_items_done(&items);
        if (status == BP_OK)
            status = bp__nats_again(self, s, code, "listing", tries, wait, reterr);
        if (status)
            return status;
    }
}
