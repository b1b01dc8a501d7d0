/* bullpen inspect. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/inspect.h>

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cmd.h"
#include "cli/failure.h"
#include "cli/json_text.h"
#include "cli/number.h"
#include "cli/out.h"
#include "cli/records.h"
#include "cli/stack.h"

BP_DEFINE_CLEANUP(cleanup_runtime, bp_runtime, bp_runtime_unref)
BP_DEFINE_CLEANUP(cleanup_inspection, bp_inspection, bp_inspection_free)

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

static void print_imports(const bp_inspection *inspection)
{
    const bp_import_info *imports = NULL;
    size_t count = bp_inspection_imports(inspection, &imports);
    print_heading("imports", count);
    for (size_t i = 0; i < count; i++)
        cli_out_text("  %s %s: %s  needs %s\n", imports[i].module, imports[i].name, imports[i].type,
                     imports[i].needs);
}

static void print_exports(const bp_inspection *inspection)
{
    const bp_export_info *exports = NULL;
    size_t count = bp_inspection_exports(inspection, &exports);
    print_heading("exports", count);
    for (size_t i = 0; i < count; i++)
        cli_out_text("  %s: %s%s\n", exports[i].name, exports[i].type,
                     exports[i].callable ? "  callable" : "");
}

static bool print_text(const char *file, const bp_inspection *inspection)
{
    cli_out_text("%-9s%s\n", "file", file);
    cli_out_text("%-9s%s\n", "kind", bp_inspection_kind(inspection));
    cli_out_text("%-9s%s\n", "abi", bp_inspection_abi(inspection));
    print_size("size", bp_inspection_code_bytes(inspection));
    cli_out_text("%-9s%s\n", "sha256", bp_inspection_sha256(inspection));
    print_size("memory", bp_inspection_memory_bytes(inspection));
    print_imports(inspection);
    print_exports(inspection);
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
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:b}", "name", text_json(exports[i].name),
                                              "type", text_json(exports[i].type), "callable",
                                              (int)exports[i].callable));
    return list;
}

static bool print_json(const char *file, const bp_inspection *inspection)
{
    return cli_out_json(json_pack(
        "{s:o, s:o, s:o, s:I, s:o, s:I, s:o, s:o}", "file", text_json(file), "kind",
        text_json(bp_inspection_kind(inspection)), "abi", text_json(bp_inspection_abi(inspection)),
        "size", (json_int_t)bp_inspection_code_bytes(inspection), "sha256",
        text_json(bp_inspection_sha256(inspection)), "memory",
        (json_int_t)bp_inspection_memory_bytes(inspection), "imports", imports_json(inspection),
        "exports", exports_json(inspection)));
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
    if (bp_runtime_new(&options, &runtime, &error) != BP_OK ||
        bp_inspect_file(runtime, values->file, &inspection, &error) != BP_OK) {
        if (values->common.json)
            cli_out_error_json(&error);
        return cli_fail(&error);
    }
    bool fine = values->common.json ? print_json(values->file, inspection)
                                    : print_text(values->file, inspection);
    return fine ? CLI_OK : CLI_FAILED;
}

int cmd_inspect(const void *data)
{
    const inspect_values *values = data;
    return cli_run_on_large_stack(inspect, &values);
}
