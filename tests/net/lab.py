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
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

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


class Program:
    """A process whose output is read line by line, in a thread."""

    def __init__(self, name, argv, namespace=None, show=False):
        self.name = name
        self.lines = []
        self.show = show
        if namespace is not None:
            argv = ["ip", "netns", "exec", namespace] + argv
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if self.show or not line.startswith("{"):
                note(f"{self.name}: {line.rstrip()}")

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
            program = Program("link-" + name, argv, show=True)
            program.wait_for_line("ready")
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
        for setting in ("server.open_rooms=true",) + settings:
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


class Peer(Program):
    """net-peer: its lines of JSON are what it saw and heard."""

    def reports(self):
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def last(self):
        reports = self.reports()
        return reports[-1] if reports else None

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
