/** The modes of a target: a strip for each, or one for all that found the same. */
import { listed } from '../../core/words.js';
import { MODE_ROWS } from '../../core/modes.js';
import type { ModeSnapshot, TargetSnapshot } from '../../engine/snapshot.js';
import { type Html, html } from '../../paper/html.js';
import { type CardContext, timeAgo } from './card.js';
import { foldedModes } from './fold.js';
import { modeSentence, modeStanding, unbroken } from './sentences.js';
import { renderStrip } from './strip.js';

export function renderModes(target: TargetSnapshot, context: CardContext): Html {
  const all = foldedModes(target);
  const shown =
    all === undefined
      ? target.modes.map((mode) => renderMode(mode, target, context, namedMode(mode)))
      : [renderMode(all, target, context, namedFold(target)), each(target)];
  return html`<div class="modes">${shown}</div>`;
}

function namedMode({ mode }: ModeSnapshot): Html {
  return html`${mode} <span class="who">${MODE_ROWS[mode].who}</span>`;
}

function namedFold({ modes }: TargetSnapshot): Html {
  const ways = modes.length === 2 ? 'both ways' : `all ${COUNTS[modes.length] ?? modes.length} ways`;
  return html`${ways} <span class="who">the same whoever breaks the silence: ${listed(modes.map(({ mode }) => mode))}</span>`;
}

const COUNTS: Readonly<Record<number, string>> = { 3: 'three', 4: 'four', 5: 'five' };

/** The figures of each mode, for who wants to know them. */
function each(target: TargetSnapshot): Html {
  const lines = target.modes.map(
    (mode) => html`<li>${namedMode(mode)} ${unbroken(modeSentence(mode, target))}</li>`,
  );
  return html`<details class="each" data-key="each"><summary>Each way by itself</summary><ul>${lines}</ul></details>`;
}

function renderMode(mode: ModeSnapshot, target: TargetSnapshot, { now }: CardContext, name: Html): Html {
  const { confirmedTimestamp, finding } = mode;
  return html`<section class="mode ${modeStanding(mode)}">
<h3>${name}</h3>
<p class="finding">${unbroken(modeSentence(mode, target))}${finding.suspect && html` <strong class="suspect">evidence against it awaits confirmation</strong>`}${confirmedTimestamp !== undefined && html` <span class="fresh">confirmed ${timeAgo(confirmedTimestamp, now)}</span>`}</p>
${somethingToDraw(mode, target) && renderStrip(mode, target.config.search)}
</section>`;
}

/** An empty strip of a far end that does not answer would only take room. */
function somethingToDraw({ finding, tests: done, waiting }: ModeSnapshot, { up }: TargetSnapshot): boolean {
  const known = finding.lower !== undefined || finding.upper !== undefined;
  return up !== false || known || done.length > 0 || waiting.length > 0;
}
