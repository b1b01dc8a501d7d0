/* SPDX-License-Identifier: Apache-2.0 */
#include "support/wasm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "support/check.h"

static void put(bp__buffer *to, uint8_t byte)
{
    assert_true(bp__buffer_append(to, &byte, 1));
}

static void put_number(bp__buffer *to, uint64_t value)
{
    do {
        uint8_t byte = value & 0x7F;
        value >>= 7;
        put(to, value ? byte | 0x80 : byte);
    } while (value);
}

static void put_part(bp__buffer *to, const bp__buffer *part)
{
    put_number(to, part->size);
    assert_true(bp__buffer_append(to, part->data, part->size));
}

static void put_section(bp__buffer *to, uint8_t id, bp__buffer *part)
{
    put(to, id);
    put_part(to, part);
    bp__buffer_done(part);
}

/* Every step depends on the one before it and on memory's first word, so that none is folded away. */
static void put_body(bp__buffer *to, size_t bytes, unsigned seed)
{
    bp__buffer body = {0};
    static const uint8_t load[] = {0x41, 0x00, 0x28, 0x02, 0x00}; /* i32.load (i32.const 0) */
    put(&body, 0);                                                /* no locals */
    bp__buffer_append(&body, load, sizeof load);
    for (unsigned i = 0; body.size < bytes; i++) {
        put(&body, 0x41); /* i32.const: 0 to 63 fit one byte */
        put(&body, (uint8_t)((seed + i) % 64));
        put(&body, i % 3 == 0 ? 0x6A : i % 3 == 1 ? 0x73 : 0x6C); /* add, xor, mul */
        if (i % 5 == 0) {
            bp__buffer_append(&body, load, sizeof load);
            put(&body, 0x6A);
        }
    }
    put(&body, 0x0B);
    put_part(to, &body);
    bp__buffer_done(&body);
}

bp_bytes wasm_make(unsigned functions, size_t bytes, unsigned seed)
{
    static const uint8_t start[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    static const uint8_t types[] = {1, 0x60, 0, 1, 0x7F}, memories[] = {1, 0, 1};
    bp__buffer wasm = {0}, part = {0};
    bp__buffer_append(&wasm, start, sizeof start);
    bp__buffer_append(&part, types, sizeof types);
    put_section(&wasm, 1, &part);
    put_number(&part, functions);
    for (unsigned i = 0; i < functions; i++)
        put(&part, 0);
    put_section(&wasm, 3, &part);
    bp__buffer_append(&part, memories, sizeof memories);
    put_section(&wasm, 5, &part);
    put_number(&part, functions);
    for (unsigned i = 0; i < functions; i++) {
        bp__buffer name = {0};
        bp__buffer_printf(&name, "f%u", i);
        put_part(&part, &name);
        bp__buffer_done(&name);
        put(&part, 0);
        put_number(&part, i);
    }
    put_section(&wasm, 7, &part);
    put_number(&part, functions);
    for (unsigned i = 0; i < functions; i++)
        put_body(&part, bytes, seed + i);
    put_section(&wasm, 10, &part);
    return (bp_bytes){wasm.data, wasm.size};
}
