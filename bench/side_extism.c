/* Bullpen: the side of libextism, driven the way its own hosts drive it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Kept plugins are one a thread, since a plugin may only be in one call at a time. The pristine
 * way is its documented one: compile once, then a new plugin for every call. No timeout is set
 * (its default), so nothing is paid for deadlines here. */
#include "measure.h"
#include "side.h"

#include <extism.h>
#include <string.h>

struct side_plugin {
    ExtismCompiledPlugin *compiled;
    const char *export_name;
    bool fresh;
};

struct side_caller {
    const struct side_plugin *plugin;
    ExtismPlugin *instance; /* fresh: only between side_begin() and side_end() */
};

const char *side_version(void)
{
    static char version[64];
    (void)snprintf(version, sizeof version, "libextism-%s", extism_version());
    return version;
}

/** The manifest is JSON, in which a path needs its quotes and backslashes escaped. */
static void manifest_write(char *manifest, size_t size, const char *path)
{
    size_t used = (size_t)snprintf(manifest, size, "{\"wasm\":[{\"path\":\"");
    for (; *path && used + 8 < size; path++) {
        if (*path == '"' || *path == '\\')
            manifest[used++] = '\\';
        manifest[used++] = *path;
    }
    if (*path)
        bench_die("the plugin's path is too long");
    (void)snprintf(manifest + used, size - used, "\"}]}");
}

struct side_plugin *side_load(const char *path, const char *export_name, bool fresh)
{
    char manifest[4096];
    manifest_write(manifest, sizeof manifest, path);
    struct side_plugin *plugin = calloc(1, sizeof *plugin);
    if (!plugin)
        bench_die("out of memory");
    char *error = NULL;
    plugin->compiled = extism_compiled_plugin_new((const uint8_t *)manifest, strlen(manifest), NULL,
                                                  0, false, &error);
    if (!plugin->compiled)
        bench_die("libextism: compile: %s", error ? error : "no reason given");
    plugin->export_name = export_name;
    plugin->fresh = fresh;
    return plugin;
}

void side_unload(struct side_plugin *plugin)
{
    extism_compiled_plugin_free(plugin->compiled);
    free(plugin);
}

bool side_misses(struct side_plugin *plugin, uint64_t *ret)
{
    (void)plugin;
    (void)ret;
    return false;
}

static ExtismPlugin *instance_new(const struct side_plugin *plugin)
{
    char *error = NULL;
    ExtismPlugin *instance = extism_plugin_new_from_compiled(plugin->compiled, &error);
    if (!instance)
        bench_die("libextism: new: %s", error ? error : "no reason given");
    return instance;
}

void side_crowd(const char *path, const char *export_name, uint32_t count)
{
    struct side_plugin *plugin = side_load(path, export_name, false);
    for (uint32_t i = 0; i < count; i++)
        (void)instance_new(plugin);
}

struct side_caller *side_caller_new(struct side_plugin *plugin)
{
    struct side_caller *caller = calloc(1, sizeof *caller);
    if (!caller)
        bench_die("out of memory");
    caller->plugin = plugin;
    if (!plugin->fresh)
        caller->instance = instance_new(plugin);
    return caller;
}

void side_caller_free(struct side_caller *caller)
{
    if (caller->instance)
        extism_plugin_free(caller->instance);
    free(caller);
}

struct side_output side_begin(struct side_caller *caller, const void *input, size_t size)
{
    if (caller->plugin->fresh)
        caller->instance = instance_new(caller->plugin);
    ExtismPlugin *instance = caller->instance;
    if (extism_plugin_call(instance, caller->plugin->export_name, input, size) != 0)
        bench_die("libextism: call: %s", extism_plugin_error(instance));
    return (struct side_output){extism_plugin_output_data(instance),
                                extism_plugin_output_length(instance)};
}

void side_end(struct side_caller *caller)
{
    if (!caller->plugin->fresh)
        return;
    extism_plugin_free(caller->instance);
    caller->instance = NULL;
}
