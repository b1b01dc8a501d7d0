/* Bytes in the tables. A file is outside: nothing in it is believed. SPDX-License-Identifier:
 * Apache-2.0 */
#include <string.h>

#include "host/kv_lmdb.h"

void bp__lmdb_put64(uint8_t to[8], uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        to[i] = (uint8_t)value;
}

uint64_t bp__lmdb_get64(const uint8_t from[8])
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | from[i];
    return value;
}

void bp__lmdb_space_write(const bp__lmdb_space *space, uint8_t to[BP__LMDB_SPACE_SIZE])
{
    bp__lmdb_put64(to, space->number);
    bp__lmdb_put64(to + 8, space->use.entries);
    bp__lmdb_put64(to + 16, space->use.bytes);
}

bool bp__lmdb_space_read(const MDB_val *from, bp__lmdb_space *ret)
{
    const uint8_t *bytes = from->mv_data;
    if (from->mv_size != BP__LMDB_SPACE_SIZE)
        return false;
    *ret = (bp__lmdb_space){
        .number = bp__lmdb_get64(bytes),
        .use = {.entries = bp__lmdb_get64(bytes + 8), .bytes = bp__lmdb_get64(bytes + 16)},
    };
    return true;
}

void bp__lmdb_entry_write_head(const bp__lmdb_entry *entry, uint8_t to[BP__LMDB_ENTRY_HEAD])
{
    bp__lmdb_put64(to, entry->version);
    bp__lmdb_put64(to + 8, entry->expires_ms);
}

bool bp__lmdb_entry_read(const MDB_val *from, bp__lmdb_entry *ret)
{
    const uint8_t *bytes = from->mv_data;
    if (from->mv_size < BP__LMDB_ENTRY_HEAD)
        return false;
    *ret = (bp__lmdb_entry){
        .version = bp__lmdb_get64(bytes),
        .expires_ms = bp__lmdb_get64(bytes + 8),
        .value = {bytes + BP__LMDB_ENTRY_HEAD, from->mv_size - BP__LMDB_ENTRY_HEAD},
    };
    return ret->version != 0; /* a page of zeros, where a file was cut */
}

static void append(bp__lmdb_key *key, uint64_t number)
{
    bp__lmdb_put64(key->bytes + key->size, number);
    key->size += 8;
}

static void append_bytes(bp__lmdb_key *to, bp_bytes key)
{
    size_t room = sizeof to->bytes - to->size, size = key.size < room ? key.size : room;
    if (size)
        memcpy(to->bytes + to->size, key.data, size);
    to->size += size;
}

void bp__lmdb_data_key(bp__lmdb_key *ret, uint64_t number, bp_bytes key)
{
    ret->size = 0;
    append(ret, number);
    append_bytes(ret, key);
}

void bp__lmdb_time_key(bp__lmdb_key *ret, uint64_t expires_ms, uint64_t number, bp_bytes key)
{
    ret->size = 0;
    append(ret, expires_ms);
    append(ret, number);
    append_bytes(ret, key);
}

bool bp__lmdb_data_key_read(const MDB_val *from, uint64_t *ret_number, bp_bytes *ret_key)
{
    const uint8_t *bytes = from->mv_data;
    if (from->mv_size <= 8 || from->mv_size > 8 + BP_KV_KEY_SIZE_MAX)
        return false;
    *ret_number = bp__lmdb_get64(bytes);
    *ret_key = (bp_bytes){bytes + 8, from->mv_size - 8};
    return true;
}

bool bp__lmdb_time_key_read(const MDB_val *from, uint64_t *ret_expires_ms, uint64_t *ret_number,
                            bp_bytes *ret_key)
{
    const uint8_t *bytes = from->mv_data;
    if (from->mv_size <= 16 || from->mv_size > 16 + BP_KV_KEY_SIZE_MAX)
        return false;
    *ret_expires_ms = bp__lmdb_get64(bytes);
    *ret_number = bp__lmdb_get64(bytes + 8);
    *ret_key = (bp_bytes){bytes + 16, from->mv_size - 16};
    return true;
}
