/* From a file to a plugin. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_LOAD_H
#define BP_PLUGIN_LOAD_H

#include <bullpen/plugin.h>

#include "base/buffer.h"
#include "plugin/manifest.h"

/* A plugin's code with what its manifest says; for load and inspect. */
typedef struct bp__source {
    bp__manifest manifest; /* its `code` is the binary module, whatever the file was */
    bool has_manifest;
    bool describes; /* load.c: to be asked about its exports, and nothing else */
} bp__source;

/* Consumes nothing; `ret` ends with bp__manifest_done(&ret->manifest). */
bp_status bp__source_read(const bp_runtime_options *options, bp_bytes bytes, const char *folder,
                          bp__source *ret, bp_error *reterr);
bp_status bp__source_read_file(const bp_runtime_options *options, const char *path, bp__source *ret,
                               bp_error *reterr);

/* A plugin of which nothing can be called but what tells of its exports. It is granted nothing. */
bp_status bp__plugin_load_describing(bp_runtime *runtime, bp_bytes code,
                                     const bp_plugin_options *options, bp_plugin **ret,
                                     bp_error *reterr);

/* plugin.c */
bp_status bp__plugin_make_pool(bp_plugin *plugin, const bp_plugin_options *options,
                               bp_error *reterr);

#endif
