# Bullpen: the results of bench/torture as Markdown. SPDX-License-Identifier: Apache-2.0
"""A table of who survives what, and below it what was seen, case by case."""
import os

from child import GOOD, NEUTRAL

BEGIN = '<!-- torture: written by bench/torture -->'
END = '<!-- end of torture -->'


def cell(verdict):
    if verdict in GOOD:
        return verdict
    return f'({verdict})' if verdict in NEUTRAL else f'**{verdict}**'


def plain(text):
    """A guest's or a host's words must not become markup."""
    for mark in ('\\', '|', '`', '*', '_', '<', '['):
        text = text.replace(mark, '\\' + mark)
    return text


def tally(results, side):
    verdicts = [row['verdicts'][side]['verdict'] for row in results['cases']
                if side in row['verdicts']]
    offered = [verdict for verdict in verdicts if verdict not in NEUTRAL]
    return f'{sum(verdict in GOOD for verdict in offered)} of {len(offered)}'


def markdown(results):
    machine, sides = results['machine'], results['sides']
    lines = [
        f"Run on {results['date']}: {machine['cpu']}, {machine['cores']} cores, "
        f"Linux {machine['kernel']}, in {results['seconds']} s. Survived, of what is offered: "
        + ', '.join(f"{side['version']} {tally(results, side['name'])}" for side in sides) + '.',
        '',
        '| case | a good host | ' + ' | '.join(side['title'] for side in sides) + ' |',
        '|---|---|' + '---|' * len(sides),
    ]
    for row in results['cases']:
        lines.append(f"| {row['title']} | {row['expected']} | " + ' | '.join(
            cell(row['verdicts'][side['name']]['verdict']) for side in sides) + ' |')
    lines += ['', 'What was seen:', '']
    for row in results['cases']:
        notes = [(side['title'], row['verdicts'][side['name']]['note']) for side in sides]
        notes = [f'{title}: {plain(note)}' for title, note in notes if note]
        if notes:
            lines.append(f"- **{row['title']}.** " + ' — '.join(notes))
    if results['left_out']:
        lines += ['', 'Left out here:', '',
                  *(f"- {peer['name']}: {peer['reason']}" for peer in results['left_out'])]
    return '\n'.join(lines)


def write(results, page):
    """Between the page's markers. Written beside it and renamed, so that it stays whole."""
    with open(page, encoding='utf-8') as file:
        before = file.read()
    if before.count(BEGIN) != 1 or before.count(END) != 1 or \
            before.index(BEGIN) > before.index(END):
        raise SystemExit(f'torture: {page} does not have the two markers once, in order')
    head, rest = before.split(BEGIN)
    tail = rest.split(END)[1]
    with open(page + '.new', 'w', encoding='utf-8') as file:
        file.write(f'{head}{BEGIN}\n\n{markdown(results)}\n\n{END}{tail}')
    os.replace(page + '.new', page)
