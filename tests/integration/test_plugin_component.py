"""bullpen plugin new and bullpen plugin build for components: four languages, and what stands in the way."""
import json
import shutil
import subprocess

import pytest

LANGUAGES = {"c": "plugin.c", "rust": "src/lib.rs", "js": "plugin.js", "python": "app.py"}
TITLES = {"c": "C", "rust": "Rust", "js": "JavaScript", "python": "Python"}
WORLDS = {"plugin": ["handle"], "middleware": ["on-error", "on-request", "on-response"]}
# The first build of a plugin in Rust compiles its crates and, on some machines, Rust's library.
PATIENCE_S = 900


@pytest.fixture
def plugin(bullpen_bin, toolchains, tmp_path):
    """Runs `bullpen plugin` in an empty folder; `env` adds to the environment, None takes away."""

    def run(*arguments, cwd=tmp_path, env=None):
        environment = {key: value for key, value in {**toolchains, **(env or {})}.items() if value is not None}
        return subprocess.run([bullpen_bin, "plugin", *map(str, arguments)], cwd=cwd, env=environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=False)

    return run


@pytest.fixture
def new(plugin, tmp_path):
    """A new project's folder."""

    def run(language, world="plugin", name="hello"):
        done = plugin("new", name, "--lang", language, "--abi", "component", "--world", world)
        assert done.returncode == 0, done.stderr
        return tmp_path / name

    return run


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def program(folder, name, script):
    """A program that stands for a tool."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}")
    file.chmod(0o755)
    return folder


def change_manifest(folder, **fields):
    file = folder / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


# --- from nothing to a call --------------------------------------------------------------------

@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_project(plugin, tmp_path, root, language, world):
    done = plugin("new", "hello", "--lang", language, "--abi", "component", "--world", world)
    assert (done.returncode, done.stderr) == (0, "")
    first, *lines = done.stdout.splitlines()
    assert first == f"hello: a plugin in {TITLES[language]}"
    folder = tmp_path / "hello"
    written = [line.removeprefix("  hello/") for line in lines[:lines.index("next:")]]
    assert sorted(written) == tree(folder)
    assert {"manifest.json", "README.md", ".gitignore", "wit/world.wit", LANGUAGES[language]} <= set(written)
    assert not any("@NAME@" in file.read_text() for file in folder.rglob("*") if file.is_file())
    for name in ("plugin.wit", "middleware.wit"):
        assert (folder / "wit/deps/bullpen-plugin" / name).read_bytes() == (root / "wit" / name).read_bytes()
    assert json.loads((folder / "manifest.json").read_text())["abi"] == "component"
    done = plugin("validate", folder)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("language", LANGUAGES)
def test_new_build_and_call(plugin, new, call, language):
    folder = new(language)
    manifest = (folder / "manifest.json").read_text()
    done = plugin("build", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("hello.wasm: ") and "exports handle" in done.stdout
    assert (folder / "manifest.json").read_text() == manifest
    assert not list(folder.glob(".*.new"))
    done = call(folder / "hello.wasm", "handle", "--input", f"@{folder}/test/input.txt")
    assert (done.code, done.out) == (0, b"Hello, Ada!"), done.err
    done = call(folder / "hello.wasm", "handle")
    assert (done.code, done.out) == (3, b"")
    assert "nobody to greet" in done.err


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_met_is_known(plugin, new, call, tmp_path, language):
    folder = new(language)
    assert plugin("build", folder).returncode == 0
    store = ("--kv", f"file:{tmp_path}/kv")
    for greeting in (b"Hello, Ada!", b"Hello again, Ada!"):
        done = call(folder / "hello.wasm", "handle", "-i", "Ada", *store)
        assert (done.code, done.out) == (0, greeting), done.err


@pytest.mark.parametrize("language", LANGUAGES)
def test_middleware(plugin, new, language):
    done = plugin("build", "--json", new(language, "middleware"))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (sorted(result["exports"]), result["added"], result["missing"]) == (WORLDS["middleware"], [], [])


def test_starlingmonkey(plugin, new, call):
    folder = new("js")
    package = json.loads((folder / "package.json").read_text())
    package["bullpen"]["engine"] = "starlingmonkey"
    (folder / "package.json").write_text(json.dumps(package))
    done = plugin("build", folder)
    assert done.returncode == 0, done.stderr
    assert "StarlingMonkey" in done.stderr
    done = call(folder / "hello.wasm", "handle", "-i", "Ada")
    assert (done.code, done.out) == (0, b"Hello, Ada!"), done.err


def test_an_export_of_its_own(plugin, new):
    folder = new("c")
    world = folder / "wit" / "world.wit"
    world.write_text(world.read_text().replace(
        "    // export add: func(a: u32, b: u32) -> u32;\n",
        "    /// Adds two numbers.\n    export add: func(a: u32, b: u32) -> u32;\n"))
    with open(folder / "plugin.c", "a", encoding="utf-8") as file:
        file.write("\nuint32_t exports_plugin_add(uint32_t a, uint32_t b)\n{\n    return a + b;\n}\n")
    done = plugin("build", "--json", folder)
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads(done.stdout)["exports"]) == ["add", "handle"]
    assert json.loads(done.stdout)["added"] == ["add"]
    written = json.loads((folder / "manifest.json").read_text())["exports"][1]
    assert written["name"] == "add" and written["doc"].endswith("Adds two numbers.")
    code = (folder / "hello.wasm").read_bytes()
    assert b"package-docs" in code and b"Adds two numbers." in code


def test_comments_and_what_the_guest_says_go_into_the_manifest(plugin, new, bullpen):
    folder = new("c")
    world = folder / "wit" / "world.wit"
    world.write_text(world.read_text().replace(
        "    // export add: func(a: u32, b: u32) -> u32;\n",
        """    /// Adds two numbers.
    export add: func(a: u32, b: u32) -> u32;
    export list-functions: func() -> list<string>;
    export function-comment: func(name: string) -> string;
    export function-writeable: func(name: string) -> bool;
    export function-args: func(name: string) -> string;
"""))
    with open(folder / "plugin.c", "a", encoding="utf-8") as file:
        file.write("""
#include <stdlib.h>

uint32_t exports_plugin_add(uint32_t a, uint32_t b)
{
    return a + b;
}

void exports_plugin_list_functions(plugin_list_string_t *ret)
{
    ret->len = 3;
    ret->ptr = malloc(3 * sizeof *ret->ptr);
    plugin_string_dup(&ret->ptr[0], "add");
    plugin_string_dup(&ret->ptr[1], "handle");
    plugin_string_dup(&ret->ptr[2], "other");
}

void exports_plugin_function_comment(plugin_string_t *name, plugin_string_t *ret)
{
    (void)name;
    plugin_string_dup(ret, "What the guest says.");
}

bool exports_plugin_function_writeable(plugin_string_t *name)
{
    return name->len == 6;
}

void exports_plugin_function_args(plugin_string_t *name, plugin_string_t *ret)
{
    (void)name;
    plugin_string_dup(ret, "{\\"type\\": \\"array\\"}");
}
""")
    done = plugin("build", "--json", folder)
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads(done.stdout)["exports"]) == ["add", "handle"]
    assert "'list-functions' names 'other', which cannot be called" in done.stderr
    exports = {item["name"]: item for item in json.loads((folder / "manifest.json").read_text())["exports"]}
    assert exports["add"] == {"name": "add", "doc": "What the guest says.", "arguments": {"type": "array"}}
    assert exports["handle"] == {"name": "handle", "doc": "Answers a greeting. The input is a name in UTF-8.",
                                 "arguments": {"type": "array"}, "writeable": True}
    assert plugin("validate", folder).returncode == 0
    assert b"      Adds two numbers.\n" in bullpen("inspect", folder / "hello.wasm").out


def test_a_component_in_cpp(plugin, new):
    folder = new("c")
    source = (folder / "plugin.c").read_text()
    (folder / "plugin.c").unlink()
    (folder / "src").mkdir()
    (folder / "src" / "plugin.cpp").write_text(source)
    done = plugin("build", folder)
    assert done.returncode == 0, done.stderr


# --- what is refused ---------------------------------------------------------------------------

@pytest.mark.parametrize("arguments, error", [
    (("new", "hello", "--lang", "go", "--abi", "component"), "plugins in Go are not built as components"),
    (("new", "hello", "--lang", "js", "--abi", "extism"), "plugins in JavaScript are built as components"),
    (("new", "hello", "--lang", "python", "--abi", "extism"), "plugins in Python are built as components"),
    (("new", "hello", "--lang", "c", "--world", "plugin"), "add --abi component"),
    (("new", "hello", "--lang", "js", "--world", "other"), "--world: 'other' is none of plugin, middleware"),
    (("new", "hello", "--lang", "js", "--abi", "wasi"), "--abi: 'wasi' is none of extism, component"),
    (("build", "--abi", "component"), "--abi and --world belong to 'plugin new'"),
    (("build", "--world", "plugin"), "--abi and --world belong to 'plugin new'"),
])
def test_a_wrong_command_line(plugin, tmp_path, arguments, error):
    done = plugin(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert error in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("language, abi, error", [
    ("go", "component", "plugins in Go are not built as components"),
    ("js", "extism", "plugins in JavaScript are built as components"),
    ("c", "command", "/abi: must be \"extism\" or \"component\""),
])
def test_a_manifest_that_does_not_fit(plugin, tmp_path, language, abi, error):
    assert plugin("new", "hello", "--lang", language).returncode == 0
    change_manifest(tmp_path / "hello", abi=abi)
    done = plugin("build", "hello")
    assert done.returncode == 1
    assert error in done.stderr


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_project_without_wit(plugin, new, language):
    folder = new(language)
    shutil.rmtree(folder / "wit")
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "wit' has no .wit file" in done.stderr or "what it says is above" in done.stderr
    assert not list(folder.glob("*.wasm"))


def test_wrong_wit_has_a_place(plugin, new):
    folder = new("c")
    (folder / "wit" / "world.wit").write_text("package local:plugin;\n\nworld plugin {\n    expert x;\n}\n")
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "world.wit:4:5" in done.stderr


def test_a_function_that_is_not_written(plugin, new):
    folder = new("c")
    (folder / "plugin.c").write_text('#include "plugin.h"\n')
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "exports_plugin_handle" in done.stderr
    assert not list(folder.glob("*.wasm"))


@pytest.mark.parametrize("language, wrong", [("c", "int x = ;"), ("rust", "fn x() -> u8 {}"), ("js", "export let x = ;"),
                                             ("python", "x = = 1")])
def test_what_the_tool_says_is_shown(plugin, new, language, wrong):
    folder = new(language)
    (folder / "hello.wasm").write_bytes(b"the last build's")
    with open(folder / LANGUAGES[language], "a", encoding="utf-8") as file:
        file.write(f"\n{wrong}\n")
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "what it says is above" in done.stderr
    assert (folder / "hello.wasm").read_bytes() == b"the last build's"
    assert not list(folder.glob(".*.new"))


# --- tools that are missing, and tools that are fetched -----------------------------------------

@pytest.mark.parametrize("language, missing, package", [
    ("js", "npm is missing", "apt install nodejs npm"), ("python", "python3 is missing", "python3-venv"),
    ("c", "clang is missing", "clang-19"), ("rust", "cargo is missing", "rustup")])
def test_a_missing_tool(plugin, new, tmp_path, language, missing, package):
    folder = new(language)
    done = plugin("build", folder, env={"PATH": str(tmp_path / "none"), "WASI_SDK_PATH": None})
    assert (done.returncode, done.stdout) == (1, "")
    assert missing in done.stderr and package in done.stderr


def test_a_missing_c_library(plugin, new, tmp_path):
    tools = program(tmp_path / "bin", "clang", 'case $1 in --print-targets) echo wasm32;; *) echo /nowhere;; esac')
    program(tools, "wasm-ld", "")
    done = plugin("build", new("c"), env={"PATH": str(tools), "WASI_SDK_PATH": None})
    assert done.returncode == 1
    assert "wasi-libc is missing" in done.stderr and "apt install wasi-libc" in done.stderr


@pytest.fixture
def component(plugin, new):
    """Some component's file."""
    folder = new("c", name="other")
    assert plugin("build", folder).returncode == 0
    return folder / "other.wasm"


# Writes what it was called with, and the component where it was told to.
TOOL = ('echo "$@" >>calls\nwhile [ $# -gt 1 ]; do case $1 in --out|--output) cp "{}" "$2";; esac; shift; done\n')


def test_jco_is_fetched_once(plugin, new, tmp_path, component):
    folder = new("js")
    tool = program(tmp_path / "tool", "jco", TOOL.format(component)) / "jco"
    npm = program(tmp_path / "bin", "npm", f'echo npm "$@" >>calls\nmkdir -p node_modules/.bin\ncp "{tool}" node_modules/.bin/jco\n')
    for _ in range(2):
        done = plugin("build", folder, env={"PATH": f"{npm}:/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr
    calls = (folder / "calls").read_text().splitlines()
    assert [line.split()[0] for line in calls] == ["npm", "componentize", "componentize"]
    assert "--backend-qjs-stub-wasi" in calls[1]


def test_npm_that_brings_no_jco(plugin, new, tmp_path):
    npm = program(tmp_path / "bin", "npm", "exit 0")
    done = plugin("build", new("js"), env={"PATH": f"{npm}:/bin"})
    assert done.returncode == 1
    assert 'put "@bytecodealliance/jco" under "devDependencies"' in done.stderr


def test_npm_that_fails(plugin, new, tmp_path):
    npm = program(tmp_path / "bin", "npm", "echo no network >&2; exit 7")
    done = plugin("build", new("js"), env={"PATH": f"{npm}:/bin"})
    assert done.returncode == 1
    assert "no network" in done.stderr and "'npm' failed (7)" in done.stderr


def test_componentize_py_is_fetched_once(plugin, new, tmp_path, component):
    folder = new("python")
    tool = program(tmp_path / "tool", "componentize-py", TOOL.format(component)) / "componentize-py"
    pip = program(tmp_path / "tool", "pip", f'echo pip "$@" >>calls\ncp "{tool}" build/venv/bin/\n') / "pip"
    python = program(tmp_path / "bin", "python3",
                     f'echo python3 "$@" >>calls\nmkdir -p build/venv/bin\ncp "{pip}" build/venv/bin/\n')
    for _ in range(2):
        done = plugin("build", folder, env={"PATH": f"{python}:/bin"})
        assert done.returncode == 0, done.stderr
    calls = (folder / "calls").read_text().splitlines()
    assert calls[0] == "python3 -m venv build/venv"
    assert calls[1].startswith("pip install") and calls[1].endswith("--requirement requirements.txt")
    assert len(calls) == 4 and "--stub-wasi" in calls[2]


@pytest.mark.parametrize("language, flag", [("js", "--backend-qjs-stub-wasi"), ("python", "--stub-wasi")])
@pytest.mark.parametrize("capability, kept", [("clock", True), ("random", True), ("log", False)])
def test_wasi_is_left_out_unless_it_is_asked_for(plugin, new, component, language, flag, capability, kept):
    folder = new(language)
    change_manifest(folder, capabilities={capability: {}})
    where, name = {"js": ("node_modules/.bin", "jco"), "python": (".venv/bin", "componentize-py")}[language]
    program(folder / where, name, TOOL.format(component))
    done = plugin("build", folder)
    assert done.returncode == 0, done.stderr
    assert (flag not in (folder / "calls").read_text()) is kept


@pytest.mark.parametrize("package, error", [
    ("", "package.json': line 1"),
    ('{"bullpen": {"engine": "v8"}}', '/bullpen/engine: must be "quickjs" or "starlingmonkey"'),
    ('{"bullpen": {"engine": 1}}', "/bullpen/engine"),
    ('{"main": 1}', "/main: must be the name"),
    ('{"main": "--help"}', "/main: must be the name"),
    ('{"main": ""}', "/main: must be the name"),
])
def test_a_package_that_is_wrong(plugin, new, package, error):
    folder = new("js")
    (folder / "package.json").write_text(package)
    done = plugin("build", folder)
    assert done.returncode == 1
    assert error in done.stderr


def test_python_without_its_app(plugin, new):
    folder = new("python")
    (folder / "app.py").unlink()
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "the plugin's class WitWorld belongs there" in done.stderr


def test_a_tool_that_makes_no_component(plugin, new):
    folder = new("js")
    program(folder / "node_modules" / ".bin", "jco", 'while [ $# -gt 1 ]; do [ $1 = --out ] && echo no >"$2"; shift; done')
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "make a component: not WebAssembly" in done.stderr
    assert not list(folder.glob("*.wasm")) and not list(folder.glob(".*.new"))


def test_bindings_that_cannot_be_written(plugin, new):
    folder = new("c")
    (folder / "build").write_text("mine")
    done = plugin("build", folder)
    assert done.returncode == 1
    assert "build/bindings': Not a directory" in done.stderr
    assert (folder / "build").read_text() == "mine"
