"""The bandwidth estimator on simulated links: estimator-series' lines, drawn over time."""
import html
import json
import subprocess

from chart import HEIGHT, nice_step, tick_text
from process import die_with_parent

NAME = "estimator"
SECONDS = 5
TITLE = "What the estimator makes of a link"
NOTES = (
    "Simulated, so the same each time and on any machine: a link with a rate, a queue, delay, jitter and loss, and on it the "
    "server's estimator with a paced source. Feedback comes each 100 ms.",
    "<b>A ladder</b> sends sound of 40 kbit/s and pictures of 1.5 M, 500 k or 150 kbit/s, or none, whatever fits the estimate, and "
    "a key frame at each change. <b>A source that takes all</b> sends what is estimated. Both begin with 2 Mbit/s where nothing else is said.",
    "Above: what the link carries (filled; of two clients both together), the estimate, and what is sent. Below: the longest that a packet waited in the queue.",
)
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 560, 52, 12, 14, 40
QUEUE_HEIGHT = 130
COLOURS = ("--s0", "--s1")
STEPS_DRAWN = 5  # samples that one point of a line stands for


def measure(context):
    """The scenarios' records. Raises CalledProcessError, TimeoutExpired, OSError."""
    done = subprocess.run([str(context.bench / "estimator-series")], env=context.env, check=True, timeout=300, capture_output=True,
                          text=True, preexec_fn=die_with_parent)
    return [json.loads(line) for line in done.stdout.splitlines()]


def grouped(values, how):
    return [how(values[i:i + STEPS_DRAWN]) for i in range(0, len(values), STEPS_DRAWN)]


def mean(values):
    return sum(values) / len(values)


class Panel:
    """One pair of axes over time, as high as it is told."""

    def __init__(self, seconds, top, height):
        self.seconds, self.height = seconds, height
        self.step = nice_step(top or 1, 4 if height < HEIGHT else 5)
        self.top = -(-top // self.step) * self.step or self.step

    def x(self, at_s):
        return LEFT + at_s / self.seconds * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return self.height - BOTTOM - min(value / self.top, 1) * (self.height - TOP - BOTTOM)

    def points(self, values, step_s):
        return [(self.x(i * step_s), self.y(value)) for i, value in enumerate(values)]

    def axes(self, label):
        parts = []
        for k in range(round(self.top / self.step) + 1):
            y = self.y(k * self.step)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                         f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick_text(k * self.step, self.step)}</text>')
        time_step = nice_step(self.seconds, 8)
        for k in range(int(self.seconds / time_step) + 1):
            parts.append(f'<text class="tick" x="{self.x(k * time_step):.1f}" y="{self.height - BOTTOM + 17}" text-anchor="middle">'
                         f"{tick_text(k * time_step, time_step)}</text>")
        middle = (TOP + self.height - BOTTOM) / 2
        parts.append(f'<text class="tick" x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">{label}</text>'
                     f'<text class="tick" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{self.height - 5}" text-anchor="middle">seconds</text>')
        return "".join(parts)


def path(points):
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def stairs(points):
    """A rate holds until the next one."""
    found = points[:1]
    for (_, y), (x, next_y) in zip(points, points[1:]):
        found += [(x, y), (x, next_y)] if next_y != y else []
    return found + points[-1:]


def svg(panel, title, body):
    return f'<svg viewBox="0 0 {WIDTH} {panel.height}" role="img" aria-label="{html.escape(title)}">{body}</svg>'


def draw_rates(flows):
    step_s = flows[0]["step_s"]
    seconds = step_s * len(flows[0]["estimate_bps"])
    top = max(max(max(flow[key]) for key in ("capacity_bps", "estimate_bps")) for flow in flows) / 1e6
    panel = Panel(seconds, top, HEIGHT)
    capacity = stairs(panel.points([bps / 1e6 for bps in flows[0]["capacity_bps"]], step_s))
    ground = [(capacity[-1][0], panel.y(0)), (capacity[0][0], panel.y(0))]
    parts = [panel.axes("Mbit/s"), f'<polygon class="carried" points="{path(capacity + ground)}"/>']
    for colour, flow in zip(COLOURS, flows):
        sent = panel.points([bps / 1e6 for bps in grouped(flow["sent_bps"], mean)], step_s * STEPS_DRAWN)
        estimate = panel.points([bps / 1e6 for bps in flow["estimate_bps"]], step_s)
        parts.append(f'<g stroke="var({colour})"><polyline class="sent" points="{path(sent)}"/>'
                     f'<polyline class="cost" points="{path(estimate)}"/></g>')
    return svg(panel, flows[0]["title"], "".join(parts))


def draw_queues(flows):
    step_s = flows[0]["step_s"]
    panel = Panel(step_s * len(flows[0]["queue_ms"]), max(max(flow["queue_ms"]) for flow in flows), QUEUE_HEIGHT)
    parts = [panel.axes("queue, ms")]
    for colour, flow in zip(COLOURS, flows):
        waits = panel.points(grouped(flow["queue_ms"], max), step_s * STEPS_DRAWN)
        parts.append(f'<polyline class="sent" stroke="var({colour})" points="{path(waits)}"/>')
    return svg(panel, "queue of: " + flows[0]["title"], "".join(parts))


def legend(flows):
    entries = []
    for colour, flow in zip(COLOURS, flows):
        who = f"client {flow['flow'] + 1}" if len(flows) > 1 else "estimate (bold), sent (thin)"
        entries.append(f'<b style="color:var({colour})">{who}</b>: {flow["arrived_bps"] / 1e3:,.0f} kbit/s arrived on average, 95 % of '
                       f'packets waited at most {flow["wait_p95_ms"]:.0f} ms')
    return "<p>" + "<br>".join(entries) + "</p>"


def part(records):
    """HTML of all scenarios, in the order of the records."""
    scenarios = {}
    for record in records:
        scenarios.setdefault(record["scenario"], []).append(record)
    return "".join(f"<article><h3>{html.escape(flows[0]['title'])}</h3>{draw_rates(flows)}{draw_queues(flows)}{legend(flows)}</article>"
                   for flows in scenarios.values())
