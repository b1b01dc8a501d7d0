"""bench/compare's table of comparisons, and what it does about peers that cannot be had."""
import importlib.machinery
import importlib.util
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import builds  # noqa: E402
from sections import Beside, Job, Metric, Section, median_of  # noqa: E402

LOADER = importlib.machinery.SourceFileLoader("compare", str(ROOT / "bench" / "compare"))
compare = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", LOADER))
LOADER.exec_module(compare)

# Prints a record as every program does; its argument is the name of a file.
PROGRAM = """#!/bin/sh
echo "record=fresh side=fake-1 calls=10 wall_ns=1000 cpu_ns=$(cat "$1") samples_ns=1,2,3"
"""


@pytest.mark.parametrize("target", compare.TARGETS)
def test_every_figure_has_its_job(target):
    jobs, sections = compare.TARGETS[target]()
    names = [job.name for job in jobs]
    assert len(set(names)) == len(names)
    used = {metric.job for section in sections
            for metric in (section.ours, section.peer, *section.also)}
    assert used == set(names)
    assert {section.relation for section in sections} <= {"<=", ">=", ""}


@pytest.mark.parametrize("target", compare.TARGETS)
def test_every_program_of_a_job_is_known(target):
    known = compare.Programs("build").makers
    assert {name for job in compare.TARGETS[target]()[0] for name in compare.needs_of(job)} <= \
        set(known)


def test_targets_are_named_in_any_case_and_not_twice():
    assert compare.target_list(["p9B", "P9", "p9b"]) == ["P9b", "P9"]
    with pytest.raises(SystemExit, match="unknown target 'P99'"):
        compare.target_list(["P99"])


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "bullpen" / "peers"


@pytest.mark.parametrize("name", builds.SLOW)
def test_what_is_slow_to_build_is_only_built_for_who_asks(cache, monkeypatch, name):
    built = []

    def build(work):
        built.append(name)
        pathlib.Path(work, "program").write_text("")
    with pytest.raises(builds.Unavailable, match=f"--with {name}$"):
        builds.peer(name, "key", "program", build)
    assert not built and not cache.exists()
    monkeypatch.setattr(builds, "asked", {name})
    path = builds.peer(name, "key", "program", build)
    monkeypatch.setattr(builds, "asked", set())
    assert built == [name] and builds.peer(name, "key", "program", build) == path


def fake_programs(folder):
    program = folder / "program"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    (folder / "guest").write_text("50")
    programs = compare.Programs("build")
    programs.makers = {"here": lambda: str(program)}

    def gone():
        raise builds.Unavailable("there is no such thing here")
    programs.makers["gone"] = gone
    return programs


def test_a_guest_lies_beside_what_was_built_with_it(tmp_path):
    programs = fake_programs(tmp_path)
    records = compare.run_job(programs, Job("name", "here", (Beside("here", "guest"),)))
    assert records["fresh"]["cpu_ns"] == 50 and records["fresh"]["samples"] == [1, 2, 3]


@pytest.mark.parametrize("program, guest", [("here", "gone"), ("gone", "here")])
def test_without_a_program_or_a_guest_a_comparison_is_left_out_by_name(tmp_path, program, guest):
    programs = fake_programs(tmp_path)
    jobs = [Job("ours", "here", (Beside("here", "guest"),)),
            Job("theirs", program, (Beside(guest, "guest"),))]
    section = Section("work", Metric("ours", median_of("fresh")),
                      Metric("theirs", median_of("fresh")), "<=", 1.0)
    result = compare.judge("P0", section, compare.run_rounds(programs, jobs, 2))
    assert (result["verdict"], result["reason"]) == ("left out", "there is no such thing here")
    assert programs.left_out() == [{"name": "gone", "reason": "there is no such thing here"}]
