/* What plugins may ask for. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_CAPABILITY_H
#define BP_HOST_CAPABILITY_H

#include <bullpen/error.h>
#include <stdatomic.h>

/*
 * The registry: XX(identifier, name, parameter, risk, what it opens). `parameter` is the list that
 * comes with it (hosts, names), or none. From it come the manifest's rules and schema,
 * docs/plugins/capabilities.md and the words of refusals.
 */
#define BP__CAPABILITY_MAP(XX)                                                                     \
    XX(LOG, "log", none, "low", "records in the host's log")                                       \
    XX(CONFIG, "config", none, "low", "the configuration that the host gives to this plugin")      \
    XX(KV_READ, "kv:read", none, "low", "reading its own keys and values")                         \
    XX(KV_WRITE, "kv:write", none, "medium",                                                       \
       "changing its own keys and values, which outlive calls")                                    \
    XX(HTTP_FETCH, "http:fetch", hosts, "high",                                                    \
       "HTTP requests to the hosts that it names: data can leave that way")                        \
    XX(CLOCK, "clock", none, "medium",                                                             \
       "the time of day and a precise clock, which can measure others")                            \
    XX(RANDOM, "random", none, "low", "random bytes of the operating system")                      \
    XX(ENV, "env", names, "medium", "the environment variables that it names")                     \
    XX(FS_READ, "fs:read", none, "medium", "reading the files that come with it")                  \
    XX(METRICS, "metrics", none, "low",                                                            \
       "counters of its own in the host's metrics, and its pool's figures")

typedef enum bp__capability {
#define BP__CAPABILITY_ENUM(id, name, parameter, risk, opens) BP__CAP_##id,
    BP__CAPABILITY_MAP(BP__CAPABILITY_ENUM)
#undef BP__CAPABILITY_ENUM
        BP__CAPABILITIES,
} bp__capability;

#define BP__CAP_BIT(capability) (UINT32_C(1) << (capability))
#define BP__CAPS_ALL ((UINT32_C(1) << BP__CAPABILITIES) - 1)

typedef struct bp__capability_row {
    const char *name, *parameter, *risk, *opens;
} bp__capability_row;
extern const bp__capability_row bp__capabilities[BP__CAPABILITIES];

/* By name; BP__CAPABILITIES: there is none. */
bp__capability bp__capability_find(const char *name);

/* What one plugin may do. The bits are written while it loads, and only read afterwards. */
typedef struct bp__grants {
    uint32_t asked;   /* what has no manifest of ours asks for everything */
    uint32_t offered; /* by the host */
    _Atomic uint64_t refused[BP__CAPABILITIES]; /* uses in vain; relaxed, they publish nothing */
} bp__grants;

static inline bool bp__granted(const bp__grants *grants, bp__capability capability)
{
    return grants->asked & grants->offered & BP__CAP_BIT(capability);
}

#define BP__REFUSAL_SIZE 160
/* Why it is not granted, and who can change that. */
const char *bp__refusal(const bp__grants *grants, bp__capability capability,
                        char text[BP__REFUSAL_SIZE]);

#endif
