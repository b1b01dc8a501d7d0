/* Making components, for tools of plugin authors. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/build.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "engine/encode.h"

#define WASM_BYTES_MAX ((size_t)256 << 20)
#define WIT_FILES_MAX 1024
#define WIT_BYTES_MAX ((size_t)4 << 20)

static bp_status check_wasm(const char *function, bp_bytes wasm, bp_error *reterr)
{
    if (wasm.size && !wasm.data)
        return bp_error_set(reterr, BP_EINVAL, "%s: the bytes are NULL", function);
    if (wasm.size > WASM_BYTES_MAX)
        return bp_error_set(reterr, BP_ELIMIT, "%s: %zu bytes; at most %zu are taken", function,
                            wasm.size, WASM_BYTES_MAX);
    return BP_OK;
}

/* The caller's files, checked one by one, as the layer below has them. `ret` is owned. */
static bp_status copy_files(const char *function, const bp_wit *wit, bp__wit_file **ret,
                            bp_error *reterr)
{
    size_t total = 0;
    bp_auto_free bp__wit_file *files = bp__alloc_zeroed(wit->file_count + 1, sizeof *files);
    if (!files)
        return bp__error_oom(reterr, function);
    for (size_t i = 0; i < wit->file_count; i++) {
        const bp_wit_file *file = &wit->files[i];
        if (!file->name || (file->text.size && !file->text.data))
            return bp_error_set(reterr, BP_EINVAL, "%s: file %zu has no name or no text", function,
                                i);
        if (file->text.size > WIT_BYTES_MAX - total)
            return bp_error_set(reterr, BP_ELIMIT,
                                "%s: the WIT files have more than %zu bytes together", function,
                                WIT_BYTES_MAX);
        total += file->text.size;
        files[i] = (bp__wit_file){file->name, file->text};
    }
    *ret = bp_steal(&files);
    return BP_OK;
}

static bp_status read_wit(const char *function, const bp_wit *given, bp__wit *ret,
                          bp__wit_file **ret_files, bp_error *reterr)
{
    bp_wit wit;
    if (!given)
        return bp_error_set(reterr, BP_EINVAL, "%s: wit is NULL", function);
    bp_status status = bp__options_copy(&wit, sizeof wit, given, "bp_wit", reterr);
    if (status != BP_OK)
        return status;
    if (wit.file_count && !wit.files)
        return bp_error_set(reterr, BP_EINVAL, "%s: wit.files is NULL", function);
    if (wit.file_count > WIT_FILES_MAX)
        return bp_error_set(reterr, BP_ELIMIT, "%s: %zu WIT files; at most %d are read", function,
                            wit.file_count, WIT_FILES_MAX);
    status = copy_files(function, &wit, ret_files, reterr);
    *ret = (bp__wit){*ret_files, wit.file_count, wit.world};
    return status;
}

bp_status bp_build_component(bp_bytes module, const bp_wit *wit, bp_build_write_fn write,
                             void *data, bp_error *reterr)
{
    bp__wit world = {0};
    bp_auto_free bp__wit_file *files = NULL;
    if (!write)
        return bp_error_set(reterr, BP_EINVAL, "bp_build_component: write is NULL");
    bp_status status = check_wasm("bp_build_component", module, reterr);
    if (status == BP_OK && wit)
        status = read_wit("bp_build_component", wit, &world, &files, reterr);
    if (status == BP_OK)
        status = bp__encode_component(module, wit ? &world : NULL, write, data, reterr);
    return status;
}

bp_status bp_build_docs(bp_bytes component, const bp_wit *wit, bp_build_write_fn write, void *data,
                        bp_error *reterr)
{
    bp__wit world = {0};
    bp_auto_free bp__wit_file *files = NULL;
    if (!write)
        return bp_error_set(reterr, BP_EINVAL, "bp_build_docs: write is NULL");
    bp_status status = check_wasm("bp_build_docs", component, reterr);
    if (status == BP_OK)
        status = read_wit("bp_build_docs", wit, &world, &files, reterr);
    if (status == BP_OK)
        status = bp__encode_docs(component, &world, write, data, reterr);
    return status;
}

bp_status bp_build_bindings_c(const bp_wit *wit, bp_build_write_fn write, void *data,
                              bp_error *reterr)
{
    bp__wit world = {0};
    bp_auto_free bp__wit_file *files = NULL;
    if (!write)
        return bp_error_set(reterr, BP_EINVAL, "bp_build_bindings_c: write is NULL");
    bp_status status = read_wit("bp_build_bindings_c", wit, &world, &files, reterr);
    if (status == BP_OK)
        status = bp__encode_bindings_c(&world, write, data, reterr);
    return status;
}
