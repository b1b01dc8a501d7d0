/*
 * While any guest runs, the engine's epoch goes up every tick; each guest then looks at its own
 * clock (instance.c), so an extra or a lost tick harms nobody. While none runs, the thread sleeps
 * for ever.
 *
 * Parking needs a store-then-load on both sides: a caller sets its `running`, then reads `parked`;
 * the ticker sets `parked`, then reads every `running`. With all four sequentially consistent one
 * of them sees the other's store, so a guest never runs beside a parked ticker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/ticker.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

/* Waking the thread costs a caller 5 µs, so it stays up for a while after the last guest. */
#define IDLE_TICKS_MAX 100

enum { AWAKE = 0, PARKED = 1 };

struct bp__ticker {
    wasm_engine_t *engine;
    uint32_t tick_ms, slots_max;
    bp__run_slot *slots;
    /* Slots ever taken; the ticker looks at no others. Grows under the mutex, read by the ticker;
     * a slot is zeroed before it is first counted, so relaxed order would do. */
    _Atomic uint32_t slots_used;
    /* AWAKE or PARKED; see above. Also the futex that the thread sleeps on. */
    _Alignas(64) _Atomic uint32_t parked;
    _Atomic bool stop; /* set once by free, read by the thread */
    pthread_mutex_t mutex; /* guards starting the thread and the slots' `taken` */
    pthread_t thread;
    bool started;
};

static void futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
    syscall(SYS_futex, (uint32_t *)word, operation, value, NULL, NULL, 0);
}

static bool any_running(const bp__ticker *ticker)
{
    uint32_t used = atomic_load_explicit(&ticker->slots_used, memory_order_seq_cst);
    for (uint32_t i = 0; i < used; i++)
        if (atomic_load_explicit(&ticker->slots[i].running, memory_order_seq_cst))
            return true;
    return false;
}

static void park(bp__ticker *ticker)
{
    atomic_store_explicit(&ticker->parked, PARKED, memory_order_seq_cst);
    bool stop = atomic_load_explicit(&ticker->stop, memory_order_seq_cst);
    if (stop || any_running(ticker)) {
        atomic_store_explicit(&ticker->parked, AWAKE, memory_order_seq_cst);
        return;
    }
    while (atomic_load_explicit(&ticker->parked, memory_order_seq_cst) == PARKED)
        futex(&ticker->parked, FUTEX_WAIT_PRIVATE, PARKED);
}

static void *run(void *data)
{
    bp__ticker *ticker = data;
    struct timespec tick = {.tv_sec = ticker->tick_ms / 1000,
                            .tv_nsec = (long)(ticker->tick_ms % 1000) * (long)BP_NS_PER_MS};
    unsigned idle = 0;
    while (!atomic_load_explicit(&ticker->stop, memory_order_acquire)) {
        nanosleep(&tick, NULL);
        if (any_running(ticker)) {
            wasmtime_engine_increment_epoch(ticker->engine);
            idle = 0;
        } else if (++idle >= IDLE_TICKS_MAX) {
            park(ticker);
            idle = 0;
        }
    }
    return NULL;
}

static int start_thread(bp__ticker *ticker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&ticker->thread, NULL, run, ticker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        pthread_setname_np(ticker->thread, "bullpen-tick");
    return error;
}

static __attribute__((noinline)) void wake(bp__ticker *ticker)
{
    if (atomic_exchange_explicit(&ticker->parked, AWAKE, memory_order_seq_cst) == PARKED)
        futex(&ticker->parked, FUTEX_WAKE_PRIVATE, 1);
}

void bp__ticker_enter(bp__ticker *ticker, bp__run_slot *slot)
{
    atomic_store_explicit(&slot->running, true, memory_order_seq_cst);
    if (__builtin_expect(
            atomic_load_explicit(&ticker->parked, memory_order_seq_cst) != AWAKE, 0))
        wake(ticker);
}

bp_status bp__ticker_new(wasm_engine_t *engine, uint32_t tick_ms, uint32_t slots_max,
                         bp__ticker **ret, bp_error *reterr)
{
    bp__ticker *ticker = bp__alloc_aligned(_Alignof(bp__ticker), sizeof *ticker);
    if (ticker)
        ticker->slots = bp__alloc_aligned(64, sizeof(bp__run_slot) * (size_t)slots_max);
    if (!ticker || !ticker->slots) {
        bp__free(ticker);
        return bp__error_oom(reterr, "making the ticker");
    }
    ticker->engine = engine;
    ticker->tick_ms = tick_ms;
    ticker->slots_max = slots_max;
    pthread_mutex_init(&ticker->mutex, NULL);
    atomic_init(&ticker->parked, AWAKE);
    *ret = ticker;
    return BP_OK;
}

void bp__ticker_free(bp__ticker *ticker)
{
    if (!ticker)
        return;
    atomic_store_explicit(&ticker->stop, true, memory_order_seq_cst);
    wake(ticker);
    if (ticker->started)
        pthread_join(ticker->thread, NULL);
    pthread_mutex_destroy(&ticker->mutex);
    bp__free(ticker->slots);
    bp__free(ticker);
}

/* Without the thread no deadline would hold: then there is nothing to run in. */
static bp_status ensure_started(bp__ticker *ticker, bp_error *reterr)
{
    if (ticker->started)
        return BP_OK;
    int failed = start_thread(ticker);
    ticker->started = failed == 0;
    if (failed)
        return bp__error_os(reterr, BP_ENOMEM, failed,
                            "start the thread that keeps deadlines; raise vm.max_map_count, "
                            "RLIMIT_AS or the limit on threads");
    return BP_OK;
}

bp_status bp__ticker_slot_take(bp__ticker *ticker, bp__run_slot **ret, bp_error *reterr)
{
    BP_LOCK_SCOPE(&ticker->mutex);
    bp_status status = ensure_started(ticker, reterr);
    if (status != BP_OK)
        return status;
    for (uint32_t i = 0; i < ticker->slots_max; i++) {
        bp__run_slot *slot = &ticker->slots[i];
        if (slot->taken)
            continue;
        slot->taken = true;
        if (i >= atomic_load_explicit(&ticker->slots_used, memory_order_relaxed))
            atomic_store_explicit(&ticker->slots_used, i + 1, memory_order_seq_cst);
        *ret = slot;
        return BP_OK;
    }
    return bp_error_set(reterr, BP_EBUSY,
                        "every sandbox of the runtime is in use; raise sandboxes_max, or lower "
                        "max_live of its plugins");
}

void bp__ticker_slot_give(bp__ticker *ticker, bp__run_slot *slot)
{
    BP_LOCK_SCOPE(&ticker->mutex);
    slot->taken = false;
}
