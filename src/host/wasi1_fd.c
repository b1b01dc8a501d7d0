/* WASI preview 1: the descriptors that exist, 0 (always at its end), 1 and 2 (the log).
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/wasi1_private.h"

#define FDSTAT_SIZE 24
#define FILESTAT_SIZE 64
#define IOVEC_SIZE 8
/* As IOV_MAX of Linux; nobody's libc sends more. */
#define IOVEC_COUNT_MAX 1024

#define CHARACTER_DEVICE 2
#define FDFLAGS_ALL 0x1F

#define RIGHT_FD_READ (UINT64_C(1) << 1)
#define RIGHT_FDSTAT_SET_FLAGS (UINT64_C(1) << 3)
#define RIGHT_FD_WRITE (UINT64_C(1) << 6)
#define RIGHT_FILESTAT_GET (UINT64_C(1) << 21)
#define RIGHT_POLL (UINT64_C(1) << 27)
#define RIGHTS_COMMON (RIGHT_FDSTAT_SET_FLAGS | RIGHT_FILESTAT_GET | RIGHT_POLL)

typedef struct iovec_list {
    uint32_t at, count;
} iovec_list;

/* The run of bytes that entry `index` names, or false when it is not in the memory. */
static bool load_iovec(bp__guest_memory memory, iovec_list list, uint32_t index, uint64_t *ret_at,
                       uint64_t *ret_size)
{
    uint64_t entry = (uint64_t)list.at + (uint64_t)index * IOVEC_SIZE;
    if (!bp__guest_has(memory, entry, IOVEC_SIZE))
        return false;
    *ret_at = bp__guest_load(memory, entry, 4);
    *ret_size = bp__guest_load(memory, entry + 4, 4);
    return bp__guest_has(memory, *ret_at, *ret_size);
}

/* Checks all before anything is done, so that an error means that nothing was. The sum must fit
 * the 32 bits in which it is reported. */
static uint32_t check_iovecs(bp__guest_memory memory, iovec_list list, uint64_t *ret_total)
{
    uint64_t total = 0;
    if (list.count > IOVEC_COUNT_MAX)
        return BP__WASI1_EINVAL;
    for (uint32_t i = 0; i < list.count; i++) {
        uint64_t at, size;
        if (!load_iovec(memory, list, i, &at, &size))
            return BP__WASI1_EFAULT;
        total += size;
    }
    *ret_total = total;
    return total > UINT32_MAX ? BP__WASI1_EINVAL : BP__WASI1_SUCCESS;
}

static uint32_t check_transfer(bp__guest_memory memory, const uint64_t *args, uint64_t *ret_total)
{
    iovec_list list = {(uint32_t)args[1], (uint32_t)args[2]};
    if (!bp__guest_has(memory, (uint32_t)args[3], 4))
        return BP__WASI1_EFAULT;
    return check_iovecs(memory, list, ret_total);
}

/* Looks at every entry again: memory that guest threads share may have changed since the check. */
static bool write_iovecs(bp__host_state *state, bp__guest_memory memory, iovec_list list, int fd)
{
    for (uint32_t i = 0; i < list.count; i++) {
        uint64_t at, size;
        if (!load_iovec(memory, list, i, &at, &size) || !size)
            continue;
        if (!bp__host_write(state, fd, (const char *)memory.base + at, size))
            return false;
    }
    return true;
}

BP__WASI1(fd_write)
{
    uint32_t fd = (uint32_t)args[0];
    iovec_list list = {(uint32_t)args[1], (uint32_t)args[2]};
    uint64_t total = 0;
    if (!bp__host_enter(state, "fd_write"))
        return false;
    uint32_t error = fd == 1 || fd == 2 ? check_transfer(memory, args, &total) : BP__WASI1_EBADF;
    if (!error) {
        if (!write_iovecs(state, memory, list, (int)fd))
            return false;
        bp__guest_store(memory, (uint32_t)args[3], 4, total);
    }
    return bp__wasi1_answer(state, ret_errno, error);
}

/* Standard input is at its end. */
BP__WASI1(fd_read)
{
    uint64_t total = 0;
    if (!bp__host_enter(state, "fd_read"))
        return false;
    uint32_t error =
        (uint32_t)args[0] == 0 ? check_transfer(memory, args, &total) : BP__WASI1_EBADF;
    if (!error)
        bp__guest_store(memory, (uint32_t)args[3], 4, 0);
    return bp__wasi1_answer(state, ret_errno, error);
}

/* Closing has no effect that a guest could see beyond "yes": the next call may reuse the sandbox,
 * and its output must not be lost. */
BP__WASI1(fd_close)
{
    if (!bp__wasi1_count(state))
        return false;
    uint32_t fd = (uint32_t)args[0];
    return bp__wasi1_answer(state, ret_errno, fd <= 2 ? BP__WASI1_SUCCESS : BP__WASI1_EBADF);
}

static uint32_t check_status(bp__guest_memory memory, const uint64_t *args, uint64_t size)
{
    if ((uint32_t)args[0] > 2)
        return BP__WASI1_EBADF;
    return bp__guest_has(memory, (uint32_t)args[1], size) ? BP__WASI1_SUCCESS : BP__WASI1_EFAULT;
}

/* A character device that cannot seek: what C libraries take for a terminal, so that they buffer
 * lines and not blocks, which would be lost when the sandbox is thrown away. */
BP__WASI1(fd_fdstat_get)
{
    if (!bp__wasi1_count(state))
        return false;
    uint32_t error = check_status(memory, args, FDSTAT_SIZE);
    if (!error) {
        uint32_t at = (uint32_t)args[1];
        uint64_t rights = (uint32_t)args[0] == 0 ? RIGHT_FD_READ : RIGHT_FD_WRITE;
        memset(memory.base + at, 0, FDSTAT_SIZE);
        bp__guest_store(memory, at, 1, CHARACTER_DEVICE);
        bp__guest_store(memory, (uint64_t)at + 8, 8, rights | RIGHTS_COMMON);
    }
    return bp__wasi1_answer(state, ret_errno, error);
}

/* The descriptors neither block nor append, so that any flag that exists is met already. */
BP__WASI1(fd_fdstat_set_flags)
{
    if (!bp__wasi1_count(state))
        return false;
    uint32_t error = (uint32_t)args[1] & ~(uint32_t)FDFLAGS_ALL ? BP__WASI1_EINVAL : 0;
    return bp__wasi1_answer(state, ret_errno, (uint32_t)args[0] <= 2 ? error : BP__WASI1_EBADF);
}

/* The inode is the descriptor, so that nobody takes standard output for its own input. */
BP__WASI1(fd_filestat_get)
{
    if (!bp__wasi1_count(state))
        return false;
    uint32_t error = check_status(memory, args, FILESTAT_SIZE);
    if (!error) {
        uint64_t at = (uint32_t)args[1];
        memset(memory.base + at, 0, FILESTAT_SIZE);
        bp__guest_store(memory, at + 8, 8, (uint32_t)args[0]);
        bp__guest_store(memory, at + 16, 1, CHARACTER_DEVICE);
        bp__guest_store(memory, at + 24, 8, 1);
    }
    return bp__wasi1_answer(state, ret_errno, error);
}
