/* The folder wit/ of a project, and what is made from it. SPDX-License-Identifier: Apache-2.0 */
#include <bullpen/build.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/out.h"
#include "cli/plugin.h"
#include "cli/progress.h"

#define WIT_FOLDER "wit"
#define WIT_FILES_MAX 1024
#define WIT_BYTES_MAX ((size_t)4 << 20)
#define WASM_BYTES_MAX ((size_t)256 << 20)

/* The files of a project's wit/, read. */
typedef struct wit_folder {
    plugin_names names; /* in wit/ */
    bp__buffer texts[WIT_FILES_MAX];
    bp_wit_file files[WIT_FILES_MAX];
} wit_folder;

static void wit_free(wit_folder **place)
{
    if (!*place)
        return;
    for (size_t i = 0; i < (*place)->names.count; i++)
        bp__buffer_done(&(*place)->texts[i]);
    plugin_names_done(&(*place)->names);
    bp__free(*place);
}

/* --- finding and reading ------------------------------------------------------------------- */

static bp_status add_file(const char *below, const char *name, plugin_names *ret, bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer path = {0};
    bp__buffer_printf(&path, "%s%s", below, name);
    if (ret->count == WIT_FILES_MAX)
        return bp_error_set(reterr, BP_ELIMIT, "wit/ has more than %d files", WIT_FILES_MAX);
    if (path.overflow || !bp__buffer_text(&path) || !plugin_names_add(ret, path.data))
        return bp__error_oom(reterr, "listing WIT files");
    return BP_OK;
}

/* The .wit files of a folder below wit/, named `below`: "" or ending with a slash. What has other
 * names is handed to `folders`, unless that is NULL. */
static bp_status list(const char *wit, const char *below, plugin_names *ret, plugin_names *folders,
                      bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer path = {0};
    bp__buffer_printf(&path, "%s/%s", wit, below);
    DIR *entries = path.overflow || !bp__buffer_text(&path) ? NULL : opendir(path.data);
    bp_status status = BP_OK;
    if (!entries)
        return BP_OK; /* a file, or nothing: who lists wit/ itself has looked */
    for (struct dirent *entry; status == BP_OK && (entry = readdir(entries));) {
        if (entry->d_name[0] == '.')
            continue;
        if (plugin_name_ends(entry->d_name, ".wit"))
            status = add_file(below, entry->d_name, ret, reterr);
        else if (folders && !plugin_names_add(folders, entry->d_name))
            status = bp__error_oom(reterr, "listing WIT files");
    }
    closedir(entries);
    return status;
}

static bp_status list_all(const char *wit, plugin_names *ret, bp_error *reterr)
{
    bp_cleanup(plugin_names_done) plugin_names folders = {0};
    bp_status status = list(wit, "", ret, NULL, reterr);
    if (status == BP_OK && ret->count == 0)
        return bp_error_set(reterr, BP_ENOTFOUND,
                            "'%s' has no .wit file: it says what a component offers and uses; "
                            "'bullpen plugin new --abi component' writes one",
                            wit);
    if (status == BP_OK)
        status = list(wit, "deps/", ret, &folders, reterr);
    for (size_t i = 0; status == BP_OK && i < folders.count; i++) {
        bp_cleanup(bp__buffer_done) bp__buffer below = {0};
        bp__buffer_printf(&below, "deps/%s/", folders.items[i]);
        status = bp__buffer_text(&below) ? list(wit, below.data, ret, NULL, reterr)
                                         : bp__error_oom(reterr, "listing WIT files");
    }
    return status;
}

static bp_status read_all(const char *wit, wit_folder *self, bp_error *reterr)
{
    bp_status status = BP_OK;
    for (size_t i = 0; status == BP_OK && i < self->names.count; i++) {
        bp_auto_free char *path = plugin_path(wit, self->names.items[i]);
        status = path ? bp__file_read(path, WIT_BYTES_MAX, &self->texts[i], reterr)
                      : bp__error_oom(reterr, "reading WIT files");
        self->files[i] = (bp_wit_file){self->names.items[i], bp__buffer_bytes(&self->texts[i])};
    }
    return status;
}

static bp_status wit_open(const plugin_project *project, wit_folder **ret, bp_wit *ret_wit,
                          bp_error *reterr)
{
    bp_auto_free char *path = plugin_path(project->folder, WIT_FOLDER);
    bp_cleanup(wit_free) wit_folder *self = bp__alloc_zeroed(1, sizeof *self);
    if (!path || !self)
        return bp__error_oom(reterr, "reading WIT files");
    bp_status status = list_all(path, &self->names, reterr);
    if (status == BP_OK)
        status = read_all(path, self, reterr);
    if (status != BP_OK)
        return status;
    *ret_wit = (bp_wit){sizeof(bp_wit), self->files, self->names.count, NULL};
    *ret = bp_steal(&self);
    return BP_OK;
}

/* --- bindings ------------------------------------------------------------------------------ */

static bp_status write_file(const char *path, bp_bytes content, bp_error *reterr)
{
    FILE *file = fopen(path, "we");
    bool fine = file && fwrite(content.data, 1, content.size, file) == content.size;
    if (file && fclose(file) != 0)
        fine = false;
    return fine ? BP_OK : bp__error_os(reterr, BP_ESYSTEM, errno, "write '%s'", path);
}

static bp_status make_folder(const plugin_project *project, const char *name, bp_error *reterr)
{
    bp_auto_free char *path = plugin_path(project->folder, name);
    if (!path)
        return bp__error_oom(reterr, "making a folder");
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return BP_OK;
    return bp__error_os(reterr, BP_ESYSTEM, errno, "make the folder '%s'", path);
}

/* What is written, where, and what went wrong with it. */
typedef struct writer {
    const plugin_project *project;
    plugin_names *made; /* NULL: the one file goes where the project's output is */
    bp_status status;
    bp_error *reterr;
} writer;

static bool write_made(void *data, const char *name, bp_bytes content)
{
    writer *self = data;
    bp_cleanup(bp__buffer_done) bp__buffer relative = {0};
    if (self->made)
        bp__buffer_printf(&relative, PLUGIN_BINDINGS_FOLDER "/%s", name);
    else
        bp__buffer_append_text(&relative, self->project->output);
    const char *text = relative.overflow ? NULL : bp__buffer_text(&relative);
    bp_auto_free char *path = text ? plugin_path(self->project->folder, text) : NULL;
    if (!path || (self->made && !plugin_names_add(self->made, text)))
        self->status = bp__error_oom(self->reterr, "writing what was made");
    else
        self->status = write_file(path, content, self->reterr);
    return self->status == BP_OK;
}

/* A file's name in wit/ becomes one that can be opened. */
static bp_status explain(bp_status status, const writer *to, bp_error *reterr)
{
    if (to->status != BP_OK)
        return to->status; /* which has said why */
    if (status == BP_EFORMAT)
        bp__error_prefix(reterr, "wit");
    return status;
}

bp_status plugin_bindings_write(const plugin_project *project, plugin_names *made, bp_error *reterr)
{
    bp_wit wit;
    bp_cleanup(wit_free) wit_folder *folder = NULL;
    bp_status status = wit_open(project, &folder, &wit, reterr);
    if (status == BP_OK)
        status = make_folder(project, PLUGIN_BUILD_FOLDER, reterr);
    if (status == BP_OK)
        status = make_folder(project, PLUGIN_BINDINGS_FOLDER, reterr);
    if (status != BP_OK)
        return status;
    writer to = {project, made, BP_OK, reterr};
    return explain(bp_build_bindings_c(&wit, write_made, &to, reterr), &to, reterr);
}

/* --- the component ------------------------------------------------------------------------- */

static bool is_component(bp_bytes wasm)
{
    const char *data = wasm.data;
    return wasm.size >= 8 && memcmp(data, "\0asm", 4) == 0 && data[6] == 1;
}

static bp_status encode(const plugin_project *project, bp_bytes code, const bp_wit *wit,
                        bp_error *reterr)
{
    writer to = {project, NULL, BP_OK, reterr};
    bp_status status = is_component(code) ? bp_build_docs(code, wit, write_made, &to, reterr)
                                          : bp_build_component(code, wit, write_made, &to, reterr);
    if (to.status != BP_OK)
        return to.status;
    if (status == BP_EFORMAT)
        bp__error_prefix(reterr, "make a component");
    return status;
}

bp_status plugin_component_finish(const plugin_project *project, bp_error *reterr)
{
    bp_wit wit;
    bp_cleanup(wit_free) wit_folder *folder = NULL;
    bp_cleanup(bp__buffer_done) bp__buffer code = {0};
    bp_auto_free char *path = plugin_path(project->folder, project->output);
    if (!path)
        return bp__error_oom(reterr, "making a component");
    bp_status status = wit_open(project, &folder, &wit, reterr);
    if (status == BP_OK)
        status = bp__file_read(path, WASM_BYTES_MAX, &code, reterr);
    if (status != BP_OK)
        return status;
    cli_progress_start("making a component");
    status = encode(project, bp__buffer_bytes(&code), &wit, reterr);
    cli_progress_stop();
    return status;
}
