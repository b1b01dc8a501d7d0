# Bullpen: the cases of bench/torture. SPDX-License-Identifier: Apache-2.0
"""The same function judges every host; none of them knows which one it has."""
import math
import time

from child import (LEAKED, MEMORY, MIB, NEIGHBOUR, NO_VERDICT, NOT_OFFERED, REFUSED, WRONG, Verdict,
                   brief)
from stage import (CALL_MS, GRACE_S, LIMITS, NO_DEADLINE_MS, call, case, each, in_time, load,
                   loaded, must_fail, must_finish, neighbour_served)


# ---- time

def worked():
    x = 1
    a, c, m = 6364136223846793005, 1442695040888963407, 1 << 64
    # 2 million steps at once: x -> a x + c, composed by squaring
    total_a, total_c, left = 1, 0, 2_000_000
    while left:
        if left & 1:
            total_a, total_c = total_a * a % m, (total_c * a + c) % m
        a, c, left = a * a % m, (a * c + c) % m, left >> 1
    x = (total_a * x + total_c) % m
    return (x & 0x0f0f0f0f0f0f0f0f | 0x6060606060606060).to_bytes(8, 'little').decode()


def timeouts_beside(stage, victim, attacker, victim_ms):
    """Two calls run into their deadline while others do honest work. Ones that take longer than
    their own deadline say nothing: this machine was too busy, so it is tried again."""
    for _ in range(3):
        host = stage.host()
        loaded(host, 'work', name='other', timeout_ms=CALL_MS)
        loaded(host, 'work', instances=2, timeout_ms=victim_ms)
        expect = worked()
        once = call(host, 'work', name=victim, expect=expect)
        if once.failed and once.ms >= 0.9 * victim_ms:
            host.close()
            continue
        if not must_finish(once, 'work alone').done:
            raise Verdict(WRONG, 'work alone has another result')
        calls = max(8, math.ceil(2.5 * CALL_MS / once.ms))
        host.ask('start', id=1, name=victim, export='work', calls=calls, expect=expect, instance=1)
        for _ in range(2):
            must_fail(in_time(host, 'call', 'the loop', CALL_MS / 1000 + GRACE_S, name=attacker,
                              export='loop'), 'the loop')
        answer = host.ask('join', 60, id=1)
        if answer.finished and answer.done == calls:
            return f'{calls} calls of work, all right'
        if answer.slowest_ms < 0.9 * victim_ms:
            raise Verdict(NEIGHBOUR, f'after {answer.done} of {calls} calls: '
                          f'{brief(answer.message) or "another result"}')
        host.close()
    raise Verdict(NO_VERDICT, 'the machine was too busy to tell')


@case('neighbour', 'time', 'A plugin works while another plugin times out',
      'Only the call that looped ends; every call of the other plugin is right.')
def neighbour(stage):
    return timeouts_beside(stage, 'plugin', 'other', NO_DEADLINE_MS)


@case('sibling', 'time', 'A plugin works while its other instance times out',
      'Only the call that looped ends; every other call of the plugin is right.')
def sibling(stage):
    return timeouts_beside(stage, 'plugin', 'plugin', CALL_MS)


def never_starts(stage, file):
    host = stage.host()
    answer = in_time(host, 'load', 'load', name='plugin', file=f'{file}.wasm',
                     wasi=1, **dict(LIMITS, timeout_ms=300, init_timeout_ms=300))
    if answer.finished:  # it initialises with the first call
        answer = in_time(host, 'call', 'call', name='plugin', export='ping')
    return brief(must_fail(answer, 'load and call').message)


@case('start', 'time', 'The start function loops',
      'Loading, or the first call, ends with an error soon after the time limit.')
def start(stage):
    return never_starts(stage, 'start_loop')


@case('initialize', 'time', '`_initialize` loops',
      'Loading, or the first call, ends with an error soon after the time limit.')
def initialize(stage):
    return never_starts(stage, 'initialize_loop')


def deadline(stage, file, exports, **options):
    host = stage.host()
    loaded(host, file, timeout_ms=300, **options)
    return each(exports, lambda export: must_fail(
        in_time(host, 'call', export, name='plugin', export=export, fresh=1), export))


@case('host-calls', 'time', 'A loop of host calls, and of long instructions',
      'Every call ends with an error soon after its deadline.')
def host_calls(stage):
    return deadline(stage, 'time', ('loop_length', 'loop_config', 'loop_alloc', 'loop_fill',
                                    'loop_grow'))


@case('sleep', 'time', 'A host call sleeps for an hour (WASI `poll_oneoff`)',
      'The call ends with an error soon after its deadline.')
def sleep(stage):
    return deadline(stage, 'wasi', ('nap_an_hour',), wasi=1)


@case('cancel', 'time', 'Another thread cancels a call',
      'The call ends soon, with an error; the next call of the plugin is right.')
def cancel(stage):
    host = stage.host()
    loaded(host, 'time', timeout_ms=NO_DEADLINE_MS)
    must_finish(host.ask('start', id=1, name='plugin', export='loop'), 'start')
    time.sleep(0.3)  # a cancel that comes before the guest has begun is another case
    must_finish(host.ask('cancel', name='plugin', instance=0), 'cancel')
    must_fail(in_time(host, 'join', 'the call', id=1), 'the call')
    return next_call(host, 'ping')


def next_call(host, export, expect=''):
    """The plugin works on, if need be on a new instance."""
    more = {'expect': expect} if expect else {}
    answer = call(host, export, **more)
    if answer.finished and not (expect and not answer.done):
        return ''
    note = f'the instance is spent ({brief(answer.message)}); a new one works'
    answer = must_finish(call(host, export, fresh=1, **more), f'{export} on a new instance')
    if expect and not answer.done:
        raise Verdict(WRONG, f'{export} on a new instance: {answer.head!r}')
    return note


# ---- state

PLACES = {'g': 'globals', 'm': 'memory', 's': 'size of the memory', 't': 'table entries',
          'z': 'size of the table', 'v': 'variables', 'x': 'Extism memory'}


def no_marks(answer):
    """What `look` answered: a letter a mark, then a dot."""
    letters = answer.head.decode(errors='replace')
    if not letters.endswith('.') or any(letter not in PLACES for letter in letters[:-1]):
        raise Verdict(WRONG, f'look answered {letters!r}')
    if letters != '.':
        raise Verdict(LEAKED, ', '.join(PLACES[letter] for letter in letters[:-1]))


def state_after(stage, end, file='state', fails=False, reset=False, **options):
    """Marks everywhere, an end, and another call: it sees none of them."""
    host = stage.host()
    loaded(host, file, **options)
    ended = in_time(host, 'call', end, name='plugin', export=end)
    if fails:
        must_fail(ended, end)
    if reset:
        answer = host.ask('reset', name='plugin', instance=0)
        if answer.outcome == 'not_offered':
            raise Verdict(NOT_OFFERED)
        must_finish(answer, 'reset')
    look = call(host, 'look')
    if look.finished:
        no_marks(look)
        return ''
    why = brief(must_fail(look, 'look').message)
    no_marks(must_finish(call(host, 'look', fresh=1), 'look on a new instance'))
    return f'the instance is spent ({why}); a new one is pristine'


@case('after-return', 'state', 'State after a call that returned',
      'The next call sees nothing of it, in memory, globals, tables, variables, Extism memory.')
def after_return(stage):
    return state_after(stage, 'mark')


@case('after-trap', 'state', 'State after a call that trapped',
      'The next call sees nothing of it.')
def after_trap(stage):
    return state_after(stage, 'mark_and_trap', fails=True)


@case('after-timeout', 'state', 'State after a call that timed out',
      'The next call sees nothing of it.')
def after_timeout(stage):
    return state_after(stage, 'mark_and_loop', fails=True, timeout_ms=300)


@case('after-exit', 'state', 'State after `proc_exit(0)`',
      'The next call sees nothing of it, and works.')
def after_exit(stage):
    return state_after(stage, 'mark_and_leave', file='exit', wasi=1)


@case('after-reset', 'state', 'State after the host asked for a reset',
      'The next call sees nothing of the calls before.')
def after_reset(stage):
    return state_after(stage, 'mark', reset=True)


@case('own-way', 'state', 'State where each host makes a call pristine its own way',
      'The next call sees nothing of the calls before.')
def own_way(stage):
    host = stage.host()
    loaded(host, 'state', timeout_ms=300)
    for end in ('mark', 'mark_and_trap', 'mark_and_loop'):
        in_time(host, 'call', end, name='plugin', export=end, fresh=1)
        no_marks(must_finish(call(host, 'look', fresh=1), 'look'))
    return ''


# ---- memory

def greed(stage, export, **options):
    """Takes all it can get. However that ends, the host says so, and has not grown much itself."""
    host = stage.host()
    loaded(host, 'greedy', **options)
    answer = call(host, export)
    neighbour_served(host)
    if not answer.finished:
        must_fail(answer, export)
    note = brief(answer.message) or f'got {int.from_bytes(answer.head, "little")}'
    if answer.size > 64 * MIB:
        raise Verdict(MEMORY, f'an output of {answer.size // MIB} MiB where memory ends at 64 MiB')
    return f'{note}; the process had {stage.peak() // MIB} MiB at most'


@case('memory', 'memory', 'Memory grows for ever',
      'Growth is refused at the limit; the process stays below 1 GiB.')
def memory(stage):
    return greed(stage, 'memory_growth')


@case('table', 'memory', 'A table grows for ever',
      'Growth is refused at a limit; the process stays below 1 GiB.')
def table(stage):
    return greed(stage, 'table_growth')


@case('small-blocks', 'memory', 'Extism memory: 16 bytes, for ever',
      'It is refused at a limit, or ends at the deadline; the process stays below 1 GiB.')
def small_blocks(stage):
    return greed(stage, 'many_allocations')


@case('large-blocks', 'memory', 'Extism memory: 1 MiB, for ever',
      'It is refused at a limit, or ends at the deadline; the process stays below 1 GiB.')
def large_blocks(stage):
    return greed(stage, 'large_allocations')


@case('output', 'memory', 'An output of 256 MiB',
      'It is refused with an error.')
def output(stage):
    return greed(stage, 'output')


@case('log', 'memory', 'Log text without end, to a host that listens',
      'The call ends with an error; the process stays below 1 GiB.')
def log(stage):
    return greed(stage, 'log', log=1)


@case('vars', 'memory', 'Variables without end',
      'The call ends with an error; the process stays below 1 GiB.')
def variables(stage):
    return greed(stage, 'vars')


@case('input', 'memory', 'An input of 128 MiB where memory ends at 64 MiB',
      'It is refused with an error, or comes back right.')
def large_input(stage):
    host = stage.host()
    loaded(host, 'echo')
    size = 128 * MIB
    answer = call(host, 'echo', zeros=size)
    if answer.finished and answer.size != size:
        raise Verdict(WRONG, f'{answer.size} bytes came back, without an error')
    return 'came back right' if answer.finished else brief(must_fail(answer, 'echo').message)


@case('alive', 'memory', '10 000 sandboxes alive at once',
      'All are there and work, or the host says clearly why there are no more.')
def alive(stage):
    host = stage.host(neighbour=False, memory_max=4096 * MIB)
    # The first plugin decides how many there may be in the process.
    loaded(host, 'echo', name='neighbour', alive_max=10_100)
    loaded(host, 'bits', alive_max=10_000, timeout_ms=NO_DEADLINE_MS)
    answer = host.ask('many', 90, name='plugin', export='bits', count=10_000)
    resident = f'{host.measure() // MIB} MiB'
    if answer.finished:
        return f'{answer.done} alive, {resident}'
    return f'{answer.done} alive, {resident}, then: {brief(must_fail(answer, "many").message)}'


@case('addresses', 'memory', 'An address space of 1, 4 or 16 GiB (`RLIMIT_AS`)',
      'The host works within it, or says clearly that it cannot.')
def addresses(stage):
    notes = []

    def within(gib):
        host = stage.host(neighbour=False, address_space=gib << 30)
        answer = load(host, 'echo')
        if answer.finished:
            answer = call(host, 'echo', input='x')
        notes.append('works' if answer.finished else brief(must_fail(answer, 'load').message))
        host.close()
    each((1, 4, 16), within)
    stage.hosts.clear()  # all closed; what follows asks the last one that is alive
    return '; '.join(f'{gib} GiB: {note}' for gib, note in zip((1, 4, 16), notes))


# ---- stack, faults and floats

RECURSIONS = ('recurse', 'recurse_mutually', 'recurse_wide', 'recurse_indirectly')


@case('recursion', 'stack', 'Recursion without end',
      'The call ends with an error; the next call of the plugin works.')
def recursion(stage):
    host = stage.host()
    loaded(host, 'stack')
    each(RECURSIONS, lambda export: must_fail(
        in_time(host, 'call', export, name='plugin', export=export, fresh=1), export))
    return next_call(host, 'ping')


@case('small-stack', 'stack', 'Recursion without end on a thread with 256 KiB of stack',
      'The call ends with an error; the next call of the plugin works.')
def small_stack(stage):
    host = stage.host()
    loaded(host, 'stack')

    def on_small_stack(export):
        answer = host.ask('start', id=1, stack=256 << 10, name='plugin', export=export, fresh=1)
        if answer.outcome == 'not_offered':
            raise Verdict(NOT_OFFERED, 'its threads have no stacks of a fixed size')
        must_fail(in_time(host, 'join', export, id=1), export)
    each(RECURSIONS, on_small_stack)
    return next_call(host, 'ping')


@case('handler', 'stack', 'Traps in a host that has a SIGSEGV handler of its own',
      'Every trap is an error of its call, and the handler still gets the host\'s own faults.')
def handler(stage):
    host = stage.host(neighbour=False)
    host.ask('handler')
    must_finish(load(host, 'echo', name='neighbour'), 'load the neighbour')
    loaded(host, 'traps')
    for _ in range(2):
        each(('load_far', 'divide', 'unreachable', 'call_null', 'store_far'), lambda export:
             must_fail(call(host, export, fresh=1), export))
        must_finish(host.ask('fault'), "the host's own fault")
    return ''


@case('bits', 'stack', 'NaN bits and vector instructions, run after run',
      'Every run gives the same bytes, in one process and in another.')
def bits(stage):
    seen = set()
    for _ in range(2):
        host = stage.host()
        loaded(host, 'bits')
        for _ in range(3):
            answer = must_finish(call(host, 'bits', fresh=1), 'bits')
            seen.add((answer.size, answer.hash))
    if len(seen) != 1 or seen.pop()[0] != 64:
        raise Verdict(WRONG, 'the bytes differ')
    return ''


# ---- the ABI

# What it means when one of them does not answer "good".
HANDLES = {
    'free_twice': 'a block that was freed twice was handed out twice',
    'free_unknown': 'freeing what is no block changed another one',
    'length_of_unknown': 'what is no block had a length',
    'store_beyond': 'a store beyond memory changed a block',
    'load_beyond': 'a load from beyond memory brought something',
    'error_from_nowhere': 'a key that is no block had a value',
    'alloc_everything': 'a block of 2^63 bytes or more was handed out',
}


@case('handles', 'abi', 'Handles and offsets that nobody gave out',
      'They have no effect, or end the call with an error; nothing is handed out twice.')
def handles(stage):
    host = stage.host()
    loaded(host, 'handles')

    def judge(export):
        answer = call(host, export, fresh=1)
        if answer.finished and answer.head != b'good':
            raise Verdict(WRONG, HANDLES[export])
        if not answer.finished:
            must_fail(answer, export)
    return each(HANDLES, judge)


@case('output-region', 'abi', 'An output that lies outside of memory',
      'The output is empty, or the call ends with an error.')
def output_region(stage):
    host = stage.host()
    loaded(host, 'handles')

    def judge(export):
        answer = call(host, export, fresh=1)
        if answer.finished and answer.size:
            raise Verdict(WRONG, f'an output of {answer.size} bytes')
        if not answer.finished:
            must_fail(answer, export)
    return each(('output_beyond', 'output_around', 'output_far', 'output_negative'), judge)


@case('exports', 'abi', 'Calls of exports that are missing, no function, or of another type',
      'Each is refused with an error; a call of a proper export works.')
def exports(stage):
    host = stage.host()
    loaded(host, 'exports')
    each(('missing', 'memory', 'a_table', 'a_global', 'a_parameter', 'many_parameters',
          'a_wide_result', 'two_results'),
         lambda export: must_fail(call(host, export, fresh=1), export))
    return next_call(host, 'fine')


# ---- modules

def bomb(name, title):
    @case(f'bomb-{name.replace("_", "-")}', 'module', title,
          'It is loaded and works, or is refused with an error, in 30 s and 1.5 GiB.')
    def run(stage):
        host = stage.host(memory_max=1536 * MIB)
        answer = load(host, f'bomb_{name}')
        grown = f'{answer.ms / 1000:.1f} s, {stage.peak() // MIB} MiB'
        if answer.failed:
            neighbour_served(host)
            raise Verdict(REFUSED, f'{brief(must_fail(answer, "load").message)} ({grown})')
        must_finish(call(host, 'ping'), 'ping')
        return f'{grown}'
    return run


bomb('types', 'A million function types')
bomb('functions', 'A million functions')
bomb('data', 'A data segment of 60 MiB')
bomb('claims', 'A memory of 4 GiB and a table of 4 billion elements from the start')
bomb('names', 'Names of 99 999 bytes, 600 of them')
bomb('br_table', 'A jump with 3 million targets')
bomb('nesting', 'A million nested blocks')
bomb('compile_time', '73 KB made to compile slowly')
