"""One client process of `npm run bench -- responder`: opens connections as cheaply as Python can and holds them.

Usage: clients.py PORT FIRST MOST WINDOW. Each line on standard input is a command:
  open N   opens N more; answers "HELD LOST SECONDS": how many were welcomed, how many were not within 10 s
  alive    answers how many of those held have neither ended nor been written to since
"""
import collections, os, socket, struct, sys, time

PORT, FIRST, MOST, WINDOW = map(int, sys.argv[1:5])
DEADLINE = 10
# Linux: the port of a bound address is chosen at connect, so that each pair of addresses has all ports.
IP_BIND_ADDRESS_NO_PORT = 24
PER_SOURCE = 1000
# A client that waited in the kernel would be woken by every single answer, at the server's cost.
LOOK_AGAIN = 0.002
PER_SESSION = 24
CONNECT_TIMEOUT = struct.pack('ll', DEADLINE, 0)

held = []


def hello(number):
    # The process is a part of the session: numbers of one run are never those of the one before.
    line = b'HELLO v=1 role=probe session=%016x%016x probe=%d nonce=%032x pad=' % (
        os.getpid(), number // PER_SESSION, number, number)
    return line + b'0' * (255 - len(line)) + b'\n'


def welcomed(connection):
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return connection.recv(512, socket.MSG_DONTWAIT).startswith(b'WELCOME ')
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_AGAIN)
        except OSError:
            return False


# Made beforehand: what is measured is not how fast Python formats.
ready = collections.deque((('127.1.%d.1' % (number // PER_SOURCE), 0), hello(number))
                          for number in range(FIRST, FIRST + MOST))


def start():
    source, line = ready.popleft()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, CONNECT_TIMEOUT)
    connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    try:
        connection.bind(source)
        connection.connect(('127.0.0.1', PORT))
        connection.send(line)
        return connection
    except OSError:
        connection.close()
        return None


def open_more(count):
    waiting = collections.deque()
    lost = 0

    def finish():
        connection = waiting.popleft()
        if welcomed(connection):
            held.append(connection)
            return 0
        connection.close()
        return 1

    began = time.monotonic()
    for _ in range(count):
        connection = start()
        if connection is None:
            lost += 1
            continue
        waiting.append(connection)
        if len(waiting) >= WINDOW:
            lost += finish()
    while waiting:
        lost += finish()
    return '%d %d %f' % (count - lost, lost, time.monotonic() - began)


def alive():
    def idle(connection):
        try:
            connection.recv(1, socket.MSG_DONTWAIT)
            return False
        except BlockingIOError:
            return True
        except OSError:
            return False
    return str(sum(map(idle, held)))


print('ready', flush=True)
for command in sys.stdin:
    word, *count = command.split()
    print(open_more(int(count[0])) if word == 'open' else alive(), flush=True)
