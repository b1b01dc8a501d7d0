/* What this process may use. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bullpen/pool.h>

#include "base/buffer.h"
#include "cli/doctor.h"
#include "cli/number.h"

/* What a call needs above the guest's stack. */
#define STACK_BESIDES (UINT64_C(128) << 10)
#define SOURCES_MAX 16

static void print_limit(rlim_t limit, char text[CLI_NUMBER_TEXT])
{
    if (limit == RLIM_INFINITY)
        snprintf(text, CLI_NUMBER_TEXT, "unlimited");
    else
        cli_number_print_about(limit, text);
}

void doctor_look_address_space(const doctor_check *self, const doctor_machine *machine,
                               doctor_finding *ret)
{
    (void)self;
    (void)machine;
    struct rlimit limit;
    char text[CLI_NUMBER_TEXT];
    if (getrlimit(RLIMIT_AS, &limit) != 0) {
        doctor_found(ret, DOCTOR_WARN, "cannot be read");
        return;
    }
    print_limit(limit.rlim_cur, text);
    doctor_found(ret, limit.rlim_cur == RLIM_INFINITY ? DOCTOR_OK : DOCTOR_WARN, "%s", text);
}

void doctor_look_stack(const doctor_check *self, const doctor_machine *machine, doctor_finding *ret)
{
    (void)self;
    struct rlimit limit;
    char text[CLI_NUMBER_TEXT];
    if (getrlimit(RLIMIT_STACK, &limit) != 0) {
        doctor_found(ret, DOCTOR_WARN, "cannot be read");
        return;
    }
    print_limit(limit.rlim_cur, text);
    bool enough = limit.rlim_cur >= machine->info.stack_bytes + STACK_BESIDES;
    doctor_found(ret, enough ? DOCTOR_OK : DOCTOR_WARN, "%s", text);
}

void doctor_look_cache(const doctor_check *self, const doctor_machine *machine, doctor_finding *ret)
{
    (void)self;
    const bp_runtime_info *info = &machine->info;
    if (machine->error.status != BP_OK)
        doctor_found(ret, DOCTOR_WARN, "not known without a runtime");
    else if (info->cache_problem)
        doctor_found(ret, DOCTOR_WARN, "%s %s",
                     info->cache_dir ? info->cache_dir : "none:", info->cache_problem);
    else
        doctor_found(ret, DOCTOR_OK, "%s", info->cache_dir);
}

void doctor_look_compiler(const doctor_check *self, const doctor_machine *machine,
                          doctor_finding *ret)
{
    (void)self;
    const char *path = machine->info.compiler;
    if (!path)
        doctor_found(ret, DOCTOR_WARN, "not found: plugins are compiled in the host's process");
    else if (access(path, X_OK) != 0)
        doctor_found(ret, DOCTOR_WARN,
                     "%s cannot be run: plugins are compiled in the host's process", path);
    else
        doctor_found(ret, DOCTOR_OK, "%s", path);
}

void doctor_look_cores(const doctor_check *self, const doctor_machine *machine, doctor_finding *ret)
{
    (void)self;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned usable = machine->info.cores;
    bool all = online > 0 && usable >= (unsigned long)online;
    if (machine->error.status != BP_OK)
        doctor_found(ret, DOCTOR_WARN, "%ld online; how many are usable is not known", online);
    else
        doctor_found(ret, DOCTOR_OK, "%u of %ld%s", usable, online,
                     all ? "" : " (affinity or the cgroup's quota keeps the others)");
}

static void list_sources(const bp_memory_source *sources, size_t count, bool present,
                         bp__buffer *to)
{
    for (size_t i = 0; i < count; i++)
        if (sources[i].present == present)
            bp__buffer_printf(to, "%s%s", to->size ? ", " : "", sources[i].name);
}

void doctor_look_pressure(const doctor_check *self, const doctor_machine *machine,
                          doctor_finding *ret)
{
    (void)self;
    (void)machine;
    bp_memory_source sources[SOURCES_MAX];
    size_t count = bp_memory_pressure_sources(sources, SOURCES_MAX);
    if (count > SOURCES_MAX)
        count = SOURCES_MAX;
    bp__buffer present = {0}, absent = {0};
    list_sources(sources, count, true, &present);
    list_sources(sources, count, false, &absent);
    const char *reads = bp__buffer_text(&present), *lacks = bp__buffer_text(&absent);
    doctor_found(ret, present.size ? DOCTOR_OK : DOCTOR_WARN, "reads %s; absent or unlimited: %s",
                 present.size && reads ? reads : "nothing", absent.size && lacks ? lacks : "none");
    bp__buffer_done(&present);
    bp__buffer_done(&absent);
}
