/* The disk cache as people look at it. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "engine/code_disk_private.h"

static bp_status check_usable(const bp__code_disk *disk, bp_error *reterr)
{
    if (disk->folder.fd >= 0)
        return BP_OK;
    return bp_error_set(reterr, BP_ENOTFOUND, "the module cache '%s' %s",
                        disk->folder.path ? disk->folder.path : "", disk->folder.problem);
}

static bool name_fits(const char *name, const bp__code_header *header)
{
    char wanted[BP__CODE_NAME_SIZE];
    bp__code_name(&header->key, wanted);
    return strcmp(name, wanted) == 0;
}

static bool show(bp__code_disk *disk, const char *name, const uint8_t *settings, bool verify,
                 bp__code_visit_fn visit, void *data)
{
    bp__code_file file;
    bp__code_file_open(disk, name, &file);
    if (file.absent)
        return true; /* somebody else removed it meanwhile */
    bool readable = !file.problem;
    if (readable && !name_fits(name, &file.header))
        file.problem = "under another entry's name";
    if (verify && !file.problem)
        bp__free(bp__code_file_payload(disk, &file));
    bp__code_info info = {
        .file = name,
        .engine = readable ? file.header.engine : "",
        .bytes = (uint64_t)file.status.st_size,
        .used_at = file.status.st_mtime,
        .problem = file.problem,
        .foreign = readable && !file.problem &&
                   memcmp(file.header.key.settings, settings, BP__SHA256_SIZE) != 0,
        .removed = verify && file.problem && bp__code_file_remove(disk, name, &file),
    };
    if (readable)
        info.key = file.header.key;
    bool more = visit(data, &info);
    bp__code_file_close(&file);
    return more;
}

bp_status bp__code_disk_visit(bp__code_disk *disk, const uint8_t settings[BP__SHA256_SIZE],
                              bool verify, bp__code_visit_fn visit, void *data, bp_error *reterr)
{
    bp_status status = check_usable(disk, reterr);
    if (status != BP_OK)
        return status;
    DIR *folder = bp__code_disk_entries(disk);
    if (!folder)
        return bp__error_os(reterr, BP_ESYSTEM, errno, "read the folder '%s'", disk->folder.path);
    bool more = true;
    for (struct dirent *item; more && (item = readdir(folder));)
        if (bp__code_is_name(item->d_name))
            more = show(disk, item->d_name, settings, verify, visit, data);
    closedir(folder);
    return BP_OK;
}

bp_status bp__code_disk_clear(bp__code_disk *disk, uint64_t *ret_entries, uint64_t *ret_bytes,
                              bp_error *reterr)
{
    bp_status status = check_usable(disk, reterr);
    if (status != BP_OK)
        return status;
    DIR *folder = bp__code_disk_entries(disk);
    if (!folder)
        return bp__error_os(reterr, BP_ESYSTEM, errno, "read the folder '%s'", disk->folder.path);
    *ret_entries = *ret_bytes = 0;
    for (struct dirent *item; (item = readdir(folder));) {
        struct stat about;
        if ((!bp__code_is_name(item->d_name) && !bp__code_is_tmp(item->d_name)) ||
            fstatat(disk->folder.fd, item->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        int flags = S_ISDIR(about.st_mode) ? AT_REMOVEDIR : 0;
        if (unlinkat(disk->folder.fd, item->d_name, flags) == 0) {
            ++*ret_entries;
            *ret_bytes += (uint64_t)about.st_size;
        } else if (errno != ENOENT) {
            status = bp__error_os(reterr, BP_ESYSTEM, errno, "remove '%s' from '%s'", item->d_name,
                                  disk->folder.path);
        }
    }
    closedir(folder);
    return status;
}
