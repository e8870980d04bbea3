import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { HtmlValidate } from 'html-validate';
import { describe, expect, it } from 'vitest';
import { COLOURS } from '../../src/paper/drawing.js';
import { distributionChart } from '../../src/audit/distribution-chart.js';
import { auditSchema } from '../../src/audit/audit-document.js';
import { buildAudit } from '../../src/audit/build-audit.js';
import { type AuditPath } from '../../src/audit/paths.js';
import { renderAudit } from '../../src/audit/audit-forms.js';
import { renderText } from '../../src/audit/audit-text.js';
import { COLUMNS, sentenceOf } from '../../src/audit/audit-words.js';

const HOSTILE = '=cmd|"/c calc"!A0 <script>alert(1)</script>';

function path(
  instance: string,
  rest: Partial<AuditPath> = {},
  labels: Record<string, string> = {},
): AuditPath {
  return {
    labels: { job: 'nat', instance, target: 'vps', isp: 'north', ...labels },
    state: 'unknown',
    stale: false,
    conditions: [],
    ...rest,
  };
}

const GOOD = { state: 'compliant', timeout: { seconds: 7795, at_least: true, mode: 'send' } } as const;
const LONG = { state: 'compliant', timeout: { seconds: 9000, at_least: false, mode: 'send' } } as const;
const BAD = { state: 'not_compliant', timeout: { seconds: 300, at_least: false, mode: 'recv' } } as const;
const OPEN = { state: 'not_compliant', below: { seconds: 3605, mode: 'send' } } as const;

const PATHS = [
  path('a', GOOD),
  path('b', { ...BAD, conditions: ['fixed_lifetime'] }),
  path('c', LONG),
  path('d', OPEN, { isp: HOSTILE }),
  path('e', { stale: true }, { isp: '' }),
];

const audit = (paths: readonly AuditPath[] = PATHS) =>
  buildAudit(paths, {
    prometheus: 'http://prometheus.example:9090',
    at: 1_790_000_000,
    generated: 1_790_000_100,
    lookback: 86_400,
    by: ['isp'],
    worst: 5,
    version: '1.2.3',
  });

describe('buildAudit()', () => {
  it('makes a document that fits its schema, which docs/audit.schema.json is', () => {
    expect(auditSchema.parse(audit())).toEqual(audit());
    const shipped = JSON.parse(
      readFileSync(new URL('../../docs/audit.schema.json', import.meta.url), 'utf8'),
    ) as object;
    const ajv = new Ajv2020({ validateFormats: false });
    expect(ajv.validate(shipped, JSON.parse(JSON.stringify(audit())))).toBe(true);
  });

  it('names paths by exporter and target, and by all their labels where that is ambiguous', () => {
    const twins = [
      path('127.0.0.1:15382', BAD, { vantage: '1' }),
      path('127.0.0.1:15382', BAD, { vantage: '2' }),
    ];
    expect(audit([...twins, path('b', BAD)]).groups[0]?.worst.map(({ name }) => name)).toEqual([
      '127.0.0.1:15382 → vps (isp=north, job=nat, vantage=1)',
      '127.0.0.1:15382 → vps (isp=north, job=nat, vantage=2)',
      'b → vps',
    ]);
  });
});

describe('sentenceOf()', () => {
  it('has the verdict of the whole fleet', () => {
    expect(sentenceOf(audit())).toBe(
      'Not compliant: of 5 paths 2 (40 %) are proven to forget idle TCP connections in less than 2 h 4 min (7440 s); 2 (40 %) compliant, 1 (20 %) not known.',
    );
    expect(sentenceOf(audit([path('a', GOOD)]))).toMatch(/^Compliant: all 1 paths /);
    expect(sentenceOf(audit([path('a', GOOD), path('b')]))).toMatch(
      /^No verdict: of 2 paths none is proven /,
    );
  });
});

describe('a share', () => {
  it.each([
    [0, 2000, '0 %'],
    [1, 3, '33.3 %'],
    [1, 20_000, '< 0.1 %'],
    [19_999, 20_000, '> 99.9 %'],
    [2000, 2000, '100 %'],
  ])('of %i of %i', (compliant, paths, words) => {
    const share = COLUMNS.find(([heading]) => heading === 'share')?.[1];
    expect(share?.({ ...audit().total, compliant, paths })).toBe(words);
  });
});

describe('renderAudit()', () => {
  it('as CSV keeps to RFC 4180, and no cell is a formula', () => {
    const [head, ...rows] = renderAudit(audit(), 'csv').trimEnd().split('\r\n');
    expect(head).toBe(
      'isp,paths,compliant,not_compliant,unknown,stale,compliant_share,minimum_seconds,minimum_at_least,median_seconds,median_at_least,worst_paths,conditions',
    );
    expect(rows).toEqual([
      `"'=cmd|""/c calc""!A0 <script>alert(1)</script>",1,0,1,0,0,0,,,,,"d → vps: below 1 h 0 min (3605 s), send",`,
      'north,3,2,1,0,0,0.6667,300,false,7795,true,"b → vps: 5 min (300 s), recv, fixed_lifetime; c → vps: 2 h 30 min (9000 s), send",1 × fixed_lifetime',
      ',1,0,0,1,1,0,,,,,,',
    ]);
  });

  it('as HTML is valid, needs nothing from outside and shows markup as text', async () => {
    const page = renderAudit(audit(), 'html');
    const validator = new HtmlValidate({ extends: ['html-validate:standard', 'html-validate:a11y'] });
    const report = await validator.validateString(page);
    expect(
      report.results.flatMap(({ messages }) => messages.map(({ ruleId, line }) => `${line} ${ruleId}`)),
    ).toEqual([]);
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed|base|form)\b/i);
    expect(page).not.toMatch(/\s(src|srcset|on\w+)=/i);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).toContain('RFC 5382: 2 h 4 min (7440 s)');
    expect(page).toContain('https://www.rfc-editor.org/rfc/rfc5382');
    expect(page).toContain('<dd>http://prometheus.example:9090</dd>');
  });

  it('as Markdown has a line for each group and none of the names is markup', () => {
    const text = renderAudit(audit(), 'md');
    expect(text).toContain('| (none) | 1 |');
    expect(text).toContain('=cmd\\|"/c calc"!A0 &lt;script>');
    expect(text).not.toContain('<script');
  });

  it('as text is aligned and moves no cursor', () => {
    const text = renderText(audit([...PATHS, path('f', BAD, { isp: 'e\u001b[2Jvil' })]));
    expect(text).not.toContain('\u001b');
    const lines = text.split('\n');
    const begin = lines.findIndex((line) => line.startsWith('isp '));
    const ends = lines.slice(begin, begin + 6).map((line) => /^.{43}( +\d+| +paths)/.exec(line)?.[0].length);
    expect(new Set(ends).size).toBe(1);
  });
});

describe('the chart of the distribution', () => {
  it('counts every path once, on the right side of the requirement', () => {
    const drawn = distributionChart(
      audit([path('a', GOOD), path('b', GOOD), path('c', LONG), path('d', BAD)]),
    ).text;
    const bars = [
      ...drawn.matchAll(/<rect x="(.*?)" y=".*?" width="(.*?)" height="(.*?)" fill="(.*?)"/g),
    ].map(([, x, width, height, fill]) => ({
      from: Number(x),
      width: Number(width),
      height: Number(height),
      fill,
    }));
    const one = bars[0]?.height ?? 0;
    expect(one).toBeGreaterThan(10);
    expect(bars.map(({ fill, height }) => [fill, Math.round(height / one)])).toEqual([
      [COLOURS.bad, 1],
      [COLOURS.pale, 2],
      [COLOURS.good, 1],
    ]);
    const required = Number(/<path d="M([\d.]+),[^>]*stroke-dasharray/.exec(drawn)?.[1]);
    for (const { from, width, fill } of bars)
      expect(fill === COLOURS.bad ? from + width <= required : from >= required).toBe(true);
  });
});
