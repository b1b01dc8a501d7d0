/* bullpen plugin: one file an action. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "cli/out.h"
#include "cli/plugin.h"

static const struct {
    const char *name;
    int (*run)(const plugin_values *values);
} actions[] = {
    {"new", plugin_new},
    {"build", plugin_build},
    {"validate", plugin_validate},
    {"diff", plugin_diff},
    {"schema", plugin_schema},
};

int plugin_failed(const plugin_values *values, const bp_error *error, int code)
{
    if (values->common.json)
        cli_out_error_json(error);
    cli_error("%s", error->message);
    return code;
}

char *plugin_path(const char *folder, const char *name)
{
    bp__buffer path = {0};
    if (strcmp(folder, ".") != 0)
        bp__buffer_printf(&path, "%s/", folder);
    bp__buffer_append_text(&path, name);
    char *text = path.overflow ? NULL : bp__strndup(path.data, path.size);
    bp__buffer_done(&path);
    return text;
}

int cmd_plugin(const void *data)
{
    const plugin_values *values = data;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(values->action, actions[i].name) == 0)
            return actions[i].run(values);
    return CLI_USAGE; /* the table of commands has other words than this one */
}
