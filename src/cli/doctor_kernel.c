/* What the engine and the kernel make possible. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "cli/doctor.h"
#include "cli/number.h"

/* The first version with PAGEMAP_SCAN. */
#define SCAN_MAJOR 6
#define SCAN_MINOR 7
/* Mappings: four a sandbox with memory and table, and what the process itself has. */
#define MAPPINGS_A_SANDBOX 4
#define MAPPINGS_BESIDES 2048

/* The first line of a small file; false when it cannot be read. Files in /proc and /sys say that
 * they are empty, which bp__file_read() does not mind. */
static bool read_line(const char *path, char *line, size_t size)
{
    bp__buffer content = {0};
    bool fine = bp__file_read(path, 64 * 1024, &content, NULL) == BP_OK;
    const char *text = fine ? bp__buffer_text(&content) : NULL;
    if (text)
        snprintf(line, size, "%.*s", (int)strcspn(text, "\n"), text);
    bp__buffer_done(&content);
    return text != NULL;
}

void doctor_look_engine(const doctor_check *self, const doctor_machine *machine,
                        doctor_finding *ret)
{
    (void)self;
    if (machine->error.status == BP_OK) {
        doctor_found(ret, DOCTOR_OK, "%s", bp_engine_version());
        return;
    }
    doctor_found(ret, DOCTOR_MISSING, "no runtime can be made: %s", machine->error.message);
    ret->fatal = true;
}

void doctor_look_kernel(const doctor_check *self, const doctor_machine *machine,
                        doctor_finding *ret)
{
    (void)self;
    (void)machine;
    struct utsname name;
    unsigned major = 0, minor = 0;
    if (uname(&name) != 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2) {
        doctor_found(ret, DOCTOR_WARN, "its version is not known");
        return;
    }
    bool new_enough = major > SCAN_MAJOR || (major == SCAN_MAJOR && minor >= SCAN_MINOR);
    doctor_found(ret, new_enough ? DOCTOR_OK : DOCTOR_WARN, "%s %s", name.sysname, name.release);
}

void doctor_look_scan(const doctor_check *self, const doctor_machine *machine, doctor_finding *ret)
{
    (void)self;
    if (machine->info.pagemap_scan)
        doctor_found(ret, DOCTOR_OK, "a reset copies only dirty pages back");
    else
        doctor_found(ret, DOCTOR_WARN, "not in use: every reset gives its pages to the kernel");
}

void doctor_look_reservation(const doctor_check *self, const doctor_machine *machine,
                             doctor_finding *ret)
{
    (void)self;
    if (machine->error.status != BP_OK) {
        doctor_found(ret, DOCTOR_MISSING, "not known without a runtime");
        return;
    }
    char size[CLI_NUMBER_TEXT];
    cli_number_print(machine->info.memory_reservation_bytes, true, size);
    bool full = machine->info.memory_reservation_bytes >= UINT64_C(4) << 30;
    doctor_found(ret, full ? DOCTOR_OK : DOCTOR_WARN, "%s for each of %u sandboxes%s", size,
                 machine->info.sandboxes_max,
                 full ? "" : ", less than the 4GiB that make bounds checks free");
}

void doctor_look_map_count(const doctor_check *self, const doctor_machine *machine,
                           doctor_finding *ret)
{
    (void)self;
    char line[64];
    uint64_t count = 0;
    if (!read_line("/proc/sys/vm/max_map_count", line, sizeof line) ||
        !cli_number_parse(line, false, &count)) {
        doctor_found(ret, DOCTOR_WARN, "cannot be read");
        return;
    }
    uint64_t free = count > MAPPINGS_BESIDES ? count - MAPPINGS_BESIDES : 0;
    bool enough = free / MAPPINGS_A_SANDBOX >= machine->info.sandboxes_max;
    doctor_found(ret, enough ? DOCTOR_OK : DOCTOR_WARN,
                 "%" PRIu64 ", enough for about %" PRIu64 " sandboxes", count,
                 free / MAPPINGS_A_SANDBOX);
}

void doctor_look_overcommit(const doctor_check *self, const doctor_machine *machine,
                            doctor_finding *ret)
{
    (void)self;
    (void)machine;
    char line[64];
    if (!read_line("/proc/sys/vm/overcommit_memory", line, sizeof line))
        doctor_found(ret, DOCTOR_WARN, "cannot be read");
    else if (strcmp(line, "2") == 0)
        doctor_found(ret, DOCTOR_WARN, "2 (strict): memory that is never touched counts too");
    else
        doctor_found(ret, DOCTOR_OK, "%s (%s)", line,
                     strcmp(line, "1") == 0 ? "always" : "heuristic");
}

void doctor_look_clock(const doctor_check *self, const doctor_machine *machine, doctor_finding *ret)
{
    (void)self;
    (void)machine;
    /* These are read without a system call. */
    static const char *const fast[] = {"tsc", "kvm-clock", "arch_sys_counter",
                                       "hyperv_clocksource_tsc_page"};
    char line[64];
    if (!read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", line,
                   sizeof line)) {
        doctor_found(ret, DOCTOR_WARN, "cannot be read");
        return;
    }
    for (size_t i = 0; i < sizeof fast / sizeof fast[0]; i++)
        if (strcmp(line, fast[i]) == 0) {
            doctor_found(ret, DOCTOR_OK, "%s", line);
            return;
        }
    doctor_found(ret, DOCTOR_WARN, "%s: reading the time may take a system call", line);
}
