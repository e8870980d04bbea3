/** `measure` in a lab: the responder beside the server, the command beside the client. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLab, SERVER } from './lab.js';
import type { ExecResult } from './process.js';
import { startSshFarEnd } from './ssh-far-end.js';
import type { Asks, Told } from './told.js';
import { inTurn } from './turns.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Built: a start of its sources costs three times as much of the processor. */
const PROGRAM = ['dist/main.js'];

/** Seconds; `measure` tests from half of its longest idle time on. */
export const ASKED: Asks = { idleTimeouts: [9, 10, 11], maxIdle: 14 };
/** Width of the bracket, seconds. */
export const RESOLUTION = 1;

/**
 * Runs `measure` behind a row's box to its end.
 * @param more further flags
 */
export async function measured(
  row: Pick<Told, 'lab' | 'install' | 'responders' | 'ssh' | 'asks'>,
  idleTimeout: number,
  more: readonly string[] = [],
): Promise<ExecResult> {
  const lab = await createLab(row.lab(idleTimeout));
  const directory = mkdtempSync(join(tmpdir(), 'natlab-'));
  try {
    const reached = await row.install?.(lab, idleTimeout, directory);
    const { host = SERVER.v4, inside } = reached ?? {};
    const farEnd = row.ssh === undefined ? [host] : await startSshFarEnd(lab, directory, row.ssh);
    const responders = row.ssh === undefined ? (row.responders ?? ['']) : [];
    for (const [index, address] of responders.entries())
      await inTurn(async () => {
        const listen = [
          `--listen-address=${address}:5382`,
          `--web.listen-address=127.0.0.1:${15400 + index}`,
        ];
        const args = [...PROGRAM, 'responder', ...listen];
        const responder = lab.spawn('server', process.execPath, args, { cwd: ROOT });
        await responder.waitForLine(/responder listens/, 60_000);
      });
    const flags = [
      `--max-idle=${(row.asks ?? ASKED).maxIdle}s`,
      `--resolution=${RESOLUTION}s`,
      '--deadline=3s',
      '--json',
      '--quiet',
      ...more,
    ];
    return await lab.exec('client', process.execPath, [...PROGRAM, 'measure', ...farEnd, ...flags], {
      ...inside,
      cwd: ROOT,
      mayFail: true,
    });
  } finally {
    await lab.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
