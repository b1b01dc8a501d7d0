/* Text from anywhere: UTF-8, names, error messages, log records, labels of metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/pool.h>

#include "base/error.h"
#include "base/log.h"
#include "fuzz.h"

/* UTF-8 as RFC 3629 defines it, by decoding: what the code point is, then whether it may be. */
static size_t decoded_length(const uint8_t *text, size_t size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = text[0];
    size_t length = lead < 0x80             ? 1
                    : (lead & 0xE0) == 0xC0 ? 2
                    : (lead & 0xF0) == 0xE0 ? 3
                    : (lead & 0xF8) == 0xF0 ? 4
                                            : 0;
    if (!length || length > size)
        return 0;
    uint32_t point = length == 1 ? lead : lead & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (text[i] & 0x3F);
    }
    bool fine = point >= least[length] && point <= 0x10FFFF && (point & ~0x7FFu) != 0xD800;
    return fine ? length : 0;
}

static bool is_valid(const uint8_t *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length = decoded_length(text + at, size - at);
        if (!length)
            return false;
        at += length;
    }
    return true;
}

static void check_lossy(const char *text, size_t size, bool valid)
{
    bp__buffer lossy = {0};
    FUZZ_CHECK(bp__utf8_append_lossy(&lossy, text, size));
    FUZZ_CHECK(is_valid((const uint8_t *)lossy.data, lossy.size));
    FUZZ_CHECK(lossy.size >= size && lossy.size <= 3 * size);
    FUZZ_CHECK(!valid || lossy.size == size);
    if (valid && size)
        FUZZ_CHECK(memcmp(lossy.data, text, size) == 0);
    bp__buffer_done(&lossy);
}

/* Of valid text, what is cut stays valid and could not have been longer. */
static void check_cut(const char *text, size_t size, bool valid)
{
    for (size_t limit = 0; limit <= size + 1 && limit < 64; limit++) {
        size_t kept = bp__utf8_cut(text, size, limit);
        FUZZ_CHECK(kept <= limit && kept <= size && kept + 4 > (limit < size ? limit : size));
        if (valid && limit >= 4)
            FUZZ_CHECK(is_valid((const uint8_t *)text, kept));
    }
}

/* `text` ends in NUL from here on. */
static void check_mend(const char *text)
{
    char *mended = strdup(text);
    FUZZ_CHECK(mended);
    bp__utf8_mend(mended);
    size_t size = strlen(mended);
    FUZZ_CHECK(size <= strlen(text));
    fuzz_check_line(mended, size);
    char *again = strdup(mended);
    FUZZ_CHECK(again);
    bp__utf8_mend(again);
    FUZZ_CHECK(strcmp(again, mended) == 0);
    free(again);
    free(mended);
}

static void check_errors(const char *text)
{
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp_error_set(&error, BP_EFORMAT, "about '%s'", text);
    fuzz_check_error(status, &error);
    bp__error_prefix(&error, "in '%s'", text);
    fuzz_check_error(status, &error);
    status = bp__error_os(&error, BP_ESYSTEM, 2, "open '%s'", text);
    fuzz_check_error(status, &error);
}

static void check_distance(const char *a, const char *b)
{
    size_t a_size = strlen(a), b_size = strlen(b), longer = a_size > b_size ? a_size : b_size;
    unsigned distance = bp__edit_distance(a, b);
    FUZZ_CHECK(distance == bp__edit_distance(b, a));
    FUZZ_CHECK(distance == UINT32_MAX ? longer > 64 : distance <= longer);
    FUZZ_CHECK(longer > 64 || (distance == 0) == (strcmp(a, b) == 0));
    bp__nearest nearest = {.wanted = a};
    bp__nearest_offer(&nearest, b);
    bp__nearest_offer(&nearest, a);
    FUZZ_CHECK(longer > 64 || (nearest.best && strcmp(nearest.best, a) == 0));
}

static void check_record(void *data, const bp_log_record *record)
{
    fuzz_check_line(record->text.data, record->text.size);
    ++*(unsigned *)data;
}

static void check_logs(const char *text, size_t size)
{
    unsigned records = 0;
    bp__logger logger = {check_record, &records, BP_LOG_TRACE};
    bp__log_guest(&logger, BP_LOG_INFO, "plugin", 1, text, size);
    FUZZ_CHECK(records == 1);
}

/* ---- labels of metrics ---- */

/* Every bad byte becomes three. */
#define LABEL_MAX ((size_t)3 * BP_POOL_NAME_SIZE_MAX + 1)

static bp_status make_nothing(void *factory, bp_deadline by, void **ret_item, bp_error *reterr)
{
    (void)factory, (void)by, (void)reterr;
    *ret_item = NULL;
    return BP_OK;
}

/* The label's value read back from `{pool="…"}`, as Prometheus reads it. */
static size_t read_label(const char *text, const char *end, char *to)
{
    size_t size = 0;
    for (; text < end && *text != '"'; text++) {
        FUZZ_CHECK(*text != '\n' && size < LABEL_MAX);
        bool escaped = *text == '\\' && ++text < end;
        FUZZ_CHECK(!escaped || strchr("\\\"n", *text));
        to[size++] = escaped && *text == 'n' ? '\n' : *text;
    }
    FUZZ_CHECK(text < end && *text == '"');
    return size;
}

/* Every line is UTF-8, else a scraper refuses all of them, and a name comes back as it was. The
 * first metric is enough: all have the same label. */
static bool check_metric(void *data, bp_bytes text)
{
    const char *name = data, *at = text.data, *end = at + text.size;
    static const char label[] = "{pool=\"";
    FUZZ_CHECK(is_valid(text.data, text.size));
    at = memmem(at, text.size, label, sizeof label - 1);
    FUZZ_CHECK(at);
    char back[LABEL_MAX];
    size_t size = read_label(at + sizeof label - 1, end, back);
    if (is_valid((const uint8_t *)name, strlen(name)))
        FUZZ_CHECK(size == strlen(name) && memcmp(back, name, size) == 0);
    return false;
}

static void check_labels(char *name)
{
    bp_pool_ops ops = BP_POOL_OPS_INIT;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    bp_error error = BP_ERROR_INIT;
    bp_pool *pool = NULL;
    ops.create = make_nothing;
    options.name = name;
    options.min_warm = BP_POOL_NONE;
    options.max_live = 1;
    bp_status status = bp_pool_new(&ops, NULL, &options, &pool, &error);
    if (status != BP_OK) {
        fuzz_check_error(status, &error);
        FUZZ_CHECK(!*name || strlen(name) > BP_POOL_NAME_SIZE_MAX);
        return;
    }
    FUZZ_CHECK(bp_pool_metrics_write(&pool, 1, check_metric, name) == BP_ECANCELLED);
    bp_pool_unref(pool);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    bool valid = is_valid(data, size);
    FUZZ_CHECK(bp__utf8_valid(bytes, size) == valid);
    check_lossy(bytes, size, valid);
    check_cut(bytes, size, valid);
    check_logs(bytes, size);
    char *text = strndup(bytes, size);
    FUZZ_CHECK(text);
    check_mend(text);
    check_errors(text);
    check_labels(text);
    char *second = strchr(text, '|');
    if (second) {
        *second++ = '\0';
        check_distance(text, second);
    }
    free(text);
    return 0;
}
