/* WASI: what is read of files, and of what they are. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "host/wasi.h"

/* Between two of them reading looks at the deadline. */
#define READ_CHUNK ((uint64_t)1024 * 1024)

uint32_t bp__wasi_errno(int os_errno)
{
    static const struct {
        int system;
        uint32_t wasi;
    } known[] = {
        {0, BP__WASI1_SUCCESS},         {EACCES, BP__WASI1_EACCES},
        {EAGAIN, BP__WASI1_EAGAIN},     {EINVAL, BP__WASI1_EINVAL},
        {EISDIR, BP__WASI1_EISDIR},     {ELOOP, BP__WASI1_ELOOP},
        {EMFILE, BP__WASI1_ENFILE},     {ENAMETOOLONG, BP__WASI1_ENAMETOOLONG},
        {ENFILE, BP__WASI1_ENFILE},     {ENOENT, BP__WASI1_ENOENT},
        {ENOMEM, BP__WASI1_ENOMEM},     {ENOTDIR, BP__WASI1_ENOTDIR},
        {EPERM, BP__WASI1_ENOTCAPABLE}, {EXDEV, BP__WASI1_ENOTCAPABLE},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].system == os_errno)
            return known[i].wasi;
    return BP__WASI1_EIO;
}

uint8_t bp__wasi_type(mode_t mode)
{
    return S_ISREG(mode)   ? BP__WASI1_REGULAR_FILE
           : S_ISDIR(mode) ? BP__WASI1_DIRECTORY
           : S_ISLNK(mode) ? BP__WASI1_SYMBOLIC_LINK
                           : BP__WASI1_UNKNOWN;
}

uint32_t bp__wasi_stat(const bp__files *files, const bp__file *file, struct stat *ret)
{
    int fd = file->is_directory ? bp__files_at(files, file) : file->fd;
    return fstat(fd, ret) == 0 ? BP__WASI1_SUCCESS : bp__wasi_errno(errno);
}

uint64_t bp__wasi_file_left(const bp__file *file)
{
    struct stat found;
    if (file->is_directory || fstat(file->fd, &found) != 0)
        return 0;
    uint64_t size = (uint64_t)found.st_size;
    return size > file->offset ? size - file->offset : 0;
}

/* A file may shrink meanwhile: then this is its end. Reads into the guest's own memory, or ours. */
uint64_t bp__wasi_read(bp__wasi_reading *self, uint8_t *to, uint64_t size)
{
    uint64_t done = 0;
    while (done < size && !self->ended) {
        uint64_t part = size - done < READ_CHUNK ? size - done : READ_CHUNK;
        ssize_t got = pread(self->fd, to + done, part, (off_t)self->offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            self->error = bp__wasi_errno(errno);
        self->ended = got <= 0;
        done += got > 0 ? (uint64_t)got : 0;
        self->offset += got > 0 ? (uint64_t)got : 0;
        self->stopped = !bp__host_may_go_on(self->state);
        self->ended |= self->stopped;
    }
    return done;
}
