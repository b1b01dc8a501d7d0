"""sdk/c: the header compiles everywhere, leaves no import that is not used, and does what it says."""
import json
import re
import subprocess

import pytest

import web

FREESTANDING = ("--target=wasm32", "-ffreestanding", "-nostdlib", "-Wl,--no-entry", "-mbulk-memory")
WITH_LIBC = ("--target=wasm32-wasi", "--sysroot=/usr", "-mexec-model=reactor")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")


@pytest.fixture
def compile_c(root, tmp_path):
    """Compiles with the header in reach; the plugin's path."""

    def run(source, *flags):
        plugin = tmp_path / "plugin.wasm"
        done = subprocess.run(["clang-19", *flags, *WARNINGS, f"-I{root}/sdk/c", "-o", plugin, source],
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return plugin

    return run


@pytest.fixture
def imports(bullpen):
    def run(plugin, module="extism:host/env"):
        done = bullpen("inspect", "--json", plugin)
        assert done.code == 0, done.err
        return {item["name"] for item in json.loads(done.out)["imports"] if item["module"] == module}

    return run


def declared(root, prefix):
    return set(re.findall(prefix + r"_\((\w+)\)(?!.*define)", (root / "sdk/c/bullpen_plugin.h").read_text())) - {"name"}


@pytest.mark.parametrize("optimise", ["-O0", "-O2", "-Oz"])
@pytest.mark.parametrize("language", ["c", "c++"])
@pytest.mark.parametrize("target", [FREESTANDING, WITH_LIBC])
@pytest.mark.parametrize("name, module", [("extism", "EXTISM"), ("bullpen", "BULLPEN")])
def test_examples_compile_and_use_everything(compile_c, imports, root, name, module, target, language, optimise):
    plugin = compile_c(root / f"sdk/c/examples/{name}.c", *target, "-x", language, optimise)
    assert imports(plugin, f"{name}:host/env") == declared(root, f"BP_{module}")


@pytest.mark.parametrize("optimise", ["-O0", "-O2"])
def test_what_is_not_used_is_not_imported(compile_c, imports, tmp_path, optimise):
    source = tmp_path / "one.c"
    source.write_text('#include "bullpen_plugin.h"\nBP_PLUGIN_EXPORT(one)\n{\n    return (int32_t)bp_input_size();\n}\n')
    plugin = compile_c(source, *FREESTANDING, optimise)
    assert imports(plugin) == {"input_length"}
    assert imports(plugin, "bullpen:host/env") == set()


def test_the_header_says_what_it_is_for(root, tmp_path):
    source = tmp_path / "native.c"
    source.write_text('#include "bullpen_plugin.h"\n')
    done = subprocess.run(["cc", f"-I{root}/sdk/c", "-c", source, "-o", tmp_path / "native.o"], capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "compile with clang --target=wasm32" in done.stderr


@pytest.fixture
def example(call, built_guests):
    def run(export, *arguments):
        return call(built_guests / "sdk" / "extism.wasm", export, *arguments)

    return run


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 99, 100, 101, 100000])
def test_bytes_come_back_as_they_were(example, tmp_path, size):
    data = bytes(i * 7 % 256 for i in range(size))
    file = tmp_path / "input"
    file.write_bytes(data)
    done = example("echo", "--input", f"@{file}")
    assert (done.code, done.out) == (0, data), done.err


@pytest.mark.parametrize("export, arguments, expected", [
    ("hello", (), b"hello"),
    ("size", ("-i", "12345"), b"5"),
    ("configured", (), b"(none)"),
    ("configured", ("-c", "greeting=Hi"), b"Hi"),
    ("configured", ("-c", "greeting=Good morning"), b"Good mor"),
    ("remember", ("-i", "a value"), b"a value"),
    ("forget", (), b"gone"),
    ("blocks", (), b"fine"),
    ("numbers", (), b"18446744073709551615"),
])
def test_functions_answer(example, export, arguments, expected):
    done = example(export, *arguments)
    assert (done.code, done.out) == (0, expected), done.err


def test_a_failure_says_why(example):
    done = example("refuse")
    assert (done.code, done.out) == (3, b"")
    assert "guest_error: refused as asked" in done.err


def test_no_room_is_an_answer(example):
    done = example("too_much")
    assert (done.code, done.out) == (3, b"")
    assert "guest_error: no room for the output" in done.err


def test_log_records_of_every_level(example):
    done = example("log_everything", "--log-level", "trace")
    assert (done.code, done.out) == (0, b"kept")
    records = [line.split(" extism: ")[1] for line in done.err.splitlines() if " extism: " in line]
    assert records == ["a trace", "a detail", "a fact", "a warning", "an error"]
    done = example("log_everything", "--log-level", "error")
    assert (done.code, done.out) == (0, b"dropped")
    assert "a warning" not in done.err


def test_http_is_refused_until_it_is_granted(example):
    done = example("fetch", "-i", '{"url":"https://example.com/"}')
    assert (done.code, done.out) == (3, b"")
    assert "http is not granted" in done.err


def test_http_status_headers_and_body(example):
    with web.serving() as server:
        host = f"127.0.0.1:{server.port}"
        done = example("fetch", "-i", json.dumps({"url": f"http://{host}/x"}), "--allow-host", host)
    assert done.code == 0, done.err
    head, body = done.out.split(b"\n", 1)
    status, headers = head.split(b" ", 1)
    assert (status, body) == (b"200", b"path /x")
    assert json.loads(headers)["content-length"] == "7"
