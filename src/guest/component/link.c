/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/component/link.h"

#include <string.h>

#include "base/error.h"
#include "guest/component/wasi.h"

/* What begins with one of these is ours; the engine then looks at name, version and types. */
typedef struct known_package {
    const char *prefix, *needs;
} known_package;
static const known_package known[] = {
    {"bullpen:plugin/kv@0.1.", "kv"},
    {"bullpen:plugin/http@0.1.", "http"},
    {"bullpen:plugin/metrics@0.1.", "metrics"},
    {"bullpen:plugin/", "nothing"},
    {"wasi:io/", "nothing"},
    {"wasi:cli/", "nothing"},
    {"wasi:clocks/", "clock"},
    {"wasi:random/", "random"},
    {"wasi:filesystem/", "files"},
    {"wasi:sockets/", "sockets, which are never granted"},
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const known_package *find_package(const char *interface)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (begins_with(interface, known[i].prefix))
            return &known[i];
    return NULL;
}

const char *bp__interface_needs(const char *interface)
{
    const known_package *package = find_package(interface);
    return package ? package->needs : "?";
}

static bp_status refuse_import(const bp__extern_type *import, bp_error *reterr)
{
    const char *name = import->name;
    if (begins_with(name, "wasi:http/"))
        return bp_error_set(reterr, BP_EDENIED,
                            "import '%s': WASI's HTTP is not offered; plugins fetch by "
                            "'bullpen:plugin/http@0.1.0' (see wit/plugin.wit), or build without it",
                            name);
    if (begins_with(name, "wasi:"))
        return bp_error_set(reterr, BP_EDENIED,
                            "import '%s': of WASI the host has io, cli, clocks, random, filesystem "
                            "and sockets, at version 0.2",
                            name);
    return bp_error_set(reterr, BP_EDENIED,
                        "import '%s': the host has no such %s; components get imports from "
                        "'bullpen:plugin', WASI 0.2, and what the host defines",
                        name, import->kind == BP__EXTERN_INTERFACE ? "interface" : "function");
}

/* WASI 0.3 has the same names, and another way to be called. */
static bool is_future_wasi(const char *interface)
{
    const char *version = strrchr(interface, '@');
    return begins_with(interface, "wasi:") && version && !begins_with(version, "@0.2.");
}

static bp_status check_import(const bp__extern_type *import, bp_error *reterr)
{
    if (import->module || import->kind == BP__EXTERN_WIT_TYPE)
        return BP_OK; /* of an interface, which is looked at itself */
    if (!find_package(import->name) || is_future_wasi(import->name))
        return refuse_import(import, reterr);
    return BP_OK;
}

/* What is made to serve HTTP, and nothing else that could be called here. */
static bp_status check_world(const bp__module *module, bp_error *reterr)
{
    const char *handler = NULL;
    for (size_t i = 0; i < module->export_count; i++) {
        const bp__extern_type *export = &module->exports[i];
        if (export->kind == BP__EXTERN_INTERFACE &&
            begins_with(export->name, "wasi:http/incoming-handler@"))
            handler = export->name;
        else if (export->kind == BP__EXTERN_WIT_FUNC &&
                 !begins_with(export->name, "wasi:http/incoming-handler@"))
            return BP_OK;
    }
    if (!handler)
        return BP_OK;
    return bp_error_set(reterr, BP_EUNSUPPORTED,
                        "this component answers HTTP requests (it exports '%s'), which is not "
                        "served yet; export 'handle' of the world bullpen:plugin/plugin, or "
                        "'on-request' of bullpen:plugin/middleware",
                        handler);
}

bp_status bp__component_link_with(bp__engine *engine, const bp__module *module,
                                  const bp__user_functions *functions, bp__linked **ret,
                                  bp_error *reterr)
{
    (void)functions;
    bp_status status = check_world(module, reterr);
    for (size_t i = 0; status == BP_OK && i < module->import_count; i++)
        status = check_import(&module->imports[i], reterr);
    if (status != BP_OK)
        return status;
    return bp__component_link(engine, module, &(bp__component_imports){.wasi = &bp__component_wasi}, ret, reterr);
}
