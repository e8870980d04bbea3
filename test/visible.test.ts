import { describe, expect, test } from 'vitest';
import { renderAudit } from '../src/audit/audit-forms.js';
import { renderText } from '../src/audit/audit-text.js';
import { buildAudit } from '../src/audit/build-audit.js';
import { UsageError } from '../src/cli/flags.js';
import { ConfigError } from '../src/config/problem.js';
import { createLogger } from '../src/log.js';
import { renderProgress } from '../src/measure/progress.js';
import { renderResult } from '../src/measure/result.js';
import { createMeasureView } from '../src/measure/view.js';
import { renderCard } from '../src/exporter/page/card.js';
import { renderRow } from '../src/exporter/page/fleet-table.js';
import { renderReport } from '../src/report/report-forms.js';
import { hidesSomething, visible, visibleJson, visibleLines } from '../src/visible.js';
import { html } from '../src/paper/html.js';
import { CARD_CONTEXT, downTarget, forgettingTarget, makeConfig, SCENE_TIME } from './support/fake-view.js';

/** One of each kind: bidi override, zero width, byte order mark, escape, C1, lone surrogate, private use, tag, lines. */
const HIDDEN: readonly (readonly [string, string])[] = [
  ['\u202e', '\\u202e'],
  ['\u2066', '\\u2066'],
  ['\u200b', '\\u200b'],
  ['\u200d', '\\u200d'],
  ['\u00ad', '\\u00ad'],
  ['\ufeff', '\\ufeff'],
  ['\u001b', '\\u001b'],
  ['\u0000', '\\u0000'],
  ['\u007f', '\\u007f'],
  ['\u009b', '\\u009b'],
  ['\ud800', '\\ud800'],
  ['\udfff', '\\udfff'],
  ['\ue000', '\\ue000'],
  ['\u{f0000}', '\\udb80\\udc00'],
  ['\u{e0041}', '\\udb40\\udc41'],
  ['\ufffe', '\\ufffe'],
  ['\u2028', '\\u2028'],
  ['\u2029', '\\u2029'],
];

describe('visible()', () => {
  test.each(HIDDEN)('%j is written out', (character, written) => {
    expect(visible(`a${character}b`)).toBe(`a${written}b`);
    expect(visibleLines(`a${character}b\n\tc`)).toBe(`a${written}b\n\tc`);
    const json = visibleJson({ [character]: character });
    expect(json).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(json)).toEqual({ [character]: character });
  });

  test('leaves letters, pictures and blanks alone, and writes the ends of lines out', () => {
    const plain = 'Zürich 東京 🦊 \u00a0é ⏱\ufe0f عربي ’';
    expect(visible(plain)).toBe(plain);
    expect(hidesSomething(plain)).toBe(false);
    expect(visible('a\r\n\tb')).toBe('a\\u000d\\u000a\\u0009b');
  });

  test.each(HIDDEN.filter(([character]) => character !== '\ufffe'))('%j is in no name', (character) => {
    expect(hidesSomething(`a${character}b`)).toBe(true);
  });

  test('what is not assigned yet may be in a name: the next Unicode may show it', () => {
    expect(hidesSomething('a\u0378')).toBe(false);
    expect(visible('a\u0378')).toBe('a\\u0378');
  });
});

describe('names with hidden characters', () => {
  const ALL = HIDDEN.map(([character]) => character).join('');
  const evil = `evil${ALL}name`;
  /** Everything but printable text and the ends of lines. */
  const UNSEEN = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/u;
  const snapshot = {
    ...downTarget(evil),
    config: makeConfig(evil, { labels: { [evil]: evil } }),
    downReason: evil,
    explanations: forgettingTarget().explanations.map((found) => ({
      ...found,
      text: evil,
      evidence: [evil],
    })),
    events: [{ at: SCENE_TIME, text: evil }],
    settings: {
      interval: 60,
      snippets: [{ product: evil, text: evil, tried: 'held' as const }],
      leftOut: [{ product: evil, why: evil }],
    },
    keepaliveRecommended: 60,
  };

  /** What is written shows the override and nothing of it is left as it is. */
  function expectShown(text: string): void {
    expect(UNSEEN.exec(text)?.[0].codePointAt(0)?.toString(16)).toBeUndefined();
    expect(text).toContain('\\u202e');
  }

  test.each(['logfmt', 'json'] as const)('are shown in the log as %s', (format) => {
    let text = '';
    const stream = { write: (line: string) => (text += line) };
    const log = createLogger({ level: 'info', format, stream });
    log.child({ child: evil }).info({ target: evil, nested: { [evil]: [evil] }, err: new Error(evil) }, evil);
    expectShown(text);
    expect(text.split('\n')).toHaveLength(2);
    if (format === 'json') expect(JSON.parse(text)).toMatchObject({ target: evil, msg: evil, child: evil });
  });

  test('are shown on the terminal of measure', () => {
    expectShown(renderResult(snapshot));
    expectShown(renderProgress(snapshot, 5, 1000).join('\n'));
    let text = '';
    const output = { write: (part: string) => (text += part) };
    createMeasureView({ output, quiet: false, environment: {} }).show(snapshot, 5);
    expectShown(text);
  });

  test('are shown in complaints', () => {
    const problem = { file: evil, path: evil, rule: 'must be short', value: evil.slice(0, 50) };
    expectShown(new ConfigError([problem]).message);
    expectShown(new UsageError(`unknown ${evil}`).message);
  });

  test('are shown on the page', () => {
    const bare = { ...snapshot, config: makeConfig('x', { labels: { site: evil } }) };
    const context = CARD_CONTEXT;
    expectShown(renderCard(bare, context).text);
    expectShown(html`<p title="${evil}">${[evil]}</p>`.text);
    // The row's own key is for the script, which compares it with the name as it is.
    const row = renderRow(snapshot, context).text;
    expect(row).toContain(`<tr data-row="${evil}">`);
    expectShown(row.replace(/^<tr data-row="[^"]*">/, ''));
  });

  test.each(['html', 'md', 'json'] as const)('are shown in the report as %s', (format) => {
    const input = { snapshot, at: SCENE_TIME, version: '1' };
    expectShown(renderReport(input, { format, redact: false }));
  });

  test('are shown in the audit in all its forms', () => {
    const labels = { isp: evil, target: evil, job: evil };
    const path = { labels, state: 'unknown', stale: false, conditions: [evil] } as const;
    const document = buildAudit([path], {
      prometheus: `http://x/${evil}`,
      at: SCENE_TIME,
      generated: SCENE_TIME,
      lookback: 3600,
      matchers: [evil],
      by: ['isp'],
      worst: 1,
      version: '1',
    });
    expectShown(renderText(document));
    for (const format of ['html', 'md', 'json'] as const) expectShown(renderAudit(document, format));
    expectShown(renderAudit(document, 'csv').replaceAll('\r', ''));
  });
});
