/* Names in a bucket: what comes back from a server is checked. SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "host/kv_nats.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void bp__nats_encode(bp_bytes from, char *to)
{
    const uint8_t *bytes = from.data;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < from.size; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 6; held -= 6)
            *to++ = digits[bits >> (held - 6) & 63];
    }
    if (held)
        *to++ = digits[bits << (6 - held) & 63];
    *to = '\0';
}

bool bp__nats_decode(const char *text, size_t size, uint8_t *to, size_t room, size_t *ret_size)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t filled = 0;
    for (size_t i = 0; i < size; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return false;
        bits = bits << 6 | (uint32_t)(digit - digits);
        held += 6;
        if (held < 8)
            continue;
        if (filled == room)
            return false;
        held -= 8;
        to[filled++] = (uint8_t)(bits >> held);
    }
    *ret_size = filled;
    /* One way to write each: no digit too many, and nothing in the bits that are left. */
    return filled && held < 6 && !(bits & ((1U << held) - 1));
}

void bp__nats_name(const bp__kv_space *space, const bp_bytes *key, char to[BP__NATS_NAME_MAX])
{
    bp__nats_encode((bp_bytes){space->bytes, space->size}, to);
    if (!key)
        return;
    char *end = to + strlen(to);
    *end++ = '.';
    bp__nats_encode(*key, end);
}

bool bp__nats_name_read(const char *name, size_t *ret_space_size, uint8_t key[BP_KV_KEY_SIZE_MAX],
                        size_t *ret_key_size)
{
    uint8_t space[BP__KV_SPACE_SIZE_MAX];
    size_t decoded;
    const char *dot = strchr(name, '.');
    if (!dot || !bp__nats_decode(name, (size_t)(dot - name), space, sizeof space, &decoded))
        return false;
    *ret_space_size = (size_t)(dot - name);
    return bp__nats_decode(dot + 1, strlen(dot + 1), key, BP_KV_KEY_SIZE_MAX, ret_key_size);
}

static bool bucket_valid(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
            return false;
    return size && size <= BP__NATS_BUCKET_MAX;
}

static bool printable(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isgraph((unsigned char)text[i]) || text[i] == ',')
            return false;
    return size && text[size - 1] != '@';
}

bp_status bp__nats_place_read(const char *place, char **ret_url,
                              char ret_bucket[BP__NATS_BUCKET_MAX + 1], bp_error *reterr)
{
    const char *slash = strrchr(place, '/');
    if (strncmp(place, "//", 2) != 0 || slash < place + 2)
        return bp_error_set(reterr, BP_EINVAL,
                            "kv: a server is named nats://[user:password@]host[:port]/bucket");
    if (!printable(place + 2, (size_t)(slash - place - 2)))
        return bp_error_set(reterr, BP_EINVAL, "kv: no host stands behind \"nats://\", or not one");
    if (!bucket_valid(slash + 1))
        return bp_error_set(reterr, BP_EINVAL,
                            "kv: a bucket's name has 1 to %d of: letters, digits, '_', '-'",
                            BP__NATS_BUCKET_MAX);
    size_t size = (size_t)(slash - place);
    char *url = bp__alloc(sizeof "nats:" + size);
    if (!url)
        return bp__error_oom(reterr, "reading the name of a server");
    memcpy(url, "nats:", 5);
    memcpy(url + 5, place, size);
    url[5 + size] = '\0';
    snprintf(ret_bucket, BP__NATS_BUCKET_MAX + 1, "%s", slash + 1);
    *ret_url = url;
    return BP_OK;
}

static bool read_number(const char **text, const char *end, uint64_t *ret)
{
    const char *from = *text;
    for (*ret = 0; *text < end && **text >= '0' && **text <= '9'; (*text)++) {
        uint64_t digit = (uint64_t)(**text - '0');
        if (*ret > (UINT64_MAX - digit) / 10)
            return false;
        *ret = *ret * 10 + digit;
    }
    return *text > from;
}

bool bp__nats_use_read(const char *text, size_t size, bp__nats_use *ret)
{
    const char *end = text + size;
    bp__nats_use use;
    if (!read_number(&text, end, &use.use.entries) || text == end || *text++ != ' ' ||
        !read_number(&text, end, &use.use.bytes) || text == end || *text++ != ' ' ||
        !read_number(&text, end, &use.changed_ms) || text != end)
        return false;
    *ret = use;
    return true;
}

/* $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<number>.<time>.<pending>; newer servers put
 * a domain and an account before the stream, and may add words at the end. */
#define WORDS 9
#define WORDS_NEWER 11

bool bp__nats_about_read(const char *reply, bp__nats_about *ret)
{
    const char *words[WORDS_NEWER + 1], *at = reply;
    unsigned count = 0;
    while (at && count <= WORDS_NEWER) {
        words[count++] = at;
        at = strchr(at, '.');
        at = at ? at + 1 : NULL;
    }
    if (strncmp(reply, "$JS.ACK.", 8) != 0 || (count != WORDS && count < WORDS_NEWER))
        return false;
    const char *const *from = words + (count == WORDS ? 5 : 7);
    uint64_t numbers[4];
    for (int i = 0; i < 4; i++) {
        const char *text = from[i];
        if (!read_number(&text, text + strlen(text), &numbers[i]) || (*text && *text != '.'))
            return false;
    }
    *ret = (bp__nats_about){numbers[0], numbers[1], numbers[2], numbers[3]};
    return true;
}
