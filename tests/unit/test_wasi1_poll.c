/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "wasi1_world.h"

enum { IN = 3, OUT = 1001, COUNT = 3001 }; /* odd: nothing may count on alignment */

static void subscribe(world *w, size_t index, uint8_t type, uint32_t which, uint64_t timeout,
                      uint16_t flags)
{
    size_t at = IN + index * 48;
    memset(w->memory.base + at, 0xEE, 48); /* padding means nothing */
    store(w, at, 8, 0x1000 + index);
    store(w, at + 8, 1, type);
    store(w, at + 16, 4, which);
    store(w, at + 24, 8, timeout);
    store(w, at + 32, 8, 0);
    store(w, at + 40, 2, flags);
}

static void check_event(const world *w, size_t index, uint64_t subscription, uint32_t error,
                        uint8_t type)
{
    size_t at = OUT + index * 32;
    assert_int_equal(load(w, at, 8), 0x1000 + subscription);
    assert_int_equal(load(w, at + 8, 2), error);
    assert_int_equal(load(w, at + 10, 1), type);
}

static uint32_t poll_events(world *w, uint32_t subscriptions)
{
    store(w, COUNT, 4, 0xDDDDDDDD);
    return CALL(w, "poll_oneoff", IN, OUT, subscriptions, COUNT);
}

static void sleeping_takes_its_time(void **state)
{
    world *w = *state;
    for (uint32_t clock = 0; clock < 2; clock++) {
        uint64_t before = bp__now_ns();
        subscribe(w, 0, 0, clock, 3 * BP_NS_PER_MS, 0);
        assert_int_equal(poll_events(w, 1), 0);
        assert_true(bp__now_ns() - before >= 3 * BP_NS_PER_MS);
        assert_int_equal(load(w, COUNT, 4), 1);
        check_event(w, 0, 0, 0, 0);
        assert_true(all_zero(w->memory.base + OUT + 11, 21));
    }
}

static void absolute_moments_are_waited_for(void **state)
{
    world *w = *state;
    struct timespec now;
    bp_deadline moment = bp_deadline_in_ms(3);
    subscribe(w, 0, 0, 1, moment, 1);
    assert_int_equal(poll_events(w, 1), 0);
    assert_true(bp_deadline_passed(moment));
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t before = bp__now_ns(),
             real = (uint64_t)now.tv_sec * BP_NS_PER_S + (uint64_t)now.tv_nsec;
    subscribe(w, 0, 0, 0, real + 3 * BP_NS_PER_MS, 1);
    assert_int_equal(poll_events(w, 1), 0);
    assert_true(bp__now_ns() - before >= 2 * BP_NS_PER_MS); /* less: the clocks may drift apart */
    assert_int_equal(load(w, COUNT, 4), 1);
    check_event(w, 0, 0, 0, 0);
}

static void what_is_past_happens_at_once(void **state)
{
    world *w = *state;
    subscribe(w, 0, 0, 0, 0, 0);
    subscribe(w, 1, 0, 1, 1, 1);
    subscribe(w, 2, 0, 0, 1, 1);
    assert_int_equal(poll_events(w, 3), 0);
    assert_int_equal(load(w, COUNT, 4), 3);
    for (size_t i = 0; i < 3; i++)
        check_event(w, i, i, 0, 0);
}

static void only_what_has_happened_is_reported(void **state)
{
    world *w = *state;
    subscribe(w, 0, 0, 1, 3600 * BP_NS_PER_S, 0);
    subscribe(w, 1, 0, 1, BP_NS_PER_MS, 0);
    subscribe(w, 2, 0, 0, UINT64_MAX, 1);
    subscribe(w, 3, 0, 1, UINT64_MAX, 0);
    memset(w->memory.base + OUT, 0xCC, 128);
    assert_int_equal(poll_events(w, 4), 0);
    assert_int_equal(load(w, COUNT, 4), 1);
    check_event(w, 0, 1, 0, 0);
    assert_int_equal(load(w, OUT + 32, 8), 0xCCCCCCCCCCCCCCCC);
}

static void descriptors_are_ready_at_once(void **state)
{
    world *w = *state;
    subscribe(w, 0, 0, 1, 3600 * BP_NS_PER_S, 0);
    subscribe(w, 1, 1, 0, 0, 0);
    subscribe(w, 2, 2, 1, 0, 0);
    subscribe(w, 3, 2, 2, 0, 0);
    assert_int_equal(poll_events(w, 4), 0);
    assert_int_equal(load(w, COUNT, 4), 3);
    check_event(w, 0, 1, 0, 1);
    assert_int_equal(load(w, OUT + 16, 8), 0);
    assert_int_equal(load(w, OUT + 24, 2), 1); /* at its end */
    check_event(w, 1, 2, 0, 2);
    assert_true(load(w, OUT + 32 + 16, 8) > 0);
    assert_int_equal(load(w, OUT + 32 + 24, 2), 0);
    check_event(w, 2, 3, 0, 2);
}

static void bad_subscriptions_are_events_with_errors(void **state)
{
    world *w = *state;
    subscribe(w, 0, 0, 1, 3600 * BP_NS_PER_S, 0);
    subscribe(w, 1, 1, 1, 0, 0);
    subscribe(w, 2, 2, 0, 0, 0);
    subscribe(w, 3, 2, 9, 0, 0);
    subscribe(w, 4, 0, 2, 0, 0);
    subscribe(w, 5, 0, 4, 0, 0);
    subscribe(w, 6, 0, 1, 0, 2);
    assert_int_equal(poll_events(w, 7), 0);
    assert_int_equal(load(w, COUNT, 4), 6);
    check_event(w, 0, 1, EBADF_, 1);
    check_event(w, 1, 2, EBADF_, 2);
    check_event(w, 2, 3, EBADF_, 2);
    check_event(w, 3, 4, ENOTSUP_, 0);
    check_event(w, 4, 5, EINVAL_, 0);
    check_event(w, 5, 6, EINVAL_, 0);
}

static void nonsense_is_refused_before_sleeping(void **state)
{
    world *w = *state;
    subscribe(w, 0, 0, 1, UINT64_MAX, 0);
    assert_int_equal(poll_events(w, 0), EINVAL_);
    assert_int_equal(poll_events(w, 4097), EINVAL_);
    assert_int_equal(poll_events(w, UINT32_MAX), EINVAL_);
    assert_int_equal(poll_events(w, 100), EFAULT_);
    assert_int_equal(CALL(w, "poll_oneoff", IN, OUT, 1, 4093), EFAULT_);
    assert_int_equal(CALL(w, "poll_oneoff", IN, 4065, 1, COUNT), EFAULT_);
    assert_int_equal(CALL(w, "poll_oneoff", 4049, OUT, 1, COUNT), EFAULT_);
    subscribe(w, 1, 3, 0, 0, 0);
    assert_int_equal(poll_events(w, 2), EINVAL_);
}

/* The output lies over the input: the events are of no use, and stay inside of it. */
static void output_over_input_is_harmless(void **state)
{
    world *w = *state;
    for (size_t shift = 0; shift < 96; shift++) {
        for (size_t i = 0; i < 8; i++)
            subscribe(w, i, (uint8_t)(i % 3), (uint32_t)(i % 3), 0, 0);
        assert_int_equal(CALL(w, "poll_oneoff", IN, IN + shift, 8, IN), 0);
    }
}

static void a_sleep_ends_with_the_deadline(void **state)
{
    world *w = *state;
    w->state.by = bp_deadline_in_ms(20);
    subscribe(w, 0, 0, 1, 3600 * BP_NS_PER_S, 0);
    assert_int_equal(poll_events(w, 1), STOPPED);
    assert_int_equal(w->state.stop, BP__STOP_DEADLINE);
    assert_true(bp_deadline_passed(w->state.by));
    assert_string_equal(w->state.host_function, "poll_oneoff");
    assert_int_equal(load(w, COUNT, 4), 0xDDDDDDDD);
}

static void a_sleep_as_long_as_the_deadline_ends_with_it(void **state)
{
    world *w = *state;
    w->state.by = bp_deadline_in_ms(5);
    subscribe(w, 0, 0, 1, w->state.by, 1);
    assert_int_equal(poll_events(w, 1), STOPPED);
    assert_int_equal(w->state.stop, BP__STOP_DEADLINE);
}

static void under_a_fake_clock_a_sleep_ends_too(void **state)
{
    world *w = *state;
    bp__clock_fake_set(1000);
    subscribe(w, 0, 0, 1, BP_NS_PER_MS, 0);
    assert_int_equal(poll_events(w, 1), 0);
    assert_int_equal(load(w, COUNT, 4), 1);
    w->state.by = 1000 + BP_NS_PER_MS;
    subscribe(w, 0, 0, 1, 3600 * BP_NS_PER_S, 0);
    assert_int_equal(poll_events(w, 1), STOPPED);
    assert_int_equal(w->state.stop, BP__STOP_DEADLINE);
}

static void *trigger(void *cancel)
{
    bp_cancel_trigger(cancel);
    return NULL;
}

/* Without a deadline and for hours: it hangs if cancelling does not wake it. */
static void cancelling_wakes_a_sleeper(void **state)
{
    world *w = *state;
    for (int round = 0; round < 100; round++) {
        bp_cancel *cancel = NULL;
        pthread_t thread;
        assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
        begin(w);
        w->state.cancel = cancel;
        subscribe(w, 0, 0, 1, 3600 * BP_NS_PER_S, 0);
        assert_int_equal(pthread_create(&thread, NULL, trigger, cancel), 0);
        assert_int_equal(poll_events(w, 1), STOPPED);
        assert_int_equal(w->state.stop, BP__STOP_CANCELLED);
        pthread_join(thread, NULL);
        bp_cancel_free(cancel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sleeping_takes_its_time),
        TEST(absolute_moments_are_waited_for),
        TEST(what_is_past_happens_at_once),
        TEST(only_what_has_happened_is_reported),
        TEST(descriptors_are_ready_at_once),
        TEST(bad_subscriptions_are_events_with_errors),
        TEST(nonsense_is_refused_before_sleeping),
        TEST(output_over_input_is_harmless),
        TEST(a_sleep_ends_with_the_deadline),
        TEST(a_sleep_as_long_as_the_deadline_ends_with_it),
        TEST(under_a_fake_clock_a_sleep_ends_too),
        TEST(cancelling_wakes_a_sleeper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
