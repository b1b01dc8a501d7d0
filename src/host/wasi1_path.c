/* WASI preview 1: paths below the folder or a directory of it. SPDX-License-Identifier: Apache-2.0
 */
#include "host/wasi1_private.h"

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

/* `text_at` and `size` are the guest's. */
static uint32_t load_path(bp__host_state *state, bp__guest_memory memory, uint64_t fd,
                          uint32_t text_at, uint32_t size, bp__wasi_path *ret)
{
    const bp__file *directory;
    uint32_t error = bp__wasi_directory(&state->files, (uint32_t)fd, &directory);
    if (error)
        return error;
    if (!bp__guest_has(memory, text_at, size))
        return BP__WASI1_EFAULT;
    const char *text = (const char *)memory.base + text_at;
    return bp__wasi_path_make(&state->files, directory, text, size, ret);
}

/* ---- looking ---- */

BP__WASI1(path_filestat_get)
{
    bp__wasi_path path;
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
        error = bp__wasi_look(&state->files, &path, flags & LOOKUP_FOLLOW, &found);
    if (!error)
        error = bp__wasi1_store_filestat(memory, at, state->files.folder, &found);
    return bp__wasi1_answer(state, ret_errno, error);
}

BP__WASI1(path_readlink)
{
    bp__wasi_path path;
    if (!bp__host_enter(state, "path_readlink"))
        return false;
    uint32_t error = load_path(state, memory, args[0], (uint32_t)args[1], (uint32_t)args[2], &path);
    if (!error && (!bp__guest_has(memory, (uint32_t)args[3], (uint32_t)args[4]) ||
                   !bp__guest_has(memory, (uint32_t)args[5], 4)))
        error = BP__WASI1_EFAULT;
    if (!error)
        error = bp__wasi_read_link(&state->files, &path);
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

BP__WASI1(path_open)
{
    bp__wasi_path path;
    uint32_t number = 0;
    if (!bp__host_enter(state, "path_open"))
        return false;
    uint32_t error = load_path(state, memory, args[0], (uint32_t)args[2], (uint32_t)args[3], &path);
    if (!error)
        error = check_open(memory, args);
    if (!error)
        error = bp__wasi_open(&state->files, &path, (uint32_t)args[4] & OPEN_DIRECTORY, &number);
    if (!error)
        bp__guest_store(memory, (uint32_t)args[8], 4, number);
    return bp__wasi1_answer(state, ret_errno, error);
}
