/* bullpen cache. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/cache.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/cmd.h"
#include "cli/failure.h"
#include "cli/json_text.h"
#include "cli/number.h"
#include "cli/out.h"
#include "cli/records.h"

BP_DEFINE_CLEANUP(cleanup_runtime, bp_runtime, bp_runtime_unref)

/* What a visit keeps of an entry. */
typedef struct kept {
    char *file, *sha256, *engine, *problem; /* owned; problem NULL: usable */
    uint64_t bytes;
    int64_t used_at;
    bool usable, bad, removed;
} kept;

typedef struct kept_list {
    kept *items;
    size_t count, capacity;
    bool failed; /* memory is gone */
} kept_list;

static void kept_list_done(kept_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        bp__free(list->items[i].file);
        bp__free(list->items[i].sha256);
        bp__free(list->items[i].engine);
        bp__free(list->items[i].problem);
    }
    bp__free(list->items);
}

static bool keep(void *data, const bp_cache_entry *entry)
{
    kept_list *list = data;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        kept *items = bp__realloc(list->items, capacity * sizeof *items);
        list->failed = !items;
        if (!items)
            return false;
        list->items = items;
        list->capacity = capacity;
    }
    kept *item = &list->items[list->count++];
    *item = (kept){.file = bp__strdup(entry->file),
                   .sha256 = bp__strdup(entry->sha256),
                   .engine = bp__strdup(entry->engine),
                   .problem = entry->problem ? bp__strdup(entry->problem) : NULL,
                   .bytes = entry->bytes,
                   .used_at = entry->used_at,
                   .usable = entry->usable,
                   .bad = entry->bad,
                   .removed = entry->removed};
    list->failed =
        !item->file || !item->sha256 || !item->engine || (entry->problem && !item->problem);
    return !list->failed;
}

/* The last used first. */
static int compare(const void *a, const void *b)
{
    const kept *x = a, *y = b;
    if (x->used_at != y->used_at)
        return x->used_at > y->used_at ? -1 : 1;
    return strcmp(x->file, y->file);
}

static uint64_t age_of(const kept *item)
{
    int64_t now = (int64_t)time(NULL);
    return now > item->used_at ? (uint64_t)(now - item->used_at) : 0;
}

/* --- as text ------------------------------------------------------------------------------ */

static void print_age(uint64_t seconds, char *text, size_t size)
{
    static const struct {
        uint64_t seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (seconds < units[i].seconds && units[i].seconds > 1)
            continue;
        snprintf(text, size, "%" PRIu64 " %s", seconds / units[i].seconds, units[i].unit);
        return;
    }
}

static const char *verdict(const kept *item)
{
    return item->usable    ? "usable"
           : item->removed ? "bad, removed"
           : item->bad     ? "bad"
                           : "unusable";
}

static void print_item(const kept *item)
{
    char bytes[CLI_NUMBER_TEXT], age[32];
    cli_number_print_about(item->bytes, bytes);
    print_age(age_of(item), age, sizeof age);
    cli_out_text("%.16s  %10s  %7s ago  %s%s%s\n", *item->sha256 ? item->sha256 : item->file, bytes,
                 age, verdict(item), item->problem ? ": " : "", item->problem ? item->problem : "");
    if (*item->engine)
        cli_out_text("                  %s\n", item->engine);
}

static void print_sum(const kept_list *list, const bp_runtime_info *info, size_t bad,
                      uint64_t bytes)
{
    char about[CLI_NUMBER_TEXT];
    cli_number_print_about(bytes, about);
    cli_out_text("%zu in %s, %s, %zu bad\n", list->count, info->cache_dir, about, bad);
}

/* --- as JSON ------------------------------------------------------------------------------ */

static json_t *text_json(const char *text)
{
    return text && *text ? cli_json_text(text, strlen(text)) : json_null();
}

static json_t *item_json(const kept *item)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:I, s:b, s:b, s:b, s:o}", "file", text_json(item->file),
                     "sha256", text_json(item->sha256), "engine", text_json(item->engine), "bytes",
                     (json_int_t)item->bytes, "age_seconds", (json_int_t)age_of(item), "usable",
                     (int)item->usable, "bad", (int)item->bad, "removed", (int)item->removed,
                     "problem", text_json(item->problem));
}

static bool print_json(const kept_list *list, const bp_runtime_info *info, size_t bad,
                       uint64_t bytes)
{
    json_t *items = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(items, item_json(&list->items[i]));
    return cli_out_json(json_pack("{s:o, s:I, s:I, s:o}", "folder", text_json(info->cache_dir),
                                  "bytes", (json_int_t)bytes, "bad", (json_int_t)bad, "entries",
                                  items));
}

/* --- the actions -------------------------------------------------------------------------- */

static int show(const cache_values *values, bp_runtime *runtime, const bp_runtime_info *info,
                bool verify, bp_error *reterr)
{
    kept_list list = {0};
    bp_status status = verify ? bp_cache_verify(runtime, keep, &list, reterr)
                              : bp_cache_list(runtime, keep, &list, reterr);
    int result = status == BP_OK ? CLI_OK : CLI_FAILED;
    if (status == BP_OK && list.failed) {
        result = cli_out_of_memory();
    } else if (status == BP_OK) {
        size_t bad = 0;
        uint64_t bytes = 0;
        if (list.count)
            qsort(list.items, list.count, sizeof *list.items, compare);
        for (size_t i = 0; i < list.count; i++) {
            bad += list.items[i].bad;
            bytes += list.items[i].bytes;
            if (!values->common.json)
                print_item(&list.items[i]);
        }
        if (values->common.json && !print_json(&list, info, bad, bytes))
            result = CLI_FAILED;
        if (!values->common.json)
            print_sum(&list, info, bad, bytes);
        if (verify && bad)
            result = CLI_FAILED;
    }
    kept_list_done(&list);
    return result;
}

static int clear(const cache_values *values, bp_runtime *runtime, const bp_runtime_info *info,
                 bp_error *reterr)
{
    uint64_t entries = 0, bytes = 0;
    if (bp_cache_clear(runtime, &entries, &bytes, reterr) != BP_OK)
        return CLI_FAILED;
    if (values->common.json)
        return cli_out_json(json_pack("{s:o, s:I, s:I}", "folder", text_json(info->cache_dir),
                                      "removed", (json_int_t)entries, "bytes", (json_int_t)bytes))
                   ? CLI_OK
                   : CLI_FAILED;
    char about[CLI_NUMBER_TEXT];
    cli_number_print_about(bytes, about);
    cli_out_text("removed %" PRIu64 " from %s, %s\n", entries, info->cache_dir, about);
    return CLI_OK;
}

int cmd_cache(const void *data)
{
    const cache_values *values = data;
    bp_error error = BP_ERROR_INIT;
    bp_runtime_options options = BP_RUNTIME_OPTIONS_INIT;
    bp_runtime_info info = BP_RUNTIME_INFO_INIT;
    /* A folder that cannot be used is told as the error, not as a warning before it. */
    cli_records records = cli_records_for(BP_LOG_ERROR, values->common.quiet);
    cli_records_attach(&records, &options);
    options.cache_dir = values->dir;
    if (values->dir && !*values->dir) {
        cli_error("--dir: names no folder");
        return CLI_USAGE;
    }
    bp_cleanup(cleanup_runtime) bp_runtime *runtime = NULL;
    int result = CLI_FAILED;
    if (bp_runtime_new(&options, &runtime, &error) == BP_OK &&
        bp_runtime_get_info(runtime, &info, &error) == BP_OK)
        result = strcmp(values->action, "clear") == 0
                     ? clear(values, runtime, &info, &error)
                     : show(values, runtime, &info, strcmp(values->action, "verify") == 0, &error);
    if (error.status == BP_OK)
        return result;
    if (values->common.json)
        cli_out_error_json(&error);
    return cli_fail(&error);
}
