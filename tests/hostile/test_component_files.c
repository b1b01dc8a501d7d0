/* Components that attack by what they are: files of the wrong kind, imports that nobody has, parts
 * that multiply themselves, damage. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/module.h"
#include "support/process.h"
#include "support/signals.h"
#include "support/strike.h"

#define MIB ((uint64_t)1 << 20)

/* A function "f" that does nothing, to be lifted and exported. */
#define NOTHING                                                                                    \
    "(core module $m (func (export \"f\"))) (core instance $i (instantiate $m))"                   \
    " (func $f (canon lift (core func $i \"f\")))"

/* ---- a text of any size ---- */

/* `pattern` with a number for each '#'. */
static void write_numbered(FILE *to, const char *pattern, unsigned number)
{
    for (; *pattern; pattern++) {
        if (*pattern == '#')
            fprintf(to, "%u", number);
        else
            fputc(*pattern, to);
    }
}

static void write_many(FILE *to, const char *pattern, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        write_numbered(to, pattern, i);
}

typedef struct text {
    char *data;
    size_t size;
    FILE *to;
} text;

static void text_begin(text *self)
{
    self->to = open_memstream(&self->data, &self->size);
    assert_non_null(self->to);
    fputs("(component ", self->to);
}

static bp_status text_load(text *self, host *at, bp_plugin **ret, bp_error *reterr)
{
    fputs(")", self->to);
    fclose(self->to);
    bp_plugin_options options = strike_options();
    bp_status status = host_try_text(at, self->data, &options, ret, reterr);
    free(self->data);
    return status;
}

static void text_is_refused(text *self, host *at, bp_status expected, const char *message)
{
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(expected, text_load(self, at, &plugin, &error), &error);
    assert_contains(error.message, message, "error");
    assert_null(plugin);
    host_neighbour_answers(at);
}

static bp_plugin *text_loads(text *self, host *at)
{
    bp_plugin *plugin;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, text_load(self, at, &plugin, &error), &error);
    return plugin;
}

static void text_is_harmless(text *self, host *at)
{
    host_unload(at, text_loads(self, at));
}

/* ---- what it needs, and what it is ---- */

typedef struct refusal {
    const char *text;
    bp_status status;
    const char *message;
} refusal;

static void refuse_all(const refusal *refusals, size_t count)
{
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < count; i++) {
        bp_plugin *plugin;
        bp_error error = BP_ERROR_INIT;
        bp_plugin_options options = strike_options();
        bp_status status = host_try_text(&self, refusals[i].text, &options, &plugin, &error);
        if (status != refusals[i].status)
            print_error("%s\n", refusals[i].text);
        assert_status(refusals[i].status, status, &error);
        assert_contains(error.message, refusals[i].message, "error");
        for (const char *at = error.message; *at; at++)
            assert_true((unsigned char)*at >= ' ' && *at != 0x7f);
        host_neighbour_answers(&self);
    }
    host_close(&self);
}

#define IMPORT(name, what) "(component (import \"" name "\" " what "))"
#define IMPORT_FUNC(name) IMPORT(name, "(instance (export \"run\" (func)))")

static void imports_that_nobody_has_are_named(void **state)
{
    (void)state;
    static const refusal refusals[] = {
        {IMPORT_FUNC("acme:db/query@1.0.0"), BP_EDENIED, "'acme:db/query@1.0.0' 'run'"},
        {IMPORT("run", "(func)"), BP_EDENIED, "'run': functions of the host are in interfaces"},
        {IMPORT("wasi:http/outgoing-handler@0.2.0", "(instance)"), BP_EDENIED,
         "bullpen:plugin/http@0.1.0"},
        {IMPORT_FUNC("wasi:cli/stdin@0.3.0"), BP_EDENIED, "at version 0.2"},
        {IMPORT_FUNC("wasi:clocks/monotonic-clock@0.3.0-rc-2025"), BP_EDENIED, "at version 0.2"},
        {IMPORT_FUNC("wasi:nn/graph@0.2.0"), BP_EDENIED, "of WASI the host has"},
        {IMPORT_FUNC("bullpen:plugin/kv@0.2.0"), BP_EDENIED, "at version 0.1.0"},
        {IMPORT_FUNC("bullpen:plugin/kv"), BP_EDENIED, "at version 0.1.0"},
        {IMPORT_FUNC("bullpen:plugin/secrets@0.1.0"), BP_EDENIED, "'bullpen:plugin/secrets@0.1.0'"},
        {IMPORT_FUNC("bullpen:plugin/kv@0.1.0"), BP_EDENIED, "run"},
        {IMPORT("bullpen:plugin/kv@0.1.0",
                "(instance (export \"get\" (func (param \"key\" u32))))"),
         BP_EDENIED, "get"},
        {IMPORT("m", "(core module)"), BP_EDENIED, "'m': a module or component"},
        {IMPORT("m", "(core module (export \"f\" (func)))"), BP_EDENIED, "'m'"},
        {IMPORT("c", "(component)"), BP_EFORMAT, "component imports are not supported"},
        {IMPORT("t", "(type (sub resource))"), BP_EDENIED, "t"},
        {IMPORT("url=<https://a/b>", "(component)"), BP_EFORMAT, "component imports"},
        {IMPORT("integrity=<sha256-Y2F0>", "(func)"), BP_EDENIED, "integrity=<sha256-Y2F0>"},
        {IMPORT("unlocked-dep=<a:b>", "(instance (export \"x\" (func)))"), BP_EDENIED, "a:b"},
    };
    refuse_all(refusals, COUNT(refusals));
}

static void what_is_no_plugin_is_refused(void **state)
{
    (void)state;
    static const refusal refusals[] = {
        {"(component (import \"a\\1b[31m\\0a\" (func)))", BP_EFORMAT, "kebab"},
        {"(component (import \"v\" (value u32)))", BP_EFORMAT, "value"},
        {"(component (core func $x (canon thread.available_parallelism)))", BP_EFORMAT, "threads"},
        {"(component (import \"a:b/c\" (instance (export \"f\" (func (result (stream u8)))))))",
         BP_EFORMAT, "async"},
        {"(component " NOTHING " (func (export \"g\") async (canon lift (core func $i \"f\"))))",
         BP_EFORMAT, "async"},
        {"(component (component $c) (export \"c\" (component $c)))", BP_EFORMAT, "component"},
        {"(component (import \"bullpen:plugin/call@0.1.0\" (instance $i (export \"remaining-ms\""
         " (func (result u64))))) (export \"f\" (func $i \"remaining-ms\")))",
         BP_EFORMAT, "reexport"},
        {"(component (core module $m (table 100000000 funcref)) (core instance (instantiate $m)))",
         BP_ELIMIT, "table_elements_max"},
        {"(component (core module $m (memory 65536)) (core instance (instantiate $m)))", BP_ELIMIT,
         "memory_bytes_max"},
        {"(component (core module $m (memory 600)) (core module $n (memory 600))"
         " (core instance (instantiate $m)) (core instance (instantiate $n)))",
         BP_ELIMIT, "memory_bytes"},
    };
    refuse_all(refusals, COUNT(refusals));
}

static void call_gives(const char *wat, const char *export_name, bp_status status,
                       const char *message)
{
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = strike_options();
    bp_plugin *plugin = host_load_text(&self, wat, &options);
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    if (status == BP_OK)
        call_answers(plugin, export_name, "", message);
    else
        call_refused(plugin, &call, status, message);
    host_unload(&self, plugin);
    host_close(&self);
}

/* What the world says about a name holds for the type that it has there. */
static void another_world_is_no_error_until_it_is_called(void **state)
{
    (void)state;
    static const char seven[] =
        "(component (core module $m (func (export \"f\") (result i32) i32.const 7))"
        " (core instance $i (instantiate $m))"
        " (func (export \"handle\") (result u32) (canon lift (core func $i \"f\"))))";
    call_gives(seven, "handle", BP_OK, "7");
    static const char inside[] =
        "(component " NOTHING " (instance $x (export \"handle\" (func $f)))"
        " (export \"a:b/handle@1.0.0\" (instance $x)))";
    call_gives(inside, "handle", BP_ENOTFOUND, "a:b/handle@1.0.0#handle");
    call_gives("(component)", "handle", BP_ENOTFOUND, "no export 'handle'");
    static const char init[] =
        "(component (core module $m (func (export \"f\") (param i32) unreachable))"
        " (core instance $i (instantiate $m))"
        " (func (export \"init\") (param \"x\" u32) (canon lift (core func $i \"f\"))))";
    call_gives(init, "init", BP_EFORMAT, "makes a sandbox ready");
    static const char module[] = "(component (core module $m) (export \"m\" (core module $m)))";
    call_gives(module, "m", BP_EFORMAT, "not a function");
}

/* ---- much of everything ---- */

static void write_types(FILE *to, const char *first, const char *next, unsigned levels)
{
    fprintf(to, "(type $t0 %s)", first);
    for (unsigned i = 1; i < levels; i++) {
        fprintf(to, "(type $t%u ", i);
        write_numbered(to, next, i - 1);
        fputs(")", to);
    }
}

#define DOUBLE_TUPLE "(tuple $t# $t#)"

/* A type of two to the power of `levels` fields, as a result. */
static void write_large_type(FILE *to, unsigned levels)
{
    write_types(to, "(tuple u8 u8)", DOUBLE_TUPLE, levels);
    fprintf(to,
            "(core module $m (memory (export \"m\") 1) (func (export \"f\") (result i32)"
            " i32.const 0)) (core instance $i (instantiate $m))"
            " (func (export \"f\") (result $t%u) (canon lift (core func $i \"f\")"
            " (memory (core memory $i \"m\"))))",
            levels - 1);
}

static void types_that_double_are_refused_or_not_called(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    for (unsigned levels = 20; levels <= 80; levels += 20) {
        text wat;
        text_begin(&wat);
        write_large_type(wat.to, levels);
        text_is_refused(&wat, &self, BP_EFORMAT, "type size exceeds");
    }
    text wat;
    text_begin(&wat);
    write_large_type(wat.to, 18);
    bp_plugin *plugin = text_loads(&wat, &self);
    bp_call call = BP_CALL_INIT;
    call.export_name = "f";
    call_refused(plugin, &call, BP_EINVAL, "more than 8192 types");
    host_unload(&self, plugin);
    host_close(&self);
}

static void numbers_of_things_are_limited(void **state)
{
    (void)state;
    static const struct {
        const char *before, *pattern;
        unsigned count;
        bp_status status;
        const char *message;
    } cases[] = {
        {"", "(component $c#)", 1001, BP_ELIMIT, "more than 1000 modules and components"},
        {"", "(core module $m#)", 1001, BP_ELIMIT, "more than 1000 modules and components"},
        {"(core module $m)", "(core instance $i# (instantiate $m))", 101, BP_ELIMIT,
         "core module instances"},
        {"", "(core module $m# (memory 1)) (core instance (instantiate $m#))", 5, BP_ELIMIT,
         "memories"},
        {"", "(core module $m# (table 1 funcref)) (core instance (instantiate $m#))", 5, BP_ELIMIT,
         "tables"},
        {NOTHING, "(export \"f#\" (func $f))", 10001, BP_ELIMIT, "more than 10000"},
        {"", "(import \"f#\" (func))", 10001, BP_ELIMIT, "more than 10000"},
        {"", "(import \"a:b/c#\" (instance (export \"f\" (func))))", 1001, BP_EFORMAT,
         "instances count"},
    };
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        text wat;
        text_begin(&wat);
        fputs(cases[i].before, wat.to);
        write_many(wat.to, cases[i].pattern, cases[i].count);
        text_is_refused(&wat, &self, cases[i].status, cases[i].message);
    }
    for (unsigned depth = 9; depth < 100; depth += 45) {
        text wat;
        text_begin(&wat);
        write_many(wat.to, "(component $c# ", depth);
        write_many(wat.to, ")", depth);
        text_is_refused(&wat, &self, BP_ELIMIT, "nested more than 8 deep");
    }
    host_close(&self);
}

/* As many as there may be of them, which still works. */
static void ten_thousand_exports_are_callable(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    text wat;
    text_begin(&wat);
    fputs(NOTHING, wat.to);
    write_many(wat.to, "(export \"f#\" (func $f))", 10000);
    bp_plugin *plugin = text_loads(&wat, &self);
    call_answers(plugin, "f0", "", "");
    call_answers(plugin, "f9999", "", "");
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- what multiplies itself ---- */

/* Each instantiates the one before twice. */
static void write_instantiations(FILE *to)
{
    fputs("(component $c0)", to);
    for (unsigned i = 1; i < 40; i++)
        fprintf(to,
                "(component $c%u (alias outer 1 $c%u (component $x))"
                " (instance (instantiate $x)) (instance (instantiate $x)))",
                i, i - 1);
    fputs("(instance (instantiate $c39))", to);
}

/* Each closes over the one before twice. */
static void write_closures(FILE *to)
{
    fputs("(component $c0)", to);
    for (unsigned i = 1; i < 40; i++)
        fprintf(to,
                "(component $c%u (alias outer 1 $c%u (component $x))"
                " (alias outer 1 $c%u (component $y)))",
                i, i - 1, i - 1);
}

/* Each exports the one before twice, and the last one is named often. */
static void write_instances(FILE *to)
{
    fputs(NOTHING "(instance $i0 (export \"a\" (func $f)))", to);
    for (unsigned i = 1; i < 17; i++)
        fprintf(to, "(instance $i%u (export \"a\" (instance $i%u)) (export \"b\" (instance $i%u)))",
                i, i - 1, i - 1);
    write_many(to, "(instance $j# (export \"a\" (instance $i16)))", 900);
}

/* The same with and without a process of its own for the compiler: it ends, and soon, with memory
 * that others can spare. */
static void components_that_multiply_are_refused(void **state)
{
    (void)state;
    static const struct {
        void (*write)(FILE *to);
        const char *message; /* NULL: they are harmless */
    } cases[] = {{write_instantiations, "instantiates its components too many times"},
                 {write_instances, "imports and exports"},
                 {write_closures, NULL}};
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
        options.sandboxes_max = 8;
        options.compiler = i % 2 ? "" : NULL;
        host self;
        host_open(&self, &options);
        uint64_t before = process_resident_bytes();
        text wat;
        text_begin(&wat);
        cases[i / 2].write(wat.to);
        if (cases[i / 2].message)
            text_is_refused(&wat, &self, BP_EFORMAT, cases[i / 2].message);
        else
            text_is_harmless(&wat, &self);
        assert_true(process_resident_bytes() < before + 512 * MIB);
        host_close(&self);
    }
}

/* ---- damage ---- */

#define DAMAGED_EACH 700

static uint64_t dice;

static uint64_t roll(uint64_t below)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice % below;
}

static void damage(uint8_t *bytes, size_t *size)
{
    static const uint8_t words[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x40, 0x0d, 0x70};
    if (roll(5) == 0)
        *size = roll(*size);
    for (uint64_t left = 1 + roll(3); left && *size > 8; left--) {
        uint8_t *at = &bytes[8 + roll(*size - 8)];
        switch (roll(3)) {
        case 0:
            *at ^= (uint8_t)(1 << roll(8));
            break;
        case 1:
            *at = words[roll(sizeof words)];
            break;
        default:
            *at = (uint8_t)(*at + (roll(2) ? 1 : 255));
        }
    }
}

static void call_damaged(bp_plugin *plugin)
{
    bp_plugin_info info = BP_PLUGIN_INFO_INIT;
    assert_status(BP_OK, bp_plugin_get_info(plugin, &info, NULL), NULL);
    for (size_t i = 0; i < info.export_count && i < 3; i++) {
        bp_call call = BP_CALL_INIT;
        call.export_name = info.exports[roll(info.export_count)];
        bp_call_result result = BP_CALL_RESULT_INIT;
        bp_error error = BP_ERROR_INIT;
        if (bp_plugin_call(plugin, &call, &result, &error) != BP_OK)
            assert_true(error.message[0]);
        bp_call_result_done(&result);
    }
}

static unsigned load_damaged(host *self, uint8_t *bytes, size_t size)
{
    bp_plugin_options options = strike_hasty_options();
    options.limits.time_ms = 5;
    options.limits.init_time_ms = 5;
    options.min_warm = BP_POOL_NONE;
    options.max_live = 1;
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    damage(bytes, &size);
    bp_status status =
        bp_plugin_load_bytes(self->runtime, (bp_bytes){bytes, size}, &options, &plugin, &error);
    if (status != BP_OK) {
        assert_true(error.status == status && error.message[0]);
        return 0;
    }
    call_damaged(plugin);
    plugin_is_whole(plugin);
    bp_plugin_unref(plugin);
    return 1;
}

/* Whatever of it still loads may do anything but harm. */
static void damaged_components_are_errors_or_harmless(void **state)
{
    (void)state;
    static const char *const guests[] = {"component/echo.wat", "component/handles.wat",
                                         "component/attacks.wat", "component/host.wat"};
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 8;
    options.compiler = ""; /* in this process: what is wrong there shall show */
    host self;
    host_open(&self, &options);
    unsigned loaded = 0;
    for (size_t i = 0; i < COUNT(guests); i++) {
        uint8_t *wasm, *copy;
        size_t size;
        bp_bytes wat = guest_bytes(guests[i]);
        assert_status(BP_OK, bp__wat_to_wasm(wat, &wasm, &size, NULL), NULL);
        assert_non_null(copy = malloc(size));
        for (unsigned n = 0; n < DAMAGED_EACH; n++) {
            dice = 0x9E3779B97F4A7C15 ^ (i << 32 | (n + 1));
            memcpy(copy, wasm, size);
            loaded += load_damaged(&self, copy, size);
        }
        free(copy);
        free((void *)(uintptr_t)wat.data);
        bp__free(wasm);
        host_neighbour_answers(&self);
    }
    print_message("%u of %u loaded\n", loaded, (unsigned)COUNT(guests) * DAMAGED_EACH);
    assert_true(loaded > 0);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_that_nobody_has_are_named),
        cmocka_unit_test(what_is_no_plugin_is_refused),
        cmocka_unit_test(another_world_is_no_error_until_it_is_called),
        cmocka_unit_test(types_that_double_are_refused_or_not_called),
        cmocka_unit_test(numbers_of_things_are_limited),
        cmocka_unit_test(ten_thousand_exports_are_callable),
        cmocka_unit_test(components_that_multiply_are_refused),
        cmocka_unit_test(damaged_components_are_errors_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
