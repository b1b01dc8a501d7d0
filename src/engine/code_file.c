/* One file of the disk cache, read without trusting it. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "engine/code_disk_private.h"

void bp__code_name(const bp__code_key *key, char name[BP__CODE_NAME_SIZE])
{
    char wasm[BP__SHA256_HEX_SIZE], settings[BP__SHA256_HEX_SIZE];
    bp__sha256_hex(key->wasm, wasm);
    bp__sha256_hex(key->settings, settings);
    snprintf(name, BP__CODE_NAME_SIZE, "%s-%.*s" BP__CODE_SUFFIX, wasm, BP__CODE_SETTINGS_DIGITS,
             settings);
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t size = strlen(name), end = strlen(suffix);
    return size > end && strcmp(name + size - end, suffix) == 0;
}

bool bp__code_is_name(const char *name)
{
    return ends_with(name, BP__CODE_SUFFIX);
}

bool bp__code_is_tmp(const char *name)
{
    return strncmp(name, "new-", 4) == 0 && ends_with(name, BP__CODE_TMP_SUFFIX);
}

static const char *judge(const bp__code_file *file)
{
    const struct stat *status = &file->status;
    if (!S_ISREG(status->st_mode))
        return S_ISDIR(status->st_mode) ? "a directory" : "not a regular file";
    if (status->st_uid != geteuid())
        return "somebody else's";
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return "writable by others";
    if ((uint64_t)status->st_size > BP__CODE_BYTES_MAX)
        return "larger than compiled code can be";
    return (uint64_t)status->st_size < sizeof file->header ? "cut off" : NULL;
}

void bp__code_file_open(const bp__code_disk *disk, const char *name, bp__code_file *ret)
{
    *ret = (bp__code_file){.fd = -1};
    int folder = disk->folder.fd;
    ret->fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
    int failed = ret->fd < 0 ? errno : 0;
    if (failed == ENOENT) {
        ret->absent = true;
    } else if (failed) {
        (void)fstatat(folder, name, &ret->status, AT_SYMLINK_NOFOLLOW);
        ret->problem = failed == ELOOP ? "a symbolic link" : "not to be opened";
    } else if (fstat(ret->fd, &ret->status) != 0) {
        ret->problem = "not to be looked at";
    } else {
        ret->problem = judge(ret);
        if (!ret->problem && !bp__read_exactly(ret->fd, &ret->header, sizeof ret->header, 0))
            ret->problem = "not to be read";
        if (!ret->problem)
            ret->problem = bp__code_header_problem(
                &ret->header, (uint64_t)ret->status.st_size - sizeof ret->header);
    }
    if (ret->fd >= 0 && !ret->problem &&
        ret->header.payload_size + sizeof ret->header != (uint64_t)ret->status.st_size)
        ret->problem = "longer than it says";
}

void bp__code_file_close(bp__code_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

/* Read, not mapped: in memory of our own nobody changes it between this look and its use, and a
 * file that somebody cuts short is an error, not a SIGBUS. */
uint8_t *bp__code_file_payload(const bp__code_disk *disk, bp__code_file *file)
{
    size_t size = (size_t)file->header.payload_size;
    uint8_t *payload = bp__alloc(size);
    if (!payload)
        return NULL;
    if (!bp__read_exactly(file->fd, payload, size, sizeof file->header))
        file->problem = "not to be read";
    else if (!bp__code_authentic(&file->header, (bp_bytes){payload, size}, disk->folder.key))
        file->problem = "not authentic: damaged, or not made with this folder's key";
    else if (file->header.kind != BP__CODE_NATIVE)
        file->problem = "no code";
    if (!file->problem)
        return payload;
    bp__free(payload);
    return NULL;
}

bool bp__code_file_remove(const bp__code_disk *disk, const char *name, const bp__code_file *file)
{
    struct stat now;
    int folder = disk->folder.fd;
    if (fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;
    /* Another process may have put a good one there since. */
    if (now.st_ino != file->status.st_ino || now.st_dev != file->status.st_dev)
        return true;
    return unlinkat(folder, name, S_ISDIR(now.st_mode) ? AT_REMOVEDIR : 0) == 0 ||
           errno == ENOENT;
}
