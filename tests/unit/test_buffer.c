/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

static void grows_and_keeps_its_bytes(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    for (int i = 0; i < 1000; i++)
        assert_true(bp__buffer_append(&buffer, "0123456789", 10));
    assert_int_equal(buffer.size, 10000);
    for (size_t i = 0; i < buffer.size; i++)
        assert_int_equal(buffer.data[i], '0' + (char)(i % 10));
    assert_false(buffer.overflow);
    bp__buffer_done(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.size, 0);
}

static void an_empty_one_can_be_used(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    assert_int_equal(bp__buffer_bytes(&buffer).size, 0);
    assert_true(bp__buffer_append(&buffer, NULL, 0));
    assert_string_equal(bp__buffer_text(&buffer), "");
    assert_int_equal(buffer.size, 0);
    bp__buffer_done(&buffer);
    bp__buffer_done(&buffer);
}

static void text_ends_in_nul_that_does_not_count(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    assert_true(bp__buffer_append_text(&buffer, "abc"));
    assert_string_equal(bp__buffer_text(&buffer), "abc");
    assert_true(bp__buffer_append_text(&buffer, "def"));
    assert_string_equal(bp__buffer_text(&buffer), "abcdef");
    assert_int_equal(bp__buffer_bytes(&buffer).size, 6);
    bp__buffer_done(&buffer);
}

static void the_limit_holds_to_the_byte(void **unused)
{
    (void)unused;
    bp__buffer buffer = {.limit = 4};
    assert_true(bp__buffer_append_text(&buffer, "abcd"));
    assert_false(bp__buffer_append_text(&buffer, "e"));
    assert_true(buffer.overflow);
    assert_string_equal(bp__buffer_text(&buffer), "abcd");
    bp__buffer_clear(&buffer);
    assert_false(buffer.overflow);
    assert_int_equal(buffer.size, 0);
    assert_false(bp__buffer_append_text(&buffer, "abcde"));
    bp__buffer_done(&buffer);
    assert_int_equal(buffer.limit, 4);
}

static void sizes_that_overflow_are_refused(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    assert_true(bp__buffer_append_text(&buffer, "x"));
    assert_false(bp__buffer_reserve(&buffer, SIZE_MAX));
    assert_false(bp__buffer_reserve(&buffer, SIZE_MAX - 1));
    assert_true(buffer.overflow);
    assert_string_equal(bp__buffer_text(&buffer), "x");
    bp__buffer_done(&buffer);
}

static void reserve_makes_room_to_write_into(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    assert_true(bp__buffer_reserve(&buffer, 100));
    assert_true(buffer.capacity > 100);
    memset(buffer.data, 'x', 100);
    assert_int_equal(buffer.size, 0);
    bp__buffer_done(&buffer);
}

static void printf_appends(void **unused)
{
    (void)unused;
    bp__buffer buffer = {.limit = 8};
    assert_true(bp__buffer_printf(&buffer, "%d-%s", 12, "ab"));
    assert_true(bp__buffer_printf(&buffer, "%s", ""));
    assert_string_equal(bp__buffer_text(&buffer), "12-ab");
    assert_false(bp__buffer_printf(&buffer, "%d", 1234));
    assert_true(buffer.overflow);
    assert_string_equal(bp__buffer_text(&buffer), "12-ab");
    bp__buffer_done(&buffer);
}

static bool build(bp__buffer *buffer)
{
    char long_text[300];
    memset(long_text, 'l', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    return bp__buffer_append_text(buffer, "first ") && bp__buffer_printf(buffer, "%d", 42) &&
           bp__buffer_append_text(buffer, long_text) && bp__buffer_text(buffer) != NULL;
}

static void every_failed_allocation_is_an_overflow(void **unused)
{
    (void)unused;
    for (uint64_t nth = 1;; nth++) {
        bp__buffer buffer = {0};
        bp__alloc_fail_at(nth);
        bool built = build(&buffer);
        bool failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_int_equal(built, !failed);
        assert_int_equal(buffer.overflow, failed);
        bp__buffer_done(&buffer);
        if (!failed)
            break;
        assert_true(nth < 20);
    }
}

static void text_of_nothing_needs_memory(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    bp__alloc_fail_at(1);
    assert_null(bp__buffer_text(&buffer));
    bp__alloc_fail_at(0);
    bp__buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_its_bytes),
        cmocka_unit_test(an_empty_one_can_be_used),
        cmocka_unit_test(text_ends_in_nul_that_does_not_count),
        cmocka_unit_test(the_limit_holds_to_the_byte),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(reserve_makes_room_to_write_into),
        cmocka_unit_test(printf_appends),
        cmocka_unit_test(every_failed_allocation_is_an_overflow),
        cmocka_unit_test(text_of_nothing_needs_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
