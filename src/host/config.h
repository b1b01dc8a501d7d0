/* A plugin's configuration: values by key. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_CONFIG_H
#define BP_HOST_CONFIG_H

#include <bullpen/error.h>

typedef struct bp__config_item {
    char *key, *value;
    size_t key_size, value_size;
} bp__config_item;

/* Zero is empty. Written while a plugin loads, only read afterwards. Few values are usual. */
typedef struct bp__config {
    bp__config_item *items;
    size_t count;
} bp__config;

/* Sets or replaces; both strings are copied. */
bp_status bp__config_set(bp__config *config, const char *key, const char *value, bp_error *reterr);
/* The value, or NULL. `key` need not end in NUL. */
const bp__config_item *bp__config_get(const bp__config *config, const char *key, size_t key_size);
void bp__config_done(bp__config *config);

#endif
