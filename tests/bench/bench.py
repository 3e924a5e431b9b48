#!/usr/bin/env python3
"""Measures Mixroom beside its rivals, in turns within one run; scripts/bench builds what this needs and calls it.

Writes DIR/results.jsonl, a JSON object a line, and DIR/report.html.
"""
import argparse
import dataclasses
import datetime
import http.client
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

import estimator
import needs
import plan
import programme
import report
import sides
from process import die_with_parent

SETUP_S = {"mixroom": 4, "janus": 1, "floor": 4, "bare loop": 1, "bare encodes": 4}  # beside warm-up and measurement; others 4
WARM_UP_S = {True: 2.0, False: 3.0}
STORM_S = 35
ELEMENTS_S = {True: 60, False: 180}

# What goes wrong while a side is measured; any of it ends that measurement, and no other.
FAILURES = (sides.SideError, OSError, RuntimeError, LookupError, ValueError, subprocess.SubprocessError, http.client.HTTPException)


@dataclasses.dataclass
class Context:
    source: pathlib.Path
    build: pathlib.Path
    out: pathlib.Path
    env: dict
    seconds: float
    warm_up_s: float
    quick: bool
    run: str
    alone: dict = dataclasses.field(default_factory=dict)  # cores of a room with one viewer, by pair

    @property
    def bench(self):
        return self.build / "tests" / "bench"

    @property
    def load(self):
        return self.build / "src" / "load" / "mixroom-load"

    def write(self, **record):
        with open(self.out / "results.jsonl", "a") as results:
            results.write(json.dumps({"run": self.run, **record}) + "\n")


# ---- The machine ----------------------------------------------------------------------------------------------------


def cpu_model():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def revision(source):
    try:
        asked = subprocess.run(["git", "-C", source, "describe", "--always", "--dirty"], capture_output=True, text=True)
    except OSError:  # git is no package that is asked for
        return "unknown"
    return asked.stdout.strip() or "unknown"


def jiffies():
    """Of all processors since the start: all, idle, stolen by the host of a virtual machine."""
    values = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(values), values[3] + values[4], values[7]


def share_since(before):
    now = jiffies()
    total = max(now[0] - before[0], 1)
    return {"busy": round(1 - (now[1] - before[1]) / total, 3), "steal": round((now[2] - before[2]) / total, 3)}


def describe_machine(context, pairs):
    return {"kind": "machine", "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"), "cpu": cpu_model(),
            "cores": os.cpu_count(), "kernel": platform.release(), "revision": revision(context.source), "pairs": pairs,
            "seconds": context.seconds, "quick": context.quick, "load1": round(os.getloadavg()[0], 2)}


# ---- The sides ------------------------------------------------------------------------------------------------------

SIDES = {
    "mixroom": lambda context, case: (programme if case.bench == "programme" else sides).mixroom(context, case),
    "janus": sides.janus,
    "floor": sides.floor,
    "stock, one encoder": sides.stock("shared"),
    "stock, an encoder each": sides.stock("each"),
    "mixed": sides.mixed_call,
    "bare loop": sides.bare_send,
    "bare encodes": programme.bare_encodes,
}


# ---- Running --------------------------------------------------------------------------------------------------------


class Progress:
    def __init__(self, expected_s):
        self.expected_s, self.start, self.done_s = expected_s, time.monotonic(), 0.0

    def step(self, text, seconds):
        spent = time.monotonic() - self.start
        pace = spent / self.done_s if self.done_s > 20 else 1.0
        left = max(self.expected_s - self.done_s, 0) * pace
        print(f"[{duration(left):>6} left]  {text}", flush=True)
        self.done_s += seconds


def duration(seconds):
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def measures_delay(case, pair):
    return case.bench in ("audio", "video") and pair == 0


def side_seconds(context, case, side, pair):
    if case.bench == "storm":
        return STORM_S
    if case.bench == "call" and side != "bare loop":
        return context.seconds + sides.CALL_LEAD_S + SETUP_S["mixroom"]
    if case.bench == "programme" and side == "mixroom":
        return programme.seconds(context)
    ramp_s = case.size / sides.joins_per_s(case) if side == "mixroom" and case.bench != "rate" else 0
    settle_s = sides.SETTLE_S.get(case.bench, 0) if side == "mixroom" else 0
    once = context.seconds + context.warm_up_s + SETUP_S.get(side, 4) + ramp_s
    return (2 * once if measures_delay(case, pair) and side in ("mixroom", "janus") else once) + settle_s


def note_added(context, case, side, pair, figures):
    """What comes on top of the room itself; what that takes without viewers, the same pair's room with one tells."""
    if side != "mixroom":
        figures["added"] = figures["cpu"]
    elif case.bench == "programme":
        pass  # it was measured without them, too
    elif case.size == 1:
        context.alone[pair] = figures["cpu"]
    elif pair in context.alone:
        figures["added"] = round(figures["cpu"] - context.alone[pair], 5)
    else:
        figures["remark"] = "no ratio: in this pair the room with one viewer was not measured"


def measure(context, case, side, pair, progress):
    label = f"{case.bench}, {case.name}, {case.size}: {side}"
    progress.step(label, side_seconds(context, case, side, pair))
    load1, before = round(os.getloadavg()[0], 2), jiffies()
    try:
        figures = SIDES[side](context, case)
    except FAILURES as error:
        why = str(error) if isinstance(error, sides.SideError) else f"{type(error).__name__}: {error}"
        print(f"           failed: {why}", flush=True)
        context.write(kind="failure", bench=case.bench, case=case.name, size=case.size, side=side, pair=pair, why=why[:500])
        return
    figures |= {"load1": load1, **share_since(before)}
    if plan.compared(case.bench) == "added":
        note_added(context, case, side, pair, figures)
    if (remark := plan.remark(figures)) is not None:
        figures["remark"] = "; ".join(filter(None, (remark, figures.get("remark"))))
    case.last[side] = figures
    context.write(kind="run", bench=case.bench, case=case.name, size=case.size, side=side, pair=pair, **figures)


def runnable_sides(context, case, done):
    """The sides of a case that can be run; says of the others why not."""
    usable = []
    for side in case.sides:
        why = needs.missing(context, side, case)
        cores = plan.expected_cores(side, case.size, [c for c in done if (c.bench, c.name) == (case.bench, case.name)])
        if why is None and side != "mixroom" and cores > os.cpu_count():
            why = f"would need about {cores:.1f} cores, and there are {os.cpu_count()}"
        if why is None:
            usable.append(side)
            continue
        print(f"           {case.bench}, {case.name}, {case.size}: {side} is left out: {why}", flush=True)
        context.write(kind="left out", bench=case.bench, case=case.name, size=case.size, side=side, why=why)
    return usable


def summarise(context, case, records):
    """One line for each rival: ours in proportion, pair by pair."""
    own = {r["pair"]: r for r in records if r["side"] == "mixroom"}
    for side in case.sides:
        theirs = [r for r in records if r["side"] == side]
        if not theirs:
            continue
        cost = statistics.median(r["cpu"] for r in theirs)
        line = f"           {side:<22} {cost:8.4f} core"
        ratios = report.ratios(own, theirs, plan.compared(case.bench))
        if side != "mixroom" and ratios:
            line += f"   ours / theirs {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
        remarks = sorted({r["remark"] for r in theirs if "remark" in r})
        print(line + "".join(f"   {remark}" for remark in remarks), flush=True)


def run_case(context, case, pairs, done, progress):
    usable = runnable_sides(context, case, done)
    if case.bench != "storm" and usable == ["mixroom"]:
        print("           no rival is left; ours is measured alone", flush=True)
    for pair in range(pairs):
        case.wants_delay = measures_delay(case, pair)
        for side in usable:
            measure(context, case, side, pair, progress)
    records = [r for r in report.read(context.out / "results.jsonl")
               if r.get("run") == context.run and r.get("kind") == "run"
               and (r["bench"], r["case"], r["size"]) == (case.bench, case.name, case.size)]
    summarise(context, case, records)
    done.append(case)


def note_failure(context, bench, case, error):
    """Of what has no sides."""
    why = needs.not_built(context, case) or str(error)
    print(f"           failed: {why}", flush=True)
    context.write(kind="failure", bench=bench, case=case, size=0, side="mixroom", why=why[:500])


def run_elements(context, progress):
    for name in ("tilemix-bench", "audiomix-bench"):
        progress.step(f"elements: {name}", ELEMENTS_S[context.quick] / 2)
        lines = context.out / f"{name}.jsonl"
        lines.unlink(missing_ok=True)
        argv = [str(context.bench / name), "--json", str(lines)] + (["--quick"] if context.quick else [])
        try:
            subprocess.run(argv, env=context.env, check=True, timeout=900, preexec_fn=die_with_parent)
        except FAILURES as error:
            note_failure(context, "elements", name, error)
            continue
        for record in report.read(lines):
            context.write(kind="element", **record)
        lines.unlink(missing_ok=True)


def run_estimator(context, progress):
    progress.step("estimator: simulated links", estimator.SECONDS)
    try:
        records = estimator.measure(context)
    except FAILURES as error:
        note_failure(context, estimator.NAME, "estimator-series", error)
        return
    for record in records:
        context.write(kind="series", **record)


# ---- Command line ---------------------------------------------------------------------------------------------------


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one short pair")
    parser.add_argument("--only", default=",".join(plan.BENCHES), help="of " + ",".join(plan.BENCHES))
    parser.add_argument("--pairs", type=int, help="how often each side is measured, in turns (3; --quick: 1)")
    parser.add_argument("--seconds", type=float, help="of each measurement (6; --quick: 4)")
    parser.add_argument("--sizes", help="of the rooms of audio, video and viewers, in place of the planned ones")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the build folder")
    parser.add_argument("--out", type=pathlib.Path, help="where results and report go (the build folder's bench)")
    options = parser.parse_args()
    options.only = options.only.split(",")
    for name in options.only:
        if name not in plan.BENCHES:
            parser.error(f"there is no bench {name}; there are {', '.join(plan.BENCHES)}")
    options.sizes = [int(size) for size in options.sizes.split(",")] if options.sizes else None
    options.pairs = options.pairs or (1 if options.quick else 3)
    options.seconds = options.seconds or (4 if options.quick else 6)
    options.build = options.build.resolve()
    options.out = (options.out or options.build / "bench").resolve()
    return options


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    source = pathlib.Path(__file__).resolve().parents[2]
    media = options.build / "tests" / "bench" / "media"
    options.out.mkdir(parents=True, exist_ok=True)
    context = Context(source, options.build, options.out, dict(os.environ, MIXROOM_BENCH_MEDIA=str(media)), options.seconds,
                      WARM_UP_S[options.quick], options.quick, datetime.datetime.now().strftime("%Y%m%dT%H%M%S"))
    options.only = needs.keep_measurable(context, media, options.only)
    if not options.only:
        sys.exit("Nothing is left to measure.")

    cases = plan.cases(options.only, options.quick, options.sizes)
    expected_s = sum(side_seconds(context, case, side, pair) for case in cases for side in case.sides for pair in range(options.pairs))
    expected_s += ELEMENTS_S[options.quick] if "elements" in options.only else 0
    expected_s += estimator.SECONDS if estimator.NAME in options.only else 0
    machine = describe_machine(context, options.pairs)
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load1']}. About {duration(expected_s)}; best left alone.",
          flush=True)
    context.write(**machine)
    progress, done = Progress(expected_s), []
    try:
        for case in cases:
            run_case(context, case, options.pairs, done, progress)
        if "elements" in options.only:
            run_elements(context, progress)
        if estimator.NAME in options.only:
            run_estimator(context, progress)
    finally:
        report.write(options.out / "results.jsonl", options.out / "report.html")
        print(f"\n{options.out / 'report.html'}\n{options.out / 'results.jsonl'}", flush=True)


if __name__ == "__main__":
    main()
