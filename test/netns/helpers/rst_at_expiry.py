#!/usr/bin/env python3
"""Sends a RST to both ends of a TCP flow at the moment at which the NAT forgets it.

Runs in the NAT's namespace. It follows what the NAT has let through of each flow, on the interface by which it leaves:
the time of its newest packet (what connection tracking counts from, too; one that was dropped, because the kernel was
a little earlier to forget, must not start the time anew) and the next sequence number of either side, which a RST must carry exactly
(RFC 5961). The kernel reports an expired entry only when its garbage collector comes by, up to a minute late;
hence the own clock. It expects a NAT that keeps the client's ports and leaves sequence numbers alone.

Arguments: INSIDE OUTSIDE TIMEOUT_SECONDS (the first two are interfaces; OUTSIDE is - where the box has its timer on the
inside: whatever passes there counts, in both directions, even what dies in the box). Lines on stdin: "timeout SECONDS", "flush" (all flows forgotten silently),
"public ADDRESS" (the NAT's address towards the far end, one line a family). End of stdin ends it.
"""
import ipaddress
import os
import select
import socket
import struct
import sys
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4
FIN, SYN, RST, ACK = 1, 2, 4, 16
FOUR_GIB = 1 << 32


def parse(packet):
    """(source, destination, tcp segment) of an IP packet, or None where it is not TCP."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and packet[9] == socket.IPPROTO_TCP:
        header = (packet[0] & 15) * 4
        total = struct.unpack_from("!H", packet, 2)[0]
        return packet[12:16], packet[16:20], packet[header:total]
    if version == 6 and packet[6] == socket.IPPROTO_TCP:
        return packet[8:24], packet[24:40], packet[40:40 + struct.unpack_from("!H", packet, 4)[0]]
    return None


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def reset(source, sport, destination, dport, sequence):
    """A whole IP packet that carries a RST."""
    tcp = struct.pack("!HHIIBBHHH", sport, dport, sequence, 0, 5 << 4, RST, 0, 0, 0)
    if len(source) == 4:
        pseudo = source + destination + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp))
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, socket.IPPROTO_TCP, 0)
        header += source + destination
    else:
        pseudo = source + destination + struct.pack("!II", len(tcp), socket.IPPROTO_TCP)
        header = struct.pack("!IHBB", 6 << 28, len(tcp), socket.IPPROTO_TCP, 64) + source + destination
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    return header + tcp


def sniffer(interface):
    sniffed = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    sniffed.bind((interface, ETH_P_ALL))
    return sniffed


class Flow:
    def __init__(self, client):
        self.client = client
        self.seen = time.monotonic()
        self.next = [None, None]  # next sequence number: of the client, of the far end


def main():
    inside = sniffer(sys.argv[1])
    outside = None if sys.argv[2] == "-" else sniffer(sys.argv[2])
    sniffers = [each for each in (inside, outside) if each is not None]
    timeout = float(sys.argv[3])
    public = {}
    flows = {}
    raw = {
        4: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
        16: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW),
    }
    print("watching", flush=True)
    pending = b""

    while True:
        now = time.monotonic()
        for key in [k for k, flow in flows.items() if now - flow.seen >= timeout]:
            cport, far, fport = key
            flow = flows.pop(key)
            client = flow.client
            own = public.get(len(client))
            address = socket.inet_ntop(socket.AF_INET if len(client) == 4 else socket.AF_INET6, client)
            destination = (address, 0)
            if flow.next[1] is not None:
                raw[len(client)].sendto(reset(far, fport, client, cport, flow.next[1]), destination)
            if flow.next[0] is not None and own is not None:
                address = str(ipaddress.ip_address(far))
                raw[len(client)].sendto(reset(own, cport, far, fport, flow.next[0]), (address, 0))
            print("reset", cport, "after %.3f s" % (now - flow.seen), flush=True)

        wait = min((flow.seen + timeout - now for flow in flows.values()), default=60)
        readable, _, _ = select.select([*sniffers, sys.stdin], [], [], max(0, wait))
        if sys.stdin in readable:
            chunk = os.read(sys.stdin.fileno(), 4096)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for words in (line.decode().split() for line in lines):
                if words[0] == "timeout":
                    timeout = float(words[1])
                elif words[0] == "flush":
                    flows.clear()
                elif words[0] == "public":
                    packed = ipaddress.ip_address(words[1]).packed
                    public[len(packed)] = packed
        # What came in first: a new flow is known before its first packet leaves.
        for sniffed in (each for each in sniffers if each in readable):
            packet, (_, _, kind, _, _) = sniffed.recvfrom(65535)
            parsed = parse(packet)
            if parsed is None or len(parsed[2]) < 20:
                continue
            source, destination, segment = parsed
            sport, dport, sequence, acknowledged = struct.unpack_from("!HHII", segment)
            offset, flags = (segment[12] >> 4) * 4, segment[13]
            if kind != PACKET_OUTGOING:
                if sniffed is inside and flags & (SYN | ACK) == SYN:
                    flows.setdefault((sport, destination, dport), Flow(source))
                if outside is not None:
                    continue
            side = 1 if sniffed is inside and kind == PACKET_OUTGOING else 0
            key = (sport, destination, dport) if side == 0 else (dport, source, sport)
            if flags & (FIN | RST):
                flows.pop(key, None)
                continue
            flow = flows.get(key)
            if flow is None:
                continue  # the tail of a flow that was forgotten
            flow.seen = time.monotonic()
            end = (sequence + len(segment) - offset + (1 if flags & SYN else 0)) % FOUR_GIB
            before = flow.next[side]
            # A retransmission or a keepalive probe (one below) must not move the number back.
            if before is None or (end - before) % FOUR_GIB < FOUR_GIB // 2:
                flow.next[side] = end
            if flags & ACK:
                other = flow.next[1 - side]
                if other is None or (acknowledged - other) % FOUR_GIB < FOUR_GIB // 2:
                    flow.next[1 - side] = acknowledged


main()
