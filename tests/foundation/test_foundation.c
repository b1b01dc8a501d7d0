/* foundation.h: what we add to Wasmtime's C API. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- engines ---- */

static void version_names_the_wasmtime_of_the_headers(void **state)
{
    (void)state;
    assert_non_null(strstr(foundation_version(), WASMTIME_VERSION));
}

static void engine_with_too_many_slots_is_an_error(void **state)
{
    (void)state;
    /* 10 million times 4 GiB is more than an address space */
    const uint32_t absurd[] = {10000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        wasm_engine_t *engine = (wasm_engine_t *)1;
        wasmtime_error_t *error = foundation_engine_new(pooled_config(absurd[i]), &engine);
        assert_non_null(error);
        assert_ptr_equal(engine, (wasm_engine_t *)1);
        wasmtime_error_delete(error);
    }
}

static void engine_with_contradicting_options_is_an_error(void **state)
{
    (void)state;
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_max_wasm_stack_set(config, 0);
    wasm_engine_t *engine = NULL;
    wasmtime_error_t *error = foundation_engine_new(config, &engine);
    assert_non_null(error);
    char text[256];
    assert_true(foundation_error_text(error, text, sizeof text) > 0);
    foundation_error_info info;
    foundation_error_inspect(error, &info);
    assert_int_equal(info.kind, FOUNDATION_ERROR_OTHER);
    assert_int_equal(info.trap_code, -1);
    assert_int_equal(info.os_errno, 0);
    wasmtime_error_delete(error);
}

static void engine_without_room_says_out_of_mappings(void **state)
{
    (void)state;
    struct rlimit before, little;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    little = before;
    little.rlim_cur = 2ul << 30;
    assert_int_equal(setrlimit(RLIMIT_AS, &little), 0);
    wasm_engine_t *engine = NULL;
    wasmtime_error_t *error = foundation_engine_new(pooled_config(100), &engine);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);

    assert_non_null(error);
    foundation_error_info info;
    foundation_error_inspect(error, &info);
    assert_int_equal(info.kind, FOUNDATION_ERROR_OUT_OF_MAPPINGS);
    assert_int_equal(info.os_errno, ENOMEM);
    assert_int_equal(info.trap_code, -1);
    wasmtime_error_delete(error);
}

static void pagemap_scan_is_what_engine_creation_accepts(void **state)
{
    (void)state;
    for (int on = 0; on <= 1; on++) {
        wasm_config_t *config = wasm_config_new();
        wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
        foundation_pooling_pagemap_scan_set(pool, on);
        wasmtime_pooling_allocation_strategy_set(config, pool);
        wasmtime_pooling_allocation_config_delete(pool);
        wasm_engine_t *engine = NULL;
        wasmtime_error_t *error = foundation_engine_new(config, &engine);
        if (on && !foundation_pagemap_scan_available()) {
            assert_non_null(error);
            wasmtime_error_delete(error);
        } else {
            assert_no_error(error);
            wasm_engine_delete(engine);
        }
    }
}

/* ---- modules ---- */

static void module_resources_count_what_an_instance_takes(void **state)
{
    (void)state;
    wasm_engine_t *engine = plain_engine();
    wasmtime_module_t *module = module_new(engine, "(module"
                                                   " (import \"host\" \"memory\" (memory 100))"
                                                   " (import \"host\" \"f\" (func))"
                                                   " (memory 2) (memory 3 9) (table 5 funcref)"
                                                   " (func) (func) (func))");
    foundation_module_needs needs;
    foundation_module_resources(module, &needs);
    assert_int_equal(needs.memories, 2);
    assert_int_equal(needs.tables, 1);
    assert_int_equal(needs.functions, 3);
    assert_int_equal(needs.memory_bytes_initial, 3 * WASM_PAGE);
    assert_int_equal(needs.table_elements_initial, 5);
    wasmtime_module_delete(module);

    module = module_new(engine, "(module)");
    foundation_module_resources(module, &needs);
    assert_int_equal(needs.memories + needs.tables + needs.functions, 0);
    assert_int_equal(needs.memory_bytes_initial + needs.table_elements_initial, 0);
    wasmtime_module_delete(module);
    wasm_engine_delete(engine);
}

/* ---- errors and traps ---- */

/* Instantiate @p wat, call its export "f", and hand back the trap. */
struct failing_guest {
    wasm_engine_t *engine;
    wasmtime_module_t *module;
    wasmtime_store_t *store;
    wasm_trap_t *trap;
};

static struct failing_guest failing_guest(const char *wat)
{
    struct failing_guest guest = {.engine = plain_engine()};
    guest.module = module_new(guest.engine, wat);
    guest.store = wasmtime_store_new(guest.engine, NULL, NULL);
    wasmtime_instance_t instance = instance_new(guest.store, guest.module);
    guest.trap = call_i32(guest.store, &instance, "f", NULL, NULL);
    assert_non_null(guest.trap);
    return guest;
}

static void failing_guest_done(struct failing_guest *guest)
{
    wasm_trap_delete(guest->trap);
    wasmtime_store_delete(guest->store);
    wasmtime_module_delete(guest->module);
    wasm_engine_delete(guest->engine);
}

static void trap_codes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *wat;
        int code;
    } cases[] = {
        {"(module (func (export \"f\") unreachable))", WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED},
        {"(module (func (export \"f\") (drop (i32.div_s (i32.const 1) (i32.const 0)))))",
         WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO},
        {"(module (memory 1) (func (export \"f\") (drop (i32.load (i32.const 65536)))))",
         WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS},
        {"(module (func $f (export \"f\") (call $f)))", WASMTIME_TRAP_CODE_STACK_OVERFLOW},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failing_guest guest = failing_guest(cases[i].wat);
        foundation_error_info info;
        foundation_trap_inspect(guest.trap, &info);
        assert_int_equal(info.kind, FOUNDATION_ERROR_TRAP);
        assert_int_equal(info.trap_code, cases[i].code);
        assert_int_equal(info.os_errno, 0);
        failing_guest_done(&guest);
    }
}

static void trap_of_a_host_function_is_no_trap_of_the_guest(void **state)
{
    (void)state;
    wasm_trap_t *trap = wasmtime_trap_new("no such key", strlen("no such key"));
    foundation_error_info info;
    foundation_trap_inspect(trap, &info);
    assert_int_equal(info.kind, FOUNDATION_ERROR_OTHER);
    assert_int_equal(info.trap_code, -1);
    char text[64];
    assert_int_equal(foundation_trap_text(trap, text, sizeof text), strlen("no such key"));
    assert_string_equal(text, "no such key");
    wasm_trap_delete(trap);
}

static void full_pool_is_told(void **state)
{
    (void)state;
    wasm_engine_t *engine = engine_new(pooled_config(2));
    wasmtime_module_t *module = module_new(engine, "(module (memory 1))");
    wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
    instance_new(store, module);
    instance_new(store, module);
    wasmtime_instance_t instance;
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error =
        wasmtime_instance_new(wasmtime_store_context(store), module, NULL, 0, &instance, &trap);
    assert_non_null(error);
    foundation_error_info info;
    foundation_error_inspect(error, &info);
    assert_int_equal(info.kind, FOUNDATION_ERROR_POOL_FULL);
    assert_int_equal(info.trap_code, -1);
    wasmtime_error_delete(error);
    wasmtime_store_delete(store);
    wasmtime_module_delete(module);
    wasm_engine_delete(engine);
}

static void text_is_one_line_without_the_backtrace(void **state)
{
    (void)state;
    struct failing_guest guest = failing_guest("(module (func (export \"f\") unreachable))");
    char text[256];
    size_t length = foundation_trap_text(guest.trap, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "wasm trap: wasm `unreachable` instruction executed");
    failing_guest_done(&guest);

    wasm_engine_t *engine = plain_engine();
    static const uint8_t elf[] = "\x7f"
                                 "ELF\2\1\1";
    wasmtime_module_t *module = NULL;
    wasmtime_error_t *error = wasmtime_module_new(engine, elf, sizeof elf, &module);
    assert_non_null(error);
    foundation_error_text(error, text, sizeof text);
    assert_null(strchr(text, '\n'));
    assert_non_null(strstr(text, ": "));
    wasmtime_error_delete(error);
    wasm_engine_delete(engine);
}

static void text_is_cut_between_characters(void **state)
{
    (void)state;
    wasmtime_error_t *error = wasmtime_error_new("a\xe2\x82\xac"
                                                 "b"); /* a, the euro sign, b: 5 bytes */
    static const struct {
        size_t capacity;
        const char *text;
    } cases[] = {{6, "a\xe2\x82\xac"
                     "b"},
                 {5, "a\xe2\x82\xac"},
                 {4, "a"},
                 {3, "a"},
                 {2, "a"},
                 {1, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buffer[8];
        memset(buffer, '#', sizeof buffer);
        assert_int_equal(foundation_error_text(error, buffer, cases[i].capacity), 5);
        assert_string_equal(buffer, cases[i].text);
        assert_int_equal(buffer[cases[i].capacity], '#');
    }
    assert_int_equal(foundation_error_text(error, NULL, 0), 5);
    wasmtime_error_delete(error);
}

static void text_has_no_control_characters(void **state)
{
    (void)state;
    wasmtime_error_t *error = wasmtime_error_new("line one\n\tline \x1b[31mtwo\r\n");
    char text[64];
    foundation_error_text(error, text, sizeof text);
    assert_string_equal(text, "line one line [31mtwo");
    wasmtime_error_delete(error);
}

/* ---- frames ---- */

struct frames {
    size_t count;
    size_t stop_after;
    char functions[4][160];
    char module[64];
    uint32_t indices[4];
    uint64_t offsets[4];
    uint32_t lines[4];
    char file[256];
    bool has_file;
    size_t longest;
};

static bool see_frame(void *data, const foundation_frame *frame)
{
    struct frames *frames = data;
    if (frames->count < 4) {
        snprintf(frames->functions[frames->count], sizeof frames->functions[0], "%s",
                 frame->function ? frame->function : "(null)");
        frames->indices[frames->count] = frame->function_index;
        frames->offsets[frames->count] = frame->module_offset;
        frames->lines[frames->count] = frame->line;
    }
    snprintf(frames->module, sizeof frames->module, "%s", frame->module ? frame->module : "(null)");
    if (frame->function && strlen(frame->function) > frames->longest)
        frames->longest = strlen(frame->function);
    if (frame->file) {
        frames->has_file = true;
        snprintf(frames->file, sizeof frames->file, "%s", frame->file);
    }
    frames->count++;
    return frames->count != frames->stop_after;
}

static void frames_have_the_names_of_the_name_section(void **state)
{
    (void)state;
    struct failing_guest guest =
        failing_guest("(module $greeter"
                      " (func $inner unreachable)"
                      " (func $_ZN3app6middleEv (call $inner))"
                      " (func $outer (export \"f\") (call $_ZN3app6middleEv)))");
    struct frames frames = {0};
    foundation_trap_frames(guest.trap, see_frame, &frames);
    assert_int_equal(frames.count, 3);
    assert_string_equal(frames.functions[0], "inner");
    assert_string_equal(frames.functions[1], "app::middle()");
    assert_string_equal(frames.functions[2], "outer");
    assert_string_equal(frames.module, "greeter");
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(frames.indices[i], i);
        assert_true(frames.offsets[i] > 8 && frames.offsets[i] < 1000);
    }
    assert_false(frames.has_file);

    struct frames first = {.stop_after = 1};
    foundation_trap_frames(guest.trap, see_frame, &first);
    assert_int_equal(first.count, 1);
    failing_guest_done(&guest);
}

/* Compile C with debug information. @return the module's bytes (free() them), or NULL without
 * clang. */
static uint8_t *compile_c(const char *source, size_t *ret_size)
{
    char folder[] = "/tmp/bullpen-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64], command[512];
    snprintf(path, sizeof path, "%s/greeter.c", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(source, file);
    fclose(file);
    snprintf(command, sizeof command,
             "cd %s && clang-19 --target=wasm32 -g -O0 -nostdlib -Wl,--no-entry -Wl,--export=f"
             " -o greeter.wasm greeter.c 2>/dev/null",
             folder);
    uint8_t *bytes = NULL;
    if (system(command) == 0) {
        snprintf(path, sizeof path, "%s/greeter.wasm", folder);
        file = fopen(path, "rb");
        assert_non_null(file);
        bytes = malloc(65536);
        assert_non_null(bytes);
        *ret_size = fread(bytes, 1, 65536, file);
        fclose(file);
    }
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
    return bytes;
}

static void frames_have_lines_if_asked_for(void **state)
{
    (void)state;
    size_t size = 0;
    uint8_t *bytes = compile_c("static void inner(void)\n{\n    __builtin_trap();\n}\n"
                               "void f(void)\n{\n    inner();\n}\n",
                               &size);
    if (!bytes) {
        print_message("skipped: no clang-19\n");
        skip();
    }
    for (int on = 0; on <= 1; on++) {
        wasm_config_t *config = wasm_config_new();
        foundation_config_backtrace_details_set(config, on);
        wasm_engine_t *engine = engine_new(config);
        wasmtime_module_t *module = NULL;
        assert_no_error(wasmtime_module_new(engine, bytes, size, &module));
        wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
        wasmtime_instance_t instance = instance_new(store, module);
        wasm_trap_t *trap = call_i32(store, &instance, "f", NULL, NULL);
        assert_non_null(trap);
        struct frames frames = {0};
        foundation_trap_frames(trap, see_frame, &frames);
        assert_int_equal(frames.count, 2);
        assert_string_equal(frames.functions[0], "inner");
        assert_string_equal(frames.functions[1], "f");
        assert_int_equal(frames.has_file, on);
        assert_int_equal(frames.lines[0], on ? 3 : 0);
        assert_int_equal(frames.lines[1], on ? 7 : 0);
        if (on)
            assert_non_null(strstr(frames.file, "greeter.c"));
        wasm_trap_delete(trap);
        wasmtime_store_delete(store);
        wasmtime_module_delete(module);
        wasm_engine_delete(engine);
    }
    free(bytes);
}

static void frames_of_what_has_none_are_none(void **state)
{
    (void)state;
    wasmtime_error_t *error = wasmtime_error_new("not from a guest");
    struct frames frames = {0};
    foundation_error_frames(error, see_frame, &frames);
    assert_int_equal(frames.count, 0);
    wasmtime_error_delete(error);
}

/* A C++ name in which each parameter is a template of the one before, twice: its readable form
 * doubles each time. */
static void bomb_of_a_name(char *name, size_t capacity, int doublings)
{
    size_t length = (size_t)snprintf(name, capacity, "_Z1f1BIiiE");
    for (int i = 0; i < doublings; i++) {
        char reference[4] = "0";
        if (i < 10)
            snprintf(reference, sizeof reference, "%c", '0' + i);
        else
            snprintf(reference, sizeof reference, "%c", 'A' + i - 10);
        length += (size_t)snprintf(name + length, capacity - length, "S_IS%s_S%s_E", reference,
                                   reference);
    }
}

static void frame_names_cannot_explode(void **state)
{
    (void)state;
    for (int doublings = 2; doublings <= 34; doublings += 32) {
        char name[512], wat[1024];
        bomb_of_a_name(name, sizeof name, doublings);
        snprintf(wat, sizeof wat, "(module (func $%s (export \"f\") unreachable))", name);
        struct failing_guest guest = failing_guest(wat);
        struct frames frames = {0};
        foundation_trap_frames(guest.trap, see_frame, &frames);
        assert_int_equal(frames.count, 1);
        if (doublings == 2)
            assert_string_equal(frames.functions[0],
                                "f(B<int, int>, B<B<int, int>, B<int, int> >, "
                                "B<B<B<int, int>, B<int, int> >, B<B<int, int>, B<int, int> > >)");
        else
            assert_int_equal(frames.longest, strlen(name)); /* as it is */
        char text[128];
        foundation_trap_text(guest.trap, text, sizeof text);
        assert_string_equal(text, "wasm trap: wasm `unreachable` instruction executed");
        /* nor in Wasmtime's own text */
        wasm_message_t message;
        wasm_trap_message(guest.trap, &message);
        assert_true(message.size < 4096);
        wasm_byte_vec_delete(&message);
        failing_guest_done(&guest);
    }
}

/* ---- the panic hook ---- */

static int hook_pipe;

static void hook(const char *text, size_t length)
{
    if (write(hook_pipe, text, length) < 0)
        _exit(1);
}

static void panic_is_heard_before_the_abort(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL); /* not cmocka's */
        hook_pipe = ends[1];
        foundation_panic_hook_set(hook);
        /* the panic that foundation_engine_new() is there to avoid */
        wasm_engine_new_with_config(pooled_config(10000000));
        _exit(0);
    }
    close(ends[1]);
    char text[4096];
    ssize_t got = read(ends[0], text, sizeof text - 1);
    assert_true(got > 0);
    text[got] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "panicked at"));
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_names_the_wasmtime_of_the_headers),
        cmocka_unit_test(engine_with_too_many_slots_is_an_error),
        cmocka_unit_test(engine_with_contradicting_options_is_an_error),
        cmocka_unit_test(engine_without_room_says_out_of_mappings),
        cmocka_unit_test(pagemap_scan_is_what_engine_creation_accepts),
        cmocka_unit_test(module_resources_count_what_an_instance_takes),
        cmocka_unit_test(trap_codes_are_told),
        cmocka_unit_test(trap_of_a_host_function_is_no_trap_of_the_guest),
        cmocka_unit_test(full_pool_is_told),
        cmocka_unit_test(text_is_one_line_without_the_backtrace),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(text_has_no_control_characters),
        cmocka_unit_test(frames_have_the_names_of_the_name_section),
        cmocka_unit_test(frames_have_lines_if_asked_for),
        cmocka_unit_test(frames_of_what_has_none_are_none),
        cmocka_unit_test(frame_names_cannot_explode),
        cmocka_unit_test(panic_is_heard_before_the_abort),
    };
    return cmocka_run_group_tests_name("foundation", tests, NULL, NULL);
}
