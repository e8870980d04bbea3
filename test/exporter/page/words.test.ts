import { expect, test } from 'vitest';
import type { Finding } from '../../../src/core/finding.js';
import { makeScale, ticks } from '../../../src/exporter/page/scale.js';
import {
  ago,
  duration,
  exactDuration,
  modeSentence,
  targetVerdict,
  unbroken,
} from '../../../src/exporter/page/words.js';
import { describe as describeStrip, renderStrip } from '../../../src/exporter/page/strip.js';
import {
  climbingTarget,
  compliantTarget,
  downTarget,
  forgettingTarget,
  looseTarget,
  makeConfig,
  makeMode,
  makeTarget,
} from '../../support/fake-view.js';

test('duration() rounds down, so that 7439 s does not read like 2 h 4 min', () => {
  const cases: [number, string][] = [
    [0.25, '0.3 s'],
    [45, '45 s'],
    [9.945, '9.9 s'],
    [59.94, '59.9 s'],
    [60, '1 min'],
    [301, '5 min 1 s'],
    [3600, '1 h 0 min'],
    [7439, '2 h 3 min'],
    [7440, '2 h 4 min'],
    [86400, '24 h 0 min'],
    [432000, '5 d 0 h'],
  ];
  for (const [seconds, words] of cases) expect(duration(seconds)).toBe(words);
});

test('exactDuration() keeps the seconds of hours', () => {
  expect(exactDuration(3601)).toBe('1 h 0 min 1 s');
  expect(exactDuration(7440)).toBe('2 h 4 min');
  expect(exactDuration(9.5)).toBe('9.5 s');
});

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
    sentence: 'Forgets an idle connection after 5 min (recv); RFC 5382 wants 2 h 4 min',
  });
  expect(targetVerdict(forgettingTarget())).toEqual({
    standing: 'violating',
    sentence: 'Forgets an idle connection after 1 h 0 min; RFC 5382 wants 2 h 4 min',
  });
  expect(targetVerdict(compliantTarget())).toEqual({
    standing: 'compliant',
    sentence: 'Remembers idle connections for at least 2 h 9 min; RFC 5382 wants 2 h 4 min',
  });
});

test('targetVerdict() claims nothing while the search is climbing or the far end is down', () => {
  expect(targetVerdict(climbingTarget())).toEqual({
    standing: 'measuring',
    sentence: 'Measuring: idle connections survived 10 min so far',
  });
  expect(targetVerdict(downTarget())).toEqual({
    standing: 'down',
    sentence: 'The far end does not answer: connection refused by 198.51.100.7:5382',
  });
  expect(targetVerdict(makeTarget(makeConfig('new')))).toEqual({
    standing: 'measuring',
    sentence: 'Measuring; no answer yet',
  });
});

test('targetVerdict() names the modes that are not known beside compliant ones', () => {
  const whole = compliantTarget();
  const modes = whole.modes.map((mode) =>
    mode.mode === 'keepalive' ? makeMode('keepalive', { upper: 15 }) : mode,
  );
  expect(targetVerdict({ ...whole, modes })).toEqual({
    standing: 'measuring',
    sentence:
      'Remembers idle connections for at least 2 h 9 min; RFC 5382 wants 2 h 4 min. Not known yet: keepalive',
  });
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

test('describe() tells a strip in words', () => {
  const target = forgettingTarget();
  const mode = target.modes[0];
  if (mode === undefined) throw new Error('no mode');
  expect(describeStrip(mode, target.config.search)).toBe(
    'send, idle times from 0 to 2 h 10 min: 8 survived, the longest after 59 min 50 s, 4 died, the shortest after 1 h 0 min 1 s, 12 wait.',
  );
});

test('unbroken() keeps a duration on one line', () => {
  expect(unbroken('after 1 h 0 min (recv); wants 2 h 4 min')).toBe(
    'after 1\u00a0h\u00a00\u00a0min (recv); wants 2\u00a0h\u00a04\u00a0min',
  );
});
