/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/rules.h"

#include <math.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* ---- what is told ---- */

void bp__found_add(bp__found *found, const char *pointer, const char *hint, const char *format, ...)
{
    char message[BP_ERROR_MESSAGE_MAX];
    va_list arguments;
    if (found->count++ >= BP__PROBLEMS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    bp__utf8_mend(message);
    found->tell(found->data, pointer, message, hint);
}

const char *bp__pointer_at(const char *pointer, const char *name, char to[BP__POINTER_SIZE])
{
    bp__buffer text = {.limit = BP__POINTER_SIZE - 1};
    bp__buffer_append_text(&text, pointer);
    bp__buffer_append_text(&text, "/");
    for (const char *at = name; *at && !text.overflow; at++) {
        if (*at == '~' || *at == '/')
            bp__buffer_append_text(&text, *at == '~' ? "~0" : "~1");
        else
            bp__buffer_append(&text, at, 1);
    }
    if (text.size)
        memcpy(to, text.data, text.size);
    to[text.size] = '\0';
    bp__buffer_done(&text);
    bp__utf8_mend(to);
    return to;
}

/* ---- checking ---- */

static void check(const bp__rule *rule, const char *pointer, const json_t *value, bp__found *found);

static const char *shape_name(bp__shape shape)
{
    static const char *const names[] = {"a string",  "a whole number", "true or false",
                                        "an object", "a list",         "an object"};
    return names[shape];
}

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}

/* True without memory, too: what cannot be compared is not refused. */
static bool matches(const char *pattern, const char *text)
{
    regex_t compiled;
    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return true;
    bool fits = regexec(&compiled, text, 0, NULL, 0) != REG_NOMATCH;
    regfree(&compiled);
    return fits;
}

static void check_choice(const bp__rule *rule, const char *pointer, const char *text,
                         bp__found *found)
{
    bp__nearest nearest = {.wanted = text};
    char list[256] = "";
    size_t size = 0;
    for (const char *const *choice = rule->choices; *choice; choice++) {
        if (strcmp(*choice, text) == 0)
            return;
        bp__nearest_offer(&nearest, *choice);
        int more = snprintf(list + size, sizeof list - size, "%s%s", size ? ", " : "", *choice);
        size =
            more > 0 && size + (size_t)more < sizeof list ? size + (size_t)more : sizeof list - 1;
    }
    bp__found_add(found, pointer, nearest.best, "'%.80s' is none of %s", text, list);
}

static void check_text(const bp__rule *rule, const char *pointer, const char *text,
                       bp__found *found)
{
    size_t size = characters(text);
    if (rule->choices)
        check_choice(rule, pointer, text, found);
    else if (size < rule->min || size > rule->max)
        bp__found_add(found, pointer, NULL, "has %zu characters, from %llu to %llu are allowed",
                      size, (unsigned long long)rule->min, (unsigned long long)rule->max);
    else if (rule->pattern && !matches(rule->pattern, text))
        bp__found_add(found, pointer, NULL, "'%.80s' is not %s", text, rule->pattern_words);
}

/* A real number without a fraction is whole, as in JSON Schema. */
static bool is_whole(const json_t *value, double *ret)
{
    *ret = json_number_value(value);
    return json_is_integer(value) || (json_is_real(value) && floor(*ret) == *ret);
}

static void check_number(const bp__rule *rule, const char *pointer, double number, bp__found *found)
{
    if (number < (double)rule->min || number > (double)rule->max)
        bp__found_add(found, pointer, NULL, "%.17g is not between %llu and %llu", number,
                      (unsigned long long)rule->min, (unsigned long long)rule->max);
}

static void check_size(const bp__rule *rule, const char *pointer, size_t size, bp__found *found)
{
    if (size < rule->min || size > rule->max)
        bp__found_add(found, pointer, NULL, "has %zu entries, from %llu to %llu are allowed", size,
                      (unsigned long long)rule->min, (unsigned long long)rule->max);
}

static void check_fields(const bp__rule *fields, const char *pointer, const json_t *object,
                         bp__found *found)
{
    char place[BP__POINTER_SIZE];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        bp__nearest nearest = {.wanted = key};
        const bp__rule *rule = fields;
        for (; rule->name && strcmp(rule->name, key) != 0; rule++)
            bp__nearest_offer(&nearest, rule->name);
        bp__pointer_at(pointer, key, place);
        if (rule->name)
            check(rule, place, value, found);
        else
            bp__found_add(found, place, nearest.best, "there is no such field");
    }
    for (const bp__rule *rule = fields; rule->name; rule++)
        if (rule->required && !json_object_get(object, rule->name))
            bp__found_add(found, bp__pointer_at(pointer, rule->name, place), NULL, "is missing");
}

static void check_entries(const bp__rule *rule, const char *pointer, const json_t *value,
                          bp__found *found)
{
    char place[BP__POINTER_SIZE], number[24];
    const char *key;
    json_t *item;
    size_t index;
    if (rule->shape == BP__SHAPE_LIST) {
        check_size(rule, pointer, json_array_size(value), found);
        json_array_foreach(value, index, item)
        {
            snprintf(number, sizeof number, "%zu", index);
            check(rule->inside, bp__pointer_at(pointer, number, place), item, found);
        }
        return;
    }
    check_size(rule, pointer, json_object_size(value), found);
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
        check(rule->inside, bp__pointer_at(pointer, key, place), item, found);
}

static bool has_shape(const bp__rule *rule, const json_t *value, double *ret_number)
{
    switch (rule->shape) {
    case BP__SHAPE_TEXT:
        return json_is_string(value);
    case BP__SHAPE_NUMBER:
        return is_whole(value, ret_number);
    case BP__SHAPE_BOOL:
        return json_is_boolean(value);
    case BP__SHAPE_LIST:
        return json_is_array(value);
    case BP__SHAPE_OBJECT:
    case BP__SHAPE_MAP:
        return json_is_object(value);
    case BP__SHAPE_ANY:
        break;
    }
    return true;
}

static void check(const bp__rule *rule, const char *pointer, const json_t *value, bp__found *found)
{
    double number = 0;
    if (!has_shape(rule, value, &number)) {
        bp__found_add(found, pointer, NULL, "must be %s", shape_name(rule->shape));
        return;
    }
    switch (rule->shape) {
    case BP__SHAPE_TEXT:
        check_text(rule, pointer, json_string_value(value), found);
        break;
    case BP__SHAPE_NUMBER:
        check_number(rule, pointer, number, found);
        break;
    case BP__SHAPE_OBJECT:
        check_fields(rule->inside, pointer, value, found);
        break;
    case BP__SHAPE_LIST:
    case BP__SHAPE_MAP:
        check_entries(rule, pointer, value, found);
        break;
    case BP__SHAPE_BOOL:
    case BP__SHAPE_ANY:
        break;
    }
}

void bp__rules_check(const bp__rule *fields, const json_t *document, bp__found *found)
{
    const bp__rule root = {.shape = BP__SHAPE_OBJECT, .inside = fields};
    check(&root, "", document, found);
}

/* ---- the schema ---- */

static json_t *schema_of(const bp__rule *rule);

static json_t *schema_of_fields(const bp__rule *fields, json_t *object)
{
    json_t *properties = json_object(), *required = json_array();
    for (const bp__rule *rule = fields; rule->name; rule++) {
        json_object_set_new(properties, rule->name, schema_of(rule));
        if (rule->required)
            json_array_append_new(required, json_string(rule->name));
    }
    json_object_set_new(object, "type", json_string("object"));
    json_object_set_new(object, "properties", properties);
    json_object_set_new(object, "required", required);
    json_object_set_new(object, "additionalProperties", json_false());
    return object;
}

static void set_bounds(json_t *object, const char *min, const char *max, const bp__rule *rule)
{
    json_object_set_new(object, min, json_integer((json_int_t)rule->min));
    json_object_set_new(object, max, json_integer((json_int_t)rule->max));
}

static void describe_text(const bp__rule *rule, json_t *object)
{
    json_object_set_new(object, "type", json_string("string"));
    if (!rule->choices) {
        set_bounds(object, "minLength", "maxLength", rule);
        if (rule->pattern)
            json_object_set_new(object, "pattern", json_string(rule->pattern));
        return;
    }
    json_t *choices = json_array();
    for (const char *const *choice = rule->choices; *choice; choice++)
        json_array_append_new(choices, json_string(*choice));
    json_object_set_new(object, "enum", choices);
}

static json_t *schema_of(const bp__rule *rule)
{
    json_t *object = json_object();
    if (rule->doc)
        json_object_set_new(object, "description", json_string(rule->doc));
    switch (rule->shape) {
    case BP__SHAPE_TEXT:
        describe_text(rule, object);
        break;
    case BP__SHAPE_NUMBER:
        json_object_set_new(object, "type", json_string("integer"));
        set_bounds(object, "minimum", "maximum", rule);
        break;
    case BP__SHAPE_BOOL:
        json_object_set_new(object, "type", json_string("boolean"));
        break;
    case BP__SHAPE_OBJECT:
        return schema_of_fields(rule->inside, object);
    case BP__SHAPE_LIST:
        json_object_set_new(object, "type", json_string("array"));
        set_bounds(object, "minItems", "maxItems", rule);
        json_object_set_new(object, "items", schema_of(rule->inside));
        break;
    case BP__SHAPE_MAP:
        json_object_set_new(object, "type", json_string("object"));
        set_bounds(object, "minProperties", "maxProperties", rule);
        json_object_set_new(object, "additionalProperties", schema_of(rule->inside));
        break;
    case BP__SHAPE_ANY:
        break;
    }
    return object;
}

json_t *bp__rules_schema(const bp__rule *fields, const char *title)
{
    json_t *root = json_object();
    json_object_set_new(root, "$schema",
                        json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(root, "title", json_string(title));
    return root ? schema_of_fields(fields, root) : NULL;
}
