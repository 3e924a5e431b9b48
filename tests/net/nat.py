"""Calls through NATs and relays: every kind of candidate on either side, a relay that reaches nobody it must not, and networks
that change in the middle of a call."""

import base64
import json
import os
import shutil
import signal
import socket
import time
import urllib.parse

import lab as laboratory
from calls import check_pair, join_two, stop_peers, watch
from lab import PORT, SERVER_IP4, note, run, slack, wait_until
from turn_client import OK, TCP, UDP, TurnClient, sign

CONFIG = os.path.join(os.path.dirname(__file__), "..", "..", "conf", "turnserver.conf")
SECRET = "laboratory-secret"
# The server's own network, when it is behind a NAT: then this namespace is the NAT, and 10.9.0.1 its public address.
HOME_ROUTER, HOME = "192.168.9.1", "192.168.9.2"
RANDOM_PORTS = "masquerade fully-random"


# ---- The relay ---------------------------------------------------------------------------------------------


def start_relay(lab, *options, allowed=(SERVER_IP4,)):
    """coturn with the configuration that we give to others, at place t; all of the laboratory is private, so what it may reach
    is said. Returns its address."""
    if shutil.which("turnserver") is None:
        laboratory.skip("turnserver is missing (Debian: coturn)")
    address = lab.ip4(lab.place("t"))
    # Without a database that it can write, coturn knows no secret.
    own = [f"static-auth-secret={SECRET}", f"listening-ip={address}", f"relay-ip={address}", "pidfile=/dev/null",
           f"userdb={laboratory.SCRATCH}/turndb", "log-file=/dev/null"]
    config = f"{laboratory.SCRATCH}/turnserver.conf"
    with open(CONFIG, encoding="utf-8") as given, open(config, "w", encoding="utf-8") as file:
        file.write("\n".join([given.read(), *own, *(f"allowed-peer-ip={each}" for each in allowed), *options, ""]))
    laboratory.Program("turnserver", ["turnserver", "-c", config], namespace="t")
    wait_until(lambda: ":3478" in run("ip netns exec t ss -Huln"), "the relay to listen")
    return address


def settings(relay, transport="udp"):
    """What a server is told of its relay."""
    return (f"ice.client_ice_servers=stun:{relay}:3478,turn:{relay}:3478?transport={transport}", f"ice.turn_secret={SECRET}")


def join_by_websocket(name):
    """What `joined` says to somebody who asks for a place by hand, and leaves again."""
    with socket.create_connection((SERVER_IP4, PORT), timeout=5) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall((f"GET /ws HTTP/1.1\r\nHost: {SERVER_IP4}:{PORT}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mixroom.v1\r\nSec-WebSocket-Key: {key}\r\n"
                            "\r\n").encode())
        message = json.dumps({"type": "join", "room": "waiting", "name": name}).encode()
        connection.sendall(bytes([0x81, 0x80 | len(message), 0, 0, 0, 0]) + message)
        received = b""
        while b'"iceServers"' not in received or not received.endswith(b"}"):
            part = connection.recv(4096)
            assert part, received
            received += part
    text = received[received.index(b'{"type":"joined"'):].decode(errors="replace")
    return json.JSONDecoder().raw_decode(text)[0]


def credentials(name="somebody"):
    """Username and password of the relay, as the server hands them to a client."""
    return next((each["username"], each["credential"]) for each in join_by_websocket(name)["iceServers"]
                if each["urls"].startswith("turn:"))


def turn_uri(relay, transport="udp"):
    username, password = (urllib.parse.quote(each, safe="") for each in credentials())
    return f"turn://{username}:{password}@{relay}:3478?transport={transport}"


# ---- Networks ----------------------------------------------------------------------------------------------


def change_nat(lab, name, action):
    lab.filter("delete table ip nat", "router-" + name)
    lab.filter(f"table ip nat {{ chain post {{ type nat hook postrouting priority 100; oifname \"eth0\" {action}; }}; }}",
               "router-" + name)


def start_server_at_home(lab, *options):
    """The server in a private network; its pages are forwarded to it, and nothing else that comes unasked."""
    run("ip netns add home")
    run("ip link add home type veth peer name eth0 netns home")
    run(f"ip addr add {HOME_ROUTER}/24 dev home")
    run("ip link set home up")
    run("ip -n home link set lo up")
    run("ip -n home link set eth0 up")
    run(f"ip -n home addr add {HOME}/24 dev eth0")
    run(f"ip -n home route add default via {HOME_ROUTER}")
    run("sysctl -q net.ipv4.ip_forward=1")
    lab.filter(f"table ip nat {{ chain pre {{ type nat hook prerouting priority -100; ip daddr {SERVER_IP4} tcp dport {PORT} "
               f"dnat to {HOME}; }}; chain out {{ type nat hook output priority -100; ip daddr {SERVER_IP4} tcp dport {PORT} "
               f"dnat to {HOME}; }}; chain post {{ type nat hook postrouting priority 100; "
               "ip saddr 192.168.9.0/24 oifname \"br0\" masquerade; }; }")
    argv = [lab.paths["server"], "--listen", f"0.0.0.0:{PORT}"]
    for setting in ("server.open_rooms=true", "room.direct_calls=false", "ice.tcp=false", "ice.ipv6=false") + options:
        argv += ["--set", setting]
    server = laboratory.Program("server", argv, namespace="home")
    server.wait_for_line("serves http")
    return server


# ---- Scenarios ---------------------------------------------------------------------------------------------


def nat(lab):
    """A private address behind a masquerading router: the server learns the client's address from its checks."""
    address, b = lab.place_behind_nat("a"), lab.place("b")
    lab.start_server("ice.tcp=false")
    peers = join_two(lab, ("a", address), ("b", lab.ip4(b)))
    check_pair(lab, 0, ("host",), ("prflx",), "udp")
    stop_peers(peers)


def cone(lab):
    """The same with a client who has asked a STUN server, and a router that keeps ports: it is where it said."""
    relay = start_relay(lab)
    address, b = lab.place_behind_nat("a"), lab.place("b")
    lab.start_server("ice.tcp=false")
    peers = [lab.start_peer("a", 0, address, extra=["--stun", f"stun://{relay}:3478"]), lab.start_peer("b", 1, lab.ip4(b))]
    for index, peer in enumerate(peers):
        peer.wait_for(1 - index, seconds=25)
    check_pair(lab, 0, ("host",), ("srflx",), "udp")
    stop_peers(peers)


def served_by_stun(lab):
    """A server behind a NAT of its own, who has asked a STUN server and calls its clients first."""
    relay = start_relay(lab)
    b, c = lab.place("b"), lab.place("c")
    start_server_at_home(lab, f"ice.stun_server={relay}:3478")
    peers = join_two(lab, ("b", lab.ip4(b)), ("c", lab.ip4(c)))
    check_pair(lab, 0, ("srflx", "prflx"), ("host", "prflx"), "udp")
    stop_peers(peers)


def served_unasked(lab):
    """A server behind a NAT that it knows nothing of reaches clients with public addresses all the same."""
    b, c = lab.place("b"), lab.place("c")
    start_server_at_home(lab)
    peers = join_two(lab, ("b", lab.ip4(b)), ("c", lab.ip4(c)))
    check_pair(lab, 0, ("prflx",), ("host",), "udp")
    stop_peers(peers)


def served_by_relay(lab):
    """A server that no packet of media leaves but to its relay: clients reach it there."""
    b, c = lab.place("b"), lab.place("c")
    relay = start_relay(lab, allowed=(lab.ip4(b), lab.ip4(c)))
    lab.filter(f"table inet guard {{ chain way {{ type filter hook forward priority 0; "
               f"iifname \"home\" meta l4proto udp ip daddr != {relay} drop; }}; }}")
    start_server_at_home(lab, f"ice.turn_server={relay}:3478", f"ice.turn_secret={SECRET}")
    peers = join_two(lab, ("b", lab.ip4(b)), ("c", lab.ip4(c)))
    for figures in watch(peers, 4):
        assert figures["frames"] > 40 / slack() and figures["sound"] > 0.6, figures
    check_pair(lab, 0, ("relay",), ("host", "prflx"), "udp")
    stop_peers(peers)


def symmetric(lab):
    """Two NATs that do not find each other, the client's with another port for everybody: by its relay, over UDP, with what the
    server gave it."""
    relay = start_relay(lab)
    address, b = lab.place_behind_nat("a"), lab.place("b")
    change_nat(lab, "a", RANDOM_PORTS)
    start_server_at_home(lab, f"ice.stun_server={relay}:3478", *settings(relay))
    peers = [lab.start_peer("a", 0, address, extra=["--turn", turn_uri(relay)]), lab.start_peer("b", 1, lab.ip4(b))]
    for index, peer in enumerate(peers):
        peer.wait_for(1 - index, seconds=25)
    check_pair(lab, 0, ("host", "srflx", "prflx"), ("relay",), "udp")
    stop_peers(peers)


def blocked(lab):
    """No UDP leaves the client's network at all, and no TCP but to the relay."""
    relay = start_relay(lab)
    a, b = lab.place("a"), lab.place("b")
    lab.filter(f"table inet wall {{ chain out {{ type filter hook output priority 0; meta l4proto udp drop; "
               f"ip daddr {SERVER_IP4} tcp dport != {PORT} drop; }}; }}", "a")
    lab.start_server(*settings(relay, "tcp"))
    peers = [lab.start_peer("a", 0, lab.ip4(a), extra=["--turn", turn_uri(relay, "tcp")]), lab.start_peer("b", 1, lab.ip4(b))]
    for index, peer in enumerate(peers):
        peer.wait_for(1 - index, seconds=25)
    for figures in watch(peers, 4):
        assert figures["frames"] > 40 / slack() and figures["sound"] > 0.6, figures
    check_pair(lab, 0, ("host",), ("relay",), "udp")
    stop_peers(peers)


FORBIDDEN_IP4 = ("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1",
                 "172.31.255.255", "192.0.0.170", "192.168.0.1", "198.18.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1",
                 "255.255.255.255")
# The IPv4 ones in the clothes of IPv6, and its own.
FORBIDDEN_IP6 = ("::", "::1", "::127.0.0.1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
                 "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:5ef5:79fd::1", "fc00::1", "fd09::1", "fe80::1",
                 "ff02::1", "2001:db8::1")
ALLOWED_IP4 = ("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "126.255.255.255", "128.0.0.1", "172.15.255.255",
               "172.32.0.1", "223.255.255.255")
ALLOWED_IP6 = ("2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1")
USER_QUOTA = 12


def open_place(relay, login, family=None):
    client = TurnClient(relay, *login)
    code = client.allocate(family=family)
    assert code == OK, code
    return client


def check_peers(client, forbidden, allowed):
    wrong = [(host, code) for ask in (client.permit, client.bind) for host in forbidden if (code := ask(host)) != 403]
    assert not wrong, f"the relay would pass packets to {wrong}"
    wrong = [(host, code) for host in allowed if (code := client.permit(host)) != OK]
    assert not wrong, f"the relay refuses {wrong}"


def check_accounts(relay, login):
    """Whom it takes: who has the server's signature on a name and a time that is not over, for UDP, and so often."""
    username, password = login
    expiry, user = username.split(":")
    assert sign(SECRET, username) == password and 86000 < int(expiry) - time.time() <= 86400, login
    for wrong in ((username, password[::-1]), (f"{int(expiry) + 1}:{user}", password), ("mixroom", "lab"),
                  (old := f"{int(time.time()) - 10}:{user}", sign(SECRET, old))):
        code = TurnClient(relay, *wrong).allocate()
        assert code == 401, (wrong, code)
    assert (code := TurnClient(relay, *login).allocate(TCP)) == 442, code
    places = [open_place(relay, login) for _ in range(USER_QUOTA)]
    assert (code := TurnClient(relay, *login).allocate()) == 486, code
    other = open_place(relay, credentials("another"))
    for each in places + [other]:
        each.close()


def relay_rules(lab):
    """The relay's configuration: whom it passes packets to, whom it lets in, and how often."""
    relay = start_relay(lab, f"relay-ip={lab.ip6(lab.n_places + 1)}")
    lab.start_server(*settings(relay))
    login = credentials()
    note(f"an account: {login[0]}")
    client = open_place(relay, login)
    check_peers(client, FORBIDDEN_IP4, ALLOWED_IP4 + (SERVER_IP4,))
    client.close()
    client = open_place(relay, credentials("six"), family=2)
    check_peers(client, FORBIDDEN_IP6, ALLOWED_IP6)
    client.close()
    check_accounts(relay, credentials("many"))


def rebind(lab):
    """The client's NAT forgets it in the middle of the call, and gives it other ports: it is followed."""
    address, b = lab.place_behind_nat("a"), lab.place("b")
    lab.start_server("ice.tcp=false")
    peers = join_two(lab, ("a", address), ("b", lab.ip4(b)))
    participant = lab.participant(0)["id"]
    before = peers[0].last()
    change_nat(lab, "a", RANDOM_PORTS)
    # Masquerading forgets what left by a device that went down.
    run("ip -n router-a link set eth0 down")
    run("ip -n router-a link set eth0 up")
    changed_at = time.monotonic()
    time.sleep(1.5)
    frames = peers[0].last()["frames"]
    wait_until(lambda: peers[0].last()["frames"] > frames + 15, "a to get pictures again", seconds=25)
    note(f"a has pictures again {time.monotonic() - changed_at:.1f} s after the change")
    note(f"longest gap: {peers[0].since(before)['gap']} ms")
    for index, peer in enumerate(peers):
        peer.wait_for(1 - index)
    assert lab.participant(0)["id"] == participant, "it joined anew"
    stop_peers(peers)


class WhipBrowser(laboratory.Program):
    """whip-browser.mjs in a place of its own: a Chromium whose ICE is restarted when it is told so."""

    def __init__(self, lab, name, number):
        if shutil.which("node") is None:
            laboratory.skip("node is missing (Debian: nodejs)")
        # A browser without leave to use a camera binds to the address of its default route, and shows it to nobody.
        run(f"ip -n {name} route add default via {SERVER_IP4}")
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "whip-browser.mjs")
        super().__init__(name, ["env", f"MIXROOM_SERVER={lab.paths['server']}", f"TMPDIR={laboratory.SCRATCH}",
                                f"HOME={laboratory.SCRATCH}", "node", script, f"http://{SERVER_IP4}:{PORT}/", "test",
                                f"peer{number}"], namespace=name)

    def find(self, kind):
        return [each[kind] for each in map(json.loads, self.lines_of_json()) if kind in each]

    def lines_of_json(self):
        return [line for line in list(self.lines) if line.startswith("{") and line.endswith("}")]

    def frames(self):
        got = self.find("got")
        return got[-1]["frames"] if got else 0

    def wait_for_frames(self, least, seconds=25):
        before = self.frames()
        wait_until(lambda: self.frames() >= before + least or self.process.poll() == laboratory.SKIP,
                   f"{self.name}: {least} more frames", lambda: self.process.poll() in (None, laboratory.SKIP), seconds)
        if self.process.poll() == laboratory.SKIP:
            laboratory.skip(self.lines[-1].removeprefix("skipped: "))

    def restart(self):
        n_before = len(self.find("restart"))
        self.process.send_signal(signal.SIGUSR2)
        wait_until(lambda: len(self.find("restart")) > n_before, "the answer to PATCH")
        assert self.find("restart")[-1]["status"] == 200, self.find("restart")[-1]


def change_address(lab, name, old):
    """As who leaves one Wi-Fi for another. Returns the new host number."""
    lab.n_places += 1
    run(f"ip -n {name} addr del {lab.ip4(old)}/24 dev eth0")
    run(f"ip -n {name} addr add {lab.ip4(lab.n_places)}/24 dev eth0")
    run(f"ip -n {name} route replace default via {SERVER_IP4}")
    return lab.n_places


def roam(lab):
    """A browser's address changes in the middle of the call: it is followed, or restarts ICE, and is the same participant."""
    a, b = lab.place("a"), lab.place("b")
    run("ip -n a addr flush dev eth0 scope global")
    run(f"ip -n a addr add {lab.ip4(a)}/24 dev eth0")
    lab.start_server("ice.tcp=false", "ice.ipv6=false")
    peer = lab.start_peer("b", 1, lab.ip4(b))
    browser = WhipBrowser(lab, "a", 0)
    browser.wait_for_frames(20, seconds=60)
    candidates = browser.find("got")[-1]["candidates"]
    assert candidates and all(".local " in each for each in candidates), candidates
    check_pair(lab, 0, ("host",), ("prflx",), "udp")
    participant = lab.participant(0)["id"]
    for restarts in (False, True):
        a = change_address(lab, "a", a)
        changed_at = time.monotonic()
        time.sleep(0.5)
        if restarts:
            browser.restart()
        browser.wait_for_frames(20)
        note(f"20 pictures {time.monotonic() - changed_at:.1f} s after a's address changed, " +
             ("ICE restarted after 0.5 s" if restarts else "followed"))
        assert lab.participant(0)["id"] == participant, "it joined anew"
        peer.wait_for(1, kinds=("seen",))
    got = browser.find("got")[-1]
    assert got["user"] == got["wanted"], "the old ICE session is in use"
    assert browser.stop() == 0 and peer.stop() == 0


SCENARIOS = {each.__name__: each for each in (nat, cone, served_by_stun, served_unasked, served_by_relay, symmetric,
                                               blocked, relay_rules, rebind, roam)}
