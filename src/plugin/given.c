/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/given.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

_Static_assert(BP_FILES_OPEN_MAX == BP__FILES_OPEN_MAX, "what is promised is what holds");

/* Both reach a guest through WASI alone; granted without it they would be lost without a word. */
bp_status bp__given_check(const bp_plugin_options *options, bp_error *reterr)
{
    if (options->env_count && !options->env)
        return bp_error_set(reterr, BP_EINVAL, "plugin option env: is NULL");
    for (size_t i = 0; i < options->env_count; i++)
        if (!options->env[i].name)
            return bp_error_set(reterr, BP_EINVAL, "plugin option env: name %zu is NULL", i);
    if (!options->wasi && (options->files_dir || options->env_count))
        return bp_error_set(reterr, BP_EINVAL,
                            "plugin option %s: needs WASI (option wasi, flag --wasi)",
                            options->files_dir ? "files_dir" : "env");
    return BP_OK;
}

/* A manifest of ours says which ones; any other asks for all. */
static bool asks_for(const bp__manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->variable_count; i++)
        if (strcmp(manifest->variables[i], name) == 0)
            return true;
    return !manifest->is_own;
}

static bp_status set_env(bp_plugin *plugin, const bp_plugin_options *options,
                         const bp__manifest *manifest, bp_error *reterr)
{
    bp_status status = BP_OK;
    for (size_t i = 0; status == BP_OK && i < options->env_count; i++) {
        const char *name = options->env[i].name;
        const char *value = options->env[i].value ? options->env[i].value : getenv(name);
        if (value && asks_for(manifest, name))
            status = bp__env_add(&plugin->env, name, value, reterr);
    }
    return status;
}

/* One name in both sets would leave it to us which of them counts. */
static bp_status set_functions(bp_plugin *plugin, const bp_plugin_options *options,
                               bp_error *reterr)
{
    const bp_host_functions *own = options->host_functions;
    for (size_t i = 0; own && own != plugin->runtime->functions && i < own->count; i++)
        if (bp__host_functions_find(plugin->runtime->functions, own->items[i]->module,
                                    own->items[i]->name))
            return bp_error_set(
                reterr, BP_EINVAL,
                "plugin option host_functions: '%s' '%s' is one of the runtime's too",
                own->items[i]->module, own->items[i]->name);
    plugin->functions = bp__host_functions_use(options->host_functions);
    return BP_OK;
}

bp_status bp__plugin_give(bp_plugin *plugin, const bp_plugin_options *options,
                          const bp__manifest *manifest, bp_error *reterr)
{
    bp_status status = set_functions(plugin, options, reterr);
    if (status == BP_OK && bp__granted(&plugin->grants, BP__CAP_ENV))
        status = set_env(plugin, options, manifest, reterr);
    if (status == BP_OK && bp__granted(&plugin->grants, BP__CAP_FS_READ))
        status = bp__folder_new(options->files_dir, &plugin->folder, reterr);
    return status;
}
