/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

static char folder[512], path[600];

static int make_folder(void **unused)
{
    (void)unused;
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/bullpen-test-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **unused)
{
    (void)unused;
    unlink(path);
    return rmdir(folder);
}

static void write_file(size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc((int)('a' + i % 26), file);
    assert_int_equal(fclose(file), 0);
}

static void check_content(const bp__buffer *buffer, size_t start, size_t size)
{
    assert_int_equal(buffer->size, start + size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(buffer->data[start + i], (char)('a' + i % 26));
}

static void files_of_any_size_are_read(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {0, 1, 65535, 65536, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bp__buffer buffer = {0};
        write_file(sizes[i]);
        assert_int_equal(bp__file_read(path, sizes[i], &buffer, NULL), BP_OK);
        check_content(&buffer, 0, sizes[i]);
        bp__buffer_done(&buffer);
    }
}

static void reading_appends(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    write_file(100);
    bp__buffer_append_text(&buffer, "before");
    assert_int_equal(bp__file_read(path, 100, &buffer, NULL), BP_OK);
    check_content(&buffer, 6, 100);
    assert_memory_equal(buffer.data, "before", 6);
    bp__buffer_done(&buffer);
}

static void larger_than_allowed_is_refused(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    bp_error error = BP_ERROR_INIT;
    write_file(101);
    assert_int_equal(bp__file_read(path, 100, &buffer, &error), BP_ELIMIT);
    assert_non_null(strstr(error.message, "100 bytes"));
    bp__buffer_done(&buffer);
}

/* Says that it is empty and is not: what a file that grows meanwhile looks like. */
static void more_than_was_promised_is_cut_by_the_limit(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    if (access("/proc/self/status", R_OK) != 0)
        skip();
    assert_int_equal(bp__file_read("/proc/self/status", 10, &buffer, NULL), BP_ELIMIT);
    bp__buffer_clear(&buffer);
    assert_int_equal(bp__file_read("/proc/self/status", 100000, &buffer, NULL), BP_OK);
    assert_true(buffer.size > 10);
    bp__buffer_done(&buffer);
}

static void a_missing_file_is_not_found(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp__file_read(path, 100, &buffer, &error), BP_ENOTFOUND);
    assert_int_equal(error.os_errno, ENOENT);
    assert_non_null(strstr(error.message, path));
    bp__buffer_done(&buffer);
}

static void what_is_no_file_is_refused(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp__file_read(folder, 100, &buffer, &error), BP_EFORMAT);
    assert_non_null(strstr(error.message, "directory"));
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: opening must not wait */
    assert_int_equal(bp__file_read(path, 100, &buffer, &error), BP_EFORMAT);
    assert_int_equal(bp__file_read("/dev/null", 100, &buffer, &error), BP_EFORMAT);
    bp__buffer_done(&buffer);
}

static void a_path_through_a_file_is_a_system_error(void **unused)
{
    (void)unused;
    bp__buffer buffer = {0};
    bp_error error = BP_ERROR_INIT;
    char below[640];
    write_file(1);
    snprintf(below, sizeof below, "%s/below", path);
    assert_int_equal(bp__file_read(below, 100, &buffer, &error), BP_ESYSTEM);
    assert_int_equal(error.os_errno, ENOTDIR);
    bp__buffer_done(&buffer);
}

static void every_failed_allocation_is_reported(void **unused)
{
    (void)unused;
    write_file(300000);
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        bp__buffer buffer = {0};
        bp__alloc_fail_at(nth);
        bp_status status = bp__file_read(path, 300000, &buffer, NULL);
        failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_int_equal(status, failed ? BP_ENOMEM : BP_OK);
        bp__buffer_done(&buffer);
        assert_true(nth < 50);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_of_any_size_are_read),
        TEST(reading_appends),
        TEST(larger_than_allowed_is_refused),
        TEST(more_than_was_promised_is_cut_by_the_limit),
        TEST(a_missing_file_is_not_found),
        TEST(what_is_no_file_is_refused),
        TEST(a_path_through_a_file_is_a_system_error),
        TEST(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
