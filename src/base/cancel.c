/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cancel.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"

struct bp_cancel {
    /* Written once by trigger, read by running calls at every tick. Release/acquire, so that what
     * the triggering thread did before is seen by who stops because of it. */
    _Atomic bool triggered;
    pthread_mutex_t mutex;      /* guards `wakers` */
    bp__cancel_waker *wakers;
};

bp_status bp_cancel_new(bp_cancel **ret, bp_error *reterr)
{
    if (!ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_cancel_new: ret is NULL");
    bp_cancel *cancel = bp__alloc_zeroed(1, sizeof *cancel);
    if (!cancel)
        return bp__error_oom(reterr, "making a cancel token");
    pthread_mutex_init(&cancel->mutex, NULL);
    *ret = cancel;
    return BP_OK;
}

void bp_cancel_trigger(bp_cancel *cancel)
{
    if (!cancel)
        return;
    BP_LOCK_SCOPE(&cancel->mutex);
    if (bp_cancel_triggered(cancel))
        return;
    atomic_store_explicit(&cancel->triggered, true, memory_order_release);
    for (bp__cancel_waker *waker = cancel->wakers; waker; waker = waker->next)
        waker->wake(waker->data);
}

bool bp_cancel_triggered(const bp_cancel *cancel)
{
    return cancel && atomic_load_explicit(&cancel->triggered, memory_order_acquire);
}

void bp_cancel_free(bp_cancel *cancel)
{
    if (!cancel)
        return;
    pthread_mutex_destroy(&cancel->mutex);
    bp__free(cancel);
}

bool bp__cancel_watch(bp_cancel *cancel, bp__cancel_waker *waker)
{
    waker->place = NULL;
    if (!cancel)
        return true;
    BP_LOCK_SCOPE(&cancel->mutex);
    if (bp_cancel_triggered(cancel))
        return false;
    waker->next = cancel->wakers;
    waker->place = &cancel->wakers;
    if (waker->next)
        waker->next->place = &waker->next;
    cancel->wakers = waker;
    return true;
}

void bp__cancel_unwatch(bp_cancel *cancel, bp__cancel_waker *waker)
{
    if (!cancel)
        return;
    BP_LOCK_SCOPE(&cancel->mutex);
    if (!waker->place)
        return;
    *waker->place = waker->next;
    if (waker->next)
        waker->next->place = waker->place;
    waker->place = NULL;
}
