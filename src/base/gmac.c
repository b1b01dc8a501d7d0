/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <sys/random.h>

/* Looking an algorithm up costs more than the tag of a small message, so it is done once. */
static EVP_MAC *algorithm;
static pthread_once_t algorithm_once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    algorithm = EVP_MAC_fetch(NULL, "GMAC", NULL);
}

static bool compute(EVP_MAC_CTX *context, const uint8_t *key, const uint8_t *nonce, bp_bytes first,
                    bp_bytes second, uint8_t *tag)
{
    uint8_t iv[BP__GMAC_NONCE_SIZE];
    for (size_t i = 0; i < sizeof iv; i++)
        iv[i] = nonce[i];
    char cipher[] = "AES-256-GCM";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, iv, sizeof iv),
        OSSL_PARAM_construct_end(),
    };
    size_t size = 0;
    return EVP_MAC_init(context, key, BP__GMAC_KEY_SIZE, parameters) &&
           (first.size == 0 || EVP_MAC_update(context, first.data, first.size)) &&
           (second.size == 0 || EVP_MAC_update(context, second.data, second.size)) &&
           EVP_MAC_final(context, tag, &size, BP__GMAC_TAG_SIZE) && size == BP__GMAC_TAG_SIZE;
}

bp_status bp__gmac(const uint8_t key[BP__GMAC_KEY_SIZE], const uint8_t nonce[BP__GMAC_NONCE_SIZE],
                   bp_bytes first, bp_bytes second, uint8_t tag[BP__GMAC_TAG_SIZE],
                   bp_error *reterr)
{
    pthread_once(&algorithm_once, fetch);
    EVP_MAC_CTX *context = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
    bool made = context && compute(context, key, nonce, first, second, tag);
    EVP_MAC_CTX_free(context);
    if (made)
        return BP_OK;
    return bp_error_set(reterr, BP_EUNSUPPORTED,
                        "libcrypto has no AES-256-GMAC here, or no memory for it");
}

bool bp__gmac_equal(const uint8_t a[BP__GMAC_TAG_SIZE], const uint8_t b[BP__GMAC_TAG_SIZE])
{
    return CRYPTO_memcmp(a, b, BP__GMAC_TAG_SIZE) == 0;
}

bool bp__random(void *to, size_t size)
{
    uint8_t *at = to;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got <= 0)
            return false; /* requests of up to 256 bytes are not interrupted */
        at += got;
        size -= (size_t)got;
    }
    return true;
}
