import { describe, expect, it } from 'vitest';
import { AskAgain } from '../../src/engine/ask-again.js';
import { Journal } from '../../src/engine/journal.js';
import { createLogger } from '../../src/log.js';
import type { Seconds } from '../../src/units.js';
import { FakeClock } from '../support/fake-clock.js';

const clock = new FakeClock();

function start(): { again: AskAgain; journal: Journal } {
  const journal = new Journal(createLogger({ level: 'error', format: 'logfmt' }), clock);
  return { again: new AskAgain(clock, journal), journal };
}

/** Modes that answer so, and count how often they were asked. */
function modes(...answers: readonly (Seconds | 'searching' | undefined)[]) {
  const asked = { times: 0 };
  return {
    asked,
    all: answers.map((answer) => ({
      askAnew: () => {
        asked.times += 1;
        return answer;
      },
    })),
  };
}

describe('the wish to measure again', () => {
  it('reaches every mode, and says when the last of them has answered', () => {
    const { again, journal } = start();
    const { all, asked } = modes(300.2, undefined, 7448.5, 'searching');
    expect(again.ask(all)).toEqual({ kind: 'asked', within: 7449 });
    expect(asked.times).toBe(4);
    expect(journal.events.map(({ text }) => text)).toEqual([
      'measured again on request: answers within 2 h 4 min 9 s',
    ]);
  });

  it('is heeded once a minute, and says how long it has to wait', async () => {
    const { again } = start();
    const { all, asked } = modes(300);
    again.ask(all);
    await clock.advance(20.5);
    expect(again.ask(all)).toEqual({ kind: 'too_soon', wait: 40 });
    expect(asked.times).toBe(1);
    await clock.advance(39.5);
    expect(again.ask(all)).toEqual({ kind: 'asked', within: 300 });
  });

  it('is not used up where nobody could be asked', () => {
    const { again, journal } = start();
    expect(again.ask(modes(undefined, undefined).all)).toEqual({ kind: 'no_answer' });
    expect(again.ask([])).toEqual({ kind: 'no_answer' });
    expect(again.ask(modes('searching', undefined).all)).toEqual({ kind: 'searching' });
    expect(journal.events).toEqual([]);
    expect(again.ask(modes(12).all)).toEqual({ kind: 'asked', within: 12 });
  });
});
