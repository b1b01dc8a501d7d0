/* Extism's manifest: which code, and what it asks for. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_MANIFEST_H
#define BP_PLUGIN_MANIFEST_H

#include <bullpen/error.h>

#include "base/buffer.h"
#include "host/allow.h"
#include "host/config.h"

/* What a manifest says; zero: it says nothing. Ends with bp__manifest_done(). */
typedef struct bp__manifest {
    bp__buffer code; /* the main module's bytes */
    char *name;      /* of the main module, or NULL */
    uint64_t memory_bytes, time_ms;
    bool has_var_bytes; /* 0 is meant: no variables */
    uint64_t var_bytes;
    bool asks_http, asks_paths;
    bp__allow allowed_hosts; /* with asks_http */
    bool has_http_response_bytes;
    uint64_t http_response_bytes;
    bp__config config;
} bp__manifest;

/*
 * Parses and fetches the code it names. Every error has a JSON pointer; unknown keys are refused.
 * @param folder where relative paths start; NULL: the working folder.
 */
bp_status bp__manifest_read(bp_bytes json, const char *folder, size_t code_bytes_max,
                            bp__manifest *ret, bp_error *reterr);
void bp__manifest_done(bp__manifest *manifest);

#endif
