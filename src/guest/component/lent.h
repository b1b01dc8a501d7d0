/* What a component was answered with, until it has it. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_GUEST_COMPONENT_LENT_H
#define BP_GUEST_COMPONENT_LENT_H

#include <bullpen/kv.h>

#include "base/buffer.h"
#include "host/fetch.h"

/* Zero: nothing. Only while a host function answers. */
typedef struct bp__lent {
    bp_kv_value value;
    bp_kv_page page;
    bp__fetch_response response;
    bp__buffer text;
} bp__lent;

#endif
