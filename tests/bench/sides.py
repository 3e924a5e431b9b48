"""The two sides of a measurement: starts a server, puts load on it, reads what it cost, ends it.

Every side is a function of a Context and a Case, and returns a dictionary of figures; `cpu` is in cores.
"""
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import time
import urllib.request

from janus import Janus
from process import die_with_parent, end

VIDEO_BITRATE_BPS = 1_500_000
VIEWERS_BITRATE_BPS = 1_000_000
SOUND_PPS, SOUND_BPS = 50, 32000
GCM_TAG_BYTES = 16
HEADER_BYTES = 30  # of RTP, with extensions and a codec's descriptor, on average
DELAYS = (("", "median"), ("_p95", "p95"))
STORM_S = 10
CALL_LEAD_S = 12  # until a call is direct, and encodings that nobody gets any more have ended
# A room's first seconds are not what it costs: ICE looks for better pairs, and who is silent still has a place in the mix.
SETTLE_S = {"audio": 12, "video": 12}
STORM_LEAD_S = 4  # mixroom-load lets a room settle for two seconds before it counts


class SideError(Exception):
    """A side could not be measured; the text says why."""


def run_program(context, argv, seconds, **options):
    """Runs a program to its end; returns the JSON object that its last line is."""
    try:
        done = subprocess.run([str(a) for a in argv], text=True, capture_output=True, timeout=seconds + 60, env=context.env,
                              preexec_fn=die_with_parent, **options)
    except subprocess.TimeoutExpired:
        raise SideError(f"{pathlib.Path(argv[0]).name} did not end") from None
    if done.returncode != 0:
        raise SideError(f"{pathlib.Path(argv[0]).name}: {(done.stderr or done.stdout).strip()[-600:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def free_ports(n, first=20000, last=31000):
    """First of n consecutive UDP ports on loopback that nobody has, below those the kernel gives away."""
    for _ in range(200):
        base = random.randrange(first, last - n, 4)
        try:
            for port in range(base, base + n):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
    raise SideError("no free range of UDP ports")


# ---- Mixroom --------------------------------------------------------------------------------------------------------


class Server:
    """Mixroom, on loopback with a port of its own choice. A context manager: ended with the block."""

    def __init__(self, context, settings):
        self.log_path = context.out / "server.log"
        limits = {"ice.allow_loopback": "true", "ice.local_addresses": "127.0.0.1", "room.max_participants": 2000,
                  "http.max_connections": 4096, "http.max_connections_per_address": 4096, "http.joins_per_minute": 60000,
                  "log.level": "info"}
        argv = [context.build / "src" / "mixroom", "--listen", "127.0.0.1:0"]
        for key, value in {**limits, **settings}.items():
            argv += ["--set", f"{key}={value}"]
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=context.env, preexec_fn=die_with_parent)

    def __enter__(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(rb"serves (https?://[^\s]+)", self.log_path.read_bytes()):
                self.uri = found.group(1).decode()
                return self
            time.sleep(0.02)
        self.__exit__()
        raise SideError("mixroom did not start: " + self.log_path.read_text(errors="replace")[-600:])

    def __exit__(self, *_):
        end(self.process)
        self.log.close()

    def resident_mib(self):
        return resident_mib(self.process.pid)


def resident_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s*(\d+)", status).group(1)) / 1024


def cast(context, case, pid, **options):
    """Options of mixroom-load, which rtp-crowd understands, too: who plays which part, and what is sent."""
    media = pathlib.Path(context.env["MIXROOM_BENCH_MEDIA"])
    argv = [f"--server-pid={pid}", f"--audio={media / 'speech.opus.mkv'}"]
    argv += [f"--video={media / f'clip{i}.h264.mkv'}" for i in range(4)] if case.codec != "none" else []
    defaults = {"participants": case.size, "talkers": case.talkers, "codec": case.codec, "duration": round(context.seconds)}
    defaults |= {"dtx": True} if case.has_dtx else {}
    for name, value in {**defaults, **options}.items():
        argv.append(f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}"))
    return argv


class Load:
    """Our load generator at work. Its own checks are no measurement's matter: what it counted is."""

    def __init__(self, context, server, case, name="load", **options):
        self.result = context.out / f"{name}.json"
        self.result.unlink(missing_ok=True)
        argv = [str(context.load), "--quiet", f"--json={self.result}", *cast(context, case, server.process.pid, **options), server.uri]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, env=context.env, preexec_fn=die_with_parent)

    def wait(self, seconds):
        try:
            _, errors = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            end(self.process)
            raise SideError("mixroom-load did not end") from None
        if not self.result.is_file():
            raise SideError(f"mixroom-load: {errors.strip()[-600:]}")
        measured = json.loads(self.result.read_text().splitlines()[-1])
        self.result.unlink()
        clients = measured["clients"]
        if clients["joined"] < clients["wanted"] or "server" not in measured:
            raise SideError(f"only {clients['joined']} of {clients['wanted']} joined: {clients.get('first_error', errors[-300:])}")
        return measured


def joins_per_s(case):
    return 100 if case.bench == "viewers" else 20


def mixroom(context, case):
    if case.bench == "storm":
        return mixroom_storm(context, case)
    if case.bench == "call":
        return mixroom_call(context, case, "true")
    options = {"ramp": joins_per_s(case)}
    settle = {"settle": SETTLE_S[case.bench]} if case.bench in SETTLE_S else {}
    settings = {"media.video_bitrate_bps": VIEWERS_BITRATE_BPS if case.bench == "viewers" else VIDEO_BITRATE_BPS}
    if case.bench == "video":
        settings |= {"room.grid_max": 25}
    if case.bench == "rate":  # the size is that of the second: so many frames
        options |= {"participants": 4}
        settings |= {"room.framerate": case.size}
    if case.bench == "viewers":  # two cameras: one alone would be passed through, not encoded
        options |= {"participants": 2, "talkers": 2, "viewers": case.size}
        settings |= {"room.direct_calls": "false"}  # the room is to cost the same with and without viewers
    patience_s = context.seconds + case.size / options["ramp"] + settle.get("settle", 0) + 60
    with Server(context, settings) as server:
        before = server.resident_mib()
        measured = Load(context, server, case, **options, **settle).wait(patience_s)
        figures = our_figures(case, measured, before, settings)
        if case.wants_delay:
            heard = Load(context, server, case, **options, delay=True, room="delay").wait(patience_s)
            delays = heard["picture" if case.bench == "video" else "sound"].get("delay_ms")
            figures |= {f"delay{suffix}_ms": delays[key] for suffix, key in DELAYS} if delays else {}
    return figures


def picture_bps(figures):
    """What the picture alone has of a downlink: its bytes less the sound's and what every packet has around its payload."""
    around = figures["pps"] * (HEADER_BYTES + GCM_TAG_BYTES)
    return 8 * (figures["bytes_per_s"] - around) - SOUND_BPS


def our_figures(case, measured, resident_before_mib, settings):
    server, traffic, picture = measured["server"], measured["traffic"], measured["picture"]
    n_clients, span_s = measured["clients"]["wanted"], measured["measured_s"]
    figures = {"cpu": round(server["cores"], 5), "threads": server["threads"], "rss_mib": round(server["resident_kib"] / 1024, 1),
               "load_cpu": round(measured.get("load", {}).get("cores", 0), 3)}
    figures["mib_each"] = round((figures["rss_mib"] - resident_before_mib) / n_clients, 3)
    figures["pps"] = round(traffic["down_packets"] / span_s / n_clients, 1)
    figures["lost"] = round(traffic["down_lost"] / max(traffic["down_packets"] + traffic["down_lost"], 1), 4)
    figures["bytes_per_s"] = round(traffic["down_kbps"] * 125 / n_clients + GCM_TAG_BYTES * figures["pps"])
    if "frame_rate" in picture:
        figures["fps"] = round(picture["frame_rate"]["median"], 2)
        figures["delivered"] = round(min(figures["fps"] / (case.size if case.bench == "rate" else 30), 1), 3)
        figures["of_bitrate"] = round(picture_bps(figures) / settings["media.video_bitrate_bps"], 3)
    else:
        figures["delivered"] = round(min(measured["sound"]["seconds"] / span_s / n_clients, 1), 3)
    return figures


def cpu_s(pid):
    """User and system time of the process so far (proc(5): fields 14 and 15)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cores(context, server):
    before, start = cpu_s(server.process.pid), time.monotonic()
    time.sleep(context.seconds)
    return (cpu_s(server.process.pid) - before) / (time.monotonic() - start)


def count_pictures_encoded(server):
    with urllib.request.urlopen(server.uri.rstrip("/") + "/api/v1/rooms/load", timeout=10) as answer:
        return sum("level" in rung for rung in json.load(answer)["rungs"])


def wait_for_people(server, n):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with urllib.request.urlopen(server.uri.rstrip("/") + "/api/v1/rooms", timeout=10) as answer:
            if any(room["participants"] >= n for room in json.load(answer)):
                return
        time.sleep(0.1)
    raise SideError(f"{n} people did not get in within 30 s")


def mixroom_storm(context, case):
    """Some are inside already; what they see while the others come is counted apart from what the others see."""
    settings = {"media.video_bitrate_bps": VIDEO_BITRATE_BPS}
    with Server(context, settings) as server:
        before = server.resident_mib()
        inside = Load(context, server, case, "inside", participants=4, talkers=2, ramp=4, duration=STORM_S + 12)
        wait_for_people(server, 4)
        time.sleep(STORM_LEAD_S)
        storm = Load(context, server, case, "storm", participants=case.size, talkers=1, cameras=5, ramp=case.size / STORM_S,
                     duration=3)
        joined, seen = storm.wait(90), inside.wait(90)
    figures = our_figures(case, joined, before, settings)
    del figures["delivered"]  # a room in which all have just come is no steady state
    figures |= {"connected": joined["clients"]["joined"], "frame_gap_ms": seen["picture"]["longest_gap_ms"],
                "sound_gap_ms": seen["sound"]["longest_gap_ms"], "cpu": round(seen["server"]["cores"], 4)}
    for name, media in (("frame", "picture"), ("sound", "sound")):
        first = joined[media].get("first_ms", {})
        figures |= {f"first_{name}_ms": first.get("median"), f"first_{name}_p95_ms": first.get("p95")}
    return figures


def mixroom_call(context, case, direct):
    """Two people. Cost and traffic are of one window, once each gets the other's picture and what was encoded before has ended."""
    settings = {"room.direct_calls": direct, "media.video_bitrate_bps": VIDEO_BITRATE_BPS}
    with Server(context, settings) as server:
        before = server.resident_mib()
        load = Load(context, server, case, ramp=joins_per_s(case), settle=CALL_LEAD_S)
        wait_for_people(server, case.size)
        time.sleep(CALL_LEAD_S + context.seconds / 2)
        encoded = count_pictures_encoded(server)
        figures = our_figures(case, load.wait(context.seconds + 60), before, settings)
    if (encoded == 0) != (direct == "true"):
        raise SideError(f"{encoded} pictures are encoded")
    return figures


def mixed_call(context, case):
    return mixroom_call(context, case, "false")


# ---- Janus ----------------------------------------------------------------------------------------------------------


def janus(context, case):
    figures = janus_room(context, case)
    if case.wants_delay:  # a server of its own: a participant is buffered for as it should be at its first packets only
        figures |= {key: value for key, value in janus_room(context, case, delay=True).items() if key.startswith("delay")}
    return figures


def janus_room(context, case, **options):
    n = case.size
    listen = free_ports(4 * n, 25000, 31900)
    with Janus() as server:
        before = resident_mib(server.process.pid)
        ports = "".join(f"{server.join(f'p{i}', listen + 4 * i)} 0\n" for i in range(n))
        figures = crowd(context, case, server.process.pid, ports, listen, **options)
    figures["mib_each"] = round((figures["rss_mib"] - before) / n, 3)
    return figures


def crowd(context, case, pid, ports, listen, **options):
    argv = [context.bench / "rtp-crowd", listen, context.warm_up_s, *cast(context, case, pid, **options)]
    figures = run_program(context, argv, context.warm_up_s + context.seconds, input=ports)
    figures["delivered"] = round(min(figures["sound_pps"] / 50, 1), 3)
    return figures


# ---- A room of stock elements ---------------------------------------------------------------------------------------


def rtp_room(context, case, name, arguments):
    """A program of ours as the server of rtp-crowd: it gets `arguments`, its first port and that of the crowd, and says when it is ready."""
    n = case.size
    base = free_ports(8 * n, 20000, 31000)
    listen = base + 4 * n
    with open(context.out / f"{name}.log", "wb") as log:
        room = subprocess.Popen([str(a) for a in (context.bench / name, *arguments, base, listen)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=log, env=context.env, preexec_fn=die_with_parent)
        try:
            room.stdout.readline()  # "ready"
            has_pictures = case.codec != "none"
            ports = "".join(f"{port} {port + 2 if has_pictures else 0}\n" for port in range(base, listen, 4))
            return crowd(context, case, room.pid, ports, listen)
        finally:
            end(room)


def stock(encoders):
    def side(context, case):
        figures = rtp_room(context, case, "stock-room", (case.codec, case.size, encoders))
        figures["delivered"] = round(min(figures["fps"] / 30, 1), 3)
        return figures
    return side


# ---- Floors ---------------------------------------------------------------------------------------------------------


def floor(context, case):
    if case.bench == "audio":
        return rtp_room(context, case, "sound-floor", (case.size, case.talkers))
    return run_program(context, [context.bench / "video-floor", *cast(context, case, 0)], context.seconds)


def bare_send(context, case):
    """Sends what a viewer of our own programme got a moment ago: as many packets a second, of the same mean size."""
    ours = case.last.get("mixroom")
    if not ours or not ours.get("pps") or not ours.get("bytes_per_s"):
        raise SideError("nothing was measured beside it")
    return run_program(context, [context.bench / "bare-send", case.size, ours["pps"], ours["bytes_per_s"], context.seconds],
                       context.seconds)


# ---- What is there --------------------------------------------------------------------------------------------------


def has_program(context, name):
    return (context.bench / name).is_file()


def has_elements(*names):
    inspect = shutil.which("gst-inspect-1.0")
    if inspect is None:
        return True  # found out when the pipeline is built
    return all(subprocess.run([inspect, "--exists", name]).returncode == 0 for name in names)
