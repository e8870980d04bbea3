#!/usr/bin/env python3
"""Which router says that a packet's TTL is spent: sends one datagram with a small TTL and prints who complained.

Arguments: HOST TTL. Prints the address, or `silence`.
"""
import socket
import struct
import sys
import time

IP_RECVERR, IPV6_RECVERR = 11, 25

host, ttl = sys.argv[1], int(sys.argv[2])
version6 = ":" in host
prober = socket.socket(socket.AF_INET6 if version6 else socket.AF_INET, socket.SOCK_DGRAM)
if version6:
    prober.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    prober.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
else:
    prober.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    prober.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
prober.connect((host, 33434))
prober.send(b"?")
for _ in range(10):
    time.sleep(0.1)
    try:
        _, ancillary, _, _ = prober.recvmsg(64, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
    except OSError:
        continue
    for _, _, data in ancillary:
        # struct sock_extended_err (16 bytes), then the address of who sent the ICMP.
        family = struct.unpack_from("=H", data, 16)[0]
        offender = data[20:24] if family == socket.AF_INET else data[24:40]
        print(socket.inet_ntop(family, offender))
        sys.exit()
print("silence")
