# Bullpen: one host under attack, in a process of its own. SPDX-License-Identifier: Apache-2.0
"""Starts a host's program, tells it what to do, and says what became of it. The program may crash,
hang, answer nonsense or take all memory: each is a verdict here, and none outlives the case."""
import contextlib
import ctypes
import dataclasses
import os
import re
import resource
import select
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse

MIB = 1 << 20
MEMORY_MAX = 1024 * MIB  # of the whole process, unless a case says otherwise
PATIENCE_S = 20          # for one command, unless a case says otherwise
ANSWER_MAX = 1 << 16
POLL_S = 0.01

HELD = 'held'
WRONG = 'wrong answer'
LEAKED = 'state leaked'
NEIGHBOUR = 'neighbour killed'
HUNG = 'hung'
MEMORY = 'out of memory'
REFUSED = 'refused at load'
NOT_OFFERED = 'not offered'
NO_VERDICT = 'no verdict'  # this machine was in the way
NEUTRAL = (NOT_OFFERED, NO_VERDICT)
GOOD = (HELD, REFUSED)

# What programs say before they end themselves because an allocation failed.
OUT_OF_MEMORY_WORDS = ('memory allocation of', 'out of memory', 'cannot allocate memory',
                       'capacity overflow', 'failed to reserve')


class Verdict(Exception):
    """How a case ended, if not well."""

    def __init__(self, verdict, note=''):
        super().__init__(verdict, note)
        self.verdict, self.note = verdict, note


@dataclasses.dataclass
class Answer:
    """To one command. `message` says why it failed, `head` is the begin of the output."""
    outcome: str
    message: str = ''
    head: bytes = b''
    size: int = 0
    hash: str = ''
    done: int = 0
    ms: float = 0.0
    slowest_ms: float = 0.0

    @property
    def finished(self):
        return self.outcome == 'finished'

    @property
    def failed(self):
        return self.outcome == 'failed'


def parse(line):
    """An answer's line; ValueError when it is none."""
    pairs = dict(pair.split('=', 1) for pair in line.decode('ascii').split())
    if pairs.get('outcome') not in ('finished', 'failed', 'not_offered'):
        raise ValueError('no outcome')
    message = urllib.parse.unquote(pairs.get('message', ''), errors='replace')
    return Answer(pairs['outcome'], message,
                  bytes.fromhex(pairs.get('head', '')), int(pairs.get('size', '0')),
                  pairs.get('hash', ''), int(pairs.get('done', '0')), float(pairs.get('ms', '0')),
                  float(pairs.get('slowest_ms', '0')))


def brief(text):
    """The first line of a message, short enough for a table."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), '')
    line = re.sub(r"'/[^']*/([^'/]+)'", r"'\1'", line)  # no folders of one machine
    return line if len(line) <= 110 else line[:109] + '…'


def prepare(address_space):
    """In the child, before the program: it ends with us, leaves no core, and is the first to go
    when the machine runs out of memory."""
    def run():
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if address_space:
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
        with contextlib.suppress(OSError), open('/proc/self/oom_score_adj', 'w',
                                                encoding='ascii') as file:
            file.write('1000')
    return run


def resident(process, which):
    """Bytes by a line of the process's status; 0 when it is gone."""
    with contextlib.suppress(OSError), open(f'/proc/{process}/status', encoding='ascii') as file:
        for line in file:
            if line.startswith(which):
                return int(line.split()[1]) * 1024
    return 0


class Host:
    """A running program. Use it in a with statement: nothing is left of it after that."""

    def __init__(self, command, folder, memory_max=MEMORY_MAX, address_space=0):
        self.memory_max = memory_max
        self.peak = 0
        self.over = False
        self.words = tempfile.TemporaryFile()
        # One sandbox's addresses are many gigabytes, so what is bounded is what is really there.
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.words,
            start_new_session=True, preexec_fn=prepare(address_space),
            env=dict(os.environ, EXTISM_CACHE_CONFIG=''))
        self.unread = b''
        self.stop = threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stop_watching()
        self.kill()
        for file in (self.process.stdin, self.process.stdout, self.words):
            with contextlib.suppress(OSError):
                file.close()

    def stop_watching(self):
        self.stop.set()
        self.watcher.join()

    def gone(self, patience):
        """Whether it ended by itself in time. It stays a zombie, so that its group keeps its id."""
        until = time.monotonic() + patience
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while not os.waitid(os.P_PID, self.process.pid, flags):
            if time.monotonic() > until:
                return False
            time.sleep(POLL_S)
        return True

    def kill(self):
        """With all that it has started; harmless the second time."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        return self.process.returncode

    # -- memory

    def children(self):
        """What the host started in its own name counts as the host's."""
        with contextlib.suppress(OSError):
            for thread in os.listdir(f'/proc/{self.process.pid}/task'):
                with contextlib.suppress(OSError), open(
                        f'/proc/{self.process.pid}/task/{thread}/children', encoding='ascii') as file:
                    yield from map(int, file.read().split())

    def measure(self):
        """The most that was resident so far; what the kernel said last if it is gone."""
        if self.process.returncode is not None:
            return self.peak  # its id may be somebody else's
        children = sum(resident(child, 'VmRSS:') for child in self.children())
        self.peak = max(self.peak, resident(self.process.pid, 'VmHWM:') + children)
        return self.peak

    def watch(self):
        while not self.stop.wait(POLL_S):
            if self.measure() > self.memory_max:
                self.over = True
                # Nobody waits for it before this thread has ended, so the id is still its own.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                return

    # -- commands

    def tell(self, verb, **pairs):
        """Give a command; its answer is read by hear()."""
        line = ' '.join([verb, *(f'{key}={urllib.parse.quote(str(value))}'
                                 for key, value in pairs.items())]) + '\n'
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except OSError:
            raise self.end() from None

    def hear(self, patience=PATIENCE_S):
        until = time.monotonic() + patience
        while b'\n' not in self.unread:
            left = until - time.monotonic()
            if left <= 0:
                self.stop_watching()
                self.kill()
                raise Verdict(MEMORY, f'over {self.memory_max // MIB} MiB') if self.over else \
                    Verdict(HUNG, f'no answer in {patience:.3g} s')
            # What it has started may hold its output open when it is gone itself.
            gone = self.gone(0)
            if not select.select([self.process.stdout], [], [], 0 if gone else min(left, 0.1))[0]:
                if gone:
                    raise self.end()
                continue
            piece = os.read(self.process.stdout.fileno(), ANSWER_MAX)
            if not piece:
                raise self.end()
            self.unread += piece
            if len(self.unread) > ANSWER_MAX:
                raise Verdict(WRONG, 'an answer that does not end')
        line, self.unread = self.unread.split(b'\n', 1)
        try:
            return parse(line)
        except (ValueError, UnicodeDecodeError):
            raise Verdict(WRONG, f'an answer that is none: {brief(repr(line))}') from None

    def ask(self, verb, patience=PATIENCE_S, **pairs):
        self.tell(verb, **pairs)
        return self.hear(patience)

    # -- its end

    def last_words(self):
        self.words.seek(0)
        return self.words.read(ANSWER_MAX).decode(errors='replace')

    def end(self):
        """It is gone, or goes: why."""
        stayed = not self.gone(PATIENCE_S)
        self.stop_watching()
        code = self.kill()
        if stayed and not self.over:
            return Verdict(HUNG, 'it closed its output and stayed')
        words = self.last_words()
        if self.over:
            return Verdict(MEMORY, f'over {self.memory_max // MIB} MiB')
        if code == 70:
            raise RuntimeError(f'the host did not understand a command: {words}')
        if any(word in words.lower() for word in OUT_OF_MEMORY_WORDS):
            return Verdict(MEMORY, f'it ended itself: {brief(words)}')
        if code < 0:
            name = signal.Signals(-code).name
            return Verdict(f'crashed ({name})', brief(words))
        return Verdict(f'crashed (exit {code})', brief(words))
