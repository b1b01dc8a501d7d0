"""Plugins that nobody here wrote: each is called and must answer what its author meant."""
import json

import pytest

GREETING = "Hello, World!"


@pytest.mark.parametrize("file, export, arguments, expected", [
    ("extism-pdk/count_vowels", "count_vowels", ("-i", GREETING), b'{"count":3}'),
    ("extism-pdk/count_vowels", "count_vowels", ("-i", ""), b'{"count":0}'),
    ("extism-pdk/code", "count_vowels", ("-i", GREETING), b'{"count":3}'),
    ("go-sdk/count_vowels", "count_vowels", ("-i", GREETING),
     b'{"count":3,"total":3,"vowels":"aeiouAEIOU"}'),
    ("go-sdk/count_vowels", "count_vowels", ("-i", GREETING, "-c", "vowels=lo"),
     b'{"count":5,"total":5,"vowels":"lo"}'),
    ("go-sdk/config", "run_test", ("--wasi", "-c", "thing=hello"), b'{"config": "hello"}'),
    ("go-sdk/config", "run_test", ("--wasi", "-c", "thing=a=b=c", "-c", "other=x"),
     b'{"config": "a=b=c"}'),
    ("go-sdk/config", "run_test", ("--wasi",), b'{"config": "<unset by host>"}'),
    ("go-sdk/var", "run_test", ("--wasi",), b"a: 0"),
    ("go-sdk/log", "run_test", ("--wasi",), b""),
    ("go-sdk/replace", "run_test", ("--wasi", "-i", "this is a test, a test"),
     b"this is a wasm, a wasm"),
    ("go-sdk/noop", "run_test", ("--wasi",), b""),
    ("go-sdk/println", "run_test", ("--wasi", "-i", "you"), b""),
    ("go-sdk/hello", "run_test", (), b"Hello, world!"),
    ("go-sdk/sleep", "run_test", ("--wasi", "-c", "duration=0"), b"slept for 0 seconds"),
])
def test_answers(call, plugins, file, export, arguments, expected):
    done = call(plugins / f"{file}.wasm", export, *arguments)
    assert (done.code, done.out) == (0, expected), done.err


def test_log_levels_decide_what_is_printed(call, plugins):
    records = {
        "trace": "trace log: this is a trace log\n",
        "debug": "debug log: this is a debug log\n",
        "info": "info  log: this is an info log\n",
        "warn": "warn  log: this is a warning log\n",
        "error": "error log: this is an error log\n",
        "off": "",
    }
    levels = list(records)
    for at, level in enumerate(levels):
        done = call(plugins / "go-sdk/log.wasm", "run_test", "--wasi", "--log-level", level)
        printed = [line for line in done.err.splitlines(True) if " log: " in line]
        assert printed == [records[name] for name in levels[at:] if records[name]], level
    done = call(plugins / "go-sdk/log.wasm", "run_test", "--wasi")
    assert done.err == records["info"] + records["warn"] + records["error"]
    done = call(plugins / "go-sdk/log.wasm", "run_test", "--wasi", "--quiet")
    assert (done.code, done.err) == (0, "")


def test_what_a_plugin_prints_is_a_log_record(call, plugins):
    done = call(plugins / "go-sdk/println.wasm", "run_test", "--wasi", "-i", "you")
    assert done.err == "info  println: this was printed from the plugin you\n"
    assert done.out == b""


@pytest.mark.parametrize("file, export", [("extism-pdk/http", "http_get"), ("go-sdk/http", "run_test")])
def test_http_is_not_granted(call, plugins, file, export):
    done = call(plugins / f"{file}.wasm", export, "--wasi", "-i", '{"url":"https://example.com/"}')
    assert done.code == 3
    assert done.out == b""
    assert "http is not granted" in done.err


@pytest.mark.parametrize("name", ["config", "var", "log", "replace", "noop", "println", "sleep"])
def test_wasi_is_refused_unless_granted(call, plugins, name):
    done = call(plugins / f"go-sdk/{name}.wasm", "run_test")
    assert done.code == 4
    assert done.out == b""
    assert "wasi_snapshot_preview1" in done.err
    assert "hint: pass --wasi to grant it\n" in done.err


def test_a_busy_plugin_meets_its_deadline(call, plugins):
    done = call(plugins / "go-sdk/sleep.wasm", "run_test", "--wasi", "-c", "duration=3600",
                "--timeout-ms", 200)
    assert done.code == 124
    assert "timed_out" in done.err
    assert "hint: raise --timeout-ms (now 200)\n" in done.err


def test_thousands_of_calls_over_threads(call, plugins):
    done = call(plugins / "extism-pdk/count_vowels.wasm", "count_vowels", "-i", GREETING, "--repeat", 2000,
                "--concurrency", 8, "--stats")
    assert (done.code, done.out) == (0, b'{"count":3}'), done.err
    lines = dict(line.split(None, 1) for line in done.err.splitlines())
    assert lines["calls"].startswith("2000 in ")
    assert lines["calls"].endswith(", 8 at once")
    assert lines["outcomes"] == "finished 2000"
    for quantile in ("p50", "p90", "p99", "p99.9", "max"):
        assert f"{quantile} " in lines["latency"]
    assert lines["recycled"] == "none"
    assert {"plugin", "takes", "sandboxes", "pool"} <= lines.keys()


def test_the_same_as_json(call, plugins):
    done = call(plugins / "extism-pdk/count_vowels.wasm", "count_vowels", "-i", GREETING, "--repeat", 2000,
                "--concurrency", 8, "--stats", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert answer["output"] == '{"count":3}'
    assert answer["outputs_differ"] is False
    stats = answer["stats"]
    assert stats["calls"] == 2000
    assert stats["concurrency"] == 8
    assert stats["outcomes"] == {"finished": 2000}
    assert stats["statuses"] == {}
    latency = stats["latency_us"]
    values = [latency[name] for name in ("p50", "p90", "p99", "p99.9", "max")]
    assert values == sorted(values) and values[0] > 0
    pool = stats["pool"]
    assert pool["takes"]["hit"] + pool["takes"]["miss"] == 2000
    assert pool["high_water"] <= pool["max_live"] == 16
    assert pool["creates"] >= 8
    assert pool["recycles"] == {}


def test_vars_of_a_tenant_live_on(call, plugins):
    arguments = (plugins / "go-sdk/count_vowels.wasm", "count_vowels", "-i", "aaa", "--repeat", 3, "--json")
    forgotten = json.loads(call(*arguments).out)
    assert forgotten["outputs_differ"] is False
    kept = json.loads(call(*arguments, "--tenant", "ada").out)
    assert kept["outputs_differ"] is True
    assert json.loads(kept["output"])["total"] == 3
