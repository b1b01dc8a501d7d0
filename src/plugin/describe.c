/* A guest's answers about itself are what any guest says: bounded, checked, and where they are
 * wrong a warning. SPDX-License-Identifier: Apache-2.0 */
#include "plugin/describe.h"

#include <bullpen/call.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "guest/component/exports.h"
#include "guest/json.h"
#include "plugin/load.h"

/* As manifests have room for: functions, their names, their comments. */
#define FUNCTIONS_MAX 1000
#define NAME_BYTES_MAX 256
#define TEXT_BYTES_MAX 4096
#define ANSWER_BYTES_MAX ((size_t)64 * 1024)
#define ANSWERS_BYTES_MAX ((size_t)192 * 1024) /* all together */
#define DEPTH_MAX 16
#define WARNINGS_MAX 20
#define WARNING_BYTES_MAX 512
#define TIMEOUT_MS 5000
#define QUESTION_MS 1000 /* one, of the time for all */

typedef struct inquiry {
    const bp__module *module;
    bp_plugin *plugin;
    bp_deadline by;
    json_t *functions, *warnings;
    size_t room;       /* bytes that answers may still have */
    bool over, failed; /* nothing more is asked; memory is gone */
} inquiry;

/* ---- what is wrong ---- */

static void warn(inquiry *self, const char *format, ...) BP_PRINTF(2, 3);
static void warn(inquiry *self, const char *format, ...)
{
    char text[WARNING_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bp__utf8_mend(text);
    size_t count = json_array_size(self->warnings);
    if (count < WARNINGS_MAX && json_array_append_new(self->warnings, json_string(text)) != 0)
        self->failed = true;
    if (count + 1 == WARNINGS_MAX)
        self->over = true;
}

/* What is asked, for people. */
typedef struct question {
    const char *export, *of; /* `of` is a function's name; NULL: the one without */
    bool has_name;
} question;

static void warn_of(inquiry *self, const question *about, const char *what)
{
    if (!about->has_name)
        warn(self, "'%s' %s", about->export, what);
    else
        warn(self, "'%s' of '%s' %s", about->export, about->of ? about->of : "(default)", what);
}

/* ---- one question ---- */

static bool is_there(const bp__module *module, const char *name)
{
    for (size_t i = 0; i < module->export_count; i++)
        if (bp__component_is_description(&module->exports[i]) &&
            strcmp(module->exports[i].name, name) == 0)
            return true;
    return false;
}

bool bp__describes(const bp__module *module)
{
    for (size_t i = 0; i < module->export_count; i++)
        if (bp__component_is_description(&module->exports[i]))
            return true;
    return false;
}

static json_t *read_answer(inquiry *self, const question *about, const bp_call_result *result)
{
    bp_error error = BP_ERROR_INIT;
    char text[WARNING_BYTES_MAX];
    if (result->outcome == BP_OUTCOME_GUEST_ERROR) {
        snprintf(text, sizeof text, "answered an error: %.300s", result->message);
        warn_of(self, about, text);
        return NULL;
    }
    if (!bp_call_result_ok(result)) {
        snprintf(text, sizeof text, "failed: %s: %.300s", bp_outcome_name(result->outcome),
                 result->message);
        warn_of(self, about, text);
        return NULL;
    }
    if (result->output.size > self->room) {
        warn(self, "the answers are larger than %zu KiB", ANSWERS_BYTES_MAX / 1024);
        self->over = true;
        return NULL;
    }
    self->room -= result->output.size;
    json_t *answer = NULL;
    if (bp__json_is_deep(result->output, DEPTH_MAX)) {
        bp_error_set(&error, BP_EINVAL, "it is nested too deeply");
    } else {
        json_error_t wrong;
        answer = json_loadb(result->output.data, result->output.size,
                            JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &wrong);
        if (!answer)
            bp_error_set(&error, BP_EINVAL, "it cannot be kept as JSON: %.100s", wrong.text);
    }
    if (answer)
        return answer;
    snprintf(text, sizeof text, "has an answer that is not taken: %.300s", error.message);
    warn_of(self, about, text);
    return NULL;
}

/* In JSON: an array of the arguments. */
static char *write_arguments(const question *about)
{
    json_t *list = json_array();
    if (about->has_name)
        json_array_append_new(list, about->of ? json_string(about->of) : json_null());
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

/* NULL: no answer; whose fault it is has been told. */
static json_t *ask(inquiry *self, const question *about)
{
    if (self->over || self->failed || !is_there(self->module, about->export))
        return NULL;
    bp_call call = BP_CALL_INIT;
    bp_call_result result = BP_CALL_RESULT_INIT;
    bp_error error = BP_ERROR_INIT;
    char *arguments = write_arguments(about); /* jansson's own allocator */
    if (!arguments) {
        self->failed = true;
        return NULL;
    }
    call.by = self->by;
    call.export_name = about->export;
    call.input = bp_bytes_of(arguments);
    json_t *answer = NULL;
    if (bp_plugin_call(self->plugin, &call, &result, &error) == BP_OK)
        answer = read_answer(self, about, &result);
    else
        warn_of(self, about, error.message);
    bp_call_result_done(&result);
    free(arguments);
    if (bp_deadline_passed(self->by) && !self->over) {
        warn(self, "the time to ask is over");
        self->over = true;
    }
    return answer;
}

/* ---- what may be answered ---- */

/* `text`, which is borrowed, as a JSON string of at most so many bytes. */
static json_t *cut_text(const char *text)
{
    size_t size = strlen(text);
    return json_stringn(text, bp__utf8_cut(text, size, TEXT_BYTES_MAX));
}

/* A schema where it is one, else words. */
static json_t *schema_or_words(const char *text)
{
    const char *first = text + strspn(text, " \t\r\n");
    bp_bytes bytes = bp_bytes_of(text);
    json_t *schema = *first == '{' || *first == '['
                         ? bp__json_read(bytes, ANSWER_BYTES_MAX, DEPTH_MAX, "a schema", NULL)
                         : NULL;
    return schema ? schema : cut_text(text);
}

/* Bytes, which the engine writes as {"base64": …}: text, or they are of no use here. Owned:
 * bp__free(); NULL: they are none. */
static char *decode(const char *base64)
{
    size_t size = strlen(base64), padding = 0;
    while (padding < 2 && padding < size && base64[size - 1 - padding] == '=')
        padding++;
    char *text = size % 4 == 0 && size <= ANSWER_BYTES_MAX ? bp__alloc(size / 4 * 3 + 1) : NULL;
    int decoded =
        text ? EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)base64, (int)size)
             : -1;
    size_t length = decoded >= (int)padding ? (size_t)decoded - padding : 0;
    if (length) {
        text[length] = '\0';
        if (bp__utf8_valid(text, length) && strlen(text) == length)
            return text;
    }
    bp__free(text);
    return NULL;
}

/* What a function takes or answers: words, JSON as text or as bytes, or typed values of any kind.
 * Consumes the answer. */
static json_t *type_of(inquiry *self, const question *about, json_t *answer)
{
    const char *base64 =
        json_object_size(answer) == 1 ? json_string_value(json_object_get(answer, "base64")) : NULL;
    json_t *made = answer;
    if (base64) {
        char *text = decode(base64);
        made = text ? schema_or_words(text) : NULL;
        if (!made)
            warn_of(self, about, "answered bytes that are no text: JSON, or words, is understood");
        bp__free(text);
    } else if (json_is_string(answer)) {
        made = schema_or_words(json_string_value(answer));
    } else if (json_is_null(answer)) {
        made = NULL;
    } else {
        return answer;
    }
    json_decref(answer);
    return made;
}

static json_t *words_of(inquiry *self, const question *about, json_t *answer)
{
    json_t *made = json_is_string(answer) ? cut_text(json_string_value(answer)) : NULL;
    if (answer && !made && !json_is_null(answer))
        warn_of(self, about, "answered no text");
    json_decref(answer);
    return made;
}

static json_t *flag_of(inquiry *self, const question *about, json_t *answer)
{
    if (!answer || json_is_boolean(answer))
        return answer;
    warn_of(self, about, "answered neither true nor false");
    json_decref(answer);
    return NULL;
}

/* ---- one function, all functions ---- */

static void put(inquiry *self, json_t *to, const char *field, json_t *value)
{
    if (value && json_object_set_new(to, field, value) != 0)
        self->failed = true;
}

static void describe_function(inquiry *self, json_t *name)
{
    static const struct {
        const char *export, *field;
        json_t *(*take)(inquiry *self, const question *about, json_t *answer);
    } questions[] = {{"function-comment", "doc", words_of},
                     {"function-writeable", "writeable", flag_of},
                     {"function-args", "arguments", type_of},
                     {"function-returns", "result", type_of}};
    json_t *made = json_object();
    if (!made || json_object_set(made, "name", name) != 0)
        self->failed = true;
    for (size_t i = 0; i < sizeof questions / sizeof *questions && !self->failed; i++) {
        const question about = {questions[i].export, json_string_value(name), true};
        json_t *answer = ask(self, &about);
        if (answer)
            put(self, made, questions[i].field, questions[i].take(self, &about, answer));
    }
    if (json_array_append_new(self->functions, made) != 0)
        self->failed = true;
}

/* Whether it may be a function's name: none stands for what is called without one. */
static bool is_name(const json_t *name)
{
    size_t size = json_string_length(name);
    return json_is_null(name) || (json_is_string(name) && size > 0 && size <= NAME_BYTES_MAX);
}

/* The names once each, in their order. */
static json_t *choose_names(inquiry *self, const json_t *answer)
{
    json_t *seen = json_object(), *names = json_array();
    size_t count = json_array_size(answer), wrong = 0;
    for (size_t i = 0; i < count && json_array_size(names) < FUNCTIONS_MAX; i++) {
        json_t *name = json_array_get(answer, i);
        const char *key = json_is_string(name) ? json_string_value(name) : "";
        if (!is_name(name) || json_object_get(seen, key)) {
            wrong++;
            continue;
        }
        if (json_object_set_new(seen, key, json_true()) != 0 || json_array_append(names, name) != 0)
            self->failed = true;
    }
    if (wrong)
        warn(self, "'list-functions' has %zu names that are empty, too long or there twice", wrong);
    if (count > FUNCTIONS_MAX)
        warn(self, "'list-functions' has %zu names; the first %d are looked at", count,
             FUNCTIONS_MAX);
    json_decref(seen);
    return names;
}

/* Without a list: what can be called by name. */
static json_t *callable_names(inquiry *self)
{
    json_t *names = json_array();
    for (size_t i = 0; i < self->module->export_count; i++) {
        const bp__extern_type *export = &self->module->exports[i];
        if (bp__component_is_callable(export) && strlen(export->name) <= NAME_BYTES_MAX &&
            json_array_size(names) < FUNCTIONS_MAX &&
            json_array_append_new(names, json_string(export->name)) != 0)
            self->failed = true;
    }
    return names;
}

static json_t *list_names(inquiry *self)
{
    const question about = {.export = "list-functions"};
    if (!is_there(self->module, about.export))
        return callable_names(self);
    json_t *answer = ask(self, &about), *names = NULL;
    if (json_is_array(answer))
        names = choose_names(self, answer);
    else if (answer)
        warn_of(self, &about, "answered no list of names");
    json_decref(answer);
    return names;
}

static void describe_all(inquiry *self)
{
    json_t *names = list_names(self);
    for (size_t i = 0; i < json_array_size(names) && !self->failed; i++)
        describe_function(self, json_array_get(names, i));
    json_decref(names);
}

static void load_and_ask(inquiry *self, bp_runtime *runtime, bp_bytes code)
{
    bp_error error = BP_ERROR_INIT;
    bp_plugin_options options = BP_PLUGIN_OPTIONS_INIT;
    options.max_live = 1;
    options.min_warm = BP_POOL_NONE;
    options.limits.time_ms = options.limits.init_time_ms = QUESTION_MS;
    options.limits.output_bytes = ANSWER_BYTES_MAX;
    if (bp__plugin_load_describing(runtime, code, &options, &self->plugin, &error) != BP_OK)
        warn(self, "it could not be asked: %s", error.message);
    else
        describe_all(self);
    bp_plugin_unref(self->plugin);
}

bp_status bp__describe(bp_runtime *runtime, const bp__module *module, bp_bytes code,
                       uint32_t timeout_ms, char **ret, bp_error *reterr)
{
    inquiry self = {.module = module,
                    .by = bp_deadline_in_ms(timeout_ms ? timeout_ms : TIMEOUT_MS),
                    .functions = json_array(),
                    .warnings = json_array(),
                    .room = ANSWERS_BYTES_MAX};
    self.failed = !self.functions || !self.warnings;
    if (!self.failed && bp__describes(module))
        load_and_ask(&self, runtime, code);
    json_t *document = json_pack("{s:o, s:o}", "functions", self.functions, "warnings",
                                 self.warnings); /* takes both, also on failure */
    char *text = document && !self.failed ? json_dumps(document, JSON_COMPACT) : NULL;
    char *copy = text ? bp__strdup(text) : NULL;
    free(text);
    json_decref(document);
    if (!copy)
        return bp__error_oom(reterr, "describing a component");
    *ret = copy;
    return BP_OK;
}
