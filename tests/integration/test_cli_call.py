"""`bullpen call`: input, output, options, outcomes and exit codes."""
import base64
import json
import os
import pty
import signal
import subprocess

import pytest

from conftest import PATIENCE_S

EVERY_BYTE = bytes(range(256)) * 3


# --- input and output --------------------------------------------------------------------------

@pytest.mark.parametrize("content", [b"", b"\n", b"no newline", b"\0", EVERY_BYTE, os.urandom(100_000)],
                         ids=["empty", "newline", "text", "nul", "every_byte", "random"])
def test_bytes_pass_unchanged(call, guest, tmp_path, content):
    file = tmp_path / "input"
    file.write_bytes(content)
    from_file = call(guest("echo"), "run", "--input", f"@{file}")
    assert (from_file.code, from_file.out, from_file.err) == (0, content, "")
    from_stdin = call(guest("echo"), "run", "--input", "-", stdin=content)
    assert (from_stdin.code, from_stdin.out, from_stdin.err) == (0, content, "")


@pytest.mark.parametrize("arguments", [
    ("--input", "héllo"), ("--input=héllo",), ("-i", "héllo"), ("-ihéllo",), ("-qihéllo",),
])
def test_ways_to_write_an_option(call, guest, arguments):
    assert call(guest("echo"), "run", *arguments).out == "héllo".encode()


def test_texts_that_look_like_something_else(call, guest):
    assert call(guest("echo"), "run", "--input", "@@home").out == b"@home"
    assert call(guest("echo"), "run", "--input", "--wasi").out == b"--wasi"
    assert call(guest("echo"), "run", "--input", "").out == b""


def test_two_dashes_end_the_options(bullpen, guest):
    done = bullpen("call", "-i", "x", "--", guest("echo"), "run")
    assert (done.code, done.out) == (0, b"x")
    done = bullpen("call", guest("echo"), "--", "--wasi")
    assert done.code == 1
    assert "'--wasi'" in done.err


def test_input_limits(call, guest, tmp_path):
    file = tmp_path / "input"
    file.write_bytes(b"x" * 1025)
    for arguments, stdin in ((("-i", f"@{file}"), b""), (("-i", "-"), b"x" * 1025), (("-i", "x" * 1025), b"")):
        done = call(guest("echo"), "run", "--input-max", "1KiB", *arguments, stdin=stdin)
        assert (done.code, done.out) == (1, b"")
        assert "1024" in done.err
    assert call(guest("echo"), "run", "--input-max", 1025, "-i", f"@{file}").code == 0


def test_input_files_that_cannot_be_read(call, guest, tmp_path):
    done = call(guest("echo"), "run", "-i", f"@{tmp_path}/missing")
    assert done.code == 1
    assert "missing" in done.err
    done = call(guest("echo"), "run", "-i", f"@{tmp_path}")
    assert done.code == 1
    assert "directory" in done.err


def test_output_that_cannot_be_written(bullpen_bin, guest):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([bullpen_bin, "call", guest("echo"), "run", "-i", "x"], stdout=full,
                              stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert b"cannot write to standard output: No space left on device" in done.stderr


def on_a_terminal(command, **environment):
    """What a command prints with both outputs on a terminal."""
    try:
        master, slave = pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminals here: {error}")
    variables = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=slave,
                               stderr=slave, env={**variables, **environment})
    os.close(slave)
    printed = b""
    try:
        while piece := os.read(master, 65536):
            printed += piece
    except OSError:  # how Linux reports the end of a terminal
        pass
    os.close(master)
    process.wait(PATIENCE_S)
    return printed.replace(b"\r\n", b"\n")


def test_a_newline_is_added_only_on_a_terminal(bullpen_bin, guest):
    command = (bullpen_bin, "call", guest("echo"), "run", "-i")
    assert on_a_terminal((*command, "x")).endswith(b"x\n")
    assert on_a_terminal((*command, "x\n")).endswith(b"x\n")
    assert not on_a_terminal((*command, "x\n")).endswith(b"\n\n")


def test_colours_only_on_a_terminal_that_wants_them(bullpen, bullpen_bin, guest):
    command = ("call", guest("trap"), "run")
    assert b"\033[31mbullpen: \033[0m" in on_a_terminal((bullpen_bin, *command))
    assert b"\033[31m" not in on_a_terminal((bullpen_bin, *command), NO_COLOR="1")
    assert b"\033[31m" in on_a_terminal((bullpen_bin, *command), NO_COLOR="")
    assert "\033" not in bullpen(*command).err


def test_what_is_typed_cannot_steer_the_terminal_either(bullpen):
    done = bullpen("call", "--inp\u2029ut\u0085\x1b[2J")
    assert done.code == 2
    assert "'--inp???ut??" in done.err
    assert not set(done.err) & set("\u2029\u0085\x1b")


def test_a_plugin_cannot_steer_the_terminal(call, guest):
    done = call(guest("escape"), "run")
    assert done.code == 3
    assert "\033" not in done.err and "\u009b" not in done.err
    assert "info  escape: a?[2J??z\n" in done.err
    assert "guest_error: a?[2J??z\n" in done.err
    # Its output is its own affair: it is passed on as it is.
    assert done.out == b"a\x1b[2J\xc2\x9bz"


# --- outcomes and exit codes -------------------------------------------------------------------

@pytest.mark.parametrize("name, arguments, code, outcome", [
    ("echo", (), 0, "finished"),
    ("trap", (), 3, "trapped"),
    ("fail", (), 3, "guest_error"),
    ("exit", ("--wasi",), 3, "exited"),
    ("grow", (), 3, "out_of_memory"),
    ("wide", ("--output-max", "4KB"), 0, "finished"),
    ("wide", ("--output-max", "4095"), 3, "limit_exceeded"),
    ("loop", ("--timeout-ms", 100), 124, "timed_out"),
])
def test_outcomes(call, guest, name, arguments, code, outcome):
    done = call(guest(name), "run", *arguments)
    assert done.code == code, done.err
    as_json = call(guest(name), "run", *arguments, "--json")
    answer = json.loads(as_json.out)
    assert as_json.code == code
    assert answer["status"] == "BP_OK"
    assert answer["outcome"] == outcome
    if code:
        assert f"run: {outcome}" in done.err
        assert answer["error"]
        assert done.out == b""


@pytest.mark.parametrize("name, arguments, hint", [
    ("loop", ("--timeout-ms", 100), "raise --timeout-ms (now 100)"),
    ("grow", ("--memory-max", "1MiB"), "raise --memory-max (now 1MiB)"),
    ("wide", ("--output-max", "1KiB"), "raise --output-max (now 1KiB)"),
    ("exit", (), "pass --wasi to grant it"),
    ("stranger", (), "what grants each import"),
])
def test_hints(call, guest, name, arguments, hint):
    done = call(guest(name), "run", *arguments)
    assert f"hint: {hint}" in done.err or (done.err.rstrip().endswith(hint) and "hint: " in done.err)
    assert hint in json.loads(call(guest(name), "run", *arguments, "--json").out)["hint"]
    assert "hint:" not in call(guest(name), "run", *arguments, "--quiet").err


def test_a_backtrace_follows_a_trap(call, guest):
    done = call(guest("trap"), "run")
    assert "unreachable" in done.err
    assert "run" in done.err.splitlines()[1]
    answer = json.loads(call(guest("trap"), "run", "--json").out)
    assert len(answer["backtrace"]) == 1
    assert "run" in answer["backtrace"][0]


def test_the_exit_code_of_a_plugin_is_told(call, guest):
    assert "exited: the plugin exited with 7\n" in call(guest("exit"), "run", "--wasi").err
    assert json.loads(call(guest("exit"), "run", "--wasi", "--json").out)["exit_code"] == 7


def test_json_of_an_answer(call, guest):
    answer = json.loads(call(guest("echo"), "run", "-i", "hé", "--json").out)
    assert answer["output"] == "hé"
    assert answer["output_encoding"] == "utf-8"
    assert answer["error"] is None and answer["hint"] is None and answer["limit"] is None
    assert answer["backtrace"] == [] and answer["exit_code"] == 0
    assert answer["guest_us"] > 0 and answer["wait_us"] >= 0 and answer["call_us"] > 0
    assert "stats" not in answer and "outputs_differ" not in answer


def test_json_of_bytes_that_are_no_text(call, guest):
    answer = json.loads(call(guest("echo"), "run", "-i", "-", "--json", stdin=EVERY_BYTE).out)
    assert answer["output_encoding"] == "base64"
    assert base64.b64decode(answer["output"], validate=True) == EVERY_BYTE


def test_json_of_a_refusal(call, guest):
    done = call(guest("exit"), "run", "--json")
    assert done.code == 4
    answer = json.loads(done.out)
    assert answer["status"] == "BP_EDENIED"
    assert answer["outcome"] is None
    assert "proc_exit" in answer["error"]


# --- limits, pool and policy -------------------------------------------------------------------

def test_memory_beyond_the_default(call, guest):
    assert call(guest("grow"), "run", "--memory-max", "256MiB").code == 3
    assert call(guest("grow"), "run", "--memory-max", "1GiB").code == 0


def test_a_plugin_that_can_never_fit(call, guest):
    done = call(guest("large"), "run", "--memory-max", "1MiB")
    assert (done.code, done.out) == (1, b"")
    assert "memory" in done.err


def test_a_call_observes_nothing_of_those_before(call, guest):
    arguments = (guest("counter"), "run", "--repeat", 9, "--max-live", 1)
    fresh = call(*arguments)
    assert (fresh.code, fresh.out, fresh.err) == (0, b"1", "")
    reuse = call(*arguments, "--reset", "reuse", "--tenant", "ada")
    assert (reuse.code, reuse.out) == (0, b"")
    assert reuse.err == "note: 8 of 9 outputs differ from the first; none is printed\n"


def test_pool_options(call, guest):
    answer = json.loads(call(guest("echo"), "run", "--repeat", 20, "--max-live", 3, "--min-warm", 2,
                             "--stats", "--json").out)
    pool = answer["stats"]["pool"]
    assert (pool["max_live"], pool["min_warm"]) == (3, 2)
    assert pool["high_water"] <= 3
    answer = json.loads(call(guest("echo"), "run", "--min-warm", 0, "--stats", "--json").out)
    assert answer["stats"]["pool"]["takes"]["miss"] == 1
    answer = json.loads(call(guest("echo"), "run", "--max-live", 300, "--min-warm", 300, "--stats", "--json").out)
    assert answer["stats"]["pool"]["live"] == 300


def test_repeated_failures_are_counted(call, guest):
    done = call(guest("trap"), "run", "--repeat", 50, "--concurrency", 4, "--stats", "--json")
    assert done.code == 3
    stats = json.loads(done.out)["stats"]
    assert stats["outcomes"] == {"trapped": 50}
    # Counted when they are destroyed, which is not waited for.
    assert stats["pool"]["recycles"].keys() <= {"trap"}
    text = call(guest("trap"), "run", "--repeat", 50, "--concurrency", 4)
    assert "note: 50 of 50 calls failed; call 1 was the first:\n" in text.err


def test_a_failure_before_the_guest_ends_a_series(call, guest):
    done = call(guest("echo"), "walk", "--repeat", 50, "--json", "--stats")
    assert done.code == 1
    answer = json.loads(done.out)
    assert answer["status"] == "BP_ENOTFOUND"
    assert answer["stats"]["calls"] == 1
    assert answer["stats"]["statuses"] == {"BP_ENOTFOUND": 1}


# --- signals -----------------------------------------------------------------------------------

def start_looping(bullpen_bin, guest, *arguments, sigint=signal.SIG_DFL):
    """A call that runs and has said so."""
    def prepare():
        signal.signal(signal.SIGINT, sigint)

    process = subprocess.Popen([bullpen_bin, "call", guest("loop"), "run", *map(str, arguments)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=prepare)
    assert process.stderr.readline() == b"info  loop: started\n"
    return process


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("repeat", [(), ("--repeat", 100), ("--repeat", 100, "--concurrency", 8)],
                         ids=["once", "repeated", "concurrent"])
def test_a_signal_cancels_the_call(bullpen_bin, guest, number, code, repeat):
    process = start_looping(bullpen_bin, guest, "--timeout-ms", PATIENCE_S * 1000, *repeat)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (code, b"")
    assert b"run: cancelled" in err


def test_a_cancelled_call_is_reported_as_json(bullpen_bin, guest):
    process = start_looping(bullpen_bin, guest, "--timeout-ms", PATIENCE_S * 1000, "--json")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert json.loads(out)["outcome"] == "cancelled"


def test_a_signal_that_the_parent_ignores_is_ignored(bullpen_bin, guest):
    process = start_looping(bullpen_bin, guest, "--timeout-ms", 500, sigint=signal.SIG_IGN)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 124


# --- what a plugin may do before its first call ------------------------------------------------

def test_a_plugin_that_never_starts(bullpen, guest):
    done = bullpen("call", guest("slow_start"), "run", "--timeout-ms", 100)
    assert done.code == 124
    assert done.out == b""


def test_small_stacks_do_not_matter(bullpen_bin, guest):
    """Calls run on threads of the program's own, so a small `ulimit -s` is no obstacle."""
    done = subprocess.run(["sh", "-c", 'ulimit -s 256; exec "$0" "$@"', bullpen_bin, "call", guest("echo"), "run",
                           "-i", "x"], capture_output=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stdout) == (0, b"x"), done.stderr


# --- what a call leaves behind -----------------------------------------------------------------

def test_what_is_left_behind_is_named(call, guest):
    done = call(guest("counter"), "run", "--leak-check", "--json")
    assert done.code == 0
    kinds = {leak["kind"] for leak in json.loads(done.out)["left_behind"]}
    assert "memory" in kinds or "global" in kinds
    assert "left behind: " in call(guest("counter"), "run", "--leak-check").err


def test_nothing_is_left_behind(call, guest):
    assert json.loads(call(guest("echo"), "run", "--leak-check", "--json").out)["left_behind"] == []
    assert "the call left nothing behind" in call(guest("echo"), "run", "--leak-check").err


# --- files and variables -----------------------------------------------------------------------

def test_a_plugin_reads_its_folder(call, guest, tmp_path):
    (tmp_path / "hello.txt").write_text("Hello, files!")
    done = call(guest("cat"), "run", "--wasi", "--files", tmp_path)
    assert (done.code, done.out, done.err) == (0, b"Hello, files!", "")
    (tmp_path / "hello.txt").unlink()
    (tmp_path / "hello.txt").symlink_to("/etc/passwd")
    done = call(guest("cat"), "run", "--wasi", "--files", tmp_path)
    assert (done.code, done.out) == (3, b"")
    assert "returned 32" in done.err  # ELOOP
    assert "returned 8" in call(guest("cat"), "run", "--wasi").err  # EBADF: there is no folder


def test_folders_that_are_none(call, guest, tmp_path):
    for folder, error in ((tmp_path / "missing", "No such file"), (guest("cat"), "Not a directory")):
        done = call(guest("cat"), "run", "--wasi", "--files", folder)
        assert (done.code, done.out) == (1, b"")
        assert str(folder) in done.err and error in done.err
    done = call(guest("cat"), "run", "--files", tmp_path)
    assert done.code == 1
    assert "files_dir: needs WASI (option wasi, flag --wasi)" in done.err


def test_a_plugin_sees_the_variables_that_were_named(call, guest):
    environment = {**os.environ, "INHERITED": "from outside"}
    environment.pop("NOWHERE", None)
    done = call(guest("env"), "run", "--wasi", "--env", "GIVEN=a=b", "--env", "INHERITED", "--env", "NOWHERE",
                "--env=EMPTY=", env=environment)
    assert (done.code, done.err) == (0, "")
    assert done.out == b"GIVEN=a=b\0INHERITED=from outside\0EMPTY=\0"
    assert call(guest("env"), "run", "--wasi", env=environment).out == b""


@pytest.mark.parametrize("arguments, code, error", [
    (("--wasi", "--env", "=x"), 2, "NAME or NAME=VALUE"),
    (("--wasi", "--env", ""), 2, "NAME or NAME=VALUE"),
    (("--wasi", "--env", "A=1", "--env", "A=2"), 1, "environment variable 'A' is given twice"),
    (("--wasi", "--env", "A=" + "x" * 70_000, "--env", "B=" + "x" * 70_000), 1, "131072 bytes"),
    (("--wasi", "--env", b"A=\xff"), 1, "not UTF-8"),
    (("--env", "A=1"), 1, "env: needs WASI"),
])
def test_bad_variables(bullpen_bin, guest, arguments, code, error):
    done = subprocess.run([bullpen_bin, "call", guest("env"), "run", *arguments], capture_output=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == code
    assert error in done.stderr.decode()


# --- plugins with a manifest -------------------------------------------------------------------

def test_a_folder_is_called_by_its_default_export(bullpen, guest, tmp_path):
    (tmp_path / "code.wat").write_text(guest("echo").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(
        {"name": "echo", "version": "1.0.0", "entry": "code.wat", "default_export": "run"}))
    done = bullpen("call", tmp_path, "--input", "hi")
    assert (done.code, done.out) == (0, b"hi")
    done = bullpen("call", guest("echo"))
    assert done.code == 1
    assert "it has no default export; name one of run" in done.err
