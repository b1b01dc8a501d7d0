/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/text.h"

typedef struct capture {
    int records;
    bp_log_level level;
    char source[32], plugin[32], text[2048];
    uint64_t call_id;
    size_t size;
    bool has_plugin;
} capture;

static void keep(void *data, const bp_log_record *record)
{
    capture *to = data;
    to->records++;
    to->level = record->level;
    to->call_id = record->call_id;
    strcpy(to->source, record->source);
    to->has_plugin = record->plugin != NULL;
    if (record->plugin)
        strcpy(to->plugin, record->plugin);
    assert_true(record->text.size < sizeof to->text);
    assert_true(bp__utf8_valid(record->text.data, record->text.size));
    to->size = record->text.size;
    if (to->size)
        memcpy(to->text, record->text.data, to->size);
    to->text[to->size] = '\0';
}

static void levels_have_names(void **unused)
{
    (void)unused;
    assert_string_equal(bp_log_level_name(BP_LOG_TRACE), "trace");
    assert_string_equal(bp_log_level_name(BP_LOG_ERROR), "error");
    assert_string_equal(bp_log_level_name(BP_LOG_OFF), "off");
    assert_string_equal(bp_log_level_name((bp_log_level)77), "?");
}

static void records_carry_what_was_said(void **unused)
{
    (void)unused;
    capture seen = {0};
    bp__logger logger = {keep, &seen, BP_LOG_INFO};
    bp__log(&logger, BP_LOG_WARN, "pool", "x", "%d of %s\n", 3, "four");
    assert_int_equal(seen.records, 1);
    assert_int_equal(seen.level, BP_LOG_WARN);
    assert_string_equal(seen.source, "pool");
    assert_string_equal(seen.plugin, "x");
    assert_string_equal(seen.text, "3 of four ");
    bp__log(&logger, BP_LOG_INFO, "pool", NULL, "no plugin");
    assert_false(seen.has_plugin);
}

static void low_levels_and_no_callback_are_silent(void **unused)
{
    (void)unused;
    capture seen = {0};
    bp__logger logger = {keep, &seen, BP_LOG_WARN}, off = {keep, &seen, BP_LOG_OFF}, none = {0};
    bp__log(&logger, BP_LOG_INFO, "a", NULL, "x");
    bp__log_guest(&logger, BP_LOG_INFO, NULL, 1, "x", 1);
    bp__log(&off, BP_LOG_ERROR, "a", NULL, "x");
    bp__log(&none, BP_LOG_ERROR, "a", NULL, "x");
    bp__log_guest(&none, BP_LOG_ERROR, NULL, 1, "x", 1);
    assert_int_equal(seen.records, 0);
    assert_true(bp__log_wants(&logger, BP_LOG_WARN));
    assert_false(bp__log_wants(&none, BP_LOG_ERROR));
}

static void long_lines_are_cut(void **unused)
{
    (void)unused;
    capture seen = {0};
    bp__logger logger = {keep, &seen, BP_LOG_TRACE};
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    bp__log(&logger, BP_LOG_INFO, "a", NULL, "%s", text);
    assert_int_equal(seen.records, 1);
    assert_true(seen.size > 1000 && seen.size < 2000);
}

static void guests_text_is_made_valid(void **unused)
{
    (void)unused;
    capture seen = {0};
    bp__logger logger = {keep, &seen, BP_LOG_TRACE};
    bp__log_guest(&logger, BP_LOG_INFO, "p", 42, "caf\xC3\xA9", 5);
    assert_string_equal(seen.text, "caf\xC3\xA9");
    assert_string_equal(seen.source, "guest");
    assert_int_equal(seen.call_id, 42);
    bp__log_guest(&logger, BP_LOG_INFO, "p", 42, "caf\xE9!", 5);
    assert_string_equal(seen.text, "caf\xEF\xBF\xBD!");
    bp__log_guest(&logger, BP_LOG_INFO, "p", 42, "", 0);
    assert_int_equal(seen.size, 0);
    assert_int_equal(seen.records, 3);
}

static void without_memory_bad_text_is_shorter_and_still_valid(void **unused)
{
    (void)unused;
    capture seen = {0};
    bp__logger logger = {keep, &seen, BP_LOG_TRACE};
    bp__alloc_fail_at(1);
    bp__log_guest(&logger, BP_LOG_INFO, "p", 1, "a\xFF", 2);
    bp__alloc_fail_at(0);
    assert_int_equal(seen.records, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(records_carry_what_was_said),
        cmocka_unit_test(low_levels_and_no_callback_are_silent),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(guests_text_is_made_valid),
        cmocka_unit_test(without_memory_bad_text_is_shorter_and_still_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
