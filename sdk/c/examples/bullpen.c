/* Every function of bullpen_plugin.h that Bullpen alone has, an export for each. Each answers what
 * the function did, or ends with the reason that bp_error_text() gives. SPDX-License-Identifier:
 * Apache-2.0 */
#include "bullpen_plugin.h"

/* The input, of which a call uses at most this much. */
static char input[1024];

static bp_bytes read_input(void)
{
    return bp_bytes_of(input, bp_input_read(0, input, sizeof input));
}

/* The input's parts before and behind the first "=". */
static bp_bytes read_pair(bp_bytes *ret_value)
{
    bp_bytes all = read_input();
    size_t size = 0;
    while (size < all.size && input[size] != '=')
        size++;
    size_t value = size < all.size ? size + 1 : size;
    *ret_value = bp_bytes_of(input + value, all.size - value);
    return bp_bytes_of(input, size);
}

static int32_t fail_with_reason(void)
{
    char text[512];
    size_t size = bp_block_take(bp_error_text(), text, sizeof text);
    return bp_fail(size ? bp_bytes_of(text, size < sizeof text ? size : sizeof text)
                        : BP_TEXT("no room for the arguments"));
}

static int32_t answer_number(int64_t number)
{
    char digits[BP_DECIMAL_SIZE];
    return number < 0 ? fail_with_reason() : bp_output(bp_decimal((uint64_t)number, digits));
}

static int32_t answer_block(bp_block block)
{
    if (block == BP_FAILED)
        return fail_with_reason();
    bp_output_block(block);
    return 0;
}

/* The value of a key; "(empty)" and "(none)" where there are no bytes. */
BP_PLUGIN_EXPORT(kv_get)
{
    bp_block value = bp_kv_get(read_input());
    if (value == BP_NONE)
        return bp_output(bp_kv_version() ? BP_TEXT("(empty)") : BP_TEXT("(none)"));
    return answer_block(value);
}

/* The version of a key's value; 0 when there is none. */
BP_PLUGIN_EXPORT(kv_version)
{
    bp_block value = bp_kv_get(read_input());
    if (value == BP_FAILED)
        return fail_with_reason();
    bp_block_free(value);
    return answer_number(bp_kv_version());
}

/* "key=value". Answers the new version. */
BP_PLUGIN_EXPORT(kv_set)
{
    bp_bytes value, key = read_pair(&value);
    return answer_number(bp_kv_set(key, value, 0));
}

/* "key=value", for a minute. */
BP_PLUGIN_EXPORT(kv_set_for_a_minute)
{
    bp_bytes value, key = read_pair(&value);
    return answer_number(bp_kv_set(key, value, 60000));
}

BP_PLUGIN_EXPORT(kv_set_if_absent)
{
    bp_bytes value, key = read_pair(&value);
    return answer_number(bp_kv_set_if_absent(key, value, 0));
}

/* "key=value": sets it twice, the second time by the version that the first one made and has made
 * old. */
BP_PLUGIN_EXPORT(kv_set_if_version)
{
    bp_bytes value, key = read_pair(&value);
    int64_t first = bp_kv_set(key, value, 0);
    int64_t second = first < 0 ? -1 : bp_kv_set_if_version(key, value, 0, first);
    if (second <= 0)
        return second ? fail_with_reason() : bp_fail(BP_TEXT("the version was not the last one"));
    return answer_number(bp_kv_set_if_version(key, value, 0, first));
}

BP_PLUGIN_EXPORT(kv_delete)
{
    return answer_number(bp_kv_delete(read_input()));
}

BP_PLUGIN_EXPORT(kv_exists)
{
    return answer_number(bp_kv_exists(read_input()));
}

/* "prefix=after": a page of two keys. */
BP_PLUGIN_EXPORT(kv_list)
{
    bp_bytes after, prefix = read_pair(&after);
    return answer_block(bp_kv_list(prefix, after, 2));
}

BP_PLUGIN_EXPORT(kv_count)
{
    return answer_number(bp_kv_count(read_input()));
}

/* 32 random bytes. */
BP_PLUGIN_EXPORT(random)
{
    unsigned char bytes[32];
    return bp_random(bytes, sizeof bytes) ? bp_output(bp_bytes_of(bytes, sizeof bytes))
                                          : fail_with_reason();
}

BP_PLUGIN_EXPORT(wall_clock)
{
    return answer_number(bp_clock_ns(BP_CLOCK_WALL));
}

BP_PLUGIN_EXPORT(monotonic_clock)
{
    return answer_number(bp_clock_ns(BP_CLOCK_MONOTONIC));
}

/* Metrics by the name that the input gives. */
BP_PLUGIN_EXPORT(metric_add)
{
    return answer_number(bp_metric_add(read_input(), BP_TEXT("{\"colour\":\"red\"}"), 2));
}

BP_PLUGIN_EXPORT(metric_set)
{
    return answer_number(bp_metric_set(read_input(), bp_nothing(), 0.5));
}

BP_PLUGIN_EXPORT(metric_observe)
{
    return answer_number(bp_metric_observe(read_input(), bp_nothing(), 0.25));
}

BP_PLUGIN_EXPORT(pool_metric)
{
    double figure = bp_pool_metric(read_input());
    return figure != figure ? fail_with_reason() : answer_number((int64_t)figure);
}

BP_PLUGIN_EXPORT(remaining_ms)
{
    return answer_number(bp_remaining_ms());
}
