/* bullpen plugin validate, diff and schema: manifests. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/manifest.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/json_text.h"
#include "cli/out.h"
#include "cli/plugin.h"

#define MANIFEST_SIZE_MAX ((size_t)64 << 20)

/* A folder stands for the manifest in it. Owned, or NULL. */
static char *manifest_path(const char *subject)
{
    struct stat about;
    const char *path = subject ? subject : ".";
    bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    return folder ? plugin_path(path, "manifest.json") : bp__strndup(path, strlen(path));
}

static bp_status read_manifest(const char *subject, char **ret_path, bp__buffer *ret,
                               bp_error *reterr)
{
    *ret_path = manifest_path(subject);
    return *ret_path ? bp__file_read(*ret_path, MANIFEST_SIZE_MAX, ret, reterr)
                     : bp__error_oom(reterr, "naming a manifest");
}

/* --- validate ------------------------------------------------------------------------------ */

typedef struct listing {
    const char *path;
    json_t *problems; /* NULL: they are printed */
    unsigned count;
} listing;

static json_t *text_or_null(const char *text)
{
    return text ? cli_json_text(text, strlen(text)) : json_null();
}

static void show_problem(void *data, const bp_problem *problem)
{
    listing *list = data;
    list->count++;
    if (list->problems)
        json_array_append_new(list->problems, json_pack("{s:o, s:o, s:o}", "pointer",
                                                        text_or_null(problem->pointer), "message",
                                                        text_or_null(problem->message), "hint",
                                                        text_or_null(problem->hint)));
    else
        cli_out_text("%s: %s: %s%s%s%s\n", list->path, *problem->pointer ? problem->pointer : "/",
                     problem->message, problem->hint ? "; did you mean '" : "",
                     problem->hint ? problem->hint : "", problem->hint ? "'?" : "");
}

static int answer_validation(const plugin_values *values, listing *list, bp_status status)
{
    bool fine = status == BP_OK;
    if (values->common.json)
        fine &= cli_out_json(json_pack("{s:s, s:b, s:o}", "file", list->path, "valid",
                                       status == BP_OK, "problems", json_incref(list->problems)));
    else if (fine && !values->common.quiet)
        cli_out_text("%s: nothing is wrong with it\n", list->path);
    return fine ? CLI_OK : CLI_FAILED;
}

int plugin_validate(const plugin_values *values)
{
    bp_error error = BP_ERROR_INIT;
    bp__buffer text = {0};
    bp_auto_free char *path = NULL;
    bp_status status = read_manifest(values->subject, &path, &text, &error);
    if (status != BP_OK) {
        bp__buffer_done(&text);
        return plugin_failed(values, &error, CLI_FAILED);
    }
    listing list = {.path = path, .problems = values->common.json ? json_array() : NULL};
    status = bp_manifest_check(bp__buffer_bytes(&text), show_problem, &list, &error);
    bp__buffer_done(&text);
    int result = answer_validation(values, &list, status);
    json_decref(list.problems);
    return result;
}

/* --- diff ---------------------------------------------------------------------------------- */

static void show_change(void *data, bp_capability_change change, const char *name,
                        const char *parameter)
{
    json_t *changes = data;
    char sign[2] = {(char)change, '\0'};
    if (changes)
        json_array_append_new(changes, json_pack("{s:s, s:s, s:o}", "change", sign, "capability",
                                                 name, "parameter", text_or_null(parameter)));
    else
        cli_out_text("%s %s%s%s\n", sign, name, *parameter ? " " : "", parameter);
}

int plugin_diff(const plugin_values *values)
{
    bp_error error = BP_ERROR_INIT;
    bp__buffer older = {0}, newer = {0};
    bp_auto_free char *first = NULL, *second = NULL;
    json_t *changes = values->common.json ? json_array() : NULL;
    if (!values->folder) {
        cli_error("'plugin diff' needs two manifests, or folders with one: the older, the newer");
        json_decref(changes);
        return CLI_USAGE;
    }
    bp_status status = read_manifest(values->subject, &first, &older, &error);
    if (status == BP_OK)
        status = read_manifest(values->folder, &second, &newer, &error);
    if (status == BP_OK)
        status = bp_manifest_compare(bp__buffer_bytes(&older), bp__buffer_bytes(&newer),
                                     show_change, changes, &error);
    bp__buffer_done(&older);
    bp__buffer_done(&newer);
    if (status != BP_OK) {
        json_decref(changes);
        return plugin_failed(values, &error, CLI_FAILED);
    }
    return !changes || cli_out_json(json_pack("{s:o}", "changes", changes)) ? CLI_OK : CLI_FAILED;
}

/* --- schema -------------------------------------------------------------------------------- */

static bool print(void *data, bp_bytes text)
{
    (void)data;
    return cli_out_bytes(text.data, text.size);
}

int plugin_schema(const plugin_values *values)
{
    (void)values;
    bool fine = bp_manifest_schema(print, NULL) == BP_OK && cli_out_bytes("\n", 1);
    return fine ? CLI_OK : CLI_FAILED;
}
