/* The host's own faults, while guests make theirs: each goes to whom it belongs, with its address.
 * Processes of their own, since handlers are installed once a process. SPDX-License-Identifier:
 * Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "support/child.h"
#include "support/host.h"
#include "support/thread.h"

#define TRAPPERS 3
#define PAGES 64
#define ROUNDS 300

/* What the host's handler saw; each thread that faults has its own. */
static _Thread_local struct {
    sigjmp_buf after;
    volatile sig_atomic_t expected; /* the signal that comes next; 0: none may */
    void *volatile address;
    volatile int code;
} own;

static struct sigaction replaced[NSIG];
static char *pages; /* PROT_NONE, nobody's but the host's */
static long page_size;

static bool is_ours(int number)
{
    return own.expected == number;
}

static void catch (int number, siginfo_t *info, void *context)
{
    (void)context;
    if (!is_ours(number))
        _exit(99); /* a guest's */
    own.address = info->si_addr;
    own.code = info->si_code;
    siglongjmp(own.after, 1);
}

static void catch_or_pass_on(int number, siginfo_t *info, void *context)
{
    if (is_ours(number))
        catch (number, info, context);
    replaced[number].sa_sigaction(number, info, context);
}

static const int faults[] = {SIGSEGV, SIGILL, SIGFPE};

static void install(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < COUNT(faults); i++)
        NEED(sigaction(faults[i], &action, &replaced[faults[i]]) == 0);
    page_size = sysconf(_SC_PAGESIZE);
    pages = mmap(NULL, (size_t)(PAGES * page_size), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(pages != MAP_FAILED);
}

/* ---- guests that trap, in threads of their own ---- */

static _Atomic unsigned traps, wrong;
static _Atomic bool stop;

static void trap(bp_plugin *plugin, const char *export_name)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = export_name;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    if (bp_plugin_call(plugin, &call, &result, &error) == BP_OK &&
        result.outcome == BP_OUTCOME_TRAPPED)
        traps++;
    else if (wrong++ == 0)
        fprintf(stderr, "%s: %s %s\n", export_name, error.message, result.message);
    bp_call_result_done(&result);
}

static void *trap_all_the_time(void *data)
{
    static const char *const exports[] = {"load_far", "unreachable", "divide", "store_far"};
    for (unsigned i = 0; !stop; i++)
        trap(data, exports[i % COUNT(exports)]);
    return NULL;
}

/* ---- the host's own ---- */

/* Returns the address that the handler was told. */
static void *fault_at(volatile char *address, bool write)
{
    own.address = NULL;
    own.expected = SIGSEGV;
    if (sigsetjmp(own.after, 1) == 0) {
        if (write)
            *address = 1;
        else
            (void)*address;
        NEED(!"reached");
    }
    own.expected = 0;
    return own.address;
}

/* By the processor, not by kill(): the address is that of the instruction. */
static bool fault_of_arithmetic(int number)
{
    own.address = NULL;
    own.expected = number;
    if (sigsetjmp(own.after, 1) == 0) {
        if (number == SIGILL)
            __asm__ volatile("ud2");
        else
            __asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx" ::
                                 : "eax", "ecx", "edx", "cc");
        NEED(!"reached");
    }
    own.expected = 0;
    return own.address != NULL;
}

static void fault_again_and_again(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        char *address = pages + (i % PAGES) * (size_t)page_size + i * 7 % 4096;
        NEED(fault_at(address, i & 1) == address);
        NEED(fault_of_arithmetic(SIGILL));
        NEED(fault_of_arithmetic(SIGFPE));
    }
    /* Sent, not made: it belongs to nobody but the host. */
    own.expected = SIGSEGV;
    if (sigsetjmp(own.after, 1) == 0)
        raise(SIGSEGV);
    NEED(own.code == SI_TKILL);
    own.expected = 0;
}

static void *fault_in_a_thread(void *data)
{
    (void)data;
    fault_again_and_again();
    return NULL;
}

static bp_runtime *runtime;

static bp_plugin *load_traps(void)
{
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 16;
    options.cache_dir = "";
    NEED(bp_runtime_new(&options, &runtime, NULL) == BP_OK);
    char path[GUEST_PATH_MAX];
    bp_plugin *plugin = NULL;
    bp_plugin_options how = BP_PLUGIN_OPTIONS_INIT;
    how.limits.time_ms = PATIENCE_MS;
    NEED(bp_plugin_load_file(runtime, guest_path("traps.wat", path), &how, &plugin, NULL) == BP_OK);
    return plugin;
}

static void fault_while_guests_trap(bp_plugin *plugin)
{
    pthread_t trappers[TRAPPERS], other;
    for (size_t i = 0; i < TRAPPERS; i++)
        NEED(pthread_create(&trappers[i], NULL, trap_all_the_time, plugin) == 0);
    NEED(pthread_create(&other, NULL, fault_in_a_thread, NULL) == 0);
    while (traps < 10)
        sched_yield();
    fault_again_and_again();
    trap(plugin, "load_far"); /* a thread may have both */
    fault_again_and_again();
    NEED(pthread_join(other, NULL) == 0);
    unsigned before = traps;
    while (traps < before + 10)
        sched_yield();
    stop = true;
    for (size_t i = 0; i < TRAPPERS; i++)
        NEED(pthread_join(trappers[i], NULL) == 0);
    NEED(wrong == 0);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
}

static void play_before(void)
{
    install(catch);
    fault_while_guests_trap(load_traps());
}

static void play_after(void)
{
    bp_plugin *plugin = load_traps();
    install(catch_or_pass_on);
    fault_while_guests_trap(plugin);
}

static void a_handler_from_before_has_its_own_faults(void **state)
{
    (void)state;
    child_plays(play_before);
}

static void a_handler_from_after_has_its_own_faults(void **state)
{
    (void)state;
    child_plays(play_after);
}

/* ---- a host that mends its faults, as collectors of garbage and lazy loaders do ---- */

static volatile sig_atomic_t mended;

static void mend(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    size_t offset = (size_t)((char *)info->si_addr - pages);
    if (offset >= (size_t)(PAGES * page_size))
        _exit(99);
    char *page = pages + offset / (size_t)page_size * (size_t)page_size;
    if (mprotect(page, (size_t)page_size, PROT_READ | PROT_WRITE) != 0)
        _exit(98);
    mended++;
}

/* Between the guest and the host: called from a host function. */
static void touch(void *data, const bp_log_record *record)
{
    if (strcmp(record->source, "guest") == 0)
        pages[(*(size_t *)data)++ % PAGES * (size_t)page_size] = 1;
}

static void play_mending(void)
{
    install(mend);
    size_t touched = 0;
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    options.sandboxes_max = 16;
    options.cache_dir = "";
    options.log = touch;
    options.log_data = &touched;
    NEED(bp_runtime_new(&options, &runtime, NULL) == BP_OK);
    bp_plugin *plugin = NULL;
    static const char guest[] =
        "(module (import \"extism:host/env\" \"alloc\" (func $alloc (param i64) (result i64)))"
        " (import \"extism:host/env\" \"log_info\" (func $log (param i64)))"
        " (func (export \"handle\") (call $log (call $alloc (i64.const 8)))"
        "  (call $log (call $alloc (i64.const 8)))))";
    NEED(bp_plugin_load_bytes(runtime, bp_bytes_of(guest), NULL, &plugin, NULL) == BP_OK);
    for (int i = 0; i < 10; i++) {
        bp_call_result result = BP_CALL_RESULT_INIT;
        NEED(bp_plugin_call(plugin, NULL, &result, NULL) == BP_OK && bp_call_result_ok(&result));
        bp_call_result_done(&result);
    }
    NEED(touched == 20 && mended == 20);
    bp_plugin_unref(plugin);
    bp_runtime_unref(runtime);
}

static void a_fault_in_a_callback_is_mended_and_the_call_goes_on(void **state)
{
    (void)state;
    child_plays(play_mending);
}

/* ---- a host without handlers ---- */

static int crash(void *data)
{
    const struct rlimit none = {0, 0};
    const int number = *(int *)data;
    setrlimit(RLIMIT_CORE, &none);
    signal(number, SIG_DFL); /* a sanitizer's, if there is one */
    bp_plugin *plugin = load_traps();
    trap(plugin, "load_far");
    if (number == SIGSEGV)
        *(volatile char *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
    else
        __asm__ volatile("ud2");
    return 0;
}

static void a_host_without_handlers_still_crashes(void **state)
{
    (void)state;
    int segv = SIGSEGV, ill = SIGILL;
    assert_int_equal(child_run(crash, &segv), -SIGSEGV);
    assert_int_equal(child_run(crash, &ill), -SIGILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_from_before_has_its_own_faults),
        cmocka_unit_test(a_handler_from_after_has_its_own_faults),
        cmocka_unit_test(a_fault_in_a_callback_is_mended_and_the_call_goes_on),
        cmocka_unit_test(a_host_without_handlers_still_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
