/* The tools of each language, found and run. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/out.h"
#include "cli/plugin.h"
#include "cli/progress.h"

#define OUTPUT_MAX (16 * 1024)
/* With it, Go fetches by itself the version that go.mod asks for. */
#define GO_MINOR_MIN 21

const char *const plugin_linker_names[] = {"wasm-ld",    "wasm-ld-22", "wasm-ld-21", "wasm-ld-20",
                                           "wasm-ld-19", "wasm-ld-18", "wasm-ld-17", "wasm-ld-16",
                                           "wasm-ld-15", "wasm-ld-14", NULL};

/* --- programs ------------------------------------------------------------------------------ */

bool plugin_is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

char *plugin_program_next(const char *name, const char **rest)
{
    if (!*rest)
        *rest = getenv("PATH");
    while (*rest && **rest) {
        const char *folder = *rest;
        size_t size = strcspn(folder, ":");
        *rest += size + (folder[size] == ':');
        bp_cleanup(bp__buffer_done) bp__buffer place = {0};
        bp__buffer_append(&place, folder, size);
        bp__buffer_printf(&place, "/%s", name);
        /* Only absolute folders: another one would be looked for from the plugin's folder. */
        if (folder[0] == '/' && !place.overflow && plugin_is_program(bp__buffer_text(&place)))
            return bp__strdup(place.data);
    }
    return NULL;
}

char *plugin_program_find(const char *name)
{
    const char *rest = NULL;
    return plugin_program_next(name, &rest);
}

char *plugin_program_find_any(const char *const *names)
{
    char *found = NULL;
    for (; *names && !found; names++)
        found = plugin_program_find(*names);
    return found;
}

bool plugin_program_ask(const plugin_project *project, const char *const *argv, bp__buffer *ret)
{
    plugin_command command = {.folder = project->folder, .quiet = true};
    for (; *argv; argv++)
        plugin_command_add(&command, *argv);
    /* The question is which one is installed; an answer must not wait for the network. */
    plugin_command_set(&command, "GOTOOLCHAIN", "local");
    bp__buffer_clear(ret);
    ret->limit = OUTPUT_MAX;
    bool fine = plugin_command_run(&command, project->cancel, ret, NULL) == BP_OK;
    plugin_command_done(&command);
    const char *text = bp__buffer_text(ret);
    if (text)
        ret->size = strcspn(text, "\n") == ret->size - 1 ? ret->size - 1 : ret->size;
    return fine && bp__buffer_text(ret);
}

bp_status plugin_tool_run(const plugin_project *project, plugin_command *command,
                          const char *progress, bp__buffer *output, bp_error *reterr)
{
    bp__buffer rest = {.limit = OUTPUT_MAX};
    if (progress)
        cli_progress_start(progress);
    bp_status status =
        plugin_command_run(command, project->cancel, output ? output : &rest, reterr);
    if (progress)
        cli_progress_stop();
    if (rest.size && bp__buffer_text(&rest))
        cli_line("%s", rest.data);
    bp__buffer_done(&rest);
    plugin_command_done(command);
    return status;
}

bp_status plugin_compile_run(const plugin_project *project, plugin_command *command,
                             const char *tool, bp__buffer *output, bp_error *reterr)
{
    cli_note("building %s with %s", project->debug ? "for debugging" : "for release", tool);
    return plugin_tool_run(project, command, NULL, output, reterr);
}

/* --- Go ------------------------------------------------------------------------------------ */

static bp_status check_go(const plugin_project *project, const char *path, bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer text = {0};
    const char *const argv[] = {path, "version", NULL};
    unsigned major = 0, minor = 0;
    if (!plugin_program_ask(project, argv, &text) ||
        sscanf(text.data, "go version go%u.%u", &major, &minor) != 2)
        return BP_OK; /* not a released version: who has one knows */
    if (major > 1 || minor >= GO_MINOR_MIN)
        return BP_OK;
    return bp_error_set(reterr, BP_EUNSUPPORTED,
                        "Go %u.%u is too old for plugins: install Go 1.24 or later (go.dev/dl)",
                        major, minor);
}

static void add_go_flags(const plugin_project *project, bool tiny, plugin_command *command)
{
    plugin_command_add(command, "build");
    plugin_command_add(command, "-buildmode=c-shared");
    if (tiny) {
        plugin_command_add(command, "-target=wasip1");
        if (!project->debug)
            plugin_command_add(command, "-no-debug");
    } else if (!project->debug) {
        plugin_command_add(command, "-trimpath");
        plugin_command_add(command, "-ldflags=-s -w");
    }
    plugin_command_add(command, "-o");
    plugin_command_add(command, project->output);
    plugin_command_add(command, ".");
    if (!tiny) {
        plugin_command_set(command, "GOOS", "wasip1");
        plugin_command_set(command, "GOARCH", "wasm");
    }
}

static bp_status compile_go(const plugin_project *project, bool tiny, bp_error *reterr)
{
    bp_auto_free char *path = plugin_program_find(tiny ? "tinygo" : "go");
    if (!path)
        return bp_error_set(reterr, BP_ENOTFOUND,
                            tiny
                                ? "tinygo is missing: install TinyGo (tinygo.org), or build with "
                                  "--lang go"
                                : "go is missing: plugins in Go need Go 1.24 or later (go.dev/dl)");
    bp_status status = tiny ? BP_OK : check_go(project, path, reterr);
    if (status != BP_OK)
        return status;
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, path);
    add_go_flags(project, tiny, &command);
    return plugin_compile_run(project, &command, tiny ? "TinyGo" : "Go", NULL, reterr);
}

bp_status plugin_compile(const plugin_project *project, bp_error *reterr)
{
    switch (project->language) {
    case PLUGIN_GO:
        return compile_go(project, false, reterr);
    case PLUGIN_TINYGO:
        return compile_go(project, true, reterr);
    case PLUGIN_RUST:
        return plugin_compile_rust(project, reterr);
    case PLUGIN_JS:
        return plugin_compile_js(project, reterr);
    case PLUGIN_PYTHON:
        return plugin_compile_python(project, reterr);
    case PLUGIN_C:
    default:
        return plugin_compile_c(project, reterr);
    }
}
