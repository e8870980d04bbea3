"""The yardstick of `npm run bench -- responder`: the duty of the responder with one thread for each connection.

Reads the hello, answers it with its nonce and the address that it sees, then pings until the end. A connection for
which no thread can be started is closed and said on standard error.
"""
import re, socket, sys, threading

HELLO = re.compile(rb'HELLO v=1 role=probe session=[0-9a-f]{32} probe=[0-9]+ nonce=([0-9a-f]{32}) pad=0+\n')
PING = re.compile(rb'PING nonce=([0-9a-f]{16})\n')

threading.stack_size(64 * 1024)
listener = socket.create_server(('127.0.0.1', 0), backlog=4096)
print(listener.getsockname()[1], flush=True)


def line(connection):
    got = b''
    while not got.endswith(b'\n'):
        more = connection.recv(512)
        if not more or len(got) > 512:
            return b''
        got += more
    return got


def serve(connection, peer):
    with connection:
        hello = HELLO.fullmatch(line(connection))
        if hello is None:
            return
        connection.sendall(b'WELCOME v=1 nonce=%s seen=%s:%d\n' % (hello[1], peer[0].encode(), peer[1]))
        while ping := PING.fullmatch(line(connection)):
            connection.sendall(b'PONG nonce=%s\n' % ping[1])


while True:
    connection, peer = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        threading.Thread(target=serve, args=(connection, peer), daemon=True).start()
    except (RuntimeError, MemoryError) as error:
        connection.close()
        print('no thread: %s' % error, file=sys.stderr, flush=True)
