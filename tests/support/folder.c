/* SPDX-License-Identifier: Apache-2.0 */
#include "support/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/check.h"

void folder_make(char path[FOLDER_PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    snprintf(path, FOLDER_PATH_MAX, "%s/bullpen-test-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void folder_remove(const char *path)
{
    chmod(path, 0700);
    assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_path(const char *folder, const char *name, char path[FOLDER_PATH_MAX])
{
    assert_true(snprintf(path, FOLDER_PATH_MAX, "%s/%s", folder, name) < FOLDER_PATH_MAX);
    return path;
}

unsigned folder_count(const char *folder, const char *suffix, char name[FOLDER_PATH_MAX])
{
    unsigned count = 0;
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    if (name)
        *name = '\0';
    for (struct dirent *item; (item = readdir(stream));) {
        size_t size = strlen(item->d_name), end = strlen(suffix);
        if (size <= end || strcmp(item->d_name + size - end, suffix) != 0)
            continue;
        count++;
        if (name)
            snprintf(name, FOLDER_PATH_MAX, "%s", item->d_name);
    }
    closedir(stream);
    return count;
}

unsigned char *folder_read(const char *path, size_t *ret_size)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    size_t size = (size_t)status.st_size;
    unsigned char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, size), size);
    close(fd);
    *ret_size = size;
    return bytes;
}

void folder_write(const char *path, const void *data, size_t size)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}
