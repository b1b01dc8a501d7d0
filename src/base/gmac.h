/* AES-256-GMAC and random bytes, by libcrypto and the kernel. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_BASE_GMAC_H
#define BP_BASE_GMAC_H

#include <bullpen/error.h>

#define BP__GMAC_KEY_SIZE 32
#define BP__GMAC_NONCE_SIZE 12
#define BP__GMAC_TAG_SIZE 16

/* The tag of two pieces, one behind the other. A key and a nonce must never meet a second message:
 * whoever sees two tags made with the same pair can forge a third. */
bp_status bp__gmac(const uint8_t key[BP__GMAC_KEY_SIZE], const uint8_t nonce[BP__GMAC_NONCE_SIZE],
                   bp_bytes first, bp_bytes second, uint8_t tag[BP__GMAC_TAG_SIZE],
                   bp_error *reterr);
/* In a time that does not tell where they differ. */
bool bp__gmac_equal(const uint8_t a[BP__GMAC_TAG_SIZE], const uint8_t b[BP__GMAC_TAG_SIZE]);

/* From the kernel; false only where it refuses. */
bool bp__random(void *to, size_t size);

#endif
