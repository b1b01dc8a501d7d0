/* SPDX-License-Identifier: Apache-2.0 */
#include "host/gate.h"

void bp__gate_init(bp__gate *gate)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void bp__gate_done(bp__gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->mutex);
}

/* Under the lock, so that nobody who just looked at the token misses it. */
static void wake_all(void *data)
{
    bp__gate *gate = data;
    bp__gate_lock(gate);
    bp__gate_wake(gate);
    bp__gate_unlock(gate);
}

bool bp__gate_enter(bp__gate *gate, bp__gate_pass *pass, bp_deadline by, bp_cancel *cancel)
{
    *pass = (bp__gate_pass){gate, by, cancel, {.wake = wake_all, .data = gate}};
    return bp__cancel_watch(cancel, &pass->waker);
}

void bp__gate_leave(bp__gate_pass *pass)
{
    bp__cancel_unwatch(pass->cancel, &pass->waker);
}

bp_status bp__gate_wait(bp__gate *gate, const bp__gate_pass *pass)
{
    if (bp_cancel_triggered(pass->cancel))
        return BP_ECANCELLED;
    if (bp_deadline_passed(pass->by))
        return BP_ETIMEDOUT;
    struct timespec moment = bp__deadline_timespec(pass->by);
    pthread_cond_timedwait(&gate->changed, &gate->mutex, &moment);
    return BP_OK;
}
