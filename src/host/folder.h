/* A folder whose files a plugin may read. Opened once, immutable, thread-safe.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_FOLDER_H
#define BP_HOST_FOLDER_H

#include <bullpen/error.h>
#include <sys/stat.h>

typedef struct bp__folder {
    int fd;
    bool by_hand; /* the kernel does not resolve paths beneath a folder: each step is checked */
    dev_t device; /* of the folder; what lies on another is another's */
    uint8_t secret[16]; /* keys bp__folder_identity() */
} bp__folder;

/* Ends with bp__folder_free(); whatever was opened through it may live longer. */
bp_status bp__folder_new(const char *path, bp__folder **ret, bp_error *reterr);
void bp__folder_free(bp__folder *folder);

/*
 * Looks at what `path` names, seen from the directory `at`: relative, without "..", ".", or empty
 * steps, or "." alone. No step may be a symbolic link or on another mount; the last one may be a
 * link, which is what *ret describes then.
 * @return 0, or an errno: ELOOP for a link on the way, EXDEV for a mount.
 */
int bp__folder_look(const bp__folder *folder, int at, const char *path, struct stat *ret);
/*
 * Opens a regular file or a directory for reading; ENOTCAPABLE's stand-in EPERM for anything else.
 * Never blocks in a device or a FIFO: those are recognised before they are opened.
 */
int bp__folder_open(const bp__folder *folder, int at, const char *path, int *ret_fd,
                    struct stat *ret);

/* A number for a file that is the same in all sandboxes of the plugin, and says nothing about the
 * machine: never 0. False without memory. */
bool bp__folder_identity(const bp__folder *folder, dev_t device, ino_t inode, uint64_t *ret);

#endif
