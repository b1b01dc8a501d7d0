/* Extism memory: blocks that guest and host hand to each other by offset. One a sandbox, emptied at
 * every call. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_EXTISM_MEMORY_H
#define BP_GUEST_EXTISM_MEMORY_H

#include <bullpen/common.h>
#include <string.h>

#include "engine/instance.h"

typedef struct bp__extism_block {
    uint64_t at, size, capacity;
    bool active;
} bp__extism_block;

/*
 * A block's offset is its handle. In the 8 bytes before a block stands its index in `blocks`; a
 * guest may overwrite them (they lie in its reach), so they are a hint: `blocks`, out of its reach,
 * decides. Nothing beyond `used` is ever visible and every block is zeroed when it is made, so
 * emptying costs nothing, whatever an earlier call wrote.
 */
typedef struct bp__extism_memory {
    uint8_t *data;
    uint64_t used, capacity;
    bp__extism_block *blocks;
    uint32_t block_count, block_capacity, free_count;
    bp__instance *charged; /* whose memory limit it counts against */
} bp__extism_memory;

void bp__extism_memory_init(bp__extism_memory *memory, bp__instance *charged);
void bp__extism_memory_done(bp__extism_memory *memory);
/* Empties it, and gives memory back if a call used much. */
void bp__extism_memory_reset(bp__extism_memory *memory);

/* A zeroed block; 0 for 0 bytes or when the limit or memory is reached. */
uint64_t bp__extism_alloc(bp__extism_memory *memory, uint64_t size);
/* A block with these bytes; 0 for none or without memory. */
uint64_t bp__extism_put(bp__extism_memory *memory, bp_bytes bytes);
/* Unknown handles are ignored. */
void bp__extism_free(bp__extism_memory *memory, uint64_t handle);
/* The block, or NULL; borrowed until the next alloc. */
const bp__extism_block *bp__extism_find(const bp__extism_memory *memory, uint64_t handle);
/* The block's bytes; {NULL, 0} for none. Borrowed until the next alloc. */
bp_bytes bp__extism_get(const bp__extism_memory *memory, uint64_t handle);

/* Offsets below this are never valid. */
#define BP__EXTISM_START 8

static inline bool bp__extism_in_bounds(const bp__extism_memory *memory, uint64_t at, uint64_t size)
{
    return at >= BP__EXTISM_START && at <= memory->used && size <= memory->used - at;
}

#endif
