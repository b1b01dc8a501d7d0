/* SPDX-License-Identifier: Apache-2.0 */
#include "host/allow.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/error.h"

#define LABEL_MAX 63

/* ---- host names ---- */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static const char *check_label(const char *label, size_t size)
{
    if (size == 0)
        return "has an empty label";
    if (size > LABEL_MAX)
        return "has a label of more than 63 bytes";
    if (label[0] == '-' || label[size - 1] == '-')
        return "has a label that begins or ends with '-'";
    for (size_t i = 0; i < size; i++) {
        char byte = label[i];
        if ((unsigned char)byte >= 0x80)
            return "is not ASCII; write its punycode form (xn--…)";
        if (!(is_digit(byte) || (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_'))
            return "has a character that host names do not have";
    }
    return NULL;
}

/* Resolvers read such names as IPv4 addresses in odd forms: octal, hexadecimal, with parts left
 * out. What is meant as an address is written as one. */
static bool looks_like_address(const char *label, size_t size)
{
    size_t digits = 0;
    while (digits < size && is_digit(label[digits]))
        digits++;
    return digits == size || (size >= 2 && label[0] == '0' && label[1] == 'x');
}

static const char *check_name(const char *name, size_t size)
{
    size_t start = 0;
    for (;;) {
        const char *dot = memchr(name + start, '.', size - start);
        size_t end = dot ? (size_t)(dot - name) : size;
        const char *wrong = check_label(name + start, end - start);
        if (wrong)
            return wrong;
        if (!dot)
            break;
        start = end + 1;
    }
    return looks_like_address(name + start, size - start)
               ? "looks like an address and is none; write four decimal numbers"
               : NULL;
}

const char *bp__origin_set_host(bp__origin *origin, const char *host, size_t size)
{
    if (size > 1 && host[size - 1] == '.')
        size--;
    if (size == 0)
        return "is empty";
    if (size > BP__HOST_NAME_MAX)
        return "has more than 253 bytes";
    for (size_t i = 0; i < size; i++) {
        if (!host[i])
            return "has a NUL";
        origin->host[i] = lower(host[i]);
    }
    origin->host[size] = '\0';
    origin->is_address = bp__address_parse(origin->host, &origin->address);
    if (!origin->is_address)
        return check_name(origin->host, size);
    /* One address, one spelling: an IPv4-mapped one is looked up and shown as IPv4. */
    bp__address_print(&origin->address, origin->host);
    return NULL;
}

/* ---- entries ---- */

/* "http://", "https://", or nothing. */
static const char *read_scheme(const char **at, bp__allow_entry *entry)
{
    const char *colon = strstr(*at, "://");
    entry->http = entry->https = true;
    if (!colon)
        return NULL;
    size_t size = (size_t)(colon - *at);
    entry->http = size == 4 && strncasecmp(*at, "http", 4) == 0;
    entry->https = size == 5 && strncasecmp(*at, "https", 5) == 0;
    if (!entry->http && !entry->https)
        return "the scheme is neither http nor https";
    *at = colon + 3;
    return NULL;
}

/* A decimal number up to `max`, of at most five digits, that nothing follows. */
static bool read_number(const char *text, size_t size, unsigned max, unsigned *ret)
{
    unsigned number = 0;
    if (size == 0 || size > 5)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!is_digit(text[i]))
            return false;
        number = number * 10 + (unsigned)(text[i] - '0');
    }
    *ret = number;
    return number <= max;
}

static const char *read_port(const char *text, bp__allow_entry *entry)
{
    unsigned port = 0;
    if (strcmp(text, "*") == 0) {
        entry->any_port = true;
        return NULL;
    }
    if (!read_number(text, strlen(text), UINT16_MAX, &port) || port == 0)
        return "the port is no number from 1 to 65535, nor '*'";
    entry->port = (uint16_t)port;
    return NULL;
}

/* The parts of an entry behind its scheme. */
typedef struct parts {
    const char *host, *bits, *port; /* the latter NULL: absent; the last ends with the entry */
    size_t host_size, bits_size;
} parts;

static size_t count_colons(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == ':';
    return count;
}

/* "[fd00::]/8:80", "fd00::/8", "10.0.0.0/8:80", "name:80". */
static const char *split(const char *at, parts *ret)
{
    *ret = (parts){.host = at};
    const char *rest;
    if (*at == '[') {
        rest = strchr(at, ']');
        if (!rest || !memchr(at, ':', (size_t)(rest - at)))
            return "'[' begins an IPv6 address and ends with ']'; patterns of characters are not "
                   "known";
        ret->host = at + 1;
        ret->host_size = (size_t)(rest++ - ret->host);
    } else {
        ret->host_size = count_colons(at) > 1 ? strcspn(at, "/") : strcspn(at, "/:");
        rest = at + ret->host_size;
    }
    if (*rest == '/') {
        ret->bits = rest + 1;
        ret->bits_size = strcspn(ret->bits, ":");
        rest = ret->bits + ret->bits_size;
    }
    if (*rest == ':')
        ret->port = rest + 1;
    else if (*rest)
        return "something stands behind the host";
    return NULL;
}

static const char *set_network(const parts *from, const bp__address *address,
                               bp__allow_entry *entry)
{
    entry->kind = BP__ALLOW_NETWORK;
    entry->address = *address;
    entry->bits = bp__address_bits(address);
    if (from->bits && !read_number(from->bits, from->bits_size, entry->bits, &entry->bits))
        return "the number of bits behind '/' is none";
    if (!bp__address_is_prefix(address, entry->bits))
        return "the network has bits set behind its prefix";
    return NULL;
}

static const char *set_name(const char *name, bp__allow_kind kind, bp__allow_entry *entry)
{
    entry->kind = kind;
    size_t size = strlen(name);
    entry->name = bp__alloc(size + 2);
    if (!entry->name)
        return NULL; /* the caller looks */
    char *to = entry->name;
    if (kind == BP__ALLOW_SUFFIX)
        *to++ = '.';
    memcpy(to, name, size + 1);
    return NULL;
}

static const char *set_host(const parts *from, bp__allow_entry *entry)
{
    const char *host = from->host;
    size_t size = from->host_size;
    bp__allow_kind kind = BP__ALLOW_NAME;
    if (size == 1 && *host == '*') {
        entry->kind = BP__ALLOW_ANY;
        return from->bits ? "only addresses have '/'" : NULL;
    }
    if (size > 2 && host[0] == '*' && host[1] == '.') {
        kind = BP__ALLOW_SUFFIX;
        host += 2, size -= 2;
    }
    if (memchr(host, '*', size))
        return "'*' stands alone or as the first label: '*.example.com'";
    if (memchr(host, '?', size) || memchr(host, '[', size) || memchr(host, '{', size))
        return "of patterns only '*' and '*.suffix' are known";
    bp__origin origin;
    const char *wrong = bp__origin_set_host(&origin, host, size);
    if (wrong)
        return wrong;
    if (origin.is_address && kind == BP__ALLOW_SUFFIX)
        return "an address has no names below it; write a network: '10.0.0.0/8'";
    if (origin.is_address)
        return set_network(from, &origin.address, entry);
    if (from->bits)
        return "a path is not looked at; an entry ends with the host or the port";
    return set_name(origin.host, kind, entry);
}

static const char *parse(const char *text, bp__allow_dialect dialect, bp__allow_entry *entry)
{
    parts from;
    const char *at = text, *wrong = read_scheme(&at, entry);
    if (!wrong)
        wrong = split(at, &from);
    if (!wrong)
        wrong = set_host(&from, entry);
    if (wrong)
        return wrong;
    entry->any_port = dialect == BP__ALLOW_EXTISM && !from.port;
    return from.port ? read_port(from.port, entry) : NULL;
}

bp_status bp__allow_add(bp__allow *allow, const char *text, bp__allow_dialect dialect,
                        bp_error *reterr)
{
    bp__allow_entry entry = {0};
    const char *wrong = parse(text, dialect, &entry);
    bool named = entry.kind == BP__ALLOW_NAME || entry.kind == BP__ALLOW_SUFFIX;
    if (wrong) {
        bp__free(entry.name);
        return bp_error_set(reterr, BP_EINVAL, "allowed host '%.200s': %s", text, wrong);
    }
    bp__allow_entry *entries =
        named && !entry.name ? NULL
                             : bp__realloc(allow->entries, (allow->count + 1) * sizeof *entries);
    if (!entries) {
        bp__free(entry.name);
        return bp__error_oom(reterr, "reading allowed hosts");
    }
    allow->entries = entries;
    allow->entries[allow->count++] = entry;
    return BP_OK;
}

void bp__allow_done(bp__allow *allow)
{
    for (size_t i = 0; i < allow->count; i++)
        bp__free(allow->entries[i].name);
    bp__free(allow->entries);
    *allow = (bp__allow){0};
}

/* ---- matching ---- */

static bool fits_port(const bp__allow_entry *entry, const bp__origin *origin)
{
    if (!(origin->https ? entry->https : entry->http))
        return false;
    uint16_t port = entry->port ? entry->port : origin->https ? 443 : 80;
    return entry->any_port || port == origin->port;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t size = strlen(text), suffix_size = strlen(suffix);
    return size > suffix_size && strcmp(text + size - suffix_size, suffix) == 0;
}

static bool fits_host(const bp__allow_entry *entry, const bp__origin *origin)
{
    switch (entry->kind) {
    case BP__ALLOW_ANY:
        return true;
    case BP__ALLOW_NAME:
        return strcmp(entry->name, origin->host) == 0;
    case BP__ALLOW_SUFFIX:
        return !origin->is_address && ends_with(origin->host, entry->name);
    case BP__ALLOW_NETWORK:
        return origin->is_address &&
               bp__address_within(&origin->address, &entry->address, entry->bits);
    }
    return false;
}

bool bp__allow_matches(const bp__allow *allow, const bp__origin *origin)
{
    for (size_t i = 0; i < allow->count; i++)
        if (fits_port(&allow->entries[i], origin) && fits_host(&allow->entries[i], origin))
            return true;
    return false;
}

bool bp__allow_opens(const bp__allow *allow, bool private_too, const bp__origin *origin,
                     const bp__address *address)
{
    bp__address_class class = bp__address_classify(address);
    if (class == BP__ADDRESS_PUBLIC || (private_too && bp__address_class_opens(class)))
        return true;
    for (size_t i = 0; i < allow->count; i++) {
        const bp__allow_entry *entry = &allow->entries[i];
        if (entry->kind != BP__ALLOW_NETWORK || !fits_port(entry, origin))
            continue;
        unsigned bits = class == BP__ADDRESS_METADATA ? bp__address_bits(address) : 0;
        if (entry->bits >= bits && bp__address_within(address, &entry->address, entry->bits))
            return true;
    }
    return false;
}
