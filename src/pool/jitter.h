/* Ages that differ a little. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_JITTER_H
#define BP_POOL_JITTER_H

#include <stdint.h>

#include <bullpen/pool.h>

/* `ns` less a random part of up to the pool's jitter; 0 stays 0, UINT64_MAX stays too. */
uint64_t bp__jitter(bp_pool *pool, uint64_t ns);

#endif
