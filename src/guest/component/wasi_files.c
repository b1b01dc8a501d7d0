/* WASI 0.2: the folder's files, by what preview 1 does with them. SPDX-License-Identifier:
 * Apache-2.0 */
#include "guest/component/wasi_files.h"

#include <string.h>

#include "guest/sandbox.h"

static bp__host_state *state_of(void *host_data)
{
    bp__sandbox *sandbox = host_data;
    return &sandbox->host;
}

/* ---- the words of both versions ---- */

/* 0.2 has no word for too many open files: what there is none left of is memory for more. */
static int32_t answer(uint32_t error)
{
    static const struct {
        uint32_t error;
        int32_t answer;
    } known[] = {
        {BP__WASI1_SUCCESS, FOUNDATION_WASI_OK},
        {BP__WASI1_EACCES, FOUNDATION_WASI_ACCESS},
        {BP__WASI1_EAGAIN, FOUNDATION_WASI_WOULD_BLOCK},
        {BP__WASI1_EBADF, FOUNDATION_WASI_BAD_DESCRIPTOR},
        {BP__WASI1_EILSEQ, FOUNDATION_WASI_ILLEGAL_BYTE_SEQUENCE},
        {BP__WASI1_EINVAL, FOUNDATION_WASI_INVALID},
        {BP__WASI1_EISDIR, FOUNDATION_WASI_IS_DIRECTORY},
        {BP__WASI1_ELOOP, FOUNDATION_WASI_LOOP},
        {BP__WASI1_EMFILE, FOUNDATION_WASI_INSUFFICIENT_MEMORY},
        {BP__WASI1_ENAMETOOLONG, FOUNDATION_WASI_NAME_TOO_LONG},
        {BP__WASI1_ENFILE, FOUNDATION_WASI_INSUFFICIENT_MEMORY},
        {BP__WASI1_ENOENT, FOUNDATION_WASI_NO_ENTRY},
        {BP__WASI1_ENOMEM, FOUNDATION_WASI_INSUFFICIENT_MEMORY},
        {BP__WASI1_ENOTDIR, FOUNDATION_WASI_NOT_DIRECTORY},
        {BP__WASI1_ENOTSUP, FOUNDATION_WASI_UNSUPPORTED},
        {BP__WASI1_EROFS, FOUNDATION_WASI_READ_ONLY},
        {BP__WASI1_ENOTCAPABLE, FOUNDATION_WASI_NOT_PERMITTED},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].error == error)
            return known[i].answer;
    return FOUNDATION_WASI_IO;
}

static uint8_t type_of(uint8_t type)
{
    return type == BP__WASI1_REGULAR_FILE    ? FOUNDATION_WASI_REGULAR_FILE
           : type == BP__WASI1_DIRECTORY     ? FOUNDATION_WASI_DIRECTORY
           : type == BP__WASI1_SYMBOLIC_LINK ? FOUNDATION_WASI_SYMBOLIC_LINK
                                             : FOUNDATION_WASI_UNKNOWN;
}

/* ---- opening ---- */

uint32_t bp__component_folder(void *host_data)
{
    return state_of(host_data)->files.folder ? BP__FILES_FOLDER : 0;
}

static uint32_t make_path(bp__files *files, uint32_t fd, const char *text, size_t size,
                          bp__wasi_path *ret)
{
    const bp__file *directory;
    uint32_t error = bp__wasi_directory(files, fd, &directory);
    return error ? error : bp__wasi_path_make(files, directory, text, size, ret);
}

int32_t bp__component_file_open(void *host_data, uint32_t directory, const char *path, size_t size,
                                uint32_t flags, uint32_t *ret, bool *ret_is_directory)
{
    bp__wasi_path where;
    bp__files *files = &state_of(host_data)->files;
    uint32_t error = make_path(files, directory, path, size, &where);
    if (!error && (flags & FOUNDATION_WASI_OPEN_WRITE))
        error = BP__WASI1_EROFS;
    if (!error)
        error = bp__wasi_open(files, &where, flags & FOUNDATION_WASI_OPEN_DIRECTORY, ret);
    if (!error)
        *ret_is_directory = bp__files_find(files, *ret)->is_directory;
    return answer(error);
}

void bp__component_file_close(void *host_data, uint32_t number)
{
    bp__files *files = &state_of(host_data)->files;
    bp__file *file = bp__files_find(files, number);
    if (file)
        bp__files_close(files, file);
}

/* ---- reading ---- */

int32_t bp__component_file_read(void *host_data, uint32_t number, uint64_t offset, uint8_t *to,
                                size_t size, size_t *ret)
{
    bp__host_state *state = state_of(host_data);
    const bp__file *file = bp__files_find(&state->files, number);
    if (!file)
        return FOUNDATION_WASI_BAD_DESCRIPTOR;
    if (file->is_directory)
        return FOUNDATION_WASI_IS_DIRECTORY;
    if (offset > INT64_MAX)
        return FOUNDATION_WASI_INVALID;
    bp__wasi_reading reading = {.state = state, .fd = file->fd, .offset = offset};
    *ret = bp__wasi_read(&reading, to, size);
    if (reading.stopped)
        return FOUNDATION_WASI_STOP;
    return *ret ? FOUNDATION_WASI_OK : answer(reading.error);
}

static uint32_t describe(const bp__folder *folder, const struct stat *found,
                         foundation_wasi_stat *ret)
{
    if (!bp__folder_identity(folder, found->st_dev, found->st_ino, &ret->identity))
        return BP__WASI1_ENOMEM;
    ret->type = type_of(bp__wasi_type(found->st_mode));
    ret->size = S_ISREG(found->st_mode) ? (uint64_t)found->st_size : 0;
    return BP__WASI1_SUCCESS;
}

int32_t bp__component_file_stat(void *host_data, uint32_t number, foundation_wasi_stat *ret)
{
    struct stat found;
    bp__files *files = &state_of(host_data)->files;
    const bp__file *file = bp__files_find(files, number);
    uint32_t error = file ? bp__wasi_stat(files, file, &found) : BP__WASI1_EBADF;
    return answer(error ? error : describe(files->folder, &found, ret));
}

int32_t bp__component_file_stat_at(void *host_data, uint32_t directory, const char *path,
                                   size_t size, bool follow, foundation_wasi_stat *ret)
{
    bp__wasi_path where;
    struct stat found;
    bp__files *files = &state_of(host_data)->files;
    uint32_t error = make_path(files, directory, path, size, &where);
    if (!error)
        error = bp__wasi_look(files, &where, follow, &found);
    return answer(error ? error : describe(files->folder, &found, ret));
}

int32_t bp__component_file_read_link(void *host_data, uint32_t directory, const char *path,
                                     size_t size)
{
    bp__wasi_path where;
    bp__files *files = &state_of(host_data)->files;
    uint32_t error = make_path(files, directory, path, size, &where);
    return answer(error ? error : bp__wasi_read_link(files, &where));
}

/* ---- listing ---- */

typedef struct listing {
    foundation_wasi_entry_fn visit;
    void *data;
    bool full;
} listing;

/* Takes the entry that comes after the last one that was wanted for the one to begin with. */
static bool show(void *data, const bp__wasi_entry *entry)
{
    listing *self = data;
    if (self->full)
        return false;
    self->full = !self->visit(self->data, type_of(entry->type), entry->name, strlen(entry->name));
    return true;
}

int32_t bp__component_file_list(void *host_data, uint32_t directory, uint64_t from,
                                foundation_wasi_entry_fn visit, void *data)
{
    bp__host_state *state = state_of(host_data);
    bp__file *file = bp__files_find(&state->files, directory);
    if (!file || !file->is_directory)
        return file ? FOUNDATION_WASI_NOT_DIRECTORY : FOUNDATION_WASI_BAD_DESCRIPTOR;
    listing self = {.visit = visit, .data = data};
    uint32_t error;
    if (from > UINT64_MAX - BP__WASI_ENTRY_DOTS)
        return FOUNDATION_WASI_INVALID;
    if (!bp__wasi_list(state, file, from + BP__WASI_ENTRY_DOTS, show, &self, &error))
        return FOUNDATION_WASI_STOP;
    return answer(error);
}
