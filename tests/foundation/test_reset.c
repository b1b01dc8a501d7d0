/* foundation_instance_reset(): after it an instance cannot be told from a new one, whatever the
 * guest did to it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support.h"

#include <stdlib.h>

#define KEEP_RESIDENT (256u << 10)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Everything that a guest can change about itself. `ruin` leaves nothing of it as it was, in a way
 * that depends on its parameter; `use` needs the segments that `ruin` drops. */
static const char guest_text[] =
    "(module"
    " (memory $image (export \"image\") 3 64)"
    " (memory $plain (export \"plain\") 2 64)"
    " (memory $none (export \"none\") 0 8)"
    " (table $lazy (export \"lazy\") 5 50 funcref)"
    " (table $empty (export \"empty\") 0 50 funcref)"
    " (global $i32 (export \"i32\") (mut i32) (i32.const 11))"
    " (global $i64 (export \"i64\") (mut i64) (i64.const 22))"
    " (global $f32 (export \"f32\") (mut f32) (f32.const 3.5))"
    " (global $f64 (export \"f64\") (mut f64) (f64.const 4.25))"
    " (global $v128 (export \"v128\") (mut v128) (v128.const i64x2 5 6))"
    " (global $ref (export \"ref\") (mut funcref) (ref.func $one))"
    " (global $null (export \"null\") (mut funcref) (ref.null func))"
    " (global $starts (export \"starts\") (mut i32) (i32.const 0))"
    " (data (memory $image) (i32.const 1000) \"what stood there at first\")"
    " (data (memory $image) (i32.const 131000) \"and here\")"
    " (data $passive \"a passive segment\")"
    " (elem (table $lazy) (i32.const 1) func $one $two)"
    " (elem $parts func $two $one $two)"
    " (func $one (export \"one\") (result i32) (i32.const 1))"
    " (func $two (export \"two\") (result i32) (i32.const 2))"
    " (func $start"
    "  (global.set $starts (i32.add (global.get $starts) (i32.const 1)))"
    "  (drop (memory.grow $none (i32.const 1)))"
    "  (i32.store $none (i32.const 8) (i32.const 0x57a27)))"
    " (start $start)"
    " (func (export \"ruin\") (param $how i32) (local $at i32)"
    "  (drop (memory.grow $image (i32.and (local.get $how) (i32.const 7))))"
    "  (drop (memory.grow $plain (i32.and (local.get $how) (i32.const 3))))"
    "  (drop (memory.grow $none (i32.const 2)))"
    "  (loop $more"
    "   (i32.store8 $image (i32.rem_u (i32.mul (local.get $at) (i32.const 3001))"
    "    (i32.const 196600)) (i32.const 0xee))"
    "   (i32.store8 $plain (i32.rem_u (i32.mul (local.get $at) (local.get $how))"
    "    (i32.const 131000)) (i32.const 0xdd))"
    "   (br_if $more (i32.lt_u"
    "    (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 100))))"
    "  (memory.fill $none (i32.const 0) (i32.const 0xcc) (i32.const 196608))"
    "  (if (i32.and (local.get $how) (i32.const 16)) (then"
    "   (memory.fill $image"
    "    (i32.const 0) (i32.const 0xaa) (i32.mul (memory.size $image) (i32.const 65536)))))"
    "  (drop (table.grow $lazy (ref.func $two) (i32.and (local.get $how) (i32.const 15))))"
    "  (drop (table.grow $empty (ref.func $one) (i32.const 3)))"
    "  (table.set $lazy (i32.const 0) (ref.func $two))"
    "  (table.set $lazy (i32.const 1) (ref.null func))"
    "  (table.fill $lazy (i32.const 3) (ref.func $one) (i32.const 2))"
    "  (global.set $i32 (i32.const -1)) (global.set $i64 (i64.const -1))"
    "  (global.set $f32 (f32.const -1)) (global.set $f64 (f64.const nan))"
    "  (global.set $v128 (v128.const i64x2 -1 -1))"
    "  (global.set $ref (ref.null func)) (global.set $null (ref.func $two))"
    "  (global.set $starts (i32.const 1000))"
    "  (data.drop $passive) (elem.drop $parts))"
    " (func (export \"use\")"
    "  (memory.init $image $passive (i32.const 0) (i32.const 0) (i32.const 17))"
    "  (table.init $lazy $parts (i32.const 0) (i32.const 0) (i32.const 3)))"
    " (func (export \"beyond\") (param i32)"
    "  (i32.store8 $image (local.get 0) (i32.const 1))))";

static const char *const memories[] = {"image", "plain", "none"};
static const char *const tables[] = {"lazy", "empty"};
static const char *const globals[] = {"i32", "i64", "f32", "f64", "v128", "starts"};
static const char *const references[] = {"ref", "null"};

struct guest {
    wasmtime_store_t *store;
    foundation_limiter *limiter;
    wasmtime_instance_t instance;
    uint64_t bytes, elements; /* as the limiter was told last */
    uint64_t bytes_max;
};

static foundation_grow_answer on_growth(void *data, foundation_grow_kind kind, uint64_t total,
                                        uint64_t wanted)
{
    (void)total;
    struct guest *guest = data;
    *(kind == FOUNDATION_GROW_MEMORY ? &guest->bytes : &guest->elements) = wanted;
    return kind == FOUNDATION_GROW_MEMORY && wanted > guest->bytes_max ? FOUNDATION_GROW_REFUSE
                                                                      : FOUNDATION_GROW_ALLOW;
}

static wasm_engine_t *pooled_engine(bool scan)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
    wasmtime_pooling_allocation_config_total_core_instances_set(pool, 4);
    wasmtime_pooling_allocation_config_total_memories_set(pool, 12);
    wasmtime_pooling_allocation_config_total_tables_set(pool, 12);
    wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, 3);
    wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, 3);
    wasmtime_pooling_allocation_config_max_memory_size_set(pool, 64 * WASM_PAGE);
    wasmtime_pooling_allocation_config_table_elements_set(pool, 100);
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, KEEP_RESIDENT);
    wasmtime_pooling_allocation_config_table_keep_resident_set(pool, KEEP_RESIDENT);
    foundation_pooling_pagemap_scan_set(pool, scan);
    wasmtime_pooling_allocation_strategy_set(config, pool);
    wasmtime_pooling_allocation_config_delete(pool);
    return engine_new(config);
}

static void guest_open(struct guest *guest, wasm_engine_t *engine, const wasmtime_module_t *module)
{
    *guest = (struct guest){.bytes_max = UINT64_MAX};
    guest->store = wasmtime_store_new(engine, NULL, NULL);
    guest->limiter = foundation_store_limiter_set(guest->store, on_growth, guest);
    guest->instance = instance_new(guest->store, module);
}

static bool reset(struct guest *guest)
{
    bool done = false;
    assert_no_error(foundation_instance_reset(wasmtime_store_context(guest->store),
                                              &guest->instance, guest->limiter, &done));
    return done;
}

static wasmtime_extern_t get(struct guest *guest, const char *name, wasmtime_extern_kind_t kind)
{
    wasmtime_extern_t found;
    assert_true(wasmtime_instance_export_get(wasmtime_store_context(guest->store),
                                             &guest->instance, name, strlen(name), &found));
    assert_int_equal(found.kind, kind);
    return found;
}

static void same_memory(struct guest *a, struct guest *b, const char *name)
{
    wasmtime_extern_t left = get(a, name, WASMTIME_EXTERN_MEMORY);
    wasmtime_extern_t right = get(b, name, WASMTIME_EXTERN_MEMORY);
    wasmtime_context_t *one = wasmtime_store_context(a->store);
    wasmtime_context_t *other = wasmtime_store_context(b->store);
    size_t size = wasmtime_memory_data_size(one, &left.of.memory);
    assert_int_equal(size, wasmtime_memory_data_size(other, &right.of.memory));
    if (size)
        assert_memory_equal(wasmtime_memory_data(one, &left.of.memory),
                            wasmtime_memory_data(other, &right.of.memory), size);
}

/* What a function reference is: nothing, or what it answers. */
static int32_t answer_of(struct guest *guest, const wasmtime_val_t *reference)
{
    wasmtime_val_t result = {.kind = WASMTIME_I32};
    wasm_trap_t *trap = NULL;
    assert_int_equal(reference->kind, WASMTIME_FUNCREF);
    if (reference->of.funcref.store_id == 0)
        return 0;
    assert_no_error(wasmtime_func_call(wasmtime_store_context(guest->store),
                                       &reference->of.funcref, NULL, 0, &result, 1, &trap));
    assert_no_trap(trap);
    return result.of.i32;
}

static void same_table(struct guest *a, struct guest *b, const char *name)
{
    wasmtime_extern_t left = get(a, name, WASMTIME_EXTERN_TABLE);
    wasmtime_extern_t right = get(b, name, WASMTIME_EXTERN_TABLE);
    wasmtime_context_t *one = wasmtime_store_context(a->store);
    wasmtime_context_t *other = wasmtime_store_context(b->store);
    uint64_t size = wasmtime_table_size(one, &left.of.table);
    assert_int_equal(size, wasmtime_table_size(other, &right.of.table));
    for (uint64_t i = 0; i < size; i++) {
        wasmtime_val_t mine, theirs;
        assert_true(wasmtime_table_get(one, &left.of.table, i, &mine));
        assert_true(wasmtime_table_get(other, &right.of.table, i, &theirs));
        assert_int_equal(answer_of(a, &mine), answer_of(b, &theirs));
    }
}

static wasmtime_val_t global_of(struct guest *guest, const char *name)
{
    wasmtime_val_t value;
    memset(&value, 0, sizeof value);
    wasmtime_extern_t found = get(guest, name, WASMTIME_EXTERN_GLOBAL);
    wasmtime_global_get(wasmtime_store_context(guest->store), &found.of.global, &value);
    return value;
}

static void same_globals(struct guest *a, struct guest *b)
{
    for (size_t i = 0; i < COUNT(globals); i++) {
        wasmtime_val_t left = global_of(a, globals[i]), right = global_of(b, globals[i]);
        assert_int_equal(left.kind, right.kind);
        size_t size = left.kind == WASMTIME_V128                                ? 16
                      : left.kind == WASMTIME_I64 || left.kind == WASMTIME_F64 ? 8
                                                                               : 4;
        assert_memory_equal(&left.of, &right.of, size);
    }
    for (size_t i = 0; i < COUNT(references); i++) {
        wasmtime_val_t left = global_of(a, references[i]), right = global_of(b, references[i]);
        assert_int_equal(answer_of(a, &left), answer_of(b, &right));
    }
}

static void same(struct guest *a, struct guest *b)
{
    for (size_t i = 0; i < COUNT(memories); i++)
        same_memory(a, b, memories[i]);
    for (size_t i = 0; i < COUNT(tables); i++)
        same_table(a, b, tables[i]);
    same_globals(a, b);
}

static void traps_beyond(struct guest *guest, size_t size)
{
    int32_t last = (int32_t)(size - 1), beyond = (int32_t)size;
    assert_no_trap(call_i32(guest->store, &guest->instance, "beyond", &last, NULL));
    wasm_trap_t *trap = call_i32(guest->store, &guest->instance, "beyond", &beyond, NULL);
    assert_non_null(trap);
    wasm_trap_delete(trap);
}

static void ruin_and_reset(struct guest *guest, struct guest *fresh, int32_t how)
{
    assert_no_trap(call_i32(guest->store, &guest->instance, "use", NULL, NULL));
    assert_no_trap(call_i32(guest->store, &guest->instance, "ruin", &how, NULL));
    assert_true(reset(guest));
    assert_int_equal(foundation_limiter_memory_bytes(guest->limiter), 6 * WASM_PAGE);
    same(guest, fresh);
}

static void a_reset_instance_is_as_a_new_one(void **state)
{
    bool scan = *(const bool *)*state;
    if (scan && !foundation_pagemap_scan_available())
        skip();
    wasm_engine_t *engine = pooled_engine(scan);
    wasmtime_module_t *module = module_new(engine, guest_text);
    struct guest guest, fresh;
    guest_open(&guest, engine, module);
    guest_open(&fresh, engine, module);
    same(&guest, &fresh);
    assert_true(reset(&guest)); /* of what nobody touched */
    same(&guest, &fresh);
    for (int32_t how = 1; how <= 64; how++)
        ruin_and_reset(&guest, &fresh, how);
    /* and it works: its segments are there, it can grow, and what was there before is beyond it */
    traps_beyond(&guest, 3 * WASM_PAGE);
    assert_true(reset(&guest));
    assert_no_trap(call_i32(guest.store, &guest.instance, "use", NULL, NULL));
    wasmtime_store_delete(fresh.store);
    wasmtime_store_delete(guest.store);
    /* the slots go back as they should */
    guest_open(&guest, engine, module);
    guest_open(&fresh, engine, module);
    same(&guest, &fresh);
    wasmtime_store_delete(fresh.store);
    wasmtime_store_delete(guest.store);
    wasmtime_module_delete(module);
    wasm_engine_delete(engine);
}

/* Functions are looked up once, and called after any number of resets. */
static void functions_stay_valid(void **state)
{
    (void)state;
    wasm_engine_t *engine = pooled_engine(false);
    wasmtime_module_t *module = module_new(engine, guest_text);
    struct guest guest;
    guest_open(&guest, engine, module);
    wasmtime_extern_t two = get(&guest, "two", WASMTIME_EXTERN_FUNC);
    for (int32_t how = 1; how < 10; how++) {
        wasmtime_val_t reference = {.kind = WASMTIME_FUNCREF, .of.funcref = two.of.func};
        assert_int_equal(answer_of(&guest, &reference), 2);
        assert_no_trap(call_i32(guest.store, &guest.instance, "ruin", &how, NULL));
        assert_true(reset(&guest));
    }
    wasmtime_store_delete(guest.store);
    wasmtime_module_delete(module);
    wasm_engine_delete(engine);
}

/* What the start function asks for is asked again, on top of what the instance starts with. */
static void the_limiter_starts_anew(void **state)
{
    (void)state;
    wasm_engine_t *engine = pooled_engine(false);
    wasmtime_module_t *module = module_new(engine, guest_text);
    struct guest guest;
    guest_open(&guest, engine, module);
    int32_t how = 7;
    assert_no_trap(call_i32(guest.store, &guest.instance, "ruin", &how, NULL));
    assert_int_equal(guest.bytes, 18 * WASM_PAGE);
    assert_true(reset(&guest));
    assert_int_equal(guest.bytes, 6 * WASM_PAGE); /* 3 + 2 + the start function's 1 */
    assert_no_trap(call_i32(guest.store, &guest.instance, "ruin", &how, NULL));
    assert_int_equal(guest.bytes, 18 * WASM_PAGE); /* no more and no less than before */
    wasmtime_store_delete(guest.store);
    wasmtime_module_delete(module);
    wasm_engine_delete(engine);
}

static void what_cannot_be_reset_is_left_alone(void **state)
{
    (void)state;
    wasm_engine_t *engine = plain_engine(); /* memories of another allocator */
    wasmtime_module_t *module = module_new(engine, guest_text);
    struct guest guest;
    guest_open(&guest, engine, module);
    int32_t how = 5;
    assert_no_trap(call_i32(guest.store, &guest.instance, "ruin", &how, NULL));
    assert_false(reset(&guest));
    assert_int_equal(global_of(&guest, "i32").of.i32, -1);
    wasmtime_store_delete(guest.store);
    wasmtime_module_delete(module);
    wasm_engine_delete(engine);
}

static void a_start_that_traps_is_an_error(void **state)
{
    (void)state;
    static const char text[] = "(module (memory 1) (global $n (export \"n\") (mut i32) (i32.const 0))"
                               " (func $start (if (i32.load (i32.const 0)) (then (unreachable))))"
                               " (start $start))";
    wasm_engine_t *engine = pooled_engine(false);
    wasmtime_module_t *module = module_new(engine, text);
    struct guest guest;
    guest_open(&guest, engine, module);
    assert_true(reset(&guest)); /* a pristine memory has nothing there */
    wasmtime_store_delete(guest.store);
    wasmtime_module_delete(module);
    module = module_new(engine, "(module (memory (export \"m\") 1)"
                                " (func $start (drop (memory.grow (i32.const 1)))"
                                "  (if (i32.eq (memory.size) (i32.const 1)) (then (unreachable))))"
                                " (start $start))");
    guest_open(&guest, engine, module);
    guest.bytes_max = WASM_PAGE; /* now it may not grow any more */
    bool done = false;
    wasmtime_error_t *error = foundation_instance_reset(
        wasmtime_store_context(guest.store), &guest.instance, guest.limiter, &done);
    assert_non_null(error);
    foundation_error_info info;
    foundation_error_inspect(error, &info);
    assert_int_equal(info.kind, FOUNDATION_ERROR_TRAP);
    wasmtime_error_delete(error);
    wasmtime_store_delete(guest.store);
    wasmtime_module_delete(module);
    wasm_engine_delete(engine);
}

int main(void)
{
    static bool with = true, without = false;
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(a_reset_instance_is_as_a_new_one, &(bool *){&with}),
        cmocka_unit_test_prestate(a_reset_instance_is_as_a_new_one, &(bool *){&without}),
        cmocka_unit_test(functions_stay_valid),
        cmocka_unit_test(the_limiter_starts_anew),
        cmocka_unit_test(what_cannot_be_reset_is_left_alone),
        cmocka_unit_test(a_start_that_traps_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
