"""A server under a room that stays, rooms that come and go, and people who join and leave, for minutes or hours. Fails on a
slope in memory, threads, descriptors or delay, on a client that the checks of mixroom-load find fault with, or when
anything is left behind at the end.

usage: soak.py SERVER MIXROOM-LOAD [--minutes 10] [--csv FILE]"""

import argparse
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from slope import step, verdicts

SAMPLE_S = 5
# Allocator, caches and the rooms that stay reach their size; what grows afterwards grows for ever.
WARM_UP_SHARE, WARM_UP_LEAST_S = 0.25, 60
# Growth from the end of the warm-up to the end of the run. A descriptor or a thread is one too many.
LIMITS = {"memory_mib": 3.0, "threads": 1.0, "descriptors": 1.0, "sound_ms": 10.0, "picture_ms": 10.0}
# Between two passing rooms there is the same to do every time, so that a step shows there, however late in the run.
# Descriptors: who comes again while another room ends holds a few, the HTTP connections of the one before, too (87 to 94 in
# four minutes); what is left over is found at the end, where none is allowed.
STEP_LIMITS = {"memory_mib": 10.0, "threads": 1.0, "descriptors": 5.0}
PAUSE_S = 1.5  # after a passing room: what was its own is given back
# Small pictures: on two cores the load itself must not be what makes the delay grow.
PICTURES = ["--size", "320x180", "--video-bitrate", "150"]
STAYING = ["--room", "stays", "--participants", "4", "--talkers", "3", "--viewers", "3", *PICTURES]
CHANGING = ["--room", "changes", "--participants", "3", "--talkers", "2", "--churn", "0.5", *PICTURES]
PASSING = ["--participants", "2", "--talkers", "2", "--duration", "8", *PICTURES]


def die_with_parent():
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def start(argv, log):
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


def start_server(path, log):
    """Returns the process and its address, which it prints."""
    server = start([path, "--listen", "127.0.0.1:0", "--set", "http.joins_per_minute=100000",
                    "--set", "http.max_connections_per_address=1000", "--set", "ice.allow_loopback=true",
                    "--set", "ice.local_addresses=127.0.0.1"], log)
    for _ in range(100):
        time.sleep(0.1)
        log.seek(0)
        found = re.search(r"http://[^ ]*:\d+", log.read())
        if found:
            return server, found.group(0)
        if server.poll() is not None:
            break
    raise SystemExit("the server did not start; see " + log.name)


def read_delay_ms(text, kind, before):
    """Mean delay of all stages together since the reading before. Returns it (None: nothing passed) and the reading."""
    now = {}
    for name, stage, value in re.findall(
            r'mixroom_stage_delay_seconds_(sum|count)\{kind="%s",stage="(\w+)"\} ([\d.]+)' % kind, text):
        now[stage, name] = float(value)
    total, passed = 0.0, False
    for stage in {stage for stage, _ in now}:
        n = now[stage, "count"] - before.get((stage, "count"), 0)
        if n > 0:
            total += (now[stage, "sum"] - before.get((stage, "sum"), 0)) / n * 1000
            passed = True
    return (total if passed else None), now


def read_process(proc):
    """What it holds: the names are those of STEP_LIMITS."""
    with open(proc + "/status") as status:
        text = status.read()
    return {"memory_mib": int(re.search(r"VmRSS:\s*(\d+)", text).group(1)) / 1024,
            "threads": int(re.search(r"Threads:\s*(\d+)", text).group(1)), "descriptors": len(os.listdir(proc + "/fd"))}


class Watch:
    """Samples of one process."""

    def __init__(self, pid, address):
        self.proc = f"/proc/{pid}"
        self.metrics = address + "/metrics"
        self.begin = time.monotonic()
        self.series = {name: [] for name in LIMITS}
        self.between = {name: [] for name in STEP_LIMITS}
        self.before = {"audio": {}, "video": {}}

    def sample_between(self):
        at = time.monotonic() - self.begin
        for name, value in read_process(self.proc).items():
            self.between[name].append((at, value))

    def sample(self):
        at = time.monotonic() - self.begin
        for name, value in read_process(self.proc).items():
            self.note(name, at, value)
        text = fetch(self.metrics)
        for name, kind in (("sound_ms", "audio"), ("picture_ms", "video")):
            delay_ms, self.before[kind] = read_delay_ms(text, kind, self.before[kind])
            if delay_ms is not None:
                self.note(name, at, delay_ms)
        return at

    def note(self, name, at, value):
        self.series[name].append((at, value))

    def settled(self, series):
        end = max(samples[-1][0] for samples in self.series.values() if samples)
        begin = max(end * WARM_UP_SHARE, min(WARM_UP_LEAST_S, end / 2))
        return {name: [one for one in samples if one[0] >= begin] for name, samples in series.items()}

    def line(self):
        last = {name: samples[-1][1] for name, samples in self.series.items() if samples}
        return "  ".join(f"{name} {value:.1f}" for name, value in last.items())


def check_load(name, process, seconds, log):
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return f"{name} did not end"
    return None if code == 0 else f"{name} found fault (exit status {code}); see {log.name}"


def run(server, address, load, minutes, log):
    watch = Watch(server.pid, address)
    seconds = minutes * 60
    faults = []
    staying = [(name, start([load, address, *options, "--duration", str(int(seconds))], log))
               for name, options in (("the room that stays", STAYING), ("the room that changes", CHANGING))]
    passing, n_passed, next_sample = None, 0, 0
    while time.monotonic() - watch.begin < seconds and server.poll() is None:
        if passing is None or passing.poll() is not None:
            if passing is not None and passing.returncode != 0:
                faults.append(check_load(f"passing room {n_passed}", passing, 1, log))
            if passing is not None:
                time.sleep(PAUSE_S)
                watch.sample_between()
            n_passed += 1
            passing = start([load, address, "--room", f"passes-{n_passed}", *PASSING], log)
        if time.monotonic() - watch.begin >= next_sample:
            next_sample = watch.sample() + SAMPLE_S
            print(f"{int(time.monotonic() - watch.begin):6d} s  room {n_passed}  {watch.line()}", flush=True)
        time.sleep(0.5)
    for name, process in staying + [("the last passing room", passing)]:
        faults.append(check_load(name, process, 60, log))
    return watch, [fault for fault in faults if fault]


def check_end(server, address, idle, in_run_mib, log):
    """Everybody is gone: threads and descriptors must be those of before, memory less than with people in two rooms, and
    SIGTERM must end it well. For 30 s: GLib's pools end a thread that has had nothing to do for 15."""
    faults = []
    for _ in range(60):
        left = read_process(f"/proc/{server.pid}")
        is_empty = "mixroom_participants 0" in fetch(address + "/metrics")
        if is_empty and all(left[name] <= idle[name] for name in ("threads", "descriptors")) and left["memory_mib"] < in_run_mib:
            break
        time.sleep(0.5)
    else:
        faults.append(f"left at the end: {left}, {'nobody' if is_empty else 'somebody'} inside; before anybody came: {idle}; "
                      f"in the run: {in_run_mib:.0f} MiB")
    server.terminate()
    if server.wait(timeout=30) != 0:
        faults.append("the server ended badly; see " + log.name)
    return faults


def judge(when, found, limits):
    """Prints the figures; returns what is wrong."""
    faults = []
    for name, (gained, is_within) in found.items():
        if gained is None:
            faults.append(f"{name} {when}: too few samples; measure for longer, or is the metric gone?")
            continue
        print(f"{name}: {gained:+.2f} {when} (limit {limits[name]}){'' if is_within else '  TOO MUCH'}")
        if not is_within:
            faults.append(f"{name} grows {when}")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("load")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--csv", help="write all samples to this file")
    options = parser.parse_args()

    log = tempfile.NamedTemporaryFile("w+", prefix="mixroom-soak-", suffix=".log", delete=False)
    server, address = start_server(options.server, log)
    fetch(address + "/metrics")
    idle = read_process(f"/proc/{server.pid}")
    watch, faults = run(server, address, options.load, options.minutes, log)
    if server.poll() is not None:
        faults.append(f"the server died ({server.returncode}); see {log.name}")
    else:
        in_run_mib = min((value for _, value in watch.between["memory_mib"]), default=math.inf)
        faults += check_end(server, address, idle, in_run_mib, log)
    if options.csv:
        with open(options.csv, "w") as file:
            file.writelines(f"{name},{at:.1f},{value:.3f}\n" for name, samples in watch.series.items() for at, value in samples)
    faults += judge("in the run", verdicts(watch.settled(watch.series), LIMITS), LIMITS)
    faults += judge("between rooms, from the first tenth to the last", verdicts(watch.settled(watch.between), STEP_LIMITS, step),
                    STEP_LIMITS)
    print("\n".join(faults) or "nothing grows, nothing is left behind")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
