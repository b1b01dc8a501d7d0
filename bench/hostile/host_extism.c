/* Bullpen: libextism as a host for bench/torture, driven the way its own hosts drive it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A plugin is compiled once; instances are made from it and kept, since one of them may only be in
 * one call at a time. Its documented way to a pristine sandbox is a new instance. */
#include "host.h"

#include <extism.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host_plugin {
    ExtismCompiledPlugin *compiled;
    unsigned count;
    ExtismPlugin *instances[];
};

const char *host_version(void)
{
    static char version[64];
    (void)snprintf(version, sizeof version, "libextism-%s", extism_version());
    return version;
}

/** Files of cases have plain names: nothing in them needs escaping. */
static void manifest_write(char *manifest, size_t size, const struct host_options *options)
{
    int used =
        snprintf(manifest, size, "{\"wasm\":[{\"path\":\"%s\"}],\"memory\":{", options->file);
    const char *comma = "";
    if (options->memory_pages) {
        used += snprintf(manifest + used, size - (size_t)used, "\"max_pages\":%llu",
                         (unsigned long long)options->memory_pages);
        comma = ",";
    }
    if (options->var_bytes)
        used += snprintf(manifest + used, size - (size_t)used, "%s\"max_var_bytes\":%llu", comma,
                         (unsigned long long)options->var_bytes);
    used += snprintf(manifest + used, size - (size_t)used, "}");
    if (options->timeout_ms)
        used += snprintf(manifest + used, size - (size_t)used, ",\"timeout_ms\":%llu",
                         (unsigned long long)options->timeout_ms);
    (void)snprintf(manifest + used, size - (size_t)used, "}");
}

static ExtismPlugin *instance_new(const struct host_plugin *plugin, struct host_answer *answer)
{
    char *error = NULL;
    ExtismPlugin *instance = extism_plugin_new_from_compiled(plugin->compiled, &error);
    if (!instance) {
        host_answer_failed(answer, "%s", error ? error : "");
        extism_plugin_new_error_free(error);
    }
    return instance;
}

static struct host_plugin *compile(const struct host_options *options, struct host_answer *answer)
{
    struct host_plugin *plugin =
        calloc(1, sizeof *plugin + options->instances * sizeof(ExtismPlugin *));
    if (!plugin) {
        host_answer_failed(answer, "out of memory");
        return NULL;
    }
    char manifest[4096];
    manifest_write(manifest, sizeof manifest, options);
    char *error = NULL;
    plugin->compiled = extism_compiled_plugin_new((const uint8_t *)manifest, strlen(manifest), NULL,
                                                  0, options->wasi, &error);
    if (plugin->compiled)
        return plugin;
    host_answer_failed(answer, "%s", error ? error : "");
    extism_plugin_new_error_free(error);
    free(plugin);
    return NULL;
}

struct host_plugin *host_load(const struct host_options *options, struct host_answer *answer)
{
    if (options->log)
        extism_log_custom("info");
    struct host_plugin *plugin = compile(options, answer);
    while (plugin && plugin->count < options->instances) {
        ExtismPlugin *instance = instance_new(plugin, answer);
        if (!instance)
            return NULL;
        plugin->instances[plugin->count++] = instance;
    }
    return plugin;
}

static void drop_line(const char *data, ExtismSize size)
{
    (void)data;
    (void)size;
}

static void call_on(ExtismPlugin *instance, const struct host_call *call,
                    struct host_answer *answer)
{
    int32_t code = extism_plugin_call(instance, call->export_name, call->input, call->size);
    extism_log_drain(drop_line); /* harmless where nobody listens */
    if (code == 0) {
        host_answer_output(answer, extism_plugin_output_data(instance),
                           extism_plugin_output_length(instance));
        return;
    }
    const char *error = extism_plugin_error(instance);
    host_answer_failed(answer, "%s", error ? error : "");
}

void host_call(struct host_plugin *plugin, const struct host_call *call, struct host_answer *answer)
{
    if (!call->fresh) {
        call_on(plugin->instances[call->instance], call, answer);
        return;
    }
    ExtismPlugin *instance = instance_new(plugin, answer);
    if (!instance)
        return;
    call_on(instance, call, answer);
    extism_plugin_free(instance);
}

void host_cancel(struct host_plugin *plugin, unsigned instance, struct host_answer *answer)
{
    if (!extism_plugin_cancel(extism_plugin_cancel_handle(plugin->instances[instance])))
        host_answer_failed(answer, "extism_plugin_cancel says no");
}

void host_reset(struct host_plugin *plugin, unsigned instance, struct host_answer *answer)
{
    if (!extism_plugin_reset(plugin->instances[instance]))
        host_answer_failed(answer, "extism_plugin_reset says no");
}

uint64_t host_many(struct host_plugin *plugin, const struct host_call *call, uint64_t count,
                   struct host_answer *answer)
{
    ExtismPlugin **instances = calloc(count, sizeof(ExtismPlugin *));
    uint64_t alive = 0;
    while (instances && alive < count) {
        instances[alive] = instance_new(plugin, answer);
        if (!instances[alive])
            break;
        call_on(instances[alive++], call, answer);
        if (answer->outcome != HOST_FINISHED)
            break;
    }
    if (alive == count)
        call_on(instances[0], call, answer);
    for (uint64_t i = 0; i < alive; i++)
        extism_plugin_free(instances[i]);
    free(instances);
    return alive;
}
