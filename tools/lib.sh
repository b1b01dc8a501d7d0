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
