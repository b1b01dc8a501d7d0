/* Every function of bullpen_plugin.h that all hosts of Extism plugins have, an export for each or
 * for those that belong together. SPDX-License-Identifier: Apache-2.0 */
#include "bullpen_plugin.h"

/* The input once more, however large it is, by way of a small piece of memory. */
BP_PLUGIN_EXPORT(echo)
{
    unsigned char piece[100];
    bp_block block = bp_block_alloc(bp_input_size());
    for (size_t offset = 0; offset < bp_input_size();) {
        size_t size = bp_input_read(offset, piece, sizeof piece);
        if (!bp_block_write(block, offset, bp_bytes_of(piece, size)))
            return bp_fail(BP_TEXT("no room for the answer"));
        offset += size;
    }
    bp_output_block(block);
    return 0;
}

BP_PLUGIN_EXPORT(hello)
{
    return bp_output(bp_text("hello"));
}

BP_PLUGIN_EXPORT(size)
{
    char digits[BP_DECIMAL_SIZE];
    return bp_output(bp_decimal(bp_input_size(), digits));
}

BP_PLUGIN_EXPORT(refuse)
{
    return bp_fail(BP_TEXT("refused as asked"));
}

/* The value of "greeting", cut to eight bytes. */
BP_PLUGIN_EXPORT(configured)
{
    char value[8];
    bp_block block = bp_config_get(BP_TEXT("greeting"));
    if (block == BP_NONE)
        return bp_output(BP_TEXT("(none)"));
    size_t size = bp_block_take(block, value, sizeof value);
    return bp_output(bp_bytes_of(value, size < sizeof value ? size : sizeof value));
}

/* Sets a variable to the input and answers what it reads of it. */
BP_PLUGIN_EXPORT(remember)
{
    char value[64];
    size_t size = bp_input_read(0, value, sizeof value);
    if (!bp_var_set(BP_TEXT("kept"), bp_bytes_of(value, size)))
        return bp_fail(BP_TEXT("no room"));
    bp_output_block(bp_var_get(BP_TEXT("kept")));
    return 0;
}

BP_PLUGIN_EXPORT(forget)
{
    bool set = bp_var_set(BP_TEXT("kept"), BP_TEXT("something"));
    bool deleted = bp_var_delete(BP_TEXT("kept"));
    bool gone = bp_var_get(BP_TEXT("kept")) == BP_NONE;
    return bp_output(set && deleted && gone ? BP_TEXT("gone") : BP_TEXT("still there"));
}

BP_PLUGIN_EXPORT(log_everything)
{
    bp_log_trace(BP_TEXT("a trace"));
    bp_log_debug(BP_TEXT("a detail"));
    bp_log_info(BP_TEXT("a fact"));
    bp_log_warn(BP_TEXT("a warning"));
    bp_log_error(BP_TEXT("an error"));
    return bp_output(bp_log_level() <= BP_LEVEL_INFO ? BP_TEXT("kept") : BP_TEXT("dropped"));
}

/* Ends the call with the condition's own text when it does not hold. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return bp_fail(BP_TEXT(#condition));                                                   \
    } while (0)

/* What blocks do at their ends. */
BP_PLUGIN_EXPORT(blocks)
{
    char read[16] = {0};
    bp_block block = bp_block_new(BP_TEXT("0123456789"));
    EXPECT(bp_block_size(block) == 10);
    EXPECT(bp_block_read(block, 0, read, sizeof read) == 10 && read[9] == '9' && read[10] == 0);
    EXPECT(bp_block_read(block, 8, read, sizeof read) == 2 && read[0] == '8');
    EXPECT(bp_block_read(block, 10, read, sizeof read) == 0);
    EXPECT(bp_block_read(block, SIZE_MAX, read, sizeof read) == 0);
    EXPECT(bp_block_write(block, 9, BP_TEXT("x")));
    EXPECT(!bp_block_write(block, 9, BP_TEXT("xy")));
    EXPECT(!bp_block_write(block, SIZE_MAX, BP_TEXT("xy")));
    EXPECT(bp_block_take(block, read, 4) == 10 && read[3] == '3' && read[9] == '9');
    EXPECT(bp_block_size(block) == 0);
    bp_block_free(BP_NONE);
    bp_block_free(BP_FAILED);
    EXPECT(bp_block_new(bp_nothing()) == BP_NONE);
    EXPECT(bp_block_size(BP_FAILED) == 0 && bp_block_take(BP_FAILED, read, sizeof read) == 0);
    return bp_output(BP_TEXT("fine"));
}

/* The largest and the smallest number. */
BP_PLUGIN_EXPORT(numbers)
{
    char digits[BP_DECIMAL_SIZE];
    EXPECT(bp_decimal(0, digits).size == 1 && digits[BP_DECIMAL_SIZE - 1] == '0');
    return bp_output(bp_decimal(UINT64_MAX, digits));
}

/* There is never room for this much: an answer, and not half an answer. */
BP_PLUGIN_EXPORT(too_much)
{
    bp_bytes all = bp_bytes_of("", (size_t)3 << 30);
    EXPECT(bp_block_alloc((size_t)3 << 30) == BP_NONE);
    EXPECT(!bp_var_set(BP_TEXT("kept"), all) && bp_var_get(BP_TEXT("kept")) == BP_NONE);
    EXPECT(bp_config_get(all) == BP_FAILED);
    EXPECT(bp_http_request(all, bp_nothing()) == BP_FAILED);
    return bp_output(all);
}

/* Fetches what the input, a request in JSON, names; answers status, headers and the first bytes of
 * the body. */
BP_PLUGIN_EXPORT(fetch)
{
    static char text[4096];
    char digits[BP_DECIMAL_SIZE];
    size_t size = bp_input_read(0, text, sizeof text);
    bp_block body = bp_http_request(bp_bytes_of(text, size), bp_nothing());
    bp_bytes status = bp_decimal((uint64_t)bp_http_status(), digits);
    __builtin_memcpy(text, status.data, status.size);
    size = status.size;
    text[size++] = ' ';
    size_t room = sizeof text / 2, headers = bp_block_take(bp_http_headers(), text + size, room);
    size += headers < room ? headers : room;
    text[size++] = '\n';
    room = sizeof text - size;
    size_t content = bp_block_take(body, text + size, room);
    return bp_output(bp_bytes_of(text, size + (content < room ? content : room)));
}
