import { describe, expect, test } from 'vitest';
import { renderCard } from '../../../src/exporter/page/card.js';
import { CARD_CONTEXT, compliantTarget, forgettingTarget } from '../../support/fake-view.js';
import { BRIDGE_MODEM, CGN, locating, MIXED } from '../../support/located.js';
import { boxed, locatedTarget, locatedTargets } from '../../support/located-targets.js';
import type { TargetSnapshot } from '../../../src/engine/snapshot.js';

const context = CARD_CONTEXT;
const cardOf = (target: TargetSnapshot): string => renderCard(target, context).text.replace(/\u00a0/g, ' ');

/** The stops of the drawn path as they are read: hosts, routers, and what is marked. */
function stops(card: string): string[] {
  const [route = ''] = /<ol class="route">[^]*?<\/ol>/.exec(card) ?? [];
  return [...route.matchAll(/<li class="([^"]*)"( aria-hidden="true")?>(.*?)<\/li>/g)]
    .filter(([, , hidden]) => hidden === undefined)
    .map(([, , , inner = '']) =>
      inner
        .replace(/<[^>]+>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim(),
    );
}

describe('the path on a card', () => {
  test('shows the place that forgets, the sentence, and what to do', () => {
    const card = cardOf(locatedTarget('home', { result: BRIDGE_MODEM }));
    expect(stops(card)).toEqual([
      'this computer',
      'no address forgets',
      'hop 1 192.168.1.1',
      'hop 2 100.64.2.1',
      'hop 3',
      'far end',
    ]);
    expect(card).toContain(
      'stands between this computer and hop 1 (192.168.1.1), the first router that can be seen.',
    );
    expect(card).toContain('<p class="todo">It stands on this side of hop 1 (192.168.1.1).');
    expect(card).toContain('2026-03-01 11:00:00 UTC');
    expect(card).toMatch(/<li>Kept fresh from here only \(TTL 0: not at all\): TTL 0 dead \(3 of 3\)/);
  });

  test('says of several boxes where they may be, in words as well as in colour', () => {
    const card = cardOf(locatedTarget('both', { result: boxed({ kind: 'several', kc: 3, ks: 3 }) }));
    expect(stops(card).filter((stop) => stop.endsWith('perhaps'))).toHaveLength(5);
  });

  test('keeps what was found while it is looked for again', () => {
    const card = cardOf(locatedTargets()[1]!);
    expect(card).toContain(
      'Being looked for: connections idle, kept fresh as far as each router (11 connections), about 2 h 0 min left.',
    );
    expect(stops(card)).toContain('hop 2 100.64.2.1 forgets');
  });

  test('says why nothing is known, and draws no box', () => {
    const card = cardOf(locatedTarget('mixed', { result: MIXED }));
    expect(card).toContain('Not located: connections that were treated alike fared differently');
    expect(stops(card)).toHaveLength(5);
    expect(card).not.toContain('class="todo"');
    expect(cardOf(locatedTargets()[3]!)).toContain('Not looked for: the far end cannot refresh connections.');
    expect(cardOf(forgettingTarget())).not.toContain('Which box forgets');
  });

  test('asks for nothing where the path is compliant', () => {
    const card = cardOf({ ...compliantTarget(), locating: locating({ result: CGN }) });
    expect(card).toContain('Which box forgets');
    expect(card).not.toContain('class="todo"');
  });
});
