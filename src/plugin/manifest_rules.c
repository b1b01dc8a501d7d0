/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/manifest_rules.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "host/allow.h"
#include "host/capability.h"

#define END {.name = NULL}
#define TEXT(field, longest, words)                                                                \
    {.name = field, .shape = BP__SHAPE_TEXT, .max = longest, .doc = words}
#define NUMBER(field, least, most, words)                                                          \
    {.name = field, .shape = BP__SHAPE_NUMBER, .min = least, .max = most, .doc = words}
#define FLAG(field, words) {.name = field, .shape = BP__SHAPE_BOOL, .doc = words}
#define PATTERN(must, field, longest, expression, people, words)                                   \
    {.name = field,                                                                                \
     .shape = BP__SHAPE_TEXT,                                                                      \
     .required = must,                                                                             \
     .min = 1,                                                                                     \
     .max = longest,                                                                               \
     .pattern = expression,                                                                        \
     .pattern_words = people,                                                                      \
     .doc = words}
#define CHOICE(field, list, words)                                                                 \
    {.name = field, .shape = BP__SHAPE_TEXT, .choices = list, .doc = words}
#define OBJECT(field, rules, words)                                                                \
    {.name = field, .shape = BP__SHAPE_OBJECT, .inside = rules, .doc = words}
#define LIST(field, least, most, rule, words)                                                      \
    {.name = field,                                                                                \
     .shape = BP__SHAPE_LIST,                                                                      \
     .min = least,                                                                                 \
     .max = most,                                                                                  \
     .inside = rule,                                                                               \
     .doc = words}
#define MAP(field, most, rule, words)                                                              \
    {.name = field, .shape = BP__SHAPE_MAP, .max = most, .inside = rule, .doc = words}

#define NAME_PATTERN "^[a-z0-9][a-z0-9-]{0,62}$"
#define SEMVER_PATTERN                                                                             \
    "^(0|[1-9][0-9]{0,8})[.](0|[1-9][0-9]{0,8})[.](0|[1-9][0-9]{0,8})"                             \
    "(-[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?$"

static const char *const abis[] = {"extism", "component", "command", NULL};
static const char *const isolations[] = {"thread", "process", NULL};
static const char *const resets[] = {"fresh", "reuse", NULL};

static const bp__rule any_text = {.shape = BP__SHAPE_TEXT, .max = 256};

static const bp__rule export_fields[] = {
    {.name = "name",
     .shape = BP__SHAPE_TEXT,
     .required = true,
     .min = 1,
     .max = 256,
     .doc = "The export's name in the code."},
    TEXT("doc", 4096, "What it does, for people."),
    FLAG("writeable", "Whether it may change what outlives the call (kv:write); default false."),
    {.name = "arguments",
     .shape = BP__SHAPE_ANY,
     .doc = "What its input is, as a JSON Schema or in words. Not interpreted."},
    {.name = "result",
     .shape = BP__SHAPE_ANY,
     .doc = "What its output is, as a JSON Schema or in words. Not interpreted."},
    END,
};
static const bp__rule an_export = {.shape = BP__SHAPE_OBJECT, .inside = export_fields};

static const bp__rule hook_fields[] = {
    TEXT("on_request", 256, "The export that sees requests."),
    TEXT("on_response", 256, "The export that sees responses."),
    TEXT("on_error", 256, "The export that sees errors."),
    END,
};

static const bp__rule a_host = {.shape = BP__SHAPE_TEXT, .min = 1, .max = 300};
static const bp__rule a_variable = {.shape = BP__SHAPE_TEXT,
                                    .min = 1,
                                    .max = 128,
                                    .pattern = "^[A-Za-z_][A-Za-z0-9_]*$",
                                    .pattern_words = "a variable's name"};
static const bp__rule with_none[] = {END};
static const bp__rule with_hosts[] = {
    {.name = "hosts",
     .shape = BP__SHAPE_LIST,
     .required = true,
     .min = 1,
     .max = 100,
     .inside = &a_host,
     .doc = "Each as [scheme://]host[:port]."},
    END,
};
static const bp__rule with_names[] = {
    {.name = "names",
     .shape = BP__SHAPE_LIST,
     .required = true,
     .min = 1,
     .max = 100,
     .inside = &a_variable,
     .doc = "Names of variables."},
    END,
};
const bp__rule bp__capability_rules[] = {
#define FIELD(id, capability, parameter, risk, opens)                                              \
    {.name = capability,                                                                           \
     .shape = BP__SHAPE_OBJECT,                                                                    \
     .inside = with_##parameter,                                                                   \
     .doc = "Asks for " opens "."},
    BP__CAPABILITY_MAP(FIELD)
#undef FIELD
        END,
};

const bp__rule bp__limit_rules[] = {
    NUMBER("memory_bytes", 65536, UINT64_C(1) << 32, "All memories of a sandbox together."),
    NUMBER("table_elements", 1, 10000000, "All tables of a sandbox together."),
    NUMBER("time_ms", 1, 86400000, "One call, from the first wait to the last byte."),
    NUMBER("init_time_ms", 1, 86400000, "Making and initialising a sandbox."),
    NUMBER("input_bytes", 1, UINT64_C(1) << 32, "A call's input."),
    NUMBER("output_bytes", 1, UINT64_C(1) << 32, "A call's output."),
    NUMBER("log_bytes", 1, UINT64_C(1) << 32, "A call's log text."),
    NUMBER("host_calls", 1, BP__NUMBER_MAX, "Calls of host functions in one call."),
    NUMBER("var_bytes", 1, UINT64_C(1) << 32, "Extism variables."),
    NUMBER("fuel", 1, BP__NUMBER_MAX, "Instructions that a call may execute."),
    END,
};

static const bp__rule pool_fields[] = {
    NUMBER("min_warm", 0, 10000, "Sandboxes that are kept ready."),
    NUMBER("max_live", 1, 10000, "Sandboxes at once."),
    NUMBER("max_uses", 1, BP__NUMBER_MAX, "Calls before a sandbox is replaced (reuse)."),
    NUMBER("idle_ttl_ms", 1, UINT64_C(31536000000), "How long surplus sandboxes stay."),
    CHOICE("reset", resets, "What a call sees: fresh (nothing of earlier calls) or reuse."),
    END,
};

static const bp__rule value_fields[] = {
    TEXT("doc", 4096, "What it is for."),
    TEXT("default", 65536, "Its value when the host gives none."),
    FLAG("required", "Whether the host has to give one."),
    FLAG("secret", "Whether it is kept out of logs and lists."),
    END,
};
static const bp__rule a_value = {.shape = BP__SHAPE_OBJECT, .inside = value_fields};

const bp__rule bp__manifest_rules[] = {
    PATTERN(true, "name", 63, NAME_PATTERN, "a name: a-z, 0-9 and '-', the first no '-'",
            "The plugin's name: 1 to 63 of a-z, 0-9 and '-', the first no '-'."),
    PATTERN(true, "version", 256, SEMVER_PATTERN, "a version such as 1.0.0 (semver.org)",
            "Its version, as semver.org says."),
    {.name = "entry",
     .shape = BP__SHAPE_TEXT,
     .required = true,
     .min = 1,
     .max = 1024,
     .doc = "The file with the code, beside the manifest or in a folder below."},
    CHOICE("abi", abis, "How bytes go in and come out; default: guessed from the code."),
    PATTERN(false, "abi_version", 16, "^[0-9]{1,4}[.][0-9]{1,4}$", "a version such as 1.0",
            "The version of the host's functions that it was built for; default 1.0."),
    TEXT("description", 4096, "What it does, in a few sentences."),
    LIST("authors", 0, 100, &any_text, "Who made it."),
    TEXT("license", 256, "Its license, as an SPDX expression."),
    TEXT("homepage", 2048, "Where to read more."),
    TEXT("logo", 1024, "A picture, beside the manifest or in a folder below."),
    LIST("exports", 0, 1000, &an_export,
         "What can be called. Exports that are not named here can be called, too."),
    TEXT("default_export", 256, "The export that a call without a name means."),
    OBJECT("hooks", hook_fields, "Exports that are called at certain points of a host."),
    OBJECT("capabilities", bp__capability_rules,
           "What it asks the host for. It gets what the host grants of it, and nothing else."),
    OBJECT("limits", bp__limit_rules, "Lower limits than the host's."),
    OBJECT("pool", pool_fields, "How its sandboxes are kept, unless the host says otherwise."),
    CHOICE("isolation", isolations, "The weakest wall that it may run behind; default thread."),
    MAP("config", 1000, &a_value, "The configuration values that it reads."),
    END,
};

/* ---- what no table can say ---- */

static const char *text_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Inside the manifest's folder, whatever the folder is called. */
static bool is_inside(const char *path)
{
    if (!*path || *path == '/' || strchr(path, '\\'))
        return false;
    for (const char *at = path; *at;) {
        size_t size = strcspn(at, "/");
        if (size == 0 || (size == 1 && at[0] == '.') || (size == 2 && memcmp(at, "..", 2) == 0))
            return false;
        at += size + (at[size] == '/');
    }
    return path[strlen(path) - 1] != '/';
}

static void check_path(const json_t *document, const char *field, bp__found *found)
{
    char place[BP__POINTER_SIZE];
    const char *path = text_at(document, field);
    if (path && *path && !is_inside(path))
        bp__found_add(found, bp__pointer_at("", field, place), NULL,
                      "'%.80s' is no path inside the manifest's folder", path);
}

/* Hosts that loading would refuse. */
static void check_hosts(const json_t *hosts, const char *pointer, bp__allow_dialect dialect,
                        bp__found *found)
{
    char place[BP__POINTER_SIZE];
    size_t index;
    json_t *item;
    json_array_foreach(hosts, index, item)
    {
        bp__allow allow = {0};
        bp_error error = BP_ERROR_INIT;
        snprintf(place, sizeof place, "%s/%zu", pointer, index);
        if (json_is_string(item) &&
            bp__allow_add(&allow, json_string_value(item), dialect, &error) == BP_EINVAL)
            bp__found_add(found, place, NULL, "no host: %s", error.message);
        bp__allow_done(&allow);
    }
}

static void check_abi(const json_t *document, bp__found *found)
{
    unsigned major, minor;
    const char *text = text_at(document, "abi_version");
    if (!text || sscanf(text, "%u.%u", &major, &minor) != 2)
        return;
    if (major != BP__ABI_MAJOR || minor > BP__ABI_MINOR)
        bp__found_add(found, "/abi_version", NULL,
                      "it was built for version %u.%u, this host has %d.%d", major, minor,
                      BP__ABI_MAJOR, BP__ABI_MINOR);
}

/* The entry of `exports` with this name, or NULL; `*nearest` is shown all names. */
static const json_t *find_export(const json_t *document, bp__nearest *nearest)
{
    const json_t *exports = json_object_get(document, "exports");
    size_t index;
    json_t *item;
    json_array_foreach(exports, index, item)
    {
        const char *name = text_at(item, "name");
        if (name && strcmp(name, nearest->wanted) == 0)
            return item;
        if (name)
            bp__nearest_offer(nearest, name);
    }
    return NULL;
}

static void check_named(const json_t *document, const char *pointer, const char *name,
                        bp__found *found)
{
    bp__nearest nearest = {.wanted = name};
    if (name && json_object_get(document, "exports") && !find_export(document, &nearest))
        bp__found_add(found, pointer, nearest.best, "'%.80s' is not among the exports", name);
}

static void check_exports(const json_t *document, bp__found *found)
{
    const json_t *exports = json_object_get(document, "exports"),
                 *hooks = json_object_get(document, "hooks");
    char place[BP__POINTER_SIZE];
    size_t index;
    json_t *item;
    json_array_foreach(exports, index, item)
    {
        bp__nearest nearest = {.wanted = text_at(item, "name")};
        if (!nearest.wanted || find_export(document, &nearest) == item)
            continue;
        snprintf(place, sizeof place, "/exports/%zu/name", index);
        bp__found_add(found, place, NULL, "'%.80s' is there already", nearest.wanted);
    }
    check_named(document, "/default_export", text_at(document, "default_export"), found);
    for (const bp__rule *hook = hook_fields; hook->name; hook++)
        check_named(document, bp__pointer_at("/hooks", hook->name, place),
                    text_at(hooks, hook->name), found);
}

static void check_pool(const json_t *document, bp__found *found)
{
    const json_t *pool = json_object_get(document, "pool");
    double least = json_number_value(json_object_get(pool, "min_warm")),
           most = json_number_value(json_object_get(pool, "max_live"));
    if (json_object_get(pool, "max_live") && least > most)
        bp__found_add(found, "/pool/min_warm", NULL, "%.0f is more than max_live (%.0f)", least,
                      most);
}

void bp__manifest_check(const json_t *document, bp__found *found)
{
    bp__rules_check(bp__manifest_rules, document, found);
    check_path(document, "entry", found);
    check_path(document, "logo", found);
    check_abi(document, found);
    check_exports(document, found);
    check_pool(document, found);
    check_hosts(
        json_object_get(json_object_get(json_object_get(document, "capabilities"), "http:fetch"),
                        "hosts"),
        "/capabilities/http:fetch/hosts", BP__ALLOW_OWN, found);
}

/* ---- Extism's ---- */

static const bp__rule a_pair = {.shape = BP__SHAPE_TEXT, .max = BP__NUMBER_MAX};
static const bp__rule module_fields[] = {
    TEXT("path", 4096, NULL),
    TEXT("data", BP__NUMBER_MAX, NULL),
    TEXT("hash", 64, NULL),
    TEXT("name", 4096, NULL),
    TEXT("url", 4096, NULL),
    TEXT("method", 32, NULL),
    MAP("headers", 100, &a_pair, NULL),
    END,
};
static const bp__rule a_module = {.shape = BP__SHAPE_OBJECT, .inside = module_fields};
static const bp__rule memory_fields[] = {
    NUMBER("max_pages", 1, 65536, NULL),
    NUMBER("max_var_bytes", 0, UINT32_MAX, NULL),
    NUMBER("max_http_response_bytes", 0, BP__NUMBER_MAX, NULL),
    END,
};
static const bp__rule a_pattern = {.shape = BP__SHAPE_TEXT, .min = 1, .max = 300};
static const bp__rule extism_rules[] = {
    LIST("wasm", 1, 1, &a_module, NULL),
    OBJECT("memory", memory_fields, NULL),
    MAP("config", BP__NUMBER_MAX, &a_pair, NULL),
    NUMBER("timeout_ms", 1, UINT64_C(1) << 40, NULL),
    LIST("allowed_hosts", 0, 1000, &a_pattern, NULL),
    MAP("allowed_paths", 1000, &a_pair, NULL),
    END,
};

/* Extism's writers put null where nothing is meant. */
static json_t *without_nulls(const json_t *object)
{
    json_t *copy = json_deep_copy(object);
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(copy, next, key, value) if (json_is_null(value))
        json_object_del(copy, key);
    json_object_foreach_safe(json_object_get(copy, "memory"), next, key,
                             value) if (json_is_null(value))
        json_object_del(json_object_get(copy, "memory"), key);
    json_object_foreach_safe(json_array_get(json_object_get(copy, "wasm"), 0), next, key,
                             value) if (json_is_null(value))
        json_object_del(json_array_get(json_object_get(copy, "wasm"), 0), key);
    return copy;
}

void bp__manifest_check_extism(const json_t *document, bp__found *found)
{
    json_t *said = without_nulls(document);
    const json_t *module = json_array_get(json_object_get(said, "wasm"), 0);
    if (!said)
        return;
    bp__rules_check(extism_rules, said, found);
    if (json_is_object(module) && !json_object_get(module, "path") &&
        !json_object_get(module, "data"))
        bp__found_add(found, "/wasm/0", NULL,
                      json_object_get(module, "url")
                          ? "code is not fetched from the network; download it and use 'path'"
                          : "needs 'path' or 'data' with code in it");
    check_hosts(json_object_get(said, "allowed_hosts"), "/allowed_hosts", BP__ALLOW_EXTISM, found);
    json_decref(said);
}

bool bp__manifest_is_extism(const json_t *document)
{
    bool ours = json_object_get(document, "entry") || json_object_get(document, "name") ||
                json_object_get(document, "version");
    return json_object_get(document, "wasm") || !ours;
}
