/* Cargo, with a target for WebAssembly. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/plugin.h"

#define MESSAGES_MAX ((size_t)32 << 20)
#define WASM_MAX ((size_t)1 << 30)

static const char *const targets[] = {"wasm32-unknown-unknown", "wasm32-wasip1"};

/* A compiler and how it makes WebAssembly. */
typedef struct rust_compiler {
    char *path;         /* owned; NULL: none was found */
    const char *target; /* static */
    bool from_source;   /* the standard library is there as source only */
    char *linker;       /* owned; NULL: the compiler's own */
} rust_compiler;

static void compiler_done(rust_compiler *compiler)
{
    bp__free(compiler->path);
    bp__free(compiler->linker);
}

/* --- compilers ----------------------------------------------------------------------------- */

static bool matches(const char *folder, const char *pattern)
{
    bp_cleanup(bp__buffer_done) bp__buffer path = {0};
    bp__buffer_printf(&path, "%s/%s", folder, pattern);
    glob_t found;
    if (path.overflow || glob(bp__buffer_text(&path), GLOB_NOSORT, NULL, &found) != 0)
        return false;
    globfree(&found);
    return true;
}

/* Whether the standard library is installed for a target. */
static bool has_target(const plugin_project *project, const char *rustc, const char *target)
{
    bp_cleanup(bp__buffer_done) bp__buffer text = {0};
    const char *const argv[] = {rustc, "--print", "target-libdir", "--target", target, NULL};
    return plugin_program_ask(project, argv, &text) && matches(text.data, "libstd-*.rlib");
}

/* Looks at one compiler; true when it can. */
static bool try_compiler(const plugin_project *project, const char *rustc, rust_compiler *ret)
{
    bp_cleanup(bp__buffer_done) bp__buffer root = {0};
    const char *const argv[] = {rustc, "--print", "sysroot", NULL};
    if (!plugin_program_ask(project, argv, &root))
        return false;
    ret->target = NULL;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0] && !ret->target; i++)
        if (has_target(project, rustc, targets[i]))
            ret->target = targets[i];
    ret->from_source = !ret->target;
    if (ret->from_source && !matches(root.data, "lib/rustlib/src/rust/library/std/Cargo.toml"))
        return false;
    if (ret->from_source)
        ret->target = targets[0];
    if (!matches(root.data, "lib/rustlib/*/bin/rust-lld"))
        ret->linker = plugin_program_find_any(plugin_linker_names);
    ret->path = bp__strdup(rustc);
    return true;
}

/* The first that can, not the first that there is: Debian's has its library's source where that of
 * rustup, in front of it, has no target for WebAssembly. */
static bp_status find_compiler(const plugin_project *project, rust_compiler *ret, bp_error *reterr)
{
    const char *named = getenv("RUSTC"), *rest = NULL;
    if (named && *named && try_compiler(project, named, ret))
        return BP_OK;
    for (char *path; (path = plugin_program_next("rustc", &rest)); bp__free(path))
        if (try_compiler(project, path, ret)) {
            bp__free(path);
            return BP_OK;
        }
    return bp_error_set(reterr, BP_ENOTFOUND,
                        "Rust has no target for WebAssembly: run 'rustup target add "
                        "wasm32-unknown-unknown' (Debian without rustup: apt install rustc-web "
                        "libstd-rust-web-dev rust-web-src lld-19)");
}

/* --- Cargo --------------------------------------------------------------------------------- */

static void add_cargo_flags(const plugin_project *project, const rust_compiler *compiler,
                            plugin_command *command)
{
    plugin_command_add(command, "build");
    plugin_command_add(command, "--message-format=json-render-diagnostics");
    plugin_command_add(command, "--target");
    plugin_command_add(command, compiler->target);
    if (!project->debug)
        plugin_command_add(command, "--release");
    plugin_command_set(command, "RUSTC", compiler->path);
    if (compiler->from_source) {
        plugin_command_add(command, "-Zbuild-std=std,panic_abort");
        /* What else would need a nightly compiler; it is asked for nothing but its library. */
        plugin_command_set(command, "RUSTC_BOOTSTRAP", "1");
    }
    const char *variable = compiler->target == targets[0]
                               ? "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"
                               : "CARGO_TARGET_WASM32_WASIP1_LINKER";
    if (compiler->linker && !getenv(variable))
        plugin_command_set(command, variable, compiler->linker);
}

/* The .wasm files that one of Cargo's messages names. */
static bool add_artifacts(const char *line, size_t size, plugin_names *ret)
{
    json_t *message = json_loadb(line, size, 0, NULL);
    const char *reason = json_string_value(json_object_get(message, "reason"));
    const json_t *files = json_object_get(message, "filenames");
    bool fine = true;
    for (size_t i = 0;
         reason && strcmp(reason, "compiler-artifact") == 0 && fine && i < json_array_size(files);
         i++) {
        const char *file = json_string_value(json_array_get(files, i));
        size_t length = file ? strlen(file) : 0;
        if (length > 5 && strcmp(file + length - 5, ".wasm") == 0)
            fine = plugin_names_add(ret, file);
    }
    json_decref(message);
    return fine;
}

static bp_status find_artifact(const bp__buffer *messages, plugin_names *found, bp_error *reterr)
{
    const char *line = messages->data, *end = line + messages->size;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *next = newline ? newline + 1 : end;
        if (!add_artifacts(line, (size_t)(next - line), found))
            return bp__error_oom(reterr, "reading what Cargo says");
        line = next;
    }
    if (messages->overflow)
        return bp_error_set(reterr, BP_ELIMIT, "Cargo says more than %zu bytes", MESSAGES_MAX);
    if (found->count == 1)
        return BP_OK;
    if (found->count == 0)
        return bp_error_set(reterr, BP_ENOTFOUND,
                            "Cargo made no .wasm: put crate-type = [\"cdylib\"] under [lib] in "
                            "Cargo.toml");
    return bp_error_set(reterr, BP_EINVAL,
                        "Cargo made %zu plugins, '%s' and '%s' among them: keep one [lib] with "
                        "crate-type = [\"cdylib\"] in Cargo.toml",
                        found->count, found->items[0], found->items[1]);
}

/* Cargo keeps its own for the next build, so the project gets a copy. */
static bp_status copy(const char *from, const plugin_project *project, bp_error *reterr)
{
    bp_cleanup(bp__buffer_done) bp__buffer code = {0};
    bp_status status = bp__file_read(from, WASM_MAX, &code, reterr);
    if (status != BP_OK)
        return status;
    bp_auto_free char *to = plugin_path(project->folder, project->output);
    if (!to)
        return bp__error_oom(reterr, "copying a plugin");
    FILE *file = fopen(to, "we");
    bool fine = file && fwrite(code.data, 1, code.size, file) == code.size;
    if (file && fclose(file) != 0)
        fine = false;
    return fine ? BP_OK : bp__error_os(reterr, BP_ESYSTEM, errno, "write '%s'", to);
}

bp_status plugin_compile_rust(const plugin_project *project, bp_error *reterr)
{
    bp_auto_free char *cargo = plugin_program_find("cargo");
    if (!cargo)
        return bp_error_set(reterr, BP_ENOTFOUND,
                            "cargo is missing: plugins in Rust need Rust, by rustup (rustup.rs) or "
                            "from packages (Debian: apt install cargo-web rustc-web "
                            "libstd-rust-web-dev rust-web-src lld-19)");
    bp_cleanup(compiler_done) rust_compiler compiler = {.path = NULL};
    bp_status status = find_compiler(project, &compiler, reterr);
    if (status != BP_OK)
        return status;
    plugin_command command = {.folder = project->folder};
    plugin_command_add(&command, cargo);
    add_cargo_flags(project, &compiler, &command);
    bp_cleanup(bp__buffer_done) bp__buffer messages = {.limit = MESSAGES_MAX};
    bp_cleanup(plugin_names_done) plugin_names found = {0};
    status = plugin_compile_run(project, &command, "Cargo", &messages, reterr);
    if (status == BP_OK)
        status = find_artifact(&messages, &found, reterr);
    return status == BP_OK ? copy(found.items[0], project, reterr) : status;
}
