"""One call on one kind of network. usage: net-test.py SCENARIO SERVER NET-PEER NET-LINK"""

import sys
import time

import adapt
import lab as laboratory
import loss as lossy
import nat
from calls import check_pair, join_two, stop_peers, watch
from lab import Lab, note, show_figures, slack, wait_until

# ---- Scenarios ---------------------------------------------------------------------------------------------


def plain(lab):
    """IPv4 without a fault."""
    a, b = lab.place("a"), lab.place("b")
    lab.start_server()
    peers = join_two(lab, ("a", lab.ip4(a)), ("b", lab.ip4(b)))
    for figures in watch(peers, 5):
        assert figures["frames"] > 60 / slack() and figures["gap"] < 500 * slack(), figures
        assert figures["sound"] > 0.8, figures
    check_pair(lab, 0, ("host",), ("host", "prflx"), "udp")
    stop_peers(peers)


def ipv6(lab):
    """No IPv4 at all between clients and server."""
    a, b = lab.place("a"), lab.place("b")
    for name in ("a", "b"):
        laboratory.run(f"ip -n {name} addr flush dev eth0 scope global")
    for number, name in ((a, "a"), (b, "b")):
        laboratory.run(f"ip -n {name} addr add {lab.ip6(number)}/64 dev eth0 nodad")
    lab.start_server()
    peers = join_two(lab, ("a", lab.ip6(a)), ("b", lab.ip6(b)))
    for figures in watch(peers, 4):
        assert figures["frames"] > 50 / slack() and figures["sound"] > 0.8, figures
    check_pair(lab, 0, ("host",), ("host", "prflx"), "udp")
    stop_peers(peers)


def trio(lab, link=None):
    """a sends a picture that costs bits; b is heard only, so that every new picture is a's; v only looks and listens."""
    a, b, v = lab.place("a", link), lab.place("b"), lab.place("v")
    lab.start_server()
    peers = [lab.start_peer("a", 0, lab.ip4(a), extra=["--noise"]),
             lab.start_peer("b", 1, lab.ip4(b), extra=["--role", "audio"]),
             lab.start_peer("v", 2, lab.ip4(v), extra=["--role", "viewer"])]
    peers[0].wait_for(1, kinds=("heard",), seconds=25)
    peers[0].wait_for(0, kinds=("seen",), seconds=25)
    peers[1].wait_for(0, kinds=("heard",), seconds=25)
    peers[2].wait_for(0, seconds=25)
    return a, peers


def endure(lab, peers, seconds):
    """Figures of peers, what the server counted of a, and how many key frames it made."""
    before, keyframes = lab.participant(0), count_keyframes(lab)
    figures = watch(peers, seconds)
    after = lab.participant(0)
    assert after is not None and after["connected"], "the call did not live"
    server = {each: difference(before[each], after[each])
              for each in ("audioUplink", "videoUplink", "audioDownlink", "videoDownlink")}
    for name, each in server.items():
        show_figures(f"server, {name} of a", each)
    keyframes = count_keyframes(lab) - keyframes
    note(f"key frames asked of the encoder in {seconds} s: {keyframes}")
    stop_peers(peers)
    return figures, server, keyframes


def loss(lab, percent, seconds):
    a, peers = trio(lab)
    lab.filter_udp("a", a, f"numgen random mod 100 < {percent} drop")
    return endure(lab, peers, seconds)


def count_keyframes(lab):
    return sum(rung.get("keyframesRequested", 0) for rung in lab.room()["rungs"])


def difference(before, after):
    """Of the numbers; what is counted in groups of its own (`decoding`) is left out."""
    return {key: after[key] - before[key] for key in after if key in before and not isinstance(after[key], dict)}


def share_sent(server, seconds):
    """Of a second of sound: a machine with too much to do sends less than all, and the network is not to blame."""
    return min(server["audioDownlink"]["packets"] * laboratory.BLOCK_S / seconds, 1)


def check_repair(figures, server, keyframes, seconds, sound, gap, own_gap):
    """What a has (its own picture back) and what v has of a, with bounds for a busy machine."""
    a, _, v = figures
    sound *= share_sent(server, seconds)
    assert v["sound"] > sound and a["sound"] > sound - 0.05, "sound is missing"
    assert v["gap"] < gap * slack(), "v's picture stood still"
    assert a["gap"] < own_gap * slack(), "a's picture stood still"
    video = server["videoUplink"]
    assert video["lost"] > 0 and video["repaired"] >= video["lost"] * 0.7, "nothing was repaired"
    assert video["plis"] < video["lost"] / 2 + 5, "lost packets cost key frames although they came again"
    assert server["videoDownlink"]["retransmitted"] > 0, "no NACK was answered"
    # media.keyframe_interval_ms: however often it is asked, the encoder is not.
    assert keyframes <= seconds + 1, "a storm of key frames"


def loss10(lab):
    """10 % of all packets of one client are lost, both ways, which is about the worst that people stay for."""
    check_repair(*loss(lab, 10, 25), seconds=25, sound=0.9, gap=3000, own_gap=6000)


def far(lab):
    """A round trip of 100 ms, and 3 % of all packets lost on either way."""
    _, peers = trio(lab, link="--delay-ms 50 --loss 3")
    check_repair(*endure(lab, peers, 25), seconds=25, sound=0.93, gap=2000, own_gap=4000)


def jitter(lab):
    """A round trip of 100 ms, 30 ms of jitter, and 2 % of the packets out of order."""
    _, peers = trio(lab, link="--delay-ms 35 --jitter-ms 30 --reorder 2")
    (a, _, v), server, keyframes = endure(lab, peers, 20)
    sound = 0.93 * share_sent(server, 20)
    assert a["sound"] > sound and v["sound"] > sound, "sound is missing"
    assert max(a["gap"], v["gap"]) < 2000 * slack(), "a picture stood still"
    assert server["videoUplink"]["lost"] <= 2, "what is late was taken for lost"
    assert server["videoUplink"]["plis"] <= 3 * slack() and keyframes <= 10 * slack(), "key frames for what only came late"


def tcp(lab):
    """No UDP between client and server."""
    a, b = lab.place("a"), lab.place("b")
    lab.filter_udp("a", a, "drop")
    lab.start_server()
    peers = join_two(lab, ("a", lab.ip4(a)), ("b", lab.ip4(b)))
    for figures in watch(peers, 5):
        assert figures["frames"] > 60 / slack() and figures["sound"] > 0.8, figures
    check_pair(lab, 0, ("host",), ("host", "prflx"), "tcp")
    stop_peers(peers)


def ports(lab):
    """A server behind a 1:1 NAT with a range of ports: these and no others, under the public address."""
    a, b = lab.place("a"), lab.place("b")
    public = "203.0.113.5"
    for name in ("a", "b"):
        laboratory.run(f"ip -n {name} route add {public} via {laboratory.SERVER_IP4}")
    lab.filter(f"table ip nat {{ chain pre {{ type nat hook prerouting priority -100; "
               f"ip daddr {public} dnat to {laboratory.SERVER_IP4}; }}; }}")
    # Nobody gets through to the address behind it.
    for name in ("a", "b"):
        lab.filter(f"table inet hidden {{ chain out {{ type filter hook output priority 0; "
                   f"ip daddr {laboratory.SERVER_IP4} udp dport != 53 drop; }}; }}", name)
    lab.start_server("ice.udp_port_min=40000", "ice.udp_port_max=40015", f"ice.public_address={public}", "ice.ipv6=false")
    peers = join_two(lab, ("a", lab.ip4(a)), ("b", lab.ip4(b)))
    opened = {int(line.split()[4].rsplit(":", 1)[1]) for line in laboratory.run("ss -Htuan").splitlines()}
    note(f"ports: {sorted(opened)}")
    assert opened - {laboratory.PORT} and all(40000 <= port <= 40015 for port in opened - {laboratory.PORT}), opened
    check_pair(lab, 0, ("host", "prflx"), ("host", "prflx"), "udp")
    stop_peers(peers)


def away(lab):
    """A client's network is gone for ten seconds, and later for good."""
    a, b = lab.place("a"), lab.place("b")
    lab.start_server("ice.consent_timeout_s=15")
    peers = join_two(lab, ("a", lab.ip4(a)), ("b", lab.ip4(b)))
    participant = lab.participant(0)["id"]
    cut_at = time.monotonic()
    lab.cut("a")
    wait_until(lambda: not peers[1].has("seen", 0), "the avatar")
    avatar_after = time.monotonic() - cut_at
    note(f"avatar after {avatar_after:.1f} s")
    time.sleep(max(10 - avatar_after, 0))
    mended_at = time.monotonic()
    lab.mend("a")
    for index, peer in enumerate(peers):
        peer.wait_for(1 - index)
    note(f"back {time.monotonic() - mended_at:.1f} s after the network")
    assert lab.participant(0)["id"] == participant, "it joined anew"
    cut_at = time.monotonic()
    lab.cut("a")
    wait_until(lambda: lab.participant(0) is None, "the place to be freed", seconds=30)
    freed_after = time.monotonic() - cut_at
    note(f"place freed after {freed_after:.1f} s")
    assert 2.5 < avatar_after < 6 * slack(), avatar_after
    assert 14 < freed_after < 20 * slack(), freed_after
    stop_peers(peers[1:])


def thin(lab):
    """One client's link takes down 300 kbit/s: the other's picture and sound do not notice."""
    a, b = lab.place("a"), lab.place("b")
    lab.start_server()
    peers = join_two(lab, ("a", lab.ip4(a)), ("b", lab.ip4(b)), extra=["--noise"])
    _, before = watch(peers, 5)
    laboratory.run("tc qdisc add dev port-a root tbf rate 300kbit burst 5kb latency 300ms")
    _, after = watch(peers, 15)
    show_figures("server, downlink of a", lab.participant(0)["videoDownlink"])
    note(f"key frames asked of the encoder: {count_keyframes(lab)}")
    stop_peers(peers)
    rate = [each["frames"] / each["seconds"] for each in (before, after)]
    assert rate[1] > 0.75 * rate[0], f"{rate[0]:.1f} frames a second before, {rate[1]:.1f} after"
    assert after["gap"] < before["gap"] + 600 * slack() and after["sound"] > 0.8, after


HELPERS = ("trio", "endure", "check_repair", "share_sent")
SCENARIOS = {name: function for name, function in list(globals().items())
             if callable(function) and function.__doc__ and function.__module__ == "__main__"
             and name not in HELPERS}
SCENARIOS.update(adapt.SCENARIOS)
SCENARIOS.update(lossy.SCENARIOS)
SCENARIOS.update(nat.SCENARIOS)


def main():
    laboratory.enter()
    scenario, *paths = sys.argv[1:]
    started = time.monotonic()
    SCENARIOS[scenario](Lab(*paths))
    note(f"{scenario}: {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
