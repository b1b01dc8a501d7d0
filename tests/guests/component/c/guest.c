/* A component for tests: tests/guests/component/README.md. SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX 4096

static unsigned count;
static char text[TEXT_MAX];

/* What is asked: the request, and where its answer goes. */
typedef struct request {
    const guest_list_u8_t *json;
    guest_list_u8_t *answer;
    guest_string_t *error;
} request;

/* ---- requests and answers ---- */

/* The value behind `"name":`, as it is there, with its quotes. */
static const char *find(const request *self, const char *name)
{
    char key[32];
    int size = snprintf(key, sizeof key, "\"%s\":", name);
    const char *json = (const char *)self->json->ptr;
    for (size_t i = 0; i + (size_t)size < self->json->len; i++)
        if (memcmp(json + i, key, (size_t)size) == 0)
            return json + i + size;
    return NULL;
}

/* A string's bytes, borrowed from the request; none where it is absent. */
static guest_string_t string(const request *self, const char *name)
{
    guest_string_t ret = {NULL, 0};
    const char *value = find(self, name), *end = (const char *)self->json->ptr + self->json->len;
    if (!value || *value != '"')
        return ret;
    ret.ptr = (uint8_t *)value + 1;
    while (value + 1 + ret.len < end && value[1 + ret.len] != '"')
        ret.len++;
    return ret;
}

static size_t number(const request *self, const char *name)
{
    const char *value = find(self, name), *end = (const char *)self->json->ptr + self->json->len;
    size_t ret = 0;
    for (; value && value < end && *value >= '0' && *value <= '9'; value++)
        ret = ret * 10 + (size_t)(*value - '0');
    return ret;
}

static bool is(guest_string_t value, const char *word)
{
    return value.len == strlen(word) && memcmp(value.ptr, word, value.len) == 0;
}

static bool answer(request *self, const void *data, size_t size)
{
    self->answer->ptr = malloc(size ? size : 1);
    if (!self->answer->ptr)
        abort();
    if (size)
        memcpy(self->answer->ptr, data, size);
    self->answer->len = size;
    return true;
}

static bool answer_text(request *self, const char *words)
{
    return answer(self, words, strlen(words));
}

static bool fail(request *self, const char *words)
{
    guest_string_dup(self->error, words);
    return false;
}

/* ---- what the host offers ---- */

static bool get(request *self, guest_string_t key)
{
    bullpen_plugin_kv_option_entry_t entry;
    if (!bullpen_plugin_kv_get(&key, &entry, self->error))
        return false;
    return entry.is_some ? answer(self, entry.val.value.ptr, entry.val.value.len)
                         : answer_text(self, "none");
}

static bool set_and_get(request *self)
{
    guest_string_t key = string(self, "key"), value = string(self, "value");
    guest_list_u8_t bytes = {value.ptr, value.len};
    uint64_t version;
    return bullpen_plugin_kv_set(&key, &bytes, NULL, &version, self->error) && get(self, key);
}

static bool write_record(request *self)
{
    guest_string_t words = string(self, "text");
    bullpen_plugin_log_log(BULLPEN_PLUGIN_LOG_LEVEL_INFO, &words);
    return answer_text(self, "logged");
}

static bool get_config(request *self)
{
    guest_string_t key = string(self, "key"), value;
    return bullpen_plugin_config_get(&key, &value) ? answer(self, value.ptr, value.len)
                                                   : answer_text(self, "none");
}

static bool fetch(request *self)
{
    bullpen_plugin_http_request_t wanted = {.url = string(self, "url")};
    bullpen_plugin_http_response_t response;
    guest_string_set(&wanted.method, "GET");
    if (!bullpen_plugin_http_fetch(&wanted, &response, self->error))
        return false;
    int size = snprintf(text, sizeof text, "%u %.*s", response.status, (int)response.body.len,
                        (const char *)response.body.ptr);
    return answer(self, text, size < TEXT_MAX ? (size_t)size : TEXT_MAX - 1);
}

static bool add_metric(request *self)
{
    guest_string_t name = string(self, "key");
    bullpen_plugin_metrics_list_label_t none = {NULL, 0};
    return bullpen_plugin_metrics_add(&name, &none, 1, self->error) && answer_text(self, "added");
}

/* ---- what WASI offers ---- */

static bool print(request *self)
{
    guest_string_t words = string(self, "text");
    printf("%.*s\n", (int)words.len, (char *)words.ptr);
    fflush(stdout);
    fprintf(stderr, "%.*s\n", (int)words.len, (char *)words.ptr);
    return answer_text(self, "printed");
}

static bool get_variable(request *self)
{
    guest_string_t key = string(self, "key");
    snprintf(text, sizeof text, "%.*s", (int)key.len, (char *)key.ptr);
    const char *value = getenv(text);
    return answer_text(self, value ? value : "none");
}

static bool answer_number(request *self, unsigned long long value)
{
    snprintf(text, sizeof text, "%llu", value);
    return answer_text(self, text);
}

static bool get_random(request *self)
{
    uint64_t value;
    arc4random_buf(&value, sizeof value);
    return answer_number(self, value);
}

/* ---- what it does by itself ---- */

static bool fill(request *self)
{
    size_t size = number(self, "size");
    char *bytes = malloc(size ? size : 1);
    if (!bytes)
        abort();
    memset(bytes, 'x', size);
    self->answer->ptr = (uint8_t *)bytes;
    self->answer->len = size;
    return true;
}

static bool hold(request *self)
{
    size_t size = number(self, "size");
    void *bytes = malloc(size);
    if (!bytes)
        abort();
    memset(bytes, 'x', size);
    return answer_text(self, "held");
}

static bool loop(request *self)
{
    (void)self;
    for (volatile unsigned i = 0;; i++)
        continue;
}

static bool run(request *self)
{
    guest_string_t op = string(self, "op"), words = string(self, "text");
    if (is(op, "echo"))
        return answer(self, words.ptr, words.len);
    if (is(op, "count"))
        return answer_number(self, ++count);
    if (is(op, "kv"))
        return set_and_get(self);
    if (is(op, "kv-get"))
        return get(self, string(self, "key"));
    if (is(op, "log"))
        return write_record(self);
    if (is(op, "config"))
        return get_config(self);
    if (is(op, "http"))
        return fetch(self);
    if (is(op, "metrics"))
        return add_metric(self);
    if (is(op, "remaining"))
        return answer_number(self, bullpen_plugin_call_remaining_ms());
    if (is(op, "fill"))
        return fill(self);
    if (is(op, "hold"))
        return hold(self);
    if (is(op, "print"))
        return print(self);
    if (is(op, "time"))
        return answer_number(self, (unsigned long long)time(NULL));
    if (is(op, "random"))
        return get_random(self);
    if (is(op, "env"))
        return get_variable(self);
    if (is(op, "loop"))
        return loop(self);
    if (is(op, "trap"))
        __builtin_trap();
    if (is(op, "error")) {
        guest_string_dup_n(self->error, (const char *)words.ptr, words.len);
        return false;
    }
    return fail(self, "unknown op");
}

bool exports_guest_handle(guest_list_u8_t *input, guest_list_u8_t *ret, guest_string_t *error)
{
    request self = {input, ret, error};
    return run(&self);
}
