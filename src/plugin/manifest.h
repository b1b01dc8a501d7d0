/* Manifests, ours and Extism's: which code, and what it asks for. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef BP_PLUGIN_MANIFEST_H
#define BP_PLUGIN_MANIFEST_H

#include <bullpen/plugin.h>
#include <jansson.h>

#include "base/buffer.h"
#include "host/allow.h"
#include "host/config.h"

/* What a manifest says; zero: it says nothing. Ends with bp__manifest_done(). */
typedef struct bp__manifest {
    bp__buffer code;    /* the main module's bytes */
    char *name;         /* of the plugin or its main module, or NULL */
    bp_limits limits;   /* 0 where it says nothing */
    bool has_var_bytes; /* 0 is meant: no variables */
    bool asks_http, asks_paths;
    bp__allow allowed_hosts; /* with asks_http */
    bool has_http_response_bytes;
    uint64_t http_response_bytes;
    bp__config config;

    /* Only ours say more. */
    bool is_own;
    char *abi;                                    /* or NULL: to be guessed */
    char *version, *description, *default_export; /* or NULL */
    uint32_t asked;                               /* bits of bp__capability */
    char **writeable; /* exports that may change what outlives the call */
    size_t writeable_count;
    char **required; /* configuration that the host has to give */
    size_t required_count;
    char **variables; /* of the environment, that it asks for */
    size_t variable_count;
    bool has_min_warm;
    uint32_t min_warm, max_live; /* 0: it says nothing, but for has_min_warm */
    uint64_t max_uses, idle_ttl_ms;
    bool has_reset, reuse, needs_process;
} bp__manifest;

/*
 * Parses and fetches the code it names. Every error has a JSON pointer; unknown keys are refused.
 * @param folder where relative paths start; NULL: the working folder.
 */
bp_status bp__manifest_read(bp_bytes json, const char *folder, size_t code_bytes_max,
                            bp__manifest *ret, bp_error *reterr);
void bp__manifest_done(bp__manifest *manifest);

/* manifest_own.c: the same for a document that is ours, parsed. */
bp_status bp__manifest_read_own(const json_t *document, const char *folder, size_t code_bytes_max,
                                bp__manifest *ret, bp_error *reterr);

#endif
