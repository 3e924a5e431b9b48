"""The programme's outputs: a room without any, with one of each kind, and without again, in one server."""
import json
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import sides
from process import die_with_parent, end

ROOM = "load"  # of mixroom-load
PEOPLE = 4
PICTURE_BPS, SOUND_BPS = 4_000_000, 128_000  # video-floor has the same
SETTLE_S = 3.0
START_S = 15.0
WINDOWS = 3
LONGER_S = 90  # than planned those inside stay, on a machine that is slow; they are ended


def seconds(context):
    return WINDOWS * (context.seconds + SETTLE_S) + 8


def settings(places):
    return {"room.width_px": 1920, "room.height_px": 1080, "programme.programme_width_px": 1920,
            "programme.programme_height_px": 1080, "programme.picture_bitrate_bps": PICTURE_BPS,
            "programme.sound_bitrate_bps": SOUND_BPS, "programme.recordings_directory": places, "programme.hls_directory": places,
            "programme.push": "true", "media.video_bitrate_bps": PICTURE_BPS, "media.start_bitrate_bps": 2 * PICTURE_BPS}


# ---- What is encoded ------------------------------------------------------------------------------------------------


def count_pictures(server):
    """By name, how many people get which picture of the room: each that anybody gets is an encode."""
    with urllib.request.urlopen(server.uri.rstrip("/") + "/metrics", timeout=10) as answer:
        found = re.findall(r'mixroom_downlink_rung_participants\{rung="([^"]+)"\} (\d+)', answer.read().decode())
    return sorted(name for name, n in found if int(n) > 0)


# ---- Outputs --------------------------------------------------------------------------------------------------------


def ask(server, method, path="", body=None):
    request = urllib.request.Request(f"{server.uri.rstrip('/')}/api/v1/rooms/{ROOM}/outputs{path}", method=method,
                                     data=json.dumps(body).encode() if body else None, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Receivers:
    """FFmpeg at the other end of RTMP and SRT, which throws away what comes. A context manager: ended with the block."""

    def __init__(self, context):
        self.urls = {"rtmp": f"rtmp://127.0.0.1:{free_port(socket.SOCK_STREAM)}/live/key",
                     "srt": f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"}
        self.processes = [self.start(context, "-listen", "1", "-i", self.urls["rtmp"]),
                          self.start(context, "-i", self.urls["srt"] + "?mode=listener")]

    @staticmethod
    def start(context, *source):
        return subprocess.Popen(["ffmpeg", "-v", "fatal", *source, "-c", "copy", "-f", "null", "-"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=context.env,
                                preexec_fn=die_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            end(process)


def start_outputs(server, urls):
    orders = [{"type": kind, "url": url} for kind, url in urls.items()]
    orders += [{"type": "hls"}, {"type": "file", "format": "mp4", "sound": "opus"}]
    ids = [ask(server, "POST", body=order)["id"] for order in orders]
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if all(output["state"] == "running" for output in ask(server, "GET")):
            return ids
        time.sleep(0.2)
    raise sides.SideError("outputs do not run: " + ", ".join(f"{o['type']} {o['state']}" for o in ask(server, "GET")))


def stop_outputs(server, ids):
    for number in ids:
        ask(server, "DELETE", f"/{number}")


def check_running(server):
    """What they put out, by type; a measurement of outputs that have failed meanwhile is none."""
    outputs = {output["type"]: output for output in ask(server, "GET")}
    failed = [f"{kind} is {output['state']}" for kind, output in outputs.items() if output["state"] != "running"]
    if failed:
        raise sides.SideError(", ".join(failed))
    return outputs


def has_opus(places, outputs):
    """Whether the file's sound is Opus: an encode of its own (the name of the sample entry, in the head of an MP4)."""
    with open(pathlib.Path(places) / outputs["file"]["recording"], "rb") as file:
        return b"Opus" in file.read(4096)


# ---- The two sides --------------------------------------------------------------------------------------------------


def measure_with_outputs(context, server, case, places):
    with Receivers(context) as receivers:
        watching = sides.Load(context, server, case, "viewers", participants=0, talkers=0, viewers=case.size,
                              duration=round(context.seconds + 2 * SETTLE_S + 2))
        ids = start_outputs(server, receivers.urls)
        time.sleep(SETTLE_S)
        before = check_running(server)
        start = time.monotonic()
        busy = sides.cores(context, server)
        pictures = count_pictures(server)
        span_s, outputs = time.monotonic() - start, check_running(server)
        stop_outputs(server, ids)
        seen = watching.wait(context.seconds + 40)
    put_out = {kind: (outputs[kind]["duration"] - before[kind]["duration"]) / 1000 / span_s for kind in outputs}
    return {"cpu": round(busy, 4), "mbps": round((outputs["rtmp"]["bytes"] - before["rtmp"]["bytes"]) * 8e-6 / span_s, 2),
            "fps": round(seen["picture"]["frame_rate"]["median"], 2), "slowest_output": round(min(put_out.values()), 3),
            "opus": has_opus(places, outputs), "pictures": pictures}


def mixroom(context, case):
    places = context.out / "programme"
    shutil.rmtree(places, ignore_errors=True)
    places.mkdir()
    try:
        with sides.Server(context, settings(places)) as server:
            inside = sides.Load(context, server, case, "inside", participants=PEOPLE, talkers=2, ramp=PEOPLE,
                                duration=round(seconds(context) + LONGER_S))
            sides.wait_for_people(server, PEOPLE)
            time.sleep(context.warm_up_s + 1)
            before, pictures = sides.cores(context, server), count_pictures(server)
            figures = measure_with_outputs(context, server, case, places)
            time.sleep(SETTLE_S)
            after = sides.cores(context, server)
            pictures = [pictures, figures["pictures"], count_pictures(server)]
            end(inside.process)
    finally:
        shutil.rmtree(places, ignore_errors=True)
    if any(names != pictures[0] for names in pictures):
        raise sides.SideError(f"the room's own pictures were not the same all the time: {pictures}")
    alone = (before + after) / 2
    delivered = min(figures["fps"] / 30, figures["slowest_output"], 1)
    return figures | {"alone": round(alone, 4), "added": round(figures["cpu"] - alone, 4), "delivered": round(delivered, 3)}


def bare_encodes(context, case):
    ours = case.last.get("mixroom")
    if not ours:
        raise sides.SideError("nothing was measured beside it")
    options = sides.cast(context, case, 0, participants=PEOPLE, talkers=2)
    figures = sides.run_program(context, [context.bench / "video-floor", "programme", *options], context.seconds)
    if ours["opus"]:
        figures["cpu"] = round(figures["cpu"] + figures["opus"], 4)
    return figures
