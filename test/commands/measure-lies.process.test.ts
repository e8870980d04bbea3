/** `measure` before far ends that lie: it ends within its patience, says why, and never finds anything out. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { runMeasure } from '../../src/commands/measure.js';
import { MODES } from '../../src/core/modes.js';
import { FAKES } from '../support/lying-far-ends.js';

const sockets = new Set<Socket>();
const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
  for (const socket of sockets) socket.destroy();
});

/** Measures a far end of which each connection gets `fake`. */
async function measure(fake: keyof typeof FAKES) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    FAKES[fake](socket);
  }).listen(0, '127.0.0.1');
  closing.push(() => server.close());
  await once(server, 'listening');
  let [out, err] = ['', ''];
  const code = await runMeasure(
    {
      target: {
        name: fake,
        far_end: { kind: 'native', host: '127.0.0.1', port: (server.address() as AddressInfo).port },
        modes: MODES,
        family: 'any',
        labels: {},
        search: { min_idle: 1, max_idle: 8, resolution: 0.5, connections: 4, deadline: 1, guard: 0.2 },
      },
      json: false,
      settings: false,
      acceptNewHostKey: false,
      redact: false,
      verify: false,
      locate: false,
      quiet: true,
      socketOptions: 'off',
      log: { level: 'error', format: 'logfmt' },
    },
    { version: '1.2.3', revision: 'abcdef0' },
    [],
    {
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: (text: string) => (err += text) },
      environment: {},
      signal: new AbortController().signal,
      firstAnswerWithin: 3,
      firstVerdictWithin: 3,
      progressWithin: 3,
    },
  );
  return { code, out, err };
}

describe('runMeasure() before a far end that', () => {
  // Side by side: they mostly wait.
  it.concurrent.each(Object.keys(FAKES) as (keyof typeof FAKES)[])(
    '%s ends without a verdict',
    async (fake) => {
      const { code, out, err } = await measure(fake);
      expect(code).toBe(3);
      expect(err).toBe('');
      expect(out).toMatch(/^No verdict: /);
      // An honest PONG is a survivor, whatever else is said; no lie is a death.
      expect(out).not.toMatch(/died at/);
      const reasons = out
        .split('\n\n')
        .map((each) => each.trim().replaceAll('\n', ' '))
        .filter((line) => line.startsWith('The far end '));
      expect(reasons).toEqual([
        expect.stringMatching(/^The far end (does not answer(: .+)?|answers, but .+)\.$/),
      ]);
    },
    60_000,
  );
});
