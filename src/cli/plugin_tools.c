/* The tools of each language, found and run. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/out.h"
#include "cli/plugin.h"

#define OUTPUT_MAX (16 * 1024)
/* With it, Go fetches by itself the version that go.mod asks for. */
#define GO_MINOR_MIN 21

static const char *const clang_names[] = {"clang",    "clang-22", "clang-21", "clang-20",
                                          "clang-19", "clang-18", "clang-17", "clang-16",
                                          "clang-15", "clang-14", NULL};
const char *const plugin_linker_names[] = {"wasm-ld",    "wasm-ld-22", "wasm-ld-21", "wasm-ld-20",
                                           "wasm-ld-19", "wasm-ld-18", "wasm-ld-17", "wasm-ld-16",
                                           "wasm-ld-15", "wasm-ld-14", NULL};

/* --- programs ------------------------------------------------------------------------------ */

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

char *plugin_program_next(const char *name, const char **rest)
{
    if (!*rest)
        *rest = getenv("PATH");
    while (*rest && **rest) {
        const char *folder = *rest;
        size_t size = strcspn(folder, ":");
        *rest += size + (folder[size] == ':');
        bp_cleanup(bp__buffer_done) bp__buffer place = {0};
        bp__buffer_append(&place, folder, size);
        bp__buffer_printf(&place, "/%s", name);
        /* Only absolute folders: another one would be looked for from the plugin's folder. */
        if (folder[0] == '/' && !place.overflow && is_program(bp__buffer_text(&place)))
            return bp__strdup(place.data);
    }
    return NULL;
}

char *plugin_program_find(const char *name)
{
    const char *rest = NULL;
    return plugin_program_next(name, &rest);
}

char *plugin_program_find_any(const char *const *names)
{
    char *found = NULL;
    for (; *names && !found; names++)
        found = plugin_program_find(*names);
    return found;
}

bool plugin_program_ask(const plugin_project *project, const char *const *argv, bp__buffer *ret)
{
    plugin_command command = {.folder = project->folder, .quiet = true};
    for (; *argv; argv++)
        plugin_command_add(&command, *argv);
    /* The question is which one is installed; an answer must not wait for the network. */
    plugin_command_set(&command, "GOTOOLCHAIN", "local");
    bp__buffer_clear(ret);
    ret->limit = OUTPUT_MAX;
    bool fine = plugin_command_run(&command, project->cancel, ret, NULL) == BP_OK;
    plugin_command_done(&command);
    const char *text = bp__buffer_text(ret);
    if (text)
        ret->size = strcspn(text, "\n") == ret->size - 1 ? ret->size - 1 : ret->size;
    return fine && bp__buffer_text(ret);
}

bp_status plugin_compile_run(const plugin_project *project, plugin_command *command,
                             const char *tool, bp__buffer *output, bp_error *reterr)
{
    bp__buffer rest = {.limit = OUTPUT_MAX};
    cli_note("building %s with %s", project->debug ? "for debugging" : "for release", tool);
    bp_status status =
        plugin_command_run(command, project->cancel, output ? output : &rest, reterr);
    if (rest.size && bp__buffer_text(&rest))
        cli_line("%s", rest.data);
    bp__buffer_done(&rest);
    plugin_command_done(command);
    return status;
}

/* --- C and C++ ----------------------------------------------------------------------------- */

typedef struct c_compiler {
    char *path; /* owned */
    bool has_libc;
    bool is_wasi_sdk; /* which knows where its library is */
} c_compiler;

static bool compiles_wasm(const plugin_project *project, const char *path)
{
    bp_cleanup(bp__buffer_done) bp__buffer text = {0};
    const char *const argv[] = {path, "--print-targets", NULL};
    return plugin_program_ask(project, argv, &text) && strstr(text.data, "wasm32");
}

static bool has_linker(const plugin_project *project, const char *path)
{
    bp_cleanup(bp__buffer_done) bp__buffer text = {0};
    const char *const argv[] = {path, "--target=wasm32", "--print-prog-name=wasm-ld", NULL};
    if (plugin_program_ask(project, argv, &text) && text.data[0] == '/')
        return true;
    bp_auto_free char *linker = plugin_program_find("wasm-ld");
    return linker != NULL;
}

/* Debian's wasi-libc, with the part of the compiler's own library that goes with it. */
static bool has_libc(const plugin_project *project, const char *path)
{
    bp_cleanup(bp__buffer_done) bp__buffer text = {0};
    const char *const argv[] = {path, "--target=wasm32-wasi", "--print-libgcc-file-name", NULL};
    return access("/usr/include/wasm32-wasi/stdio.h", R_OK) == 0 &&
           access("/usr/lib/wasm32-wasi/crt1-reactor.o", R_OK) == 0 &&
           plugin_program_ask(project, argv, &text) && access(text.data, R_OK) == 0;
}

static bp_status find_in_sdk(const char *sdk, c_compiler *ret, bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer path = {0};
    bp__buffer_printf(&path, "%s/bin/clang", sdk);
    if (path.overflow || !bp__buffer_text(&path))
        return bp__error_oom(reterr, "looking for clang");
    if (sdk[0] != '/' || !is_program(path.data))
        return bp_error_set(reterr, BP_ENOTFOUND,
                            "WASI_SDK_PATH: '%s' has no bin/clang; name the WASI SDK's folder from "
                            "the root on, or unset the variable",
                            sdk);
    *ret = (c_compiler){bp__strdup(path.data), true, true};
    return ret->path ? BP_OK : bp__error_oom(reterr, "looking for clang");
}

static bp_status find_on_path(const plugin_project *project, c_compiler *ret, bp_error *reterr)
{
    const char *missing = "clang is missing";
    for (const char *const *name = clang_names; *name && !ret->path; name++) {
        bp_auto_free char *path = plugin_program_find(*name);
        if (path && compiles_wasm(project, path))
            ret->path = bp_steal(&path);
        else if (path)
            missing = "this clang was built without WebAssembly";
    }
    if (ret->path && has_linker(project, ret->path)) {
        ret->has_libc = has_libc(project, ret->path);
        return BP_OK;
    }
    return bp_error_set(
        reterr, BP_ENOTFOUND,
        "%s: plugins in C need clang and LLD (Debian: apt install clang-19 lld-19), "
        "or a WASI SDK whose folder is named in WASI_SDK_PATH",
        ret->path ? "wasm-ld, the linker, is missing" : missing);
}

static void add_c_flags(const plugin_project *project, const c_compiler *compiler,
                        plugin_command *command)
{
    static const char *const freestanding[] = {"--target=wasm32", "-ffreestanding", "-nostdlib",
                                               "-Wl,--no-entry", NULL};
    static const char *const with_libc[] = {"--target=wasm32-wasi", "-mexec-model=reactor", NULL};
    static const char *const release[] = {"-O2", "-Wl,--strip-debug", NULL};
    static const char *const debug[] = {"-O0", "-g", "-fdebug-compilation-dir=.", NULL};
    static const char *const common[] = {"-mbulk-memory", "-Wall", "-Wextra", NULL};
    const char *const *const groups[] = {compiler->has_libc ? with_libc : freestanding,
                                         project->debug ? debug : release, common};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        for (const char *const *flag = groups[i]; *flag; flag++)
            plugin_command_add(command, *flag);
    if (compiler->has_libc && !compiler->is_wasi_sdk)
        plugin_command_add(command, "--sysroot=/usr");
}

static bp_status compile_c(const plugin_project *project, bp_error *reterr)
{
    bp_cleanup(plugin_names_done) plugin_names sources = {0};
    bp_status status = plugin_sources_find(project->folder, &sources, reterr);
    if (status != BP_OK)
        return status;
    c_compiler compiler = {NULL, false, false};
    const char *sdk = getenv("WASI_SDK_PATH");
    status = sdk && *sdk ? find_in_sdk(sdk, &compiler, reterr)
                         : find_on_path(project, &compiler, reterr);
    bp_auto_free char *path = compiler.path;
    if (status != BP_OK)
        return status;
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, path);
    add_c_flags(project, &compiler, &command);
    bool cpp = false;
    for (size_t i = 0; i < sources.count; i++)
        cpp |= plugin_source_is_cpp(sources.items[i]);
    if (cpp) {
        plugin_command_add(&command, "-fno-exceptions");
        plugin_command_add(&command, "-fno-rtti");
        plugin_command_add(&command, "-fno-threadsafe-statics");
    }
    plugin_command_add(&command, "-o");
    plugin_command_add(&command, project->output);
    for (size_t i = 0; i < sources.count; i++)
        plugin_command_add(&command, sources.items[i]);
    return plugin_compile_run(project, &command, strrchr(path, '/') + 1, NULL, reterr);
}

/* --- Go ------------------------------------------------------------------------------------ */

static bp_status check_go(const plugin_project *project, const char *path, bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer text = {0};
    const char *const argv[] = {path, "version", NULL};
    unsigned major = 0, minor = 0;
    if (!plugin_program_ask(project, argv, &text) ||
        sscanf(text.data, "go version go%u.%u", &major, &minor) != 2)
        return BP_OK; /* not a released version: who has one knows */
    if (major > 1 || minor >= GO_MINOR_MIN)
        return BP_OK;
    return bp_error_set(reterr, BP_EUNSUPPORTED,
                        "Go %u.%u is too old for plugins: install Go 1.24 or later (go.dev/dl)",
                        major, minor);
}

static void add_go_flags(const plugin_project *project, bool tiny, plugin_command *command)
{
    plugin_command_add(command, "build");
    plugin_command_add(command, "-buildmode=c-shared");
    if (tiny) {
        plugin_command_add(command, "-target=wasip1");
        if (!project->debug)
            plugin_command_add(command, "-no-debug");
    } else if (!project->debug) {
        plugin_command_add(command, "-trimpath");
        plugin_command_add(command, "-ldflags=-s -w");
    }
    plugin_command_add(command, "-o");
    plugin_command_add(command, project->output);
    plugin_command_add(command, ".");
    if (!tiny) {
        plugin_command_set(command, "GOOS", "wasip1");
        plugin_command_set(command, "GOARCH", "wasm");
    }
}

static bp_status compile_go(const plugin_project *project, bool tiny, bp_error *reterr)
{
    bp_auto_free char *path = plugin_program_find(tiny ? "tinygo" : "go");
    if (!path)
        return bp_error_set(reterr, BP_ENOTFOUND,
                            tiny
                                ? "tinygo is missing: install TinyGo (tinygo.org), or build with "
                                  "--lang go"
                                : "go is missing: plugins in Go need Go 1.24 or later (go.dev/dl)");
    bp_status status = tiny ? BP_OK : check_go(project, path, reterr);
    if (status != BP_OK)
        return status;
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, path);
    add_go_flags(project, tiny, &command);
    return plugin_compile_run(project, &command, tiny ? "TinyGo" : "Go", NULL, reterr);
}

bp_status plugin_compile(const plugin_project *project, bp_error *reterr)
{
    switch (project->language) {
    case PLUGIN_GO:
        return compile_go(project, false, reterr);
    case PLUGIN_TINYGO:
        return compile_go(project, true, reterr);
    case PLUGIN_RUST:
        return plugin_compile_rust(project, reterr);
    case PLUGIN_C:
    default:
        return compile_c(project, reterr);
    }
}
