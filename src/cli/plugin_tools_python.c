/* Python, by componentize-py. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/out.h"
#include "cli/plugin.h"

#define TOOL "componentize-py"
#define VENV PLUGIN_BUILD_FOLDER "/venv"
/* For projects without requirements.txt; templates pin the same one. */
#define REQUIREMENT "componentize-py==0.25.1"
/* Not "plugin": the tool makes a module with the world's name. */
#define APP "app"

/* A program of the project's own, as that folder sees it. Owned, or NULL. */
static char *find_own(const plugin_project *project, const char *name)
{
    bp_auto_free char *path = plugin_path(project->folder, name);
    return path && plugin_is_program(path) ? bp__strdup(name) : NULL;
}

/* Its own first: that is the version that requirements.txt pins. */
static char *find_tool(const plugin_project *project)
{
    char *found = find_own(project, VENV "/bin/" TOOL);
    if (!found)
        found = find_own(project, ".venv/bin/" TOOL);
    return found ? found : plugin_program_find(TOOL);
}

static bp_status make_venv(const plugin_project *project, bp_error *reterr)
{
    bp_auto_free char *python = plugin_program_find("python3");
    if (!python)
        return bp_error_set(reterr, BP_ENOTFOUND,
                            "python3 is missing: plugins in Python need " TOOL ", which needs "
                            "Python 3.10 or later (Debian: apt install python3 python3-venv)");
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, python);
    plugin_command_add(&command, "-m");
    plugin_command_add(&command, "venv");
    plugin_command_add(&command, VENV);
    bp_status status = plugin_tool_run(project, &command, "python3 -m venv", NULL, reterr);
    if (status == BP_ESYSTEM)
        bp__error_prefix(reterr, "python3 -m venv (Debian: apt install python3-venv)");
    return status;
}

static bp_status install(const plugin_project *project, bp_error *reterr)
{
    cli_note("fetching " TOOL " with pip, once for this project");
    bp_status status = make_venv(project, reterr);
    if (status != BP_OK)
        return status;
    bp_auto_free char *listed = plugin_path(project->folder, "requirements.txt");
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, VENV "/bin/pip");
    plugin_command_add(&command, "install");
    plugin_command_add(&command, "--quiet");
    plugin_command_add(&command, "--disable-pip-version-check");
    if (listed && access(listed, R_OK) == 0) {
        plugin_command_add(&command, "--requirement");
        plugin_command_add(&command, "requirements.txt");
    } else {
        plugin_command_add(&command, REQUIREMENT);
    }
    return plugin_tool_run(project, &command, "pip install", NULL, reterr);
}

static bp_status need_tool(const plugin_project *project, char **ret, bp_error *reterr)
{
    *ret = find_tool(project);
    bp_status status = *ret ? BP_OK : install(project, reterr);
    if (status == BP_OK && !*ret)
        *ret = find_tool(project);
    if (status == BP_OK && !*ret)
        status = bp_error_set(reterr, BP_ENOTFOUND,
                              TOOL " is missing: put '" REQUIREMENT "' into requirements.txt");
    return status;
}

bp_status plugin_compile_python(const plugin_project *project, bp_error *reterr)
{
    bp_auto_free char *app = plugin_path(project->folder, APP ".py"), *tool = NULL;
    if (app && access(app, R_OK) != 0)
        return bp_error_set(reterr, BP_ENOTFOUND,
                            "there is no '%s': the plugin's class WitWorld belongs there", app);
    bp_status status = need_tool(project, &tool, reterr);
    if (status != BP_OK)
        return status;
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, tool);
    plugin_command_add(&command, "--quiet");
    plugin_command_add(&command, "--wit-path");
    plugin_command_add(&command, "wit");
    plugin_command_add(&command, "componentize");
    if (!project->keeps_wasi)
        plugin_command_add(&command, "--stub-wasi");
    plugin_command_add(&command, "--python-path");
    plugin_command_add(&command, ".");
    plugin_command_add(&command, "--output");
    plugin_command_add(&command, project->output);
    plugin_command_add(&command, APP);
    cli_note("building with " TOOL);
    return plugin_tool_run(project, &command, TOOL, NULL, reterr);
}
