/* A guest's side of WASI preview 1, for the tests of src/host/wasi1*.c: memory, log, calls by name.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_TEST_WASI1_WORLD_H
#define BP_TEST_WASI1_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/wasi1.h"

#define EBADF_ 8
#define EFAULT_ 21
#define EINVAL_ 28
#define ENOTDIR_ 54
#define ENOTSOCK_ 57
#define ENOTSUP_ 58
#define ESPIPE_ 70
#define ERRNO_LAST 76
#define STOPPED UINT32_MAX

/* A guest with a memory of its own on the heap, exactly as large as it says: an access one byte
 * past it is seen by AddressSanitizer. */
typedef struct world {
    bp__logger logger;
    bp__config config;
    bp__host_state state;
    bp__guest_memory memory;
    char log[4096];
    bp_log_level level;
    size_t records;
} world;

static inline void keep(void *data, const bp_log_record *from)
{
    world *w = data;
    size_t used = strlen(w->log);
    w->records++;
    w->level = from->level;
    if (used + from->text.size + 2 < sizeof w->log)
        snprintf(w->log + used, sizeof w->log - used, "%.*s|", (int)from->text.size,
                 (const char *)from->text.data);
}

static inline void begin(world *w)
{
    bp__host_call call = {.by = UINT64_MAX, .host_calls_max = UINT64_MAX, .log_bytes_max = 1000000};
    bp__host_state_begin(&w->state, &call);
}

static inline void set_memory(world *w, size_t size)
{
    free(w->memory.base);
    w->memory = (bp__guest_memory){size ? calloc(1, size) : NULL, size};
}

static inline int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    w->logger = (bp__logger){keep, w, BP_LOG_TRACE};
    bp__host_state_init(&w->state, &w->logger, "greet", &w->config);
    set_memory(w, 4096);
    begin(w);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    world *w = *state;
    bp__clock_fake_set(0);
    free(w->memory.base);
    free(w);
    return 0;
}

static inline const bp__wasi1_function *find(const char *name)
{
    for (size_t i = 0; i < bp__wasi1_function_count; i++)
        if (!strcmp(bp__wasi1_functions[i].name, name))
            return &bp__wasi1_functions[i];
    fail_msg("no function %s", name);
    return NULL;
}

static inline size_t arg_count(const bp__wasi1_function *function)
{
    return strcspn(function->signature, ">");
}

/* Its errno, or STOPPED when the guest is to be unwound. */
static inline uint32_t invoke(world *w, const bp__wasi1_function *function, const uint64_t *args)
{
    uint32_t error = STOPPED;
    bool returns = function->call(&w->state, w->memory, args, &error);
    assert_int_equal(returns, w->state.stop == BP__STOP_NONE);
    if (!returns)
        assert_int_equal(error, STOPPED);
    else
        assert_null(w->state.host_function);
    return error;
}

#define CALL(w, name, ...) invoke(w, find(name), (const uint64_t[BP__WASI1_ARGS_MAX]){__VA_ARGS__})

static inline uint64_t load(const world *w, size_t at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)w->memory.base[at + i] << (8 * i);
    return value;
}

static inline void store(world *w, size_t at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        w->memory.base[at + i] = (uint8_t)(value >> (8 * i));
}

static inline void store_iovec(world *w, size_t at, uint32_t buffer, uint32_t size)
{
    store(w, at, 4, buffer);
    store(w, at + 4, 4, size);
}

static inline bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
