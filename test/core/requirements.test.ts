/** A mode with a requirement of its own is judged and shown by that one: here recv, which must survive two minutes. */
import { beforeAll, describe, expect, it } from 'vitest';
import { pathVerdict } from '../../src/core/diagnosis/path-verdict.js';
import { longestRequired, MODE_ROWS, MODES, type Mode, type ModeRow } from '../../src/core/modes.js';
import type { Requirement } from '../../src/core/requirements.js';
import { timeoutWords } from '../../src/core/words.js';
import { searchOptions } from '../../src/engine/judge.js';
import { renderStrip } from '../../src/exporter/page/strip.js';
import { newFacts } from '../../src/measure/facts.js';
import { pathCompliant, shortBounds } from '../../src/promql/expressions.js';
import { buildDocument, isComplete } from '../../src/report/build.js';
import { survivalChart } from '../../src/report/survival-chart.js';
import { makeConfig, makeMode, makeTarget } from '../support/fake-view.js';
import { forgets, LIMITS, survives } from './diagnosis/findings.js';

const BRIEF: Requirement = {
  idle: 120,
  standard: 'RFC 0000',
  clause: 'RFC 0000 REQ-1',
  source: 'RFC 0000, REQ-1',
  quote: 'two minutes',
  url: 'https://www.rfc-editor.org/rfc/rfc0000',
  metric: 'rfc0000_req1_compliant',
};

beforeAll(() => {
  // This file has the modules to itself.
  const rows = MODE_ROWS as Record<Mode, ModeRow>;
  rows.recv = { ...rows.recv, requirement: BRIEF };
});

const long = survives().finding;
const short = { ...forgets(300).finding, compliant: true };
const tooShort = forgets(20).finding;

describe('pathVerdict()', () => {
  const verdict = (send: typeof long, recv: typeof long) =>
    pathVerdict({ send, recv }, ['send', 'recv'], LIMITS);

  it('is compliant when each mode keeps its own requirement, and names each', () => {
    expect(verdict(long, short)).toMatchObject({
      result: 'compliant',
      sentence:
        'Compliant: an idle TCP connection survives 2 h 4 min (7440 s), as RFC 5382 REQ-5 asks (seen in send); ' +
        'it survives 2 min (120 s), as RFC 0000 REQ-1 asks (seen in recv).',
    });
  });

  it('names the requirement that is missed, and no other', () => {
    expect(verdict(long, tooShort)).toMatchObject({
      result: 'not_compliant',
      sentence:
        'Not compliant: an idle TCP connection is forgotten after 20 s (seen in recv); ' +
        'RFC 0000 REQ-1 asks for at least 2 min (120 s).',
    });
    expect(verdict(forgets(300).finding, short).sentence).toMatch(
      /forgotten after 5 min \(300 s\) \(seen in send\); RFC 5382 REQ-5 asks for at least 2 h 4 min \(7440 s\)\.$/,
    );
  });

  it('names both when both are missed, and when neither is decided', () => {
    expect(verdict(tooShort, tooShort).sentence).toBe(
      'Not compliant: an idle TCP connection is forgotten after 20 s (seen in send); RFC 5382 REQ-5 asks for at least ' +
        '2 h 4 min (7440 s); it is forgotten after 20 s (seen in recv); RFC 0000 REQ-1 asks for at least 2 min (120 s).',
    );
    const open = { phase: 'climb', suspect: false, deaths: 0 } as const;
    expect(verdict(open, open).sentence).toBe(
      'No verdict: not every mode has an answer yet; RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s); ' +
        'RFC 0000 REQ-1 asks for at least 2 min (120 s).',
    );
  });
});

describe('what is required of a mode', () => {
  it('is given to its search', () => {
    const target = makeConfig('home');
    expect(searchOptions(target, 'recv', 'late').required).toBe(120);
    expect(searchOptions(target, 'send', 'late').required).toBe(7440);
  });

  it('keeps a spoken timeout on the side of the verdict', () => {
    const around = { lower: 115, upper: 121, timeout: 118 };
    expect(timeoutWords('recv', { ...around, compliant: true })).toBe('2 min (120 s)');
    expect(timeoutWords('recv', { ...around, compliant: false })).toBe('1 min 56 s (116 s)');
  });

  it('is drawn on its strip and on the chart of the report', () => {
    const target = makeTarget(makeConfig('home'), {
      modes: [makeMode('send', long), makeMode('recv', short), makeMode('keepalive', long)],
    });
    const strips = target.modes.map((mode) => renderStrip(mode, target.config.search).text);
    expect(strips.map((strip) => /RFC \d+: [^<]+/.exec(strip)?.[0])).toEqual([
      'RFC 5382: 2 h 4 min',
      'RFC 0000: 2 min',
      'RFC 5382: 2 h 4 min',
    ]);
    const document = buildDocument({ snapshot: target, at: 1_700_000_000, version: '1' }, { redact: false });
    expect(document.required_seconds).toBe(7440);
    expect(document.ask).toBe('None: the path does what RFC 5382 and RFC 0000 ask. Please keep it so.');
    expect(survivalChart(document).text.match(/RFC \d+: [^<]+/g)).toEqual([
      'RFC 5382: 2 h 4 min',
      'RFC 0000: 2 min',
    ]);
  });

  it('decides when a measurement is over and what is told of it', () => {
    const brief = makeConfig('home', { modes: ['recv'] });
    const search = { ...brief.search, max_idle: 130 };
    const climbing = makeMode('recv', { lower: 119, compliant: true });
    const target = makeTarget({ ...brief, search }, { modes: [climbing], conntrack: { local: 110 } });
    expect(isComplete(target)).toBe(true);
    expect(isComplete(makeTarget(target.config, { modes: [makeMode('recv', { lower: 114 })] }))).toBe(false);
    const told = newFacts(target, new Set()).map(({ text }) => text);
    expect(told).toContain('recv: compliant, idle connections survive 2 min.');
    expect(told).toContainEqual(
      expect.stringMatching(/forgets after 1 min 50 s .*: nothing longer can be told/),
    );
    const wide = makeTarget(target.config, { modes: [climbing], conntrack: { local: 125 } });
    expect(newFacts(wide, new Set()).map(({ id }) => id)).not.toContain('conntrack:local');
  });

  it('has a metric of its own, and PromQL reads all of them', () => {
    for (const read of ['min without (mode) (GAUGES == 0)', 'sum without (mode) (GAUGES)'])
      expect(pathCompliant('target="x"')).toContain(
        read.replace('GAUGES', '(rfc5382_req5_compliant{target="x"} or rfc0000_req1_compliant{target="x"})'),
      );
    expect(shortBounds('target="x"')).toContain(
      'and (rfc5382_req5_compliant{target="x"} or rfc0000_req1_compliant{target="x"}) == 0',
    );
    expect(longestRequired(MODES)).toBe(7440);
    expect(longestRequired(['recv'])).toBe(120);
  });
});
