/* The table of WASI preview 1. SPDX-License-Identifier: Apache-2.0 */
#include "host/wasi1_private.h"

const bp__wasi1_function bp__wasi1_functions[] = {
    {"args_get", "ii>i", bp__wasi1_args_get},
    {"args_sizes_get", "ii>i", bp__wasi1_args_sizes_get},
    {"clock_res_get", "ii>i", bp__wasi1_clock_res_get},
    {"clock_time_get", "iIi>i", bp__wasi1_clock_time_get},
    {"environ_get", "ii>i", bp__wasi1_environ_get},
    {"environ_sizes_get", "ii>i", bp__wasi1_environ_sizes_get},
    {"fd_advise", "iIIi>i", bp__wasi1_no_seek},
    {"fd_allocate", "iII>i", bp__wasi1_no_seek_write},
    {"fd_close", "i>i", bp__wasi1_fd_close},
    {"fd_datasync", "i>i", bp__wasi1_no_sync},
    {"fd_fdstat_get", "ii>i", bp__wasi1_fd_fdstat_get},
    {"fd_fdstat_set_flags", "ii>i", bp__wasi1_fd_fdstat_set_flags},
    {"fd_fdstat_set_rights", "iII>i", bp__wasi1_no_change},
    {"fd_filestat_get", "ii>i", bp__wasi1_fd_filestat_get},
    {"fd_filestat_set_size", "iI>i", bp__wasi1_no_size},
    {"fd_filestat_set_times", "iIIi>i", bp__wasi1_no_times},
    {"fd_pread", "iiiIi>i", bp__wasi1_fd_pread},
    {"fd_prestat_dir_name", "iii>i", bp__wasi1_fd_prestat_dir_name},
    {"fd_prestat_get", "ii>i", bp__wasi1_fd_prestat_get},
    {"fd_pwrite", "iiiIi>i", bp__wasi1_no_seek_write},
    {"fd_read", "iiii>i", bp__wasi1_fd_read},
    {"fd_readdir", "iiiIi>i", bp__wasi1_fd_readdir},
    {"fd_renumber", "ii>i", bp__wasi1_fd_renumber},
    {"fd_seek", "iIii>i", bp__wasi1_fd_seek},
    {"fd_sync", "i>i", bp__wasi1_no_sync},
    {"fd_tell", "ii>i", bp__wasi1_fd_tell},
    {"fd_write", "iiii>i", bp__wasi1_fd_write},
    {"path_create_directory", "iii>i", bp__wasi1_no_directory},
    {"path_filestat_get", "iiiii>i", bp__wasi1_path_filestat_get},
    {"path_filestat_set_times", "iiiiIIi>i", bp__wasi1_no_directory},
    {"path_link", "iiiiiii>i", bp__wasi1_no_directory},
    {"path_open", "iiiiiIIii>i", bp__wasi1_path_open},
    {"path_readlink", "iiiiii>i", bp__wasi1_path_readlink},
    {"path_remove_directory", "iii>i", bp__wasi1_no_directory},
    {"path_rename", "iiiiii>i", bp__wasi1_no_directory},
    {"path_symlink", "iiiii>i", bp__wasi1_no_directory_symlink},
    {"path_unlink_file", "iii>i", bp__wasi1_no_directory},
    {"poll_oneoff", "iiii>i", bp__wasi1_poll_oneoff},
    {"proc_exit", "i>", bp__wasi1_proc_exit},
    {"proc_raise", "i>i", bp__wasi1_proc_raise},
    {"random_get", "ii>i", bp__wasi1_random_get},
    {"sched_yield", ">i", bp__wasi1_sched_yield},
    {"sock_accept", "iii>i", bp__wasi1_no_socket},
    {"sock_recv", "iiiiii>i", bp__wasi1_no_socket},
    {"sock_send", "iiiii>i", bp__wasi1_no_socket},
    {"sock_shutdown", "ii>i", bp__wasi1_no_socket},
};

const size_t bp__wasi1_function_count = sizeof bp__wasi1_functions / sizeof *bp__wasi1_functions;

bool bp__wasi1_count(bp__host_state *state)
{
    if (bp__host_count(state))
        return true;
    return bp__stop_limit(state, "host_calls", "more than %llu host calls in one call",
                          (unsigned long long)state->host_calls_max);
}
