/** The report as one HTML page: no requests, no script, made for A4 and for a mail's attachment. */
import { durationWithSeconds, plainSeconds } from '../core/human-duration.js';
import { REASON_WORDS, timeoutWords, whatWasSeen } from '../core/words.js';
import { visibleLines } from '../visible.js';
import type { ReportDocument } from './document.js';
import { STYLE } from './style.js';
import {
  findingOf,
  CERTAINTY_WORDS,
  historyChanges,
  methodSentences,
  REQUIREMENTS,
  RESULT_WORDS,
  STATUS_WORDS,
  utcWords,
} from './words.js';

/** Renders the page around the survival chart's SVG. */
export function renderHtml(document: ReportDocument, svg: string): string {
  const title = `Idle timeout of TCP connections: ${document.target.name}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${[
  heading(document),
  summary(document),
  chart(document, svg),
  ask(document),
  explanations(document),
  method(document),
  requirement(),
  settings(document),
  history(document),
  tests(document),
  events(document),
].join('\n')}
</main>
<footer><p>Made by nat-idle-exporter ${escape(document.program.version)}. All times are UTC.${
    document.redacted ? ' Addresses and host names are replaced by placeholders; ports are as they were.' : ''
  }</p></footer>
</body>
</html>
`;
}

function heading(document: ReportDocument): string {
  const { target, verdict } = document;
  const rows: (readonly [string, string | undefined])[] = [
    ['Path', target.name],
    ['Far end', [target.host, target.address].filter((part) => part !== undefined).join(', ') || undefined],
    ['This end', target.local_address],
    ['This end as the far end sees it', target.seen_address],
    [
      'Address translation',
      target.nat_detected === undefined ? undefined : target.nat_detected ? 'yes' : 'none seen',
    ],
    ...Object.entries(target.labels),
    ['Report of', `${utcWords(document.generated)} UTC`],
  ];
  const facts = rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value ?? '')}</dd></div>`);
  return `<header>
<h1>How long this path remembers an idle TCP connection</h1>
<p class="verdict ${verdict.result}">${emphasised(verdict.sentence)}</p>
${document.complete ? '' : '<p class="note">The measurement was not finished when this report was made.</p>'}
<dl class="facts">
${facts.join('\n')}
</dl>
</header>`;
}

/** The words before the first colon are the verdict itself. */
function emphasised(sentence: string): string {
  const colon = sentence.indexOf(':') + 1;
  return `<strong>${escape(sentence.slice(0, colon))}</strong>${escape(sentence.slice(colon))}`;
}

function summary(document: ReportDocument): string {
  const rows = document.modes.map(
    (mode) => `<tr>
<th scope="row">${mode.mode}<span class="sub">${escape(mode.meaning)}</span></th>
<td>${mode.timeout_seconds === undefined ? 'not known' : escape(timeoutWords(mode.mode, findingOf(mode)))}</td>
<td>${escape(whatWasSeen(findingOf(mode)))}${mode.confirmed === undefined ? '' : `<span class="sub">confirmed ${utcWords(mode.confirmed)}</span>`}</td>
<td>${mode.deaths}</td>
<td><span class="tag ${mode.result}">${escape(RESULT_WORDS[mode.result])}</span></td>
</tr>`,
  );
  return `<section>
<h2>Result per mode</h2>
<table>
<thead><tr><th scope="col">who breaks the silence</th><th scope="col">idle timeout</th><th scope="col">what was seen</th><th scope="col">deaths</th><th scope="col">RFC 5382 REQ-5</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
<p class="small">“Deaths” are independent repeats: each is another connection that did not survive an idle time near the upper bound.</p>
</section>`;
}

function chart(document: ReportDocument, svg: string): string {
  const alternative = document.modes
    .map((mode) => `${mode.mode}: ${whatWasSeen(findingOf(mode))}.`)
    .join(' ');
  return `<section>
<h2>Every test at its idle time</h2>
<figure>
<div role="img" aria-label="${escape(`Survival by idle time. ${alternative}`)}">${svg}</div>
<figcaption><span class="key alive">●</span> answered <span class="key dead">×</span> dead <span class="key other">◇</span> says nothing.
Each mode’s strip runs from the earliest test (top) to the newest (bottom). Green ground: survived; yellow: not decided; red: did not survive.</figcaption>
</figure>
</section>`;
}

function ask(document: ReportDocument): string {
  return `<section class="ask">
<h2>What is asked for</h2>
<p>${escape(document.ask)}</p>
</section>`;
}

function explanations(document: ReportDocument): string {
  if (document.explanations.length === 0) return '';
  const items = document.explanations.map(
    ({
      text,
      certainty,
      evidence,
    }) => `<li><p>${escape(text)} <span class="tag">${escape(CERTAINTY_WORDS[certainty])}</span></p>
<ul class="small">${evidence.map((line) => `<li>${escape(line)}</li>`).join('')}</ul></li>`,
  );
  return `<section>
<h2>What it may mean</h2>
<ul>
${items.join('\n')}
</ul>
</section>`;
}

function method(document: ReportDocument): string {
  const ruledOut = document.ruled_out.map(
    ({ cause, status, why }) =>
      `<tr><th scope="row">${escape(cause)}</th><td><span class="tag ${status}">${escape(STATUS_WORDS[status])}</span></td><td>${escape(why)}</td></tr>`,
  );
  return `<section>
<h2>What was measured, and how</h2>
${methodSentences(document)
  .map((sentence) => `<p>${escape(sentence)}</p>`)
  .join('\n')}
</section>
<section>
<h2>Controls</h2>
<ul>
${document.controls.map((control) => `<li>${escape(control)}</li>`).join('\n')}
</ul>
</section>${
    ruledOut.length === 0
      ? ''
      : `
<section>
<h2>Other causes</h2>
<table>
<thead><tr><th scope="col">cause</th><th scope="col">status</th><th scope="col">why</th></tr></thead>
<tbody>
${ruledOut.join('\n')}
</tbody>
</table>
</section>`
  }`;
}

function requirement(): string {
  const quotes = REQUIREMENTS.map(
    ({ text, source, url }) =>
      `<figure class="quote"><blockquote><p>${escape(text)}</p></blockquote><figcaption><a href="${url}">${escape(source)}</a></figcaption></figure>`,
  );
  return `<section>
<h2>What the standards require</h2>
${quotes.join('\n')}
</section>`;
}

function settings(document: ReportDocument): string {
  const interval = document.keepalive_recommended_seconds;
  if (interval === undefined || document.settings.length === 0) return '';
  const items = document.settings.map(
    ({ product, text }) => `<div><h3>${escape(product)}</h3>\n<pre><code>${escape(text)}</code></pre></div>`,
  );
  return `<section>
<h2>Until then: settings that keep idle connections alive</h2>
<p>Something has to be sent every ${escape(durationWithSeconds(interval))}, half of the shortest time that survived.</p>
<div class="snippets">
${items.join('\n')}
</div>
</section>`;
}

function history(document: ReportDocument): string {
  const changes = historyChanges(document);
  if (changes.length === 0) return '';
  const rows = changes.map(
    (entry) =>
      `<tr><td>${utcWords(entry.at)}</td><td>${entry.mode}</td><td>${
        entry.timeout_seconds === undefined ? 'not known' : escape(durationWithSeconds(entry.timeout_seconds))
      }</td><td>${
        entry.compliant === undefined
          ? RESULT_WORDS.unknown
          : RESULT_WORDS[entry.compliant ? 'compliant' : 'not_compliant']
      }</td></tr>`,
  );
  return `<section>
<h2>Changes in the last 30 days</h2>
<table>
<thead><tr><th scope="col">UTC</th><th scope="col">mode</th><th scope="col">idle timeout</th><th scope="col">RFC 5382 REQ-5</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</section>`;
}

function tests(document: ReportDocument): string {
  return document.modes
    .filter((mode) => mode.tests.length > 0)
    .map((mode) => {
      const ends = new Set(mode.tests.map((test) => test.remote_address));
      const [sameEnd] = ends.size === 1 ? [...ends] : [];
      const column = sameEnd === undefined;
      const rows = mode.tests.map(
        (test) =>
          `<tr class="${test.verdict}"><td>${utcWords(test.at)}</td><td>${plainSeconds(test.idle_seconds)}</td><td>${test.verdict}</td><td>${escape(
            REASON_WORDS[test.reason],
          )}</td><td>${cell(test.local_address)}</td><td>${cell(test.seen_address)}</td>${column ? `<td>${cell(test.remote_address)}</td>` : ''}</tr>`,
      );
      return `<section>
<h2>Tests in mode ${mode.mode}</h2>
${sameEnd === undefined ? '' : `<p class="small">Far end of every test: ${escape(sameEnd)}</p>`}
<table class="tests">
<thead><tr><th scope="col">UTC</th><th scope="col">idle for</th><th scope="col">verdict</th><th scope="col">evidence</th><th scope="col">this end</th><th scope="col">this end as the far end sees it</th>${column ? '<th scope="col">far end</th>' : ''}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</section>`;
    })
    .join('\n');
}

function events(document: ReportDocument): string {
  if (document.events.length === 0) return '';
  const items = document.events.map(
    ({ at, mode, text }) => `<tr><td>${utcWords(at)}</td><td>${mode ?? ''}</td><td>${escape(text)}</td></tr>`,
  );
  return `<section>
<h2>Events</h2>
<table class="tests">
<thead><tr><th scope="col">UTC</th><th scope="col">mode</th><th scope="col">what happened</th></tr></thead>
<tbody>
${items.join('\n')}
</tbody>
</table>
</section>`;
}

function cell(address: string | undefined): string {
  return address === undefined ? '' : escape(address);
}

/** Makes text safe between tags and inside double-quoted attributes; what cannot be seen is written out. */
function escape(text: string): string {
  return visibleLines(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
