/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/manifest.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "guest/json.h"
#include "plugin/manifest_rules.h"

#define WASM_PAGE_SIZE 65536
#define PAGES_MAX 65536
#define TIME_MS_MAX (UINT64_C(1) << 40)

typedef struct manifest_context {
    bp__manifest *manifest;
    const char *folder;
    size_t code_bytes_max;
    bp_error *reterr;
} manifest_context;

/* One key of an object: what reads its value. */
typedef struct key_reader {
    const char *key;
    bp_status (*read)(manifest_context *context, const char *pointer, json_t *value);
} key_reader;

static void json_free(json_t **json)
{
    if (*json)
        json_decref(*json);
}

static bp_status wrong_type(const manifest_context *context, const char *pointer,
                            const char *wanted)
{
    return bp_error_set(context->reterr, BP_EFORMAT, "manifest: %s: must be %s",
                        *pointer ? pointer : "/", wanted);
}

static bp_status unknown_key(const manifest_context *context, const char *pointer, const char *key,
                             const key_reader *readers, size_t count)
{
    bp__nearest nearest = {.wanted = key};
    for (size_t i = 0; i < count; i++)
        bp__nearest_offer(&nearest, readers[i].key);
    return bp_error_set(context->reterr, BP_EFORMAT, "manifest: %s/%s: unknown key%s%s%s", pointer,
                        key, nearest.best ? "; did you mean '" : "",
                        nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

static bp_status read_object(manifest_context *context, const char *pointer, json_t *object,
                             const key_reader *readers, size_t count)
{
    if (!json_is_object(object))
        return wrong_type(context, pointer, "an object");
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        const key_reader *reader = NULL;
        for (size_t i = 0; i < count && !reader; i++)
            if (strcmp(readers[i].key, key) == 0)
                reader = &readers[i];
        if (!reader)
            return unknown_key(context, pointer, key, readers, count);
        char place[128];
        snprintf(place, sizeof place, "%s/%s", pointer, key);
        bp_status status = reader->read ? reader->read(context, place, value) : BP_OK;
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}
#define READ_OBJECT(context, pointer, object, readers)                                             \
    read_object(context, pointer, object, readers, sizeof(readers) / sizeof *(readers))

/* A whole number from `min` to `max`; null means "not said". */
static bp_status read_number(const manifest_context *context, const char *pointer, json_t *value,
                             uint64_t min, uint64_t max, uint64_t *ret)
{
    if (json_is_null(value))
        return BP_OK;
    if (!json_is_integer(value))
        return wrong_type(context, pointer, "a whole number");
    json_int_t number = json_integer_value(value);
    if (number < 0 || (uint64_t)number < min || (uint64_t)number > max)
        return bp_error_set(context->reterr, BP_EINVAL,
                            "manifest: %s: %lld is not allowed; from %llu to %llu", pointer,
                            (long long)number, (unsigned long long)min, (unsigned long long)max);
    *ret = (uint64_t)number;
    return BP_OK;
}

/* ---- code ---- */

#define BASE64_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* How many '=' end it; -1 when no encoder writes such text. */
static int base64_padding(const char *text, size_t size)
{
    size_t digits = strspn(text, BASE64_DIGITS), padding = size - digits;
    bool whole = size > 0 && size % 4 == 0 && size <= INT32_MAX;
    return whole && padding <= 2 && strspn(text + digits, "=") == padding ? (int)padding : -1;
}

/* EVP_DecodeBlock() ignores blanks at either end, reads '=' anywhere as zero bits and counts it as
 * bytes: what it must not see is refused before, and what the padding became is cut off after. */
static bp_status decode_base64(manifest_context *context, const char *pointer, json_t *value)
{
    static const char zeros[2];
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    bp__buffer *code = &context->manifest->code;
    if (size / 4 * 3 > context->code_bytes_max)
        return bp_error_set(context->reterr, BP_ELIMIT, "manifest: %s: larger than %zu bytes",
                            pointer, context->code_bytes_max);
    int padding = base64_padding(text, size);
    if (padding < 0)
        return wrong_type(context, pointer, "base64");
    if (!bp__buffer_reserve(code, size / 4 * 3))
        return bp__error_oom(context->reterr, "decoding a manifest");
    int decoded =
        EVP_DecodeBlock((unsigned char *)code->data, (const unsigned char *)text, (int)size);
    if (decoded < padding || memcmp(code->data + decoded - padding, zeros, (size_t)padding) != 0)
        return wrong_type(context, pointer, "base64");
    code->size = (size_t)(decoded - padding);
    return BP_OK;
}

static bp_status read_wasm_data(manifest_context *context, const char *pointer, json_t *value)
{
    if (!json_is_string(value))
        return wrong_type(context, pointer, "a string in base64");
    if (context->manifest->code.size)
        return bp_error_set(context->reterr, BP_EFORMAT, "manifest: %s: 'path' is there too",
                            pointer);
    return decode_base64(context, pointer, value);
}

static bp_status read_wasm_path(manifest_context *context, const char *pointer, json_t *value)
{
    const char *path = json_string_value(value);
    if (!path)
        return wrong_type(context, pointer, "a string");
    if (context->manifest->code.size)
        return bp_error_set(context->reterr, BP_EFORMAT, "manifest: %s: 'data' is there too",
                            pointer);
    bp__buffer whole = {0};
    if (path[0] != '/' && context->folder)
        bp__buffer_printf(&whole, "%s/", context->folder);
    bp__buffer_append_text(&whole, path);
    const char *text = whole.overflow ? NULL : bp__buffer_text(&whole);
    bp_status status = text ? bp__file_read(text, context->code_bytes_max, &context->manifest->code,
                                            context->reterr)
                            : bp__error_oom(context->reterr, "reading a manifest");
    bp__buffer_done(&whole);
    if (status != BP_OK)
        bp__error_prefix(context->reterr, "manifest: %s", pointer);
    return status;
}

static bp_status refuse_wasm_url(manifest_context *context, const char *pointer, json_t *value)
{
    (void)value;
    return bp_error_set(context->reterr, BP_EDENIED,
                        "manifest: %s: code is not fetched from the network; download it and use "
                        "'path'",
                        pointer);
}

static bp_status read_wasm_name(manifest_context *context, const char *pointer, json_t *value)
{
    if (json_is_null(value))
        return BP_OK;
    if (!json_is_string(value))
        return wrong_type(context, pointer, "a string");
    bp__free(context->manifest->name);
    context->manifest->name = bp__strdup(json_string_value(value));
    return context->manifest->name ? BP_OK : bp__error_oom(context->reterr, "reading a manifest");
}

/* Checked once the code is there (read_module). */
static bp_status read_wasm_hash(manifest_context *context, const char *pointer, json_t *value)
{
    if (json_is_null(value))
        return BP_OK;
    if (json_string_length(value) != 2 * BP__SHA256_SIZE)
        return wrong_type(context, pointer, "a SHA-256 in hex");
    return BP_OK;
}

static const key_reader wasm_readers[] = {
    {"path", read_wasm_path}, {"data", read_wasm_data}, {"hash", read_wasm_hash},
    {"name", read_wasm_name}, {"url", refuse_wasm_url}, {"method", NULL},
    {"headers", NULL},
};

static bp_status check_hash(const manifest_context *context, const char *pointer, json_t *hash)
{
    if (!json_is_string(hash))
        return BP_OK;
    uint8_t digest[BP__SHA256_SIZE];
    char hex[BP__SHA256_HEX_SIZE];
    bp_status status =
        bp__sha256(bp__buffer_bytes(&context->manifest->code), digest, context->reterr);
    if (status != BP_OK)
        return status;
    bp__sha256_hex(digest, hex);
    if (strcasecmp(hex, json_string_value(hash)) == 0)
        return BP_OK;
    return bp_error_set(context->reterr, BP_EFORMAT, "manifest: %s/hash: the code's SHA-256 is %s",
                        pointer, hex);
}

static bp_status read_wasm(manifest_context *context, const char *pointer, json_t *value)
{
    if (!json_is_array(value))
        return wrong_type(context, pointer, "a list");
    size_t count = json_array_size(value);
    if (count != 1)
        return bp_error_set(context->reterr, count ? BP_EUNSUPPORTED : BP_EFORMAT,
                            "manifest: %s: names %zu modules; exactly one is supported (link "
                            "several into one before)",
                            pointer, count);
    char place[64];
    snprintf(place, sizeof place, "%s/0", pointer);
    json_t *module = json_array_get(value, 0);
    bp_status status = READ_OBJECT(context, place, module, wasm_readers);
    if (status != BP_OK)
        return status;
    if (context->manifest->code.size == 0)
        return bp_error_set(context->reterr, BP_EFORMAT,
                            "manifest: %s: needs 'path' or 'data' with code in it", place);
    return check_hash(context, place, json_object_get(module, "hash"));
}

/* ---- the rest ---- */

static bp_status read_max_pages(manifest_context *context, const char *pointer, json_t *value)
{
    uint64_t pages = 0;
    bp_status status = read_number(context, pointer, value, 1, PAGES_MAX, &pages);
    context->manifest->limits.memory_bytes = pages * WASM_PAGE_SIZE;
    return status;
}

static bp_status read_max_var_bytes(manifest_context *context, const char *pointer, json_t *value)
{
    context->manifest->has_var_bytes = !json_is_null(value);
    return read_number(context, pointer, value, 0, UINT32_MAX,
                       &context->manifest->limits.var_bytes);
}

static bp_status read_max_http_response_bytes(manifest_context *context, const char *pointer,
                                              json_t *value)
{
    context->manifest->has_http_response_bytes = !json_is_null(value);
    return read_number(context, pointer, value, 0, INT64_MAX,
                       &context->manifest->http_response_bytes);
}

static const key_reader memory_readers[] = {
    {"max_pages", read_max_pages},
    {"max_var_bytes", read_max_var_bytes},
    {"max_http_response_bytes", read_max_http_response_bytes},
};

static bp_status read_memory(manifest_context *context, const char *pointer, json_t *value)
{
    return json_is_null(value) ? BP_OK : READ_OBJECT(context, pointer, value, memory_readers);
}

static bp_status read_config(manifest_context *context, const char *pointer, json_t *value)
{
    if (json_is_null(value))
        return BP_OK;
    if (!json_is_object(value))
        return wrong_type(context, pointer, "an object of strings");
    const char *key;
    json_t *item;
    json_object_foreach(value, key, item)
    {
        if (!json_is_string(item))
            return bp_error_set(context->reterr, BP_EFORMAT, "manifest: %s/%s: must be a string",
                                pointer, key);
        bp_status status = bp__config_set(&context->manifest->config, key, json_string_value(item),
                                          context->reterr);
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

static bp_status read_timeout(manifest_context *context, const char *pointer, json_t *value)
{
    return read_number(context, pointer, value, 1, TIME_MS_MAX, &context->manifest->limits.time_ms);
}

static bp_status read_allowed_hosts(manifest_context *context, const char *pointer, json_t *value)
{
    if (json_is_null(value))
        return BP_OK;
    if (!json_is_array(value))
        return wrong_type(context, pointer, "a list of strings");
    size_t index;
    json_t *item;
    context->manifest->asks_http = json_array_size(value) > 0;
    json_array_foreach(value, index, item)
    {
        char place[64];
        snprintf(place, sizeof place, "%s/%zu", pointer, index);
        if (!json_is_string(item))
            return wrong_type(context, place, "a string");
        bp_status status = bp__allow_add(&context->manifest->allowed_hosts, json_string_value(item),
                                         BP__ALLOW_EXTISM, context->reterr);
        if (status != BP_OK)
            return bp__error_prefix(context->reterr, "manifest: %s", place), status;
    }
    return BP_OK;
}

static bp_status read_allowed_paths(manifest_context *context, const char *pointer, json_t *value)
{
    if (!json_is_null(value) && !json_is_object(value))
        return wrong_type(context, pointer, "an object");
    context->manifest->asks_paths = json_object_size(value) > 0;
    return BP_OK;
}

static const key_reader manifest_readers[] = {
    {"wasm", read_wasm},
    {"memory", read_memory},
    {"config", read_config},
    {"timeout_ms", read_timeout},
    {"allowed_hosts", read_allowed_hosts},
    {"allowed_paths", read_allowed_paths},
};

static bp_status parse(bp_bytes json, json_t **ret, bp_error *reterr)
{
    json_error_t error;
    if (bp__json_is_deep(json, BP__MANIFEST_DEPTH_MAX))
        return bp_error_set(reterr, BP_EFORMAT, "manifest: nests deeper than %d levels",
                            BP__MANIFEST_DEPTH_MAX);
    *ret = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, &error);
    if (*ret)
        return BP_OK;
    return bp_error_set(reterr, BP_EFORMAT, "manifest: line %d, column %d: %s", error.line,
                        error.column, error.text);
}

bp_status bp__manifest_read(bp_bytes json, const char *folder, size_t code_bytes_max,
                            bp__manifest *ret, bp_error *reterr)
{
    bp_cleanup(json_free) json_t *root = NULL;
    bp_status status = parse(json, &root, reterr);
    if (status != BP_OK)
        return status;
    manifest_context context = {ret, folder, code_bytes_max, reterr};
    *ret = (bp__manifest){0};
    if (bp__manifest_is_extism(root))
        status = READ_OBJECT(&context, "", root, manifest_readers);
    else
        status = bp__manifest_read_own(root, folder, code_bytes_max, ret, reterr);
    if (status == BP_OK && !ret->is_own && !json_object_get(root, "wasm"))
        status = bp_error_set(reterr, BP_EFORMAT, "manifest: /wasm: is missing");
    if (status != BP_OK)
        bp__manifest_done(ret);
    return status;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bp__free(names[i]);
    bp__free(names);
}

void bp__manifest_done(bp__manifest *manifest)
{
    bp__buffer_done(&manifest->code);
    bp__free(manifest->name);
    bp__free(manifest->abi);
    bp__free(manifest->version);
    bp__free(manifest->description);
    bp__free(manifest->default_export);
    free_names(manifest->writeable, manifest->writeable_count);
    free_names(manifest->required, manifest->required_count);
    free_names(manifest->variables, manifest->variable_count);
    bp__config_done(&manifest->config);
    bp__allow_done(&manifest->allowed_hosts);
    *manifest = (bp__manifest){0};
}
