/* The embedder's own functions, for components. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "guest/component/private.h"
#include "guest/user_function.h"

/* A definition's name, with its NUL. */
#define NAME_SIZE 129

/* ---- calling ---- */

_Static_assert(sizeof(foundation_user_value) == sizeof(bp_host_value) &&
                   offsetof(foundation_slice, size) == offsetof(bp_bytes, size),
               "values are handed over as they are");

static bool is_bytes(uint8_t type)
{
    return type == BP__HOST_BYTES || type == BP__HOST_TEXT;
}

/* False, with the stop set, if one is not what it says. */
static bool check_results(bp__sandbox *sandbox, const bp__definition *function,
                          const bp_host_value *results)
{
    for (unsigned i = 0; i < function->result_count; i++) {
        bp_bytes bytes = is_bytes(function->results[i]) ? results[i].bytes : (bp_bytes){NULL, 0};
        if (!bytes.size)
            continue;
        if (!bytes.data)
            return bp__stop_refuse(&sandbox->host, "result %u: its data is NULL", i + 1);
        if (function->results[i] == BP__HOST_TEXT && !bp__utf8_valid(bytes.data, bytes.size))
            return bp__stop_refuse(&sandbox->host, "result %u: the text is not UTF-8", i + 1);
    }
    return true;
}

/* What failed is the guest's to know if its type has a place for that; else it ends the call, as in
 * Extism's plugins. */
static foundation_reply fail(bp__sandbox *sandbox, bool may_fail, const bp_error *error,
                             foundation_slice *reterr)
{
    if (may_fail)
        return bp__component_fail(sandbox, error, reterr);
    (void)bp__stop_refuse(&sandbox->host, "%s", error->message);
    return FOUNDATION_REPLY_STOP;
}

static foundation_reply call_user(foundation_user_call *call, const foundation_user_value *given,
                                  foundation_user_value *ret, foundation_slice *reterr)
{
    const bp__definition *function = call->env;
    bp__sandbox *sandbox = call->host_data;
    bp_host_value arguments[BP_HOST_FUNCTION_VALUES_MAX];
    bp_host_value results[BP_HOST_FUNCTION_VALUES_MAX] = {0};
    bp__user_scratch *scratch = NULL;
    bp_error error = BP_ERROR_INIT;
    if (!bp__component_enter(sandbox, function->name))
        return FOUNDATION_REPLY_STOP;
    memcpy(arguments, given, function->parameter_count * sizeof *arguments);
    bp_status status =
        bp__user_function_invoke(function, sandbox, arguments, results, &scratch, &error);
    call->lent = scratch;
    if (!bp__host_may_go_on(&sandbox->host)) /* it may come back late */
        return FOUNDATION_REPLY_STOP;
    if (status != BP_OK)
        return fail(sandbox, call->may_fail, &error, reterr);
    if (!check_results(sandbox, function, results))
        return FOUNDATION_REPLY_STOP;
    memcpy(ret, results, function->result_count * sizeof *results);
    return bp__component_leave(sandbox, FOUNDATION_REPLY_OK);
}

static void done_user(foundation_user_call *call)
{
    bp__user_scratch_free(call->lent);
    call->lent = NULL;
}

/* ---- finding ---- */

/* WIT's names have '-' where C's have '_'. */
static bool is_named(const char *defined, const char *imported)
{
    for (; *defined && *imported; defined++, imported++)
        if (*defined != *imported && !(*defined == '_' && *imported == '-'))
            return false;
    return *defined == *imported;
}

static const char *module_of(const char *interface)
{
    return strcmp(interface, BP_HOST_FUNCTION_INTERFACE) == 0 ? BP_HOST_FUNCTION_MODULE : interface;
}

static const bp__definition *find(const bp__user_functions *functions, const char *interface,
                                  const char *name)
{
    const char *module = module_of(interface);
    for (size_t side = 0; side < 2; side++) {
        const bp_host_functions *set = functions->sets[side];
        for (size_t i = 0; set && i < set->count; i++)
            if (strcmp(set->items[i]->module, module) == 0 && is_named(set->items[i]->name, name))
                return set->items[i];
    }
    return NULL;
}

/* ---- what nobody defined ---- */

/* WIT's spelling of the nearest name in the interface; "" without one. */
static void find_nearest(const bp__user_functions *functions, const bp__extern_type *import,
                         char ret[NAME_SIZE])
{
    const char *module = module_of(import->module);
    bp__nearest nearest = {.wanted = import->name};
    for (size_t side = 0; side < 2; side++) {
        const bp_host_functions *set = functions->sets[side];
        for (size_t i = 0; set && i < set->count; i++)
            if (strcmp(set->items[i]->module, module) == 0)
                bp__nearest_offer(&nearest, set->items[i]->name);
    }
    snprintf(ret, NAME_SIZE, "%s", nearest.best ? nearest.best : "");
    for (char *at = ret; *at; at++)
        *at = *at == '_' ? '-' : *at;
}

static bool has_interface(const bp__user_functions *functions, const char *interface)
{
    const char *module = module_of(interface);
    for (size_t side = 0; side < 2; side++) {
        const bp_host_functions *set = functions->sets[side];
        for (size_t i = 0; set && i < set->count; i++)
            if (strcmp(set->items[i]->module, module) == 0)
                return true;
    }
    return false;
}

static bp_status refuse(const bp__user_functions *functions, const bp__extern_type *import,
                        bp_error *reterr)
{
    char nearest[NAME_SIZE];
    find_nearest(functions, import, nearest);
    if (has_interface(functions, import->module))
        return bp_error_set(reterr, BP_EDENIED,
                            "import '%s' '%s': the host has no such function%s%s%s", import->module,
                            import->name, *nearest ? "; the nearest it has is '" : "", nearest,
                            *nearest ? "'" : "");
    if (strcmp(import->module, BP_HOST_FUNCTION_INTERFACE) == 0)
        return bp_error_set(reterr, BP_EDENIED,
                            "import '%s' '%s': this host defines no functions there",
                            import->module, import->name);
    return bp_error_set(reterr, BP_EDENIED,
                        "import '%s' '%s': components get imports from bullpen:plugin, from WASI "
                        "0.2, and from interfaces that the host defines",
                        import->module, import->name);
}

/* ---- what is to be linked ---- */

#define SIGNATURE_SIZE (2 * BP_HOST_FUNCTION_VALUES_MAX + 2)

static void write_signature(const bp__definition *function, char to[SIGNATURE_SIZE])
{
    static const char letters[] = {
        [BP__HOST_I32] = 'i', [BP__HOST_I64] = 'I',   [BP__HOST_F32] = 'f',
        [BP__HOST_F64] = 'd', [BP__HOST_BYTES] = 'b', [BP__HOST_TEXT] = 't'};
    for (unsigned i = 0; i < function->parameter_count; i++)
        *to++ = letters[function->parameters[i]];
    *to++ = '>';
    for (unsigned i = 0; i < function->result_count; i++)
        *to++ = letters[function->results[i]];
    *to = '\0';
}

/* Whether it is for the embedder to define. */
static bool is_user(const bp__extern_type *import)
{
    static const char *const others[] = {"bullpen:plugin/", "wasi:"};
    if (import->kind != BP__EXTERN_WIT_FUNC || !import->module)
        return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(import->module, others[i], strlen(others[i])) == 0)
            return false;
    return true;
}

static bp_status add(const bp__user_functions *functions, const bp__extern_type *import,
                     char signature[SIGNATURE_SIZE], foundation_user_function *ret,
                     bp_error *reterr)
{
    const bp__definition *function = find(functions, import->module, import->name);
    if (!function)
        return refuse(functions, import, reterr);
    write_signature(function, signature);
    *ret = (foundation_user_function){.interface = import->module,
                                      .name = import->name,
                                      .signature = signature,
                                      .call = call_user,
                                      .done = done_user,
                                      .env = (void *)(uintptr_t)function};
    return BP_OK;
}

bp_status bp__component_user_functions(const bp__module *module,
                                       const bp__user_functions *functions,
                                       foundation_user_function **ret, size_t *ret_count,
                                       bp_error *reterr)
{
    size_t count = 0;
    for (size_t i = 0; i < module->import_count; i++)
        count += is_user(&module->imports[i]);
    *ret = NULL;
    *ret_count = 0;
    if (!count)
        return BP_OK;
    foundation_user_function *made = bp__alloc(count * (sizeof *made + SIGNATURE_SIZE));
    if (!made)
        return bp__error_oom(reterr, "linking host functions");
    char *signature = (char *)(made + count);
    *ret = made;
    bp_status status = BP_OK;
    for (size_t i = 0; status == BP_OK && i < module->import_count; i++) {
        if (!is_user(&module->imports[i]))
            continue;
        status = add(functions, &module->imports[i], signature, &made[*ret_count], reterr);
        *ret_count += status == BP_OK;
        signature += SIGNATURE_SIZE;
    }
    return status;
}
