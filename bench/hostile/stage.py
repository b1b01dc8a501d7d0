# Bullpen: what the cases of bench/torture are made of. SPDX-License-Identifier: Apache-2.0
"""A case is a function with a name, a title, and one sentence that says what a good host does. It
drives hosts by commands (commands.c lists them) and returns a note, or raises a Verdict."""
import dataclasses
import secrets

from child import HUNG, NEIGHBOUR, NOT_OFFERED, WRONG, Host, Verdict, brief

# What every plugin is given unless its case is about that. They are Bullpen's own defaults.
CALL_MS = 1000
LIMITS = {'timeout_ms': CALL_MS, 'memory_pages': 1024, 'var_bytes': 1 << 20}
NO_DEADLINE_MS = 600_000
# How long after a deadline a host may take, on a machine that has other things to do.
GRACE_S = 5


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    group: str
    title: str
    expected: str
    run: object


CASES = []


def case(name, group, title, expected):
    def add(function):
        CASES.append(Case(name, group, title, expected, function))
        return function
    return add


class Stage:
    """What a case runs on: hosts of one kind, one after the other or at once."""

    def __init__(self, command, folder):
        self.command, self.folder = command, folder
        self.hosts = []
        self.version = ''

    def host(self, neighbour=True, **bounds):
        host = Host(self.command, self.folder, **bounds)
        self.hosts.append(host)
        self.version = host.ask('hello').message
        if neighbour:
            must_finish(host.ask('load', name='neighbour', file='echo.wasm',
                                 **dict(LIMITS, timeout_ms=NO_DEADLINE_MS)), 'load the neighbour')
        return host

    def close(self):
        for host in self.hosts:
            host.close()

    def peak(self):
        return max((host.measure() for host in self.hosts), default=0)


# ---- what cases ask

def load(host, file, name='plugin', patience=30, **options):
    return host.ask('load', patience, name=name, file=f'{file}.wasm', **dict(LIMITS, **options))


def loaded(host, file, **options):
    must_finish(load(host, file, **options), f'load {file}')


def call(host, export, name='plugin', patience=30, **more):
    return host.ask('call', patience, name=name, export=export, **more)


def must_finish(answer, what):
    if not answer.finished:
        raise Verdict(WRONG, f'{what}: {brief(answer.message) or answer.outcome}')
    return answer


def must_fail(answer, what):
    """With words: who runs other people's code has to know what happened."""
    if not answer.failed:
        raise Verdict(WRONG, f'{what}: ended as if all were well')
    if not answer.message.strip():
        raise Verdict(WRONG, f'{what}: failed without a word')
    return answer


def in_time(host, verb, what, seconds=GRACE_S, **pairs):
    """An answer before the deadline is long over."""
    try:
        return host.ask(verb, seconds, **pairs)
    except Verdict as ended:
        if ended.verdict == HUNG:
            raise Verdict(HUNG, f'{what}: {ended.note}') from None
        raise


def neighbour_served(host):
    """Another plugin of the same process still gives right answers."""
    word = secrets.token_hex(8)
    answer = host.ask('call', name='neighbour', export='echo', input=word, expect=word)
    if not answer.finished or answer.done != 1:
        raise Verdict(NEIGHBOUR, brief(answer.message) or f'it answered {answer.head!r}')


def each(items, judge):
    """Judge every item; the worst comes last, so that a note can name all that failed alike."""
    failed = {}
    for item in items:
        try:
            judge(item)
        except Verdict as verdict:
            failed.setdefault(verdict.verdict, []).append((item, verdict.note))
            if verdict.verdict not in (WRONG, NOT_OFFERED):
                break  # the host is gone
    if failed:
        verdict = list(failed)[-1]
        note = failed[verdict][0][1]
        names = ', '.join(str(item) for item, _ in failed[verdict])
        raise Verdict(verdict, f'{names}: {note}' if note and names not in note else note or names)
    return ''
