#!/usr/bin/env python3
"""Keeps at most N established TCP connections of each client address: with one more, the longest idle one is
forgotten. Runs in the NAT's namespace.

Connection tracking says how long an entry has still to live, in whole seconds; with one timeout for all of them the
one with the least has been idle for longest. Argument: N.
"""
import re
import subprocess
import sys

LINE = re.compile(r"^tcp +6 (\d+) ESTABLISHED src=(\S+) dst=\S+ sport=(\d+) dport=(\d+)", re.M)


def entries(family):
    """(seconds left, client address, client port, far end's port) of each established entry."""
    while True:
        listed = subprocess.run(
            ["conntrack", "-L", "-f", family, "-p", "tcp", "--state", "ESTABLISHED"], capture_output=True, text=True
        )
        # The kernel breaks a listing off when the table changes meanwhile.
        if listed.returncode == 0:
            return [(int(left), *rest) for left, *rest in LINE.findall(listed.stdout)]


def evict(family, limit):
    clients = {}
    for entry in entries(family):
        clients.setdefault(entry[1], []).append(entry)
    for owned in clients.values():
        owned.sort()
        for _, client, sport, dport in owned[: max(0, len(owned) - limit)]:
            subprocess.run(
                ["conntrack", "-D", "-f", family, "-p", "tcp", "--orig-src", client]
                + ["--orig-port-src", sport, "--orig-port-dst", dport],
                capture_output=True,
            )
            print("evicted", client, sport, flush=True)


def main():
    limit = int(sys.argv[1])
    events = subprocess.Popen(
        ["stdbuf", "-oL", "conntrack", "-E", "-p", "tcp", "-e", "UPDATES", "--state", "ESTABLISHED"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    print("ready", flush=True)
    for line in events.stdout:
        if "ESTABLISHED" in line:
            evict("ipv6" if ":" in line.split("src=")[1].split()[0] else "ipv4", limit)


main()
