/* WASI preview 1: open files. Every one is regular or a directory, and only read. What a file is on
 * the machine stays hidden: its number there, its device, its links and its times.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "host/wasi1_private.h"

/* Not the number of the standard descriptors' device. */
#define FILES_DEVICE 1

#define RIGHTS_FILE                                                                                \
    (BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_READ) | BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_SEEK) |         \
     BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_TELL) | BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_ADVISE) |       \
     BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_SET_FLAGS) |                                               \
     BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_FILESTAT_GET) | BP__WASI1_RIGHT(BP__WASI1_RIGHT_POLL))
#define RIGHTS_DIRECTORY                                                                           \
    (BP__WASI1_RIGHT(BP__WASI1_RIGHT_PATH_OPEN) | BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_READDIR) |    \
     BP__WASI1_RIGHT(BP__WASI1_RIGHT_PATH_READLINK) |                                              \
     BP__WASI1_RIGHT(BP__WASI1_RIGHT_PATH_FILESTAT_GET) |                                          \
     BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_SET_FLAGS) |                                               \
     BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_FILESTAT_GET))

/* ---- what they are ---- */

uint32_t bp__wasi1_store_filestat(bp__guest_memory memory, uint64_t at, const bp__folder *folder,
                                  const struct stat *found)
{
    uint64_t identity;
    if (!bp__folder_identity(folder, found->st_dev, found->st_ino, &identity))
        return BP__WASI1_ENOMEM;
    memset(memory.base + at, 0, BP__WASI1_FILESTAT_SIZE);
    bp__guest_store(memory, at, 8, FILES_DEVICE);
    bp__guest_store(memory, at + 8, 8, identity);
    bp__guest_store(memory, at + 16, 1, bp__wasi_type(found->st_mode));
    bp__guest_store(memory, at + 24, 8, 1);
    if (S_ISREG(found->st_mode))
        bp__guest_store(memory, at + 32, 8, (uint64_t)found->st_size);
    return BP__WASI1_SUCCESS;
}

uint32_t bp__wasi1_file_filestat(bp__host_state *state, bp__guest_memory memory, uint64_t at,
                                 const bp__file *file)
{
    struct stat found;
    uint32_t error = bp__wasi_stat(&state->files, file, &found);
    return error ? error : bp__wasi1_store_filestat(memory, at, state->files.folder, &found);
}

uint32_t bp__wasi1_file_fdstat(const bp__file *file, uint64_t *ret_rights, uint64_t *ret_inherited)
{
    *ret_rights = file->is_directory ? RIGHTS_DIRECTORY : RIGHTS_FILE;
    *ret_inherited = file->is_directory ? RIGHTS_DIRECTORY | RIGHTS_FILE : 0;
    return file->is_directory ? BP__WASI1_DIRECTORY : BP__WASI1_REGULAR_FILE;
}

/* ---- reading ---- */

/* What was read before an error is told; the next read will meet the error. */
static uint32_t read_runs(bp__wasi_reading *self, bp__guest_memory memory, bp__iovecs list,
                          uint64_t *ret_total)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < list.count && !self->ended; i++) {
        uint64_t at, size;
        if (bp__iovecs_load(memory, list, i, &at, &size))
            total += bp__wasi_read(self, memory.base + at, size);
    }
    *ret_total = total;
    return total ? BP__WASI1_SUCCESS : self->error;
}

static uint32_t check_reading(const bp__file *file, bp__guest_memory memory, bp__iovecs list,
                              uint64_t offset, uint32_t sum_at)
{
    if (file->is_directory)
        return BP__WASI1_EISDIR;
    if (offset > INT64_MAX)
        return BP__WASI1_EINVAL;
    return bp__iovecs_check(memory, list, sum_at);
}

/* False when the guest is to be unwound. */
static bool read_at(bp__host_state *state, bp__guest_memory memory, bp__iovecs list, bp__file *file,
                    uint64_t *offset, uint32_t sum_at, uint32_t *ret_errno)
{
    uint64_t total = 0;
    uint32_t error = check_reading(file, memory, list, *offset, sum_at);
    if (!error) {
        bp__wasi_reading self = {.state = state, .fd = file->fd, .offset = *offset};
        error = read_runs(&self, memory, list, &total);
        if (self.stopped)
            return false;
        *offset = self.offset;
    }
    if (!error)
        bp__guest_store(memory, sum_at, 4, total);
    return bp__wasi1_answer(state, ret_errno, error);
}

bool bp__wasi1_file_read(bp__host_state *state, bp__guest_memory memory, bp__file *file,
                         const uint64_t *args, uint32_t *ret_errno)
{
    bp__iovecs list = {(uint32_t)args[1], (uint32_t)args[2]};
    return read_at(state, memory, list, file, &file->offset, (uint32_t)args[3], ret_errno);
}

/* A standard descriptor is a pipe, whose other arguments do not matter. */
static uint32_t absent(uint64_t fd)
{
    return (uint32_t)fd <= 2 ? BP__WASI1_ESPIPE : BP__WASI1_EBADF;
}

BP__WASI1(fd_pread)
{
    if (!bp__host_enter(state, "fd_pread"))
        return false;
    bp__file *file = bp__files_find(&state->files, (uint32_t)args[0]);
    if (!file)
        return bp__wasi1_answer(state, ret_errno, absent(args[0]));
    bp__iovecs list = {(uint32_t)args[1], (uint32_t)args[2]};
    uint64_t offset = args[3];
    return read_at(state, memory, list, file, &offset, (uint32_t)args[4], ret_errno);
}

/* ---- where the next read begins ---- */

enum { SEEK_FROM_START, SEEK_FROM_HERE, SEEK_FROM_END };

static uint32_t seek_to(const bp__file *file, int64_t by, uint32_t whence, uint64_t *ret)
{
    struct stat found;
    int64_t from = 0, to;
    if (whence > SEEK_FROM_END)
        return BP__WASI1_EINVAL;
    if (whence == SEEK_FROM_HERE)
        from = (int64_t)file->offset;
    if (whence == SEEK_FROM_END) {
        if (fstat(file->fd, &found) != 0)
            return bp__wasi_errno(errno);
        from = found.st_size;
    }
    if (__builtin_add_overflow(from, by, &to) || to < 0)
        return BP__WASI1_EINVAL;
    *ret = (uint64_t)to;
    return BP__WASI1_SUCCESS;
}

static bool seek(bp__host_state *state, bp__guest_memory memory, uint64_t fd, int64_t by,
                 uint32_t whence, uint32_t ret_at, uint32_t *ret_errno)
{
    bp__file *file = bp__files_find(&state->files, (uint32_t)fd);
    uint64_t to = 0;
    uint32_t error = !file                              ? absent(fd)
                     : file->is_directory               ? BP__WASI1_EISDIR
                     : bp__guest_has(memory, ret_at, 8) ? seek_to(file, by, whence, &to)
                                                        : BP__WASI1_EFAULT;
    if (!error) {
        file->offset = to;
        bp__guest_store(memory, ret_at, 8, to);
    }
    return bp__wasi1_answer(state, ret_errno, error);
}

BP__WASI1(fd_seek)
{
    if (!bp__host_enter(state, "fd_seek"))
        return false;
    return seek(state, memory, args[0], (int64_t)args[1], (uint32_t)args[2], (uint32_t)args[3],
                ret_errno);
}

BP__WASI1(fd_tell)
{
    if (!bp__wasi1_count(state))
        return false;
    return seek(state, memory, args[0], 0, SEEK_FROM_HERE, (uint32_t)args[1], ret_errno);
}

/* ---- numbers ---- */

static uint32_t renumber(bp__files *files, uint32_t from, uint32_t to)
{
    bp__file *source = bp__files_find(files, from), *target = bp__files_find(files, to);
    if ((from > 2 && !source) || (to > 2 && !target))
        return BP__WASI1_EBADF;
    /* The standard ones and the folder stay where every guest looks for them. */
    if (from <= BP__FILES_FOLDER || to <= BP__FILES_FOLDER)
        return BP__WASI1_ENOTSUP;
    bp__files_move(files, source, target);
    return BP__WASI1_SUCCESS;
}

BP__WASI1(fd_renumber)
{
    if (!bp__wasi1_count(state))
        return false;
    return bp__wasi1_answer(state, ret_errno,
                            renumber(&state->files, (uint32_t)args[0], (uint32_t)args[1]));
}
