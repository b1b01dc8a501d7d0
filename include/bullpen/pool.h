/* Bullpen: the generic pool. SPDX-License-Identifier: Apache-2.0
 *
 * Lends warm items of any kind: sandboxes, connections, interpreters. Rules of lifetime:
 *  1. A pool lives while somebody holds a reference or one of its leases is out.
 *  2. A lease is a small value. Ending it (give, detach) ends every copy of it.
 *  3. An item is destroyed exactly once, by `ops->destroy`, unless it was detached.
 *  4. The table, the factory and the keeper are borrowed until the pool's memory goes: after
 *     bp_pool_close() returned BP_OK and the last reference is dropped.
 */
#ifndef BULLPEN_POOL_H
#define BULLPEN_POOL_H

#include <bullpen/deadline.h>
#include <bullpen/log.h>

BP_BEGIN_DECLS

/** A set of warm items. Opaque; thread-safe. */
typedef struct bp_pool bp_pool;
/** Schedules background work of any number of pools onto its helper threads. Thread-safe. */
typedef struct bp_keeper bp_keeper;
/** A limit on the items of several pools together. Thread-safe. */
typedef struct bp_pool_budget bp_pool_budget;

/** As an option: none at all, where zero would mean the default. */
#define BP_POOL_NONE UINT32_MAX
/** As a deadline: the caller gives none, so the pool's `take_timeout_ms` counts (when warming its
 * `create_timeout_ms`). */
#define BP_DEADLINE_DEFAULT ((bp_deadline)UINT64_MAX)
/** Keys are compared whole; longer ones are refused. */
#define BP_POOL_KEY_SIZE_MAX 128
/** Names longer than this are refused. */
#define BP_POOL_NAME_SIZE_MAX 127
/** No pool can hold more items than this. */
#define BP_POOL_LIVE_MAX 262144

/** Why an item was destroyed, once: XX(name, metric label). */
#define BP_RECYCLE_MAP(XX)                                                                         \
    XX(TRAP, "trap")                                                                               \
    XX(TIMEOUT, "timeout")                                                                         \
    XX(OUT_OF_MEMORY, "out_of_memory")                                                             \
    XX(OUT_OF_FUEL, "out_of_fuel")                                                                 \
    XX(CANCELLED, "cancelled")                                                                     \
    XX(EXITED, "exited")                                                                           \
    XX(CRASH, "crash")                                                                             \
    XX(PROTOCOL, "protocol")                                                                       \
    XX(ABANDONED, "abandoned")                                                                     \
    XX(CONDEMNED, "condemned")                                                                     \
    XX(MAX_USES, "max_uses")                                                                       \
    XX(MAX_AGE, "max_age")                                                                         \
    XX(IDLE, "idle")                                                                               \
    XX(UNHEALTHY, "unhealthy")                                                                     \
    XX(RESET_FAILED, "reset_failed")                                                               \
    XX(PRESSURE, "pressure")                                                                       \
    XX(RESIZE, "resize")                                                                           \
    XX(CLOSE, "close")                                                                             \
    XX(OTHER_KEY, "other_key")

typedef enum bp_recycle_reason {
#define BP_RECYCLE_ENUM(name, label) BP_RECYCLE_##name,
    BP_RECYCLE_MAP(BP_RECYCLE_ENUM)
#undef BP_RECYCLE_ENUM
        BP_RECYCLE_COUNT /**< how many there are; no reason itself */
} bp_recycle_reason;

/** The reason's metric label, "?" for none of them. @threads any */
BP_API const char *bp_recycle_reason_name(bp_recycle_reason reason);

/** How a take ended, once: XX(name, metric label). */
#define BP_TAKE_MAP(XX)                                                                            \
    XX(HIT, "hit")   /* an idle item, at once */                                                   \
    XX(MISS, "miss") /* after waiting, creating or resetting */                                    \
    XX(TIMEOUT, "timeout")                                                                         \
    XX(BUSY, "busy")                                                                               \
    XX(CANCELLED, "cancelled")                                                                     \
    XX(CLOSED, "closed")                                                                           \
    XX(ERROR, "error")

typedef enum bp_take_result {
#define BP_TAKE_ENUM(name, label) BP_TAKE_##name,
    BP_TAKE_MAP(BP_TAKE_ENUM)
#undef BP_TAKE_ENUM
        BP_TAKE_COUNT
} bp_take_result;

/** The result's metric label. @threads any */
BP_API const char *bp_take_result_name(bp_take_result result);

/**
 * What a pool does with its items. Every function may be called from any thread, several at once
 * (never two for one item), and never while a lock of the pool is held. A function that calls
 * back into its own pool gets a defined answer: a take only pops what is idle and otherwise is
 * BP_EINVAL (BP_ECLOSED in a closed pool), warm is BP_EINVAL, close and drain do not wait, tick
 * does nothing; all else is as elsewhere.
 */
typedef struct bp_pool_ops {
    uint32_t size; /**< BP_POOL_OPS_INIT */
    /**
     * Makes an item that is ready for use (pristine).
     * @param[out] ret_item may be set to NULL: a NULL item is an item too.
     * @return BP_OK; or BP_EHOST and above for a factory's own errors, which reach the taker with
     *         their message and code, and the pool's name before it.
     */
    bp_status (*create)(void *factory, bp_deadline by, void **ret_item, bp_error *reterr);
    /** Makes a used item pristine again. NULL: items need no reset. */
    bp_status (*reset)(void *factory, void *item, bp_deadline by, bp_error *reterr);
    /** Whether the item can be lent. NULL: always. */
    bool (*check)(void *factory, void *item, bp_deadline by);
    /** Ends the item. It cannot fail; it should be quick. NULL: nothing to end. */
    void (*destroy)(void *factory, void *item, bp_recycle_reason why);
} bp_pool_ops;

#define BP_POOL_OPS_INIT                                                                           \
    {                                                                                              \
        .size = (uint32_t)sizeof(bp_pool_ops)                                                      \
    }

/** Whether bp_pool_new() makes the first `min_warm` items before it returns. */
typedef enum bp_prewarm {
    BP_PREWARM_BLOCKING = 0,   /**< default; a failure makes bp_pool_new() fail */
    BP_PREWARM_BACKGROUND = 1, /**< the keeper (or bp_pool_tick()) makes them, and tries again */
} bp_prewarm;

/** When a given item is made pristine again (only with `ops->reset`). */
typedef enum bp_reset_when {
    BP_RESET_ON_GIVE_BACKGROUND = 0, /**< default; needs a keeper */
    BP_RESET_ON_GIVE_INLINE = 1,     /**< bp_pool_give() does it before it returns */
    BP_RESET_ON_TAKE = 2,            /**< the next taker does it */
    BP_RESET_NEVER = 3,              /**< items live on as they are, see bp_pool_take_for() */
} bp_reset_when;

/** What happens to an idle item that expired while the pool is at `min_warm`. */
typedef enum bp_idle_floor {
    BP_IDLE_KEEP = 0,    /**< default; it stays */
    BP_IDLE_REPLACE = 1, /**< a new one takes its place; counted as `idle` */
} bp_idle_floor;

/** Zero means the default that is given here. */
typedef struct bp_pool_options {
    uint32_t size;    /**< BP_POOL_OPTIONS_INIT */
    const char *name; /**< "pool"; copied; for messages, logs and the metrics' label */
    uint32_t max_live; /**< 4; items at any moment, those being created or destroyed included */
    uint32_t min_warm; /**< 1; kept live; BP_POOL_NONE: nothing in advance */
    uint64_t take_timeout_ms;   /**< 1000; for a take with BP_DEADLINE_DEFAULT */
    uint64_t create_timeout_ms; /**< 10 000; for each creation without a caller's deadline; what
                                     comes later in the background is destroyed (`timeout`) */
    uint64_t reset_timeout_ms;  /**< 1000; likewise, at gives too (`reset_failed`) */
    uint64_t check_timeout_ms;  /**< 500; for every check; a later answer counts as failure */
    bp_prewarm prewarm;
    uint64_t max_uses;          /**< none; leases after which an item is replaced */
    uint64_t max_age_ms;        /**< none; age at which an idle item is replaced */
    uint64_t idle_ttl_ms;       /**< 60 000; BP_UNLIMITED: idle items stay; counts from when a pass
                                     first sees the item idle */
    uint64_t check_interval_ms; /**< none; how often idle items are checked */
    bool check_on_take;         /**< off; check an idle item before lending it */
    bp_reset_when reset_when;
    bp_idle_floor idle_floor;
    bp_keeper *keeper; /**< borrowed; NULL: the host calls bp_pool_tick() */
    uint32_t max_waiters;    /**< 1024; beyond it BP_EBUSY at once; BP_POOL_NONE: nobody waits */
    uint32_t jitter_percent; /**< 10; how much earlier an age may end; BP_POOL_NONE: exact */
    bp_log_fn log;           /**< NULL: no log */
    void *log_data;
    bp_log_level log_level;
    bp_pool_budget *budget; /**< referenced; NULL: none */
    bool grow_when_busy; /**< off; with resets in the background: a pool that runs out of pristine
                              items gets another one, up to max_live, so that gives seldom have to
                              wake the keeper. What it got ages like any other surplus. Refused
                              where nothing is reset in the background */
} bp_pool_options;

#define BP_POOL_OPTIONS_INIT                                                                       \
    {                                                                                              \
        .size = (uint32_t)sizeof(bp_pool_options)                                                  \
    }

/** The right to use one item. A value of the caller's; its fields are the pool's. */
typedef struct bp_lease {
    bp_pool *pool;
    void *slot;
    uint64_t stamp;
    uint32_t unfinished;
    uint32_t waited;
} bp_lease;

#ifdef __cplusplus
#define BP_LEASE_INIT                                                                              \
    {                                                                                              \
    }
#else
#define BP_LEASE_INIT                                                                              \
    {                                                                                              \
        .pool = NULL                                                                               \
    }
#endif

/**
 * Make a pool.
 * @param ops      copied.
 * @param factory  borrowed until the pool's memory goes; handed to every function of @p ops.
 * @param options  borrowed; NULL: all defaults.
 * @param[out] ret owned on BP_OK (end it with bp_pool_unref()); untouched otherwise.
 * @return BP_OK, BP_EINVAL naming the option, BP_ENOMEM, or with BP_PREWARM_BLOCKING what made
 *         the first items fail (those made before are destroyed).
 * @threads any; with BP_PREWARM_BLOCKING blocks for min_warm creations.
 */
BP_API BP_MUST_USE bp_status bp_pool_new(const bp_pool_ops *ops, void *factory,
                                         const bp_pool_options *options, bp_pool **ret,
                                         bp_error *reterr);
/** One more owner. @return @p pool. @threads any */
BP_API bp_pool *bp_pool_ref(bp_pool *pool);
/** One owner less; the last one closes the pool without waiting. NULL is fine. @threads any */
BP_API void bp_pool_unref(bp_pool *pool);
/** Borrowed until the pool goes. @threads any */
BP_API const char *bp_pool_name(const bp_pool *pool);

/**
 * Take a warm item, waiting in line until @p by. First come, first served; but while the thread
 * whose turn it is wakes up, a running one may go before it, at most eight times.
 *
 * BP_NOW only pops what is idle. A deadline is also the lease's: a lease that is out longer is
 * logged and counted, but it stays valid. In a pool whose items are not reset by policy (no
 * `reset`, or BP_RESET_NEVER) callers without a key hand items to each other as they are, and
 * never get one that was given under a key without a reset.
 *
 * @param      pool   borrowed.
 * @param      by     absolute; BP_NOW polls; BP_DEADLINE_DEFAULT: `take_timeout_ms`.
 * @param[out] ret    owned on BP_OK (end it with bp_pool_give()); untouched otherwise.
 * @param[out] reterr may be NULL; written only on failure.
 * @return BP_OK, BP_ETIMEDOUT, BP_EBUSY (nothing idle and BP_NOW, or the queue is full),
 *         BP_ECLOSED, BP_EINVAL (an argument; inside the pool's own factory; in the child of a
 *         fork, see bp_keeper_stop()), or the factory's error.
 * @threads any; may block until @p by.
 */
BP_API BP_MUST_USE bp_status bp_pool_take(bp_pool *pool, bp_deadline by, bp_lease *ret,
                                          bp_error *reterr);
/**
 * Take an item for one tenant: an idle one that was last given under the same key as it is, else
 * a pristine one, else one that is reset (or without `reset` destroyed and created) first.
 * Keeping an item for its key happens where policy does not reset items; elsewhere every item
 * lent is pristine anyway.
 * @param key borrowed during the call; at most BP_POOL_KEY_SIZE_MAX bytes; empty is a key too.
 * @threads any; may block until @p by. Otherwise as bp_pool_take().
 */
BP_API BP_MUST_USE bp_status bp_pool_take_for(bp_pool *pool, bp_bytes key, bp_deadline by,
                                              bp_lease *ret, bp_error *reterr);
/**
 * Take without joining the queue; if nothing is idle and a place is free, an item is created (or
 * reset) on the caller's thread. @return as bp_pool_take(), BP_EBUSY when all places are taken.
 * @threads any; may block for one creation.
 */
BP_API BP_MUST_USE bp_status bp_pool_try_take(bp_pool *pool, bp_lease *ret, bp_error *reterr);

typedef struct bp_pool_take_options {
    uint32_t size;     /**< BP_POOL_TAKE_OPTIONS_INIT */
    bp_deadline by;    /**< as for bp_pool_take(); zero is BP_NOW */
    bp_bytes key;      /**< counts only with `has_key` */
    bool has_key;      /**< take as bp_pool_take_for() does */
    bool try_only;     /**< never join the queue; `by` bounds a creation */
    bp_cancel *cancel; /**< borrowed; may be NULL; ends the wait with BP_ECANCELLED */
} bp_pool_take_options;

#define BP_POOL_TAKE_OPTIONS_INIT                                                                  \
    {                                                                                              \
        .size = (uint32_t)sizeof(bp_pool_take_options)                                             \
    }

/** Take with everything spelled out. @threads any; may block until `options->by`. */
BP_API BP_MUST_USE bp_status bp_pool_take_with(bp_pool *pool, const bp_pool_take_options *options,
                                               bp_lease *ret, bp_error *reterr);

/** Whether the take had to wait, create or reset; false: the item stood ready (and was checked, if
 * the pool does that). @threads any */
static inline bool bp_lease_waited(const bp_lease *lease)
{
    return lease->waited != 0;
}
/** The item; NULL when the lease has ended. Borrowed until the lease ends. @threads any */
BP_API void *bp_lease_item(const bp_lease *lease);
/**
 * Mark the item as unfit: when the lease ends it is destroyed. The first reason stays.
 * @return BP_OK, BP_ESTALE when the lease has ended, BP_EINVAL for none at all, for what is no
 *         reason, and in the child of a fork. @threads any
 */
BP_API bp_status bp_lease_condemn(bp_lease *lease, bp_recycle_reason why);
/**
 * Take the item out of the pool: the caller owns it, the lease ends, the place is free.
 * @return the item; NULL when the lease has ended already. @threads any, never blocks long
 */
BP_API void *bp_lease_detach(bp_lease *lease);
/** A call begins on the item: until bp_lease_end() the item is unfit for others. @threads one */
BP_API void bp_lease_begin(bp_lease *lease);
/** The call that was begun last has returned. @threads one */
BP_API void bp_lease_end(bp_lease *lease);
/**
 * End the lease and zero it. An item with an unfinished call is destroyed as `abandoned`.
 * @return BP_OK, BP_ESTALE when a copy of the lease has ended it before, BP_EINVAL for a zeroed
 *         or foreign lease. Nothing happens to anybody's item then.
 * @threads any; never blocks, except that BP_RESET_ON_GIVE_INLINE resets.
 */
BP_API bp_status bp_pool_give(bp_lease *lease);

/** For BP_AUTO_LEASE: ends the lease if there is one. @threads any */
BP_API void bp_lease_cleanup(bp_lease *lease);
/** `BP_AUTO_LEASE lease = BP_LEASE_INIT;` is given back when its scope ends. */
#define BP_AUTO_LEASE __attribute__((cleanup(bp_lease_cleanup))) bp_lease

/**
 * Create items until @p n are live (never above `max_live`). With BP_DEADLINE_DEFAULT each creation
 * has `create_timeout_ms`.
 * @param[out] ret_made may be NULL; how many were created and passed their check, also on failure.
 * @return BP_OK, BP_ETIMEDOUT, BP_ECLOSED, BP_EINVAL (@p n above `max_live`), BP_EBUSY (the
 *         budget is empty), or the factory's error.
 * @threads any; blocks until @p by at most.
 */
BP_API BP_MUST_USE bp_status bp_pool_warm(bp_pool *pool, uint32_t n, bp_deadline by,
                                          uint32_t *ret_made, bp_error *reterr);
/** The keeper's work, once, on this thread; for a pool without a keeper. @threads any; blocks */
BP_API void bp_pool_tick(bp_pool *pool);

/**
 * Change the limits while the pool works. Items above the new limit go with reason `resize`: idle
 * ones at once, leased ones when they come back.
 * @param max_live 0: as it is. @param min_warm 0: as it is; BP_POOL_NONE: none.
 * @return BP_OK, BP_EINVAL naming the option, BP_ENOMEM, BP_ECLOSED. @threads any; may block
 */
BP_API BP_MUST_USE bp_status bp_pool_resize(bp_pool *pool, uint32_t max_live, uint32_t min_warm,
                                            bp_error *reterr);

typedef enum bp_trim_level {
    BP_TRIM_SURPLUS = 0, /**< idle items above `min_warm` */
    BP_TRIM_ALL = 1,     /**< every idle item; refilled only when a while has passed */
} bp_trim_level;

/** Destroy idle items (reason `pressure`; those that were condemned, with theirs).
 * @return how many; 0 for another level. @threads any; blocks for destroy */
BP_API uint32_t bp_pool_trim(bp_pool *pool, bp_trim_level level);
/**
 * Stop lending: takes and waiters get BP_ECLOSED, idle items are destroyed, leased ones when they
 * come back. May be called again to wait longer.
 * @return BP_OK when no item is left, else BP_ETIMEDOUT at @p by.
 * @threads any; blocks until @p by, and for `destroy` of what is idle, which it does itself
 */
BP_API bp_status bp_pool_drain(bp_pool *pool, bp_deadline by);
/**
 * As bp_pool_drain(), once: a second close does nothing and gives the first one's answer. Leases
 * may still be given after it. @threads any; blocks likewise
 */
BP_API bp_status bp_pool_close(bp_pool *pool, bp_deadline by);

/** Upper bounds of the histograms' buckets: 1 µs times 4 to the power of the index. */
#define BP_POOL_BUCKETS 14

typedef struct bp_pool_histogram {
    uint64_t bucket[BP_POOL_BUCKETS]; /**< not cumulative; the last one has no upper bound */
    uint64_t count;
    uint64_t sum_ns;
} bp_pool_histogram;

typedef struct bp_pool_stats {
    uint32_t size;       /**< BP_POOL_STATS_INIT */
    uint32_t max_live;
    uint32_t min_warm;
    uint32_t live;       /**< idle + in_use + busy */
    uint32_t idle;       /**< ready, kept and dirty ones */
    uint32_t dirty;      /**< idle, waiting for a reset */
    uint32_t kept;       /**< idle, kept for their key */
    uint32_t in_use;     /**< leased */
    uint32_t busy;       /**< being created, reset, checked or destroyed, or waiting for the last */
    uint32_t waiters;
    uint32_t high_water; /**< the most that were live at once */
    uint32_t closed;     /**< 1 after drain or close */
    uint64_t takes[16];    /**< by bp_take_result */
    uint64_t recycles[32]; /**< by bp_recycle_reason */
    uint64_t creates;         /**< that succeeded */
    uint64_t create_failures;
    uint64_t resets;          /**< that succeeded, inline ones included */
    uint64_t resets_inline;   /**< done by a taker because nothing pristine was idle */
    uint64_t detaches;
    uint64_t lease_overdue;
    uint64_t keeper_passes;   /**< how often the keeper (or a tick) looked after the pool */
    bp_pool_histogram take_wait; /**< hits count as zero wait */
    bp_pool_histogram create_time;
    bp_pool_histogram reset_time;
} bp_pool_stats;

#define BP_POOL_STATS_INIT                                                                         \
    {                                                                                              \
        .size = (uint32_t)sizeof(bp_pool_stats)                                                    \
    }

/** Sums up what happened so far. Items move meanwhile: the figures are near each other in time,
 * not one moment. @return BP_OK or BP_EINVAL. @threads any, never blocks long */
BP_API bp_status bp_pool_stats_read(bp_pool *pool, bp_pool_stats *stats);

/** How a metric's value stands in bp_pool_stats. */
typedef enum bp_metric_kind {
    BP_METRIC_GAUGE = 0,     /**< a uint32_t */
    BP_METRIC_COUNTER = 1,   /**< a uint64_t for each value of the label */
    BP_METRIC_HISTOGRAM = 2, /**< a bp_pool_histogram */
} bp_metric_kind;

/** As in Prometheus text: "gauge", …; "?" for none of them. @threads any */
BP_API const char *bp_metric_kind_name(bp_metric_kind kind);

/** A row of the table of metrics, for hosts with another way to publish them. Static. */
typedef struct bp_pool_metric {
    const char *name; /**< in Prometheus text */
    const char *unit; /**< what one is: "seconds", "items", … */
    const char *help;
    const char *field; /**< its name in bp_pool_stats */
    size_t offset;     /**< of that field */
    bp_metric_kind kind;
    uint32_t values;   /**< how many values the label has; 1 without a label */
    const char *label; /**< beside the pool's name; NULL: none */
    const char *(*label_value)(uint32_t index); /**< NULL: no label */
} bp_pool_metric;

/** @return row @p index; NULL behind the last. @threads any */
BP_API const bp_pool_metric *bp_pool_metric_at(size_t index);

/** Receives text piece by piece. @return false to stop. */
typedef bool (*bp_pool_write_fn)(void *data, bp_bytes text);
/**
 * Prometheus text of @p count pools, each labelled with its name.
 * @return BP_OK, BP_EINVAL, BP_ENOMEM, or BP_ECANCELLED when @p write said stop. @threads any
 */
BP_API BP_MUST_USE bp_status bp_pool_metrics_write(bp_pool *const *pools, size_t count,
                                                   bp_pool_write_fn write, void *data);

typedef struct bp_keeper_options {
    uint32_t size;    /**< BP_KEEPER_OPTIONS_INIT */
    uint32_t helpers; /**< 2; threads that do the work; at most 64 */
    bp_log_fn log;    /**< NULL: no log */
    void *log_data;
    bp_log_level log_level;
    bool ignore_memory_pressure; /**< do not trim pools when the machine runs out of memory */
    size_t stack_bytes; /**< of each helper, for what factories do on them; 0: the system's default */
} bp_keeper_options;

#define BP_KEEPER_OPTIONS_INIT                                                                     \
    {                                                                                              \
        .size = (uint32_t)sizeof(bp_keeper_options)                                                \
    }

/**
 * Make a keeper. Its threads start with the first work, block all signals, and are named
 * "bp-keeper". @param options NULL: defaults. @param[out] ret owned: bp_keeper_free().
 * @threads any
 */
BP_API BP_MUST_USE bp_status bp_keeper_new(const bp_keeper_options *options, bp_keeper **ret,
                                           bp_error *reterr);
/**
 * Join the threads (pieces of work that run are waited for) and stop using the keeper; pools that
 * still name it go on as pools without one. NULL is fine. @threads any but its own; blocks
 */
BP_API void bp_keeper_free(bp_keeper *keeper);
/**
 * Join the threads until bp_keeper_start(). To fork: stop every keeper, see that no other thread
 * is inside a pool, fork, start them again in parent and child. A child of a fork without that
 * gets BP_EINVAL from its parent's pools. @threads any but its own; blocks
 */
BP_API void bp_keeper_stop(bp_keeper *keeper);
/** Allow threads again; they start with the next work. @threads any */
BP_API void bp_keeper_start(bp_keeper *keeper);

/**
 * Make a budget: the pools that name it have at most @p limit items together. When it is used up,
 * idle items above `min_warm` of other pools are destroyed (reason `pressure`), then takers wait
 * in line; with more than @p max_waiters of them takes are BP_EBUSY.
 * @param limit not 0. @param max_waiters 0: 1024.
 * @param[out] ret owned: bp_pool_budget_unref(). @threads any
 */
BP_API BP_MUST_USE bp_status bp_pool_budget_new(uint32_t limit, uint32_t max_waiters,
                                                bp_pool_budget **ret, bp_error *reterr);
/** @return @p budget. @threads any */
BP_API bp_pool_budget *bp_pool_budget_ref(bp_pool_budget *budget);
/** NULL is fine; its memory goes with the last pool that uses it. @threads any */
BP_API void bp_pool_budget_unref(bp_pool_budget *budget);
/** Places in use, and with @p ret_limit the limit. @threads any */
BP_API uint32_t bp_pool_budget_used(bp_pool_budget *budget, uint32_t *ret_limit);

/** Where memory pressure is read from. */
typedef struct bp_memory_source {
    const char *name; /**< "psi", "cgroup2 memory.high", …; static */
    char path[256];   /**< the file */
    bool present;     /**< it can be read and sets a limit; absent ones are skipped */
    double pressure;  /**< 0 none … 1 at the limit; 0 when absent */
} bp_memory_source;

typedef enum bp_memory_level {
    BP_MEMORY_OK = 0,
    BP_MEMORY_LOW = 1,     /**< idle items above `min_warm` go */
    BP_MEMORY_CRITICAL = 2 /**< every idle item goes */
} bp_memory_level;

/** Look at every source. @return how many there are, at most @p capacity written.
 * @threads any; reads files */
BP_API size_t bp_memory_pressure_sources(bp_memory_source *ret, size_t capacity);
/** The worst of all present sources. @threads any; reads files */
BP_API bp_memory_level bp_memory_pressure_level(void);

BP_END_DECLS

#endif
