# Bullpen: the comparisons with hosts of components. SPDX-License-Identifier: Apache-2.0
"""P9, P9b and P10 of bench/compare. A pristine instance has two prices: what the caller sees and
what the machine pays for it; the sections say which one they compare."""
from sections import (Beside, Job, Metric, Section, calls_per_second, cores_of, cpu_per_call,
                      median_of, tail_of)

SIZES = (('64', '64 B'), (str(56 * 1024), '56 KiB'))
SHAPES = (('small', 'a small component'), ('large', 'a component as from Rust'))
RUN_MS = '300'


def small_guest(world, shape):
    return Beside('component-guests', f'{world}-{shape}.wasm')


def ours(name, mode, guest, size, *more, ms=RUN_MS):
    return Job(name, 'calls', (mode, guest, 'handle', size, ms, *more))


def theirs(name, program, mode, guest, size, callers, ms=RUN_MS):
    return Job(name, program, (mode, guest, size, ms, callers))


def fresh_latency(job, label=''):
    return Metric(job, median_of('fresh'), label, tail_of('fresh'))


def what_it_took(job, callers):
    """Where others use the machine, too, calls per second say little without these."""
    who = '1 caller' if callers == '1' else f'{callers} callers'
    return (Metric(job, cores_of('fresh'), f'{who}, in use', unit=' cores'),
            Metric(job, cpu_per_call, f'{who}, CPU a call', unit='ns'))


def p9_jobs(shape, size):
    """Ours, smg-wasm and by hand; alone and with 16 callers."""
    tag = f'{shape}-{size}'
    for callers in ('1', '16'):
        yield ours(f'ours-{tag}-{callers}', 'fresh', small_guest('plugin', shape), size, callers)
        yield theirs(f'smg-{tag}-{callers}', 'smg', 'fresh', small_guest('smg', shape), size,
                     callers)
    yield theirs(f'hand-{tag}-1', 'wasmtime', 'fresh', small_guest('plugin', shape), size, '1')


def p9_sections(shape, size, words):
    tag = f'{shape}-{size}'
    one, many, smg, hand = f'ours-{tag}-1', f'ours-{tag}-16', f'smg-{tag}', f'hand-{tag}-1'
    yield Section(f'pristine call of {words}: seen by one caller without pause',
                  fresh_latency(one), fresh_latency(f'{smg}-1'), '<=', 1 / 4)
    yield Section(f'pristine call of {words}: 16 callers',
                  Metric(many, calls_per_second), Metric(f'{smg}-16', calls_per_second),
                  '>=', 4.0, '/s',
                  also=(*what_it_took(many, '16'), *what_it_took(f'{smg}-16', '16')))
    yield Section(f'pristine call of {words}: CPU of the process',
                  Metric(one, cpu_per_call), Metric(hand, cpu_per_call), '<=', 1.15,
                  also=(fresh_latency(hand, 'seen by its caller'),
                        Metric(f'{smg}-1', cpu_per_call)))


def p9():
    jobs, sections = [], []
    for shape, shape_text in SHAPES:
        for size, size_text in SIZES:
            jobs += p9_jobs(shape, size)
            sections += p9_sections(shape, size, f'{shape_text}, {size_text}')
    return jobs, sections


def p9b():
    """State kept: lease, call and return. And that more callers never make pristine calls fewer."""
    jobs, sections = [], []
    for shape, words in SHAPES:
        mine, other = small_guest('plugin', shape), small_guest('surrealism', shape)
        jobs += [ours(f'ours-{shape}', 'warm', mine, '64'),
                 theirs(f'surrealism-{shape}', 'surrealism', 'warm', other, '64', '1'),
                 theirs(f'hand-{shape}', 'wasmtime', 'warm', mine, '64', '1')]
        sections.append(Section(
            f'warm call of {words}, 64 B',
            Metric(f'ours-{shape}', median_of('warm'), tail=tail_of('warm_single')),
            Metric(f'surrealism-{shape}', median_of('warm')), '<=', 1 / 2,
            also=(Metric(f'hand-{shape}', median_of('warm'), 'one instance, no lease'),)))
    counts = ('1', '2', '4', '16')
    for count in counts:
        jobs += [ours(f'fresh-{count}', 'fresh', small_guest('plugin', 'small'), '64', count),
                 theirs(f'surrealism-fresh-{count}', 'surrealism', 'fresh',
                        small_guest('surrealism', 'small'), '64', count)]
    for count in counts[1:]:
        sections.append(Section(
            f'pristine calls of a small component: {count} callers beside 1',
            Metric(f'fresh-{count}', calls_per_second, f'{count} callers'),
            Metric('fresh-1', calls_per_second, '1 caller'), '>=', 1.0, '/s',
            also=(*what_it_took(f'fresh-{count}', count), *what_it_took('fresh-1', '1'),
                  Metric(f'surrealism-fresh-{count}', calls_per_second, f'{count} callers'),
                  Metric('surrealism-fresh-1', calls_per_second, '1 caller'))))
    return jobs, sections


# Guest, words, what it was built with, its pause between calls, how many of serve's CPU time make
# one of ours (none: it has no server).
ENGINES = (('quickjs', 'QuickJS', 'javascript', '2000', None),
           ('starlingmonkey', 'StarlingMonkey', 'javascript', '4000', 2.3),
           ('python', 'Python', 'python', '8000', 5.0))
ENGINE_MS = '1000'


def p10_jobs(name, tools, pause_us, served):
    guest = Beside(f'{tools}-guests', f'{name}.wasm')
    yield ours(f'{name}-busy', 'fresh', guest, '64', '1', ms=ENGINE_MS)
    yield ours(f'{name}-paced', 'paced', guest, '64', pause_us, 'fresh', ms=ENGINE_MS)
    yield theirs(f'{name}-hand', 'wasmtime', 'fresh', Beside(f'{tools}-code', f'{name}.cwasm'),
                 '64', '1', ms=ENGINE_MS)
    if served:
        yield theirs(f'{name}-serve', 'wasmtime', 'requests',
                     Beside(f'{tools}-code', f'{name}-server.cwasm'), '64', '16', ms=ENGINE_MS)


def p10():
    jobs, sections = [], []
    for name, words, tools, pause_us, served in ENGINES:
        jobs += p10_jobs(name, tools, pause_us, served)
        cost, hand = Metric(f'{name}-busy', cpu_per_call), Metric(f'{name}-hand', cpu_per_call)
        if served:
            serve = Metric(f'{name}-serve', cpu_per_call, 'a request')
            sections.append(Section(
                f'pristine call of a component with {words}: CPU of the server', cost, serve,
                '<=', 1 / served,
                also=(Metric(f'{name}-serve', calls_per_second, '16 connections', unit='/s'),
                      hand)))
        sections.append(Section(
            f'pristine call of a component with {words}, seen by a caller that pauses '
            f'{int(pause_us) // 1000} ms: beside its whole cost',
            Metric(f'{name}-paced', median_of('paced_fresh'), 'seen', tail_of('paced_fresh')),
            Metric(f'{name}-busy', cpu_per_call, 'whole cost, CPU'), '<=', 1 / 3,
            also=() if served else (hand,)))
    return jobs, sections
