/* Bad handles and offsets to every one of Extism's host functions.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "guest/extism/functions.h"
#include "support/attack.h"
#include "support/signals.h"

/* As tests/guests/abi.wat counts them. */
enum { LITERAL, BLOCK, FREED, FORGED, INPUT, VICTIM, TWIN, USED };

typedef struct operand {
    const char *what;
    uint64_t kind, value;
} operand;

/* None of these is a block. */
static const operand no_block[] = {
    {"0", LITERAL, 0},
    {"1", LITERAL, 1},
    {"7", LITERAL, 7},
    {"8", LITERAL, 8},
    {"-1", LITERAL, UINT64_MAX},
    {"-8", LITERAL, UINT64_MAX - 7},
    {"2^31", LITERAL, UINT64_C(1) << 31},
    {"2^32", LITERAL, UINT64_C(1) << 32},
    {"2^63", LITERAL, UINT64_C(1) << 63},
    {"2^63 - 1", LITERAL, INT64_MAX},
    {"inside a block", BLOCK, 1},
    {"a block's end", BLOCK, 8},
    {"a block's header", BLOCK, UINT64_MAX - 7},
    {"a freed block", FREED, 0},
    {"inside a freed block", FREED, 8},
    {"a block by a forged header", FORGED, 0},
    {"a block whose header was overwritten", VICTIM, 0},
    {"a block with another's header", TWIN, 0},
    {"inside the input", INPUT, 1},
    {"the end of what is used", USED, 0},
    {"beyond what is used", USED, 1},
    {"far beyond what is used", USED, UINT64_C(1) << 40},
};

/* None of these can be read at, not even one byte. */
static const operand no_place[] = {
    {"0", LITERAL, 0},
    {"7", LITERAL, 7},
    {"-1", LITERAL, UINT64_MAX},
    {"-8", LITERAL, UINT64_MAX - 7},
    {"2^31", LITERAL, UINT64_C(1) << 31},
    {"2^32", LITERAL, UINT64_C(1) << 32},
    {"2^63", LITERAL, UINT64_C(1) << 63},
    {"the end of what is used", USED, 0},
    {"far beyond what is used", USED, UINT64_C(1) << 40},
};

/* What only 8 bytes do not fit into. */
static const operand no_word[] = {
    {"one byte before the end", USED, UINT64_MAX},
    {"seven bytes before the end", USED, UINT64_MAX - 6},
};

#define PATTERN UINT64_C(0x1122334455667788)

typedef struct abi_answer {
    bp_outcome outcome;
    uint64_t result, block;
} abi_answer;

/* Where a message would only name the outcome, say which function and which operand. */
static void expect(bool ok, const char *function, const operand *a, const char *what,
                   uint64_t value)
{
    if (!ok)
        fail_msg("%s of %s: %s (%llu)", function, a->what, what, (unsigned long long)value);
}

static abi_answer call_abi(bp_plugin *plugin, const char *function, const operand *a,
                           const operand *b)
{
    uint64_t input[] = {a->kind, a->value, b->kind, b->value};
    bp_call_result result = call_ran(plugin, function, (bp_bytes){input, sizeof input});
    abi_answer answer = {.outcome = (bp_outcome)result.outcome};
    if (result.output.size == 16) {
        memcpy(&answer.result, result.output.data, 8);
        memcpy(&answer.block, (const char *)result.output.data + 8, 8);
    }
    bp_call_result_done(&result);
    return answer;
}

/* The call goes on, gets 0, and nobody's block has changed. */
static void expect_nothing(bp_plugin *plugin, const char *function, const operand *a,
                           const operand *b)
{
    abi_answer answer = call_abi(plugin, function, a, b);
    expect(answer.outcome == BP_OUTCOME_FINISHED, function, a, "outcome", answer.outcome);
    expect(answer.result == 0, function, a, "result", answer.result);
    expect(answer.block == PATTERN, function, a, "block", answer.block);
}

static const operand zero = {"0", LITERAL, 0};
static const operand block = {"a block", BLOCK, 0};

static void handles_that_are_none_are_answered_with_nothing(void **state)
{
    (void)state;
    static const char *const functions[] = {
        "free",    "length",    "length_unsafe", "config_get", "var_get",   "error_set",
        "log_trace", "log_debug", "log_info",      "log_warn",   "log_error",
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "abi.wat", NULL);
    for (size_t i = 0; i < COUNT(functions); i++)
        for (size_t j = 0; j < COUNT(no_block); j++)
            expect_nothing(plugin, functions[i], &no_block[j], &zero);
    assert_int_equal(self.journal.guest_bytes, 0);
    host_unload(&self, plugin);
    host_close(&self);
}

static void variables_are_not_set_by_handles_that_are_none(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "abi.wat", NULL);
    for (size_t i = 0; i < COUNT(no_block); i++) {
        expect_nothing(plugin, "var_set", &no_block[i], &zero);
        expect_nothing(plugin, "var_set", &no_block[i], &no_block[i]);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* Reads are 0 and writes go nowhere: the guest reads back what it wrote. */
static void places_that_are_none_are_answered_with_nothing(void **state)
{
    (void)state;
    static const char *const functions[] = {"load_u8",       "load_u64",       "store_u8",
                                            "store_u64",     "input_load_u8",  "input_load_u64"};
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "abi.wat", NULL);
    for (size_t i = 0; i < COUNT(functions); i++) {
        bool of_input = strncmp(functions[i], "input", 5) == 0;
        for (size_t j = 0; j < COUNT(no_place); j++)
            if (!of_input || no_place[j].kind != LITERAL || no_place[j].value > 32)
                expect_nothing(plugin, functions[i], &no_place[j], &zero);
    }
    for (size_t j = 0; j < COUNT(no_word); j++) {
        expect_nothing(plugin, "load_u64", &no_word[j], &zero);
        expect_nothing(plugin, "store_u64", &no_word[j], &zero);
    }
    /* the input has 32 bytes */
    static const operand ends[] = {{"25", LITERAL, 25}, {"32", LITERAL, 32}, {"33", LITERAL, 33}};
    for (size_t j = 0; j < COUNT(ends); j++)
        expect_nothing(plugin, "input_load_u64", &ends[j], &zero);
    expect_nothing(plugin, "input_load_u8", &ends[1], &zero);
    host_unload(&self, plugin);
    host_close(&self);
}

static void ranges_that_are_none_are_ignored(void **state)
{
    (void)state;
    static const operand sizes[] = {
        {"-1", LITERAL, UINT64_MAX},          {"2^31", LITERAL, UINT64_C(1) << 31},
        {"2^32", LITERAL, UINT64_C(1) << 32}, {"2^63", LITERAL, UINT64_C(1) << 63},
        {"what is used", USED, 0},
    };
    static const char *const functions[] = {"output_set", "input_set"};
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "abi.wat", NULL);
    for (size_t i = 0; i < COUNT(functions); i++) {
        for (size_t j = 0; j < COUNT(no_place); j++)
            expect_nothing(plugin, functions[i], &no_place[j],
                           &(operand){"1", LITERAL, 1});
        for (size_t j = 0; j < COUNT(sizes); j++)
            expect_nothing(plugin, functions[i], &block, &sizes[j]);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

static void sizes_that_no_memory_has_are_no_block(void **state)
{
    (void)state;
    static const operand sizes[] = {
        {"0", LITERAL, 0},
        {"-1", LITERAL, UINT64_MAX},
        {"-8", LITERAL, UINT64_MAX - 7},
        {"-16", LITERAL, UINT64_MAX - 15},
        {"2^31", LITERAL, UINT64_C(1) << 31},
        {"2^32 - 1", LITERAL, UINT32_MAX},
        {"2^32", LITERAL, UINT64_C(1) << 32},
        {"2^63", LITERAL, UINT64_C(1) << 63},
    };
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "abi.wat", NULL);
    for (size_t i = 0; i < COUNT(sizes); i++)
        expect_nothing(plugin, "alloc", &sizes[i], &zero);
    host_unload(&self, plugin);
    host_close(&self);
}

/* The same functions with a block that is one, so that the tests above can fail. */
static void true_handles_work(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "abi.wat", NULL);
    assert_int_equal(call_abi(plugin, "length", &block, &zero).result, 8);
    assert_int_equal(call_abi(plugin, "length_unsafe", &block, &zero).result, 8);
    assert_true(call_abi(plugin, "load_u64", &block, &zero).result == PATTERN);
    assert_int_equal(call_abi(plugin, "load_u8", &block, &zero).result, 0x88);
    assert_true(call_abi(plugin, "store_u64", &block, &zero).block == UINT64_MAX);
    assert_int_equal(call_abi(plugin, "input_length", &zero, &zero).result, 32);
    assert_int_equal(call_abi(plugin, "length", &(operand){"", INPUT, 0}, &zero).result, 32);
    assert_int_equal(call_abi(plugin, "output_set", &block, &(operand){"5", LITERAL, 5}).result, 5);
    assert_int_equal(call_abi(plugin, "error_set", &block, &zero).outcome, BP_OUTCOME_GUEST_ERROR);
    assert_int_equal(call_abi(plugin, "log_info", &block, &zero).outcome, BP_OUTCOME_FINISHED);
    assert_int_equal(self.journal.guest_bytes > 0, true);
    assert_true(call_abi(plugin, "free", &block, &zero).block == PATTERN);
    assert_true(call_abi(plugin, "alloc", &(operand){"", LITERAL, 8}, &zero).result > 0);
    host_unload(&self, plugin);
    host_close(&self);
}

static void functions_without_handles_answer(void **state)
{
    (void)state;
    static const char *const functions[] = {"error_get", "http_status_code", "http_headers",
                                            "output_offset", "output_length", "get_log_level"};
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "abi.wat", NULL);
    for (size_t i = 0; i < COUNT(functions); i++)
        expect_nothing(plugin, functions[i], &zero, &zero);
    abi_answer answer = call_abi(plugin, "reset", &zero, &zero);
    assert_int_equal(answer.outcome, BP_OUTCOME_FINISHED);
    assert_int_equal(answer.result, 0);
    assert_true(call_abi(plugin, "memory_bytes", &zero, &zero).result > 0);
    assert_true(call_abi(plugin, "input_offset", &zero, &zero).result >= 16);
    host_unload(&self, plugin);
    host_close(&self);
}

static void http_is_refused_by_name_whatever_the_handles(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "abi.wat", NULL);
    for (size_t i = 0; i < COUNT(no_block); i++) {
        uint64_t input[] = {no_block[i].kind, no_block[i].value, no_block[i].kind,
                            no_block[i].value};
        bp_call_result result = call_ran(plugin, "http_request", (bp_bytes){input, sizeof input});
        assert_outcome(BP_OUTCOME_TRAPPED, &result);
        assert_contains(result.message, "http is not granted", "message");
        bp_call_result_done(&result);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

/* A function that is added must be added here. */
static void the_guest_calls_every_function_that_there_is(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *plugin = host_load(&self, "abi.wat", NULL);
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
    for (size_t i = 0; i < bp__extism_function_count; i++) {
        bool found = false;
        for (size_t j = 0; j < info.export_count; j++)
            found |= strcmp(info.exports[j], bp__extism_functions[i].name) == 0;
        if (!found)
            fail_msg("abi.wat does not call '%s'", bp__extism_functions[i].name);
    }
    host_unload(&self, plugin);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_that_are_none_are_answered_with_nothing),
        cmocka_unit_test(variables_are_not_set_by_handles_that_are_none),
        cmocka_unit_test(places_that_are_none_are_answered_with_nothing),
        cmocka_unit_test(ranges_that_are_none_are_ignored),
        cmocka_unit_test(sizes_that_no_memory_has_are_no_block),
        cmocka_unit_test(true_handles_work),
        cmocka_unit_test(functions_without_handles_answer),
        cmocka_unit_test(http_is_refused_by_name_whatever_the_handles),
        cmocka_unit_test(the_guest_calls_every_function_that_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
