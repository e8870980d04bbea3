#!/usr/bin/env python3
"""A transparent TCP proxy: takes the connections that the kernel redirects to it and opens one of its own to where
each was going. No keepalives on either side. Runs in the NAT's namespace.

Arguments: PORT SECONDS. After that long without data it closes both sides in an orderly way; 0: never.
"""
import asyncio
import socket
import struct
import sys

SO_ORIGINAL_DST = 80  # the same number for IPv4 and IPv6


def destination(taken):
    """Where a redirected connection was going: (address, port)."""
    if taken.family == socket.AF_INET:
        raw = taken.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), struct.unpack_from("!H", raw, 2)[0]
    raw = taken.getsockopt(socket.IPPROTO_IPV6, SO_ORIGINAL_DST, 28)
    return socket.inet_ntop(socket.AF_INET6, raw[8:24]), struct.unpack_from("!H", raw, 2)[0]


class Pair:
    """Both connections of one client, and the time without data on either."""

    def __init__(self, patience):
        self.patience = patience
        self.writers = []
        self.timer = None

    def touch(self):
        if self.timer is not None:
            self.timer.cancel()
        if self.patience > 0:
            self.timer = asyncio.get_running_loop().call_later(self.patience, self.close)

    def close(self):
        if self.timer is not None:
            self.timer.cancel()
        for writer in self.writers:
            writer.close()

    async def copy(self, reader, writer):
        try:
            while data := await reader.read(65536):
                self.touch()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        self.close()


async def serve(reader, writer, patience):
    pair = Pair(patience)
    pair.writers.append(writer)
    try:
        out_reader, out_writer = await asyncio.open_connection(*destination(writer.get_extra_info("socket")))
    except OSError:
        pair.close()
        return
    pair.writers.append(out_writer)
    pair.touch()
    await asyncio.gather(pair.copy(reader, out_writer), pair.copy(out_reader, writer))


async def main():
    port, patience = int(sys.argv[1]), float(sys.argv[2])
    take = lambda reader, writer: serve(reader, writer, patience)
    servers = [await asyncio.start_server(take, host, port, backlog=511) for host in ("0.0.0.0", "::")]
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
