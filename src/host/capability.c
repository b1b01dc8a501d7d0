/* SPDX-License-Identifier: Apache-2.0 */
#include "host/capability.h"

#include <stdio.h>
#include <string.h>

const bp__capability_row bp__capabilities[BP__CAPABILITIES] = {
#define ROW(id, name, parameter, risk, opens) {name, #parameter, risk, opens},
    BP__CAPABILITY_MAP(ROW)
#undef ROW
};

bp__capability bp__capability_find(const char *name)
{
    unsigned i = 0;
    while (i < BP__CAPABILITIES && strcmp(bp__capabilities[i].name, name) != 0)
        i++;
    return (bp__capability)i;
}

const char *bp__refusal(const bp__grants *grants, bp__capability capability,
                        char text[BP__REFUSAL_SIZE])
{
    const char *name = bp__capabilities[capability].name;
    bool with_wasi = capability == BP__CAP_CLOCK || capability == BP__CAP_RANDOM;
    if (grants->asked == BP__CAPS_ALL) /* it has no manifest that could ask for less */
        snprintf(text, BP__REFUSAL_SIZE, "%s is not granted%s", name,
                 with_wasi ? " (option wasi, flag --wasi, or a policy)"
                           : ": the host does not give it");
    else if (grants->asked & BP__CAP_BIT(capability))
        snprintf(text, BP__REFUSAL_SIZE,
                 "%s is not granted: the manifest asks for it, the host does not give it", name);
    else
        snprintf(text, BP__REFUSAL_SIZE,
                 "%s is not granted: the manifest does not ask for it (capabilities)", name);
    return text;
}
