/* bullpen inspect. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/inspect.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/failure.h"
#include "cli/json_text.h"
#include "cli/number.h"
#include "cli/out.h"
#include "cli/records.h"
#include "cli/stack.h"

/* Of imports, and of exports: more is for programs. */
#define LINES_MAX 500
#define TYPE_BYTES_MAX 1000

BP_DEFINE_CLEANUP(cleanup_runtime, bp_runtime, bp_runtime_unref)
BP_DEFINE_CLEANUP(cleanup_inspection, bp_inspection, bp_inspection_free)

static bool is_component(const bp_inspection *inspection)
{
    return strcmp(bp_inspection_kind(inspection), "component") == 0;
}

static json_t *text_json(const char *text)
{
    return cli_json_text(text, strlen(text));
}

/* --- as text ------------------------------------------------------------------------------ */

static void print_size(const char *label, uint64_t bytes)
{
    char about[CLI_NUMBER_TEXT];
    cli_number_print_about(bytes, about);
    if (bytes < 1024)
        cli_out_text("%-9s%" PRIu64 " bytes\n", label, bytes);
    else
        cli_out_text("%-9s%" PRIu64 " bytes (%s)\n", label, bytes, about);
}

static void print_heading(const char *text, size_t count)
{
    cli_out_printf("\n%s%s%s (%zu)\n", cli_colour_on(stdout, CLI_BOLD), text,
                   cli_colour_off(stdout), count);
}

/* Comments are paragraphs; each line keeps its place below what it is about. */
static void print_docs(const char *docs, const char *indent)
{
    for (const char *at = docs; at && *at;) {
        size_t size = strcspn(at, "\n");
        cli_out_text("%s%.*s\n", size ? indent : "", (int)size, at);
        at += size + (at[size] == '\n');
    }
}

/* Of a component's list, what is not printed line by line. */
static bool is_type(const char *type)
{
    return strcmp(type, "type") == 0;
}

/* A line for each is for programs. */
static bool is_too_many(size_t printed, bool all)
{
    return !all && printed >= LINES_MAX;
}

static void print_rest(size_t count)
{
    if (count)
        cli_out_printf("  … and %zu more: --all lists them\n", count);
}

/* Of a type, what is printed of it. */
static int type_size(const char *type, bool all)
{
    size_t size = strlen(type);
    return (int)(all ? size : bp__utf8_cut(type, size, TYPE_BYTES_MAX));
}

static const char *type_end(const char *type, bool all)
{
    return type[type_size(type, all)] ? "…" : "";
}

/* WASI has hundreds of functions, which everybody knows or nobody wants to. */
static bool is_wasi(const char *interface)
{
    return strncmp(interface, "wasi:", 5) == 0;
}

/* The functions that follow an interface; how many of the list they are. */
static size_t functions_of(const bp_import_info *imports, size_t count, const char *interface)
{
    size_t found = 0;
    for (size_t i = 0; i < count && strcmp(imports[i].module, interface) == 0; i++)
        found += !is_type(imports[i].type);
    return found;
}

static void print_import(bool component, const bp_import_info *import, size_t rest, bool all)
{
    if (!component || strcmp(import->type, "interface") != 0) {
        if (component && *import->module)
            cli_out_text("    %s: %.*s%s\n", import->name, type_size(import->type, all),
                         import->type, type_end(import->type, all));
        else
            cli_out_text("  %s%s%s: %s  needs %s\n", import->module, *import->module ? " " : "",
                         import->name, import->type, import->needs);
        return;
    }
    size_t functions = functions_of(import + 1, rest, import->name);
    if (!all && is_wasi(import->name) && functions)
        cli_out_text("  %s  needs %s  (%zu function%s)\n", import->name, import->needs, functions,
                     functions == 1 ? "" : "s");
    else
        cli_out_text("  %s  needs %s\n", import->name, import->needs);
}

static void print_imports(const bp_inspection *inspection, bool all)
{
    const bp_import_info *imports = NULL;
    size_t count = bp_inspection_imports(inspection, &imports), printed = 0, rest = 0, shown = 0;
    bool component = is_component(inspection);
    for (size_t i = 0; i < count; i++)
        shown += !component || !*imports[i].module;
    print_heading("imports", shown);
    for (size_t i = 0; i < count; i++) {
        bool hidden =
            component && (is_type(imports[i].type) || (!all && is_wasi(imports[i].module)));
        if (hidden)
            continue;
        if (is_too_many(printed, all)) {
            rest++;
            continue;
        }
        print_import(component, &imports[i], count - i - 1, all);
        printed++;
    }
    print_rest(rest);
}

static void print_exports(const bp_inspection *inspection, bool all)
{
    const bp_export_info *exports = NULL;
    size_t count = bp_inspection_exports(inspection, &exports), printed = 0, rest = 0;
    bool component = is_component(inspection);
    size_t shown = 0;
    for (size_t i = 0; i < count; i++)
        shown += !component || !is_type(exports[i].type);
    print_heading("exports", shown);
    for (size_t i = 0; i < count; i++) {
        if (component && is_type(exports[i].type))
            continue;
        if (is_too_many(printed++, all)) {
            rest++;
            continue;
        }
        cli_out_text("  %s: %.*s%s%s\n", exports[i].name, type_size(exports[i].type, all),
                     exports[i].type, type_end(exports[i].type, all),
                     exports[i].callable ? "  callable" : "");
        print_docs(bp_inspection_export_docs(inspection, i), "      ");
    }
    print_rest(rest);
}

static void print_value(const char *label, const json_t *value)
{
    char *text = value && !json_is_string(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    if (value)
        cli_out_text("      %s: %s\n", label, text ? text : json_string_value(value));
    free(text); /* jansson's own allocator */
}

static void print_description(const json_t *description)
{
    const json_t *functions = json_object_get(description, "functions");
    print_heading("described", json_array_size(functions));
    for (size_t i = 0; i < json_array_size(functions); i++) {
        const json_t *function = json_array_get(functions, i);
        const char *name = json_string_value(json_object_get(function, "name"));
        cli_out_text("  %s%s\n", name ? name : "(without a name)",
                     json_is_true(json_object_get(function, "writeable")) ? "  writeable" : "");
        print_docs(json_string_value(json_object_get(function, "doc")), "      ");
        print_value("arguments", json_object_get(function, "arguments"));
        print_value("result", json_object_get(function, "result"));
    }
}

static bool print_text(const inspect_values *values, const bp_inspection *inspection,
                       const json_t *description)
{
    const char *remark = bp_inspection_remark(inspection), *docs = bp_inspection_docs(inspection);
    cli_out_text("%-9s%s\n", "file", values->file);
    cli_out_text("%-9s%s\n", "kind", bp_inspection_kind(inspection));
    cli_out_text("%-9s%s\n", "abi", bp_inspection_abi(inspection));
    if (remark)
        cli_out_text("%-9s%s\n", "remark", remark);
    print_size("size", bp_inspection_code_bytes(inspection));
    cli_out_text("%-9s%s\n", "sha256", bp_inspection_sha256(inspection));
    print_size("memory", bp_inspection_memory_bytes(inspection));
    if (docs)
        cli_out_printf("\n");
    print_docs(docs, "");
    print_imports(inspection, values->all);
    print_exports(inspection, values->all);
    if (description)
        print_description(description);
    return cli_out_flush();
}

/* --- as JSON ------------------------------------------------------------------------------ */

static json_t *imports_json(const bp_inspection *inspection)
{
    const bp_import_info *imports = NULL;
    size_t count = bp_inspection_imports(inspection, &imports);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:o}", "module", text_json(imports[i].module), "name",
                            text_json(imports[i].name), "type", text_json(imports[i].type), "needs",
                            text_json(imports[i].needs)));
    return list;
}

static json_t *exports_json(const bp_inspection *inspection)
{
    const bp_export_info *exports = NULL;
    size_t count = bp_inspection_exports(inspection, &exports);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const char *docs = bp_inspection_export_docs(inspection, i);
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:b, s:o*}", "name", text_json(exports[i].name), "type",
                            text_json(exports[i].type), "callable", (int)exports[i].callable,
                            "docs", docs ? text_json(docs) : NULL));
    }
    return list;
}

static bool print_json(const inspect_values *values, const bp_inspection *inspection,
                       json_t *description)
{
    const char *remark = bp_inspection_remark(inspection), *docs = bp_inspection_docs(inspection);
    return cli_out_json(json_pack(
        "{s:o, s:o, s:o, s:o*, s:I, s:o, s:I, s:o*, s:o, s:o, s:O*}", "file",
        text_json(values->file), "kind", text_json(bp_inspection_kind(inspection)), "abi",
        text_json(bp_inspection_abi(inspection)), "remark", remark ? text_json(remark) : NULL,
        "size", (json_int_t)bp_inspection_code_bytes(inspection), "sha256",
        text_json(bp_inspection_sha256(inspection)), "memory",
        (json_int_t)bp_inspection_memory_bytes(inspection), "docs", docs ? text_json(docs) : NULL,
        "imports", imports_json(inspection), "exports", exports_json(inspection), "described",
        description));
}

/* --- the command -------------------------------------------------------------------------- */

/* What the plugin says about itself, with what is wrong in it told; NULL: it was not asked. */
static bp_status describe(const inspect_values *values, bp_inspection *inspection, json_t **ret,
                          bp_error *reterr)
{
    const char *text = NULL;
    *ret = NULL;
    if (!values->describe)
        return BP_OK;
    bp_status status = bp_inspection_describe(inspection, 0, &text, reterr);
    if (status != BP_OK)
        return status;
    *ret = json_loads(text, 0, NULL);
    const json_t *warnings = json_object_get(*ret, "warnings");
    for (size_t i = 0; !values->common.json && i < json_array_size(warnings); i++)
        cli_note("%s", json_string_value(json_array_get(warnings, i)));
    return BP_OK;
}

static int inspect(void *data)
{
    const inspect_values *values = *(const inspect_values *const *)data;
    bp_error error = BP_ERROR_INIT;
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    cli_records records = cli_records_for(-1, values->common.quiet);
    cli_records_attach(&records, &options);
    bp_cleanup(cleanup_runtime) bp_runtime *runtime = NULL;
    bp_cleanup(cleanup_inspection) bp_inspection *inspection = NULL;
    json_t *description = NULL;
    if (bp_runtime_new(&options, &runtime, &error) != BP_OK ||
        bp_inspect_file(runtime, values->file, &inspection, &error) != BP_OK ||
        describe(values, inspection, &description, &error) != BP_OK) {
        if (values->common.json)
            cli_out_error_json(&error);
        return cli_fail(&error);
    }
    bool fine = values->common.json ? print_json(values, inspection, description)
                                    : print_text(values, inspection, description);
    json_decref(description);
    return fine ? CLI_OK : CLI_FAILED;
}

int cmd_inspect(const void *data)
{
    const inspect_values *values = data;
    return cli_run_on_large_stack(inspect, &values);
}
