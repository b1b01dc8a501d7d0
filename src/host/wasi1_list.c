/* WASI preview 1: fd_readdir. Cookies count entries. SPDX-License-Identifier: Apache-2.0 */
#include "host/wasi1_private.h"

#define ENTRY_SIZE 24

typedef struct listing {
    const bp__folder *folder;
    bp__guest_memory memory;
    uint64_t at, size, used; /* where in the memory, how large, and how much is written */
    uint32_t error;
} listing;

static void put(listing *self, const void *bytes, uint64_t size)
{
    uint64_t room = self->size - self->used, part = size < room ? size : room;
    if (part)
        memcpy(self->memory.base + self->at + self->used, bytes, part);
    self->used += part;
}

static bool identify(listing *self, const bp__wasi_entry *entry, uint64_t *ret)
{
    *ret = 0;
    if (!entry->inode || bp__folder_identity(self->folder, entry->device, entry->inode, ret))
        return true;
    self->error = BP__WASI1_ENOMEM;
    return false;
}

/* Writes as much of it as there is room for. False when it did not fit whole: the guest asks for it
 * again, with more room. */
static bool add(void *data, const bp__wasi_entry *entry)
{
    listing *self = data;
    uint8_t head[ENTRY_SIZE] = {0};
    bp__guest_memory bytes = {head, sizeof head};
    size_t size = strlen(entry->name);
    uint64_t room = self->size - self->used, identity;
    if (!identify(self, entry, &identity))
        return false;
    bp__guest_store(bytes, 0, 8, entry->number + 1);
    bp__guest_store(bytes, 8, 8, identity);
    bp__guest_store(bytes, 16, 4, size);
    bp__guest_store(bytes, 20, 1, entry->type);
    put(self, head, sizeof head);
    put(self, entry->name, size);
    return room >= sizeof head + size;
}

static uint32_t check(bp__guest_memory memory, const uint64_t *args, const bp__file *file)
{
    if (!file && (uint32_t)args[0] > 2)
        return BP__WASI1_EBADF;
    if (!file || !file->is_directory)
        return BP__WASI1_ENOTDIR;
    if (!bp__guest_has(memory, (uint32_t)args[1], (uint32_t)args[2]) ||
        !bp__guest_has(memory, (uint32_t)args[4], 4))
        return BP__WASI1_EFAULT;
    return BP__WASI1_SUCCESS;
}

BP__WASI1(fd_readdir)
{
    if (!bp__host_enter(state, "fd_readdir"))
        return false;
    bp__file *file = bp__files_find(&state->files, (uint32_t)args[0]);
    uint32_t error = check(memory, args, file);
    if (error)
        return bp__wasi1_answer(state, ret_errno, error);
    listing self = {.folder = state->files.folder,
                    .memory = memory,
                    .at = (uint32_t)args[1],
                    .size = (uint32_t)args[2]};
    if (!bp__wasi_list(state, file, args[3], add, &self, &error))
        return false;
    error = error ? error : self.error;
    if (!error)
        bp__guest_store(memory, (uint32_t)args[4], 4, self.used);
    return bp__wasi1_answer(state, ret_errno, error);
}
