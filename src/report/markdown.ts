/** The report as Markdown, for a ticket or an issue tracker. */
import { durationWithSeconds, plainSeconds } from '../core/human-duration.js';
import { REASON_WORDS, timeoutWords, whatWasSeen } from '../core/words.js';
import { visible, visibleLines } from '../visible.js';
import type { ReportDocument } from './document.js';
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

/** Renders the text; the chart is left to the HTML form. */
export function renderMarkdown(document: ReportDocument): string {
  const blocks: string[] = [
    `# How long this path remembers an idle TCP connection: ${plain(document.target.name)}`,
    `**${plain(document.verdict.sentence)}**`,
  ];
  if (!document.complete) blocks.push('The measurement was not finished when this report was made.');
  blocks.push(facts(document));
  blocks.push(
    '## Result per mode',
    table(
      ['mode', 'idle timeout', 'what was seen', 'deaths', 'RFC 5382 REQ-5'],
      document.modes.map((mode) => [
        mode.mode,
        timeoutWords(mode.mode, findingOf(mode)),
        whatWasSeen(findingOf(mode)),
        String(mode.deaths),
        RESULT_WORDS[mode.result],
      ]),
    ),
    list(document.modes.map((mode) => `\`${mode.mode}\`: ${plain(mode.meaning)}`)),
    '## What is asked for',
    plain(document.ask),
  );
  if (document.explanations.length > 0) {
    blocks.push(
      '## What it may mean',
      list(
        document.explanations.map(
          ({ text, certainty, evidence }) =>
            `${plain(text)} (${CERTAINTY_WORDS[certainty]})${evidence.map((e) => `\n  - ${plain(e)}`).join('')}`,
        ),
      ),
    );
  }
  blocks.push('## What was measured, and how', list(methodSentences(document).map(plain)));
  blocks.push('## Controls', list(document.controls.map(plain)));
  if (document.ruled_out.length > 0) {
    blocks.push(
      '## Other causes',
      table(
        ['cause', 'status', 'why'],
        document.ruled_out.map(({ cause, status, why }) => [cause, STATUS_WORDS[status], why]),
      ),
    );
  }
  blocks.push(
    '## What the standards require',
    ...REQUIREMENTS.map(({ text, source, url }) => `> ${plain(text)}\n>\n> [${source}](${url})`),
    ...settings(document),
    ...history(document),
    ...tests(document),
  );
  if (document.events.length > 0) {
    blocks.push(
      '## Events',
      table(
        ['UTC', 'mode', 'what happened'],
        document.events.map(({ at, mode, text }) => [utcWords(at), mode ?? '', text]),
      ),
    );
  }
  const hidden = document.redacted ? ' Addresses and host names are replaced by placeholders.' : '';
  blocks.push(
    `Made by nat-idle-exporter ${plain(document.program.version)} at ${utcWords(document.generated)}. All times are UTC.${hidden}`,
  );
  return `${blocks.join('\n\n')}\n`;
}

function facts({ target }: ReportDocument): string {
  const rows: (readonly [string, string | undefined])[] = [
    ['far end', [target.host, target.address].filter((part) => part !== undefined).join(', ') || undefined],
    ['this end', target.local_address],
    ['this end as the far end sees it', target.seen_address],
    [
      'address translation',
      target.nat_detected === undefined ? undefined : target.nat_detected ? 'yes' : 'none seen',
    ],
    ...Object.entries(target.labels),
  ];
  return list([
    `path: ${plain(target.name)}`,
    ...rows.flatMap(([name, value]) => (value === undefined ? [] : [`${plain(name)}: ${plain(value)}`])),
  ]);
}

function settings(document: ReportDocument): string[] {
  const interval = document.keepalive_recommended_seconds;
  if (interval === undefined || document.settings.length === 0) return [];
  return [
    '## Until then: settings that keep idle connections alive',
    `Something has to be sent every ${durationWithSeconds(interval)}, half of the shortest time that survived.`,
    ...document.settings.flatMap(({ product, text }) => [
      `### ${plain(product)}`,
      `\`\`\`\n${visibleLines(text)}\n\`\`\``,
    ]),
  ];
}

function history(document: ReportDocument): string[] {
  const changes = historyChanges(document);
  if (changes.length === 0) return [];
  return [
    '## Changes in the last 30 days',
    table(
      ['UTC', 'mode', 'idle timeout', 'RFC 5382 REQ-5'],
      changes.map(({ at, mode, timeout_seconds, compliant }) => [
        utcWords(at),
        mode,
        timeout_seconds === undefined ? 'not known' : durationWithSeconds(timeout_seconds),
        compliant === undefined
          ? RESULT_WORDS.unknown
          : RESULT_WORDS[compliant ? 'compliant' : 'not_compliant'],
      ]),
    ),
  ];
}

function tests(document: ReportDocument): string[] {
  return document.modes
    .filter((mode) => mode.tests.length > 0)
    .flatMap((mode) => [
      `## Tests in mode ${mode.mode}`,
      table(
        ['UTC', 'idle for', 'verdict', 'evidence', 'this end', 'as seen by the far end', 'far end'],
        mode.tests.map((test) => [
          utcWords(test.at),
          plainSeconds(test.idle_seconds),
          test.verdict,
          REASON_WORDS[test.reason],
          test.local_address ?? '',
          test.seen_address ?? '',
          test.remote_address ?? '',
        ]),
      ),
    ]);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(plain).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}

/** Text that Markdown leaves alone: no markup, no HTML, no line breaks. Addresses of pages stay as they are. */
function plain(text: string): string {
  return visible(text.replace(/[ \t\r\n\f\v]+/g, ' '))
    .split(/(https?:\/\/[^\s|<>()]+)/)
    .map((part, index) => (index % 2 === 1 ? part : escaped(part)))
    .join('');
}

function escaped(text: string): string {
  return text
    .replace(/[\\`*_[\]|~]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}
