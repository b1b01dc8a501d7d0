/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "base/alloc.h"
#include "base/cancel.h"

static bp_cancel *new_token(void)
{
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    assert_non_null(cancel);
    return cancel;
}

static void count(void *data)
{
    ++*(int *)data;
}

static void a_token_stays_triggered(void **unused)
{
    (void)unused;
    bp_cancel *cancel = new_token();
    assert_false(bp_cancel_triggered(cancel));
    bp_cancel_trigger(cancel);
    assert_true(bp_cancel_triggered(cancel));
    bp_cancel_trigger(cancel);
    assert_true(bp_cancel_triggered(cancel));
    bp_cancel_free(cancel);
}

static void no_token_is_never_triggered(void **unused)
{
    (void)unused;
    bp__cancel_waker waker = {.wake = count};
    bp_cancel_trigger(NULL);
    assert_false(bp_cancel_triggered(NULL));
    assert_true(bp__cancel_watch(NULL, &waker));
    bp__cancel_unwatch(NULL, &waker);
    bp_cancel_free(NULL);
}

static void bad_arguments_and_no_memory_are_errors(void **unused)
{
    (void)unused;
    bp_error error = BP_ERROR_INIT;
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(NULL, &error), BP_EINVAL);
    assert_int_equal(error.status, BP_EINVAL);
    bp__alloc_fail_at(1);
    assert_int_equal(bp_cancel_new(&cancel, &error), BP_ENOMEM);
    bp__alloc_fail_at(0);
    assert_int_equal(error.status, BP_ENOMEM);
    assert_null(cancel);
}

static void every_watcher_is_woken(void **unused)
{
    (void)unused;
    bp_cancel *cancel = new_token();
    int woken[3] = {0};
    bp__cancel_waker wakers[3];
    for (int i = 0; i < 3; i++) {
        wakers[i] = (bp__cancel_waker){.wake = count, .data = &woken[i]};
        assert_true(bp__cancel_watch(cancel, &wakers[i]));
    }
    bp_cancel_trigger(cancel);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(woken[i], 1);
        bp__cancel_unwatch(cancel, &wakers[i]);
    }
    bp_cancel_free(cancel);
}

/* First, last and middle one leave; each time the others are still found. */
static void who_unwatches_is_left_alone(void **unused)
{
    (void)unused;
    for (int leaves = 0; leaves < 3; leaves++) {
        bp_cancel *cancel = new_token();
        int woken[3] = {0};
        bp__cancel_waker wakers[3];
        for (int i = 0; i < 3; i++) {
            wakers[i] = (bp__cancel_waker){.wake = count, .data = &woken[i]};
            assert_true(bp__cancel_watch(cancel, &wakers[i]));
        }
        bp__cancel_unwatch(cancel, &wakers[leaves]);
        bp__cancel_unwatch(cancel, &wakers[leaves]);
        bp_cancel_trigger(cancel);
        for (int i = 0; i < 3; i++)
            assert_int_equal(woken[i], i != leaves);
        bp_cancel_free(cancel);
    }
}

static void a_triggered_token_cannot_be_watched(void **unused)
{
    (void)unused;
    bp_cancel *cancel = new_token();
    int woken = 0;
    bp__cancel_waker waker = {.wake = count, .data = &woken};
    bp_cancel_trigger(cancel);
    assert_false(bp__cancel_watch(cancel, &waker));
    bp__cancel_unwatch(cancel, &waker);
    bp_cancel_trigger(cancel);
    assert_int_equal(woken, 0);
    bp_cancel_free(cancel);
}

static void *trigger(void *cancel)
{
    bp_cancel_trigger(cancel);
    return NULL;
}

/* Whatever the order, the waker is either refused, called before unwatch, or not called. */
static void watching_races_with_triggering(void **unused)
{
    (void)unused;
    for (int round = 0; round < 200; round++) {
        bp_cancel *cancel = new_token();
        int woken = 0;
        bp__cancel_waker waker = {.wake = count, .data = &woken};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, trigger, cancel), 0);
        if (bp__cancel_watch(cancel, &waker))
            bp__cancel_unwatch(cancel, &waker);
        int after_unwatch = woken;
        pthread_join(thread, NULL);
        assert_int_equal(woken, after_unwatch);
        assert_true(bp_cancel_triggered(cancel));
        bp_cancel_free(cancel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_stays_triggered),
        cmocka_unit_test(no_token_is_never_triggered),
        cmocka_unit_test(bad_arguments_and_no_memory_are_errors),
        cmocka_unit_test(every_watcher_is_woken),
        cmocka_unit_test(who_unwatches_is_left_alone),
        cmocka_unit_test(a_triggered_token_cannot_be_watched),
        cmocka_unit_test(watching_races_with_triggering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
