/* Bullpen: making components, for tools of plugin authors. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_BUILD_H
#define BULLPEN_BUILD_H

#include <bullpen/error.h>

BP_BEGIN_DECLS

/** A file of WIT, which describes what a plugin offers and what it uses. */
typedef struct bp_wit_file {
    const char *name; /**< as in the project's folder wit/: "world.wit", "deps/kv/types.wit" */
    bp_bytes text;
} bp_wit_file;

/**
 * Which world a plugin is made for. The files that are not below "deps/" are one package; below it
 * each file and each folder is another one, that those use.
 */
typedef struct bp_wit {
    uint32_t size; /**< of this struct: BP_WIT_INIT sets it */
    const bp_wit_file *files;
    size_t file_count; /**< at most 1024, and at most 4 MiB of text */
    const char *world; /**< NULL: the only one that the package has */
} bp_wit;

#ifdef __cplusplus
#define BP_WIT_INIT {sizeof(bp_wit)}
#else
#define BP_WIT_INIT {.size = sizeof(bp_wit)}
#endif

/**
 * Receives a file that was made.
 * @param name     without folder: "plugin.h"; of a component "component.wasm".
 * @param content  borrowed during the call.
 * @return false to stop: the function answers BP_ECANCELLED.
 */
typedef bool (*bp_build_write_fn)(void *data, const char *name, bp_bytes content);

/**
 * Make a component from a core module, as compilers make them. What it imports of WASI preview 1 is
 * adapted to WASI 0.2.
 * @param module  at most 256 MiB. Borrowed.
 * @param wit     whose world it is, unless sections in the module say so, which bindings put there;
 *                comments become a part of the component. NULL: the sections say all there is.
 * @return BP_OK, BP_EFORMAT (the message has file, line and column, or what the module lacks),
 *         BP_ELIMIT, BP_EINVAL, BP_ENOMEM, BP_ECANCELLED.
 * @threads any; uses a thread of its own while it runs. For an author's files on an author's
 *          machine: types that were made to be slow to encode are, so a service that builds for
 *          strangers runs this in a process of its own.
 */
BP_API BP_MUST_USE bp_status bp_build_component(bp_bytes module, const bp_wit *wit,
                                                bp_build_write_fn write, void *data,
                                                bp_error *reterr);

/**
 * Add a world's comments to a component that another tool made for it, where bp_inspect_file()
 * looks for them. A component that has such a section stays as it is.
 * @return as bp_build_component(). @threads likewise
 */
BP_API BP_MUST_USE bp_status bp_build_docs(bp_bytes component, const bp_wit *wit,
                                           bp_build_write_fn write, void *data, bp_error *reterr);

/**
 * Generate bindings for C: for a world "plugin" the files plugin.h, plugin.c and
 * plugin_component_type.o. All three belong to the plugin that is compiled.
 * @return as bp_build_component(). @threads likewise
 */
BP_API BP_MUST_USE bp_status bp_build_bindings_c(const bp_wit *wit, bp_build_write_fn write,
                                                 void *data, bp_error *reterr);

BP_END_DECLS

#endif
