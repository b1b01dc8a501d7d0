/* Components as they run. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "engine/instance_private.h"
#include "engine/linked.h"

/* What one crossing from a component to the host may copy, however much memory it has: lists of
 * lists can name the same bytes over and over. */
#define COPIES_BYTES_MAX ((uint64_t)128 << 20)

/* What values that are no bytes may take on the host's side, as arguments and as results: many
 * times what their text does. */
#define VALUES_BYTES_MAX ((uint64_t)16 << 20)

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t copies_bytes(const bp__instance *instance)
{
    return at_most(instance->limits.memory_bytes, COPIES_BYTES_MAX);
}

void bp__component_limit_copies(bp__instance *instance)
{
    foundation_component_lift_limit_set(instance->context, copies_bytes(instance));
}

wasmtime_error_t *bp__component_instantiate(bp__instance *instance,
                                            const foundation_component_linked *linked)
{
    bp__component_limit_copies(instance);
    return foundation_component_instantiate(instance->context, linked, &instance->component);
}

/* What a checkpoint may take. Most take some pages; one that takes as much as this is slower to
 * come back to than another instance is to make. */
#define CHECKPOINT_BYTES_MAX ((uint64_t)16 << 20)

void bp__instance_checkpoint(bp__instance *instance)
{
    if (instance->linked->core)
        return;
    wasmtime_error_t *error = foundation_component_checkpoint(
        instance->context, &instance->component, CHECKPOINT_BYTES_MAX, &instance->has_checkpoint);
    if (!error)
        return;
    instance->has_checkpoint = false; /* no memory for it: so it is made anew each time */
    wasmtime_error_delete(error);
}

wasmtime_error_t *bp__component_reset(bp__instance *instance, bool *ret_done)
{
    foundation_guest_clear(&instance->guest);
    return foundation_component_reset(instance->context, &instance->component, instance->limiter,
                                      ret_done);
}

static foundation_component_shape foundation_shape(bp__wit_shape shape)
{
    static const foundation_component_shape shapes[] = {
        [BP__WIT_ANY] = FOUNDATION_SHAPE_ANY,         [BP__WIT_BYTES] = FOUNDATION_SHAPE_BYTES,
        [BP__WIT_INIT] = FOUNDATION_SHAPE_INIT,       [BP__WIT_RUN] = FOUNDATION_SHAPE_RUN,
        [BP__WIT_NOTHING] = FOUNDATION_SHAPE_NOTHING,
    };
    return shapes[shape];
}

bool bp__instance_wit_func(bp__instance *instance, const char *path, bp__wit_shape shape,
                           bp__func *ret)
{
    return foundation_component_get_func(instance->context, &instance->component, path,
                                         strlen(path), foundation_shape(shape),
                                         (foundation_component_func *)(void *)ret);
}

void bp__reply_done(bp__reply *reply)
{
    foundation_bytes bytes = {(uint8_t *)(uintptr_t)reply->bytes.data, reply->bytes.size,
                              reply->private_};
    foundation_bytes_free(&bytes);
    *reply = (bp__reply){0};
}

static bp__reply make_reply(foundation_bytes bytes, bool ok)
{
    return (bp__reply){{bytes.data, bytes.size}, !ok, bytes.capacity};
}

bp__ended bp__instance_wit_call(bp__instance *instance, const bp__func *function,
                                bp__wit_shape shape, bp_bytes input, bp__until until,
                                bp__reply *ret)
{
    foundation_bytes bytes = {0};
    bool ok = true;
    bp__run_begin(instance, until);
    wasmtime_error_t *error = foundation_component_call(
        instance->context, (const foundation_component_func *)(const void *)function,
        foundation_shape(shape), input.data, input.size, &bytes, &ok);
    bp__run_end(instance);
    if (error)
        return bp__run_conclude(instance, error, NULL);
    *ret = make_reply(bytes, ok);
    return BP__ENDED_RETURNED;
}

bp__ended bp__instance_json_call(bp__instance *instance, const bp__func *function,
                                 bp_bytes arguments, uint64_t result_bytes_max, bp__until until,
                                 bp__reply *ret)
{
    const foundation_json_limits limits = {
        .arguments_memory_bytes = VALUES_BYTES_MAX,
        .result_memory_bytes = at_most(copies_bytes(instance), VALUES_BYTES_MAX),
        .result_text_bytes = result_bytes_max,
    };
    foundation_json_result result;
    bp__run_begin(instance, until);
    wasmtime_error_t *error = foundation_component_call_json(
        instance->context, (const foundation_component_func *)(const void *)function,
        arguments.data, arguments.size, &limits, &result);
    bp__run_end(instance);
    if (result.kind == FOUNDATION_JSON_FAILED)
        return bp__run_conclude(instance, error, NULL);
    if (result.kind == FOUNDATION_JSON_FINISHED) {
        *ret = make_reply(result.text, result.is_ok);
        return BP__ENDED_RETURNED;
    }
    bp__trap_report *report = &instance->report;
    snprintf(report->message, sizeof report->message, "%s", result.message);
    bp__buffer_clear(&report->backtrace);
    report->core_dump[0] = '\0';
    report->trap_code = -1;
    return result.kind == FOUNDATION_JSON_REFUSED ? BP__ENDED_REFUSED : BP__ENDED_TOO_LARGE;
}
