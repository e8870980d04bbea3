#!/usr/bin/env python3
"""A name server that answers each question for an A record with one of the addresses, in turn, and any other question
with no record. Arguments: the IPv4 addresses.
"""
import itertools
import socket
import struct
import sys

A, IN = 1, 1
TTL = 0
RESPONSE, AUTHORITATIVE, RECURSION_DESIRED, RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0100, 0x0080


def main():
    addresses = itertools.cycle([socket.inet_aton(address) for address in sys.argv[1:]])
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", 53))
    print("ready", flush=True)
    while True:
        query, sender = server.recvfrom(4096)
        number, flags = struct.unpack_from("!HH", query)
        end = query.index(b"\0", 12) + 5  # the name's end, then type and class
        wanted, kind = struct.unpack_from("!HH", query, end - 4)
        answer = b""
        if (wanted, kind) == (A, IN):
            answer = struct.pack("!HHHIH", 0xC00C, A, IN, TTL, 4) + next(addresses)
        flags = RESPONSE | AUTHORITATIVE | RECURSION_AVAILABLE | (flags & RECURSION_DESIRED)
        header = struct.pack("!HHHHHH", number, flags, 1, 1 if answer else 0, 0, 0)
        server.sendto(header + query[12:end] + answer, sender)


main()
