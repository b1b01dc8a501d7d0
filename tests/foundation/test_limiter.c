/* The limiter of foundation.h: what a store may grow to. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

/* What the limiter was asked last, and what it is to answer. */
struct limit {
    uint64_t bytes_max;
    uint64_t elements_max;
    foundation_grow_answer beyond;
    uint64_t total;
    uint64_t wanted;
    unsigned asked;
};

static foundation_grow_answer growing(void *data, foundation_grow_kind kind, uint64_t total,
                                      uint64_t wanted)
{
    struct limit *limit = data;
    limit->total = total;
    limit->wanted = wanted;
    limit->asked++;
    uint64_t max = kind == FOUNDATION_GROW_MEMORY ? limit->bytes_max : limit->elements_max;
    return wanted <= max ? FOUNDATION_GROW_ALLOW : limit->beyond;
}

static const char grower[] =
    "(module"
    " (memory $a 1) (memory $b 2) (memory $small 0 1) (table $t 3 100 funcref)"
    " (table $huge i64 2 funcref)"
    " (func (export \"grow_a\") (param i32) (result i32) (memory.grow $a (local.get 0)))"
    " (func (export \"grow_b\") (param i32) (result i32) (memory.grow $b (local.get 0)))"
    " (func (export \"grow_small\") (param i32) (result i32) (memory.grow $small (local.get 0)))"
    " (func (export \"grow_table\") (param i32) (result i32) (table.grow $t (ref.null func) "
    "(local.get 0)))"
    " (func (export \"grow_huge_table\") (param i32) (result i32)"
    "  (i32.wrap_i64 (table.grow $huge (ref.null func) (i64.extend_i32_s (local.get 0))))))";

struct growing_guest {
    wasm_engine_t *engine;
    wasmtime_module_t *module;
    wasmtime_store_t *store;
    wasmtime_instance_t instance;
};

static struct growing_guest growing_guest(struct limit *limit)
{
    struct growing_guest guest = {.engine = plain_engine()};
    guest.module = module_new(guest.engine, grower);
    guest.store = wasmtime_store_new(guest.engine, NULL, NULL);
    foundation_store_limiter_set(guest.store, growing, limit);
    guest.instance = instance_new(guest.store, guest.module);
    return guest;
}

static void growing_guest_done(struct growing_guest *guest)
{
    wasmtime_store_delete(guest->store);
    wasmtime_module_delete(guest->module);
    wasm_engine_delete(guest->engine);
}

static int32_t grow(struct growing_guest *guest, const char *export, int32_t by)
{
    int32_t before = 0;
    assert_no_trap(call_i32(guest->store, &guest->instance, export, &by, &before));
    return before;
}

static void limiter_sums_all_memories(void **state)
{
    (void)state;
    struct limit limit = {
        .bytes_max = 6 * WASM_PAGE, .elements_max = 12, .beyond = FOUNDATION_GROW_REFUSE};
    struct growing_guest guest = growing_guest(&limit);
    assert_int_equal(grow(&guest, "grow_a", 1), 1);
    assert_int_equal(limit.total, 3 * WASM_PAGE); /* what it started with: 1 + 2 + 0 */
    assert_int_equal(limit.wanted, 4 * WASM_PAGE);
    assert_int_equal(grow(&guest, "grow_b", 2), 2);
    assert_int_equal(limit.wanted, 6 * WASM_PAGE);

    /* neither has anything left, and a refusal is not counted */
    assert_int_equal(grow(&guest, "grow_a", 1), -1);
    assert_int_equal(grow(&guest, "grow_b", 1), -1);
    assert_int_equal(limit.total, 6 * WASM_PAGE);
    growing_guest_done(&guest);
}

static void limiter_counts_tables_apart(void **state)
{
    (void)state;
    struct limit limit = {
        .bytes_max = 100 * WASM_PAGE, .elements_max = 12, .beyond = FOUNDATION_GROW_REFUSE};
    struct growing_guest guest = growing_guest(&limit);
    assert_int_equal(grow(&guest, "grow_table", 7), 3);
    assert_int_equal(limit.total, 5); /* what they started with: 3 + 2 */
    assert_int_equal(limit.wanted, 12);
    assert_int_equal(grow(&guest, "grow_table", 1), -1);
    growing_guest_done(&guest);
}

static void limiter_takes_back_a_growth_that_failed(void **state)
{
    (void)state;
    struct limit limit = {
        .bytes_max = 100 * WASM_PAGE, .elements_max = 1000, .beyond = FOUNDATION_GROW_REFUSE};
    struct growing_guest guest = growing_guest(&limit);
    /* allowed by us, but beyond the maximum that the module declares */
    assert_int_equal(grow(&guest, "grow_small", 50), -1);
    assert_int_equal(limit.wanted, 53 * WASM_PAGE);
    assert_int_equal(grow(&guest, "grow_a", 1), 1);
    assert_int_equal(limit.total, 3 * WASM_PAGE);

    assert_int_equal(grow(&guest, "grow_table", 500), -1);
    assert_int_equal(grow(&guest, "grow_table", 1), 3);
    assert_int_equal(limit.total, 5);
    growing_guest_done(&guest);
}

static void limiter_cannot_be_talked_down(void **state)
{
    (void)state;
    struct limit limit = {
        .bytes_max = 100 * WASM_PAGE, .elements_max = 1000, .beyond = FOUNDATION_GROW_REFUSE};
    struct growing_guest guest = growing_guest(&limit);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(grow(&guest, "grow_huge_table", 1), 2 + i);
        assert_int_equal(limit.wanted, 3 + 2 + 1 + i);
        /* The size would overflow. Wasmtime reports that failure without having asked; to take it
         * for the failure of the growth before would let a guest grow for ever. */
        unsigned asked = limit.asked;
        assert_int_equal(grow(&guest, "grow_huge_table", -1), -1);
        assert_int_equal(limit.asked, asked);
    }
    growing_guest_done(&guest);
}

static void limiter_can_trap(void **state)
{
    (void)state;
    struct limit limit = {
        .bytes_max = 4 * WASM_PAGE, .elements_max = 12, .beyond = FOUNDATION_GROW_TRAP};
    struct growing_guest guest = growing_guest(&limit);
    int32_t by = 2, before = 0;
    wasm_trap_t *trap = call_i32(guest.store, &guest.instance, "grow_a", &by, &before);
    assert_non_null(trap);
    foundation_error_info info;
    foundation_trap_inspect(trap, &info);
    assert_int_equal(info.kind, FOUNDATION_ERROR_TRAP);
    assert_int_equal(info.trap_code, WASMTIME_TRAP_CODE_ALLOCATION_TOO_LARGE);
    char text[256];
    foundation_trap_text(trap, text, sizeof text);
    assert_non_null(strstr(text, "growth to 327680 bytes of memory refused"));
    wasm_trap_delete(trap);
    growing_guest_done(&guest);
}

static void limiter_refuses_the_initial_size_too(void **state)
{
    (void)state;
    wasm_engine_t *engine = plain_engine();
    wasmtime_module_t *module = module_new(engine, grower);
    struct limit limit = {
        .bytes_max = 2 * WASM_PAGE, .elements_max = 12, .beyond = FOUNDATION_GROW_REFUSE};
    wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
    foundation_store_limiter_set(store, growing, &limit);
    wasmtime_instance_t instance;
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error =
        wasmtime_instance_new(wasmtime_store_context(store), module, NULL, 0, &instance, &trap);
    assert_non_null(error);
    assert_null(trap);
    wasmtime_error_delete(error);
    wasmtime_store_delete(store);
    wasmtime_module_delete(module);
    wasm_engine_delete(engine);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limiter_sums_all_memories),
        cmocka_unit_test(limiter_counts_tables_apart),
        cmocka_unit_test(limiter_takes_back_a_growth_that_failed),
        cmocka_unit_test(limiter_cannot_be_talked_down),
        cmocka_unit_test(limiter_can_trap),
        cmocka_unit_test(limiter_refuses_the_initial_size_too),
    };
    return cmocka_run_group_tests_name("foundation", tests, NULL, NULL);
}
