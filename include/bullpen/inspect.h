/* Bullpen: what a file is, without running it. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_INSPECT_H
#define BULLPEN_INSPECT_H

#include <bullpen/runtime.h>

BP_BEGIN_DECLS

/** What was found in a file. Strings live until bp_inspection_free(). */
typedef struct bp_inspection bp_inspection;

typedef struct bp_import_info {
    const char *module; /**< of a component: the interface; "" for an interface itself */
    const char *name;
    const char *type;  /**< "func(i64) -> i64", "memory(1..)", …; of a component what WIT says:
                            "func(n: u32) -> string", "interface", "type" */
    const char *needs; /**< what grants it: "nothing", "wasi", "http", "kv", "host function", of a
                            component also "clock", "random", "files", "env"; "?" unknown */
} bp_import_info;

typedef struct bp_export_info {
    const char *name; /**< of a component also "local:demo/api@1.0.0#add" */
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

BP_API const char *
bp_inspection_kind(const bp_inspection *inspection); /**< "core module", "component" */
/** "extism", "component", "command", "none": as a manifest of ours says, else by the code. */
BP_API const char *bp_inspection_abi(const bp_inspection *inspection);
/** Why it would not run though nothing is wrong with it: "http handler: not served yet"; or NULL.
 */
BP_API const char *bp_inspection_remark(const bp_inspection *inspection);
BP_API const char *bp_inspection_sha256(const bp_inspection *inspection);
BP_API uint64_t bp_inspection_code_bytes(const bp_inspection *inspection);
BP_API uint64_t bp_inspection_memory_bytes(const bp_inspection *inspection); /**< initial */
BP_API size_t bp_inspection_imports(const bp_inspection *inspection, const bp_import_info **ret);
BP_API size_t bp_inspection_exports(const bp_inspection *inspection, const bp_export_info **ret);

/**
 * What its author wrote above a component's world, and above the export with this index; NULL:
 * nothing. `bullpen plugin build` keeps such comments. At most 4 KiB each, UTF-8; any control
 * characters but NUL may be in it.
 */
BP_API const char *bp_inspection_docs(const bp_inspection *inspection);
BP_API const char *bp_inspection_export_docs(const bp_inspection *inspection, size_t index);

/**
 * Ask a component what it offers, by those of its exports `list-functions`, `function-args`,
 * `function-returns`, `function-writeable` and `function-comment` that it has
 * (docs/plugins/components.md). This runs guest code: each question in a pristine sandbox with the
 * default limits and nothing granted. What the guest does wrong is told in the answer.
 * @param      timeout_ms for all questions together; 0: 5000.
 * @param[out] ret        JSON, borrowed until bp_inspection_free(): {"functions": [{"name": "add",
 *                        "doc": …, "writeable": true, "arguments": …, "result": …}], "warnings":
 *                        ["…"]}. The name of what is called without a name is null; the other
 *                        fields are missing where the guest says nothing. At most 512 KiB.
 * @return BP_OK, also where there is nothing to ask; BP_EINVAL, BP_ENOMEM. @threads one at a time;
 *         blocks, and needs as much stack as bp_plugin_call()
 */
BP_API BP_MUST_USE bp_status bp_inspection_describe(bp_inspection *inspection, uint32_t timeout_ms,
                                                    const char **ret, bp_error *reterr);

BP_END_DECLS

#endif
