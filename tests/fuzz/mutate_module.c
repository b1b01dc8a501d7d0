/* Mutates modules and components section by section, so that their sizes still add up: bytes that
 * are changed blindly seldom get past the first length. SPDX-License-Identifier: Apache-2.0
 *
 * For libFuzzer only; replay.c has no use for it. */
#include "fuzz.h"

#define MAGIC "\0asm"
#define MAGIC_SIZE 4
#define HEADER_SIZE 8 /* the version, and whether it is a component, with it */
#define SECTIONS_MAX 64
#define SIZE_BYTES_MAX 5
#define SECTION_CODE 10
#define PAYLOAD_MAX 16384

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t out_max, unsigned seed);

typedef struct section {
    uint8_t id;
    const uint8_t *at; /* its payload */
    size_t size;
} section;

typedef struct sections {
    section list[SECTIONS_MAX];
    size_t count;
} sections;

typedef struct output {
    uint8_t *data;
    size_t size, max;
    bool overflow;
} output;

/* Of parts inside of parts; buffers on the stack are large. */
#define DEPTH_MAX 4

static unsigned random_state, depth;

static unsigned roll(unsigned below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % below;
}

/* An unsigned LEB128 of 32 bits; 0 bytes when there is none. */
static size_t read_size(const uint8_t *at, size_t left, size_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < left && i < SIZE_BYTES_MAX; i++) {
        *ret |= (size_t)(at[i] & 0x7F) << (7 * i);
        if (!(at[i] & 0x80))
            return i + 1;
    }
    return 0;
}

static size_t write_size(uint8_t to[SIZE_BYTES_MAX], size_t size)
{
    size_t bytes = 0;
    do {
        to[bytes++] = (uint8_t)((size & 0x7F) | (size > 0x7F ? 0x80 : 0));
        size >>= 7;
    } while (size);
    return bytes;
}

/* What there is up to the first section that does not fit. */
static bool split(const uint8_t *data, size_t size, sections *ret)
{
    ret->count = 0;
    if (size < HEADER_SIZE || memcmp(data, MAGIC, MAGIC_SIZE) != 0)
        return false;
    for (size_t at = HEADER_SIZE; at < size && ret->count < SECTIONS_MAX;) {
        size_t payload, bytes = read_size(data + at + 1, size - at - 1, &payload);
        if (!bytes || payload > size - at - 1 - bytes)
            break;
        ret->list[ret->count++] = (section){data[at], data + at + 1 + bytes, payload};
        at += 1 + bytes + payload;
    }
    return ret->count > 0;
}

static void put(output *to, const void *data, size_t size)
{
    to->overflow = to->overflow || size > to->max - to->size;
    if (to->overflow)
        return;
    memcpy(to->data + to->size, data, size);
    to->size += size;
}

static void put_sized(output *to, const uint8_t *data, size_t size)
{
    uint8_t bytes[SIZE_BYTES_MAX];
    put(to, bytes, write_size(bytes, size));
    put(to, data, size);
}

static void put_section(output *to, const section *from)
{
    put(to, &from->id, 1);
    put_sized(to, from->at, from->size);
}

static size_t mutate(uint8_t *data, size_t size, size_t size_max);

/* A part of a component is itself a module or a component. */
static size_t mutate_payload(const section *from, uint8_t *payload)
{
    size_t size = from->size < PAYLOAD_MAX ? from->size : PAYLOAD_MAX;
    memcpy(payload, from->at, size);
    return mutate(payload, size, size + 64 < PAYLOAD_MAX ? size + 64 : PAYLOAD_MAX);
}

/* One function's body, with its own size: the code section is sections again. */
static bool put_code_mutated(output *to, const section *from)
{
    size_t count, at = read_size(from->at, from->size, &count);
    if (!at || !count)
        return false;
    uint8_t built[PAYLOAD_MAX], payload[PAYLOAD_MAX];
    output inner = {built, 0, sizeof built, false};
    size_t chosen = roll((unsigned)(count < 1000 ? count : 1000));
    put(&inner, from->at, at);
    for (size_t i = 0; i < count; i++) {
        size_t size, bytes = read_size(from->at + at, from->size - at, &size);
        if (!bytes || size > from->size - at - bytes)
            return false;
        section body = {0, from->at + at + bytes, size};
        if (i == chosen)
            put_sized(&inner, payload, mutate_payload(&body, payload));
        else
            put_sized(&inner, body.at, body.size);
        at += bytes + size;
    }
    put_section(to, &(section){from->id, built, inner.size});
    to->overflow = to->overflow || inner.overflow;
    return true;
}

static void put_mutated(output *to, const section *from)
{
    uint8_t payload[PAYLOAD_MAX];
    if (from->id == SECTION_CODE && roll(4) && put_code_mutated(to, from))
        return;
    size_t size = mutate_payload(from, payload);
    put_section(to, &(section){from->id, payload, size});
}

/* Inside, twice, left out, two in the other order, or another id. */
static void put_all(output *to, sections *from)
{
    size_t chosen = roll((unsigned)from->count), other = roll((unsigned)from->count);
    unsigned deed = roll(12);
    section kept = from->list[chosen];
    if (deed == 0) {
        from->list[chosen] = from->list[other];
        from->list[other] = kept;
    } else if (deed == 1) {
        from->list[chosen].id = (uint8_t)roll(14);
    }
    for (size_t i = 0; i < from->count; i++) {
        if (i == chosen && deed == 2)
            continue;
        if (i == chosen && deed > 3)
            put_mutated(to, &from->list[i]);
        else
            put_section(to, &from->list[i]);
        if (i == chosen && deed == 3)
            put_section(to, &from->list[i]);
    }
}

static size_t mutate(uint8_t *data, size_t size, size_t size_max)
{
    sections all;
    if (depth >= DEPTH_MAX || !split(data, size, &all) || roll(10) == 0)
        return LLVMFuzzerMutate(data, size, size_max);
    output to = {malloc(size_max), 0, size_max, false};
    FUZZ_CHECK(to.data);
    depth++;
    put(&to, data, HEADER_SIZE);
    put_all(&to, &all);
    depth--;
    size_t result = to.size;
    if (to.overflow)
        result = LLVMFuzzerMutate(data, size, size_max);
    else
        memcpy(data, to.data, to.size);
    free(to.data);
    return result;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    random_state = seed;
    return mutate(data, size, size_max);
}

/* Each section of the first, or the second's in its place. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t out_max, unsigned seed)
{
    sections left, right;
    random_state = seed;
    if (!split(a, a_size, &left) || !split(b, b_size, &right))
        return 0;
    output to = {out, 0, out_max, false};
    put(&to, a, HEADER_SIZE);
    for (size_t i = 0; i < left.count; i++) {
        const section *chosen = &left.list[i];
        for (size_t j = 0; j < right.count; j++)
            if (right.list[j].id == chosen->id && roll(2))
                chosen = &right.list[j];
        put_section(&to, chosen);
    }
    return to.overflow ? 0 : to.size;
}
