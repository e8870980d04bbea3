import { describe, expect, it } from 'vitest';
import { beginCheck, learnCheck } from '../../../src/core/quota/check.js';
import {
  arrived,
  concluded,
  NOTHING_REMEMBERED,
  provenCompliant,
  reviveQuota,
  standingOf,
  unexpired,
} from '../../../src/core/quota/memory.js';

const HERE = { address: '203.0.113.9', seen: '198.51.100.1' };
const begun = beginCheck({ mode: 'send', lower: 590, upper: 600, connections: 12 });
const dead = { kind: 'dead', evidence: 'silence' } as const;
const TIMEOUT = learnCheck(learnCheck(begun, dead, 606), dead, 606);
const QUOTA = [1, 2, 3].reduce((check) => learnCheck(check, { kind: 'alive' }, 606), begun);
const checked = concluded(NOTHING_REMEMBERED, TIMEOUT, 5);
const limited = concluded(NOTHING_REMEMBERED, QUOTA, 5);

describe('what is remembered of a path', () => {
  it('lets nobody be accused before a check, or with more connections than the path was compliant with', () => {
    expect(standingOf(NOTHING_REMEMBERED, 72, undefined)).toEqual({ kind: 'unchecked' });
    expect(standingOf(NOTHING_REMEMBERED, 72, 30)).toEqual({ kind: 'unchecked', left: 30 });
    const compliant = provenCompliant(NOTHING_REMEMBERED, 72);
    expect(standingOf(compliant, 72, undefined)).toBeUndefined();
    expect(standingOf(compliant, 73, undefined)).toEqual({ kind: 'unchecked' });
    expect(provenCompliant(compliant, 24)).toBe(compliant);
  });

  it('is what came of the check; an open one is nothing', () => {
    expect(concluded(NOTHING_REMEMBERED, begun, 5)).toBe(NOTHING_REMEMBERED);
    expect(standingOf(checked, 1e5, undefined)).toBeUndefined();
    expect(standingOf(limited, 12, undefined)).toEqual({
      kind: 'quota',
      connections: 12,
      held: 3,
      upper: 600,
    });
    // A path that is compliant since has to be checked anew when it has more connections.
    expect(standingOf(provenCompliant(checked, 12), 72, undefined)).toEqual({ kind: 'unchecked' });
  });

  it('is nothing at another address; an address that was unknown is no other one', () => {
    const here = arrived(checked, HERE);
    expect(arrived(here, HERE)).toBe(here);
    expect(arrived(here, { address: HERE.address })).toBe(here);
    expect(arrived(arrived(checked, { address: HERE.address }), HERE)).toEqual(here);
    for (const other of [
      { ...HERE, seen: '198.51.100.2' },
      { ...HERE, address: '203.0.113.8' },
    ])
      expect(arrived(here, other)).toEqual({ ...NOTHING_REMEMBERED, place: other });
  });

  it('forgets a quota after a week, and a timeout never', () => {
    expect(unexpired(limited, 5 + 7 * 86_400)).toBe(limited);
    expect(unexpired(limited, 6 + 7 * 86_400)).toEqual(NOTHING_REMEMBERED);
    expect(unexpired(checked, 1e9)).toBe(checked);
  });

  it('survives JSON, and nothing that makes no sense is taken back', () => {
    for (const memory of [NOTHING_REMEMBERED, checked, arrived(limited, HERE)])
      expect(reviveQuota(JSON.parse(JSON.stringify(memory)))).toEqual(memory);
    const { outcome } = limited;
    for (const foreign of [
      null,
      [],
      { compliantWith: -1 },
      { compliantWith: 0.5 },
      { compliantWith: 0, place: { address: 7 } },
      { compliantWith: 0, place: { address: 'x'.repeat(101) } },
      { compliantWith: 0, outcome: { ...outcome, kind: 'checking' } },
      { compliantWith: 0, outcome: { ...outcome, held: '18' } },
      { compliantWith: 0, outcome: { ...outcome, upper: 0 } },
      { compliantWith: 0, outcome: { ...outcome, at: null } },
    ])
      expect(reviveQuota(foreign)).toBeUndefined();
  });
});
