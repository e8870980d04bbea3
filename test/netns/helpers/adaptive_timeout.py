#!/usr/bin/env python3
"""Shrinks connection tracking's established timeout with the number of entries, linearly from START to END entries,
never below a second. Runs in the NAT's namespace. Arguments: SECONDS START END.
"""
import sys
import time

BASE = "/proc/sys/net/netfilter/nf_conntrack_"
LOOKS_EVERY = 0.1  # seconds


def main():
    seconds, start, end = (int(argument) for argument in sys.argv[1:4])
    before = None
    while True:
        with open(BASE + "count") as file:
            entries = int(file.read())
        part = min(1, max(0, (end - entries) / (end - start)))
        wanted = max(1, round(seconds * part))
        if wanted != before:
            with open(BASE + "tcp_timeout_established", "w") as file:
                file.write(str(wanted))
            if before is None:
                print("ready", flush=True)
            print("timeout", wanted, "with", entries, flush=True)
            before = wanted
        time.sleep(LOOKS_EVERY)


main()
