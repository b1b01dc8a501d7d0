/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/command/command.h"

#include <string.h>

#include "guest/program.h"

#define RUN_PREFIX "wasi:cli/run@0.2."
#define RUN_SUFFIX "#run"

static bool is_run(const bp__extern_type *export)
{
    const char *hash = strchr(export->name, '#');
    return export->kind == BP__EXTERN_WIT_FUNC && export->shape == BP__WIT_RUN && hash &&
           strncmp(export->name, RUN_PREFIX, sizeof RUN_PREFIX - 1) == 0 &&
           strcmp(hash, RUN_SUFFIX) == 0;
}

static bool is_start(const bp__extern_type *export)
{
    return export->kind == BP__EXTERN_FUNC && strcmp(export->name, BP__COMMAND_EXPORT) == 0 &&
           strcmp(export->type, ">") == 0;
}

const char *bp__command_export(const bp__module *module)
{
    for (size_t i = 0; i < module->export_count; i++)
        if (module->is_component ? is_run(&module->exports[i]) : is_start(&module->exports[i]))
            return module->exports[i].name;
    return NULL;
}

/* Toolchains export their own, "__main_void" of Rust's for example; C reserves such names. */
static bool is_toolchains(const char *name)
{
    return strncmp(name, "__", 2) == 0;
}

bool bp__command_recognise(const bp__module *module)
{
    const char *name = bp__command_export(module);
    for (size_t i = 0; i < module->import_count; i++)
        if (bp__import_is_plugins(module->imports[i].module))
            return false;
    for (size_t i = 0; name && i < module->export_count; i++) {
        const bp__extern_type *export = &module->exports[i];
        if (bp__is_callable(export) && strcmp(export->name, name) != 0 &&
            !is_toolchains(export->name))
            return false;
    }
    return name != NULL;
}
