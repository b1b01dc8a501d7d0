/* WASI preview 1: the descriptors that always exist, and the way from the others to wasi1_file.c.
 * Of a command 0 is its input, 1 its output; of other guests 0 is at its end, 1 goes to the log. 2
 * always goes there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/wasi1_private.h"

#define FDSTAT_SIZE 24
#define IOVEC_SIZE 8
/* As IOV_MAX of Linux; nobody's libc sends more. */
#define IOVEC_COUNT_MAX 1024

#define FDFLAGS_ALL 0x1F

#define RIGHTS_COMMON                                                                              \
    (BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_SET_FLAGS) |                                               \
     BP__WASI1_RIGHT(BP__WASI1_RIGHT_FD_FILESTAT_GET) | BP__WASI1_RIGHT(BP__WASI1_RIGHT_POLL))

bool bp__iovecs_load(bp__guest_memory memory, bp__iovecs list, uint32_t index, uint64_t *ret_at,
                     uint64_t *ret_size)
{
    uint64_t entry = (uint64_t)list.at + (uint64_t)index * IOVEC_SIZE;
    if (!bp__guest_has(memory, entry, IOVEC_SIZE))
        return false;
    *ret_at = bp__guest_load(memory, entry, 4);
    *ret_size = bp__guest_load(memory, entry + 4, 4);
    return bp__guest_has(memory, *ret_at, *ret_size);
}

/* An error means that nothing was done. The sum must fit the 32 bits in which it is reported. */
static uint32_t sum_iovecs(bp__guest_memory memory, bp__iovecs list, uint64_t *ret_total)
{
    uint64_t total = 0;
    if (list.count > IOVEC_COUNT_MAX)
        return BP__WASI1_EINVAL;
    for (uint32_t i = 0; i < list.count; i++) {
        uint64_t at, size;
        if (!bp__iovecs_load(memory, list, i, &at, &size))
            return BP__WASI1_EFAULT;
        total += size;
    }
    *ret_total = total;
    return total > UINT32_MAX ? BP__WASI1_EINVAL : BP__WASI1_SUCCESS;
}

uint32_t bp__iovecs_check(bp__guest_memory memory, bp__iovecs list, uint32_t sum_at)
{
    uint64_t total;
    return bp__guest_has(memory, sum_at, 4) ? sum_iovecs(memory, list, &total) : BP__WASI1_EFAULT;
}

static uint32_t check_write(bp__host_state *state, bp__guest_memory memory, const uint64_t *args,
                            uint64_t *ret_total)
{
    uint32_t fd = (uint32_t)args[0];
    if (bp__files_find(&state->files, fd))
        return BP__WASI1_ENOTCAPABLE;
    if (fd != 1 && fd != 2)
        return BP__WASI1_EBADF;
    if (!bp__guest_has(memory, (uint32_t)args[3], 4))
        return BP__WASI1_EFAULT;
    return sum_iovecs(memory, (bp__iovecs){(uint32_t)args[1], (uint32_t)args[2]}, ret_total);
}

/* Looks at every entry again: memory that guest threads share may have changed since the check. */
static bool write_iovecs(bp__host_state *state, bp__guest_memory memory, bp__iovecs list, int fd)
{
    for (uint32_t i = 0; i < list.count; i++) {
        uint64_t at, size;
        if (!bp__iovecs_load(memory, list, i, &at, &size) || !size)
            continue;
        if (!bp__host_write(state, fd, (const char *)memory.base + at, size))
            return false;
    }
    return true;
}

BP__WASI1(fd_write)
{
    uint32_t fd = (uint32_t)args[0];
    bp__iovecs list = {(uint32_t)args[1], (uint32_t)args[2]};
    uint64_t total = 0;
    if (!bp__host_enter(state, "fd_write"))
        return false;
    uint32_t error = check_write(state, memory, args, &total);
    if (!error) {
        if (!write_iovecs(state, memory, list, (int)fd))
            return false;
        bp__guest_store(memory, (uint32_t)args[3], 4, total);
    }
    return bp__wasi1_answer(state, ret_errno, error);
}

/* As much as there is and fits; 0 bytes are the end. Input is bounded (input_bytes), and no byte of
 * it comes twice: no need to look at the deadline in between. */
static uint32_t read_input(bp__host_state *state, bp__guest_memory memory, bp__iovecs list,
                           uint32_t sum_at)
{
    uint32_t error = bp__iovecs_check(memory, list, sum_at);
    uint64_t total = 0;
    for (uint32_t i = 0; !error && i < list.count; i++) {
        uint64_t at, size;
        if (bp__iovecs_load(memory, list, i, &at, &size))
            total += bp__stdio_read(&state->stdio, memory.base + at, size);
    }
    if (!error)
        bp__guest_store(memory, sum_at, 4, total);
    return error;
}

BP__WASI1(fd_read)
{
    if (!bp__host_enter(state, "fd_read"))
        return false;
    bp__file *file = bp__files_find(&state->files, (uint32_t)args[0]);
    if (file)
        return bp__wasi1_file_read(state, memory, file, args, ret_errno);
    bp__iovecs list = {(uint32_t)args[1], (uint32_t)args[2]};
    uint32_t error = (uint32_t)args[0] == 0 ? read_input(state, memory, list, (uint32_t)args[3])
                                            : BP__WASI1_EBADF;
    return bp__wasi1_answer(state, ret_errno, error);
}

/* Closing a standard descriptor or the folder has no effect that a guest could see beyond "yes":
 * the next call may reuse the sandbox, and its output must not be lost. */
BP__WASI1(fd_close)
{
    if (!bp__wasi1_count(state))
        return false;
    uint32_t fd = (uint32_t)args[0];
    bp__file *file = bp__files_find(&state->files, fd);
    if (file)
        bp__files_close(&state->files, file);
    return bp__wasi1_answer(state, ret_errno,
                            fd <= 2 || file ? BP__WASI1_SUCCESS : BP__WASI1_EBADF);
}

static uint32_t check_status(bp__host_state *state, bp__guest_memory memory, const uint64_t *args,
                             uint64_t size)
{
    if ((uint32_t)args[0] > 2 && !bp__files_find(&state->files, (uint32_t)args[0]))
        return BP__WASI1_EBADF;
    return bp__guest_has(memory, (uint32_t)args[1], size) ? BP__WASI1_SUCCESS : BP__WASI1_EFAULT;
}

/* Of a plugin a character device that cannot seek: what C libraries take for a terminal, so that
 * they buffer lines and not blocks, which would be lost when the sandbox is thrown away. A command
 * writes out what it buffered when it exits; its descriptors are what other hosts' pipes are, so
 * that it neither asks for input as of a person nor colours its output. */
static uint8_t standard_type(const bp__host_state *state)
{
    return state->stdio.out ? BP__WASI1_UNKNOWN : BP__WASI1_CHARACTER_DEVICE;
}

static uint32_t standard_fdstat(const bp__host_state *state, uint32_t fd, uint64_t *ret_rights)
{
    *ret_rights = RIGHTS_COMMON |
                  BP__WASI1_RIGHT(fd == 0 ? BP__WASI1_RIGHT_FD_READ : BP__WASI1_RIGHT_FD_WRITE);
    return standard_type(state);
}

BP__WASI1(fd_fdstat_get)
{
    if (!bp__wasi1_count(state))
        return false;
    uint32_t error = check_status(state, memory, args, FDSTAT_SIZE);
    if (!error) {
        uint64_t at = (uint32_t)args[1], rights, inherited = 0;
        const bp__file *file = bp__files_find(&state->files, (uint32_t)args[0]);
        uint32_t type = file ? bp__wasi1_file_fdstat(file, &rights, &inherited)
                             : standard_fdstat(state, (uint32_t)args[0], &rights);
        memset(memory.base + at, 0, FDSTAT_SIZE);
        bp__guest_store(memory, at, 1, type);
        bp__guest_store(memory, at + 8, 8, rights);
        bp__guest_store(memory, at + 16, 8, inherited);
    }
    return bp__wasi1_answer(state, ret_errno, error);
}

/* The descriptors neither block nor append, so that any flag that exists is met already. */
BP__WASI1(fd_fdstat_set_flags)
{
    if (!bp__wasi1_count(state))
        return false;
    uint32_t fd = (uint32_t)args[0];
    uint32_t error = (uint32_t)args[1] & ~(uint32_t)FDFLAGS_ALL ? BP__WASI1_EINVAL : 0;
    bool exists = fd <= 2 || bp__files_find(&state->files, fd);
    return bp__wasi1_answer(state, ret_errno, exists ? error : BP__WASI1_EBADF);
}

/* The inode is the descriptor, so that nobody takes standard output for its own input. */
static void standard_filestat(const bp__host_state *state, bp__guest_memory memory, uint64_t at,
                              uint32_t fd)
{
    memset(memory.base + at, 0, BP__WASI1_FILESTAT_SIZE);
    bp__guest_store(memory, at + 8, 8, fd);
    bp__guest_store(memory, at + 16, 1, standard_type(state));
    bp__guest_store(memory, at + 24, 8, 1);
}

BP__WASI1(fd_filestat_get)
{
    if (!bp__host_enter(state, "fd_filestat_get"))
        return false;
    uint32_t error = check_status(state, memory, args, BP__WASI1_FILESTAT_SIZE);
    const bp__file *file = bp__files_find(&state->files, (uint32_t)args[0]);
    if (!error && file)
        error = bp__wasi1_file_filestat(state, memory, (uint32_t)args[1], file);
    else if (!error)
        standard_filestat(state, memory, (uint32_t)args[1], (uint32_t)args[0]);
    return bp__wasi1_answer(state, ret_errno, error);
}
