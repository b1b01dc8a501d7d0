# Bullpen: plots of benchmark results as SVG. SPDX-License-Identifier: Apache-2.0
"""Draws the points that bench/compare --json marks; used by bench/report.

Both axes are logarithmic: threads and items grow by factors, and so do the differences. Greys that
can be read on white as on black, a background that is none, and marks of different shape, so that
no series is told from another by its colour alone."""
import math
import os
import re
from xml.sax.saxutils import escape

import table

GREY = '#808080'
# A side looks the same in every plot; its variant, or whoever is not here, takes the last look.
SIDES = ('bullpen', 'uni', 'go-channel', 'go-sync.Pool', 'ArrayQueue', 'extism-pool')
COLOURS = ('#d9622b', '#3f8fd2', '#2f9e77', '#b26fc0', '#b8912a', '#c8556d', '#6f86a6')
WIDTH, PANEL_HEIGHT = 760, 300
LEFT, RIGHT, GAP = 84, 16, 32
FONT = 'font-family="system-ui, sans-serif" font-size="12"'

# file -> title, what x is, unit of y, what y is, panels: (plot in the JSON, key of the figure,
# what stands above it)
PLOTS = (
    ('pool-throughput.svg', 'Take and give on 4 items, all threads together', 'threads', '/s',
     'take + give per second (more is better)', (('throughput', 'median', ''),)),
    ('pool-items.svg', 'Take and give as the pool grows', 'items', 'ns',
     'time per take + give (less is better)',
     (('items1', 'median', '1 thread'), ('items2', 'median', '2 threads'))),
    ('pool-wait.svg', 'Wait in line for 2 items, each held for 2 µs', 'threads', 'ns',
     'wait (less is better)',
     (('wait', 'median', 'median'), ('wait', 'p99', '99th percentile'))),
)


def points_of(results, plot, key, x):
    """Series -> {x: (figure, its lowest round, its highest round)}, the same point once."""
    found = {}
    for section in results['sections']:
        for row in section['rows']:
            point = row.get('point')
            if point and point['plot'] == plot and row[key]:
                spread = row['rounds'] if key == 'median' else [row[key]]
                found.setdefault(point['series'], {})[point[x]] = (row[key], min(spread),
                                                                   max(spread))
    return found


def series_order(panels):
    """Ours first, the others as they come."""
    names = list(dict.fromkeys(name for panel in panels for name in panel))
    return sorted(names, key=lambda name: not name.startswith('bullpen-'))


def look_of(name):
    """Index of colour and mark."""
    for index, side in enumerate(SIDES):
        if name.startswith(side + '-') and ',' not in name:
            return index
    return len(SIDES)


def plain(value):
    return f'{value:,}'.replace(',', '\u202f')


def ticks_between(low, high):
    """1, 2 and 5 of every decade; 1 alone where that would be many."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    return [step * 10.0 ** power for power in range(first, last + 1) for step in steps
            if low <= step * 10.0 ** power <= high]


def limits_of(panels):
    """The range of y, a little wider than what is in it."""
    figures = [figure for panel in panels for line in panel.values()
               for spread in line.values() for figure in spread if figure > 0]
    low, high = min(figures), max(figures)
    margin = max((high / low) ** 0.06, 1.1)
    return low / margin, high * margin


def mark(shape, x, y, colour):
    paint = f'fill="{colour}"'
    if shape == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" {paint}/>'
    if shape == 1:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" {paint}/>'
    turns = {2: (3, -90), 3: (4, 0), 4: (3, 90), 5: (5, -90), 6: (6, 0)}
    corners, start = turns[shape]
    path = ' '.join(
        f'{x + 5 * math.cos(math.radians(start + 360 * i / corners)):.1f},'
        f'{y + 5 * math.sin(math.radians(start + 360 * i / corners)):.1f}' for i in range(corners))
    return f'<polygon points="{path}" {paint}/>'


def text(x, y, words, anchor='middle', more=''):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{GREY}"{more}>' \
           f'{escape(words)}</text>'


class Panel:
    """One pair of axes."""

    def __init__(self, left, top, width, xs, limits):
        self.left, self.top, self.width = left, top, width
        self.xs, self.limits = xs, limits

    def place(self, value, x):
        low, high = math.log(self.limits[0]), math.log(self.limits[1])
        first, last = math.log(self.xs[0]), math.log(self.xs[-1])
        across = 0.5 if first == last else (math.log(x) - first) / (last - first)
        return (self.left + 14 + (self.width - 28) * across,
                self.top + PANEL_HEIGHT * (high - math.log(value)) / (high - low))

    def axes(self, heading, x_name, unit, numbers):
        bottom = self.top + PANEL_HEIGHT
        parts = []
        for tick in ticks_between(*self.limits):
            y = self.place(tick, self.xs[0])[1]
            parts.append(f'<line x1="{self.left}" y1="{y:.1f}" x2="{self.left + self.width}" '
                         f'y2="{y:.1f}" stroke="{GREY}" stroke-opacity="0.25"/>')
            if numbers:
                label = re.sub('([0-9])([^0-9.])', '\\1 \\2', table.quantity(tick, unit), count=1)
                parts.append(text(self.left - 8, y + 4, label.replace(' us', ' µs'), 'end'))
        last_right = -math.inf
        for x in self.xs:
            at = self.place(self.limits[0], x)[0]
            parts.append(f'<line x1="{at:.1f}" y1="{bottom}" x2="{at:.1f}" y2="{bottom + 4}" '
                         f'stroke="{GREY}"/>')
            half = 3.6 * len(plain(x))
            if at - half > last_right:
                parts.append(text(at, bottom + 18, plain(x)))
                last_right = at + half + 3
        parts.append(f'<line x1="{self.left}" y1="{bottom}" x2="{self.left + self.width}" '
                     f'y2="{bottom}" stroke="{GREY}"/>')
        middle = self.left + self.width / 2
        parts.append(text(middle, bottom + 36, x_name))
        if heading:
            parts.append(text(middle, self.top - 8, heading, more=' font-weight="600"'))
        return parts

    def line(self, points, index):
        """The figures as a line with marks; what the rounds spread over as a thin stroke."""
        colour = COLOURS[index]
        width = 2.8 if index == 0 else 1.6
        at = {x: self.place(points[x][0], x) for x in sorted(points)}
        path = ' '.join(f'{px:.1f},{py:.1f}' for px, py in at.values())
        parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" '
                 f'stroke-width="{width}" stroke-linejoin="round"/>']
        for x, (px, py) in at.items():
            low, high = (self.place(value, x)[1] for value in points[x][1:])
            if low != high:
                parts.append(f'<line x1="{px:.1f}" y1="{low:.1f}" x2="{px:.1f}" y2="{high:.1f}" '
                             f'stroke="{colour}" stroke-opacity="0.45"/>')
            parts.append(mark(index, px, py, colour))
        return parts


def legend(names, top):
    """Names in columns; the elements and how many pixels they take."""
    columns = 3 if max(map(len, names)) <= 26 else 2
    parts = []
    for index, name in enumerate(names):
        x = LEFT + (WIDTH - LEFT - RIGHT) / columns * (index % columns)
        y = top + 20 * (index // columns)
        look = look_of(name)
        colour = COLOURS[look]
        parts.append(f'<line x1="{x:.1f}" y1="{y}" x2="{x + 22:.1f}" y2="{y}" stroke="{colour}" '
                     f'stroke-width="{2.8 if look == 0 else 1.6}"/>')
        parts.append(mark(look, x + 11, y, colour))
        parts.append(text(x + 30, y + 4, name, 'start'))
    return parts, 20 * math.ceil(len(names) / columns)


def draw(title, x_name, unit, y_name, headings, panels):
    """An SVG with a panel for each heading, on the same scale."""
    names = series_order(panels)
    xs = sorted({x for panel in panels for line in panel.values() for x in line})
    limits = limits_of(panels)
    top = 62 if any(headings) else 44
    width = (WIDTH - LEFT - RIGHT - GAP * (len(panels) - 1)) / len(panels)
    parts = [text(LEFT, 20, title, 'start', ' font-size="14" font-weight="600"'),
             text(14, top + PANEL_HEIGHT / 2, y_name,
                  more=f' transform="rotate(-90 14 {top + PANEL_HEIGHT / 2:.1f})"')]
    for index, (heading, lines) in enumerate(zip(headings, panels)):
        panel = Panel(LEFT + index * (width + GAP), top, width, xs, limits)
        parts += panel.axes(heading, x_name, unit, index == 0)
        for name in reversed(names):  # ours last, above the others
            if name in lines:
                parts += panel.line(lines[name], look_of(name))
    below = top + PANEL_HEIGHT + 62
    more, height = legend(names, below)
    height += below
    return '\n'.join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}" {FONT}>',
        f'<title>{escape(title)}</title>', *parts, *more, '</svg>', ''])


def data_table(head, unit, panel):
    """The same figures to read off, also for who cannot see a plot."""
    names = series_order([panel])
    xs = sorted({x for line in panel.values() for x in line})
    lines = [f"| {head} | {' | '.join(plain(x) for x in xs)} |", '|---' * (len(xs) + 1) + '|']
    for name in names:
        cells = [table.quantity(panel[name][x][0], unit) if x in panel[name] else '–' for x in xs]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def write(results, folder):
    """Write those plots that the run has points for; Markdown that shows them."""
    lines = []
    for file, title, x_name, unit, y_name, wanted in PLOTS:
        found = [(heading, key, points_of(results, plot, key, x_name))
                 for plot, key, heading in wanted]
        found = [entry for entry in found if entry[2]]
        path = os.path.join(folder, file)
        if not found:
            if os.path.exists(path):
                os.remove(path)  # of another run than the table
            continue
        os.makedirs(folder, exist_ok=True)
        with open(path + '.new', 'w', encoding='utf-8') as out:
            out.write(draw(title, x_name, unit, y_name, [entry[0] for entry in found],
                           [entry[2] for entry in found]))
        os.replace(path + '.new', path)
        lines += ['', f'**{title}**', '', f'![{title}]({os.path.basename(folder)}/{file})']
        for heading, _, panel in found:
            head = f'{heading}, {x_name}' if heading else x_name
            lines += ['', *data_table(head, unit, panel)]
    return '\n'.join(lines)
