/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/code_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/wait.h"
#include "engine/code_disk_private.h"

bp_status bp__code_disk_new(const char *dir, uint64_t bytes_max, const bp__logger *logger,
                            bp__code_disk **ret, bp_error *reterr)
{
    bp__code_disk *disk = bp__alloc_zeroed(1, sizeof *disk);
    if (!disk)
        return bp__error_oom(reterr, "making the disk cache");
    disk->bytes_max = bytes_max;
    disk->logger = *logger;
    bp_status status = bp__code_folder_open(&disk->folder, dir, logger, reterr);
    if (status != BP_OK) {
        bp__code_disk_free(disk);
        return status;
    }
    *ret = disk;
    return BP_OK;
}

void bp__code_disk_free(bp__code_disk *disk)
{
    if (!disk)
        return;
    bp__code_folder_done(&disk->folder);
    bp__free(disk);
}

const char *bp__code_disk_path(const bp__code_disk *disk)
{
    return disk->folder.path;
}

const char *bp__code_disk_problem(const bp__code_disk *disk)
{
    return disk->folder.fd < 0 ? disk->folder.problem : NULL;
}

/* ---- get ---- */

static void refuse(bp__code_disk *disk, const char *name, const char *problem, bool removed)
{
    bp__log(&disk->logger, BP_LOG_WARN, "engine", NULL,
            "module cache '%s': '%s' is %s; it is %s, and the module is compiled again",
            disk->folder.path, name, problem, removed ? "removed" : "left, it cannot be removed");
}

/* When it was used last, for trimming; a file system that cannot tell only trims less well. */
static void touch(const bp__code_file *file)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    (void)futimens(file->fd, times);
}

bool bp__code_disk_get(bp__code_disk *disk, const bp__code_key *key, uint8_t **ret,
                       size_t *ret_size, uint64_t *bad)
{
    char name[BP__CODE_NAME_SIZE];
    bp__code_file file;
    if (disk->folder.fd < 0)
        return false;
    bp__code_name(key, name);
    bp__code_file_open(disk, name, &file);
    if (file.absent)
        return false;
    uint8_t *payload = NULL;
    if (!file.problem && memcmp(file.header.key.settings, key->settings, BP__SHA256_SIZE) != 0)
        file.problem = "of another engine";
    if (!file.problem && memcmp(file.header.key.wasm, key->wasm, BP__SHA256_SIZE) != 0)
        file.problem = "of another module";
    if (!file.problem)
        payload = bp__code_file_payload(disk, &file);
    if (payload) {
        touch(&file);
        *ret = payload;
        *ret_size = (size_t)file.header.payload_size;
    } else if (file.problem) {
        refuse(disk, name, file.problem, bp__code_file_remove(disk, name, &file));
        ++*bad;
    }
    bp__code_file_close(&file);
    return payload != NULL;
}

void bp__code_disk_drop(bp__code_disk *disk, const bp__code_key *key, const char *why)
{
    char name[BP__CODE_NAME_SIZE];
    bp__code_name(key, name);
    bool removed = unlinkat(disk->folder.fd, name, 0) == 0 || errno == ENOENT;
    bp__log(&disk->logger, BP_LOG_WARN, "engine", NULL,
            "module cache '%s': '%s' is not taken by the engine (%s); it is %s, and the module is "
            "compiled again",
            disk->folder.path, name, why, removed ? "removed" : "left, it cannot be removed");
}

/* ---- put ---- */

/* One line, however often it happens: a full disk stays full for a while. */
static void tell(bp__code_disk *disk, const char *why)
{
    if (atomic_exchange_explicit(&disk->told, true, memory_order_relaxed))
        return;
    bp__log(&disk->logger, BP_LOG_WARN, "engine", NULL,
            "compiled modules are not kept in '%s': %s (said once)", disk->folder.path, why);
}

/* Not synced to the disk: after a power failure a file may be short or hold zeros, which its tag
 * tells; the module is compiled again then. Waiting for the disk at every load would cost more. */
static int write_file(const bp__code_disk *disk, const char *name, const bp__code_header *header,
                      bp_bytes code)
{
    bp_auto_fd int fd = openat(disk->folder.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int failed = bp__write_all(fd, (bp_bytes){header, sizeof *header});
    return failed ? failed : bp__write_all(fd, code);
}

/* Whole under another name first, then renamed: who reads never sees a part of it, and who has the
 * old one open keeps it whole. */
static int replace(const bp__code_disk *disk, const char *name, const bp__code_header *header,
                   bp_bytes code)
{
    char tmp[BP__CODE_NAME_SIZE];
    uint8_t number[8];
    char hex[2 * sizeof number + 1];
    if (!bp__random(number, sizeof number))
        return EIO;
    for (size_t i = 0; i < sizeof number; i++)
        snprintf(hex + 2 * i, 3, "%02x", number[i]);
    snprintf(tmp, sizeof tmp, "new-%s" BP__CODE_TMP_SUFFIX, hex);
    int failed = write_file(disk, tmp, header, code);
    int folder = disk->folder.fd;
    if (!failed && renameat(folder, tmp, folder, name) != 0) {
        failed = errno;
        /* What stands in the way of a file that should be there: an empty directory. */
        if (failed == EISDIR && unlinkat(folder, name, AT_REMOVEDIR) == 0)
            failed = renameat(folder, tmp, folder, name) != 0 ? errno : 0;
    }
    if (failed && failed != EEXIST)
        (void)unlinkat(folder, tmp, 0);
    return failed;
}

void bp__code_disk_put(bp__code_disk *disk, const bp__code_key *key, bp_bytes code)
{
    char name[BP__CODE_NAME_SIZE];
    bp__code_header header;
    bp_error error = BP_ERROR_INIT;
    uint64_t size = code.size + sizeof header;
    if (disk->folder.fd < 0)
        return;
    if (size > disk->bytes_max || size > BP__CODE_BYTES_MAX) {
        bp__log(&disk->logger, BP_LOG_INFO, "engine", NULL,
                "a compiled module of %zu bytes is not kept: the disk cache takes %llu", code.size,
                (unsigned long long)(disk->bytes_max < BP__CODE_BYTES_MAX ? disk->bytes_max
                                                                         : BP__CODE_BYTES_MAX));
        return;
    }
    if (!bp__file_size_allowed(size)) {
        tell(disk, "RLIMIT_FSIZE allows no file as large");
        return;
    }
    if (bp__code_header_make(&header, key, BP__CODE_NATIVE, BP_OK, code, disk->folder.key, &error) !=
        BP_OK) {
        tell(disk, error.message);
        return;
    }
    bp__code_name(key, name);
    int failed = replace(disk, name, &header, code);
    if (failed)
        tell(disk, strerrordesc_np(failed));
    else
        bp__code_disk_trim(disk);
}

/* ---- one process compiles, the others wait for what it keeps ---- */

/* One file for all entries, a byte of it for each: locks on a file of its own for every entry would
 * leave those lying around, or race with their removal. Open file description locks, which belong
 * to this descriptor (not to the process, whose threads they would not tell apart) and end with it. */
static bool try_lock(int fd, const bp__code_key *key)
{
    uint64_t place = 0;
    for (size_t i = 0; i < 7; i++)
        place = place << 8 | (uint64_t)(key->wasm[i] ^ key->settings[i]);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)place, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

#define LOCK_PAUSE_MS_MAX 20

int bp__code_disk_lock(bp__code_disk *disk, const bp__code_key *key, bp_deadline by,
                       bp_cancel *cancel)
{
    if (disk->folder.fd < 0)
        return -1;
    int fd = openat(disk->folder.fd, BP__CODE_LOCKS,
                    O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    for (uint64_t pause = 1; !try_lock(fd, key); pause = pause * 2) {
        bool busy = errno == EAGAIN || errno == EACCES;
        if (pause > LOCK_PAUSE_MS_MAX)
            pause = LOCK_PAUSE_MS_MAX;
        if (!busy || bp_deadline_passed(by) || bp__wait_until(bp_deadline_in_ms(pause), cancel)) {
            close(fd);
            return -1;
        }
    }
    return fd;
}

void bp__code_disk_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
