/* What a lease says and is told while it is out. SPDX-License-Identifier: Apache-2.0 */
#include "pool/core.h"

/* The slot's state while the lease is good, else 0 (which is no leased state). */
static uint64_t leased_state(const bp_lease *lease)
{
    const bp__slot *slot = lease ? lease->slot : NULL;
    if (!slot || slot->pool != lease->pool)
        return 0;
    uint64_t state = bp__load(&((bp__slot *)lease->slot)->state, relaxed);
    bool good = bp__state_gen(state) == bp__state_gen(lease->stamp) &&
                bp__state_in(state, BP__LEASED_KINDS);
    return good ? state : 0;
}

void *bp_lease_item(const bp_lease *lease)
{
    return leased_state(lease) ? ((bp__slot *)lease->slot)->item : NULL;
}

bp_status bp_lease_condemn(bp_lease *lease, bp_recycle_reason why)
{
    if (!lease || !lease->slot || ((bp__slot *)lease->slot)->pool != lease->pool ||
        (unsigned)why >= BP_RECYCLE_COUNT ||
        bp__load(&lease->pool->gate, relaxed) & BP__GATE_FORKED)
        return BP_EINVAL;
    bp__slot *slot = lease->slot;
    for (;;) {
        uint64_t state = leased_state(lease);
        if (!state)
            return BP_ESTALE;
        if (bp__state_kind(state) == BP__CONDEMNED)
            return BP_OK;
        uint64_t condemned = bp__state_why_as(state, BP__CONDEMNED, (uint32_t)why);
        if (bp__cas(&slot->state, &state, condemned))
            return BP_OK;
    }
}

void bp_lease_begin(bp_lease *lease)
{
    if (lease && lease->slot)
        lease->unfinished++;
}

void bp_lease_end(bp_lease *lease)
{
    if (lease && lease->unfinished)
        lease->unfinished--;
}

void bp_lease_cleanup(bp_lease *lease)
{
    if (lease && lease->slot)
        (void)bp_pool_give(lease);
}
