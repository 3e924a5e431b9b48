"""A line chart as SVG, for a page whose style sheet has the colours --s0 to --s5."""
import html
import math

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 156, 14, 40
N_COLOURS = 6
LABEL_PX = 15


def nice_step(top, n):
    """1, 2 or 5 times a power of ten, so that about n of them make the top."""
    rough = top / n
    power = 10 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


def tick_text(value, step):
    decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
    return f"{value:,.{decimals}f}"


def marker(shape, x, y):
    """Series are told apart without colours, too."""
    if shape % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    if shape % 3 == 1:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"/>'
    return f'<path d="M{x:.1f} {y - 5:.1f}l4.6 8h-9.2z"/>'


def spread_out(wanted):
    """Heights of labels, as near to those wanted as they go without lying on each other; all inside the chart."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed, floor = [0.0] * len(wanted), TOP
    for i in order:
        placed[i] = floor = max(wanted[i], floor)
        floor += LABEL_PX
    ceiling = HEIGHT - BOTTOM
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - LABEL_PX
    return placed


class Frame:
    def __init__(self, series):
        xs = [p[0] for _, points in series for p in points]
        tops = [p[3] for _, points in series for p in points]
        self.x_top = max(xs) or 1
        self.y_step = nice_step(max(tops) or 1e-6, 5)
        self.y_top = math.ceil(max(tops) / self.y_step + 1e-9) * self.y_step or 1
        self.xs = sorted(set(xs))

    def x(self, value):
        return LEFT + value / self.x_top * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.y_top * (HEIGHT - TOP - BOTTOM)


def axes(frame, x_label, y_label):
    parts, shown = [], -math.inf
    for k in range(round(frame.y_top / frame.y_step) + 1):
        value = k * frame.y_step
        y = frame.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick_text(value, frame.y_step)}</text>')
    for value in frame.xs:
        if frame.x(value) - shown >= 24:  # labels that would touch are left out
            shown = frame.x(value)
            parts.append(f'<text class="tick" x="{shown:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{value:,}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="tick" x="{middle}" y="{HEIGHT - 5}" text-anchor="middle">{html.escape(x_label)}</text>'
                 f'<text class="tick" x="12" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" '
                 f'transform="rotate(-90 12 {(TOP + HEIGHT - BOTTOM) / 2})">{html.escape(y_label)}</text>')
    return "".join(parts)


def line(frame, number, name, points):
    path = " ".join(f"{frame.x(x):.1f},{frame.y(median):.1f}" for x, median, _, _ in points)
    parts = [f'<polyline class="cost" points="{path}"/>']
    for x, median, low, high in points:
        at = f"{frame.x(x):.1f}"
        parts.append(f'<line class="whisker" x1="{at}" x2="{at}" y1="{frame.y(low):.1f}" y2="{frame.y(high):.1f}"/>')
        parts.append(f"<g><title>{html.escape(name)}, {x:,}: {median:.4g} ({low:.4g} to {high:.4g})</title>"
                     f"{marker(number, frame.x(x), frame.y(median))}</g>")
    colour = f"var(--s{number % N_COLOURS})"
    return f'<g stroke="{colour}" fill="{colour}">{"".join(parts)}</g>'


def draw(series, x_label, y_label, title):
    """series: of (name, points), points of (x, median, low, high) in rising order of x."""
    series = [(name, points) for name, points in series if points]
    if not series:
        return ""
    frame = Frame(series)
    lines = "".join(line(frame, i, name, points) for i, (name, points) in enumerate(series))
    heights = spread_out([frame.y(points[-1][1]) for _, points in series])
    labels = "".join(
        f'<text x="{WIDTH - RIGHT + 12}" y="{height + 4:.1f}" style="fill:var(--s{i % N_COLOURS})">{html.escape(name)}</text>'
        for i, ((name, _), height) in enumerate(zip(series, heights)))
    return (f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}">'
            f"{axes(frame, x_label, y_label)}{lines}{labels}</svg>")
