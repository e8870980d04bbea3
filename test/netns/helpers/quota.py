#!/usr/bin/env python3
"""Keeps at most N established TCP connections of each client address: with one more, the longest idle one is
forgotten. Runs in the NAT's namespace.

Connection tracking says how long an entry has still to live, in whole seconds; with one timeout for all of them the
one with the least has been idle for longest. Argument: N.
"""
import os
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
    deletions = []
    for owned in clients.values():
        owned.sort()
        for _, client, sport, dport in owned[: max(0, len(owned) - limit)]:
            flow = ["--orig-src", client, "--orig-port-src", sport, "--orig-port-dst", dport]
            command = ["conntrack", "-D", "-f", family, "-p", "tcp", *flow]
            deletions.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            print("evicted", client, sport, flush=True)
    for deletion in deletions:
        deletion.wait()


def main():
    limit = int(sys.argv[1])
    events = subprocess.Popen(
        ["stdbuf", "-oL", "conntrack", "-E", "-p", "tcp", "-e", "UPDATES", "--state", "ESTABLISHED"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    print("ready", flush=True)
    pending = b""
    while chunk := os.read(events.stdout.fileno(), 65536):
        *lines, pending = (pending + chunk).split(b"\n")
        # Connections come in bursts: one look at the table for all that have been told of.
        addresses = [line.split(b"src=")[1].split()[0] for line in lines if b"ESTABLISHED src=" in line]
        for family in {"ipv6" if b":" in address else "ipv4" for address in addresses}:
            evict(family, limit)


main()
