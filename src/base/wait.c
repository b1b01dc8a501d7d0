/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wait.h"

#include <pthread.h>

#include "base/cancel.h"
#include "base/clock.h"

typedef struct sleeper {
    pthread_mutex_t mutex; /* guards `cancelled`; taken inside the token's lock, never around it */
    pthread_cond_t wakeup;
    bool cancelled;
} sleeper;

static void sleeper_init(sleeper *self)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->wakeup, &attributes);
    pthread_condattr_destroy(&attributes);
    self->cancelled = false;
}

static void sleeper_done(sleeper *self)
{
    pthread_cond_destroy(&self->wakeup);
    pthread_mutex_destroy(&self->mutex);
}

static void wake(void *data)
{
    sleeper *self = data;
    pthread_mutex_lock(&self->mutex);
    self->cancelled = true;
    pthread_cond_signal(&self->wakeup);
    pthread_mutex_unlock(&self->mutex);
}

static uint64_t real_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * BP_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The real clock cannot be outside of two of its own readings (bp__now_ns() adds one). */
static bool clock_is_fake(void)
{
    uint64_t before = real_now_ns(), now = bp__now_ns(), after = real_now_ns();
    return now < before || now > after + 1;
}

/* `real_end` bounds the sleep on the real clock; without a fake clock it is `until` itself. */
static bool sleep_until(sleeper *self, bp_deadline until, bp_deadline real_end)
{
    pthread_mutex_lock(&self->mutex);
    for (;;) {
        uint64_t now = real_now_ns();
        if (self->cancelled || now >= real_end || bp__now_ns() >= until)
            break;
        bp_deadline look = clock_is_fake() ? now + BP_NS_PER_MS : real_end;
        struct timespec moment = bp__deadline_timespec(bp__deadline_min(look, real_end));
        pthread_cond_timedwait(&self->wakeup, &self->mutex, &moment);
    }
    bool cancelled = self->cancelled;
    pthread_mutex_unlock(&self->mutex);
    return cancelled;
}

bool bp__wait_until(bp_deadline until, bp_cancel *cancel)
{
    uint64_t left = bp_deadline_left_ns(until);
    if (!left)
        return bp_cancel_triggered(cancel);
    bp_deadline real_end = bp__deadline_after(real_now_ns(), left);
    sleeper self;
    sleeper_init(&self);
    bp__cancel_waker waker = {.wake = wake, .data = &self};
    bool cancelled = true;
    if (bp__cancel_watch(cancel, &waker)) {
        cancelled = sleep_until(&self, until, real_end);
        bp__cancel_unwatch(cancel, &waker);
    }
    sleeper_done(&self);
    return cancelled;
}
