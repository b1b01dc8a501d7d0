/* manifest.json of a project that is built. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/plugin.h"

#define MANIFEST_BYTES_MAX ((size_t)1 << 20)
#define NAME_SIZE_MAX 63

static const char lower_and_digits[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

bool plugin_name_valid(const char *name)
{
    size_t size = strlen(name);
    return size > 0 && size <= NAME_SIZE_MAX && name[0] != '-' &&
           strspn(name, lower_and_digits) == size;
}

/* --- reading ------------------------------------------------------------------------------ */

static bp_status wrong(const plugin_manifest *manifest, const char *pointer, const char *wanted,
                       bp_error *reterr)
{
    return bp_error_set(reterr, BP_EFORMAT, "'%s': %s: must be %s", manifest->path, pointer,
                        wanted);
}

static bp_status check_name(plugin_manifest *manifest, bp_error *reterr)
{
    manifest->name = json_string_value(json_object_get(manifest->root, "name"));
    if (!manifest->name)
        return wrong(manifest, "/name", "the plugin's name", reterr);
    if (!plugin_name_valid(manifest->name))
        return wrong(
            manifest, "/name",
            "1 to 63 lower-case letters, digits and '-', beginning with a letter or a digit",
            reterr);
    return BP_OK;
}

/* A file beside the manifest: what is built goes nowhere else. */
static bool is_plain_file(const char *entry)
{
    size_t size = strlen(entry);
    return size > 5 && size < 200 && entry[0] != '.' && entry[0] != '-' && !strchr(entry, '/') &&
           strcmp(entry + size - 5, ".wasm") == 0;
}

static bp_status check_entry(plugin_manifest *manifest, bp_error *reterr)
{
    json_t *entry = json_object_get(manifest->root, "entry");
    if (!entry) {
        entry = json_sprintf("%s.wasm", manifest->name);
        if (!entry || json_object_set_new(manifest->root, "entry", entry) != 0)
            return bp__error_oom(reterr, "reading a manifest");
        manifest->changed = true;
    }
    manifest->entry = json_string_value(entry);
    if (!manifest->entry || !is_plain_file(manifest->entry))
        return wrong(manifest, "/entry",
                     "the name of a file beside the manifest that ends with .wasm", reterr);
    return BP_OK;
}

static bp_status check_abi(plugin_manifest *manifest, bp_error *reterr)
{
    static const char *const names[] = {
        [PLUGIN_EXTISM] = "extism", [PLUGIN_COMPONENT] = "component"};
    const json_t *abi = json_object_get(manifest->root, "abi");
    manifest->abi = -1;
    if (!abi)
        return BP_OK;
    for (int i = 0; json_is_string(abi) && i < 2; i++)
        if (strcmp(json_string_value(abi), names[i]) == 0)
            manifest->abi = i;
    if (manifest->abi >= 0)
        return BP_OK;
    return wrong(manifest, "/abi", "\"extism\" or \"component\", which 'plugin build' makes",
                 reterr);
}

/* What of the capabilities has no function of ours behind it in a component. */
static void look_at_capabilities(plugin_manifest *manifest)
{
    static const char *const names[] = {"clock", "random", "env", "fs:read"};
    const json_t *asked = json_object_get(manifest->root, "capabilities");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        manifest->wants_wasi |= json_object_get(asked, names[i]) != NULL;
}

static bp_status check_exports(const plugin_manifest *manifest, bp_error *reterr)
{
    const json_t *exports = json_object_get(manifest->root, "exports");
    if (!exports)
        return BP_OK;
    if (!json_is_array(exports))
        return wrong(manifest, "/exports", "a list", reterr);
    for (size_t i = 0; i < json_array_size(exports); i++) {
        char pointer[48];
        snprintf(pointer, sizeof pointer, "/exports/%zu/name", i);
        if (!json_is_string(json_object_get(json_array_get(exports, i), "name")))
            return wrong(manifest, pointer, "the name of an export", reterr);
    }
    return BP_OK;
}

static bp_status parse(plugin_manifest *manifest, bp_bytes text, bp_error *reterr)
{
    json_error_t error;
    manifest->root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (!manifest->root)
        return bp_error_set(reterr, BP_EFORMAT, "'%s': line %d, column %d: %s", manifest->path,
                            error.line, error.column, error.text);
    if (!json_is_object(manifest->root))
        return wrong(manifest, "/", "an object", reterr);
    bp_status status = check_name(manifest, reterr);
    if (status == BP_OK)
        status = check_abi(manifest, reterr);
    if (status == BP_OK)
        status = check_exports(manifest, reterr);
    look_at_capabilities(manifest);
    return status == BP_OK ? check_entry(manifest, reterr) : status;
}

bp_status plugin_manifest_open(const char *folder, plugin_manifest *ret, bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer text = {0};
    plugin_manifest manifest = {.path = plugin_path(folder, "manifest.json")};
    if (!manifest.path)
        return bp__error_oom(reterr, "reading a manifest");
    bp_status status = bp__file_read(manifest.path, MANIFEST_BYTES_MAX, &text, reterr);
    if (status == BP_OK)
        status = parse(&manifest, bp__buffer_bytes(&text), reterr);
    else if (status == BP_ENOTFOUND)
        status = bp_error_set(reterr, BP_ENOTFOUND,
                              "there is no '%s': 'bullpen plugin new' writes a project with one",
                              manifest.path);
    if (status == BP_OK)
        *ret = manifest;
    else
        plugin_manifest_done(&manifest);
    return status;
}

void plugin_manifest_done(plugin_manifest *manifest)
{
    bp__free(manifest->path);
    json_decref(manifest->root);
    *manifest = (plugin_manifest){0};
}

/* --- exports ------------------------------------------------------------------------------ */

static bool has_name(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
            return true;
    return false;
}

static bool describes(const json_t *exports, const char *name)
{
    for (size_t i = 0; i < json_array_size(exports); i++) {
        const json_t *item = json_object_get(json_array_get(exports, i), "name");
        if (strcmp(json_string_value(item), name) == 0)
            return true;
    }
    return false;
}

static json_t *find_export(const plugin_manifest *manifest, const char *name)
{
    json_t *exports = json_object_get(manifest->root, "exports");
    for (size_t i = 0; name && i < json_array_size(exports); i++) {
        json_t *item = json_array_get(exports, i);
        if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
            return item;
    }
    return NULL;
}

/* The author's own words stay. That nothing is written is the default, which nobody has to read. */
static bool add_field(plugin_manifest *manifest, json_t *item, const char *field, json_t *value)
{
    if (!value || json_is_false(value) || json_object_get(item, field))
        return true;
    manifest->changed = true;
    return json_object_set(item, field, value) == 0;
}

bp_status plugin_manifest_describe(plugin_manifest *manifest, const json_t *functions,
                                   bp_error *reterr)
{
    static const char *const fields[] = {"doc", "arguments", "result", "writeable"};
    bool fine = true;
    for (size_t i = 0; i < json_array_size(functions); i++) {
        const json_t *said = json_array_get(functions, i);
        json_t *item = find_export(manifest, json_string_value(json_object_get(said, "name")));
        for (size_t k = 0; item && k < sizeof fields / sizeof *fields; k++)
            fine = fine && add_field(manifest, item, fields[k], json_object_get(said, fields[k]));
    }
    return fine ? BP_OK : bp__error_oom(reterr, "completing a manifest");
}

static bool add_export(plugin_manifest *manifest, const char *name, json_t *added)
{
    json_t *list = json_object_get(manifest->root, "exports");
    if (!list) {
        list = json_array();
        if (json_object_set_new(manifest->root, "exports", list) != 0)
            return false;
    }
    manifest->changed = true;
    return json_array_append_new(list, json_pack("{s:s}", "name", name)) == 0 &&
           json_array_append_new(added, json_string(name)) == 0;
}

bp_status plugin_manifest_merge(plugin_manifest *manifest, const json_t *exports, json_t *added,
                                json_t *missing, bp_error *reterr)
{
    const json_t *described = json_object_get(manifest->root, "exports");
    bool fine = true;
    for (size_t i = 0; i < json_array_size(described); i++) {
        json_t *name = json_object_get(json_array_get(described, i), "name");
        if (!has_name(exports, json_string_value(name)))
            fine = fine && json_array_append(missing, name) == 0;
    }
    for (size_t i = 0; i < json_array_size(exports); i++) {
        const char *name = json_string_value(json_array_get(exports, i));
        if (!describes(json_object_get(manifest->root, "exports"), name))
            fine = fine && add_export(manifest, name, added);
    }
    return fine ? BP_OK : bp__error_oom(reterr, "completing a manifest");
}

/* --- writing ------------------------------------------------------------------------------ */

/* Into a new file that takes the old one's place: whoever reads meanwhile sees one of them whole.
 */
static bp_status replace(const char *path, const char *text, bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer name = {0};
    bp__buffer_printf(&name, "%s.XXXXXX", path);
    if (name.overflow || !bp__buffer_text(&name))
        return bp__error_oom(reterr, "writing a manifest");
    struct stat old;
    int fd = stat(path, &old) == 0 ? mkostemp(name.data, O_CLOEXEC) : -1;
    if (fd < 0)
        return bp__error_os(reterr, BP_ESYSTEM, errno, "write '%s'", path);
    FILE *file = fdopen(fd, "w");
    bool fine = file && fputs(text, file) != EOF && fputc('\n', file) != EOF &&
                fchmod(fd, old.st_mode & 07777) == 0;
    int code = errno;
    if (file ? fclose(file) != 0 : close(fd) != 0) {
        code = errno;
        fine = false;
    }
    if (fine && rename(name.data, path) == 0)
        return BP_OK;
    code = fine ? errno : code;
    unlink(name.data);
    return bp__error_os(reterr, BP_ESYSTEM, code, "write '%s'", path);
}

bp_status plugin_manifest_save(const plugin_manifest *manifest, bp_error *reterr)
{
    if (!manifest->changed)
        return BP_OK;
    /* Fifteen digits: a number that a person wrote reads the same again. */
    char *text = json_dumps(manifest->root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    if (!text)
        return bp__error_oom(reterr, "writing a manifest");
    /* The file itself, not a link to it. */
    char *path = realpath(manifest->path, NULL);
    bp_status status = path ? replace(path, text, reterr)
                            : bp__error_os(reterr, BP_ESYSTEM, errno, "write '%s'", manifest->path);
    free(path);
    free(text); /* jansson's own allocator, as realpath()'s */
    return status;
}
