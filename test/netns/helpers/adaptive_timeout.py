#!/usr/bin/env python3
"""Shrinks connection tracking's established timeout with the number of entries, linearly from START to END entries,
never below a second. Runs in the NAT's namespace. Arguments: SECONDS START END all|open.

`all` counts every entry, `open` those of established TCP connections: one that was closed is no entry any more.
"""
import subprocess
import sys
import time

BASE = "/proc/sys/net/netfilter/nf_conntrack_"
LOOKS_EVERY = {"all": 0.1, "open": 0.25}  # seconds


def count_all():
    with open(BASE + "count") as file:
        return int(file.read())


def count_open():
    while True:
        listed = subprocess.run(["conntrack", "-L", "-p", "tcp", "--state", "ESTABLISHED"], capture_output=True)
        # The kernel breaks a listing off when the table changes meanwhile.
        if listed.returncode == 0:
            return listed.stdout.count(b"\n")


def main():
    seconds, start, end = (int(argument) for argument in sys.argv[1:4])
    counted = sys.argv[4]
    count = {"all": count_all, "open": count_open}[counted]
    before = None
    while True:
        entries = count()
        part = min(1, max(0, (end - entries) / (end - start)))
        wanted = max(1, round(seconds * part))
        if wanted != before:
            with open(BASE + "tcp_timeout_established", "w") as file:
                file.write(str(wanted))
            if before is None:
                print("ready", flush=True)
            print("timeout", wanted, "with", entries, flush=True)
            before = wanted
        time.sleep(LOOKS_EVERY[counted])


main()
