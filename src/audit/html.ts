/** The audit as one HTML page: no requests, no script, made for A4 and for an appendix of somebody's report. */
import { humanDuration } from '../core/human-duration.js';
import { STYLE } from '../report/style.js';
import { REQUIREMENTS, utcWords } from '../report/words.js';
import { Html, html } from '../paper/html.js';
import type { AuditDocument, AuditSummary } from './document.js';
import { boundWords, methodOf, resultOf, sentenceOf, shareWords, worstWords } from './words.js';

/** What the audit's tables need on top of the report's style. */
const TABLES = `
main, footer { max-width: 60rem; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tfoot td, tfoot th { font-weight: 600; border-top: 2px solid var(--line); }
.bad { color: var(--bad); }
.key.at-least { color: #9ccfae; }
`;

/** Renders the page around the distribution chart's SVG. */
export function renderHtml(document: AuditDocument, svg: string): string {
  const sentence = sentenceOf(document);
  const colon = sentence.indexOf(':') + 1;
  const facts: readonly (readonly [string, string])[] = [
    ['Prometheus', document.prometheus],
    ['At', `${utcWords(document.at)} UTC`],
    ['Grouped by', document.by.join(', ')],
    ['Paths', String(document.total.paths)],
    ['Unknown', String(document.total.unknown)],
    [
      'Of these stale',
      `${document.total.stale} (seen within ${humanDuration(document.lookback_seconds)}, not now)`,
    ],
    ['Report of', `${utcWords(document.generated)} UTC`],
  ];
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit of idle timeouts of TCP connections</title>
<style>${new Html(STYLE + TABLES)}</style>
</head>
<body>
<main>
<header>
<h1>How long ${document.total.paths === 1 ? 'one path remembers' : `${document.total.paths} paths remember`} an idle TCP connection</h1>
<p class="verdict ${resultOf(document)}"><strong>${sentence.slice(0, colon)}</strong>${sentence.slice(colon)}</p>
<dl class="facts">
${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>
</header>
${groups(document)}
${chart(document, svg)}
${worst(document)}
<section>
<h2>Method</h2>
${methodOf(document).map((line) => html`<p>${line}</p>\n`)}</section>
<section>
<h2>What the standards require</h2>
${REQUIREMENTS.map(
  ({ text, source, url }) =>
    html`<figure class="quote"><blockquote><p>${text}</p></blockquote><figcaption><a href="${url}">${source}</a></figcaption></figure>\n`,
)}</section>
</main>
<footer><p>Made by nat-idle-exporter ${document.program.version}. All times are UTC.</p></footer>
</body>
</html>
`.toString();
}

function cells(summary: AuditSummary): Html {
  return html`<td class="n">${summary.paths}</td><td class="n">${summary.compliant}</td><td class="n">${shareWords(summary.compliant, summary.paths)}</td><td class="n${summary.not_compliant > 0 && ' bad'}">${summary.not_compliant}</td><td class="n">${summary.unknown}</td><td class="n">${summary.stale}</td><td class="n">${boundWords(summary.minimum)}</td><td class="n">${boundWords(summary.median)}</td>`;
}

function groups(document: AuditDocument): Html {
  return html`<section>
<h2>Paths by ${document.by.join(' and ')}, the worst first</h2>
<table>
<thead><tr><th scope="col">${document.by.join(' / ')}</th><th scope="col" class="n">paths</th><th scope="col" class="n">compliant</th><th scope="col" class="n">share</th><th scope="col" class="n">not compliant</th><th scope="col" class="n">unknown</th><th scope="col" class="n">of these stale</th><th scope="col" class="n">minimum</th><th scope="col" class="n">median</th></tr></thead>
<tbody>
${document.groups.map((group) => html`<tr><th scope="row">${group.name}</th>${cells(group)}</tr>\n`)}</tbody>
<tfoot><tr><th scope="row">all</th>${cells(document.total)}</tr></tfoot>
</table>
<p class="small">The share is that of the compliant paths among all, the unknown ones included. ≥: nothing died up to that idle time.</p>
</section>`;
}

function chart(document: AuditDocument, svg: string): Html {
  const { timeouts, paths } = document.total;
  if (timeouts === 0) return html`<p class="note">No path has a timeout yet.</p>`;
  const alternative = document.distribution
    .slice(0, 12)
    .map(({ seconds, at_least, paths: some }) => `${some} × ${boundWords({ seconds, at_least })}`)
    .join(', ');
  const more = document.distribution.length > 12 ? ', and more' : '';
  return html`<section>
<h2>Distribution of the timeouts</h2>
<figure>
<div role="img" aria-label="Paths by idle timeout: ${alternative}${more}.">${new Html(svg)}</div>
<figcaption><span class="key dead">■</span> below the requirement <span class="key alive">■</span> above it <span class="key at-least">■</span> above it, and nothing died.
The smallest timeout over its modes of each path that has one: ${timeouts} of ${paths}.</figcaption>
</figure>
</section>`;
}

function worst(document: AuditDocument): Html | undefined {
  const rows = document.groups.flatMap((group) =>
    group.worst.map(
      (path) =>
        html`<tr><td>${group.name}</td><td>${path.name}</td><td>${worstWords(path)}</td><td>${path.mode}</td></tr>\n`,
    ),
  );
  if (rows.length === 0) return undefined;
  return html`<section>
<h2>The worst paths of each group</h2>
<table class="tests">
<thead><tr><th scope="col">${document.by.join(' / ')}</th><th scope="col">path</th><th scope="col">idle timeout</th><th scope="col">mode</th></tr></thead>
<tbody>
${rows}</tbody>
</table>
<p class="small">A path of which no death is known is not listed. The mode tells who broke the silence: send this end, recv the far end, keepalive this end’s kernel.</p>
</section>`;
}
