/* Manifests: any bytes through format.c, manifest.c and source.c. SPDX-License-Identifier:
 * Apache-2.0
 *
 * Whatever a manifest says, nothing is opened but the one file that its `path` names, and that only
 * for reading. The target stands between the library and open(), so that no input reads a file of
 * the machine it runs on: there is one file, /fuzz/code.wasm. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "plugin/format.h"
#include "plugin/load.h"

#define FOLDER "/fuzz"
#define BYTES_MAX 4096

static const bp_runtime_options options = {
    .plugin_bytes_max = BYTES_MAX,
    .functions_max = 8,
    .memory_bytes_max = 1 << 20,
    .table_elements_max = 100,
};

static struct {
    bool watching;
    unsigned opened;
    char path[BYTES_MAX + sizeof FOLDER + 2];
    int code; /* what stands in /fuzz/code.wasm */
} files;

int __real_open(const char *path, int flags, ...);
int __real_open64(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

static int open_watched(const char *path, int flags)
{
    FUZZ_CHECK((flags & O_ACCMODE) == O_RDONLY && (flags & O_CLOEXEC));
    FUZZ_CHECK(strlen(path) < sizeof files.path);
    files.opened++;
    strcpy(files.path, path);
    if (strcmp(path, FOLDER "/code.wasm") == 0 && lseek(files.code, 0, SEEK_SET) == 0)
        return fcntl(files.code, F_DUPFD_CLOEXEC, 0);
    errno = ENOENT;
    return -1;
}

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

/* Both names: which one the library calls depends on how large its file offsets are. */
#define WRAP(name)                                                                                 \
    int __wrap_##name(const char *path, int flags, ...)                                            \
    {                                                                                              \
        if (files.watching)                                                                        \
            return open_watched(path, flags);                                                      \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode_t mode = mode_of(flags, arguments);                                                   \
        va_end(arguments);                                                                         \
        return __real_##name(path, flags, mode);                                                   \
    }
WRAP(open)
WRAP(open64)

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    files.code = memfd_create("code.wasm", MFD_CLOEXEC);
    FUZZ_CHECK(files.code >= 0 && write(files.code, "\0asm\1\0\0\0", 8) == 8);
    return 0;
}

/* What a strict decoder and encoder make of each other's work. */
static void check_data(const bp__buffer *code, const char *text)
{
    unsigned char again[BYTES_MAX / 3 * 4 + 8];
    EVP_EncodeBlock(again, (const unsigned char *)code->data, (int)code->size);
    FUZZ_CHECK(strcmp((const char *)again, text) == 0);
}

static void check_path(const char *path)
{
    const char *opened = files.path;
    if (path[0] != '/') {
        FUZZ_CHECK(strncmp(opened, FOLDER "/", sizeof FOLDER) == 0);
        opened += sizeof FOLDER;
    }
    FUZZ_CHECK(strcmp(opened, path) == 0);
}

/* The input read by another: what must have been opened, and what decoded. */
static void check_manifest(bp_bytes bytes, const bp__manifest *manifest)
{
    json_t *root = json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, NULL);
    json_t *module = json_array_get(json_object_get(root, "wasm"), 0);
    const char *path = json_string_value(json_object_get(module, "path"));
    const char *data = json_string_value(json_object_get(module, "data"));
    FUZZ_CHECK(files.opened <= 1);
    if (files.opened) {
        FUZZ_CHECK(path);
        check_path(path);
    }
    if (manifest) {
        FUZZ_CHECK(!path != !data);
        FUZZ_CHECK(files.opened == (path != NULL));
        if (data)
            check_data(&manifest->code, data);
    }
    json_decref(root);
}

static void check_source(const bp__source *source)
{
    const bp__manifest *manifest = &source->manifest;
    bp_bytes code = bp__buffer_bytes(&manifest->code);
    FUZZ_CHECK(code.size >= 8 && bp__format_of(code) == BP__FORMAT_MODULE);
    FUZZ_CHECK(!source->has_manifest || code.size <= BYTES_MAX);
    FUZZ_CHECK(manifest->limits.memory_bytes <= UINT64_C(1) << 32);
    for (size_t i = 0; i < manifest->config.count; i++) {
        const bp__config_item *item = &manifest->config.items[i];
        FUZZ_CHECK(item->key && item->value);
        FUZZ_CHECK(bp__config_get(&manifest->config, item->key, item->key_size) == item);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bp_bytes bytes = {data, size};
    bp__source source;
    bp_error error = BP_ERROR_INIT;
    files.opened = 0;
    files.watching = true;
    bp_status status = bp__source_read(&options, bytes, FOLDER, &source, &error);
    files.watching = false;
    if (status != BP_OK)
        fuzz_check_error(status, &error);
    else
        check_source(&source);
    if (bp__format_of(bytes) == BP__FORMAT_JSON)
        check_manifest(bytes, status == BP_OK ? &source.manifest : NULL);
    else
        FUZZ_CHECK(files.opened == 0);
    if (status == BP_OK)
        bp__manifest_done(&source.manifest);
    return 0;
}
