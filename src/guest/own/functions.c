/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/own/functions.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "guest/access.h"
#include "guest/own/private.h"

#define FAILED (-1)
/* Asked for at once; more takes more calls, and so looks at the deadline. */
#define RANDOM_BYTES_MAX ((uint64_t)64 * 1024)

/* ---- what all of them do ---- */

bool bp__own_enter(bp__sandbox *sandbox, const char *name)
{
    bp__buffer_clear(&sandbox->failure);
    sandbox->kv_version = 0;
    sandbox->handed_count = 0;
    return bp__host_enter(&sandbox->host, name);
}

bp_bytes bp__own_take(bp__sandbox *sandbox, const bp__value *value)
{
    sandbox->handed[sandbox->handed_count++] = (uint64_t)value->i64;
    return bp__extism_get(&sandbox->memory, (uint64_t)value->i64);
}

bool bp__own_answer(bp__sandbox *sandbox, bp__value *values, int64_t number)
{
    while (sandbox->handed_count)
        bp__extism_free(&sandbox->memory, sandbox->handed[--sandbox->handed_count]);
    values[0].i64 = number; /* an i32 is its lower half */
    return bp__host_leave(&sandbox->host);
}

bool bp__own_answer_bytes(bp__sandbox *sandbox, bp__value *values, bp_bytes bytes)
{
    uint64_t handle = bp__extism_put(&sandbox->memory, bytes);
    if (bytes.size && !handle)
        return bp__own_fail(sandbox, values, "there is no room for the answer (memory_bytes)");
    return bp__own_answer(sandbox, values, (int64_t)handle);
}

bool bp__own_fail(bp__sandbox *sandbox, bp__value *values, const char *reason)
{
    bp__buffer_clear(&sandbox->failure);
    bp__buffer_append_text(&sandbox->failure, reason);
    return bp__own_answer(sandbox, values, FAILED);
}

bool bp__own_fail_with(bp__sandbox *sandbox, bp__value *values, const bp_error *error)
{
    if (bp__access_ends(sandbox, error))
        return false;
    return bp__own_fail(sandbox, values, error->message);
}

bool bp__own_may(bp__sandbox *sandbox, bp__value *values, bp__capability capability)
{
    bp_error error = BP_ERROR_INIT;
    if (bp__access_may(sandbox, capability, &error) == BP_OK)
        return true;
    (void)bp__own_fail(sandbox, values, error.message);
    return false;
}

/* ---- the small ones ---- */

#define FUNCTION(name) static bool name(void *env, void *host_data, bp__value *values)

FUNCTION(error_text)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__host_enter(&sandbox->host, env))
        return false;
    values[0].i64 = (int64_t)bp__extism_put(&sandbox->memory, bp__buffer_bytes(&sandbox->failure));
    return bp__host_leave(&sandbox->host);
}

FUNCTION(random_bytes)
{
    bp__sandbox *sandbox = host_data;
    uint64_t size = (uint64_t)values[0].i64;
    if (!bp__own_enter(sandbox, env))
        return false;
    if (!bp__own_may(sandbox, values, BP__CAP_RANDOM))
        return true;
    if (size > RANDOM_BYTES_MAX)
        return bp__own_fail(sandbox, values, "random: at most 64 KiB at once");
    uint64_t handle = bp__extism_alloc(&sandbox->memory, size);
    if (size && !handle)
        return bp__own_fail(sandbox, values, "random: there is no room for them (memory_bytes)");
    for (uint64_t done = 0; done < size;) {
        ssize_t got = getrandom(sandbox->memory.data + handle + done, size - done, GRND_NONBLOCK);
        if (got < 0 && errno != EINTR) {
            bp__extism_free(&sandbox->memory, handle);
            return bp__own_fail(sandbox, values, "random: the kernel has none yet");
        }
        done += got > 0 ? (uint64_t)got : 0;
    }
    return bp__own_answer(sandbox, values, (int64_t)handle);
}

FUNCTION(clock_ns)
{
    bp__sandbox *sandbox = host_data;
    int32_t which = values[0].i32;
    if (!bp__own_enter(sandbox, env))
        return false;
    if (!bp__own_may(sandbox, values, BP__CAP_CLOCK))
        return true;
    if (which != 0 && which != 1)
        return bp__own_fail(sandbox, values, "clock_ns: 0 is the wall clock, 1 the monotonic one");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t wall = (uint64_t)now.tv_sec * BP_NS_PER_S + (uint64_t)now.tv_nsec;
    return bp__own_answer(sandbox, values, (int64_t)(which == 0 ? wall : bp__now_ns()));
}

/* What is left for the call, so that a guest can stop in time; needs nothing granted, being about
 * the call alone. */
FUNCTION(remaining_ms)
{
    bp__sandbox *sandbox = host_data;
    if (!bp__own_enter(sandbox, env))
        return false;
    uint64_t left = bp__access_remaining_ms(sandbox);
    return bp__own_answer(sandbox, values, left > INT64_MAX ? INT64_MAX : (int64_t)left);
}

const bp__host_function bp__own_functions[] = {
    {"error_text", ">I", error_text},
    {"kv_get", "I>I", bp__own_kv_get},
    {"kv_version", ">I", bp__own_kv_version},
    {"kv_set", "III>I", bp__own_kv_set},
    {"kv_set_if_absent", "III>I", bp__own_kv_set_if_absent},
    {"kv_set_if_version", "IIII>I", bp__own_kv_set_if_version},
    {"kv_delete", "I>i", bp__own_kv_delete},
    {"kv_exists", "I>i", bp__own_kv_exists},
    {"kv_list", "IIi>I", bp__own_kv_list},
    {"kv_count", "I>I", bp__own_kv_count},
    {"random", "I>I", random_bytes},
    {"clock_ns", "i>I", clock_ns},
    {"metric_add", "IId>i", bp__own_metric_add},
    {"metric_set", "IId>i", bp__own_metric_set},
    {"metric_observe", "IId>i", bp__own_metric_observe},
    {"pool_metric", "I>d", bp__own_pool_metric},
    {"remaining_ms", ">I", remaining_ms},
};
const size_t bp__own_function_count = sizeof bp__own_functions / sizeof *bp__own_functions;
