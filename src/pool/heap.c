/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/heap.h"

#include "base/alloc.h"

static void put(bp__heap *heap, uint32_t place, bp_pool *pool)
{
    heap->pools[place] = pool;
    pool->heap_place = place;
}

static void sift_up(bp__heap *heap, uint32_t place, bp_pool *pool)
{
    while (place > 0 && heap->pools[(place - 1) / 2]->due > pool->due) {
        put(heap, place, heap->pools[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(heap, place, pool);
}

static void sift_down(bp__heap *heap, uint32_t place, bp_pool *pool)
{
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap->pools[child + 1]->due < heap->pools[child]->due)
            child++;
        if (heap->pools[child]->due >= pool->due)
            break;
        put(heap, place, heap->pools[child]);
        place = child;
    }
    put(heap, place, pool);
}

void bp__heap_done(bp__heap *heap)
{
    bp__free(heap->pools);
    *heap = (bp__heap){0};
}

bool bp__heap_add(bp__heap *heap, bp_pool *pool)
{
    if (heap->count == heap->capacity) {
        uint32_t capacity = heap->capacity ? heap->capacity * 2 : 8;
        bp_pool **pools = bp__realloc(heap->pools, capacity * sizeof(bp_pool *));
        if (!pools)
            return false;
        heap->pools = pools;
        heap->capacity = capacity;
    }
    sift_up(heap, heap->count++, pool);
    return true;
}

void bp__heap_remove(bp__heap *heap, bp_pool *pool)
{
    uint32_t place = pool->heap_place;
    bp_pool *last = heap->pools[--heap->count];
    if (last == pool)
        return;
    put(heap, place, last);
    bp__heap_move(heap, last, last->due);
}

void bp__heap_move(bp__heap *heap, bp_pool *pool, uint64_t due)
{
    pool->due = due;
    sift_up(heap, pool->heap_place, pool);
    sift_down(heap, pool->heap_place, pool);
}
