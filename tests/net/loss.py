"""Scenarios of links that lose packets. See net-test.py."""

import time

from company import Company
from lab import slack

# Command of the link: seconds, at most so much of c's sound made up (either way), longest gap of its picture [ms], g hears
# c so much.
STAGES = {
    "loss 5": (10, 0.01, 2000, 0.95),
    "loss 10": (12, 0.03, 3000, 0.9),
    "loss 20": (12, 0.1, 8000, 0.8),
    "burst 5 3": (10, 0.05, 4000, 0.9),
}


def endure(company, command):
    seconds, concealed, gap, sound = STAGES[command]
    company.link.set(command)
    time.sleep(1)
    c, g, _, _ = company.watch(seconds, command)
    company.check(company.is_heard(c, concealed), f"{command}: {c['concealed']:.2%} of c's sound was made up")
    company.check(c["concealedUp"] < concealed, f"{command}: {c['concealedUp']:.2%} of what c sends was made up")
    company.check(c["gap"] < gap * slack(), f"{command}: c has {c['frames']} frames in {seconds} s, longest gap {c['gap']} ms")
    company.check(g["sound"] > sound, f"{command}: g hears c {g['sound']:.0%} of the time")
    company.check_good(g, command)
    company.link.set(command.split()[0] + " 0")


def losses(lab):
    """More and more of c's packets are lost, each way, evenly and then in bursts; a round trip of 60 ms."""
    company = Company(lab, "--delay-ms 30")
    company.learn_normal(6)
    for command in STAGES:
        endure(company, command)
    company.end()


SCENARIOS = {"losses": losses}
