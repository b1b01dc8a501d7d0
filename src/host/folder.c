/* SPDX-License-Identifier: Apache-2.0 */
#include "host/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/sha256.h"

#define NAME_SIZE_MAX 255
/* Looking at something neither opens it nor follows it. */
#define LOOK_FLAGS (O_PATH | O_NOFOLLOW | O_CLOEXEC)
/* A FIFO or a leased file answers at once, and a terminal does not become the host's own. */
#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static int open_beneath(int at, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                      RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    return (int)syscall(SYS_openat2, at, path, &how, sizeof how);
}

/* ---- where the kernel lacks openat2, or a filter hides it ---- */

/* Something mounted into the folder is not the folder's. Another file system shows by its device; a
 * part of the same one (a bind mount) only where the kernel tells (5.8). */
static int check_mount(const bp__folder *folder, int fd)
{
    struct statx found;
    if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_TYPE, &found) != 0)
        return errno;
    bool is_root = found.stx_attributes & found.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT;
    bool elsewhere = makedev(found.stx_dev_major, found.stx_dev_minor) != folder->device;
    return is_root || elsewhere ? EXDEV : 0;
}

/* The folder itself may be where something is mounted, and so may be seen from within. */
static bool is_self(const char *path)
{
    return strcmp(path, ".") == 0;
}

/* What may lie on the way to something else: a directory that is no link. */
static int check_step(const bp__folder *folder, int fd)
{
    struct stat found;
    if (fstat(fd, &found) != 0)
        return errno;
    if (S_ISLNK(found.st_mode))
        return ELOOP;
    return S_ISDIR(found.st_mode) ? check_mount(folder, fd) : ENOTDIR;
}

/* Opens the first step of *path, below *here, as the new *here. */
static int descend(const bp__folder *folder, int at, const char **path, int *here)
{
    char name[NAME_SIZE_MAX + 1];
    size_t size = strcspn(*path, "/");
    if (size > NAME_SIZE_MAX)
        return ENAMETOOLONG;
    memcpy(name, *path, size);
    name[size] = '\0';
    bp_auto_fd int next = openat(*here >= 0 ? *here : at, name, LOOK_FLAGS);
    int error = next < 0 ? errno : check_step(folder, next);
    if (error)
        return error;
    int last = *here;
    *here = next;
    next = last; /* closed with the scope */
    *path += size + 1;
    return 0;
}

static int open_by_hand(const bp__folder *folder, int at, const char *path, int flags)
{
    bp_auto_fd int here = -1;
    while (strchr(path, '/')) {
        int error = descend(folder, at, &path, &here);
        if (error) {
            errno = error;
            return -1;
        }
    }
    bp_auto_fd int fd = openat(here >= 0 ? here : at, path, flags);
    if (fd < 0)
        return -1;
    int error = is_self(path) ? 0 : check_mount(folder, fd);
    int opened = fd;
    if (error)
        errno = error;
    else
        fd = -1;
    return error ? -1 : opened;
}

/* ---- both ---- */

static int open_at(const bp__folder *folder, int at, const char *path, int flags)
{
    return folder->by_hand ? open_by_hand(folder, at, path, flags) : open_beneath(at, path, flags);
}

int bp__folder_look(const bp__folder *folder, int at, const char *path, struct stat *ret)
{
    bp_auto_fd int fd = open_at(folder, at, path, LOOK_FLAGS);
    return fd >= 0 && fstat(fd, ret) == 0 ? 0 : errno;
}

static int check_type(const struct stat *found)
{
    if (S_ISLNK(found->st_mode))
        return ELOOP;
    return S_ISREG(found->st_mode) || S_ISDIR(found->st_mode) ? 0 : EPERM;
}

/* Looks first: opening alone makes some devices do something. What was looked at may be replaced
 * before it is opened, so what was opened is looked at again. */
int bp__folder_open(const bp__folder *folder, int at, const char *path, int *ret_fd,
                    struct stat *ret)
{
    int error = bp__folder_look(folder, at, path, ret);
    if (!error)
        error = check_type(ret);
    if (error)
        return error;
    bp_auto_fd int fd = open_at(folder, at, path, OPEN_FLAGS);
    if (fd < 0 || fstat(fd, ret) != 0)
        return errno;
    error = check_type(ret);
    if (error)
        return error;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

bool bp__folder_identity(const bp__folder *folder, dev_t device, ino_t inode, uint64_t *ret)
{
    uint8_t input[sizeof folder->secret + 2 * sizeof(uint64_t)], digest[BP__SHA256_SIZE];
    uint64_t numbers[2] = {device, inode};
    memcpy(input, folder->secret, sizeof folder->secret);
    memcpy(input + sizeof folder->secret, numbers, sizeof numbers);
    if (bp__sha256((bp_bytes){input, sizeof input}, digest, NULL) != BP_OK)
        return false;
    memcpy(ret, digest, sizeof *ret);
    *ret |= 1;
    return true;
}

/* ---- the folder itself ---- */

static bp_status open_folder(bp__folder *folder, const char *path, bp_error *reterr)
{
    struct stat found;
    folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0)
        return bp__error_os(reterr,
                            errno == ENOENT    ? BP_ENOTFOUND
                            : errno == ENOTDIR ? BP_EINVAL
                                               : BP_ESYSTEM,
                            errno, "open the folder '%s'", path);
    if (fstat(folder->fd, &found) != 0)
        return bp__error_os(reterr, BP_ESYSTEM, errno, "look at the folder '%s'", path);
    folder->device = found.st_dev;
    bp_auto_fd int beneath = open_beneath(folder->fd, ".", LOOK_FLAGS);
    folder->by_hand = beneath < 0;
    if (getrandom(folder->secret, sizeof folder->secret, GRND_NONBLOCK) !=
        (ssize_t)sizeof folder->secret)
        return bp__error_os(reterr, BP_ESYSTEM, errno, "draw random numbers");
    return BP_OK;
}

bp_status bp__folder_new(const char *path, bp__folder **ret, bp_error *reterr)
{
    bp__folder *folder = bp__alloc_zeroed(1, sizeof *folder);
    if (!folder)
        return bp__error_oom(reterr, "opening a plugin's folder");
    folder->fd = -1;
    bp_status status = open_folder(folder, path, reterr);
    if (status == BP_OK)
        *ret = folder;
    else
        bp__folder_free(folder);
    return status;
}

void bp__folder_free(bp__folder *folder)
{
    if (!folder)
        return;
    if (folder->fd >= 0)
        close(folder->fd);
    bp__free(folder);
}
