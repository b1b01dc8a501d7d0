/* Compiled code with proof of its origin: what a file of the disk cache holds, and what the compiler
 * program answers. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_CODE_ENTRY_H
#define BP_ENGINE_CODE_ENTRY_H

#include "base/gmac.h"
#include "base/sha256.h"

/* What code was made from: code for one key does for every module with that key. */
typedef struct bp__code_key {
    uint8_t wasm[BP__SHA256_SIZE];     /* of the module's bytes, as they went to the compiler */
    uint8_t settings[BP__SHA256_SIZE]; /* of the engine: bp__engine_settings() */
} bp__code_key;

typedef enum bp__code_kind {
    BP__CODE_NATIVE = 1, /* the payload is code */
    BP__CODE_ERROR = 2,  /* from the compiler program only: it is the text of an error */
} bp__code_kind;

#define BP__CODE_ENGINE_SIZE 96

/* Largest payload that is taken or kept: a file that claims more is not read at all. */
#define BP__CODE_BYTES_MAX (UINT64_C(1) << 30)

/* What stands before the payload. In this machine's byte order, like the code behind it. */
typedef struct bp__code_header {
    char magic[8];
    uint32_t version;
    uint32_t kind; /* a bp__code_kind */
    bp__code_key key;
    uint64_t payload_size;
    uint32_t status; /* of BP__CODE_ERROR: a bp_status */
    uint32_t zero;
    char engine[BP__CODE_ENGINE_SIZE]; /* for people: what compiled it; padded with NUL */
    uint8_t nonce[BP__GMAC_NONCE_SIZE];
    uint8_t tag[BP__GMAC_TAG_SIZE]; /* over all above and the payload */
    uint8_t padding[4];             /* zero */
} bp__code_header;

/* Fills all of it, the tag included, with a new nonce. */
bp_status bp__code_header_make(bp__code_header *ret, const bp__code_key *key, bp__code_kind kind,
                               bp_status status, bp_bytes payload,
                               const uint8_t mac_key[BP__GMAC_KEY_SIZE], bp_error *reterr);

/* What is wrong with a header, from its own fields; NULL: nothing. It is not authentic yet.
 * `payload_max` is what may follow, for a file what does. */
const char *bp__code_header_problem(const bp__code_header *header, uint64_t payload_max);

/* Whether whoever has the key has made exactly these bytes. */
bool bp__code_authentic(const bp__code_header *header, bp_bytes payload,
                        const uint8_t mac_key[BP__GMAC_KEY_SIZE]);

bool bp__code_key_equal(const bp__code_key *a, const bp__code_key *b);

/* Reads exactly `size` bytes at `offset`; false when there are fewer, or on an error. */
bool bp__read_exactly(int fd, void *to, size_t size, uint64_t offset);
/* Writes all of them at the descriptor's place; 0 or an errno. */
int bp__write_all(int fd, bp_bytes bytes);
/* Whether a file may become that large: past RLIMIT_FSIZE the kernel would not only refuse, but
 * send SIGXFSZ, which ends a host that does not expect it. */
bool bp__file_size_allowed(uint64_t size);

#endif
