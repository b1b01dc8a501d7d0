/* bullpen plugin build. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/inspect.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/json_text.h"
#include "cli/number.h"
#include "cli/out.h"
#include "cli/plugin.h"
#include "cli/records.h"
#include "cli/stack.h"

BP_DEFINE_CLEANUP(cleanup_runtime, bp_runtime, bp_runtime_unref)
BP_DEFINE_CLEANUP(cleanup_inspection, bp_inspection, bp_inspection_free)

/* A build from its first look to what it prints. */
typedef struct build {
    const plugin_values *values;
    const char *folder;
    plugin_manifest manifest;
    plugin_language language;
    plugin_abi abi;
    bp_cancel *cancel;
    char *made, *final; /* owned: the paths of what the tools write and of what it becomes */
    char output[240];   /* the name of `made` */
    json_t *exports, *added, *missing;
    json_t *commented, *described; /* what the author's comments, and the plugin, say of exports */
    char sha256[65];
    uint64_t bytes, start_ns;
    bool needs_wasi;
} build;

/* --- what was made ------------------------------------------------------------------------- */

/* Exports that hosts call by themselves. */
static bool is_internal(const char *name)
{
    static const char *const names[] = {
        "_start",  "_initialize", "__wasm_call_ctors", "hs_init",
        "hs_exit", "init",        "exports#init" /* of Python's tool */};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static const char *how_to_export(const build *self)
{
    if (self->abi == PLUGIN_COMPONENT)
        return "put 'export NAME: func(…)' into the world in wit/, and write that function";
    switch (self->language) {
    case PLUGIN_GO:
    case PLUGIN_TINYGO:
        return "put '//go:wasmexport NAME' above a function that returns int32";
    case PLUGIN_RUST:
        return "put '#[plugin_fn]' above a public function";
    case PLUGIN_JS:
    case PLUGIN_PYTHON:
    case PLUGIN_C:
    default:
        return "begin one with BP_PLUGIN_EXPORT(NAME)";
    }
}

static bool add_comment(build *self, const char *name, const char *docs)
{
    return !docs || json_array_append_new(self->commented,
                                          json_pack("{s:s, s:o}", "name", name, "doc",
                                                    cli_json_text(docs, strlen(docs)))) == 0;
}

/* Names that are no export of this kind are the plugin's own business, but may be an error. */
static void note_others(const build *self)
{
    const json_t *functions = json_object_get(self->described, "functions");
    for (size_t i = 0; i < json_array_size(functions); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(functions, i), "name"));
        bool found = !name;
        for (size_t k = 0; name && k < json_array_size(self->exports); k++)
            found |= strcmp(json_string_value(json_array_get(self->exports, k)), name) == 0;
        if (!found)
            cli_note("'list-functions' names '%s', which cannot be called", name);
    }
}

/* What the guest says of itself; what is wrong in that is no reason not to build. */
static bp_status describe(build *self, bp_inspection *inspection, bp_error *reterr)
{
    const char *text = NULL;
    bp_status status = bp_inspection_describe(inspection, 0, &text, reterr);
    if (status != BP_OK)
        return status;
    self->described = json_loads(text, 0, NULL);
    const json_t *warnings = json_object_get(self->described, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++)
        cli_note("%s", json_string_value(json_array_get(warnings, i)));
    note_others(self);
    return BP_OK;
}

static bp_status look_at_exports(build *self, const bp_inspection *inspection, bp_error *reterr)
{
    const bp_export_info *exports = NULL;
    const bp_import_info *imports = NULL;
    size_t count = bp_inspection_exports(inspection, &exports);
    for (size_t i = 0; i < count; i++)
        if (exports[i].callable && !is_internal(exports[i].name) &&
            (json_array_append_new(self->exports, json_string(exports[i].name)) != 0 ||
             !add_comment(self, exports[i].name, bp_inspection_export_docs(inspection, i))))
            return bp__error_oom(reterr, "listing exports");
    count = bp_inspection_imports(inspection, &imports);
    for (size_t i = 0; i < count; i++)
        self->needs_wasi |= strcmp(imports[i].needs, "wasi") == 0;
    if (json_array_size(self->exports))
        return BP_OK;
    return bp_error_set(reterr, BP_EFORMAT, "the plugin exports nothing that can be called: %s",
                        how_to_export(self));
}

static bp_status inspect(build *self, bp_error *reterr)
{
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    cli_records records = cli_records_for(-1, self->values->common.quiet);
    cli_records_attach(&records, &options);
    bp_cleanup(cleanup_runtime) bp_runtime *runtime = NULL;
    bp_cleanup(cleanup_inspection) bp_inspection *inspection = NULL;
    bp_status status = bp_runtime_new(&options, &runtime, reterr);
    if (status == BP_OK)
        status = bp_inspect_file(runtime, self->made, &inspection, reterr);
    if (status != BP_OK)
        return status;
    self->bytes = bp_inspection_code_bytes(inspection);
    snprintf(self->sha256, sizeof self->sha256, "%s", bp_inspection_sha256(inspection));
    status = look_at_exports(self, inspection, reterr);
    return status == BP_OK ? describe(self, inspection, reterr) : status;
}

/* --- the steps ----------------------------------------------------------------------------- */

/* TinyGo where it is installed and nobody asked for Go: its plugins are a tenth of the size. */
static plugin_language with_tinygo(const build *self)
{
    if (self->language != PLUGIN_GO || self->values->language == PLUGIN_GO)
        return self->language;
    bp_auto_free char *path = plugin_program_find("tinygo");
    return path ? PLUGIN_TINYGO : PLUGIN_GO;
}

static bp_status prepare(build *self, bp_error *reterr)
{
    bp_status status = plugin_manifest_open(self->folder, &self->manifest, reterr);
    if (status == BP_OK)
        status =
            plugin_language_find(self->folder, self->values->language, &self->language, reterr);
    if (status != BP_OK)
        return status;
    self->language = with_tinygo(self);
    self->abi = self->manifest.abi < 0 ? plugin_language_abi(self->language)
                                       : (plugin_abi)self->manifest.abi;
    status = plugin_language_check(self->language, self->abi, reterr);
    if (status != BP_OK)
        return status;
    snprintf(self->output, sizeof self->output, ".%s.%ld.new", self->manifest.entry,
             (long)getpid());
    self->made = plugin_path(self->folder, self->output);
    self->final = plugin_path(self->folder, self->manifest.entry);
    self->exports = json_array();
    self->added = json_array();
    self->missing = json_array();
    self->commented = json_array();
    bool fine = self->made && self->final && self->exports && self->added && self->missing;
    return fine ? BP_OK : bp__error_oom(reterr, "building");
}

/* Only what was inspected gets the plugin's name; until then that is the last build's. */
static bp_status make(build *self, bp_error *reterr)
{
    plugin_project project = {.folder = self->folder,
                              .language = self->language,
                              .abi = self->abi,
                              .keeps_wasi = self->manifest.wants_wasi,
                              .debug = self->values->debug,
                              .output = self->output,
                              .cancel = self->cancel};
    bp_status status = plugin_compile(&project, reterr);
    if (status == BP_OK && self->abi == PLUGIN_COMPONENT)
        status = plugin_component_finish(&project, reterr);
    if (status == BP_OK)
        status = inspect(self, reterr);
    if (status == BP_OK && bp_cancel_triggered(self->cancel))
        status = bp_error_set(reterr, BP_ECANCELLED, "interrupted");
    if (status == BP_OK)
        status = plugin_manifest_merge(&self->manifest, self->exports, self->added, self->missing,
                                       reterr);
    if (status == BP_OK)
        status = plugin_manifest_describe(&self->manifest,
                                          json_object_get(self->described, "functions"), reterr);
    if (status == BP_OK)
        status = plugin_manifest_describe(&self->manifest, self->commented, reterr);
    if (status == BP_OK && rename(self->made, self->final) != 0)
        status = bp__error_os(reterr, BP_ESYSTEM, errno, "write '%s'", self->final);
    if (status != BP_OK)
        unlink(self->made);
    return status == BP_OK ? plugin_manifest_save(&self->manifest, reterr) : status;
}

static void done(build *self)
{
    plugin_manifest_done(&self->manifest);
    bp__free(self->made);
    bp__free(self->final);
    json_decref(self->exports);
    json_decref(self->added);
    json_decref(self->missing);
    json_decref(self->commented);
    json_decref(self->described);
    bp_cancel_free(self->cancel);
}

/* --- what it says -------------------------------------------------------------------------- */

static double seconds(const build *self)
{
    return (double)(bp__now_ns() - self->start_ns) / (double)BP_NS_PER_S;
}

static bool print_json(const build *self)
{
    return cli_out_json(json_pack(
        "{s:s, s:s, s:o, s:I, s:s, s:b, s:b, s:O, s:O, s:O, s:f}", "name", self->manifest.name,
        "language", plugin_language_name(self->language), "file",
        cli_json_text(self->final, strlen(self->final)), "bytes", (json_int_t)self->bytes, "sha256",
        self->sha256, "debug", (int)self->values->debug, "wasi", (int)self->needs_wasi, "exports",
        self->exports, "added", self->added, "missing", self->missing, "seconds", seconds(self)));
}

static void list(bp__buffer *text, const json_t *names)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        bp__buffer_printf(text, "%s%s", i ? ", " : "", json_string_value(json_array_get(names, i)));
}

static bool print_text(const build *self)
{
    char about[CLI_NUMBER_TEXT];
    bp_cleanup(bp__buffer_done) bp__buffer exports = {0}, added = {0}, missing = {0};
    cli_number_print_about(self->bytes, about);
    list(&exports, self->exports);
    list(&added, self->added);
    list(&missing, self->missing);
    bool fine = cli_out_text("%s: %s, exports %s, %.1f s\n", self->final, about,
                             bp__buffer_text(&exports), seconds(self));
    if (added.size)
        cli_note("added to %s: %s", self->manifest.path, bp__buffer_text(&added));
    if (missing.size)
        cli_note("%s describes what the plugin does not export: %s", self->manifest.path,
                 bp__buffer_text(&missing));
    if (self->needs_wasi)
        cli_note("the plugin imports WASI, which its host must grant (bullpen call --wasi)");
    return fine;
}

/* --- the command --------------------------------------------------------------------------- */

static int run(void *data)
{
    build *self = *(build **)data;
    bp_error error = BP_ERROR_INIT;
    bp_status status = prepare(self, &error);
    if (status == BP_OK)
        status = make(self, &error);
    if (status != BP_OK)
        return plugin_failed(self->values, &error, CLI_FAILED);
    return (self->values->common.json ? print_json(self) : print_text(self)) ? CLI_OK : CLI_FAILED;
}

static bp_status check(const plugin_values *values, bp_error *reterr)
{
    if (values->folder)
        return bp_error_set(reterr, BP_EINVAL, "'plugin build' takes one folder, not '%s' as well",
                            values->folder);
    if (values->subject && !*values->subject)
        return bp_error_set(reterr, BP_EINVAL, "FOLDER: names no folder");
    if (values->abi >= 0 || values->world >= 0)
        return bp_error_set(reterr, BP_EINVAL, "--abi and --world belong to 'plugin new'");
    if (values->release && values->debug)
        return bp_error_set(reterr, BP_EINVAL, "--release and --debug exclude each other");
    return BP_OK;
}

int plugin_build(const plugin_values *values)
{
    bp_error error = BP_ERROR_INIT;
    if (check(values, &error) != BP_OK)
        return plugin_failed(values, &error, CLI_USAGE);
    build self = {.values = values,
                  .folder = values->subject ? values->subject : ".",
                  .start_ns = bp__now_ns()};
    if (bp_cancel_new(&self.cancel, &error) != BP_OK)
        return plugin_failed(values, &error, CLI_FAILED);
    bool watching = cli_interrupt_start();
    cli_interrupt_cancels(self.cancel);
    build *data = &self;
    int result = cli_run_on_large_stack(run, &data);
    int met = watching ? cli_interrupt_stop() : 0;
    done(&self);
    return met && result != CLI_OK ? CLI_SIGNALLED + met : result;
}
