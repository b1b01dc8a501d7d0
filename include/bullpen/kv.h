/* Bullpen: the key-value store of plugins. SPDX-License-Identifier: Apache-2.0
 *
 * One store holds the entries of any number of namespaces; a namespace is a plugin and a tenant, so
 * entries outlive sandboxes and never cross tenants. Where a store keeps them is its location:
 *   "memory:"                      in this process; the default
 *   "file:/path/to/folder"         LMDB: durable, shared by the processes of one user
 *   "nats://[user:password@]host[:port]/bucket"   a JetStream bucket: shared by many hosts
 * docs/kv.md says what each of them guarantees.
 */
#ifndef BULLPEN_KV_H
#define BULLPEN_KV_H

#include <bullpen/deadline.h>
#include <bullpen/log.h>

BP_BEGIN_DECLS

/** A store. Opaque; thread-safe. Not to be used in a child after fork (BP_EINVAL). */
typedef struct bp_kv bp_kv;

/** No limit can allow longer keys: BP_EINVAL from bp_kv_open(). */
#define BP_KV_KEY_SIZE_MAX 480
/** Longer names of plugins are refused. */
#define BP_KV_PLUGIN_SIZE_MAX 127
/** Longer tenants are refused. */
#define BP_KV_TENANT_SIZE_MAX 128
/** Most keys in a page. */
#define BP_KV_PAGE_MAX 1000
/** A cursor is never longer. */
#define BP_KV_CURSOR_SIZE_MAX (BP_KV_KEY_SIZE_MAX + 1)

/** What one namespace may hold. Zero in a field means its default. */
typedef struct bp_kv_limits {
    uint32_t size;            /**< set by BP_KV_LIMITS_INIT */
    uint32_t key_bytes_max;   /**< longest key; default 256, at most BP_KV_KEY_SIZE_MAX */
    uint64_t entries_max;     /**< default 10 000; BP_UNLIMITED */
    uint64_t value_bytes_max; /**< largest value; default 512 KiB; at most 1 GiB */
    uint64_t bytes_max;       /**< keys and values together; default 64 MiB; BP_UNLIMITED */
} bp_kv_limits;
#define BP_KV_LIMITS_INIT {.size = (uint32_t)sizeof(bp_kv_limits)}

/** Zero in a field means its default. */
typedef struct bp_kv_options {
    uint32_t size;        /**< set by BP_KV_OPTIONS_INIT */
    uint32_t timeout_ms;  /**< of operations that name no deadline, and of opening; default 5000 */
    const char *location; /**< see above; default "memory:"; copied */
    const bp_kv_limits *limits; /**< of each namespace; NULL: the defaults; copied */
    uint64_t store_bytes_max; /**< of all namespaces. memory: keys and values (default 1 GiB). file:
                                   the file's size, its free pages included (default 16 GiB). nats:
                                   of a bucket that is made here (default: none) */
    uint32_t replicas;        /**< nats: of a bucket that is made here; default 1 */
    uint32_t log_level;       /**< a bp_log_level, the lowest that `log` gets; default trace */
    bp_log_fn log;            /**< where records go; NULL: nowhere */
    void *log_data;           /**< borrowed until the last reference is gone */
} bp_kv_options;
#define BP_KV_OPTIONS_INIT {.size = (uint32_t)sizeof(bp_kv_options)}

/**
 * Open a store.
 * @param      options borrowed; NULL for the defaults.
 * @param[out] ret     owned on BP_OK: end it with bp_kv_unref().
 * @return BP_OK, BP_EINVAL (names the option, or what is wrong with the location), BP_ENOMEM,
 *         BP_EDENIED (the folder is somebody else's, or open to others), BP_EFORMAT (a file that is
 *         no store, or one that was cut; a bucket that cannot serve), BP_EBUSY (the folder is open
 *         in this process already: share that store by bp_kv_ref()), BP_EUNAVAILABLE (no server),
 *         BP_ESYSTEM (os_errno says which error).
 * @threads any; blocks for options.timeout_ms at most, and reads files.
 */
BP_API BP_MUST_USE bp_status bp_kv_open(const bp_kv_options *options, bp_kv **ret,
                                        bp_error *reterr);
/** @threads any */
BP_API bp_kv *bp_kv_ref(bp_kv *kv);
/**
 * End one's use; the last one closes the store. Values and pages that were handed out stay valid.
 * NULL is fine. In a child after fork the store's memory is left alone.
 * @threads any; the last one waits for a commit that is in progress, 5 s at most.
 */
BP_API void bp_kv_unref(bp_kv *kv);
/** The location without its password. Lives as long as the store. @threads any */
BP_API const char *bp_kv_location(const bp_kv *kv);

/** What sort of entries a namespace holds: they share neither keys nor limits. */
typedef enum bp_kv_kind {
    BP_KV_VALUES = 0, /**< the plugin's key-value store */
    BP_KV_VARS = 1,   /**< Extism's variables */
} bp_kv_kind;

/** Whose entries, within which limits, and until when. Zero in a field means its default. */
typedef struct bp_kv_call {
    uint32_t size;              /**< set by BP_KV_CALL_INIT */
    uint32_t kind;              /**< a bp_kv_kind */
    bp_bytes plugin;            /**< its name: 1 to BP_KV_PLUGIN_SIZE_MAX bytes */
    bp_bytes tenant;            /**< at most BP_KV_TENANT_SIZE_MAX bytes; default: no tenant */
    const bp_kv_limits *limits; /**< effective is the smaller one of these and the store's, field by
                                     field; a zero leaves the store's; NULL: the store's */
    bp_deadline by;             /**< default: options.timeout_ms from now */
    bp_cancel *cancel;          /**< ends the wait from another thread; borrowed */
} bp_kv_call;
#define BP_KV_CALL_INIT {.size = (uint32_t)sizeof(bp_kv_call)}

/*
 * What all operations below have in common.
 *
 * @param kv   borrowed. @param call borrowed. @param key borrowed: 1 to key_bytes_max bytes, any.
 * @return beside what each names: BP_EINVAL, BP_ENOMEM, BP_ETIMEDOUT, BP_ECANCELLED,
 * BP_EUNAVAILABLE (the server is gone, and was not back by the deadline), BP_EFORMAT (what is
 * stored was damaged), BP_ESYSTEM (os_errno says which error: ENOSPC is a full disk). A change that
 * ended with one of the last five may be made, or be made later, or not; any other failure changed
 * nothing.
 * @threads any; blocks until the deadline at most. nats: a cancel is seen within a second.
 */

/** An entry as it was. Ends with bp_kv_value_done(). */
typedef struct bp_kv_value {
    uint32_t size;    /**< set by BP_KV_VALUE_INIT */
    bp_bytes bytes;   /**< borrowed until bp_kv_value_done() */
    uint64_t version; /**< for compare-and-swap: never 0, never that of another value of this key */
    uint64_t ttl_ms;  /**< what is left of its time to live; BP_UNLIMITED: it has none */
    void *private_;   /**< the library's own */
} bp_kv_value;
#define BP_KV_VALUE_INIT {.size = (uint32_t)sizeof(bp_kv_value)}

/**
 * Read an entry.
 * @param[out] ret begins with BP_KV_VALUE_INIT; on BP_OK end it with bp_kv_value_done().
 * @return BP_OK, BP_ENOTFOUND (also when it has expired), or see above.
 */
BP_API BP_MUST_USE bp_status bp_kv_get(bp_kv *kv, const bp_kv_call *call, bp_bytes key,
                                       bp_kv_value *ret, bp_error *reterr);
/** Frees what a value holds; harmless on one that was never filled, and twice. @threads one */
BP_API void bp_kv_value_done(bp_kv_value *value);

/** When a change is made. */
typedef enum bp_kv_condition {
    BP_KV_ALWAYS = 0,
    BP_KV_IF_ABSENT = 1,  /**< there is no entry, or it has expired */
    BP_KV_IF_VERSION = 2, /**< the entry has this version */
} bp_kv_condition;

/** How an entry is set. Zero in a field means its default. */
typedef struct bp_kv_change {
    uint32_t size;      /**< set by BP_KV_CHANGE_INIT */
    uint32_t condition; /**< a bp_kv_condition */
    uint64_t version;   /**< with BP_KV_IF_VERSION */
    uint64_t ttl_ms;    /**< it is gone so long after this call; default: never */
} bp_kv_change;
#define BP_KV_CHANGE_INIT {.size = (uint32_t)sizeof(bp_kv_change)}

/**
 * Write an entry: its value, and its time to live.
 * @param      value       borrowed.
 * @param      change      borrowed; NULL: always, for ever.
 * @param[out] ret_version of the new entry; may be NULL.
 * @return BP_OK (file: it is on disk), BP_ECONFLICT (it exists; it has another version),
 *         BP_ENOTFOUND (a version was named, and there is no entry), BP_ELIMIT (names the limit and
 *         what is used of it), or see above.
 */
BP_API BP_MUST_USE bp_status bp_kv_set(bp_kv *kv, const bp_kv_call *call, bp_bytes key,
                                       bp_bytes value, const bp_kv_change *change,
                                       uint64_t *ret_version, bp_error *reterr);
/**
 * Remove an entry.
 * @param if_version only if it has this version; 0: whichever it has.
 * @return BP_OK, BP_ENOTFOUND, BP_ECONFLICT (another version), or see above.
 */
BP_API BP_MUST_USE bp_status bp_kv_delete(bp_kv *kv, const bp_kv_call *call, bp_bytes key,
                                          uint64_t if_version, bp_error *reterr);
/** Whether there is an entry that has not expired. */
BP_API BP_MUST_USE bp_status bp_kv_exists(bp_kv *kv, const bp_kv_call *call, bp_bytes key,
                                          bool *ret, bp_error *reterr);

/** Some keys, in the order of their bytes. Ends with bp_kv_page_done(). */
typedef struct bp_kv_page {
    uint32_t size; /**< set by BP_KV_PAGE_INIT */
    uint32_t count;
    const bp_bytes *keys; /**< borrowed, like all here, until bp_kv_page_done() */
    bp_bytes cursor;      /**< names the next page; no bytes: this was the last one */
    void *private_;       /**< the library's own */
} bp_kv_page;
#define BP_KV_PAGE_INIT {.size = (uint32_t)sizeof(bp_kv_page)}

/**
 * List keys. A key that is there from the first page to the last is listed once; one that is made
 * or removed meanwhile may be listed or not.
 * @param      prefix what keys begin with; may have no bytes.
 * @param      cursor of the page before; no bytes: the first page. Its bytes mean nothing to
 * callers; any others are BP_EINVAL, or begin somewhere within the same namespace.
 * @param      limit  of keys; 0: 100; at most BP_KV_PAGE_MAX.
 * @param[out] ret    begins with BP_KV_PAGE_INIT; on BP_OK end it with bp_kv_page_done().
 * @return BP_OK, or see above. nats: reads the names of the whole namespace for each page.
 */
BP_API BP_MUST_USE bp_status bp_kv_list(bp_kv *kv, const bp_kv_call *call, bp_bytes prefix,
                                        bp_bytes cursor, uint32_t limit, bp_kv_page *ret,
                                        bp_error *reterr);
/** Frees what a page holds; harmless on one that was never filled, and twice. @threads one */
BP_API void bp_kv_page_done(bp_kv_page *page);

/**
 * Count what has not expired.
 * @param[out] ret_entries how many, and @p ret_bytes of keys and values; either may be NULL.
 * @return BP_OK, or see above. nats: reads the names of the whole namespace.
 */
BP_API BP_MUST_USE bp_status bp_kv_count(bp_kv *kv, const bp_kv_call *call, uint64_t *ret_entries,
                                         uint64_t *ret_bytes, bp_error *reterr);

/** The operations, once: XX(name, metric label). */
#define BP_KV_OPERATION_MAP(XX)                                                                    \
    XX(GET, "get")                                                                                 \
    XX(SET, "set")                                                                                 \
    XX(DELETE, "delete")                                                                           \
    XX(EXISTS, "exists")                                                                           \
    XX(LIST, "list")                                                                               \
    XX(COUNT, "count")
typedef enum bp_kv_operation {
#define BP_KV_OPERATION_ENUM(name, label) BP_KV_OPERATION_##name,
    BP_KV_OPERATION_MAP(BP_KV_OPERATION_ENUM)
#undef BP_KV_OPERATION_ENUM
        BP_KV_OPERATIONS
} bp_kv_operation;

/** How they end, once: XX(name, metric label). */
#define BP_KV_RESULT_MAP(XX)                                                                       \
    XX(OK, "ok")                                                                                   \
    XX(NOT_FOUND, "not_found")                                                                     \
    XX(CONFLICT, "conflict")                                                                       \
    XX(LIMIT, "limit")                                                                             \
    XX(TIMED_OUT, "timed_out")                                                                     \
    XX(CANCELLED, "cancelled")                                                                     \
    XX(UNAVAILABLE, "unavailable")                                                                 \
    XX(INVALID, "invalid")                                                                         \
    XX(FAILED, "failed")
typedef enum bp_kv_result {
#define BP_KV_RESULT_ENUM(name, label) BP_KV_RESULT_##name,
    BP_KV_RESULT_MAP(BP_KV_RESULT_ENUM)
#undef BP_KV_RESULT_ENUM
        BP_KV_RESULTS
} bp_kv_result;

/** What a store has done since it was opened, for all namespaces. */
typedef struct bp_kv_stats {
    uint32_t size; /**< set by BP_KV_STATS_INIT */
    uint32_t reserved_;
    uint64_t calls[BP_KV_OPERATIONS][BP_KV_RESULTS];
    uint64_t read_bytes;    /**< of values that were got */
    uint64_t written_bytes; /**< of keys and values that were set */
    uint64_t expired;       /**< entries removed here because their time was over */
    uint64_t commits;       /**< file: transactions, each of any number of changes */
    uint64_t retries; /**< nats: steps begun again: another host was first, or no answer came */
} bp_kv_stats;
#define BP_KV_STATS_INIT {.size = (uint32_t)sizeof(bp_kv_stats)}

/** @param[in,out] ret begins with BP_KV_STATS_INIT. @threads any */
BP_API bp_status bp_kv_stats_read(const bp_kv *kv, bp_kv_stats *ret, bp_error *reterr);

/** @return false to get no more. */
typedef bool (*bp_kv_write_fn)(void *data, bp_bytes text);
/**
 * The same as Prometheus text: bullpen_kv_calls_total{operation,result} and others.
 * @return BP_OK, BP_EINVAL, BP_ENOMEM, BP_ECANCELLED (@p write had enough). @threads any
 */
BP_API bp_status bp_kv_metrics_write(const bp_kv *kv, bp_kv_write_fn write, void *data,
                                     bp_error *reterr);

BP_END_DECLS

#endif
