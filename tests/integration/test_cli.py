"""The command line itself: usage, help, man pages, completion, version."""
import json
import re
import shutil
import subprocess

import pytest

COMMANDS = ["call", "inspect", "cache", "plugin", "doctor", "version", "help"]
CALL_OPTIONS = ["input", "arg", "config", "timeout-ms", "memory-max", "input-max", "output-max", "log-max", "host-calls-max", "fuel",
                "trusted", "core-dump", "wasi", "files", "env", "allow-host", "allow-private", "ca-file", "policy", "kv", "debug-info", "reset",
                "tenant", "repeat", "concurrency", "max-live", "min-warm", "cache-dir", "no-cache", "compile-timeout", "compile-memory-max",
                "stats", "leak-check", "log-level", "help", "json", "quiet"]


@pytest.fixture(scope="session")
def table(bullpen):
    """The table of commands, as the program itself tells it."""
    return {command["name"]: command for command in json.loads(bullpen("help", "--json").out)["commands"]}


# --- usage -------------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments, error, hint", [
    (("cal",), "unknown command 'cal'", "did you mean 'call'?"),
    (("inspekt", "x"), "unknown command 'inspekt'", "did you mean 'inspect'?"),
    (("zzzzzz",), "unknown command 'zzzzzz'", "'bullpen help' lists the commands"),
    (("help", "verson"), "unknown command 'verson'", "did you mean 'version'?"),
    (("--json", "version"), "'--json' stands before the command", "put options behind it"),
    (("call", "f", "e", "--timout-ms", "1"), "unknown option '--timout-ms'", "did you mean '--timeout-ms'?"),
    (("call", "f", "e", "--timout-ms=1"), "unknown option '--timout-ms'", "did you mean '--timeout-ms'?"),
    (("call", "f", "e", "--xyzzyxyzzy"), "unknown option '--xyzzyxyzzy'", "lists the options"),
    (("call", "f", "e", "-z"), "unknown option '-z'", "lists the options"),
    (("call", "f", "e", "-qz"), "unknown option '-z'", "lists the options"),
    (("call",), "'call' needs FILE", "shows the usage"),
    (("call", "f", "e", "g"), "'g' is one argument too many", "shows the usage"),
    (("inspect",), "'inspect' needs FILE", "shows the usage"),
    (("doctor", "now"), "'now' is one argument too many", "shows the usage"),
    (("call", "f", "e", "--input"), "--input needs an argument", None),
    (("call", "f", "e", "-i"), "--input needs an argument", None),
    (("call", "f", "e", "--wasi=yes"), "takes no argument", None),
    (("call", "f", "e", "--input", "@"), "'@' names no file", "@FILE"),
    (("call", "f", "e", "-i", "a", "-i", "b"), "--input is given twice", None),
    (("call", "f", "e", "--leak-check", "-n", "2"), "--leak-check and --repeat exclude each other", None),
    (("call", "f", "e", "-c", "novalue"), "not of the form KEY=VALUE", None),
    (("call", "f", "e", "-c", "=x"), "not of the form KEY=VALUE", None),
    (("call", "f", "e", "-c", "a=1", "-c", "a=2"), "--config gives 'a' twice", None),
    (("call", "f", "e", "--reset", "fesh"), "'fesh' is none of fresh, reuse", "did you mean 'fresh'?"),
    (("call", "f", "e", "--log-level", "loud"), "is none of trace, debug, info, warn, error, off", None),
    (("call", "f", "e", "--timeout-ms", "0"), "0 is not between 1 and", "there is no zero limit"),
    (("call", "f", "e", "--timeout-ms", "1s"), "is not a whole number", None),
    (("call", "f", "e", "--timeout-ms", "-1"), "is not a whole number", None),
    (("call", "f", "e", "--timeout-ms", "99999999999999999999"), "is not a whole number", None),
    (("call", "f", "e", "--memory-max", "0"), "0 is not between 64KiB and 4GiB", "there is no zero limit"),
    (("call", "f", "e", "--memory-max", "5GiB"), "5GiB is not between 64KiB and 4GiB", None),
    (("call", "f", "e", "--memory-max", "many"), "is not a size", None),
    (("call", "f", "e", "--memory-max", "99999999999GiB"), "is not a size", None),
    (("call", "f", "e", "--input-max", "0"), "0 is not between", "there is no zero limit"),
    (("call", "f", "e", "--output-max", "0"), "0 is not between", "there is no zero limit"),
    (("call", "f", "e", "--repeat", "0"), "0 is not between", None),
    (("call", "f", "e", "--concurrency", "0"), "0 is not between", None),
    (("call", "f", "e", "--max-live", "0"), "0 is not between", None),
    (("call", "f", "e", "--concurrency", "8"), "--concurrency 8 contradicts --repeat 1", "add --repeat"),
    (("call", "f", "e", "--max-live", "2", "--min-warm", "3"), "--min-warm 3 contradicts --max-live 2", None),
    (("call", "f", "e", "--quiet", "--stats"), "--quiet and --stats exclude each other", None),
    (("call", "f", "e", "--quiet", "--log-level", "info"), "--quiet and --log-level exclude each other", None),
    (("call", "f", "e", "--tenant", ""), "--tenant: a name has 1 to 128 bytes", None),
    (("call", "f", "e", "--tenant", "x" * 129), "--tenant: a name has 1 to 128 bytes", None),
    (("call", "f", "e", "--no-cache", "--cache-dir", "x"), "--cache-dir and --no-cache exclude each other", None),
    (("call", "f", "e", "--cache-dir", ""), "--cache-dir: names no folder", None),
    (("call", "f", "e", "--compile-timeout", "0"), "0 is not between", "there is no zero limit"),
    (("cache",), "'cache' needs ACTION", "shows the usage"),
    (("cache", "clera"), "ACTION: 'clera' is none of list, verify, clear", "did you mean 'clear'?"),
    (("cache", "list", "--dir", ""), "--dir: names no folder", None),
    (("help", "call", "--format", "bash"), "for all commands together", None),
    (("help", "--json", "--format", "man"), "--json and --format man exclude each other", None),
])
def test_a_wrong_command_line(bullpen, arguments, error, hint):
    done = bullpen(*arguments)
    assert (done.code, done.out) == (2, b"")
    first, *others = done.err.splitlines()
    assert first.startswith("bullpen: ")
    assert error in first
    if hint:
        assert len(others) == 1
        assert others[0].startswith("hint: ") and hint in others[0]


def test_no_command_shows_the_overview(bullpen):
    done = bullpen()
    assert (done.code, done.out) == (2, b"")
    assert done.err == bullpen("help").out.decode()


# --- help --------------------------------------------------------------------------------------

def test_the_table_has_every_command_and_option(table):
    assert list(table) == COMMANDS
    assert [option["name"] for option in table["call"]["options"]] == CALL_OPTIONS
    for command in table.values():
        assert command["examples"] and command["description"] and command["exit_status"]
        assert {"0", "1", "2"} <= command["exit_status"].keys()
    assert command["exit_status"].keys() <= {"0", "1", "2"}
    assert {"3", "4", "124"} <= table["call"]["exit_status"].keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(bullpen, table, name):
    done = bullpen(name, "--help")
    assert (done.code, done.err) == (0, "")
    for arguments in (("help", name), (name, "-h"), (name, "--help", "--quiet")):
        assert bullpen(*arguments).out == done.out
    text = done.out.decode()
    command = table[name]
    for option in command["options"]:
        assert f"--{option['name']}" in text
        if option["letter"]:
            assert f"-{option['letter']}, --{option['name']}" in text
    for example in command["examples"]:
        assert f"  {example['line']}\n" in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("  bullpen ")) <= 80
    assert json.loads(bullpen("help", name, "--json").out) == command


@pytest.mark.parametrize("arguments", [("help",), ("--help",), ("-h",)])
def test_overview(bullpen, table, arguments):
    done = bullpen(*arguments)
    assert (done.code, done.err) == (0, "")
    for name, command in table.items():
        assert f"  {name:<12}{command['summary']}\n" in done.out.decode()


def test_names(bullpen):
    assert bullpen("help", "--format", "names").out.decode().split() == COMMANDS


# --- man pages and completion ------------------------------------------------------------------

@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_man_page(bullpen, tmp_path, table, name):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = bullpen("help", *([name] if name else []), "--format", "man")
    assert (done.code, done.err) == (0, "")
    page = tmp_path / "page.1"
    page.write_bytes(done.out)
    lint = subprocess.run(["mandoc", "-Tlint", page], capture_output=True, text=True, check=False)
    # That a page of ours names is installed is not the page's fault.
    assert [line for line in lint.stdout.splitlines() if "referenced manual not found" not in line] == []
    text = subprocess.run(["mandoc", "-Tascii", page], capture_output=True, text=True, check=True).stdout
    plain = re.sub(".\b", "", text)  # bold and underlined letters are struck over
    for option in table[name]["options"] if name else []:
        assert f"--{option['name']}" in plain
    for command in [] if name else COMMANDS:
        assert f"bullpen-{command}(1)" in plain


def test_generated_files_are_current(bullpen_bin, root):
    done = subprocess.run([root / "tools/gen-docs", "--check", bullpen_bin], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def complete(script, *words):
    """What bash would offer for the last of the words."""
    program = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bullpen; '
               'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-euc", program, "bash", script, *words], capture_output=True, text=True,
                          check=True)
    return done.stdout.split()


def test_completion(bullpen, tmp_path, table):
    script = tmp_path / "bullpen.bash"
    script.write_bytes(bullpen("help", "--format", "bash").out)
    plugin = tmp_path / "a.wasm"
    plugin.touch()
    assert complete(script, "bullpen", "") == [*COMMANDS, "--help", "--version"]
    assert complete(script, "bullpen", "in") == ["inspect"]
    assert complete(script, "bullpen", "call", "--re") == ["--reset", "--repeat"]
    assert complete(script, "bullpen", "call", "--reset", "") == ["fresh", "reuse"]
    assert complete(script, "bullpen", "call", "--log-level", "t") == ["trace"]
    assert complete(script, "bullpen", "call", "--timeout-ms", "") == []
    assert complete(script, "bullpen", "call", str(tmp_path / "a")) == [str(plugin)]
    assert complete(script, "bullpen", "doctor", str(tmp_path / "a")) == []
    assert complete(script, "bullpen", "cache", "") == ["list", "verify", "clear"]
    assert complete(script, "bullpen", "cache", "c") == ["clear"]
    options = complete(script, "bullpen", "call", "-")
    assert {f"--{option['name']}" for option in table["call"]["options"]} <= set(options)


# --- version -----------------------------------------------------------------------------------

def test_version(bullpen):
    answer = json.loads(bullpen("version", "--json").out)
    assert answer.keys() == {"bullpen", "engine"}
    assert answer["bullpen"].count(".") == 2
    assert answer["engine"].startswith("wasmtime 48.")
    text = f"bullpen {answer['bullpen']}\nengine {answer['engine']}\n".encode()
    for arguments in (("version",), ("--version",), ("-V",)):
        done = bullpen(*arguments)
        assert (done.code, done.out, done.err) == (0, text, "")
