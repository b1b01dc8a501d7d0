/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wait.h"

static int back_to_the_real_clock(void **unused)
{
    (void)unused;
    bp__clock_fake_set(0);
    return 0;
}

static bp_cancel *new_token(void)
{
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    return cancel;
}

static void it_sleeps_until_the_moment(void **unused)
{
    (void)unused;
    for (uint64_t ms = 0; ms <= 5; ms++) {
        bp_deadline until = bp_deadline_in_ms(ms);
        assert_false(bp__wait_until(until, NULL));
        assert_true(bp_deadline_passed(until));
    }
}

static void what_has_passed_is_not_waited_for(void **unused)
{
    (void)unused;
    bp_cancel *cancel = new_token();
    assert_false(bp__wait_until(BP_NOW, NULL));
    assert_false(bp__wait_until(BP_NOW, cancel));
    bp_cancel_trigger(cancel);
    assert_true(bp__wait_until(BP_NOW, cancel));
    bp_cancel_free(cancel);
}

static void a_token_that_nobody_triggers_changes_nothing(void **unused)
{
    (void)unused;
    bp_cancel *cancel = new_token();
    bp_deadline until = bp_deadline_in_ms(2);
    assert_false(bp__wait_until(until, cancel));
    assert_true(bp_deadline_passed(until));
    bp_cancel_free(cancel);
}

static void a_triggered_token_ends_it_before_it_begins(void **unused)
{
    (void)unused;
    bp_cancel *cancel = new_token();
    bp_cancel_trigger(cancel);
    assert_true(bp__wait_until(UINT64_MAX, cancel));
    bp_cancel_free(cancel);
}

typedef struct other {
    bp_cancel *cancel;
    long thread; /* of the sleeper; 0: do not look at it */
    uint64_t fake_now;
} other;

/* Returns when the kernel says that the thread sleeps: the only thing it can sleep in is the wait
 * that is tested. Where that cannot be seen, at once. */
static void wait_for_the_sleeper(long thread)
{
    char path[64], state = 'S';
    snprintf(path, sizeof path, "/proc/self/task/%ld/stat", thread);
    do {
        sched_yield();
        FILE *file = fopen(path, "r");
        if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            state = 'S';
        if (file)
            fclose(file);
    } while (state != 'S');
}

static void *trigger(void *data)
{
    const other *with = data;
    if (with->thread)
        wait_for_the_sleeper(with->thread);
    if (with->fake_now)
        bp__clock_fake_set(with->fake_now);
    else
        bp_cancel_trigger(with->cancel);
    return NULL;
}

static void a_sleeper_is_woken(void **unused)
{
    (void)unused;
    for (int round = 0; round < 20; round++) {
        other with = {.cancel = new_token(), .thread = syscall(SYS_gettid)};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, trigger, &with), 0);
        assert_true(bp__wait_until(UINT64_MAX, with.cancel)); /* would hang if it were not */
        pthread_join(thread, NULL);
        bp_cancel_free(with.cancel);
    }
}

static void triggering_races_with_falling_asleep(void **unused)
{
    (void)unused;
    for (int round = 0; round < 300; round++) {
        other with = {.cancel = new_token()};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, trigger, &with), 0);
        assert_true(bp__wait_until(UINT64_MAX, with.cancel));
        pthread_join(thread, NULL);
        bp_cancel_free(with.cancel);
    }
}

static void *sleep_long(void *cancel)
{
    return bp__wait_until(UINT64_MAX, cancel) ? cancel : NULL;
}

static void one_token_wakes_all(void **unused)
{
    (void)unused;
    bp_cancel *cancel = new_token();
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sleep_long, cancel), 0);
    bp_cancel_trigger(cancel);
    for (int i = 0; i < 8; i++) {
        void *cancelled;
        pthread_join(threads[i], &cancelled);
        assert_ptr_equal(cancelled, cancel);
    }
    bp_cancel_free(cancel);
}

static void a_fake_clock_that_stands_still_does_not_keep_it(void **unused)
{
    (void)unused;
    bp__clock_fake_set(1000); /* long before, by the real clock */
    assert_false(bp__wait_until(1000 + 3 * BP_NS_PER_MS, NULL));
    bp__clock_fake_set(UINT64_MAX - BP_NS_PER_S); /* far in its future */
    assert_false(bp__wait_until(UINT64_MAX - BP_NS_PER_S + BP_NS_PER_MS, NULL));
    assert_false(bp__wait_until(UINT64_MAX - BP_NS_PER_S, NULL));
}

static void setting_the_fake_clock_ends_it(void **unused)
{
    (void)unused;
    uint64_t hour = 3600 * BP_NS_PER_S;
    bp__clock_fake_set(1000);
    other with = {.fake_now = 1000 + hour, .thread = syscall(SYS_gettid)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, trigger, &with), 0);
    assert_false(bp__wait_until(1000 + hour, NULL));
    pthread_join(thread, NULL);
}

static void cancelling_works_under_a_fake_clock(void **unused)
{
    (void)unused;
    bp__clock_fake_set(1000);
    other with = {.cancel = new_token(), .thread = syscall(SYS_gettid)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, trigger, &with), 0);
    assert_true(bp__wait_until(3600 * BP_NS_PER_S, with.cancel));
    pthread_join(thread, NULL);
    bp_cancel_free(with.cancel);
}

#define TEST(function) cmocka_unit_test_teardown(function, back_to_the_real_clock)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_sleeps_until_the_moment),
        TEST(what_has_passed_is_not_waited_for),
        TEST(a_token_that_nobody_triggers_changes_nothing),
        TEST(a_triggered_token_ends_it_before_it_begins),
        TEST(a_sleeper_is_woken),
        TEST(triggering_races_with_falling_asleep),
        TEST(one_token_wakes_all),
        TEST(a_fake_clock_that_stands_still_does_not_keep_it),
        TEST(setting_the_fake_clock_ends_it),
        TEST(cancelling_works_under_a_fake_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
