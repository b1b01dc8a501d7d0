/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/policy.h"

#include <bullpen/policy.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "engine/toml.h"
#include "host/allow.h"
#include "plugin/limits.h"
#include "plugin/manifest_rules.h"

#define POLICY_BYTES_MAX ((size_t)1 << 20)

/* Checked once; looked at by name ever after, since loads are few. */
struct bp_policy {
    _Atomic uint32_t references; /* the last decrement releases to who frees it */
    json_t *root;
};

/* ---- what a policy may say ---- */

static const char *const capability_names[] = {
#define NAME(id, name, parameter, risk, opens) name,
    BP__CAPABILITY_MAP(NAME)
#undef NAME
        NULL,
};
static const bp__rule a_capability = {.shape = BP__SHAPE_TEXT, .choices = capability_names};

#define SECTION                                                                                    \
    {.name = "grant", .shape = BP__SHAPE_OBJECT, .inside = bp__capability_rules},                  \
        {.name = "deny", .shape = BP__SHAPE_LIST, .max = 100, .inside = &a_capability},            \
        {.name = "limits", .shape = BP__SHAPE_OBJECT, .inside = bp__limit_rules},                  \
        {.name = "private_addresses", .shape = BP__SHAPE_BOOL},                                    \
    {                                                                                              \
        .name = NULL                                                                               \
    }
static const bp__rule default_fields[] = {SECTION};
static const bp__rule plugin_fields[] = {
    {.name = "name",
     .shape = BP__SHAPE_TEXT,
     .required = true,
     .min = 1,
     .max = 100,
     .pattern = "^[a-z0-9*-]+$",
     .pattern_words = "a name, or a pattern with '*' for any run of characters"},
    SECTION,
};
static const bp__rule a_plugin = {.shape = BP__SHAPE_OBJECT, .inside = plugin_fields};
static const bp__rule policy_rules[] = {
    {.name = "default", .shape = BP__SHAPE_OBJECT, .inside = default_fields},
    {.name = "plugin", .shape = BP__SHAPE_LIST, .max = 1000, .inside = &a_plugin},
    {.name = NULL},
};

/* ---- reading ---- */

typedef struct first_problem {
    char text[300];
} first_problem;

static void keep_first(void *data, const char *pointer, const char *message, const char *hint)
{
    first_problem *first = data;
    if (!*first->text)
        snprintf(first->text, sizeof first->text, "%.100s: %.120s%s%.40s%s",
                 *pointer ? pointer : "/", message, hint ? "; did you mean '" : "",
                 hint ? hint : "", hint ? "'?" : "");
}

static bp_status check(const json_t *root, bp_error *reterr)
{
    first_problem first = {""};
    bp__found found = {.tell = keep_first, .data = &first};
    bp__rules_check(policy_rules, root, &found);
    if (found.count == 0)
        return BP_OK;
    char more[40] = "";
    if (found.count > 1)
        snprintf(more, sizeof more, " (and %zu more)", found.count - 1);
    return bp_error_set(reterr, BP_EFORMAT, "policy: %s%s", first.text, more);
}

/* Hosts are known to be none now, rather than when the first plugin is loaded. */
static bp_status check_hosts(const json_t *section, bp_error *reterr)
{
    bp__allow hosts = {0};
    bp_status status = BP_OK;
    size_t index;
    json_t *item;
    json_array_foreach(
        json_object_get(json_object_get(json_object_get(section, "grant"), "http:fetch"), "hosts"),
        index, item) if (status == BP_OK) status =
        bp__allow_add(&hosts, json_string_value(item), BP__ALLOW_OWN, reterr);
    bp__allow_done(&hosts);
    if (status != BP_OK)
        bp__error_prefix(reterr, "policy: http:fetch");
    return status;
}

static bp_status check_all_hosts(const json_t *root, bp_error *reterr)
{
    size_t index;
    json_t *item;
    bp_status status = check_hosts(json_object_get(root, "default"), reterr);
    json_array_foreach(json_object_get(root, "plugin"), index, item) if (status == BP_OK) status =
        check_hosts(item, reterr);
    return status;
}

static bp_status make(json_t *root, bp_policy **ret, bp_error *reterr)
{
    bp_status status = check(root, reterr);
    if (status == BP_OK)
        status = check_all_hosts(root, reterr);
    bp_policy *policy = status == BP_OK ? bp__alloc_zeroed(1, sizeof *policy) : NULL;
    if (status == BP_OK && !policy)
        status = bp__error_oom(reterr, "reading a policy");
    if (status != BP_OK)
        return status;
    atomic_init(&policy->references, 1);
    policy->root = json_incref(root);
    *ret = policy;
    return BP_OK;
}

bp_status bp_policy_parse(bp_bytes toml, bp_policy **ret, bp_error *reterr)
{
    if ((toml.size && !toml.data) || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_policy_parse: an argument is NULL");
    if (toml.size > POLICY_BYTES_MAX)
        return bp_error_set(reterr, BP_ELIMIT, "policy: %zu bytes; at most %zu are allowed",
                            toml.size, POLICY_BYTES_MAX);
    bp__buffer json = {0};
    json_error_t error;
    bp_status status = bp__toml_to_json(toml, &json, reterr);
    if (status != BP_OK) {
        bp__buffer_done(&json);
        bp__error_prefix(reterr, "policy");
        return status;
    }
    json_t *root = json_loadb(json.data, json.size, 0, &error);
    bp__buffer_done(&json);
    status =
        root ? make(root, ret, reterr) : bp_error_set(reterr, BP_EFORMAT, "policy: %s", error.text);
    json_decref(root);
    return status;
}

bp_status bp_policy_load_file(const char *path, bp_policy **ret, bp_error *reterr)
{
    if (!path || !ret)
        return bp_error_set(reterr, BP_EINVAL, "bp_policy_load_file: an argument is NULL");
    bp__buffer text = {0};
    bp_status status = bp__file_read(path, POLICY_BYTES_MAX, &text, reterr);
    if (status == BP_OK) {
        status = bp_policy_parse(bp__buffer_bytes(&text), ret, reterr);
        if (status != BP_OK)
            bp__error_prefix(reterr, "'%s'", path);
    }
    bp__buffer_done(&text);
    return status;
}

bp_policy *bp_policy_ref(bp_policy *policy)
{
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    return policy;
}

void bp_policy_unref(bp_policy *policy)
{
    if (!policy || atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) != 1)
        return;
    json_decref(policy->root);
    bp__free(policy);
}

/* ---- deciding ---- */

/* `*` stands for any run of characters; one that did not reach far enough takes one more. */
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *resume = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

typedef struct deciding {
    bp__policy_outcome *to;
    bool failed; /* memory is gone */
} deciding;

static void add_host(deciding *self, const char *host)
{
    bp_plugin_options *options = &self->to->options;
    const char **larger =
        bp__realloc(self->to->hosts, (options->http_hosts_count + 1) * sizeof *larger);
    self->failed |= !larger;
    if (!larger)
        return;
    larger[options->http_hosts_count++] = host;
    options->http_hosts = self->to->hosts = larger;
}

static void add_variable(deciding *self, const char *name)
{
    bp_plugin_options *options = &self->to->options;
    for (size_t i = 0; i < options->env_count; i++)
        if (options->env[i].name && strcmp(options->env[i].name, name) == 0)
            return; /* the host's own word has a value */
    bp_env_entry *larger = bp__realloc(self->to->env, (options->env_count + 1) * sizeof *larger);
    self->failed |= !larger;
    if (!larger)
        return;
    larger[options->env_count++] = (bp_env_entry){.name = name};
    options->env = self->to->env = larger;
}

static void add_grants(deciding *self, const json_t *grant)
{
    size_t index;
    json_t *item, *value;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)grant, name, value)
    {
        self->to->granted |= BP__CAP_BIT(bp__capability_find(name));
        json_array_foreach(json_object_get(value, "hosts"), index, item)
            add_host(self, json_string_value(item));
        json_array_foreach(json_object_get(value, "names"), index, item)
            add_variable(self, json_string_value(item));
    }
}

static void lower(uint64_t *limit, const json_t *limits, const char *name)
{
    uint64_t ceiling = (uint64_t)json_number_value(json_object_get(limits, name));
    if (ceiling && (!*limit || ceiling < *limit))
        *limit = ceiling;
}

static void lower_limits(bp_limits *to, const json_t *limits)
{
#define LOWER(field) lower(&to->field, limits, #field)
    LOWER(memory_bytes);
    LOWER(table_elements);
    LOWER(time_ms);
    LOWER(init_time_ms);
    LOWER(input_bytes);
    LOWER(output_bytes);
    LOWER(log_bytes);
    LOWER(host_calls);
    LOWER(var_bytes);
    LOWER(fuel);
#undef LOWER
}

static void apply_section(deciding *self, const json_t *section)
{
    size_t index;
    json_t *item;
    const json_t *private_addresses = json_object_get(section, "private_addresses");
    add_grants(self, json_object_get(section, "grant"));
    json_array_foreach(json_object_get(section, "deny"), index, item) self->to->denied |=
        BP__CAP_BIT(bp__capability_find(json_string_value(item)));
    lower_limits(&self->to->options.limits, json_object_get(section, "limits"));
    if (private_addresses)
        self->to->options.http_private_addresses = json_is_true(private_addresses);
}

/* The host's own lists come first; they are copied, so that the policy's can follow. */
static bool copy_lists(deciding *self, const bp_plugin_options *from)
{
    bp_plugin_options *options = &self->to->options;
    options->http_hosts_count = options->env_count = 0;
    options->http_hosts = NULL;
    options->env = NULL;
    for (size_t i = 0; i < from->http_hosts_count && !self->failed; i++)
        add_host(self, from->http_hosts[i]);
    self->to->env = bp__alloc_zeroed(from->env_count, sizeof *self->to->env);
    self->failed |= !self->to->env;
    if (!self->failed && from->env_count)
        memcpy(self->to->env, from->env, from->env_count * sizeof *from->env);
    options->env = self->to->env;
    options->env_count = from->env_count;
    return !self->failed;
}

/* What is denied is not given, whoever grants it. */
static void take_away(bp__policy_outcome *outcome)
{
    bp_plugin_options *options = &outcome->options;
    const uint32_t by_wasi = BP__CAP_BIT(BP__CAP_CLOCK) | BP__CAP_BIT(BP__CAP_RANDOM) |
                             BP__CAP_BIT(BP__CAP_ENV) | BP__CAP_BIT(BP__CAP_FS_READ);
    outcome->granted &= ~outcome->denied;
    options->wasi |= (outcome->granted & by_wasi) != 0;
    if (outcome->denied & BP__CAP_BIT(BP__CAP_HTTP_FETCH))
        options->http_hosts_count = 0;
    if (outcome->denied & BP__CAP_BIT(BP__CAP_ENV))
        options->env_count = 0;
    if (outcome->denied & BP__CAP_BIT(BP__CAP_FS_READ))
        options->files_dir = NULL;
}

bp_status bp__policy_apply(const bp_plugin_options *options, const char *plugin,
                           bp__policy_outcome *ret, bp_error *reterr)
{
    deciding self = {.to = ret};
    size_t index;
    json_t *item;
    *ret = (bp__policy_outcome){.options = *options, .wasi = options->wasi};
    if (!options->policy)
        return BP_OK;
    const json_t *root = options->policy->root;
    if (copy_lists(&self, options))
        apply_section(&self, json_object_get(root, "default"));
    json_array_foreach(json_object_get(root, "plugin"), index,
                       item) if (matches(json_string_value(json_object_get(item, "name")), plugin))
        apply_section(&self, item);
    if (self.failed) {
        bp__policy_outcome_done(ret);
        return bp__error_oom(reterr, "applying a policy");
    }
    take_away(ret);
    return BP_OK;
}

void bp__policy_outcome_done(bp__policy_outcome *outcome)
{
    bp__free(outcome->hosts);
    bp__free(outcome->env);
    outcome->hosts = NULL;
    outcome->env = NULL;
}
