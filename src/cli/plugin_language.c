/* What a project is written in. SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "cli/plugin.h"

#define SOURCES_MAX 256

static const struct {
    const char *name, *title, *marker; /* the file that tells; NULL: sources in C or C++ do */
} languages[] = {
    [PLUGIN_C] = {"c", "C", NULL},
    [PLUGIN_GO] = {"go", "Go", "go.mod"},
    [PLUGIN_TINYGO] = {"tinygo", "TinyGo", "go.mod"},
    [PLUGIN_RUST] = {"rust", "Rust", "Cargo.toml"},
    [PLUGIN_JS] = {"js", "JavaScript", "package.json"},
    [PLUGIN_PYTHON] = {"python", "Python", "pyproject.toml"},
};
#define LANGUAGES (sizeof languages / sizeof languages[0])

/* Files that say what a project is, of languages that are not built here. */
static const char *const others[][2] = {{"build.zig", "Zig"}, {"composer.json", "PHP"}};

const char *plugin_language_title(plugin_language language)
{
    return languages[language].title;
}

const char *plugin_language_name(plugin_language language)
{
    return languages[language].name;
}

plugin_abi plugin_language_abi(plugin_language language)
{
    return language == PLUGIN_JS || language == PLUGIN_PYTHON ? PLUGIN_COMPONENT : PLUGIN_EXTISM;
}

bp_status plugin_language_check(plugin_language language, plugin_abi abi, bp_error *reterr)
{
    const char *title = languages[language].title;
    if (abi == PLUGIN_COMPONENT && (language == PLUGIN_GO || language == PLUGIN_TINYGO))
        return bp_error_set(reterr, BP_EUNSUPPORTED,
                            "plugins in %s are not built as components: use the ABI \"extism\"",
                            title);
    if (abi == PLUGIN_EXTISM && plugin_language_abi(language) == PLUGIN_COMPONENT)
        return bp_error_set(reterr, BP_EUNSUPPORTED,
                            "plugins in %s are built as components: use the ABI \"component\"",
                            title);
    return BP_OK;
}

/* --- names -------------------------------------------------------------------------------- */

bool plugin_names_add(plugin_names *names, const char *name)
{
    char **items = bp__realloc(names->items, (names->count + 1) * sizeof *items);
    if (!items)
        return false;
    names->items = items;
    items[names->count] = bp__strdup(name);
    return items[names->count] && ++names->count;
}

void plugin_names_done(plugin_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        bp__free(names->items[i]);
    bp__free(names->items);
    *names = (plugin_names){0};
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* --- sources ------------------------------------------------------------------------------ */

bool plugin_name_ends(const char *name, const char *end)
{
    size_t size = strlen(name), length = strlen(end);
    return size > length && strcmp(name + size - length, end) == 0;
}

bool plugin_source_is_cpp(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".cc") == 0 || strcmp(dot, ".cpp") == 0 || strcmp(dot, ".cxx") == 0);
}

static bool is_source(const char *name)
{
    const char *dot = strrchr(name, '.');
    return name[0] != '.' && dot && (strcmp(dot, ".c") == 0 || plugin_source_is_cpp(name));
}

static bp_status add_sources(const char *folder, const char *below, plugin_names *ret,
                             bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer path = {0};
    bp__buffer_printf(&path, "%s/%s", folder, below);
    DIR *entries = path.overflow ? NULL : opendir(bp__buffer_text(&path));
    if (!entries)
        return *below ? BP_OK : bp__error_os(reterr, BP_ENOTFOUND, errno, "open '%s'", folder);
    bool fine = true;
    for (struct dirent *entry; fine && (entry = readdir(entries));) {
        if (!is_source(entry->d_name))
            continue;
        bp_cleanup(bp__buffer_done) bp__buffer name = {0};
        /* A compiler must not take a file for an option. */
        const char *here = !*below && entry->d_name[0] == '-' ? "./" : below;
        bp__buffer_printf(&name, "%s%s", here, entry->d_name);
        fine = !name.overflow && plugin_names_add(ret, bp__buffer_text(&name));
    }
    closedir(entries);
    return fine ? BP_OK : bp__error_oom(reterr, "listing sources");
}

bp_status plugin_sources_find(const char *folder, plugin_names *ret, bp_error *reterr)
{
    bp_status status = add_sources(folder, "", ret, reterr);
    if (status == BP_OK)
        status = add_sources(folder, "src/", ret, reterr);
    if (status == BP_OK && ret->count > SOURCES_MAX)
        status = bp_error_set(reterr, BP_ELIMIT,
                              "'%s' has %zu sources in C; 'plugin build' takes %d: use a build of "
                              "your own and put the result beside manifest.json",
                              folder, ret->count, SOURCES_MAX);
    if (status == BP_OK && ret->count)
        qsort(ret->items, ret->count, sizeof *ret->items, compare);
    if (status != BP_OK)
        plugin_names_done(ret);
    return status;
}

/* --- detection ---------------------------------------------------------------------------- */

/* Whether the file is there; what is there and no file is an error. */
static bp_status has_file(const char *folder, const char *name, bool *ret, bp_error *reterr)
{
    bp_auto_free char *path = plugin_path(folder, name);
    if (!path)
        return bp__error_oom(reterr, "looking for a language");
    struct stat status;
    *ret = stat(path, &status) == 0;
    if (*ret && !S_ISREG(status.st_mode))
        return bp_error_set(reterr, BP_EFORMAT, "'%s' is %s, not a file", path,
                            S_ISDIR(status.st_mode) ? "a folder" : "something else");
    return BP_OK;
}

/* The first file that tells of the language in `ret`, or NULL there. `sources` owns it. */
static bp_status find_marker(const char *folder, size_t language, const plugin_names *sources,
                             const char **ret, bp_error *reterr)
{
    bool found = false;
    bp_status status = BP_OK;
    const char *marker = languages[language].marker;
    if (marker)
        status = has_file(folder, marker, &found, reterr);
    *ret = found ? marker : !marker && sources->count ? sources->items[0] : NULL;
    return status;
}

static bp_status nothing_found(const char *folder, bp_error *reterr)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        bool found = false;
        bp_status status = has_file(folder, others[i][0], &found, reterr);
        if (status != BP_OK)
            return status;
        if (found)
            return bp_error_set(
                reterr, BP_EUNSUPPORTED,
                "'%s/%s' makes this a project in %s; 'plugin build' builds C, Go, Rust, "
                "JavaScript and Python",
                folder, others[i][0], others[i][1]);
    }
    return bp_error_set(reterr, BP_ENOTFOUND,
                        "'%s' has no go.mod, Cargo.toml, package.json or pyproject.toml, and no "
                        "sources in C (*.c, *.cc, *.cpp, here or in src): nothing says what to "
                        "build",
                        folder);
}

static bp_status choose(const char *folder, const plugin_names *sources, plugin_language *ret,
                        bp_error *reterr)
{
    const char *found = NULL;
    for (size_t i = 0; i < LANGUAGES; i++) {
        const char *marker;
        bp_status status = find_marker(folder, i, sources, &marker, reterr);
        if (status != BP_OK)
            return status;
        if (!marker || i == PLUGIN_TINYGO) /* its files are Go's */
            continue;
        if (found)
            return bp_error_set(reterr, BP_EINVAL,
                                "'%s' has '%s' (%s) and '%s' (%s): say which with --lang", folder,
                                found, languages[*ret].title, marker, languages[i].title);
        found = marker;
        *ret = (plugin_language)i;
    }
    return found ? BP_OK : nothing_found(folder, reterr);
}

static bp_status confirm(const char *folder, size_t language, const plugin_names *sources,
                         bp_error *reterr)
{
    const char *marker;
    bp_status status = find_marker(folder, language, sources, &marker, reterr);
    if (status != BP_OK || marker)
        return status;
    return bp_error_set(reterr, BP_ENOTFOUND, "--lang %s: '%s' has no %s", languages[language].name,
                        folder,
                        languages[language].marker ? languages[language].marker : "sources in C");
}

bp_status plugin_language_find(const char *folder, int wanted, plugin_language *ret,
                               bp_error *reterr)
{
    bp_cleanup(plugin_names_done) plugin_names sources = {0};
    bp_status status = plugin_sources_find(folder, &sources, reterr);
    if (status != BP_OK)
        return status;
    if (wanted < 0)
        return choose(folder, &sources, ret, reterr);
    *ret = (plugin_language)wanted;
    return confirm(folder, (size_t)wanted, &sources, reterr);
}
