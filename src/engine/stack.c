/* Guests run on the caller's own stack. Wasmtime trusts that `stack_bytes` are there; if they are
 * not, the process dies of SIGSEGV. So every call compares. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/error.h"
#include "engine/alt_stack.h"
#include "engine/private.h"

/* Room for our own frames and Wasmtime's below the guest's. */
#define HOST_STACK_BYTES (UINT64_C(128) * 1024)

/* What a thread needs before its first guest; each stage has those before it. */
enum { UNPREPARED = 0, WITHOUT_SIGNALS = 1, PREPARED = 2 };

/* This thread's stack; looked up once, since it reads /proc for the first thread. */
static _Thread_local struct {
    uintptr_t start, end;
    int stage;
} this_stack;

/* A guest's faults come as signals to the thread it runs on, and a fault whose signal is blocked
 * kills the process, handlers or not. Threads that block everything are usual (helpers, daemons
 * that wait for signals in one place), so these four are let through, once a thread. */
static void unblock_faults(void)
{
    sigset_t faults;
    sigemptyset(&faults);
    sigaddset(&faults, SIGSEGV);
    sigaddset(&faults, SIGILL);
    sigaddset(&faults, SIGFPE);
    sigaddset(&faults, SIGBUS);
    pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
}

static void look_up(void)
{
    pthread_attr_t attributes;
    void *start;
    size_t size;
    this_stack.start = 0;
    this_stack.end = 0; /* nothing is inside: not known */
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &start, &size) == 0) {
        this_stack.start = (uintptr_t)start;
        this_stack.end = (uintptr_t)start + size;
    }
    pthread_attr_destroy(&attributes);
}

static bp_status prepare(int stage, bp_error *reterr)
{
    bp_status status = bp__alt_stack_ensure(reterr);
    if (status != BP_OK)
        return status;
    if (!bp__alloc_works())
        return bp_error_set(reterr, BP_ENOMEM,
                            "this thread gets no memory of its own; raise vm.max_map_count or "
                            "RLIMIT_AS, or lower sandboxes_max");
    if (stage == PREPARED)
        unblock_faults();
    if (this_stack.stage == UNPREPARED)
        look_up();
    this_stack.stage = stage;
    return BP_OK;
}

bp_status bp__engine_check_stack(const bp__engine *engine, bp_error *reterr)
{
    int stage = engine->no_signals ? WITHOUT_SIGNALS : PREPARED;
    if (__builtin_expect(this_stack.stage < stage, 0)) {
        bp_status status = prepare(stage, reterr);
        if (status != BP_OK)
            return status;
    }
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    /* On a stack that the thread library does not know (a coroutine's) nothing can be compared. */
    if (here < this_stack.start || here >= this_stack.end)
        return BP_OK;
    uint64_t left = here - this_stack.start;
    uint64_t needed = engine->stack_bytes + HOST_STACK_BYTES;
    if (__builtin_expect(left >= needed, 1))
        return BP_OK;
    return bp_error_set(reterr, BP_EINVAL,
                        "this thread has %llu KiB of stack left, a call needs %llu KiB; give the "
                        "thread a larger stack, lower stack_bytes, or call from another thread",
                        (unsigned long long)(left / 1024), (unsigned long long)(needed / 1024));
}
