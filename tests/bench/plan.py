"""What is measured: which sizes, which sides, and what must come of it."""
import dataclasses


@dataclasses.dataclass
class Case:
    bench: str
    name: str
    size: int
    sides: tuple
    talkers: int = 3
    codec: str = "none"
    has_dtx: bool = False  # who does not talk is muted: browsers, which our answer allows DTX, send next to nothing then
    wants_delay: bool = False  # in a second measurement: clicks in place of speech would change the cost
    last: dict = dataclasses.field(default_factory=dict)  # figures of the sides that were measured last


@dataclasses.dataclass(frozen=True)
class Goal:
    """Ours in proportion to a rival, or to ours at another size, or a figure of ours alone (both None); at most `bound`."""
    bench: str
    name: str
    size: int
    rival: str | None
    bound: float
    figure: str = "cpu"
    beside_size: int | None = None


AUDIO_SIZES, AUDIO_QUICK = (10, 50, 100, 300), (10, 50)
ALL_TALKING = (10, 100)  # of these sizes
MUTED = (100,)
VIDEO_SIZES, VIDEO_QUICK = (4, 9, 16, 25), (4, 9)
STOCK_SIZES = {"stock, one encoder": (4, 9, 16), "stock, an encoder each": (4, 9)}
CODECS = (("VP8", "vp8"), ("H.264", "h264"))
RATES, RATES_QUICK = (25, 28), (25,)  # frames a second, beside the 30 of the video rooms
VIEWER_SIZES, VIEWER_QUICK = (1, 100, 500, 1000), (1, 100)
STORM_SIZES = (100,)
PROGRAMME_VIEWERS = 1
BENCHES = ("audio", "video", "rate", "viewers", "call", "programme", "storm", "elements", "estimator")

GOALS = (
    Goal("audio", "3 talking", 100, "janus", 0.10),
    Goal("audio", "3 talking, others muted", 100, "janus", 0.10),
    Goal("audio", "all talking", 100, "janus", 0.15),
    Goal("audio", "3 talking", 300, None, 0.5),
    Goal("audio", "3 talking", 100, None, 0.5, "mib_each"),
    Goal("audio", "3 talking", 100, None, 1.0, "threads", beside_size=10),
    *(Goal("audio", "3 talking", size, None, 45, "delay_ms") for size in (10, 100)),
    *(Goal("audio", "3 talking", size, "janus", 0.5, "delay_ms") for size in (10, 100)),
    Goal("audio", "3 talking", 10, None, 70, "delay_p95_ms"),
    Goal("audio", "3 talking", 100, None, 70, "delay_p95_ms"),
    Goal("video", "VP8", 4, None, 60, "delay_ms"),
    *(Goal("video", codec, size, "floor", 1.3) for codec, _ in CODECS for size in (9, 16, 25)),
    *(Goal("video", codec, 4, "stock, an encoder each", 1 / 3.5) for codec, _ in CODECS),
    *(Goal("video", codec, 9, "stock, one encoder", 1 / 1.5) for codec, _ in CODECS),
    *(Goal("video", codec, 9, None, 1.15, "of_bitrate") for codec, _ in CODECS),
    *(Goal("rate", codec, rate, None, 1.15, "of_bitrate") for codec, _ in CODECS for rate in RATES),
    Goal("viewers", "one programme", 1000, "bare loop", 2.0, "added"),
    Goal("viewers", "one programme", 1000, None, 1.0),
    Goal("call", "two people", 2, "mixed", 0.35),
    Goal("programme", "1080p30 to all ways out", PROGRAMME_VIEWERS, "bare encodes", 1.4, "added"),
)


def cases(benches, quick, sizes=None):
    """In the order in which they are run. sizes: in place of the planned ones."""
    found = []
    if "audio" in benches:
        for size in sizes or (AUDIO_QUICK if quick else AUDIO_SIZES):
            found.append(Case("audio", "3 talking", size, audio_sides(size), talkers=min(3, size)))
        for size in sizes or (() if quick else MUTED):
            found.append(Case("audio", "3 talking, others muted", size, audio_sides(size), talkers=min(3, size),
                              has_dtx=True))
        for size in sizes or ALL_TALKING[:1 if quick else None]:
            found.append(Case("audio", "all talking", size, audio_sides(size), talkers=size))
    if "video" in benches:
        for name, codec in CODECS:
            for size in sizes or (VIDEO_QUICK if quick else VIDEO_SIZES):
                stock = [side for side, planned in STOCK_SIZES.items() if sizes or size in planned]
                found.append(Case("video", name, size, ("mixroom", "floor", *stock), talkers=min(3, size), codec=codec))
    if "rate" in benches:
        found += [Case("rate", name, rate, ("mixroom",), codec=codec)
                  for name, codec in CODECS for rate in (RATES_QUICK if quick else RATES)]
    if "viewers" in benches:
        for size in sorted({1, *(sizes or (VIEWER_QUICK if quick else VIEWER_SIZES))}):  # what they add is beyond one's room
            found.append(Case("viewers", "one programme", size, ("mixroom", "bare loop"), codec="vp8"))
    if "call" in benches:
        found.append(Case("call", "two people", 2, ("mixroom", "mixed", "bare loop"), talkers=2, codec="vp8"))
    if "programme" in benches:
        found.append(Case("programme", "1080p30 to all ways out", PROGRAMME_VIEWERS, ("mixroom", "bare encodes"), codec="h264"))
    if "storm" in benches:
        for size in STORM_SIZES:
            found.append(Case("storm", "joins in 10 s", size, ("mixroom",), codec="vp8"))
    return found


def audio_sides(size):
    return ("mixroom", "janus", "floor") if size >= 100 else ("mixroom", "janus")


def compared(bench):
    """The figure that ratios are made of: of viewers and of outputs what they add to the room."""
    return "added" if bench in ("viewers", "programme") else "cpu"


def remark(figures):
    """What must be known of a measurement to read it; None where nothing is in the way."""
    if figures.get("delivered", 1) < 0.97 or figures.get("behind_ms", 0) > 100:
        return "did not keep up"
    if figures.get("lost", 0) > 0.005:
        return f"{figures['lost']:.1%} of packets lost"
    return "machine was full" if figures.get("busy", 0) > 0.97 else None


def expected_cores(side, size, done):
    """What a side will need, from its own next smaller size: costs grow at least in proportion."""
    smaller = [case for case in done if side in case.last and case.size < size]
    if not smaller:
        return 0.0
    nearest = max(smaller, key=lambda case: case.size)
    return nearest.last[side]["cpu"] * size / nearest.size
