"""The library beside others in one process: names, loading twice, and another Wasmtime."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTISM_VERSION = "1.41.0"
# Names that a neighbour may have: Wasmtime's C API, ours inside, a library's usual ones.
INSIDE = r"(wasm|wasmtime|wasi|foundation|bp_)_[A-Za-z0-9_]+"
USUAL = ["rust_eh_personality", "text_of", "find", "load", "compile", "park", "reset"]
PUBLIC = r"bp_[a-z][A-Za-z0-9_]*"
HOST = r"""
#include <bullpen/bullpen.h>
#include <dlfcn.h>
#include <stdio.h>

#define FIND(name) __typeof__(name) *p_##name = (__typeof__(name) *)dlsym(library, #name)

static int use(const char *path, const char *plugin_path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return fprintf(stderr, "%s\n", dlerror()), 2;
    FIND(bp_runtime_new); FIND(bp_plugin_load_file); FIND(bp_plugin_call);
    FIND(bp_call_result_done); FIND(bp_plugin_unref); FIND(bp_runtime_unref);
    bp_error error = BP_ERROR_INIT;
    bp_runtime *runtime = NULL;
    bp_plugin *plugin = NULL;
    bp_status status = p_bp_runtime_new(NULL, &runtime, &error);
    if (status == BP_OK)
        status = p_bp_plugin_load_file(runtime, plugin_path, NULL, &plugin, &error);
    bp_call call = BP_CALL_INIT;
    call.export_name = "count_vowels";
    call.input = (bp_bytes){"Hello", 5};
    bp_call_result result = BP_CALL_RESULT_INIT;
    if (status == BP_OK)
        status = p_bp_plugin_call(plugin, &call, &result, &error);
    if (status == BP_OK)
        printf("%.*s\n", (int)result.output.size, (const char *)result.output.data);
    else
        fprintf(stderr, "%s\n", error.message);
    p_bp_call_result_done(&result);
    p_bp_plugin_unref(plugin);
    p_bp_runtime_unref(runtime);
    dlclose(library); /* its threads and handlers may outlive this: it stays where it is */
    return status != BP_OK;
}

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc > 3 && !dlopen(argv[3], RTLD_NOW | RTLD_GLOBAL))
        return fprintf(stderr, "%s\n", dlerror()), 2;
    for (int i = 0; i < 3 && !failed; i++)
        failed = use(argv[1], argv[2]);
    return failed;
}
"""
ANSWER = '{"count":2}\n'


def build(tmp_path, name, text, *flags):
    source = tmp_path / f"{name}.c"
    source.write_text(text)
    output = tmp_path / name
    subprocess.run(["cc", "-std=gnu11", f"-I{ROOT}/include", source, "-o", output, *flags], check=True)
    return output


def names_of(library, pattern, undefined=False):
    """Functions that the library has inside, whoever may see them; or those that it takes from others."""
    listed = subprocess.run(["nm", "--dynamic" if undefined else "--defined-only", library], capture_output=True, text=True, check=True).stdout
    kinds = "U" if undefined else "Tt"
    found = (line.split()[-2:] for line in listed.splitlines() if len(line.split()) > 1)
    return sorted({name.split("@")[0] for kind, name in found if kind in kinds and re.fullmatch(pattern, name.split("@")[0])})


def taken(names):
    """A neighbour's source, whose functions have these names and end the process."""
    return "#include <stdlib.h>\n" + "".join(f"void {name}(void); void {name}(void) {{ abort(); }}\n" for name in names)


def archive(library):
    """What links the archive into a program."""
    found = subprocess.run(["pkg-config", "--libs", "libcrypto", "libcurl", "jansson", "lmdb"], capture_output=True, text=True, check=True)
    return [library.parent / "libbullpen.a", *found.stdout.split(), "-lnats", "-lpthread", "-ldl", "-lm", "-lgcc_s"]


@pytest.fixture
def inside(library):
    names = names_of(library.parent / "libbullpen.a", INSIDE)
    # The engine's C API, and each of our layers.
    assert {"wasmtime_store_new", "wasm_engine_new", "foundation_engine_new", "bp__alloc", "bp__engine_new"} <= set(names)
    assert len(names) > 300
    return names + USUAL


@pytest.fixture
def library(bullpen_bin):
    return pathlib.Path(bullpen_bin).resolve().parent / "libbullpen.so"


@pytest.fixture
def plugin(plugins):
    return plugins / "extism-pdk" / "count_vowels.wasm"


def run(*command, **environment):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, check=False,
                          env=dict(os.environ, **environment))
    return done.returncode, done.stdout, done.stderr


def test_it_may_be_loaded_again_and_again(tmp_path, library, plugin):
    host = build(tmp_path, "host", HOST, "-ldl")
    assert run(host, library, plugin) == (0, 3 * ANSWER, "")


def test_names_of_others_do_not_reach_it(tmp_path, library, plugin, inside):
    foreign = build(tmp_path, "foreign.so", taken(inside), "-shared", "-fPIC")
    host = build(tmp_path, "host", HOST, "-ldl")
    assert run(host, library, plugin, foreign) == (0, 3 * ANSWER, "")
    embed = library.parent / "examples" / "embed"
    assert run(embed, plugin, "count_vowels", "Hello", LD_PRELOAD=str(foreign)) == (0, ANSWER, "")


def test_its_own_calls_of_public_functions_stay_inside(tmp_path, library, plugin):
    """Another library with our public names, an older one of ours perhaps, was there first."""
    public = names_of(library, PUBLIC)
    assert {"bp_pool_take", "bp_error_set", "bp_pool_give"} <= set(public)
    foreign = build(tmp_path, "foreign.so", taken(public), "-shared", "-fPIC")
    host = build(tmp_path, "host", HOST, "-ldl")
    assert run(host, library, plugin, foreign) == (0, 3 * ANSWER, "")


def test_it_takes_from_others_what_is_theirs(library):
    assert names_of(library, f"{INSIDE}|{PUBLIC}|_?R[A-Z].*|rust_.*", undefined=True) == []
    assert "json_object_get" in names_of(library, "json_.*", undefined=True)


def test_two_copies_in_one_program(tmp_path, library, plugin):
    """The archive in the program, whose names everybody sees, and the shared library opened by it."""
    copy = "void *copy[] = {(void *)bp_runtime_new, (void *)bp_plugin_load_file, (void *)bp_plugin_call};\n"
    host = build(tmp_path, "host", HOST + copy, "-rdynamic", *archive(library))
    assert run(host, library, plugin) == (0, 3 * ANSWER, "")


def test_its_archive_gives_a_program_no_names_but_its_own(tmp_path, library, plugin, inside):
    """Linked statically into a program that has all those names itself."""
    source = tmp_path / "embed.c"
    source.write_text((ROOT / "examples" / "embed.c").read_text() + taken(inside))
    program = tmp_path / "embed"
    done = subprocess.run(["cc", f"-I{ROOT}/include", source, *archive(library), "-o", program],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert run(program, plugin, "count_vowels", "Hello") == (0, ANSWER, "")


# --- libextism, which has a Wasmtime of its own ----------------------------------------------------

@pytest.fixture(scope="session")
def libextism():
    """As its makers built it, from their package; kept in the user's cache folder."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    path = cache / "bullpen" / "peers" / f"libextism-{EXTISM_VERSION}.so"
    if not path.exists():
        work = path.with_suffix(f".{os.getpid()}")
        work.mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
                        "--dest", work, f"extism-sys=={EXTISM_VERSION}"], check=True)
        with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
            name, = (name for name in wheel.namelist() if name.endswith("/libextism_sys.so"))
            (work / "library").write_bytes(wheel.read(name))
        with contextlib.suppress(OSError):
            (work / "library").rename(path)
        shutil.rmtree(work)
    return path


BOTH = r"""
import ctypes, sys

ours_first, library, extism_path, plugin_path, trap_path = sys.argv[1] == "ours", *sys.argv[2:]


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_size_t)]


class Call(ctypes.Structure):  # the first fields of bp_call
    _fields_ = [("size", ctypes.c_uint32), ("timeout_ms", ctypes.c_uint32), ("by", ctypes.c_uint64),
                ("export_name", ctypes.c_char_p), ("input", Bytes)]


class Result(ctypes.Structure):  # bp_call_result
    _fields_ = [("size", ctypes.c_uint32), ("outcome", ctypes.c_uint32), ("output", Bytes),
                ("rest", ctypes.c_uint64 * 20)]


class Ours:
    def __init__(self):
        self.library = ctypes.CDLL(library)
        self.runtime = ctypes.c_void_p()
        assert self.library.bp_runtime_new(None, ctypes.byref(self.runtime), None) == 0
        self.plugins = {}

    def call(self, path, export):
        if path not in self.plugins:
            self.plugins[path] = ctypes.c_void_p()
            assert self.library.bp_plugin_load_file(self.runtime, path.encode(), None, ctypes.byref(self.plugins[path]), None) == 0
        call = Call(ctypes.sizeof(Call), 5000, 0, export.encode(), Bytes(b"Hello", 5))
        result = Result(ctypes.sizeof(Result))
        assert self.library.bp_plugin_call(self.plugins[path], ctypes.byref(call), ctypes.byref(result), None) == 0
        answer = result.outcome, ctypes.string_at(result.output.data, result.output.size) if result.output.size else b""
        self.library.bp_call_result_done(ctypes.byref(result))
        return answer


class Theirs:
    def __init__(self):
        self.library = ctypes.CDLL(extism_path, mode=ctypes.RTLD_GLOBAL)
        self.library.extism_plugin_new.restype = ctypes.c_void_p
        self.library.extism_plugin_output_data.restype = ctypes.POINTER(ctypes.c_uint8)
        self.library.extism_plugin_output_length.restype = ctypes.c_uint64
        self.plugins = {}

    def call(self, path, export):
        if path not in self.plugins:
            code = open(path, "rb").read()
            self.plugins[path] = ctypes.c_void_p(self.library.extism_plugin_new(code, ctypes.c_uint64(len(code)), None, ctypes.c_uint64(0), True, None))
            assert self.plugins[path].value
        plugin = self.plugins[path]
        code = self.library.extism_plugin_call(plugin, export.encode(), b"Hello", ctypes.c_uint64(5))
        size = self.library.extism_plugin_output_length(plugin)
        return code, bytes(self.library.extism_plugin_output_data(plugin)[:size])


sides = [Ours(), Theirs()] if ours_first else [Theirs(), Ours()]
for turn in range(20):
    for side in sides:
        assert side.call(plugin_path, "count_vowels")[1].startswith(b'{"count":2'), turn
        # A fault that the engine's own handler turns into a trap, whoever's handler is in front.
        assert side.call(trap_path, "load_far")[0] != 0, turn
print("both")
"""


# (module (memory 1) (func (export "load_far") (drop (i32.load (i32.const 0x7fffffff)))))
TRAPS = b"".join((b"\0asm\1\0\0\0", b"\1\4\1\x60\0\0", b"\3\2\1\0", b"\5\3\1\0\1",
                  b"\7\x0c\1\x08load_far\0\0", b"\x0a\x0e\1\x0c\0\x41\xff\xff\xff\xff\x07\x28\2\0\x1a\x0b"))


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_another_wasmtime_works_beside_it(tmp_path, library, plugin, libextism, first):
    guest = tmp_path / "traps.wasm"
    guest.write_bytes(TRAPS)
    assert run(sys.executable, "-c", BOTH, first, library, libextism, plugin, guest) == (0, "both\n", "")
