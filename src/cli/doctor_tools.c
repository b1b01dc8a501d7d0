/* Tools for plugin authors. SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor.h"

#define OUTPUT_SIZE 16384
#define ARGUMENTS_MAX 8
/* The first version that exports functions of a wasip1 reactor. */
#define GO_MAJOR 1
#define GO_MINOR 24

/* Runs the first of the tool's names that works; NULL when none does. */
static const char *run_tool(const doctor_tool *tool, char *output)
{
    for (const char *const *name = tool->names; *name; name++) {
        const char *argv[ARGUMENTS_MAX + 2] = {*name};
        for (size_t i = 0; i < ARGUMENTS_MAX && tool->arguments[i]; i++)
            argv[i + 1] = tool->arguments[i];
        if (doctor_run(argv, output, OUTPUT_SIZE))
            return *name;
    }
    return NULL;
}

void doctor_look_tool(const doctor_check *self, const doctor_machine *machine, doctor_finding *ret)
{
    (void)machine;
    const doctor_tool *tool = self->data;
    char output[OUTPUT_SIZE];
    const char *name = run_tool(tool, output);
    if (!name)
        doctor_found(ret, DOCTOR_MISSING, "'%s' is not there", tool->names[0]);
    else if (tool->wanted && !strstr(output, tool->wanted))
        doctor_found(ret, DOCTOR_MISSING, "'%s' is there, but %s", name, tool->without);
    else if (tool->wanted)
        doctor_found(ret, DOCTOR_OK, "%s, with %s", name, tool->wanted);
    else
        doctor_found(ret, DOCTOR_OK, "%.*s", (int)strcspn(output, "\n"), output);
}

void doctor_look_go(const doctor_check *self, const doctor_machine *machine, doctor_finding *ret)
{
    (void)machine;
    char output[OUTPUT_SIZE];
    unsigned major = 0, minor = 0;
    if (!run_tool(self->data, output)) {
        doctor_found(ret, DOCTOR_MISSING, "'go' is not there");
        return;
    }
    int parts = sscanf(output, "go version go%u.%u", &major, &minor);
    bool old = parts == 2 && (major < GO_MAJOR || (major == GO_MAJOR && minor < GO_MINOR));
    doctor_found(ret, old ? DOCTOR_WARN : DOCTOR_OK, "%.*s%s", (int)strcspn(output, "\n"), output,
                 old ? ": too old to export functions" : "");
}

static bool has_files(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(folder));)
        found = entry->d_name[0] != '.';
    closedir(folder);
    return found;
}

void doctor_look_rust_target(const doctor_check *self, const doctor_machine *machine,
                             doctor_finding *ret)
{
    (void)self;
    (void)machine;
    static const char *const targets[] = {"wasm32-unknown-unknown", "wasm32-wasip1"};
    char output[OUTPUT_SIZE];
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        const char *argv[] = {"rustc", "--print", "target-libdir", "--target", targets[i], NULL};
        if (!doctor_run(argv, output, sizeof output))
            continue;
        output[strcspn(output, "\n")] = '\0';
        if (has_files(output)) {
            doctor_found(ret, DOCTOR_OK, "%s", targets[i]);
            return;
        }
    }
    doctor_found(ret, DOCTOR_MISSING, "neither %s nor %s", targets[0], targets[1]);
}
