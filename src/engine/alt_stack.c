/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/alt_stack.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

/* What Wasmtime 48 wants to find (MIN_STACK_SIZE in its sys/unix/signals.rs): with less it makes
 * its own. tests/hostile/test_scarce.c fails if that grows. */
#define STACK_BYTES ((size_t)64 * 4096)

static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

static size_t guard_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* `stack` is where ours begins, behind its guard. Not if somebody else's is in its place: he may
 * have put ours aside, to put it back. */
static void end(void *stack)
{
    stack_t now;
    if (sigaltstack(NULL, &now) != 0 || now.ss_sp != stack || (now.ss_flags & SS_ONSTACK))
        return;
    now.ss_flags = SS_DISABLE;
    if (sigaltstack(&now, NULL) == 0)
        munmap((char *)stack - guard_bytes(), guard_bytes() + STACK_BYTES);
}

static void make_key(void)
{
    has_key = pthread_key_create(&at_thread_end, end) == 0;
}

static bool is_there(void)
{
    stack_t now;
    return sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE) &&
           now.ss_size >= STACK_BYTES;
}

/* The guard turns a handler that needs more into a fault instead of somebody else's bytes. */
static char *map_stack(void)
{
    size_t guard = guard_bytes();
    char *mapped = mmap(NULL, guard + STACK_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return NULL;
    if (mprotect(mapped + guard, STACK_BYTES, PROT_READ | PROT_WRITE) == 0)
        return mapped + guard;
    int failed = errno;
    munmap(mapped, guard + STACK_BYTES);
    errno = failed;
    return NULL;
}

bp_status bp__alt_stack_ensure(bp_error *reterr)
{
    if (is_there())
        return BP_OK;
    pthread_once(&once, make_key);
    char *stack = has_key ? map_stack() : NULL;
    if (!stack)
        return bp__error_os(reterr, BP_ENOMEM, errno,
                            "this thread gets no stack for signal handlers; raise vm.max_map_count "
                            "or RLIMIT_AS, or lower sandboxes_max");
    const stack_t ours = {.ss_sp = stack, .ss_size = STACK_BYTES};
    if (sigaltstack(&ours, NULL) == 0 && pthread_setspecific(at_thread_end, stack) == 0)
        return BP_OK;
    int failed = errno;
    end(stack);
    return bp__error_os(reterr, BP_ESYSTEM, failed, "give this thread a stack for signal handlers");
}
