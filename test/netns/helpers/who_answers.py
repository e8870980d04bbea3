#!/usr/bin/env python3
"""Tells which far end a connection meets. "serve PORT": greets each connection with the address at which it arrived.
"ask HOST PORT COUNT SECONDS": opens COUNT connections one after the other, each by a look-up of its own, and prints the
greeting or the name of the error of each.
"""
import socket
import sys


def serve(port):
    server = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    print("ready", flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            connection.sendall(connection.getsockname()[0].removeprefix("::ffff:").encode() + b"\n")


def ask(host, port, count, seconds):
    for _ in range(count):
        try:
            with socket.create_connection((host, port), timeout=seconds) as connection:
                print(connection.makefile().readline().strip(), flush=True)
        except OSError as error:
            print(type(error).__name__, flush=True)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], *(int(argument) for argument in sys.argv[3:6]))
