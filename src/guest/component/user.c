/* The embedder's own functions, for components. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "guest/component/private.h"
#include "guest/user_function.h"

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

const char *bp__component_user_nearest(const bp__user_functions *functions, const char *interface,
                                       const char *name, char ret[BP__USER_NAME_SIZE])
{
    const char *module = module_of(interface);
    bp__nearest nearest = {.wanted = name};
    for (size_t side = 0; side < 2; side++) {
        const bp_host_functions *set = functions->sets[side];
        for (size_t i = 0; set && i < set->count; i++)
            if (strcmp(set->items[i]->module, module) == 0)
                bp__nearest_offer(&nearest, set->items[i]->name);
    }
    if (!nearest.best)
        return NULL;
    snprintf(ret, BP__USER_NAME_SIZE, "%s", nearest.best);
    for (char *at = ret; *at; at++)
        *at = *at == '_' ? '-' : *at;
    return ret;
}

/* ---- what is to be linked ---- */

#define SIGNATURE_SIZE (2 * BP_HOST_FUNCTION_VALUES_MAX + 2)

static void write_signature(const bp__definition *function, char to[SIGNATURE_SIZE])
{
    static const char letters[] = {[BP__HOST_I32] = 'i',   [BP__HOST_I64] = 'I',
                                   [BP__HOST_F32] = 'f',   [BP__HOST_F64] = 'd',
                                   [BP__HOST_BYTES] = 'b', [BP__HOST_TEXT] = 't'};
    for (unsigned i = 0; i < function->parameter_count; i++)
        *to++ = letters[function->parameters[i]];
    *to++ = '>';
    for (unsigned i = 0; i < function->result_count; i++)
        *to++ = letters[function->results[i]];
    *to = '\0';
}

static const bp__definition *find_import(const bp__user_functions *functions,
                                         const bp__extern_type *import)
{
    bool is_function = import->kind == BP__EXTERN_WIT_FUNC && import->module;
    return is_function ? find(functions, import->module, import->name) : NULL;
}

bp_status bp__component_user_functions(const bp__module *module,
                                       const bp__user_functions *functions,
                                       foundation_user_function **ret, size_t *ret_count,
                                       bp_error *reterr)
{
    size_t count = 0;
    for (size_t i = 0; i < module->import_count; i++)
        count += find_import(functions, &module->imports[i]) != NULL;
    *ret = NULL;
    *ret_count = 0;
    if (!count)
        return BP_OK;
    foundation_user_function *made = bp__alloc(count * (sizeof *made + SIGNATURE_SIZE));
    if (!made)
        return bp__error_oom(reterr, "linking host functions");
    char *signature = (char *)(made + count);
    *ret = made;
    for (size_t i = 0; i < module->import_count; i++) {
        const bp__extern_type *import = &module->imports[i];
        const bp__definition *function = find_import(functions, import);
        if (!function)
            continue;
        write_signature(function, signature);
        made[(*ret_count)++] = (foundation_user_function){.interface = import->module,
                                                          .name = import->name,
                                                          .signature = signature,
                                                          .call = call_user,
                                                          .done = done_user,
                                                          .env = (void *)(uintptr_t)function};
        signature += SIGNATURE_SIZE;
    }
    return BP_OK;
}
