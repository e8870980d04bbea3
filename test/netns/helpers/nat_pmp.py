"""Answers NAT-PMP's question for the external address (RFC 6886 section 3.2) with any address, even one of a
carrier-grade NAT, which miniupnpd refuses to tell.

usage: nat_pmp.py LISTEN_ADDRESS EXTERNAL_ADDRESS
"""

import socket
import struct
import sys
import time

PORT = 5351


def main(listen_address, external_address):
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((listen_address, PORT))
        print("listening", flush=True)
        while True:
            request, sender = server.recvfrom(64)
            print(f"asked {request.hex()}", flush=True)
            if request != b"\0\0":
                continue
            epoch = int(time.monotonic() - began)
            answer = struct.pack("!BBHI4s", 0, 128, 0, epoch, socket.inet_aton(external_address))
            server.sendto(answer, sender)


main(*sys.argv[1:])
