"""What most scenarios do: peers who see and hear each other, and what is found of them."""

import time

from lab import note, show_figures, wait_until


def join_two(lab, first, second, **options):
    """Two peers who see and hear each other."""
    peers = [lab.start_peer(name, index, address, **options)
             for index, (name, address) in enumerate((first, second))]
    for index, peer in enumerate(peers):
        peer.wait_for(1 - index, seconds=25)
    return peers


def stop_peers(peers):
    for peer in peers:
        show_figures(f"{peer.name}, at last", peer.last())
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
