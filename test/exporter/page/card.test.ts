import { expect, it } from 'vitest';
import { type VerdictReason, VERDICT_REASONS, type Verdict } from '../../../src/core/verdict.js';
import { REASON_WORDS } from '../../../src/core/words.js';
import { renderCard } from '../../../src/exporter/page/card.js';
import {
  CARD_CONTEXT,
  makeConfig,
  makeMode,
  makeTarget,
  makeTest,
  pooledTarget,
} from '../../support/fake-view.js';

/** The verdict that a reason belongs to. */
function verdictOf(reason: VerdictReason): Verdict {
  const kind = VERDICT_REASONS[reason];
  if (kind === 'alive') return { kind };
  return (kind === 'dead' ? { kind, evidence: reason } : { kind, reason }) as Verdict;
}

const context = { ...CARD_CONTEXT, now: 1_700_000_000 };

it('the strip of a mixture shows the minority above and the others below', () => {
  const card = renderCard(pooledTarget(), context).text;
  const [strip = ''] = /<svg class="strip"[^]*?<\/svg>/.exec(card) ?? [];
  expect(strip).toContain(
    'wait. 5.0 % (3.6-7.7 %) of the connections are forgotten after 295-305 s, the others survived 7436 s.',
  );
  const rects = [...strip.matchAll(/<rect class="(\w+)" x="([\d.]+)%" y="([\d.]+)" width="([\d.]+)%"/g)];
  const [upper, lower] = [...new Set(rects.map(([, , , y]) => y))];
  const drawn = (y: string | undefined): string[] =>
    rects.filter((rect) => rect[3] === y).map(([, name = '']) => name);
  expect(drawn(upper)).toEqual(['band', 'remembered', 'forgotten', 'bracket']);
  expect(drawn(lower)).toEqual(['band', 'remembered']);
  expect(Number(lower)).toBeGreaterThan(Number(upper));
  const [minority, others] = rects
    .filter(([, name]) => name === 'remembered')
    .map(([, , , , width]) => Number(width));
  expect(others).toBeGreaterThan(minority ?? NaN);
});

it('the card says how tests ended in the words that the report has', () => {
  const reasons = Object.keys(REASON_WORDS) as VerdictReason[];
  const tests = reasons.map((reason, index) => makeTest(index, 20, verdictOf(reason)));
  const target = makeTarget(makeConfig('vps'), { modes: [{ ...makeMode('send'), tests }] });
  const card = renderCard(target, context).text;
  for (const reason of reasons) expect(card).toContain(`: ${REASON_WORDS[reason]}</td>`);
  expect(reasons).toHaveLength(Object.keys(VERDICT_REASONS).length);
});

it.each([
  ['says whether there is address translation before a far end on the network', {}, true],
  [
    'says nothing of it before the built-in NAT, which changes no address',
    { far_end: { kind: 'embedded', idle_timeout: 60 } },
    false,
  ],
] as const)('%s', (_what, changes, isSaid) => {
  const target = makeTarget(makeConfig('vps', changes), { natDetected: false });
  const told = renderCard(target, context).text.includes('>address translation</span> none');
  expect(told).toBe(isSaid);
});
