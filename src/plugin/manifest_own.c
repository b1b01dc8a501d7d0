/* Our own manifests, once they are known to follow the rules. SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "host/capability.h"
#include "plugin/manifest.h"
#include "plugin/manifest_rules.h"

/* ---- problems as one error ---- */

typedef struct first_problem {
    char pointer[BP__POINTER_SIZE], message[200], hint[80];
} first_problem;

static void keep_first(void *data, const char *pointer, const char *message, const char *hint)
{
    first_problem *first = data;
    if (*first->message)
        return;
    snprintf(first->pointer, sizeof first->pointer, "%s", *pointer ? pointer : "/");
    snprintf(first->message, sizeof first->message, "%s", message);
    snprintf(first->hint, sizeof first->hint, "%s%s%s", hint ? "; did you mean '" : "",
             hint ? hint : "", hint ? "'?" : "");
}

static bp_status check(const json_t *document, bp_error *reterr)
{
    first_problem first = {.message = ""};
    bp__found found = {.tell = keep_first, .data = &first};
    bp__manifest_check(document, &found);
    if (found.count == 0)
        return BP_OK;
    char more[80] = "";
    if (found.count > 1)
        snprintf(more, sizeof more, " (and %zu more: see bullpen plugin validate)",
                 found.count - 1);
    return bp_error_set(reterr, BP_EFORMAT, "manifest: %s: %s%s%s", first.pointer, first.message,
                        first.hint, more);
}

/* ---- values, whose types were checked ---- */

static uint64_t number(const json_t *object, const char *name)
{
    return (uint64_t)json_number_value(json_object_get(object, name));
}

static bool keep_text(const json_t *object, const char *name, char **ret)
{
    const char *text = json_string_value(json_object_get(object, name));
    *ret = text ? bp__strdup(text) : NULL;
    return !text || *ret;
}

static bool add_name(char ***names, size_t *count, const char *name)
{
    char **larger = bp__realloc(*names, (*count + 1) * sizeof *larger);
    if (!larger)
        return false;
    *names = larger;
    larger[*count] = bp__strdup(name);
    return larger[*count] && ++*count;
}

static void read_limits(const json_t *from, bp_limits *to)
{
#define READ(field) to->field = number(from, #field)
    READ(memory_bytes);
    READ(table_elements);
    READ(time_ms);
    READ(init_time_ms);
    READ(input_bytes);
    READ(output_bytes);
    READ(log_bytes);
    READ(host_calls);
    READ(var_bytes);
    READ(fuel);
#undef READ
}

static void read_pool(const json_t *from, bp__manifest *to)
{
    const char *reset = json_string_value(json_object_get(from, "reset"));
    to->has_min_warm = json_object_get(from, "min_warm") != NULL;
    to->min_warm = (uint32_t)number(from, "min_warm");
    to->max_live = (uint32_t)number(from, "max_live");
    to->max_uses = number(from, "max_uses");
    to->idle_ttl_ms = number(from, "idle_ttl_ms");
    to->has_reset = reset != NULL;
    to->reuse = reset && strcmp(reset, "reuse") == 0;
}

static bp_status read_hosts(const json_t *capability, bp__manifest *to, bp_error *reterr)
{
    size_t index;
    json_t *item;
    to->asks_http = true;
    json_array_foreach(json_object_get(capability, "hosts"), index, item)
    {
        bp_status status =
            bp__allow_add(&to->allowed_hosts, json_string_value(item), BP__ALLOW_OWN, reterr);
        if (status != BP_OK)
            return bp__error_prefix(reterr, "manifest: /capabilities/http:fetch/hosts/%zu", index), status;
    }
    return BP_OK;
}

static bp_status read_capabilities(const json_t *from, bp__manifest *to, bp_error *reterr)
{
    const char *name;
    json_t *value, *item;
    size_t index;
    bp_status status = BP_OK;
    json_object_foreach((json_t *)(uintptr_t)from, name, value)
    {
        bp__capability capability = bp__capability_find(name);
        to->asked |= BP__CAP_BIT(capability);
        if (capability == BP__CAP_HTTP_FETCH)
            status = read_hosts(value, to, reterr);
        json_array_foreach(
            json_object_get(value, "names"), index,
            item) if (!add_name(&to->variables, &to->variable_count,
                                json_string_value(
                                    item))) return bp__error_oom(reterr, "reading a manifest");
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

static bp_status read_exports(const json_t *from, bp__manifest *to, bp_error *reterr)
{
    size_t index;
    json_t *item;
    json_array_foreach(
        from, index,
        item) if (json_is_true(json_object_get(item, "writeable")) &&
                  !add_name(&to->writeable, &to->writeable_count,
                            json_string_value(json_object_get(
                                item, "name")))) return bp__error_oom(reterr, "reading a manifest");
    return BP_OK;
}

static bp_status read_config(const json_t *from, bp__manifest *to, bp_error *reterr)
{
    const char *key;
    json_t *value;
    bp_status status = BP_OK;
    json_object_foreach((json_t *)(uintptr_t)from, key, value)
    {
        const char *fallback = json_string_value(json_object_get(value, "default"));
        if (fallback)
            status = bp__config_set(&to->config, key, fallback, reterr);
        else if (json_is_true(json_object_get(value, "required")) &&
                 !add_name(&to->required, &to->required_count, key))
            status = bp__error_oom(reterr, "reading a manifest");
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

/* ---- the code ---- */

/* The kernel resolves it and refuses every way out of the folder, links included. Where it cannot
 * (before Linux 5.6), no folder below the manifest's is looked into, and no link followed. */
static int open_inside(int folder, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (fd >= 0 || errno != ENOSYS)
        return fd;
    if (strchr(path, '/')) {
        errno = EXDEV;
        return -1;
    }
    return openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
}

static bp_status read_code(const char *path, const char *folder, size_t code_bytes_max,
                           bp__manifest *to, bp_error *reterr)
{
    bp_auto_fd int inside = open(folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bp_auto_fd int fd = inside < 0 ? -1 : open_inside(inside, path);
    if (fd < 0)
        return bp__error_os(reterr, errno == ENOENT ? BP_ENOTFOUND : BP_EDENIED, errno,
                            "manifest: /entry: open '%s' inside the manifest's folder", path);
    bp_status status = bp__file_read_fd(fd, path, code_bytes_max, &to->code, reterr);
    if (status != BP_OK)
        bp__error_prefix(reterr, "manifest: /entry");
    return status;
}

static bp_status extract(const json_t *from, bp__manifest *to, bp_error *reterr)
{
    const char *isolation = json_string_value(json_object_get(from, "isolation"));
    to->is_own = true;
    to->needs_process = isolation && strcmp(isolation, "process") == 0;
    if (!keep_text(from, "abi", &to->abi) || !keep_text(from, "name", &to->name) ||
        !keep_text(from, "version", &to->version) ||
        !keep_text(from, "description", &to->description) ||
        !keep_text(from, "default_export", &to->default_export))
        return bp__error_oom(reterr, "reading a manifest");
    read_limits(json_object_get(from, "limits"), &to->limits);
    read_pool(json_object_get(from, "pool"), to);
    bp_status status = read_capabilities(json_object_get(from, "capabilities"), to, reterr);
    if (status == BP_OK)
        status = read_exports(json_object_get(from, "exports"), to, reterr);
    if (status == BP_OK)
        status = read_config(json_object_get(from, "config"), to, reterr);
    return status;
}

bp_status bp__manifest_read_own(const json_t *document, const char *folder, size_t code_bytes_max,
                                bp__manifest *ret, bp_error *reterr)
{
    bp_status status = check(document, reterr);
    if (status == BP_OK)
        status = extract(document, ret, reterr);
    if (status == BP_OK)
        status = read_code(json_string_value(json_object_get(document, "entry")), folder,
                           code_bytes_max, ret, reterr);
    return status;
}
