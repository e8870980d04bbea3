/** `measure --verify` behind kernel NATs: whether what is advised keeps a connection alive, as the kernel does it. */
import { expect, it } from 'vitest';
import { documentSchema } from '../../src/report/report-document.js';
import { measured } from './measured.js';
import { NEVER, payloadTimer } from './policies.js';
import { describeLab } from './requirements.js';
import type { Told } from './told.js';

const IDLE_TIMEOUT = 10;

interface Row {
  readonly name: string;
  readonly path: Pick<Told, 'lab' | 'install'>;
  readonly keepalive: boolean;
  readonly flags?: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    name: 'a NAT helps with both',
    path: { lab: (idleTimeout) => ({ box: 'strict', idleTimeout }) },
    keepalive: true,
  },
  {
    name: 'one that is revived from inside, asked from outside, helps with both',
    path: { lab: (idleTimeout) => ({ box: 'loose', idleTimeout }) },
    keepalive: true,
    // Nothing that this end sends would show that the mapping was forgotten.
    flags: ['--mode=recv'],
  },
  {
    name: 'one that swallows segments without payload helps with data alone',
    path: { lab: (idleTimeout) => ({ box: 'keepalive_eater', idleTimeout }) },
    keepalive: false,
  },
  {
    name: 'one whose timer counts payload helps with data alone',
    path: {
      lab: () => ({ box: 'no_expiry', idleTimeout: NEVER }),
      install: async (lab, idleTimeout) => {
        await payloadTimer(lab, { idleTimeout });
        return undefined;
      },
    },
    keepalive: false,
  },
];

describeLab('the advice behind a kernel NAT', () => {
  it.concurrent.each(ROWS)('$name', { timeout: 240_000 }, async ({ path, keepalive, flags = [] }) => {
    const ended = await measured(path, IDLE_TIMEOUT, ['--verify', ...flags]);
    expect(ended.stderr).toBe('');
    const document = documentSchema.parse(JSON.parse(ended.stdout));
    const { keepalive_tried: tried, keepalive_recommended_seconds: interval, settings } = document;
    const shown = Object.fromEntries(tried.map(({ kind, held }) => [kind, held]));
    expect(shown).toEqual({ keepalive, data: true });
    expect(tried.map(({ interval_seconds: each }) => each)).toEqual([interval, interval]);
    const kernel = settings.find(({ product }) => product.startsWith('Linux kernel'));
    expect(kernel?.tried).toBe(keepalive ? 'held' : undefined);
    expect(document.settings_left_out.some(({ product }) => product.startsWith('Linux kernel'))).toBe(
      !keepalive,
    );
    expect(settings.find(({ product }) => product.startsWith('OpenSSH client'))?.tried).toBe('held');
  });
});
