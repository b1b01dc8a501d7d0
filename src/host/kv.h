/* The key-value store inside: what its parts share. SPDX-License-Identifier: Apache-2.0
 *
 * kv.c checks what callers give, and counts; a backend keeps entries. What a backend is handed is
 * checked already, but for what depends on what is stored: conditions and the limits on entries and
 * bytes. Those it must decide in the same step as the change. */
#ifndef BP_HOST_KV_H
#define BP_HOST_KV_H

#include <bullpen/kv.h>
#include <stdatomic.h>

#include "base/buffer.h"
#include "base/log.h"

/* Bytes that several may hold: values go out without a copy under a lock. */
typedef struct bp__kv_blob {
    _Atomic uint32_t references; /* increments relaxed; the decrement acquire-release */
    size_t size;
    uint8_t bytes[];
} bp__kv_blob;
/* Not filled; NULL when memory is gone. */
bp__kv_blob *bp__kv_blob_new(size_t size);
bp__kv_blob *bp__kv_blob_of(bp_bytes bytes);
bp__kv_blob *bp__kv_blob_ref(bp__kv_blob *blob);
/* NULL is fine. */
void bp__kv_blob_unref(bp__kv_blob *blob);

/* A namespace as bytes: kind, size of the plugin's name, that name, the tenant. No two share them.
 */
#define BP__KV_SPACE_SIZE_MAX (2 + BP_KV_PLUGIN_SIZE_MAX + BP_KV_TENANT_SIZE_MAX)
typedef struct bp__kv_space {
    uint8_t bytes[BP__KV_SPACE_SIZE_MAX];
    size_t size;
} bp__kv_space;

/* One operation, checked. Borrowed by backends until they return. */
typedef struct bp__kv_request {
    bp__kv_space space;
    bp_bytes key;
    bp_kv_limits limits; /* effective */
    bp_deadline by;
    bp_cancel *cancel;
} bp__kv_request;

typedef struct bp__kv_write {
    bp_bytes value;
    bp_kv_condition condition;
    uint64_t version;
    uint64_t expires_ms; /* on the backend's clock; 0: never */
} bp__kv_write;

typedef struct bp__kv_found {
    bp__kv_blob *blob; /* owned; NULL if it was not wanted */
    uint64_t version, expires_ms;
} bp__kv_found;

/* Keys on their way into a page, in order. */
typedef struct bp__kv_keys {
    bp__buffer bytes; /* of each: its size as a uint16_t, the key */
    uint32_t count, limit;
    bool more; /* there are keys behind these */
} bp__kv_keys;
/* False when memory is gone. */
bool bp__kv_keys_add(bp__kv_keys *keys, bp_bytes key);

/* Which keys a page is made of. */
typedef struct bp__kv_range {
    bp_bytes prefix;
    bp_bytes after; /* keys behind this one; no bytes: from the start */
} bp__kv_range;

/* Relaxed: they publish nothing. */
typedef struct bp__kv_counters {
    _Atomic uint64_t calls[BP_KV_OPERATIONS][BP_KV_RESULTS];
    _Atomic uint64_t read_bytes, written_bytes, expired, commits, retries;
} bp__kv_counters;
static inline void bp__kv_add(_Atomic uint64_t *counter, uint64_t count)
{
    atomic_fetch_add_explicit(counter, count, memory_order_relaxed);
}

/* What a backend is opened with. Borrowed, but `counters` and `logger` live as long as it. */
typedef struct bp__kv_setup {
    const char *place; /* the location behind its scheme */
    uint64_t store_bytes_max;
    uint32_t replicas;
    bp_deadline by;
    bp__kv_counters *counters;
    const bp__logger *logger;
} bp__kv_setup;

/* What a sweep is told and tells. */
typedef struct bp__kv_sweep {
    bp_deadline by;
    bp_cancel *cancel;
    uint64_t next_ms; /* when the next entry expires; UINT64_MAX: none does */
} bp__kv_sweep;

/* All functions but open and close may run in many threads at once, and return by the request's
 * deadline. Outputs are untouched on failure. Errors are as in <bullpen/kv.h>. */
typedef struct bp__kv_backend {
    const char *scheme;       /* of locations: "memory" */
    uint64_t bytes_default;   /* for bp_kv_options.store_bytes_max */
    uint32_t sweep_pause_ms;  /* least time between two sweeps */
    bool sweep_at_open;       /* it may have entries from before */
    uint64_t (*now_ms)(void); /* what its times of expiry are on */
    bp_status (*open)(const bp__kv_setup *setup, void **ret, bp_error *reterr);
    void (*close)(void *self);
    bp_status (*get)(void *self, const bp__kv_request *request, bool with_value, bp__kv_found *ret,
                     bp_error *reterr);
    bp_status (*set)(void *self, const bp__kv_request *request, const bp__kv_write *write,
                     uint64_t *ret_version, bp_error *reterr);
    bp_status (*remove)(void *self, const bp__kv_request *request, uint64_t if_version,
                        bp_error *reterr);
    bp_status (*list)(void *self, const bp__kv_request *request, const bp__kv_range *range,
                      bp__kv_keys *keys, bp_error *reterr);
    bp_status (*count)(void *self, const bp__kv_request *request, uint64_t *ret_entries,
                       uint64_t *ret_bytes, bp_error *reterr);
    /* Removes what has expired. */
    bp_status (*sweep)(void *self, bp__kv_sweep *sweep, bp_error *reterr);
} bp__kv_backend;

extern const bp__kv_backend bp__kv_memory, bp__kv_lmdb, bp__kv_nats;

/* kv_location.c: the backend of a location, and what stands behind the scheme. */
bp_status bp__kv_location_read(const char *location, const bp__kv_backend **ret,
                               const char **ret_place, bp_error *reterr);
/* A copy without the password; NULL when memory is gone. */
char *bp__kv_location_public(const char *location);

/* kv_limits.c: checks and completes limits (NULL: all defaults). */
bp_status bp__kv_limits_read(const bp_kv_limits *from, bp_kv_limits *ret, bp_error *reterr);
/* Field by field the smaller one. */
bp_status bp__kv_limits_narrow(bp_kv_limits *limits, const bp_kv_limits *by, bp_error *reterr);
/* What a namespace holds. */
typedef struct bp__kv_use {
    uint64_t entries, bytes;
} bp__kv_use;
/* Whether an entry of `to` bytes fits in place of one of `from` bytes, `replaces` or none. What
 * does not grow always fits, so that a namespace above a limit that was lowered can shrink. */
bp_status bp__kv_room(const bp_kv_limits *limits, const bp__kv_use *use, bool replaces,
                      uint64_t from, uint64_t to, bp_error *reterr);

/* kv_call.c: checks a caller's struct and a key. */
bp_status bp__kv_request_read(bp__kv_request *ret, const bp_kv_limits *limits, uint32_t timeout_ms,
                              const bp_kv_call *call, bp_error *reterr);
bp_status bp__kv_key_check(const bp__kv_request *request, bp_bytes key, bp_error *reterr);
/* BP_OK, or why an operation must not go on. */
bp_status bp__kv_still(const bp__kv_request *request, bp_error *reterr);

/* kv_page.c: cursors and pages. */
bp_status bp__kv_cursor_read(bp_bytes cursor, bp_bytes *ret_after, bp_error *reterr);
bp_status bp__kv_page_make(bp__kv_keys *keys, bp_kv_page *ret, bp_error *reterr);
bool bp__kv_range_has(const bp__kv_range *range, bp_bytes key);
/* As memcmp() over whole keys: a prefix comes first. */
int bp__kv_compare(bp_bytes a, bp_bytes b);

/* What each backend answers when a condition does not hold; BP_OK when it does. */
bp_status bp__kv_condition_check(bp_kv_condition condition, uint64_t wanted, bool there,
                                 uint64_t version, bp_error *reterr);
bp_status bp__kv_absent(bp_error *reterr);

static inline bool bp__kv_expired(uint64_t expires_ms, uint64_t now_ms)
{
    return expires_ms && expires_ms <= now_ms;
}

/* kv_sweep.c: a thread that sleeps until something expires; there is none until something can. */
typedef struct bp__kv_sweeper bp__kv_sweeper;
bp__kv_sweeper *bp__kv_sweeper_new(const bp__kv_backend *backend, void *self,
                                   const bp__logger *logger);
/* Joins the thread. NULL is fine. */
void bp__kv_sweeper_free(bp__kv_sweeper *sweeper);
/* Something expires at this moment. If no thread can be started it is only removed when it is in
 * the way. */
void bp__kv_sweeper_due(bp__kv_sweeper *sweeper, uint64_t expires_ms);

/* For tests: a sweep now, in this thread. */
bp_status bp__kv_sweep_now(bp_kv *kv, uint64_t *ret_next_ms, bp_error *reterr);

#endif
