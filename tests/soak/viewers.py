"""Many viewers on one programme while it is recorded: all get in, all get every frame, and the recording has no gap.

usage: viewers.py SERVER MIXROOM-LOAD [--viewers 1000] [--seconds 20] [--keep FILE]"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from soak import fetch, start

PEOPLE = 2  # on camera: one alone would be passed through, not composed; two see the mix, too
RAMP = 50   # joins a second
FRAME_RATE_LEAST = 29.0  # of the median viewer
FRAME_RATE_LEAST_ONE = 27.0  # of each
PICTURE_GAP_MAX_S, SOUND_GAP_MAX_S = 0.1, 0.05
OUTPUTS = "/api/v1/rooms/load/outputs"


def start_server(path, places, n, log):
    settings = {"ice.allow_loopback": "true", "ice.local_addresses": "127.0.0.1", "room.max_participants": n + PEOPLE + 10,
                "http.max_connections": 2 * n + 1000, "http.max_connections_per_address": 2 * n + 1000,
                "http.joins_per_minute": 100000, "media.video_bitrate_bps": 1000000, "programme.recordings_directory": places,
                "room.direct_calls": "false"}
    argv = [path, "--listen", "127.0.0.1:0"]
    for key, value in settings.items():
        argv += ["--set", f"{key}={value}"]
    server = start(argv, log)
    for _ in range(200):
        time.sleep(0.1)
        words = pathlib.Path(log.name).read_text().split()
        found = [word for word in words if word.startswith("http://127.0.0.1:")]
        if found:
            return server, found[0].rstrip("/")
        if server.poll() is not None:
            break
    raise SystemExit("the server did not start: " + pathlib.Path(log.name).read_text())


def ask(method, url, body=None):
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body else None,
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def wait_for(what, seconds, is_there):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_there():
            return
        time.sleep(0.2)
    raise SystemExit(f"{what}: not within {seconds} s")


def longest_gap(path, stream):
    """Between two packets' times, and from the first to the last [s]."""
    text = subprocess.run(["ffprobe", "-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time", "-of", "csv=p=0",
                           path], check=True, capture_output=True, text=True).stdout
    times = [float(word) for word in text.replace(",", " ").split()]
    return max(b - a for a, b in zip(times, times[1:])), times[-1] - times[0]


def record(uri, watch, patience_s):
    """Records from before the first viewer to after the last. Returns the file's name and how long it was [s]."""
    wait_for("two people", 30, lambda: any(r["participants"] >= PEOPLE for r in json.loads(fetch(uri + "/api/v1/rooms"))))
    time.sleep(3)  # a picture in which nothing moves yet is not encoded again and again
    output = ask("POST", uri + OUTPUTS, {"type": "file"})
    one = f"{uri}{OUTPUTS}/{output['id']}"
    wait_for("the recording", 15, lambda: ask("GET", one)["state"] == "running")
    started = time.monotonic()
    watch().wait(patience_s)
    lasted_s = time.monotonic() - started
    ask("DELETE", one)
    wait_for("the recording's end", 15, lambda: ask("GET", one)["state"] == "finished")
    return output["recording"], lasted_s


def judge(options, measured, path, lasted_s):
    """What is wrong, as lines of text; prints the figures."""
    clients, rate = measured["clients"], measured["picture"].get("frame_rate", {})
    picture_gap, picture_s = longest_gap(path, "v:0")
    sound_gap, sound_s = longest_gap(path, "a:0")
    print(f"{clients['joined']} of {clients['wanted']} joined; frames a second: {json.dumps(rate)}; server "
          f"{measured['server']['cores']:.2f} cores; recording: {picture_s:.2f} s of picture, gap {picture_gap:.3f} s, "
          f"{sound_s:.2f} s of sound, gap {sound_gap:.3f} s, of {lasted_s:.1f} s")
    return [text for is_wrong, text in (
        (clients["joined"] < clients["wanted"], "not everybody got in"),
        (not measured["passed"], "checks of mixroom-load: " + "; ".join(
            f"{check['name']}: {check['detail']}" for check in measured["checks"] if not check["passed"])),
        (rate.get("n", 0) != clients["joined"], f"a frame rate is known of {rate.get('n', 0)} viewers only"),
        (rate.get("median", 0) < FRAME_RATE_LEAST, f"viewers get less than {FRAME_RATE_LEAST} frames a second"),
        (rate.get("least", 0) < FRAME_RATE_LEAST_ONE, f"one viewer gets less than {FRAME_RATE_LEAST_ONE} frames a second"),
        (picture_gap > PICTURE_GAP_MAX_S, "the recording's picture has a gap"),
        (sound_gap > SOUND_GAP_MAX_S, "the recording's sound has a gap"),
        (picture_s < lasted_s - 4, "the recording is too short")) if is_wrong]


def run(options, folder):
    result = folder / "load.json"
    with open(folder / "server.log", "w+") as server_log, open(folder / "load.log", "w+") as load_log:
        server, uri = start_server(options.server, folder, options.viewers, server_log)
        try:
            patience_s = options.viewers / RAMP + options.seconds + 120
            people = start([options.load, "--quiet", f"--participants={PEOPLE}", f"--talkers={PEOPLE}", f"--duration={patience_s + 60:.0f}",
                            uri], load_log)
            viewers = [options.load, "--quiet", f"--json={result}", "--participants=0", f"--viewers={options.viewers}", f"--ramp={RAMP}",
                       f"--duration={options.seconds}", f"--server-pid={server.pid}", uri]
            name, lasted_s = record(uri, lambda: start(viewers, load_log), patience_s)
            people.terminate()
        finally:
            server.terminate()
            server.wait(30)
    if not result.is_file():
        raise SystemExit("mixroom-load: " + (folder / "load.log").read_text()[-600:])
    measured = json.loads(result.read_text().splitlines()[-1])
    if options.keep:
        shutil.copy(folder / name, options.keep)
    return judge(options, measured, folder / name, lasted_s)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server")
    parser.add_argument("load")
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--keep", help="where the recording goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mixroom-viewers-") as folder:
        wrong = run(options, pathlib.Path(folder))
    for text in wrong:
        print("FAILED: " + text)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
