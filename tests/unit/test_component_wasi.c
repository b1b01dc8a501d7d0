/* What bp__component_wasi answers, without an engine: it is called as the foundation calls it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "guest/component/wasi.h"
#include "guest/sandbox.h"
#include "support/folder.h"
#include "support/process.h"

#define FILES 150 /* more than one batch of a guest's */

typedef struct world {
    bp__sandbox sandbox;
    bp__logger logger;
    bp__config config;
    bp__grants grants;
    bp__folder *folder;
    bp__buffer out;
    char log[1024];
    char path[FOLDER_PATH_MAX];
    unsigned descriptors;
} world;

static const foundation_wasi_host *const wasi = &bp__component_wasi;

static void keep(void *data, const bp_log_record *from)
{
    world *w = data;
    size_t used = strlen(w->log);
    snprintf(w->log + used, sizeof w->log - used, "%.*s|", (int)from->text.size,
             (const char *)from->text.data);
}

static void begin_with(world *w, const bp__host_call *call)
{
    bp__host_call with = *call;
    with.host_calls_max = with.host_calls_max ? with.host_calls_max : UINT64_MAX;
    with.log_bytes_max = with.output_bytes_max = 1000;
    bp__host_state_begin(&w->sandbox.host, &with);
}

static void begin(world *w)
{
    begin_with(w, &(bp__host_call){.by = UINT64_MAX});
}

static void grant(world *w, uint32_t capabilities)
{
    w->grants.asked = w->grants.offered = capabilities;
}

static void make_file(world *w, const char *name, const char *text)
{
    char path[FOLDER_PATH_MAX];
    folder_write(folder_path(w->path, name, path), text, strlen(text));
}

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    w->logger = (bp__logger){keep, w, BP_LOG_TRACE};
    bp__host_state_init(&w->sandbox.host, &w->logger, "greet", &w->config);
    w->sandbox.host.grants = &w->grants;
    begin(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    bp__clock_fake_set(0);
    bp__buffer_done(&w->out);
    free(w);
    return 0;
}

static int setup_files(void **state)
{
    char path[FOLDER_PATH_MAX];
    setup(state);
    world *w = *state;
    w->descriptors = process_descriptors();
    folder_make(w->path);
    make_file(w, "hello.txt", "Hello, files!");
    assert_int_equal(mkdir(folder_path(w->path, "many", path), 0700), 0);
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "many/%03d", i);
        make_file(w, path, "");
    }
    assert_int_equal(symlink("hello.txt", folder_path(w->path, "link", path)), 0);
    assert_int_equal(bp__folder_new(w->path, &w->folder, NULL), BP_OK);
    bp__files_init(&w->sandbox.host.files, w->folder);
    return 0;
}

static int teardown_files(void **state)
{
    world *w = *state;
    bp__files_close_all(&w->sandbox.host.files);
    bp__folder_free(w->folder);
    folder_remove(w->path);
    assert_int_equal(process_descriptors(), w->descriptors);
    return teardown(state);
}

/* ---- the door ---- */

static void every_function_is_there(void **unused)
{
    (void)unused;
    static const foundation_wasi_host none;
    const unsigned char *table = (const unsigned char *)wasi;
    for (size_t at = 0; at < sizeof *wasi; at += sizeof wasi->enter)
        assert_memory_not_equal(table + at, &none, sizeof wasi->enter);
}

static void calls_are_counted_and_end_at_the_limit(void **state)
{
    world *w = *state;
    begin_with(w, &(bp__host_call){.by = UINT64_MAX, .host_calls_max = 2});
    assert_true(wasi->enter(w, "a"));
    assert_string_equal(w->sandbox.host.host_function, "a");
    wasi->leave(w);
    assert_null(w->sandbox.host.host_function);
    assert_true(wasi->enter(w, "b"));
    assert_false(wasi->enter(w, "c"));
    assert_int_equal(w->sandbox.host.stop, BP__STOP_LIMIT);
    assert_string_equal(w->sandbox.host.limit, "host_calls");
}

static void nothing_goes_on_after_the_deadline(void **state)
{
    world *w = *state;
    begin_with(w, &(bp__host_call){.by = BP_NOW});
    assert_false(wasi->enter(w, "a"));
    assert_int_equal(w->sandbox.host.stop, BP__STOP_DEADLINE);
}

/* ---- the process ---- */

static void list_text(void *data, const char *text, size_t size)
{
    bp__buffer *to = data;
    assert_true(bp__buffer_append(to, text, size) && bp__buffer_append(to, "|", 1));
}

static const char *texts(world *w, void (*show)(void *, foundation_wasi_text_fn, void *))
{
    bp__buffer_done(&w->out);
    show(w, list_text, &w->out);
    const char *text = bp__buffer_text(&w->out);
    return text ? text : "";
}

static void arguments_are_the_calls(void **state)
{
    static const char *const args[] = {"program", "", "-x"};
    world *w = *state;
    assert_string_equal(texts(w, wasi->arguments), "plugin|");
    begin_with(w, &(bp__host_call){.by = UINT64_MAX, .stdio = {.args = args, .arg_count = 3}});
    assert_string_equal(texts(w, wasi->arguments), "program||-x|");
}

static void variables_are_those_that_the_host_named(void **state)
{
    world *w = *state;
    bp__env env = {0};
    assert_string_equal(texts(w, wasi->environment), "");
    assert_int_equal(bp__env_add(&env, "A", "1=2", NULL), BP_OK);
    assert_int_equal(bp__env_add(&env, "B", "", NULL), BP_OK);
    w->sandbox.host.env = &env;
    assert_string_equal(texts(w, wasi->environment), "A=1=2|B=|");
    bp__env_done(&env);
}

static void streams_are_the_calls(void **state)
{
    world *w = *state;
    uint8_t in[8];
    assert_int_equal(wasi->read(w, in, sizeof in), 0);
    assert_true(wasi->write(w, 1, (const uint8_t *)"one\ntwo\n", 8));
    assert_true(wasi->write(w, 2, (const uint8_t *)"bad\n", 4));
    assert_true(wasi->write(w, 1, NULL, 0));
    assert_string_equal(w->log, "one|two|bad|");
    begin_with(w, &(bp__host_call){.by = UINT64_MAX,
                                   .stdio = {.in = BP_BYTES("abc"), .out = &w->out}});
    assert_int_equal(wasi->read(w, in, 2), 2);
    assert_int_equal(wasi->read(w, in, 2), 1);
    assert_int_equal(in[0], 'c');
    assert_int_equal(wasi->read(w, in, 2), 0);
    assert_true(wasi->write(w, 1, (const uint8_t *)"out", 3));
    assert_string_equal(bp__buffer_text(&w->out), "out");
}

static void the_log_has_its_limit(void **state)
{
    world *w = *state;
    static uint8_t much[2000];
    assert_false(wasi->write(w, 1, much, sizeof much));
    assert_string_equal(w->sandbox.host.limit, "log_bytes");
}

static void exiting_says_how(void **state)
{
    world *w = *state;
    wasi->exit(w, 7);
    assert_int_equal(w->sandbox.host.stop, BP__STOP_EXITED);
    assert_int_equal(w->sandbox.host.exit_code, 7);
}

/* ---- clocks and randomness ---- */

static void is_refused(world *w, const char *capability)
{
    assert_int_equal(w->sandbox.host.stop, BP__STOP_REFUSED);
    assert_non_null(strstr(w->sandbox.host.message, capability));
    begin(w);
}

static void clocks_have_to_be_granted(void **state)
{
    world *w = *state;
    uint64_t ns = 0;
    assert_false(wasi->clock_now(w, FOUNDATION_WASI_CLOCK_WALL, &ns));
    is_refused(w, "clock");
    assert_false(wasi->clock_now(w, FOUNDATION_WASI_CLOCK_MONOTONIC, &ns));
    is_refused(w, "clock");
    assert_false(wasi->clock_resolution(w, FOUNDATION_WASI_CLOCK_MONOTONIC, &ns));
    is_refused(w, "clock");
    assert_int_equal(ns, 0);
    assert_false(wasi->has_clock(w));
    assert_int_equal(w->sandbox.host.stop, BP__STOP_NONE);
    grant(w, BP__CAP_BIT(BP__CAP_CLOCK));
    assert_true(wasi->has_clock(w));
    assert_true(wasi->clock_now(w, FOUNDATION_WASI_CLOCK_WALL, &ns));
    assert_true(ns > UINT64_C(1600000000) * BP_NS_PER_S);
    assert_true(wasi->clock_resolution(w, FOUNDATION_WASI_CLOCK_WALL, &ns));
    bp__clock_fake_set(12345);
    assert_true(wasi->clock_now(w, FOUNDATION_WASI_CLOCK_MONOTONIC, &ns));
    assert_int_equal(ns, 12345);
}

static void sleeping_needs_nothing_and_ends_with_the_call(void **state)
{
    world *w = *state;
    assert_true(wasi->wait(w, wasi->moment(w)));
    begin_with(w, &(bp__host_call){.by = bp__now_ns() + BP_NS_PER_MS});
    assert_false(wasi->wait(w, UINT64_MAX));
    assert_int_equal(w->sandbox.host.stop, BP__STOP_DEADLINE);
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    bp_cancel_trigger(cancel);
    begin_with(w, &(bp__host_call){.by = UINT64_MAX, .cancel = cancel});
    assert_false(wasi->wait(w, UINT64_MAX));
    assert_int_equal(w->sandbox.host.stop, BP__STOP_CANCELLED);
    bp_cancel_free(cancel);
}

static void random_bytes_have_to_be_granted(void **state)
{
    world *w = *state;
    uint8_t bytes[100000] = {0}, zero[32] = {0};
    uint64_t seed[2] = {0};
    assert_false(wasi->random(w, bytes, sizeof bytes));
    is_refused(w, "random");
    assert_memory_equal(bytes, zero, sizeof zero);
    assert_true(wasi->seed(w, seed));
    assert_true(seed[0] && seed[1]);
    grant(w, BP__CAP_BIT(BP__CAP_RANDOM));
    assert_true(wasi->random(w, bytes, sizeof bytes));
    assert_memory_not_equal(bytes, zero, sizeof zero);
    assert_memory_not_equal(bytes + sizeof bytes - sizeof zero, zero, sizeof zero);
}

/* ---- files ---- */

static void without_a_folder_there_is_nothing(void **state)
{
    world *w = *state;
    uint32_t number;
    size_t got;
    uint8_t byte;
    bool directory;
    foundation_wasi_stat stat;
    assert_int_equal(wasi->folder(w), 0);
    for (uint32_t fd = 0; fd < 8; fd++) {
        int32_t none = fd <= 2 ? FOUNDATION_WASI_NOT_DIRECTORY : FOUNDATION_WASI_BAD_DESCRIPTOR;
        assert_int_equal(wasi->file_open(w, fd, "a", 1, 0, &number, &directory), none);
        assert_int_equal(wasi->file_read(w, fd, 0, &byte, 1, &got), FOUNDATION_WASI_BAD_DESCRIPTOR);
        assert_int_equal(wasi->file_stat(w, fd, &stat), FOUNDATION_WASI_BAD_DESCRIPTOR);
        wasi->file_close(w, fd);
    }
}

static int32_t open_path(world *w, const char *path, uint32_t flags, uint32_t *ret, bool *directory)
{
    return wasi->file_open(w, wasi->folder(w), path, strlen(path), flags, ret, directory);
}

static void files_are_read(void **state)
{
    world *w = *state;
    uint32_t file;
    bool directory;
    uint8_t bytes[64];
    size_t got;
    foundation_wasi_stat one, other;
    assert_int_equal(open_path(w, "./many/../hello.txt", 0, &file, &directory), FOUNDATION_WASI_OK);
    assert_false(directory);
    assert_int_equal(wasi->file_read(w, file, 7, bytes, sizeof bytes, &got), FOUNDATION_WASI_OK);
    assert_int_equal(got, 6);
    assert_memory_equal(bytes, "files!", 6);
    assert_int_equal(wasi->file_read(w, file, 13, bytes, 1, &got), FOUNDATION_WASI_OK);
    assert_int_equal(got, 0);
    assert_int_equal(wasi->file_read(w, file, UINT64_MAX, bytes, 1, &got), FOUNDATION_WASI_INVALID);
    assert_int_equal(wasi->file_stat(w, file, &one), FOUNDATION_WASI_OK);
    assert_int_equal(one.size, 13);
    assert_int_equal(one.type, FOUNDATION_WASI_REGULAR_FILE);
    assert_int_equal(wasi->file_stat_at(w, wasi->folder(w), "hello.txt", 9, true, &other),
                     FOUNDATION_WASI_OK);
    assert_int_equal(one.identity, other.identity);
    wasi->file_close(w, file);
    assert_int_equal(wasi->file_stat(w, file, &one), FOUNDATION_WASI_BAD_DESCRIPTOR);
    wasi->file_close(w, file);
}

static void paths_stay_in_the_folder(void **state)
{
    static const struct {
        const char *path;
        int32_t answer;
    } cases[] = {
        {"..", FOUNDATION_WASI_NOT_PERMITTED},
        {"many/../../x", FOUNDATION_WASI_NOT_PERMITTED},
        {"/etc/passwd", FOUNDATION_WASI_NOT_PERMITTED},
        {"link", FOUNDATION_WASI_LOOP},
        {"link/x", FOUNDATION_WASI_LOOP},
        {"absent", FOUNDATION_WASI_NO_ENTRY},
        {"", FOUNDATION_WASI_NO_ENTRY},
        {"\xFF", FOUNDATION_WASI_ILLEGAL_BYTE_SEQUENCE},
        {"hello.txt/", FOUNDATION_WASI_NOT_DIRECTORY},
    };
    world *w = *state;
    uint32_t file;
    bool directory;
    foundation_wasi_stat stat;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(open_path(w, cases[i].path, 0, &file, &directory), cases[i].answer);
    assert_int_equal(wasi->file_open(w, wasi->folder(w), "a\0b", 3, 0, &file, &directory),
                     FOUNDATION_WASI_INVALID);
    static char endless[10000];
    memset(endless, 'a', sizeof endless);
    assert_int_equal(
        wasi->file_open(w, wasi->folder(w), endless, sizeof endless, 0, &file, &directory),
        FOUNDATION_WASI_NAME_TOO_LONG);
    assert_int_equal(wasi->file_stat_at(w, wasi->folder(w), "link", 4, true, &stat),
                     FOUNDATION_WASI_LOOP);
    assert_int_equal(wasi->file_stat_at(w, wasi->folder(w), "link", 4, false, &stat),
                     FOUNDATION_WASI_OK);
    assert_int_equal(stat.type, FOUNDATION_WASI_SYMBOLIC_LINK);
    assert_int_equal(wasi->file_read_link(w, wasi->folder(w), "link", 4),
                     FOUNDATION_WASI_NOT_PERMITTED);
    assert_int_equal(wasi->file_read_link(w, wasi->folder(w), "hello.txt", 9),
                     FOUNDATION_WASI_INVALID);
}

static void nothing_is_opened_to_write(void **state)
{
    world *w = *state;
    uint32_t file;
    bool directory;
    assert_int_equal(open_path(w, "hello.txt", FOUNDATION_WASI_OPEN_WRITE, &file, &directory),
                     FOUNDATION_WASI_READ_ONLY);
    assert_int_equal(open_path(w, "hello.txt", FOUNDATION_WASI_OPEN_DIRECTORY, &file, &directory),
                     FOUNDATION_WASI_NOT_DIRECTORY);
}

static void open_files_have_a_limit(void **state)
{
    world *w = *state;
    uint32_t file;
    bool directory;
    for (int i = 0; i < BP__FILES_OPEN_MAX; i++)
        assert_int_equal(open_path(w, "hello.txt", 0, &file, &directory), FOUNDATION_WASI_OK);
    assert_int_equal(open_path(w, "hello.txt", 0, &file, &directory),
                     FOUNDATION_WASI_INSUFFICIENT_MEMORY);
    wasi->file_close(w, file);
    assert_int_equal(open_path(w, "many", 0, &file, &directory), FOUNDATION_WASI_OK);
    assert_true(directory);
}

typedef struct listed {
    bool seen[FILES];
    unsigned count, batch, batch_max;
} listed;

static bool see(void *data, uint8_t type, const char *name, size_t size)
{
    listed *self = data;
    assert_int_equal(type, FOUNDATION_WASI_REGULAR_FILE);
    assert_int_equal(size, 3);
    int index = atoi(name);
    assert_true(index >= 0 && index < FILES && !self->seen[index]);
    self->seen[index] = true;
    self->count++;
    return ++self->batch < self->batch_max;
}

static void list_all(world *w, uint32_t directory, listed *list)
{
    do {
        list->batch = 0;
        assert_int_equal(wasi->file_list(w, directory, list->count, see, list), FOUNDATION_WASI_OK);
    } while (list->batch > 0);
    assert_int_equal(list->count, FILES);
}

static void lists_go_on_where_they_were(void **state)
{
    world *w = *state;
    uint32_t file;
    bool directory;
    assert_int_equal(open_path(w, "many", 0, &file, &directory), FOUNDATION_WASI_OK);
    for (unsigned batch = 1; batch <= 2 * FILES; batch *= 7)
        list_all(w, file, &(listed){.batch_max = batch});
    assert_int_equal(wasi->file_list(w, file, UINT64_MAX, see, NULL), FOUNDATION_WASI_INVALID);
    assert_int_equal(wasi->file_list(w, 99, 0, see, NULL), FOUNDATION_WASI_BAD_DESCRIPTOR);
}

/* Two lists of one directory do not get into each other's way. */
static void lists_of_one_directory_are_apart(void **state)
{
    world *w = *state;
    uint32_t file;
    bool directory;
    listed one = {.batch_max = 3}, other = {.batch_max = 5};
    assert_int_equal(open_path(w, "many", 0, &file, &directory), FOUNDATION_WASI_OK);
    for (int i = 0; i < 20; i++) {
        one.batch = other.batch = 0;
        assert_int_equal(wasi->file_list(w, file, one.count, see, &one), FOUNDATION_WASI_OK);
        assert_int_equal(wasi->file_list(w, file, other.count, see, &other), FOUNDATION_WASI_OK);
    }
    assert_int_equal(one.count, 60);
    assert_int_equal(other.count, 100);
}

static void reading_and_listing_end_with_the_call(void **state)
{
    world *w = *state;
    uint32_t file, many;
    bool directory;
    uint8_t byte;
    size_t got;
    listed list = {.batch_max = UINT32_MAX};
    assert_int_equal(open_path(w, "hello.txt", 0, &file, &directory), FOUNDATION_WASI_OK);
    assert_int_equal(open_path(w, "many", 0, &many, &directory), FOUNDATION_WASI_OK);
    begin_with(w, &(bp__host_call){.by = BP_NOW});
    assert_int_equal(wasi->file_read(w, file, 0, &byte, 1, &got), FOUNDATION_WASI_STOP);
    assert_int_equal(wasi->file_list(w, many, 0, see, &list), FOUNDATION_WASI_STOP);
    assert_int_equal(w->sandbox.host.stop, BP__STOP_DEADLINE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_files, teardown_files)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_function_is_there),
        TEST(calls_are_counted_and_end_at_the_limit),
        TEST(nothing_goes_on_after_the_deadline),
        TEST(arguments_are_the_calls),
        TEST(variables_are_those_that_the_host_named),
        TEST(streams_are_the_calls),
        TEST(the_log_has_its_limit),
        TEST(exiting_says_how),
        TEST(clocks_have_to_be_granted),
        TEST(sleeping_needs_nothing_and_ends_with_the_call),
        TEST(random_bytes_have_to_be_granted),
        TEST(without_a_folder_there_is_nothing),
        FILE_TEST(files_are_read),
        FILE_TEST(paths_stay_in_the_folder),
        FILE_TEST(nothing_is_opened_to_write),
        FILE_TEST(open_files_have_a_limit),
        FILE_TEST(lists_go_on_where_they_were),
        FILE_TEST(lists_of_one_directory_are_apart),
        FILE_TEST(reading_and_listing_end_with_the_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
