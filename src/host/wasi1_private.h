/* What the wasi1*.c files share: guest memory, the functions' declarations.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_WASI1_PRIVATE_H
#define BP_HOST_WASI1_PRIVATE_H

#include <string.h>

#include "host/wasi.h"
#include "host/wasi1.h"

#define BP__WASI1_RIGHT(bit) (UINT64_C(1) << (bit))
/* Bits of the rights of a descriptor. */
enum {
    BP__WASI1_RIGHT_FD_READ = 1,
    BP__WASI1_RIGHT_FD_SEEK = 2,
    BP__WASI1_RIGHT_FD_SET_FLAGS = 3,
    BP__WASI1_RIGHT_FD_TELL = 5,
    BP__WASI1_RIGHT_FD_WRITE = 6,
    BP__WASI1_RIGHT_FD_ADVISE = 7,
    BP__WASI1_RIGHT_PATH_OPEN = 13,
    BP__WASI1_RIGHT_FD_READDIR = 14,
    BP__WASI1_RIGHT_PATH_READLINK = 15,
    BP__WASI1_RIGHT_PATH_FILESTAT_GET = 18,
    BP__WASI1_RIGHT_FD_FILESTAT_GET = 21,
    BP__WASI1_RIGHT_POLL = 27,
};

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

/* Runs of bytes in the guest's memory, as readers and writers name them. */
typedef struct bp__iovecs {
    uint32_t at, count;
} bp__iovecs;
/* The run that entry `index` names, or false when it is not in the memory. */
bool bp__iovecs_load(bp__guest_memory memory, bp__iovecs list, uint32_t index, uint64_t *ret_at,
                     uint64_t *ret_size);
/* Checks all before anything is done, and where the sum will be stored; an errno of ours. */
uint32_t bp__iovecs_check(bp__guest_memory memory, bp__iovecs list, uint32_t sum_at);

#define BP__WASI1_FILESTAT_SIZE 64
/* Into memory that was checked. */
uint32_t bp__wasi1_store_filestat(bp__guest_memory memory, uint64_t at, const bp__folder *folder,
                                  const struct stat *found);

/* wasi1_file.c: for descriptors that bp__files_find() knows. */
bool bp__wasi1_file_read(bp__host_state *state, bp__guest_memory memory, bp__file *file,
                         const uint64_t *args, uint32_t *ret_errno);
uint32_t bp__wasi1_file_fdstat(const bp__file *file, uint64_t *ret_rights, uint64_t *ret_inherited);
uint32_t bp__wasi1_file_filestat(bp__host_state *state, bp__guest_memory memory, uint64_t at,
                                 const bp__file *file);

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
/* wasi1_file.c */
BP__WASI1(fd_pread);
BP__WASI1(fd_renumber);
BP__WASI1(fd_seek);
BP__WASI1(fd_tell);
/* wasi1_list.c */
BP__WASI1(fd_readdir);
/* wasi1_path.c */
BP__WASI1(fd_prestat_dir_name);
BP__WASI1(fd_prestat_get);
BP__WASI1(path_filestat_get);
BP__WASI1(path_open);
BP__WASI1(path_readlink);
/* wasi1_absent.c: named after what they answer for the standard descriptors (0 to 2). */
BP__WASI1(no_seek);
BP__WASI1(no_seek_write);
BP__WASI1(no_sync);
BP__WASI1(no_size);
BP__WASI1(no_change);
BP__WASI1(no_times);
BP__WASI1(no_directory);
BP__WASI1(no_directory_symlink);
BP__WASI1(no_socket);

#endif
