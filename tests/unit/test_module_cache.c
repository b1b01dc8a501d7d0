/* Compiled once: memory, disk, threads and processes. SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "engine/module_cache.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/journal.h"
#include "support/process.h"
#include "support/thread.h"
#include "support/wasm.h"

typedef struct world {
    char folder[FOLDER_PATH_MAX], fifo[FOLDER_PATH_MAX], script[FOLDER_PATH_MAX];
    journal journal;
    bp__engine *engine;
    bp__module_cache *cache;
    bp_bytes wasm[6];
    int gate; /* the open end of `fifo`, at which the compiler program waits */
    unsigned descriptors;
} world;

static bp__engine *make_engine(uint64_t memory_bytes_max, world *w)
{
    bp__engine_options options = {.instances_max = 4,
                                  .memory_bytes_max = memory_bytes_max,
                                  .table_elements_max = 1000,
                                  .stack_bytes = 256 * 1024,
                                  .tick_ms = 1,
                                  .logger = {journal_write, &w->journal, BP_LOG_INFO}};
    bp__engine *engine = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__engine_new(&options, &engine, &error), &error);
    return engine;
}

static bp__module_cache *make_cache(world *w, const char *dir, uint32_t kept_max,
                                    const char *compiler)
{
    bp__module_cache_options options = {.kept_max = kept_max,
                                        .dir = dir,
                                        .disk_bytes_max = UINT64_C(1) << 30,
                                        .compiler = compiler,
                                        .compile_time_ms = PATIENCE_MS,
                                        .compile_memory_bytes = BP_UNLIMITED,
                                        .helper_bytes_min = *compiler ? 1 : UINT64_MAX,
                                        .logger = {journal_write, &w->journal, BP_LOG_INFO}};
    bp__module_cache *cache = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__module_cache_new(&options, &cache, &error), &error);
    return cache;
}

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    journal_init(&w->journal);
    folder_make(w->folder);
    bp__engine_free(make_engine(1 << 20, w)); /* the first one opens what the engine keeps for good */
    w->descriptors = process_descriptors();
    w->engine = make_engine(1 << 20, w);
    for (unsigned i = 0; i < COUNT(w->wasm); i++)
        w->wasm[i] = wasm_make(1, 200, i);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    bp__module_cache_free(w->cache);
    bp__engine_free(w->engine);
    assert_int_equal(process_descriptors(), w->descriptors);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, dead or alive */
    for (unsigned i = 0; i < COUNT(w->wasm); i++)
        free((void *)w->wasm[i].data);
    folder_remove(w->folder);
    journal_done(&w->journal);
    free(w);
    return 0;
}

static bp__module *take(world *w, unsigned which, bp__module_source expected)
{
    bp__module *module = NULL;
    bp__module_source source = 0;
    bp_error error = BP_ERROR_INIT;
    assert_status(
        BP_OK, bp__module_cache_take(w->cache, w->engine, w->wasm[which], NULL, NULL, &module, &source, &error),
        &error);
    assert_int_equal(module->export_count, 1);
    assert_string_equal(module->exports[0].name, "f0");
    assert_int_equal(source, expected);
    return module;
}

static bp__module_cache_stats stats(const world *w)
{
    bp__module_cache_stats stats;
    bp__module_cache_read_stats(w->cache, &stats);
    return stats;
}

/* ---- memory ---- */

static void one_module_for_all_who_want_it(void **state)
{
    world *w = *state;
    w->cache = make_cache(w, "", 10, "");
    bp__module *first = take(w, 0, BP__FROM_COMPILER), *second = take(w, 0, BP__FROM_MEMORY);
    assert_ptr_equal(first, second);
    bp__module_unref(first);
    assert_int_equal(stats(w).kept, 0);
    bp__module_unref(second);
    assert_int_equal(stats(w).kept, 1);
    bp__module_unref(take(w, 0, BP__FROM_MEMORY));
    bp__module_unref(take(w, 1, BP__FROM_COMPILER));
    assert_int_equal(stats(w).memory_hits, 2);
    assert_int_equal(stats(w).compiles, 2);
}

static void the_one_unused_for_longest_goes_first(void **state)
{
    world *w = *state;
    w->cache = make_cache(w, "", 2, "");
    bp__module *used = take(w, 0, BP__FROM_COMPILER);
    for (unsigned i = 1; i < 4; i++)
        bp__module_unref(take(w, i, BP__FROM_COMPILER));
    assert_int_equal(stats(w).kept, 2);
    bp__module_unref(take(w, 2, BP__FROM_MEMORY)); /* so 3 is the older one now */
    bp__module_unref(take(w, 4, BP__FROM_COMPILER));
    bp__module_unref(take(w, 2, BP__FROM_MEMORY));
    bp__module_unref(take(w, 3, BP__FROM_COMPILER));
    /* However many came and went, what is used is there. */
    assert_ptr_equal(take(w, 0, BP__FROM_MEMORY), used);
    bp__module_unref(used);
    bp__module_unref(used);
    assert_int_equal(stats(w).kept, 2);
}

static void none_is_kept_when_none_shall_be(void **state)
{
    world *w = *state;
    w->cache = make_cache(w, "", 0, "");
    bp__module_unref(take(w, 0, BP__FROM_COMPILER));
    assert_int_equal(stats(w).kept, 0);
    bp__module_unref(take(w, 0, BP__FROM_COMPILER));
}

static void what_does_not_compile_is_not_kept(void **state)
{
    world *w = *state;
    bp__module *module = NULL;
    bp__module_source source;
    w->cache = make_cache(w, w->folder, 10, "");
    for (int i = 0; i < 2; i++) {
        bp_error error = BP_ERROR_INIT;
        assert_status(BP_EFORMAT,
                      bp__module_cache_take(w->cache, w->engine, BP_BYTES("\0asm\1\0\0\0\7\7"), NULL, NULL,
                                            &module, &source, &error),
                      &error);
        assert_contains(error.message, "compile: ", "error");
    }
    assert_int_equal(stats(w).compile_failures, 2);
    assert_int_equal(folder_count(w->folder, ".code", NULL), 0);
}

/* ---- disk ---- */

static void the_next_runtime_finds_it_on_disk(void **state)
{
    world *w = *state;
    w->cache = make_cache(w, w->folder, 10, "");
    bp__module_unref(take(w, 0, BP__FROM_COMPILER));
    bp__module_cache_free(w->cache);
    w->cache = make_cache(w, w->folder, 10, "");
    bp__module_unref(take(w, 0, BP__FROM_DISK));
    bp__module_unref(take(w, 0, BP__FROM_MEMORY));
    assert_int_equal(stats(w).disk_hits, 1);
    assert_int_equal(stats(w).compiles, 0);
}

static void an_engine_with_other_settings_compiles_its_own(void **state)
{
    world *w = *state;
    w->cache = make_cache(w, w->folder, 10, "");
    bp__module_unref(take(w, 0, BP__FROM_COMPILER));
    bp__module_cache_free(w->cache);
    bp__engine *other = NULL, *same = w->engine;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__engine_new_compiler(BP__ENGINE_GUARDED, false, 1 << 20, 256 * 1024, &other, &error), &error);
    assert_memory_not_equal(bp__engine_settings(other), bp__engine_settings(same), BP__SHA256_SIZE);
    w->engine = other;
    w->cache = make_cache(w, w->folder, 10, "");
    bp__module_unref(take(w, 0, BP__FROM_COMPILER));
    bp__module_cache_free(w->cache);
    bp__engine_free(other);
    /* Both are kept, side by side. */
    w->engine = same;
    w->cache = make_cache(w, w->folder, 10, "");
    assert_int_equal(folder_count(w->folder, ".code", NULL), 2);
    bp__module_unref(take(w, 0, BP__FROM_DISK));
}

/* Authentic, but not what the engine takes: as if its own check knew better than our key. */
static void what_the_engine_refuses_is_dropped(void **state)
{
    world *w = *state;
    w->cache = make_cache(w, w->folder, 10, "");
    bp__code_key key;
    assert_int_equal(bp__sha256(w->wasm[0], key.wasm, NULL), BP_OK);
    memcpy(key.settings, bp__engine_settings(w->engine), sizeof key.settings);
    bp__code_disk_put(bp__module_cache_disk(w->cache), &key, BP_BYTES("no code"));
    bp__module_unref(take(w, 0, BP__FROM_COMPILER));
    assert_int_equal(stats(w).bad_entries, 1);
    bp__module_cache_free(w->cache);
    w->cache = make_cache(w, w->folder, 10, "");
    bp__module_unref(take(w, 0, BP__FROM_DISK));
}

static void a_full_disk_only_keeps_nothing(void **state)
{
    world *w = *state;
    char place[FOLDER_PATH_MAX];
    journal_record record;
    folder_path(w->folder, "small", place);
    assert_int_equal(mkdir(place, 0700), 0);
    if (mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, "size=8k,mode=0700") != 0)
        skip(); /* needs root */
    w->cache = make_cache(w, place, 10, "");
    for (unsigned i = 0; i < 3; i++)
        bp__module_unref(take(w, i, BP__FROM_COMPILER));
    bp__module_unref(take(w, 0, BP__FROM_MEMORY));
    unsigned left = folder_count(place, ".tmp", NULL) + folder_count(place, ".code", NULL);
    bp__module_cache_free(w->cache);
    w->cache = NULL;
    assert_int_equal(umount(place), 0);
    assert_int_equal(left, 0);
    assert_int_equal(w->journal.count, 1);
    assert_true(journal_find(&w->journal, BP_LOG_WARN, "No space left", &record));
}

#define PROCESSES 8

/* Answers how it came by the module. */
static int other_process(world *w)
{
    bp__module *module = NULL;
    bp__module_source source = 0;
    bp_bytes wasm = wasm_make(20, 2000, 0);
    w->engine = make_engine(1 << 20, w);
    w->cache = make_cache(w, w->folder, 10, "");
    if (bp__module_cache_take(w->cache, w->engine, wasm, NULL, NULL, &module, &source, NULL) != BP_OK)
        return 0;
    return (int)source;
}

static void many_processes_compile_it_once(void **state)
{
    world *w = *state;
    pid_t children[PROCESSES];
    int compiled = 0, from_disk = 0;
    bp__engine_free(w->engine);
    w->engine = NULL;
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(other_process(w));
    }
    for (int i = 0; i < PROCESSES; i++) {
        int how = 0;
        assert_int_equal(waitpid(children[i], &how, 0), children[i]);
        assert_true(WIFEXITED(how));
        compiled += WEXITSTATUS(how) == BP__FROM_COMPILER;
        from_disk += WEXITSTATUS(how) == BP__FROM_DISK;
    }
    assert_int_equal(compiled, 1);
    assert_int_equal(from_disk, PROCESSES - 1);
    assert_int_equal(folder_count(w->folder, ".code", NULL), 1);
    assert_int_equal(folder_count(w->folder, ".tmp", NULL), 0);
}

/* ---- threads ---- */

/* A compiler program that waits until the test lets it go: `then` is what it does afterwards. */
static void make_gate(world *w, const char *then)
{
    char text[3 * FOLDER_PATH_MAX];
    folder_path(w->folder, "gate", w->fifo);
    assert_int_equal(mkfifo(w->fifo, 0600), 0);
    folder_path(w->folder, "compiler", w->script);
    int size = snprintf(text, sizeof text, "#!/bin/sh\nread word <%s\n%s\n", w->fifo, then);
    folder_write(w->script, text, (size_t)size);
    assert_int_equal(chmod(w->script, 0700), 0);
}

static void open_gate(const world *w)
{
    int fd = open(w->fifo, O_WRONLY | O_CLOEXEC); /* waits for the program to come there */
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "go\n", 3), 3);
    close(fd);
}

static const char *real_compiler(char text[FOLDER_PATH_MAX])
{
    const char *path = getenv("BULLPEN_COMPILE");
    assert_non_null(path);
    snprintf(text, FOLDER_PATH_MAX, "exec %s", path);
    return text;
}

typedef struct wanter {
    world *w;
    bp_cancel *cancel;
    bp__module *module;
    bp__module_source source;
    bp_status status;
    bp_error error;
    pthread_t thread;
} wanter;

static void *want(void *data)
{
    wanter *self = data;
    self->status = bp__module_cache_take(self->w->cache, self->w->engine, self->w->wasm[0], NULL, self->cancel,
                                         &self->module, &self->source, &self->error);
    return NULL;
}

/* The first leads, the others wait in order. */
static void start_wanters(world *w, wanter *wanters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        wanters[i] = (wanter){.w = w};
        assert_int_equal(bp_cancel_new(&wanters[i].cancel, NULL), BP_OK);
        wanters[i].thread = thread_start(0, want, &wanters[i]);
        bp_deadline patience = bp_deadline_in_ms(PATIENCE_MS);
        while (i > 0 && stats(w).waiting < i && !bp_deadline_passed(patience))
            sched_yield();
        assert_int_equal(i > 0 ? stats(w).waiting : 0, i);
        if (i == 0) {
            /* The first must be the leader: its program waits at the gate. */
            int fd;
            while ((fd = open(w->fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0 &&
                   !bp_deadline_passed(patience))
                sched_yield();
            assert_true(fd >= 0);
            /* Held open without a word, so that it goes on waiting. */
            w->gate = fd;
        }
    }
}

static void let_go(world *w)
{
    int fd = w->gate;
    assert_int_equal(write(fd, "go\n", 3), 3);
    close(fd);
}

static void end_wanters(wanter *wanters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        thread_join(wanters[i].thread);
        bp_cancel_free(wanters[i].cancel);
    }
}

static void threads_wait_for_the_first_of_them(void **state)
{
    world *w = *state;
    wanter wanters[8];
    char then[FOLDER_PATH_MAX];
    make_gate(w, real_compiler(then));
    w->cache = make_cache(w, "", 10, w->script);
    start_wanters(w, wanters, COUNT(wanters));
    let_go(w);
    end_wanters(wanters, COUNT(wanters));
    for (size_t i = 0; i < COUNT(wanters); i++) {
        assert_status(BP_OK, wanters[i].status, &wanters[i].error);
        assert_ptr_equal(wanters[i].module, wanters[0].module);
        assert_int_equal(wanters[i].source, i ? BP__FROM_MEMORY : BP__FROM_HELPER);
        bp__module_unref(wanters[i].module);
    }
    assert_int_equal(stats(w).compiles, 1);
    assert_int_equal(stats(w).kept, 1);
}

static void threads_get_the_same_error(void **state)
{
    world *w = *state;
    wanter wanters[8];
    make_gate(w, "kill -SEGV $$");
    w->cache = make_cache(w, "", 10, w->script);
    start_wanters(w, wanters, COUNT(wanters));
    let_go(w);
    end_wanters(wanters, COUNT(wanters));
    for (size_t i = 0; i < COUNT(wanters); i++) {
        assert_int_equal(wanters[i].status, BP_EENGINE);
        assert_contains(wanters[i].error.message, "SIGSEGV", "error");
    }
    assert_int_equal(stats(w).compile_failures, 1);
    assert_int_equal(stats(w).kept, 0);
}

static void a_cancelled_leader_hands_on(void **state)
{
    world *w = *state;
    wanter wanters[4];
    char then[FOLDER_PATH_MAX];
    make_gate(w, real_compiler(then));
    w->cache = make_cache(w, "", 10, w->script);
    start_wanters(w, wanters, COUNT(wanters));
    bp_cancel_trigger(wanters[0].cancel);
    bp_cancel_trigger(wanters[2].cancel);
    thread_join(wanters[0].thread);
    thread_join(wanters[2].thread);
    /* The next one has started a program of its own, which comes to the gate. */
    close(w->gate);
    open_gate(w);
    thread_join(wanters[1].thread);
    thread_join(wanters[3].thread);
    for (size_t i = 0; i < COUNT(wanters); i++) {
        bool cancelled = i == 0 || i == 2;
        assert_status(cancelled ? BP_ECANCELLED : BP_OK, wanters[i].status, &wanters[i].error);
        if (!cancelled)
            bp__module_unref(wanters[i].module);
        bp_cancel_free(wanters[i].cancel);
    }
    assert_int_equal(wanters[1].source, BP__FROM_HELPER);
    assert_int_equal(stats(w).compiles, 1);
    assert_int_equal(stats(w).waiting, 0);
}

/* Everybody takes and gives everything, with room for one: nobody may lose what he holds. */
static void *churn(void *data)
{
    wanter *self = data;
    for (unsigned i = 0; i < 100 && self->status == BP_OK; i++) {
        self->status = bp__module_cache_take(self->w->cache, self->w->engine, self->w->wasm[i % 4], NULL, NULL,
                                             &self->module, &self->source, &self->error);
        if (self->status == BP_OK && self->module->export_count != 1)
            self->status = BP_EINVAL;
        if (self->status == BP_OK)
            bp__module_unref(self->module);
    }
    return NULL;
}

static void nobody_loses_what_he_holds(void **state)
{
    world *w = *state;
    wanter wanters[4];
    w->cache = make_cache(w, w->folder, 1, "");
    for (size_t i = 0; i < COUNT(wanters); i++) {
        wanters[i] = (wanter){.w = w};
        wanters[i].thread = thread_start(0, churn, &wanters[i]);
    }
    for (size_t i = 0; i < COUNT(wanters); i++) {
        thread_join(wanters[i].thread);
        assert_status(BP_OK, wanters[i].status, &wanters[i].error);
    }
    assert_int_equal(stats(w).kept, 1);
    assert_int_equal(stats(w).compiles, 4);
    assert_int_equal(stats(w).bad_entries, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_module_for_all_who_want_it),
        TEST(the_one_unused_for_longest_goes_first),
        TEST(none_is_kept_when_none_shall_be),
        TEST(what_does_not_compile_is_not_kept),
        TEST(the_next_runtime_finds_it_on_disk),
        TEST(an_engine_with_other_settings_compiles_its_own),
        TEST(what_the_engine_refuses_is_dropped),
        TEST(a_full_disk_only_keeps_nothing),
        TEST(threads_wait_for_the_first_of_them),
        TEST(threads_get_the_same_error),
        TEST(a_cancelled_leader_hands_on),
        TEST(nobody_loses_what_he_holds),
        TEST(many_processes_compile_it_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
