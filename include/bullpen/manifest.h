/* Bullpen: manifests of plugins. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_MANIFEST_H
#define BULLPEN_MANIFEST_H

#include <bullpen/error.h>

BP_BEGIN_DECLS

/** Something that is wrong with a manifest. Valid during the call that tells it. */
typedef struct bp_problem {
    const char *pointer; /**< where, as a JSON pointer (RFC 6901); "" is the whole document */
    const char *message; /**< what, one line: "is missing" */
    const char *hint;    /**< what was probably meant; NULL: nobody knows */
} bp_problem;
typedef void (*bp_problem_fn)(void *data, const bp_problem *problem);

/**
 * Check a manifest of Bullpen's own (docs/plugins/manifest.md), or one of Extism's (it has "wasm"),
 * without reading the files that it names.
 * @param json  borrowed. @param found told every problem, up to 100; NULL: nobody is.
 * @return BP_OK, BP_EFORMAT (a message with the first problem, and how many there are), BP_ENOMEM.
 * @threads any
 */
BP_API BP_MUST_USE bp_status bp_manifest_check(bp_bytes json, bp_problem_fn found, void *data,
                                               bp_error *reterr);

/** A row of the table of capabilities, for hosts that show them to people. Static. */
typedef struct bp_capability {
    const char *name;      /**< "http:fetch" */
    const char *parameter; /**< the list that comes with it, "hosts" or "names"; "none" */
    const char *risk;      /**< "low", "medium" or "high" */
    const char *opens;     /**< what a plugin can do with it */
} bp_capability;
/** @return row @p index; NULL behind the last. @threads any */
BP_API const bp_capability *bp_capability_at(size_t index);

/** How a capability changed between two manifests. */
typedef enum bp_capability_change {
    BP_CAPABILITY_KEPT = '=',
    BP_CAPABILITY_NEW = '+',     /**< the newer one asks for it, the older one did not */
    BP_CAPABILITY_DROPPED = '-', /**< the other way round */
} bp_capability_change;
/** @param parameter of the capability, such as a host; "" for those without. Borrowed. */
typedef void (*bp_capability_change_fn)(void *data, bp_capability_change change, const char *name,
                                        const char *parameter);

/**
 * What a newer manifest asks for, beside an older one: capability by capability, and within one
 * parameter by parameter, so that a new host is told as new.
 * @return BP_OK, BP_EFORMAT (one of them is no manifest of ours), BP_ENOMEM. @threads any
 */
BP_API BP_MUST_USE bp_status bp_manifest_compare(bp_bytes older, bp_bytes newer,
                                                 bp_capability_change_fn told, void *data,
                                                 bp_error *reterr);

/** Receives text piece by piece. @return false to stop. */
typedef bool (*bp_manifest_write_fn)(void *data, bp_bytes text);
/**
 * Write the JSON Schema of manifests, as schema/manifest.schema.json has it.
 * @return BP_OK, BP_ENOMEM, BP_ECANCELLED (@p write had enough). @threads any
 */
BP_API BP_MUST_USE bp_status bp_manifest_schema(bp_manifest_write_fn write, void *data);

BP_END_DECLS

#endif
