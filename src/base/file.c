/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"

static bp_status refuse_large(const char *path, size_t size_max, bp_error *reterr)
{
    return bp_error_set(reterr, BP_ELIMIT, "'%s' is larger than the limit of %zu bytes", path,
                        size_max);
}

static bp_status read_all(int fd, const char *path, size_t size_max, bp__buffer *to,
                          bp_error *reterr)
{
    size_t start = to->size;
    for (;;) {
        if (!bp__buffer_reserve(to, 64 * 1024))
            return bp__error_oom(reterr, "reading a file");
        ssize_t got = read(fd, to->data + to->size, to->capacity - to->size - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return bp__error_os(reterr, BP_ESYSTEM, errno, "read '%s'", path);
        if (got == 0)
            return BP_OK;
        to->size += (size_t)got;
        if (to->size - start > size_max)
            return refuse_large(path, size_max, reterr);
    }
}

bp_status bp__file_read(const char *path, size_t size_max, bp__buffer *to, bp_error *reterr)
{
    /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
    bp_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return bp__error_os(reterr, errno == ENOENT ? BP_ENOTFOUND : BP_ESYSTEM, errno,
                            "open '%s'", path);
    return bp__file_read_fd(fd, path, size_max, to, reterr);
}

bp_status bp__file_read_fd(int fd, const char *path, size_t size_max, bp__buffer *to,
                           bp_error *reterr)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return bp__error_os(reterr, BP_ESYSTEM, errno, "stat '%s'", path);
    if (!S_ISREG(status.st_mode))
        return bp_error_set(reterr, BP_EFORMAT, "'%s' is %s, not a regular file", path,
                            S_ISDIR(status.st_mode) ? "a directory" : "something");
    if ((uint64_t)status.st_size > size_max)
        return refuse_large(path, size_max, reterr);
    if (!bp__buffer_reserve(to, (size_t)status.st_size + 1))
        return bp__error_oom(reterr, "reading a file");
    return read_all(fd, path, size_max, to, reterr);
}
