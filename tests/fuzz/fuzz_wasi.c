/* WASI preview 1: sequences of its functions with arguments that break bounds checks, on a guest
 * memory that ends where its allocation ends, with a folder of files that no path may leave.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "fuzz.h"
#include "host/wasi1.h"

#define MEMORY_MAX 8192
#define LOG_BYTES 2000
#define HOST_CALLS 40
#define CALLS_MAX 60
#define ERRNO_LAST 76
#define NOW 1000

/* Made once: two files, a directory with another, and links that lead out. Two ways to resolve. */
static bp__folder *folders[2];
static char folder_path[64];
static const char *const names[] = {"a", "d",          "d/b",    "out",  "up",
                                    ".", "..",         "d/../a", "../a", "up/a",
                                    "/", "out/passwd", "d//./b", "a/",   "fifo"};

typedef struct world {
    fuzz_stream *from;
    bp__logger logger;
    bp__config config;
    bp__host_state state;
    bp__guest_memory memory;
    uint8_t *before; /* a copy of the memory */
    size_t logged, records;
    bp_cancel *cancel;
} world;

/* A bad byte becomes three; nothing else grows. */
static void keep(void *data, const bp_log_record *record)
{
    world *w = data;
    fuzz_check_line(record->text.data, record->text.size);
    w->logged += record->text.size;
    w->records++;
}

static void begin(world *w)
{
    uint8_t how = fuzz_byte(w->from) % 64;
    bp__host_call call = {.by = how == 1 ? BP_NOW : NOW + 1, /* so that nothing sleeps */
                          .cancel = how == 2 ? w->cancel : NULL,
                          .host_calls_max = how == 3 ? UINT64_MAX : HOST_CALLS,
                          .log_bytes_max = LOG_BYTES};
    bp__host_state_begin(&w->state, &call);
    w->logged = w->records = 0;
}

static void end(world *w)
{
    bp__host_state_end(&w->state);
    FUZZ_CHECK(w->logged <= 3 * LOG_BYTES && w->records <= LOG_BYTES + 2);
    FUZZ_CHECK(w->state.out.size == 0 && w->state.err.size == 0 && w->state.log_left == 0);
}

static void make_memory(world *w)
{
    size_t size = fuzz_below(w->from, MEMORY_MAX + 1);
    w->memory = (bp__guest_memory){size ? malloc(size) : NULL, size};
    w->before = malloc(size + 1);
    FUZZ_CHECK((w->memory.base || !size) && w->before);
    bp_bytes run = fuzz_run(w->from, size / 4);
    if (size)
        memset(w->memory.base, 0, size);
    if (run.size)
        memcpy(w->memory.base, run.data, run.size);
}

/* Small numbers, places around the memory's end, sizes that overflow, or any. */
static uint64_t argument(world *w)
{
    static const uint64_t far[] = {INT_MAX,    UINT64_C(1) << 31,       UINT32_MAX - 7,
                                   UINT32_MAX, UINT64_C(0x20000001),    UINT64_C(1) << 32,
                                   UINT64_MAX, (UINT64_C(1) << 63) - 1, UINT64_C(1) << 63};
    switch (fuzz_byte(w->from) % 6) {
    case 0:
        return fuzz_below(w->from, 4);
    case 1:
        return fuzz_byte(w->from) * UINT64_C(8);
    case 2:
        return w->memory.size - fuzz_byte(w->from);
    case 3:
        return w->memory.size + fuzz_byte(w->from);
    case 4:
        return far[fuzz_below(w->from, sizeof far / sizeof *far)];
    default:
        return fuzz_number(w->from, 8);
    }
}

/* A structure where the next function will look for it. */
static void plant(world *w)
{
    uint64_t at = fuzz_below(w->from, MEMORY_MAX);
    bp_bytes run = fuzz_run(w->from, 48);
    if (at <= w->memory.size && run.size <= w->memory.size - at && run.size)
        memcpy(w->memory.base + at, run.data, run.size);
}

/* A path where a function that takes one will find it, and its place and size as arguments. */
static void plant_path(world *w, uint64_t *args, size_t at)
{
    const char *name = names[fuzz_below(w->from, sizeof names / sizeof *names)];
    size_t size = strlen(name);
    if (w->memory.size < size)
        return;
    memcpy(w->memory.base, name, size);
    args[at] = 0;
    args[at + 1] = size;
}

/* Which of a function's arguments begin a path below a folder; 0: none. */
static size_t path_place(const bp__wasi1_function *function)
{
    if (strncmp(function->name, "path_", 5) != 0 || strcmp(function->name, "path_symlink") == 0)
        return 0;
    return strchr(function->signature, '>') - function->signature > 3 &&
                   strcmp(function->name, "path_rename") != 0 &&
                   strcmp(function->name, "path_readlink") != 0
               ? 2
               : 1;
}

static bool leaves_half_done(const bp__wasi1_function *function)
{
    return strcmp(function->name, "random_get") == 0;
}

/* What is said to be written was taken off the limit. */
static void check_written(const world *w, const uint64_t *args, uint64_t log_left)
{
    uint32_t written;
    memcpy(&written, w->memory.base + args[3], sizeof written);
    FUZZ_CHECK(log_left - w->state.log_left == written);
}

static void check_stop(const world *w)
{
    const bp__host_state *state = &w->state;
    FUZZ_CHECK(state->stop != BP__STOP_NONE);
    FUZZ_CHECK(state->stop != BP__STOP_LIMIT || (state->limit && state->message[0]));
    fuzz_check_line(state->message, strlen(state->message));
}

/* What is open lies in the folder, and is a file or a directory. */
static void check_files(const world *w)
{
    const bp__files *files = &w->state.files;
    uint32_t count = files->self.fd >= 0;
    for (size_t i = 0; files->count && i < BP__FILES_OPEN_MAX; i++) {
        char link[64], path[256];
        struct stat found;
        int fd = files->open[i].fd;
        if (fd < 0)
            continue;
        count++;
        FUZZ_CHECK(fstat(fd, &found) == 0);
        FUZZ_CHECK(files->open[i].is_directory ? S_ISDIR(found.st_mode) : S_ISREG(found.st_mode));
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(link, path, sizeof path - 1);
        FUZZ_CHECK(size > 0);
        path[size] = '\0';
        FUZZ_CHECK(strncmp(path, folder_path, strlen(folder_path)) == 0);
    }
    FUZZ_CHECK(files->count == count);
}

/* False when the guest is to be unwound. */
static bool call(world *w)
{
    const bp__wasi1_function *function =
        &bp__wasi1_functions[fuzz_below(w->from, (uint32_t)bp__wasi1_function_count)];
    uint64_t args[BP__WASI1_ARGS_MAX] = {0};
    for (size_t i = 0; function->signature[i] != '>'; i++) {
        FUZZ_CHECK(i < BP__WASI1_ARGS_MAX);
        args[i] = argument(w);
        if (function->signature[i] == 'i')
            args[i] = (uint32_t)args[i];
    }
    size_t place = path_place(function);
    if (place && w->state.files.folder && fuzz_byte(w->from) % 4) {
        args[0] = BP__FILES_FOLDER + fuzz_below(w->from, 3);
        plant_path(w, args, place);
    }
    if (w->memory.size)
        memcpy(w->before, w->memory.base, w->memory.size);
    uint64_t calls = w->state.host_calls, log_left = w->state.log_left;
    uint32_t error = UINT32_MAX;
    bool returns = function->call(&w->state, w->memory, args, &error);
    FUZZ_CHECK(returns == (w->state.stop == BP__STOP_NONE));
    if (!returns) {
        FUZZ_CHECK(error == UINT32_MAX);
        check_stop(w);
        return false;
    }
    FUZZ_CHECK(error <= ERRNO_LAST && w->state.host_function == NULL);
    FUZZ_CHECK(w->state.host_calls == calls + 1 && calls < w->state.host_calls_max);
    if (!error && strcmp(function->name, "fd_write") == 0)
        check_written(w, args, log_left);
    else
        FUZZ_CHECK(w->state.log_left == log_left);
    check_files(w);
    /* An error means that nothing was done. */
    if (error && w->memory.size && !leaves_half_done(function))
        FUZZ_CHECK(memcmp(w->before, w->memory.base, w->memory.size) == 0);
    return true;
}

static void remove_folder(void)
{
    static const char *const made[] = {"d/b", "d/up", "d", "a", "out", "up", "fifo"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        unlinkat(folders[0]->fd, made[i], strcmp(made[i], "d") == 0 ? AT_REMOVEDIR : 0);
    rmdir(folder_path);
    bp__folder_free(folders[0]);
    bp__folder_free(folders[1]);
}

static void make_file(int at, const char *name)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && write(fd, "some bytes of a file", 20) == 20);
    close(fd);
}

/* The only files that the target makes: an input cannot name others. */
static void make_folder(void)
{
    strcpy(folder_path, "/tmp/bullpen-fuzz-XXXXXX");
    FUZZ_CHECK(mkdtemp(folder_path) != NULL);
    for (int i = 0; i < 2; i++)
        FUZZ_CHECK(bp__folder_new(folder_path, &folders[i], NULL) == BP_OK);
    folders[1]->by_hand = true;
    int at = folders[0]->fd;
    FUZZ_CHECK(mkdirat(at, "d", 0700) == 0 && symlinkat("/etc", at, "out") == 0 &&
               symlinkat("..", at, "up") == 0 && symlinkat("../..", at, "d/up") == 0 &&
               mkfifoat(at, "fifo", 0600) == 0);
    make_file(at, "a");
    make_file(at, "d/b");
    FUZZ_CHECK(atexit(remove_folder) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bp__clock_fake_set(NOW);
    make_folder();
    FUZZ_CHECK(bp__wasi1_function_count == 46);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream from = {data, size};
    world w = {.from = &from};
    w.logger = (bp__logger){keep, &w, BP_LOG_TRACE};
    FUZZ_CHECK(bp_cancel_new(&w.cancel, NULL) == BP_OK);
    bp_cancel_trigger(w.cancel);
    bp__host_state_init(&w.state, &w.logger, "plugin", &w.config);
    make_memory(&w);
    unsigned files = from.left ? *from.at / 64 : 0; /* of the byte that begins the first call */
    bp__files_init(&w.state.files, files == 1 || files == 2 ? folders[files - 1] : NULL);
    begin(&w);
    for (unsigned i = 0; i < CALLS_MAX && from.left; i++) {
        if (fuzz_byte(&from) % 4 == 0)
            plant(&w);
        if (call(&w))
            continue;
        end(&w);
        begin(&w);
    }
    end(&w);
    bp__files_close_all(&w.state.files);
    free(w.memory.base);
    free(w.before);
    bp_cancel_free(w.cancel);
    return 0;
}
