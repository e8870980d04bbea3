/** What is shown, and that it never contradicts itself. */
import { describe, expect, test } from 'vitest';
import { findingOf, noteAgreement, publish } from '../../../src/core/search/finding-of.js';
import type { Draft } from '../../../src/core/search/state.js';
import { deathsAt, draftWith } from './drafts.js';

describe('what is shown', () => {
  test('loses its timeout in the moment in which the verdict on REQ-5 refutes it', () => {
    const draft = draftWith({
      lower: 2000,
      compliant: false,
      published: { lower: 7437, timeout: 7440, deaths: 0 },
    });
    draft.deaths = deathsAt(draft, 3600, 3601, 3602);
    publish(draft);
    expect(findingOf(draft)).toMatchObject({ lower: 2000, upper: 3600, compliant: false });
    expect(findingOf(draft).timeout).toBeUndefined();
  });

  test('keeps a timeout that the verdict agrees with until a new one is confirmed', () => {
    const draft = draftWith({
      lower: 2000,
      compliant: false,
      published: { lower: 5000, upper: 5010, timeout: 5005, deaths: 3 },
    });
    draft.deaths = deathsAt(draft, 3600, 3601, 3602);
    publish(draft);
    expect(findingOf(draft)).toMatchObject({ timeout: 5005, compliant: false });
  });

  test('has no timeout of 7440 s where everything survives before the verdict has turned back', () => {
    const draft = draftWith({ lower: 7800, compliant: false });
    publish(draft);
    expect(findingOf(draft)).toMatchObject({ phase: 'track', lower: 7800, compliant: false });
    expect(findingOf(draft).timeout).toBeUndefined();
    draft.compliant = true;
    publish(draft);
    expect(findingOf(draft).timeout).toBe(7800);
  });

  test('has a timeout of 7440 s at least where the verdict says so, whatever the middle of the bracket is', () => {
    const draft = draftWith({ lower: 7436, compliant: true });
    draft.deaths = deathsAt(draft, 7442, 7443, 7444);
    publish(draft);
    expect(findingOf(draft).timeout).toBe(7440);
  });
});

describe('a timeout is shown', () => {
  test.each([
    ['after one death', 295, [300], undefined],
    ['after two deaths', 295, [300, 301], undefined],
    ['after three that agree', 295, [300, 301, 302], 297.5],
    ['after three of which the last is elsewhere', 295, [300, 301, 321], undefined],
    ['in a bracket as wide as the resolution', 290, [300, 301, 320], 295],
    ['in a wider bracket', 289.9, [300, 301, 302], undefined],
    ['where nothing has survived', 0, [5, 6, 7], undefined],
    ['where nothing has died before what is required', 7434.9, [], undefined],
    ['where nothing has died until then', 7435, [], 7440],
    ['where nothing has died until later', 7500, [], 7500],
  ])('%s, from %d s up to %j: %s', (_what, lower, deaths, timeout) => {
    const draft = draftWith({ lower });
    draft.deaths = deathsAt(draft, ...deaths);
    publish(draft);
    expect(findingOf(draft).timeout).toBe(timeout);
  });
});

describe('a verdict agrees with what is shown', () => {
  test.each([
    ['alive', 285, true],
    ['alive', 284.9, false],
    ['alive', 299.9, true],
    ['alive', 300, false],
    ['dead', 290, false],
    ['dead', 290.1, true],
    ['dead', 320, true],
    ['dead', 320.1, false],
  ] as const)('of who was found %s after %d s: %s', (kind, idle, agrees) => {
    const draft = draftWith({ confirmedAt: null, published: { lower: 295, upper: 300, deaths: 3 } });
    if (kind === 'dead') draft.published = { lower: 290, upper: 300, deaths: 3 };
    noteAgreement(draft, kind, idle);
    expect(draft.confirmedAt).toBe(agrees ? draft.now : null);
  });

  test('only with a bound that is there', () => {
    const noted = (published: Draft['published'], kind: 'alive' | 'dead'): boolean => {
      const draft = draftWith({ confirmedAt: null, published });
      noteAgreement(draft, kind, 300);
      return draft.confirmedAt !== null;
    };
    expect(noted(null, 'alive')).toBe(false);
    expect(noted({ upper: 300, deaths: 3 }, 'alive')).toBe(false);
    expect(noted({ lower: 300, deaths: 3 }, 'dead')).toBe(false);
    expect(noted({ lower: 300, deaths: 3 }, 'alive')).toBe(true);
    expect(noted({ upper: 300, deaths: 3 }, 'dead')).toBe(true);
  });
});
