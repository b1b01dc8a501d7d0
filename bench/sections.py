# Bullpen: how bench/compare describes a comparison. SPDX-License-Identifier: Apache-2.0
"""Jobs are what is run, metrics are figures out of their records, sections compare two of them."""
import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Beside:
    """An argument: a file that lies beside a program, or beside what was built like one."""
    program: str
    file: str


@dataclasses.dataclass(frozen=True)
class Job:
    """One process in every round."""
    name: str
    program: str
    arguments: tuple     # texts, and files as Beside


@dataclasses.dataclass(frozen=True)
class Metric:
    """How a figure comes out of a job's records."""
    job: str
    value: object        # records -> number
    label: str = ''      # added to the side's name
    tail: object = None  # records -> 99th percentile in the same unit
    unit: str = ''       # if it is not the section's
    plot: str = ''       # the plot that it is a point of, if any
    series: str = ''     # there: added to the side's name


@dataclasses.dataclass(frozen=True)
class Section:
    """A comparison with a target: ours over peer, or with absolute=True ours alone. Without a
    relation it has no target: its figures are shown."""
    title: str
    ours: Metric
    peer: Metric
    relation: str = ''
    goal: float = 0.0
    unit: str = 'ns'
    absolute: bool = False
    also: tuple = ()     # metrics that are shown beside, without a target


def percentile(samples, part):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def median_of(record):
    return lambda records: statistics.median(records[record]['samples'])


def tail_of(record):
    return lambda records: percentile(records[record]['samples'], 0.99)


def cpu_per_call(records):
    return records['fresh']['cpu_ns'] / records['fresh']['calls']


def calls_per_second(records):
    return records['fresh']['calls'] / records['fresh']['wall_ns'] * 1e9


def cores_of(record):
    """Two threads cannot be twice as fast where others leave them one core: show what they got."""
    return lambda records: records[record]['cpu_ns'] / records[record]['wall_ns']


def ready_percent(records):
    paced = records['paced_fresh']
    return 100.0 * (1 - paced['misses'] / paced['calls'])
