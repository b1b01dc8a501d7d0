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
#include "plugin/describe.h"
#include "plugin/docs.h"
#include "plugin/format.h"
#include "plugin/load.h"
#include "plugin/runtime.h"

struct bp_inspection {
    bp_runtime *runtime; /* referenced: the module is its cache's */
    bp__module *module;
    char sha256[BP__SHA256_HEX_SIZE];
    uint64_t code_bytes;
    bp__buffer code;   /* of a component that can be asked what it offers; else empty */
    char *abi;         /* the manifest's, or NULL */
    bool is_command;   /* as it says, else by the code */
    const char *start; /* of a command: what can be called of it; NULL: it lacks that */
    char *description; /* what it answered; NULL: it was not asked */
    char *docs;        /* of a component's world, or NULL */
    char **export_docs;
    char **types; /* of functions, in words: imports, then exports */
    size_t type_count;
    size_t type_bytes; /* all of them */
    bp_import_info *imports;
    bp_export_info *exports;
};

/* A component's types can each be long, and there can be many functions. */
#define TYPES_BYTES_MAX ((size_t)4 << 20)

/* Functions' types are spelled out; the others are text already. */
static const char *type_text(bp_inspection *inspection, const bp__extern_type *type)
{
    if (type->kind != BP__EXTERN_FUNC && type->kind != BP__EXTERN_WIT_FUNC)
        return type->type;
    if (inspection->type_bytes > TYPES_BYTES_MAX)
        return "func(…)";
    char *text = type->kind == BP__EXTERN_FUNC ? bp__signature_text(type->type)
                                               : bp__component_signature(inspection->module, type);
    inspection->types[inspection->type_count++] = text;
    inspection->type_bytes += text ? strlen(text) : 0;
    return text;
}

static void recognise(bp_inspection *inspection)
{
    const bp__module *module = inspection->module;
    inspection->is_command =
        inspection->abi ? strcmp(inspection->abi, "command") == 0 : bp__command_recognise(module);
    inspection->start = inspection->is_command ? bp__command_export(module) : NULL;
}

/* Of a command only its start is; of a component nothing that has no form as JSON. */
static bool can_be_called(const bp_inspection *inspection, const bp__extern_type *export)
{
    if (inspection->is_command)
        return inspection->start && strcmp(export->name, inspection->start) == 0;
    if (!bp__is_callable(export))
        return false;
    bool any = export->kind == BP__EXTERN_WIT_FUNC && export->shape == BP__WIT_ANY;
    return !any || !bp__component_refuses(inspection->module, export);
}

static bool list_imports(bp_inspection *inspection)
{
    const bp__module *module = inspection->module;
    bool ok = true;
    for (size_t i = 0; i < module->import_count; i++) {
        const bp__extern_type *import = &module->imports[i];
        inspection->imports[i] = (bp_import_info){import->module ? import->module : "",
                                                  import->name, type_text(inspection, import),
                                                  bp__import_needs(import->module, import->name)};
        ok = ok && inspection->imports[i].type;
    }
    return ok;
}

static bool list_exports(bp_inspection *inspection, const bp__docs *docs)
{
    const bp__module *module = inspection->module;
    bool ok = true;
    for (size_t i = 0; i < module->export_count; i++) {
        const bp__extern_type *export = &module->exports[i];
        inspection->exports[i] = (bp_export_info){export->name, type_text(inspection, export),
                                                  can_be_called(inspection, export)};
        inspection->export_docs[i] = bp__docs_export(docs, export->name);
        ok = ok && inspection->exports[i].type;
    }
    return ok;
}

static bool list(bp_inspection *inspection, const bp__docs *docs)
{
    size_t imports = inspection->module->import_count, exports = inspection->module->export_count;
    inspection->types = bp__alloc_zeroed(imports + exports, sizeof *inspection->types);
    inspection->imports = bp__alloc_zeroed(imports, sizeof *inspection->imports);
    inspection->exports = bp__alloc_zeroed(exports, sizeof *inspection->exports);
    inspection->export_docs = bp__alloc_zeroed(exports, sizeof *inspection->export_docs);
    inspection->docs = bp__docs_world(docs);
    return inspection->types && inspection->imports && inspection->exports &&
           inspection->export_docs && list_imports(inspection) && list_exports(inspection, docs);
}

/* With what of the code is needed later. */
static bool list_all(bp_inspection *inspection, bp__buffer *code)
{
    bp__docs docs;
    recognise(inspection);
    bp__docs_read(bp__buffer_bytes(code), &docs);
    bool fine = list(inspection, &docs);
    bp__docs_done(&docs);
    if (inspection->module->is_component && bp__describes(inspection->module)) {
        inspection->code = *code;
        *code = (bp__buffer){0};
    }
    return fine;
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
    return list_all(inspection, code) ? BP_OK
                                      : bp__error_oom(reterr, "listing imports and exports");
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
    if (inspection)
        inspection->abi = bp_steal(&source.manifest.abi);
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
    for (size_t i = 0; inspection->export_docs && i < inspection->module->export_count; i++)
        bp__free(inspection->export_docs[i]);
    bp__free(inspection->export_docs);
    bp__free(inspection->docs);
    bp__free(inspection->description);
    bp__free(inspection->abi);
    bp__buffer_done(&inspection->code);
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
    if (inspection->is_command)
        return "command";
    if (module->is_component)
        return "component";
    if (inspection->abi)
        return "extism";
    for (size_t i = 0; i < module->import_count; i++)
        if (bp__import_is_plugins(module->imports[i].module))
            return "extism";
    for (size_t i = 0; i < module->export_count; i++)
        if (bp__is_callable(&module->exports[i]))
            return "extism";
    return "none";
}

const char *bp_inspection_remark(const bp_inspection *inspection)
{
    static const char handler[] = "wasi:http/incoming-handler@";
    const bp__module *module = inspection->module;
    bool handles = false;
    for (size_t i = 0; i < module->export_count; i++) {
        if (inspection->exports[i].callable)
            return NULL;
        handles = handles || (module->is_component &&
                              strncmp(module->exports[i].name, handler, sizeof handler - 1) == 0);
    }
    return handles ? "http handler: not served yet" : NULL;
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

const char *bp_inspection_docs(const bp_inspection *inspection)
{
    return inspection->docs;
}

const char *bp_inspection_export_docs(const bp_inspection *inspection, size_t index)
{
    return index < inspection->module->export_count ? inspection->export_docs[index] : NULL;
}

bp_status bp_inspection_describe(bp_inspection *inspection, uint32_t timeout_ms, const char **ret,
                                 bp_error *reterr)
{
    char *description = NULL;
    if (!inspection || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_inspection_describe: an argument is NULL");
    bp_status status =
        bp__describe(inspection->runtime, inspection->module, bp__buffer_bytes(&inspection->code),
                     timeout_ms, &description, reterr);
    if (status != BP_OK)
        return status;
    bp__free(inspection->description);
    *ret = inspection->description = description;
    return BP_OK;
}
