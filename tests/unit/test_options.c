/* Structs of older and newer callers. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/options.h"
#include "support/check.h"

typedef struct ours {
    uint32_t size;
    uint32_t first;
    uint64_t second;
} ours;

typedef struct newer {
    ours known;
    uint64_t third;
} newer;

static void none_is_all_defaults(void **state)
{
    (void)state;
    ours to;
    memset(&to, 0xff, sizeof to);
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__options_copy(&to, sizeof to, NULL, "ours", &error), &error);
    assert_int_equal(to.first, 0);
    assert_int_equal(to.second, 0);
}

static void what_an_older_caller_does_not_know_is_zero(void **state)
{
    (void)state;
    ours to, from = {8, 7, 9};
    memset(&to, 0xff, sizeof to);
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__options_copy(&to, sizeof to, &from, "ours", &error), &error);
    assert_int_equal(to.first, 7);
    assert_int_equal(to.second, 0);
}

static void what_a_newer_caller_sets_is_refused_by_name(void **state)
{
    (void)state;
    newer from = {{sizeof from, 7, 9}, 0};
    ours to;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__options_copy(&to, sizeof to, &from, "ours", &error), &error);
    assert_int_equal(to.second, 9);
    from.third = UINT64_C(1) << 63;
    assert_status(BP_EUNSUPPORTED, bp__options_copy(&to, sizeof to, &from, "ours", &error), &error);
    assert_contains(error.message, "ours", "error");
}

static void a_size_that_was_not_set_is_refused(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 3, 4097, UINT32_MAX};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        ours to, from = {sizes[i], 0, 0};
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_EINVAL, bp__options_copy(&to, sizeof to, &from, "ours", &error), &error);
        assert_contains(error.message, "_INIT", "error");
        assert_status(BP_EINVAL, bp__result_copy(&from, &to, sizeof to, "ours", &error), &error);
    }
}

static void a_result_fills_what_the_caller_has(void **state)
{
    (void)state;
    const ours from = {sizeof from, 7, 9};
    bp_error error = BP_ERROR_INIT;
    ours older = {8, 0, 1};
    assert_status(BP_OK, bp__result_copy(&older, &from, sizeof from, "ours", &error), &error);
    assert_int_equal(older.size, 8);
    assert_int_equal(older.first, 7);
    assert_int_equal(older.second, 1);
    newer later = {{sizeof later, 0, 0}, 3};
    assert_status(BP_OK, bp__result_copy(&later, &from, sizeof from, "ours", &error), &error);
    assert_int_equal(later.known.size, sizeof later);
    assert_int_equal(later.known.second, 9);
    assert_int_equal(later.third, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_all_defaults),
        cmocka_unit_test(what_an_older_caller_does_not_know_is_zero),
        cmocka_unit_test(what_a_newer_caller_sets_is_refused_by_name),
        cmocka_unit_test(a_size_that_was_not_set_is_refused),
        cmocka_unit_test(a_result_fills_what_the_caller_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
