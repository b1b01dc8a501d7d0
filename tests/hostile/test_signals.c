/* Faults: the guests' become outcomes, the host's go to its own handlers. Each test is a process of
 * its own, since handlers are installed once a process. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "support/child.h"
#include "support/host.h"

static const int faults[] = {SIGSEGV, SIGILL, SIGFPE};

static bp_runtime *runtime_new(bp_signals signals)
{
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 16;
    options.signals = signals;
    options.cache_dir = "";
    bp_runtime *runtime = NULL;
    bp_error error = BP_ERROR_INIT;
    if (bp_runtime_new(&options, &runtime, &error) != BP_OK)
        fprintf(stderr, "%s\n", error.message);
    NEED(runtime);
    return runtime;
}

static bp_plugin *load(bp_runtime *runtime, const char *guest)
{
    char path[GUEST_PATH_MAX];
    guest_path(guest, path);
    bp_plugin *plugin = NULL;
    bp_error error = BP_ERROR_INIT;
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.limits.time_ms = PATIENCE_MS;
    if (bp_plugin_load_file(runtime, path, &options, &plugin, &error) != BP_OK)
        fprintf(stderr, "%s\n", error.message);
    NEED(plugin);
    return plugin;
}

static bool ends_with(bp_plugin *plugin, const char *export_name, bp_outcome outcome)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    bool as_expected =
        bp_plugin_call(plugin, &call, &result, &error) == BP_OK && result.outcome == outcome;
    if (!as_expected)
        fprintf(stderr, "%s: %s %s\n", export_name, error.message, result.message);
    bp_call_result_done(&result);
    return as_expected;
}

static void every_trap_is_an_outcome(bp_plugin *plugin)
{
    static const char *const exports[] = {"unreachable", "divide",    "overflow",  "convert",
                                          "load_far",    "load_next", "store_far", "copy_far",
                                          "call_null",   "call_beyond"};
    for (size_t i = 0; i < COUNT(exports); i++) {
        NEED(ends_with(plugin, exports[i], BP_OUTCOME_TRAPPED));
        NEED(ends_with(plugin, "ping", BP_OUTCOME_FINISHED));
    }
}

/* ---- the host's own handler ---- */

static volatile sig_atomic_t host_faults;
static sigjmp_buf after_fault;
static struct sigaction replaced;

static void catch(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    (void)context;
    host_faults++;
    siglongjmp(after_fault, 1);
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    replaced.sa_sigaction(number, info, context);
}

static void install(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    NEED(sigaction(SIGSEGV, &action, &replaced) == 0);
}

/* A fault that no guest made. */
static void fault(void)
{
    volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(page != MAP_FAILED);
    if (sigsetjmp(after_fault, 1) == 0)
        page[0] = 1;
}

static void play_before(void)
{
    install(catch);
    bp_runtime *runtime = runtime_new(BP_SIGNALS_HANDLERS);
    bp_plugin *plugin = load(runtime, "traps.wat");
    every_trap_is_an_outcome(plugin);
    NEED(host_faults == 0);
    fault();
    NEED(host_faults == 1);
    NEED(ends_with(plugin, "load_far", BP_OUTCOME_TRAPPED));
    NEED(bp_runtime_check_signals(runtime, NULL) == BP_OK);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
}

static void a_handler_from_before_gets_what_is_the_hosts(void **state)
{
    (void)state;
    child_plays(play_before);
}

static void play_after(void)
{
    bp_runtime *runtime = runtime_new(BP_SIGNALS_HANDLERS);
    NEED(bp_runtime_check_signals(runtime, NULL) == BP_OK);
    install(catch);
    bp_error error = BP_ERROR_INIT;
    NEED(bp_runtime_check_signals(runtime, &error) == BP_EINVAL);
    NEED(strstr(error.message, "SIGSEGV") && strstr(error.message, "BP_SIGNALS_NONE"));
    NEED(bp_runtime_check_signals(NULL, NULL) == BP_EINVAL);
    /* a second runtime does not take them back, and is not fooled */
    bp_runtime *second = runtime_new(BP_SIGNALS_HANDLERS);
    NEED(bp_runtime_check_signals(second, NULL) == BP_EINVAL);
    NEED(sigaction(SIGSEGV, &replaced, NULL) == 0);
    NEED(bp_runtime_check_signals(runtime, NULL) == BP_OK);
    bp_runtime_unref(second);
    bp_runtime_unref(runtime);
}

static void a_handler_from_after_is_found(void **state)
{
    (void)state;
    child_plays(play_after);
}

static void play_chain(void)
{
    bp_runtime *runtime = runtime_new(BP_SIGNALS_HANDLERS);
    bp_plugin *plugin = load(runtime, "traps.wat");
    install(pass_on);
    every_trap_is_an_outcome(plugin);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
}

static void a_handler_that_passes_on_does_no_harm(void **state)
{
    (void)state;
    child_plays(play_chain);
}

/* ---- no handlers at all ---- */

static void play_none(void)
{
    struct sigaction before[COUNT(faults)], after;
    for (size_t i = 0; i < COUNT(faults); i++)
        NEED(sigaction(faults[i], NULL, &before[i]) == 0);
    bp_runtime *runtime = runtime_new(BP_SIGNALS_NONE);
    bp_plugin *plugin = load(runtime, "traps.wat"), *deep = load(runtime, "stack.wat");
    every_trap_is_an_outcome(plugin);
    NEED(ends_with(deep, "recurse", BP_OUTCOME_TRAPPED));
    for (size_t i = 0; i < COUNT(faults); i++) {
        NEED(sigaction(faults[i], NULL, &after) == 0);
        NEED(after.sa_sigaction == before[i].sa_sigaction);
    }
    install(catch);
    every_trap_is_an_outcome(plugin);
    NEED(host_faults == 0);
    NEED(bp_runtime_check_signals(runtime, NULL) == BP_OK);
    bp_plugin_unref(deep);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
}

static void without_handlers_every_trap_is_an_outcome_too(void **state)
{
    (void)state;
    child_plays(play_none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_from_before_gets_what_is_the_hosts),
        cmocka_unit_test(a_handler_from_after_is_found),
        cmocka_unit_test(a_handler_that_passes_on_does_no_harm),
        cmocka_unit_test(without_handlers_every_trap_is_an_outcome_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
