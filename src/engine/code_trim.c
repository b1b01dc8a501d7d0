/* Keeping the disk cache within its size. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "engine/code_disk_private.h"

/* A file that is still being written is younger than this; an older one's writer has died. */
#define TMP_AGE_MAX_S 3600

typedef struct entry {
    char *name; /* owned */
    struct stat status;
} entry;

typedef struct entries {
    entry *list;
    size_t count, capacity;
    uint64_t bytes;
} entries;

DIR *bp__code_disk_entries(const bp__code_disk *disk)
{
    /* Not a duplicate, which would share its place with everybody else's. */
    int fd = openat(disk->folder.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !folder)
        close(fd);
    return folder;
}

static bool add(entries *to, const char *name, const struct stat *status)
{
    if (to->count == to->capacity) {
        size_t capacity = to->capacity ? 2 * to->capacity : 64;
        entry *list = bp__realloc(to->list, capacity * sizeof *list);
        if (!list)
            return false;
        to->list = list;
        to->capacity = capacity;
    }
    char *copy = bp__strdup(name);
    if (!copy)
        return false;
    to->list[to->count++] = (entry){copy, *status};
    to->bytes += (uint64_t)status->st_size;
    return true;
}

/* What cannot be counted for want of memory is left for the next time. */
static void collect(const bp__code_disk *disk, DIR *folder, entries *to)
{
    struct stat status;
    time_t now = time(NULL);
    for (struct dirent *item; (item = readdir(folder));) {
        bool tmp = bp__code_is_tmp(item->d_name);
        if (!tmp && !bp__code_is_name(item->d_name))
            continue;
        if (fstatat(disk->folder.fd, item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        if (tmp && status.st_mtime < now - TMP_AGE_MAX_S)
            (void)unlinkat(disk->folder.fd, item->d_name, 0);
        else if (!add(to, item->d_name, &status))
            return;
    }
}

static int compare(const void *a, const void *b)
{
    const struct timespec *x = &((const entry *)a)->status.st_mtim;
    const struct timespec *y = &((const entry *)b)->status.st_mtim;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

void bp__code_disk_trim(bp__code_disk *disk)
{
    DIR *folder = bp__code_disk_entries(disk);
    if (!folder)
        return;
    entries all = {0};
    collect(disk, folder, &all);
    closedir(folder);
    if (all.bytes > disk->bytes_max)
        qsort(all.list, all.count, sizeof *all.list, compare);
    for (size_t i = 0; i < all.count; i++) {
        if (all.bytes > disk->bytes_max && bp__code_is_name(all.list[i].name)) {
            /* Another process may have been faster; then it is gone just as well. */
            (void)unlinkat(disk->folder.fd, all.list[i].name, 0);
            all.bytes -= (uint64_t)all.list[i].status.st_size;
        }
        bp__free(all.list[i].name);
    }
    bp__free(all.list);
}
