"""One call on one kind of network. usage: net-test.py SCENARIO SERVER NET-PEER NET-LINK"""

import sys
import time

import lab as laboratory
from lab import Lab, note, show_figures, wait_until


def join_two(lab, first, second, **options):
    """Two peers who see and hear each other."""
    peers = [lab.start_peer(name, index, address, **options)
             for index, (name, address) in enumerate((first, second))]
    for index, peer in enumerate(peers):
        peer.wait_for(1 - index, seconds=25)
    return peers


def stop_peers(peers):
    for peer in peers:
        assert peer.stop() == 0, f"{peer.name} ended badly"


def watch(peers, seconds):
    """What they get in so many seconds."""
    before = [peer.last() for peer in peers]
    time.sleep(seconds)
    figures = [peer.since(report) for peer, report in zip(peers, before)]
    for peer, each in zip(peers, figures):
        show_figures(peer.name, each)
    return figures


def check_pair(lab, index, local, remote, protocol):
    # The figures are of about a second ago.
    wait_until(lambda: lab.participant(index)["protocol"] != "", "the candidate pair")
    participant = lab.participant(index)
    found = (participant["localCandidate"], participant["remoteCandidate"], participant["protocol"])
    note(f"peer{index}: {found[0]} - {found[1]} by {found[2]}")
    assert found[0] in local and found[1] in remote and found[2] == protocol, found


# ---- Scenarios ---------------------------------------------------------------------------------------------


def plain(lab):
    """IPv4 without a fault."""
    a, b = lab.place("a"), lab.place("b")
    lab.start_server()
    peers = join_two(lab, ("a", lab.ip4(a)), ("b", lab.ip4(b)))
    for figures in watch(peers, 5):
        assert figures["frames"] > 60 and figures["gap"] < 500, figures
        assert figures["silent"] < 0.02, figures
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
        assert figures["frames"] > 50 and figures["silent"] < 0.02, figures
    check_pair(lab, 0, ("host",), ("host", "prflx"), "udp")
    stop_peers(peers)


SCENARIOS = {name: function for name, function in list(globals().items())
             if callable(function) and function.__doc__ and function.__module__ == "__main__"
             and name not in ("join_two", "watch", "stop_peers", "check_pair")}


def main():
    laboratory.enter()
    scenario, *paths = sys.argv[1:]
    started = time.monotonic()
    SCENARIOS[scenario](Lab(*paths))
    note(f"{scenario}: {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
