import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { DEFAULT_SEARCH } from '../../../src/config/schema.js';
import { openPath } from '../../../src/probe/far-ends/index.js';
import { type Responder, startResponder } from '../../../src/responder/responder.js';

let directory: string;
let responder: Responder;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'open-path-'));
  responder = await startResponder({
    native: [{ host: '127.0.0.1', port: 0 }],
    token: 'the new token of the responder',
    logger: pino({ level: 'silent' }),
  });
});

afterEach(async () => {
  await responder.close();
  await rm(directory, { recursive: true, force: true });
});

describe('openPath', () => {
  it('takes up a token that was replaced in its file', async () => {
    const tokenFile = join(directory, 'token');
    await writeFile(tokenFile, 'the old token of the responder');
    const path = openPath({
      target: {
        name: 'vps',
        far_end: { kind: 'native', host: '127.0.0.1', port: responder.addresses.native[0]?.port ?? 0 },
        modes: ['send'],
        family: 4,
        token_file: tokenFile,
        labels: {},
        search: DEFAULT_SEARCH,
      },
      address: '127.0.0.1',
      clock: systemClock,
    });
    const { signal } = new AbortController();
    await expect(path.check(signal)).rejects.toThrow();
    await writeFile(tokenFile, 'the new token of the responder');
    await expect(path.check(signal)).resolves.toMatchObject({ localAddress: '127.0.0.1' });
  });
});
