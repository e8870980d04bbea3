/** Far ends that lie: each is what one connection gets. */
import type { Socket } from 'node:net';
import { resetOrDestroy } from '../../src/net/reset.js';

/** What the attacker does with a connection. */
export type Fake = (socket: Socket) => void;

/** Tells `answer` of each line that arrives, with its nonce. */
function lines(socket: Socket, answer: (line: string, nonce: string) => void): void {
  let rest = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    const whole = (rest + text).split('\n');
    rest = whole.pop() ?? '';
    for (const line of whole) answer(line, /nonce=(\w+)/.exec(line)?.[1] ?? '');
  });
}

const welcome = (nonce: string, seen = '198.51.100.7:5'): string =>
  `WELCOME v=1 nonce=${nonce} seen=${seen} instance=0123456789abcdef\n`;

/** Says `text` again and again for as long as somebody listens. */
function pour(socket: Socket, text: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.writable) if (!socket.write(text)) return;
  };
  socket.on('drain', () => setTimeout(more, 1));
  more();
}

/** Welcomes, then does something else. */
const welcomed =
  (then: (socket: Socket) => void): Fake =>
  (socket) =>
    lines(socket, (line, nonce) => {
      if (!line.startsWith('HELLO')) return;
      socket.write(welcome(nonce));
      then(socket);
    });

export const FAKES = {
  'closes at once': (socket) => socket.end(),
  'resets at once': (socket) => resetOrDestroy(socket),
  'never answers': (socket) => void socket.resume(),
  'welcomes and closes': welcomed((socket) => socket.end()),
  'welcomes and resets': welcomed((socket) => setTimeout(() => resetOrDestroy(socket), 5)),
  'welcomes and is silent': welcomed(() => undefined),
  'welcomes and says ERROR': welcomed((socket) => socket.end('ERROR code=limit_client\n')),
  'welcomes and floods ERROR': welcomed((socket) =>
    pour(socket, 'ERROR code=unknown_probe probe=1\n'.repeat(100)),
  ),
  'answers all and lies GONE': (socket) =>
    lines(socket, (line, nonce) => {
      if (line.startsWith('PING')) socket.write(`PONG nonce=${nonce}\n`);
      if (!line.startsWith('HELLO')) return;
      socket.write(welcome(nonce));
      if (!line.includes('role=control')) return;
      for (let probe = 1; probe <= 100; probe += 1) socket.write(`GONE probe=${probe} cause=closed\n`);
    }),
  'sees no address': (socket) =>
    lines(socket, (line, nonce) => {
      if (line.startsWith('HELLO')) socket.write(welcome(nonce, '999.1.1.1:1'));
    }),
  'gives the wrong nonce': (socket) =>
    lines(socket, () => void socket.write(welcome('0123456789abcdef0123456789abcdef'))),
  'sends garbage': (socket) => socket.end(Buffer.from([0xff, 0, 1, 2, 10, 0x80, 10])),
  'sends endless bytes': (socket) => pour(socket, 'A'.repeat(65_536)),
  'sends endless lines': (socket) => pour(socket, 'VERB key=value\n'.repeat(4000)),
  'sends a byte a second': (socket) => {
    const drip = setInterval(() => (socket.destroyed ? clearInterval(drip) : socket.write('W')), 1000);
  },
  'is a web server': (socket) => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
} satisfies Readonly<Record<string, Fake>>;
