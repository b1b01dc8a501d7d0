/* Compiled code as bytes, and what it depends on. */
#include "support.h"

#include <stdlib.h>

typedef struct seen {
    uint8_t bytes[65536];
    size_t size, pieces;
} seen;

static void collect(void *data, const uint8_t *bytes, size_t size)
{
    seen *self = data;
    assert_true(size <= sizeof self->bytes - self->size);
    memcpy(self->bytes + self->size, bytes, size);
    self->size += size;
    self->pieces++;
}

static wasm_engine_t *make(bool epochs, uint64_t reservation)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_epoch_interruption_set(config, epochs);
    wasmtime_config_memory_reservation_set(config, reservation);
    wasm_engine_t *engine = NULL;
    assert_no_error(foundation_engine_new(config, &engine));
    return engine;
}

static seen *settings(bool epochs, uint64_t reservation)
{
    seen *self = calloc(1, sizeof *self);
    wasm_engine_t *engine = make(epochs, reservation);
    foundation_engine_compile_settings(engine, collect, self);
    wasm_engine_delete(engine);
    assert_true(self->size > 100);
    return self;
}

static void settings_are_those_that_change_code(void **state)
{
    (void)state;
    seen *a = settings(true, 1 << 20), *same = settings(true, 1 << 20);
    seen *epochs = settings(false, 1 << 20), *reservation = settings(true, 2 << 20);
    assert_int_equal(a->size, same->size);
    assert_memory_equal(a->bytes, same->bytes, a->size);
    assert_true(a->size != epochs->size || memcmp(a->bytes, epochs->bytes, a->size) != 0);
    assert_true(a->size != reservation->size || memcmp(a->bytes, reservation->bytes, a->size) != 0);
    free(a);
    free(same);
    free(epochs);
    free(reservation);
}

static void code_is_made_without_being_loaded(void **state)
{
    (void)state;
    static const uint8_t wasm[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    wasm_engine_t *engine = make(true, 1 << 20), *other = make(false, 1 << 20);
    wasm_byte_vec_t code;
    memset(&code, 0xAA, sizeof code); /* what was in it is not looked at */
    assert_no_error(foundation_precompile(engine, wasm, sizeof wasm, &code));
    wasmtime_module_t *module = NULL;
    assert_no_error(wasmtime_module_deserialize(engine, (uint8_t *)code.data, code.size, &module));
    wasmtime_module_delete(module);
    /* Not for an engine with other settings. */
    wasmtime_error_t *error =
        wasmtime_module_deserialize(other, (uint8_t *)code.data, code.size, &module);
    assert_non_null(error);
    wasmtime_error_delete(error);
    wasm_byte_vec_delete(&code);
    wasm_engine_delete(engine);
    wasm_engine_delete(other);
}

static void what_is_no_module_is_an_error(void **state)
{
    (void)state;
    static const uint8_t bad[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 7, 7};
    wasm_engine_t *engine = make(true, 1 << 20);
    wasm_byte_vec_t code;
    memset(&code, 0xAA, sizeof code);
    for (size_t size = 0; size <= sizeof bad; size++) {
        if (size == 8)
            continue; /* an empty module */
        wasmtime_error_t *error = foundation_precompile(engine, size ? bad : NULL, size, &code);
        assert_non_null(error);
        wasmtime_error_delete(error);
        assert_int_equal(((uint8_t *)&code)[0], 0xAA);
    }
    wasm_engine_delete(engine);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_those_that_change_code),
        cmocka_unit_test(code_is_made_without_being_loaded),
        cmocka_unit_test(what_is_no_module_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
