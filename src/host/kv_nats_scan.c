/* What there is in a bucket, without values. SPDX-License-Identifier: Apache-2.0
 *
 * A consumer made for the purpose sends the last message of each subject, headers only, to an
 * inbox. The name to which a message would be acknowledged says how many more there are. The client
 * library's own subscriptions to consumers are not used: several at once on one connection have
 * come to wait for each other for ever (libnats 3.4.1). */
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
static bp_status take(const bp__nats *self, natsMsg *message, const bp__nats_about *about,
                      bp__nats_items *items, bp_error *reterr)
{
    char prefix[BP__NATS_SUBJECT_MAX];
    uint8_t key[BP_KV_KEY_SIZE_MAX];
    bp__nats_subject(self, "", prefix);
    const char *subject = natsMsg_GetSubject(message), *operation = NULL;
    size_t skip = strlen(prefix);
    bp__nats_item item = {.sequence = about->sequence, .at_ms = about->at_ns / BP_NS_PER_MS};
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

/* One reading of the whole. */
typedef struct reading {
    bp__nats *self;
    const bp__nats_wait *wait;
    bp__nats_items items;
    natsSubscription *inbox;
    char *consumer; /* its name, owned */
    uint64_t received;
    bool end;
    jsErrCode code;
} reading;

/* Takes over what the server says of the consumer: it may have sent all. */
static void look(reading *scan, const jsConsumerInfo *info)
{
    scan->end = info->NumPending == 0 && info->Delivered.Consumer == scan->received;
}

static natsStatus make_consumer(reading *scan, const char *subject, const char *inbox,
                                unsigned tries)
{
    jsOptions options;
    jsConsumerConfig config;
    jsConsumerInfo *info = NULL;
    jsOptions_Init(&options);
    jsConsumerConfig_Init(&config);
    options.Wait = bp__nats_patience(tries, scan->wait);
    config.DeliverSubject = inbox;
    config.FilterSubject = subject;
    config.DeliverPolicy = js_DeliverLastPerSubject;
    config.AckPolicy = js_AckNone;
    config.HeadersOnly = true;
    config.MemoryStorage = true;
    config.Replicas = 1;
    config.InactiveThreshold = INT64_C(5000000000); /* if we do not come to delete it */
    natsStatus s =
        js_AddConsumer(&info, scan->self->js, scan->self->stream, &config, &options, &scan->code);
    if (s == NATS_OK) {
        scan->consumer = bp__strdup(info->Name);
        look(scan, info);
    }
    jsConsumerInfo_Destroy(info);
    return s || scan->consumer ? s : NATS_NO_MEMORY;
}

static natsStatus begin(reading *scan, const char *filter, unsigned tries)
{
    char subject[BP__NATS_SUBJECT_MAX];
    natsInbox *inbox = NULL;
    bp__nats_subject(scan->self, filter, subject);
    natsStatus s = natsInbox_Create(&inbox);
    if (s == NATS_OK)
        s = natsConnection_SubscribeSync(&scan->inbox, scan->self->connection, inbox);
    /* Nothing is dropped: there is no more than the namespace has. */
    if (s == NATS_OK)
        s = natsSubscription_SetPendingLimits(scan->inbox, -1, -1);
    if (s == NATS_OK)
        s = make_consumer(scan, subject, inbox, tries);
    natsInbox_Destroy(inbox);
    return s;
}

static void finish(reading *scan)
{
    jsOptions options;
    jsErrCode code;
    jsOptions_Init(&options);
    options.Wait = bp__nats_patience(0, scan->wait);
    if (scan->consumer)
        (void)js_DeleteConsumer(scan->self->js, scan->self->stream, scan->consumer, &options,
                                &code);
    natsSubscription_Destroy(scan->inbox);
    bp__free(scan->consumer);
}

/* No message came: have all come? */
static natsStatus ask(reading *scan)
{
    jsOptions options;
    jsConsumerInfo *info = NULL;
    jsOptions_Init(&options);
    options.Wait = bp__nats_patience(1, scan->wait);
    natsStatus s = js_GetConsumerInfo(&info, scan->self->js, scan->self->stream, scan->consumer,
                                      &options, &scan->code);
    if (s == NATS_OK)
        look(scan, info);
    jsConsumerInfo_Destroy(info);
    return s;
}

/* One message. */
static natsStatus step(reading *scan, bp_status *ret_status, bp_error *reterr)
{
    natsMsg *message = NULL;
    bp__nats_about about;
    natsStatus s =
        natsSubscription_NextMsg(&message, scan->inbox, bp__nats_patience(0, scan->wait));
    if (s == NATS_TIMEOUT)
        return ask(scan);
    if (s != NATS_OK)
        return s;
    const char *reply = natsMsg_GetReply(message);
    /* One that was lost on the way leaves a gap. */
    if (!reply || !bp__nats_about_read(reply, &about) || about.number != ++scan->received) {
        natsMsg_Destroy(message);
        return NATS_MISMATCH;
    }
    *ret_status = take(scan->self, message, &about, &scan->items, reterr);
    scan->end = about.pending == 0;
    natsMsg_Destroy(message);
    return NATS_OK;
}

static natsStatus try_scan(reading *scan, const char *filter, unsigned tries, bp_status *ret_status,
                           bp_error *reterr)
{
    natsStatus s = begin(scan, filter, tries);
    while (s == NATS_OK && !scan->end && *ret_status == BP_OK) {
        s = step(scan, ret_status, reterr);
        if (!scan->end &&
            (bp_cancel_triggered(scan->wait->cancel) || bp_deadline_passed(scan->wait->by)))
            s = NATS_TIMEOUT;
    }
    finish(scan);
    return s;
}

bp_status bp__nats_scan(bp__nats *self, const char *filter, const bp__nats_wait *wait,
                        bp__nats_items *ret, bp_error *reterr)
{
    for (unsigned tries = 0;; tries++) {
        reading scan = {.self = self, .wait = wait};
        bp_status status = BP_OK;
        natsStatus s = try_scan(&scan, filter, tries, &status, reterr);
        if (s == NATS_OK && status == BP_OK) {
            keep_newest(&scan.items);
            *ret = scan.items;
            return BP_OK;
        }
        bp__nats_items_done(&scan.items);
        /* A server that was started anew has forgotten the consumer. */
        if (s == NATS_NOT_FOUND && scan.code == JSConsumerNotFoundErr)
            s = NATS_MISMATCH;
        if (status == BP_OK)
            status = bp__nats_again(self, s, scan.code, "listing", tries, wait, reterr);
        if (status)
            return status;
    }
}
