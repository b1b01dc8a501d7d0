/* Extism memory: blocks, their handles, and what they cost. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "guest/extism/memory.h"
#include "support/check.h"
#include "support/signals.h"

#define LIMIT (UINT64_C(1) << 20)

/* An instance without code, whose limit the blocks count against. */
typedef struct world {
    bp__engine *engine;
    bp__module *module;
    bp__linked *linked;
    bp__instance *instance;
    bp__extism_memory memory;
} world;

static void open_instance(world *w, uint64_t memory_bytes)
{
    bp__instance_limits limits = {memory_bytes, 0, false};
    bp__until until = {UINT64_MAX, NULL, 0};
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp__instance_open(w->instance, w->linked, &limits, until, &error),
                     BP__ENDED_RETURNED);
}

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    bp__engine_options options = {.instances_max = 4,
                                  .memory_bytes_max = LIMIT,
                                  .table_elements_max = 10,
                                  .stack_bytes = 512 * 1024,
                                  .tick_ms = 1};
    bp__linker *linker = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__engine_new(&options, &w->engine, &error), &error);
    assert_status(BP_OK,
                  bp__module_compile(w->engine, BP_BYTES("\0asm\1\0\0\0"), &w->module, &error),
                  &error);
    assert_status(BP_OK, bp__linker_new(w->engine, &linker, &error), &error);
    assert_status(BP_OK, bp__linker_link(linker, w->module, &w->linked, &error), &error);
    bp__linker_free(linker);
    assert_status(BP_OK, bp__instance_new(w->engine, NULL, &w->instance, &error), &error);
    open_instance(w, LIMIT);
    bp__extism_memory_init(&w->memory, w->instance);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    bp__extism_memory_done(&w->memory);
    bp__instance_free(w->instance);
    bp__linked_free(w->linked);
    bp__module_free(w->module);
    bp__engine_free(w->engine);
    free(w);
    return 0;
}

static bp_bytes get(const world *w, uint64_t handle)
{
    return bp__extism_get(&w->memory, handle);
}

static void a_block_is_zeroed_and_found_by_its_handle(void **state)
{
    world *w = *state;
    static const char zeros[100];
    uint64_t one = bp__extism_alloc(&w->memory, 100), two = bp__extism_alloc(&w->memory, 1);
    assert_true(one && two && one != two);
    assert_int_equal(get(w, one).size, 100);
    assert_memory_equal(get(w, one).data, zeros, 100);
    assert_int_equal(get(w, two).size, 1);
    assert_int_equal(bp__extism_alloc(&w->memory, 0), 0);
    assert_null(get(w, 0).data);
    assert_null(get(w, one + 1).data);
}

static void bytes_are_put_whole(void **state)
{
    world *w = *state;
    uint64_t handle = bp__extism_put(&w->memory, BP_BYTES("some bytes"));
    assert_int_equal(get(w, handle).size, 10);
    assert_memory_equal(get(w, handle).data, "some bytes", 10);
    assert_int_equal(bp__extism_put(&w->memory, (bp_bytes){NULL, 0}), 0);
}

static void a_freed_block_is_gone_and_its_place_is_used_again(void **state)
{
    world *w = *state;
    uint64_t first = bp__extism_put(&w->memory, BP_BYTES("secret"));
    bp__extism_free(&w->memory, first);
    assert_null(get(w, first).data);
    bp__extism_free(&w->memory, first); /* twice is once */
    uint64_t used = w->memory.used;
    uint64_t second = bp__extism_alloc(&w->memory, 4);
    assert_int_equal(second, first);
    assert_int_equal(w->memory.used, used);
    assert_memory_equal(get(w, second).data, "\0\0\0\0", 4);
    assert_int_equal(get(w, second).size, 4);
    assert_true(bp__extism_alloc(&w->memory, 4) != first);
}

/* Else a guest that frees large blocks and wants small ones loses most of its memory. */
static void a_small_block_does_not_take_a_large_place(void **state)
{
    world *w = *state;
    uint64_t large = bp__extism_alloc(&w->memory, 10000);
    bp__extism_free(&w->memory, large);
    assert_true(bp__extism_alloc(&w->memory, 10) != large);
    assert_int_equal(bp__extism_alloc(&w->memory, 9000), large);
}

/* A guest that asks for and frees the same again and again needs no more for it. */
static void steady_use_does_not_grow(void **state)
{
    world *w = *state;
    uint64_t used = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t handles[] = {bp__extism_alloc(&w->memory, 64), bp__extism_alloc(&w->memory, 200),
                              bp__extism_alloc(&w->memory, 64)};
        for (size_t j = 0; j < COUNT(handles); j++) {
            assert_true(handles[j]);
            bp__extism_free(&w->memory, handles[j]);
        }
        if (i == 10)
            used = w->memory.used;
    }
    assert_int_equal(w->memory.used, used);
}

static void a_header_that_lies_is_not_believed(void **state)
{
    world *w = *state;
    uint64_t one = bp__extism_alloc(&w->memory, 32), two = bp__extism_alloc(&w->memory, 32);
    static const uint64_t lies[] = {0, 1, 2, UINT32_MAX, UINT64_MAX, UINT64_C(1) << 63};
    for (size_t i = 0; i < COUNT(lies); i++) {
        memcpy(w->memory.data + one + 8, &lies[i], 8); /* inside a block */
        assert_null(get(w, one + 16).data);
        memcpy(w->memory.data + two - 8, &lies[i], 8);
        bp_bytes found = get(w, two);
        assert_true(found.data == NULL || lies[i] == 1);
    }
}

static void a_lie_in_a_freed_blocks_header_ends_with_its_reuse(void **state)
{
    world *w = *state;
    uint64_t lie = UINT64_MAX, first = bp__extism_alloc(&w->memory, 32);
    bp__extism_free(&w->memory, first);
    memcpy(w->memory.data + first - 8, &lie, 8);
    assert_int_equal(bp__extism_alloc(&w->memory, 32), first);
    assert_int_equal(get(w, first).size, 32);
}

static void the_limit_is_the_instances_and_counts_all(void **state)
{
    world *w = *state;
    assert_int_equal(bp__extism_alloc(&w->memory, LIMIT), 0);
    assert_int_equal(bp__extism_alloc(&w->memory, UINT64_MAX), 0);
    assert_int_equal(bp__extism_alloc(&w->memory, UINT64_MAX - 15), 0);
    uint64_t total = 0;
    while (bp__extism_alloc(&w->memory, 1000))
        total += 1000;
    assert_true(total > LIMIT / 2 && total < LIMIT);
    assert_true(bp__instance_memory_bytes(w->instance) <= LIMIT);
    assert_true(bp__instance_report(w->instance)->memory_refused);
}

/* What was put before is neither seen nor counted after a reset. */
static void a_reset_forgets_all(void **state)
{
    world *w = *state;
    uint64_t handles[50];
    for (size_t i = 0; i < COUNT(handles); i++)
        handles[i] = bp__extism_put(&w->memory, BP_BYTES("left behind"));
    bp__extism_memory_reset(&w->memory);
    assert_int_equal(bp__instance_memory_bytes(w->instance), 0);
    for (size_t i = 0; i < COUNT(handles); i++)
        assert_null(get(w, handles[i]).data);
    assert_false(bp__extism_in_bounds(&w->memory, handles[0], 1));
    uint64_t again = bp__extism_alloc(&w->memory, 11);
    assert_int_equal(again, handles[0]);
    assert_memory_equal(get(w, again).data, "\0\0\0\0\0\0\0\0\0\0\0", 11);
    assert_null(get(w, handles[1]).data);
}

static void a_reset_gives_much_memory_back(void **state)
{
    world *w = *state;
    open_instance(w, UINT64_C(1) << 30);
    assert_true(bp__extism_alloc(&w->memory, 4 << 20));
    assert_true(w->memory.capacity >= 4 << 20);
    bp__extism_memory_reset(&w->memory);
    assert_int_equal(w->memory.capacity, 0);
    assert_true(bp__extism_alloc(&w->memory, 4000));
    bp__extism_memory_reset(&w->memory);
    assert_true(w->memory.capacity > 0); /* a little is kept for the next call */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        TEST(a_block_is_zeroed_and_found_by_its_handle),
        TEST(bytes_are_put_whole),
        TEST(a_freed_block_is_gone_and_its_place_is_used_again),
        TEST(a_small_block_does_not_take_a_large_place),
        TEST(steady_use_does_not_grow),
        TEST(a_header_that_lies_is_not_believed),
        TEST(a_lie_in_a_freed_blocks_header_ends_with_its_reuse),
        TEST(the_limit_is_the_instances_and_counts_all),
        TEST(a_reset_forgets_all),
        TEST(a_reset_gives_much_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
