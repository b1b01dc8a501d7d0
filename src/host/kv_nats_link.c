/* The connection to a server, and single steps on it. SPDX-License-Identifier: Apache-2.0
 *
 * An answer may be late or lost, and the server may be away for a while. So a step waits a short
 * time for its answer and is sent again, until the deadline; between two attempts it looks at its
 * cancel token. A message that is published carries an id: a server that has it already says so. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/wait.h"
#include "host/kv_nats.h"

#define HEADER_EXPIRES "Bullpen-Expires"
#define HEADER_OPERATION "KV-Operation"
#define HEADER_ID "Nats-Msg-Id"
#define PATIENCE_MS 250
#define PATIENCE_MAX_MS 1000
#define RECONNECT_MS 100
#define CLOSE_S 5
/* Bytes of headers beside a value. */
#define HEADERS_BYTES 512

/* ---- callbacks, on threads of the client library */

static void set_connected(bp__nats *self, bool connected, bool closed)
{
    BP_LOCK_SCOPE(&self->mutex);
    self->connected = connected;
    self->closed = closed;
    pthread_cond_broadcast(&self->changed);
}

static void on_disconnected(natsConnection *connection, void *data)
{
    (void)connection;
    bp__nats *self = data;
    set_connected(self, false, false);
    bp__log(self->logger, BP_LOG_WARN, "kv", NULL, "the server '%s' is gone", self->server);
}

static void on_reconnected(natsConnection *connection, void *data)
{
    (void)connection;
    bp__nats *self = data;
    set_connected(self, true, false);
    bp__log(self->logger, BP_LOG_INFO, "kv", NULL, "the server '%s' is back", self->server);
}

static void on_closed(natsConnection *connection, void *data)
{
    (void)connection;
    set_connected(data, false, true);
}

static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *data)
{
    (void)connection;
    (void)subscription;
    const bp__nats *self = data;
    bp__log(self->logger, BP_LOG_DEBUG, "kv", NULL, "the server '%s': %s", self->server,
            natsStatus_GetText(status));
}

/* ---- opening and closing */

static void free_nats(bp__nats *self)
{
    jsCtx_Destroy(self->js);
    natsConnection_Destroy(self->connection);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->mutex);
    bp__free(self->server);
    bp__free(self);
}

void bp__nats_close(bp__nats *self)
{
    if (self->connection) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += CLOSE_S;
        natsConnection_Close(self->connection);
        pthread_mutex_lock(&self->mutex);
        int waited = 0;
        while (!self->closed && waited == 0)
            waited = pthread_cond_timedwait(&self->changed, &self->mutex, &until);
        bool closed = self->closed;
        pthread_mutex_unlock(&self->mutex);
        if (!closed)
            return; /* a callback may come yet: better lost than freed under it */
    }
    free_nats(self);
}
BP_DEFINE_CLEANUP(cleanup_nats, bp__nats, bp__nats_close)

static int64_t left_ms(const bp__nats_wait *wait)
{
    uint64_t ms = bp_deadline_left_ns(wait->by) / BP_NS_PER_MS;
    return ms < 1 ? 1 : ms > 3600000 ? 3600000 : (int64_t)ms;
}

int64_t bp__nats_patience(unsigned tries, const bp__nats_wait *wait)
{
    int64_t ms = tries < 2 ? PATIENCE_MS << tries : PATIENCE_MAX_MS, left = left_ms(wait);
    return ms < left ? ms : left;
}

static natsStatus set_options(natsOptions *options, const char *url, bp__nats *self,
                              const bp__nats_wait *wait)
{
    natsStatus s = natsOptions_SetURL(options, url);
    if (!s)
        s = natsOptions_SetTimeout(options, left_ms(wait));
    if (!s)
        s = natsOptions_SetName(options, "bullpen");
    if (!s)
        s = natsOptions_SetMaxReconnect(options, -1);
    if (!s)
        s = natsOptions_SetReconnectWait(options, RECONNECT_MS);
    if (!s)
        s = natsOptions_SetReconnectJitter(options, RECONNECT_MS, RECONNECT_MS);
    if (!s)
        s = natsOptions_SetPingInterval(options, 10000);
    /* Nothing waits to be sent later: who wants it by then sends it again. */
    if (!s)
        s = natsOptions_SetFailRequestsOnDisconnect(options, true);
    if (!s)
        s = natsOptions_SetReconnectBufSize(options, 1);
    if (!s)
        s = natsOptions_SetWriteDeadline(options, 5000);
    if (!s)
        s = natsOptions_SetSendAsap(options, true);
    if (!s)
        s = natsOptions_SetDisconnectedCB(options, on_disconnected, self);
    if (!s)
        s = natsOptions_SetReconnectedCB(options, on_reconnected, self);
    if (!s)
        s = natsOptions_SetClosedCB(options, on_closed, self);
    return s ? s : natsOptions_SetErrorHandler(options, on_error, self);
}

/* The client library's threads get this one's mask: they must not take the host's signals. */
static natsStatus connect_quietly(natsConnection **ret, natsOptions *options)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    natsStatus s = natsConnection_Connect(ret, options);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s;
}

static bp_status connect_error(const bp__nats *self, natsStatus s, bp_error *reterr)
{
    if (s == NATS_NO_MEMORY)
        return bp__error_oom(reterr, "connecting to a server");
    if (s == NATS_CONNECTION_AUTH_FAILED || s == NATS_NOT_PERMITTED)
        return bp_error_set(reterr, BP_EDENIED, "kv: the server '%s' refuses this user: %s",
                            self->server, natsStatus_GetText(s));
    if (s == NATS_ADDRESS_MISSING || s == NATS_INVALID_ARG)
        return bp_error_set(reterr, BP_EINVAL, "kv: '%s' names no server", self->server);
    return bp_error_set(reterr, BP_EUNAVAILABLE, "kv: the server '%s' cannot be reached: %s",
                        self->server, natsStatus_GetText(s));
}

static bp_status connect_to(bp__nats *self, const char *url, const bp__nats_wait *wait,
                            bp_error *reterr)
{
    natsOptions *options = NULL;
    natsStatus s = natsOptions_Create(&options);
    if (!s)
        s = set_options(options, url, self, wait);
    if (!s)
        s = connect_quietly(&self->connection, options);
    natsOptions_Destroy(options);
    if (s)
        return connect_error(self, s, reterr);
    pthread_mutex_lock(&self->mutex);
    self->connected = natsConnection_Status(self->connection) == NATS_CONN_STATUS_CONNECTED;
    pthread_mutex_unlock(&self->mutex);
    jsOptions js;
    jsOptions_Init(&js);
    js.Wait = left_ms(wait);
    s = natsConnection_JetStream(&self->js, self->connection, &js);
    return s ? connect_error(self, s, reterr) : BP_OK;
}

/* Makes the bucket if there is none; two hosts may do so at once. */
static natsStatus make_bucket(bp__nats *self, const bp__kv_setup *setup)
{
    kvConfig config;
    kvStore *bucket = NULL;
    kvConfig_Init(&config);
    config.Bucket = self->bucket;
    config.Description = "entries of plugins (Bullpen)";
    config.History = 1;
    config.MaxBytes = setup->store_bytes_max > INT64_MAX ? 0 : (int64_t)setup->store_bytes_max;
    config.StorageType = js_FileStorage;
    config.Replicas = (int)setup->replicas;
    natsStatus s = js_CreateKeyValue(&bucket, self->js, &config);
    kvStore_Destroy(bucket);
    return s;
}

static bp_status check_bucket(const bp__nats *self, const jsStreamInfo *info, bp_error *reterr)
{
    if (info->Config->MaxAge)
        return bp_error_set(reterr, BP_EFORMAT,
                            "kv: the bucket '%s' forgets all messages after a time: entries would "
                            "go uncounted; make one without a TTL",
                            self->bucket);
    if (info->Config->DenyPurge)
        return bp_error_set(reterr, BP_EFORMAT,
                            "kv: the bucket '%s' does not let itself be purged: make another one",
                            self->bucket);
    return BP_OK;
}

static bp_status open_bucket(bp__nats *self, const bp__kv_setup *setup, const bp__nats_wait *wait,
                             bp_error *reterr)
{
    for (unsigned tries = 0;; tries++) {
        jsOptions options;
        jsOptions_Init(&options);
        options.Wait = bp__nats_patience(tries, wait);
        jsStreamInfo *info = NULL;
        jsErrCode code = 0;
        natsStatus s = js_GetStreamInfo(&info, self->js, self->stream, &options, &code);
        if (s == NATS_OK) {
            bp_status status = check_bucket(self, info, reterr);
            jsStreamInfo_Destroy(info);
            return status;
        }
        if (s == NATS_NOT_FOUND && code != JSNotEnabledErr) {
            s = make_bucket(self, setup);
            code = 0;
            if (s == NATS_OK)
                continue;
        }
        bp_status status = bp__nats_again(self, s, code, "opening the bucket", tries, wait, reterr);
        if (status)
            return status;
    }
}

bp_status bp__nats_open(const bp__kv_setup *setup, bp__nats **ret, bp_error *reterr)
{
    bp_cleanup(cleanup_nats) bp__nats *self = bp__alloc_zeroed(1, sizeof *self);
    bp_auto_free char *url = NULL;
    if (!self)
        return bp__error_oom(reterr, "opening a key-value store");
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->changed, NULL);
    self->counters = setup->counters;
    self->logger = setup->logger;
    bp__nats_wait wait = {.by = setup->by};
    bp_status status = bp__nats_place_read(setup->place, &url, self->bucket, reterr);
    if (status)
        return status;
    snprintf(self->stream, sizeof self->stream, "KV_%s", self->bucket);
    self->server = bp__kv_location_public(url);
    if (!self->server)
        return bp__error_oom(reterr, "opening a key-value store");
    status = connect_to(self, url, &wait, reterr);
    if (!status)
        status = open_bucket(self, setup, &wait, reterr);
    if (!status)
        *ret = bp_steal(&self);
    return status;
}

/* ---- what failed, and whether to go on */

static bool passes(natsStatus status)
{
    switch (status) {
    case NATS_TIMEOUT:
    case NATS_NO_RESPONDERS:
    case NATS_CONNECTION_DISCONNECTED:
    case NATS_STALE_CONNECTION:
    case NATS_IO_ERROR:
    case NATS_INSUFFICIENT_BUFFER:
    case NATS_NO_SERVER:
    case NATS_NOT_YET_CONNECTED:
    case NATS_MISSED_HEARTBEAT:
    case NATS_MISMATCH:
    case NATS_SLOW_CONSUMER:
        return true;
    default:
        return false;
    }
}

static bp_status for_good(const bp__nats *self, natsStatus status, jsErrCode code,
                          const char *doing, bp_error *reterr)
{
    const char *text = nats_GetLastError(NULL);
    if (!text || !*text)
        text = natsStatus_GetText(status);
    switch ((int)code) {
    case JSStreamNotFoundErr:
        return bp_error_set(reterr, BP_EUNAVAILABLE, "kv: %s: the bucket '%s' is gone", doing,
                            self->bucket);
    case JSStreamStoreFailedErr:
    case JSInsufficientResourcesErr:
    case JSStorageResourcesExceededErr:
    case JSStreamMessageExceedsMaximumErr:
    case JSAccountResourcesExceededErr:
        return bp_error_set(reterr, BP_ELIMIT,
                            "kv: %s: a limit of the bucket '%s' or its server: %s", doing,
                            self->bucket, text);
    default:
        break;
    }
    if (status == NATS_NO_MEMORY)
        return bp__error_oom(reterr, "talking to a server");
    if (status == NATS_CONNECTION_CLOSED)
        return bp_error_set(reterr, BP_EUNAVAILABLE, "kv: the server '%s' closed the connection",
                            self->server);
    if (status == NATS_NOT_PERMITTED || status == NATS_CONNECTION_AUTH_FAILED)
        return bp_error_set(reterr, BP_EDENIED, "kv: %s: the server '%s' does not permit it", doing,
                            self->server);
    return bp_error_set(reterr, BP_ESYSTEM, "kv: %s: the server '%s': %s", doing, self->server,
                        text);
}

static bool is_connected(bp__nats *self)
{
    BP_LOCK_SCOPE(&self->mutex);
    return self->connected;
}

static bp_status over(bp__nats *self, natsStatus status, const char *doing,
                      const bp__nats_wait *wait, bp_error *reterr)
{
    if (bp_cancel_triggered(wait->cancel))
        return bp_error_set(reterr, BP_ECANCELLED, "kv: %s: cancelled", doing);
    if (!bp_deadline_passed(wait->by))
        return BP_OK;
    if (!is_connected(self) || status == NATS_NO_RESPONDERS)
        return bp_error_set(reterr, BP_EUNAVAILABLE,
                            "kv: %s: the server '%s' %s, and was not back by the deadline", doing,
                            self->server, is_connected(self) ? "offers no JetStream" : "is gone");
    return bp_error_set(reterr, BP_ETIMEDOUT,
                        "kv: %s: no answer of the server '%s' by the deadline", doing,
                        self->server);
}

bp_status bp__nats_again(bp__nats *self, natsStatus status, jsErrCode code, const char *doing,
                         unsigned tries, const bp__nats_wait *wait, bp_error *reterr)
{
    /* JetStream itself starts, or looks for a leader. */
    bool starting = code == JSClusterNotAvailErr || code == JSNotEnabledErr ||
                    code == JSClusterNoPeersErr || code == JSStreamOfflineErr;
    if (!passes(status) && !starting)
        return for_good(self, status, code, doing, reterr);
    bp_status ended = over(self, status, doing, wait, reterr);
    if (ended)
        return ended;
    bp__kv_add(&self->counters->retries, 1);
    /* A server that is away fails each attempt at once. */
    if (status != NATS_TIMEOUT || !is_connected(self)) {
        uint64_t rest = (uint64_t)(tries < 4 ? 10 << tries : RECONNECT_MS) * BP_NS_PER_MS;
        bp_deadline until = bp__deadline_min(wait->by, bp__deadline_after(bp__now_ns(), rest));
        (void)bp__wait_until(until, wait->cancel);
    }
    return over(self, status, doing, wait, reterr);
}

bp_status bp__nats_rest(bp__nats *self, unsigned tries, const bp__nats_wait *wait, bp_error *reterr)
{
    uint32_t dice = 0;
    (void)!getrandom(&dice, sizeof dice, GRND_NONBLOCK);
    uint64_t most = UINT64_C(250000) << (tries < 8 ? tries : 8); /* from 0.25 to 64 ms */
    bp_deadline until = bp__deadline_min(wait->by, bp__deadline_after(bp__now_ns(), dice % most));
    bp__kv_add(&self->counters->retries, 1);
    (void)bp__wait_until(until, wait->cancel);
    return over(self, NATS_OK, "waiting for a turn", wait, reterr);
}

/* ---- steps */

void bp__nats_subject(const bp__nats *self, const char *name, char to[BP__NATS_SUBJECT_MAX])
{
    snprintf(to, BP__NATS_SUBJECT_MAX, "$KV.%s.%s", self->bucket, name);
}

static uint64_t read_expires(natsMsg *message)
{
    const char *text = NULL;
    if (natsMsgHeader_Get(message, HEADER_EXPIRES, &text) != NATS_OK || !text)
        return 0;
    return strtoull(text, NULL, 10);
}

static bool is_entry(natsMsg *message)
{
    const char *operation = NULL;
    return natsMsgHeader_Get(message, HEADER_OPERATION, &operation) != NATS_OK || !operation;
}

void bp__nats_stored_done(bp__nats_stored *stored)
{
    natsMsg_Destroy(stored->message);
    *stored = (bp__nats_stored){0};
}

bp_status bp__nats_read(bp__nats *self, const char *name, const bp__nats_wait *wait,
                        bp__nats_stored *ret, bp_error *reterr)
{
    char subject[BP__NATS_SUBJECT_MAX];
    bp__nats_subject(self, name, subject);
    *ret = (bp__nats_stored){0};
    for (unsigned tries = 0;; tries++) {
        jsOptions options;
        jsOptions_Init(&options);
        options.Wait = bp__nats_patience(tries, wait);
        jsErrCode code = 0;
        natsMsg *message = NULL;
        natsStatus s = js_GetLastMsg(&message, self->js, self->stream, subject, &options, &code);
        if (s == NATS_NOT_FOUND && (code == JSNoMessageFoundErr || !code))
            return BP_OK;
        if (s == NATS_OK) {
            *ret = (bp__nats_stored){
                .message = message,
                .sequence = natsMsg_GetSequence(message),
                .there = is_entry(message),
                .expires_ms = read_expires(message),
                .bytes = {natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message)},
            };
            return BP_OK;
        }
        bp_status status = bp__nats_again(self, s, code, "reading", tries, wait, reterr);
        if (status)
            return status;
    }
}

#define ID_SIZE 33

static bool make_id(char id[ID_SIZE])
{
    uint8_t bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static natsStatus make_message(const bp__nats *self, const bp__nats_publish *what, natsMsg **ret)
{
    char subject[BP__NATS_SUBJECT_MAX], number[24];
    bp__nats_subject(self, what->name, subject);
    natsStatus s = natsMsg_Create(ret, subject, NULL, what->bytes.data, (int)what->bytes.size);
    if (!s && what->expires_ms) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)what->expires_ms);
        s = natsMsgHeader_Set(*ret, HEADER_EXPIRES, number);
    }
    if (!s && what->is_delete)
        s = natsMsgHeader_Set(*ret, HEADER_OPERATION, "DEL");
    return s;
}

/* Whether the last message is the one with this id: an attempt had come through. */
static bool is_ours(bp__nats *self, const char *name, const char *id, const bp__nats_wait *wait,
                    uint64_t *ret_sequence)
{
    bp__nats_stored last;
    const char *found = NULL;
    if (bp__nats_read(self, name, wait, &last, NULL) != BP_OK || !last.message)
        return false;
    bool ours = natsMsgHeader_Get(last.message, HEADER_ID, &found) == NATS_OK && found &&
                strcmp(found, id) == 0;
    *ret_sequence = last.sequence;
    bp__nats_stored_done(&last);
    return ours;
}

static natsStatus publish_once(bp__nats *self, natsMsg *message, const bp__nats_publish *what,
                               const char *id, int64_t wait_ms, uint64_t *ret_sequence,
                               jsErrCode *ret_code)
{
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MaxWait = wait_ms;
    options.MsgId = id;
    options.ExpectLastSubjectSeq = what->expected;
    options.ExpectNoMessage = what->expected == 0;
    jsPubAck *ack = NULL;
    natsStatus s = js_PublishMsg(&ack, self->js, message, &options, ret_code);
    if (s == NATS_OK)
        *ret_sequence = ack->Sequence;
    jsPubAck_Destroy(ack);
    return s;
}

static bp_status write_message(bp__nats *self, natsMsg *message, const bp__nats_publish *what,
                               const bp__nats_wait *wait, uint64_t *ret_sequence, bp_error *reterr)
{
    char id[ID_SIZE];
    /* Two messages of one id would be taken for one. */
    if (!make_id(id))
        return bp__error_os(reterr, BP_ESYSTEM, errno, "kv: random bytes");
    for (unsigned tries = 0;; tries++) {
        jsErrCode code = 0;
        uint64_t sequence = 0;
        natsStatus s =
            publish_once(self, message, what, id, bp__nats_patience(tries, wait), &sequence, &code);
        bool conflict = s && (code == JSStreamWrongLastSequenceErr);
        if (conflict && (tries == 0 || !is_ours(self, what->name, id, wait, &sequence)))
            return bp_error_set(reterr, BP_ECONFLICT, "kv: another host changed it first");
        if (!s || conflict) {
            *ret_sequence = sequence;
            return BP_OK;
        }
        bp_status status = bp__nats_again(self, s, code, "writing", tries, wait, reterr);
        if (status)
            return status;
    }
}

bp_status bp__nats_write(bp__nats *self, const bp__nats_publish *what, const bp__nats_wait *wait,
                         uint64_t *ret_sequence, bp_error *reterr)
{
    int64_t most = natsConnection_GetMaxPayload(self->connection);
    if (most > 0 && what->bytes.size + HEADERS_BYTES > (uint64_t)most)
        return bp_error_set(
            reterr, BP_ELIMIT,
            "kv limit max_payload of the server '%s': the value has %zu bytes; %lld "
            "are possible",
            self->server, what->bytes.size, (long long)most - HEADERS_BYTES);
    natsMsg *message = NULL;
    natsStatus s = make_message(self, what, &message);
    bp_status status = s ? for_good(self, s, 0, "writing", reterr)
                         : write_message(self, message, what, wait, ret_sequence, reterr);
    natsMsg_Destroy(message);
    return status;
}

void bp__nats_clear(bp__nats *self, const char *name, uint64_t sequence, const bp__nats_wait *wait)
{
    char subject[BP__NATS_SUBJECT_MAX];
    bp__nats_subject(self, name, subject);
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = bp__nats_patience(0, wait);
    options.Stream.Purge.Subject = subject;
    options.Stream.Purge.Sequence = sequence + 1;
    jsErrCode code;
    (void)js_PurgeStream(self->js, self->stream, &options, &code);
}
