/** One target on the status page: verdict, strips, diagnosis, settings to paste, last events, every test. */
import type { EmbeddedBox } from '../../config/far-ends.js';
import { exactDuration, humanDuration } from '../../core/human-duration.js';
import { reasonOf } from '../../core/verdict.js';
import { MODE_ROWS } from '../../core/modes.js';
import { REASON_WORDS } from '../../core/words.js';
import type { ModeSnapshot, TargetSnapshot, TestRecord } from '../../engine/snapshot.js';
import type { Seconds } from '../../units.js';
import { type Html, html, verbatim } from '../../paper/html.js';
import type { HistoryEntry } from '../../history/entry.js';
import { guarded, type TellBroken } from '../guard.js';
import { renderHistory } from './history.js';
import { renderStrip } from './strip.js';
import {
  ago,
  isoMoment,
  modeSentence,
  modeStanding,
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
  /** The findings of the last 30 days by target, oldest first. */
  readonly history: ReadonlyMap<string, readonly HistoryEntry[]>;
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
<p class="facts">${facts(target)}</p>
</header>
<div class="columns">
<div class="modes">${target.modes.map((mode) => renderMode(mode, target, context))}</div>
<div class="aside">${[diagnosis(target), recommendation(target), events(target, context)]}</div>
</div>
${[renderHistory(context.history.get(config.name) ?? [], target, id, context.now), tests(target, id), report(target, context)]}
</article>`;
}

function reachable({ up, downReason }: TargetSnapshot): Html {
  if (up === undefined) return html`<span class="reach">far end: not tried yet</span>`;
  return up
    ? html`<span class="reach up">far end answers</span>`
    : html`<span class="reach down">far end does not answer${downReason !== undefined && `: ${downReason}`}</span>`;
}

/** What the built-in NAT does: `forgets 10 % of the connections after 1 min, keeps 40 connections, ends each after 5 min`. */
function boxWords({ idle_timeout, bad_share, quota, lifetime }: EmbeddedBox): string {
  const some =
    bad_share === undefined || bad_share === 1
      ? ''
      : `${Number((100 * bad_share).toPrecision(3))} % of the connections `;
  return [
    `forgets ${some}after ${humanDuration(idle_timeout)}`,
    ...(quota === undefined ? [] : [`keeps ${quota} connections`]),
    ...(lifetime === undefined ? [] : [`ends each after ${humanDuration(lifetime)}`]),
  ].join(', ');
}

function facts(target: TargetSnapshot): Html[] {
  const { config, address, seenAddress, localAddress, routerAddress, natDetected, conntrack } = target;
  const far = config.far_end;
  const where =
    far.kind === 'embedded'
      ? `built-in NAT that ${boxWords(far)}, for demonstration`
      : `${far.host} (${far.kind})`;
  const list: readonly (readonly [string, string | undefined])[] = [
    ['far end', where],
    ['address', address],
    ['this host', localAddress],
    ['router outside', routerAddress],
    ['seen as', seenAddress],
    ['NAT', natDetected === undefined ? undefined : natDetected ? 'detected' : 'none detected'],
    ['conntrack here', conntrack.local === undefined ? undefined : humanDuration(conntrack.local)],
    ['conntrack there', conntrack.responder === undefined ? undefined : humanDuration(conntrack.responder)],
    ...Object.entries(config.labels),
  ];
  return list
    .filter((entry): entry is readonly [string, string] => entry[1] !== undefined)
    .map(([name, value]) => html`<span class="fact"><span class="key">${name}</span> ${value}</span> `);
}

function renderMode(mode: ModeSnapshot, target: TargetSnapshot, { now }: CardContext): Html {
  const { confirmedTimestamp, finding } = mode;
  return html`<section class="mode ${modeStanding(mode)}">
<h3>${mode.mode} <span class="who">${MODE_ROWS[mode.mode].who}</span></h3>
<p class="finding">${unbroken(modeSentence(mode, target))}${finding.suspect && html` <strong class="suspect">evidence against it awaits confirmation</strong>`}${confirmedTimestamp !== undefined && html` <span class="fresh">confirmed ${timeAgo(confirmedTimestamp, now)}</span>`}</p>
${somethingToDraw(mode, target) && renderStrip(mode, target.config.search)}
</section>`;
}

/** An empty strip of a far end that does not answer would only take room. */
function somethingToDraw({ finding, tests: done, waiting }: ModeSnapshot, { up }: TargetSnapshot): boolean {
  const known = finding.lower !== undefined || finding.upper !== undefined;
  return up !== false || known || done.length > 0 || waiting.length > 0;
}

function diagnosis({ explanations }: TargetSnapshot): Html | undefined {
  if (explanations.length === 0) return undefined;
  return html`<div><h3>Diagnosis</h3><ul class="why">${explanations.map(
    ({ certainty, text, evidence }) =>
      html`<li><span class="certainty ${certainty}">${certainty}</span> ${unbroken(text)}${evidence.length > 0 && html`<ul class="evidence">${evidence.map((line) => html`<li>${unbroken(line)}</li>`)}</ul>`}</li>`,
  )}</ul></div>`;
}

function recommendation({ keepaliveRecommended, settings }: TargetSnapshot): Html | undefined {
  if (keepaliveRecommended === undefined && settings === undefined) return undefined;
  const interval = keepaliveRecommended ?? settings?.interval ?? 0;
  const snippets = settings?.snippets ?? [];
  return html`<div><h3>Recommendation</h3>
<p>Send something at least every <strong>${unbroken(humanDuration(interval))}</strong>${interval >= 60 && ` (${interval} s)`}.</p>
${
  snippets.length > 0 &&
  html`<details data-key="settings"><summary>Settings to paste</summary>${snippets.map(
    ({ product, text }) =>
      html`<figure class="snippet"><figcaption>${product}</figcaption><pre tabindex="0" role="group" aria-label="${product}"><code>${text}</code></pre></figure>`,
  )}</details>`
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

function report({ config }: TargetSnapshot, { reports }: CardContext): Html | undefined {
  if (!reports) return undefined;
  return html`<p class="report"><a href="report/${encodeURIComponent(config.name)}">Report for the network's operator</a></p>`;
}
