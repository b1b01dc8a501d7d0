/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"

static int back_to_the_real_clock(void **unused)
{
    (void)unused;
    bp__clock_fake_set(0);
    return 0;
}

static void the_real_clock_never_goes_back(void **unused)
{
    (void)unused;
    uint64_t before = bp__now_ns();
    assert_true(before > 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = bp__now_ns();
        assert_true(now >= before);
        before = now;
    }
}

static void the_fake_clock_stands_still(void **unused)
{
    (void)unused;
    bp__clock_fake_set(5000);
    assert_int_equal(bp__now_ns(), 5000);
    assert_int_equal(bp__now_ns(), 5000);
    bp__clock_fake_set(0);
    assert_true(bp__now_ns() != 5000);
}

static void deadlines_count_from_now(void **unused)
{
    (void)unused;
    bp__clock_fake_set(1000);
    bp_deadline by = bp_deadline_in_ms(2);
    assert_int_equal(by, 1000 + 2 * BP_NS_PER_MS);
    assert_int_equal(bp_deadline_left_ns(by), 2 * BP_NS_PER_MS);
    assert_false(bp_deadline_passed(by));
    bp__clock_fake_set(by - 1);
    assert_int_equal(bp_deadline_left_ns(by), 1);
    assert_false(bp_deadline_passed(by));
    bp__clock_fake_set(by);
    assert_int_equal(bp_deadline_left_ns(by), 0);
    assert_true(bp_deadline_passed(by));
}

static void now_has_always_passed(void **unused)
{
    (void)unused;
    assert_true(bp_deadline_passed(BP_NOW));
    assert_int_equal(bp_deadline_left_ns(BP_NOW), 0);
}

static void huge_durations_saturate(void **unused)
{
    (void)unused;
    assert_int_equal(bp_deadline_in_ms(UINT64_MAX), UINT64_MAX);
    assert_false(bp_deadline_passed(bp_deadline_in_ms(UINT64_MAX)));
    assert_int_equal(bp__deadline_after(10, UINT64_MAX), UINT64_MAX);
    assert_int_equal(bp__deadline_after(10, UINT64_MAX - 10), UINT64_MAX);
    assert_int_equal(bp__deadline_after(10, 5), 15);
}

static void the_earlier_deadline_is_the_smaller(void **unused)
{
    (void)unused;
    assert_int_equal(bp__deadline_min(3, 7), 3);
    assert_int_equal(bp__deadline_min(7, 3), 3);
    assert_int_equal(bp__deadline_min(BP_NOW, 7), BP_NOW);
}

static void timespecs_stay_in_the_kernels_range(void **unused)
{
    (void)unused;
    struct timespec time = bp__deadline_timespec(3 * BP_NS_PER_S + 17);
    assert_int_equal(time.tv_sec, 3);
    assert_int_equal(time.tv_nsec, 17);
    time = bp__deadline_timespec(UINT64_MAX);
    assert_true(time.tv_sec > 0);
    assert_in_range((unsigned long)time.tv_nsec, 0, 999999999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_real_clock_never_goes_back, back_to_the_real_clock),
        cmocka_unit_test_teardown(the_fake_clock_stands_still, back_to_the_real_clock),
        cmocka_unit_test_teardown(deadlines_count_from_now, back_to_the_real_clock),
        cmocka_unit_test_teardown(now_has_always_passed, back_to_the_real_clock),
        cmocka_unit_test_teardown(huge_durations_saturate, back_to_the_real_clock),
        cmocka_unit_test_teardown(the_earlier_deadline_is_the_smaller, back_to_the_real_clock),
        cmocka_unit_test_teardown(timespecs_stay_in_the_kernels_range, back_to_the_real_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
