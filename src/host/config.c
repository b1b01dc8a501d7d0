/* SPDX-License-Identifier: Apache-2.0 */
#include "host/config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"

const bp__config_item *bp__config_get(const bp__config *config, const char *key, size_t key_size)
{
    for (size_t i = 0; i < config->count; i++) {
        const bp__config_item *item = &config->items[i];
        if (item->key_size == key_size && (!key_size || !memcmp(item->key, key, key_size)))
            return item;
    }
    return NULL;
}

static bp__config_item *find_or_add(bp__config *config, const char *key)
{
    const bp__config_item *found = bp__config_get(config, key, strlen(key));
    if (found)
        return &config->items[found - config->items];
    bp__config_item *items = bp__realloc(config->items, (config->count + 1) * sizeof *items);
    if (!items)
        return NULL;
    config->items = items;
    bp__config_item *item = &items[config->count];
    *item = (bp__config_item){.key = bp__strdup(key), .key_size = strlen(key)};
    if (!item->key)
        return NULL;
    config->count++;
    return item;
}

bp_status bp__config_set(bp__config *config, const char *key, const char *value, bp_error *reterr)
{
    bp_auto_free char *copy = bp__strdup(value);
    bp__config_item *item = copy ? find_or_add(config, key) : NULL;
    if (!item)
        return bp__error_oom(reterr, "copying the configuration");
    bp__free(item->value);
    item->value = bp_steal(&copy);
    item->value_size = strlen(value);
    return BP_OK;
}

void bp__config_done(bp__config *config)
{
    for (size_t i = 0; i < config->count; i++) {
        bp__free(config->items[i].key);
        bp__free(config->items[i].value);
    }
    bp__free(config->items);
    *config = (bp__config){0};
}
