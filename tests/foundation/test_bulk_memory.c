/* foundation/patches: memory.fill and memory.copy look at the epoch while they work, in pieces of
 * 128 KiB, and what they do is what one piece would have done. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support.h"

#define PIECE (128u << 10)
#define MEMORY (16u * PIECE)

static const char guest_text[] =
    "(module (memory (export \"memory\") 32)"
    " (func (export \"fill\") (memory.fill (i32.const 3) (i32.const 0x5a) (i32.const 1048570)))"
    " (func (export \"fill_piece\") (memory.fill (i32.const 0) (i32.const 0) (i32.const 131072)))"
    " (func (export \"copy_up\") (memory.copy (i32.const 7) (i32.const 0) (i32.const 2000000)))"
    " (func (export \"copy_down\") (memory.copy (i32.const 0) (i32.const 7) (i32.const 2000000)))"
    " (func (export \"fill_none\") (memory.fill (i32.const 2097152) (i32.const 1) (i32.const 0)))"
    " (func (export \"fill_beyond\")"
    "  (memory.fill (i32.const 2097000) (i32.const 1) (i32.const 1000))))";

struct guest {
    wasm_engine_t *engine;
    wasmtime_module_t *module;
    wasmtime_store_t *store;
    wasmtime_instance_t instance;
    unsigned looks;     /* how often it looked at the epoch */
    unsigned looks_max; /* then it has to end; 0: never */
};

/* The epoch stands still behind a deadline that is over at once: every look is seen here. */
static wasmtime_error_t *on_look(wasmtime_context_t *context, void *data, uint64_t *delta,
                                 wasmtime_update_deadline_kind_t *kind)
{
    (void)context;
    struct guest *guest = data;
    *delta = 0;
    *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
    guest->looks++;
    return guest->looks_max && guest->looks >= guest->looks_max ? wasmtime_error_new("over") : NULL;
}

static void guest_open(struct guest *guest, bool epochs)
{
    *guest = (struct guest){0};
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_epoch_interruption_set(config, epochs);
    guest->engine = engine_new(config);
    guest->module = module_new(guest->engine, guest_text);
    guest->store = wasmtime_store_new(guest->engine, NULL, NULL);
    wasmtime_store_epoch_deadline_callback(guest->store, on_look, guest, NULL);
    guest->instance = instance_new(guest->store, guest->module);
    wasmtime_context_set_epoch_deadline(wasmtime_store_context(guest->store), 0);
}

static void guest_close(struct guest *guest)
{
    wasmtime_store_delete(guest->store);
    wasmtime_module_delete(guest->module);
    wasm_engine_delete(guest->engine);
}

static uint8_t *memory_of(struct guest *guest)
{
    wasmtime_extern_t found;
    wasmtime_context_t *context = wasmtime_store_context(guest->store);
    assert_true(wasmtime_instance_export_get(context, &guest->instance, "memory", 6, &found));
    assert_true(wasmtime_memory_data_size(context, &found.of.memory) == MEMORY);
    return wasmtime_memory_data(context, &found.of.memory);
}

static void run(struct guest *guest, const char *name)
{
    guest->looks = 0;
    assert_no_trap(call_i32(guest->store, &guest->instance, name, NULL, NULL));
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

static void paint(uint8_t *memory)
{
    for (size_t i = 0; i < MEMORY; i++)
        memory[i] = pattern(i);
}

/* Of [at, at + size) of the expected memory each byte comes from `shift` bytes further on. */
static void assert_moved(const uint8_t *memory, size_t at, size_t size, long shift)
{
    for (size_t i = 0; i < MEMORY; i++) {
        bool inside = i >= at && i < at + size;
        uint8_t expected = pattern(inside ? (size_t)((long)i + shift) : i);
        if (memory[i] != expected)
            fail_msg("byte %zu is %u, not %u", i, memory[i], expected);
    }
}

static void results_are_those_of_one_piece(void **state)
{
    bool epochs = *(const bool *)*state;
    struct guest guest;
    guest_open(&guest, epochs);
    uint8_t *memory = memory_of(&guest);
    paint(memory);
    run(&guest, "copy_up");
    assert_moved(memory, 7, 2000000, -7);
    paint(memory);
    run(&guest, "copy_down");
    assert_moved(memory, 0, 2000000, 7);
    paint(memory);
    run(&guest, "fill");
    for (size_t i = 0; i < MEMORY; i++)
        assert_int_equal(memory[i], i >= 3 && i < 1048573 ? 0x5a : pattern(i));
    run(&guest, "fill_none");
    wasm_trap_t *trap = call_i32(guest.store, &guest.instance, "fill_beyond", NULL, NULL);
    assert_non_null(trap);
    wasm_trap_delete(trap);
    guest_close(&guest);
}

static void the_epoch_is_looked_at_between_pieces(void **state)
{
    (void)state;
    struct guest guest;
    guest_open(&guest, true);
    run(&guest, "fill_piece");
    unsigned outside = guest.looks; /* where compiled code looks itself */
    run(&guest, "fill");
    assert_int_equal(guest.looks - outside, 7); /* between 8 pieces */
    run(&guest, "copy_up");
    assert_int_equal(guest.looks - outside, 15);
    guest_close(&guest);
}

static void an_operation_ends_when_its_time_is_over(void **state)
{
    (void)state;
    struct guest guest;
    guest_open(&guest, true);
    run(&guest, "fill_piece");
    guest.looks_max = guest.looks + 3;
    guest.looks = 0;
    uint8_t *memory = memory_of(&guest);
    wasm_trap_t *trap = NULL;
    wasmtime_extern_t export;
    wasmtime_context_t *context = wasmtime_store_context(guest.store);
    assert_true(wasmtime_instance_export_get(context, &guest.instance, "fill", 4, &export));
    wasmtime_error_t *error =
        wasmtime_func_call(context, &export.of.func, NULL, 0, NULL, 0, &trap);
    assert_true(error || trap);
    if (error)
        wasmtime_error_delete(error);
    if (trap)
        wasm_trap_delete(trap);
    /* three pieces were filled, and nothing behind them */
    assert_int_equal(memory[3 + 3 * PIECE - 1], 0x5a);
    assert_int_equal(memory[3 + 3 * PIECE], 0);
    guest_close(&guest);
}

int main(void)
{
    static bool with = true, without = false;
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(results_are_those_of_one_piece, &(bool *){&with}),
        cmocka_unit_test_prestate(results_are_those_of_one_piece, &(bool *){&without}),
        cmocka_unit_test(the_epoch_is_looked_at_between_pieces),
        cmocka_unit_test(an_operation_ends_when_its_time_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
