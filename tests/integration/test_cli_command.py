"""`bullpen call` and `bullpen inspect` with commands: programs for WASI, as their toolchains build them."""
import json
import os
import pathlib
import subprocess

import pytest

LANGUAGES = ["c", "go", "rust"]
EVERY_BYTE = bytes(range(256)) * 3


@pytest.fixture(scope="session", params=LANGUAGES)
def command(request, root):
    folder = pathlib.Path(os.environ.get("BULLPEN_GUESTS", root / "build" / "guests"))
    file = folder / "command" / f"{request.param}.wasm"
    if not file.is_file():
        pytest.skip(f"{file} is not there: see tests/guests/build")
    return file


@pytest.fixture
def run(bullpen):
    """A call of a command, with its arguments and a deadline that no honest program meets."""

    def go(file, *arguments, options=(), stdin=b""):
        args = [f"--arg={text}" for text in arguments]
        return bullpen("call", file, "--wasi", "-i", "-", "-t", 60000, *options, *args, stdin=stdin)

    return go


@pytest.mark.parametrize("content", [b"", b"\n", b"\0", EVERY_BYTE, os.urandom(100_000)],
                         ids=["empty", "newline", "nul", "every_byte", "random"])
def test_bytes_pass_unchanged(run, command, content):
    done = run(command, stdin=content)
    assert (done.code, done.out, done.err) == (0, content, "")


def test_arguments_may_begin_with_dashes_and_be_empty(run, command):
    done = run(command, "args", "one", "", "-x", "--wasi", "--", "ä b")
    assert (done.code, done.out.decode()) == (0, "one\n\n-x\n--wasi\n--\nä b\n")


def test_a_list_of_arguments_apart_from_their_option(bullpen, command):
    done = bullpen("call", command, "--wasi", "-a", "args", "-a", "-n", "--arg", "3", "-t", 60000)
    assert (done.code, done.out) == (0, b"-n\n3\n")


def test_the_name_is_the_files(run, command):
    assert run(command, "name").out.decode() == f"{command.stem}\n"


def test_variables_are_those_that_are_granted(run, command):
    assert run(command, "env", "HOME").out == b"none\n"
    assert run(command, "env", "HOME", options=("--env", "HOME=/nowhere")).out == b"/nowhere\n"


def test_output_is_printed_with_another_exit_code(run, command):
    done = run(command, "complain", "7")
    assert (done.code, done.out) == (3, b"said before")
    assert "exited with 7" in done.err and "it went wrong" in done.err
    answer = json.loads(run(command, "complain", "7", options=("--json",)).out)
    assert (answer["outcome"], answer["exit_code"], answer["output"]) == ("exited", 7, "said before")


def test_every_call_is_the_first(run, command):
    for policy in "fresh", "reuse":
        done = run(command, "runs", options=("-n", "200", "-C", "3", "--reset", policy, "--json", "--stats"))
        answer = json.loads(done.out)
        assert (done.code, answer["output"], answer["outputs_differ"]) == (0, "1\n", False)
        assert answer["stats"]["pool"]["recycles"] == {}


def test_too_much_output_is_a_limit_with_its_option(run, command):
    done = run(command, options=("--output-max", "1KiB"), stdin=b"x" * 1025)
    assert (done.code, done.out) == (3, b"")
    assert "--output-max" in done.err


def test_wasi_must_be_granted(bullpen, command):
    done = bullpen("call", command, "-i", "x")
    assert (done.code, done.out) == (4, b"")
    assert "--wasi" in done.err


def test_inspect_names_what_it_is(bullpen, command):
    answer = json.loads(bullpen("inspect", "--json", command).out)
    assert answer["abi"] == "command"
    assert [export["name"] for export in answer["exports"] if export["callable"]] == ["_start"]


def test_arguments_are_for_commands_alone(bullpen, guest):
    done = bullpen("call", guest("echo"), "run", "--arg", "x")
    assert done.code == 1
    assert "is no command" in done.err


def test_a_manifest_decides(bullpen, tmp_path):
    code = '(module (func (export "_start")) (func (export "other") (unreachable)))'
    (tmp_path / "plugin.wat").write_text(code)
    manifest = tmp_path / "manifest.json"
    for abi, code, message in (("command", 0, ""), ("extism", 1, "name one of _start, other")):
        manifest.write_text(json.dumps({"name": "a", "version": "1.0.0", "entry": "plugin.wat",
                                        "abi": abi}))
        done = bullpen("call", manifest)
        assert done.code == code, done.err
        assert message in done.err
    (tmp_path / "plugin.wat").write_text('(module (func (export "run")))')
    manifest.write_text(json.dumps({"name": "a", "version": "1.0.0", "entry": "plugin.wat",
                                    "abi": "command"}))
    done = bullpen("call", manifest)
    assert done.code == 1
    assert "exports no function '_start'" in done.err
    for code, abi, kind in (("(component)", "extism", "component"), ("(module)", "component", "core module")):
        (tmp_path / "plugin.wat").write_text(code)
        manifest.write_text(json.dumps({"name": "a", "version": "1.0.0", "entry": "plugin.wat", "abi": abi}))
        done = bullpen("call", manifest)
        assert done.code == 1
        assert f"its manifest says abi '{abi}', but the code is a {kind}" in done.err


def test_the_example_runs_programs(bullpen_bin, command):
    program = pathlib.Path(bullpen_bin).resolve().parent / "examples" / "command"

    def example(*arguments, stdin=b""):
        return subprocess.run([program, command, *arguments], input=stdin, capture_output=True, timeout=60, check=False)

    done = example(stdin=EVERY_BYTE)
    assert (done.returncode, done.stdout, done.stderr) == (0, EVERY_BYTE, b"")
    assert example("args", "-n", "3").stdout == b"-n\n3\n"
    done = example("complain", "9")
    assert (done.returncode, done.stdout, done.stderr) == (9, b"said before", b"it went wrong\n")
