/* Bullpen: what a file is, without running it. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_INSPECT_H
#define BULLPEN_INSPECT_H

#include <bullpen/runtime.h>

BP_BEGIN_DECLS

/** What was found in a file. Strings live until bp_inspection_free(). */
typedef struct bp_inspection bp_inspection;

typedef struct bp_import_info {
    const char *module, *name;
    const char *type;  /**< "func(i64) -> i64", "memory(1..)", … */
    const char *needs; /**< what grants it: "nothing", "wasi", "http", "host function"; "?" unknown */
} bp_import_info;

typedef struct bp_export_info {
    const char *name;
    const char *type;
    bool callable; /**< a type that bp_plugin_call() can call */
} bp_export_info;

/**
 * Parse, validate and compile the code in a file.
 * @param[out] ret owned on BP_OK: bp_inspection_free().
 * @return as bp_plugin_load_file(), but nothing is instantiated. @threads any; blocks
 */
BP_API BP_MUST_USE bp_status bp_inspect_file(bp_runtime *runtime, const char *path,
                                             bp_inspection **ret, bp_error *reterr);
BP_API void bp_inspection_free(bp_inspection *inspection);

BP_API const char *bp_inspection_kind(const bp_inspection *inspection); /**< "core module" */
BP_API const char *bp_inspection_abi(const bp_inspection *inspection);  /**< "extism", "command", "none" */
BP_API const char *bp_inspection_sha256(const bp_inspection *inspection);
BP_API uint64_t bp_inspection_code_bytes(const bp_inspection *inspection);
BP_API uint64_t bp_inspection_memory_bytes(const bp_inspection *inspection); /**< initial */
BP_API size_t bp_inspection_imports(const bp_inspection *inspection, const bp_import_info **ret);
BP_API size_t bp_inspection_exports(const bp_inspection *inspection, const bp_export_info **ret);

BP_END_DECLS

#endif
