/* WASI preview 1: fd_readdir. SPDX-License-Identifier: Apache-2.0
 *
 * Cookies count entries: 0 is ".", 1 is "..", then come the others in the kernel's order. Going on
 * where the last list ended costs nothing, since the descriptor remembers the kernel's own word for
 * that place; any other cookie starts over and counts. Names that are no UTF-8 cannot be said, so
 * that they are not there. */
#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "host/wasi1_private.h"

#define ENTRY_SIZE 24
#define DOTS 2
/* Between two of them listing looks at the deadline. */
#define BATCH_SIZE 8192

typedef struct listing {
    bp__host_state *state;
    bp__guest_memory memory;
    uint64_t at, size, used; /* where in the memory, how large, and how much is written */
    bp__file *file;
    dev_t device;
    uint64_t wanted; /* the first entry to write */
    uint32_t error;
} listing;

/* As the kernel writes them. */
typedef struct entry {
    uint64_t inode;
    int64_t next;
    unsigned short size;
    unsigned char type;
    char name[];
} entry;

static void put(listing *self, const void *bytes, uint64_t size)
{
    uint64_t room = self->size - self->used, part = size < room ? size : room;
    if (part)
        memcpy(self->memory.base + self->at + self->used, bytes, part);
    self->used += part;
}

/* Writes as much of it as there is room for. False when it did not fit whole: the guest asks for it
 * again, with more room. */
static bool add(listing *self, uint64_t number, uint64_t inode, uint8_t type, const char *name)
{
    uint8_t head[ENTRY_SIZE] = {0};
    bp__guest_memory bytes = {head, sizeof head};
    size_t size = strlen(name);
    uint64_t room = self->size - self->used;
    bp__guest_store(bytes, 0, 8, number + 1);
    bp__guest_store(bytes, 8, 8, inode);
    bp__guest_store(bytes, 16, 4, size);
    bp__guest_store(bytes, 20, 1, type);
    put(self, head, sizeof head);
    put(self, name, size);
    return room >= sizeof head + size;
}

static bool identify(listing *self, dev_t device, ino_t inode, uint64_t *ret)
{
    if (bp__folder_identity(self->state->files.folder, device, inode, ret))
        return true;
    self->error = BP__WASI1_ENOMEM;
    return false;
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* False when the list is full, or there was an error. */
static bool take(listing *self, const entry *from)
{
    bp__file *file = self->file;
    uint64_t inode;
    if (is_dots(from->name) || !bp__utf8_valid(from->name, strlen(from->name)))
        return true;
    if (file->offset >= self->wanted) {
        uint8_t type = bp__wasi1_type((mode_t)DTTOIF(from->type));
        if (!identify(self, self->device, from->inode, &inode) ||
            !add(self, file->offset, inode, type, from->name))
            return false;
    }
    file->offset++;
    file->place = from->next;
    return true;
}

/* False when there is no more to do. */
static bool take_batch(listing *self)
{
    _Alignas(entry) char batch[BATCH_SIZE];
    long got = syscall(SYS_getdents64, self->file->fd, batch, sizeof batch);
    if (got < 0)
        self->error = bp__wasi1_errno(errno);
    for (long at = 0; at < got;) {
        const entry *next = (const entry *)(const void *)(batch + at);
        if (!take(self, next))
            return false;
        at += next->size;
    }
    return got > 0;
}

/* The folder itself, and where it lies: as far as a guest is concerned nowhere, hence no number. */
static bool take_dots(listing *self)
{
    struct stat found;
    uint64_t inode;
    if (fstat(self->file->fd, &found) != 0) {
        self->error = bp__wasi1_errno(errno);
        return false;
    }
    self->device = found.st_dev;
    if (!identify(self, found.st_dev, found.st_ino, &inode))
        return false;
    return (self->wanted > 0 || add(self, 0, inode, BP__WASI1_DIRECTORY, ".")) &&
           (self->wanted > 1 || add(self, 1, 0, BP__WASI1_DIRECTORY, ".."));
}

/* To the first entry, or to where the last list ended. */
static bool find_place(listing *self)
{
    bp__file *file = self->file;
    if (file->offset < DOTS || self->wanted < file->offset) {
        file->offset = DOTS;
        file->place = 0;
    }
    if (lseek(file->fd, file->place, SEEK_SET) >= 0)
        return true;
    self->error = bp__wasi1_errno(errno);
    return false;
}

/* False when the guest is to be unwound. */
static bool list(listing *self)
{
    if (!take_dots(self) || !find_place(self))
        return true;
    while (take_batch(self))
        if (!bp__host_may_go_on(self->state))
            return false;
    return true;
}

static uint32_t check(bp__host_state *state, bp__guest_memory memory, const uint64_t *args,
                      const bp__file *file)
{
    if (!file && (uint32_t)args[0] > 2)
        return BP__WASI1_EBADF;
    if (!file || !file->is_directory)
        return BP__WASI1_ENOTDIR;
    if (!bp__guest_has(memory, (uint32_t)args[1], (uint32_t)args[2]) ||
        !bp__guest_has(memory, (uint32_t)args[4], 4))
        return BP__WASI1_EFAULT;
    return file == &state->files.self ? bp__wasi1_errno(bp__files_open_self(&state->files))
                                      : BP__WASI1_SUCCESS;
}

BP__WASI1(fd_readdir)
{
    if (!bp__host_enter(state, "fd_readdir"))
        return false;
    bp__file *file = bp__files_find(&state->files, (uint32_t)args[0]);
    uint32_t error = check(state, memory, args, file);
    if (error)
        return bp__wasi1_answer(state, ret_errno, error);
    listing self = {.state = state,
                    .memory = memory,
                    .at = (uint32_t)args[1],
                    .size = (uint32_t)args[2],
                    .file = file,
                    .wanted = args[3]};
    if (!list(&self))
        return false;
    if (!self.error)
        bp__guest_store(memory, (uint32_t)args[4], 4, self.used);
    return bp__wasi1_answer(state, ret_errno, self.error);
}
