/* The table of checks. SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"

#include <stddef.h>

static const char *const version_option[] = {"--version", NULL};
static const char *const version_word[] = {"version", NULL};
static const char *const print_targets[] = {"--print-targets", NULL};

static const char *const clang_names[] = {"clang",    "clang-21", "clang-20", "clang-19",
                                          "clang-18", "clang-17", "clang-16", "clang-15",
                                          "clang-14", NULL};
static const char *const linker_names[] = {"wasm-ld",    "wasm-ld-21", "wasm-ld-20", "wasm-ld-19",
                                           "wasm-ld-18", "wasm-ld-17", "wasm-ld-16", "wasm-ld-15",
                                           "wasm-ld-14", NULL};
static const char *const go_names[] = {"go", NULL};
static const char *const tinygo_names[] = {"tinygo", NULL};
static const char *const cargo_names[] = {"cargo", NULL};
static const char *const node_names[] = {"node", "nodejs", NULL};
static const char *const python_names[] = {"python3", "python", NULL};

static const doctor_tool clang = {clang_names, print_targets, "wasm32",
                                  "it was built without WebAssembly"};
static const doctor_tool linker = {linker_names, version_option, NULL, NULL};
static const doctor_tool go = {go_names, version_word, NULL, NULL};
static const doctor_tool tinygo = {tinygo_names, version_word, NULL, NULL};
static const doctor_tool cargo = {cargo_names, version_option, NULL, NULL};
static const doctor_tool node = {node_names, version_option, NULL, NULL};
static const doctor_tool python = {python_names, version_option, NULL, NULL};

const doctor_check doctor_checks[] = {
    {"machine", "engine", doctor_look_engine,
     "see what the message names; a limit on addresses (ulimit -v) is the usual cause", NULL},
    {"machine", "kernel", doctor_look_kernel,
     "Linux 6.7 or later makes resets several times cheaper", NULL},
    {"machine", "pagemap_scan", doctor_look_scan,
     "use Linux 6.7 or later and the engine that Bullpen's own build makes", NULL},
    {"machine", "address_reservation", doctor_look_reservation,
     "lift the limit on addresses: ulimit -v unlimited", NULL},
    {"machine", "vm.max_map_count", doctor_look_map_count,
     "raise it: sysctl -w vm.max_map_count=262144", NULL},
    {"machine", "vm.overcommit_memory", doctor_look_overcommit,
     "set it to 0, or raise vm.overcommit_ratio", NULL},
    {"machine", "clock_source", doctor_look_clock,
     "see 'available_clocksource' beside it; deadlines cost more with a slow clock", NULL},
    {"process", "address_space", doctor_look_address_space,
     "lift it: ulimit -v unlimited; under a limit fewer sandboxes can be reserved", NULL},
    {"process", "stack", doctor_look_stack,
     "raise it: ulimit -s 8192; a plugin runs on its caller's stack", NULL},
    {"process", "module_cache", doctor_look_cache,
     "without it every plugin is compiled again in every process: name a private folder of your "
     "own "
     "in BULLPEN_CACHE_DIR",
     NULL},
    {"process", "bullpen-compile", doctor_look_compiler,
     "install it with Bullpen, or name it in BULLPEN_COMPILE: without it nothing ends a "
     "compilation "
     "that takes too long",
     NULL},
    {"process", "cores", doctor_look_cores, "", NULL},
    {"process", "memory_pressure", doctor_look_pressure,
     "without any of them idle sandboxes are only freed when they expire: mount /proc and cgroup 2",
     NULL},
    {"plugins in C", "clang", doctor_look_tool, "install clang (Debian: apt install clang)",
     &clang},
    {"plugins in C", "wasm-ld", doctor_look_tool, "install LLD (Debian: apt install lld)", &linker},
    {"plugins in Go", "go", doctor_look_go, "install Go 1.24 or later", &go},
    {"plugins in Go", "tinygo", doctor_look_tool,
     "install TinyGo for plugins that are ten times smaller", &tinygo},
    {"plugins in Rust", "cargo", doctor_look_tool, "install Rust with rustup", &cargo},
    {"plugins in Rust", "wasm target", doctor_look_rust_target,
     "rustup target add wasm32-unknown-unknown", NULL},
    {"plugins in JavaScript", "node", doctor_look_tool,
     "install Node.js (Debian: apt install nodejs)", &node},
    {"plugins in Python", "python", doctor_look_tool,
     "install Python 3 (Debian: apt install python3)", &python},
    {NULL, NULL, NULL, NULL, NULL},
};
