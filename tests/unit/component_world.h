/* Guests that are told what to call, as tests/guests/component/host.wat: how they are asked, and
 * what they answer. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_COMPONENT_WORLD_H
#define BULLPEN_TESTS_COMPONENT_WORLD_H

#include <bullpen/bullpen.h>
#include <string.h>

#include "support/host.h"

/* What the guest is asked to do; as it lies in its memory. */
typedef struct asked {
    uint32_t which, arguments[12], pad;
    uint64_t number, other;
    double real;
    uint8_t data[4096];
    uint32_t used; /* of data; not the guest's */
} asked;
#define DATA_AT 4176u /* where the guest has `data` */
#define RESULT_AT 1024u
_Static_assert(offsetof(asked, data) == DATA_AT - 4096, "as the guest reads it");

static inline uint32_t put(asked *to, const void *bytes, size_t size)
{
    uint32_t at = (to->used + 3) & ~3u;
    assert_true(at + size <= sizeof to->data);
    if (size)
        memcpy(to->data + at, bytes, size);
    to->used = at + (uint32_t)size;
    return DATA_AT + at;
}

/* Two arguments from `place` on: where, and how long. */
static inline void give(asked *to, unsigned place, bp_bytes bytes)
{
    to->arguments[place] = put(to, bytes.data, bytes.size);
    to->arguments[place + 1] = (uint32_t)bytes.size;
}

static inline asked ask(unsigned which)
{
    asked made;
    memset(&made, 0, sizeof made);
    made.which = which;
    return made;
}

static inline asked ask_text(unsigned which, const char *text)
{
    asked made = ask(which);
    give(&made, 0, bp_bytes_of(text));
    return made;
}

static inline bp_call_result run_for(bp_plugin *plugin, const char *tenant, const asked *what)
{
    bp_call call = BP_CALL_INIT;
    call.export_name = "handle";
    call.input = (bp_bytes){what, offsetof(asked, data) + what->used};
    call.tenant = bp_bytes_of(tenant);
    return call_ran_with(plugin, &call);
}

static inline bp_call_result run(bp_plugin *plugin, const asked *what)
{
    return run_for(plugin, "", what);
}

static inline uint64_t number_at(const bp_call_result *result, size_t at, size_t size)
{
    uint64_t number = 0;
    assert_true(at + size <= result->output.size);
    memcpy(&number, (const char *)result->output.data + at, size);
    return number;
}
#define byte_at(result, at) ((unsigned)number_at((result), (at), 1))
#define word_at(result, at) ((uint32_t)number_at((result), (at), 4))
#define long_at(result, at) number_at((result), (at), 8)

/* What a pointer and a length there stand for. */
static inline bp_bytes bytes_at(const bp_call_result *result, size_t at)
{
    uint32_t where = word_at(result, at), size = word_at(result, at + 4);
    assert_true(!size || (where >= RESULT_AT && where - RESULT_AT + size <= result->output.size));
    return (bp_bytes){(const char *)result->output.data + (size ? where - RESULT_AT : 0), size};
}

static inline void is_text(bp_bytes bytes, const char *text)
{
    if (bytes.size != strlen(text) || memcmp(bytes.data, text, bytes.size) != 0)
        fail_msg("'%.*s', not '%s'", (int)bytes.size, (const char *)bytes.data, text);
}

#endif
