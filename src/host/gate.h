/* A lock with waiting that a deadline or a cancel ends. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_GATE_H
#define BP_HOST_GATE_H

#include <pthread.h>

#include "base/cancel.h"
#include "base/clock.h"

typedef struct bp__gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* on the monotonic clock */
} bp__gate;

void bp__gate_init(bp__gate *gate);
void bp__gate_done(bp__gate *gate);

static inline void bp__gate_lock(bp__gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
}
static inline void bp__gate_unlock(bp__gate *gate)
{
    pthread_mutex_unlock(&gate->mutex);
}
/* What somebody waits for may have come. With the gate locked. */
static inline void bp__gate_wake(bp__gate *gate)
{
    pthread_cond_broadcast(&gate->changed);
}

/* One thread's way through the gate: what ends its waiting. Must not move. */
typedef struct bp__gate_pass {
    bp__gate *gate;
    bp_deadline by;
    bp_cancel *cancel;
    bp__cancel_waker waker;
} bp__gate_pass;

/* Without the lock, since a cancel token's lock comes before it. False: cancelled already, and
 * there is nothing to leave. */
bool bp__gate_enter(bp__gate *gate, bp__gate_pass *pass, bp_deadline by, bp_cancel *cancel);
void bp__gate_leave(bp__gate_pass *pass);
/* With the gate locked; opens it meanwhile. BP_OK: look again. BP_ETIMEDOUT, BP_ECANCELLED. */
bp_status bp__gate_wait(bp__gate *gate, const bp__gate_pass *pass);

#endif
