/* WASI preview 1: what needs files, directories or sockets, answered as if there were none.
 * Descriptors 0 to 2 exist and get the error that a pipe would get; their other arguments are not
 * looked at. SPDX-License-Identifier: Apache-2.0 */
#include "host/wasi1_private.h"

static bool refuse(bp__host_state *state, uint64_t fd, uint32_t *ret_errno, uint32_t error)
{
    if (!bp__wasi1_count(state))
        return false;
    return bp__wasi1_answer(state, ret_errno, (uint32_t)fd <= 2 ? error : BP__WASI1_EBADF);
}

/* No descriptor is a preopened directory. */
BP__WASI1(no_descriptor)
{
    return refuse(state, args[0], ret_errno, BP__WASI1_EBADF);
}

BP__WASI1(no_seek)
{
    return refuse(state, args[0], ret_errno, BP__WASI1_ESPIPE);
}

BP__WASI1(no_file)
{
    return refuse(state, args[0], ret_errno, BP__WASI1_EINVAL);
}

BP__WASI1(no_change)
{
    return refuse(state, args[0], ret_errno, BP__WASI1_ENOTSUP);
}

BP__WASI1(no_renumber)
{
    uint64_t worse = (uint32_t)args[0] <= 2 ? args[1] : args[0];
    return refuse(state, worse, ret_errno, BP__WASI1_ENOTSUP);
}

BP__WASI1(no_directory)
{
    return refuse(state, args[0], ret_errno, BP__WASI1_ENOTDIR);
}

/* The only one with a path before its descriptor. */
BP__WASI1(no_directory_symlink)
{
    return refuse(state, args[2], ret_errno, BP__WASI1_ENOTDIR);
}

BP__WASI1(no_socket)
{
    return refuse(state, args[0], ret_errno, BP__WASI1_ENOTSOCK);
}
