/* WASI preview 1: what needs a terminal, a socket, or files that may be written. Standard
 * descriptors (0 to 2) exist and get the error that a pipe would get, open files and directories
 * that of what may only be read; other arguments are not looked at. SPDX-License-Identifier:
 * Apache-2.0 */
#include "host/wasi1_private.h"

/* What each kind of descriptor answers. */
typedef struct answers {
    uint32_t standard, file, directory;
} answers;

static bool answer(bp__host_state *state, uint64_t fd, uint32_t *ret_errno, answers known)
{
    if (!bp__wasi1_count(state))
        return false;
    const bp__file *file = bp__files_find(&state->files, (uint32_t)fd);
    uint32_t error = (uint32_t)fd <= 2    ? known.standard
                     : !file              ? BP__WASI1_EBADF
                     : file->is_directory ? known.directory
                                          : known.file;
    return bp__wasi1_answer(state, ret_errno, error);
}

#define ANSWER(fd, ...) return answer(state, fd, ret_errno, (answers){__VA_ARGS__})

/* Advice about reading: taken, and not followed. */
BP__WASI1(no_seek)
{
    ANSWER(args[0], BP__WASI1_ESPIPE, BP__WASI1_SUCCESS, BP__WASI1_EISDIR);
}

BP__WASI1(no_seek_write)
{
    ANSWER(args[0], BP__WASI1_ESPIPE, BP__WASI1_ENOTCAPABLE, BP__WASI1_ENOTCAPABLE);
}

/* Nothing was written, so that all of it is on disk. */
BP__WASI1(no_sync)
{
    ANSWER(args[0], BP__WASI1_EINVAL, BP__WASI1_SUCCESS, BP__WASI1_SUCCESS);
}

BP__WASI1(no_size)
{
    ANSWER(args[0], BP__WASI1_EINVAL, BP__WASI1_ENOTCAPABLE, BP__WASI1_ENOTCAPABLE);
}

BP__WASI1(no_change)
{
    ANSWER(args[0], BP__WASI1_ENOTSUP, BP__WASI1_ENOTSUP, BP__WASI1_ENOTSUP);
}

BP__WASI1(no_times)
{
    ANSWER(args[0], BP__WASI1_ENOTSUP, BP__WASI1_EROFS, BP__WASI1_EROFS);
}

BP__WASI1(no_directory)
{
    ANSWER(args[0], BP__WASI1_ENOTDIR, BP__WASI1_ENOTDIR, BP__WASI1_EROFS);
}

/* The only one with a path before its descriptor. */
BP__WASI1(no_directory_symlink)
{
    ANSWER(args[2], BP__WASI1_ENOTDIR, BP__WASI1_ENOTDIR, BP__WASI1_EROFS);
}

BP__WASI1(no_socket)
{
    ANSWER(args[0], BP__WASI1_ENOTSOCK, BP__WASI1_ENOTSOCK, BP__WASI1_ENOTSOCK);
}
