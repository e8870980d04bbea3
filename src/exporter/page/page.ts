/** The status page as one HTML document, complete without any script; scripts only keep it fresh. */
import { humanDuration } from '../../core/human-duration.js';
import { MODES, requirementsOf } from '../../core/modes.js';
import type { TargetSnapshot } from '../../engine/snapshot.js';
import type { Seconds } from '../../units.js';
import { type Html, html, verbatim } from '../../paper/html.js';
import { guarded } from '../guard.js';
import { type CardContext, cardId, renderCard, standingBadge, timeAgo } from './card.js';
import { countInWords, moment, type Standing, targetVerdict, unbroken } from './sentences.js';

export interface PageOptions {
  readonly targets: readonly TargetSnapshot[];
  readonly schedule: string;
  readonly version: string;
  readonly telemetryPath: string;
  /** Names of the served style and script; they change with the content. */
  readonly assets: { readonly style: string; readonly script: string };
  readonly context: CardContext;
  readonly selection: Selection;
}

/** The part of the fleet that one page shows. */
export interface Selection {
  readonly shown: readonly TargetSnapshot[];
  /** What was searched for, empty for everything. */
  readonly query: string;
  /** 1 … `pages`. */
  readonly page: number;
  readonly pages: number;
}

/** Cards on one page; a larger fleet gets several pages. */
const PAGE_SIZE = 50;

/** With more targets than this there is a field to find one. */
const FILTER_FROM = 8;

/** Worst first: the order of the page. */
const STANDINGS: readonly Standing[] = ['violating', 'down', 'measuring', 'compliant'];

/**
 * The targets whose name or label values contain the query, whatever the case; worst first, one page of them.
 * @param page 1 …, brought into the range that there is
 */
export function selectTargets(targets: readonly TargetSnapshot[], query: string, page: number): Selection {
  const wanted = query.trim().toLowerCase();
  const found = targets.filter(({ config }) =>
    [config.name, ...Object.values(config.labels)].some((word) => word.toLowerCase().includes(wanted)),
  );
  const pages = Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  const at = Math.min(Math.max(1, page), pages);
  return { shown: worstFirst(found).slice((at - 1) * PAGE_SIZE, at * PAGE_SIZE), query, page: at, pages };
}

function worstFirst(targets: readonly TargetSnapshot[]): readonly TargetSnapshot[] {
  const rank = new Map(targets.map((target) => [target, STANDINGS.indexOf(standingOf(target))]));
  return [...targets].sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
}

export function renderPage(options: PageOptions): string {
  const { targets, context } = options;
  const { shown, query, page, pages } = options.selection;
  const body = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title(targets)}</title>
<link rel="icon" href="assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="assets/${options.assets.style}">
<script src="assets/${options.assets.script}" type="module"></script>
</head>
<body data-now="${context.now}">
<a class="skip" href="#main">Skip to the targets</a>
<header class="top">
<h1>nat-idle-exporter</h1>
<p id="summary">${renderSummary(targets)}</p>
<p class="asof">As of <time id="asof" datetime="${new Date(context.now * 1000).toISOString()}">${moment(context.now)}</time> <span id="live" role="status"></span></p>
</header>
<main id="main">
${[targets.length > FILTER_FROM && filterForm(query), targets.length > 1 && overview(shown, context), targets.length > 0 && legend()]}
${targets.length === 0 && html`<p class="empty">No targets are configured.</p>`}
${targets.length > 0 && shown.length === 0 && html`<p class="empty">No target matches “${query}”.</p>`}
<div id="cards">${shown.map((target) => renderCard(target, context))}</div>
${pages > 1 && pager(page, pages, query)}
</main>
<footer>
<p>In steady state a round starts at <code>${options.schedule}</code>; between rounds the values are kept.
<a href=".${options.telemetryPath}">Metrics</a> · <a href="api/v1/targets">JSON</a> · <a href="config">Configuration</a> · version ${options.version}</p>
</footer>
<div id="announce" class="visually-hidden" aria-live="polite"></div>
</body>
</html>
`;
  return body.text;
}

/** The count of targets by standing: `3 targets: 1 forgets too early, 2 measuring`. */
export function renderSummary(targets: readonly TargetSnapshot[]): Html {
  const counts = new Map<Standing, number>();
  for (const target of targets) {
    const standing = standingOf(target);
    counts.set(standing, (counts.get(standing) ?? 0) + 1);
  }
  const parts = STANDINGS.filter((standing) => counts.has(standing)).map(
    (standing) =>
      html`<span class="count ${standing}">${countInWords(standing, counts.get(standing) ?? 0)}</span> `,
  );
  return html`${targets.length} ${targets.length === 1 ? 'target' : 'targets'} ${parts}`;
}

/** How a target stands; one that cannot be judged is still being measured. Its card says what is wrong. */
function standingOf(target: TargetSnapshot): Standing {
  return guarded<Standing>(
    target,
    () => undefined,
    () => targetVerdict(target).standing,
    () => 'measuring',
  );
}

/** One line of the overview; exchanged together with the card. */
export function renderRow(target: TargetSnapshot, { now, broken }: CardContext): Html {
  const { name } = target.config;
  return guarded(
    target,
    broken,
    () => wholeRow(target, now),
    (why) =>
      html`<tr data-row="${name}"><th scope="row"><a href="#${cardId(name)}">${name}</a></th><td>–</td><td class="sentence">cannot be shown: ${why}</td><td class="confirmed">–</td></tr>`,
  );
}

function wholeRow(target: TargetSnapshot, now: Seconds): Html {
  const { name } = target.config;
  const { standing, sentence } = targetVerdict(target);
  const confirmed = target.modes.map((mode) => mode.confirmedTimestamp).filter((at) => at !== undefined);
  return html`<tr data-row="${verbatim(name)}"><th scope="row"><a href="#${cardId(name)}">${name}</a></th><td>${standingBadge(standing)}</td><td class="sentence">${unbroken(sentence)}</td><td class="confirmed">${confirmed.length > 0 ? timeAgo(Math.max(...confirmed), now) : '–'}</td></tr>`;
}

function title(targets: readonly TargetSnapshot[]): string {
  const early = targets.filter((target) => standingOf(target) === 'violating').length;
  return early > 0
    ? `${early} of ${targets.length} forget too early – nat-idle-exporter`
    : 'nat-idle-exporter';
}

function overview(shown: readonly TargetSnapshot[], context: CardContext): Html | undefined {
  if (shown.length === 0) return undefined;
  const head = html`<thead><tr><th scope="col">Target</th><th scope="col">State</th><th scope="col">Verdict</th><th scope="col" class="confirmed">Confirmed</th></tr></thead>`;
  const table = html`<table class="overview"><caption>Overview</caption>${head}<tbody>${shown.map((target) => renderRow(target, context))}</tbody></table>`;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Overview">${table}</div>`;
}

function filterForm(query: string): Html {
  return html`<form class="filter" role="search" method="get"><label for="q">Find a target</label> <input id="q" name="q" type="search" value="${query}"> <button type="submit">Find</button></form>`;
}

function pager(page: number, pages: number, query: string): Html {
  const link = (to: number, text: string): Html =>
    html`<a href="?${new URLSearchParams({ ...(query === '' ? {} : { q: query }), page: String(to) }).toString()}">${text}</a>`;
  return html`<nav class="pager" aria-label="Pages">${page > 1 && link(page - 1, 'Previous')} Page ${page} of ${pages} ${page < pages && link(page + 1, 'Next')}</nav>`;
}

function legend(): Html {
  const sign = (body: Html, text: string): Html =>
    html`<li><svg width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true">${body}</svg> ${text}</li>`;
  const box = (name: string): Html => html`<rect class="${name}" x="-7" y="-5" width="14" height="10"/>`;
  return html`<p class="visually-hidden">Signs in the pictures:</p><ul class="legend">${[
    sign(html`<circle class="alive" r="4.5"/>`, 'survived'),
    sign(html`<path class="dead" d="M-4-4 4 4M-4 4 4-4"/>`, 'died'),
    sign(html`<circle class="inconclusive" r="1.8"/>`, 'inconclusive'),
    sign(html`<circle class="waiting" r="3"/>`, 'waiting, moving right'),
    sign(box('remembered'), 'remembered'),
    sign(box('bracket'), 'bracket'),
    sign(box('forgotten'), 'forgotten'),
    requirementsOf(MODES).map(({ idle, clause }) =>
      sign(html`<line class="req5" x1="0" x2="0" y1="-7" y2="7"/>`, `${humanDuration(idle)}, ${clause}`),
    ),
  ]}</ul>`;
}
