/* Extism's host functions, by hand: no PDK. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_GUESTS_EXTISM_H
#define BULLPEN_TESTS_GUESTS_EXTISM_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t handle; /* of a block in Extism memory; 0 is none */

#define HOST(name) __attribute__((import_module("extism:host/env"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

HOST(alloc) extern handle extism_alloc(uint64_t size);
HOST(free) extern void extism_free(handle block);
HOST(length) extern uint64_t extism_length(handle block);
HOST(load_u8) extern uint32_t extism_load_u8(uint64_t at);
HOST(store_u8) extern void extism_store_u8(uint64_t at, uint32_t byte);
HOST(input_length) extern uint64_t extism_input_length(void);
HOST(input_load_u8) extern uint32_t extism_input_load_u8(uint64_t at);
HOST(output_set) extern void extism_output_set(handle block, uint64_t size);
HOST(error_set) extern void extism_error_set(handle block);
HOST(config_get) extern handle extism_config_get(handle key);
HOST(var_get) extern handle extism_var_get(handle key);
HOST(var_set) extern void extism_var_set(handle key, handle value);
HOST(log_info) extern void extism_log_info(handle text);

static inline handle extism_put(const char *text, size_t size)
{
    handle block = extism_alloc(size);
    for (size_t i = 0; i < size; i++)
        extism_store_u8(block + i, (uint8_t)text[i]);
    return block;
}

/* At most `capacity` bytes. */
static inline size_t extism_get(handle block, char *text, size_t capacity)
{
    size_t size = (size_t)extism_length(block);
    if (size > capacity)
        size = capacity;
    for (size_t i = 0; i < size; i++)
        text[i] = (char)extism_load_u8(block + i);
    return size;
}

#endif
