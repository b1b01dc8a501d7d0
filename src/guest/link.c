/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/link.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "guest/extism/functions.h"
#include "guest/own/functions.h"
#include "guest/program.h"
#include "guest/sandbox.h"
#include "guest/user_function.h"

#define EXTISM_MODULE "extism:host/env"

BP_DEFINE_CLEANUP(cleanup_linker, bp__linker, bp__linker_free)

/* The tables of the modules whose functions work on a sandbox. */
typedef struct host_module {
    const char *name;
    const bp__host_function *functions;
    const size_t *count;
} host_module;
static const host_module modules[] = {
    {EXTISM_MODULE, bp__extism_functions, &bp__extism_function_count},
    {BP__OWN_MODULE, bp__own_functions, &bp__own_function_count},
};

static const host_module *find_module(const char *name)
{
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (strcmp(modules[i].name, name) == 0)
            return &modules[i];
    return NULL;
}

static const bp__host_function *find_function(const host_module *module, const char *name)
{
    for (size_t i = 0; i < *module->count; i++)
        if (strcmp(module->functions[i].name, name) == 0)
            return &module->functions[i];
    return NULL;
}

static const bp__wasi1_function *find_wasi1(const char *name)
{
    for (size_t i = 0; i < bp__wasi1_function_count; i++)
        if (strcmp(bp__wasi1_functions[i].name, name) == 0)
            return &bp__wasi1_functions[i];
    return NULL;
}

/* Of WASI another version has another way to be called. */
static bool is_offered_version(const char *interface)
{
    const char *version = strrchr(interface, '@');
    return strncmp(interface, "wasi:", 5) != 0 || (version && strncmp(version, "@0.2.", 5) == 0);
}

/* Of a component's interface; NULL: it is none of ours. */
static const char *interface_needs(const char *interface)
{
    static const struct {
        const char *start, *needs;
    } known[] = {{"bullpen:plugin/http@", "http"}, {"bullpen:plugin/kv@", "kv"},
                 {"bullpen:plugin/", "nothing"},   {BP_HOST_FUNCTION_INTERFACE, "host function"},
                 {"wasi:cli/environment@", "env"}, {"wasi:cli/", "nothing"},
                 {"wasi:clocks/", "clock"},        {"wasi:filesystem/", "files"},
                 {"wasi:io/", "nothing"},          {"wasi:random/", "random"},
                 {"wasi:sockets/", "nothing"}}; /* always refused, which guests can live with */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(interface, known[i].start, strlen(known[i].start)) == 0)
            return is_offered_version(interface) ? known[i].needs : NULL;
    return NULL;
}

bool bp__import_is_plugins(const char *module)
{
    return module && find_module(module);
}

const char *bp__import_needs(const char *module, const char *name)
{
    if (!module || !*module) /* of a component: an interface, or what no interface is around */
        module = name;
    const char *needs = interface_needs(module);
    if (needs)
        return needs;
    const host_module *known = find_module(module);
    if (known && strncmp(name, "http_", 5) == 0 && find_function(known, name))
        return "http";
    if (known && strncmp(name, "kv_", 3) == 0 && find_function(known, name))
        return "kv";
    if (known)
        return find_function(known, name) ? "nothing" : "?";
    if (strcmp(module, BP__WASI1_MODULE) == 0)
        return find_wasi1(name) ? "wasi" : "?";
    return strcmp(module, BP_HOST_FUNCTION_MODULE) == 0 ? "host function" : "?";
}

/* From raw values to what wasi1.c takes: its functions know no engine. */
static bool call_wasi1(void *env, void *host_data, bp__value *values)
{
    const bp__wasi1_function *function = env;
    bp__sandbox *sandbox = host_data;
    uint64_t arguments[BP__WASI1_ARGS_MAX] = {0};
    for (size_t i = 0; i < BP__WASI1_ARGS_MAX && function->signature[i] != '>'; i++)
        arguments[i] =
            function->signature[i] == 'i' ? (uint32_t)values[i].i32 : (uint64_t)values[i].i64;
    bp__guest_memory memory = {NULL, 0};
    bp__instance_memory(sandbox->instance, &memory.base, &memory.size);
    uint32_t error = 0;
    if (!function->call(&sandbox->host, memory, arguments, &error))
        return false;
    values[0].i32 = (int32_t)error;
    return true;
}

static bp_status refuse_type(const bp__extern_type *import, const char *offered, bp_error *reterr)
{
    bp_auto_free char *has = bp__signature_text(offered);
    bp_auto_free char *wants =
        import->kind == BP__EXTERN_FUNC ? bp__signature_text(import->type) : NULL;
    return bp_error_set(reterr, BP_EFORMAT, "import '%s' '%s' is %s, but the host's is %s",
                        import->module, import->name, wants ? wants : import->type,
                        has ? has : "another");
}

static bp_status refuse_unknown(const bp__extern_type *import, const char *nearest,
                                bp_error *reterr)
{
    char hint[128] = "";
    if (nearest)
        snprintf(hint, sizeof hint, "; the nearest it has is '%s'", nearest);
    return bp_error_set(reterr, BP_EDENIED, "import '%s' '%s': the host has no such function%s",
                        import->module, import->name, hint);
}

static bp_status link_function(bp__linker *linker, const host_module *module,
                               const bp__extern_type *import, bp_error *reterr)
{
    const bp__host_function *function = find_function(module, import->name);
    if (!function) {
        bp__nearest nearest = {.wanted = import->name};
        for (size_t i = 0; i < *module->count; i++)
            bp__nearest_offer(&nearest, module->functions[i].name);
        return refuse_unknown(import, nearest.best, reterr);
    }
    if (import->kind != BP__EXTERN_FUNC || strcmp(import->type, function->signature) != 0)
        return refuse_type(import, function->signature, reterr);
    return bp__linker_define(linker, import->module, import->name, function->signature,
                             function->call, (void *)(uintptr_t)function->name, reterr);
}

static bp_status link_wasi1(bp__linker *linker, const bp__extern_type *import, bool granted,
                            bp_error *reterr)
{
    const bp__wasi1_function *function = find_wasi1(import->name);
    if (!function)
        return refuse_unknown(import, NULL, reterr);
    if (!granted)
        return bp_error_set(reterr, BP_EDENIED,
                            "import '%s' '%s' needs WASI, which was not granted (option wasi, "
                            "flag --wasi)",
                            import->module, import->name);
    if (import->kind != BP__EXTERN_FUNC || strcmp(import->type, function->signature) != 0)
        return refuse_type(import, function->signature, reterr);
    return bp__linker_define(linker, import->module, import->name, function->signature, call_wasi1,
                             (void *)(uintptr_t)function, reterr);
}

/* ---- the embedder's own ---- */

static const bp__definition *find_user(const bp__user_functions *functions,
                                       const bp__extern_type *import)
{
    const bp__definition *found =
        bp__host_functions_find(functions->sets[0], import->module, import->name);
    return found ? found
                 : bp__host_functions_find(functions->sets[1], import->module, import->name);
}

/* The nearest name in the module; `*ret_module` tells whether there is such a module at all. */
static const char *nearest_user(const bp__user_functions *functions, const bp__extern_type *import,
                                bool *ret_module)
{
    bp__nearest nearest = {.wanted = import->name};
    *ret_module = false;
    for (size_t side = 0; side < 2; side++) {
        const bp_host_functions *set = functions->sets[side];
        for (size_t i = 0; set && i < set->count; i++) {
            if (strcmp(set->items[i]->module, import->module) != 0)
                continue;
            *ret_module = true;
            bp__nearest_offer(&nearest, set->items[i]->name);
        }
    }
    return nearest.best;
}

static bp_status refuse_user(const bp__user_functions *functions, const bp__extern_type *import,
                             bp_error *reterr)
{
    bool has_module;
    const char *nearest = nearest_user(functions, import, &has_module);
    if (has_module)
        return refuse_unknown(import, nearest, reterr);
    if (strcmp(import->module, BP_HOST_FUNCTION_MODULE) == 0)
        return bp_error_set(reterr, BP_EDENIED,
                            "import '%s' '%s': this host defines no functions there",
                            import->module, import->name);
    return bp_error_set(reterr, BP_EDENIED,
                        "import '%s' '%s': plugins get imports from '" EXTISM_MODULE
                        "', '" BP__OWN_MODULE "', from modules that the host defines and, when "
                        "granted, '" BP__WASI1_MODULE "'",
                        import->module, import->name);
}

static bp_status link_user(bp__linker *linker, const bp__extern_type *import,
                           const bp__user_functions *functions, bp_error *reterr)
{
    const bp__definition *function = find_user(functions, import);
    if (!function)
        return refuse_user(functions, import, reterr);
    if (import->kind != BP__EXTERN_FUNC || strcmp(import->type, function->signature) != 0)
        return refuse_type(import, function->signature, reterr);
    return bp__linker_define(linker, import->module, import->name, function->signature,
                             bp__user_function_call, (void *)(uintptr_t)function, reterr);
}

static bp_status link_import(bp__linker *linker, const bp__extern_type *import, bool wasi,
                             const bp__user_functions *functions, bp_error *reterr)
{
    const host_module *module = find_module(import->module);
    if (module)
        return link_function(linker, module, import, reterr);
    if (strcmp(import->module, BP__WASI1_MODULE) == 0)
        return link_wasi1(linker, import, wasi, reterr);
    return link_user(linker, import, functions, reterr);
}

/* A module may import one function twice; the linker takes it once. */
static bool is_repeated(const bp__module *module, size_t index)
{
    const bp__extern_type *import = &module->imports[index];
    for (size_t i = 0; i < index; i++)
        if (strcmp(module->imports[i].module, import->module) == 0 &&
            strcmp(module->imports[i].name, import->name) == 0)
            return true;
    return false;
}

bp_status bp__link(bp__engine *engine, const bp__module *module, bool wasi,
                   const bp__user_functions *functions, bp__linked **ret, bp_error *reterr)
{
    bp_cleanup(cleanup_linker) bp__linker *linker = NULL;
    bp_status status = bp__linker_new(engine, &linker, reterr);
    for (size_t i = 0; status == BP_OK && i < module->import_count; i++)
        if (!is_repeated(module, i))
            status = link_import(linker, &module->imports[i], wasi, functions, reterr);
    return status == BP_OK ? bp__linker_link(linker, module, ret, reterr) : status;
}
