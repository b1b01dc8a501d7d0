/* Files that are no plugins, or not quite. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/host.h"
#include "support/process.h"
#include "support/signals.h"

typedef struct bad_bytes {
    const char *data;
    size_t size;
    bp_status status;
    const char *message;
} bad_bytes;
#define BAD(literal, status, message) {(literal), sizeof(literal) - 1, (status), (message)}

static void expect_refused(host *self, bp_bytes bytes, bp_status expected, const char *message)
{
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(expected, bp_plugin_load_bytes(self->runtime, bytes, NULL, &plugin, &error),
                  &error);
    assert_contains(error.message, message, "error");
    assert_null(plugin);
}

/* A component with an instance of one function as each export named. */
#define WITH_INSTANCE(exports)                                                                     \
    "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))"        \
    " (func $f (canon lift (core func $i \"f\")))"                                                 \
    " (instance $api (export \"f\" (func $f)))" exports ")"
#define EXPORT(name) "(export \"" name "\" (instance $api))"

static void other_formats_are_named(void **state)
{
    (void)state;
    static const bad_bytes cases[] = {
        BAD("", BP_EFORMAT, "empty"),
        BAD("hello, I am a plugin", BP_EFORMAT, "text"),
        BAD("\x7f"
            "ELF\2\1\1\0\0\0\0\0",
            BP_EFORMAT, "ELF"),
        BAD("MZ\x90\0\3\0\0\0", BP_EFORMAT, "Windows"),
        BAD("\x1f\x8b\x08\0\0\0\0\0", BP_EFORMAT, "gzip"),
        BAD("PK\3\4\0\0\0\0", BP_EFORMAT, "ZIP"),
        BAD("#!/bin/sh\n", BP_EFORMAT, "script"),
        BAD("<html>", BP_EFORMAT, "HTML"),
        BAD("\0asm", BP_EFORMAT, "cut"),
        BAD("\0as", BP_EFORMAT, "cut"),
        BAD("\0asm\1\0", BP_EFORMAT, "cut"),
        BAD("\0asm\2\0\0\0", BP_EFORMAT, "version 2"),
        BAD("\0asm\x0c\0\1\0", BP_EFORMAT, "version 12 of the component format"),
        BAD("\0asm\x0d\0\1\0\1", BP_EFORMAT, "cut off"),
        BAD("\0asm\x0d\0\1\0\1\x10\0asm", BP_EFORMAT, "cut off"),
        BAD("\0asm\x0d\0\1\0\1\4\0asm", BP_EFORMAT, "cut off"),
        /* a module where a component should be, and the reverse */
        BAD("\0asm\x0d\0\1\0\4\x8\0asm\1\0\0\0", BP_EFORMAT, "cut off or damaged"),
        BAD("\0asm\x0d\0\1\0\1\x8\0asm\x0d\0\1\0", BP_EFORMAT, "cut off or damaged"),
        BAD("\xff\xfe\0\1\2\3", BP_EFORMAT, "unknown"),
        BAD(" \t\r\n", BP_EFORMAT, "not a plugin"),
        BAD("(module", BP_EFORMAT, "WebAssembly text"),
        BAD("(module (func (result i32)))", BP_EFORMAT, "type mismatch"),
        BAD("(component", BP_EFORMAT, "WebAssembly text"),
        BAD("(component (import \"no:such/thing\" (instance (export \"f\" (func)))))", BP_EDENIED,
            "no:such/thing"),
        BAD(WITH_INSTANCE(EXPORT("wasi:http/incoming-handler@0.2.3")), BP_EUNSUPPORTED,
            "answers HTTP requests (it exports 'wasi:http/incoming-handler@0.2.3'), which is not "
            "served yet"),
        /* with what a toolchain leaves there, which nobody can call */
        BAD(WITH_INSTANCE(
                EXPORT("wasi:http/incoming-handler@0.2.10") "(export \"init\" (func $f))"),
            BP_EUNSUPPORTED, "answers HTTP requests"),
        BAD("(component (import \"wasi:http/types@0.2.3\" (instance (export \"f\" (func)))))",
            BP_EDENIED, "plugins fetch by 'bullpen:plugin/http@0.1.0'"),
        BAD("(component (import \"wasi:io/poll@0.3.0\" (instance (export \"f\" (func)))))",
            BP_EDENIED, "at version 0.2"),
        BAD("(; a comment that never ends", BP_EFORMAT, "not a plugin"),
        BAD("{", BP_EFORMAT, "manifest"),
    };
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_refused(&self, (bp_bytes){cases[i].data, cases[i].size}, cases[i].status,
                       cases[i].message);
        host_neighbour_answers(&self);
    }
    host_close(&self);
}

/* What nests deeply must not end the stack of who reads it. */
static void deep_nesting_is_refused(void **state)
{
    (void)state;
    static const char *const openings[] = {
        "(", "(module(func(block", "(;", "[", "{\"a\":", "(module "};
    enum { DEPTH = 200000 };
    host self;
    host_open(&self, NULL);
    for (size_t i = 0; i < COUNT(openings); i++) {
        size_t size = strlen(openings[i]);
        char *text = malloc(size * DEPTH);
        assert_non_null(text);
        for (size_t j = 0; j < DEPTH; j++)
            memcpy(text + j * size, openings[i], size);
        expect_refused(&self, (bp_bytes){text, size * DEPTH}, BP_EFORMAT, "");
        free(text);
    }
    host_neighbour_answers(&self);
    host_close(&self);
}

/* Most prefixes are damaged; a few are modules of their own, which then have nothing to call. */
static void a_module_cut_at_any_byte_is_no_trouble(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_bytes whole = guest_bytes("extism-pdk/code.wasm");
    assert_true(whole.size > 500);
    unsigned refused = 0, empty = 0;
    for (size_t size = 0; size < whole.size; size += size < 400 ? 1 : 97) {
        char *exact = malloc(size ? size : 1); /* so that a sanitizer sees the end */
        memcpy(exact, whole.data, size);
        bp_plugin *plugin = NULL;
        bp_error error = BP_ERROR_INIT;
        bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
        bp_status status =
            bp_plugin_load_bytes(self.runtime, (bp_bytes){exact, size}, &options, &plugin, &error);
        free(exact);
        if (status == BP_OK) {
            bp_plugin_info info = BP_PLUGIN_INFO_INIT;
            assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
            assert_int_equal(info.export_count, 0);
            empty++;
        } else {
            assert_status(BP_EFORMAT, status, &error);
            assert_true(error.message[0] != '\0');
            refused++;
        }
        bp_plugin_unref(plugin);
    }
    assert_true(refused > 400);
    assert_true(empty > 0);
    free((void *)(uintptr_t)whole.data);
    host_close(&self);
}

/* Deterministic damage: every byte once, with one of three different flips. */
static void a_module_with_a_damaged_byte_is_no_trouble(void **state)
{
    (void)state;
    static const unsigned char flips[] = {0x01, 0x80, 0xff};
    host self;
    host_open(&self, NULL);
    bp_bytes whole = guest_bytes("c/crash.wasm");
    char *copy = malloc(whole.size);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.min_warm = BP_POOL_NONE; /* what it does when it runs is another test's */
    unsigned loaded = 0, refused = 0;
    for (size_t at = 0; at < whole.size; at++) {
        memcpy(copy, whole.data, whole.size);
        copy[at] = (char)(copy[at] ^ flips[at % COUNT(flips)]);
        bp_plugin *plugin = NULL;
        bp_error error = BP_ERROR_INIT;
        bp_status status = bp_plugin_load_bytes(self.runtime, (bp_bytes){copy, whole.size},
                                                &options, &plugin, &error);
        loaded += status == BP_OK;
        refused += status != BP_OK;
        assert_true(status == BP_OK || error.message[0]);
        bp_plugin_unref(plugin);
    }
    assert_true(refused > 100);
    assert_true(loaded > 0);
    free(copy);
    free((void *)(uintptr_t)whole.data);
    host_close(&self);
}

/* ---- sizes ---- */

static void files_over_the_limits_are_refused_by_name(void **state)
{
    (void)state;
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 16;
    options.plugin_bytes_max = 4096;
    options.functions_max = 10;
    host self;
    host_open(&self, &options);
    char large[4097];
    memset(large, 0, sizeof large);
    memcpy(large, "\0asm\1\0\0", 7);
    expect_refused(&self, (bp_bytes){large, sizeof large}, BP_ELIMIT, "plugin_bytes_max");
    /* as text it is small */
    expect_refused(&self,
                   BP_BYTES("(module (func) (func) (func) (func) (func) (func) (func) (func)"
                            " (func) (func) (func))"),
                   BP_ELIMIT, "functions_max");
    /* 10 001 types, of which none has to follow for the count to be too high */
    expect_refused(&self, BP_BYTES("\0asm\1\0\0\0\1\2\x91\x4e"), BP_ELIMIT, "10001 types");
    /* a section that claims more than there is: counts are not believed */
    expect_refused(&self, BP_BYTES("\0asm\1\0\0\0\3\5\xff\xff\xff\xff\x0f"), BP_ELIMIT,
                   "functions_max");
    expect_refused(&self, BP_BYTES("\0asm\1\0\0\0\3\xff\xff\xff\xff\x0f"), BP_EFORMAT, "cut off");
    expect_refused(&self, BP_BYTES("\0asm\1\0\0\0\3\xff\xff\xff\xff\xff\xff\x0f"), BP_EFORMAT,
                   "cut off");
    host_close(&self);
}

/* ---- what is no file ---- */

static void expect_path_refused(host *self, const char *path, bp_status expected,
                                const char *message)
{
    bp_plugin *plugin = NULL;
    bp_inspection *inspection = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(expected, bp_plugin_load_file(self->runtime, path, NULL, &plugin, &error),
                  &error);
    assert_contains(error.message, message, "error");
    assert_contains(error.message, path, "error");
    error.message[0] = '\0';
    assert_status(expected, bp_inspect_file(self->runtime, path, &inspection, &error), &error);
    assert_contains(error.message, message, "error");
}

static void paths_that_are_no_files_are_refused(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    expect_path_refused(&self, "tests/guests/absent.wasm", BP_ENOTFOUND, "No such file");
    expect_path_refused(&self, "tests/guests", BP_EFORMAT, "directory");
    expect_path_refused(&self, "/dev/zero", BP_EFORMAT, "not a regular file");
    expect_path_refused(&self, "/dev/null", BP_EFORMAT, "not a regular file");
    expect_path_refused(&self, "/proc/self/mem", BP_ESYSTEM, "");
    char fifo[] = "/tmp/bullpen-test-XXXXXX";
    assert_non_null(mkdtemp(fifo));
    char path[64];
    snprintf(path, sizeof path, "%s/fifo", fifo);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_path_refused(&self, path, BP_EFORMAT, "not a regular file"); /* and does not wait */
    unlink(path);
    rmdir(fifo);
    host_close(&self);
}

static void refused_files_leave_nothing_behind(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    unsigned mappings = 0, descriptors = 0;
    for (int i = 0; i < 200; i++) {
        expect_path_refused(&self, "tests/guests/build", BP_EFORMAT, "script");
        bp_plugin *plugin = NULL;
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_EGUEST, host_try_load(&self, "start_trap.wat", NULL, &plugin, &error),
                      &error);
        if (i == 20) {
            mappings = process_mappings();
            descriptors = process_descriptors();
        }
    }
    assert_true(process_descriptors() <= descriptors); /* a helper may have had one open then */
    assert_true(process_mappings() <= mappings + 20);
    host_close(&self);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_formats_are_named),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(a_module_cut_at_any_byte_is_no_trouble),
        cmocka_unit_test(a_module_with_a_damaged_byte_is_no_trouble),
        cmocka_unit_test(files_over_the_limits_are_refused_by_name),
        cmocka_unit_test(paths_that_are_no_files_are_refused),
        cmocka_unit_test(refused_files_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
