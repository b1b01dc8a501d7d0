/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json_text.h"

#include <limits.h>
#include <openssl/evp.h>

#include "base/alloc.h"
#include "base/text.h"

json_t *cli_json_text(const char *text, size_t size)
{
    bp__buffer valid = {0};
    bp__utf8_append_lossy(&valid, text, size);
    json_t *string = json_stringn(valid.data ? valid.data : "", valid.size);
    bp__buffer_done(&valid);
    return string;
}

static json_t *base64(bp_bytes bytes)
{
    if (bytes.size > INT_MAX / 2)
        return NULL;
    size_t size = (bytes.size + 2) / 3 * 4;
    unsigned char *text = bp__alloc(size + 1);
    if (!text)
        return NULL;
    EVP_EncodeBlock(text, bytes.data, (int)bytes.size);
    json_t *string = json_stringn((const char *)text, size);
    bp__free(text);
    return string;
}

json_t *cli_json_bytes(bp_bytes bytes, const char **ret_encoding)
{
    const char *text = bytes.size ? bytes.data : "";
    bool plain = bp__utf8_valid(text, bytes.size);
    *ret_encoding = plain ? "utf-8" : "base64";
    return plain ? json_stringn(text, bytes.size) : base64(bytes);
}
