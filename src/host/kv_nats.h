/* Entries in a JetStream bucket: what the parts of this backend share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The bucket is the stream KV_<bucket>, its subjects are
 *   $KV.<bucket>.<namespace>.<key>   an entry: the value; headers: when it expires
 *   $KV.<bucket>.<namespace>         what the namespace uses, as text
 * with namespace and key in base64 for URLs. The version of an entry is its sequence in the stream;
 * a change names the sequence that it was decided on, and the server refuses it if that is not the
 * last one of the subject any more. */
#ifndef BP_HOST_KV_NATS_H
#define BP_HOST_KV_NATS_H

#include <nats/nats.h>
#include <pthread.h>

#include "host/kv.h"

#define BP__NATS_BUCKET_MAX 64
/* Base64 of the longest namespace and the longest key, a dot, and the NUL. */
#define BP__NATS_TOKEN(size) (((size) * 4 + 2) / 3)
#define BP__NATS_SPACE_MAX BP__NATS_TOKEN(BP__KV_SPACE_SIZE_MAX)
#define BP__NATS_NAME_MAX (BP__NATS_SPACE_MAX + 1 + BP__NATS_TOKEN(BP_KV_KEY_SIZE_MAX) + 1)
#define BP__NATS_SUBJECT_MAX (BP__NATS_NAME_MAX + BP__NATS_BUCKET_MAX + 8)

typedef struct bp__nats_tidied {
    uint64_t hash, at_ms;
} bp__nats_tidied;
#define BP__NATS_TIDIED 64

typedef struct bp__nats {
    natsConnection *connection;
    jsCtx *js;
    char bucket[BP__NATS_BUCKET_MAX + 1];
    char stream[BP__NATS_BUCKET_MAX + 4];
    char *server; /* for messages: without a password */
    bp__kv_counters *counters;
    const bp__logger *logger;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t changed;
    bool connected, closed;
    bp__nats_tidied tidied[BP__NATS_TIDIED]; /* namespaces, by their hash */
} bp__nats;

/* Until when, and what ends it. */
typedef struct bp__nats_wait {
    bp_deadline by;
    bp_cancel *cancel;
} bp__nats_wait;

/* ---- kv_nats_name.c */

/* Base64 for URLs without padding; `to` has BP__NATS_TOKEN(size) + 1 bytes. */
void bp__nats_encode(bp_bytes from, char *to);
/* False unless `text` is what the encoder writes for 1 to `room` bytes. */
bool bp__nats_decode(const char *text, size_t size, uint8_t *to, size_t room, size_t *ret_size);
/* "<namespace>" or "<namespace>.<key>" */
void bp__nats_name(const bp__kv_space *space, const bp_bytes *key, char to[BP__NATS_NAME_MAX]);
/* Both parts of a name with a key; false if it is none. */
bool bp__nats_name_read(const char *name, size_t *ret_space_size, uint8_t key[BP_KV_KEY_SIZE_MAX],
                        size_t *ret_key_size);
/* "//[user:password@]host[:port]/bucket": the URL of the server, owned, and the bucket. */
bp_status bp__nats_place_read(const char *place, char **ret_url,
                              char ret_bucket[BP__NATS_BUCKET_MAX + 1], bp_error *reterr);
/* "entries bytes time" of a namespace. */
typedef struct bp__nats_use {
    bp__kv_use use;
    uint64_t changed_ms;
} bp__nats_use;
/* What the name says to which a message of a consumer would be acknowledged. */
typedef struct bp__nats_about {
    uint64_t sequence, number; /* in the stream; among what the consumer sent, from 1 */
    uint64_t at_ns, pending;   /* when it was written; how many come behind it */
} bp__nats_about;
bool bp__nats_about_read(const char *reply, bp__nats_about *ret);
#define BP__NATS_USE_MAX 80
bool bp__nats_use_read(const char *text, size_t size, bp__nats_use *ret);

/* ---- kv_nats_link.c: the connection, and single steps on it. Each is sent again until the
 * deadline, and is made at most once. */

bp_status bp__nats_open(const bp__kv_setup *setup, bp__nats **ret, bp_error *reterr);
void bp__nats_close(bp__nats *self);

/* The last message of a subject. */
typedef struct bp__nats_stored {
    natsMsg *message;  /* owned; NULL: there is none */
    uint64_t sequence; /* 0: there is none */
    bool there;        /* it is an entry, not what a delete leaves */
    uint64_t expires_ms;
    bp_bytes bytes; /* borrowed from `message` */
} bp__nats_stored;
bp_status bp__nats_read(bp__nats *self, const char *name, const bp__nats_wait *wait,
                        bp__nats_stored *ret, bp_error *reterr);
void bp__nats_stored_done(bp__nats_stored *stored);

typedef struct bp__nats_publish {
    const char *name;
    bp_bytes bytes;
    uint64_t expires_ms;
    bool is_delete;
    uint64_t expected; /* the sequence that it comes behind; 0: none */
} bp__nats_publish;
/* BP_ECONFLICT: another message came first, nothing was done. */
bp_status bp__nats_write(bp__nats *self, const bp__nats_publish *what, const bp__nats_wait *wait,
                         uint64_t *ret_sequence, bp_error *reterr);
/* bp__nats_reserve(), the write behind it, and bp__nats_release() take no longer together; see
 * kv_nats.c. */
#define BP__NATS_SETTLED_MS 120000
/* Clears away what deletes leave, up to a sequence; if it fails it stays there, and harms nobody.
 */
void bp__nats_clear(bp__nats *self, const char *name, uint64_t sequence, const bp__nats_wait *wait);
/* Whether a step that failed so is to be done again: waits a little, or says why not. */
bp_status bp__nats_again(bp__nats *self, natsStatus status, jsErrCode code, const char *doing,
                         unsigned tries, const bp__nats_wait *wait, bp_error *reterr);
/* Milliseconds to wait for an answer in one attempt. */
int64_t bp__nats_patience(unsigned tries, const bp__nats_wait *wait);
/* After a conflict: a moment's rest, so that one of several comes first. */
bp_status bp__nats_rest(bp__nats *self, unsigned tries, const bp__nats_wait *wait,
                        bp_error *reterr);
void bp__nats_subject(const bp__nats *self, const char *name, char to[BP__NATS_SUBJECT_MAX]);

/* ---- kv_nats_scan.c: what there is, without values */

typedef struct bp__nats_item {
    char *name;                           /* "<namespace>.<key>" */
    uint64_t sequence, expires_ms, bytes; /* of key and value */
    uint64_t at_ms;                       /* when it was written, on the server's wall clock */
    bool there;
    size_t space_size; /* of the namespace's part of the name */
    size_t key_size;
    uint8_t *key;
} bp__nats_item;
typedef struct bp__nats_items {
    bp__nats_item *items; /* by name */
    size_t count, capacity;
} bp__nats_items;
/* `filter` is a name with wildcards. */
bp_status bp__nats_scan(bp__nats *self, const char *filter, const bp__nats_wait *wait,
                        bp__nats_items *ret, bp_error *reterr);
void bp__nats_items_done(bp__nats_items *items);

/* ---- kv_nats_use.c: what namespaces use */

/* Counts an entry of `to` bytes in place of one of `from` bytes (`replaces`) or none; BP_ELIMIT. */
bp_status bp__nats_reserve(bp__nats *self, const bp__kv_request *request, bool replaces,
                           uint64_t from, uint64_t to, bp_error *reterr);
/* Takes so much out of the count of the namespace that `name` begins with. */
bp_status bp__nats_release(bp__nats *self, const char *name, uint64_t entries, uint64_t bytes,
                           const bp__nats_wait *wait, bp_error *reterr);
/* Removes an item that has expired. */
bp_status bp__nats_expire(bp__nats *self, const bp__nats_item *item, const bp__nats_wait *wait,
                          bp_error *reterr);
/* Removes what has expired in the request's namespace, and mends a count that is too high. */
bp_status bp__nats_tidy(bp__nats *self, const bp__kv_request *request, bp_error *reterr);

#endif
