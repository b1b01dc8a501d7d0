/* foundation_component_reset(): after it a component's instance cannot be told from a new one,
 * whatever the guest did to it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "reset_guest.h"
#include "support.h"

#include <foundation_wasi.h>
#include <stdio.h>
#include <stdlib.h>

#define KEEP_RESIDENT (256u << 10)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const functions[] = {"init", "ruin", "use", "answers", "leak", "beyond"};
enum { INIT, RUIN, USE, ANSWERS, LEAK, BEYOND };

struct guest {
    foundation_guest head;
    wasmtime_store_t *store;
    foundation_limiter *limiter;
    foundation_component_instance instance;
    foundation_component_func functions[COUNT(functions)];
    uint64_t bytes; /* as the limiter was told last */
};

struct bytes {
    uint8_t *data;
    size_t size;
};

/* ---- a component, and what it runs in ---- */

static void append(struct bytes *to, const void *from, size_t size)
{
    to->data = realloc(to->data, to->size + size + 1);
    assert_non_null(to->data);
    if (size)
        memcpy(to->data + to->size, from, size);
    to->size += size;
}

static void append_text(struct bytes *to, const char *text)
{
    append(to, text, strlen(text));
}

/* For each function a text with its name in place of every %s. */
static void append_for_each(struct bytes *to, const char *format)
{
    for (size_t i = 0; i < COUNT(functions); i++) {
        char text[512];
        const char *name = functions[i];
        snprintf(text, sizeof text, format, name, name);
        append_text(to, text);
    }
}

static struct bytes component_text(void)
{
    struct bytes text = {0};
    const char *const parts[] = {before_text, main_text, main_rest_text,
                                 other_text,  api_text,  after_text};
    for (size_t i = 0; i < COUNT(parts); i++)
        append_text(&text, parts[i]);
    append_for_each(&text,
                    " (func (export \"%s\") (param \"input\" (list u8))"
                    " (result (result (list u8) (error string)))"
                    " (canon lift (core func $api \"%s\") (memory (core memory $main \"memory\"))"
                    " (realloc (core func $api \"realloc\"))))");
    append_text(&text,
                ") (instance $outer (instantiate $outer (with \"bump\" (func $inner \"bump\"))))");
    append_for_each(&text, " (export \"%s\" (func $outer \"%s\"))");
    append_text(&text, ")");
    return text;
}

static foundation_component *component_new(wasm_engine_t *engine, struct bytes text)
{
    wasm_byte_vec_t binary;
    assert_no_error(wasmtime_wat2wasm((const char *)text.data, text.size, &binary));
    foundation_component *component = NULL;
    assert_no_error(
        foundation_component_new(engine, (const uint8_t *)binary.data, binary.size, &component));
    wasm_byte_vec_delete(&binary);
    return component;
}

static bool on_enter(void *data, const char *function)
{
    (void)data;
    assert_string_equal(function, "wasi:cli/stdout#get-stdout");
    return true;
}

static void on_leave(void *data)
{
    (void)data;
}

static void never(void)
{
    fail_msg("a guest asked for more than a handle");
}

/* A host that hands out standard output, and is asked for nothing else. */
static const foundation_wasi_host *wasi_host(void)
{
    static union {
        foundation_wasi_host host;
        void (*functions[sizeof(foundation_wasi_host) / sizeof(void (*)(void))])(void);
    } table;
    for (size_t i = 0; i < COUNT(table.functions); i++)
        table.functions[i] = never;
    table.host.enter = on_enter;
    table.host.leave = on_leave;
    return &table.host;
}

static foundation_component_linked *text_linked(wasm_engine_t *engine, struct bytes text)
{
    foundation_component *component = component_new(engine, text);
    foundation_component_linker *linker = foundation_component_linker_new(engine);
    assert_no_error(foundation_wasi_define(linker, wasi_host()));
    foundation_component_linked *linked = NULL;
    assert_no_error(foundation_component_link(linker, component, &linked));
    foundation_component_linker_delete(linker);
    foundation_component_delete(component);
    return linked;
}

static foundation_component_linked *component_linked(wasm_engine_t *engine)
{
    struct bytes text = component_text();
    foundation_component_linked *linked = text_linked(engine, text);
    free(text.data);
    return linked;
}

struct pool {
    bool scan;       /* dirty pages are found by the kernel's scan */
    bool copied;     /* what memories begin with: they have no images */
    uint32_t tables; /* 0: enough */
};

static wasm_engine_t *pooled_engine_of(struct pool options)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
    wasmtime_pooling_allocation_config_total_core_instances_set(pool, 40);
    wasmtime_pooling_allocation_config_total_memories_set(pool, 24);
    wasmtime_pooling_allocation_config_total_tables_set(pool, options.tables ? options.tables : 24);
    wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, 3);
    wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, 3);
    wasmtime_pooling_allocation_config_max_memory_size_set(pool, 64 * WASM_PAGE);
    wasmtime_pooling_allocation_config_table_elements_set(pool, 2000);
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, KEEP_RESIDENT);
    wasmtime_pooling_allocation_config_table_keep_resident_set(pool, KEEP_RESIDENT);
    foundation_pooling_pagemap_scan_set(pool, options.scan);
    wasmtime_pooling_allocation_strategy_set(config, pool);
    wasmtime_pooling_allocation_config_delete(pool);
    wasmtime_config_memory_init_cow_set(config, !options.copied);
    return engine_new(config);
}

static wasm_engine_t *pooled_engine(void)
{
    return pooled_engine_of((struct pool){0});
}

static foundation_grow_answer on_growth(void *data, foundation_grow_kind kind, uint64_t total,
                                        uint64_t wanted)
{
    (void)total;
    struct guest *guest = data;
    if (kind == FOUNDATION_GROW_MEMORY)
        guest->bytes = wanted;
    return FOUNDATION_GROW_ALLOW;
}

static void guest_open_bare(struct guest *guest, wasm_engine_t *engine,
                            const foundation_component_linked *linked)
{
    *guest = (struct guest){0};
    guest->store = wasmtime_store_new(engine, guest, NULL);
    guest->limiter = foundation_store_limiter_set(guest->store, on_growth, guest);
    assert_no_error(foundation_component_instantiate(wasmtime_store_context(guest->store), linked,
                                                     &guest->instance));
}

static void guest_open(struct guest *guest, wasm_engine_t *engine,
                       const foundation_component_linked *linked)
{
    guest_open_bare(guest, engine, linked);
    for (size_t i = 0; i < COUNT(functions); i++)
        assert_true(foundation_component_get_func(
            wasmtime_store_context(guest->store), &guest->instance, functions[i],
            strlen(functions[i]), FOUNDATION_SHAPE_BYTES, &guest->functions[i]));
}

static void guest_close(struct guest *guest)
{
    foundation_guest_clear(&guest->head);
    wasmtime_store_delete(guest->store);
}

/* ---- what can be done to it ---- */

static struct bytes call(struct guest *guest, size_t function, uint32_t parameter)
{
    foundation_bytes answer = {0};
    bool ok = false;
    assert_no_error(foundation_component_call(
        wasmtime_store_context(guest->store), &guest->functions[function], FOUNDATION_SHAPE_BYTES,
        (const uint8_t *)&parameter, sizeof parameter, &answer, &ok));
    assert_true(ok);
    struct bytes copy = {0};
    append(&copy, answer.data, answer.size);
    foundation_bytes_free(&answer);
    return copy;
}

static void call_only(struct guest *guest, size_t function, uint32_t parameter)
{
    free(call(guest, function, parameter).data);
}

static bool checkpoint_within(struct guest *guest, uint64_t bytes_max)
{
    bool done = bytes_max == 0;
    assert_no_error(foundation_component_checkpoint(wasmtime_store_context(guest->store),
                                                    &guest->instance, bytes_max, &done));
    return done;
}

static bool checkpoint(struct guest *guest)
{
    return checkpoint_within(guest, UINT64_MAX);
}

static bool reset(struct guest *guest)
{
    bool done = true;
    assert_no_error(foundation_component_reset(wasmtime_store_context(guest->store),
                                               &guest->instance, guest->limiter, &done));
    return done;
}

/* ---- what it is like ---- */

struct view {
    struct bytes bytes;
    bool pointers; /* of functions are in it: they differ from instance to instance */
};

static bool is_pointers(foundation_state_kind kind, const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;
    if (kind == FOUNDATION_STATE_GLOBAL && size == sizeof word)
        memcpy(&word, bytes, size);
    return kind == FOUNDATION_STATE_TABLE || word > UINT32_MAX;
}

static void add_state(void *data, foundation_state_kind kind, uint32_t index, const uint8_t *bytes,
                      size_t size)
{
    struct view *view = data;
    uint64_t head[] = {kind, index, size};
    append(&view->bytes, head, sizeof head);
    /* f64's bits are as large as a pointer: it is no loss that they are not compared there */
    if (view->pointers || !is_pointers(kind, bytes, size))
        append(&view->bytes, bytes, size);
}

static struct bytes look(struct guest *guest, bool pointers)
{
    struct view view = {.pointers = pointers};
    foundation_component_state(wasmtime_store_context(guest->store), &guest->instance, add_state,
                               &view);
    return view.bytes;
}

static void same(struct bytes a, struct bytes b)
{
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
}

static void consume_same(struct bytes consumed, struct bytes expected)
{
    same(consumed, expected);
    free(consumed.data);
}

/* All that can be told about a guest: exactly, for itself; comparably to others; what references
 * are; what it answers when it is used. The last two change it. */
struct portrait {
    struct bytes exact, comparable, answers, use;
};

static void look_only(struct portrait *ret, struct guest *guest)
{
    ret->exact = look(guest, true);
    ret->comparable = look(guest, false);
}

static void portrait_free(struct portrait *portrait)
{
    free(portrait->exact.data);
    free(portrait->comparable.data);
    free(portrait->answers.data);
    free(portrait->use.data);
    *portrait = (struct portrait){0};
}

/* ---- tests ---- */

struct scene {
    struct pool pool;
    bool initialised; /* the checkpoint is taken after `init` */
    bool unseen;      /* the guest was not looked at before: that fills in elements of tables */
};

static void guest_prepare(struct guest *guest, wasm_engine_t *engine,
                          const foundation_component_linked *linked, const struct scene *scene)
{
    guest_open(guest, engine, linked);
    if (scene->initialised)
        call_only(guest, INIT, 0);
}

/* Of a guest that is new. */
static void portrait_fresh(struct portrait *ret, wasm_engine_t *engine,
                           const foundation_component_linked *linked, const struct scene *scene)
{
    struct guest fresh;
    guest_prepare(&fresh, engine, linked, scene);
    look_only(ret, &fresh);
    ret->answers = call(&fresh, ANSWERS, 0);
    ret->use = call(&fresh, USE, 0);
    guest_close(&fresh);
}

static void ruin_and_reset(struct guest *guest, uint32_t how)
{
    if (how & 1)
        call_only(guest, USE, 0);
    call_only(guest, RUIN, how);
    if (how & 2)
        call_only(guest, RUIN, ~how);
    assert_true(reset(guest));
}

static void is_as(struct guest *guest, const struct portrait *fresh, const struct bytes *exact)
{
    if (exact)
        consume_same(look(guest, true), *exact);
    consume_same(look(guest, false), fresh->comparable);
    consume_same(call(guest, ANSWERS, 0), fresh->answers);
    consume_same(call(guest, USE, 0), fresh->use);
    assert_true(reset(guest));
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static void a_reset_component_is_as_a_new_one(void **state)
{
    const struct scene *scene = *state;
    if (scene->pool.scan && !foundation_pagemap_scan_available())
        skip();
    wasm_engine_t *engine = pooled_engine_of(scene->pool);
    foundation_component_linked *linked = component_linked(engine);
    struct portrait fresh = {0};
    portrait_fresh(&fresh, engine, linked, scene);
    struct guest guest;
    guest_prepare(&guest, engine, linked, scene);
    struct bytes exact = {0};
    if (!scene->unseen)
        exact = look(&guest, true);
    assert_true(checkpoint(&guest));
    uint64_t bytes = foundation_limiter_memory_bytes(guest.limiter);
    assert_true(reset(&guest)); /* of what nobody touched */
    uint64_t seed = 20;
    for (uint32_t i = 1; i <= 128; i++) {
        ruin_and_reset(&guest, i <= 64 ? i : next_random(&seed));
        assert_int_equal(foundation_limiter_memory_bytes(guest.limiter), bytes);
        is_as(&guest, &fresh, scene->unseen ? NULL : &exact);
    }
    guest_close(&guest);
    free(exact.data);
    /* the slots go back as they should */
    struct portrait again = {0};
    portrait_fresh(&again, engine, linked, scene);
    same(again.comparable, fresh.comparable);
    same(again.answers, fresh.answers);
    portrait_free(&again);
    portrait_free(&fresh);
    foundation_component_linked_delete(linked);
    wasm_engine_delete(engine);
}

/* What was there before is beyond the end, and the limiter is asked for it again. */
static void memories_have_their_sizes_again(void **state)
{
    (void)state;
    wasm_engine_t *engine = pooled_engine();
    foundation_component_linked *linked = component_linked(engine);
    struct guest guest;
    guest_open(&guest, engine, linked);
    assert_true(checkpoint(&guest));
    call_only(&guest, RUIN, 7);
    uint64_t bytes = guest.bytes;
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(reset(&guest));
        call_only(&guest, BEYOND, 3 * WASM_PAGE - 1);
        call_only(&guest, RUIN, 7);
        assert_int_equal(guest.bytes, bytes);
    }
    assert_true(reset(&guest));
    uint32_t beyond = 3 * WASM_PAGE;
    foundation_bytes answer = {0};
    bool ok = false;
    wasmtime_error_t *error = foundation_component_call(
        wasmtime_store_context(guest.store), &guest.functions[BEYOND], FOUNDATION_SHAPE_BYTES,
        (const uint8_t *)&beyond, sizeof beyond, &answer, &ok);
    assert_non_null(error);
    wasmtime_error_delete(error);
    assert_false(reset(&guest)); /* a call that trapped may have left anything behind */
    assert_false(checkpoint(&guest));
    guest_close(&guest);
    foundation_component_linked_delete(linked);
    wasm_engine_delete(engine);
}

/* A store has an end to its handles: 100 000. */
static void handles_that_are_gone_do_not_count(void **state)
{
    (void)state;
    wasm_engine_t *engine = pooled_engine();
    foundation_component_linked *linked = component_linked(engine);
    struct guest guest;
    guest_open(&guest, engine, linked);
    assert_true(checkpoint(&guest));
    for (uint32_t i = 0; i < 5; i++) {
        call_only(&guest, LEAK, 40000);
        assert_true(reset(&guest));
    }
    guest_close(&guest);
    foundation_component_linked_delete(linked);
    wasm_engine_delete(engine);
}

static void the_last_checkpoint_counts(void **state)
{
    (void)state;
    wasm_engine_t *engine = pooled_engine();
    foundation_component_linked *linked = component_linked(engine);
    struct guest guest;
    guest_open(&guest, engine, linked);
    assert_false(reset(&guest)); /* there is none */
    for (uint32_t how = 3; how < 40; how += 6) {
        call_only(&guest, RUIN, how);
        struct bytes exact = look(&guest, true);
        assert_true(checkpoint(&guest));
        call_only(&guest, RUIN, how + 1);
        assert_true(reset(&guest));
        consume_same(look(&guest, true), exact);
        free(exact.data);
    }
    guest_close(&guest);
    foundation_component_linked_delete(linked);
    wasm_engine_delete(engine);
}

/* What a function answers that `name` is. */
static uint32_t number(struct guest *guest, const char *name, uint32_t parameter)
{
    uint32_t answer = 0;
    assert_true(foundation_component_get_func(wasmtime_store_context(guest->store),
                                              &guest->instance, name, strlen(name),
                                              FOUNDATION_SHAPE_BYTES, &guest->functions[0]));
    struct bytes bytes = call(guest, 0, parameter);
    assert_int_equal(bytes.size, sizeof answer);
    memcpy(&answer, bytes.data, sizeof answer);
    free(bytes.data);
    return answer;
}

/* What they stand for may be gone by the next call. */
static void handles_of_the_host_do_not_come_back(void **state)
{
    (void)state;
    wasm_engine_t *engine = pooled_engine();
    static char text[sizeof handles_text];
    memcpy(text, handles_text, sizeof text);
    foundation_component_linked *linked =
        text_linked(engine, (struct bytes){(uint8_t *)text, strlen(text)});
    struct guest guest;
    guest_open_bare(&guest, engine, linked);
    assert_true(checkpoint(&guest));
    uint32_t first = number(&guest, "keep", 0);
    assert_int_not_equal(number(&guest, "keep", 0), first);
    foundation_guest_clear(&guest.head);
    assert_true(reset(&guest));
    assert_int_equal(number(&guest, "keep", 0), first);
    assert_false(checkpoint(&guest)); /* now it has one */
    assert_false(reset(&guest));
    assert_int_equal(number(&guest, "leave", 0), 0);
    assert_true(checkpoint(&guest));
    guest_close(&guest);
    foundation_component_linked_delete(linked);
    wasm_engine_delete(engine);
}

static foundation_component_linked *table_linked(wasm_engine_t *engine, unsigned elements)
{
    char text[sizeof table_text + 16];
    int size = snprintf(text, sizeof text, table_text, elements);
    return text_linked(engine, (struct bytes){(uint8_t *)text, (size_t)size});
}

/* A table's slot goes to the next instance, which takes what is not zero there for a function. */
static void nothing_stays_behind_the_end_of_a_table(void **state)
{
    (void)state;
    wasm_engine_t *engine = pooled_engine_of((struct pool){.tables = 1});
    foundation_component_linked *small = table_linked(engine, 10);
    foundation_component_linked *large = table_linked(engine, 1900);
    struct guest guest;
    guest_open_bare(&guest, engine, small);
    assert_true(checkpoint(&guest));
    assert_int_equal(number(&guest, "count", 1800), 1800);
    assert_true(reset(&guest));
    assert_int_equal(number(&guest, "count", 0), 0);
    guest_close(&guest);
    guest_open_bare(&guest, engine, large);
    assert_int_equal(number(&guest, "count", 0), 0);
    guest_close(&guest);
    foundation_component_linked_delete(large);
    foundation_component_linked_delete(small);
    wasm_engine_delete(engine);
}

/* A guest that fills its memory while it starts must not make the host hold it twice. */
static void a_checkpoint_is_not_larger_than_allowed(void **state)
{
    (void)state;
    wasm_engine_t *engine = pooled_engine();
    foundation_component_linked *linked = component_linked(engine);
    struct guest guest;
    guest_open(&guest, engine, linked);
    assert_true(
        checkpoint_within(&guest, 64 << 10)); /* data of `other`, the start's page, tables */
    call_only(&guest, RUIN, 16);              /* all pages */
    assert_true(reset(&guest));
    call_only(&guest, RUIN, 16);
    struct bytes ruined = look(&guest, true);
    assert_false(checkpoint_within(&guest, 64 << 10));
    assert_false(checkpoint_within(&guest, 0));
    assert_false(reset(&guest)); /* nor is the one before kept */
    consume_same(look(&guest, true), ruined);
    free(ruined.data);
    guest_close(&guest);
    foundation_component_linked_delete(linked);
    wasm_engine_delete(engine);
}

/* A passive segment takes sixteen times what it takes in the file. */
static void segments_count_as_well(void **state)
{
    (void)state;
    wasm_engine_t *engine = pooled_engine();
    struct bytes text = {0};
    append_text(&text, "(component (core module $m (func $f) (elem func");
    for (size_t i = 0; i < 1000; i++)
        append_text(&text, " $f");
    append_text(&text, ")) (core instance (instantiate $m)))");
    foundation_component_linked *linked = text_linked(engine, text);
    free(text.data);
    struct guest guest;
    guest_open_bare(&guest, engine, linked);
    assert_false(checkpoint_within(&guest, 15999));
    assert_true(checkpoint_within(&guest, 16000));
    assert_true(reset(&guest));
    guest_close(&guest);
    foundation_component_linked_delete(linked);
    wasm_engine_delete(engine);
}

static void what_cannot_be_reset_is_left_alone(void **state)
{
    (void)state;
    wasm_engine_t *engine = plain_engine(); /* memories of another allocator */
    foundation_component_linked *linked = component_linked(engine);
    struct guest guest;
    guest_open(&guest, engine, linked);
    assert_false(checkpoint(&guest));
    call_only(&guest, RUIN, 5);
    struct bytes ruined = look(&guest, true);
    assert_false(reset(&guest));
    consume_same(look(&guest, true), ruined);
    free(ruined.data);
    guest_close(&guest);
    foundation_component_linked_delete(linked);
    wasm_engine_delete(engine);
}

/* References to the host's values live in a heap, which no checkpoint knows. */
static void a_heap_for_references_is_left_alone(void **state)
{
    (void)state;
    static char text[] = "(component (core module $m (table 3 externref))"
                         " (core instance (instantiate $m)))";
    wasm_engine_t *engine = pooled_engine();
    foundation_component_linked *linked =
        text_linked(engine, (struct bytes){(uint8_t *)text, strlen(text)});
    struct guest guest;
    guest_open_bare(&guest, engine, linked);
    assert_false(checkpoint(&guest));
    assert_false(reset(&guest));
    guest_close(&guest);
    foundation_component_linked_delete(linked);
    wasm_engine_delete(engine);
}

int main(void)
{
    static struct scene scenes[] = {
        {.pool.scan = true},
        {.pool.scan = false},
        {.pool.scan = true, .initialised = true},
        {.pool.scan = false, .initialised = true},
        {.pool.scan = true, .initialised = true, .unseen = true},
        {.pool.scan = false, .unseen = true},
        {.pool.scan = true, .pool.copied = true},
        {.pool.scan = false, .pool.copied = true, .initialised = true},
    };
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(a_reset_component_is_as_a_new_one, &scenes[0]),
        cmocka_unit_test_prestate(a_reset_component_is_as_a_new_one, &scenes[1]),
        cmocka_unit_test_prestate(a_reset_component_is_as_a_new_one, &scenes[2]),
        cmocka_unit_test_prestate(a_reset_component_is_as_a_new_one, &scenes[3]),
        cmocka_unit_test_prestate(a_reset_component_is_as_a_new_one, &scenes[4]),
        cmocka_unit_test_prestate(a_reset_component_is_as_a_new_one, &scenes[5]),
        cmocka_unit_test_prestate(a_reset_component_is_as_a_new_one, &scenes[6]),
        cmocka_unit_test_prestate(a_reset_component_is_as_a_new_one, &scenes[7]),
        cmocka_unit_test(memories_have_their_sizes_again),
        cmocka_unit_test(handles_that_are_gone_do_not_count),
        cmocka_unit_test(the_last_checkpoint_counts),
        cmocka_unit_test(handles_of_the_host_do_not_come_back),
        cmocka_unit_test(nothing_stays_behind_the_end_of_a_table),
        cmocka_unit_test(a_checkpoint_is_not_larger_than_allowed),
        cmocka_unit_test(segments_count_as_well),
        cmocka_unit_test(a_heap_for_references_is_left_alone),
        cmocka_unit_test(what_cannot_be_reset_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
