/** Connections that somebody ends aloud: resets and closes. */
import type { Mode } from '../modes.js';
import { whenForgotten } from '../words.js';
import { type Explanation, likely, measured } from './explanation.js';
import { type Forgets, forgetting, type Outcomes, outcomeSentences } from './outcome.js';

/** Resets and closes: they name the exact moment, or somebody who answers for a connection he does not know. */
export function explainEnds(outcomes: Outcomes): readonly Explanation[] {
  const dying = forgetting(outcomes);
  const shownBy = (manner: Forgets['manner']) => dying.filter(([, outcome]) => outcome.manner === manner);
  const survivors = outcomeSentences(new Map([...outcomes].filter(([, { kind }]) => kind === 'survives')));
  const text = (list: readonly (readonly [Mode, Forgets])[]) => [
    ...outcomeSentences(new Map(list)),
    ...survivors,
  ];
  const found: Explanation[] = [];
  const idle = shownBy('reset_idle');
  if (idle.length > 0) {
    found.push(
      measured(
        'reset_at_expiry',
        `A box resets idle connections by itself ${firstEnd(idle)}, so programs notice at once.`,
        text(idle),
      ),
    );
  }
  const tested = shownBy('reset');
  if (tested.length > 0) {
    found.push(
      measured(
        'answered_with_reset',
        'After the limit a packet is answered with a RST: a box refuses connections that it does not know, or it ' +
          'gave the connection a new public port and the far end refused it.',
        text(tested),
      ),
    );
  }
  const closed = shownBy('closed');
  if (closed.length > 0) {
    found.push(
      likely(
        'closed_by_somebody',
        `Idle connections are closed in an orderly way ${firstEnd(closed)}: a proxy or the far end does that, not a NAT.`,
        text(closed),
      ),
    );
  }
  return found;
}

/** When the first of several modes ends. */
function firstEnd(dying: readonly (readonly [Mode, Forgets])[]): string {
  const [first] = [...dying].sort(([, a], [, b]) => a.upper - b.upper);
  return first === undefined ? '' : whenForgotten(...first);
}
