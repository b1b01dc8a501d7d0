/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi1_world.h"

static uint64_t random_state = 42;
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* A value that breaks bounds checks, for an argument of this type and a memory of this size. */
static uint64_t hostile(char type, size_t size, uint64_t choice)
{
    const uint64_t values[] = {0,
                               1,
                               2,
                               3,
                               8,
                               size,
                               size - 1,
                               size - 4,
                               size - 8,
                               size - 24,
                               size - 48,
                               size + 1,
                               size / 2,
                               INT32_MAX,
                               UINT64_C(0x80000000),
                               UINT32_MAX,
                               UINT32_MAX - 7,
                               UINT64_MAX,
                               UINT64_C(1) << 32,
                               UINT64_C(0x20000001),
                               INT64_MAX};
    uint64_t value = values[choice % (sizeof values / sizeof *values)];
    return type == 'I' ? value : (uint32_t)value;
}

/* One tick before the deadline, so that nothing sleeps. */
static void begin_at_the_last_moment(world *w)
{
    begin(w);
    bp__clock_fake_set(1000);
    w->state.by = 1001;
}

static void attack(world *w, const bp__wasi1_function *function, const uint64_t *args)
{
    uint8_t *before = malloc(w->memory.size + 1);
    if (w->memory.size)
        memcpy(before, w->memory.base, w->memory.size);
    begin_at_the_last_moment(w);
    uint32_t error = invoke(w, function, args);
    if (error != STOPPED)
        assert_in_range(error, 0, ERRNO_LAST);
    if (error != 0 && error != STOPPED && w->memory.size) /* an error means: nothing was done */
        assert_memory_equal(w->memory.base, before, w->memory.size);
    bp__host_state_end(&w->state);
    free(before);
}

static void fill_memory(world *w, uint64_t how)
{
    for (size_t i = 0; i < w->memory.size; i++)
        switch (how % 4) {
        case 0:
            w->memory.base[i] = 0;
            break;
        case 1:
            w->memory.base[i] = 0xFF;
            break;
        case 2: /* small numbers: types, descriptors and lengths that exist */
            w->memory.base[i] = i % 4 ? 0 : (uint8_t)(next_random() % 3);
            break;
        default:
            w->memory.base[i] = (uint8_t)next_random();
        }
}

static const size_t memory_sizes[] = {0, 1, 7, 8, 24, 48, 64, 200, 4096};
#define MEMORY_SIZES (sizeof memory_sizes / sizeof *memory_sizes)

static void the_same_hostile_value_everywhere(void **state)
{
    world *w = *state;
    for (size_t s = 0; s < MEMORY_SIZES; s++) {
        set_memory(w, memory_sizes[s]);
        for (size_t i = 0; i < bp__wasi1_function_count; i++)
            for (uint64_t choice = 0; choice < 21; choice++) {
                uint64_t args[BP__WASI1_ARGS_MAX] = {0};
                for (size_t k = 0; k < arg_count(&bp__wasi1_functions[i]); k++)
                    args[k] = hostile(bp__wasi1_functions[i].signature[k], memory_sizes[s], choice);
                fill_memory(w, choice);
                attack(w, &bp__wasi1_functions[i], args);
            }
    }
}

static void hostile_values_in_all_mixtures(void **state)
{
    world *w = *state;
    for (size_t s = 0; s < MEMORY_SIZES; s++) {
        set_memory(w, memory_sizes[s]);
        for (size_t i = 0; i < bp__wasi1_function_count; i++) {
            const bp__wasi1_function *function = &bp__wasi1_functions[i];
            for (int round = 0; round < 300; round++) {
                uint64_t args[BP__WASI1_ARGS_MAX] = {0};
                for (size_t k = 0; k < arg_count(function); k++)
                    args[k] = hostile(function->signature[k], memory_sizes[s], next_random());
                fill_memory(w, next_random());
                attack(w, function, args);
            }
        }
    }
}

static void a_flood_of_host_calls_ends(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < bp__wasi1_function_count; i++) {
        const bp__wasi1_function *function = &bp__wasi1_functions[i];
        if (!strcmp(function->name, "proc_exit"))
            continue;
        const uint64_t args[BP__WASI1_ARGS_MAX] = {0};
        begin(w);
        w->state.host_calls_max = 3;
        for (int k = 0; k < 3; k++)
            assert_int_not_equal(invoke(w, function, args), STOPPED);
        assert_int_equal(invoke(w, function, args), STOPPED);
        assert_int_equal(w->state.stop, BP__STOP_LIMIT);
        assert_string_equal(w->state.limit, "host_calls");
    }
}

static const char *const long_ones[] = {"fd_read", "fd_write", "poll_oneoff", "random_get",
                                        "sched_yield"};

static void what_may_take_long_looks_at_the_deadline(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < sizeof long_ones / sizeof *long_ones; i++) {
        begin(w);
        w->state.by = BP_NOW;
        assert_int_equal(CALL(w, long_ones[i], 0), STOPPED);
        assert_int_equal(w->state.stop, BP__STOP_DEADLINE);
        assert_string_equal(w->state.host_function, long_ones[i]);
    }
}

static void what_may_take_long_looks_at_the_token(void **state)
{
    world *w = *state;
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    bp_cancel_trigger(cancel);
    for (size_t i = 0; i < sizeof long_ones / sizeof *long_ones; i++) {
        begin(w);
        w->state.cancel = cancel;
        assert_int_equal(CALL(w, long_ones[i], 0), STOPPED);
        assert_int_equal(w->state.stop, BP__STOP_CANCELLED);
    }
    bp_cancel_free(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_hostile_value_everywhere),
        TEST(hostile_values_in_all_mixtures),
        TEST(a_flood_of_host_calls_ends),
        TEST(what_may_take_long_looks_at_the_deadline),
        TEST(what_may_take_long_looks_at_the_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
