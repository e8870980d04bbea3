import { describe, expect, it } from 'vitest';
import type { PathVerdict } from '../../src/core/diagnosis/path-verdict.js';
import type { Explanation } from '../../src/core/diagnosis/explanation.js';
import { DiagnosisTeller } from '../../src/engine/diagnosis-teller.js';
import { Journal } from '../../src/engine/journal.js';
import { createLogger } from '../../src/log.js';
import { FakeClock } from '../support/fake-clock.js';

function start() {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    level: 'debug',
    format: 'json',
    stream: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const journal = new Journal(log, new FakeClock());
  return { lines, journal, teller: new DiagnosisTeller(log, journal) };
}

function verdict(result: PathVerdict['result'], leftOut: PathVerdict['leftOut'] = []): PathVerdict {
  return { result, leftOut, sentence: `it is ${result}`, conditions: [], remarks: [], contradicting: [] };
}

function explanation(id: string, text: string): Explanation {
  return { id, certainty: 'likely', text, evidence: [] };
}

describe('a target’s diagnosis', () => {
  it('is told with its verdict when either changes, and not again', () => {
    const { lines, journal, teller } = start();
    const explanations = [explanation('a', 'box A'), explanation('b', 'box B')];
    teller.tell({ verdict: verdict('unknown'), explanations: [] });
    expect(lines).toEqual([]);
    teller.tell({ verdict: verdict('not_compliant', ['send']), explanations });
    teller.tell({ verdict: verdict('not_compliant', ['send']), explanations });
    expect(lines).toMatchObject([
      { level: 'info', msg: 'it is not_compliant', verdict: 'not_compliant', left_out: 'send' },
      { level: 'info', msg: 'diagnosis: box A (likely) box B (likely)', explanations: 'a,b' },
    ]);
    expect(journal.events.map(({ text }) => text)).toEqual(['diagnosis: box A (likely) box B (likely)']);
  });

  it('with other figures is no news to the log, and with other explanations is', () => {
    const { lines, journal, teller } = start();
    const tell = (...explanations: Explanation[]): void =>
      teller.tell({ verdict: verdict('unknown'), explanations });
    tell(explanation('a', '300 s'));
    tell(explanation('a', '310 s'));
    tell(explanation('b', '320 s'));
    expect(lines.map(({ level }) => level)).toEqual(['info', 'debug', 'info']);
    expect(journal.events).toHaveLength(3);
  });

  it('is said to be open again, once, when nothing explains the path any more', () => {
    const { lines, teller } = start();
    teller.tell({ verdict: verdict('unknown'), explanations: [explanation('a', 'box A')] });
    for (let times = 0; times < 2; times++) teller.tell({ verdict: verdict('unknown'), explanations: [] });
    expect(lines.map(({ msg }) => msg)).toEqual(['diagnosis: box A (likely)', 'diagnosis: open again']);
  });
});
