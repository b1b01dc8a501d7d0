/* fd_readdir. SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>
#include <unistd.h>

#include "support/folder.h"
#include "support/process.h"
#include "wasi1_world.h"

#define FOLDER_FD 3
#define MEMORY_SIZE 65536
#define ENTRY_SIZE 24
#define MANY 3000
enum { SUM = 0, PATH = 16, BUFFER = 1000 };
enum { DIRECTORY = 3, REGULAR = 4, LINK = 7 };

static char folder[FOLDER_PATH_MAX];
static unsigned descriptors;

static void make_file(const char *name)
{
    char path[FOLDER_PATH_MAX];
    folder_write(folder_path(folder, name, path), name, strlen(name));
}

static int open_world(void **state)
{
    folder_make(folder);
    descriptors = process_descriptors();
    setup(state);
    world *w = *state;
    set_memory(w, MEMORY_SIZE);
    bp__folder *made;
    assert_int_equal(bp__folder_new(folder, &made, NULL), BP_OK);
    bp__files_init(&w->state.files, made);
    return 0;
}

static int close_world(void **state)
{
    world *w = *state;
    bp__folder *made = (bp__folder *)(uintptr_t)w->state.files.folder;
    bp__files_close_all(&w->state.files);
    bp__folder_free(made);
    assert_int_equal(process_descriptors(), descriptors);
    folder_remove(folder);
    return teardown(state);
}

/* ---- reading a list ---- */

typedef struct seen {
    unsigned count, dots;
    char names[4096]; /* "name/type|" of the first, but for the dots */
    uint64_t cookie;
} seen;

/* Takes what is whole of one list; false when it was the last one. */
static bool take_list(world *w, uint32_t fd, uint32_t size, seen *to)
{
    assert_int_equal(CALL(w, "fd_readdir", fd, BUFFER, size, to->cookie, SUM), 0);
    uint32_t used = (uint32_t)load(w, SUM, 4), at = 0;
    assert_true(used <= size);
    while (at + ENTRY_SIZE <= used) {
        uint64_t next = load(w, BUFFER + at, 8), inode = load(w, BUFFER + at + 8, 8);
        uint32_t length = (uint32_t)load(w, BUFFER + at + 16, 4);
        unsigned type = (unsigned)load(w, BUFFER + at + 20, 4);
        if (at + ENTRY_SIZE + length > used)
            break;
        const char *name = (const char *)w->memory.base + BUFFER + at + ENTRY_SIZE;
        assert_int_equal(next, to->cookie + 1);
        to->cookie = next;
        to->count++;
        if (name[0] == '.')
            to->dots++;
        else
            assert_int_not_equal(inode, 0);
        size_t used_names = strlen(to->names);
        if (name[0] != '.' && used_names + length + 8 < sizeof to->names)
            snprintf(to->names + used_names, sizeof to->names - used_names, "%.*s/%u|", (int)length,
                     name, type);
        at += ENTRY_SIZE + length;
    }
    return used == size;
}

static seen list_all(world *w, uint32_t fd, uint32_t size)
{
    seen all = {0};
    for (unsigned rounds = 0; take_list(w, fd, size, &all); rounds++)
        assert_true(rounds < 10 * MANY);
    return all;
}

static void a_folder_lists_what_is_in_it(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    make_file("file");
    make_file("bad\xFFname"); /* cannot be said in WASI */
    assert_int_equal(mkdir(folder_path(folder, "sub", path), 0700), 0);
    assert_int_equal(symlink("/etc", folder_path(folder, "link", path)), 0);
    seen all = list_all(w, FOLDER_FD, 4096);
    assert_int_equal(all.count, 5);
    assert_int_equal(all.dots, 2);
    assert_non_null(strstr(all.names, "file/4|"));
    assert_non_null(strstr(all.names, "sub/3|"));
    assert_non_null(strstr(all.names, "link/7|"));
    assert_null(strstr(all.names, "bad"));
}

/* The number that a list gives is the one that the file has by other ways. */
static void numbers_agree(void **state)
{
    world *w = *state;
    make_file("file");
    assert_int_equal(CALL(w, "fd_readdir", FOLDER_FD, BUFFER, 200, 2, SUM), 0);
    assert_int_equal(load(w, SUM, 4), ENTRY_SIZE + 4);
    uint64_t inode = load(w, BUFFER + 8, 8);
    memcpy(w->memory.base + PATH, "file", 4);
    assert_int_equal(CALL(w, "path_filestat_get", FOLDER_FD, 0, PATH, 4, BUFFER), 0);
    assert_int_equal(load(w, BUFFER + 8, 8), inode);
}

static void make_many(void)
{
    char name[32];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "file-%u", i);
        make_file(name);
    }
}

/* Every name once, whatever the size of the list, even where nearly nothing fits into one. */
static void large_folders_are_listed_in_pieces(void **state)
{
    world *w = *state;
    make_many();
    static const uint32_t sizes[] = {36, 64, 100, 1000, 4096, 60000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(list_all(w, FOLDER_FD, sizes[i]).count, MANY + 2);
}

static void a_list_can_be_read_from_anywhere(void **state)
{
    world *w = *state;
    make_file("a");
    make_file("b");
    seen all = list_all(w, FOLDER_FD, 4096);
    for (uint64_t from = 5; from-- > 0;) {
        seen rest = {.cookie = from};
        take_list(w, FOLDER_FD, 4096, &rest);
        assert_int_equal(rest.count, all.count - (unsigned)from);
    }
    static const uint64_t beyond[] = {5, 1000, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        assert_int_equal(CALL(w, "fd_readdir", FOLDER_FD, BUFFER, 4096, beyond[i], SUM), 0);
        assert_int_equal(load(w, SUM, 4), 0);
    }
    make_file("c");
    assert_int_equal(list_all(w, FOLDER_FD, 4096).count, 5);
    assert_int_equal(CALL(w, "fd_readdir", FOLDER_FD, BUFFER, 0, 0, SUM), 0);
    assert_int_equal(load(w, SUM, 4), 0);
}

static void lists_are_checked(void **state)
{
    world *w = *state;
    make_file("file");
    assert_int_equal(CALL(w, "fd_readdir", FOLDER_FD, MEMORY_SIZE - 9, 10, 0, SUM), EFAULT_);
    assert_int_equal(CALL(w, "fd_readdir", FOLDER_FD, BUFFER, 10, 0, MEMORY_SIZE - 3), EFAULT_);
    assert_int_equal(CALL(w, "fd_readdir", FOLDER_FD, BUFFER, UINT32_MAX, 0, SUM), EFAULT_);
    assert_int_equal(CALL(w, "fd_readdir", 1, BUFFER, 10, 0, SUM), ENOTDIR_);
    assert_int_equal(CALL(w, "fd_readdir", 4, BUFFER, 10, 0, SUM), EBADF_);
    memcpy(w->memory.base + PATH, "file", 4);
    assert_int_equal(CALL(w, "path_open", FOLDER_FD, 0, PATH, 4, 0, 2, 0, 0, SUM), 0);
    assert_int_equal(CALL(w, "fd_readdir", 4, BUFFER, 10, 0, SUM), ENOTDIR_);
}

/* The clock stands just before the deadline; the list would go on past it. */
static void a_long_list_ends_with_the_call(void **state)
{
    world *w = *state;
    make_many();
    bp_cancel *cancel;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    assert_int_equal(CALL(w, "fd_readdir", FOLDER_FD, BUFFER, 60000, MANY, SUM), 0);
    w->state.cancel = cancel;
    bp_cancel_trigger(cancel);
    assert_int_equal(CALL(w, "fd_readdir", FOLDER_FD, BUFFER, 60000, 0, SUM), STOPPED);
    assert_int_equal(w->state.stop, BP__STOP_CANCELLED);
    bp_cancel_free(cancel);
}

#define IN_A_FOLDER(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(a_folder_lists_what_is_in_it),
        IN_A_FOLDER(numbers_agree),
        IN_A_FOLDER(large_folders_are_listed_in_pieces),
        IN_A_FOLDER(a_list_can_be_read_from_anywhere),
        IN_A_FOLDER(lists_are_checked),
        IN_A_FOLDER(a_long_list_ends_with_the_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
