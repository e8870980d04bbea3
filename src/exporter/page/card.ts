/** One target on the status page: verdict, strips, diagnosis, settings to paste, last events, every test. */
import { exactDuration, humanDuration } from '../../core/human-duration.js';
import { proofWords } from '../../core/diagnosis/proof.js';
import { leftOutWords, TRIED_WORDS } from '../../core/diagnosis/settings.js';
import { reasonOf } from '../../core/verdict.js';
import { REASON_WORDS } from '../../core/words.js';
import type { TargetSnapshot, TestRecord } from '../../engine/snapshot.js';
import type { Seconds } from '../../units.js';
import { type Html, html, verbatim } from '../../paper/html.js';
import type { HistoryEntry } from '../../history/entry.js';
import { guarded, type TellBroken } from '../guard.js';
import { renderDoNow, renderSnippet } from './next-step.js';
import { renderFacts } from './small-print.js';
import type { RowForm } from './fleet-table.js';
import { renderHistory } from './history.js';
import { renderModes } from './mode-strips.js';
import { renderRoutes } from './route.js';
import {
  ago,
  isoMoment,
  moment,
  STANDING_WORDS,
  type Standing,
  targetVerdict,
  unbroken,
} from './sentences.js';

export interface CardContext {
  /** Unix time of the rendering. */
  readonly now: Seconds;
  /** Whether `/report/<target>` exists. */
  readonly reports: boolean;
  /** What its forms that measure a target again send along; absent where they are not served. */
  readonly measureToken?: string;
  /** The findings of the last 30 days by target, oldest first. */
  readonly history: ReadonlyMap<string, readonly HistoryEntry[]>;
  /** The columns of the table and where its links lead. */
  readonly rows: RowForm;
  /** Told of a target that cannot be drawn. */
  readonly broken: TellBroken;
}

/** Most rows that the card shows of its newest events and tests. */
const EVENTS_SHOWN = 8;
const TESTS_SHOWN = 40;

const SIGNS: Readonly<Record<Standing, string>> = {
  compliant: '✓',
  violating: '✕',
  measuring: '…',
  down: '!',
};

/** An `id` attribute that is unique for the name and holds only harmless characters. */
export function cardId(name: string): string {
  return `t-${name.replace(/[^A-Za-z0-9-]/g, (character) => `_${character.codePointAt(0)?.toString(16) ?? ''}_`)}`;
}

export function standingBadge(standing: Standing): Html {
  return html`<span class="badge ${standing}"><span aria-hidden="true">${SIGNS[standing]}</span> <span class="words">${STANDING_WORDS[standing]}</span></span>`;
}

/** A moment with its distance from now, which a script keeps fresh. */
export function timeAgo(at: Seconds, now: Seconds): Html {
  return html`<time datetime="${isoMoment(at)}" title="${moment(at)}" data-ago>${ago(now - at)}</time>`;
}

/** The card of a target; one that cannot be drawn says so in the place of its card. */
export function renderCard(target: TargetSnapshot, context: CardContext): Html {
  return guarded(
    target,
    context.broken,
    () => wholeCard(target, context),
    (why) => brokenCard(target, why),
  );
}

function brokenCard({ config: { name } }: TargetSnapshot, why: string): Html {
  const id = cardId(name);
  const sentence = `This target cannot be shown: ${why}`;
  return html`<article class="card measuring" id="${id}" aria-labelledby="${id}-name" data-target="${name}" data-verdict="${sentence}">
<header>
<h2 id="${id}-name"><a href="#${id}">${name}</a></h2>
<p class="verdict">${sentence}.</p>
</header>
</article>`;
}

function wholeCard(target: TargetSnapshot, context: CardContext): Html {
  const { config } = target;
  const id = cardId(config.name);
  const verdict = targetVerdict(target);
  return html`<article class="card ${verdict.standing}" id="${id}" aria-labelledby="${id}-name" data-target="${verbatim(config.name)}" data-verdict="${verdict.sentence}">
<header>
<h2 id="${id}-name"><a href="#${id}">${config.name}</a></h2>${standingBadge(verdict.standing)}${verdict.standing !== 'down' && reachable(target)}
<p class="verdict">${unbroken(verdict.sentence)}</p>
${[renderDoNow(target, context), renderFacts(target)]}
</header>
<div class="columns">
<div class="pictures">${[renderModes(target, context), renderHistory(context.history.get(config.name) ?? [], target, context.now)]}</div>
<div class="aside">${[diagnosis(target), recommendation(target), events(target, context)]}</div>
</div>
${[renderRoutes(target), tests(target, id)]}
</article>`;
}

function reachable({ up, downReason }: TargetSnapshot): Html {
  if (up === undefined) return html`<span class="reach">far end: not tried yet</span>`;
  return up
    ? html`<span class="reach up">far end answers</span>`
    : html`<span class="reach down">far end does not answer${downReason !== undefined && `: ${downReason}`}</span>`;
}

function diagnosis({ explanations }: TargetSnapshot): Html | undefined {
  if (explanations.length === 0) return undefined;
  return html`<div><h3>Diagnosis</h3><ul class="why">${explanations.map(
    ({ certainty, text, evidence }) =>
      html`<li><span class="certainty ${certainty}">${certainty}</span> ${unbroken(text)}${evidence.length > 0 && html`<ul class="evidence">${evidence.map((line) => html`<li>${unbroken(line)}</li>`)}</ul>`}</li>`,
  )}</ul></div>`;
}

function recommendation({ keepaliveRecommended, settings, proving }: TargetSnapshot): Html | undefined {
  if (keepaliveRecommended === undefined && settings === undefined) return undefined;
  const interval = keepaliveRecommended ?? settings?.interval ?? 0;
  const snippets = settings?.snippets ?? [];
  const leftOut = settings === undefined ? [] : leftOutWords(settings);
  const tried = proving?.proofs ?? [];
  return html`<div><h3>Recommendation</h3>
<p>Send something at least every <strong>${unbroken(humanDuration(interval))}</strong>${interval >= 60 && ` (${interval} s)`}.</p>
${tried.length > 0 && html`<ul class="proofs">${tried.map((proof) => html`<li>${unbroken(proofWords(proof))}</li>`)}</ul>`}
${
  snippets.length > 0 &&
  html`<details data-key="settings"><summary>Settings to paste</summary>${snippets.map(
    ({ product, text, tried }) =>
      renderSnippet(product, text, html`<span class="tried ${tried}">${TRIED_WORDS[tried]}</span>`),
  )}${leftOut.map((words) => html`<p>${unbroken(words)}</p>`)}</details>`
}</div>`;
}

function events({ events: all }: TargetSnapshot, { now }: CardContext): Html | undefined {
  if (all.length === 0) return undefined;
  const newest = all.slice(-EVENTS_SHOWN).reverse();
  return html`<div><h3>Last events</h3><ol class="events">${newest.map(
    ({ at, mode, text }) =>
      html`<li>${timeAgo(at, now)} ${mode !== undefined && html`<span class="key">${mode}</span> `}${unbroken(text)}</li>`,
  )}</ol></div>`;
}

function tests({ modes }: TargetSnapshot, id: string): Html | undefined {
  const all = modes.flatMap(({ mode, tests: list }) =>
    list.slice(-TESTS_SHOWN).map((test) => ({ mode, test })),
  );
  if (all.length === 0) return undefined;
  const newest = all.sort((a, b) => b.test.at - a.test.at).slice(0, TESTS_SHOWN);
  return html`<details class="tests" data-key="tests"><summary>Newest tests (${newest.length})</summary>
<div class="scroll" tabindex="0" role="group" aria-labelledby="${id}-tests"><table><caption id="${id}-tests">Newest tests</caption>
<thead><tr><th scope="col">Time</th><th scope="col">Mode</th><th scope="col">Idle</th><th scope="col">Outcome</th><th scope="col">Local</th><th scope="col">Seen as</th></tr></thead>
<tbody>${newest.map(({ mode, test }) => testRow(mode, test))}</tbody></table></div></details>`;
}

function testRow(mode: string, { at, idle, verdict, local, seen }: TestRecord): Html {
  return html`<tr><td>${moment(at)}</td><td>${mode}</td><td>${exactDuration(idle)}</td><td class="outcome ${verdict.kind}">${verdict.kind}: ${REASON_WORDS[reasonOf(verdict)]}</td><td>${local ?? '–'}</td><td>${seen ?? '–'}</td></tr>`;
}
