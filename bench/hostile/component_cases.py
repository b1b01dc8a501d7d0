# Bullpen: the cases of bench/torture that are components. SPDX-License-Identifier: Apache-2.0
"""Attacks by way of the component model: while room is made for arguments, while the guest cleans up
after its result, by handles, by lies about results, by parts that multiply themselves. A host that
takes no component at all does not offer them."""
from child import MIB, NOT_OFFERED, REFUSED, WRONG, Verdict, brief
from stage import (CALL_MS, call, case, each, in_time, load, loaded, must_fail, must_finish,
                   neighbour_served)

# A list of numbers, and a text, as those hosts take them that call components.
LIST, BYTES = '[[1,2]]', 'some'


def component_host(stage, **bounds):
    host = stage.host(**bounds)
    if load(host, 'component_adapters', name='probe').failed:
        raise Verdict(NOT_OFFERED, 'it takes no components')
    return host


def phases(attack):
    """An attack in each phase of a call: its exports, and what they are given."""
    return ((attack, ''), (f'list-{attack}', LIST), (f'bytes-{attack}', BYTES),
            (f'post-{attack}', ''), (f'bytes-post-{attack}', ''))


def all_fail(host, calls):
    given = dict(calls)

    def judge(export):
        must_fail(in_time(host, 'call', export, name='plugin', export=export, input=given[export],
                          fresh=1), export)
        must_finish(call(host, 'ping', fresh=1), 'ping')
        neighbour_served(host)
    return each(given, judge)


@case('component-loops', 'component', 'A component loops in each phase of a call',
      'Every call ends with an error soon after its deadline; the next call works.')
def loops(stage):
    host = component_host(stage)
    loaded(host, 'component_attacks', timeout_ms=300)
    return all_fail(host, phases('loop'))


@case('component-traps', 'component', 'A component traps, recurses or calls out in each phase',
      'Every call ends with an error; the next call works.')
def traps(stage):
    host = component_host(stage)
    loaded(host, 'component_attacks', timeout_ms=CALL_MS * 10)
    calls = [*phases('trap'), *phases('recurse'), *phases('host')[1:]]
    return all_fail(host, calls)


@case('component-memory', 'component', 'A component grows its memory in each phase of a call',
      'Growth is refused at the limit; the process stays below 1 GiB.')
def memory(stage):
    host = component_host(stage, memory_max=1024 * MIB)
    loaded(host, 'component_attacks', timeout_ms=CALL_MS * 10)
    return all_fail(host, phases('grow'))


@case('component-results', 'component', 'Results of a component that lie outside of its memory, or are none',
      'Every call ends with an error; the next call works.')
def results(stage):
    host = component_host(stage)
    loaded(host, 'component_attacks', timeout_ms=CALL_MS * 10)
    names = ('text-far', 'text-long', 'text-wrap', 'text-bad', 'numbers-far', 'numbers-odd',
             'wide-surrogate', 'area-far', 'case-wrong', 'enum-wrong', 'char-surrogate',
             'bytes-case-wrong', 'bytes-list-far', 'bytes-text-bad')
    return all_fail(host, [(name, '') for name in names])


@case('component-copies', 'component', 'Lists of a component that name the same bytes 65 536 times',
      'Every call ends with an error; the process stays below 1 GiB.')
def copies(stage):
    host = component_host(stage, memory_max=1024 * MIB)
    loaded(host, 'component_attacks', timeout_ms=CALL_MS * 10)
    all_fail(host, (('same-again', ''), ('same-texts', '')))
    loaded(host, 'component_adapters', name='between', timeout_ms=300)
    return each(('same-wide', 'same-compact', 'same-bytes'), lambda export: must_fail(
        in_time(host, 'call', export, name='between', export=export, fresh=1), export))


@case('component-handles', 'component', 'Handles of a component: leaked without end, forged, dropped and used',
      'Every call ends with an error; the process stays below 1 GiB.')
def handles(stage):
    host = component_host(stage, memory_max=1024 * MIB)
    loaded(host, 'component_handles', wasi=1, timeout_ms=CALL_MS * 10)
    names = ('leak-streams', 'leak-pollables', 'own-leak', 'forged', 'forged-drop', 'dropped',
             'dropped-twice', 'other-type', 'own-as-theirs', 'theirs-as-own', 'own-forged',
             'own-dropped', 'own-drop-trap')
    return all_fail(host, [(name, '') for name in names])


@case('component-sleep', 'component', 'A component sleeps for ever (`wasi:io/poll`)',
      'The call ends with an error soon after its deadline.')
def sleep(stage):
    host = component_host(stage)
    loaded(host, 'component_handles', wasi=1, timeout_ms=300)
    return all_fail(host, (('sleep', ''), ('poll-sleep', ''), ('own-drop-loop', '')))


def bomb(name, title):
    @case(f'component-bomb-{name}', 'component', title,
          'It is loaded and works, or is refused with an error, in 30 s and 1.5 GiB.')
    def run(stage):
        host = component_host(stage, memory_max=1536 * MIB)
        answer = load(host, f'component_bomb_{name}')
        grown = f'{answer.ms / 1000:.1f} s, {stage.peak() // MIB} MiB'
        neighbour_served(host)
        if answer.failed:
            raise Verdict(REFUSED, f'{brief(must_fail(answer, "load").message)} ({grown})')
        if not answer.finished:
            raise Verdict(WRONG, 'load ended in no known way')
        return grown
    return run


bomb('instances', 'Components that instantiate the one before twice, 40 times')
bomb('closures', 'Components that close over the one before twice, 40 times')
bomb('exports', 'Instances that export the one before twice, named 900 times')


# ---- the bombs, as text

def write_instances():
    parts = ['(component $c0)']
    for i in range(1, 40):
        parts.append(f'(component $c{i} (alias outer 1 $c{i - 1} (component $x))'
                     ' (instance (instantiate $x)) (instance (instantiate $x)))')
    return ''.join(('(component', *parts, '(instance (instantiate $c39)))'))


def write_closures():
    parts = ['(component $c0)']
    for i in range(1, 40):
        parts.append(f'(component $c{i} (alias outer 1 $c{i - 1} (component $x))'
                     f' (alias outer 1 $c{i - 1} (component $y)))')
    return ''.join(('(component', *parts, ')'))


def write_exports():
    parts = ['(core module $m (func (export "f"))) (core instance $i (instantiate $m))'
             ' (func $f (canon lift (core func $i "f"))) (instance $i0 (export "a" (func $f)))']
    for i in range(1, 17):
        parts.append(f'(instance $i{i} (export "a" (instance $i{i - 1}))'
                     f' (export "b" (instance $i{i - 1})))')
    parts += ['(instance (export "a" (instance $i16)))'] * 900
    return ''.join(('(component', *parts, ')'))


BOMBS = {'instances': write_instances, 'closures': write_closures, 'exports': write_exports}
GUESTS = ('attacks', 'adapters', 'handles')
