/* The disk cache: files that lie, folders that cannot be trusted, keys that are damaged.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "engine/code_disk.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/journal.h"
#include "support/process.h"

#define BYTES_MAX (UINT64_C(1) << 30)

typedef struct world {
    char folder[FOLDER_PATH_MAX];
    journal journal;
    bp__code_disk *disk;
    unsigned descriptors;
} world;

static const bp__code_key keys[2] = {{{1, 2, 3}, {9}}, {{4, 5, 6}, {9}}};
static const char payload[] = "what stands for native code";

static bp__code_disk *open_disk(world *w, const char *folder, uint64_t bytes_max)
{
    bp__code_disk *disk = NULL;
    bp__logger logger = {journal_write, &w->journal, BP_LOG_TRACE};
    assert_int_equal(bp__code_disk_new(folder, bytes_max, &logger, &disk, NULL), BP_OK);
    return disk;
}

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    journal_init(&w->journal);
    folder_make(w->folder);
    w->descriptors = process_descriptors();
    w->disk = open_disk(w, w->folder, BYTES_MAX);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    bp__code_disk_free(w->disk);
    assert_int_equal(process_descriptors(), w->descriptors);
    folder_remove(w->folder);
    journal_done(&w->journal);
    free(w);
    return 0;
}

static void put(bp__code_disk *disk, const bp__code_key *key)
{
    bp__code_disk_put(disk, key, (bp_bytes){payload, sizeof payload});
}

static bool get(bp__code_disk *disk, const bp__code_key *key, uint64_t *bad)
{
    uint8_t *code = NULL;
    size_t size = 0;
    bool found = bp__code_disk_get(disk, key, &code, &size, bad);
    if (found) {
        assert_int_equal(size, sizeof payload);
        assert_memory_equal(code, payload, size);
    }
    bp__free(code);
    return found;
}

/* There, and nothing was wrong. */
static void assert_hit(world *w, const bp__code_key *key)
{
    uint64_t bad = 0;
    assert_true(get(w->disk, key, &bad));
    assert_int_equal(bad, 0);
}

/* A miss because of something bad, which is gone afterwards and told. */
static void assert_bad(world *w, const bp__code_key *key, const char *file)
{
    uint64_t bad = 0;
    struct stat status;
    unsigned before = w->journal.count;
    assert_false(get(w->disk, key, &bad));
    assert_int_equal(bad, 1);
    assert_int_equal(w->journal.count, before + 1);
    assert_int_equal(lstat(file, &status), -1);
    assert_false(get(w->disk, key, &bad));
    assert_int_equal(bad, 1);
}

/* The path of the only entry. */
static const char *entry_path(world *w, char path[FOLDER_PATH_MAX])
{
    char name[FOLDER_PATH_MAX];
    assert_int_equal(folder_count(w->folder, ".code", name), 1);
    return folder_path(w->folder, name, path);
}

static void what_is_kept_is_found_again(void **state)
{
    world *w = *state;
    uint64_t bad = 0;
    assert_false(get(w->disk, &keys[0], &bad));
    put(w->disk, &keys[0]);
    assert_hit(w, &keys[0]);
    assert_false(get(w->disk, &keys[1], &bad));
    bp__code_disk *later = open_disk(w, w->folder, BYTES_MAX);
    assert_true(get(later, &keys[0], &bad));
    bp__code_disk_free(later);
    assert_int_equal(bad, 0);
    assert_int_equal(folder_count(w->folder, ".tmp", NULL), 0);
    assert_int_equal(w->journal.count, 0);
}

static void any_byte_that_differs_is_a_miss(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    size_t size;
    put(w->disk, &keys[0]);
    unsigned char *good = folder_read(entry_path(w, path), &size);
    assert_int_equal(size, sizeof(bp__code_header) + sizeof payload);
    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit += 7) {
            good[i] ^= (unsigned char)(1u << bit);
            folder_write(path, good, size);
            good[i] ^= (unsigned char)(1u << bit);
            assert_bad(w, &keys[0], path);
        }
    }
    folder_write(path, good, size);
    assert_hit(w, &keys[0]);
    free(good);
}

static void any_other_length_is_a_miss(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    size_t size;
    put(w->disk, &keys[0]);
    unsigned char *good = folder_read(entry_path(w, path), &size);
    for (size_t length = 0; length < size; length++) {
        folder_write(path, good, length);
        assert_bad(w, &keys[0], path);
    }
    folder_write(path, good, size + 1); /* folder_read() has a byte more */
    assert_bad(w, &keys[0], path);
    free(good);
}

static void entries_do_not_stand_for_each_other(void **state)
{
    world *w = *state;
    char first[FOLDER_PATH_MAX], second[FOLDER_PATH_MAX], name[FOLDER_PATH_MAX];
    put(w->disk, &keys[0]);
    entry_path(w, first);
    assert_int_equal(rename(first, folder_path(w->folder, "aside", name)), 0);
    put(w->disk, &keys[1]);
    entry_path(w, second);
    /* The whole file of another entry under this one's name. */
    assert_int_equal(link(second, first), 0);
    assert_bad(w, &keys[0], first);
    /* This one's header with the other's payload. */
    size_t sizes[2];
    unsigned char *a = folder_read(name, &sizes[0]), *b = folder_read(second, &sizes[1]);
    a[sizes[0] - 1] = 'x';
    b[sizes[1] - 1] = 'x';
    memcpy(a + sizeof(bp__code_header), b + sizeof(bp__code_header), sizeof payload);
    folder_write(first, a, sizes[0]);
    assert_bad(w, &keys[0], first);
    free(a);
    free(b);
    assert_hit(w, &keys[1]);
}

static void another_engines_entry_is_a_miss(void **state)
{
    world *w = *state;
    char mine[FOLDER_PATH_MAX], theirs[FOLDER_PATH_MAX];
    bp__code_key other = keys[0];
    put(w->disk, &keys[0]);
    entry_path(w, mine);
    assert_int_equal(unlink(mine), 0);
    other.settings[0] ^= 1;
    put(w->disk, &other);
    /* Under its own name it harms nobody, and stays. */
    uint64_t bad = 0;
    assert_false(get(w->disk, &keys[0], &bad));
    assert_int_equal(bad, 0);
    assert_int_equal(rename(entry_path(w, theirs), mine), 0);
    assert_bad(w, &keys[0], mine);
}

/* Two engines whose settings begin alike share a name; the header has all of them. */
static void settings_that_only_begin_alike_are_told_apart(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    bp__code_key other = keys[0];
    other.settings[31] ^= 1;
    put(w->disk, &other);
    assert_bad(w, &keys[0], entry_path(w, path));
}

static void what_is_no_file_is_a_miss(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX], aside[FOLDER_PATH_MAX];
    put(w->disk, &keys[0]);
    entry_path(w, path);
    assert_int_equal(rename(path, folder_path(w->folder, "aside", aside)), 0);

    assert_int_equal(symlink(aside, path), 0);
    assert_bad(w, &keys[0], path);
    assert_int_equal(access(aside, F_OK), 0);

    assert_int_equal(mkfifo(path, 0600), 0);
    assert_bad(w, &keys[0], path);

    assert_int_equal(mkdir(path, 0700), 0);
    assert_bad(w, &keys[0], path);

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char cwd[FOLDER_PATH_MAX];
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(chdir(w->folder), 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", strrchr(path, '/') + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(chdir(cwd), 0);
    close(fd);
    assert_bad(w, &keys[0], path);

    assert_int_equal(rename(aside, path), 0);
    assert_hit(w, &keys[0]);
}

static void a_full_directory_in_the_way_harms_nobody(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX], inside[FOLDER_PATH_MAX];
    uint64_t bad = 0;
    put(w->disk, &keys[0]);
    entry_path(w, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    folder_write(folder_path(path, "file", inside), "x", 1);
    assert_false(get(w->disk, &keys[0], &bad));
    put(w->disk, &keys[0]);
    put(w->disk, &keys[0]);
    assert_false(get(w->disk, &keys[0], &bad));
    assert_int_equal(bad, 2);
    assert_int_equal(folder_count(w->folder, ".tmp", NULL), 0);
    journal_record record;
    assert_true(journal_find(&w->journal, BP_LOG_WARN, "left, it cannot be removed", &record));
    assert_int_equal(w->journal.count, 3); /* two misses, one put: that is said once */
}

static void a_huge_file_is_not_read(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    put(w->disk, &keys[0]);
    assert_int_equal(truncate(entry_path(w, path), INT64_C(1) << 40), 0);
    assert_bad(w, &keys[0], path);
}

static void what_others_can_write_is_a_miss(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    put(w->disk, &keys[0]);
    assert_int_equal(chmod(entry_path(w, path), 0620), 0);
    assert_bad(w, &keys[0], path);
}

static void what_is_somebody_elses_is_a_miss(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    if (geteuid() != 0)
        skip();
    put(w->disk, &keys[0]);
    assert_int_equal(chown(entry_path(w, path), 12345, (gid_t)-1), 0);
    assert_bad(w, &keys[0], path);
}

static void one_that_is_replaced_meanwhile_stays(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    put(w->disk, &keys[0]);
    int fd = open(entry_path(w, path), O_RDONLY | O_CLOEXEC);
    put(w->disk, &keys[0]);
    /* The old file is whole for who has it open, whatever stands under its name. */
    char bytes[sizeof(bp__code_header) + sizeof payload];
    assert_int_equal(read(fd, bytes, sizeof bytes), sizeof bytes);
    assert_memory_equal(bytes + sizeof(bp__code_header), payload, sizeof payload);
    close(fd);
    assert_hit(w, &keys[0]);
}

/* ---- size ---- */

static void set_used(const char *path, time_t when)
{
    struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void the_oldest_used_go_first(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    const uint64_t size = sizeof(bp__code_header) + sizeof payload;
    bp__code_disk *small = open_disk(w, w->folder, 2 * size);
    uint64_t bad = 0;
    put(small, &keys[0]);
    set_used(entry_path(w, path), 1000);
    put(small, &keys[1]);
    assert_true(get(small, &keys[0], &bad)); /* used now: keys[1] is not newer by much, so age it */
    char name[FOLDER_PATH_MAX], other[FOLDER_PATH_MAX];
    snprintf(name, sizeof name, "%s", path);
    assert_int_equal(rename(name, folder_path(w->folder, "aside", other)), 0);
    set_used(entry_path(w, path), 2000);
    assert_int_equal(rename(other, name), 0);
    bp__code_key third = {{7}, {9}};
    put(small, &third);
    assert_true(get(small, &keys[0], &bad));
    assert_true(get(small, &third, &bad));
    assert_false(get(small, &keys[1], &bad));
    assert_int_equal(bad, 0);
    bp__code_disk_free(small);
}

static void one_that_is_too_large_is_not_kept(void **state)
{
    world *w = *state;
    bp__code_disk *tiny = open_disk(w, w->folder, 100);
    journal_record record;
    put(tiny, &keys[0]);
    assert_int_equal(folder_count(w->folder, ".code", NULL), 0);
    assert_true(journal_find(&w->journal, BP_LOG_INFO, "is not kept", &record));
    bp__code_disk_free(tiny);
}

static void what_a_dead_writer_left_goes_after_an_hour(void **state)
{
    world *w = *state;
    char old[FOLDER_PATH_MAX], fresh[FOLDER_PATH_MAX];
    folder_write(folder_path(w->folder, "new-0123456789abcdef.tmp", old), "x", 1);
    folder_write(folder_path(w->folder, "new-fedcba9876543210.tmp", fresh), "x", 1);
    set_used(old, 1000);
    put(w->disk, &keys[0]);
    assert_int_equal(access(old, F_OK), -1);
    assert_int_equal(access(fresh, F_OK), 0);
}

/* ---- folders ---- */

static void no_folder_is_made_for_the_empty_name(void **state)
{
    world *w = *state;
    bp__code_disk *none = open_disk(w, "", BYTES_MAX);
    uint64_t bad = 0;
    assert_null(bp__code_disk_path(none));
    assert_non_null(bp__code_disk_problem(none));
    put(none, &keys[0]);
    assert_false(get(none, &keys[0], &bad));
    assert_int_equal(bp__code_disk_lock(none, &keys[0], BP_NOW, NULL), -1);
    assert_int_equal(w->journal.count, 0);
    bp__code_disk_free(none);
}

static void missing_folders_are_made_private(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    struct stat status;
    bp__code_disk *deep = open_disk(w, folder_path(w->folder, "a/b/c", path), BYTES_MAX);
    assert_null(bp__code_disk_problem(deep));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(folder_path(w->folder, "a/b/c/key", path), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    bp__code_disk_free(deep);
}

/* Not used, with one warning that says which folder and why. */
static void assert_refused(world *w, const char *folder, const char *why)
{
    unsigned before = w->journal.count;
    journal_record record;
    uint64_t bad = 0;
    bp__code_disk *disk = open_disk(w, folder, BYTES_MAX);
    assert_non_null(bp__code_disk_problem(disk));
    assert_contains(bp__code_disk_problem(disk), why, "problem");
    put(disk, &keys[0]);
    assert_false(get(disk, &keys[0], &bad));
    bp__code_disk_free(disk);
    assert_int_equal(w->journal.count, before + 1);
    assert_true(journal_find(&w->journal, BP_LOG_WARN, folder, &record));
    assert_contains(record.text, why, "record");
}

static void a_folder_that_others_can_write_is_not_used(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    folder_path(w->folder, "open", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0777), 0);
    assert_refused(w, path, "can be written by others");
    assert_int_equal(folder_count(path, "", NULL), 2); /* not even a key was put there */
}

static void somebody_elses_folder_is_not_used(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    if (geteuid() != 0)
        skip();
    folder_path(w->folder, "theirs", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
    assert_refused(w, path, "belongs to user 12345");
}

static void what_is_no_folder_is_not_used(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    folder_write(folder_path(w->folder, "file", path), "x", 1);
    assert_refused(w, path, "cannot be opened");
    assert_refused(w, folder_path(w->folder, "file/below", path), "cannot be opened");
}

static void a_folder_that_cannot_be_written_is_read(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    uint64_t bad = 0;
    const uid_t nobody = 65534, before = geteuid();
    if (before == 0) { /* who may write anywhere */
        bp__code_disk_free(w->disk);
        assert_int_equal(unlink(folder_path(w->folder, "key", path)), 0);
        assert_int_equal(chown(w->folder, nobody, (gid_t)-1), 0);
        assert_int_equal(seteuid(nobody), 0);
        w->disk = open_disk(w, w->folder, BYTES_MAX);
    }
    put(w->disk, &keys[0]);
    assert_int_equal(chmod(w->folder, 0500), 0);
    put(w->disk, &keys[1]);
    put(w->disk, &keys[1]);
    bool found = get(w->disk, &keys[0], &bad);
    assert_int_equal(seteuid(before), 0);
    assert_true(found);
    assert_int_equal(w->journal.count, 1);
}

/* A limit on files' sizes would send SIGXFSZ, which ends a program; it must not come to that. */
static void a_limit_on_files_only_keeps_nothing(void **state)
{
    world *w = *state;
    struct rlimit before, small;
    journal_record record;
    uint64_t bad = 0;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = sizeof(bp__code_header);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    put(w->disk, &keys[0]);
    put(w->disk, &keys[0]);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(get(w->disk, &keys[0], &bad));
    assert_true(journal_find(&w->journal, BP_LOG_WARN, "RLIMIT_FSIZE", &record));
    assert_int_equal(w->journal.count, 1);
}

/* ---- keys ---- */

static void a_key_that_is_none_is_replaced(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    struct stat status;
    static const char bytes[64];
    folder_path(w->folder, "key", path);
    for (unsigned i = 0; i < 8; i++) {
        put(w->disk, &keys[0]);
        bp__code_disk_free(w->disk);
        assert_int_equal(remove(path), 0);
        switch (i) {
        case 0: folder_write(path, bytes, 31); break;
        case 1: folder_write(path, bytes, 33); break;
        case 2: folder_write(path, bytes, 0); break;
        case 3: folder_write(path, bytes, 32); assert_int_equal(chmod(path, 0640), 0); break;
        case 4: folder_write(path, bytes, 32); assert_int_equal(chmod(path, 0602), 0); break;
        case 5: assert_int_equal(symlink("/dev/zero", path), 0); break;
        case 6: assert_int_equal(mkfifo(path, 0600), 0); break;
        case 7: assert_int_equal(mkdir(path, 0700), 0); break;
        }
        w->disk = open_disk(w, w->folder, BYTES_MAX);
        assert_null(bp__code_disk_problem(w->disk));
        assert_int_equal(lstat(path, &status), 0);
        assert_true(S_ISREG(status.st_mode) && status.st_size == 32 &&
                    (status.st_mode & 07777) == 0600);
        /* What the old key has made proves nothing any more. */
        uint64_t bad = 0;
        assert_false(get(w->disk, &keys[0], &bad));
        assert_int_equal(bad, 1);
    }
    assert_int_equal(folder_count(w->folder, ".tmp", NULL), 0);
}

static void a_key_of_zeros_made_elsewhere_opens_nothing(void **state)
{
    world *w = *state;
    char mine[FOLDER_PATH_MAX], theirs[FOLDER_PATH_MAX], name[FOLDER_PATH_MAX];
    char other[FOLDER_PATH_MAX];
    folder_make(other);
    bp__code_disk *foreign = open_disk(w, other, BYTES_MAX);
    put(foreign, &keys[0]);
    assert_int_equal(folder_count(other, ".code", name), 1);
    size_t size;
    unsigned char *bytes = folder_read(folder_path(other, name, theirs), &size);
    folder_write(folder_path(w->folder, name, mine), bytes, size);
    assert_bad(w, &keys[0], mine);
    free(bytes);
    bp__code_disk_free(foreign);
    folder_remove(other);
}

/* ---- locks ---- */

static void one_module_is_compiled_by_one(void **state)
{
    world *w = *state;
    bp__code_disk *other = open_disk(w, w->folder, BYTES_MAX);
    int first = bp__code_disk_lock(w->disk, &keys[0], BP_NOW, NULL);
    assert_true(first >= 0);
    assert_int_equal(bp__code_disk_lock(other, &keys[0], BP_NOW, NULL), -1);
    int second = bp__code_disk_lock(other, &keys[1], BP_NOW, NULL);
    assert_true(second >= 0);
    bp_cancel *cancel;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    bp_cancel_trigger(cancel);
    assert_int_equal(bp__code_disk_lock(other, &keys[0], UINT64_MAX, cancel), -1);
    bp_cancel_free(cancel);
    bp__code_disk_unlock(first);
    first = bp__code_disk_lock(other, &keys[0], BP_NOW, NULL);
    assert_true(first >= 0);
    bp__code_disk_unlock(first);
    bp__code_disk_unlock(second);
    bp__code_disk_free(other);
}

/* ---- from outside ---- */

typedef struct seen {
    unsigned all, bad, removed, foreign;
} seen;

static bool see(void *data, const bp__code_info *info)
{
    seen *self = data;
    self->all++;
    self->bad += info->problem != NULL;
    self->removed += info->removed;
    self->foreign += info->foreign;
    return true;
}

static void everything_is_shown_and_cleared(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX], name[FOLDER_PATH_MAX];
    bp__code_key foreign = {{8}, {1}};
    put(w->disk, &keys[0]);
    size_t size;
    unsigned char *bytes = folder_read(entry_path(w, path), &size);
    bytes[size - 1] ^= 1;
    folder_write(path, bytes, size);
    free(bytes);
    put(w->disk, &keys[1]);
    put(w->disk, &foreign);
    assert_int_equal(symlink("/dev/zero", folder_path(w->folder, "x.code", name)), 0);
    seen listed = {0}, verified = {0}, after = {0};
    assert_int_equal(bp__code_disk_visit(w->disk, keys[0].settings, false, see, &listed, NULL), BP_OK);
    assert_int_equal(listed.all, 4);
    assert_int_equal(listed.bad, 1); /* a header alone does not tell what its payload is */
    assert_int_equal(listed.foreign, 1);
    assert_int_equal(bp__code_disk_visit(w->disk, keys[0].settings, true, see, &verified, NULL), BP_OK);
    assert_int_equal(verified.bad, 2);
    assert_int_equal(verified.removed, 2);
    assert_int_equal(bp__code_disk_visit(w->disk, keys[0].settings, true, see, &after, NULL), BP_OK);
    assert_int_equal(after.all, 2);
    uint64_t entries = 0, freed = 0;
    assert_int_equal(bp__code_disk_clear(w->disk, &entries, &freed, NULL), BP_OK);
    assert_int_equal(entries, 2);
    assert_int_equal(freed, 2 * (sizeof(bp__code_header) + sizeof payload));
    assert_int_equal(folder_count(w->folder, ".code", NULL), 0);
    assert_int_equal(access(folder_path(w->folder, "key", path), F_OK), 0);
}

static void nothing_is_lost_when_memory_is(void **state)
{
    world *w = *state;
    put(w->disk, &keys[0]);
    for (uint64_t nth = 1;; nth++) {
        uint64_t bad = 0;
        bp__alloc_fail_at(nth);
        bool found = get(w->disk, &keys[0], &bad);
        put(w->disk, &keys[1]);
        bool failed = bp__alloc_failed();
        bp__alloc_fail_at(0);
        assert_int_equal(bad, 0);
        if (!failed) {
            assert_true(found);
            break;
        }
    }
    assert_hit(w, &keys[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_kept_is_found_again),
        TEST(any_byte_that_differs_is_a_miss),
        TEST(any_other_length_is_a_miss),
        TEST(entries_do_not_stand_for_each_other),
        TEST(another_engines_entry_is_a_miss),
        TEST(settings_that_only_begin_alike_are_told_apart),
        TEST(what_is_no_file_is_a_miss),
        TEST(a_full_directory_in_the_way_harms_nobody),
        TEST(a_huge_file_is_not_read),
        TEST(what_others_can_write_is_a_miss),
        TEST(what_is_somebody_elses_is_a_miss),
        TEST(one_that_is_replaced_meanwhile_stays),
        TEST(the_oldest_used_go_first),
        TEST(one_that_is_too_large_is_not_kept),
        TEST(what_a_dead_writer_left_goes_after_an_hour),
        TEST(no_folder_is_made_for_the_empty_name),
        TEST(missing_folders_are_made_private),
        TEST(a_folder_that_others_can_write_is_not_used),
        TEST(somebody_elses_folder_is_not_used),
        TEST(what_is_no_folder_is_not_used),
        TEST(a_folder_that_cannot_be_written_is_read),
        TEST(a_limit_on_files_only_keeps_nothing),
        TEST(a_key_that_is_none_is_replaced),
        TEST(a_key_of_zeros_made_elsewhere_opens_nothing),
        TEST(one_module_is_compiled_by_one),
        TEST(everything_is_shown_and_cleared),
        TEST(nothing_is_lost_when_memory_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
