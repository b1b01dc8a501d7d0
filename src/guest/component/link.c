/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/component/link.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "guest/component/exports.h"
#include "guest/component/private.h"
#include "guest/component/wasi.h"

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What of WASI is not offered: its HTTP, and 0.3, which has the same names and another way to be
 * called. The engine would only say that there is no such instance. */
static bp_status check_wasi(const bp__extern_type *import, bp_error *reterr)
{
    const char *name = import->name, *version = strrchr(name, '@');
    if (import->module || !begins_with(name, "wasi:"))
        return BP_OK;
    if (begins_with(name, "wasi:http/"))
        return bp_error_set(reterr, BP_EDENIED,
                            "import '%s': WASI's HTTP is not offered; plugins fetch by "
                            "'bullpen:plugin/http@0.1.0' (wit/plugin.wit), or are built without it",
                            name);
    static const char *const packages[] = {"wasi:io/",     "wasi:cli/",        "wasi:clocks/",
                                           "wasi:random/", "wasi:filesystem/", "wasi:sockets/"};
    for (size_t i = 0; i < sizeof packages / sizeof *packages; i++)
        if (begins_with(name, packages[i]) && version && begins_with(version, "@0.2."))
            return BP_OK;
    return bp_error_set(reterr, BP_EDENIED,
                        "import '%s': of WASI the host has io, cli, clocks, random, filesystem and "
                        "sockets, at version 0.2",
                        name);
}

#define OURS "bullpen:plugin/"

/* Ours under a name or a version that we do not have: the engine would say that functions are
 * missing there. Without functions there is nothing to have: languages import their types. */
static bool is_known(const char *interface)
{
    static const char *const names[] = {"kv@0.1.",   "log@0.1.",     "config@0.1.",
                                        "http@0.1.", "metrics@0.1.", "call@0.1."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (begins_with(interface + strlen(OURS), names[i]))
            return true;
    return false;
}

static bp_status check_ours(const bp__extern_type *import, bp_error *reterr)
{
    if (import->kind != BP__EXTERN_WIT_FUNC || !import->module ||
        !begins_with(import->module, OURS) || is_known(import->module))
        return BP_OK;
    return bp_error_set(reterr, BP_EDENIED,
                        "import '%s' '%s': of bullpen:plugin this host has kv, log, config, http, "
                        "metrics and call, at version 0.1.0; build against its wit/plugin.wit",
                        import->module, import->name);
}

/* Functions at the root belong to no interface, and so to nobody; code is nobody's to give. */
static bp_status check_root(const bp__extern_type *import, bp_error *reterr)
{
    if (!import->module && import->kind == BP__EXTERN_WIT_OTHER)
        return bp_error_set(reterr, BP_EDENIED,
                            "import '%s': a module or component, which hosts do not hand out; "
                            "compose the component with it when it is built",
                            import->name);
    if (import->module || import->kind != BP__EXTERN_WIT_FUNC)
        return BP_OK;
    return bp_error_set(reterr, BP_EDENIED,
                        "import '%s': functions of the host are in interfaces; this one is in none",
                        import->name);
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
        else if (bp__component_is_callable(export) &&
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

static bp_status check_imports(const bp__module *module, bp_error *reterr)
{
    bp_status status = BP_OK;
    for (size_t i = 0; status == BP_OK && i < module->import_count; i++) {
        status = check_wasi(&module->imports[i], reterr);
        if (status == BP_OK)
            status = check_ours(&module->imports[i], reterr);
        if (status == BP_OK)
            status = check_root(&module->imports[i], reterr);
    }
    return status;
}

bp_status bp__component_link_with(bp__engine *engine, const bp__module *module,
                                  const bp__user_functions *functions, bp__linked **ret,
                                  bp_error *reterr)
{
    foundation_user_function *user = NULL;
    bp__component_imports imports = {.wasi = &bp__component_wasi,
                                     .plugin = &bp__component_functions};
    bp_status status = check_world(module, reterr);
    if (status == BP_OK)
        status = check_imports(module, reterr);
    if (status == BP_OK)
        status =
            bp__component_user_functions(module, functions, &user, &imports.user_count, reterr);
    imports.user = user;
    if (status == BP_OK)
        status = bp__component_link(engine, module, &imports, ret, reterr);
    bp__free(user);
    return status;
}
