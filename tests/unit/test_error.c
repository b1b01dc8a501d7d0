/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

static void every_status_has_name_text_and_http(void **unused)
{
    (void)unused;
#define CHECK(name, number, http, text)                                                            \
    assert_int_equal(BP_##name, number);                                                           \
    assert_string_equal(bp_status_name(BP_##name), "BP_" #name);                                   \
    assert_string_equal(bp_status_text(BP_##name), text);                                          \
    assert_int_equal(bp_status_http(BP_##name), http);
    BP_STATUS_MAP(CHECK)
#undef CHECK
}

static void other_statuses_are_named_too(void **unused)
{
    (void)unused;
    bp_status factory = (bp_status)(BP_EHOST + 7), unknown = (bp_status)999;
    assert_string_equal(bp_status_name(factory), "BP_EHOST");
    assert_string_equal(bp_status_text(factory), "the factory's own error");
    assert_int_equal(bp_status_http(factory), 500);
    assert_string_equal(bp_status_name(unknown), "BP_?");
    assert_string_equal(bp_status_text(unknown), "unknown status");
    assert_int_equal(bp_status_http(unknown), 500);
}

static void an_error_is_filled(void **unused)
{
    (void)unused;
    bp_error error = {.os_errno = 5, .host_code = 6};
    assert_int_equal(bp_error_set(&error, BP_EBUSY, "%s is %d", "x", 1), BP_EBUSY);
    assert_int_equal(error.status, BP_EBUSY);
    assert_int_equal(error.os_errno, 0);
    assert_int_equal(error.host_code, 0);
    assert_string_equal(error.message, "x is 1");
}

static void no_error_to_fill_is_fine(void **unused)
{
    (void)unused;
    assert_int_equal(bp_error_set(NULL, BP_EBUSY, "x"), BP_EBUSY);
    assert_int_equal(bp__error_os(NULL, BP_ESYSTEM, EACCES, "x"), BP_ESYSTEM);
    assert_int_equal(bp__error_oom(NULL, "x"), BP_ENOMEM);
    bp__error_prefix(NULL, "x");
}

static void long_messages_are_cut_between_characters(void **unused)
{
    (void)unused;
    char text[2 * BP_ERROR_MESSAGE_MAX + 1];
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    text[sizeof text - 1] = '\0';
    bp_error error = BP_ERROR_INIT;
    bp_error_set(&error, BP_EINVAL, "x%s", text);
    size_t size = strlen(error.message);
    assert_true(size >= BP_ERROR_MESSAGE_MAX - 4 && size < BP_ERROR_MESSAGE_MAX);
    assert_true(bp__utf8_valid(error.message, size));
    bp_error_set(&error, BP_EINVAL, "xx%s", text);
    assert_true(bp__utf8_valid(error.message, strlen(error.message)));
}

static void bad_text_is_mended(void **unused)
{
    (void)unused;
    bp_error error = BP_ERROR_INIT;
    bp_error_set(&error, BP_EFORMAT, "name '%s' is bad", "a\xFF\nb");
    assert_string_equal(error.message, "name 'a? b' is bad");
}

static void the_systems_reason_is_appended(void **unused)
{
    (void)unused;
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp__error_os(&error, BP_ENOTFOUND, ENOENT, "open '%s'", "x"), BP_ENOTFOUND);
    assert_int_equal(error.status, BP_ENOTFOUND);
    assert_int_equal(error.os_errno, ENOENT);
    assert_string_equal(error.message, "open 'x': No such file or directory");
}

static void prefixes_tell_the_way(void **unused)
{
    (void)unused;
    bp_error error = BP_ERROR_INIT;
    bp__error_os(&error, BP_ESYSTEM, EACCES, "open");
    bp__error_prefix(&error, "compile");
    bp__error_prefix(&error, "load plugin '%s'", "x");
    assert_int_equal(error.status, BP_ESYSTEM);
    assert_string_equal(error.message, "load plugin 'x': compile: open: Permission denied");
    assert_int_equal(error.os_errno, EACCES);
}

static void a_long_prefix_cuts_the_end(void **unused)
{
    (void)unused;
    char prefix[BP_ERROR_MESSAGE_MAX * 2];
    memset(prefix, 'p', sizeof prefix - 1);
    prefix[sizeof prefix - 1] = '\0';
    bp_error error = BP_ERROR_INIT;
    bp_error_set(&error, BP_EINVAL, "the message");
    bp__error_prefix(&error, "%s", prefix);
    assert_int_equal(strlen(error.message), BP_ERROR_MESSAGE_MAX - 1);
    assert_int_equal(error.message[BP_ERROR_MESSAGE_MAX - 2], 'p');
}

static void no_memory_says_what_for(void **unused)
{
    (void)unused;
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp__error_oom(&error, "testing"), BP_ENOMEM);
    assert_string_equal(error.message, "out of memory while testing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_name_text_and_http),
        cmocka_unit_test(other_statuses_are_named_too),
        cmocka_unit_test(an_error_is_filled),
        cmocka_unit_test(no_error_to_fill_is_fine),
        cmocka_unit_test(long_messages_are_cut_between_characters),
        cmocka_unit_test(bad_text_is_mended),
        cmocka_unit_test(the_systems_reason_is_appended),
        cmocka_unit_test(prefixes_tell_the_way),
        cmocka_unit_test(a_long_prefix_cuts_the_end),
        cmocka_unit_test(no_memory_says_what_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
