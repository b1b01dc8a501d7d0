/* What the key-value store is given by guests, files and servers: keys, cursors, records, names;
 * and sequences of operations on the store in memory beside a model. SPDX-License-Identifier:
 * Apache-2.0 */
#include <bullpen/kv.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "fuzz.h"
#include "host/kv_lmdb.h"
#include "host/kv_nats.h"

#define NOW_MS UINT64_C(1000000)
#define ENTRIES_MAX 12
#define BYTES_MAX 400

/* ---- bytes from a server or a file */

static void check_names(bp_bytes run)
{
    uint8_t bytes[BP_KV_KEY_SIZE_MAX];
    char text[BP__NATS_TOKEN(BP_KV_KEY_SIZE_MAX) + 1];
    size_t size;
    if (run.size <= sizeof text - 1 &&
        bp__nats_decode(run.data, run.size, bytes, sizeof bytes, &size)) {
        bp__nats_encode((bp_bytes){bytes, size}, text);
        FUZZ_CHECK(strlen(text) == run.size && memcmp(text, run.data, run.size) == 0);
    }
    if (run.size && run.size <= sizeof bytes) {
        bp__nats_encode(run, text);
        FUZZ_CHECK(bp__nats_decode(text, strlen(text), bytes, sizeof bytes, &size));
        FUZZ_CHECK(size == run.size && memcmp(bytes, run.data, size) == 0);
    }
    bp__nats_use use;
    (void)bp__nats_use_read(run.data ? run.data : "", run.size, &use);
}

static void check_text(bp_bytes run)
{
    bp__nats_about about;
    uint8_t key[BP_KV_KEY_SIZE_MAX];
    char bucket[BP__NATS_BUCKET_MAX + 1], *url = NULL;
    size_t space_size, key_size;
    bp_error error = BP_ERROR_INIT;
    const bp__kv_backend *backend;
    const char *place;
    char *text = bp__strndup(run.data, run.size);
    FUZZ_CHECK(text != NULL);
    (void)bp__nats_about_read(text, &about);
    if (bp__nats_name_read(text, &space_size, key, &key_size))
        FUZZ_CHECK(key_size && key_size <= sizeof key && text[space_size] == '.');
    bp_status status = bp__nats_place_read(text, &url, bucket, &error);
    if (status)
        fuzz_check_error(status, &error);
    else
        FUZZ_CHECK(strlen(bucket) && strncmp(url, "nats://", 7) == 0);
    bp__free(url);
    status = bp__kv_location_read(text, &backend, &place, &error);
    if (status)
        fuzz_check_error(status, &error);
    char *shown = bp__kv_location_public(text);
    FUZZ_CHECK(shown && strlen(shown) <= strlen(text));
    FUZZ_CHECK(strncmp(shown, "nats://", 7) != 0 || !strchr(shown, '@'));
    bp__free(shown);
    bp__free(text);
}

static void check_records(bp_bytes run)
{
    const MDB_val value = bp__lmdb_val(run.data, run.size);
    bp__lmdb_space space;
    bp__lmdb_entry entry;
    uint8_t bytes[BP__LMDB_SPACE_SIZE];
    uint64_t number, time;
    bp_bytes key;
    bp__lmdb_key made;
    if (bp__lmdb_space_read(&value, &space)) {
        bp__lmdb_space_write(&space, bytes);
        FUZZ_CHECK(memcmp(bytes, run.data, sizeof bytes) == 0);
    }
    if (bp__lmdb_entry_read(&value, &entry))
        FUZZ_CHECK(entry.version && entry.value.size + BP__LMDB_ENTRY_HEAD == run.size);
    if (bp__lmdb_data_key_read(&value, &number, &key)) {
        bp__lmdb_data_key(&made, number, key);
        FUZZ_CHECK(made.size == run.size && memcmp(made.bytes, run.data, made.size) == 0);
    }
    if (bp__lmdb_time_key_read(&value, &time, &number, &key)) {
        bp__lmdb_time_key(&made, time, number, key);
        FUZZ_CHECK(made.size == run.size && memcmp(made.bytes, run.data, made.size) == 0);
    }
}

/* ---- operations beside a model: an array */

typedef struct model_entry {
    uint8_t key[8];
    size_t key_size, value_size;
    uint8_t fill;
    uint64_t version, expires_ms;
} model_entry;

typedef struct picture {
    model_entry entries[ENTRIES_MAX];
    size_t count;
    uint64_t now_ms;
} picture;

static bp_bytes key_of(const model_entry *entry)
{
    return (bp_bytes){entry->key, entry->key_size};
}

static void forget(picture *model, model_entry *entry)
{
    *entry = model->entries[--model->count];
}

static void pass_time(picture *model, uint64_t ms)
{
    model->now_ms += ms;
    bp__clock_fake_set(model->now_ms * BP_NS_PER_MS);
    for (size_t i = 0; i < model->count;)
        if (bp__kv_expired(model->entries[i].expires_ms, model->now_ms))
            forget(model, &model->entries[i]);
        else
            i++;
}

static model_entry *find(picture *model, bp_bytes key)
{
    for (size_t i = 0; i < model->count; i++)
        if (bp__kv_compare(key_of(&model->entries[i]), key) == 0)
            return &model->entries[i];
    return NULL;
}

static uint64_t bytes_in(const picture *model)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < model->count; i++)
        bytes += model->entries[i].key_size + model->entries[i].value_size;
    return bytes;
}

static void do_set(picture *model, bp_kv *kv, const bp_kv_call *call, bp_bytes key,
                   fuzz_stream *from)
{
    uint8_t value[255];
    bp_kv_change change = BP_KV_CHANGE_INIT;
    uint64_t version = 0;
    size_t size = fuzz_byte(from);
    uint8_t fill = (uint8_t)model->now_ms;
    memset(value, fill, sizeof value);
    change.condition = fuzz_below(from, 3);
    change.ttl_ms = fuzz_below(from, 4);
    model_entry *old = find(model, key);
    change.version = old ? old->version - fuzz_below(from, 2) : 1;
    bp_status status = bp_kv_set(kv, call, key, (bp_bytes){value, size}, &change, &version, NULL);
    bp_status expected = BP_OK;
    uint64_t others = bytes_in(model) - (old ? old->key_size + old->value_size : 0);
    if (change.condition == BP_KV_IF_ABSENT && old)
        expected = BP_ECONFLICT;
    else if (change.condition == BP_KV_IF_VERSION && !old)
        expected = BP_ENOTFOUND;
    else if (change.condition == BP_KV_IF_VERSION && old && change.version != old->version)
        expected = BP_ECONFLICT;
    else if (!old && model->count == ENTRIES_MAX)
        expected = BP_ELIMIT;
    else if (others + key.size + size > BYTES_MAX &&
             (!old || key.size + size > old->key_size + old->value_size))
        expected = BP_ELIMIT;
    FUZZ_CHECK(status == expected);
    if (status)
        return;
    if (!old)
        old = &model->entries[model->count++];
    memcpy(old->key, key.data, key.size);
    *old = (model_entry){.key_size = key.size,
                         .value_size = size,
                         .fill = fill,
                         .version = version,
                         .expires_ms = change.ttl_ms ? model->now_ms + change.ttl_ms : 0};
    memcpy(old->key, key.data, key.size);
}

static void do_get(picture *model, bp_kv *kv, const bp_kv_call *call, bp_bytes key)
{
    bp_kv_value value = BP_KV_VALUE_INIT;
    const model_entry *entry = find(model, key);
    bp_status status = bp_kv_get(kv, call, key, &value, NULL);
    FUZZ_CHECK(status == (entry ? BP_OK : BP_ENOTFOUND));
    if (entry) {
        FUZZ_CHECK(value.version == entry->version && value.bytes.size == entry->value_size);
        for (size_t i = 0; i < value.bytes.size; i++)
            FUZZ_CHECK(((const uint8_t *)value.bytes.data)[i] == entry->fill);
    }
    bp_kv_value_done(&value);
}

static void do_list(picture *model, bp_kv *kv, const bp_kv_call *call, fuzz_stream *from)
{
    bp_kv_page page = BP_KV_PAGE_INIT;
    bp_error error = BP_ERROR_INIT;
    bp_bytes prefix = fuzz_run(from, fuzz_below(from, 3));
    bp_bytes cursor = fuzz_run(from, fuzz_below(from, 6));
    uint32_t limit = 1 + fuzz_below(from, 4);
    bp_status status = bp_kv_list(kv, call, prefix, cursor, limit, &page, &error);
    if (status) {
        fuzz_check_error(status, &error);
        return;
    }
    bp__kv_range range = {.prefix = prefix};
    FUZZ_CHECK(bp__kv_cursor_read(cursor, &range.after, NULL) == BP_OK);
    size_t expected = 0;
    for (size_t i = 0; i < model->count; i++)
        expected += bp__kv_range_has(&range, key_of(&model->entries[i]));
    FUZZ_CHECK(page.count == (expected < limit ? expected : limit));
    FUZZ_CHECK((page.cursor.size != 0) == (expected > limit));
    for (uint32_t i = 0; i < page.count; i++) {
        FUZZ_CHECK(bp__kv_range_has(&range, page.keys[i]) && find(model, page.keys[i]));
        FUZZ_CHECK(i == 0 || bp__kv_compare(page.keys[i - 1], page.keys[i]) < 0);
    }
    bp_kv_page_done(&page);
}

static void do_delete(picture *model, bp_kv *kv, const bp_kv_call *call, bp_bytes key,
                      fuzz_stream *from)
{
    model_entry *entry = find(model, key);
    uint64_t version = fuzz_below(from, 2) && entry ? entry->version + fuzz_below(from, 2) : 0;
    bp_status expected = !entry                                 ? BP_ENOTFOUND
                         : version && version != entry->version ? BP_ECONFLICT
                                                                : BP_OK;
    FUZZ_CHECK(bp_kv_delete(kv, call, key, version, NULL) == expected);
    if (!expected)
        forget(model, entry);
}

static void do_one(picture *model, bp_kv *kv, const bp_kv_call *call, fuzz_stream *from)
{
    uint64_t entries, bytes, next_ms;
    uint8_t what = fuzz_byte(from) % 7;
    bp_bytes key = fuzz_run(from, 1 + fuzz_below(from, 3));
    if (!key.size)
        return;
    switch (what) {
    case 0:
    case 1:
        do_set(model, kv, call, key, from);
        break;
    case 2:
        do_get(model, kv, call, key);
        break;
    case 3:
        do_delete(model, kv, call, key, from);
        break;
    case 4:
        do_list(model, kv, call, from);
        break;
    case 5:
        pass_time(model, fuzz_below(from, 4));
        break;
    default:
        FUZZ_CHECK(bp__kv_sweep_now(kv, &next_ms, NULL) == BP_OK);
        break;
    }
    FUZZ_CHECK(bp_kv_count(kv, call, &entries, &bytes, NULL) == BP_OK);
    FUZZ_CHECK(entries == model->count && bytes == bytes_in(model));
}

static void play(fuzz_stream *from)
{
    picture model = {.now_ms = NOW_MS};
    bp_kv *kv = NULL;
    bp_kv_limits limits = BP_KV_LIMITS_INIT;
    bp_kv_options options = BP_KV_OPTIONS_INIT;
    bp_kv_call call = BP_KV_CALL_INIT;
    limits.entries_max = ENTRIES_MAX;
    limits.bytes_max = BYTES_MAX;
    options.limits = &limits;
    call.plugin = BP_BYTES("p");
    pass_time(&model, 0);
    FUZZ_CHECK(bp_kv_open(&options, &kv, NULL) == BP_OK);
    for (int i = 0; i < 200 && from->left; i++)
        do_one(&model, kv, &call, from);
    bp_kv_unref(kv);
    bp__clock_fake_set(0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream from = {data, size};
    if (fuzz_byte(&from) % 2) {
        play(&from);
        return 0;
    }
    const bp_bytes rest = {from.at, from.left};
    check_names(rest);
    check_text(rest);
    check_records(rest);
    return 0;
}
