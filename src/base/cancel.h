/* Cancel tokens from the inside: what a waiter hangs on one. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_CANCEL_H
#define BP_BASE_CANCEL_H

#include <bullpen/deadline.h>

/* Called once, in the triggering thread, under the token's lock: it must only wake somebody. */
typedef struct bp__cancel_waker {
    void (*wake)(void *data);
    void *data;
    struct bp__cancel_waker *next, **place;
} bp__cancel_waker;

/* False (and nothing registered) when the token is triggered already. NULL tokens are fine. */
bool bp__cancel_watch(bp_cancel *cancel, bp__cancel_waker *waker);
/* Afterwards `wake` does not run any more and is not running. */
void bp__cancel_unwatch(bp_cancel *cancel, bp__cancel_waker *waker);

#endif
