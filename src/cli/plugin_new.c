/* bullpen plugin new. SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/json_text.h"
#include "cli/out.h"
#include "cli/plugin.h"
#include "cli/plugin_template.h"

#define PLACEHOLDER "@NAME@"

#define SETS 3

typedef struct project {
    const char *name, *folder, *language;
    plugin_abi abi;
    plugin_world world;
    const char *sets[SETS]; /* of templates, that it begins with */
    char own[32];           /* the one of its language and kind */
    bool made;              /* the folder was not there before */
    plugin_names folders;   /* made in it, outermost first */
    plugin_names files;     /* written into it */
} project;

/* --- the folder --------------------------------------------------------------------------- */

static bool is_empty(const char *folder)
{
    DIR *entries = opendir(folder);
    if (!entries)
        return false;
    bool empty = true;
    for (struct dirent *entry; empty && (entry = readdir(entries));)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(entries);
    return empty;
}

static bp_status make_folder(project *self, bp_error *reterr)
{
    self->made = mkdir(self->folder, 0777) == 0;
    int code = errno;
    if (self->made || (code == EEXIST && is_empty(self->folder)))
        return BP_OK;
    if (code == EEXIST)
        return bp_error_set(
            reterr, BP_EINVAL,
            "'%s' is there already, and not an empty folder: nothing is written over; "
            "name another folder behind the plugin's name",
            self->folder);
    return bp__error_os(reterr, BP_ESYSTEM, code, "make the folder '%s'", self->folder);
}

/* Takes away what was written, so that the same command can be tried again. */
static void undo(const project *self, int folder)
{
    for (size_t i = self->files.count; i-- > 0;)
        unlinkat(folder, self->files.items[i], 0);
    for (size_t i = self->folders.count; i-- > 0;)
        unlinkat(folder, self->folders.items[i], AT_REMOVEDIR);
    if (self->made)
        rmdir(self->folder);
}

/* --- its files ---------------------------------------------------------------------------- */

static bool fill(bp__buffer *text, const plugin_template *template, const char *name)
{
    const char *from = (const char *)template->data, *end = from + template->size;
    const size_t length = sizeof PLACEHOLDER - 1;
    for (const char *mark; (mark = memmem(from, (size_t)(end - from), PLACEHOLDER, length));
         from = mark + length) {
        bp__buffer_append(text, from, (size_t)(mark - from));
        bp__buffer_append_text(text, name);
    }
    return bp__buffer_append(text, from, (size_t)(end - from)) && !text->overflow;
}

static bool write_all(int fd, bp_bytes bytes)
{
    const char *data = bytes.data;
    for (size_t done = 0; done < bytes.size;) {
        ssize_t written = write(fd, data + done, bytes.size - done);
        if (written < 0 && errno != EINTR)
            return false;
        done += written > 0 ? (size_t)written : 0;
    }
    return true;
}

static bp_status make_one_folder(project *self, int folder, const char *name, bp_error *reterr)
{
    if (mkdirat(folder, name, 0777) != 0)
        return errno == EEXIST ? BP_OK
                               : bp__error_os(reterr, BP_ESYSTEM, errno, "make the folder '%s/%s'",
                                              self->folder, name);
    return plugin_names_add(&self->folders, name) ? BP_OK
                                                  : bp__error_oom(reterr, "writing a project");
}

/* The folders that a file is in, the outermost first. */
static bp_status make_folders_of(project *self, int folder, const char *path, bp_error *reterr)
{
    bp_status status = BP_OK;
    for (const char *slash = strchr(path, '/'); slash && status == BP_OK;
         slash = strchr(slash + 1, '/')) {
        bp_auto_free char *name = bp__strndup(path, (size_t)(slash - path));
        status = name ? make_one_folder(self, folder, name, reterr)
                      : bp__error_oom(reterr, "writing a project");
    }
    return status;
}

static bp_status write_file(project *self, int folder, const plugin_template *template,
                            bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer text = {0};
    bp_status status = make_folders_of(self, folder, template->path, reterr);
    if (status != BP_OK)
        return status;
    if (!fill(&text, template, self->name) || !plugin_names_add(&self->files, template->path))
        return bp__error_oom(reterr, "writing a project");
    bp_auto_fd int fd =
        openat(folder, template->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 && write_all(fd, bp__buffer_bytes(&text)))
        return BP_OK;
    return bp__error_os(reterr, BP_ESYSTEM, errno, "write '%s/%s'", self->folder, template->path);
}

static bool is_part(const project *self, const plugin_template *file)
{
    for (size_t i = 0; i < SETS && self->sets[i]; i++)
        if (strcmp(file->set, self->sets[i]) == 0)
            return true;
    return false;
}

static bp_status write_files(project *self, bp_error *reterr)
{
    bp_auto_fd int folder = open(self->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return bp__error_os(reterr, BP_ESYSTEM, errno, "open the folder '%s'", self->folder);
    bp_status status = BP_OK;
    for (const plugin_template *file = plugin_templates; file->set && status == BP_OK; file++)
        if (is_part(self, file))
            status = write_file(self, folder, file, reterr);
    if (status != BP_OK)
        undo(self, folder);
    return status;
}

/* --- what was done ------------------------------------------------------------------------ */

static bool print_json(const project *self)
{
    json_t *files = json_array();
    for (size_t i = 0; i < self->files.count; i++)
        json_array_append_new(files, json_string(self->files.items[i]));
    return cli_out_json(
        json_pack("{s:s, s:s, s:o, s:o}", "name", self->name, "language", self->language, "folder",
                  cli_json_text(self->folder, strlen(self->folder)), "files", files));
}

/* What is worth trying first. */
static bool print_call(const project *self, const plugin_values *values)
{
    if (self->abi == PLUGIN_COMPONENT && self->world == PLUGIN_WORLD_MIDDLEWARE)
        return cli_out_text("  bullpen inspect %s.wasm\n", self->name);
    return cli_out_text("  bullpen call %s.wasm %s --input @test/input.txt%s\n", self->name,
                        self->abi == PLUGIN_COMPONENT ? "handle" : "greet",
                        values->language == PLUGIN_GO ? " --wasi" : "");
}

static bool print_text(const project *self, const plugin_values *values)
{
    bool fine = cli_out_text("%s: a plugin in %s\n", self->name,
                             plugin_language_title((plugin_language)values->language));
    for (size_t i = 0; i < self->files.count; i++)
        fine = fine && cli_out_text("  %s/%s\n", self->folder, self->files.items[i]);
    if (values->common.quiet || !fine)
        return fine;
    fine = cli_out_text("next:\n  cd %s\n  bullpen plugin build\n", self->folder);
    return fine && print_call(self, values);
}

/* --- the command -------------------------------------------------------------------------- */

static bp_status check(const plugin_values *values, bp_error *reterr)
{
    const char *name = values->subject;
    if (!name)
        return bp_error_set(reterr, BP_EINVAL, "'plugin new' needs the plugin's NAME");
    if (!plugin_name_valid(name))
        return bp_error_set(
            reterr, BP_EINVAL,
            "'%s' cannot be a plugin's name: 1 to 63 lower-case letters, digits and "
            "'-', beginning with a letter or a digit",
            name);
    if (values->language < 0)
        return bp_error_set(reterr, BP_EINVAL,
                            "'plugin new' needs --lang: c, go, rust, js or python");
    if (values->language == PLUGIN_TINYGO)
        return bp_error_set(reterr, BP_EINVAL,
                            "--lang tinygo: write the project with --lang go; 'plugin build' uses "
                            "TinyGo where it is installed");
    if (values->debug || values->release)
        return bp_error_set(reterr, BP_EINVAL, "--debug and --release belong to 'plugin build'");
    if (values->folder && !*values->folder)
        return bp_error_set(reterr, BP_EINVAL, "FOLDER: names no folder");
    return BP_OK;
}

/* Which templates make it up: each set is a folder of sdk/templates. */
static bp_status choose(const plugin_values *values, project *self, bp_error *reterr)
{
    plugin_language language = (plugin_language)values->language;
    self->language = plugin_language_name(language);
    self->abi = values->abi < 0 ? plugin_language_abi(language) : (plugin_abi)values->abi;
    self->world = values->world < 0 ? PLUGIN_WORLD_PLUGIN : (plugin_world)values->world;
    if (values->world >= 0 && self->abi != PLUGIN_COMPONENT)
        return bp_error_set(reterr, BP_EINVAL, "--world is for components: add --abi component");
    bool component = self->abi == PLUGIN_COMPONENT;
    const char *world = self->world == PLUGIN_WORLD_MIDDLEWARE ? "middleware" : "plugin";
    snprintf(self->own, sizeof self->own, "%s%s%s", self->language, component ? "-" : "",
             component ? world : "");
    self->sets[0] = self->own;
    self->sets[1] = component ? "component" : "extism";
    self->sets[2] = component ? world : NULL;
    return plugin_language_check(language, self->abi, reterr);
}

int plugin_new(const plugin_values *values)
{
    bp_error error = BP_ERROR_INIT;
    project self = {.name = values->subject,
                    .folder = values->folder ? values->folder : values->subject};
    if (check(values, &error) != BP_OK || choose(values, &self, &error) != BP_OK)
        return plugin_failed(values, &error, CLI_USAGE);
    int result = CLI_OK;
    if (make_folder(&self, &error) != BP_OK || write_files(&self, &error) != BP_OK)
        result = plugin_failed(values, &error, CLI_FAILED);
    else if (!(values->common.json ? print_json(&self) : print_text(&self, values)))
        result = CLI_FAILED;
    plugin_names_done(&self.folders);
    plugin_names_done(&self.files);
    return result;
}
