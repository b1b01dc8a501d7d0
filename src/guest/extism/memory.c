/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/extism/memory.h"

#include "base/alloc.h"

#define FIRST_CAPACITY (4 * 1024)
/* What an idle sandbox may keep. */
#define KEPT_CAPACITY (1024 * 1024)
#define HEADER_SIZE 8
/* How many freed blocks are looked at before a new one is made: a bound on the time of alloc. */
#define SEARCH_MAX 32

void bp__extism_memory_init(bp__extism_memory *memory, bp__instance *charged)
{
    *memory = (bp__extism_memory){.used = BP__EXTISM_START, .charged = charged};
}

static void drop(bp__extism_memory *memory)
{
    bp__free(memory->data);
    bp__free(memory->blocks);
    bp__extism_memory_init(memory, memory->charged);
}

void bp__extism_memory_done(bp__extism_memory *memory)
{
    drop(memory);
}

void bp__extism_memory_reset(bp__extism_memory *memory)
{
    if (memory->capacity + memory->block_capacity * sizeof *memory->blocks > KEPT_CAPACITY)
        drop(memory);
    memory->used = BP__EXTISM_START;
    memory->block_count = 0;
    memory->free_count = 0;
    (void)bp__instance_charge(memory->charged, 0);
}

static bool grow_data(bp__extism_memory *memory, uint64_t wanted)
{
    if (wanted <= memory->capacity)
        return true;
    uint64_t capacity = memory->capacity ? memory->capacity : FIRST_CAPACITY;
    while (capacity < wanted)
        capacity *= 2;
    uint8_t *data = bp__realloc(memory->data, capacity);
    if (!data)
        return false;
    if (!memory->data) /* what lies before the first block is readable too */
        memset(data, 0, BP__EXTISM_START);
    memory->data = data;
    memory->capacity = capacity;
    return true;
}

static bool grow_blocks(bp__extism_memory *memory)
{
    if (memory->block_count < memory->block_capacity)
        return true;
    uint32_t capacity = memory->block_capacity ? memory->block_capacity * 2 : 16;
    bp__extism_block *blocks = bp__realloc(memory->blocks, capacity * sizeof *blocks);
    if (!blocks)
        return false;
    memory->blocks = blocks;
    memory->block_capacity = capacity;
    return true;
}

/* A freed block that is large enough, and not so large that most of it would be lost. */
static bp__extism_block *find_freed(bp__extism_memory *memory, uint64_t size)
{
    uint32_t looked = 0;
    for (uint32_t i = memory->block_count; i-- > 0 && looked < SEARCH_MAX; looked++) {
        bp__extism_block *block = &memory->blocks[i];
        if (!block->active && block->capacity >= size && block->capacity / 4 <= size)
            return block;
    }
    return NULL;
}

/* Whatever the guest has written there: a new block is found by its handle. */
static void write_header(bp__extism_memory *memory, const bp__extism_block *block)
{
    uint64_t index = (uint64_t)(block - memory->blocks);
    memcpy(memory->data + block->at - HEADER_SIZE, &index, HEADER_SIZE);
}

static bp__extism_block *reuse(bp__extism_memory *memory, uint64_t size)
{
    bp__extism_block *block = memory->free_count ? find_freed(memory, size) : NULL;
    if (!block)
        return NULL;
    write_header(memory, block);
    memory->free_count--;
    block->active = true;
    block->size = size;
    return block;
}

/* At the end of what is used; its bytes are not set yet. */
static bp__extism_block *append(bp__extism_memory *memory, uint64_t size)
{
    uint64_t header = (memory->used + 7) & ~UINT64_C(7);
    if (size > UINT32_MAX || header > UINT32_MAX)
        return NULL; /* far over any limit, and keeps the sums below from overflowing */
    uint64_t end = header + HEADER_SIZE + size;
    uint64_t table = ((uint64_t)memory->block_count + 1) * sizeof *memory->blocks;
    if (!bp__instance_charge(memory->charged, end + table))
        return NULL;
    if (!grow_data(memory, end) || !grow_blocks(memory))
        return NULL;
    bp__extism_block *block = &memory->blocks[memory->block_count++];
    *block = (bp__extism_block){header + HEADER_SIZE, size, size, true};
    memset(memory->data + memory->used, 0, header - memory->used);
    write_header(memory, block);
    memory->used = end;
    return block;
}

static bp__extism_block *make(bp__extism_memory *memory, uint64_t size)
{
    if (size == 0)
        return NULL;
    bp__extism_block *block = reuse(memory, size);
    return block ? block : append(memory, size);
}

uint64_t bp__extism_alloc(bp__extism_memory *memory, uint64_t size)
{
    const bp__extism_block *block = make(memory, size);
    if (!block)
        return 0;
    memset(memory->data + block->at, 0, size);
    return block->at;
}

uint64_t bp__extism_put(bp__extism_memory *memory, bp_bytes bytes)
{
    const bp__extism_block *block = make(memory, bytes.size);
    if (!block)
        return 0;
    memcpy(memory->data + block->at, bytes.data, bytes.size);
    return block->at;
}

static bp__extism_block *find(const bp__extism_memory *memory, uint64_t handle)
{
    uint64_t index;
    if (handle < BP__EXTISM_START + HEADER_SIZE || handle > memory->used)
        return NULL;
    memcpy(&index, memory->data + handle - HEADER_SIZE, HEADER_SIZE);
    if (index >= memory->block_count)
        return NULL;
    bp__extism_block *block = &memory->blocks[index];
    return block->at == handle && block->active ? block : NULL;
}

const bp__extism_block *bp__extism_find(const bp__extism_memory *memory, uint64_t handle)
{
    return find(memory, handle);
}

bp_bytes bp__extism_get(const bp__extism_memory *memory, uint64_t handle)
{
    const bp__extism_block *block = find(memory, handle);
    return block ? (bp_bytes){memory->data + block->at, block->size} : (bp_bytes){NULL, 0};
}

void bp__extism_free(bp__extism_memory *memory, uint64_t handle)
{
    bp__extism_block *block = find(memory, handle);
    if (!block)
        return;
    block->active = false;
    memory->free_count++;
}
