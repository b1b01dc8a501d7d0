/* SPDX-License-Identifier: Apache-2.0 */
#include "host/files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FIRST (BP__FILES_FOLDER + 1)

static const bp__file closed = {.fd = -1};

void bp__files_init(bp__files *files, const bp__folder *folder)
{
    files->folder = folder;
    files->self = (bp__file){.fd = -1, .is_directory = true};
    files->count = 0;
    for (uint32_t i = 0; i < BP__FILES_OPEN_MAX; i++)
        files->open[i] = closed;
}

void bp__files_close_all(bp__files *files)
{
    if (files->count == 0)
        return;
    if (files->self.fd >= 0)
        close(files->self.fd);
    for (uint32_t i = 0; i < BP__FILES_OPEN_MAX; i++)
        if (files->open[i].fd >= 0)
            close(files->open[i].fd);
    bp__files_init(files, files->folder);
}

bp__file *bp__files_find(bp__files *files, uint32_t number)
{
    if (!files->folder || number < BP__FILES_FOLDER)
        return NULL;
    if (number == BP__FILES_FOLDER)
        return &files->self;
    if (number - FIRST >= BP__FILES_OPEN_MAX || files->open[number - FIRST].fd < 0)
        return NULL;
    return &files->open[number - FIRST];
}

int bp__files_at(const bp__files *files, const bp__file *directory)
{
    return directory == &files->self ? files->folder->fd : directory->fd;
}

uint32_t bp__files_add(bp__files *files, int fd, bool is_directory)
{
    for (uint32_t i = 0; i < BP__FILES_OPEN_MAX; i++) {
        if (files->open[i].fd >= 0)
            continue;
        files->open[i] = (bp__file){.fd = fd, .is_directory = is_directory};
        files->count++;
        return FIRST + i;
    }
    return 0;
}

void bp__files_close(bp__files *files, bp__file *file)
{
    if (file == &files->self)
        return;
    close(file->fd);
    *file = closed;
    files->count--;
}

void bp__files_move(bp__files *files, bp__file *from, bp__file *to)
{
    if (from == to)
        return;
    close(to->fd);
    *to = *from;
    *from = closed;
    files->count--;
}

int bp__files_open_self(bp__files *files)
{
    if (files->self.fd >= 0)
        return 0;
    files->self.fd = openat(files->folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->self.fd < 0)
        return errno;
    files->count++;
    return 0;
}
