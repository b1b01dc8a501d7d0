/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/code_entry.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/engine.h"

/* Changes with the meaning of any byte of the header. */
#define CODE_VERSION 1

static const char magic[8] = {'B', 'P', 'C', 'O', 'D', 'E', '\r', '\n'};

_Static_assert(sizeof(bp__code_header) == 224, "no padding that nobody has written");

/* The part of the header that the tag covers. */
static bp_bytes covered(const bp__code_header *header)
{
    return (bp_bytes){header, offsetof(bp__code_header, tag)};
}

static void name_engine(char to[BP__CODE_ENGINE_SIZE])
{
    const char *parts[] = {BP__VERSION ", ", bp__engine_version()};
    size_t size = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t more = strnlen(parts[i], BP__CODE_ENGINE_SIZE - 1 - size);
        memcpy(to + size, parts[i], more);
        size += more;
    }
}

bp_status bp__code_header_make(bp__code_header *ret, const bp__code_key *key, bp__code_kind kind,
                               bp_status status, bp_bytes payload,
                               const uint8_t mac_key[BP__GMAC_KEY_SIZE], bp_error *reterr)
{
    memset(ret, 0, sizeof *ret);
    memcpy(ret->magic, magic, sizeof magic);
    ret->version = CODE_VERSION;
    ret->kind = kind;
    ret->key = *key;
    ret->payload_size = payload.size;
    ret->status = (uint32_t)status;
    name_engine(ret->engine);
    if (!bp__random(ret->nonce, sizeof ret->nonce))
        return bp__error_os(reterr, BP_ESYSTEM, errno, "random bytes from the kernel");
    return bp__gmac(mac_key, ret->nonce, covered(ret), payload, ret->tag, reterr);
}

const char *bp__code_header_problem(const bp__code_header *header, uint64_t payload_max)
{
    static const uint8_t zeros[sizeof header->padding];
    if (memcmp(header->magic, magic, sizeof magic) != 0)
        return "no compiled code of ours";
    if (header->version != CODE_VERSION)
        return "another version of the format";
    if (header->kind != BP__CODE_NATIVE && header->kind != BP__CODE_ERROR)
        return "an unknown kind of content";
    if (header->zero || memcmp(header->padding, zeros, sizeof zeros) != 0 ||
        memchr(header->engine, '\0', sizeof header->engine) == NULL)
        return "a damaged header";
    return header->payload_size > payload_max ? "cut off" : NULL;
}

bool bp__code_authentic(const bp__code_header *header, bp_bytes payload,
                        const uint8_t mac_key[BP__GMAC_KEY_SIZE])
{
    uint8_t tag[BP__GMAC_TAG_SIZE];
    return header->payload_size == payload.size &&
           bp__gmac(mac_key, header->nonce, covered(header), payload, tag, NULL) == BP_OK &&
           bp__gmac_equal(tag, header->tag);
}

bool bp__code_key_equal(const bp__code_key *a, const bp__code_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool bp__read_exactly(int fd, void *to, size_t size, uint64_t offset)
{
    char *at = to;
    while (size > 0) {
        ssize_t got = pread(fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

int bp__write_all(int fd, bp_bytes bytes)
{
    const char *at = bytes.data;
    size_t left = bytes.size;
    while (left > 0) {
        ssize_t written = write(fd, at, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : EIO;
        at += written;
        left -= (size_t)written;
    }
    return 0;
}

bool bp__file_size_allowed(uint64_t size)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
           size <= limit.rlim_cur;
}
