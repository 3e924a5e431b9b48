"""A laboratory of network namespaces: the server here, clients in namespaces of their own.

enter() moves the process into network, mount and process namespaces without any way out to the machine's network.
They end with the process, however it ends, and everything in them with them: nothing is left to clean up.

       this namespace: the server, bridge br0, 10.9.0.1/24, fd09::1/64
         |         |            |
        veth      veth        TAP .. net-link .. TAP
         |         |                              |
      client a  client b                       client c      10.9.0.2, .3, ...; fd09::2, ...
"""

import ctypes
import json
import math
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.request
import wave

SKIP = 77
INSIDE = "MXR_NET_LAB"
# Files of the test, gone with it.
SCRATCH = "/run/mixroom-lab"
SERVER_IP4 = "10.9.0.1"
SERVER_IP6 = "fd09::1"
PORT = 8080
# A busy machine may need seconds for what takes a tenth of one.
PATIENCE_S = 15
# Of Opus, as everybody here sends it.
BLOCK_S = 0.02
HERE = os.path.dirname(os.path.abspath(__file__))
# What a browser says of now, and does not count.
STATES = ("jitter", "targetBitrate", "frameWidth", "frameHeight", "framesPerSecond", "qualityLimitationReason")


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIP)


def enter():
    """Starts this very script again, inside; returns only there."""
    if os.geteuid() != 0:
        skip("network namespaces need root")
    for tool in ("unshare", "ip", "nft", "tc", "curl"):
        if shutil.which(tool) is None:
            skip(tool + " is missing (scripts/packages names what the tests need)")
    if os.environ.get(INSIDE) is None:
        unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        if subprocess.run(unshare + ["true"], stderr=subprocess.DEVNULL).returncode != 0:
            skip("this kernel or container grants no namespaces")
        os.environ[INSIDE] = "1"
        # --kill-child ends the inside with unshare; this ends unshare with us.
        child = subprocess.Popen(unshare + [sys.executable] + sys.argv, preexec_fn=die_with_parent)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: child.kill())
        sys.exit(abs(child.wait()))
    for folder in ("/run/netns", SCRATCH):
        os.makedirs(folder, exist_ok=True)
        run(f"mount -t tmpfs none {folder}")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def run(command, **options):
    result = subprocess.run(command.split(), capture_output=True, text=True, **options)
    if result.returncode != 0:
        raise RuntimeError(f"{command}: {result.stderr.strip()}")
    return result.stdout


def slack():
    """By what times are longer: a machine with more to do than two things a core holds pictures up by itself."""
    return max(1, os.getloadavg()[0] / os.cpu_count() / 2)


def note(text):
    print(f"# {text}", flush=True)


def make_media(index):
    """Camera and microphone of an index (0..6) as files: what net-peer sends, a colour with noise and a tone."""
    camera, microphone = f"{SCRATCH}/{index}.y4m", f"{SCRATCH}/{index}.wav"
    # ../elements/colours.c, and fake_peer_get_tone_hz().
    y, u, v = 80 + 20 * (index % 4), 128 + 28 * (index - 3), 128 - 28 * 3
    tone_hz = 300 + 400 * index
    noise = random.Random(index)
    luma = bytes(y - 16 + (value & 31) for value in range(256))
    chroma = bytes([u]) * (320 * 180) + bytes([v]) * (320 * 180)
    with open(camera, "wb") as file:
        file.write(b"YUV4MPEG2 W640 H360 F15:1 Ip A1:1 C420\n")
        for _ in range(30):
            file.write(b"FRAME\n" + noise.randbytes(640 * 360).translate(luma) + chroma)
    with wave.open(microphone, "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", round(0.12 * 32767 * math.sin(2 * math.pi * tone_hz * i / 48000)))
                                  for i in range(48000)))
    return camera, microphone


class Program:
    """A process whose output is read line by line, in a thread."""

    def __init__(self, name, argv, namespace=None, stdin=subprocess.DEVNULL, env=None):
        self.name = name
        self.lines = []
        self.said = []
        if namespace is not None:
            argv = ["ip", "netns", "exec", namespace] + argv
        self.process = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        errors="replace", env={**os.environ, **(env or {})})
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("{") and line.endswith("}\n"):
                self.said.append(json.loads(line))
            else:
                note(f"{self.name}: {line.rstrip()}")

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def reports(self):
        """Its lines of JSON."""
        return list(self.said)

    def last(self):
        return self.said[-1] if self.said else None

    def wait_for_line(self, text):
        wait_until(lambda: any(text in line for line in self.lines), f"{self.name} to say \"{text}\"",
                   lambda: self.process.poll() is None)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE_S)
        self.reader.join(timeout=PATIENCE_S)
        return code


def wait_until(is_done, what, is_possible=lambda: True, seconds=PATIENCE_S):
    deadline = time.monotonic() + seconds
    while not is_done():
        if not is_possible() or time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


class Lab:
    def __init__(self, server, peer, link):
        self.paths = {"server": server, "peer": peer, "link": link}
        self.n_places = 1
        self.links = {}
        run("ip link set lo up")
        run("ip link add br0 type bridge")
        run("ip link set br0 up")
        run(f"ip addr add {SERVER_IP4}/24 dev br0")
        run(f"ip addr add {SERVER_IP6}/64 dev br0 nodad")

    # ---- Places ------------------------------------------------------------------------------------------

    def place(self, name, link=None):
        """A namespace on the bridge, by veth or by net-link with these options. Returns its host number."""
        self.n_places += 1
        port = "port-" + name
        run(f"ip netns add {name}")
        if link is None:
            run(f"ip link add {port} type veth peer name eth0 netns {name}")
        else:
            argv = [self.paths["link"], "--a", f":{port}", "--b", f"{name}:eth0"] + link.split()
            self.links[name] = Link("link-" + name, argv, stdin=subprocess.PIPE)
            self.links[name].wait_for_line("ready")
        run(f"ip link set {port} master br0 up")
        run(f"ip -n {name} link set lo up")
        run(f"ip -n {name} link set eth0 up")
        run(f"ip -n {name} addr add {self.ip4(self.n_places)}/24 dev eth0")
        run(f"ip -n {name} addr add {self.ip6(self.n_places)}/64 dev eth0 nodad")
        return self.n_places

    @staticmethod
    def ip4(number):
        return f"10.9.0.{number}"

    @staticmethod
    def ip6(number):
        return f"fd09::{number}"

    def place_behind_nat(self, name):
        """A private network 192.168.7.0/24 behind a masquerading router on the bridge. Returns the client's address."""
        router = "router-" + name
        self.place(router)
        run(f"ip netns add {name}")
        run(f"ip -n {router} link add lan type veth peer name eth0 netns {name}")
        run(f"ip -n {router} addr add 192.168.7.1/24 dev lan")
        run(f"ip -n {router} link set lan up")
        run(f"ip -n {name} link set lo up")
        run(f"ip -n {name} link set eth0 up")
        run(f"ip -n {name} addr add 192.168.7.2/24 dev eth0")
        run(f"ip -n {name} route add default via 192.168.7.1")
        run(f"ip netns exec {router} sysctl -q net.ipv4.ip_forward=1")
        self.filter("table ip nat { chain post { type nat hook postrouting priority 100; oifname \"eth0\" masquerade; }; }",
                    router)
        return "192.168.7.2"

    def filter(self, rules, name=None):
        """Rules of nft, in that namespace or the server's."""
        argv = ["nft", "-f", "-"] if name is None else ["ip", "netns", "exec", name, "nft", "-f", "-"]
        rules = rules.replace(";", "\n")
        result = subprocess.run(argv, input=rules + "\n", capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"nft: {result.stderr}\n{rules}")

    def filter_udp(self, name, number, verdict):
        """The same fate for all UDP between a client and the server. Where it arrives, because a sender would notice."""
        chain = "type filter hook input priority 0;"
        self.filter(f"table inet fate {{ chain in {{ {chain} ip saddr {SERVER_IP4} meta l4proto udp {verdict}; "
                    f"ip6 saddr {SERVER_IP6} meta l4proto udp {verdict}; }}; }}", name)
        self.filter(f"table inet fate_{name} {{ chain in {{ {chain} "
                    f"ip saddr {self.ip4(number)} meta l4proto udp {verdict}; "
                    f"ip6 saddr {self.ip6(number)} meta l4proto udp {verdict}; }}; }}")

    def cut(self, name):
        """The client's network is gone, without a sign of it on either side."""
        chain = "type filter hook input priority 0; drop;"
        self.filter(f"table inet cut {{ chain in {{ {chain} }}; }}", name)
        self.filter(f"table netdev cut {{ chain in {{ type filter hook ingress device port-{name} priority 0; drop; }}; }}")

    def mend(self, name):
        self.filter("delete table inet cut", name)
        self.filter("delete table netdev cut")

    # ---- Programs ----------------------------------------------------------------------------------------

    def start_server(self, *settings):
        argv = [self.paths["server"], "--listen", f"[::]:{PORT}"]
        # Two people see tiles: what a link does to the mix is looked at.
        for setting in ("server.open_rooms=true", "room.direct_calls=false") + settings:
            argv += ["--set", setting]
        server = Program("server", argv)
        server.wait_for_line("serves http")
        return server

    def start_peer(self, name, index, address, seconds=60, extra=()):
        host = f"[{SERVER_IP6}]" if ":" in address else SERVER_IP4
        argv = [self.paths["peer"], "--server", f"http://{host}:{PORT}/", "--index", str(index), "--address", address,
                "--seconds", str(seconds)] + list(extra)
        peer = Peer(name, argv, namespace=name)
        peer.lab = self
        return peer

    def start_browser(self, name, index):
        """A Chromium on the demo page, with the tone and colour of that index."""
        if shutil.which("node") is None:
            skip("node is missing (Debian: nodejs)")
        # An address that becomes valid is a change of network for it, upon which it gives up what it is just loading.
        wait_until(lambda: run(f"ip -n {name} -6 addr show tentative") == "", f"{name} to have its addresses")
        script = os.path.join(HERE, "browser.mjs")
        camera, microphone = make_media(index)
        argv = ["node", script, f"http://{SERVER_IP4}:{PORT}/", "test", f"peer{index}", camera, microphone]
        env = {"MIXROOM_SERVER": self.paths["server"], "TMPDIR": SCRATCH}
        return Browser(name, argv, namespace=name, stdin=subprocess.PIPE, env=env)

    def room(self):
        """What the server says of the room; None when it is gone."""
        try:
            with urllib.request.urlopen(f"http://{SERVER_IP4}:{PORT}/api/v1/rooms/test", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            return None

    def participant(self, index):
        room = self.room() or {"participants": []}
        return next((each for each in room["participants"] if each["name"] == f"peer{index}"), None)


class Link(Program):
    """net-link with --report-ms: what it lets through, and what passed. `down` is from the server to the client."""

    WAYS = {"down": "a_to_b", "up": "b_to_a", "both": ""}

    def set(self, command, way="both"):
        self.say(f"{self.WAYS[way]} {command}")

    def take_figures(self, way="down"):
        """Of all packets since the last call."""
        n_before = len(self.of_kind("window"))
        self.say("figures")
        wait_until(lambda: len(self.of_kind("window")) > n_before, "figures of the link")
        return self.of_kind("window")[-1][self.WAYS[way]]

    def of_kind(self, kind):
        return [each for each in self.reports() if each["of"] == kind]

    def intervals(self, begin_ms=0, way="down"):
        """[(ms of its end, figures)] since then, by the link's clock."""
        return [(each["ms"], each[self.WAYS[way]]) for each in self.of_kind("interval") if each["ms"] > begin_ms]

    def now_ms(self):
        """The end of its last interval."""
        return self.intervals()[-1][0]


class Browser(Program):
    """browser.mjs: its lines of JSON are what the connection counted."""

    def stop(self, number=None):
        self.process.stdin.close()
        code = self.process.wait(timeout=PATIENCE_S)
        self.reader.join(timeout=PATIENCE_S)
        return code

    def wait_for(self, is_so, what, seconds=PATIENCE_S):
        """Until its last report is so; skips the test when the browser cannot be had at all."""
        wait_until(lambda: self.last() is not None and is_so(self.last()) or self.process.poll() == SKIP, what,
                   lambda: self.process.poll() in (None, SKIP), seconds)
        if self.process.poll() == SKIP:
            skip(self.lines[-1].removeprefix("skipped: "))

    def since(self, report):
        """Figures from a report until now."""
        now = self.last()
        later = [each for each in self.reports() if each["ms"] > report["ms"]]
        figures = {"seconds": (now["ms"] - report["ms"]) / 1000, "gap": max((each["gap"] for each in later), default=0)}
        for kind in ("audio", "video", "audioUp", "videoUp"):
            # A new connection counts from the beginning.
            before = report[kind] if report["connection"] == now["connection"] else {}
            figures[kind] = {key: value if key in STATES else value - before.get(key, 0)
                             for key, value in now[kind].items()}
        figures["frames"] = figures["video"].get("framesDecoded", 0)
        figures["height"] = now["video"].get("frameHeight", 0)
        figures["concealed"] = (figures["audio"].get("concealedSamples", 0) /
                                max(figures["audio"].get("totalSamplesReceived", 0), 1))
        return figures


class Peer(Program):
    """net-peer: its lines of JSON are what it saw and heard."""

    def has(self, kind, index):
        last = self.last()
        return last is not None and index in last[kind]

    def wait_for(self, index, seconds=PATIENCE_S, kinds=("seen", "heard")):
        for kind in kinds:
            try:
                wait_until(lambda: self.has(kind, index), f"{self.name}: {index} to be {kind}",
                           lambda: self.process.poll() is None, seconds)
            except AssertionError:
                note(f"{self.name}, last: {self.last()}")
                note(f"the room: {json.dumps(self.lab.room())}")
                raise

    @staticmethod
    def count_loud(earlier, later):
        return (later["blocks"] - later["silent"]) - (earlier["blocks"] - earlier["silent"])

    def since(self, report):
        """Figures from a report until now: frames, longest gap between two [ms], share of the time with sound."""
        now = self.last()
        later = [each for each in self.reports() if each["ms"] > report["ms"]]
        figures = {"seconds": (now["ms"] - report["ms"]) / 1000,
                   "frames": now["frames"] - report["frames"],
                   "gap": max((each["gap"] for each in later), default=0),
                   "sound": self.count_loud(report, now) * BLOCK_S * 1000 / (now["ms"] - report["ms"])}
        for kind in ("audio", "video"):
            if kind in now and kind in report:
                figures[kind] = {key: now[kind][key] - report[kind][key] for key in now[kind]}
        return figures


def show_figures(name, figures):
    note(f"{name}: " + re.sub(r'["{}]', "", json.dumps(figures)))
