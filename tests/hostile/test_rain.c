/* Signals that come all the time to the host's own threads: nothing is cut short, nothing is
 * mistaken for a wake-up. And what signals our threads take: none. SPDX-License-Identifier:
 * Apache-2.0 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "support/folder.h"
#include "support/host.h"
#include "support/signals.h"
#include "support/thread.h"
#include "support/wasm.h"

#define DROP_NS 1000000 /* one a millisecond */

static _Atomic unsigned drops;

static void on_drop(int number)
{
    (void)number;
    drops++;
}

/* On this thread, until it stops: a handler without SA_RESTART, so system calls end with EINTR. */
static bool rain_begin(int number, timer_t *ret)
{
    struct sigaction action = {.sa_handler = on_drop};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = number};
    const struct itimerspec every = {{0, DROP_NS}, {0, DROP_NS}};
    sigemptyset(&action.sa_mask);
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    return sigaction(number, &action, NULL) == 0 &&
           timer_create(CLOCK_MONOTONIC, &event, ret) == 0 &&
           timer_settime(*ret, 0, &every, NULL) == 0;
}

static timer_t rain_start(void)
{
    timer_t timer;
    drops = 0;
    assert_true(rain_begin(SIGUSR1, &timer));
    return timer;
}

static void rain_stop(timer_t timer)
{
    assert_int_equal(timer_delete(timer), 0);
}

static bp_outcome outcome_of(bp_plugin *plugin, const char *export_name, uint32_t timeout_ms)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    call.timeout_ms = timeout_ms;
    bp_call_result result = call_ran_with(plugin, &call);
    bp_outcome outcome = (bp_outcome)result.outcome;
    bp_call_result_done(&result);
    return outcome;
}

static void calls_end_as_they_do_in_the_dry(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin *traps = host_load(&self, "traps.wat", NULL),
              *time = host_load(&self, "time.wat", NULL);
    timer_t timer = rain_start();
    while (drops < 100) {
        assert_int_equal(outcome_of(traps, "ping", PATIENCE_MS), BP_OUTCOME_FINISHED);
        assert_int_equal(outcome_of(traps, "load_far", PATIENCE_MS), BP_OUTCOME_TRAPPED);
        assert_int_equal(outcome_of(traps, "divide", PATIENCE_MS), BP_OUTCOME_TRAPPED);
        assert_int_equal(outcome_of(time, "loop", 5), BP_OUTCOME_TIMED_OUT);
        host_neighbour_answers(&self);
    }
    rain_stop(timer);
    host_unload(&self, time);
    host_unload(&self, traps);
    host_close(&self);
}

/* ---- waiting ---- */

static void *trigger(void *data)
{
    while (drops < 150)
        sched_yield();
    bp_cancel_trigger(data);
    return NULL;
}

static void waits_last_until_their_deadline(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = 1;
    bp_plugin *plugin = host_load(&self, "traps.wat", &options);
    bp_session *session = NULL;
    bp_cancel *cancel = NULL;
    assert_int_equal(bp_session_open(plugin, NULL, &session, NULL), BP_OK);
    assert_int_equal(bp_cancel_new(&cancel, NULL), BP_OK);
    timer_t timer = rain_start();
    bp_call call = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    call.export_name = "ping";
    call.by = bp_deadline_in_ms(50);
    assert_int_equal(bp_plugin_call(plugin, &call, &result, NULL), BP_ETIMEDOUT);
    assert_true(bp_deadline_passed(call.by)); /* not before it */
    call.by = bp_deadline_in_ms(PATIENCE_MS);
    call.cancel = cancel;
    pthread_t thread = thread_start(0, trigger, cancel);
    assert_int_equal(bp_plugin_call(plugin, &call, &result, NULL), BP_ECANCELLED);
    assert_true(drops >= 150);
    thread_join(thread);
    bp_deadline by = bp_deadline_in_ms(30);
    assert_int_equal(bp_pool_close(bp_plugin_pool(plugin), by), BP_ETIMEDOUT);
    assert_true(bp_deadline_passed(by));
    rain_stop(timer);
    bp_session_end(session);
    bp_cancel_free(cancel);
    bp_plugin_unref(plugin);
    host_close(&self);
}

/* ---- a crowd: each thread under a rain of its own ---- */

#define CROWD 4

typedef struct member {
    bp_plugin *plugin;
    int number;
    unsigned calls, failures;
    char first[BP_ERROR_MESSAGE_MAX];
} member;

static void note(member *self, const char *what)
{
    if (self->failures++ == 0)
        snprintf(self->first, sizeof self->first, "%s", what);
}

/* Without a sandbox of its own: nearly every call waits until another thread gives it one. */
static void *call_under_rain(void *data)
{
    member *self = data;
    timer_t timer;
    if (!rain_begin(self->number, &timer)) {
        note(self, "no timer");
        return NULL;
    }
    while (drops < 100 * CROWD || self->calls < 100) {
        bp_call call = BP_CALL_INIT;
        bp_call_result result = BP_CALL_RESULT_INIT;
        bp_error error = BP_ERROR_INIT;
        call.export_name = self->calls % 8 ? "ping" : "load_far";
        call.timeout_ms = PATIENCE_MS; /* a wake-up that is lost becomes a timeout */
        bp_outcome expected = self->calls % 8 ? BP_OUTCOME_FINISHED : BP_OUTCOME_TRAPPED;
        if (bp_plugin_call(self->plugin, &call, &result, &error) != BP_OK)
            note(self, error.message);
        else if (result.outcome != expected)
            note(self, bp_outcome_name((bp_outcome)result.outcome));
        bp_call_result_done(&result);
        self->calls++;
    }
    timer_delete(timer);
    return NULL;
}

static void no_wake_up_is_lost_in_a_crowd(void **state)
{
    (void)state;
    static const int numbers[] = {SIGUSR1, SIGALRM};
    host self;
    host_open(&self, NULL);
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = 1;
    options.limits.time_ms = PATIENCE_MS;
    bp_plugin *plugin = host_load(&self, "traps.wat", &options);
    member members[CROWD] = {0};
    pthread_t threads[CROWD];
    drops = 0;
    for (size_t i = 0; i < CROWD; i++) {
        members[i].plugin = plugin;
        members[i].number = numbers[i % COUNT(numbers)];
        threads[i] = thread_start(0, call_under_rain, &members[i]);
    }
    for (size_t i = 0; i < CROWD; i++)
        thread_join(threads[i]);
    for (size_t i = 0; i < CROWD; i++)
        if (members[i].failures)
            fail_msg("%u of %u calls: %s", members[i].failures, members[i].calls, members[i].first);
    assert_true(plugin_stats(plugin).takes[BP_TAKE_MISS] > 0); /* there was waiting */
    host_unload(&self, plugin);
    host_close(&self);
}

/* ---- ends that wait ---- */

static void *end_session(void *data)
{
    unsigned before = drops;
    while (drops < before + 20)
        sched_yield();
    bp_session_end(data);
    return NULL;
}

static void what_is_ended_ends(void **state)
{
    (void)state;
    host self;
    host_open(&self, NULL);
    timer_t timer = rain_start();
    while (drops < 200) {
        bp_plugin *plugin = host_load(&self, "traps.wat", NULL);
        bp_session *session = NULL;
        assert_int_equal(bp_session_open(plugin, NULL, &session, NULL), BP_OK);
        pthread_t thread = thread_start(0, end_session, session);
        assert_int_equal(bp_pool_close(bp_plugin_pool(plugin), bp_deadline_in_ms(PATIENCE_MS)),
                         BP_OK);
        thread_join(thread);
        bp_plugin_unref(plugin);
        bp_runtime *other = NULL; /* joins its threads */
        assert_int_equal(bp_runtime_new(NULL, &other, NULL), BP_OK);
        bp_runtime_unref(other);
    }
    rain_stop(timer);
    host_close(&self);
}

/* Compiling by another process has waiting, reading and reaping in it. */
static void modules_are_compiled(void **state)
{
    (void)state;
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 16;
    options.cache_dir = "";
    options.compiled_max = BP_POOL_NONE;
    options.helper_bytes_min = 1;
    host self;
    host_open(&self, &options);
    timer_t timer = rain_start();
    for (unsigned i = 0; drops < 100; i++) {
        bp_bytes wasm = wasm_make(4, 2000, i);
        bp_plugin *plugin = NULL;
        bp_error error = BP_ERROR_INIT;
        bp_plugin_options none = BP_PLUGIN_OPTIONS_INIT;
        assert_status(BP_OK, bp_plugin_load_bytes(self.runtime, wasm, &none, &plugin, &error),
                      &error);
        bp_plugin_info info = BP_PLUGIN_INFO_INIT;
        assert_int_equal(bp_plugin_get_info(plugin, &info, NULL), BP_OK);
        assert_int_equal(info.code_source, BP_CODE_HELPER);
        bp_plugin_unref(plugin);
        free((void *)wasm.data);
    }
    rain_stop(timer);
    host_close(&self);
}

/* ---- our own threads ---- */

typedef struct threads {
    unsigned all, ours, open; /* open: one of ours that takes a signal that is not its own fault */
} threads;

static void look_at(const char *id, threads *to)
{
    char path[300], line[256], name[64] = "";
    unsigned long long blocked = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", id);
    FILE *status = fopen(path, "r");
    if (!status)
        return;
    while (fgets(line, sizeof line, status)) {
        (void)sscanf(line, "Name: %63s", name);
        (void)sscanf(line, "SigBlk: %llx", &blocked);
    }
    fclose(status);
    to->all++;
    if (strncmp(name, "bp-", 3) != 0 && strncmp(name, "bullpen-", 8) != 0)
        return;
    to->ours++;
    static const int wanted[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGUSR1, SIGUSR2, SIGALRM,  SIGTERM,
                                 SIGCHLD, SIGPIPE, SIGWINCH, SIGIO,   SIGPROF, SIGVTALRM};
    for (size_t i = 0; i < COUNT(wanted); i++)
        if (!(blocked >> (wanted[i] - 1) & 1)) {
            print_error("thread '%s' takes signal %d\n", name, wanted[i]);
            to->open++;
        }
}

static threads look_at_threads(void)
{
    threads found = {0};
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks));)
        if (task->d_name[0] != '.')
            look_at(task->d_name, &found);
    closedir(tasks);
    return found;
}

static void our_threads_take_no_signals(void **state)
{
    (void)state;
    threads before = look_at_threads();
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 16;
    bp_runtime *runtime = NULL;
    assert_int_equal(bp_runtime_new(&options, &runtime, NULL), BP_OK);
    bp_keeper *keeper = NULL;
    assert_int_equal(bp_keeper_new(NULL, &keeper, NULL), BP_OK);
    assert_int_equal(look_at_threads().all, before.all); /* they start when there is work */
    bp_keeper_free(keeper);
    bp_runtime_unref(runtime);
    host self;
    host_open(&self, NULL);
    host_neighbour_answers(&self);
    host_neighbour_answers(&self); /* by now one was given back, so helpers are there */
    threads now = look_at_threads();
    assert_true(now.ours >= 3);
    assert_int_equal(now.all, before.all + now.ours); /* each has a name of ours */
    assert_int_equal(now.open, 0);
    host_close(&self);
    while (look_at_threads().all != before.all) /* joined, but the kernel may not have taken note */
        sched_yield();
}

static void a_stores_threads_take_no_signals_either(void **state)
{
    (void)state;
    char folder[FOLDER_PATH_MAX], location[FOLDER_PATH_MAX + 8];
    threads before = look_at_threads();
    folder_make(folder);
    snprintf(location, sizeof location, "file:%s", folder);
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    options.location = location;
    bp_kv *kv = NULL;
    bp_error error = BP_ERROR_INIT;
    assert_status(BP_OK, bp_kv_open(&options, &kv, &error), &error);
    bp_kv_call call = BP_KV_CALL_INIT;
    bp_kv_change change = BP_KV_CHANGE_INIT;
    call.plugin = BP_BYTES("plugin");
    change.ttl_ms = PATIENCE_MS;
    assert_status(BP_OK,
                  bp_kv_set(kv, &call, BP_BYTES("key"), BP_BYTES("value"), &change, NULL, &error),
                  &error);
    threads now = look_at_threads();
    while (now.all != before.all + now.ours) /* one that begins may not have its name yet */
        now = look_at_threads();
    assert_true(now.ours > before.ours);
    assert_int_equal(now.open, 0);
    bp_kv_unref(kv);
    folder_remove(folder);
}

int main(void)
{
    signals_remember();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_end_as_they_do_in_the_dry),
        cmocka_unit_test(waits_last_until_their_deadline),
        cmocka_unit_test(no_wake_up_is_lost_in_a_crowd),
        cmocka_unit_test(what_is_ended_ends),
        cmocka_unit_test(modules_are_compiled),
        cmocka_unit_test(our_threads_take_no_signals),
        cmocka_unit_test(a_stores_threads_take_no_signals_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
