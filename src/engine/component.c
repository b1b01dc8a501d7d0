/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/component.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/buffer.h"
#include "engine/linked.h"

/* As many as a core module may have. Names are compared one by one. */
#define ITEMS_MAX 10000

/* ---- what there is ---- */

static bp__extern_kind kind_of(const foundation_component_item *item)
{
    switch (item->kind) {
    case FOUNDATION_ITEM_FUNC:
        return BP__EXTERN_WIT_FUNC;
    case FOUNDATION_ITEM_INSTANCE:
        return BP__EXTERN_INTERFACE;
    case FOUNDATION_ITEM_TYPE:
        return BP__EXTERN_WIT_TYPE;
    default:
        return BP__EXTERN_WIT_OTHER;
    }
}

static bp__wit_shape shape_of(const foundation_component_item *item)
{
    static const bp__wit_shape shapes[] = {[FOUNDATION_SHAPE_ANY] = BP__WIT_ANY,
                                           [FOUNDATION_SHAPE_BYTES] = BP__WIT_BYTES,
                                           [FOUNDATION_SHAPE_INIT] = BP__WIT_INIT,
                                           [FOUNDATION_SHAPE_RUN] = BP__WIT_RUN,
                                           [FOUNDATION_SHAPE_NOTHING] = BP__WIT_NOTHING};
    return shapes[item->shape];
}

/* Parts of "interface#function"; only imports are taken apart. */
static bool set_names(bp__extern_type *to, const foundation_component_item *item)
{
    const char *inner = item->is_import ? memrchr(item->name, '#', item->name_size) : NULL;
    size_t before = inner ? (size_t)(inner - item->name) : 0;
    if (inner && !(to->module = bp__strndup(item->name, before)))
        return false;
    const char *name = inner ? inner + 1 : item->name;
    to->name = bp__strndup(name, item->name_size - (size_t)(name - item->name));
    return to->name != NULL;
}

typedef struct lists {
    bp__module *module;
    size_t import_room, export_room;
    bool counting;
} lists;

/* Twice over all of them: first to count, then to keep. */
static bool keep(void *data, const foundation_component_item *item)
{
    lists *to = data;
    if (to->counting) {
        ++*(item->is_import ? &to->import_room : &to->export_room);
        return true;
    }
    bp__module *module = to->module;
    bp__extern_type *entry = item->is_import ? &module->imports[module->import_count++]
                                             : &module->exports[module->export_count++];
    entry->kind = kind_of(item);
    entry->shape = shape_of(item);
    static const char *const words[] = {[FOUNDATION_ITEM_FUNC] = "func",
                                        [FOUNDATION_ITEM_INSTANCE] = "interface",
                                        [FOUNDATION_ITEM_TYPE] = "type",
                                        [FOUNDATION_ITEM_OTHER] = "module or component"};
    entry->type = bp__strdup(words[item->kind]);
    return set_names(entry, item) && entry->type;
}

static void measure(bp__module *module)
{
    foundation_component_needs needs = {0};
    (void)foundation_component_resources(module->wasm, &needs);
    module->needs = (bp__module_needs){
        .memories = needs.memories,
        .tables = needs.tables,
        .functions = needs.functions > UINT32_MAX ? UINT32_MAX : (uint32_t)needs.functions,
        .memory_bytes_initial = needs.memory_bytes_initial,
        .table_elements_initial = needs.table_elements_initial,
    };
    module->compiled_bytes = needs.code_bytes;
}

bp_status bp__component_describe(bp__module *module, bp_error *reterr)
{
    lists to = {.module = module, .counting = true};
    (void)foundation_component_visit(module->wasm, keep, &to);
    if (to.import_room > ITEMS_MAX || to.export_room > ITEMS_MAX)
        return bp_error_set(reterr, BP_ELIMIT, "imports or exports more than %d things", ITEMS_MAX);
    module->imports = bp__alloc_zeroed(to.import_room, sizeof *module->imports);
    module->exports = bp__alloc_zeroed(to.export_room, sizeof *module->exports);
    to.counting = false;
    if (!module->imports || !module->exports ||
        !foundation_component_visit(module->wasm, keep, &to))
        return bp__error_oom(reterr, "listing imports and exports");
    measure(module);
    return BP_OK;
}

static bool keep_text(void *data, const uint8_t *bytes, size_t size)
{
    return bp__buffer_append(data, bytes, size);
}

char *bp__component_signature(const bp__module *module, const bp__extern_type *function)
{
    bp__buffer path = {0}, text = {0};
    bool is_import =
        function >= module->imports && function < module->imports + module->import_count;
    if (function->module)
        bp__buffer_printf(&path, "%s#", function->module);
    bp__buffer_append_text(&path, function->name);
    bool found =
        !path.overflow && foundation_component_func_signature(module->wasm, path.data, path.size,
                                                              is_import, keep_text, &text);
    const char *whole = found ? bp__buffer_text(&text) : function->type;
    char *copy = whole ? bp__strdup(whole) : NULL;
    bp__buffer_done(&path);
    bp__buffer_done(&text);
    return copy;
}

/* The document ends with why it is refused; quotes inside of its texts are escaped. */
bool bp__component_refuses(const bp__module *module, const bp__extern_type *export)
{
    static const char reached[] = "\"refused\":null}";
    bp__buffer schema = {0};
    bool found = foundation_component_func_schema(module->wasm, export->name, strlen(export->name),
                                                  false, keep_text, &schema);
    size_t size = sizeof reached - 1;
    bool refused = found && (schema.size < size ||
                             memcmp(schema.data + schema.size - size, reached, size) != 0);
    bp__buffer_done(&schema);
    return refused;
}

/* ---- linking ---- */

BP_DEFINE_CLEANUP(cleanup_linker, foundation_component_linker, foundation_component_linker_delete)

/* All that there is, whether it is granted or not: that is decided when it is called. */
static bp_status define_imports(foundation_component_linker *linker, const bp__module *module,
                                const bp__component_imports *imports, bp_error *reterr)
{
    wasmtime_error_t *error = foundation_wasi_define(linker, imports->wasi);
    if (!error)
        error = foundation_plugin_define(linker, imports->plugin);
    for (size_t i = 0; !error && i < imports->user_count; i++)
        error = foundation_component_define_user(linker, module->wasm, &imports->user[i]);
    return error ? bp__engine_error(error, BP_EFORMAT, reterr, "link") : BP_OK;
}

bp_status bp__component_link(bp__engine *engine, const bp__module *module,
                             const bp__component_imports *imports, bp__linked **ret,
                             bp_error *reterr)
{
    bp_cleanup(cleanup_linker) foundation_component_linker *linker =
        foundation_component_linker_new(engine->wasm);
    bp_status status = define_imports(linker, module, imports, reterr);
    if (status != BP_OK)
        return status;
    bp__linked *linked = bp__alloc_zeroed(1, sizeof *linked);
    if (!linked)
        return bp__error_oom(reterr, "linking");
    wasmtime_error_t *error = foundation_component_link(linker, module->wasm, &linked->component);
    if (error) {
        bp__free(linked);
        return bp__engine_error(error, BP_EDENIED, reterr, "link");
    }
    *ret = linked;
    return BP_OK;
}
