"""What the integration tests share: the built program, real plugins, and small guests from WebAssembly text.

BULLPEN_BIN      the program; default build/bullpen
BULLPEN_PLUGINS  the folder that tools/fetch-plugins prints; tests that need it are skipped without
"""
import dataclasses
import os
import pathlib
import signal
import subprocess

import pytest

from wat_guests import GUESTS

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Long enough for any machine: a test that needs this long has hung.
PATIENCE_S = 120

# A shell that runs the tests in its background has them ignored, and so would the programs that are sent them here.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in signal.SIGHUP, signal.SIGQUIT:
    signal.signal(number, signal.SIG_DFL)


@dataclasses.dataclass
class Done:
    """How a run ended: exit code, standard output as bytes, standard error as text."""

    code: int
    out: bytes
    err: str


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def bullpen_bin():
    path = pathlib.Path(os.environ.get("BULLPEN_BIN", ROOT / "build" / "bullpen")).resolve()
    assert path.is_file(), f"{path} is not there: build first, or set BULLPEN_BIN"
    return path


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory):
    """Compiled modules of the tests; never the user's own."""
    folder = tmp_path_factory.mktemp("cache") / "modules"
    os.environ["BULLPEN_CACHE_DIR"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def plugins():
    folder = os.environ.get("BULLPEN_PLUGINS")
    if not folder:
        pytest.skip("BULLPEN_PLUGINS is not set: see tools/fetch-plugins")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def bullpen(bullpen_bin):
    """Runs the program to its end."""

    def run(*arguments, stdin=b"", **more):
        done = subprocess.run([bullpen_bin, *map(str, arguments)], input=stdin, capture_output=True,
                              timeout=PATIENCE_S, check=False, **more)
        return Done(done.returncode, done.stdout, done.stderr.decode())

    return run


@pytest.fixture(scope="session")
def call(bullpen):
    """Runs `bullpen call` with a deadline that no honest guest meets, unless the test names one."""

    def run(file, export, *arguments, **more):
        patience = () if "--timeout-ms" in arguments else ("--timeout-ms", PATIENCE_S * 1000)
        return bullpen("call", file, export, *patience, *arguments, **more)

    return run


@pytest.fixture(scope="session")
def guest(tmp_path_factory):
    """The path of a guest from wat_guests.py, by its name."""
    folder = tmp_path_factory.mktemp("guests")

    def path(name):
        file = folder / f"{name}.wat"
        if not file.exists():
            file.write_text(GUESTS[name])
        return file

    return path


@pytest.fixture(scope="session")
def built_guests(bullpen_bin):
    """The folder that tests/guests/build has filled."""
    folder = pathlib.Path(os.environ.get("BULLPEN_GUESTS", bullpen_bin.parent / "guests"))
    assert (folder / "sdk").is_dir(), f"{folder} is not filled: run tests/guests/build {folder}"
    return folder


@pytest.fixture(scope="session")
def toolchains(bullpen_bin, built_guests):
    """An environment in which plugins are built: our program, a new enough Go and Node.js, jco and componentize-py on
    PATH, what is compiled from crates kept for the next run, and no network: tools/setup has fetched what is needed."""
    script = ('root=$PWD; . tools/lib.sh; go=$(find_go); echo "${go%/*}:$(find_node):'
              '$bullpen_jco_root/node_modules/.bin:$bullpen_componentize_py_root/bin"; echo "$bullpen_cache/guests-rust"')
    found = subprocess.run(["sh", "-ec", script], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    tools, kept = found.stdout.splitlines()
    return {**os.environ, "PATH": f"{bullpen_bin.parent}:{tools}:{os.environ['PATH']}", "GOPROXY": "off",
            "GOFLAGS": "", "GOTOOLCHAIN": "local", "CARGO_NET_OFFLINE": "true", "CARGO_TARGET_DIR": kept}
