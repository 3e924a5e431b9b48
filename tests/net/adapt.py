"""Scenarios of links that do not carry all that the server would like to send. See net-test.py."""

import time

from company import Company, time_until
from lab import note, show_figures, slack

# What follows a step down, and the queue with it, has so long. Seconds.
FOLLOWS_S = 2
CLIMBS_S = 10
HOLD_S = 4
# Bursts (a key frame, a probe) are no harm: the link carries what is meant over a while.
SURPLUS = 1.1
QUEUE_P95_MS = 200
STEPS_KBPS = (1000, 500, 200, 100, 50)
# Sound of 32 kbit/s with the headers of 50 packets a second, and reports: nothing is left to do without below it.
SOUND_KBPS = 70


def sent_kbps(intervals):
    """Of 250 ms each."""
    return sum(figures["bytes"] for _, figures in intervals) * 8 / (250 * max(len(intervals), 1))


def find_follow_s(link, begin_ms, limit_kbps):
    """When the first second begins in which no more than that is sent; None: never."""
    intervals = link.intervals(begin_ms)
    for i in range(len(intervals) - 3):
        if sent_kbps(intervals[i:i + 4]) <= limit_kbps:
            return i * 0.25
    return None


def step_down(company, rate_kbps):
    link = company.link
    begin_ms = link.now_ms()
    link.set(f"rate_kbps {rate_kbps}", "down")
    time.sleep(FOLLOWS_S * slack())
    show_figures(f"{rate_kbps}, first", link.take_figures()["wait"])
    c, g, down, _ = company.watch(HOLD_S, rate_kbps)
    limit_kbps = max(rate_kbps * SURPLUS, SOUND_KBPS)
    follow_s = find_follow_s(link, begin_ms, limit_kbps)
    company.check(follow_s is not None and follow_s <= FOLLOWS_S * slack() and down["kbps"] <= limit_kbps,
                  f"{rate_kbps} kbit/s: followed after {follow_s} s, then {down['kbps']:.0f} kbit/s were sent")
    if rate_kbps == 500:
        company.check(down["wait"]["p95"] < QUEUE_P95_MS * slack(), f"500 kbit/s: packets waited {down['wait']} ms")
    if rate_kbps >= 100:
        company.check(company.is_heard(c, 0.03), f"{rate_kbps} kbit/s: {c['concealed']:.1%} of c's sound was made up")
    company.check_good(g, f"{rate_kbps} kbit/s")


def has_moving(company, height):
    """Whether c's pictures of the last two seconds are so large, and move."""
    last = company.c.last()
    before = next(each for each in reversed(company.c.reports()) if each["ms"] <= last["ms"] - 2000)
    frames = last["video"].get("framesDecoded", 0) - before["video"].get("framesDecoded", 0)
    return last["connection"] == before["connection"] and frames >= 10 / slack() and last["video"]["frameHeight"] >= height


def has_new_picture(company, before):
    last = company.c.last()["video"]
    return last.get("framesDecoded", 0) > before.get("framesDecoded", 0)


def step_up(company, rate_kbps):
    """The least that c should have at that rate: a picture of its own or a rung of the default ladder."""
    heights = {1000: 360, 2000: 720}
    before, g = company.c.last()["video"], company.g.last()
    company.link.set(f"rate_kbps {rate_kbps}", "down")
    if rate_kbps in heights:
        wanted = f"moving pictures of {heights[rate_kbps]} lines"
        after_s = time_until(lambda: has_moving(company, heights[rate_kbps]), CLIMBS_S * slack())
    else:
        wanted = "a new picture"
        after_s = time_until(lambda: has_new_picture(company, before), CLIMBS_S * slack())
    took = "not at all" if after_s is None else f"after {after_s:.1f} s"
    company.check(after_s is not None, f"up to {rate_kbps} kbit/s: {wanted} {took}")
    time.sleep(2)
    company.check_good(company.g.since(g), f"up to {rate_kbps} kbit/s")


def rates(lab):
    """c's downlink carries 2 Mbit/s, then less and less, down to 50 kbit/s, and more and more again."""
    company = Company(lab, "--delay-ms 20 --rate-kbps 2000")
    c, down = company.learn_normal(HOLD_S)
    company.check(c["height"] == 720 and c["frames"] > 50 / slack(), f"2000 kbit/s: {c['frames']} frames of {c['height']} lines")
    company.check(down["kbps"] < 2000 * SURPLUS, f"2000 kbit/s: {down['kbps']:.0f} kbit/s are sent")
    for rate_kbps in STEPS_KBPS:
        step_down(company, rate_kbps)
    for rate_kbps in (200, 1000, 2000):
        step_up(company, rate_kbps)
    company.end()


def direct(lab):
    """Each gets the other's picture as it was sent, until c's downlink carries less than that: then c gets a rung of the mix."""
    company = Company(lab, "--delay-ms 20 --rate-kbps 2000", "room.direct_calls=true")
    gets = lambda index, is_direct: lambda: lab.participant(index)["direct"] == is_direct
    begun_s = [time_until(gets(index, True), 20 * slack()) for index in range(2)]
    company.check(None not in begun_s, f"each gets the other's picture after {begun_s} s")
    company.learn_normal(HOLD_S)
    company.link.set("rate_kbps 200", "down")
    ended_s = time_until(gets(0, False), CLIMBS_S * slack())
    company.check(ended_s is not None, f"200 kbit/s: c gets the mix after {ended_s} s")
    time.sleep(FOLLOWS_S * slack())
    c, g, down, _ = company.watch(HOLD_S, "200")
    rung = lab.participant(0)["bandwidth"]["rung"]
    company.check(rung != "720p30" and c["frames"] > 0, f"200 kbit/s: {c['frames']} frames of {rung}")
    company.check(down["kbps"] <= 200 * SURPLUS, f"200 kbit/s: {down['kbps']:.0f} kbit/s are sent")
    company.check(lab.participant(1)["direct"], "g gets c's picture all the same")
    company.check_good(g, "200 kbit/s")
    company.link.set("rate_kbps 2000", "down")
    again_s = time_until(gets(0, True), 4 * CLIMBS_S * slack())
    company.check(again_s is not None, f"2000 kbit/s: c gets g's picture again after {again_s} s")
    company.end()


def narrow(lab):
    """c joins over a link of 500 kbit/s each way, and a round trip of 80 ms."""
    begin = time.monotonic()
    company = Company(lab, "--delay-ms 40 --rate-kbps 500")
    note(f"both met after {time.monotonic() - begin:.1f} s")
    time.sleep(5 * slack())
    c, g, down, up = company.watch(10, "500 both ways")
    company.check(down["kbps"] <= 500 * SURPLUS and down["wait"]["p95"] < QUEUE_P95_MS * slack(),
                  f"down: {down['kbps']:.0f} kbit/s, packets waited {down['wait']} ms")
    company.check(up["wait"]["p95"] < 2 * QUEUE_P95_MS * slack(), f"up: {up['kbps']:.0f} kbit/s, packets waited {up['wait']} ms")
    company.check(company.is_heard(c, 0.03), f"{c['concealed']:.1%} of c's sound was made up")
    company.check(c["frames"] >= 100 / slack() and c["height"] >= 180, f"c has {c['frames']} frames of {c['height']} lines in 10 s")
    company.check(g["sound"] > 0.9, f"g hears c {g['sound']:.0%} of the time")
    company.end()


def has_tile(company):
    """c is in the room and has its tile."""
    room = company.lab.room()
    return (any(each["id"] == company.participant for each in room["participants"]) and
            any(tile["participant"] == company.participant for view in room["views"] for tile in view["tiles"]))


def endure_cut(company, seconds):
    before, g = company.c.last(), company.g.last()
    company.link.set("cut 1")
    time.sleep(seconds)
    company.check(has_tile(company), f"gone for {seconds} s: c keeps its place and its tile")
    frozen = company.c.last()["video"]
    company.link.set("cut 0")
    begin = time.monotonic()
    sees_s = time_until(lambda: has_new_picture(company, frozen) or company.c.last()["connection"] != before["connection"], 20)
    seen_s = time_until(lambda: company.g.has("seen", 0), 20)
    heard_s = time_until(lambda: company.g.has("heard", 0), 20)
    whole_s = time.monotonic() - begin
    company.check(sees_s is not None and sees_s < 4 * slack(), f"c has pictures {sees_s or 99:.1f} s after the network")
    company.check(seen_s is not None and heard_s is not None and whole_s < 5 * slack(), f"g sees and hears c {whole_s:.1f} s after it")
    company.check(company.c.last()["participant"] == company.participant and has_tile(company), "c did not join anew")
    company.check_good(company.g.since(g), "all the while")


def unsteady(lab):
    """50 ms of jitter, duplicates and packets out of order, each way; then no network for five seconds."""
    company = Company(lab, "--delay-ms 20")
    company.learn_normal(HOLD_S)
    company.link.set("jitter_ms 50")
    company.link.set("duplicate 2")
    company.link.set("reorder 1")
    time.sleep(3)
    c, g, _, _ = company.watch(12, "jitter of 50 ms")
    company.check(company.is_heard(c, 0.03), f"jitter: {c['concealed']:.1%} of c's sound was made up")
    company.check(c["frames"] > 120 / slack() and c["gap"] < 1000 * slack(), f"jitter: c has {c['frames']} frames, longest gap {c['gap']} ms")
    company.check(g["sound"] > 0.9, f"jitter: g hears c {g['sound']:.0%} of the time")
    company.check_good(g, "jitter")
    for command in ("jitter_ms 0", "duplicate 0", "reorder 0"):
        company.link.set(command)
    endure_cut(company, 5)
    company.end()


SCENARIOS = {each.__name__: each for each in (rates, direct, narrow, unsteady)}
