/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/signals.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/error.h"

/* The faults that Wasmtime has handlers for on Linux. */
static const struct {
    int number;
    const char *name;
} faults[] = {{SIGSEGV, "SIGSEGV"}, {SIGILL, "SIGILL"}, {SIGFPE, "SIGFPE"}};
#define FAULTS (sizeof faults / sizeof *faults)

static struct sigaction ours[FAULTS]; /* written once, before anybody can ask */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void remember(void)
{
    for (size_t i = 0; i < FAULTS; i++)
        sigaction(faults[i].number, NULL, &ours[i]);
}

void bp__signals_remember(void)
{
    pthread_once(&once, remember);
}

/* sa_handler and sa_sigaction share their place. */
static bool same_handler(const struct sigaction *a, const struct sigaction *b)
{
    return memcmp(&a->sa_sigaction, &b->sa_sigaction, sizeof a->sa_sigaction) == 0;
}

bp_status bp__signals_check(bp_error *reterr)
{
    for (size_t i = 0; i < FAULTS; i++) {
        struct sigaction now;
        if (sigaction(faults[i].number, NULL, &now) == 0 && same_handler(&now, &ours[i]))
            continue;
        return bp_error_set(reterr, BP_EINVAL,
                            "a handler of %s that was installed after the first runtime gets guests' "
                            "faults: install it before, let it pass on to the handler that was "
                            "there, or make the runtime with signals = BP_SIGNALS_NONE",
                            faults[i].name);
    }
    return BP_OK;
}
