"""bullpen plugin new and bullpen plugin build: from nothing to a call, and what stands in the way."""
import json
import os
import pathlib
import resource
import signal
import stat
import subprocess

import pytest

LANGUAGES = {"c": "plugin.c", "go": "main.go", "rust": "src/lib.rs"}
TITLES = {"c": "C", "go": "Go", "rust": "Rust"}
# The first build of a plugin in Rust compiles its crates and, on some machines, Rust's library.
RUST_PATIENCE_S = 900


@pytest.fixture
def plugin(bullpen_bin, toolchains, tmp_path):
    """Runs `bullpen plugin` in an empty folder; `env` adds to the environment, None takes away."""

    def run(*arguments, cwd=tmp_path, env=None):
        environment = {key: value for key, value in {**toolchains, **(env or {})}.items() if value is not None}
        return subprocess.run([bullpen_bin, "plugin", *map(str, arguments)], cwd=cwd, env=environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=RUST_PATIENCE_S, check=False)

    return run


@pytest.fixture
def new(plugin, tmp_path):
    """A new project's folder."""

    def run(language, name="hello"):
        done = plugin("new", name, "--lang", language)
        assert done.returncode == 0, done.stderr
        return tmp_path / name

    return run


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def program(folder, name, script):
    """A program that stands for a tool."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}")
    file.chmod(0o755)
    return folder


# --- from nothing to a call --------------------------------------------------------------------

@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["hello", "0-a"])
def test_new_build_and_call(plugin, call, tmp_path, language, name):
    done = plugin("new", name, "--lang", language)
    assert (done.returncode, done.stderr) == (0, "")
    first, *lines = done.stdout.splitlines()
    assert first == f"{name}: a plugin in {TITLES[language]}"
    folder = tmp_path / name
    written = [line.removeprefix(f"  {name}/") for line in lines[:lines.index("next:")]]
    assert sorted(written) == tree(folder)
    assert {"manifest.json", "README.md", ".gitignore", "test/input.txt", LANGUAGES[language]} <= set(written)
    assert not any("@NAME@" in file.read_text() for file in folder.rglob("*") if file.is_file())
    manifest = (folder / "manifest.json").read_text()

    done = plugin("build", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{name}.wasm: ") and "exports greet" in done.stdout
    assert (folder / "manifest.json").read_text() == manifest
    assert not list(folder.glob(".*.new"))

    wasi = ["--wasi"] if "--wasi" in lines[-1] else []
    done = call(folder / f"{name}.wasm", "greet", "--input", f"@{folder}/test/input.txt", *wasi)
    assert (done.code, done.out) == (0, b"Hello, Ada!"), done.err
    done = call(folder / f"{name}.wasm", "greet", *wasi)
    assert (done.code, done.out) == (3, b"")
    assert "nobody to greet" in done.err


@pytest.mark.parametrize("language", LANGUAGES)
def test_results_as_json(plugin, tmp_path, language):
    done = plugin("new", "hello", "elsewhere", "--lang", language, "--json")
    result = json.loads(done.stdout)
    assert (result["name"], result["language"], result["folder"]) == ("hello", language, "elsewhere")
    assert sorted(result["files"]) == tree(tmp_path / "elsewhere")
    done = plugin("build", "elsewhere", "--json", "--debug")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    file = tmp_path / result["file"]
    assert file == tmp_path / "elsewhere" / "hello.wasm"
    assert (result["exports"], result["added"], result["missing"]) == (["greet"], [], [])
    assert result["bytes"] == file.stat().st_size
    assert result["debug"] is True and result["wasi"] is (language == "go")


def test_an_empty_folder_is_used(plugin, tmp_path):
    (tmp_path / "empty").mkdir()
    assert plugin("new", "hello", "empty", "--lang", "c").returncode == 0
    assert (tmp_path / "empty" / "plugin.c").is_file()


def test_the_header_in_a_project_is_the_sdk(new, root):
    assert (new("c") / "bullpen_plugin.h").read_bytes() == (root / "sdk/c/bullpen_plugin.h").read_bytes()


def test_quiet_says_the_result_only(plugin, new):
    done = plugin("build", new("c"), "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


# --- names and folders that are refused --------------------------------------------------------

@pytest.mark.parametrize("name", ["", "Hello", "-hello", "a_b", "a/b", "..", "ü", "a" * 64, "a b", "a\nb"])
def test_a_name_that_is_none(plugin, tmp_path, name):
    done = plugin("new", "--lang", "c", "--", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be a plugin's name: 1 to 63 lower-case letters" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments, error", [
    (("new",), "needs the plugin's NAME"),
    (("new", "hello"), "needs --lang: c, go, rust, js or python"),
    (("new", "hello", "--lang", "cobol"), "--lang: 'cobol' is none of c, go, tinygo, rust, js, python"),
    (("new", "hello", "--lang", "tinygo"), "with --lang go"),
    (("new", "hello", "--lang", "c", "--debug"), "belong to 'plugin build'"),
    (("new", "hello", "", "--lang", "c"), "names no folder"),
    (("build", ""), "names no folder"),
    (("build", "a", "b"), "takes one folder, not 'b' as well"),
    (("build", "--debug", "--release"), "exclude each other"),
])
def test_a_wrong_command_line(plugin, tmp_path, arguments, error):
    done = plugin(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert error in done.stderr
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(plugin, new, tmp_path):
    folder = new("c")
    before = {file: (folder / file).read_bytes() for file in tree(folder)}
    for language in LANGUAGES:
        done = plugin("new", "hello", "--lang", language)
        assert done.returncode == 1
        assert "'hello' is there already" in done.stderr
    assert {file: (folder / file).read_bytes() for file in tree(folder)} == before
    (tmp_path / "file").write_text("mine")
    done = plugin("new", "file", "--lang", "c", "--json")
    assert done.returncode == 1
    assert "'file' is there already" in json.loads(done.stdout)["error"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_cannot_be_made(plugin, tmp_path):
    done = plugin("new", "hello", "no/such/folder", "--lang", "c")
    assert done.returncode == 1
    assert "make the folder 'no/such/folder': No such file or directory" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("there", [False, True])
def test_half_a_project_is_taken_away(bullpen_bin, tmp_path, there):
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # less than Cargo.lock, which is not the first file

    if there:
        (tmp_path / "hello").mkdir()
    done = subprocess.run([bullpen_bin, "plugin", "new", "hello", "--lang", "rust"], cwd=tmp_path, capture_output=True,
                          text=True, preexec_fn=small_files, timeout=60, check=False)
    assert done.returncode == 1
    assert "write 'hello/Cargo.lock': File too large" in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == (["hello"] if there else [])


# --- builds that fail --------------------------------------------------------------------------

@pytest.mark.parametrize("language, tool", [("c", "clang is missing"), ("go", "go is missing"),
                                            ("rust", "cargo is missing")])
@pytest.mark.parametrize("path", ["", None, "/nowhere", "relative"])
def test_a_missing_tool(plugin, new, language, tool, path):
    folder = new(language)
    done = plugin("build", folder, env={"PATH": path, "WASI_SDK_PATH": None})
    assert (done.returncode, done.stdout) == (1, "")
    assert tool in done.stderr
    assert "apt install" in done.stderr or "go.dev/dl" in done.stderr
    assert not list(folder.glob("*.wasm"))


def test_a_clang_without_webassembly(plugin, new, tmp_path):
    tools = program(tmp_path / "bin", "clang", "echo x86-64")
    done = plugin("build", new("c"), env={"PATH": str(tools)})
    assert done.returncode == 1
    assert "this clang was built without WebAssembly" in done.stderr


def test_a_missing_linker(plugin, new, tmp_path):
    tools = program(tmp_path / "bin", "clang", 'case $1 in --print-targets) echo wasm32;; *) echo wasm-ld;; esac')
    done = plugin("build", new("c"), env={"PATH": str(tools)})
    assert done.returncode == 1
    assert "wasm-ld, the linker, is missing" in done.stderr


def test_an_old_go(plugin, new, tmp_path):
    tools = program(tmp_path / "bin", "go", "echo go version go1.19.8 linux/amd64")
    done = plugin("build", new("go"), env={"PATH": str(tools)})
    assert done.returncode == 1
    assert "Go 1.19 is too old for plugins: install Go 1.24 or later" in done.stderr


@pytest.mark.parametrize("language, wrong, said", [
    ("c", "int x = ;", "plugin.c"), ("go", "func x() { return 1 }", "main.go"), ("rust", "fn x() -> u8 {}", "lib.rs")])
def test_what_the_compiler_says_is_shown(plugin, new, call, language, wrong, said):
    folder = new(language)
    assert plugin("build", folder).returncode == 0
    before = (folder / "hello.wasm").read_bytes()
    with open(folder / LANGUAGES[language], "a", encoding="utf-8") as file:
        file.write(f"\n{wrong}\n")
    done = plugin("build", folder, "--json")
    assert done.returncode == 1
    assert said in done.stderr and "what it says is above" in done.stderr
    assert "failed" in json.loads(done.stdout)["error"]
    assert (folder / "hello.wasm").read_bytes() == before, "a failed build leaves the last plugin"
    assert not list(folder.glob(".*.new"))


@pytest.mark.parametrize("language, source, error", [
    ("c", "int nothing;\n", "begin one with BP_PLUGIN_EXPORT(NAME)"),
    ("go", "package main\n\nfunc main() {}\n", "put '//go:wasmexport NAME'"),
    ("rust", "pub fn nothing() {}\n", "put '#[plugin_fn]' above"),
])
def test_a_plugin_without_exports(plugin, new, language, source, error):
    folder = new(language)
    (folder / LANGUAGES[language]).write_text(source)
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "exports nothing that can be called" in done.stderr and error in done.stderr
    assert not list(folder.glob("*.wasm"))


def test_a_function_that_nobody_defines(plugin, new):
    folder = new("c")
    (folder / "plugin.c").write_text('#include "bullpen_plugin.h"\nint other(void);\n'
                                     'BP_PLUGIN_EXPORT(one)\n{\n    return other();\n}\n')
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "undefined symbol: other" in done.stderr


@pytest.mark.parametrize("toml, error", [
    ('[package]\nname = "x"\nversion = "0.1.0"\n[lib]\ncrate-type = ["rlib"]\n'
     '[profile.release]\npanic = "abort"\nopt-level = "s"\nlto = true\nstrip = "debuginfo"\n', 'crate-type = ["cdylib"]'),
    ('[package\n', "what it says is above"),
])
def test_a_cargo_project_that_makes_no_plugin(plugin, new, toml, error):
    folder = new("rust")
    (folder / "Cargo.toml").write_text(toml)
    (folder / "Cargo.lock").unlink()
    (folder / "src" / "lib.rs").write_text("")
    done = plugin("build", folder)
    assert done.returncode == 1
    assert error in done.stderr


@pytest.fixture
def pretend_rust(tmp_path):
    """A Rust that prints what is given as Cargo's messages, and has a target for WebAssembly, or none."""

    def make(messages, target=True):
        library = tmp_path / "library"
        library.mkdir()
        if target:
            (library / "libstd-1.rlib").write_text("")
        tools = program(tmp_path / "bin", "rustc", f"echo {library}")
        (tmp_path / "messages").write_text(messages)
        return program(tools, "cargo", f"while read -r line; do echo \"$line\"; done <'{tmp_path}/messages'")

    return make


def test_cargo_without_a_target(plugin, new, pretend_rust):
    done = plugin("build", new("rust"), env={"PATH": str(pretend_rust("", target=False)), "RUSTC": None})
    assert done.returncode == 1
    assert "rustup target add wasm32-unknown-unknown" in done.stderr


def test_several_plugins_from_cargo(plugin, new, pretend_rust):
    messages = "".join(json.dumps({"reason": "compiler-artifact", "filenames": [f"/x/{name}.wasm"]}) + "\n"
                       for name in ("one", "two"))
    done = plugin("build", new("rust"), env={"PATH": str(pretend_rust(messages)), "RUSTC": None})
    assert done.returncode == 1
    assert "Cargo made 2 plugins, '/x/one.wasm' and '/x/two.wasm'" in done.stderr


def test_cargo_that_talks_nonsense(plugin, new, pretend_rust):
    messages = 'not JSON\n[]\n{"reason": 1}\n{"reason": "compiler-artifact", "filenames": {"a": 1}}\n'
    done = plugin("build", new("rust"), env={"PATH": str(pretend_rust(messages)), "RUSTC": None})
    assert done.returncode == 1
    assert "Cargo made no .wasm" in done.stderr


# --- which language ----------------------------------------------------------------------------

def test_two_languages_at_once(plugin, new):
    folder = new("c")
    (folder / "go.mod").write_text("module example.com/x\n")
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "(C)" in done.stderr and "'go.mod' (Go): say which with --lang" in done.stderr
    assert plugin("build", folder, "--lang", "c").returncode == 0


def test_a_language_that_is_not_there(plugin, new):
    done = plugin("build", new("c"), "--lang", "rust")
    assert done.returncode == 1
    assert "--lang rust: " in done.stderr and "has no Cargo.toml" in done.stderr


def test_a_marker_that_is_a_folder(plugin, new):
    folder = new("c")
    (folder / "go.mod").mkdir()
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "go.mod' is a folder, not a file" in done.stderr


@pytest.mark.parametrize("marker, error", [(None, "nothing says what to build"), ("build.zig", "a project in Zig"),
                                           ("composer.json", "a project in PHP")])
def test_no_language_that_is_built(plugin, tmp_path, marker, error):
    (tmp_path / "manifest.json").write_text('{"name": "hello"}')
    if marker:
        (tmp_path / marker).write_text("")
    done = plugin("build")
    assert done.returncode == 1
    assert error in done.stderr


def test_sources_with_names_like_options(plugin, new, call):
    folder = new("c")
    (folder / "plugin.c").rename(folder / "-o.c")
    (folder / "src").mkdir()
    (folder / "src" / "more.cpp").write_text('#include "../bullpen_plugin.h"\n'
                                             'BP_PLUGIN_EXPORT(more) { return bp_output(BP_TEXT("more")); }\n')
    done = plugin("build", folder)
    assert done.returncode == 0, done.stderr
    assert call(folder / "hello.wasm", "more").out == b"more"


def test_tinygo_is_used_where_it_is_installed(plugin, new, tmp_path, toolchains, built_guests):
    folder = new("go")
    tools = program(tmp_path / "bin", "tinygo", f"""for word; do echo "$word"; done >'{tmp_path}/words'
while [ "$1" != -o ]; do shift; done
while read -r line; do :; done </dev/null
/bin/cp '{built_guests.resolve()}/sdk/extism.wasm' "$2"
""")
    path = f"{tools}:{toolchains['PATH']}"
    done = plugin("build", folder, "--json", env={"PATH": path})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["language"] == "tinygo"
    words = (tmp_path / "words").read_text().split()
    assert words[:4] == ["build", "-buildmode=c-shared", "-target=wasip1", "-no-debug"] and words[-1] == "."
    assert json.loads(plugin("build", folder, "--json", "--lang", "go", env={"PATH": path}).stdout)["language"] == "go"


# --- the manifest ------------------------------------------------------------------------------

@pytest.mark.parametrize("text, error", [
    ("", "line 1"), ("[]", "/: must be an object"), ("{", "line 1"), ("{}", "/name: must be the plugin's name"),
    ('{"name": "Hello"}', "/name: must be 1 to 63"), ('{"name": 1}', "/name: must be"),
    ('{"name": "hello", "name": "other"}', "duplicate object key"),
    ('{"name": "hello", "entry": "../hello.wasm"}', "/entry: must be"),
    ('{"name": "hello", "entry": "/tmp/hello.wasm"}', "/entry: must be"),
    ('{"name": "hello", "entry": "hello.txt"}', "/entry: must be"),
    ('{"name": "hello", "entry": 1}', "/entry: must be"),
    ('{"name": "hello", "exports": {}}', "/exports: must be a list"),
    ('{"name": "hello", "exports": [{"name": "a"}, {"doc": "b"}]}', "/exports/1/name: must be"),
    ('{"name": "hello", "exports": ["a"]}', "/exports/0/name: must be"),
    ('{"name": "hello", "abi": "javascript"}', '/abi: must be "extism"'),
    ("[" * 100000, "line 1"), ('{"name": "hello", "x": "' + "x" * (1 << 20) + '"}', "larger than the limit"),
])
def test_a_broken_manifest(plugin, new, text, error):
    folder = new("c")
    (folder / "manifest.json").write_text(text)
    done = plugin("build", folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "manifest.json" in done.stderr and error in done.stderr
    assert (folder / "manifest.json").read_text() == text
    assert not list(folder.glob("*.wasm"))


def test_no_manifest(plugin, new, tmp_path):
    folder = new("c")
    (folder / "manifest.json").unlink()
    for arguments in (("build", folder), ("build", "nowhere")):
        done = plugin(*arguments)
        assert done.returncode == 1
        assert "there is no '" in done.stderr and "'bullpen plugin new' writes a project with one" in done.stderr
    (folder / "manifest.json").mkdir()
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "a directory" in done.stderr


def test_exports_are_added_and_nothing_else_is_changed(plugin, new):
    folder = new("c")
    written = {"version": "1.2.3", "name": "hello", "x-mine": {"z": [0.1, 1e300, "ü"], "a": None},
               "exports": [{"name": "gone", "doc": "was here"}, {"doc": "mine", "name": "greet", "writeable": True}]}
    file = folder / "manifest.json"
    file.write_text(json.dumps(written))
    file.chmod(0o640)
    with open(folder / "plugin.c", "a", encoding="utf-8") as source:
        source.write("BP_PLUGIN_EXPORT(more)\n{\n    return 0;\n}\n")
    done = plugin("build", folder)
    assert done.returncode == 0, done.stderr
    assert "added to" in done.stderr and "more" in done.stderr
    assert "describes what the plugin does not export: gone" in done.stderr
    after = json.loads(file.read_text())
    assert after["exports"] == [*written["exports"], {"name": "more"}]
    assert list(after) == [*written, "entry"] and after["entry"] == "hello.wasm"
    assert {key: after[key] for key in written if key != "exports"} == \
        {key: value for key, value in written.items() if key != "exports"}
    assert list(after["exports"][1]) == ["doc", "name", "writeable"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert "0.1," in file.read_text()
    text = file.read_text()
    assert plugin("build", folder).returncode == 0
    assert file.read_text() == text


def test_a_manifest_behind_a_link_stays_there(plugin, new, tmp_path):
    folder = new("c")
    real = tmp_path / "real.json"
    real.write_text('{"name": "hello"}')
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").symlink_to(real)
    assert plugin("build", folder).returncode == 0
    assert (folder / "manifest.json").is_symlink()
    assert json.loads(real.read_text())["exports"] == [{"name": "greet"}]


# --- an end before the end ---------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_interrupted(bullpen_bin, new, tmp_path, toolchains, number):
    folder = new("go")
    started = tmp_path / "started"
    os.mkfifo(started)
    tools = program(tmp_path / "bin", "tinygo", f"echo $$ >'{started}'\nexec sleep 600\n")
    with subprocess.Popen([bullpen_bin, "plugin", "build", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env={**toolchains, "PATH": f"{tools}:{toolchains['PATH']}"}) as build:
        tool = int(pathlib.Path(started).read_text())
        build.send_signal(number)
        out, err = build.communicate(timeout=60)
    assert (build.returncode, out) == (128 + number, "")
    assert "interrupted" in err
    with pytest.raises(ProcessLookupError):
        os.kill(tool, 0)
    assert tree(folder) == sorted(set(tree(folder)) - {"hello.wasm"})
    assert not list(folder.glob(".*.new"))


def test_a_tool_that_dies(plugin, new, tmp_path):
    tools = program(tmp_path / "bin", "tinygo", "kill -9 $$")
    done = plugin("build", new("go"), env={"PATH": str(tools)})
    assert done.returncode == 1
    assert "'tinygo' was ended by signal 9" in done.stderr


def test_a_tool_that_makes_nothing_or_no_webassembly(plugin, new, tmp_path):
    folder = new("go")
    tools = program(tmp_path / "bin", "tinygo", "exit 0")
    done = plugin("build", folder, env={"PATH": str(tools)})
    assert done.returncode == 1
    assert "No such file" in done.stderr
    program(tools, "tinygo", 'while [ "$1" != -o ]; do shift; done; echo text >"$2"')
    done = plugin("build", folder, env={"PATH": str(tools)})
    assert done.returncode == 1
    assert "neither a manifest nor WebAssembly" in done.stderr
    assert not list(folder.glob(".*.new")) and not list(folder.glob("*.wasm"))


def test_a_place_that_is_taken(plugin, new):
    folder = new("c")
    (folder / "hello.wasm").mkdir()
    manifest = (folder / "manifest.json").read_text().replace('"greet"', '"other"')
    (folder / "manifest.json").write_text(manifest)
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "hello.wasm': Is a directory" in done.stderr
    assert (folder / "manifest.json").read_text() == manifest
    assert not list(folder.glob(".*.new"))


# --- a C library, or none ----------------------------------------------------------------------

PRINTS = '#include <stdio.h>\n#include "bullpen_plugin.h"\nBP_PLUGIN_EXPORT(greet)\n{\n    return printf("hi\\n") < 0;\n}\n'


def test_the_c_library_is_there_where_it_is_installed(plugin, new, call):
    folder = new("c")
    (folder / "plugin.c").write_text(PRINTS)
    done = plugin("build", folder, "--json", env={"WASI_SDK_PATH": None})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["wasi"] is True
    done = call(folder / "hello.wasm", "greet", "--wasi")
    assert (done.code, done.out) == (0, b"") and "hi" in done.err


def test_without_a_c_library(plugin, new, call, tmp_path):
    folder = new("c")
    tools = program(tmp_path / "bin", "clang", """case "$*" in
*--print-libgcc-file-name*) echo /nowhere ;;
*) exec clang-19 "$@" ;;
esac""")
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "WASI_SDK_PATH": None}
    done = plugin("build", folder, env=environment)
    assert done.returncode == 0, done.stderr
    assert call(folder / "hello.wasm", "greet", "-i", "Ada").out == b"Hello, Ada!"
    (folder / "plugin.c").write_text(PRINTS)
    done = plugin("build", folder, env=environment)
    assert done.returncode == 1
    assert "stdio.h" in done.stderr


def test_a_wasi_sdk_that_is_named(plugin, new, tmp_path):
    program(tmp_path / "bin", "clang", f"""for word; do echo "$word"; done >'{tmp_path}/words'; exit 1""")
    done = plugin("build", new("c"), env={"WASI_SDK_PATH": str(tmp_path)})
    assert done.returncode == 1
    words = (tmp_path / "words").read_text().split()
    assert {"--target=wasm32-wasi", "-mexec-model=reactor", "plugin.c"} <= set(words)
    assert not any(word.startswith("--sysroot") for word in words)


@pytest.mark.parametrize("sdk", ["/nowhere", "relative"])
def test_a_wasi_sdk_that_is_none(plugin, new, sdk):
    done = plugin("build", new("c"), env={"WASI_SDK_PATH": sdk})
    assert done.returncode == 1
    assert f"WASI_SDK_PATH: '{sdk}' has no bin/clang" in done.stderr
