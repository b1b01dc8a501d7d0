/* Manifests as authors and installers look at them. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/manifest.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "guest/json.h"
#include "host/capability.h"
#include "plugin/manifest_rules.h"

static void json_free(json_t **json)
{
    if (*json)
        json_decref(*json);
}
#define AUTO_JSON bp_cleanup(json_free)

typedef struct teller {
    bp_problem_fn found;
    void *data;
    char first[300];
} teller;

static void tell(void *data, const char *pointer, const char *message, const char *hint)
{
    teller *self = data;
    if (!*self->first)
        snprintf(self->first, sizeof self->first, "%.100s: %.190s", *pointer ? pointer : "/",
                 message);
    if (self->found)
        self->found(self->data, &(bp_problem){pointer, message, hint});
}

static json_t *parse(bp_bytes json, bp__found *found)
{
    json_error_t error;
    if (bp__json_is_deep(json, BP__MANIFEST_DEPTH_MAX)) {
        bp__found_add(found, "", NULL, "nests deeper than %d levels", BP__MANIFEST_DEPTH_MAX);
        return NULL;
    }
    json_t *document =
        json_loadb(json.data ? json.data : "", json.size, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        bp__found_add(found, "", NULL, "line %d, column %d: %s", error.line, error.column,
                      error.text);
    return document;
}

static bp_status judge(const bp__found *found, const teller *self, bp_error *reterr)
{
    if (found->count == 0)
        return BP_OK;
    if (found->count == 1)
        return bp_error_set(reterr, BP_EFORMAT, "manifest: %s", self->first);
    return bp_error_set(reterr, BP_EFORMAT, "manifest: %s (and %zu more)", self->first,
                        found->count - 1);
}

bp_status bp_manifest_check(bp_bytes json, bp_problem_fn told, void *data, bp_error *reterr)
{
    teller self = {.found = told, .data = data};
    bp__found found = {.tell = tell, .data = &self};
    AUTO_JSON json_t *document = parse(json, &found);
    if (document && json_object_get(document, "wasm"))
        bp__manifest_check_extism(document, &found);
    else if (document)
        bp__manifest_check(document, &found);
    return judge(&found, &self, reterr);
}

const bp_capability *bp_capability_at(size_t index)
{
    static const bp_capability rows[] = {
#define ROW(id, name, parameter, risk, opens) {name, #parameter, risk, opens},
        BP__CAPABILITY_MAP(ROW)
#undef ROW
    };
    return index < BP__CAPABILITIES ? &rows[index] : NULL;
}

/* ---- differences ---- */

static json_t *read_own(bp_bytes json, const char *which, bp_error *reterr)
{
    teller self = {.found = NULL};
    bp__found found = {.tell = tell, .data = &self};
    json_t *document = parse(json, &found);
    if (document)
        bp__manifest_check(document, &found);
    if (judge(&found, &self, reterr) == BP_OK)
        return document;
    bp__error_prefix(reterr, "the %s", which);
    json_decref(document);
    return NULL;
}

/* The words of a capability's parameter; NULL: it is not asked for, or has none. */
static const json_t *words_of(const json_t *manifest, const bp__capability_row *row)
{
    const json_t *asked = json_object_get(json_object_get(manifest, "capabilities"), row->name);
    return json_object_get(asked, row->parameter);
}

static bool asks(const json_t *manifest, const char *name)
{
    return json_object_get(json_object_get(manifest, "capabilities"), name) != NULL;
}

static bool has_word(const json_t *words, const char *word)
{
    size_t index;
    json_t *item;
    json_array_foreach(words, index,
                       item) if (strcmp(json_string_value(item), word) == 0) return true;
    return false;
}

/* Of the words of one side those that the other has, too, or has not. */
static void tell_words(const json_t *from, const json_t *other, bool shared,
                       bp_capability_change change, const char *name, bp_capability_change_fn told,
                       void *data)
{
    size_t index;
    json_t *item;
    json_array_foreach(from, index, item) if (has_word(other, json_string_value(item)) == shared)
        told(data, change, name, json_string_value(item));
}

static void compare_one(const json_t *older, const json_t *newer, const bp__capability_row *row,
                        bp_capability_change_fn told, void *data)
{
    bool before = asks(older, row->name), after = asks(newer, row->name);
    const json_t *was = words_of(older, row), *is = words_of(newer, row);
    if (!was && !is && (before || after))
        told(data,
             before && after ? BP_CAPABILITY_KEPT
             : after         ? BP_CAPABILITY_NEW
                             : BP_CAPABILITY_DROPPED,
             row->name, "");
    tell_words(is, was, true, BP_CAPABILITY_KEPT, row->name, told, data);
    tell_words(is, was, false, BP_CAPABILITY_NEW, row->name, told, data);
    tell_words(was, is, false, BP_CAPABILITY_DROPPED, row->name, told, data);
}

bp_status bp_manifest_compare(bp_bytes older, bp_bytes newer, bp_capability_change_fn told,
                              void *data, bp_error *reterr)
{
    if (!told)
        return bp_error_set(reterr, BP_EINVAL, "bp_manifest_compare: told is NULL");
    AUTO_JSON json_t *first = read_own(older, "older", reterr);
    AUTO_JSON json_t *second = first ? read_own(newer, "newer", reterr) : NULL;
    if (!second)
        return BP_EFORMAT;
    for (unsigned i = 0; i < BP__CAPABILITIES; i++)
        compare_one(first, second, &bp__capabilities[i], told, data);
    return BP_OK;
}

/* ---- the schema ---- */

typedef struct writer {
    bp_manifest_write_fn write;
    void *data;
} writer;

static int write_piece(const char *text, size_t size, void *data)
{
    const writer *to = data;
    return to->write(to->data, (bp_bytes){text, size}) ? 0 : -1;
}

bp_status bp_manifest_schema(bp_manifest_write_fn write, void *data)
{
    AUTO_JSON json_t *schema =
        bp__rules_schema(bp__manifest_rules, "The manifest of a plugin for Bullpen");
    writer to = {write, data};
    if (!write)
        return BP_EINVAL;
    if (!schema)
        return BP_ENOMEM;
    return json_dump_callback(schema, write_piece, &to, JSON_INDENT(1)) == 0 ? BP_OK
                                                                             : BP_ECANCELLED;
}
