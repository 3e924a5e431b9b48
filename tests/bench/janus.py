"""Janus with its AudioBridge and nothing else: private configuration, loopback only, plain RTP participants."""
import glob
import http.client
import json
import pathlib
import secrets
import shutil
import socket
import subprocess
import tempfile
import time

from process import die_with_parent, end

ROOM = 1
PAYLOAD_TYPE = 111
MODULES = (("plugins", "libjanus_audiobridge.so"), ("transports", "libjanus_http.so"))

# What is not named here is Janus' default: prebuffering of 6 packets, level events off, no FEC. The room mixes at 48 kHz as ours does.
MAIN = """general: {{
  configs_folder = "{folder}"
  plugins_folder = "{folder}/plugins"
  transports_folder = "{folder}/transports"
  events_folder = "{folder}/none"
  loggers_folder = "{folder}/none"
  server_name = "bench"
  session_timeout = 0
  interface = "127.0.0.1"
  debug_level = 2
}}
nat: {{ ice_enforce_list = "lo" }}
"""
HTTP = """general: {{
  json = "compact"
  base_path = "/janus"
  http = true
  port = {port}
  ip = "127.0.0.1"
}}
admin: {{ admin_http = false }}
"""
BRIDGE = """general: {{
  local_ip = "127.0.0.1"
  rtp_port_range = "{first}-{last}"
}}
room-{room}: {{
  description = "bench"
  sampling_rate = 48000
  allow_rtp_participants = true
}}
"""


def is_installed():
    return shutil.which("janus") is not None and all(find_module(kind, name) for kind, name in MODULES)


def find_module(kind, name):
    found = glob.glob(f"/usr/lib/*/janus/{kind}/{name}") + glob.glob(f"/usr/local/lib/janus/{kind}/{name}")
    return found[0] if found else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Janus:
    """A running server. Use as a context manager: it is ended with the block."""

    def __init__(self, rtp_ports=(20000, 24000)):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mixroom-bench-"))
        self.port = free_port()
        values = dict(folder=self.folder, port=self.port, room=ROOM, first=rtp_ports[0], last=rtp_ports[1])
        for name, text in (("janus", MAIN), ("janus.transport.http", HTTP), ("janus.plugin.audiobridge", BRIDGE)):
            (self.folder / f"{name}.jcfg").write_text(text.format(**values))
        for kind, name in MODULES:
            (self.folder / kind).mkdir()
            (self.folder / kind / name).symlink_to(find_module(kind, name))
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(["janus", "-F", str(self.folder), "-C", str(self.folder / "janus.jcfg")],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        preexec_fn=die_with_parent)

    def __enter__(self):
        try:
            self._connect()
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end(self.process, 10)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _connect(self):
        deadline = time.monotonic() + 10
        while True:
            try:
                self.session = self._post("", {"janus": "create"})["data"]["id"]
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError("Janus did not start:\n" + (self.folder / "log").read_text(errors="replace")[-2000:])
                time.sleep(0.05)

    def _request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        connection.request(method, "/janus" + path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def _post(self, path, body):
        answer = self._request("POST", path, dict(body, transaction=secrets.token_hex(6)))
        if answer["janus"] == "error":
            raise RuntimeError(f"Janus: {answer['error']['reason']}")
        return answer

    def join(self, name, rtp_port):
        """Makes a plain RTP participant that hears on rtp_port; returns the port it must send to."""
        handle = self._post(f"/{self.session}", {"janus": "attach", "plugin": "janus.plugin.audiobridge"})["data"]["id"]
        self._post(f"/{self.session}/{handle}", {"janus": "message", "body": {
            "request": "join", "room": ROOM, "display": name,
            "rtp": {"ip": "127.0.0.1", "port": rtp_port, "payload_type": PAYLOAD_TYPE}}})
        while True:
            event = self._request("GET", f"/{self.session}")
            if event.get("sender") != handle:
                continue  # events of the others: somebody joined
            data = event["plugindata"]["data"]
            if "error" in data:
                raise RuntimeError(f"Janus: {data['error']}")
            if data.get("audiobridge") == "joined" and "rtp" in data:
                return data["rtp"]["port"]
