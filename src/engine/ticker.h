/* The thread that makes running guests look at their deadlines. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_TICKER_H
#define BP_ENGINE_TICKER_H

#include <bullpen/error.h>
#include <stdatomic.h>
#include <wasmtime.h>

/* One an instance, on a cache line of its own. */
typedef struct bp__run_slot {
    /* Set by the thread that is about to enter a guest, cleared by it afterwards, read by the
     * ticker. Sequentially consistent when set, because of `parked` (see ticker.c). */
    _Alignas(64) _Atomic bool running;
    bool taken; /* under the ticker's mutex */
} bp__run_slot;

typedef struct bp__ticker bp__ticker;

bp_status bp__ticker_new(wasm_engine_t *engine, uint32_t tick_ms, uint32_t slots_max,
                         bp__ticker **ret, bp_error *reterr);
void bp__ticker_free(bp__ticker *ticker);

/* A slot for an instance, kept for its life. BP_EBUSY when all are taken, BP_ENOMEM when the thread
 * cannot be started. */
bp_status bp__ticker_slot_take(bp__ticker *ticker, bp__run_slot **ret, bp_error *reterr);
void bp__ticker_slot_give(bp__ticker *ticker, bp__run_slot *slot);

/* Around everything that runs guest code. */
void bp__ticker_enter(bp__ticker *ticker, bp__run_slot *slot);
static inline void bp__ticker_leave(bp__run_slot *slot)
{
    atomic_store_explicit(&slot->running, false, memory_order_release);
}

#endif
