/* SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/inspect.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/sha256.h"
#include "engine/component.h"
#include "guest/command/command.h"
#include "guest/program.h"
#include "plugin/format.h"
#include "plugin/load.h"
#include "plugin/runtime.h"

struct bp_inspection {
    bp_runtime *runtime; /* referenced: the module is its cache's */
    bp__module *module;
    char sha256[BP__SHA256_HEX_SIZE];
    uint64_t code_bytes;
    char **types; /* of functions, in words: imports, then exports */
    size_t type_count;
    bp_import_info *imports;
    bp_export_info *exports;
};

/* Functions' types are spelled out; the others are text already. */
static const char *type_text(bp_inspection *inspection, const bp__extern_type *type)
{
    if (type->kind != BP__EXTERN_FUNC && type->kind != BP__EXTERN_WIT_FUNC)
        return type->type;
    char *text = type->kind == BP__EXTERN_FUNC ? bp__signature_text(type->type)
                                               : bp__component_signature(inspection->module, type);
    inspection->types[inspection->type_count++] = text;
    return text;
}

static bool list(bp_inspection *inspection)
{
    const bp__module *module = inspection->module;
    size_t imports = module->import_count, exports = module->export_count;
    inspection->types = bp__alloc_zeroed(imports + exports, sizeof *inspection->types);
    inspection->imports = bp__alloc_zeroed(imports, sizeof *inspection->imports);
    inspection->exports = bp__alloc_zeroed(exports, sizeof *inspection->exports);
    if (!inspection->types || !inspection->imports || !inspection->exports)
        return false;
    bool ok = true;
    const char *command = bp__command_recognise(module) ? bp__command_export(module) : NULL;
    for (size_t i = 0; i < imports; i++) {
        const bp__extern_type *import = &module->imports[i];
        inspection->imports[i] =
            (bp_import_info){import->module, import->name, type_text(inspection, import),
                             bp__import_needs(import->module, import->name)};
        ok = ok && inspection->imports[i].type;
    }
    for (size_t i = 0; i < exports; i++) {
        const bp__extern_type *export = &module->exports[i];
        bool offered = !command || strcmp(export->name, command) == 0;
        inspection->exports[i] = (bp_export_info){export->name, type_text(inspection, export),
                                                  offered && bp__is_callable(export)};
        ok = ok && inspection->exports[i].type;
    }
    return ok;
}

static bp_status look(bp_runtime *runtime, bp__buffer *code, bp_inspection *inspection,
                      bp_error *reterr)
{
    uint8_t digest[BP__SHA256_SIZE];
    bp_status status = bp__sha256(bp__buffer_bytes(code), digest, reterr);
    if (status != BP_OK)
        return status;
    bp__sha256_hex(digest, inspection->sha256);
    inspection->code_bytes = code->size;
    inspection->runtime = bp_runtime_ref(runtime);
    bp__code_strip(code, false);
    bp__module_source source;
    status = bp__module_cache_take(runtime->modules, runtime->engine, bp__buffer_bytes(code),
                                   code->size == inspection->code_bytes ? digest : NULL, NULL,
                                   &inspection->module, &source, reterr);
    if (status != BP_OK)
        return status;
    return list(inspection) ? BP_OK : bp__error_oom(reterr, "listing imports and exports");
}

bp_status bp_inspect_file(bp_runtime *runtime, const char *path, bp_inspection **ret,
                          bp_error *reterr)
{
    if (!runtime || !path || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_inspect_file: an argument is NULL");
    bp__source source;
    bp_error unread = BP_ERROR_INIT;
    if (!reterr)
        reterr = &unread; /* as when loading */
    bp_status status = bp__runtime_check_process(runtime, reterr);
    /* Compilers need stack as well. */
    if (status == BP_OK)
        status = bp__engine_check_stack(runtime->engine, reterr);
    if (status == BP_OK)
        status = bp__source_read_file(&runtime->options, path, &source, reterr);
    if (status != BP_OK) {
        bp__error_prefix(reterr, "inspect '%s'", path);
        return status;
    }
    bp_inspection *inspection = bp__alloc_zeroed(1, sizeof *inspection);
    status = inspection ? look(runtime, &source.manifest.code, inspection, reterr)
                        : bp__error_oom(reterr, "inspecting");
    bp__manifest_done(&source.manifest);
    if (status == BP_OK) {
        *ret = inspection;
        return BP_OK;
    }
    bp_inspection_free(inspection);
    bp__error_prefix(reterr, "inspect '%s'", path);
    return status;
}

void bp_inspection_free(bp_inspection *inspection)
{
    if (!inspection)
        return;
    for (size_t i = 0; i < inspection->type_count; i++)
        bp__free(inspection->types[i]);
    bp__free(inspection->types);
    bp__free(inspection->imports);
    bp__free(inspection->exports);
    bp__module_unref(inspection->module);
    bp_runtime_unref(inspection->runtime);
    bp__free(inspection);
}

const char *bp_inspection_kind(const bp_inspection *inspection)
{
    return inspection->module->is_component ? "component" : "core module";
}

const char *bp_inspection_abi(const bp_inspection *inspection)
{
    const bp__module *module = inspection->module;
    if (bp__command_recognise(module))
        return "command";
    if (module->is_component)
        return "component";
    for (size_t i = 0; i < module->import_count; i++)
        if (bp__import_is_plugins(module->imports[i].module))
            return "extism";
    for (size_t i = 0; i < module->export_count; i++)
        if (bp__is_callable(&module->exports[i]))
            return "extism";
    return "none";
}

const char *bp_inspection_sha256(const bp_inspection *inspection)
{
    return inspection->sha256;
}

uint64_t bp_inspection_code_bytes(const bp_inspection *inspection)
{
    return inspection->code_bytes;
}

uint64_t bp_inspection_memory_bytes(const bp_inspection *inspection)
{
    return inspection->module->needs.memory_bytes_initial;
}

size_t bp_inspection_imports(const bp_inspection *inspection, const bp_import_info **ret)
{
    *ret = inspection->imports;
    return inspection->module->import_count;
}

size_t bp_inspection_exports(const bp_inspection *inspection, const bp_export_info **ret)
{
    *ret = inspection->exports;
    return inspection->module->export_count;
}
