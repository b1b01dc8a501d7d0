/* WASI: paths below the folder or a directory of it. Every path stays below the descriptor that it
 * starts from; no symbolic link is followed, wherever it stands in one and wherever it leads.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "host/wasi.h"

/* Takes the last step back. False when there is none: the path would leave its directory. */
static bool step_back(bp__wasi_path *to)
{
    if (to->size == 0)
        return false;
    while (to->size > 0 && to->text[--to->size] != '/')
        ;
    return true;
}

/* One step of a path. `last` is what follows it: nothing. */
static bool step(bp__wasi_path *to, const char *name, size_t size, bool last)
{
    bool stays = size == 0 || (size == 1 && name[0] == '.');
    bool back = size == 2 && name[0] == '.' && name[1] == '.';
    to->is_directory = !last || stays || back;
    if (stays)
        return true;
    if (back)
        return step_back(to);
    if (to->size > 0)
        to->text[to->size++] = '/';
    memcpy(to->text + to->size, name, size);
    to->size += size;
    return true;
}

/* Without "." and "..". That "a/.." is where "a" stands holds whatever "a" is, since no link is
 * followed; the kernel never sees a "..". Never longer than what it is made from, "." excepted. */
static bool straighten(bp__wasi_path *to, const char *from, size_t size)
{
    for (size_t at = 0; at < size;) {
        const char *slash = memchr(from + at, '/', size - at);
        size_t end = slash ? (size_t)(slash - from) : size;
        if (!step(to, from + at, end - at, !slash))
            return false;
        at = end + 1;
    }
    if (to->size == 0)
        to->text[to->size++] = '.';
    to->text[to->size] = '\0';
    return true;
}

static uint32_t check_text(const char *text, size_t size)
{
    if (size == 0)
        return BP__WASI1_ENOENT;
    if (size >= BP__WASI_PATH_SIZE_MAX)
        return BP__WASI1_ENAMETOOLONG;
    if (memchr(text, '\0', size))
        return BP__WASI1_EINVAL;
    if (!bp__utf8_valid(text, size))
        return BP__WASI1_EILSEQ;
    return text[0] == '/' ? BP__WASI1_ENOTCAPABLE : BP__WASI1_SUCCESS;
}

uint32_t bp__wasi_directory(bp__files *files, uint32_t fd, const bp__file **ret)
{
    *ret = bp__files_find(files, fd);
    if (!*ret)
        return fd <= 2 ? BP__WASI1_ENOTDIR : BP__WASI1_EBADF;
    return (*ret)->is_directory ? BP__WASI1_SUCCESS : BP__WASI1_ENOTDIR;
}

uint32_t bp__wasi_path_make(const bp__files *files, const bp__file *directory, const char *text,
                            size_t size, bp__wasi_path *ret)
{
    uint32_t error = check_text(text, size);
    ret->size = 0;
    ret->is_directory = false;
    ret->at = bp__files_at(files, directory);
    if (!error && !straighten(ret, text, size))
        error = BP__WASI1_ENOTCAPABLE;
    return error;
}

uint32_t bp__wasi_look(const bp__files *files, const bp__wasi_path *path, bool follow,
                       struct stat *ret)
{
    int error = bp__folder_look(files->folder, path->at, path->text, ret);
    if (error)
        return bp__wasi_errno(error);
    if (S_ISLNK(ret->st_mode) && (follow || path->is_directory))
        return BP__WASI1_ELOOP;
    return path->is_directory && !S_ISDIR(ret->st_mode) ? BP__WASI1_ENOTDIR : BP__WASI1_SUCCESS;
}

uint32_t bp__wasi_read_link(const bp__files *files, const bp__wasi_path *path)
{
    struct stat found;
    uint32_t error = bp__wasi_look(files, path, false, &found);
    if (error)
        return error;
    return S_ISLNK(found.st_mode) ? BP__WASI1_ENOTCAPABLE : BP__WASI1_EINVAL;
}

uint32_t bp__wasi_open(bp__files *files, const bp__wasi_path *path, bool directory, uint32_t *ret)
{
    int fd;
    struct stat found;
    int error = bp__folder_open(files->folder, path->at, path->text, &fd, &found);
    if (error)
        return bp__wasi_errno(error);
    bool is_directory = S_ISDIR(found.st_mode);
    if (is_directory || (!directory && !path->is_directory)) {
        uint32_t number = bp__files_add(files, fd, is_directory);
        if (number) {
            *ret = number;
            return BP__WASI1_SUCCESS;
        }
    }
    close(fd);
    return is_directory || (!directory && !path->is_directory) ? BP__WASI1_EMFILE
                                                               : BP__WASI1_ENOTDIR;
}
