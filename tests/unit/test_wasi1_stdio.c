/* A command's arguments and standard streams in WASI preview 1. SPDX-License-Identifier: Apache-2.0
 */
#include "wasi1_world.h"

#define FROM_INPUT 64 /* where guests' buffers begin in these tests */

static void give(world *w, bp_bytes in, bp__buffer *out)
{
    bp__host_call call = {.by = UINT64_MAX,
                          .host_calls_max = UINT64_MAX,
                          .log_bytes_max = 1000000,
                          .output_bytes_max = 1000000,
                          .stdio = {.in = in, .out = out}};
    bp__host_state_begin(&w->state, &call);
}

/* ---- arguments ---- */

static void arguments_arrive_in_order(void **state)
{
    world *w = *state;
    static const char *const texts[] = {"cat", "", "-n", "\xFF two words"};
    w->state.stdio.args = texts;
    w->state.stdio.arg_count = 4;
    assert_int_equal(CALL(w, "args_sizes_get", 3, 11), 0);
    uint64_t size = load(w, 11, 4);
    assert_int_equal(load(w, 3, 4), 4);
    assert_int_equal(size, 4 + 1 + 3 + 12);
    memset(w->memory.base, 0xAA, 4096);
    assert_int_equal(CALL(w, "args_get", 101, 4096 - size), 0);
    for (size_t i = 0; i < 4; i++) {
        uint64_t at = load(w, 101 + 4 * i, 4);
        assert_true(at >= 4096 - size && at < 4096);
        assert_string_equal((char *)w->memory.base + at, texts[i]);
    }
    assert_int_equal(load(w, 117, 1), 0xAA); /* no pointer too many */
    assert_int_equal(load(w, 4096 - size - 1, 1), 0xAA);
}

static void arguments_stay_inside(void **state)
{
    world *w = *state;
    static char longest[128 * 1024];
    static const char *const texts[] = {"cat", longest};
    memset(longest, 'a', sizeof longest - 1);
    w->state.stdio.args = texts;
    w->state.stdio.arg_count = 2;
    assert_int_equal(CALL(w, "args_sizes_get", 0, 4), 0);
    assert_int_equal(load(w, 4, 4), sizeof longest + 4);
    memset(w->memory.base, 0xAA, 4096);
    static const uint64_t places[] = {0, 1, 4089, 4092, 4096, UINT32_MAX - 3, UINT32_MAX};
    for (size_t i = 0; i < 7; i++)
        for (size_t k = 0; k < 7; k++)
            assert_int_equal(CALL(w, "args_get", places[i], places[k]), EFAULT_);
    for (size_t i = 0; i < 4096; i++)
        assert_int_equal(w->memory.base[i], 0xAA);
}

/* ---- standard input ---- */

static void input_is_read_once_and_then_at_its_end(void **state)
{
    world *w = *state;
    give(w, (bp_bytes){"standard input", 14}, NULL);
    store_iovec(w, 0, 100, 4);
    store_iovec(w, 8, 0, 0);
    store_iovec(w, 16, 200, 6);
    assert_int_equal(CALL(w, "fd_read", 0, 0, 3, 32), 0);
    assert_int_equal(load(w, 32, 4), 10);
    assert_memory_equal(w->memory.base + 100, "stan", 5); /* not a byte too many */
    assert_memory_equal(w->memory.base + 200, "dard i", 7);
    assert_int_equal(CALL(w, "fd_read", 0, 0, 3, 32), 0);
    assert_int_equal(load(w, 32, 4), 4);
    assert_memory_equal(w->memory.base + 100, "nput", 4);
    assert_memory_equal(w->memory.base + 200, "dard i", 7);
    for (int again = 0; again < 3; again++) {
        assert_int_equal(CALL(w, "fd_read", 0, 0, 3, 32), 0);
        assert_int_equal(load(w, 32, 4), 0);
    }
}

static void bad_reads_take_nothing(void **state)
{
    world *w = *state;
    give(w, (bp_bytes){"input", 5}, NULL);
    store_iovec(w, 0, 100, 2);
    store_iovec(w, 8, 4095, 2);
    assert_int_equal(CALL(w, "fd_read", 0, 0, 2, 32), EFAULT_); /* the second is outside */
    assert_int_equal(CALL(w, "fd_read", 0, 0, 1, 4093), EFAULT_);
    assert_int_equal(CALL(w, "fd_read", 0, 4090, 1, 32), EFAULT_);
    assert_int_equal(CALL(w, "fd_read", 0, 0, 1025, 32), EINVAL_);
    assert_int_equal(CALL(w, "fd_read", 1, 0, 1, 32), EBADF_);
    assert_int_equal(CALL(w, "fd_read", 2, 0, 1, 32), EBADF_);
    assert_int_equal(CALL(w, "fd_read", 0, 0, 0, 32), 0);
    assert_int_equal(load(w, 32, 4), 0);
    assert_int_equal(CALL(w, "fd_pread", 0, 0, 1, 0, 32), ESPIPE_);
    assert_int_equal(CALL(w, "fd_seek", 0, 0, 0, 32), ESPIPE_);
    assert_int_equal(CALL(w, "fd_read", 0, 0, 1, 32), 0);
    assert_memory_equal(w->memory.base + 100, "in", 2);
}

/* What is read over the list of places itself: nonsense, inside the guest's memory. */
static void input_may_overwrite_its_own_list(void **state)
{
    world *w = *state;
    static char nonsense[4096];
    memset(nonsense, 0xF7, sizeof nonsense);
    give(w, (bp_bytes){nonsense, sizeof nonsense}, NULL);
    for (size_t i = 0; i < 100; i++)
        store_iovec(w, i * 8, (uint32_t)i * 8 + 8, 24);
    assert_int_equal(CALL(w, "fd_read", 0, 0, 100, 4000), 0);
    assert_true(load(w, 4000, 4) <= sizeof nonsense);
}

static void what_is_left_of_input_is_ready(void **state)
{
    world *w = *state;
    give(w, (bp_bytes){"input", 5}, NULL);
    store(w, 0, 8, 42);
    store(w, 8, 1, 1); /* read */
    store(w, 16, 4, 0);
    assert_int_equal(CALL(w, "poll_oneoff", 0, 1000, 1, 2000), 0);
    assert_int_equal(load(w, 2000, 4), 1);
    assert_int_equal(load(w, 1008, 2), 0);
    assert_int_equal(load(w, 1016, 8), 5);
    assert_int_equal(load(w, 1024, 2), 0); /* no hang-up yet */
    store_iovec(w, 500, 600, 100);
    assert_int_equal(CALL(w, "fd_read", 0, 500, 1, 508), 0);
    assert_int_equal(CALL(w, "poll_oneoff", 0, 1000, 1, 2000), 0);
    assert_int_equal(load(w, 1016, 8), 0);
    assert_int_equal(load(w, 1024, 2), 1);
}

/* ---- standard output ---- */

static void output_is_kept_and_errors_are_logged(void **state)
{
    world *w = *state;
    bp__buffer out = {0};
    give(w, (bp_bytes){NULL, 0}, &out);
    memcpy(w->memory.base + 100, "a\0b\n", 4);
    store_iovec(w, 0, 100, 4);
    store_iovec(w, 8, 101, 2);
    assert_int_equal(CALL(w, "fd_write", 1, 0, 2, 32), 0);
    assert_int_equal(load(w, 32, 4), 6);
    assert_int_equal(CALL(w, "fd_close", 1), 0); /* has no effect */
    assert_int_equal(CALL(w, "fd_write", 1, 8, 1, 32), 0);
    assert_int_equal(out.size, 8);
    assert_memory_equal(out.data, "a\0b\n\0b\0b", 8);
    assert_int_equal(w->records, 0);
    assert_int_equal(CALL(w, "fd_write", 2, 0, 1, 32), 0);
    assert_int_equal(w->records, 1);
    assert_int_equal(out.size, 8);
    bp__buffer_done(&out);
}

static void output_has_a_limit_that_unwinds(void **state)
{
    world *w = *state;
    bp__buffer out = {0};
    give(w, (bp_bytes){NULL, 0}, &out);
    w->state.output_bytes_max = 7;
    store_iovec(w, 0, 100, 7);
    store_iovec(w, 8, 100, 1);
    assert_int_equal(CALL(w, "fd_write", 1, 0, 1, 32), 0); /* exactly as much */
    assert_int_equal(CALL(w, "fd_write", 1, 8, 1, 32), STOPPED);
    assert_int_equal(w->state.stop, BP__STOP_LIMIT);
    assert_string_equal(w->state.limit, "output_bytes");
    assert_int_equal(out.size, 7);
    bp__buffer_done(&out);
}

/* As pipes of other hosts: neither a terminal nor anything that could be sought in. */
static void descriptors_are_pipes(void **state)
{
    world *w = *state;
    bp__buffer out = {0};
    give(w, (bp_bytes){NULL, 0}, &out);
    for (uint64_t fd = 0; fd < 3; fd++) {
        memset(w->memory.base, 0xAA, 200);
        assert_int_equal(CALL(w, "fd_fdstat_get", fd, 0), 0);
        assert_int_equal(load(w, 0, 1), 0);
        assert_int_equal(load(w, 8, 8) & (1 << 2 | 1 << 5), 0);
        assert_int_equal(CALL(w, "fd_filestat_get", fd, 64), 0);
        assert_int_equal(load(w, 80, 1), 0);
        assert_int_equal(load(w, 96, 8), 0); /* its size */
    }
}

/* ---- any bytes, any chunks ---- */

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

/* Up to 8 places of up to 400 bytes that do not overlap; their bytes together. */
static uint32_t draw_places(world *w, uint32_t *seed, uint32_t *ret_count)
{
    uint32_t at = FROM_INPUT + 64, sum = 0;
    *ret_count = draw(seed, 9);
    for (uint32_t i = 0; i < *ret_count; i++) {
        uint32_t size = draw(seed, 401);
        at += draw(seed, 8);
        store_iovec(w, FROM_INPUT + 8 * i, at, size);
        at += size;
        sum += size;
    }
    return sum;
}

/* Reads some, writes as much of it through the same places; false at the end. */
static bool copy_some(world *w, uint32_t *seed)
{
    uint32_t count, wanted = draw_places(w, seed, &count);
    assert_int_equal(CALL(w, "fd_read", 0, FROM_INPUT, count, 0), 0);
    uint32_t got = (uint32_t)load(w, 0, 4), left = got;
    assert_true(got <= wanted);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = (uint32_t)load(w, FROM_INPUT + 8 * i + 4, 4);
        uint32_t part = size < left ? size : left;
        store(w, FROM_INPUT + 8 * i + 4, 4, part);
        left -= part;
    }
    assert_int_equal(CALL(w, "fd_write", 1, FROM_INPUT, count, 4), 0);
    assert_int_equal(load(w, 4, 4), got);
    return got || !wanted;
}

static void what_goes_in_comes_out(void **state)
{
    world *w = *state;
    static uint8_t input[20000];
    for (uint32_t seed = 1; seed <= 300; seed++) {
        uint32_t random = seed, size = draw(&random, seed % 3 ? sizeof input : 10);
        bp__buffer out = {0};
        for (uint32_t i = 0; i < size; i++)
            input[i] = (uint8_t)draw(&random, 256);
        give(w, (bp_bytes){input, size}, &out);
        while (copy_some(w, &random)) {
        }
        if (out.size != size || (size && memcmp(out.data, input, size) != 0))
            fail_msg("seed %u: %zu bytes of %u, or others", seed, out.size, size);
        bp__buffer_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arguments_arrive_in_order),
        TEST(arguments_stay_inside),
        TEST(input_is_read_once_and_then_at_its_end),
        TEST(bad_reads_take_nothing),
        TEST(input_may_overwrite_its_own_list),
        TEST(what_is_left_of_input_is_ready),
        TEST(output_is_kept_and_errors_are_logged),
        TEST(output_has_a_limit_that_unwinds),
        TEST(descriptors_are_pipes),
        TEST(what_goes_in_comes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
