/* Bullpen: a host of plugins that does what it is told, a line at a time.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A command is a verb and key=value pairs; values are percent-encoded. Each is answered by one line
 * of such pairs. cases.py has the commands that make a case; what came of them is judged there.
 *
 *   hello                                            which host this is
 *   load name= file= [timeout_ms= memory_pages= …]   load a plugin under a name
 *   call name= export= [input= | zeros=] [calls= expect= instance= fresh=]
 *   start id= [stack=] and what call takes           the same on a thread of its own
 *   join id=                                         the answer of that
 *   cancel name= instance=                           end a call that another thread makes
 *   reset name= instance=                            make a kept instance pristine
 *   many name= export= count=                        sandboxes alive at once
 *   handler                                          the host's own SIGSEGV handler, from now on
 *   fault                                            a fault of the host: does its handler see it?
 */
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PAIRS_MAX 16
#define PLUGINS_MAX 16
#define TASKS_MAX 16

/* ---- one line */

struct request {
    char *line; /* cut up in place */
    const char *verb;
    const char *keys[PAIRS_MAX], *values[PAIRS_MAX];
    size_t count;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(70);
}

static void decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++, to++) {
        unsigned byte;
        if (*from == '%' && sscanf(from + 1, "%2x", &byte) == 1) {
            *to = (char)byte;
            from += 2;
        } else {
            *to = *from;
        }
    }
    *to = '\0';
}

/** @p line is consumed. */
static void request_read(struct request *request, char *line)
{
    *request = (struct request){.line = line};
    char *rest = line;
    request->verb = strtok_r(line, " \n", &rest);
    if (!request->verb)
        die("an empty command");
    for (char *pair; (pair = strtok_r(NULL, " \n", &rest));) {
        char *equals = strchr(pair, '=');
        if (!equals || request->count == PAIRS_MAX)
            die("a command of another kind than key=value");
        *equals = '\0';
        decode(equals + 1);
        request->keys[request->count] = pair;
        request->values[request->count++] = equals + 1;
    }
}

static const char *text_of(const struct request *request, const char *key, const char *otherwise)
{
    for (size_t i = 0; i < request->count; i++)
        if (strcmp(request->keys[i], key) == 0)
            return request->values[i];
    return otherwise;
}

static uint64_t number_of(const struct request *request, const char *key)
{
    return strtoull(text_of(request, key, "0"), NULL, 10);
}

static void print_text(const char *key, const char *text)
{
    printf(" %s=", key);
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte > ' ' && byte < 0x7f && byte != '%')
            putchar(byte);
        else
            printf("%%%02x", byte);
    }
}

/* ---- answers */

void host_answer_output(struct host_answer *answer, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    if (size > ((size_t)1 << 40)) /* reading it ends us: these are the last words */
        fprintf(stderr, "the host is told of an output of %zu bytes\n", size);
    answer->outcome = HOST_FINISHED;
    answer->size = size;
    answer->hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < size; i++)
        answer->hash = (answer->hash ^ bytes[i]) * 0x100000001b3U;
    if (size)
        memcpy(answer->head, bytes, size < HOST_HEAD_MAX ? size : HOST_HEAD_MAX);
}

void host_answer_failed(struct host_answer *answer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(answer->message, sizeof answer->message, format, arguments);
    va_end(arguments);
    answer->outcome = HOST_FAILED;
}

/** What a command came to. */
struct reply {
    struct host_answer answer;
    uint64_t done; /* calls that finished, or sandboxes alive */
    double ms, slowest_ms;
};

static void reply_print(const struct reply *reply)
{
    static const char *const names[] = {"finished", "failed", "not_offered"};
    const struct host_answer *answer = &reply->answer;
    printf("outcome=%s done=%llu ms=%.1f slowest_ms=%.1f size=%zu hash=%016llx head=",
           names[answer->outcome], (unsigned long long)reply->done, reply->ms, reply->slowest_ms,
           answer->size, (unsigned long long)answer->hash);
    for (size_t i = 0; i < answer->size && i < HOST_HEAD_MAX; i++)
        printf("%02x", answer->head[i]);
    print_text("message", answer->message);
    putchar('\n');
    fflush(stdout);
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- plugins by name */

static struct {
    char *name;
    struct host_plugin *plugin;
} plugins[PLUGINS_MAX];
static size_t plugin_count;

static struct host_plugin *plugin_of(const struct request *request)
{
    const char *name = text_of(request, "name", "");
    for (size_t i = 0; i < plugin_count; i++)
        if (strcmp(plugins[i].name, name) == 0)
            return plugins[i].plugin;
    die("no plugin of that name");
}

static void do_load(const struct request *request, struct reply *reply)
{
    uint64_t instances = number_of(request, "instances");
    struct host_options options = {
        .file = text_of(request, "file", ""),
        .timeout_ms = number_of(request, "timeout_ms"),
        .init_timeout_ms = number_of(request, "init_timeout_ms"),
        .memory_pages = number_of(request, "memory_pages"),
        .var_bytes = number_of(request, "var_bytes"),
        .instances = instances ? (unsigned)instances : 1,
        .alive_max = number_of(request, "alive_max"),
        .wasi = number_of(request, "wasi") != 0,
        .log = number_of(request, "log") != 0,
    };
    if (plugin_count == PLUGINS_MAX)
        die("too many plugins");
    struct host_plugin *plugin = host_load(&options, &reply->answer);
    if (!plugin)
        return;
    plugins[plugin_count].name = strdup(text_of(request, "name", ""));
    if (!plugins[plugin_count].name)
        die("out of memory");
    plugins[plugin_count++].plugin = plugin;
}

/* ---- calls */

static bool as_expected(const struct host_answer *answer, const char *expect)
{
    return !expect || (strlen(expect) == answer->size && answer->size <= HOST_HEAD_MAX &&
                       memcmp(expect, answer->head, answer->size) == 0);
}

/** Calls until all are done, or one did not end as it should. */
static void do_call(const struct request *request, struct reply *reply)
{
    struct host_call call = {
        .export_name = text_of(request, "export", ""),
        .input = text_of(request, "input", ""),
        .instance = (unsigned)number_of(request, "instance"),
        .fresh = number_of(request, "fresh") != 0,
    };
    struct host_plugin *plugin = plugin_of(request);
    const char *expect = text_of(request, "expect", NULL);
    uint64_t calls = number_of(request, "calls"), zeros = number_of(request, "zeros");
    void *large = zeros ? calloc(zeros, 1) : NULL;
    if (zeros && !large)
        die("out of memory");
    call.size = zeros ? zeros : strlen(call.input);
    call.input = zeros ? large : call.input;
    do {
        double begin = now_ms();
        reply->answer = (struct host_answer){.outcome = HOST_FAILED};
        host_call(plugin, &call, &reply->answer);
        double took = now_ms() - begin;
        reply->slowest_ms = took > reply->slowest_ms ? took : reply->slowest_ms;
        if (reply->answer.outcome != HOST_FINISHED || !as_expected(&reply->answer, expect))
            break;
        reply->done++;
    } while (reply->done < calls);
    free(large);
}

static struct task {
    pthread_t thread;
    struct request request;
    struct reply reply;
} tasks[TASKS_MAX];

static struct task *task_of(const struct request *request)
{
    uint64_t id = number_of(request, "id");
    if (id >= TASKS_MAX)
        die("no task of that number");
    return &tasks[id];
}

static void *task_run(void *data)
{
    struct task *task = data;
    double begin = now_ms();
    do_call(&task->request, &task->reply);
    task->reply.ms = now_ms() - begin;
    return NULL;
}

/** The task owns the request's line from now on. */
static void do_start(const struct request *request)
{
    struct task *task = task_of(request);
    *task = (struct task){.request = *request};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    uint64_t stack = number_of(request, "stack");
    if (stack && pthread_attr_setstacksize(&attributes, stack) != 0)
        die("the thread's stack has no possible size");
    if (pthread_create(&task->thread, &attributes, task_run, task) != 0)
        die("no thread");
    pthread_attr_destroy(&attributes);
}

static void do_join(const struct request *request, struct reply *reply)
{
    struct task *task = task_of(request);
    pthread_join(task->thread, NULL);
    *reply = task->reply;
    free(task->request.line);
}

/* ---- the host's own faults */

static sigjmp_buf back;
static volatile sig_atomic_t expected;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
    if (expected)
        siglongjmp(back, 1);
    /* Not the one that was asked for: as if there were no handler. */
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(SIGSEGV, &plain, NULL);
}

static void do_handler(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (sigaction(SIGSEGV, &action, NULL) != 0)
        die("no handler");
}

static void do_fault(struct reply *reply)
{
    void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        die("no page");
    expected = 1;
    if (sigsetjmp(back, 1) == 0) {
        *(volatile char *)page = 1;
        host_answer_failed(&reply->answer, "the fault went unseen");
    }
    expected = 0;
    munmap(page, 4096);
}

/* ---- all of them */

/** @return whether the request's line is still needed. */
static bool run(const struct request *request, struct reply *reply)
{
    const char *verb = request->verb;
    struct host_answer *answer = &reply->answer;
    unsigned instance = (unsigned)number_of(request, "instance");
    if (strcmp(verb, "hello") == 0)
        snprintf(answer->message, sizeof answer->message, "%s", host_version());
    else if (strcmp(verb, "load") == 0)
        do_load(request, reply);
    else if (strcmp(verb, "call") == 0)
        do_call(request, reply);
    else if (strcmp(verb, "start") == 0)
        return do_start(request), true;
    else if (strcmp(verb, "join") == 0)
        do_join(request, reply);
    else if (strcmp(verb, "cancel") == 0)
        host_cancel(plugin_of(request), instance, answer);
    else if (strcmp(verb, "reset") == 0)
        host_reset(plugin_of(request), instance, answer);
    else if (strcmp(verb, "many") == 0)
        reply->done = host_many(plugin_of(request),
                                &(struct host_call){.export_name = text_of(request, "export", "")},
                                number_of(request, "count"), answer);
    else if (strcmp(verb, "handler") == 0)
        do_handler();
    else if (strcmp(verb, "fault") == 0)
        do_fault(reply);
    else
        die("no such command");
    return false;
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        struct request request;
        struct reply reply = {0};
        request_read(&request, line);
        double begin = now_ms();
        bool kept = run(&request, &reply);
        if (strcmp(request.verb, "join") != 0)
            reply.ms = now_ms() - begin;
        reply_print(&reply);
        if (kept) {
            line = NULL;
            room = 0;
        }
    }
    /* What is left is the kernel's to end: a guest that never comes back must not keep us here. */
    _Exit(0);
}
