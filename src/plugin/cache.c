/* SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/cache.h>

#include "base/error.h"
#include "plugin/runtime.h"

typedef struct visitor {
    bp_cache_visit_fn visit;
    void *data;
} visitor;

static bool show(void *data, const bp__code_info *info)
{
    const visitor *self = data;
    char sha256[BP__SHA256_HEX_SIZE];
    bp__sha256_hex(info->key.wasm, sha256);
    bp_cache_entry entry = {
        .size = sizeof entry,
        .usable = !info->problem && !info->foreign,
        .removed = info->removed,
        .file = info->file,
        .sha256 = *info->engine ? sha256 : "",
        .engine = info->engine,
        .bytes = info->bytes,
        .used_at = info->used_at,
        .problem = info->foreign ? "made by another engine, or with other settings" : info->problem,
        .bad = info->problem != NULL,
    };
    return self->visit(self->data, &entry);
}

static bp_status visit_all(const char *function, bp_runtime *runtime, bool verify,
                           bp_cache_visit_fn visit, void *data, bp_error *reterr)
{
    if (!runtime || !visit)
        return bp_error_set(reterr, BP_EINVAL, "%s: an argument is NULL", function);
    visitor self = {visit, data};
    return bp__code_disk_visit(bp__module_cache_disk(runtime->modules),
                               bp__engine_settings(runtime->engine), verify, show, &self, reterr);
}

bp_status bp_cache_list(bp_runtime *runtime, bp_cache_visit_fn visit, void *data, bp_error *reterr)
{
    return visit_all("bp_cache_list", runtime, false, visit, data, reterr);
}

bp_status bp_cache_verify(bp_runtime *runtime, bp_cache_visit_fn visit, void *data,
                          bp_error *reterr)
{
    return visit_all("bp_cache_verify", runtime, true, visit, data, reterr);
}

bp_status bp_cache_clear(bp_runtime *runtime, uint64_t *ret_entries, uint64_t *ret_bytes,
                         bp_error *reterr)
{
    if (!runtime)
        return bp_error_set(reterr, BP_EINVAL, "bp_cache_clear: runtime is NULL");
    uint64_t entries = 0, bytes = 0;
    bp_status status =
        bp__code_disk_clear(bp__module_cache_disk(runtime->modules), &entries, &bytes, reterr);
    if (ret_entries)
        *ret_entries = entries;
    if (ret_bytes)
        *ret_bytes = bytes;
    return status;
}
