/* Removes what has expired, when it has. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "host/kv.h"

/* A sweep that did not come to an end is begun again so much later. */
#define RETRY_MS 1000
#define SWEEP_TIME_MS 5000

struct bp__kv_sweeper {
    const bp__kv_backend *backend;
    void *self;
    const bp__logger *logger;
    bp_cancel *cancel;     /* ends a sweep when the store is closed */
    pthread_mutex_t mutex; /* guards the rest; not held while a sweep runs */
    pthread_cond_t wakeup; /* on the clock that the backend's times are on */
    pthread_t thread;
    uint64_t due_ms;         /* UINT64_MAX: sleeps for ever */
    uint64_t rests_until_ms; /* no sweep before */
    bool started, stopping;
};

static bool on_wall_clock(const bp__kv_backend *backend)
{
    return backend->now_ms == bp__wall_ms;
}

static void init_condition(bp__kv_sweeper *sweeper)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    /* The wall clock can be set: a sleep until a moment on it must follow. */
    pthread_condattr_setclock(&attributes,
                              on_wall_clock(sweeper->backend) ? CLOCK_REALTIME : CLOCK_MONOTONIC);
    pthread_cond_init(&sweeper->wakeup, &attributes);
    pthread_condattr_destroy(&attributes);
}

bp__kv_sweeper *bp__kv_sweeper_new(const bp__kv_backend *backend, void *self,
                                   const bp__logger *logger)
{
    bp__kv_sweeper *sweeper = bp__alloc_zeroed(1, sizeof *sweeper);
    if (!sweeper)
        return NULL;
    if (bp_cancel_new(&sweeper->cancel, NULL) != BP_OK) {
        bp__free(sweeper);
        return NULL;
    }
    sweeper->backend = backend;
    sweeper->self = self;
    sweeper->logger = logger;
    sweeper->due_ms = UINT64_MAX;
    pthread_mutex_init(&sweeper->mutex, NULL);
    init_condition(sweeper);
    return sweeper;
}

#define LONGEST_MS (UINT64_C(86400) * 1000)

/* So long from now on the real clock, also when a test has set the other one. */
static struct timespec moment_in(clockid_t clock, uint64_t ms)
{
    struct timespec now;
    clock_gettime(clock, &now);
    if (ms > LONGEST_MS)
        ms = LONGEST_MS;
    uint64_t ns = (uint64_t)now.tv_nsec + ms % 1000 * BP_NS_PER_MS;
    return (struct timespec){.tv_sec = now.tv_sec + (time_t)(ms / 1000 + ns / BP_NS_PER_S),
                             .tv_nsec = (long)(ns % BP_NS_PER_S)};
}

static void sleep_locked(bp__kv_sweeper *sweeper, uint64_t now_ms)
{
    if (sweeper->due_ms == UINT64_MAX) {
        pthread_cond_wait(&sweeper->wakeup, &sweeper->mutex);
        return;
    }
    struct timespec until =
        moment_in(on_wall_clock(sweeper->backend) ? CLOCK_REALTIME : CLOCK_MONOTONIC,
                  sweeper->due_ms - now_ms);
    pthread_cond_timedwait(&sweeper->wakeup, &sweeper->mutex, &until);
}

/* When to look again. */
static uint64_t sweep(bp__kv_sweeper *sweeper)
{
    bp_error error = BP_ERROR_INIT;
    bp__kv_sweep what = {
        .by = bp_deadline_in_ms(SWEEP_TIME_MS), .cancel = sweeper->cancel, .next_ms = UINT64_MAX};
    bp_status status = sweeper->backend->sweep(sweeper->self, &what, &error);
    uint64_t soonest = sweeper->backend->now_ms() + sweeper->backend->sweep_pause_ms;
    if (status && status != BP_ECANCELLED) {
        bp__log(sweeper->logger, BP_LOG_WARN, "kv", NULL, "removing what has expired: %s",
                error.message);
        return soonest + RETRY_MS;
    }
    return what.next_ms > soonest ? what.next_ms : soonest;
}

static void *run(void *data)
{
    bp__kv_sweeper *sweeper = data;
    pthread_setname_np(pthread_self(), "bullpen-kv-old");
    BP_LOCK_SCOPE(&sweeper->mutex);
    while (!sweeper->stopping) {
        uint64_t now_ms = sweeper->backend->now_ms();
        if (now_ms < sweeper->due_ms) {
            sleep_locked(sweeper, now_ms);
            continue;
        }
        sweeper->due_ms = UINT64_MAX;
        sweeper->rests_until_ms = now_ms + sweeper->backend->sweep_pause_ms;
        pthread_mutex_unlock(&sweeper->mutex);
        uint64_t next = sweep(sweeper);
        pthread_mutex_lock(&sweeper->mutex);
        if (next < sweeper->due_ms)
            sweeper->due_ms = next;
    }
    return NULL;
}

static bool start_locked(bp__kv_sweeper *sweeper)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    sweeper->started = pthread_create(&sweeper->thread, NULL, run, sweeper) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sweeper->started;
}

void bp__kv_sweeper_due(bp__kv_sweeper *sweeper, uint64_t expires_ms)
{
    BP_LOCK_SCOPE(&sweeper->mutex);
    if (expires_ms < sweeper->rests_until_ms)
        expires_ms = sweeper->rests_until_ms;
    if (expires_ms >= sweeper->due_ms)
        return;
    if (!sweeper->started && !start_locked(sweeper))
        return;
    sweeper->due_ms = expires_ms;
    pthread_cond_signal(&sweeper->wakeup);
}

void bp__kv_sweeper_free(bp__kv_sweeper *sweeper)
{
    if (!sweeper)
        return;
    bp_cancel_trigger(sweeper->cancel);
    pthread_mutex_lock(&sweeper->mutex);
    sweeper->stopping = true;
    pthread_cond_signal(&sweeper->wakeup);
    pthread_mutex_unlock(&sweeper->mutex);
    if (sweeper->started)
        pthread_join(sweeper->thread, NULL);
    pthread_cond_destroy(&sweeper->wakeup);
    pthread_mutex_destroy(&sweeper->mutex);
    bp_cancel_free(sweeper->cancel);
    bp__free(sweeper);
}
