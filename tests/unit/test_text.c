/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/text.h"

static bool valid(const char *text)
{
    return bp__utf8_valid(text, strlen(text));
}

static void valid_utf8_is_accepted(void **unused)
{
    (void)unused;
    assert_true(valid(""));
    assert_true(valid("plain"));
    assert_true(valid("\xC2\x80 \xDF\xBF"));
    assert_true(valid("\xE0\xA0\x80 \xED\x9F\xBF \xEF\xBF\xBF"));
    assert_true(valid("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"));
    assert_true(bp__utf8_valid("a\0b", 3));
    assert_true(bp__utf8_valid(NULL, 0));
}

static void bad_utf8_is_refused(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "\x80",             /* continuation alone */
        "\xC0\xAF",         /* overlong */
        "\xC1\xBF",         /* overlong */
        "\xE0\x9F\xBF",     /* overlong */
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xED\xA0\x80",     /* surrogate */
        "\xF4\x90\x80\x80", /* past U+10FFFF */
        "\xF5\x80\x80\x80", /* never a lead */
        "\xFF",
        "\xC3",         /* cut */
        "\xE2\x82",     /* cut */
        "\xF0\x9F\x98", /* cut */
        "\xE2\x28\xA1", /* no continuation */
        "\xE2\x82\x28", /* no continuation */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(valid(bad[i]));
}

static const char *mended(char *text)
{
    bp__utf8_mend(text);
    return text;
}

static void mend_replaces_what_is_no_text(void **unused)
{
    (void)unused;
    char plain[] = "as it was\t\xC3\xA9",
         control[] = "a\nb\x01"
                     "c\x1B[0m",
         stray[] = "a\xFF\x80 then more", cut[] = "caf\xC3", cut_long[] = "x\xF0\x9F\x98",
         empty[] = "";
    assert_string_equal(mended(plain), "as it was\t\xC3\xA9");
    assert_string_equal(mended(control), "a b?c?[0m");
    assert_string_equal(mended(stray), "a?? then more");
    assert_string_equal(mended(cut), "caf");
    assert_string_equal(mended(cut_long), "x");
    assert_string_equal(mended(empty), "");
}

static void lossy_append_marks_bad_bytes(void **unused)
{
    (void)unused;
    bp__buffer to = {0};
    assert_true(bp__utf8_append_lossy(&to,
                                      "a\xFF"
                                      "b\xC3",
                                      4));
    assert_string_equal(bp__buffer_text(&to), "a\xEF\xBF\xBD"
                                              "b\xEF\xBF\xBD");
    assert_true(bp__utf8_append_lossy(&to, "", 0));
    bp__buffer_done(&to);
}

static void lossy_append_stops_at_the_limit(void **unused)
{
    (void)unused;
    bp__buffer to = {.limit = 4};
    assert_false(bp__utf8_append_lossy(&to, "ab\xFF", 3));
    assert_true(to.overflow);
    assert_true(bp__utf8_valid(to.data, to.size));
    bp__buffer_done(&to);
}

static void cut_keeps_characters_whole(void **unused)
{
    (void)unused;
    const char *text = "a\xE2\x82\xAC"
                       "b"; /* 1, 3 and 1 bytes */
    assert_int_equal(bp__utf8_cut(text, 5, 9), 5);
    assert_int_equal(bp__utf8_cut(text, 5, 5), 5);
    assert_int_equal(bp__utf8_cut(text, 5, 4), 4);
    assert_int_equal(bp__utf8_cut(text, 5, 3), 1);
    assert_int_equal(bp__utf8_cut(text, 5, 2), 1);
    assert_int_equal(bp__utf8_cut(text, 5, 1), 1);
    assert_int_equal(bp__utf8_cut(text, 5, 0), 0);
}

static void edits_are_counted(void **unused)
{
    (void)unused;
    assert_int_equal(bp__edit_distance("", ""), 0);
    assert_int_equal(bp__edit_distance("abc", "abc"), 0);
    assert_int_equal(bp__edit_distance("", "abc"), 3);
    assert_int_equal(bp__edit_distance("abc", "abd"), 1);
    assert_int_equal(bp__edit_distance("abc", "acb"), 1);
    assert_int_equal(bp__edit_distance("abc", "ab"), 1);
    assert_int_equal(bp__edit_distance("kitten", "sitting"), 3);
}

static void long_names_are_far_apart(void **unused)
{
    (void)unused;
    char longest[65], longer[66];
    memset(longest, 'a', 64);
    memset(longer, 'a', 65);
    longest[64] = longer[65] = '\0';
    assert_int_equal(bp__edit_distance(longest, ""), 64);
    assert_int_equal(bp__edit_distance(longest, longest), 0);
    assert_true(bp__edit_distance(longer, longest) > 64);
    assert_true(bp__edit_distance(longest, longer) > 64);
}

static void the_nearest_candidate_wins(void **unused)
{
    (void)unused;
    bp__nearest nearest = {.wanted = "handel"};
    bp__nearest_offer(&nearest, "something");
    assert_null(nearest.best);
    bp__nearest_offer(&nearest, "hand");
    assert_string_equal(nearest.best, "hand");
    bp__nearest_offer(&nearest, "handle");
    assert_string_equal(nearest.best, "handle");
    bp__nearest_offer(&nearest, "handeln"); /* as near: the first one stays */
    assert_string_equal(nearest.best, "handle");
    assert_int_equal(nearest.distance, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_utf8_is_accepted),
        cmocka_unit_test(bad_utf8_is_refused),
        cmocka_unit_test(mend_replaces_what_is_no_text),
        cmocka_unit_test(lossy_append_marks_bad_bytes),
        cmocka_unit_test(lossy_append_stops_at_the_limit),
        cmocka_unit_test(cut_keeps_characters_whole),
        cmocka_unit_test(edits_are_counted),
        cmocka_unit_test(long_names_are_far_apart),
        cmocka_unit_test(the_nearest_candidate_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
