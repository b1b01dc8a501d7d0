"""The examples and the README's code: they compile, run, and answer what they say."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, **more)


def build_folder(bullpen_bin):
    return pathlib.Path(bullpen_bin).resolve().parent


def test_embed_counts_vowels(bullpen_bin, plugins):
    done = run(build_folder(bullpen_bin) / "examples" / "embed", plugins / "extism-pdk" / "count_vowels.wasm",
               "count_vowels", "Hello, World!")
    assert (done.returncode, done.stdout) == (0, '{"count":3}\n')


def test_embed_tells_what_is_wrong(bullpen_bin, plugins):
    done = run(build_folder(bullpen_bin) / "examples" / "embed", plugins / "extism-pdk" / "count_vowels.wasm",
               "count_vowel")
    assert done.returncode == 1
    assert "did you mean 'count_vowels'?" in done.stderr


def test_kv_counts_visits(bullpen_bin, tmp_path):
    program = build_folder(bullpen_bin) / "examples" / "kv"
    for location, visits in ("memory:", 1), (f"file:{tmp_path}/kv", 1), (f"file:{tmp_path}/kv", 2):
        done = run(program, location)
        assert (done.returncode, done.stdout) == (0, f"session\nvisits\nvisits: {visits}\n"), done.stderr
    done = run(program, "file:relative")
    assert done.returncode == 1
    assert "absolute path" in done.stderr


def test_host_functions_answer_and_refuse(bullpen_bin):
    done = run(build_folder(bullpen_bin) / "examples" / "host_function")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "tea: 2.40", "coffee: 3.10", "gold: price_of: there is no 'gold' on the list", "left: 8.50"]


def test_a_component_is_shown_and_called(bullpen_bin):
    program = build_folder(bullpen_bin) / "examples" / "component"
    echo = ROOT / "tests" / "guests" / "component" / "echo.wat"
    done = run(program, echo)
    assert done.stdout.splitlines() == [
        "handle: func(input: list<u8>) -> result<list<u8>, string>", "count: func() -> u32"], done.stderr
    assert run(program, echo, "handle", "Ada").stdout == "Ada\n"
    assert run(program, echo, "count").stdout == "0\n"
    done = run(program, echo, "count", "[1]")
    assert (done.returncode, done.stdout) == (1, "")
    assert "too many arguments" in done.stderr


def test_the_code_in_the_page_on_host_functions_compiles(tmp_path):
    blocks = re.findall(r"```c\n(.*?)```", (ROOT / "docs" / "host-functions.md").read_text(), re.S)
    assert blocks
    source = tmp_path / "page.c"
    source.write_text("#include <bullpen/bullpen.h>\n#include <string.h>\n" + "\n".join(blocks))
    done = run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-unused-function",
               f"-I{ROOT}/include", "-c", source, "-o", tmp_path / "page.o")
    assert done.returncode == 0, done.stderr


def test_the_code_in_the_readme_compiles_and_runs(bullpen_bin, plugins, tmp_path):
    blocks = re.findall(r"```c\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert len(blocks) == 1
    source = tmp_path / "readme.c"
    source.write_text(blocks[0])
    build = build_folder(bullpen_bin)
    program = tmp_path / "readme"
    done = run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", source, "-o", program,
               f"-L{build}", "-lbullpen", f"-Wl,-rpath,{build}")
    assert done.returncode == 0, done.stderr
    plugin = tmp_path / "count_vowels.wasm"
    plugin.write_bytes((plugins / "extism-pdk" / "count_vowels.wasm").read_bytes())
    done = run(program, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, '{"count":3}\n'), done.stderr


def test_an_installed_copy_works_with_pkg_config(bullpen_bin, plugins, tmp_path):
    build = build_folder(bullpen_bin)
    done = run("meson", "install", "-C", build, "--no-rebuild", "--quiet", env={"DESTDIR": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    found = list(tmp_path.rglob("bullpen.pc"))
    assert len(found) == 1
    flags = run("pkg-config", "--cflags", "--libs", "bullpen",
                env={"PKG_CONFIG_PATH": str(found[0].parent), "PKG_CONFIG_SYSROOT_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert flags.returncode == 0, flags.stderr
    library = next(tmp_path.rglob("libbullpen.so"))
    program = tmp_path / "embed"
    done = run("cc", ROOT / "examples" / "embed.c", "-o", program, *flags.stdout.split(), f"-Wl,-rpath,{library.parent}")
    assert done.returncode == 0, done.stderr
    done = run(program, plugins / "extism-pdk" / "count_vowels.wasm", "count_vowels", "aeiou")
    assert (done.returncode, done.stdout) == (0, '{"count":5}\n'), done.stderr
    archive = next(tmp_path.rglob("libbullpen.a"))
    done = run("cc", ROOT / "examples" / "embed.c", f"-I{tmp_path}/usr/local/include", "-o", program, archive,
               "-lcrypto", "-lcurl", "-ljansson", "-llmdb", "-lnats", "-lpthread", "-ldl", "-lm")
    assert done.returncode == 0, done.stderr
    done = run(program, plugins / "extism-pdk" / "count_vowels.wasm", "count_vowels", "aei")
    assert (done.returncode, done.stdout) == (0, '{"count":3}\n'), done.stderr


def test_the_pool_alone_pools_connections(bullpen_bin):
    program = build_folder(bullpen_bin) / "examples" / "pool_of_connections"
    done = run(program)
    assert done.returncode == 0, done.stderr
    linked = run("ldd", program).stdout
    assert "libbullpen" not in linked and "libcrypto" not in linked
