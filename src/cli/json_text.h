/* Bytes of any kind in JSON. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_CLI_JSON_TEXT_H
#define BP_CLI_JSON_TEXT_H

#include <jansson.h>

#include <bullpen/common.h>

/* A string; what is not UTF-8 is replaced. NULL when memory is gone. */
json_t *cli_json_text(const char *text, size_t size);
/* A string without loss: as it is if that is UTF-8, else in base64. `ret_encoding` says which:
 * "utf-8" or "base64", static. */
json_t *cli_json_bytes(bp_bytes bytes, const char **ret_encoding);

#endif
