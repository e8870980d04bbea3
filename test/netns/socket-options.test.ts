/** Socket options on a path of two routers: what they reach, what ends on the way, and how keepalives are judged. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createLab, SERVER } from './lab.js';
import { describeLab } from './requirements.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HELPER = join(fileURLToPath(new URL('helpers', import.meta.url)), 'socket_options.ts');
const PORT = 5382;
const DEADLINE = 3;

interface Told {
  readonly available: boolean;
  readonly addresses: readonly (string | null)[];
  readonly reached: readonly (boolean | null)[];
  readonly count?: { readonly sent: number; readonly heard: number };
  readonly alive: { readonly kind: string; readonly took: number };
  readonly tiring?: { readonly sent: number; readonly heard: number };
  readonly rested: { readonly kind: string };
  readonly far: {
    readonly offered: boolean;
    readonly reachedFrom: readonly (boolean | null)[];
    readonly begun?: boolean;
    readonly counted?: { readonly sent: number; readonly heard: number };
    readonly tested: string;
  };
  readonly dead: { readonly kind: string; readonly took: number };
}

async function tell(host: string, wanted: 'on' | 'off'): Promise<Told> {
  const lab = await createLab({ box: 'double_nat', idleTimeout: 300 });
  try {
    const listen = `require('node:net').createServer((s) => s.on('error', () => {})).listen(${PORT}, '::', () => console.log('up'))`;
    await lab.spawn('server', process.execPath, ['-e', listen]).waitForLine(/^up$/, 10_000);
    const responder = lab.spawn(
      'server',
      process.execPath,
      [
        join(ROOT, 'dist/main.js'),
        'responder',
        `--listen-address=:${PORT + 1}`,
        `--socket-options=${wanted === 'on' ? 'auto' : 'off'}`,
        // A connection and those that ask about it are often held by different processes.
        '--workers=2',
      ],
      { cwd: ROOT },
    );
    await responder.waitForLine(/serving metrics/, 60_000);
    const args = ['--import', 'tsx', HELPER, host, String(PORT), wanted, String(DEADLINE)];
    const client = lab.spawn('client', process.execPath, args, { cwd: ROOT });
    await client.waitForLine(/^cut$/, 90_000);
    await lab.outage(true);
    client.write('\n');
    const [line] = await client.waitForLine(/^\{.*\}$/, 30_000);
    return JSON.parse(line) as Told;
  } finally {
    await lab.close();
  }
}

describeLab('a path of two routers', () => {
  it.concurrent.each([
    [SERVER.v4, ['10.77.0.1', '100.64.0.1']],
    [SERVER.v6, ['fd77::1', 'fd64::1']],
  ])('to %s is seen hop by hop', async (host, hops) => {
    const told = await tell(host, 'on');
    expect(told.available).toBe(true);
    expect(told.addresses).toEqual([...hops, null]);
    // Two routers: only with three hops a keepalive reaches the far end.
    expect(told.reached).toEqual([false, false, true]);
    // What ends at the first router is not heard of by anybody, and does the connection no harm.
    expect(told.count?.heard).toBe(0);
    expect(told.count?.sent).toBeGreaterThanOrEqual(2);
    expect(told.far).toMatchObject({
      offered: true,
      reachedFrom: [false, false, true],
      begun: true,
      counted: { heard: 0 },
      tested: 'answered',
    });
    expect(told.far.counted?.sent).toBeGreaterThanOrEqual(2);
    expect(told.tiring?.heard).toBe(0);
    expect(told.tiring?.sent).toBeGreaterThan(10);
    expect(told.rested.kind).toBe('answered');
    expect(told.alive.kind).toBe('answered');
    expect(told.dead).toEqual({ kind: 'died', took: expect.closeTo(DEADLINE, 0) as number });
  });

  it.concurrent('without the library keepalives are judged alike, and nothing else is done', async () => {
    const told = await tell(SERVER.v4, 'off');
    expect(told.available).toBe(false);
    expect(told.far).toEqual({ offered: false, reachedFrom: [null, null, null], tested: 'answered' });
    expect([told.addresses, told.reached, told.count]).toEqual([
      [null, null, null],
      [null, null, null],
      undefined,
    ]);
    expect([told.alive.kind, told.rested.kind]).toEqual(['answered', 'answered']);
    expect(told.dead).toEqual({ kind: 'died', took: expect.closeTo(DEADLINE, 0) as number });
  });
});
