/* foundation_wasi.h: WASI 0.2 for components, with a host that is the test itself. The cases are
 * exports of wasi2.wat. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support.h"

#include <foundation_wasi.h>
#include <stdio.h>
#include <stdlib.h>

#define FOLDER 3u
#define FILE_SIZE 10u
#define ENTRIES 200u
#define STDIN_SIZE (3u << 20)

/* What the host saw, and how it answers. */
typedef struct world {
    wasm_engine_t *engine;
    foundation_component_linker *linker;
    foundation_component_linked *linked;
    wasmtime_store_t *store;
    foundation_component_instance instance;
    foundation_guest *guest;

    uint64_t clock, deadline; /* it does not sleep: it sets the clock */
    uint64_t entered, left, calls_max;
    char out[64], err[64];
    size_t out_size, err_size;
    size_t in_left;
    bool refuse_output, refuse_random, refuse_clock, stop_at_open, no_folder;
    int seeds;
    int32_t exit_code;
    unsigned opened, closed;
    bool open[64];
} world;

/* ---- the host ---- */

static bool on_enter(void *data, const char *function)
{
    world *w = data;
    assert_memory_equal(function, "wasi:", 5);
    return ++w->entered <= w->calls_max;
}

static void on_leave(void *data)
{
    ((world *)data)->left++;
}

static void on_arguments(void *data, foundation_wasi_text_fn visit, void *to)
{
    (void)data;
    visit(to, "plugin", 6);
    visit(to, "", 0);
}

static void on_environment(void *data, foundation_wasi_text_fn visit, void *to)
{
    (void)data;
    visit(to, "A=b=c", 5);
}

static void on_exit_(void *data, int32_t code)
{
    ((world *)data)->exit_code = code;
}

static bool on_write(void *data, int fd, const uint8_t *bytes, size_t size)
{
    world *w = data;
    char *text = fd == 1 ? w->out : w->err;
    size_t *used = fd == 1 ? &w->out_size : &w->err_size;
    assert_true(fd == 1 || fd == 2);
    if (w->refuse_output)
        return false;
    for (size_t i = 0; i < size && *used < sizeof w->out; i++)
        text[(*used)++] = (char)bytes[i];
    return true;
}

static size_t on_read(void *data, uint8_t *to, size_t size)
{
    world *w = data;
    size_t part = size < w->in_left ? size : w->in_left;
    memset(to, '!', part);
    w->in_left -= part;
    return part;
}

static bool on_has_clock(void *data)
{
    return !((world *)data)->refuse_clock;
}

static bool on_clock_now(void *data, foundation_wasi_clock clock, uint64_t *ret_ns)
{
    world *w = data;
    *ret_ns = clock == FOUNDATION_WASI_CLOCK_WALL ? UINT64_C(1234567890500000000) : w->clock;
    return !w->refuse_clock;
}

static bool on_clock_resolution(void *data, foundation_wasi_clock clock, uint64_t *ret_ns)
{
    (void)clock;
    *ret_ns = 1;
    return !((world *)data)->refuse_clock;
}

static uint64_t on_moment(void *data)
{
    return ((world *)data)->clock;
}

static bool on_wait(void *data, uint64_t moment)
{
    world *w = data;
    if (moment > w->deadline)
        return false;
    if (moment > w->clock)
        w->clock = moment;
    return true;
}

static bool on_random(void *data, uint8_t *to, size_t size)
{
    memset(to, 0x5A, size);
    return !((world *)data)->refuse_random;
}

static bool on_seed(void *data, uint64_t ret[2])
{
    ((world *)data)->seeds++;
    ret[0] = 1;
    ret[1] = 2;
    return true;
}

static uint32_t on_folder(void *data)
{
    return ((world *)data)->no_folder ? 0 : FOLDER;
}

static int32_t on_open(void *data, uint32_t directory, const char *path, size_t size,
                       uint32_t flags, uint32_t *ret, bool *ret_is_directory)
{
    world *w = data;
    assert_int_equal(directory, FOLDER);
    if (w->stop_at_open)
        return FOUNDATION_WASI_STOP;
    if (flags & FOUNDATION_WASI_OPEN_WRITE)
        return FOUNDATION_WASI_READ_ONLY;
    bool broken = size == 6 && !memcmp(path, "broken", 6);
    if (!broken && (size != 4 || memcmp(path, "file", 4) != 0))
        return FOUNDATION_WASI_NO_ENTRY;
    *ret = broken ? 60 : 10 + w->opened;
    w->opened++;
    w->open[*ret] = true;
    *ret_is_directory = false;
    return FOUNDATION_WASI_OK;
}

static void on_close(void *data, uint32_t file)
{
    world *w = data;
    if (file == FOLDER)
        return;
    assert_true(w->open[file]);
    w->open[file] = false;
    w->closed++;
}

static int32_t on_file_read(void *data, uint32_t file, uint64_t offset, uint8_t *to, size_t size,
                            size_t *ret)
{
    world *w = data;
    assert_true(w->open[file]);
    if (file == 60)
        return FOUNDATION_WASI_IO;
    *ret = 0;
    for (uint64_t at = offset; at < FILE_SIZE && *ret < size; at++)
        to[(*ret)++] = (uint8_t)at;
    return FOUNDATION_WASI_OK;
}

static int32_t on_stat(void *data, uint32_t file, foundation_wasi_stat *ret)
{
    (void)data;
    bool folder = file == FOLDER;
    *ret =
        (foundation_wasi_stat){folder ? 0 : FILE_SIZE, folder ? 76 : 77,
                               folder ? FOUNDATION_WASI_DIRECTORY : FOUNDATION_WASI_REGULAR_FILE};
    return FOUNDATION_WASI_OK;
}

static int32_t on_stat_at(void *data, uint32_t directory, const char *path, size_t size,
                          bool follow, foundation_wasi_stat *ret)
{
    (void)data, (void)directory, (void)path, (void)size, (void)follow, (void)ret;
    return FOUNDATION_WASI_NO_ENTRY;
}

static int32_t on_read_link(void *data, uint32_t directory, const char *path, size_t size)
{
    (void)data, (void)directory, (void)path, (void)size;
    return FOUNDATION_WASI_INVALID;
}

static int32_t on_list(void *data, uint32_t directory, uint64_t from,
                       foundation_wasi_entry_fn visit, void *to)
{
    (void)data;
    assert_int_equal(directory, FOLDER);
    for (uint64_t i = from; i < ENTRIES; i++)
        if (!visit(to, FOUNDATION_WASI_REGULAR_FILE, "name", 4))
            break;
    return FOUNDATION_WASI_OK;
}

static const foundation_wasi_host host = {
    .enter = on_enter,
    .leave = on_leave,
    .arguments = on_arguments,
    .environment = on_environment,
    .exit = on_exit_,
    .write = on_write,
    .read = on_read,
    .has_clock = on_has_clock,
    .clock_now = on_clock_now,
    .clock_resolution = on_clock_resolution,
    .moment = on_moment,
    .wait = on_wait,
    .random = on_random,
    .seed = on_seed,
    .folder = on_folder,
    .file_open = on_open,
    .file_close = on_close,
    .file_read = on_file_read,
    .file_stat = on_stat,
    .file_stat_at = on_stat_at,
    .file_read_link = on_read_link,
    .file_list = on_list,
};

/* ---- a guest ---- */

static char *text; /* of wasi2.wat */

static void load_text(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t room = 1 << 20;
    text = calloc(1, room);
    assert_non_null(file);
    assert_true(text && fread(text, 1, room - 1, file) > 0);
    fclose(file);
}

/* Puts a version in the place of "0.2.V". */
static char *with_version(const char *version)
{
    char *made = calloc(2, strlen(text)), *to = made;
    assert_non_null(made);
    for (const char *at = text; *at;) {
        if (strncmp(at, "0.2.V", 5) == 0) {
            to = stpcpy(to, version);
            at += 5;
        } else {
            *to++ = *at++;
        }
    }
    return made;
}

static wasmtime_error_t *link_version(world *w, const char *version)
{
    char *wat = with_version(version);
    wasm_byte_vec_t binary;
    foundation_component *component = NULL;
    assert_no_error(wasmtime_wat2wasm(wat, strlen(wat), &binary));
    assert_no_error(
        foundation_component_new(w->engine, (const uint8_t *)binary.data, binary.size, &component));
    wasmtime_error_t *error = foundation_component_link(w->linker, component, &w->linked);
    foundation_component_delete(component);
    wasm_byte_vec_delete(&binary);
    free(wat);
    return error;
}

static void instantiate(world *w)
{
    *w->guest = (foundation_guest){.host_data = w};
    w->store = wasmtime_store_new(w->engine, w->guest, NULL);
    assert_no_error(foundation_component_instantiate(wasmtime_store_context(w->store), w->linked,
                                                     &w->instance));
}

static void end_guest(world *w)
{
    foundation_guest_clear(w->guest);
    wasmtime_store_delete(w->store);
    w->store = NULL;
}

static wasmtime_error_t *call_shape(world *w, const char *name, foundation_component_shape shape)
{
    wasmtime_context_t *context = wasmtime_store_context(w->store);
    foundation_component_func function;
    foundation_bytes bytes = {0};
    bool ok = false;
    assert_true(
        foundation_component_get_func(context, &w->instance, name, strlen(name), shape, &function));
    wasmtime_error_t *error =
        foundation_component_call(context, &function, shape, NULL, 0, &bytes, &ok);
    foundation_bytes_free(&bytes);
    assert_true(error || ok);
    return error;
}

static wasmtime_error_t *call(world *w, const char *name)
{
    signals_take(); /* cmocka put its own there after setup() */
    w->entered = w->left = 0;
    return call_shape(w, name, FOUNDATION_SHAPE_NOTHING);
}

static void works(world *w, const char *name)
{
    assert_no_error(call(w, name));
    assert_false(w->guest->stopped);
    assert_int_equal(w->entered, w->left);
}

/* The guest ends as by a trap: by its own fault, not because the host said so. */
static void fails(world *w, const char *name, const char *because)
{
    char message[512];
    wasmtime_error_t *error = call(w, name);
    assert_non_null(error);
    foundation_error_text(error, message, sizeof message);
    wasmtime_error_delete(error);
    if (!strstr(message, because))
        fail_msg("%s: '%s' does not say '%s'", name, message, because);
    assert_false(w->guest->stopped);
    end_guest(w);
    instantiate(w);
}

static void is_stopped(world *w, const char *name)
{
    wasmtime_error_t *error = call(w, name);
    assert_non_null(error);
    wasmtime_error_delete(error);
    assert_true(w->guest->stopped);
    end_guest(w);
    instantiate(w);
}

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    w->guest = calloc(1, sizeof *w->guest);
    w->engine = plain_engine();
    w->linker = foundation_component_linker_new(w->engine);
    assert_no_error(foundation_wasi_define(w->linker, &host));
    assert_no_error(link_version(w, "0.2.3"));
    w->clock = 1000;
    w->deadline = 1000000;
    w->calls_max = UINT64_MAX;
    w->in_left = STDIN_SIZE;
    instantiate(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    end_guest(w);
    foundation_component_linked_delete(w->linked);
    foundation_component_linker_delete(w->linker);
    wasm_engine_delete(w->engine);
    free(w->guest);
    free(w);
    return 0;
}

/* ---- cases ---- */

static void every_version_of_0_2_links(void **state)
{
    world *w = *state;
    static const char *versions[] = {"0.2.0", "0.2.1", "0.2.2", "0.2.4",  "0.2.5",
                                     "0.2.6", "0.2.8", "0.2.9", "0.2.12", "0.2.99"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        end_guest(w);
        foundation_component_linked_delete(w->linked);
        assert_no_error(link_version(w, versions[i]));
        instantiate(w);
        works(w, "clocks");
        char run[64];
        snprintf(run, sizeof run, "wasi:cli/run@%s#run", versions[i]);
        assert_no_error(call_shape(w, run, FOUNDATION_SHAPE_RUN));
    }
}

static void another_version_does_not(void **state)
{
    world *w = *state;
    foundation_component_linked *linked = w->linked;
    wasmtime_error_t *error = link_version(w, "0.3.0");
    assert_non_null(error);
    wasmtime_error_delete(error);
    w->linked = linked;
}

static void clocks_tell_what_the_host_says(void **state)
{
    world *w = *state;
    works(w, "clocks");
    w->refuse_clock = true;
    is_stopped(w, "clocks");
}

static void sleeping_ends_with_the_earliest(void **state)
{
    works(*state, "sleep");
}

/* With one, sleeps that began together are over together; without, nobody can tell. */
static void sleeping_without_a_clock_does_not_tell_the_time(void **state)
{
    world *w = *state;
    fails(w, "sleep-blind", "unreachable");
    w->refuse_clock = true;
    w->clock = 1000;
    works(w, "sleep-blind");
    assert_int_equal(w->clock, 3000);
    is_stopped(w, "block-forever");
    is_stopped(w, "poll-forever");
}

static void every_wait_ends_at_the_deadline(void **state)
{
    is_stopped(*state, "block-forever");
    is_stopped(*state, "poll-forever");
}

static void every_call_asks_whether_it_may_go_on(void **state)
{
    world *w = *state;
    w->calls_max = 5;
    is_stopped(w, "reuse");
    assert_int_equal(w->entered, 6);
    is_stopped(w, "files-left-open");
}

static void polls_are_bounded(void **state)
{
    fails(*state, "poll-nothing", "0 pollables");
    fails(*state, "poll-many", "4097 pollables");
    fails(*state, "poll-outside", "out of bounds");
}

static void handles_are_bounded(void **state)
{
    world *w = *state;
    fails(w, "leak", "more than 10000 handles");
    works(w, "reuse");
    works(w, "files-list-many");
}

static void handles_that_are_not_are_refused(void **state)
{
    fails(*state, "dropped", "handle");
    fails(*state, "wrong-handle", "handle");
    fails(*state, "wrong-type", "handle");
    fails(*state, "socket-forged", "handle");
}

static void streams_go_to_the_host(void **state)
{
    world *w = *state;
    works(w, "print");
    assert_int_equal(w->out_size, 6);
    assert_memory_equal(w->out, "hello\n", 6);
    assert_int_equal(w->err_size, 7);
    assert_memory_equal(w->err, "oops\0\0\0", 7);
    fails(w, "print-outside", "out of bounds");
    fails(w, "zeroes-many", "65536");
    w->refuse_output = true;
    is_stopped(w, "print");
}

static void input_comes_from_the_host_in_bounded_parts(void **state)
{
    world *w = *state;
    works(w, "input");
    assert_int_equal(w->in_left, STDIN_SIZE - 10 - (1u << 20) - 65536);
    w->in_left = 0;
    works(w, "input-end");
}

static void randomness_is_the_hosts_to_give(void **state)
{
    world *w = *state;
    works(w, "randomness");
    fails(w, "random-much", "1048576");
    w->refuse_random = true;
    is_stopped(w, "randomness");
}

/* Seeded once for each guest, and again for a pristine one. */
static void insecure_randomness_is_everybodys(void **state)
{
    world *w = *state;
    w->refuse_random = true;
    works(w, "insecurity");
    works(w, "insecurity");
    assert_int_equal(w->seeds, 1);
    foundation_guest_clear(w->guest);
    works(w, "insecurity");
    assert_int_equal(w->seeds, 2);
    fails(w, "insecure-much", "1048576");
}

static void arguments_variables_and_terminals_are_told(void **state)
{
    works(*state, "process");
}

static void exits_unwind(void **state)
{
    world *w = *state;
    w->exit_code = -1;
    is_stopped(w, "exit-well");
    assert_int_equal(w->exit_code, 0);
    is_stopped(w, "exit-badly");
    assert_int_equal(w->exit_code, 1);
    is_stopped(w, "exit-seven");
    assert_int_equal(w->exit_code, 7);
}

static void files_are_read(void **state)
{
    world *w = *state;
    works(w, "files");
    assert_int_equal(w->opened, 2);
    assert_int_equal(w->closed, 1);
    works(w, "files-list");
    works(w, "files-broken");
}

static void what_writes_is_refused(void **state)
{
    works(*state, "files-refused");
}

static void without_a_folder_there_are_no_files(void **state)
{
    world *w = *state;
    w->no_folder = true;
    works(w, "no-folder");
}

static void files_end_with_the_guest(void **state)
{
    world *w = *state;
    works(w, "files-left-open");
    assert_int_equal(w->opened, 10);
    assert_int_equal(w->closed, 0);
    foundation_guest_clear(w->guest);
    assert_int_equal(w->closed, 10);
    assert_null(w->guest->resources);
}

static void a_host_that_ends_the_call_while_it_opens_is_obeyed(void **state)
{
    world *w = *state;
    w->stop_at_open = true;
    is_stopped(w, "files-stopped");
}

static void sockets_are_there_and_closed(void **state)
{
    works(*state, "sockets");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int count, char **arguments)
{
    assert_true(count == 2);
    load_text(arguments[1]);
    const struct CMUnitTest tests[] = {
        TEST(every_version_of_0_2_links),
        TEST(another_version_does_not),
        TEST(clocks_tell_what_the_host_says),
        TEST(sleeping_ends_with_the_earliest),
        TEST(sleeping_without_a_clock_does_not_tell_the_time),
        TEST(every_wait_ends_at_the_deadline),
        TEST(every_call_asks_whether_it_may_go_on),
        TEST(polls_are_bounded),
        TEST(handles_are_bounded),
        TEST(handles_that_are_not_are_refused),
        TEST(streams_go_to_the_host),
        TEST(input_comes_from_the_host_in_bounded_parts),
        TEST(randomness_is_the_hosts_to_give),
        TEST(insecure_randomness_is_everybodys),
        TEST(arguments_variables_and_terminals_are_told),
        TEST(exits_unwind),
        TEST(files_are_read),
        TEST(what_writes_is_refused),
        TEST(without_a_folder_there_are_no_files),
        TEST(files_end_with_the_guest),
        TEST(a_host_that_ends_the_call_while_it_opens_is_obeyed),
        TEST(sockets_are_there_and_closed),
    };
    signals_remember();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
