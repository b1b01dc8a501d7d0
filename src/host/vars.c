/* SPDX-License-Identifier: Apache-2.0 */
#include "host/vars.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

void bp__vars_init(bp__vars *vars, uint64_t bytes_max)
{
    *vars = (bp__vars){.bytes_max = bytes_max};
    pthread_mutex_init(&vars->mutex, NULL);
}

static uint64_t cost(size_t key_size, size_t value_size)
{
    return (uint64_t)key_size + value_size + BP__VAR_OVERHEAD;
}

static void free_item(bp__var *item)
{
    bp__free(item->key);
    bp__free(item->value);
}

void bp__vars_clear(bp__vars *vars)
{
    BP_LOCK_SCOPE(&vars->mutex);
    for (size_t i = 0; i < vars->count; i++)
        free_item(&vars->items[i]);
    vars->count = 0;
    vars->bytes = 0;
}

void bp__vars_done(bp__vars *vars)
{
    bp__vars_clear(vars);
    bp__free(vars->items);
    vars->items = NULL;
    vars->capacity = 0;
    pthread_mutex_destroy(&vars->mutex);
}

/* Linear: guests keep a handful, and the limit bounds how many there can be. */
static bp__var *find(const bp__vars *vars, bp_bytes key)
{
    for (size_t i = 0; i < vars->count; i++) {
        bp__var *item = &vars->items[i];
        if (item->key_size == key.size && (!key.size || !memcmp(item->key, key.data, key.size)))
            return item;
    }
    return NULL;
}

static void remove_item(bp__vars *vars, bp__var *item)
{
    vars->bytes -= cost(item->key_size, item->value_size);
    free_item(item);
    *item = vars->items[--vars->count];
}

static bool make_room(bp__vars *vars)
{
    if (vars->count < vars->capacity)
        return true;
    size_t capacity = vars->capacity ? vars->capacity * 2 : 8;
    bp__var *items = bp__realloc(vars->items, capacity * sizeof *items);
    if (!items)
        return false;
    vars->items = items;
    vars->capacity = capacity;
    return true;
}

bp__vars_result bp__vars_set(bp__vars *vars, bp_bytes key, const bp_bytes *value)
{
    BP_LOCK_SCOPE(&vars->mutex);
    bp__var *old = find(vars, key);
    if (!value) {
        if (old)
            remove_item(vars, old);
        return BP__VARS_OK;
    }
    uint64_t kept = vars->bytes - (old ? cost(old->key_size, old->value_size) : 0);
    uint64_t added = cost(key.size, value->size);
    if (kept > vars->bytes_max || added > vars->bytes_max - kept)
        return BP__VARS_FULL;
    bp_auto_free char *key_copy = bp__strndup(key.data, key.size);
    bp_auto_free uint8_t *value_copy = bp__alloc(value->size);
    if (!key_copy || !value_copy || !make_room(vars))
        return BP__VARS_NO_MEMORY;
    if (value->size)
        memcpy(value_copy, value->data, value->size);
    old = find(vars, key); /* make_room() may have moved it */
    if (old)
        remove_item(vars, old);
    bp__var *item = &vars->items[vars->count++];
    item->key = bp_steal(&key_copy);
    item->value = bp_steal(&value_copy);
    item->key_size = key.size;
    item->value_size = value->size;
    vars->bytes = kept + added;
    return BP__VARS_OK;
}

bool bp__vars_get(bp__vars *vars, bp_bytes key, void (*use)(void *data, bp_bytes value),
                  void *data)
{
    BP_LOCK_SCOPE(&vars->mutex);
    const bp__var *item = find(vars, key);
    if (!item)
        return false;
    use(data, (bp_bytes){item->value, item->value_size});
    return true;
}

void bp__vars_each(bp__vars *vars, bool (*use)(void *data, bp_bytes key, bp_bytes value),
                   void *data)
{
    BP_LOCK_SCOPE(&vars->mutex);
    for (size_t i = 0; i < vars->count; i++) {
        const bp__var *var = &vars->items[i];
        if (!use(data, (bp_bytes){var->key, var->key_size}, (bp_bytes){var->value, var->value_size}))
            return;
    }
}
