/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/module.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "engine/component.h"
#include "engine/module_cache.h"
#include "engine/private.h"

bp_status bp__wat_to_wasm(bp_bytes text, uint8_t **ret, size_t *ret_size, bp_error *reterr)
{
    wasm_byte_vec_t wasm;
    wasmtime_error_t *error = wasmtime_wat2wasm(text.data, text.size, &wasm);
    if (error)
        return bp__engine_error(error, BP_EFORMAT, reterr, "WebAssembly text");
    *ret = bp__alloc(wasm.size);
    *ret_size = wasm.size;
    if (*ret)
        memcpy(*ret, wasm.data, wasm.size);
    wasm_byte_vec_delete(&wasm);
    return *ret ? BP_OK : bp__error_oom(reterr, "translating WebAssembly text");
}

/* Not by wasm_valtype_kind(), which ends the process on vectors and on most references. */
static char value_letter(const wasm_valtype_t *type)
{
    static const char letters[] = {[WASMTIME_VALTYPE_KIND_I32] = 'i',
                                   [WASMTIME_VALTYPE_KIND_I64] = 'I',
                                   [WASMTIME_VALTYPE_KIND_F32] = 'f',
                                   [WASMTIME_VALTYPE_KIND_F64] = 'd',
                                   [WASMTIME_VALTYPE_KIND_V128] = 'v'};
    wasmtime_valtype_t described;
    wasmtime_valtype_new(type, &described);
    char letter = described.kind < sizeof letters ? letters[described.kind] : 'r';
    wasmtime_valtype_delete(&described);
    return letter;
}

static void append_values(bp__buffer *to, const wasm_valtype_vec_t *types)
{
    for (size_t i = 0; i < types->size; i++) {
        char letter = value_letter(types->data[i]);
        bp__buffer_append(to, &letter, 1);
    }
}

static void append_limits(bp__buffer *to, const char *what, uint64_t min, bool has_max,
                          uint64_t max)
{
    bp__buffer_printf(to, "%s(%llu..", what, (unsigned long long)min);
    if (has_max)
        bp__buffer_printf(to, "%llu", (unsigned long long)max);
    bp__buffer_append_text(to, ")");
}

static void describe_memory(bp__buffer *to, const wasm_memorytype_t *type)
{
    uint64_t max = 0;
    bool has_max = wasmtime_memorytype_maximum(type, &max);
    append_limits(to, "memory", wasmtime_memorytype_minimum(type), has_max, max);
}

static void describe_table(bp__buffer *to, const wasm_tabletype_t *type)
{
    const wasm_limits_t *limits = wasm_tabletype_limits(type);
    append_limits(to, "table", limits->min, limits->max != wasm_limits_max_default, limits->max);
}

static void describe_global(bp__buffer *to, const wasm_globaltype_t *type)
{
    static const char *const names[] = {['i'] = "i32", ['I'] = "i64",  ['f'] = "f32",
                                        ['d'] = "f64", ['v'] = "v128", ['r'] = "reference"};
    char letter = value_letter(wasm_globaltype_content(type));
    bool is_mutable = wasm_globaltype_mutability(type) == WASM_VAR;
    bp__buffer_printf(to, "global(%s%s)", is_mutable ? "mut " : "", names[(int)letter]);
}

static bp__extern_kind describe(bp__buffer *to, const wasm_externtype_t *type)
{
    switch (wasm_externtype_kind(type)) {
    case WASM_EXTERN_FUNC: {
        const wasm_functype_t *function = wasm_externtype_as_functype_const(type);
        append_values(to, wasm_functype_params(function));
        bp__buffer_append_text(to, ">");
        append_values(to, wasm_functype_results(function));
        return BP__EXTERN_FUNC;
    }
    case WASM_EXTERN_GLOBAL:
        describe_global(to, wasm_externtype_as_globaltype_const(type));
        return BP__EXTERN_GLOBAL;
    case WASM_EXTERN_TABLE:
        describe_table(to, wasm_externtype_as_tabletype_const(type));
        return BP__EXTERN_TABLE;
    case WASM_EXTERN_MEMORY:
        describe_memory(to, wasm_externtype_as_memorytype_const(type));
        return BP__EXTERN_MEMORY;
    default:
        bp__buffer_append_text(to, "tag");
        return BP__EXTERN_TAG;
    }
}

/* Names are UTF-8 (the engine has validated them), but may hold a NUL. Cut there, one name would
 * pass for another, whose type is another too: such modules are refused. */
static bool has_nul(const wasm_name_t *name)
{
    return name && memchr(name->data, '\0', name->size);
}

static bp_status fill(bp__extern_type *extern_type, const wasm_name_t *module,
                      const wasm_name_t *name, const wasm_externtype_t *type, bp_error *reterr)
{
    if (has_nul(module) || has_nul(name))
        return bp_error_set(reterr, BP_EFORMAT, "the name of an import or export has a NUL in it");
    bp__buffer text = {0};
    extern_type->kind = describe(&text, type);
    if (!text.overflow && bp__buffer_text(&text))
        extern_type->type = bp__strdup(text.data);
    bp__buffer_done(&text);
    if (module)
        extern_type->module = bp__strndup(module->data, module->size);
    extern_type->name = bp__strndup(name->data, name->size);
    if (extern_type->type && extern_type->name && (!module || extern_type->module))
        return BP_OK;
    return bp__error_oom(reterr, "listing imports and exports");
}

static bp_status list_imports(bp__module *module, bp_error *reterr)
{
    wasm_importtype_vec_t imports;
    wasmtime_module_imports(module->wasm, &imports);
    module->imports = bp__alloc_zeroed(imports.size, sizeof *module->imports);
    bp_status status =
        module->imports ? BP_OK : bp__error_oom(reterr, "listing imports and exports");
    for (size_t i = 0; status == BP_OK && i < imports.size; i++) {
        const wasm_importtype_t *import = imports.data[i];
        module->import_count++;
        status = fill(&module->imports[i], wasm_importtype_module(import),
                      wasm_importtype_name(import), wasm_importtype_type(import), reterr);
    }
    wasm_importtype_vec_delete(&imports);
    return status;
}

static bp_status list_exports(bp__module *module, bp_error *reterr)
{
    wasm_exporttype_vec_t exports;
    wasmtime_module_exports(module->wasm, &exports);
    module->exports = bp__alloc_zeroed(exports.size, sizeof *module->exports);
    bp_status status =
        module->exports ? BP_OK : bp__error_oom(reterr, "listing imports and exports");
    for (size_t i = 0; status == BP_OK && i < exports.size; i++) {
        const wasm_exporttype_t *export = exports.data[i];
        module->export_count++;
        status = fill(&module->exports[i], NULL, wasm_exporttype_name(export),
                      wasm_exporttype_type(export), reterr);
    }
    wasm_exporttype_vec_delete(&exports);
    return status;
}

static void measure(bp__module *module)
{
    foundation_module_needs needs;
    foundation_module_resources(module->wasm, &needs);
    module->needs = (bp__module_needs){
        .memories = needs.memories,
        .tables = needs.tables,
        .functions = needs.functions,
        .memory_bytes_initial = needs.memory_bytes_initial,
        .table_elements_initial = needs.table_elements_initial,
    };
    void *start, *end;
    wasmtime_module_image_range(module->wasm, &start, &end);
    module->compiled_bytes = (uint64_t)((char *)end - (char *)start);
}

static bp_status describe_core(bp__module *module, bp_error *reterr)
{
    bp_status status = list_imports(module, reterr);
    if (status == BP_OK)
        status = list_exports(module, reterr);
    if (status == BP_OK)
        measure(module);
    return status;
}

/* `compiled` is consumed. */
static bp_status describe_compiled(void *compiled, bool is_component, bp__module **ret,
                                   bp_error *reterr)
{
    bp__module *module = bp__alloc_zeroed(1, sizeof *module);
    if (!module) {
        is_component ? foundation_component_delete(compiled) : wasmtime_module_delete(compiled);
        return bp__error_oom(reterr, "compiling");
    }
    module->wasm = compiled;
    module->is_component = is_component;
    bp_status status =
        is_component ? bp__component_describe(module, reterr) : describe_core(module, reterr);
    if (status != BP_OK) {
        bp__module_free(module);
        return status;
    }
    *ret = module;
    return BP_OK;
}

/* The layer stands where a module has the second half of its version. */
bool bp__wasm_is_component(bp_bytes wasm)
{
    const uint8_t *bytes = wasm.data;
    return wasm.size >= 8 && bytes[6] == 1;
}

bp_status bp__module_compile(bp__engine *engine, bp_bytes wasm, bp__module **ret, bp_error *reterr)
{
    foundation_component *component = NULL;
    wasmtime_module_t *module = NULL;
    wasmtime_error_t *error =
        bp__wasm_is_component(wasm)
            ? foundation_component_new(engine->wasm, wasm.data, wasm.size, &component)
            : wasmtime_module_new(engine->wasm, wasm.data, wasm.size, &module);
    if (error)
        return bp__engine_error(error, BP_EFORMAT, reterr, "compile");
    return describe_compiled(component ? (void *)component : module, component != NULL, ret,
                             reterr);
}

void bp__code_done(bp__code *code)
{
    wasm_byte_vec_t bytes = {code->size, (char *)code->data};
    if (code->is_ours)
        bp__free(code->data);
    else if (code->data)
        wasm_byte_vec_delete(&bytes);
    *code = (bp__code){0};
}

bp_status bp__module_precompile(bp__engine *engine, bp_bytes wasm, bp__code *ret, bp_error *reterr)
{
    wasm_byte_vec_t bytes;
    wasmtime_error_t *error =
        bp__wasm_is_component(wasm)
            ? foundation_component_precompile(engine->wasm, wasm.data, wasm.size, &bytes)
            : foundation_precompile(engine->wasm, wasm.data, wasm.size, &bytes);
    if (error)
        return bp__engine_error(error, BP_EFORMAT, reterr, "compile");
    *ret = (bp__code){(uint8_t *)bytes.data, bytes.size, false};
    return BP_OK;
}

bp_status bp__module_serialize(const bp__module *module, bp__code *ret, bp_error *reterr)
{
    wasm_byte_vec_t bytes;
    wasmtime_error_t *error = module->is_component
                                  ? foundation_component_serialize(module->wasm, &bytes)
                                  : wasmtime_module_serialize(module->wasm, &bytes);
    if (error)
        return bp__engine_error(error, BP_EENGINE, reterr, "serialize");
    *ret = (bp__code){(uint8_t *)bytes.data, bytes.size, false};
    return BP_OK;
}

bp_status bp__module_load(bp__engine *engine, bp_bytes code, bp__module **ret, bp_error *reterr)
{
    foundation_component *component = NULL;
    wasmtime_module_t *module = NULL;
    wasmtime_error_t *error =
        foundation_code_is_component(code.data, code.size)
            ? foundation_component_deserialize(engine->wasm, code.data, code.size, &component)
            : wasmtime_module_deserialize(engine->wasm, code.data, code.size, &module);
    if (error)
        return bp__engine_error(error, BP_EENGINE, reterr, "load compiled code");
    return describe_compiled(component ? (void *)component : module, component != NULL, ret,
                             reterr);
}

static void free_list(bp__extern_type *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bp__free(list[i].module);
        bp__free(list[i].name);
        bp__free(list[i].type);
    }
    bp__free(list);
}

void bp__module_free(bp__module *module)
{
    if (!module)
        return;
    free_list(module->imports, module->import_count);
    free_list(module->exports, module->export_count);
    if (module->is_component)
        foundation_component_delete(module->wasm);
    else if (module->wasm)
        wasmtime_module_delete(module->wasm);
    bp__free(module);
}

void bp__module_unref(bp__module *module)
{
    if (module && module->cached)
        bp__module_cache_give(module);
    else
        bp__module_free(module);
}

static const char *letter_text(char letter)
{
    switch (letter) {
    case 'i':
        return "i32";
    case 'I':
        return "i64";
    case 'f':
        return "f32";
    case 'd':
        return "f64";
    case 'v':
        return "v128";
    default:
        return "reference";
    }
}

char *bp__signature_text(const char *signature)
{
    bp__buffer text = {0};
    bp__buffer_append_text(&text, "func(");
    const char *at = signature;
    for (; *at && *at != '>'; at++)
        bp__buffer_printf(&text, "%s%s", at == signature ? "" : ", ", letter_text(*at));
    bp__buffer_append_text(&text, ")");
    if (*at == '>' && at[1])
        bp__buffer_append_text(&text, " -> ");
    const char *results = *at ? at + 1 : at;
    for (at = results; *at; at++)
        bp__buffer_printf(&text, "%s%s", at == results ? "" : ", ", letter_text(*at));
    const char *whole = text.overflow ? NULL : bp__buffer_text(&text);
    char *copy = whole ? bp__strdup(whole) : NULL;
    bp__buffer_done(&text);
    return copy;
}
