/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/code_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/wait.h"
#include "engine/code_entry.h"

#define KEY_NAME "key"

/* How often a key that others are making or mending at the same time is looked at again, and how
 * long to wait in between for the lock of one who mends: a holder that does not come to an end (it
 * was stopped) must not keep anybody. A dead one's lock is gone with it. */
#define KEY_TRIES 50
#define KEY_WAIT_MS 10

/* ---- which folder ---- */

static const char *environment(const char *name)
{
    const char *value = secure_getenv(name);
    return value && *value ? value : NULL;
}

/* False without memory; `*ret` stays NULL if there is none. */
static bool choose_path(const char *dir, char **ret)
{
    bp__buffer path = {0};
    const char *base;
    if (!dir)
        dir = environment("BULLPEN_CACHE_DIR");
    if (dir)
        bp__buffer_append_text(&path, dir);
    else if ((base = environment("XDG_CACHE_HOME")) && *base == '/')
        bp__buffer_printf(&path, "%s/bullpen/modules", base);
    else if ((base = environment("HOME")) && *base == '/')
        bp__buffer_printf(&path, "%s/.cache/bullpen/modules", base);
    const char *text = bp__buffer_text(&path);
    if (text && *text)
        *ret = bp__strdup(text);
    bool fine = text && !path.overflow && (!*text || *ret);
    bp__buffer_done(&path);
    return fine;
}

/* ---- whether it can be trusted ---- */

static bool refuse(bp__code_folder *folder, const char *format, ...) BP_PRINTF(2, 3);
static bool refuse(bp__code_folder *folder, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(folder->problem, sizeof folder->problem, format, arguments) < 0)
        snprintf(folder->problem, sizeof folder->problem, "not usable");
    va_end(arguments);
    return false;
}

/* As `mkdir -p`, each for its owner alone. What it cannot make, opening will tell. */
static void make_folders(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        (void)mkdir(path, 0700);
        *at = '/';
    }
    (void)mkdir(path, 0700);
}

static bool open_folder(bp__code_folder *folder)
{
    struct stat status;
    make_folders(folder->path);
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0 || fstat(folder->fd, &status) != 0)
        return refuse(folder, "cannot be opened or made: %s", strerrordesc_np(errno));
    if (status.st_uid != geteuid())
        return refuse(folder, "belongs to user %u, this process runs as %u: code is only taken from "
                              "a folder of one's own; name another one (BULLPEN_CACHE_DIR)",
                      (unsigned)status.st_uid, (unsigned)geteuid());
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return refuse(folder, "can be written by others (mode %04o): make it private with chmod 700",
                      (unsigned)status.st_mode & 07777);
    return true;
}

/* ---- its key ---- */

typedef enum key_state { KEY_THERE, KEY_ABSENT, KEY_BAD, KEY_UNREADABLE } key_state;

/* A key that others could read proves nothing, nor does one of another size. */
static key_state read_key(bp__code_folder *folder, struct stat *ret)
{
    /* Not waiting for the writer of a FIFO, not following a link to somewhere else. */
    bp_auto_fd int fd =
        openat(folder->fd, KEY_NAME, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT                      ? KEY_ABSENT
               : errno == ELOOP || errno == ENXIO   ? KEY_BAD
               : errno == EACCES || errno == EPERM ? KEY_BAD
                                                    : KEY_UNREADABLE;
    if (fstat(fd, ret) != 0)
        return KEY_UNREADABLE;
    bool fine = S_ISREG(ret->st_mode) && ret->st_uid == geteuid() &&
                !(ret->st_mode & (S_IRWXG | S_IRWXO)) && ret->st_size == sizeof folder->key;
    return fine && bp__read_exactly(fd, folder->key, sizeof folder->key, 0) ? KEY_THERE : KEY_BAD;
}

/* A whole key appears under its name in one step, and only if there is none: whoever is first, all
 * read the same. False if it could not be written. */
static bool make_key(bp__code_folder *folder)
{
    uint8_t key[BP__GMAC_KEY_SIZE], number[8];
    char name[40];
    if (!bp__random(key, sizeof key) || !bp__random(number, sizeof number) ||
        !bp__file_size_allowed(sizeof key))
        return false;
    snprintf(name, sizeof name, "new-%02x%02x%02x%02x%02x%02x%02x%02x.tmp", number[0], number[1],
             number[2], number[3], number[4], number[5], number[6], number[7]);
    bp_auto_fd int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    int failed = bp__write_all(fd, (bp_bytes){key, sizeof key});
    /* Where the file system has no hard links, a rename that replaces nothing does the same. */
    if (!failed && linkat(folder->fd, name, folder->fd, KEY_NAME, 0) != 0 && errno != EEXIST &&
        renameat2(folder->fd, name, folder->fd, KEY_NAME, RENAME_NOREPLACE) != 0 &&
        errno != EEXIST)
        failed = errno;
    (void)unlinkat(folder->fd, name, 0);
    errno = failed;
    return !failed;
}

/* Takes a bad key away. Under the folder's lock, and only what is still bad then: else one who saw
 * the bad one could take away the good one that another has just put in its place. */
static void remove_bad_key(bp__code_folder *folder, const bp__logger *logger)
{
    struct stat status;
    if (flock(folder->fd, LOCK_EX | LOCK_NB) != 0) {
        (void)bp__wait_until(bp_deadline_in_ms(KEY_WAIT_MS), NULL);
        return;
    }
    if (read_key(folder, &status) == KEY_BAD) {
        bp__log(logger, BP_LOG_WARN, "engine", NULL,
                "the key of the module cache '%s' is damaged or not private: it is replaced, and "
                "what was made with it is compiled again",
                folder->path);
        if (unlinkat(folder->fd, KEY_NAME, 0) != 0 && errno == EISDIR)
            (void)unlinkat(folder->fd, KEY_NAME, AT_REMOVEDIR);
    }
    (void)flock(folder->fd, LOCK_UN);
}

static bool open_key(bp__code_folder *folder, const bp__logger *logger)
{
    struct stat status;
    for (int i = 0; i < KEY_TRIES; i++) {
        switch (read_key(folder, &status)) {
        case KEY_THERE:
            return true;
        case KEY_ABSENT:
            if (!make_key(folder))
                return refuse(folder, "its key cannot be written: %s", strerrordesc_np(errno));
            break;
        case KEY_BAD:
            remove_bad_key(folder, logger);
            break;
        case KEY_UNREADABLE:
            return refuse(folder, "its key cannot be read: %s", strerrordesc_np(errno));
        }
    }
    return refuse(folder, "its file '" KEY_NAME "' is no key and cannot be replaced: remove it");
}

bp_status bp__code_folder_open(bp__code_folder *ret, const char *dir, const bp__logger *logger,
                               bp_error *reterr)
{
    *ret = (bp__code_folder){.fd = -1};
    if (!choose_path(dir, &ret->path))
        return bp__error_oom(reterr, "naming the cache folder");
    if (!ret->path) {
        refuse(ret, "%s", dir ? "switched off" : "no HOME, and none is named");
        return BP_OK;
    }
    if (open_folder(ret) && open_key(ret, logger))
        return BP_OK;
    if (ret->fd >= 0)
        close(ret->fd);
    ret->fd = -1;
    bp__log(logger, BP_LOG_WARN, "engine", NULL,
            "compiled modules are not kept: the folder '%s' %s", ret->path, ret->problem);
    return BP_OK;
}

void bp__code_folder_done(bp__code_folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    bp__free(folder->path);
    explicit_bzero(folder->key, sizeof folder->key);
    folder->fd = -1;
    folder->path = NULL;
}
