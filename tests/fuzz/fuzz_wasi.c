/* WASI preview 1: sequences of its functions with arguments that break bounds checks, on a guest
 * memory that ends where its allocation ends. SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include "base/clock.h"
#include "fuzz.h"
#include "host/wasi1.h"

#define MEMORY_MAX 8192
#define LOG_BYTES 2000
#define HOST_CALLS 40
#define CALLS_MAX 60
#define ERRNO_LAST 76
#define NOW 1000

typedef struct world {
    fuzz_stream *from;
    bp__logger logger;
    bp__config config;
    bp__host_state state;
    bp__guest_memory memory;
    uint8_t *before; /* a copy of the memory */
    size_t logged, records;
    bp_cancel *cancel;
} world;

/* A bad byte becomes three; nothing else grows. */
static void keep(void *data, const bp_log_record *record)
{
    world *w = data;
    fuzz_check_line(record->text.data, record->text.size);
    w->logged += record->text.size;
    w->records++;
}

static void begin(world *w)
{
    uint8_t how = fuzz_byte(w->from);
    bp__host_call call = {.by = how == 1 ? BP_NOW : NOW + 1, /* so that nothing sleeps */
                          .cancel = how == 2 ? w->cancel : NULL,
                          .host_calls_max = how == 3 ? UINT64_MAX : HOST_CALLS,
                          .log_bytes_max = LOG_BYTES};
    bp__host_state_begin(&w->state, &call);
    w->logged = w->records = 0;
}

static void end(world *w)
{
    bp__host_state_end(&w->state);
    FUZZ_CHECK(w->logged <= 3 * LOG_BYTES && w->records <= LOG_BYTES + 2);
    FUZZ_CHECK(w->state.out.size == 0 && w->state.err.size == 0 && w->state.log_left == 0);
}

static void make_memory(world *w)
{
    size_t size = fuzz_below(w->from, MEMORY_MAX + 1);
    w->memory = (bp__guest_memory){size ? malloc(size) : NULL, size};
    w->before = malloc(size + 1);
    FUZZ_CHECK((w->memory.base || !size) && w->before);
    bp_bytes run = fuzz_run(w->from, size / 4);
    if (size)
        memset(w->memory.base, 0, size);
    if (run.size)
        memcpy(w->memory.base, run.data, run.size);
}

/* Small numbers, places around the memory's end, sizes that overflow, or any. */
static uint64_t argument(world *w)
{
    static const uint64_t far[] = {INT_MAX,    UINT64_C(1) << 31,       UINT32_MAX - 7,
                                   UINT32_MAX, UINT64_C(0x20000001),    UINT64_C(1) << 32,
                                   UINT64_MAX, (UINT64_C(1) << 63) - 1, UINT64_C(1) << 63};
    switch (fuzz_byte(w->from) % 6) {
    case 0:
        return fuzz_below(w->from, 4);
    case 1:
        return fuzz_byte(w->from) * UINT64_C(8);
    case 2:
        return w->memory.size - fuzz_byte(w->from);
    case 3:
        return w->memory.size + fuzz_byte(w->from);
    case 4:
        return far[fuzz_below(w->from, sizeof far / sizeof *far)];
    default:
        return fuzz_number(w->from, 8);
    }
}

/* A structure where the next function will look for it. */
static void plant(world *w)
{
    uint64_t at = fuzz_below(w->from, MEMORY_MAX);
    bp_bytes run = fuzz_run(w->from, 48);
    if (at <= w->memory.size && run.size <= w->memory.size - at && run.size)
        memcpy(w->memory.base + at, run.data, run.size);
}

static bool leaves_half_done(const bp__wasi1_function *function)
{
    return strcmp(function->name, "random_get") == 0;
}

/* What is said to be written was taken off the limit. */
static void check_written(const world *w, const uint64_t *args, uint64_t log_left)
{
    uint32_t written;
    memcpy(&written, w->memory.base + args[3], sizeof written);
    FUZZ_CHECK(log_left - w->state.log_left == written);
}

static void check_stop(const world *w)
{
    const bp__host_state *state = &w->state;
    FUZZ_CHECK(state->stop != BP__STOP_NONE);
    FUZZ_CHECK(state->stop != BP__STOP_LIMIT || (state->limit && state->message[0]));
    fuzz_check_line(state->message, strlen(state->message));
}

/* False when the guest is to be unwound. */
static bool call(world *w)
{
    const bp__wasi1_function *function =
        &bp__wasi1_functions[fuzz_below(w->from, (uint32_t)bp__wasi1_function_count)];
    uint64_t args[BP__WASI1_ARGS_MAX] = {0};
    for (size_t i = 0; function->signature[i] != '>'; i++) {
        FUZZ_CHECK(i < BP__WASI1_ARGS_MAX);
        args[i] = argument(w);
        if (function->signature[i] == 'i')
            args[i] = (uint32_t)args[i];
    }
    if (w->memory.size)
        memcpy(w->before, w->memory.base, w->memory.size);
    uint64_t calls = w->state.host_calls, log_left = w->state.log_left;
    uint32_t error = UINT32_MAX;
    bool returns = function->call(&w->state, w->memory, args, &error);
    FUZZ_CHECK(returns == (w->state.stop == BP__STOP_NONE));
    if (!returns) {
        FUZZ_CHECK(error == UINT32_MAX);
        check_stop(w);
        return false;
    }
    FUZZ_CHECK(error <= ERRNO_LAST && w->state.host_function == NULL);
    FUZZ_CHECK(w->state.host_calls == calls + 1 && calls < w->state.host_calls_max);
    if (!error && strcmp(function->name, "fd_write") == 0)
        check_written(w, args, log_left);
    else
        FUZZ_CHECK(w->state.log_left == log_left);
    /* An error means that nothing was done. */
    if (error && w->memory.size && !leaves_half_done(function))
        FUZZ_CHECK(memcmp(w->before, w->memory.base, w->memory.size) == 0);
    return true;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bp__clock_fake_set(NOW);
    FUZZ_CHECK(bp__wasi1_function_count == 46);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream from = {data, size};
    world w = {.from = &from};
    w.logger = (bp__logger){keep, &w, BP_LOG_TRACE};
    FUZZ_CHECK(bp_cancel_new(&w.cancel, NULL) == BP_OK);
    bp_cancel_trigger(w.cancel);
    bp__host_state_init(&w.state, &w.logger, "plugin", &w.config);
    make_memory(&w);
    begin(&w);
    for (unsigned i = 0; i < CALLS_MAX && from.left; i++) {
        if (fuzz_byte(&from) % 4 == 0)
            plant(&w);
        if (call(&w))
            continue;
        end(&w);
        begin(&w);
    }
    end(&w);
    free(w.memory.base);
    free(w.before);
    bp_cancel_free(w.cancel);
    return 0;
}
