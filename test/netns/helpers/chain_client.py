#!/usr/bin/env python3
"""The near end of a chain: opens connections, keeps them fresh with a small TTL, and tests them once.

Argument: HOST. Lines on stdin: `open ID`, `fresh ID TTL SECONDS MEANS`, `restore ID`, `reach ID TTL`, `test ID MODE SECONDS`,
`close ID`. Threads wait; what a connection does is told as a line of JSON.
"""
import socket
import sys
import time

from chain_sockets import FILLER, PORT, commands, info, reaches, refresh_by, restore, tell

connections = {}
before = {}


def opened(number):
    connection = socket.create_connection((sys.argv[1], PORT), timeout=5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"%d\n" % int(number))
    if connection.recv(1) != b"k":
        raise OSError("no greeting")
    since = time.monotonic()
    # All must be acknowledged before the TTL is lowered.
    time.sleep(0.3)
    connections[int(number)] = connection
    before[int(number)] = info(connection)[1]
    tell(id=int(number), opened=True, ago=time.monotonic() - since)


def fresh(number, ttl, seconds, means):
    refresh_by(means, connections[int(number)], int(ttl), int(seconds))
    tell(id=int(number), fresh=True)


def stop(number):
    connection = connections[int(number)]
    probes, segments = info(connection)
    restore(connection)
    tell(id=int(number), restored=True, probes=probes, arrived=segments > before[int(number)])


def reach(number, ttl):
    tell(id=int(number), acked=reaches(connections[int(number)], int(ttl)))


def test(number, mode, seconds):
    connection = connections[int(number)]
    connection.settimeout(float(seconds))
    try:
        if mode == "send":
            connection.sendall(b"x")
        answer = connection.recv(1)
        while answer == FILLER:
            answer = connection.recv(1)
        if mode == "recv" and answer == b"r":
            connection.sendall(b"a")
        tell(id=int(number), result="closed" if answer == b"" else "answered")
    except TimeoutError:
        tell(id=int(number), result="silence")
    except OSError as error:
        tell(id=int(number), result="reset", error=str(error))


def close(number):
    connection = connections.pop(int(number), None)
    if connection is not None:
        connection.close()


print("ready", flush=True)
commands({"open": opened, "fresh": fresh, "restore": stop, "reach": reach, "test": test, "close": close})
