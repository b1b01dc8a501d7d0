/* JavaScript, by jco and what it brings. SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/out.h"
#include "cli/plugin.h"

#define PACKAGE_BYTES_MAX ((size_t)1 << 20)
/* Where npm puts programs. */
#define PROGRAMS "node_modules/.bin/"

/* What makes the component. For StarlingMonkey that is what jco itself would call. */
typedef struct js_engine {
    const char *name, *title, *program, *package;
} js_engine;

static const js_engine engines[] = {
    {"quickjs", "jco and QuickJS", "jco", "@bytecodealliance/jco"},
    {"starlingmonkey", "componentize-js and StarlingMonkey", "componentize-js",
     "@bytecodealliance/componentize-js"},
};
#define STARLINGMONKEY (&engines[1])

static void json_free(json_t **json)
{
    json_decref(*json);
}

/* What package.json says that matters here. */
typedef struct js_package {
    json_t *root;       /* owned */
    const char *source; /* in `root`, or static */
    const js_engine *engine;
} js_package;

/* --- package.json -------------------------------------------------------------------------- */

static bp_status choose_engine(const char *path, js_package *self, bp_error *reterr)
{
    const json_t *engine = json_object_get(json_object_get(self->root, "bullpen"), "engine");
    const char *name = json_string_value(engine);
    self->engine = engine ? NULL : &engines[0];
    for (size_t i = 0; name && i < sizeof engines / sizeof engines[0]; i++)
        if (strcmp(name, engines[i].name) == 0)
            self->engine = &engines[i];
    if (self->engine)
        return BP_OK;
    return bp_error_set(reterr, BP_EFORMAT,
                        "'%s': /bullpen/engine: must be \"quickjs\" or \"starlingmonkey\"", path);
}

static bp_status choose_source(const char *path, js_package *self, bp_error *reterr)
{
    const json_t *main = json_object_get(self->root, "main");
    self->source = main ? json_string_value(main) : "plugin.js";
    if (self->source && *self->source && self->source[0] != '-')
        return BP_OK;
    return bp_error_set(reterr, BP_EFORMAT, "'%s': /main: must be the name of a source file", path);
}

static bp_status read_package(const plugin_project *project, js_package *ret, bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer text = {0};
    bp_auto_free char *path = plugin_path(project->folder, "package.json");
    if (!path)
        return bp__error_oom(reterr, "reading package.json");
    bp_status status = bp__file_read(path, PACKAGE_BYTES_MAX, &text, reterr);
    if (status != BP_OK)
        return status;
    json_error_t error;
    ret->root = json_loadb(text.data ? text.data : "", text.size, JSON_REJECT_DUPLICATES, &error);
    if (!ret->root)
        return bp_error_set(reterr, BP_EFORMAT, "'%s': line %d, column %d: %s", path, error.line,
                            error.column, error.text);
    status = choose_engine(path, ret, reterr);
    return status == BP_OK ? choose_source(path, ret, reterr) : status;
}

/* --- the tools ----------------------------------------------------------------------------- */

/* From the project or from PATH: as the project's folder sees it. Owned, or NULL. */
static char *find_program(const plugin_project *project, const js_engine *engine)
{
    bp_cleanup(bp__buffer_done) bp__buffer own = {0};
    bp__buffer_printf(&own, PROGRAMS "%s", engine->program);
    bp_auto_free char *path = bp__buffer_text(&own) ? plugin_path(project->folder, own.data) : NULL;
    if (path && plugin_is_program(path))
        return bp__strdup(own.data);
    return plugin_program_find(engine->program);
}

/* npm brings the tools that package.json names. */
static bp_status install(const plugin_project *project, bp_error *reterr)
{
    bp_auto_free char *npm = plugin_program_find("npm");
    if (!npm)
        return bp_error_set(reterr, BP_ENOTFOUND,
                            "npm is missing: plugins in JavaScript need Node.js 20 or later with "
                            "npm (nodejs.org; Debian: apt install nodejs npm)");
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, npm);
    plugin_command_add(&command, "install");
    plugin_command_add(&command, "--prefer-offline");
    plugin_command_add(&command, "--no-audit");
    plugin_command_add(&command, "--no-fund");
    cli_note("fetching what package.json names with npm, once for this project");
    return plugin_tool_run(project, &command, "npm install", NULL, reterr);
}

static bp_status need_program(const plugin_project *project, const js_engine *engine, char **ret,
                              bp_error *reterr)
{
    *ret = find_program(project, engine);
    bp_status status = *ret ? BP_OK : install(project, reterr);
    if (status == BP_OK && !*ret)
        *ret = find_program(project, engine);
    if (status == BP_OK && !*ret)
        status = bp_error_set(reterr, BP_ENOTFOUND,
                              "%s is missing: put \"%s\" under \"devDependencies\" in "
                              "package.json",
                              engine->program, engine->package);
    return status;
}

static void add_all(plugin_command *command, const char *const *arguments)
{
    for (; *arguments; arguments++)
        plugin_command_add(command, *arguments);
}

static void add_quickjs(const plugin_project *project, const char *source, plugin_command *command)
{
    const char *const arguments[] = {"componentize",
                                     source,
                                     "--wit",
                                     "wit",
                                     "--out",
                                     project->output,
                                     "--backend",
                                     "quickjs",
                                     "--backend-qjs-disable-async",
                                     NULL};
    add_all(command, arguments);
    if (!project->keeps_wasi)
        plugin_command_add(command, "--backend-qjs-stub-wasi");
}

/* What it has of HTTP is never linked: a plugin has Bullpen's own. */
static void add_starlingmonkey(const plugin_project *project, const char *source,
                               plugin_command *command)
{
    const char *const arguments[] = {source, "--wit",       "wit",  "--out", project->output,
                                     "-d",   "fetch-event", "http", NULL};
    static const char *const wasi[] = {"clocks", "random", "stdio", NULL};
    add_all(command, arguments);
    if (!project->keeps_wasi)
        add_all(command, wasi);
}

bp_status plugin_compile_js(const plugin_project *project, bp_error *reterr)
{
    js_package package = {.source = NULL};
    bp_auto_free char *program = NULL;
    bp_status status = read_package(project, &package, reterr);
    bp_cleanup(json_free) json_t *root = package.root;
    if (status == BP_OK)
        status = need_program(project, package.engine, &program, reterr);
    if (status != BP_OK)
        return status;
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, program);
    if (package.engine == STARLINGMONKEY)
        add_starlingmonkey(project, package.source, &command);
    else
        add_quickjs(project, package.source, &command);
    cli_note("building with %s", package.engine->title);
    return plugin_tool_run(project, &command, package.engine->program, NULL, reterr);
}
