import { describe, expect, it } from 'vitest';
import { Journal } from '../../src/engine/journal.js';
import { createLogger } from '../../src/log.js';
import { FakeClock } from '../support/fake-clock.js';

function start() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = createLogger({
    level: 'debug',
    format: 'logfmt',
    stream: { write: (line) => lines.push(line) },
  });
  return { clock, lines, journal: new Journal(log, clock) };
}

describe('a Journal', () => {
  it('keeps what it tells with its moment, and writes it with its fields to the log', async () => {
    const { clock, lines, journal } = start();
    const at = clock.wall();
    journal.tell('it answers', 'info');
    await clock.advance(5);
    journal.tell('it is gone', 'warn', { times: 3 });
    expect(journal.events).toEqual([
      { at, text: 'it answers' },
      { at: at + 5, text: 'it is gone' },
    ]);
    expect(lines.map((line) => line.replace(/^ts=\S+ /, '').trim())).toEqual([
      'level=info msg="it answers"',
      'level=warn msg="it is gone" times=3',
    ]);
  });

  it('keeps the newest hundred', () => {
    const { journal } = start();
    for (let index = 0; index < 103; index++) journal.tell(`${index}`, 'debug');
    expect(journal.events).toHaveLength(100);
    expect(journal.events[0]?.text).toBe('3');
    expect(journal.events.at(-1)?.text).toBe('102');
  });

  it('moves its moments with the clock that is set', () => {
    const { clock, journal } = start();
    const at = clock.wall();
    journal.tell('before', 'info');
    journal.stepped({ from: at, by: -3600 });
    expect(journal.events).toEqual([{ at: at - 3600, text: 'before' }]);
  });
});
