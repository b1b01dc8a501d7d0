/* Which slot a taker gets. SPDX-License-Identifier: Apache-2.0 */
#include "pool/claim.h"

#include "pool/core.h"

/* Own one that is idle as one of `kinds`; see bp__scan_grab(). */
static bool scan(bp_pool *pool, bp__hint hint, uint32_t kinds, const bp__request *match,
                 bool locked, bp__claim *ret)
{
    bp__scan way = {.hint = hint, .kinds = kinds, .match = match, .exact = locked};
    bool found = bp__scan_grab(pool, &way, ret);
    /* Under the mutex the caller is serving, or will before it leaves. */
    if (way.again && !locked && bp__load(&pool->gate, seq_cst))
        bp__serve(pool);
    if (found)
        bp__ready_less(pool, ret->kind);
    return found;
}

bool bp__claim_ready(bp_pool *pool, const bp__request *request, bool locked, bp__claim *ret)
{
    if (!request->has_key)
        return scan(pool, BP__HINT_READY, BP__READY_KINDS, NULL, locked, ret);
    return (!pool->cleans && scan(pool, BP__HINT_KEPT, BP__BIT(BP__KEPT), request, locked, ret)) ||
           scan(pool, BP__HINT_READY, BP__BIT(BP__FREE), NULL, locked, ret);
}

/* The thread's last item, if it is dirty: what it wrote is still in this core's cache, and other
 * threads have no business with it. */
static bool claim_home(bp_pool *pool, bp__claim *ret)
{
    const bp__home *home = bp__thread_home(pool->id);
    uint64_t was;
    if (home->pool_id != pool->id || !bp__grab(home->slot, BP__BIT(BP__DIRTY), BP__BUSY, &was))
        return false;
    *ret = (bp__claim){.slot = home->slot, .kind = BP__DIRTY};
    return true;
}

/* Items that carry somebody else's traces: dirty ones, then those kept for others. */
static bool claim_used(bp_pool *pool, bool locked, bp__claim *ret)
{
    return claim_home(pool, ret) ||
           scan(pool, BP__HINT_WORK, BP__BIT(BP__DIRTY), NULL, locked, ret) ||
           scan(pool, BP__HINT_READY, BP__BIT(BP__USED), NULL, locked, ret) ||
           scan(pool, BP__HINT_KEPT, BP__BIT(BP__KEPT), NULL, locked, ret);
}

bool bp__claim_idle(bp_pool *pool, const bp__request *request, bool locked, bp__claim *ret)
{
    return bp__claim_ready(pool, request, locked, ret) ||
           (!request->polls && pool->ops.reset && claim_used(pool, locked, ret));
}

bool bp__claim_any_locked(bp_pool *pool, const bp__request *request, bp__claim *ret)
{
    if (bp__claim_idle(pool, request, true, ret))
        return true;
    if (request->polls)
        return false;
    bp__slot *slot = bp__place_reserve_locked(pool);
    if (slot) {
        *ret = (bp__claim){.slot = slot, .kind = BP__EMPTY};
        return true;
    }
    return scan(pool, BP__HINT_WORK, BP__BIT(BP__DOOMED), NULL, true, ret) ||
           (!pool->ops.reset && claim_used(pool, true, ret));
}
