/* Pools in the order in which they are due. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_HEAP_H
#define BP_POOL_HEAP_H

#include "pool/private.h"

/* A binary heap by pool->due; pool->heap_place says where in it. Zero is empty. Not locked. */
typedef struct bp__heap {
    bp_pool **pools;
    uint32_t count, capacity;
} bp__heap;

void bp__heap_done(bp__heap *heap);
/* False when memory is gone. */
bool bp__heap_add(bp__heap *heap, bp_pool *pool);
void bp__heap_remove(bp__heap *heap, bp_pool *pool);
/* Gives the pool its new due time. */
void bp__heap_move(bp__heap *heap, bp_pool *pool, uint64_t due);

/* The one that is due first, NULL if there is none. */
static inline bp_pool *bp__heap_first(const bp__heap *heap)
{
    return heap->count ? heap->pools[0] : NULL;
}

#endif
