"""bench/torture's judgement, on hosts made to end in every way; and its published table."""
import contextlib
import json
import os
import pathlib
import select
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "hostile"))
import bombs  # noqa: E402
import cases  # noqa: E402,F401
import child  # noqa: E402
import page  # noqa: E402
import stage  # noqa: E402
from judge import judge  # noqa: E402

# Answers every command well, but for `call name=plugin`, where it does what it was started for.
FAKE = r"""
import os, signal, subprocess, sys, time
for line in sys.stdin:
    words, said = line.split(), False
    if words[0] == "call" and ("name=plugin" in words) != (sys.argv[1] == "neighbour"):
        exec(sys.argv[2])
    if not said:
        print("outcome=finished done=1 ms=1 size=4 hash=0 head=676f6f64 message=fake-1", flush=True)
"""

ENDS = {
    "well": ("pass", child.HELD),
    "killed": ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed (SIGSEGV)"),
    "aborted": ("os.abort()", "crashed (SIGABRT)"),
    "exited": ("os._exit(3)", "crashed (exit 3)"),
    "exited well": ("os._exit(0)", "crashed (exit 0)"),
    "hung": ("signal.pause()", child.HUNG),
    "deaf": ("os.close(1); signal.pause()", child.HUNG),
    "garbage": ("print('no pairs')", child.WRONG),
    "other garbage": ("sys.stdout.buffer.write(bytes(range(128, 256)) + b'\\n')", child.WRONG),
    "endless": ("sys.stdout.write('x' * 200000)", child.WRONG),
    "failed": ("print('outcome=failed message=it%20is%20so', flush=True); said = True", child.HELD),
    "wordless": ("print('outcome=failed message=', flush=True); said = True", child.WRONG),
    "greedy": ("hold = bytearray(os.urandom(1 << 20) * 400); signal.pause()", child.MEMORY),
    "aborted for memory": ("sys.stderr.write('memory allocation of 9 bytes failed'); "
                           "sys.stderr.flush(); os.abort()", child.MEMORY),
    "neighbour": ("print('outcome=failed message=dead', flush=True); said = True", child.NEIGHBOUR),
}


def attack(where):
    host = where.host(memory_max=256 * child.MIB)
    # Those that never answer need not be waited for; all others have time.
    answer = host.ask("call", 0.5 if where.command[2] == "hung" else 60, name="plugin")
    return "" if answer.finished else stage.must_fail(answer, "call").message


def judge_fake(tmp_path, name, code):
    fake = tmp_path / "fake.py"
    fake.write_text(FAKE)
    case = stage.Case("fake", "time", "a fake", "It is judged.", attack)
    return judge(case, [sys.executable, str(fake), name, code], str(tmp_path))


@pytest.mark.parametrize("name", ENDS)
def test_every_end_has_its_verdict(tmp_path, name, monkeypatch):
    code, verdict = ENDS[name]
    if name == "deaf":
        monkeypatch.setattr(child, "PATIENCE_S", 0.5)
    found = judge_fake(tmp_path, name, code)
    assert found["verdict"] == verdict, found
    assert found["version"] == "fake-1"


def test_nothing_of_a_host_outlives_its_case(tmp_path):
    code = ("print(subprocess.Popen(['sleep', '1000']).pid, file=open('pid', 'w'), flush=True); "
            "os.abort()")
    assert judge_fake(tmp_path, "parent", code)["verdict"] == "crashed (SIGABRT)"
    with contextlib.suppress(ProcessLookupError):
        process = os.pidfd_open(int((tmp_path / "pid").read_text()))
        # It was killed; that it is over may take the kernel a moment.
        assert select.select([process], [], [], 60)[0]
        os.close(process)


def test_names_of_folders_are_not_published(tmp_path):
    code = (f"print('outcome=failed message={tmp_path}/a.wasm%20in%20'"
            f" + os.path.expanduser('~/x'), flush=True); said = True")
    assert judge_fake(tmp_path, "names", code)["note"] == "a.wasm in ~/x"


def test_every_bomb_is_a_module_and_has_its_case():
    for name, make in bombs.ALL.items():
        if name not in ("functions", "types", "names", "data"):  # large, and made the same way
            assert make()[:8] == b"\0asm\1\0\0\0"
        assert f"bomb-{name.replace('_', '-')}" in [case.name for case in stage.CASES]
    assert bombs.number(624485) == bytes([0xE5, 0x8E, 0x26])


def test_work_is_what_the_guest_computes(call):
    guest = ROOT / "bench" / "hostile" / "guests" / "work.wat"
    assert call(guest, "work").out.decode() == cases.worked()


def test_every_case_says_what_is_expected():
    names = [case.name for case in stage.CASES]
    assert len(set(names)) == len(names) > 30
    assert all(case.expected.endswith(".") and case.title for case in stage.CASES)


RESULTS = {
    "date": "2026-01-02", "seconds": 3, "machine": {"cpu": "c", "cores": 2, "kernel": "6"},
    "sides": [{"name": "a", "title": "A", "version": "a-1"},
              {"name": "b", "title": "B", "version": "b-1"}],
    "cases": [{"title": "One", "expected": "It holds.", "verdicts": {
        "a": {"verdict": child.HELD, "note": "a|b"},
        "b": {"verdict": child.HUNG, "note": ""}}}],
    "left_out": [{"name": "C", "reason": "go is not installed"}],
}


def test_the_table_has_every_verdict_and_note():
    text = page.markdown(RESULTS)
    assert "| One | It holds. | held | **hung** |" in text
    assert "- **One.** A: a\\|b" in text
    assert "- C: go is not installed" in text
    assert "a-1 1 of 1, b-1 0 of 1" in text


def test_a_page_is_changed_between_its_markers_only(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    page.write(RESULTS, str(path))
    page.write(RESULTS, str(path))
    text = path.read_text()
    assert text.startswith(f"before\n{page.BEGIN}\n") and text.endswith(f"{page.END}\nafter\n")
    assert "\nold\n" not in text and text.count("| One |") == 1
    path.write_text("nothing")
    with pytest.raises(SystemExit):
        page.write(RESULTS, str(path))
    assert path.read_text() == "nothing"


def test_the_published_table_is_that_of_the_last_results():
    last = max((ROOT / "bench" / "results").glob("torture-*.json"), key=os.fspath)
    published = (ROOT / "docs" / "security.md").read_text()
    assert page.markdown(json.loads(last.read_text())) in published
