"""Silent connections from many addresses of one IPv6 /64, then honest clients: half_open_ipv6.py PORT COUNT HELLO"""
import json
import socket
import sys
import time

port, count, hello = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
TARGET = ("2001:db8:9::1", port, 0, 0)


def connect(source):
    s = socket.socket(socket.AF_INET6)
    s.settimeout(5)
    s.bind((source, 0, 0, 0))
    s.connect(TARGET)
    return s


def alive(s):
    s.setblocking(False)
    try:
        return s.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


held, refused = [], 0
for index in range(count):
    try:
        held.append(connect(f"2001:db8:1::{index + 1:x}"))
    except OSError:
        refused += 1
served, most = 0, 0.0
for index in range(20):
    began = time.monotonic()
    try:
        s = connect(f"2001:db8:2::{index + 1:x}")
        s.sendall((hello + "\n").encode())
        served += s.recv(512).startswith(b"WELCOME")
        s.close()
    except OSError:
        pass
    most = max(most, time.monotonic() - began)
print(json.dumps({"held": sum(map(alive, held)), "served": served, "most": round(most * 1000)}))
