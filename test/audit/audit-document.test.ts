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
import { renderPaths } from '../../src/audit/audit-csv.js';
import { COLUMNS, periodSentence, sentenceOf, worstGroupsSentence } from '../../src/audit/audit-words.js';
import { periodOf, withPeriod } from '../../src/audit/period.js';
import { sharesChart } from '../../src/audit/shares-chart.js';

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

const REQUEST = {
  prometheus: 'http://prometheus.example:9090',
  at: 1_790_000_000,
  generated: 1_790_000_100,
  lookback: 86_400,
  matchers: [],
  by: ['isp'],
  worst: 5,
  version: '1.2.3',
} as const;
const audit = (paths: readonly AuditPath[] = PATHS) => buildAudit(paths, REQUEST);

const DAY = 86_400;
/** The same a month later than its beginning, when `a` was not watched, `b` was compliant and `z` was there. */
function monthly() {
  const period = periodOf(REQUEST.at - 30 * DAY, REQUEST.at);
  const values = [1, 1, 1, 0].map((value, index) => [period.from + index * period.step, value] as const);
  const history = [{ metric: path('b').labels, values }];
  const { paths, gone } = withPeriod(PATHS, history, [path('b', LONG), path('z', BAD)]);
  return buildAudit(paths, { ...REQUEST, matchers: ['isp=~"n.*"'] }, { period, gone });
}

describe('buildAudit()', () => {
  it('makes a document that fits its schema, which docs/audit.schema.json is', () => {
    expect(auditSchema.parse(audit())).toEqual(audit());
    const shipped = JSON.parse(
      readFileSync(new URL('../../docs/audit.schema.json', import.meta.url), 'utf8'),
    ) as object;
    const ajv = new Ajv2020({ validateFormats: false });
    for (const document of [audit(), monthly()]) {
      expect(auditSchema.parse(document)).toEqual(document);
      expect(ajv.validate(shipped, JSON.parse(JSON.stringify(document))), ajv.errorsText()).toBe(true);
    }
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
      'isp,paths,compliant,not_compliant,unknown,stale,compliant_share,minimum_seconds,minimum_at_least,median_seconds,median_at_least,worst_paths,conditions,' +
        'compliant_share_lower,compliant_share_upper,known_share,known_share_lower,known_share_upper,' +
        'so_far_minimum_seconds,so_far_median_seconds,pools,pools_lowest_ratio,pools_highest_ratio,places,' +
        'period_compliant_share,period_known_share,known_share_before,became_not_compliant,became_compliant,added,gone',
    );
    expect(rows).toEqual([
      `"'=cmd|""/c calc""!A0 <script>alert(1)</script>",1,0,1,0,0,0,,,,,"d → vps: below 1 h 0 min (3605 s), send",,0,0.7935,0,0,0.7935${','.repeat(13)}`,
      'north,3,2,1,0,0,0.6667,300,false,7795,true,"b → vps: 5 min (300 s), recv, fixed_lifetime; c → vps: 2 h 30 min (9000 s), send",1 × fixed_lifetime,0.2077,0.9385,0.6667,0.2077,0.9385' +
        ','.repeat(13),
      `,1,0,0,1,1,0,,,,,,,0,0.7935${','.repeat(16)}`,
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

describe('renderPaths()', () => {
  const rowsOf = (document: ReturnType<typeof audit>): Record<string, string>[] => {
    const [head = '', ...rows] = renderPaths(document).trimEnd().split('\r\n');
    // No cell of these has a comma.
    return rows.map((row) => {
      const cells = row.split(',');
      return Object.fromEntries(head.split(',').map((name, index) => [name, cells[index] ?? '']));
    });
  };

  it('has a line for each path, the worst group first and the worst path first in it', () => {
    const rows = rowsOf(audit([...PATHS, path('b2', BAD)]));
    expect(rows.map(({ instance }) => instance)).toEqual(['d', 'b', 'b2', 'c', 'a', 'e']);
    expect(rows[1]).toMatchObject({
      job: 'nat',
      target: 'vps',
      isp: 'north',
      state: 'not_compliant',
      stale: 'false',
      timeout_seconds: '300',
      timeout_at_least: 'false',
      below_seconds: '',
      mode: 'recv',
      conditions: 'fixed_lifetime',
      early_death_ratio: '',
      place: '',
      state_before: '',
    });
    expect(rows[0]).toMatchObject({
      isp: `"'=cmd|""/c calc""!A0 <script>alert(1)</script>"`,
      below_seconds: '3605',
    });
    expect(rows[5]).toMatchObject({ state: 'unknown', stale: 'true', timeout_seconds: '' });
  });

  it('has columns for pools, conditions, places and what survived so far', () => {
    const boxes = [
      { place: 'cgn_hop', hop: '3', kind: 'router' },
      { place: 'private_hop', hop: '1', kind: 'router' },
    ];
    const earlyDeaths = { ratio: 0.05, lower: 0.036, upper: 0.077 };
    const [row] = rowsOf(audit([path('p', { soFar: 50, boxes, earlyDeaths })]));
    expect(row).toMatchObject({
      so_far_seconds: '50',
      early_death_ratio: '0.05',
      early_death_ratio_lower: '0.036',
      early_death_ratio_upper: '0.077',
      place: 'cgn_hop; private_hop',
      hop: '3; 1',
    });
  });

  it('has what a period says, and what it does not know is empty', () => {
    const rows = rowsOf(monthly());
    expect(rows.find(({ instance }) => instance === 'b')).toMatchObject({
      period_compliant_share: '0.75',
      period_known_share: '0.0331',
      state_before: 'compliant',
      timeout_before_seconds: '9000',
      timeout_before_at_least: 'false',
    });
    expect(rows.find(({ instance }) => instance === 'a')).toMatchObject({
      period_compliant_share: '',
      period_known_share: '0',
      state_before: '',
    });
  });

  it('renames a label that has the name of a column, and shows no control character', () => {
    const [row] = rowsOf(audit([path('p', BAD, { state: 'Hessen', place: 'e\u001b[2Jvil' })]));
    expect(row).toMatchObject({
      state: 'not_compliant',
      label_state: 'Hessen',
      label_place: String.raw`e\u001b[2Jvil`,
    });
  });
});

describe('what an audit says beside', () => {
  it('names the worst groups by their share of the known paths, with its bounds', () => {
    const other = [path('f', {}, { isp: 'bad' }), path('g', BAD, { isp: 'bad' })];
    expect(worstGroupsSentence(audit([...PATHS, ...other]))).toBe(
      'Worst by the share of paths that are not compliant, with its 95 % bounds: ' +
        `${HOSTILE} 100 % of 1 known (20-100 %); bad 100 % of 1 known (20-100 %); north 33.3 % of 3 known (6-80 %).`,
    );
    expect(worstGroupsSentence(audit([path('b', BAD)]))).toBe('');
    expect(worstGroupsSentence(audit([path('a', GOOD), path('c', LONG, { isp: 'x' })]))).toBe('');
  });

  it('tells the period in a sentence, and in a table of its own', () => {
    const sentence =
      'Since 2026-08-22 14:13:20 UTC: compliant in 75 % of the time in which that was known (0.7 %); 1 got worse, 0 got better, 4 new, 1 gone.';
    expect(periodSentence(monthly())).toBe(sentence);
    expect(periodSentence(audit())).toBe('');
    const text = renderText(monthly());
    expect(text).toContain(sentence);
    expect(text).toMatch(
      /^Since 2026-08-22 14:13:20 UTC\nisp +compliant time +known time +of the known then +now +points /m,
    );
    expect(text).toMatch(/^north +75 % +1.1 % +50 % +66.7 % +\+16.7 +1 +0 +2 +1$/m);
    expect(text).toContain('only isp=~"n.*"');
    expect(renderText(audit())).not.toContain('Since');
  });

  it('tells young paths what survived so far, and only where nothing else is known', () => {
    const young = [path('a', { soFar: 50 }), path('b', { soFar: 60 })];
    expect(renderText(audit(young))).toMatch(/^all .* ≥ 50 s so far +≥ 50 s so far$/m);
    expect(renderText(audit([...young, path('c', LONG)]))).not.toContain('so far');
  });

  it('tells pools and places in a table where there are some', () => {
    const boxes = [{ place: 'cgn_hop', hop: '3', kind: 'router' }];
    const pools = [0.05, 0.12].map((ratio, index) =>
      path(String(index), { ...BAD, boxes, earlyDeaths: { ratio } }),
    );
    const text = renderText(audit(pools));
    expect(text).toMatch(/^isp +pools +place of the box$/m);
    expect(text).toMatch(/^all +2 × 5-12 % +2 × cgn_hop$/m);
    expect(text).toContain('(300 s), recv, cgn_hop');
    expect(renderText(audit())).not.toContain('pools');
  });

  it('says every mode of a path whose modes forget at the same time', () => {
    const all = path('a', { ...BAD, timeout: { ...BAD.timeout, everyMode: true } });
    expect(renderText(audit([all]))).toContain('5 min (300 s), every mode');
  });
});

describe('the chart of the shares', () => {
  it('draws the worst groups to scale, with the bounds of what is known', () => {
    const of = (isp: string): Record<string, string> => ({ isp });
    const drawn = sharesChart(
      audit([
        path('a', GOOD, of('x')),
        path('b', BAD, of('x')),
        path('c', {}, of('x')),
        path('d', {}, of('x')),
        path('e', {}, of('y')),
      ]),
    ).text;
    const [first = '', second = ''] = drawn.split('<g>').slice(1);
    const widths = [...first.matchAll(/width="([\d.]+)" height="14" fill="(.*?)"/g)];
    expect(widths.map(([, width, fill]) => [Number(width), fill])).toEqual([
      [121.5, COLOURS.bad],
      [243, COLOURS.quiet],
      [121.5, COLOURS.pale],
    ]);
    // One of two known: 9.5 % to 90.5 %.
    const [, from, to] = /v4M([\d.]+),\d+H([\d.]+)/.exec(first) ?? [];
    expect((Number(from) - 170) / 486).toBeCloseTo(0.0945, 3);
    expect((Number(to) - 170) / 486).toBeCloseTo(0.9055, 3);
    expect(second).toContain('>y<');
    expect(second).not.toContain('v4');
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
