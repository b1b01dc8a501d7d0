/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/core_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A plugin that traps at every call must not fill the disk. */
#define DUMPS_MAX 100

static bool write_bytes(void *data, const uint8_t *bytes, size_t size)
{
    int file = *(const int *)data;
    while (size) {
        ssize_t written = write(file, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* A file that was not there before: what stands in the folder is nobody's to overwrite. */
static int create(const bp__engine *engine, uint32_t number, char *path, size_t capacity)
{
    int length = snprintf(path, capacity, "%s/%ld-%u.wasmcore", engine->core_dump_dir,
                          (long)getpid(), number);
    if (length < 0 || (size_t)length >= capacity) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

void bp__core_dump(bp__instance *instance, const wasmtime_error_t *error, const wasm_trap_t *trap)
{
    bp__engine *engine = instance->engine;
    bp__trap_report *report = &instance->report;
    if (!engine->core_dump_dir)
        return;
    uint32_t number = atomic_fetch_add_explicit(&engine->core_dumps, 1, memory_order_relaxed);
    if (number >= DUMPS_MAX)
        return;
    char path[sizeof report->core_dump];
    errno = 0;
    int file = create(engine, number, path, sizeof path);
    bool written = file >= 0 && (trap ? foundation_trap_core_dump(instance->context, trap, "plugin",
                                                                  write_bytes, &file)
                                      : foundation_error_core_dump(instance->context, error,
                                                                   "plugin", write_bytes, &file));
    if (written) {
        memcpy(report->core_dump, path, sizeof path);
    } else {
        bp__log(&engine->logger, BP_LOG_WARN, "engine", NULL, "no core dump in %s: %s",
                engine->core_dump_dir, errno ? strerror(errno) : "the engine has none of this trap");
        if (file >= 0)
            unlink(path);
    }
    if (file >= 0)
        close(file);
}
