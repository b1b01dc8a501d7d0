/* WASI: what is in a directory. Going on where the last list ended costs nothing, since the
 * descriptor remembers the kernel's own word for that place; any other place starts over and
 * counts. Names that are no UTF-8 cannot be said, so that they are not there.
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "host/wasi.h"

/* Between two of them listing looks at the deadline. */
#define BATCH_SIZE 8192

typedef struct listing {
    bp__host_state *state;
    bp__file *file;
    dev_t device;
    uint64_t wanted; /* the first entry to show */
    bool (*visit)(void *data, const bp__wasi_entry *entry);
    void *data;
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

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static bool show(listing *self, uint64_t number, ino_t inode, uint8_t type, const char *name)
{
    bp__wasi_entry shown = {number, self->device, inode, type, name};
    return number < self->wanted || self->visit(self->data, &shown);
}

/* False when it was not wanted any more. */
static bool take(listing *self, const entry *from)
{
    bp__file *file = self->file;
    if (is_dots(from->name) || !bp__utf8_valid(from->name, strlen(from->name)))
        return true;
    uint8_t type = bp__wasi_type((mode_t)DTTOIF(from->type));
    if (!show(self, file->offset, from->inode, type, from->name))
        return false;
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
        self->error = bp__wasi_errno(errno);
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
    if (fstat(self->file->fd, &found) != 0) {
        self->error = bp__wasi_errno(errno);
        return false;
    }
    self->device = found.st_dev;
    return show(self, 0, found.st_ino, BP__WASI1_DIRECTORY, ".") &&
           show(self, 1, 0, BP__WASI1_DIRECTORY, "..");
}

/* To the first entry, or to where the last list ended. */
static bool find_place(listing *self)
{
    bp__file *file = self->file;
    if (file->offset < BP__WASI_ENTRY_DOTS || self->wanted < file->offset) {
        file->offset = BP__WASI_ENTRY_DOTS;
        file->place = 0;
    }
    if (lseek(file->fd, file->place, SEEK_SET) >= 0)
        return true;
    self->error = bp__wasi_errno(errno);
    return false;
}

static bool list(listing *self)
{
    if (!take_dots(self) || !find_place(self))
        return true;
    while (take_batch(self))
        if (!bp__host_may_go_on(self->state))
            return false;
    return true;
}

bool bp__wasi_list(bp__host_state *state, bp__file *directory, uint64_t from,
                   bool (*visit)(void *data, const bp__wasi_entry *entry), void *data,
                   uint32_t *ret_error)
{
    listing self = {
        .state = state, .file = directory, .wanted = from, .visit = visit, .data = data};
    if (directory == &state->files.self)
        self.error = bp__wasi_errno(bp__files_open_self(&state->files));
    bool goes_on = self.error || list(&self);
    *ret_error = self.error;
    return goes_on;
}
