# Bullpen: benchmark results as text and as Markdown. SPDX-License-Identifier: Apache-2.0
"""What bench/compare measured, put into words; used by bench/compare and bench/report."""


def quantity(value, unit):
    """0.5213 us -> '0.521us'; units grow so that a person can read them."""
    if unit == 'ns':
        for factor, name in ((1e9, 's'), (1e6, 'ms'), (1e3, 'us')):
            if value >= factor:
                return digits(value / factor) + name
        return digits(value) + 'ns'
    if unit == '/s':
        for factor, name in ((1e6, 'M/s'), (1e3, 'k/s')):
            if value >= factor:
                return digits(value / factor) + name
        return digits(value) + '/s'
    return digits(value) + unit


def digits(value):
    """Three significant digits: more would pretend to a precision that no run has."""
    if value == 0:
        return '0'
    if abs(value) >= 100:
        return f'{value:.0f}'
    return f'{value:.3g}'


def verdict_line(section):
    """The line that scripts look for."""
    ours, peer = section['ours'], section['peer']
    ratio = '-' if section['ratio'] is None else digits(section['ratio'])
    # Goals are written with a digit more: 1/12 is 0.0833, not 0.083.
    goal = f"{section['goal']:.4g}"
    return (f"{section['target']} ours={quantity(ours['median'], ours['unit'])} "
            f"peer={quantity(peer['median'], peer['unit'])} ratio={ratio} "
            f"target{section['relation']}{goal} {section['verdict']}")


def text(section):
    """A section as compare prints it, the verdict last."""
    lines = [f"== {section['target']}: {section['title']}"]
    rows = [('', 'median', 'p99', 'rounds')]
    for row in section['rows']:
        unit = row['unit']
        rows.append((row['label'], quantity(row['median'], unit),
                     '' if row['p99'] is None else quantity(row['p99'], unit),
                     f"{quantity(min(row['rounds']), unit)} .. "
                     f"{quantity(max(row['rounds']), unit)}"))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        lines.append('   ' + '  '.join(cell.ljust(width)
                                       for cell, width in zip(row, widths)).rstrip())
    if section['verdict'] == 'left out':
        lines.append(f"{section['target']} left out: {section['reason']}")
    elif section['verdict'] != 'shown':
        lines.append(verdict_line(section))
    return '\n'.join(lines)


def markdown(results):
    """The whole run as tables; what was left out is named below them."""
    machine = results['machine']
    lines = [
        f"Measured on {results['date']}: {machine['cpu']}, {machine['cores']} cores, "
        f"Linux {machine['kernel']}; rounds: {results['rounds']}, load {machine['load']} at the "
        f"start. {', '.join(results['versions'])}.",
        '',
        '| target | work | Bullpen | beside | its figure | ratio | wanted | |',
        '|---|---|---|---|---|---|---|---|',
    ]
    beside, left_out = [], []
    for section in results['sections']:
        work = f"| {section['target']} | {section['title']} "
        beside += [f"{work}| {row['label']} | {quantity(row['median'], row['unit'])} "
                   f"| {'' if row['p99'] is None else quantity(row['p99'], row['unit'])} |"
                   for row in section['rows']
                   if row not in (section['ours'], section['peer']) and 'point' not in row]
        if section['verdict'] == 'left out':
            left_out.append(f"- {section['target']}, {section['title']}: {section['reason']}")
            continue
        if section['verdict'] == 'shown':
            continue
        ratio = '–' if section['ratio'] is None else digits(section['ratio'])
        relation = {'<=': '≤', '>=': '≥'}[section['relation']]
        lines.append(
            f"{work}| {quantity(section['ours']['median'], section['ours']['unit'])} "
            f"| {section['peer']['label']} "
            f"| {quantity(section['peer']['median'], section['peer']['unit'])} "
            f"| {ratio} | {relation} {section['goal']:.4g} "
            f"| {section['verdict'] if section['verdict'] == 'ok' else '**short**'} |")
    if beside:
        lines += ['', 'Shown beside, without a target:', '',
                  '| target | work | whose | median | 99th percentile |', '|---|---|---|---|---|',
                  *beside]
    left_out += [f"- the peer {peer['name']}: {peer['reason']}"
                 for peer in results.get('left_out', ())]
    if left_out:
        lines += ['', 'Left out here:', '', *left_out]
    return '\n'.join(lines)
