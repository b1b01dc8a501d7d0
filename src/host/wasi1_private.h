/* What the wasi1*.c files share: error numbers, guest memory, the functions' declarations.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_WASI1_PRIVATE_H
#define BP_HOST_WASI1_PRIVATE_H

#include <string.h>

#include "host/wasi1.h"

/* Numbers of the specification (typenames.witx), not of the operating system. */
enum {
    BP__WASI1_SUCCESS = 0,
    BP__WASI1_EAGAIN = 6,
    BP__WASI1_EBADF = 8,
    BP__WASI1_EFAULT = 21,
    BP__WASI1_EINVAL = 28,
    BP__WASI1_EIO = 29,
    BP__WASI1_ENOTDIR = 54,
    BP__WASI1_ENOTSOCK = 57,
    BP__WASI1_ENOTSUP = 58,
    BP__WASI1_ESPIPE = 70,
    BP__WASI1_ENOTCAPABLE = 76,
};

enum { BP__WASI1_CLOCK_REALTIME, BP__WASI1_CLOCK_MONOTONIC, BP__WASI1_CLOCK_COUNT = 4 };

/* Ends a host function that returns to the guest. */
static inline bool bp__wasi1_answer(bp__host_state *state, uint32_t *ret_errno, uint32_t error)
{
    state->host_function = NULL;
    *ret_errno = error;
    return true;
}

/* Instead of bp__host_enter(), for what takes no longer than its own call. */
bool bp__wasi1_count(bp__host_state *state);

static inline bool bp__guest_has(bp__guest_memory memory, uint64_t at, uint64_t size)
{
    return at <= memory.size && size <= memory.size - at;
}

/* Little-endian at any alignment. The caller has checked the range. */
static inline uint64_t bp__guest_load(bp__guest_memory memory, uint64_t at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)memory.base[at + i] << (8 * i);
    return value;
}

static inline void bp__guest_store(bp__guest_memory memory, uint64_t at, unsigned bytes,
                                   uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        memory.base[at + i] = (uint8_t)(value >> (8 * i));
}

/* The current time of a clock with a number below BP__WASI1_CLOCK_COUNT; an errno of ours. */
uint32_t bp__wasi1_clock_now(uint32_t clock, uint64_t *ret_ns);

#define BP__WASI1(name)                                                                            \
    bool bp__wasi1_##name(__attribute__((unused)) bp__host_state *state,                           \
                          __attribute__((unused)) bp__guest_memory memory,                         \
                          __attribute__((unused)) const uint64_t *args,                            \
                          __attribute__((unused)) uint32_t *ret_errno)

/* wasi1_process.c */
BP__WASI1(args_get);
BP__WASI1(args_sizes_get);
BP__WASI1(environ_get);
BP__WASI1(environ_sizes_get);
BP__WASI1(proc_exit);
BP__WASI1(proc_raise);
BP__WASI1(sched_yield);
BP__WASI1(random_get);
/* wasi1_clock.c */
BP__WASI1(clock_res_get);
BP__WASI1(clock_time_get);
/* wasi1_poll.c */
BP__WASI1(poll_oneoff);
/* wasi1_fd.c */
BP__WASI1(fd_close);
BP__WASI1(fd_fdstat_get);
BP__WASI1(fd_fdstat_set_flags);
BP__WASI1(fd_filestat_get);
BP__WASI1(fd_read);
BP__WASI1(fd_write);
/* wasi1_absent.c: named after what they answer for the descriptors that exist (0 to 2). */
BP__WASI1(no_descriptor);
BP__WASI1(no_seek);
BP__WASI1(no_file);
BP__WASI1(no_change);
BP__WASI1(no_renumber);
BP__WASI1(no_directory);
BP__WASI1(no_directory_symlink);
BP__WASI1(no_socket);

#endif
