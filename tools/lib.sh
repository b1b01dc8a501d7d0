# Shared by the programs in tools/: sourced, not run. POSIX sh.

# Where everything is kept that is made once for this user and is not part of the project.
bullpen_cache=${XDG_CACHE_HOME:-$HOME/.cache}/bullpen

# Progress and reasons go to standard error; standard output is for results.
say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
    say "$*"
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# version_at_least 1.96.0 1.95: whether the first version is the second or later.
version_at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# The Go that builds guests: wasip1 with exported functions came with 1.24.
bullpen_go_version=1.24.4
bullpen_go_root=$bullpen_cache/go-$bullpen_go_version

# Print the path of a Go that is new enough: the user's own, or the one that tools/setup has put into the cache.
find_go() {
    for go in "$(command -v go || true)" "$bullpen_go_root/bin/go"; do
        [ -x "$go" ] || continue
        # "local": an old Go must not go and fetch another one to answer the question
        version=$(GOTOOLCHAIN=local "$go" version 2>/dev/null | sed 's/^go version go\([0-9.]*\).*/\1/')
        if version_at_least "${version:-0}" 1.24; then
            echo "$go"
            return 0
        fi
    done
    return 1
}

# Whether the user's own Rust has a standard library for WebAssembly.
rust_has_wasm() {
    for target in wasm32-unknown-unknown wasm32-wasip1; do
        folder=$(rustc --print target-libdir --target $target 2>/dev/null) || return 1
        [ -z "$(find "$folder" -name 'libstd-*.rlib' 2>/dev/null)" ] || return 0
    done
    return 1
}

# Print the compiler that makes plugins in Rust: the user's own, or Debian's with the library's source.
find_rustc_for_wasm() {
    if rust_has_wasm; then
        command -v rustc
        return 0
    fi
    for rustc in "$(command -v rustc || true)" /usr/bin/rustc; do
        [ -x "$rustc" ] && [ -d "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/std" ] || continue
        echo "$rustc"
        return 0
    done
    return 1
}

# Print a Python that has what the tests from outside import; the user's own may not, while Debian's does.
find_python() {
    for python in "$(command -v python3 || true)" /usr/bin/python3; do
        [ -x "$python" ] && "$python" -c 'import pytest, prometheus_client' 2>/dev/null || continue
        echo "$python"
        return 0
    done
    return 1
}

# What makes components of JavaScript and Python, in the versions that new plugins get.
bullpen_jco_version=$(sed -n 's/.*"@bytecodealliance\/jco": "\(.*\)".*/\1/p' "$root/sdk/templates/js-plugin/package.json")
bullpen_jco_root=$bullpen_cache/jco-$bullpen_jco_version
bullpen_componentize_py_version=$(sed -n 's/^componentize-py==//p' "$root/sdk/templates/python-plugin/requirements.txt")
bullpen_componentize_py_root=$bullpen_cache/componentize-py-$bullpen_componentize_py_version

# jco runs on no older one.
bullpen_node_version=20.19
bullpen_node_root=$bullpen_cache/node-22

# Print the folder with a node and an npm that are new enough: the user's own, or what tools/setup has put into the cache.
find_node() {
    for node in "$(command -v node || true)" "$bullpen_node_root/bin/node"; do
        [ -x "$node" ] && [ -x "${node%/*}/npm" ] || continue
        version=$("$node" --version 2>/dev/null | sed 's/^v//')
        if version_at_least "${version:-0}" $bullpen_node_version; then
            echo "${node%/*}"
            return 0
        fi
    done
    return 1
}
