/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi1_world.h"

static void all_46_functions_are_there_in_order(void **unused)
{
    (void)unused;
    assert_int_equal(bp__wasi1_function_count, 46);
    for (size_t i = 1; i < bp__wasi1_function_count; i++)
        assert_true(strcmp(bp__wasi1_functions[i - 1].name, bp__wasi1_functions[i].name) < 0);
}

static void signatures_are_well_formed(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < bp__wasi1_function_count; i++) {
        const bp__wasi1_function *function = &bp__wasi1_functions[i];
        size_t count = arg_count(function);
        assert_int_equal(strspn(function->signature, "iI"), count);
        assert_true(count <= BP__WASI1_ARGS_MAX);
        bool exits = !strcmp(function->name, "proc_exit");
        assert_string_equal(function->signature + count, exits ? ">" : ">i");
        assert_non_null(function->call);
    }
    assert_string_equal(find("path_open")->signature, "iiiiiIIii>i");
    assert_string_equal(find("fd_seek")->signature, "iIii>i");
}

static void there_is_one_argument(void **state)
{
    world *w = *state;
    assert_int_equal(CALL(w, "args_sizes_get", 11, 17), 0);
    assert_int_equal(load(w, 11, 4), 1);
    size_t size = load(w, 17, 4);
    assert_int_equal(CALL(w, "args_get", 101, 4096 - size), 0);
    assert_int_equal(load(w, 101, 4), 4096 - size);
    assert_string_equal((char *)w->memory.base + 4096 - size, "plugin");
    assert_int_equal(size, sizeof "plugin");
    assert_int_equal(CALL(w, "args_get", 101, 4097 - size), EFAULT_);
    assert_int_equal(CALL(w, "args_get", 4093, 0), EFAULT_);
    assert_int_equal(CALL(w, "args_sizes_get", 4093, 0), EFAULT_);
    assert_int_equal(CALL(w, "args_sizes_get", 0, UINT32_MAX), EFAULT_);
}

static void there_is_no_environment(void **state)
{
    world *w = *state;
    store(w, 0, 8, UINT64_MAX);
    assert_int_equal(CALL(w, "environ_sizes_get", 0, 4), 0);
    assert_int_equal(load(w, 0, 8), 0);
    assert_int_equal(CALL(w, "environ_get", 0, 0), 0);
    assert_int_equal(CALL(w, "environ_sizes_get", 4093, 0), EFAULT_);
}

static void exiting_unwinds(void **state)
{
    world *w = *state;
    assert_int_equal(CALL(w, "proc_exit", 0xFFFFFFFE), STOPPED);
    assert_int_equal(w->state.stop, BP__STOP_EXITED);
    assert_int_equal(w->state.exit_code, -2);
    begin(w);
    assert_int_equal(CALL(w, "proc_exit", 0), STOPPED);
    assert_int_equal(w->state.stop, BP__STOP_EXITED);
    assert_int_equal(w->state.exit_code, 0);
}

static void signals_and_yielding(void **state)
{
    world *w = *state;
    assert_int_equal(CALL(w, "proc_raise", 6), ENOTSUP_);
    assert_int_equal(CALL(w, "sched_yield", 0), 0);
}

static void randomness_fills_exactly_what_was_asked_for(void **state)
{
    world *w = *state;
    set_memory(w, 100000); /* several chunks */
    assert_int_equal(CALL(w, "random_get", 10, 99000), 0);
    assert_true(all_zero(w->memory.base, 10));
    assert_true(all_zero(w->memory.base + 99010, 990));
    for (size_t at = 10; at + 32 <= 99010; at += 32) /* 2^-256 to fail by chance */
        assert_false(all_zero(w->memory.base + at, 32));
    assert_int_equal(CALL(w, "random_get", 100000, 0), 0);
    assert_int_equal(CALL(w, "random_get", 100000, 1), EFAULT_);
    assert_int_equal(CALL(w, "random_get", 1, 100000), EFAULT_);
}

static void much_randomness_ends_with_the_deadline(void **state)
{
    world *w = *state;
    uint32_t size = 64 * 1024 * 1024; /* no machine makes it in a millisecond */
    set_memory(w, size);
    w->state.by = bp_deadline_in_ms(1);
    assert_int_equal(CALL(w, "random_get", 0, size), STOPPED);
    assert_int_equal(w->state.stop, BP__STOP_DEADLINE);
}

static void the_monotonic_clock_is_that_of_deadlines(void **state)
{
    world *w = *state;
    bp__clock_fake_set(123456789);
    assert_int_equal(CALL(w, "clock_time_get", 1, 0, 5), 0);
    assert_int_equal(load(w, 5, 8), 123456789);
}

static void the_real_time_clock_is_the_systems(void **state)
{
    world *w = *state;
    struct timespec before, after;
    clock_gettime(CLOCK_REALTIME, &before);
    assert_int_equal(CALL(w, "clock_time_get", 0, UINT64_MAX, 4088), 0);
    clock_gettime(CLOCK_REALTIME, &after);
    assert_in_range(load(w, 4088, 8) / BP_NS_PER_S, (uint64_t)before.tv_sec,
                    (uint64_t)after.tv_sec);
}

static void other_clocks_are_refused(void **state)
{
    world *w = *state;
    assert_int_equal(CALL(w, "clock_time_get", 2, 0, 0), ENOTSUP_);
    assert_int_equal(CALL(w, "clock_time_get", 3, 0, 0), ENOTSUP_);
    assert_int_equal(CALL(w, "clock_time_get", 4, 0, 0), EINVAL_);
    assert_int_equal(CALL(w, "clock_time_get", 1, 0, 4089), EFAULT_);
    assert_int_equal(CALL(w, "clock_res_get", 3, 0), ENOTSUP_);
    assert_int_equal(CALL(w, "clock_res_get", UINT32_MAX, 0), EINVAL_);
    assert_int_equal(CALL(w, "clock_res_get", 0, 4089), EFAULT_);
}

static void clocks_have_a_resolution(void **state)
{
    world *w = *state;
    for (uint64_t clock = 0; clock < 2; clock++) {
        assert_int_equal(CALL(w, "clock_res_get", clock, 1), 0);
        assert_in_range(load(w, 1, 8), 1, BP_NS_PER_S);
        store(w, 1, 8, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_46_functions_are_there_in_order),
        TEST(signatures_are_well_formed),
        TEST(there_is_one_argument),
        TEST(there_is_no_environment),
        TEST(exiting_unwinds),
        TEST(signals_and_yielding),
        TEST(randomness_fills_exactly_what_was_asked_for),
        TEST(much_randomness_ends_with_the_deadline),
        TEST(the_monotonic_clock_is_that_of_deadlines),
        TEST(the_real_time_clock_is_the_systems),
        TEST(other_clocks_are_refused),
        TEST(clocks_have_a_resolution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
