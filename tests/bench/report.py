"""results.jsonl -> one page that needs nothing else: charts of cost against size, tables, what was compared with what."""
import html
import json
import math
import statistics

import chart
import estimator
import plan

TITLES = {
    "audio": "Audio rooms", "video": "Video rooms", "rate": "Bitrate of the picture", "viewers": "Viewers of one programme",
    "call": "A call of two", "programme": "The programme, to all ways out at once", "storm": "A hundred join in ten seconds",
    "tilemix": "Composing: a tile mixer", "tilemix-still": "Composing, half of the tiles unchanged", "dressed": "Composing with logo, lower thirds and clock", "ladder": "Composing, and the two lower rungs", "tile-scale": "Scaling alone",
    "audiomix": "Mixing sound", "audiomix-limiting": "Mixing sound, the limiter at work",
}
UNITS = {"audio": "participants", "video": "participants", "viewers": "viewers", "call": "participants", "programme": "viewers", "storm": "joins"}
FIGURES = {"cpu": "cores", "added": "cores that are added", "mib_each": "MiB each", "threads": "threads", "delay_ms": "median delay, ms",
           "delay_p95_ms": "delay, 95th percentile, ms", "of_bitrate": "bitrate of the picture in proportion to what is configured"}
BARE_CODECS = "libvpx, libavcodec, OpenH264 and libopus"

# What each side does, so that nobody has to guess what a ratio means.
NOTES = {
    "audio": (
        "<b>Mixroom</b>: real WebRTC clients (ICE, DTLS, SRTP with AES-128-GCM, RTCP), each hears all others without itself.",
        "<b>janus</b>: AudioBridge over plain RTP, so without ICE, DTLS, SRTP and RTCP, which is in its favour; a room of 48 kHz, "
        "everything else as it comes (six packets of prebuffering). A participant over WebRTC costs it about a third more.",
        "<b>floor</b>: one thread that wakes up every 20 ms: it reads everybody's socket, computes AES-128-GCM over what has come, decodes who "
        "is heard, mixes, encodes, and protects and sends a packet to everybody with sendto(). Not in it: RTCP, ICE, jitter buffers, "
        "levels, hand-over between threads; and it may wait for 20 ms.",
        "Both get the same speech as Opus of 20 ms; who does not talk sends what an encoder makes of silence, 50 packets a second, "
        "and two or three where the others are muted (DTX). "
        "Mixroom's clients say how loud a packet is (RFC 6464), as browsers do; AudioBridge decodes everybody.",
        "From 20 listeners on Mixroom sends who only listens two frames of 20 ms in a packet, which is 20 ms later; AudioBridge and the "
        "floor send one in each. "
        "Mixroom mixes the six loudest; AudioBridge mixes everybody. The delay is from sending the packet with a click to the "
        "arrival of the packet that holds it, on loopback. Where all talk, the click may not be heard, and then there is none.",
    ),
    "video": (
        "Everybody sends 640x360 at 30 frames a second, 800 kbit/s, of webcam clips, and speech; three talk. Out: 1280x720 at 30, "
        "1.5 Mbit/s, and sound without the own voice.",
        f"<b>floor</b>: {BARE_CODECS} called from one loop of one thread that wakes up 30 times a second, in real time. Each time it "
        "decodes one frame of everybody (the clips and as many streams as the room gets; one thread each, as pipelines/picturedec-*.gst "
        "are set), scales each to its tile of the same layout with Mixroom's own kernels, and encodes the picture once, with the "
        "encoder's parameters in pipelines/, time base and rate control included. Of sound it does every 20 ms what three talkers "
        "need: three decodes, the sum, four encodes (each talker without itself, and one for all others). Not in it: packets, jitter "
        "buffers, sockets, RTCP, encryption, copies between threads, names on tiles.",
        "<b>stock</b>: udpsrc, rtpjitterbuffer, depayloader and decoder each, one compositor, one audiomixer and Opus encoder for each "
        "listener, udpsink; the same picture encoders with the same parameters, one for all or one each. Plain RTP: no ICE, DTLS, "
        "SRTP or feedback, which is in its favour.",
        "<b>Mixroom</b>: real WebRTC clients, encrypted, with feedback and retransmission. Its delay is that of a picture that "
        "changes colour, from sending its first packet to having its frame whole.",
    ),
    "rate": (
        "Four people as above, in rooms of other frame rates (<code>room.framerate</code>): what the picture takes of a downlink, in "
        "proportion to the 1.5 Mbit/s that are configured. A rate control that mistakes how long frames last shows here.",
    ),
    "viewers": (
        "Two people on camera, so that there is a picture to compose (one alone would be passed through); the viewers watch and listen over WebRTC and send feedback. The picture has 1 Mbit/s.",
        "<b>bare loop</b>: as many packets a second of the same mean size as a viewer of Mixroom got a moment before; each copied, "
        "protected with AES-128-GCM by libsrtp2, with OpenSSL's ciphers as Mixroom has them, and sent with sendto(), with a key and a "
        "port for each viewer. No feedback, no retransmission buffer, no encode. The ratio is of what viewers add: Mixroom's cores less those of its room with one viewer in the same pair.",
    ),
    "call": (
        "Two people send 640x360 at 30 frames a second, 800 kbit/s of VP8, and speech. <b>Mixroom</b> gives each the other's picture as it was sent; "
        "their sounds are mixed. It is counted once what was encoded at first has ended.",
        "<b>mixed</b>: the same with <code>room.direct_calls=false</code>: both decoded, composed at 1280x720, encoded once.",
        "<b>bare loop</b>: as under viewers, with the packets of one downlink to two.",
    ),
    "programme": (
        "A room of four, composed at 1920x1080 and 30 frames a second and sent to all four as H.264, is measured without outputs, with "
        "them, and without them again, all in one server. Outputs: a WHEP viewer, RTMP, SRT, HLS and a file of MP4; "
        "FFmpeg receives RTMP and SRT and throws them away. The cost is what is added to the mean of before and after.",
        "<b>bare encodes</b>: OpenH264 and libavcodec's AAC, with what pipelines/programme-*.gst set (4 Mbit/s, a key frame every 2 s; 128 "
        "kbit/s), over the same picture and sound in one loop of one thread, in real time; only the time inside these calls is counted. "
        "Opus, where the file has it, is added. Not in it: conversion, queues, multiplexing, sockets, disk.",
    ),
    "storm": (
        "Full WebRTC joins, ten a second, all with a microphone and five with a camera, into a room of four. The first frame is counted "
        "from the client's request; the longest gaps are those of anybody who was there already.",
    ),
    "elements": (
        "Elements and kernels alone, each beside what it replaces, in turns within one process; CPU seconds per second of media unless "
        "it says otherwise. Below a cost stands ours in proportion to it, and the spread. plain-c is the bare sum and subtraction; libyuv-none and its siblings are its filters.",
    ),
}


def read(path):
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


# ---- Sorting out ----------------------------------------------------------------------------------------------------


class Results:
    """The latest figures of every bench, case and size, whichever run they are from."""

    def __init__(self, records):
        self.machines = {r["run"]: r for r in records if r.get("kind") == "machine"}
        self.runs = latest([r for r in records if r.get("kind") == "run"], ("bench", "case", "size"))
        self.elements = latest([r for r in records if r.get("kind") == "element"], ("bench", "size", "rival"))
        self.remarks = latest([r for r in records if r.get("kind") in ("left out", "failure")], ("bench", "case", "size"))
        self.series = latest([r for r in records if r.get("kind") == "series"], ("scenario",))
        measured = {r["run"] for r in self.runs + self.elements + self.series}
        self.used_machines = [m for run, m in sorted(self.machines.items()) if run in measured]

    def of(self, bench, case=None, size=None, side=None):
        return [r for r in self.runs if r["bench"] == bench and case in (None, r["case"]) and size in (None, r["size"])
                and side in (None, r["side"])]

    def cases(self, bench):
        return list(dict.fromkeys(r["case"] for r in self.of(bench)))

    def sides(self, bench, case):
        order = {side: at for at, side in enumerate(("mixroom", "mixed", "janus", "floor", "bare loop"))}
        return sorted({r["side"] for r in self.of(bench, case)}, key=lambda side: (order.get(side, 9), side))

    def sizes(self, bench, case):
        return sorted({r["size"] for r in self.of(bench, case)})

    def ratios(self, bench, case, size, rival, figure=None):
        return ratios(self.by_pair(bench, case, size), self.of(bench, case, size, rival), figure or plan.compared(bench))

    def growth(self, bench, case, size, smaller, figure):
        """Ours at one size in proportion to ours at another, in the same run."""
        own = self.by_pair(bench, case, size)
        runs = {r["run"] for r in own.values()}
        return ratios(own, [r for r in self.of(bench, case, smaller, "mixroom") if r["run"] in runs], figure)

    def by_pair(self, bench, case, size):
        return {r["pair"]: r for r in self.of(bench, case, size, "mixroom")}


def ratios(own_by_pair, theirs, figure):
    """Ours in proportion to theirs, of each pair, sorted."""
    return sorted(own_by_pair[r["pair"]][figure] / r[figure] for r in theirs
                  if r.get(figure) and figure in own_by_pair.get(r["pair"], {}))


def latest(records, keys):
    last = {}
    for record in records:
        key = tuple(record.get(k) for k in keys)
        last[key] = max(last.get(key, ""), record["run"])
    return [r for r in records if r["run"] == last[tuple(r.get(k) for k in keys)]]


def values(records, figure):
    return sorted(r[figure] for r in records if r.get(figure) is not None)


def number(value, digits=3):
    """So many significant digits, without exponent."""
    if value == int(value):
        return f"{value:,.0f}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{min(decimals, 5)}f}"


def spread(sorted_values, digits=3):
    if not sorted_values:
        return ""
    text = number(statistics.median(sorted_values), digits)
    if len(sorted_values) > 1:
        text += f" <small>{number(sorted_values[0], digits)}–{number(sorted_values[-1], digits)}</small>"
    return text


# ---- Parts of the page ----------------------------------------------------------------------------------------------


def table(head, rows):
    cells = "".join(f"<th>{h}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def points(results, bench, case, side):
    found = []
    for size in results.sizes(bench, case):
        costs = values(results.of(bench, case, size, side), "cpu")
        if costs:
            found.append((size, statistics.median(costs), costs[0], costs[-1]))
    return found


def figure_rows(results, bench, case):
    for size in results.sizes(bench, case):
        for side in results.sides(bench, case):
            records = results.of(bench, case, size, side)
            if not records:
                continue
            remark = ", ".join(sorted({r["remark"] for r in records if "remark" in r}))
            ratio = "" if side == "mixroom" else spread(results.ratios(bench, case, size, side))
            name = html.escape(side) + (f'<small class="below">{html.escape(remark)}</small>' if remark else "")
            yield [size, name, spread(values(records, "cpu")), ratio, spread(values(records, "threads")),
                   spread(values(records, "rss_mib")), spread(values(records, "mib_each")), delay_cell(records)]


def delay_cell(records):
    """Measured in one pair only, so there is no spread."""
    delays = values(records, "delay_ms"), values(records, "delay_p95_ms")
    return " / ".join(number(statistics.median(found)) for found in delays if found)


def drop_empty(head, rows):
    rows = list(rows)
    kept = [i for i in range(len(head)) if any(str(row[i]) for row in rows)]
    return [head[i] for i in kept], [[row[i] for i in kept] for row in rows]


def case_part(results, bench, case):
    unit = UNITS[bench]
    series = [(side, points(results, bench, case, side)) for side in results.sides(bench, case)]
    head = ["size", "", "cores", "ours / its", "threads", "MiB", "MiB each", "delay / p95 ms"]
    drawn = chart.draw(series, unit, "cores", f"{TITLES[bench]}, {case}: cores against {unit}")
    return (f"<h3>{html.escape(case)}</h3>{drawn}"
            + table(*drop_empty(head, figure_rows(results, bench, case))))


def storm_part(results):
    head = ["joins", "all there", "frames a second afterwards", "first frame, median ms", "p95 ms", "first sound, median ms", "longest gap, pictures ms",
            "longest gap, sound ms", "cores"]
    keys = ("connected", "fps", "first_frame_ms", "first_frame_p95_ms", "first_sound_ms", "frame_gap_ms", "sound_gap_ms", "cpu")
    rows = []
    for size in results.sizes("storm", "joins in 10 s"):
        records = results.of("storm", size=size)
        rows.append([size] + [spread(values(records, key)) for key in keys])
    return table(*drop_empty(head, rows))


def programme_part(results):
    head = ["", "cores", "of these added", "ours / its", "frames a second", "Mbit/s of RTMP"]
    rows = []
    for case in results.cases("programme"):
        for side in results.sides("programme", case):
            records = results.of("programme", case, side=side)
            ratio = "" if side == "mixroom" else spread(results.ratios("programme", case, records[0]["size"], side))
            rows.append([html.escape(side), spread(values(records, "cpu")), spread(values(records, "added")), ratio,
                         spread(values(records, "fps")), spread(values(records, "mbps"))])
    return table(*drop_empty(head, rows))


def rate_part(results):
    head = ["frames a second", "", "of what is configured", "frames that came", "cores"]
    rows = [[rate, html.escape(case), *(spread(values(results.of("rate", case, rate), key)) for key in ("of_bitrate", "fps", "cpu"))]
            for case in results.cases("rate") for rate in results.sizes("rate", case)]
    return table(*drop_empty(head, rows))


def element_part(records, bench):
    records = [r for r in records if r["bench"] == bench]
    unit = records[0].get("unit", "core")
    rivals = list(dict.fromkeys(r["rival"] for r in records))
    ours = {r["size"]: r["subject"] for r in records}
    series = [("mixroom", [(size, cost, cost, cost) for size, cost in sorted(ours.items())])]
    for rival in rivals:
        series.append((rival, sorted((r["size"], r["rival_cost"], r["rival_cost"], r["rival_cost"])
                                     for r in records if r["rival"] == rival)))
    beside = {(r["size"], r["rival"]): r for r in records}
    rows = [[size, number(cost), *(beside_cell(beside.get((size, rival))) for rival in rivals)] for size, cost in sorted(ours.items())]
    what = "tiles" if bench.startswith("tile") else "people"
    title = TITLES.get(bench, bench)
    return (f"<h3>{html.escape(title)}</h3>" + chart.draw(series, what, unit, f"{title}: {unit} against {what}")
            + table([what, "mixroom", *map(html.escape, rivals)], rows))


def beside_cell(record):
    """What a rival cost, and ours in proportion."""
    if record is None:
        return ""
    return (f'{number(record["rival_cost"])} <small class="below">× {number(record["ratio"], 2)} '
            f'({number(record["ratio_min"], 2)}–{number(record["ratio_max"], 2)})</small>')


def measured_goal(results, goal):
    where = goal.bench, goal.name, goal.size
    if goal.rival is not None:
        return results.ratios(*where, goal.rival, goal.figure)
    if goal.beside_size is not None:
        return results.growth(*where, goal.beside_size, goal.figure)
    return values(results.of(*where, "mixroom"), goal.figure)


def goals_part(results):
    rows = []
    for goal in plan.GOALS:
        found = measured_goal(results, goal)
        if not found:
            continue
        reached = statistics.median(found) <= goal.bound
        what = FIGURES[goal.figure]
        beside = goal.rival or (goal.beside_size and f"those with {goal.beside_size}")
        text = f"{what} in proportion to {beside}" if beside else what
        rows.append([f"{TITLES[goal.bench]}, {goal.name}, {goal.size}", html.escape(text), f"at most {number(goal.bound)}",
                     spread(found), '<b class="yes">reached</b>' if reached else '<b class="no">not reached</b>'])
    if not rows:
        return ""
    return "<h2>What we aim at</h2>" + table(["", "", "aim", "measured", ""], rows)


def machine_part(results):
    rows = []
    for m in results.used_machines:
        busy = values([r for r in results.runs if r["run"] == m["run"]], "steal")
        rows.append([html.escape(m["date"]), html.escape(m["revision"]), html.escape(m["cpu"]), m["cores"], html.escape(m["kernel"]),
                     m["load1"], f'{m["pairs"]} × {number(m["seconds"])} s', spread(busy)])
    return table(["when", "revision", "processor", "cores", "kernel", "load before", "each side", "stolen by the host"], rows)


def remarks_part(results):
    if not results.remarks:
        return ""
    items = [f'{r["bench"]}, {r.get("case", "")}, {r["size"]}, {r["side"]}: {"failed: " if r["kind"] == "failure" else ""}{r["why"]}'
             for r in results.remarks]
    return "<h2>Left out</h2><ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in dict.fromkeys(items)) + "</ul>"


def notes(bench):
    return note_list(NOTES[bench])


def note_list(items):
    return "<ul class='notes'>" + "".join(f"<li>{note}</li>" for note in items) + "</ul>"


def bench_parts(results):
    for bench in ("audio", "video", "viewers", "call"):
        if results.of(bench):
            parts = "".join(f"<article>{case_part(results, bench, case)}</article>" for case in results.cases(bench))
            yield f"<h2>{TITLES[bench]}</h2>{notes(bench)}<div class='parts'>{parts}</div>"
    if results.of("programme"):
        yield f"<h2>{TITLES['programme']}</h2>{notes('programme')}{programme_part(results)}"
    if results.of("rate"):
        yield f"<h2>{TITLES['rate']}</h2>{notes('rate')}{rate_part(results)}"
    if results.of("storm"):
        yield f"<h2>{TITLES['storm']}</h2>{notes('storm')}{storm_part(results)}"
    if results.elements:
        names = list(dict.fromkeys(r["bench"] for r in results.elements))
        parts = "".join(f"<article>{element_part(results.elements, name)}</article>" for name in names)
        yield f"<h2>Elements alone</h2>{notes('elements')}<div class='parts'>{parts}</div>"
    if results.series:
        yield f"<h2>{estimator.TITLE}</h2>{note_list(estimator.NOTES)}<div class='parts'>{estimator.part(results.series)}</div>"


STYLE = """
:root { color-scheme: light dark; --ground: #fcfcfa; --ink: #1c1e21; --faint: #6a6f76; --line: #dcdcd6; --card: #fff;
  --s0: #0b6e99; --s1: #c2410c; --s2: #5b7f1f; --s3: #8b3fa8; --s4: #9a6b00; --s5: #4a5568; --yes: #1f7a3a; --no: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ground: #15171a; --ink: #e7e7e3; --faint: #9aa0a8; --line: #33373d; --card: #1c1f23;
  --s0: #58b7e0; --s1: #f08a56; --s2: #a3c964; --s3: #cc8fe6; --s4: #e0b84c; --s5: #a9b4c4; --yes: #6fd08c; --no: #ff8a80 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 78rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.7rem; margin: 0 0 .25rem } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem } h3 { font-size: 1rem; margin: 0 0 .5rem }
p, .notes { max-width: 60rem; color: var(--faint) } .notes { padding-left: 1.1rem; font-size: .9rem } .notes b { color: var(--ink) }
.parts { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 34rem), 1fr)) }
article { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; min-width: 0 }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; margin: .5rem 0 }
th, td { padding: .2rem .45rem; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap }
th { font-weight: 600; color: var(--faint); white-space: normal; vertical-align: bottom } small { color: var(--faint) } .yes { color: var(--yes) } .no { color: var(--no) }
.below { display: block }
svg { width: 100%; height: auto; display: block } svg text { fill: var(--ink); font: 12px system-ui, sans-serif }
svg .tick { fill: var(--faint) } svg .grid { stroke: var(--line) } svg .whisker { stroke-width: 1.5 } svg .cost { fill: none; stroke-width: 2 }
svg .carried { fill: var(--line); opacity: .55 } svg .sent { fill: none; stroke-width: 1; opacity: .8 }
"""


def page(results):
    parts = "".join(f"<section>{part}</section>" for part in bench_parts(results))
    quick = any(m.get("quick") for m in results.used_machines)
    warning = "<p><b>From a quick run: sizes are small and the figures rough.</b></p>" if quick else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mixroom: what it costs</title><style>{STYLE}</style></head><body>
<h1>What it costs</h1>
<p>Cores are processor seconds (user and system) of the server's process per second; 0.10 is a tenth of one core. Both sides of a
comparison ran in turns within one run on one machine, which also ran the clients. The figure is the median, beside it the smallest and the
largest; a ratio is taken pair by pair. Absolute figures belong to the machine, ratios travel better.</p>{warning}
{machine_part(results)}{goals_part(results)}{parts}{remarks_part(results)}
</body></html>
"""


def write(results_path, page_path):
    page_path.write_text(page(Results(read(results_path))))
