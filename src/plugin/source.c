/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "engine/module.h"
#include "plugin/format.h"
#include "plugin/load.h"

/* Plugins have tens. Names are compared one by one where a person or a loader needs them. */
#define IMPORTS_MAX 10000
#define EXPORTS_MAX 10000
/* The engine compiles code for each, used or not. */
#define TYPES_MAX 10000

static bp_status keep_code(bp__source *ret, bp_bytes wasm, bp_error *reterr)
{
    if (bp__buffer_append(&ret->manifest.code, wasm.data, wasm.size))
        return BP_OK;
    return bp__error_oom(reterr, "keeping the code");
}

static bp_status translate(bp__source *ret, bp_bytes text, bp_error *reterr)
{
    bp_auto_free uint8_t *wasm = NULL;
    size_t size = 0;
    bp_status status = bp__wat_to_wasm(text, &wasm, &size, reterr);
    return status == BP_OK ? keep_code(ret, (bp_bytes){wasm, size}, reterr) : status;
}

/* Our own manifests may name code as text, as a file alone may be. */
static bp_status translate_entry(bp__source *ret, bp_error *reterr)
{
    bp__buffer text = ret->manifest.code;
    if (!ret->manifest.is_own || bp__format_of(bp__buffer_bytes(&text)) != BP__FORMAT_WAT)
        return BP_OK;
    ret->manifest.code = (bp__buffer){0};
    bp_status status = translate(ret, bp__buffer_bytes(&text), reterr);
    bp__buffer_done(&text);
    return status;
}

static bp_status check_code(const bp_runtime_options *options, bp__source *source, bp_error *reterr)
{
    bp_bytes code = bp__buffer_bytes(&source->manifest.code);
    bp__module_ceiling ceiling = {TYPES_MAX,
                                  options->functions_max,
                                  IMPORTS_MAX,
                                  EXPORTS_MAX,
                                  options->memory_bytes_max,
                                  options->table_elements_max,
                                  options->function_bytes_max};
    switch (bp__format_of(code)) {
    case BP__FORMAT_MODULE:
    case BP__FORMAT_COMPONENT:
        return bp__code_check(code, &ceiling, reterr);
    case BP__FORMAT_WAT:
    case BP__FORMAT_JSON:
        return bp_error_set(
            reterr, BP_EFORMAT, "the manifest's code is %s; a manifest names binary modules",
            bp__format_of(code) == BP__FORMAT_WAT ? "WebAssembly text" : "another manifest");
    default:
        return bp__format_refuse(code, reterr);
    }
}

bp_status bp__source_read(const bp_runtime_options *options, bp_bytes bytes, const char *folder,
                          bp__source *ret, bp_error *reterr)
{
    memset(ret, 0, sizeof *ret);
    if (bytes.size > options->plugin_bytes_max)
        return bp_error_set(reterr, BP_ELIMIT, "%zu bytes, plugin_bytes_max allows %llu",
                            bytes.size, (unsigned long long)options->plugin_bytes_max);
    bp_status status = BP_OK;
    bp__format format = bp__format_of(bytes);
    ret->has_manifest = format == BP__FORMAT_JSON;
    if (format == BP__FORMAT_JSON)
        status =
            bp__manifest_read(bytes, folder, options->plugin_bytes_max, &ret->manifest, reterr);
    else if (format == BP__FORMAT_WAT)
        status = translate(ret, bytes, reterr);
    else
        status = keep_code(ret, bytes, reterr);
    if (status == BP_OK && ret->has_manifest)
        status = translate_entry(ret, reterr);
    if (status == BP_OK)
        status = check_code(options, ret, reterr);
    if (status != BP_OK)
        bp__manifest_done(&ret->manifest);
    return status;
}

/* A folder stands for the manifest in it: then `*ret` is that one's path. False without memory. */
static bool is_folder_with_manifest(const char *path, char **ret)
{
    struct stat about;
    bp__buffer text = {0};
    *ret = NULL;
    if (stat(path, &about) != 0 || !S_ISDIR(about.st_mode))
        return true;
    bp__buffer_printf(&text, "%s/manifest.json", path);
    const char *whole = bp__buffer_text(&text);
    bool fine = whole && !text.overflow;
    if (fine && access(whole, F_OK) == 0) {
        *ret = bp__strdup(whole);
        fine = *ret != NULL;
    }
    bp__buffer_done(&text);
    return fine;
}

bp_status bp__source_read_file(const bp_runtime_options *options, const char *path, bp__source *ret,
                               bp_error *reterr)
{
    bp__buffer bytes = {0};
    bp_auto_free char *inside = NULL;
    if (!is_folder_with_manifest(path, &inside))
        return bp__error_oom(reterr, "reading a plugin");
    if (inside)
        path = inside;
    bp_status status = bp__file_read(path, options->plugin_bytes_max, &bytes, reterr);
    const char *slash = strrchr(path, '/');
    bp_auto_free char *folder = slash ? bp__strndup(path, (size_t)(slash - path)) : NULL;
    if (status == BP_OK && slash && !folder)
        status = bp__error_oom(reterr, "reading a plugin");
    if (status == BP_OK)
        status = bp__source_read(options, bp__buffer_bytes(&bytes),
                                 folder && !*folder ? "/" : folder, ret, reterr);
    bp__buffer_done(&bytes);
    return status;
}
