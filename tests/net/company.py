"""Who meets in the tests of bad links: c, a Chromium on the demo page behind net-link, and g, a net-peer on a cable."""

import time

from lab import note, show_figures, slack, wait_until

REPORT_MS = 250
# The server needs a while for a new person's sound, the browser for its buffers.
SETTLING_S = 5
PACKETS_A_SECOND = 50
# A picture is new when somebody's camera made one, of so many a second each.
CAMERA_FRAMES = 15
# Of sound, for each time that the machine has more to do than it should.
BUSY_CONCEALED = 0.01


class Company:
    """c (index 0) on a link and g (index 1), who see and hear each other. What was found wrong is told at the end."""

    def __init__(self, lab, link, *settings):
        self.lab = lab
        self.faults = []
        lab.place("c", f"--report-ms {REPORT_MS} {link}")
        number = lab.place("g")
        lab.start_server(*settings)
        self.link = lab.links["c"]
        self.g = lab.start_peer("g", 1, lab.ip4(number), seconds=240, extra=["--noise"])
        self.c = lab.start_browser("c", 0)
        self.c.wait_for(lambda last: last["video"].get("framesDecoded", 0) > 0, "c's first picture", seconds=40)
        self.g.wait_for(0, seconds=40)
        self.participant = lab.participant(0)["id"]
        self.normal = None
        self.normal_slack = 1
        self.own_concealed = 0
        note(f"load {slack():.1f}")

    def count_made_up(self, before):
        """Packets of c's sound that the server had to do without since then; and what it thinks of the way down."""
        after = self.lab.participant(0)
        show_figures("server", shorten(after.get("bandwidth", {})))
        was, is_now = (each.get("audioUplink", {}).get("decoding", {}) for each in (before, after))
        return is_now.get("concealed", is_now.get("lost", 0)) - was.get("concealed", was.get("lost", 0))

    def check(self, is_right, what):
        """Goes on in any case: one run says all that is wrong."""
        note(("right: " if is_right else "WRONG: ") + what)
        if not is_right:
            self.faults.append(what)

    def watch(self, seconds, name):
        """Figures of the next seconds: of c, of g, of the link's way down and of its way up."""
        self.link.take_figures("down")
        c, g, begin, server = self.c.last(), self.g.last(), time.monotonic(), self.lab.participant(0)
        time.sleep(seconds)
        passed = time.monotonic() - begin
        self.link.take_figures("down")
        window = self.link.of_kind("window")[-1]
        figures = [self.c.since(c), self.g.since(g)]
        figures[0]["concealedUp"] = self.count_made_up(server) / (passed * PACKETS_A_SECOND)
        for way in ("down", "up"):
            figures.append({**window[self.link.WAYS[way]], "kbps": window[self.link.WAYS[way]]["bytes"] * 8 / passed / 1000})
        for who, each in zip(("c", "g", "down", "up"), figures):
            show_figures(f"{name}, {who}", shorten(each))
        return figures

    def learn_normal(self, seconds):
        """What both have while nothing is wrong; c's figures, and those of the link's way down."""
        time.sleep(SETTLING_S * slack())
        c, self.normal, down, _ = self.watch(seconds, "normal")
        self.normal_slack = slack()
        self.own_concealed = c["concealed"]
        self.check(self.own_concealed < 0.02 * slack(), f"normal: {self.own_concealed:.2%} of c's sound was made up")
        return c, down

    def is_heard(self, c, share):
        """Whether no more of c's sound was made up, but for what a browser makes up on a machine with too much to do: it did
        so while nothing was wrong."""
        return c["concealed"] < share + self.own_concealed + BUSY_CONCEALED * (slack() - 1)

    def check_good(self, after, name):
        """g has what it had, whatever befalls c: frames, and how evenly they come. Two cameras make between 15 and 30 new
        pictures a second, by the chance of their instants, so no more is asked than g's own makes."""
        before = self.normal
        rate = [min(before["frames"] / before["seconds"], CAMERA_FRAMES), after["frames"] / after["seconds"]]
        busier = max(slack() / self.normal_slack, 1)
        self.check(rate[1] > 0.75 * rate[0] / busier and after["gap"] < before["gap"] + 400 * slack(),
                   f"{name}: g has {rate[1]:.1f} frames a second of {rate[0]:.1f}, longest gap {after['gap']} of {before['gap']} ms")

    def end(self):
        self.check(self.g.stop() == 0, "g ends well")
        self.check(self.c.stop() == 0, "c ends well")
        assert not self.faults, "; ".join(self.faults)


def shorten(figures):
    """Without what nobody reads: zeros, and digits."""
    if isinstance(figures, dict):
        return {key: shorten(value) for key, value in figures.items() if value not in (0, {}, None)}
    return round(figures, 4) if isinstance(figures, float) else figures


def time_until(is_so, seconds):
    """[s], or None when it takes longer."""
    begin = time.monotonic()
    try:
        wait_until(is_so, "it", seconds=seconds)
    except AssertionError:
        return None
    return time.monotonic() - begin

