/* SPDX-License-Identifier: Apache-2.0 */
#include "support/signals.h"

#include <bullpen/runtime.h>
#include <signal.h>
#include <stdlib.h>

#define SIGNALS 4

static const int numbers[SIGNALS] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction actions[SIGNALS];

void signals_remember(void)
{
    bp_runtime *runtime = NULL;
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 4;
    if (bp_runtime_new(&options, &runtime, NULL) != BP_OK)
        abort();
    bp_runtime_unref(runtime);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(numbers[i], NULL, &actions[i]);
}

void signals_take(void)
{
    for (int i = 0; i < SIGNALS; i++)
        sigaction(numbers[i], &actions[i], NULL);
}
