/* Whether helpers are of use right now. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_PACE_H
#define BP_POOL_PACE_H

#include "pool/private.h"

/* Time between passes over a pool that is in a rush. */
#define BP__PACE_REST (1 * BP_NS_PER_MS)

/* Looks at how many leases were taken since the last look. True: takers come so fast that each
 * should reset what it takes itself, and helpers only see to it that nothing stays dirty once the
 * rush is over. Only for the pass that is running. */
bool bp__pace_look(bp_pool *pool, uint64_t now);

#endif
