import { expect, test } from 'vitest';
import type { Finding } from '../../../src/core/finding.js';
import { makeScale, ticks } from '../../../src/exporter/page/scale.js';
import { ago, modeSentence, targetVerdict, unbroken } from '../../../src/exporter/page/sentences.js';
import { renderStrip } from '../../../src/exporter/page/strip.js';
import {
  climbingTarget,
  compliantTarget,
  downTarget,
  eatenTarget,
  forgettingTarget,
  looseTarget,
  makeConfig,
  makeMode,
  makeTarget,
} from '../../support/fake-view.js';

test('ago() says just now for the last moments', () => {
  expect(ago(2)).toBe('just now');
  expect(ago(-3)).toBe('just now');
  expect(ago(240)).toBe('4 min ago');
});

function sentence(finding: Partial<Finding>, maxIdle = 7800): string {
  const config = makeConfig('x', { modes: ['send'] });
  const search = { ...config.search, max_idle: maxIdle };
  return modeSentence(makeMode('send', finding), makeTarget({ ...config, search }));
}

test('modeSentence() tells each kind of finding in one plain sentence', () => {
  expect(sentence({})).toBe('no answer yet; the first is due after 15 s of silence');
  expect(sentence({ lower: 600 })).toBe('survived 10 min so far, nothing died');
  expect(sentence({ lower: 3600 }, 3600)).toBe(
    'survived 1 h 0 min, the longest idle time that is tested here',
  );
  expect(sentence({ lower: 600, upper: 1200 })).toBe('forgets between 10 min and 20 min; still narrowing');
  expect(sentence({ upper: 15 })).toBe('forgets within 15 s; still narrowing');
  expect(sentence({ lower: 55, upper: 65, timeout: 60 })).toBe(
    'forgets after 1 min (between 55 s and 1 min 5 s); nothing is proven about RFC 5382 yet',
  );
  expect(sentence({ lower: 3595, upper: 3601, timeout: 3598, compliant: false })).toBe(
    'forgets after 1 h 0 min (between 59 min 55 s and 1 h 0 min 1 s)',
  );
  expect(sentence({ lower: 7795, timeout: 7795, compliant: true })).toBe('remembers for at least 2 h 9 min');
  const mixture = { share: 0.05, shareLower: 0.036, shareUpper: 0.077, survived: 7436.2 };
  expect(sentence({ lower: 295.4, upper: 304.6, timeout: 300, compliant: false, mixture })).toBe(
    '5.0 % (3.6-7.7 %) of the connections are forgotten after 295-305 s, the others survived 7436 s',
  );
  expect(sentence({ lower: 600, compliant: false })).toBe(
    'survived 10 min, but forgets early at times: unstable, the timeout dropped and rose within a day',
  );
  expect(sentence({ lower: 1200, upper: 600 })).toBe(
    'survived 20 min, but also died after 10 min; still narrowing',
  );
});

test('modeSentence() speaks of a round value only on the verdict’s side of 2 h 4 min', () => {
  expect(sentence({ lower: 7435, upper: 7445, timeout: 7440, compliant: true })).toMatch(
    /^forgets after 2 h 4 min /,
  );
  expect(sentence({ lower: 7430, upper: 7440, timeout: 7435, compliant: false })).toMatch(
    /^forgets after 2 h 3 min /,
  );
});

test('targetVerdict() takes the mode with the shortest memory', () => {
  expect(targetVerdict(looseTarget())).toEqual({
    standing: 'violating',
    sentence:
      'Not compliant: an idle TCP connection is forgotten after 5 min (300 s) (seen in recv); RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s).',
  });
  expect(targetVerdict(forgettingTarget())).toEqual({
    standing: 'violating',
    sentence:
      'Not compliant: an idle TCP connection is forgotten after 1 h 0 min (3600 s) (seen in every mode); RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s).',
  });
  expect(targetVerdict(compliantTarget())).toEqual({
    standing: 'compliant',
    sentence:
      'Compliant: an idle TCP connection survives 2 h 4 min (7440 s), as RFC 5382 REQ-5 asks (seen in send, recv and keepalive).',
  });
});

test('targetVerdict() claims nothing while the search is climbing or the far end is down', () => {
  expect(targetVerdict(climbingTarget())).toEqual({
    standing: 'measuring',
    sentence:
      'No verdict: idle connections survived 10 min (600 s) in every mode, longer ones are not decided; RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s).',
  });
  expect(targetVerdict(downTarget())).toEqual({
    standing: 'down',
    sentence: 'The far end does not answer: connection refused by 198.51.100.7:5382.',
  });
  expect(targetVerdict(makeTarget(makeConfig('new')))).toEqual({
    standing: 'measuring',
    sentence:
      'No verdict: not every mode has an answer yet; RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s).',
  });
});

test('an eaten keepalive is left out of the verdict, and its mode says so', () => {
  const target = eatenTarget();
  expect(targetVerdict(target)).toEqual({
    standing: 'compliant',
    sentence:
      'Compliant: an idle TCP connection survives 2 h 4 min (7440 s), as RFC 5382 REQ-5 asks (seen in send and recv); TCP keepalives get no answer at all on this path and say nothing about it.',
  });
  expect(modeSentence(target.modes[2]!, target)).toBe(
    'TCP keepalives get no answer although data does: something drops them, and the verdict leaves them out',
  );
});

test('targetVerdict() keeps a verdict while the far end is down', () => {
  expect(targetVerdict({ ...forgettingTarget(), up: false }).standing).toBe('violating');
});

test('makeScale() runs from 0 to 100 percent and never back', () => {
  for (const max of [1, 90, 7800, 86400]) {
    const scale = makeScale(max);
    expect(scale.position(0)).toBe(0);
    expect(scale.position(max)).toBeCloseTo(100);
    expect(scale.position(max * 2)).toBeCloseTo(100);
    expect(scale.position(-1)).toBe(0);
    for (let i = 0; i < 20; i++) {
      expect(scale.position((max * (i + 1)) / 20)).toBeGreaterThan(scale.position((max * i) / 20));
    }
  }
});

test('ticks() leave room for their labels', () => {
  for (const max of [20, 90, 7800, 86400, 172800]) {
    const scale = makeScale(max);
    const places = ticks(scale).map((tick) => scale.position(tick.at));
    places.slice(1).forEach((x, index) => expect(x - (places[index] ?? 0)).toBeGreaterThanOrEqual(6));
    expect(places.length).toBeGreaterThan(3);
  }
});

test('renderStrip() draws the line of RFC 5382 only where the scale reaches it', () => {
  const mode = makeMode('send', { lower: 15 });
  const { search } = makeConfig('x');
  expect(renderStrip(mode, search).text).toContain('RFC 5382: 2 h 4 min');
  expect(renderStrip(mode, { ...search, max_idle: 90 }).text).not.toContain('RFC 5382');
});

test('renderStrip() merges tests of nearly the same idle time, so that long histories stay small', () => {
  const tests = Array.from({ length: 500 }, (_, id) => ({
    at: 0,
    id,
    idle: 3600 + (id % 10) / 10,
    verdict: { kind: 'alive' } as const,
  }));
  const drawn = renderStrip(makeMode('send', {}, { tests }), makeConfig('x').search).text;
  expect(drawn.match(/class="alive"/g)).toHaveLength(1);
  expect(drawn).toContain('500 times near here');
});

test('a strip is told in words to who does not see it', () => {
  const target = forgettingTarget();
  const mode = target.modes[0];
  if (mode === undefined) throw new Error('no mode');
  expect(renderStrip(mode, target.config.search).text).toContain(
    'aria-label="send, idle times from 0 to 2 h 10 min: 8 survived, the longest after 59 min 50 s, 4 died, the shortest after 1 h 0 min 1 s, 12 wait."',
  );
});

test('unbroken() keeps a duration on one line', () => {
  expect(unbroken('after 1 h 0 min (recv); wants 2 h 4 min')).toBe(
    'after 1\u00a0h\u00a00\u00a0min (recv); wants 2\u00a0h\u00a04\u00a0min',
  );
});
