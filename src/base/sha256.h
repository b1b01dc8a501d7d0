/* SHA-256, by libcrypto. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_SHA256_H
#define BP_BASE_SHA256_H

#include <bullpen/error.h>

#define BP__SHA256_SIZE 32
#define BP__SHA256_HEX_SIZE (2 * BP__SHA256_SIZE + 1)

bp_status bp__sha256(bp_bytes input, uint8_t digest[BP__SHA256_SIZE], bp_error *reterr);
void bp__sha256_hex(const uint8_t digest[BP__SHA256_SIZE], char hex[BP__SHA256_HEX_SIZE]);

#endif
