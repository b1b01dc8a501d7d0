/* SPDX-License-Identifier: Apache-2.0 */
#include "host/functions.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"

#define NAME_SIZE_MAX 128
#define FUNCTIONS_MAX 10000

bp_status bp_host_functions_new(bp_host_functions **ret, bp_error *reterr)
{
    if (!ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_host_functions_new: ret is NULL");
    bp_host_functions *set = bp__alloc_zeroed(1, sizeof *set);
    if (!set)
        return bp__error_oom(reterr, "making a set of host functions");
    atomic_init(&set->references, 1);
    atomic_init(&set->in_use, false);
    *ret = set;
    return BP_OK;
}

bp_host_functions *bp_host_functions_ref(bp_host_functions *set)
{
    atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

bp_host_functions *bp__host_functions_use(bp_host_functions *set)
{
    if (!set)
        return NULL;
    atomic_store_explicit(&set->in_use, true, memory_order_relaxed);
    return bp_host_functions_ref(set);
}

static void free_definition(bp__definition *definition)
{
    bp__free(definition->module);
    bp__free(definition);
}
BP_DEFINE_CLEANUP(cleanup_definition, bp__definition, free_definition)

void bp_host_functions_unref(bp_host_functions *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i]->free_data)
            set->items[i]->free_data(set->items[i]->data);
        free_definition(set->items[i]);
    }
    bp__free(set->items);
    bp__free(set);
}

const bp__definition *bp__host_functions_find(const bp_host_functions *set, const char *module,
                                              const char *name)
{
    for (size_t i = 0; set && i < set->count; i++)
        if (strcmp(set->items[i]->name, name) == 0 && strcmp(set->items[i]->module, module) == 0)
            return set->items[i];
    return NULL;
}

/* ---- signatures ---- */

static const struct {
    const char *word;
    char letter; /* of what the guest has for it */
} types[] = {
    [BP__HOST_I32] = {"i32", 'i'},     [BP__HOST_I64] = {"i64", 'I'},
    [BP__HOST_F32] = {"f32", 'f'},     [BP__HOST_F64] = {"f64", 'd'},
    [BP__HOST_BYTES] = {"bytes", 'I'}, [BP__HOST_TEXT] = {"text", 'I'},
};
#define TYPES (sizeof types / sizeof *types)
#define SEPARATORS " ,"
#define WORD_MAX 16

static bp_status refuse_word(const char *word, size_t size, bp_error *reterr)
{
    char text[WORD_MAX + 1];
    size_t part = bp__utf8_cut(word, size, WORD_MAX);
    memcpy(text, word, part);
    text[part] = '\0';
    bp__utf8_mend(text);
    bp__nearest nearest = {.wanted = text};
    for (size_t i = 0; i < TYPES; i++)
        bp__nearest_offer(&nearest, types[i].word);
    return bp_error_set(reterr, BP_EINVAL,
                        "'%s' is no type; there are i32, i64, f32, f64, bytes and text%s%s%s", text,
                        nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
                        nearest.best ? "'?" : "");
}

static bp_status add_type(bp__definition *to, bool is_result, const char *word, size_t size,
                          bp_error *reterr)
{
    uint8_t *list = is_result ? to->results : to->parameters;
    uint8_t *count = is_result ? &to->result_count : &to->parameter_count;
    size_t type = 0;
    while (type < TYPES &&
           (strlen(types[type].word) != size || memcmp(types[type].word, word, size) != 0))
        type++;
    if (type == TYPES)
        return refuse_word(word, size, reterr);
    if (*count == BP_HOST_FUNCTION_VALUES_MAX)
        return bp_error_set(reterr, BP_EINVAL, "more than %d %s", BP_HOST_FUNCTION_VALUES_MAX,
                            is_result ? "results" : "parameters");
    list[(*count)++] = (uint8_t)type;
    return BP_OK;
}

static void write_letters(bp__definition *to)
{
    char *at = to->signature;
    for (unsigned i = 0; i < to->parameter_count; i++)
        *at++ = types[to->parameters[i]].letter;
    *at++ = '>';
    for (unsigned i = 0; i < to->result_count; i++)
        *at++ = types[to->results[i]].letter;
    *at = '\0';
}

static bp_status parse(const char *signature, bp__definition *to, bp_error *reterr)
{
    unsigned arrows = 0;
    bp_status status = BP_OK;
    for (const char *at = signature + strspn(signature, SEPARATORS); *at && status == BP_OK;) {
        size_t size = strcspn(at, SEPARATORS);
        if (size == 2 && memcmp(at, "->", size) == 0)
            arrows++;
        else
            status = add_type(to, arrows > 0, at, size, reterr);
        at += size;
        at += strspn(at, SEPARATORS);
    }
    if (status == BP_OK && arrows != 1)
        return bp_error_set(reterr, BP_EINVAL,
                            "%s '->' in '%.100s'; write it as \"i64 text -> bytes\"",
                            arrows ? "more than one" : "no", signature);
    write_letters(to);
    return status;
}

/* ---- names ---- */

static bp_status check_text(const char *what, const char *text, bp_error *reterr)
{
    if (!text || !*text)
        return bp_error_set(reterr, BP_EINVAL, "%s is %s", what, text ? "empty" : "NULL");
    size_t size = strlen(text);
    if (size > NAME_SIZE_MAX || !bp__utf8_valid(text, size))
        return bp_error_set(reterr, BP_EINVAL, "%s is not UTF-8, or longer than %d bytes", what,
                            NAME_SIZE_MAX);
    return BP_OK;
}

/* What the library, or WebAssembly itself, defines now or may one day. */
static bp_status check_module(const char *module, bp_error *reterr)
{
    static const char *const reserved[] = {"extism:host/env", "wasi_snapshot_preview1",
                                           "wasi_unstable"};
    static const char *const prefixes[] = {"bullpen:", "wasi:"};
    bool taken = false;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        taken |= strcmp(module, reserved[i]) == 0;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        taken |= strncmp(module, prefixes[i], strlen(prefixes[i])) == 0;
    if (!taken)
        return BP_OK;
    return bp_error_set(reterr, BP_EINVAL, "module '%s' is reserved; use '%s' or one of your own",
                        module, BP_HOST_FUNCTION_MODULE);
}

static bp_status check(const bp_host_functions *set, const bp_host_function *function,
                       const char *module, bp_error *reterr)
{
    if (atomic_load_explicit(&set->in_use, memory_order_relaxed))
        return bp_error_set(
            reterr, BP_EINVAL,
            "the set is in use; define everything before a runtime or plugin gets it");
    bp_status status = check_text("its module", module, reterr);
    if (status == BP_OK)
        status = check_module(module, reterr);
    if (status == BP_OK && !function->call)
        status = bp_error_set(reterr, BP_EINVAL, "call is NULL");
    if (status == BP_OK && !function->signature)
        status = bp_error_set(reterr, BP_EINVAL, "signature is NULL");
    if (status == BP_OK && bp__host_functions_find(set, module, function->name))
        status = bp_error_set(reterr, BP_EINVAL, "module '%s' has it already", module);
    if (status == BP_OK && set->count == FUNCTIONS_MAX)
        status = bp_error_set(reterr, BP_EINVAL, "a set has at most %d functions", FUNCTIONS_MAX);
    return status;
}

/* ---- adding ---- */

static bp_status make_definition(const bp_host_function *function, const char *module,
                                 bp__definition **ret, bp_error *reterr)
{
    size_t module_size = strlen(module) + 1, name_size = strlen(function->name) + 1;
    bp_cleanup(cleanup_definition) bp__definition *made = bp__alloc_zeroed(1, sizeof *made);
    if (!made || !(made->module = bp__alloc(module_size + name_size)))
        return bp__error_oom(reterr, "defining a host function");
    made->name = made->module + module_size;
    memcpy(made->module, module, module_size);
    memcpy(made->name, function->name, name_size);
    made->call = function->call;
    made->data = function->data;
    made->free_data = function->free_data;
    bp_status status = parse(function->signature, made, reterr);
    if (status == BP_OK)
        *ret = bp_steal(&made);
    return status;
}

static bp_status add(bp_host_functions *set, bp__definition *definition, bp_error *reterr)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity ? 2 * set->capacity : 8;
        void *items = bp__realloc(set->items, capacity * sizeof *set->items);
        if (!items)
            return bp__error_oom(reterr, "defining a host function");
        set->items = items;
        set->capacity = capacity;
    }
    set->items[set->count++] = definition;
    return BP_OK;
}

bp_status bp_host_function_define(bp_host_functions *set, const bp_host_function *function,
                                  bp_error *reterr)
{
    bp_host_function given;
    if (!set || !function)
        return bp_error_set(reterr, BP_EINVAL, "bp_host_function_define: an argument is NULL");
    bp_status status = bp__options_copy(&given, sizeof given, function, "bp_host_function", reterr);
    if (status == BP_OK)
        status = check_text("a host function's name", given.name, reterr);
    if (status != BP_OK)
        return status;
    const char *module = given.module ? given.module : BP_HOST_FUNCTION_MODULE;
    bp__definition *definition = NULL;
    status = check(set, &given, module, reterr);
    if (status == BP_OK)
        status = make_definition(&given, module, &definition, reterr);
    if (status == BP_OK && (status = add(set, definition, reterr)) != BP_OK)
        free_definition(definition);
    if (status != BP_OK)
        bp__error_prefix(reterr, "host function '%s'", given.name);
    return status;
}
