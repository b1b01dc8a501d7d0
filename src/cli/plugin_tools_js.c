/* JavaScript, by jco and the engines that it brings. SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/out.h"
#include "cli/plugin.h"

#define PACKAGE_BYTES_MAX ((size_t)1 << 20)
/* Where npm puts it: the project's own, or that of a workspace around it. */
#define JCO "node_modules/.bin/jco"

static void json_free(json_t **json)
{
    json_decref(*json);
}

/* What package.json says that matters here. */
typedef struct js_package {
    json_t *root;       /* owned */
    const char *source; /* in `root`, or static */
    bool starlingmonkey;
} js_package;

/* --- package.json -------------------------------------------------------------------------- */

static bp_status choose_engine(const char *path, js_package *self, bp_error *reterr)
{
    const json_t *engine = json_object_get(json_object_get(self->root, "bullpen"), "engine");
    const char *name = json_string_value(engine);
    self->starlingmonkey = name && strcmp(name, "starlingmonkey") == 0;
    if (!engine || self->starlingmonkey || (name && strcmp(name, "quickjs") == 0))
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

/* --- jco ----------------------------------------------------------------------------------- */

/* jco, from the project or from PATH: as the project's folder sees it. Owned, or NULL. */
static char *find_jco(const plugin_project *project)
{
    bp_auto_free char *own = plugin_path(project->folder, JCO);
    if (own && plugin_is_program(own))
        return bp__strdup(JCO);
    return plugin_program_find("jco");
}

/* npm brings jco and its engines, as package.json names them. */
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

static bp_status need_jco(const plugin_project *project, char **ret, bp_error *reterr)
{
    *ret = find_jco(project);
    bp_status status = *ret ? BP_OK : install(project, reterr);
    if (status == BP_OK && !*ret)
        *ret = find_jco(project);
    if (status == BP_OK && !*ret)
        status = bp_error_set(reterr, BP_ENOTFOUND,
                              "jco is missing: put \"@bytecodealliance/jco\" under "
                              "\"devDependencies\" in package.json");
    return status;
}

static void add_flags(const plugin_project *project, const js_package *package,
                      plugin_command *command)
{
    plugin_command_add(command, "componentize");
    plugin_command_add(command, package->source);
    plugin_command_add(command, "--wit");
    plugin_command_add(command, "wit");
    plugin_command_add(command, "--backend");
    plugin_command_add(command, package->starlingmonkey ? "starlingmonkey" : "quickjs");
    if (!package->starlingmonkey) {
        plugin_command_add(command, "--backend-qjs-disable-async");
        if (!project->keeps_wasi)
            plugin_command_add(command, "--backend-qjs-stub-wasi");
    } else if (!project->keeps_wasi) {
        plugin_command_add(command, "--disable");
        plugin_command_add(command, "all");
    }
    plugin_command_add(command, "--out");
    plugin_command_add(command, project->output);
}

bp_status plugin_compile_js(const plugin_project *project, bp_error *reterr)
{
    js_package package = {.source = NULL};
    bp_auto_free char *jco = NULL;
    bp_status status = read_package(project, &package, reterr);
    bp_cleanup(json_free) json_t *root = package.root;
    if (status == BP_OK)
        status = need_jco(project, &jco, reterr);
    if (status != BP_OK)
        return status;
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, jco);
    add_flags(project, &package, &command);
    cli_note("building with jco and %s", package.starlingmonkey ? "StarlingMonkey" : "QuickJS");
    return plugin_tool_run(project, &command, "jco componentize", NULL, reterr);
}
