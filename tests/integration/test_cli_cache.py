"""Compiled modules kept between runs: bullpen cache, and what bullpen call says of them."""
import json
import os
import pathlib
import stat

import pytest


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "modules"


@pytest.fixture
def source_of(call, guest, folder):
    """Where a call's code came from, as --stats says."""

    def run(*arguments):
        done = call(guest("echo"), "run", "--input", "x", "--json", "--stats", *arguments)
        assert done.code == 0, done.err
        return json.loads(done.out)["stats"]["code_source"]

    return run


@pytest.fixture
def cache(bullpen, folder):
    def run(action, *arguments):
        return bullpen("cache", action, "--dir", folder, *arguments)

    return run


def entries(folder):
    return sorted(folder.glob("*.code"))


def test_the_second_run_finds_the_code(source_of, folder):
    assert source_of("--cache-dir", folder) == "compiled"
    assert source_of("--cache-dir", folder) == "disk"
    assert len(entries(folder)) == 1
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600


def test_no_cache_looks_at_nothing(source_of, folder):
    source_of("--cache-dir", folder)
    assert source_of("--no-cache") == "compiled"
    assert len(entries(folder)) == 1


def test_stats_as_text(call, guest, folder):
    for words in ("compiled in this process", "from the cache folder"):
        done = call(guest("echo"), "run", "--stats", "--cache-dir", folder)
        assert any(line.startswith("code ") and words in line for line in done.err.splitlines()), done.err


def test_inspect_uses_it_too(bullpen, guest, folder):
    environment = {**os.environ, "BULLPEN_CACHE_DIR": str(folder)}
    for _ in range(2):
        assert bullpen("inspect", guest("echo"), env=environment).code == 0
    assert len(entries(folder)) == 1


def test_list_verify_and_clear(source_of, cache, folder):
    source_of("--cache-dir", folder)
    answer = json.loads(cache("list", "--json").out)
    assert (answer["folder"], answer["bad"], len(answer["entries"])) == (str(folder), 0, 1)
    entry = answer["entries"][0]
    assert entry["file"] == entries(folder)[0].name
    assert entry["bytes"] == entries(folder)[0].stat().st_size == answer["bytes"]
    assert entry["file"].startswith(entry["sha256"]) and len(entry["sha256"]) == 64
    assert "wasmtime 48." in entry["engine"]
    assert (entry["usable"], entry["bad"], entry["problem"]) == (True, False, None)
    text = cache("list").out.decode()
    assert entry["sha256"][:16] in text and "usable" in text and f"1 in {folder}" in text

    assert cache("verify").code == 0
    done = cache("clear", "--json")
    assert (done.code, json.loads(done.out)["removed"]) == (0, 1)
    assert entries(folder) == []
    assert json.loads(cache("list", "--json").out)["entries"] == []


@pytest.mark.parametrize("place", [0, 100, 170, -1])
def test_verify_finds_and_removes_what_was_changed(source_of, cache, folder, place):
    source_of("--cache-dir", folder)
    path = entries(folder)[0]
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    done = cache("verify", "--json")
    assert done.code == 1
    answer = json.loads(done.out)
    assert (answer["bad"], answer["entries"][0]["removed"], answer["entries"][0]["usable"]) == (1, True, False)
    assert answer["entries"][0]["problem"]
    assert entries(folder) == []
    assert cache("verify").code == 0


def test_what_was_changed_is_never_an_error_of_a_call(call, guest, source_of, folder):
    source_of("--cache-dir", folder)
    path = entries(folder)[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    done = call(guest("echo"), "run", "--input", "x", "--cache-dir", folder)
    assert (done.code, done.out) == (0, b"x")
    assert "not authentic" in done.err and "compiled again" in done.err
    assert source_of("--cache-dir", folder) == "disk"


def test_one_under_another_name_is_bad(call, guest, cache, folder):
    call(guest("echo"), "run", "--cache-dir", folder)
    path = entries(folder)[0]
    path.rename(folder / f"{path.name[:65]}{'0' * 16}.code")
    answer = json.loads(cache("list", "--json").out)["entries"][0]
    assert (answer["bad"], answer["problem"]) == (True, "under another entry's name")


def test_a_folder_that_cannot_be_trusted(call, guest, cache, folder):
    folder.mkdir()
    folder.chmod(0o777)
    done = call(guest("echo"), "run", "--input", "x", "--cache-dir", folder)
    assert (done.code, done.out) == (0, b"x")
    assert str(folder) in done.err and "can be written by others" in done.err
    done = cache("list")
    assert done.code == 1
    assert "can be written by others" in done.err
    assert list(folder.iterdir()) == []


def test_no_home_is_no_error(call, guest):
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("HOME", "XDG_CACHE_HOME", "BULLPEN_CACHE_DIR")}
    done = call(guest("echo"), "run", "--input", "x", env=environment)
    assert (done.code, done.out, done.err) == (0, b"x", "")


def test_the_default_folder(call, guest, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "BULLPEN_CACHE_DIR"}
    for name, where in (("HOME", ".cache/bullpen/modules"), ("XDG_CACHE_HOME", "bullpen/modules")):
        base = tmp_path / name
        base.mkdir()
        environment[name] = str(base)
        assert call(guest("echo"), "run", env=environment).code == 0
        assert len(entries(base / where)) == 1


# --- the compiler program ----------------------------------------------------------------------

@pytest.fixture
def large(tmp_path):
    """A guest that is compiled by bullpen-compile: more than 4 KiB of code."""
    adds = "(i32.add (i32.load (i32.const 0))" * 2000 + "(i32.const 1)" + ")" * 2000
    path = tmp_path / "large.wat"
    path.write_text(f'(module (memory (export "memory") 1) (func (export "run") (drop {adds})))')
    return path


def test_a_large_module_is_compiled_elsewhere(call, large, folder):
    for source in ("helper", "disk"):
        done = call(large, "run", "--json", "--stats", "--cache-dir", folder)
        assert json.loads(done.out)["stats"]["code_source"] == source


def fake_compiler(tmp_path, text):
    program = tmp_path / "compiler"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return {**os.environ, "BULLPEN_COMPILE": str(program)}


def test_one_that_takes_too_long_is_ended(call, large, tmp_path):
    done = call(large, "run", "--no-cache", "--compile-timeout", "50",
                env=fake_compiler(tmp_path, "exec sleep 1000"))
    assert done.code == 124
    assert "compile: took longer than 50 ms" in done.err
    assert "hint: raise --compile-timeout" in done.err


@pytest.mark.parametrize("text, words", [
    ("kill -ABRT $$", "SIGABRT"),
    ("exit 9", "code 9"),
    ("echo nonsense >&4", "without an answer"),
])
def test_one_that_fails_is_an_error(call, large, tmp_path, text, words):
    done = call(large, "run", "--no-cache", env=fake_compiler(tmp_path, text))
    assert done.code == 1
    assert words in done.err


def test_without_one_it_is_compiled_in_process(call, large):
    environment = {**os.environ, "BULLPEN_COMPILE": "/nowhere/bullpen-compile"}
    done = call(large, "run", "--no-cache", "--json", "--stats", "--log-level", "info", env=environment)
    assert json.loads(done.out)["stats"]["code_source"] == "compiled"
    assert "compiled in this process" in done.err and "/nowhere/bullpen-compile" in done.err


def test_doctor_looks_at_both(bullpen, folder):
    def checks(**more):
        done = bullpen("doctor", "--json", env={**os.environ, **more})
        return {check["name"]: check for check in json.loads(done.out)["checks"]}

    good = checks(BULLPEN_CACHE_DIR=str(folder))
    assert (good["module_cache"]["state"], good["module_cache"]["detail"]) == ("ok", str(folder))
    assert good["bullpen-compile"]["state"] == "ok"
    assert pathlib.Path(good["bullpen-compile"]["detail"]).is_file()
    folder.chmod(0o777)
    bad = checks(BULLPEN_CACHE_DIR=str(folder), BULLPEN_COMPILE="/nowhere")
    assert bad["module_cache"]["state"] == bad["bullpen-compile"]["state"] == "warn"
    assert "can be written by others" in bad["module_cache"]["detail"]
    assert "chmod" in bad["module_cache"]["detail"] or bad["module_cache"]["advice"]
