/* The keeper: which pool is looked after when, and by which thread. SPDX-License-Identifier:
 * Apache-2.0
 *
 * Pools stand in a heap by the time at which they are due. A helper takes the first that is due,
 * marks it running (so one pass at a time a pool, and a pass that hangs keeps no other pool from
 * the other helpers), works without a lock, and puts it back with its next time. One idle helper,
 * the leader, sleeps until the first pool is due; the others sleep until the leader has found
 * work and calls one of them to lead.
 *
 * Who gives an item that needs work pushes the pool onto `posted` and wakes the leader only if it
 * sleeps deeply (or the matter is urgent): `posted` and `sleep` are both seq_cst, and
 *   poster: push the pool, then read `sleep`;     leader: store `sleep`, then read `posted`:
 * one of them sees the other, so no post is slept over. After work the leader naps for 1 ms at a
 * time, so that givers in a busy pool need not wake it; after some naps for nothing it sleeps
 * deeply, and an idle pool costs no wake-up at all. */
#include "pool/keeper.h"

#include <signal.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "pool/heap.h"
#include "pool/park.h"

#define HELPERS_MAX 64
#define NAPS 8
#define LOOK_AT_MEMORY (1 * BP_NS_PER_S)

/* How the leader sleeps; UNSTARTED: there are no helpers yet. */
enum { UNSTARTED = 0, AWAKE = 1, NAPPING = 2, ASLEEP = 3 };
/* What came of the helper that is being started. */
enum { UNDECIDED = 0, FIT = 1, UNFIT = 2 };

struct bp_keeper {
    /* Pools with news, linked by next_posted. Pushed by anybody, taken whole under the mutex. */
    _Atomic(bp_pool *) posted;
    _Atomic uint32_t sleep; /* one of the above; seq_cst, see above */
    _Atomic uint32_t calls; /* what the leader sleeps on; counts wake-ups */
    /* Whether posts are of use: not stopped, and threads could be started. seq_cst. */
    _Atomic bool runs;
    /* One of the above: set by a new helper, awaited by who starts it under the mutex. */
    _Atomic uint32_t newcomer;
    _Atomic uint32_t level; /* bp_memory_level as seen last; relaxed */

    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t follow; /* one of those who do not lead is called */
    bp__heap heap;
    pthread_t threads[HELPERS_MAX];
    uint32_t helpers, started, idle;
    size_t stack_bytes; /* of a helper; 0: the default */
    uint32_t owners;    /* the maker until free, and each pool */
    uint32_t naps;      /* left before deep sleep */
    bool led, stopping;
    uint64_t lead_due;    /* until when the leader sleeps */
    uint64_t memory_seen; /* when the level was read */
    bool ignores_memory;
    bp__logger logger;
};

/* Now, or once more when its pass is over. */
static void make_due_locked(bp_keeper *keeper, bp_pool *pool)
{
    if (pool->running)
        pool->again = true;
    else
        bp__heap_move(&keeper->heap, pool, 0);
}

static void take_posts_locked(bp_keeper *keeper)
{
    bp_pool *pool = bp__swap(&keeper->posted, NULL, seq_cst);
    while (pool) {
        bp_pool *next = pool->next_posted;
        /* From here on the pool can be posted again, and its news are looked at after that. */
        bp__store(&pool->posted, false, seq_cst);
        make_due_locked(keeper, pool);
        pool = next;
    }
}

static void wake_leader(bp_keeper *keeper)
{
    bp__add(&keeper->calls, 1, seq_cst);
    bp__unpark_all(&keeper->calls);
}

/* Memory is all but gone: pools that sleep at `min_warm` are to be looked after too. The leader may
 * have gone to sleep meanwhile, and the pass that begins next on this thread may hang. */
static void make_all_due_locked(bp_keeper *keeper)
{
    for (uint32_t i = 0; i < keeper->heap.count; i++)
        make_due_locked(keeper, keeper->heap.pools[i]);
    if (keeper->led) {
        keeper->lead_due = 0;
        wake_leader(keeper);
    }
}

/* Reading files takes a while: without the mutex. Only one does it, by the time stamp. */
static void look_at_memory(bp_keeper *keeper)
{
    uint64_t now = bp__now_ns();
    if (keeper->ignores_memory || now < keeper->memory_seen + LOOK_AT_MEMORY)
        return;
    keeper->memory_seen = now;
    pthread_mutex_unlock(&keeper->mutex);
    bp_memory_level level = bp_memory_pressure_level();
    uint32_t before = bp__swap(&keeper->level, (uint32_t)level, relaxed);
    pthread_mutex_lock(&keeper->mutex);
    if (level == BP_MEMORY_CRITICAL && before != BP_MEMORY_CRITICAL)
        make_all_due_locked(keeper);
}

/* The first pool that is due, held and marked running; NULL if none is. */
static bp_pool *begin_pass_locked(bp_keeper *keeper)
{
    take_posts_locked(keeper);
    bp_pool *pool = bp__heap_first(&keeper->heap);
    if (!pool || pool->due == UINT64_MAX || (pool->due && pool->due > bp__now_ns()))
        return NULL;
    bp__heap_move(&keeper->heap, pool, UINT64_MAX);
    if (!bp__pool_try_hold(pool))
        return NULL; /* it is being freed and will leave the heap */
    pool->running = true;
    pool->again = false;
    return pool;
}

static void end_pass_locked(bp_keeper *keeper, bp_pool *pool, uint64_t due)
{
    pool->running = false;
    bp__heap_move(&keeper->heap, pool, pool->again ? 0 : due);
}

/* Under the mutex, which is given up for the work. */
static void work(bp_keeper *keeper, bp_pool *pool)
{
    if (keeper->idle && !keeper->led)
        pthread_cond_signal(&keeper->follow);
    look_at_memory(keeper);
    keeper->naps = NAPS;
    pthread_mutex_unlock(&keeper->mutex);
    uint64_t due = bp__maintain(pool, true);
    pthread_mutex_lock(&keeper->mutex);
    end_pass_locked(keeper, pool, due);
    pthread_mutex_unlock(&keeper->mutex);
    bp__pool_release(pool);
    pthread_mutex_lock(&keeper->mutex);
}

static uint64_t next_due_locked(bp_keeper *keeper)
{
    bp_pool *pool = bp__heap_first(&keeper->heap);
    return pool ? pool->due : UINT64_MAX;
}

/* Sleeps until the first pool is due or somebody calls. */
static void lead(bp_keeper *keeper)
{
    uint64_t due = next_due_locked(keeper);
    bool nap = keeper->naps > 0;
    if (nap) {
        keeper->naps--;
        due = bp__deadline_min(due, bp__deadline_after(bp__now_ns(), BP_NS_PER_MS));
    }
    keeper->led = true;
    keeper->lead_due = due;
    uint32_t calls = bp__load(&keeper->calls, seq_cst);
    bp__store(&keeper->sleep, nap ? NAPPING : ASLEEP, seq_cst);
    bool news = bp__load(&keeper->posted, seq_cst) || keeper->stopping;
    pthread_mutex_unlock(&keeper->mutex);
    if (!news)
        bp__park(&keeper->calls, calls, due);
    bp__store(&keeper->sleep, AWAKE, seq_cst);
    pthread_mutex_lock(&keeper->mutex);
    keeper->led = false;
}

static void follow(bp_keeper *keeper)
{
    if (next_due_locked(keeper) < keeper->lead_due) {
        keeper->lead_due = 0; /* once is enough */
        wake_leader(keeper);
    }
    keeper->idle++;
    pthread_cond_wait(&keeper->follow, &keeper->mutex);
    keeper->idle--;
}

static void *help(void *data)
{
    bp_keeper *keeper = data;
    pthread_mutex_lock(&keeper->mutex);
    while (!keeper->stopping) {
        bp_pool *pool = begin_pass_locked(keeper);
        if (pool)
            work(keeper, pool);
        else if (!keeper->led)
            lead(keeper);
        else
            follow(keeper);
    }
    pthread_cond_broadcast(&keeper->follow);
    pthread_mutex_unlock(&keeper->mutex);
    return NULL;
}

/* What a factory allocates on a thread that gets no memory may end the process: such a helper is no
 * helper. */
static void *begin_to_help(void *data)
{
    bp_keeper *keeper = data;
    bool fit = bp__alloc_works();
    bp__store(&keeper->newcomer, fit ? FIT : UNFIT, seq_cst);
    bp__unpark(&keeper->newcomer);
    return fit ? help(keeper) : NULL;
}

static bool is_fit(bp_keeper *keeper)
{
    uint32_t verdict;
    while ((verdict = bp__load(&keeper->newcomer, seq_cst)) == UNDECIDED)
        bp__park(&keeper->newcomer, UNDECIDED, UINT64_MAX);
    return verdict == FIT;
}

static int create_thread(bp_keeper *keeper, pthread_t *ret)
{
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);
    if (failed)
        return failed;
    if (keeper->stack_bytes)
        failed = pthread_attr_setstacksize(&attributes, keeper->stack_bytes);
    if (!failed)
        failed = pthread_create(ret, &attributes, begin_to_help, keeper);
    pthread_attr_destroy(&attributes);
    return failed;
}

/* Threads begin with signals blocked: those are the host's business. Not so a thread's own faults,
 * which factories may have handlers for, and which end the process where they are blocked. */
static void block_signals(sigset_t *before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

static bool start_one(bp_keeper *keeper)
{
    sigset_t before;
    block_signals(&before);
    pthread_t *thread = &keeper->threads[keeper->started];
    bp__store(&keeper->newcomer, UNDECIDED, seq_cst);
    int failed = create_thread(keeper, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return false;
#ifdef __linux__
    pthread_setname_np(*thread, "bp-keeper");
#endif
    if (!is_fit(keeper)) {
        pthread_join(*thread, NULL);
        return false;
    }
    keeper->started++;
    return true;
}

/* False: not one could be started. */
static bool start_all_locked(bp_keeper *keeper)
{
    bp__store(&keeper->sleep, AWAKE, seq_cst);
    while (keeper->started < keeper->helpers && start_one(keeper))
        continue;
    if (!keeper->started)
        bp__store(&keeper->runs, false, seq_cst);
    return keeper->started > 0;
}

/* The first post starts the helpers. Without any, pools go on as pools without a keeper. */
static bool ensure_started(bp_keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    bool wanted = bp__load(&keeper->runs, seq_cst);
    bool failed = wanted && !keeper->started && !start_all_locked(keeper);
    pthread_mutex_unlock(&keeper->mutex);
    if (failed) /* said without the lock: a logger may take its time */
        bp__log(&keeper->logger, BP_LOG_ERROR, "pool", NULL,
                "keeper: no thread could be started; pools work without it");
    return wanted && !failed;
}

bool bp__keeper_runs(const bp_pool *pool)
{
    return pool->keeper && bp__load(&pool->keeper->runs, seq_cst);
}

static void push(bp_keeper *keeper, bp_pool *pool)
{
    bp_pool *first = bp__load(&keeper->posted, relaxed);
    do
        pool->next_posted = first;
    while (!bp__cas(&keeper->posted, &first, pool));
}

bool bp__keeper_post(bp_pool *pool, bool urgent)
{
    bp_keeper *keeper = pool->keeper;
    if (!bp__keeper_runs(pool))
        return false;
    /* Swapping only a false keeps the line shared while the pool stays posted. */
    if (!bp__load(&pool->posted, seq_cst) && !bp__swap(&pool->posted, true, seq_cst))
        push(keeper, pool);
    uint32_t sleep = bp__load(&keeper->sleep, seq_cst);
    if (sleep == UNSTARTED)
        return ensure_started(keeper);
    if (sleep == ASLEEP || (urgent && sleep == NAPPING)) {
        /* Only one of several posters pays for the wake-up. */
        if (bp__cas(&keeper->sleep, &sleep, AWAKE))
            wake_leader(keeper);
    }
    /* Either this sees that the keeper was stopped, or bp_keeper_stop() sees the post. */
    return bp__keeper_runs(pool);
}

bool bp__keeper_is_at_rest(bp_keeper *keeper)
{
    BP_LOCK_SCOPE(&keeper->mutex);
    return keeper->led && keeper->lead_due == UINT64_MAX &&
           bp__load(&keeper->sleep, seq_cst) == ASLEEP && !bp__load(&keeper->posted, seq_cst) &&
           keeper->idle + 1 == keeper->started;
}

bp_memory_level bp__keeper_pressure(const bp_pool *pool)
{
    return pool->keeper ? (bp_memory_level)bp__load(&pool->keeper->level, relaxed) : BP_MEMORY_OK;
}

bool bp__keeper_watches_pressure(const bp_pool *pool)
{
    return bp__keeper_runs(pool) && !pool->keeper->ignores_memory;
}

bp_status bp__keeper_attach(bp_keeper *keeper, bp_pool *pool, bp_error *reterr)
{
    pthread_mutex_lock(&keeper->mutex);
    pool->due = UINT64_MAX;
    bool added = bp__heap_add(&keeper->heap, pool);
    if (added) {
        keeper->owners++;
        pool->keeper = keeper;
    }
    pthread_mutex_unlock(&keeper->mutex);
    return added ? BP_OK : bp__error_oom(reterr, "adding a pool to its keeper");
}

static void disown(bp_keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    bool last = --keeper->owners == 0;
    pthread_mutex_unlock(&keeper->mutex);
    if (!last)
        return;
    bp__heap_done(&keeper->heap);
    pthread_cond_destroy(&keeper->follow);
    pthread_mutex_destroy(&keeper->mutex);
    bp__free(keeper);
}

void bp__keeper_detach(bp_pool *pool)
{
    bp_keeper *keeper = pool->keeper;
    if (!keeper)
        return;
    pthread_mutex_lock(&keeper->mutex);
    take_posts_locked(keeper);
    bp__heap_remove(&keeper->heap, pool);
    pthread_mutex_unlock(&keeper->mutex);
    disown(keeper);
}

/* A stack has whole pages, and not fewer than the thread library needs itself. */
static size_t page_multiple(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
    if (bytes == 0 || bytes > SIZE_MAX - page)
        return 0;
    return ((bytes > least ? bytes : least) + page - 1) / page * page;
}

bp_status bp_keeper_new(const bp_keeper_options *options, bp_keeper **ret, bp_error *reterr)
{
    bp_keeper_options read, *given = &read;
    if (!ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_keeper_new: ret is NULL");
    bp_status status = bp__options_copy(given, sizeof *given, options, "bp_keeper_options", reterr);
    if (status)
        return status;
    if (given->helpers > HELPERS_MAX)
        return bp_error_set(reterr, BP_EINVAL, "keeper: helpers is %u, at most %d", given->helpers,
                            HELPERS_MAX);
    bp_keeper *keeper = bp__alloc_zeroed(1, sizeof *keeper);
    if (!keeper)
        return bp__error_oom(reterr, "making a keeper");
    keeper->helpers = given->helpers ? given->helpers : 2;
    keeper->stack_bytes = page_multiple(given->stack_bytes);
    keeper->owners = 1;
    keeper->ignores_memory = given->ignore_memory_pressure;
    keeper->logger = (bp__logger){given->log, given->log_data, given->log_level};
    atomic_init(&keeper->runs, true);
    pthread_mutex_init(&keeper->mutex, NULL);
    pthread_cond_init(&keeper->follow, NULL);
    *ret = keeper;
    return BP_OK;
}

/* Helpers that were told to stop end after the pass they are in. */
static void join_helpers(bp_keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    keeper->stopping = true;
    uint32_t started = keeper->started;
    pthread_cond_broadcast(&keeper->follow);
    pthread_mutex_unlock(&keeper->mutex);
    wake_leader(keeper);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(keeper->threads[i], NULL);
    pthread_mutex_lock(&keeper->mutex);
    keeper->started = 0;
    keeper->stopping = false;
    bp__store(&keeper->sleep, UNSTARTED, seq_cst);
    pthread_mutex_unlock(&keeper->mutex);
}

/* What was posted before the stop and not done: a closed pool may depend on it. */
static void finish_posts(bp_keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    take_posts_locked(keeper);
    while (next_due_locked(keeper) == 0) {
        bp_pool *pool = begin_pass_locked(keeper);
        if (pool)
            work(keeper, pool);
    }
    pthread_mutex_unlock(&keeper->mutex);
}

void bp_keeper_stop(bp_keeper *keeper)
{
    if (!keeper)
        return;
    bp__store(&keeper->runs, false, seq_cst);
    join_helpers(keeper);
    finish_posts(keeper);
}

void bp_keeper_start(bp_keeper *keeper)
{
    if (!keeper)
        return;
    pthread_mutex_lock(&keeper->mutex);
    bp__store(&keeper->runs, true, seq_cst);
    for (uint32_t i = 0; i < keeper->heap.count; i++)
        make_due_locked(keeper, keeper->heap.pools[i]);
    bool needed = keeper->heap.count > 0;
    pthread_mutex_unlock(&keeper->mutex);
    if (needed)
        ensure_started(keeper);
}

void bp_keeper_free(bp_keeper *keeper)
{
    if (!keeper)
        return;
    bp_keeper_stop(keeper);
    disown(keeper);
}
