#!/usr/bin/env python3
"""The far end of a chain: greets, echoes, and refreshes or breaks the silence of a connection when it is told to.

A connection's first line is its number. Lines on stdin: `fresh ID TTL SECONDS MEANS`, `restore ID`, `ring ID`,
`reach ID TTL`.
"""
import socket
import threading

from chain_sockets import PORT, commands, reaches, refresh_by, restore, tell

connections = {}


def serve(connection):
    number = int(connection.makefile("rb", buffering=0).readline())
    connections[number] = connection
    connection.sendall(b"k")
    try:
        while True:
            byte = connection.recv(1)
            if byte == b"x":
                connection.sendall(b"y")
            elif byte == b"a":
                tell(id=number, heard=True)
            elif byte == b"":
                return
    except OSError as error:
        tell(id=number, ended=str(error))


def accept(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def fresh(number, ttl, seconds, means):
    refresh_by(means, connections[int(number)], int(ttl), int(seconds))
    tell(id=int(number), fresh=True)


def stop(number):
    restore(connections[int(number)])
    tell(id=int(number), restored=True)


def ring(number):
    connections[int(number)].sendall(b"r")


def reach(number, ttl):
    tell(id=int(number), acked=reaches(connections[int(number)], int(ttl)))


# One socket for both families: a peer over IPv4 is mapped.
listening = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
threading.Thread(target=accept, args=(listening,), daemon=True).start()
print("listening", flush=True)
commands({"fresh": fresh, "restore": stop, "ring": ring, "reach": reach})
