import { expect, it } from 'vitest';
import { type VerdictReason, VERDICT_REASONS, type Verdict } from '../../../src/core/verdict.js';
import { REASON_WORDS } from '../../../src/core/words.js';
import { renderCard } from '../../../src/exporter/page/card.js';
import { makeConfig, makeMode, makeTarget, makeTest } from '../../support/fake-view.js';

/** The verdict that a reason belongs to. */
function verdictOf(reason: VerdictReason): Verdict {
  const kind = VERDICT_REASONS[reason];
  if (kind === 'alive') return { kind };
  return (kind === 'dead' ? { kind, evidence: reason } : { kind, reason }) as Verdict;
}

it('the card says how tests ended in the words that the report has', () => {
  const reasons = Object.keys(REASON_WORDS) as VerdictReason[];
  const tests = reasons.map((reason, index) => makeTest(index, 20, verdictOf(reason)));
  const target = makeTarget(makeConfig('vps'), { modes: [{ ...makeMode('send'), tests }] });
  const card = renderCard(target, {
    now: 1_700_000_000,
    reports: true,
    history: new Map(),
    broken: () => undefined,
  }).text;
  for (const reason of reasons) expect(card).toContain(`: ${REASON_WORDS[reason]}</td>`);
  expect(reasons).toHaveLength(Object.keys(VERDICT_REASONS).length);
});
