/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "guest/abi.h"
#include "guest/command/command.h"
#include "guest/component/exports.h"
#include "guest/component/link.h"
#include "guest/link.h"

static int compare_callables(const void *a, const void *b)
{
    return strcmp(((const bp__callable *)a)->name, ((const bp__callable *)b)->name);
}

bool bp__is_callable(const bp__extern_type *export)
{
    if (bp__component_is_callable(export))
        return true;
    return export->kind == BP__EXTERN_FUNC &&
           (strcmp(export->type, ">i") == 0 || strcmp(export->type, ">") == 0);
}

/* Of a command nothing else: what a toolchain exports beside it is its own. */
static bool is_offered(const char *command, const bp__extern_type *export)
{
    return command ? strcmp(export->name, command) == 0 : bp__is_callable(export);
}

static bp_status list_callables(bp__program *program, bool describes, bp_error *reterr)
{
    const bp__module *module = program->module;
    const char *command = program->abi == &bp__abi_command ? bp__command_export(module) : NULL;
    program->callables = bp__alloc_zeroed(module->export_count, sizeof *program->callables);
    if (!program->callables)
        return bp__error_oom(reterr, "listing exports");
    for (size_t i = 0; i < module->export_count; i++) {
        const bp__extern_type *export = &module->exports[i];
        if (describes ? bp__component_is_description(export) : is_offered(command, export))
            program->callables[program->callable_count++] =
                (bp__callable){export->name, strcmp(export->type, ">i") == 0,
                               strcmp(export->name, BP__COMMAND_EXPORT) == 0, export->shape};
    }
    qsort(program->callables, program->callable_count, sizeof *program->callables,
          compare_callables);
    return BP_OK;
}

static bool exports_func(const bp__module *module, const char *name, const char *type)
{
    for (size_t i = 0; i < module->export_count; i++) {
        const bp__extern_type *export = &module->exports[i];
        if (export->kind == BP__EXTERN_FUNC && strcmp(export->name, name) == 0)
            return strcmp(export->type, type) == 0;
    }
    return false;
}

/* A manifest that speaks of other code was put beside the wrong file. */
static bp_status check_kind(const bp__module *module, const char *wanted, bp_error *reterr)
{
    const char *other = module->is_component ? "extism" : "component";
    if (!wanted || strcmp(wanted, other) != 0)
        return BP_OK;
    return bp_error_set(reterr, BP_EFORMAT,
                        "its manifest says abi '%s', but the code is a %s; name the right file, or "
                        "leave abi out",
                        wanted, module->is_component ? "component" : "core module");
}

static bp_status choose_abi(bp__program *program, const char *wanted, bp_error *reterr)
{
    const bp__module *module = program->module;
    bool command = wanted && strcmp(wanted, "command") == 0;
    bp_status status = check_kind(module, wanted, reterr);
    if (status != BP_OK)
        return status;
    if (command && !bp__command_export(module))
        return bp_error_set(reterr, BP_EFORMAT,
                            "its manifest says that it is a command, but it exports no function "
                            "'%s'; build it as a program",
                            module->is_component ? "run of wasi:cli/run" : BP__COMMAND_EXPORT);
    if (!wanted)
        command = bp__command_recognise(module);
    program->abi = command                ? &bp__abi_command
                   : module->is_component ? &bp__abi_component
                                          : &bp__abi_extism;
    return BP_OK;
}

/* A command's _start does what there is to do. */
static void choose_start(bp__program *program)
{
    const bp__module *module = program->module;
    if (program->abi == &bp__abi_command)
        return;
    program->init_shape = bp__component_init_shape(module);
    if (program->init_shape != BP__WIT_ANY)
        program->start = BP__START_WIT;
    if (module->is_component)
        return;
    program->has_initialize = exports_func(module, "_initialize", ">");
    if (exports_func(module, "hs_init", "ii>"))
        program->start = BP__START_HASKELL;
    else if (exports_func(module, "__wasm_call_ctors", ">"))
        program->start = BP__START_CTORS;
    else if (program->has_initialize)
        program->start = BP__START_INITIALIZE;
}

/* What can never fit is an error now, not at every call. */
static bp_status check_needs(const bp__program *program, bp_error *reterr)
{
    const bp__module_needs *needs = &program->module->needs;
    const bp__instance_limits *limits = &program->limits.instance;
    if (needs->memory_bytes_initial > limits->memory_bytes)
        return bp_error_set(reterr, BP_ELIMIT,
                            "needs %llu KiB of memory to start, memory_bytes allows %llu KiB",
                            (unsigned long long)needs->memory_bytes_initial / 1024,
                            (unsigned long long)limits->memory_bytes / 1024);
    if (needs->table_elements_initial > limits->table_elements)
        return bp_error_set(reterr, BP_ELIMIT,
                            "needs %llu table elements to start, table_elements allows %llu",
                            (unsigned long long)needs->table_elements_initial,
                            (unsigned long long)limits->table_elements);
    return BP_OK;
}

static bp_status link_code(bp__program *program, const bp__program_options *options,
                           bp_error *reterr)
{
    if (program->module->is_component)
        return bp__component_link_with(program->engine, program->module, &options->functions,
                                       &program->linked, reterr);
    return bp__link(program->engine, program->module, options->wasi, &options->functions,
                    &program->linked, reterr);
}

bp_status bp__program_new(bp__engine *engine, bp__module *module,
                          const bp__program_options *options, bp__program **ret, bp_error *reterr)
{
    bp__program *program = bp__alloc_zeroed(1, sizeof *program);
    if (!program) {
        bp__module_unref(module);
        return bp__error_oom(reterr, "making a program");
    }
    program->engine = engine;
    program->module = module;
    program->limits = options->limits;
    program->logger = options->logger;
    program->name = options->name;
    program->config = options->config;
    program->http = options->http;
    program->http_headers = options->http_headers;
    program->grants = options->grants;
    program->kv = options->kv;
    program->series = options->series;
    program->figure = options->figure;
    program->figure_data = options->figure_data;
    program->env = options->env;
    program->folder = options->folder;
    bp_status status = choose_abi(program, options->abi, reterr);
    if (status == BP_OK)
        status = check_needs(program, reterr);
    choose_start(program);
    if (status == BP_OK)
        status = list_callables(program, options->describes, reterr);
    if (status == BP_OK)
        status = link_code(program, options, reterr);
    if (status != BP_OK) {
        bp__program_free(program);
        return status;
    }
    *ret = program;
    return BP_OK;
}

void bp__program_free(bp__program *program)
{
    if (!program)
        return;
    bp__linked_free(program->linked);
    bp__module_unref(program->module);
    bp__free(program->callables);
    bp__free(program);
}

static bp_status refuse_type(const bp__extern_type *export, bp_error *reterr)
{
    if (bp__component_is_description(export))
        return bp_error_set(reterr, BP_EFORMAT,
                            "export '%s' tells what the plugin offers, and cannot be called; see "
                            "'bullpen inspect --describe'",
                            export->name);
    if (export->kind == BP__EXTERN_WIT_FUNC)
        return bp_error_set(reterr, BP_EFORMAT,
                            "export '%s' makes a sandbox ready, and cannot be called",
                            export->name);
    if (export->kind == BP__EXTERN_INTERFACE)
        return bp_error_set(reterr, BP_EFORMAT,
                            "export '%s' is an interface; a function in it is '%s#…'", export->name,
                            export->name);
    if (export->kind != BP__EXTERN_FUNC)
        return bp_error_set(reterr, BP_EFORMAT, "export '%s' is a %s, not a function", export->name,
                            export->type);
    bp_auto_free char *type = bp__signature_text(export->type);
    return bp_error_set(reterr, BP_EFORMAT,
                        "export '%s' is %s; only func() -> i32 and func() can be called",
                        export->name, type ? type : "of another type");
}

/* Comparing takes microseconds a name, and the name may come from a request. */
#define NAMES_COMPARED_MAX 200

static bp_status not_found(const bp__program *program, const char *name, bp_error *reterr)
{
    const bp__module *module = program->module;
    for (size_t i = 0; i < module->export_count; i++)
        if (strcmp(module->exports[i].name, name) == 0)
            return refuse_type(&module->exports[i], reterr);
    bp__nearest nearest = {.wanted = name};
    for (size_t i = 0; i < program->callable_count && i < NAMES_COMPARED_MAX; i++)
        bp__nearest_offer(&nearest, program->callables[i].name);
    if (nearest.best)
        return bp_error_set(reterr, BP_ENOTFOUND, "no export '%s'; did you mean '%s'?", name,
                            nearest.best);
    if (program->callable_count == 1)
        return bp_error_set(reterr, BP_ENOTFOUND, "no export '%s'; the only one is '%s'", name,
                            program->callables[0].name);
    if (program->callable_count == 0)
        return bp_error_set(reterr, BP_ENOTFOUND,
                            "no export '%s'; the plugin exports nothing that can be called%s", name,
                            module->is_component ? "" : " (func() -> i32 or func())");
    return bp_error_set(reterr, BP_ENOTFOUND, "no export '%s' among %zu that can be called", name,
                        program->callable_count);
}

bp_status bp__program_find(const bp__program *program, const char *name, size_t *ret_index,
                           bp_error *reterr)
{
    size_t low = 0, high = program->callable_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, program->callables[middle].name);
        if (order == 0) {
            *ret_index = middle;
            return BP_OK;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return not_found(program, name, reterr);
}
