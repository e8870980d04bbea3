/** The status page as one HTML document, complete without any script; scripts only keep it fresh. */
import type { TargetSnapshot } from '../../engine/snapshot.js';
import { type Html, html } from '../../paper/html.js';
import { MANUAL_LINKS } from '../../web/manual.js';
import { type CardContext, renderCard } from './card.js';
import { renderFilter, renderTable } from './fleet-table.js';
import { renderLegend } from './glossary.js';
import { addressOf, isFleet, type Selection, standingOf, STANDINGS, type Wish } from './selection.js';
import { countInWords, moment, type Standing, STANDING_WORDS } from './sentences.js';

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

/** The page of some targets. A form of it comes back with its Origin only where the page's own site may be told. */
export function renderPage(options: PageOptions): string {
  const { targets, context } = options;
  const { shown, cards, wish, pages } = options.selection;
  const isWhole = wish.names.length === 0;
  const body = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="same-origin">
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
${[isFleet(targets) && isWhole && renderFilter(wish), targets.length > 1 && isWhole && renderTable(options.selection, context), !isWhole && html`<p><a href="./">All targets</a></p>`, cards.length > 0 && renderLegend()]}
${targets.length === 0 && html`<p class="empty">No targets are configured.</p>`}
${targets.length > 0 && shown.length === 0 && html`<p class="empty">No target matches ${wishWords(wish)}.</p>`}
<div id="cards">${cards.map((target) => renderCard(target, context))}</div>
${pages > 1 && pager(options.selection)}
</main>
<footer>
<p>In steady state a round starts at <code>${options.schedule}</code>; between rounds the values are kept.
<a href=".${options.telemetryPath}">Metrics</a> · <a href="api/v1/targets">JSON</a> · <a href="config">Configuration</a> · ${MANUAL_LINKS.map(([words, target]) => html`<a href="${target}">${words}</a> · `)} version ${options.version}</p>
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

function title(targets: readonly TargetSnapshot[]): string {
  const early = targets.filter((target) => standingOf(target) === 'violating').length;
  return early > 0
    ? `${early} of ${targets.length} forget too early – nat-idle-exporter`
    : 'nat-idle-exporter';
}

/** `“site-07”, no answer`: what was asked for. */
function wishWords({ query, state, names }: Wish): string {
  const words = [...names, ...(query === '' ? [] : [query])].map((word) => `“${word}”`);
  return [...words, ...(state === undefined ? [] : [STANDING_WORDS[state]])].join(', ');
}

function pager({ wish, page, pages }: Selection): Html {
  const link = (to: number, text: string): Html =>
    html`<a href="${addressOf({ ...wish, page: to })}">${text}</a>`;
  return html`<nav class="pager" aria-label="Pages">${page > 1 && link(page - 1, 'Previous')} Page ${page} of ${pages} ${page < pages && link(page + 1, 'Next')}</nav>`;
}
