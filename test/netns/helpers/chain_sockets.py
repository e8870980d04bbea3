"""What both ends of a chain do with a TCP connection: keep it fresh with a small TTL, and look at what the kernel knows.

Keepalives that die on the way are harmless to the connection: their sequence number is out of the window, so that the
kernel passes over the ICMP. See tcp(7), and `struct tcp_info` of linux/tcp.h for the offsets.
"""
import json
import socket
import struct
import sys
import threading
import time

PORT = 7000
TCP_INFO, TCP_USER_TIMEOUT, TCP_RTO_MAX_MS = 11, 18, 44
STATE_AT, PROBES_AT, UNACKED_AT, SEGMENTS_IN_AT = 0, 3, 24, 140
CLOSED = 7
DAY_MS = 86_400_000
# A byte that both ends read over.
FILLER = b"."

# Connections that are kept fresh with data.
writing = set()

printing = threading.Lock()


def tell(**fields):
    with printing:
        print(json.dumps(fields), flush=True)


def set_ttl(connection, ttl):
    """A TTL for all segments; -1 the host's own."""
    mapped = connection.family == socket.AF_INET6 and connection.getpeername()[0].startswith("::ffff:")
    if connection.family == socket.AF_INET or mapped:
        connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl if ttl > 0 else 64)
    else:
        connection.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)


def info(connection):
    """Refreshes since the last answer (keepalives, or segments of data), and segments that came in."""
    raw = connection.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 232)
    unacked, segments = (struct.unpack_from("=I", raw, at)[0] for at in (UNACKED_AT, SEGMENTS_IN_AT))
    # The RST that ended it is nobody's refresh.
    return raw[PROBES_AT] + unacked, segments - (1 if raw[STATE_AT] == CLOSED else 0)


def refresh(connection, ttl, interval):
    """Sends a keepalive with this TTL every `interval` seconds, for ever."""
    set_ttl(connection, ttl)
    connection.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, DAY_MS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, interval)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def refresh_with_data(connection, ttl, interval):
    """Sends a byte with this TTL every `interval` seconds: one that dies is sent again until the TTL is restored."""
    set_ttl(connection, ttl)
    connection.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, DAY_MS)
    # Linux 6.15 and newer; before, the time between two retransmissions doubles.
    connection.setsockopt(socket.IPPROTO_TCP, TCP_RTO_MAX_MS, interval * 1000)
    writing.add(connection)
    threading.Thread(target=keep_writing, args=(connection, interval), daemon=True).start()


def refresh_by(means, connection, ttl, interval):
    (refresh if means == "keepalive" else refresh_with_data)(connection, ttl, interval)


def keep_writing(connection, interval):
    try:
        while connection in writing:
            if info(connection)[0] == 0:
                connection.sendall(FILLER)
            time.sleep(interval)
    except OSError:
        pass


def restore(connection):
    """Ends it. A connection that was reset meanwhile says so when it is tested."""
    writing.discard(connection)
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
        connection.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 0)
        set_ttl(connection, -1)
    except OSError:
        pass


def reaches(connection, ttl):
    """Whether one of two keepalives with this TTL is answered."""
    before = info(connection)[1]
    refresh(connection, ttl, 1)
    time.sleep(2.6)
    after = info(connection)[1]
    restore(connection)
    return after > before


def commands(handlers):
    """Carries out the lines of stdin, each `name arguments…`, side by side, until it ends."""
    for line in sys.stdin:
        name, *words = line.split()
        threading.Thread(target=guarded, args=(handlers[name], words), daemon=True).start()


def guarded(handler, words):
    try:
        handler(*words)
    except OSError as error:
        tell(id=int(words[0]), error=str(error))
