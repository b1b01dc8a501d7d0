/* Files through WASI, with the kernel's own resolution beneath a folder and with ours step by step.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/folder.h"
#include "support/process.h"
#include "wasi1_world.h"

enum {
    EACCES_ = 2,
    EILSEQ_ = 25,
    EISDIR_ = 31,
    ELOOP_ = 32,
    EMFILE_ = 33,
    ENAMETOOLONG_ = 37,
    ENOENT_ = 44,
    EROFS_ = 69,
    ENOTCAPABLE_ = 76,
};
enum { DIRECTORY = 3, REGULAR = 4, LINK = 7 };
#define FOLDER_FD 3
#define MEMORY_SIZE 65536
/* Places in the guest's memory. */
enum {
    PATH = 8192,
    PATH_2 = 20000,
    LIST = 100,
    SUM = 200,
    NUMBER = 204,
    STATUS = 300,
    BUFFER = 1000
};

static char folder[FOLDER_PATH_MAX], outside[FOLDER_PATH_MAX];
static unsigned descriptors;
static bool by_hand;

static void make_link(const char *target, const char *name)
{
    char path[FOLDER_PATH_MAX];
    assert_int_equal(symlink(target, folder_path(folder, name, path)), 0);
}

static void make_file(const char *name, const char *text)
{
    char path[FOLDER_PATH_MAX];
    folder_write(folder_path(folder, name, path), text, strlen(text));
}

static void make_directory(const char *name)
{
    char path[FOLDER_PATH_MAX];
    assert_int_equal(mkdir(folder_path(folder, name, path), 0700), 0);
}

static void make_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[FOLDER_PATH_MAX];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t size = strlen(folder_path(folder, name, path)) + 1;
    assert_true(fd >= 0 && size <= sizeof address.sun_path);
    memcpy(address.sun_path, path, size);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void fill_folder(void)
{
    char path[FOLDER_PATH_MAX];
    folder_make(folder);
    folder_make(outside);
    folder_write(folder_path(outside, "secret", path), "secret", 6);
    make_file("hello.txt", "Hello, files!");
    make_file("empty", "");
    make_file("\xC3\xA9.txt", "accent");
    make_directory("sub");
    make_directory("sub/deeper");
    make_file("sub/deeper/deep.txt", "deep");
    make_link("hello.txt", "link");
    make_link(outside, "out");
    make_link(folder_path(outside, "secret", path), "secret");
    make_link("..", "up");
    make_link("loop", "loop");
    make_link("sub", "sublink");
    make_link("nowhere", "dangling");
    assert_int_equal(mkfifo(folder_path(folder, "fifo", path), 0600), 0);
    make_socket("socket");
}

static int open_world(void **state)
{
    fill_folder();
    descriptors = process_descriptors();
    setup(state);
    world *w = *state;
    set_memory(w, MEMORY_SIZE);
    bp__folder *made;
    assert_int_equal(bp__folder_new(folder, &made, NULL), BP_OK);
    made->by_hand |= by_hand;
    bp__files_init(&w->state.files, made);
    return 0;
}

static int open_by_hand(void **state)
{
    by_hand = true;
    return open_world(state);
}

static int close_world(void **state)
{
    world *w = *state;
    bp__folder *made = (bp__folder *)(uintptr_t)w->state.files.folder;
    bp__files_close_all(&w->state.files);
    bp__files_close_all(&w->state.files);
    bp__folder_free(made);
    assert_int_equal(process_descriptors(), descriptors);
    folder_remove(folder);
    folder_remove(outside);
    by_hand = false;
    return teardown(state);
}

/* ---- calls ---- */

static uint32_t put_path(world *w, size_t at, const char *path)
{
    size_t size = strlen(path);
    memcpy(w->memory.base + at, path, size);
    return (uint32_t)size;
}

static uint32_t open_with(world *w, uint32_t fd, const char *path, uint32_t how, uint64_t rights)
{
    uint32_t size = put_path(w, PATH, path);
    return CALL(w, "path_open", fd, 1, PATH, size, how, rights, rights, 0, NUMBER);
}

static uint32_t try_open(world *w, uint32_t fd, const char *path)
{
    return open_with(w, fd, path, 0, 2);
}

static uint32_t open_file(world *w, uint32_t fd, const char *path)
{
    assert_int_equal(try_open(w, fd, path), 0);
    return (uint32_t)load(w, NUMBER, 4);
}

static uint32_t look_at(world *w, uint32_t fd, const char *path, uint32_t flags)
{
    uint32_t size = put_path(w, PATH, path);
    return CALL(w, "path_filestat_get", fd, flags, PATH, size, STATUS);
}

/* The bytes that a read gave, as text in the memory. */
static const char *read_some(world *w, uint32_t fd, uint32_t size)
{
    store_iovec(w, LIST, BUFFER, size);
    assert_int_equal(CALL(w, "fd_read", fd, LIST, 1, SUM), 0);
    w->memory.base[BUFFER + load(w, SUM, 4)] = 0;
    return (const char *)w->memory.base + BUFFER;
}

/* ---- the folder ---- */

static void the_folder_is_a_preopened_directory(void **state)
{
    world *w = *state;
    memset(w->memory.base, 0xAA, 400);
    assert_int_equal(CALL(w, "fd_prestat_get", FOLDER_FD, STATUS), 0);
    assert_int_equal(load(w, STATUS, 4), 0);
    assert_int_equal(load(w, STATUS + 4, 4), 1);
    assert_int_equal(CALL(w, "fd_prestat_dir_name", FOLDER_FD, BUFFER, 1), 0);
    assert_int_equal(w->memory.base[BUFFER], '/');
    assert_int_equal(CALL(w, "fd_prestat_dir_name", FOLDER_FD, BUFFER, 0), ENAMETOOLONG_);
    assert_int_equal(CALL(w, "fd_prestat_dir_name", FOLDER_FD, MEMORY_SIZE, 1), EFAULT_);
    assert_int_equal(CALL(w, "fd_prestat_get", FOLDER_FD, MEMORY_SIZE - 7), EFAULT_);
    assert_int_equal(CALL(w, "fd_prestat_get", 4, STATUS), EBADF_);
    assert_int_equal(CALL(w, "fd_prestat_get", 0, STATUS), EBADF_);
    assert_int_equal(CALL(w, "fd_fdstat_get", FOLDER_FD, STATUS), 0);
    assert_int_equal(load(w, STATUS, 1), DIRECTORY);
    uint64_t rights = load(w, STATUS + 8, 8), inherited = load(w, STATUS + 16, 8);
    assert_int_equal(rights & (1 << 13 | 1 << 14), 1 << 13 | 1 << 14); /* open, list */
    assert_int_equal(inherited & (1 << 1 | 1 << 2), 1 << 1 | 1 << 2);  /* read, seek */
    assert_int_equal((rights | inherited) & (1 << 6 | 1 << 8 | 1 << 9 | 1 << 22), 0);
    assert_int_equal(CALL(w, "fd_close", FOLDER_FD), 0); /* and yet it stays */
    assert_int_equal(try_open(w, FOLDER_FD, "hello.txt"), 0);
}

static void files_are_read(void **state)
{
    world *w = *state;
    uint32_t fd = open_file(w, FOLDER_FD, "hello.txt");
    assert_int_equal(fd, 4);
    assert_string_equal(read_some(w, fd, 5), "Hello");
    assert_string_equal(read_some(w, fd, 100), ", files!");
    assert_string_equal(read_some(w, fd, 100), "");
    store_iovec(w, LIST, BUFFER, 3);
    store_iovec(w, LIST + 8, BUFFER + 3, 4);
    assert_int_equal(CALL(w, "fd_pread", fd, LIST, 2, 7, SUM), 0);
    assert_int_equal(load(w, SUM, 4), 6);
    assert_memory_equal(w->memory.base + BUFFER, "files!", 6);
    assert_int_equal(CALL(w, "fd_pread", fd, LIST, 2, INT64_MAX, SUM), EINVAL_);
    assert_int_equal(CALL(w, "fd_pread", fd, LIST, 2, UINT64_MAX, SUM), EINVAL_);
    assert_int_equal(CALL(w, "fd_pread", fd, LIST, 2, 1000, SUM), 0);
    assert_int_equal(load(w, SUM, 4), 0);
    assert_int_equal(CALL(w, "fd_pread", 9, LIST, 2, 0, SUM), EBADF_);
    assert_int_equal(CALL(w, "fd_read", fd, MEMORY_SIZE - 4, 1, SUM), EFAULT_);
    assert_string_equal(read_some(w, open_file(w, FOLDER_FD, "sub/deeper/deep.txt"), 9), "deep");
    assert_string_equal(read_some(w, open_file(w, FOLDER_FD, "\xC3\xA9.txt"), 9), "accent");
    assert_string_equal(read_some(w, open_file(w, FOLDER_FD, "empty"), 9), "");
}

static void reading_begins_where_it_is_told(void **state)
{
    world *w = *state;
    uint32_t fd = open_file(w, FOLDER_FD, "hello.txt");
    assert_int_equal(CALL(w, "fd_seek", fd, (uint64_t)-6, 2, BUFFER), 0);
    assert_int_equal(load(w, BUFFER, 8), 7);
    assert_int_equal(CALL(w, "fd_seek", fd, (uint64_t)-1, 1, BUFFER), 0);
    assert_int_equal(CALL(w, "fd_tell", fd, BUFFER), 0);
    assert_int_equal(load(w, BUFFER, 8), 6);
    assert_string_equal(read_some(w, fd, 3), " fi");
    assert_int_equal(CALL(w, "fd_seek", fd, 1, 0, BUFFER), 0);
    assert_string_equal(read_some(w, fd, 4), "ello");
    assert_int_equal(CALL(w, "fd_seek", fd, (uint64_t)-6, 1, BUFFER), EINVAL_);
    assert_int_equal(CALL(w, "fd_seek", fd, INT64_MAX, 1, BUFFER), EINVAL_);
    assert_int_equal(CALL(w, "fd_seek", fd, 0, 3, BUFFER), EINVAL_);
    assert_int_equal(CALL(w, "fd_seek", fd, 0, 0, MEMORY_SIZE - 7), EFAULT_);
    assert_int_equal(CALL(w, "fd_seek", FOLDER_FD, 0, 0, BUFFER), EISDIR_);
    assert_int_equal(CALL(w, "fd_seek", 1, 0, 0, BUFFER), ESPIPE_);
    assert_int_equal(CALL(w, "fd_tell", fd, BUFFER), 0);
    assert_int_equal(load(w, BUFFER, 8), 5);
    assert_int_equal(CALL(w, "fd_seek", fd, INT64_MAX, 0, BUFFER),
                     0); /* beyond the end is allowed */
    assert_int_equal(CALL(w, "fd_advise", fd, 0, 0, 0), 0);
}

/* ---- no way out ---- */

typedef struct attempt {
    const char *path;
    uint32_t error;
} attempt;

static const attempt escapes[] = {
    {"", ENOENT_},
    {"/", ENOTCAPABLE_},
    {"/etc/passwd", ENOTCAPABLE_},
    {"//etc/passwd", ENOTCAPABLE_},
    {"..", ENOTCAPABLE_},
    {"../", ENOTCAPABLE_},
    {"./../x", ENOTCAPABLE_},
    {"sub/../../x", ENOTCAPABLE_},
    {"sub/deeper/../../../x", ENOTCAPABLE_},
    {"sub/./.././.././etc", ENOTCAPABLE_},
    {"out/secret", ELOOP_},
    {"out", ELOOP_},
    {"out/", ELOOP_},
    {"secret", ELOOP_},
    {"up/hello.txt", ELOOP_},
    {"sub/../up/x", ELOOP_},
    {"link", ELOOP_},
    {"link/", ELOOP_},
    {"loop", ELOOP_},
    {"loop/x", ELOOP_},
    {"dangling", ELOOP_},
    {"sublink/deeper/deep.txt", ELOOP_},
    {"fifo", ENOTCAPABLE_},
    {"socket", ENOTCAPABLE_},
    {"missing", ENOENT_},
    {"missing/x", ENOENT_},
    {"HELLO.TXT", ENOENT_},
    {"hello.txt/", ENOTDIR_},
    {"hello.txt/.", ENOTDIR_},
    {"hello.txt/x", ENOTDIR_},
    {"fifo/x", ENOTDIR_},
    {"sub\\..\\hello.txt", ENOENT_},
    {"\xFF", EILSEQ_},
    {"sub/\xC3", EILSEQ_},
};

static void no_path_leads_out(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        uint32_t error = try_open(w, FOLDER_FD, escapes[i].path);
        if (error != escapes[i].error)
            fail_msg("opening '%s': %u, not %u", escapes[i].path, error, escapes[i].error);
        assert_int_equal(w->state.files.count, 0);
        if (escapes[i].error == ENOTCAPABLE_ && strchr("fs", escapes[i].path[0]) &&
            !strchr(escapes[i].path, '/'))
            continue; /* what cannot be opened can be looked at */
        error = look_at(w, FOLDER_FD, escapes[i].path, 1);
        if (error != escapes[i].error)
            fail_msg("looking at '%s': %u, not %u", escapes[i].path, error, escapes[i].error);
    }
}

static void a_directory_is_a_boundary_of_its_own(void **state)
{
    world *w = *state;
    uint32_t sub = open_file(w, FOLDER_FD, "sub");
    assert_int_equal(try_open(w, sub, "../hello.txt"), ENOTCAPABLE_);
    assert_int_equal(try_open(w, sub, "deeper/../../hello.txt"), ENOTCAPABLE_);
    assert_string_equal(read_some(w, open_file(w, sub, "deeper/deep.txt"), 9), "deep");
    assert_string_equal(read_some(w, open_file(w, sub, "deeper/../deeper/deep.txt"), 9), "deep");
    assert_int_equal(look_at(w, sub, ".", 0), 0);
    assert_int_equal(load(w, STATUS + 16, 1), DIRECTORY);
    assert_int_equal(try_open(w, 4 + 60, "x"), EBADF_);
    assert_int_equal(try_open(w, open_file(w, FOLDER_FD, "empty"), "x"), ENOTDIR_);
    assert_int_equal(try_open(w, 1, "x"), ENOTDIR_);
}

static void paths_have_limits(void **state)
{
    world *w = *state;
    memset(w->memory.base + PATH_2, 'a', 8192);
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, PATH_2, 4096, 0, 2, 0, 0, NUMBER),
                     ENAMETOOLONG_);
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, PATH_2, 4095, 0, 2, 0, 0, NUMBER),
                     ENAMETOOLONG_); /* one step of 4095 bytes */
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, PATH_2, 256, 0, 2, 0, 0, NUMBER),
                     ENAMETOOLONG_);
    for (size_t i = 1; i < 4095; i += 2)
        w->memory.base[PATH_2 + i] = '/';
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, PATH_2, 4095, 0, 2, 0, 0, NUMBER), ENOENT_);
    memcpy(w->memory.base + PATH, "hello.txt\0.jpg", 14);
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, PATH, 14, 0, 2, 0, 0, NUMBER), EINVAL_);
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, MEMORY_SIZE - 3, 4, 0, 2, 0, 0, NUMBER),
                     EFAULT_);
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, UINT32_MAX, UINT32_MAX, 0, 2, 0, 0, NUMBER),
                     EFAULT_);
    put_path(w, PATH, "hello.txt");
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, PATH, 9, 0, 2, 0, 0, MEMORY_SIZE - 3),
                     EFAULT_);
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 2, PATH, 9, 0, 2, 0, 0, NUMBER), EINVAL_);
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, PATH, 9, 16, 2, 0, 0, NUMBER), EINVAL_);
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, PATH, 9, 0, 2, 0, 32, NUMBER), EINVAL_);
    assert_int_equal(w->state.files.count, 0);
}

/* A reader would let a writer of the FIFO go on: it must not even be opened. */
static void a_fifo_is_not_touched(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    folder_path(folder, "fifo", path);
    assert_int_equal(try_open(w, FOLDER_FD, "fifo"), ENOTCAPABLE_);
    assert_int_equal(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
    assert_int_equal(errno, ENXIO);
    assert_int_equal(look_at(w, FOLDER_FD, "fifo", 0), 0);
    assert_int_equal(load(w, STATUS + 16, 1), 0); /* unknown */
    assert_int_equal(load(w, STATUS + 32, 8), 0);
}

static void what_is_mounted_inside_is_not_the_folders(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    folder_path(folder, "sub", path);
    if (mount(outside, path, NULL, MS_BIND, NULL) != 0)
        skip(); /* only root can */
    uint32_t opened = try_open(w, FOLDER_FD, "sub/secret");
    uint32_t itself = try_open(w, FOLDER_FD, "sub");
    uint32_t looked = look_at(w, FOLDER_FD, "sub/secret", 0);
    assert_int_equal(umount(path), 0);
    assert_int_equal(opened, ENOTCAPABLE_);
    assert_int_equal(itself, ENOTCAPABLE_);
    assert_int_equal(looked, ENOTCAPABLE_);
}

static void nothing_can_be_written(void **state)
{
    world *w = *state;
    uint32_t fd = open_file(w, FOLDER_FD, "hello.txt");
    for (uint32_t how = 1; how < 16; how++)
        if (how != 2)
            assert_int_equal(open_with(w, FOLDER_FD, "hello.txt", how, 2), EROFS_);
    for (uint64_t right = 0; right < 64; right++) {
        bool writes = right == 6;
        assert_int_equal(open_with(w, FOLDER_FD, "hello.txt", 0, UINT64_C(1) << right),
                         writes ? EROFS_ : 0);
        if (!writes)
            assert_int_equal(CALL(w, "fd_close", load(w, NUMBER, 4)), 0);
    }
    assert_int_equal(open_with(w, FOLDER_FD, "hello.txt", 2, 2), ENOTDIR_);
    store_iovec(w, LIST, BUFFER, 1);
    assert_int_equal(CALL(w, "fd_write", fd, LIST, 1, SUM), ENOTCAPABLE_);
    assert_int_equal(CALL(w, "fd_pwrite", fd, LIST, 1, 0, SUM), ENOTCAPABLE_);
    assert_int_equal(CALL(w, "fd_allocate", fd, 0, 10), ENOTCAPABLE_);
    assert_int_equal(CALL(w, "fd_filestat_set_size", fd, 0), ENOTCAPABLE_);
    assert_int_equal(CALL(w, "fd_filestat_set_times", fd, 0, 0, 0), EROFS_);
    assert_int_equal(CALL(w, "fd_sync", fd), 0);
    uint32_t size = put_path(w, PATH, "new");
    assert_int_equal(CALL(w, "path_create_directory", FOLDER_FD, PATH, size), EROFS_);
    assert_int_equal(CALL(w, "path_unlink_file", FOLDER_FD, PATH, size), EROFS_);
    assert_int_equal(CALL(w, "path_remove_directory", FOLDER_FD, PATH, size), EROFS_);
    assert_int_equal(CALL(w, "path_rename", FOLDER_FD, PATH, size, FOLDER_FD, PATH, size), EROFS_);
    assert_int_equal(CALL(w, "path_link", FOLDER_FD, 0, PATH, size, FOLDER_FD, PATH, size), EROFS_);
    assert_int_equal(CALL(w, "path_symlink", PATH, size, FOLDER_FD, PATH, size), EROFS_);
    assert_int_equal(CALL(w, "path_filestat_set_times", FOLDER_FD, 0, PATH, size, 0, 0, 0), EROFS_);
    assert_int_equal(CALL(w, "path_create_directory", fd, PATH, size), ENOTDIR_);
    assert_string_equal(read_some(w, fd, 99), "Hello, files!");
}

/* ---- what files are ---- */

static void attributes_say_nothing_of_the_machine(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    struct stat real;
    assert_int_equal(stat(folder_path(folder, "hello.txt", path), &real), 0);
    memset(w->memory.base + STATUS, 0xAA, 65);
    assert_int_equal(look_at(w, FOLDER_FD, "hello.txt", 1), 0);
    uint64_t inode = load(w, STATUS + 8, 8);
    assert_int_equal(load(w, STATUS, 8), 1);
    assert_int_not_equal(inode, 0);
    assert_int_not_equal(inode, real.st_ino);
    assert_int_equal(load(w, STATUS + 16, 1), REGULAR);
    assert_int_equal(load(w, STATUS + 24, 8), 1);
    assert_int_equal(load(w, STATUS + 32, 8), 13);
    assert_true(all_zero(w->memory.base + STATUS + 40, 24));
    assert_int_equal(load(w, STATUS + 64, 1), 0xAA);
    uint32_t fd = open_file(w, FOLDER_FD, "hello.txt");
    assert_int_equal(CALL(w, "fd_filestat_get", fd, STATUS), 0);
    assert_int_equal(load(w, STATUS + 8, 8), inode); /* the same file by another way */
    assert_int_equal(look_at(w, FOLDER_FD, "empty", 0), 0);
    assert_int_not_equal(load(w, STATUS + 8, 8), inode);
    assert_int_equal(CALL(w, "fd_filestat_get", FOLDER_FD, STATUS), 0);
    assert_int_equal(load(w, STATUS + 16, 1), DIRECTORY);
    assert_int_equal(load(w, STATUS + 32, 8), 0);
    assert_int_equal(CALL(w, "fd_fdstat_get", fd, STATUS), 0);
    assert_int_equal(load(w, STATUS, 1), REGULAR);
    assert_int_equal(load(w, STATUS + 16, 8), 0);
    assert_int_equal(look_at(w, FOLDER_FD, "hello.txt", 2), EINVAL_);
}

static void links_are_seen_and_not_told(void **state)
{
    world *w = *state;
    assert_int_equal(look_at(w, FOLDER_FD, "secret", 0), 0);
    assert_int_equal(load(w, STATUS + 16, 1), LINK);
    assert_int_equal(load(w, STATUS + 32, 8), 0); /* not even the length of its path */
    assert_int_equal(look_at(w, FOLDER_FD, "secret/", 0), ELOOP_);
    uint32_t size = put_path(w, PATH, "secret");
    memset(w->memory.base + BUFFER, 0xAA, 100);
    assert_int_equal(CALL(w, "path_readlink", FOLDER_FD, PATH, size, BUFFER, 100, SUM),
                     ENOTCAPABLE_);
    assert_int_equal(w->memory.base[BUFFER], 0xAA);
    size = put_path(w, PATH, "hello.txt");
    assert_int_equal(CALL(w, "path_readlink", FOLDER_FD, PATH, size, BUFFER, 100, SUM), EINVAL_);
    size = put_path(w, PATH, "missing");
    assert_int_equal(CALL(w, "path_readlink", FOLDER_FD, PATH, size, BUFFER, 100, SUM), ENOENT_);
}

static void a_file_may_change_while_it_is_read(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    make_file("growing", "0123456789");
    folder_path(folder, "growing", path);
    uint32_t fd = open_file(w, FOLDER_FD, "growing");
    assert_string_equal(read_some(w, fd, 4), "0123");
    assert_int_equal(truncate(path, 2), 0);
    assert_string_equal(read_some(w, fd, 4), "");
    assert_int_equal(truncate(path, 6), 0);
    assert_memory_equal(read_some(w, fd, 4), "\0\0", 2);
    assert_int_equal(load(w, SUM, 4), 2);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(CALL(w, "fd_seek", fd, 0, 0, BUFFER), 0);
    assert_string_equal(read_some(w, fd, 2), "01");
    assert_int_equal(try_open(w, FOLDER_FD, "growing"), ENOENT_);
}

/* A folder that is moved or removed is the one that was opened all the same. */
static void the_folder_is_the_one_that_was_opened(void **state)
{
    world *w = *state;
    char moved[FOLDER_PATH_MAX + 8];
    snprintf(moved, sizeof moved, "%s.moved", folder);
    assert_int_equal(rename(folder, moved), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    make_file("hello.txt", "another");
    const char *text = read_some(w, open_file(w, FOLDER_FD, "hello.txt"), 99);
    assert_string_equal(text, "Hello, files!");
    folder_remove(folder);
    assert_int_equal(rename(moved, folder), 0);
}

/* ---- descriptors ---- */

static void descriptors_have_a_limit(void **state)
{
    world *w = *state;
    unsigned before = process_descriptors();
    for (uint32_t i = 0; i < BP__FILES_OPEN_MAX; i++)
        assert_int_equal(open_file(w, FOLDER_FD, i % 2 ? "hello.txt" : "sub"), 4 + i);
    assert_int_equal(try_open(w, FOLDER_FD, "empty"), EMFILE_);
    assert_int_equal(try_open(w, FOLDER_FD, "missing"), ENOENT_);
    assert_int_equal(process_descriptors(), before + BP__FILES_OPEN_MAX);
    assert_int_equal(CALL(w, "fd_close", 20), 0);
    assert_int_equal(CALL(w, "fd_close", 20), EBADF_);
    assert_int_equal(open_file(w, FOLDER_FD, "empty"), 20);
    assert_int_equal(CALL(w, "fd_close", 4 + BP__FILES_OPEN_MAX), EBADF_);
    bp__files_close_all(&w->state.files);
    assert_int_equal(process_descriptors(), before);
    assert_int_equal(CALL(w, "fd_tell", 4, BUFFER), EBADF_);
}

static void numbers_can_be_exchanged(void **state)
{
    world *w = *state;
    uint32_t a = open_file(w, FOLDER_FD, "hello.txt"), b = open_file(w, FOLDER_FD, "empty");
    assert_string_equal(read_some(w, a, 7), "Hello, ");
    assert_int_equal(CALL(w, "fd_renumber", a, b), 0);
    assert_string_equal(read_some(w, b, 9), "files!");
    assert_int_equal(CALL(w, "fd_tell", a, BUFFER), EBADF_);
    assert_int_equal(CALL(w, "fd_renumber", a, b), EBADF_);
    assert_int_equal(CALL(w, "fd_renumber", b, a), EBADF_);
    assert_int_equal(CALL(w, "fd_renumber", b, b), 0);
    assert_int_equal(CALL(w, "fd_renumber", b, FOLDER_FD), ENOTSUP_);
    assert_int_equal(CALL(w, "fd_renumber", FOLDER_FD, b), ENOTSUP_);
    assert_int_equal(CALL(w, "fd_renumber", b, 1), ENOTSUP_);
    assert_int_equal(CALL(w, "fd_renumber", 0, b), ENOTSUP_);
    assert_int_equal(w->state.files.count, 1);
}

static void files_are_always_ready(void **state)
{
    world *w = *state;
    uint32_t fd = open_file(w, FOLDER_FD, "hello.txt");
    read_some(w, fd, 3);
    memset(w->memory.base + BUFFER, 0, 96);
    store(w, BUFFER + 8, 1, 1); /* reading */
    store(w, BUFFER + 16, 4, fd);
    store(w, BUFFER + 48 + 8, 1, 2); /* writing */
    store(w, BUFFER + 48 + 16, 4, fd);
    assert_int_equal(CALL(w, "poll_oneoff", BUFFER, BUFFER + 200, 2, SUM), 0);
    assert_int_equal(load(w, SUM, 4), 2);
    assert_int_equal(load(w, BUFFER + 200 + 8, 2), 0);
    assert_int_equal(load(w, BUFFER + 200 + 16, 8), 10);
    assert_int_equal(load(w, BUFFER + 232 + 8, 2), ENOTCAPABLE_);
}

/* ---- limits of the call ---- */

static void reading_ends_with_the_call(void **state)
{
    world *w = *state;
    uint32_t fd = open_file(w, FOLDER_FD, "hello.txt");
    w->state.by = BP_NOW;
    store_iovec(w, LIST, BUFFER, 5);
    assert_int_equal(CALL(w, "fd_read", fd, LIST, 1, SUM), STOPPED);
    assert_int_equal(w->state.stop, BP__STOP_DEADLINE);
    begin(w);
    w->state.host_calls_max = 0;
    assert_int_equal(try_open(w, FOLDER_FD, "hello.txt"), STOPPED);
    assert_string_equal(w->state.limit, "host_calls");
    assert_string_equal(w->state.host_function, "path_open");
}

static void every_function_counts(void **state)
{
    world *w = *state;
    static const char *const names[] = {
        "fd_pread",    "fd_read",           "fd_readdir",     "fd_seek",
        "fd_tell",     "fd_filestat_get",   "fd_prestat_get", "fd_prestat_dir_name",
        "fd_renumber", "path_filestat_get", "path_open",      "path_readlink"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint64_t args[BP__WASI1_ARGS_MAX] = {99, 99};
        begin(w);
        assert_int_equal(invoke(w, find(names[i]), args), EBADF_);
        assert_int_equal(w->state.host_calls, 1);
    }
}

static void folders_that_cannot_be_opened(void **state)
{
    (void)state;
    bp__folder *made = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_int_equal(bp__folder_new("/nonexistent/x", &made, &error), BP_ENOTFOUND);
    assert_non_null(strstr(error.message, "/nonexistent/x"));
    assert_int_equal(bp__folder_new("/etc/passwd", &made, &error), BP_EINVAL);
    assert_int_equal(bp__folder_new("", &made, &error), BP_ENOTFOUND);
    assert_null(made);
}

#define BOTH(function)                                                                             \
    {#function, function, open_world, close_world, NULL},                                          \
    {                                                                                              \
        #function " (by hand)", function, open_by_hand, close_world, NULL                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(the_folder_is_a_preopened_directory),
        BOTH(files_are_read),
        BOTH(reading_begins_where_it_is_told),
        BOTH(no_path_leads_out),
        BOTH(a_directory_is_a_boundary_of_its_own),
        BOTH(paths_have_limits),
        BOTH(a_fifo_is_not_touched),
        BOTH(what_is_mounted_inside_is_not_the_folders),
        BOTH(nothing_can_be_written),
        BOTH(attributes_say_nothing_of_the_machine),
        BOTH(links_are_seen_and_not_told),
        BOTH(a_file_may_change_while_it_is_read),
        BOTH(the_folder_is_the_one_that_was_opened),
        BOTH(descriptors_have_a_limit),
        BOTH(numbers_can_be_exchanged),
        BOTH(files_are_always_ready),
        BOTH(reading_ends_with_the_call),
        BOTH(every_function_counts),
        cmocka_unit_test(folders_that_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
