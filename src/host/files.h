/* What a sandbox has open of its plugin's folder. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_FILES_H
#define BP_HOST_FILES_H

#include "host/folder.h"

/* Descriptors that a guest may have open at once, beside its folder's and the standard ones. */
#define BP__FILES_OPEN_MAX 64
/* The folder's number; what is opened follows. */
#define BP__FILES_FOLDER 3

typedef struct bp__file {
    int fd; /* -1: not open, or the folder's, which opens when it is first listed */
    bool is_directory;
    uint64_t offset; /* where the next read begins; of a directory: the number of the next entry */
    int64_t place;   /* of a directory: the kernel's word for that entry */
} bp__file;

/* Ends with bp__files_close_all(). */
typedef struct bp__files {
    const bp__folder *folder; /* borrowed; NULL: no files were granted */
    bp__file self;            /* the folder */
    bp__file open[BP__FILES_OPEN_MAX];
    uint32_t count; /* descriptors of the system's that are held; 0: nothing to close */
} bp__files;

void bp__files_init(bp__files *files, const bp__folder *folder);
/* Back to how it began. Costs nothing when nothing is open. */
void bp__files_close_all(bp__files *files);

/* A descriptor of the guest's, from BP__FILES_FOLDER on; NULL: there is none. */
bp__file *bp__files_find(bp__files *files, uint32_t number);
/* Where paths from this directory begin. */
int bp__files_at(const bp__files *files, const bp__file *directory);
/* Takes `fd`; 0 when no number is free, and then it stays the caller's. The lowest free number. */
uint32_t bp__files_add(bp__files *files, int fd, bool is_directory);
/* Of one that was added; the folder stays open. */
void bp__files_close(bp__files *files, bp__file *file);
/* `to` becomes what `from` was, which is closed. */
void bp__files_move(bp__files *files, bp__file *from, bp__file *to);
/* Opens the folder for listing, if it is not. 0 or an errno. */
int bp__files_open_self(bp__files *files);

#endif
