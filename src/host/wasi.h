/* What every version of WASI does for its guests, whatever it looks like to them: clocks, sleep,
 * random bytes, and files to read. Nothing that a guest names is trusted. Errors are the numbers of
 * preview 1. Knows no engine. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_WASI_H
#define BP_HOST_WASI_H

#include "host/host_state.h"

/* Numbers of the specification (typenames.witx), not of the operating system. */
enum {
    BP__WASI1_SUCCESS = 0,
    BP__WASI1_EACCES = 2,
    BP__WASI1_EAGAIN = 6,
    BP__WASI1_EBADF = 8,
    BP__WASI1_EFAULT = 21,
    BP__WASI1_EILSEQ = 25,
    BP__WASI1_EINVAL = 28,
    BP__WASI1_EIO = 29,
    BP__WASI1_EISDIR = 31,
    BP__WASI1_ELOOP = 32,
    BP__WASI1_EMFILE = 33,
    BP__WASI1_ENAMETOOLONG = 37,
    BP__WASI1_ENFILE = 41,
    BP__WASI1_ENOENT = 44,
    BP__WASI1_ENOMEM = 48,
    BP__WASI1_ENOTDIR = 54,
    BP__WASI1_ENOTSOCK = 57,
    BP__WASI1_ENOTSUP = 58,
    BP__WASI1_EROFS = 69,
    BP__WASI1_ESPIPE = 70,
    BP__WASI1_ENOTCAPABLE = 76,
};

/* Kinds of descriptors, and of what a name stands for. */
enum {
    BP__WASI1_UNKNOWN = 0,
    BP__WASI1_CHARACTER_DEVICE = 2,
    BP__WASI1_DIRECTORY = 3,
    BP__WASI1_REGULAR_FILE = 4,
    BP__WASI1_SYMBOLIC_LINK = 7,
};

/* An errno of ours for one of the system's. */
uint32_t bp__wasi_errno(int os_errno);

/* ---- wasi_clock.c ---- */

enum { BP__WASI1_CLOCK_REALTIME, BP__WASI1_CLOCK_MONOTONIC, BP__WASI1_CLOCK_COUNT = 4 };

/* The current time of a clock with any number. */
uint32_t bp__wasi_clock_now(uint32_t clock, uint64_t *ret_ns);
uint32_t bp__wasi_clock_resolution(uint32_t clock, uint64_t *ret_ns);
/* Sleeps until `moment`, of the monotonic clock; false when the call ends before it, or has to end
 * right after it. */
bool bp__wasi_sleep(bp__host_state *state, bp_deadline moment);

/* ---- wasi_random.c, and arguments ---- */

/* Of what has no arguments of its own. One, since programs read argv[0] without looking at argc:
 * Zig and older TinyGo and Go panic without it. The same for every plugin, so that a snapshot does
 * not depend on a name. */
#define BP__WASI_PROGRAM_NAME "plugin"

/* Random bytes of the system's. False when the guest is to be unwound. */
bool bp__wasi_random(bp__host_state *state, uint8_t *to, uint64_t size, uint32_t *ret_error);

/* ---- wasi_file.c ---- */

/* The kind of what the system describes. */
uint8_t bp__wasi_type(mode_t mode);
uint32_t bp__wasi_stat(const bp__files *files, const bp__file *file, struct stat *ret);
/* Bytes from where the next read begins to the end. */
uint64_t bp__wasi_file_left(const bp__file *file);

typedef struct bp__wasi_reading {
    bp__host_state *state;
    int fd;
    uint64_t offset; /* moves on; at most INT64_MAX when it begins */
    uint32_t error;
    bool ended;   /* the file's end, or an error */
    bool stopped; /* the guest is to be unwound */
} bp__wasi_reading;
/* Reads on, until `to` is full or the reading has ended; how many bytes. */
uint64_t bp__wasi_read(bp__wasi_reading *self, uint8_t *to, uint64_t size);

/* ---- wasi_path.c ---- */

/* As PATH_MAX of Linux, its NUL included. */
#define BP__WASI_PATH_SIZE_MAX 4096

typedef struct bp__wasi_path {
    char text[BP__WASI_PATH_SIZE_MAX]; /* as bp__folder_look() wants it */
    size_t size;
    bool is_directory; /* its end says so: "a/", "a/." */
    int at;            /* where it begins */
} bp__wasi_path;

/* The directory that paths from descriptor `fd` begin at. */
uint32_t bp__wasi_directory(bp__files *files, uint32_t fd, const bp__file **ret);
/* A guest's path below it. */
uint32_t bp__wasi_path_make(const bp__files *files, const bp__file *directory, const char *text,
                            size_t size, bp__wasi_path *ret);
/* What it names. `follow`: not a link, but what it leads to. */
uint32_t bp__wasi_look(const bp__files *files, const bp__wasi_path *path, bool follow,
                       struct stat *ret);
/* Always an error: where a link leads is a path of the machine's, and not told. */
uint32_t bp__wasi_read_link(const bp__files *files, const bp__wasi_path *path);
/* Opens a file or directory to read. `directory`: nothing else. */
uint32_t bp__wasi_open(bp__files *files, const bp__wasi_path *path, bool directory, uint32_t *ret);

/* ---- wasi_list.c ---- */

/* Of a directory. Numbers count: 0 is ".", 1 is "..", then come the others in the kernel's order.
 */
typedef struct bp__wasi_entry {
    uint64_t number;
    dev_t device;
    ino_t inode; /* 0: not told */
    uint8_t type;
    const char *name; /* UTF-8 */
} bp__wasi_entry;
#define BP__WASI_ENTRY_DOTS 2

/* Shows entries from number `from` on, until `visit` has none of it: the last one counts as not
 * seen. False when the guest is to be unwound. */
bool bp__wasi_list(bp__host_state *state, bp__file *directory, uint64_t from,
                   bool (*visit)(void *data, const bp__wasi_entry *entry), void *data,
                   uint32_t *ret_error);

#endif
