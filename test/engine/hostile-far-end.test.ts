/** Far ends that welcome and do not keep what they welcomed, as real sockets on loopback, each for a few seconds. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import { MODES } from '../../src/core/modes.js';
import { Engine } from '../../src/engine/engine.js';
import { createLogger } from '../../src/log.js';
import { resetOrDestroy } from '../../src/net/reset.js';
import { eventually } from '../support/sockets.js';

/** How long each of them is watched, milliseconds. */
const WATCHED_FOR = 6000;

interface Scene {
  readonly socket: Socket;
  readonly role: string;
  readonly probe: string;
  readonly welcome: string;
  /** Control connections so far, the newest last. */
  readonly controls: Socket[];
  /** Bytes that answer nothing else than pings. */
  readonly pongs: () => void;
}

type FarEnd = (scene: Scene) => void;

/** What is done with a connection once its hello is there. */
const FAR_ENDS: readonly (readonly [string, FarEnd, { readonly up: boolean }])[] = [
  ['sends a FIN after its welcome', ({ socket, welcome }) => socket.end(welcome), { up: false }],
  [
    'sends a RST after its welcome',
    ({ socket, welcome }) => socket.write(welcome, () => setTimeout(() => resetOrDestroy(socket), 5)),
    { up: false },
  ],
  [
    'says ERROR after its welcome',
    ({ socket, welcome }) => socket.end(`${welcome}ERROR code=shutting_down\n`),
    { up: false },
  ],
  ['says nothing after its welcome', ({ socket, welcome }) => void socket.write(welcome), { up: false }],
  [
    'names another instance each time and hangs up',
    ({ socket, welcome }) =>
      socket.end(welcome.replace(/instance=\w+/, `instance=${Date.now().toString(16).padStart(16, '0')}`)),
    { up: false },
  ],
  ['closes without a word', ({ socket }) => socket.destroy(), { up: false }],
  [
    'answers pings for 300 ms and closes',
    ({ socket, welcome, pongs }) => {
      socket.write(welcome);
      pongs();
      setTimeout(() => socket.end(), 300);
    },
    { up: false },
  ],
  [
    'keeps canaries and closes probes',
    ({ socket, role, welcome, pongs }) => {
      pongs();
      if (role === 'probe') socket.end(welcome);
      else socket.write(welcome);
    },
    { up: true },
  ],
  [
    'keeps canaries and turns probes away',
    ({ socket, role, welcome, pongs }) => {
      pongs();
      if (role === 'probe') socket.end('ERROR code=limit_client\n');
      else socket.write(welcome);
    },
    { up: true },
  ],
  [
    'says GONE of each probe as soon as it is there',
    ({ socket, role, probe, welcome, controls, pongs }) => {
      pongs();
      socket.write(welcome);
      if (role === 'probe') controls.at(-1)?.write(`GONE probe=${probe} cause=reset\n`);
    },
    { up: true },
  ],
];

async function watch(farEnd: FarEnd, up: boolean) {
  const sockets = new Set<Socket>();
  const controls: Socket[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let pongs = false;
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      const [, nonce = ''] = /nonce=(\w+)/.exec(text) ?? [];
      if (text.startsWith('PING') && pongs) socket.write(`PONG nonce=${nonce}\n`);
      const [, role, probe = ''] = /^HELLO .*role=(\w+)(?:.* probe=(\d+))?/.exec(text) ?? [];
      if (role === undefined) return;
      if (role === 'control') controls.push(socket);
      const welcome = `WELCOME v=1 nonce=${nonce} seen=192.0.2.7:5 instance=0123456789abcdef\n`;
      farEnd({ socket, role, probe, welcome, controls, pongs: () => (pongs = true) });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const log: string[] = [];
  let losses = 0;
  let deaths = 0;
  const engine = new Engine({
    clock: systemClock,
    log: createLogger({ level: 'info', format: 'logfmt', stream: { write: (line) => log.push(line) } }),
    observer: {
      mappingLoss: () => (losses += 1),
      tested: (_target, _mode, { verdict }) => (deaths += Number(verdict.kind === 'dead')),
    },
    openEmbedded: () => Promise.reject(new Error('not part of this test')),
  });
  try {
    const { port } = server.address() as AddressInfo;
    const far_end = { kind: 'native', host: '127.0.0.1', port } as const;
    // A short deadline: what is silent is noticed while we look.
    const search = { ...DEFAULT_SEARCH, deadline: 1 };
    const target = { name: 'a', far_end, modes: MODES, family: 'any', labels: {}, search } as const;
    await engine.apply({ schedule: '*/5 * * * *', targets: [target] });
    await new Promise((resolve) => setTimeout(resolve, WATCHED_FOR));
    // Who loses every canary at once asks again within 5 s, at random, and finds out only then: nearly as long as we look.
    await eventually(() => engine.targets()[0]?.up === up, `up is ${up}`);
    const [snapshot] = engine.targets();
    return { connections, log, losses, deaths, snapshot };
  } finally {
    await engine.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

describe.concurrent('a far end that', () => {
  it.each(FAR_ENDS)('%s is asked ever less, and is no loss of mappings', async (_what, farEnd, { up }) => {
    const { connections, log, losses, deaths, snapshot } = await watch(farEnd, up);
    expect({ losses, deaths }, log.join('')).toEqual({ losses: 0, deaths: 0 });
    expect(connections).toBeGreaterThan(1);
    expect(connections, log.join('')).toBeLessThan(30);
    expect(log.length, log.join('')).toBeLessThan(8);
    expect(snapshot?.up).toBe(up);
    if (!up) expect(snapshot?.downReason).toMatch(/welcomes connections and|no hello from/);
  });
});
