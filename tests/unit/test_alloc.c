/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

/* Under a sanitizer a size that cannot be had must be NULL, as it is without. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Volatile, so that compilers do not warn of what is tested here. */
static volatile size_t huge = SIZE_MAX;

static void nothing_is_something(void **unused)
{
    (void)unused;
    void *pointers[] = {bp__alloc(0), bp__alloc_zeroed(0, 0), bp__alloc_zeroed(0, 8),
                        bp__alloc_aligned(64, 0), bp__realloc(NULL, 0)};
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        assert_non_null(pointers[i]);
        bp__free(pointers[i]);
    }
    bp__free(NULL);
}

static void zeroed_memory_is_zero(void **unused)
{
    (void)unused;
    static const char zero[300];
    char *zeroed = bp__alloc_zeroed(100, 3), *aligned = bp__alloc_aligned(128, 300);
    assert_memory_equal(zeroed, zero, 300);
    assert_memory_equal(aligned, zero, 300);
    assert_int_equal((uintptr_t)aligned % 128, 0);
    bp__free(zeroed);
    bp__free(aligned);
}

static void realloc_keeps_the_content(void **unused)
{
    (void)unused;
    char *text = bp__strdup("abc");
    text = bp__realloc(text, 1000);
    assert_string_equal(text, "abc");
    bp__free(text);
}

static void overflowing_sizes_are_refused(void **unused)
{
    (void)unused;
    char byte = 'x';
    assert_null(bp__alloc(huge));
    assert_null(bp__alloc_zeroed(huge, huge));
    assert_null(bp__alloc_aligned(64, huge));
    assert_null(bp__alloc_aligned(64, huge - 32));
    assert_null(bp__strndup(&byte, huge));
}

static void copies_end_in_nul(void **unused)
{
    (void)unused;
    char *part = bp__strndup("abcdef", 3), *none = bp__strndup(NULL, 0), *all = bp__strdup("xyz");
    assert_string_equal(part, "abc");
    assert_string_equal(none, "");
    assert_string_equal(all, "xyz");
    bp__free(part);
    bp__free(none);
    bp__free(all);
}

static void *allocate(int which)
{
    switch (which) {
    case 0:
        return bp__alloc(1);
    case 1:
        return bp__alloc_zeroed(1, 1);
    case 2:
        return bp__alloc_aligned(16, 1);
    case 3:
        return bp__realloc(NULL, 1);
    case 4:
        return bp__strndup("a", 1);
    default:
        return bp__strdup("a");
    }
}

static void each_kind_fails_on_demand_and_once(void **unused)
{
    (void)unused;
    for (int which = 0; which < 6; which++) {
        bp__alloc_fail_at(2);
        void *first = allocate(which);
        assert_non_null(first);
        assert_false(bp__alloc_failed());
        assert_null(allocate(which));
        assert_true(bp__alloc_failed());
        void *third = allocate(which);
        assert_non_null(third);
        bp__alloc_fail_at(0);
        assert_false(bp__alloc_failed());
        bp__free(first);
        bp__free(third);
    }
}

static void a_failed_realloc_leaves_the_old(void **unused)
{
    (void)unused;
    char *text = bp__strdup("kept");
    bp__alloc_fail_at(1);
    assert_null(bp__realloc(text, 100));
    bp__alloc_fail_at(0);
    assert_string_equal(text, "kept");
    bp__free(text);
}

static int freed;
static void free_counted(void *pointer)
{
    freed++;
    bp__free(pointer);
}
BP_DEFINE_CLEANUP(cleanup_counted, void, free_counted)

static void *make_and_steal(bool steal)
{
    bp_cleanup(cleanup_counted) void *kept = bp__alloc(1);
    return steal ? bp_steal(&kept) : NULL;
}

static void scopes_free_what_is_not_stolen(void **unused)
{
    (void)unused;
    freed = 0;
    void *stolen = make_and_steal(true);
    assert_int_equal(freed, 0);
    assert_null(make_and_steal(false));
    assert_int_equal(freed, 1);
    bp__free(stolen);
}

static void scopes_unlock(void **unused)
{
    (void)unused;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    {
        BP_LOCK_SCOPE(&mutex);
        assert_int_not_equal(pthread_mutex_trylock(&mutex), 0);
    }
    assert_int_equal(pthread_mutex_trylock(&mutex), 0);
    pthread_mutex_unlock(&mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_something),
        cmocka_unit_test(zeroed_memory_is_zero),
        cmocka_unit_test(realloc_keeps_the_content),
        cmocka_unit_test(overflowing_sizes_are_refused),
        cmocka_unit_test(copies_end_in_nul),
        cmocka_unit_test(each_kind_fails_on_demand_and_once),
        cmocka_unit_test(a_failed_realloc_leaves_the_old),
        cmocka_unit_test(scopes_free_what_is_not_stolen),
        cmocka_unit_test(scopes_unlock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
