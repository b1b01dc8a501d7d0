/* The disk cache's inside. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_CODE_DISK_PRIVATE_H
#define BP_ENGINE_CODE_DISK_PRIVATE_H

#include <dirent.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "engine/code_disk.h"
#include "engine/code_folder.h"

/* "<SHA-256 of the module>-<start of the settings' SHA-256>.code". Both are in the header too, in
 * full, and under the tag; in the name the second keeps engines from pushing out each other's. */
#define BP__CODE_SETTINGS_DIGITS 16
#define BP__CODE_SUFFIX ".code"
#define BP__CODE_NAME_SIZE (64 + 1 + BP__CODE_SETTINGS_DIGITS + sizeof BP__CODE_SUFFIX)
#define BP__CODE_TMP_SUFFIX ".tmp"
#define BP__CODE_LOCKS "locks"

struct bp__code_disk {
    bp__code_folder folder;
    uint64_t bytes_max;
    bp__logger logger;
    /* A failed write has been told: set by the first, read by the others; publishes nothing. */
    _Atomic bool told;
};

void bp__code_name(const bp__code_key *key, char name[BP__CODE_NAME_SIZE]);
bool bp__code_is_name(const char *name);
bool bp__code_is_tmp(const char *name);

/* An entry opened without trusting it. */
typedef struct bp__code_file {
    int fd; /* -1: not opened */
    struct stat status;
    bp__code_header header;
    const char *problem; /* NULL: so far there is none */
    bool absent;
} bp__code_file;

/* Opens and reads the header. Does not wait (a FIFO), does not follow a link. */
void bp__code_file_open(const bp__code_disk *disk, const char *name, bp__code_file *ret);
void bp__code_file_close(bp__code_file *file);
/* Reads the payload and authenticates it; sets the problem otherwise. NULL without memory, too. */
uint8_t *bp__code_file_payload(const bp__code_disk *disk, bp__code_file *file);
/* Removes the name if it still stands for what was opened. True if it is gone. */
bool bp__code_file_remove(const bp__code_disk *disk, const char *name, const bp__code_file *file);

/* A stream over the folder, from its start; NULL with errno. Ends with closedir(). */
DIR *bp__code_disk_entries(const bp__code_disk *disk);
/* code_trim.c: the oldest used go until `bytes_max` is kept. */
void bp__code_disk_trim(bp__code_disk *disk);

#endif
