/* The compiler program: what it does, and what becomes of one that does not do it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "engine/helper.h"
#include "engine/helper_job.h"
#include "engine/module.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/process.h"
#include "support/thread.h"
#include "support/wasm.h"

typedef struct world {
    char folder[FOLDER_PATH_MAX], script[FOLDER_PATH_MAX];
    bp__engine *engine;
    bp_bytes wasm;
    bp__code_key key;
    unsigned descriptors;
    uint64_t memory_bytes; /* 0: no limit */
    uint8_t *code;         /* of the last compilation */
    size_t size;
    bp_error error;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    bp_error error = BP_ERROR_INIT;
    folder_make(w->folder);
    folder_path(w->folder, "compiler", w->script);
    assert_status(BP_OK,
                  bp__engine_new_compiler(BP__ENGINE_GUARDED, false, UINT64_C(4) << 30, 512 * 1024,
                                          &w->engine, &error),
                  &error);
    w->wasm = wasm_make(3, 400, 1);
    assert_int_equal(bp__sha256(w->wasm, w->key.wasm, NULL), BP_OK);
    memcpy(w->key.settings, bp__engine_settings(w->engine), sizeof w->key.settings);
    w->descriptors = process_descriptors();
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    assert_int_equal(process_descriptors(), w->descriptors);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, dead or alive */
    bp__free(w->code);
    bp__engine_free(w->engine);
    free((void *)w->wasm.data);
    folder_remove(w->folder);
    free(w);
    return 0;
}

static const char *real(void)
{
    const char *path = getenv("BULLPEN_COMPILE");
    assert_non_null(path);
    return path;
}

static bp_status compile(world *w, const char *program, uint64_t time_ms, bp_cancel *cancel)
{
    bp__helper_ask ask = {.program = program,
                          .wasm = w->wasm,
                          .key = &w->key,
                          .time_ms = time_ms,
                          .memory_bytes = w->memory_bytes ? w->memory_bytes : BP_UNLIMITED,
                          .cancel = cancel};
    bp__free(w->code);
    w->code = NULL;
    w->error = (bp_error)BP_ERROR_INIT;
    return bp__helper_compile(w->engine, &ask, &w->code, &w->size, &w->error);
}

/* Writes a program of one's own and compiles with it. */
static bp_status compile_by(world *w, const char *text, uint64_t time_ms)
{
    char script[1024];
    int size = snprintf(script, sizeof script, "#!/bin/sh\n%s\n", text);
    folder_write(w->script, script, (size_t)size);
    assert_int_equal(chmod(w->script, 0700), 0);
    bp_status status = compile(w, w->script, time_ms, NULL);
    if (status != BP_OK)
        assert_null(w->code);
    return status;
}

static void assert_code(world *w)
{
    bp__module *module = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp__module_load(w->engine, (bp_bytes){w->code, w->size}, &module, &error),
                  &error);
    assert_int_equal(module->export_count, 3);
    bp__module_free(module);
}

/* ---- the real one ---- */

static void it_makes_code_for_this_engine(void **state)
{
    world *w = *state;
    assert_status(BP_OK, compile(w, real(), PATIENCE_MS, NULL), &w->error);
    assert_code(w);
    assert_status(BP_OK, compile(w, real(), BP_UNLIMITED, NULL), &w->error);
    assert_code(w);
}

static void it_says_what_is_wrong_with_a_module(void **state)
{
    world *w = *state;
    bp_bytes good = w->wasm;
    bp__module *module;
    bp_error here = BP_ERROR_INIT;
    /* Function 0 returns an i32; here it returns nothing. */
    w->wasm = BP_BYTES("\0asm\1\0\0\0\1\5\1\x60\0\1\x7f\3\2\1\0\xa\4\1\2\0\xb");
    assert_int_equal(compile(w, real(), PATIENCE_MS, NULL), BP_EFORMAT);
    assert_int_equal(bp__module_compile(w->engine, w->wasm, &module, &here), BP_EFORMAT);
    assert_string_equal(w->error.message, here.message);
    w->wasm = good;
}

static void it_is_not_for_running_by_hand(void **state)
{
    (void)state;
    char command[FOLDER_PATH_MAX];
    snprintf(command, sizeof command, "%s 2>/dev/null 3<&- 4<&-", real());
    int how = system(command);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 3);
}

/* Two compilations at once do not mix up their descriptors; see thread_start() on assertions. */
typedef struct racer {
    world *w;
    pthread_t thread;
    bp_status status;
} racer;

static void *race(void *data)
{
    racer *self = data;
    uint8_t *code = NULL;
    size_t size = 0;
    bp__helper_ask ask = {real(), self->w->wasm, &self->w->key, PATIENCE_MS, BP_UNLIMITED, NULL};
    self->status = bp__helper_compile(self->w->engine, &ask, &code, &size, NULL);
    bp__free(code);
    return NULL;
}

static void several_at_once_do_not_disturb_each_other(void **state)
{
    world *w = *state;
    racer racers[4];
    for (size_t i = 0; i < COUNT(racers); i++) {
        racers[i] = (racer){.w = w};
        racers[i].thread = thread_start(0, race, &racers[i]);
    }
    for (size_t i = 0; i < COUNT(racers); i++) {
        thread_join(racers[i].thread);
        assert_int_equal(racers[i].status, BP_OK);
    }
}

/* ---- ended ---- */

/* One huge function, which takes seconds. */
static void one_that_takes_too_long_is_ended(void **state)
{
    world *w = *state;
    free((void *)w->wasm.data);
    w->wasm = wasm_make(1, 4 << 20, 1);
    assert_int_equal(bp__sha256(w->wasm, w->key.wasm, NULL), BP_OK);
    assert_int_equal(compile(w, real(), 20, NULL), BP_ETIMEDOUT);
    assert_string_equal(w->error.message, "compile: took longer than 20 ms");
    assert_int_equal(compile_by(w, "exec sleep 1000", 1), BP_ETIMEDOUT);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they map more themselves */
/* A module small enough to be taken, and large enough to make the compiler allocate without end. */
static void one_that_takes_too_much_memory_is_ended(void **state)
{
    world *w = *state;
    free((void *)w->wasm.data);
    w->wasm = wasm_make(1, 4 << 20, 1);
    w->memory_bytes = UINT64_C(256) << 20;
    assert_int_equal(bp__sha256(w->wasm, w->key.wasm, NULL), BP_OK);
    assert_int_equal(compile(w, real(), BP_UNLIMITED, NULL), BP_EENGINE);
    assert_non_null(
        strstr(w->error.message, "more than the 256 MiB that compile_memory_bytes allows"));
}
#endif

static void a_cancel_ends_it(void **state)
{
    world *w = *state;
    bp_cancel *cancel;
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    bp_cancel_trigger(cancel);
    assert_int_equal(compile(w, real(), BP_UNLIMITED, cancel), BP_ECANCELLED);
    bp_cancel_free(cancel);
}

/* ---- programs that are no compiler ---- */

static void a_crash_names_the_signal(void **state)
{
    world *w = *state;
    assert_int_equal(compile_by(w, "kill -ABRT $$", PATIENCE_MS), BP_EENGINE);
    assert_contains(w->error.message, "SIGABRT", "error");
    assert_contains(w->error.message, w->script, "error");
    assert_int_equal(compile_by(w, "kill -KILL $$", PATIENCE_MS), BP_EENGINE);
    assert_contains(w->error.message, "SIGKILL", "error");
    assert_int_equal(compile_by(w, "exit 7", PATIENCE_MS), BP_EENGINE);
    assert_contains(w->error.message, "code 7", "error");
}

static void nonsense_is_no_code(void **state)
{
    world *w = *state;
    char whole[FOLDER_PATH_MAX + 64];
    static const char *const programs[] = {
        "exit 0",
        "printf garbage >&4",
        "cat <&3 >&4",                                                       /* the job itself */
        "printf 'BPCODE\\r\\n\\001\\000\\000\\000\\001\\000\\000\\000' >&4", /* a good beginning */
        "head -c 100000 /dev/urandom >&4",
        "cat /bin/sh >&4; exit 0",
    };
    for (size_t i = 0; i < COUNT(programs); i++) {
        assert_int_equal(compile_by(w, programs[i], PATIENCE_MS), BP_EENGINE);
        assert_contains(w->error.message, "without an answer that is its own", "error");
    }
    /* A good answer of which one byte changes afterwards. */
    snprintf(whole, sizeof whole, "%s; printf x | dd of=/dev/fd/4 bs=1 seek=1000 conv=notrunc",
             real());
    assert_int_equal(compile_by(w, whole, PATIENCE_MS), BP_EENGINE);
}

/* The answer's file does not grow, so a flood ends there. */
static void a_flood_is_dammed(void **state)
{
    world *w = *state;
    assert_int_equal(compile_by(w, "exec cat /dev/zero >&4", PATIENCE_MS), BP_EENGINE);
    assert_contains(w->error.message, "code 1", "error");
    assert_int_equal(compile_by(w, "exec truncate -s 0 /dev/fd/4", PATIENCE_MS), BP_EENGINE);
}

static void what_cannot_be_started_is_not_the_modules_fault(void **state)
{
    world *w = *state;
    char path[FOLDER_PATH_MAX];
    assert_int_equal(compile(w, "/nowhere/bullpen-compile", PATIENCE_MS, NULL), BP_EUNSUPPORTED);
    assert_contains(w->error.message, "/nowhere/bullpen-compile", "error");
    folder_write(folder_path(w->folder, "text", path), "no program", 10);
    assert_int_equal(compile(w, path, PATIENCE_MS, NULL), BP_EUNSUPPORTED);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(compile(w, path, PATIENCE_MS, NULL), BP_EUNSUPPORTED);
    assert_int_equal(compile_by(w, "exit 3", PATIENCE_MS), BP_EUNSUPPORTED);
}

/* Another version's settings are not the host's: code for them would be refused when it is loaded.
 */
static void a_job_of_another_version_is_refused(void **state)
{
    world *w = *state;
    w->key.settings[5] ^= 1;
    assert_int_equal(compile(w, real(), PATIENCE_MS, NULL), BP_EUNSUPPORTED);
}

/* ---- what it inherits ---- */

static void it_gets_nothing_of_the_host(void **state)
{
    world *w = *state;
    char text[1024], path[FOLDER_PATH_MAX];
    int leak = dup(0); /* not closed on exec */
    setenv("BULLPEN_TEST_SECRET", "secret", 1);
    folder_path(w->folder, "seen", path);
    snprintf(text, sizeof text, "{ ls /proc/self/fd | tr '\\n' ' '; cat /proc/$$/environ; } >%s",
             path);
    assert_int_equal(compile_by(w, text, PATIENCE_MS), BP_EENGINE);
    close(leak);
    unsetenv("BULLPEN_TEST_SECRET");
    size_t size;
    unsigned char *seen = folder_read(path, &size);
    seen[size] = '\0';
    /* The fifth is of `ls`, which reads the folder; the shell may keep one at 10 or above. */
    assert_true(strncmp((char *)seen, "0 1 2 3 4 ", 10) == 0);
    assert_null(strstr((char *)seen, "secret"));
    free(seen);
}

static bool read_line(const char *path, const char *begins, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool found = false;
    while (file && !found && fgets(line, (int)size, file))
        found = strncmp(line, begins, strlen(begins)) == 0;
    if (file)
        fclose(file);
    return found;
}

/* The helper of a host process, once it has limited itself; 0 when there is none in time. */
static pid_t limited_child(pid_t host)
{
    char path[64], line[256];
    bp_deadline patience = bp_deadline_in_ms(PATIENCE_MS);
    while (!bp_deadline_passed(patience)) {
        int child = 0;
        snprintf(path, sizeof path, "/proc/%d/task/%d/children", host, host);
        if (read_line(path, "", line, sizeof line) && sscanf(line, "%d", &child) == 1) {
            snprintf(path, sizeof path, "/proc/%d/limits", child);
            unsigned long long core = 1;
            if (read_line(path, "Max core file size", line, sizeof line) &&
                sscanf(line, "Max core file size %llu", &core) == 1 && core == 0)
                return child;
        }
        sched_yield();
    }
    return 0;
}

/* The host is killed in the middle of a long compilation: nothing of it goes on. */
static void it_does_not_outlive_its_host(void **state)
{
    world *w = *state;
    if (access("/proc/self/task", F_OK) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        skip();
    free((void *)w->wasm.data);
    w->wasm = wasm_make(16, 1 << 20, 1); /* an engine takes no function above 7.6 MB */
    assert_int_equal(bp__sha256(w->wasm, w->key.wasm, NULL), BP_OK);
    pid_t host = fork();
    if (host == 0)
        _exit(compile(w, real(), BP_UNLIMITED, NULL) == BP_OK);
    pid_t helper = limited_child(host);
    assert_true(helper > 0);
    int how = 0;
    assert_int_equal(kill(host, SIGKILL), 0);
    assert_int_equal(waitpid(host, &how, 0), host);
    /* Adopted by this process, as its subreaper. */
    assert_int_equal(waitpid(helper, &how, 0), helper);
    bool killed = WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL;
    assert_true(killed || (WIFEXITED(how) && WEXITSTATUS(how) == BP__HELPER_REFUSED));
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

/* ---- hosts with ways of their own ---- */

static void a_host_that_ignores_sigchld_gets_its_code(void **state)
{
    world *w = *state;
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    bp_status status = compile(w, real(), PATIENCE_MS, NULL);
    bp_status crashed = compile_by(w, "kill -ABRT $$", PATIENCE_MS);
    signal(SIGCHLD, before);
    assert_status(BP_OK, status, &w->error);
    assert_int_equal(crashed, BP_EENGINE); /* which signal it was, nobody knows */
}

static void *wait_for_all(void *data)
{
    _Atomic bool *stop = data;
    while (!atomic_load_explicit(stop, memory_order_relaxed))
        waitpid(-1, NULL, WNOHANG);
    return NULL;
}

/* It may take the status, or even the child before there is a handle on it; never the result. */
static void a_host_that_waits_for_all_children_gets_its_code(void **state)
{
    world *w = *state;
    _Atomic bool stop = false;
    pthread_t thread = thread_start(0, wait_for_all, &stop);
    bp_status statuses[5];
    for (size_t i = 0; i < COUNT(statuses); i++)
        statuses[i] = compile(w, real(), PATIENCE_MS, NULL);
    atomic_store_explicit(&stop, true, memory_order_relaxed);
    thread_join(thread);
    for (size_t i = 0; i < COUNT(statuses); i++)
        assert_int_equal(statuses[i], BP_OK);
}

/* A limit on files is not one on the memory files, but the kernel does not know. */
static void a_limit_on_files_leaves_it_out(void **state)
{
    world *w = *state;
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bp_status status = compile(w, real(), PATIENCE_MS, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, BP_EUNSUPPORTED);
}

static void a_host_without_standard_descriptors_gets_its_code(void **state)
{
    world *w = *state;
    int kept = dup(0);
    close(0); /* so that a memory file gets number 0 */
    bp_status status = compile(w, real(), PATIENCE_MS, NULL);
    dup2(kept, 0);
    close(kept);
    assert_status(BP_OK, status, &w->error);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_makes_code_for_this_engine),
        TEST(it_says_what_is_wrong_with_a_module),
        TEST(it_is_not_for_running_by_hand),
        TEST(several_at_once_do_not_disturb_each_other),
        TEST(one_that_takes_too_long_is_ended),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        TEST(one_that_takes_too_much_memory_is_ended),
#endif
        TEST(a_cancel_ends_it),
        TEST(a_crash_names_the_signal),
        TEST(nonsense_is_no_code),
        TEST(a_flood_is_dammed),
        TEST(what_cannot_be_started_is_not_the_modules_fault),
        TEST(a_job_of_another_version_is_refused),
        TEST(it_gets_nothing_of_the_host),
        TEST(it_does_not_outlive_its_host),
        TEST(a_host_that_ignores_sigchld_gets_its_code),
        TEST(a_host_that_waits_for_all_children_gets_its_code),
        TEST(a_limit_on_files_leaves_it_out),
        TEST(a_host_without_standard_descriptors_gets_its_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
