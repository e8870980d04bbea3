import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/core/finding.js';
import { type FindingsView, keepHistory } from '../../src/history/index.js';
import { FakeClock } from '../support/fake-clock.js';

describe('keepHistory()', () => {
  it('notes what is known, once a minute, until it is stopped', async () => {
    const clock = new FakeClock();
    const finding: Finding = { phase: 'climb', lower: 60, suspect: false, deaths: 0 };
    const unknown: Finding = { phase: 'climb', suspect: false, deaths: 0 };
    const view: FindingsView = {
      targets: () => [
        {
          config: { name: 'home' },
          modes: [
            { mode: 'send', finding },
            { mode: 'recv', finding: unknown },
          ],
        },
      ],
    };
    const noted: unknown[] = [];
    const start = clock.wall();
    const stop = keepHistory(
      {
        record: (...entry) => void noted.push(entry),
        read: () => Promise.resolve([]),
        close: () => Promise.resolve(),
      },
      view,
      clock,
    );
    await clock.advance(150);
    expect(noted).toEqual([
      ['home', 'send', finding, start + 60],
      ['home', 'send', finding, start + 120],
    ]);
    stop();
    await clock.advance(600);
    expect(noted).toHaveLength(2);
  });
});
