/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <openssl/evp.h>

bp_status bp__sha256(bp_bytes input, uint8_t digest[BP__SHA256_SIZE], bp_error *reterr)
{
    if (!EVP_Digest(input.data, input.size, digest, NULL, EVP_sha256(), NULL))
        return bp_error_set(reterr, BP_ENOMEM,
                            "libcrypto does not compute SHA-256; perhaps it got no memory or "
                            "mappings (RLIMIT_AS, vm.max_map_count)");
    return BP_OK;
}

void bp__sha256_hex(const uint8_t digest[BP__SHA256_SIZE], char hex[BP__SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < BP__SHA256_SIZE; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * BP__SHA256_SIZE] = '\0';
}
