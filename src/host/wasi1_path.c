/* WASI preview 1: paths below the folder or a directory of it. Every path stays below the
 * descriptor that it starts from; no symbolic link is followed, wherever it stands in one and
 * wherever it leads. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/text.h"
#include "host/wasi1_private.h"

/* As PATH_MAX of Linux, its NUL included. */
#define PATH_SIZE_MAX 4096
#define PRESTAT_SIZE 8
#define FOLDER_NAME "/"

#define LOOKUP_FOLLOW 1
#define OPEN_CREATE 1
#define OPEN_DIRECTORY 2
#define OPEN_EXCLUSIVE 4
#define OPEN_TRUNCATE 8
#define OPEN_ALL 15
#define FDFLAGS_ALL 0x1F

/* ---- the folder's name ---- */

static uint32_t check_prestat(bp__host_state *state, uint64_t fd)
{
    bool is_folder = (uint32_t)fd == BP__FILES_FOLDER && state->files.folder;
    return is_folder ? BP__WASI1_SUCCESS : BP__WASI1_EBADF;
}

BP__WASI1(fd_prestat_get)
{
    if (!bp__wasi1_count(state))
        return false;
    uint64_t at = (uint32_t)args[1];
    uint32_t error = check_prestat(state, args[0]);
    if (!error && !bp__guest_has(memory, at, PRESTAT_SIZE))
        error = BP__WASI1_EFAULT;
    if (!error) {
        memset(memory.base + at, 0, PRESTAT_SIZE); /* the kind: a directory */
        bp__guest_store(memory, at + 4, 4, sizeof FOLDER_NAME - 1);
    }
    return bp__wasi1_answer(state, ret_errno, error);
}

BP__WASI1(fd_prestat_dir_name)
{
    if (!bp__wasi1_count(state))
        return false;
    uint64_t at = (uint32_t)args[1], size = (uint32_t)args[2];
    uint32_t error = check_prestat(state, args[0]);
    if (!error && size < sizeof FOLDER_NAME - 1)
        error = BP__WASI1_ENAMETOOLONG;
    if (!error && !bp__guest_has(memory, at, size))
        error = BP__WASI1_EFAULT;
    if (!error)
        memcpy(memory.base + at, FOLDER_NAME, sizeof FOLDER_NAME - 1);
    return bp__wasi1_answer(state, ret_errno, error);
}

/* ---- paths ---- */

typedef struct guest_path {
    char text[PATH_SIZE_MAX]; /* as bp__folder_look() wants it */
    size_t size;
    bool is_directory; /* its end says so: "a/", "a/." */
    int at;            /* where it begins */
} guest_path;

/* Takes the last step back. False when there is none: the path would leave its directory. */
static bool step_back(guest_path *to)
{
    if (to->size == 0)
        return false;
    while (to->size > 0 && to->text[--to->size] != '/')
        ;
    return true;
}

/* One step of a path. `last` is what follows it: nothing. */
static bool step(guest_path *to, const char *name, size_t size, bool last)
{
    bool stays = size == 0 || (size == 1 && name[0] == '.');
    bool back = size == 2 && name[0] == '.' && name[1] == '.';
    to->is_directory = !last || stays || back;
    if (stays)
        return true;
    if (back)
        return step_back(to);
    if (to->size > 0)
        to->text[to->size++] = '/';
    memcpy(to->text + to->size, name, size);
    to->size += size;
    return true;
}

/* Without "." and "..". That "a/.." is where "a" stands holds whatever "a" is, since no link is
 * followed; the kernel never sees a "..". Never longer than what it is made from, "." excepted. */
static bool straighten(guest_path *to, const char *from, size_t size)
{
    for (size_t at = 0; at < size;) {
        const char *slash = memchr(from + at, '/', size - at);
        size_t end = slash ? (size_t)(slash - from) : size;
        if (!step(to, from + at, end - at, !slash))
            return false;
        at = end + 1;
    }
    if (to->size == 0)
        to->text[to->size++] = '.';
    to->text[to->size] = '\0';
    return true;
}

static uint32_t check_text(const char *text, size_t size)
{
    if (size == 0)
        return BP__WASI1_ENOENT;
    if (size >= PATH_SIZE_MAX)
        return BP__WASI1_ENAMETOOLONG;
    if (memchr(text, '\0', size))
        return BP__WASI1_EINVAL;
    if (!bp__utf8_valid(text, size))
        return BP__WASI1_EILSEQ;
    return text[0] == '/' ? BP__WASI1_ENOTCAPABLE : BP__WASI1_SUCCESS;
}

/* `text_at` and `size` are the guest's. */
static uint32_t load_path(bp__host_state *state, bp__guest_memory memory, uint64_t fd,
                          uint32_t text_at, uint32_t size, guest_path *ret)
{
    const bp__file *directory = bp__files_find(&state->files, (uint32_t)fd);
    if (!directory)
        return (uint32_t)fd <= 2 ? BP__WASI1_ENOTDIR : BP__WASI1_EBADF;
    if (!directory->is_directory)
        return BP__WASI1_ENOTDIR;
    if (!bp__guest_has(memory, text_at, size))
        return BP__WASI1_EFAULT;
    const char *text = (const char *)memory.base + text_at;
    uint32_t error = check_text(text, size);
    ret->size = 0;
    ret->is_directory = false;
    ret->at = bp__files_at(&state->files, directory);
    if (!error && !straighten(ret, text, size))
        error = BP__WASI1_ENOTCAPABLE;
    return error;
}

/* ---- looking ---- */

static uint32_t look(const bp__host_state *state, const guest_path *path, bool follow,
                     struct stat *ret)
{
    int error = bp__folder_look(state->files.folder, path->at, path->text, ret);
    if (error)
        return bp__wasi1_errno(error);
    if (S_ISLNK(ret->st_mode) && (follow || path->is_directory))
        return BP__WASI1_ELOOP;
    return path->is_directory && !S_ISDIR(ret->st_mode) ? BP__WASI1_ENOTDIR : BP__WASI1_SUCCESS;
}

BP__WASI1(path_filestat_get)
{
    guest_path path;
    struct stat found;
    uint32_t flags = (uint32_t)args[1], at = (uint32_t)args[4];
    if (!bp__host_enter(state, "path_filestat_get"))
        return false;
    uint32_t error = load_path(state, memory, args[0], (uint32_t)args[2], (uint32_t)args[3], &path);
    if (!error && (flags & ~(uint32_t)LOOKUP_FOLLOW))
        error = BP__WASI1_EINVAL;
    if (!error && !bp__guest_has(memory, at, BP__WASI1_FILESTAT_SIZE))
        error = BP__WASI1_EFAULT;
    if (!error)
        error = look(state, &path, flags & LOOKUP_FOLLOW, &found);
    if (!error)
        error = bp__wasi1_store_filestat(memory, at, state->files.folder, &found);
    return bp__wasi1_answer(state, ret_errno, error);
}

/* Where a link leads is a path of the machine's: not told. */
BP__WASI1(path_readlink)
{
    guest_path path;
    struct stat found;
    if (!bp__host_enter(state, "path_readlink"))
        return false;
    uint32_t error = load_path(state, memory, args[0], (uint32_t)args[1], (uint32_t)args[2], &path);
    if (!error && (!bp__guest_has(memory, (uint32_t)args[3], (uint32_t)args[4]) ||
                   !bp__guest_has(memory, (uint32_t)args[5], 4)))
        error = BP__WASI1_EFAULT;
    if (!error)
        error = look(state, &path, false, &found);
    if (!error)
        error = S_ISLNK(found.st_mode) ? BP__WASI1_ENOTCAPABLE : BP__WASI1_EINVAL;
    return bp__wasi1_answer(state, ret_errno, error);
}

/* ---- opening ---- */

/* What asks for more than reading is refused before anything is looked at. Other rights than the
 * one to write are not: programs ask for all that there might be, and get those of a reader. */
static uint32_t check_open(bp__guest_memory memory, const uint64_t *args)
{
    uint32_t lookup = (uint32_t)args[1], how = (uint32_t)args[4], flags = (uint32_t)args[7];
    if ((lookup & ~(uint32_t)LOOKUP_FOLLOW) || (how & ~(uint32_t)OPEN_ALL) ||
        (flags & ~(uint32_t)FDFLAGS_ALL))
        return BP__WASI1_EINVAL;
    if (!bp__guest_has(memory, (uint32_t)args[8], 4))
        return BP__WASI1_EFAULT;
    if ((how & (OPEN_CREATE | OPEN_EXCLUSIVE | OPEN_TRUNCATE)) ||
        (args[5] & BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_WRITE)))
        return BP__WASI1_EROFS;
    return BP__WASI1_SUCCESS;
}

static uint32_t open_path(bp__files *files, const guest_path *path, bool directory, uint32_t *ret)
{
    int fd;
    struct stat found;
    int error = bp__folder_open(files->folder, path->at, path->text, &fd, &found);
    if (error)
        return bp__wasi1_errno(error);
    bool is_directory = S_ISDIR(found.st_mode);
    if (is_directory || (!directory && !path->is_directory)) {
        *ret = bp__files_add(files, fd, is_directory);
        if (*ret)
            return BP__WASI1_SUCCESS;
    }
    close(fd);
    return is_directory || (!directory && !path->is_directory) ? BP__WASI1_EMFILE
                                                               : BP__WASI1_ENOTDIR;
}

BP__WASI1(path_open)
{
    guest_path path;
    uint32_t number = 0;
    if (!bp__host_enter(state, "path_open"))
        return false;
    uint32_t error = load_path(state, memory, args[0], (uint32_t)args[2], (uint32_t)args[3], &path);
    if (!error)
        error = check_open(memory, args);
    if (!error)
        error = open_path(&state->files, &path, (uint32_t)args[4] & OPEN_DIRECTORY, &number);
    if (!error)
        bp__guest_store(memory, (uint32_t)args[8], 4, number);
    return bp__wasi1_answer(state, ret_errno, error);
}
