/* clang, with a C library where there is one. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/plugin.h"

static const char *const clang_names[] = {"clang",    "clang-22", "clang-21", "clang-20",
                                          "clang-19", "clang-18", "clang-17", "clang-16",
                                          "clang-15", "clang-14", NULL};

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
    if (sdk[0] != '/' || !plugin_is_program(path.data))
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

/* Bindings are generated anew for each build, from the same files that say what the component is.
 */
static bp_status add_bindings(const plugin_project *project, plugin_command *command,
                              plugin_names *made, bp_error *reterr)
{
    bp_status status = plugin_bindings_write(project, made, reterr);
    if (status != BP_OK)
        return status;
    plugin_command_add(command, "-I" PLUGIN_BINDINGS_FOLDER);
    for (size_t i = 0; i < made->count; i++)
        if (!plugin_name_ends(made->items[i], ".h"))
            plugin_command_add(command, made->items[i]);
    return BP_OK;
}

static bp_status find(const plugin_project *project, c_compiler *ret, bp_error *reterr)
{
    const char *sdk = getenv("WASI_SDK_PATH");
    bp_status status =
        sdk && *sdk ? find_in_sdk(sdk, ret, reterr) : find_on_path(project, ret, reterr);
    if (status == BP_OK && project->abi == PLUGIN_COMPONENT && !ret->has_libc)
        status = bp_error_set(reterr, BP_ENOTFOUND,
                              "wasi-libc is missing: components in C need it (Debian: apt install "
                              "wasi-libc libclang-rt-19-dev-wasm32), or a WASI SDK whose folder is "
                              "named in WASI_SDK_PATH");
    return status;
}

static void add_sources(const plugin_names *sources, plugin_command *command)
{
    bool cpp = false;
    for (size_t i = 0; i < sources->count; i++)
        cpp |= plugin_source_is_cpp(sources->items[i]);
    if (cpp) {
        plugin_command_add(command, "-fno-exceptions");
        plugin_command_add(command, "-fno-rtti");
        plugin_command_add(command, "-fno-threadsafe-statics");
    }
    for (size_t i = 0; i < sources->count; i++)
        plugin_command_add(command, sources->items[i]);
}

bp_status plugin_compile_c(const plugin_project *project, bp_error *reterr)
{
    bp_cleanup(plugin_names_done) plugin_names sources = {0}, made = {0};
    bp_status status = plugin_sources_find(project->folder, &sources, reterr);
    c_compiler compiler = {NULL, false, false};
    if (status == BP_OK)
        status = find(project, &compiler, reterr);
    bp_auto_free char *path = compiler.path;
    if (status != BP_OK)
        return status;
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, path);
    add_c_flags(project, &compiler, &command);
    if (project->abi == PLUGIN_COMPONENT)
        status = add_bindings(project, &command, &made, reterr);
    if (status != BP_OK)
        return status;
    plugin_command_add(&command, "-o");
    plugin_command_add(&command, project->output);
    add_sources(&sources, &command);
    return plugin_compile_run(project, &command, strrchr(path, '/') + 1, NULL, reterr);
}
