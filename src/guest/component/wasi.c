/* WASI 0.2, from the same functions as preview 1. What has no way to say "no" to the guest (clocks,
 * random bytes) ends the call when it is not granted. SPDX-License-Identifier: Apache-2.0 */
#include "guest/component/wasi.h"

#include <string.h>

#include "base/clock.h"
#include "guest/component/wasi_files.h"
#include "guest/sandbox.h"

static bp__host_state *state_of(void *host_data)
{
    bp__sandbox *sandbox = host_data;
    return &sandbox->host;
}

static bool enter(void *host_data, const char *function)
{
    return bp__host_enter(state_of(host_data), function);
}

static void leave(void *host_data)
{
    bp__host_leave(state_of(host_data));
}

/* ---- the process ---- */

static void arguments(void *host_data, foundation_wasi_text_fn visit, void *data)
{
    const bp__stdio *stdio = &state_of(host_data)->stdio;
    if (stdio->arg_count == 0)
        visit(data, BP__WASI_PROGRAM_NAME, strlen(BP__WASI_PROGRAM_NAME));
    for (size_t i = 0; i < stdio->arg_count; i++)
        visit(data, stdio->args[i], strlen(stdio->args[i]));
}

static void environment(void *host_data, foundation_wasi_text_fn visit, void *data)
{
    const bp__env *env = state_of(host_data)->env;
    for (uint32_t at = 0; env && at < env->size;) {
        size_t size = strlen(env->text + at);
        visit(data, env->text + at, size);
        at += (uint32_t)size + 1;
    }
}

static void exit_guest(void *host_data, int32_t code)
{
    bp__stop_exit(state_of(host_data), code);
}

static bool write_stream(void *host_data, int fd, const uint8_t *bytes, size_t size)
{
    return !size || bp__host_write(state_of(host_data), fd, (const char *)bytes, size);
}

static size_t read_stream(void *host_data, uint8_t *to, size_t size)
{
    return bp__stdio_read(&state_of(host_data)->stdio, to, size);
}

/* ---- clocks ---- */

static uint32_t number_of(foundation_wasi_clock clock)
{
    return clock == FOUNDATION_WASI_CLOCK_WALL ? BP__WASI1_CLOCK_REALTIME
                                               : BP__WASI1_CLOCK_MONOTONIC;
}

static bool has_clock(void *host_data)
{
    const bp__grants *grants = state_of(host_data)->grants;
    return !grants || bp__granted(grants, BP__CAP_CLOCK);
}

static bool clock_now(void *host_data, foundation_wasi_clock clock, uint64_t *ret_ns)
{
    return bp__host_need(state_of(host_data), BP__CAP_CLOCK) &&
           bp__wasi_clock_now(number_of(clock), ret_ns) == BP__WASI1_SUCCESS;
}

static bool clock_resolution(void *host_data, foundation_wasi_clock clock, uint64_t *ret_ns)
{
    return bp__host_need(state_of(host_data), BP__CAP_CLOCK) &&
           bp__wasi_clock_resolution(number_of(clock), ret_ns) == BP__WASI1_SUCCESS;
}

static uint64_t moment_now(void *host_data)
{
    (void)host_data;
    return bp__now_ns();
}

static bool wait_until(void *host_data, uint64_t moment)
{
    return bp__wasi_sleep(state_of(host_data), moment);
}

/* ---- randomness ---- */

static bool fill(bp__host_state *state, uint8_t *to, size_t size)
{
    uint32_t error;
    if (!bp__wasi_random(state, to, size, &error))
        return false;
    return !error || bp__stop_refuse(state, "the operating system has no random bytes yet");
}

static bool random_bytes(void *host_data, uint8_t *to, size_t size)
{
    bp__host_state *state = state_of(host_data);
    return bp__host_need(state, BP__CAP_RANDOM) && fill(state, to, size);
}

/* Nobody has to grant it: what the guest sees is made from it, and no byte of the system's. */
static bool seed(void *host_data, uint64_t ret[2])
{
    return fill(state_of(host_data), (uint8_t *)ret, 2 * sizeof *ret);
}

const foundation_wasi_host bp__component_wasi = {
    .enter = enter,
    .leave = leave,
    .arguments = arguments,
    .environment = environment,
    .exit = exit_guest,
    .write = write_stream,
    .read = read_stream,
    .has_clock = has_clock,
    .clock_now = clock_now,
    .clock_resolution = clock_resolution,
    .moment = moment_now,
    .wait = wait_until,
    .random = random_bytes,
    .seed = seed,
    .folder = bp__component_folder,
    .file_open = bp__component_file_open,
    .file_close = bp__component_file_close,
    .file_read = bp__component_file_read,
    .file_stat = bp__component_file_stat,
    .file_stat_at = bp__component_file_stat_at,
    .file_read_link = bp__component_file_read_link,
    .file_list = bp__component_file_list,
};
