import { Ajv2020 } from 'ajv/dist/2020.js';
import { HtmlValidate } from 'html-validate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { HistoryEntry } from '../../src/history/entry.js';
import { buildDocument, type ReportInput } from '../../src/report/build.js';
import { documentSchema } from '../../src/report/report-document.js';
import { localWords } from '../../src/paper/document-values.js';
import { referenceOf, referenceProblem, timeZoneProblem } from '../../src/report/reference.js';
import { renderReport } from '../../src/report/report-forms.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { BRIDGE_MODEM, COMPLIANT, EARLY, forgetful, ONE_HOUR, pooled, START, target } from './snapshots.js';

const HISTORY: readonly HistoryEntry[] = [
  { at: START - 900_000, mode: 'send', lower: 7800, timeout: 7800, compliant: true },
  { at: START - 896_400, mode: 'send', lower: 7801, timeout: 7801, compliant: true },
  { at: START - 500_000, mode: 'send', lower: 3595, upper: 3604, timeout: 3599.5, compliant: false },
];

function input(snapshot: TargetSnapshot, history: readonly HistoryEntry[] = []): ReportInput {
  return { snapshot, at: START + 9000, version: '1.2.3', history };
}
const html = (snapshot: TargetSnapshot, redact = false): string =>
  renderReport(input(snapshot, HISTORY), { format: 'html', redact });
const markdown = (snapshot: TargetSnapshot): string =>
  renderReport(input(snapshot, HISTORY), { format: 'md', redact: false });

const POOL = target([pooled('send'), pooled('recv')]);
const SNAPSHOTS = { BRIDGE_MODEM, ONE_HOUR, COMPLIANT, EARLY, POOL };

describe('renderReport() as HTML', () => {
  it.each(Object.entries(SNAPSHOTS))('%s validates', async (_name, snapshot) => {
    const validator = new HtmlValidate({
      extends: ['html-validate:standard', 'html-validate:a11y'],
    });
    const report = await validator.validateString(html(snapshot));
    const problems = report.results.flatMap(({ messages }) =>
      messages.map(({ ruleId, message, line, column }) => `${line}:${column} ${ruleId}: ${message}`),
    );
    expect(problems).toEqual([]);
  });

  it('asks nothing of the network and runs nothing', () => {
    const page = html(ONE_HOUR);
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed|base|form)\b/i);
    expect(page).not.toMatch(/\s(src|srcset|on\w+)=/i);
    expect(page).not.toMatch(/url\(|@import/i);
    const addresses = [...page.matchAll(/https?:\/\/[^\s"<)]+/g)].map(([found]) => found);
    expect(new Set(addresses.filter((a) => !a.startsWith('https://www.rfc-editor.org/')))).toEqual(
      new Set([
        'http://www.w3.org/2000/svg',
        ...addresses.filter((a) => ONE_HOUR.explanations.some((e) => e.evidence.join().includes(a))),
      ]),
    );
  });

  it('tells both populations of a mixture, in words and in the chart', () => {
    expect(markdown(POOL)).toContain('5 min (300 s) for 5.0 % of the connections');
    expect(markdown(POOL)).toContain('5.0 % died at 295-305 s, others survived 7436 s');
    expect(markdown(POOL)).toContain(
      'Not all connections are treated alike, as behind a pool with bad nodes',
    );
    // Two halves of a strip, of which the lower one is never red.
    const grounds = [
      ...html(POOL).matchAll(/<rect x="[\d.]+" y="(\d+)" width="[\d.]+" height="26" fill="([^"]+)"/g),
    ];
    const fills = (top: string): number =>
      new Set(grounds.filter(([, y]) => y === top).map(([, , fill]) => fill)).size;
    expect([fills('0'), fills('26')]).toEqual([3, 2]);
  });

  it('begins with the verdict in one sentence', () => {
    expect(html(ONE_HOUR)).toMatch(
      /<strong>Not compliant:<\/strong> an idle TCP connection is forgotten after 1 h 0 min \(3600 s\) \(seen in every mode\); RFC 5382 REQ-5 asks for at least 2 h 4 min \(7440 s\)\./,
    );
  });

  it('says when the newest evidence agreed', () => {
    expect(html(ONE_HOUR).match(/confirmed 2026-11-20 09:23:20/g)).toHaveLength(3);
    expect(html(EARLY)).not.toContain('confirmed 2026');
  });

  it('lists every test with its time, idle time, evidence and addresses', () => {
    const page = html(ONE_HOUR);
    const tests = ONE_HOUR.modes.flatMap((mode) => mode.tests);
    expect(page.match(/<td>(alive|dead|inconclusive)<\/td>/g)).toHaveLength(tests.length);
    expect(page.match(/<tr class="bad">/g)).toHaveLength(
      tests.filter(({ verdict }) => verdict.kind === 'dead').length,
    );
    expect(page).toContain(
      '<td>2026-11-20 08:00:16</td><td>15 s</td><td>alive</td><td>answered</td><td>192.168.1.20:40000</td><td>203.0.113.7:50000</td>',
    );
  });

  it('names the far end once where it is always the same, else in every row', () => {
    expect(html(ONE_HOUR)).toContain('Far end of every test: 198.51.100.9:5382');
    const mode = forgetful('send', 3600);
    const tests = mode.tests.map((test, i) => ({ ...test, remote: `198.51.100.${i % 2}:5382` }));
    const page = html(target([{ ...mode, tests }]));
    expect(page).not.toContain('Far end of every test');
    const listed = page.slice(page.indexOf('Tests in mode'));
    expect(listed.match(/<td>198\.51\.100\.[01]:5382<\/td>/g)).toHaveLength(tests.length);
  });

  it('draws every test into the chart', () => {
    const svg = /<svg.*<\/svg>/s.exec(html(ONE_HOUR))?.[0] ?? '';
    const alive = ONE_HOUR.modes.flatMap((m) => m.tests).filter((t) => t.verdict.kind === 'alive');
    const dead = ONE_HOUR.modes.flatMap((m) => m.tests).filter((t) => t.verdict.kind === 'dead');
    expect(svg.match(/<circle/g)).toHaveLength(alive.length);
    expect(
      svg.match(/<path[^>]*transform="translate\([^)]*\)"[^>]*d="M-|<path[^>]*d="M-[^"]*"[^>]*transform/g),
    ).toHaveLength(dead.length);
    expect(svg).toContain('RFC 5382: 2 h 4 min');
  });

  it('escapes whatever the target, the labels and the events are called', () => {
    const evil = '"><script>alert(1)</script>&';
    const page = html({
      ...ONE_HOUR,
      config: { ...ONE_HOUR.config, name: evil, labels: { [evil]: evil } },
      address: evil,
      events: [{ at: START, text: evil }],
    });
    expect(page).not.toContain('<script');
    expect(page).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;');
  });

  it('shows the changes of the last 30 days, not every entry', () => {
    const section = /Changes in the last 30 days.*?<\/section>/s.exec(html(ONE_HOUR))?.[0] ?? '';
    expect(section.match(/<tr><td>/g)).toHaveLength(2);
  });

  it("asks nobody else while a host's own tracking forgets after the same time", () => {
    const snapshot = target(ONE_HOUR.modes, { conntrack: { local: 3600 } });
    expect(html(snapshot)).toContain('None of the provider yet: a host at one end of the path');
  });

  it('asks for nothing when the path is compliant, and for 7440 s when it is not', () => {
    expect(html(COMPLIANT)).toContain('None: the path does what RFC 5382 asks.');
    expect(html(BRIDGE_MODEM)).toMatch(
      /to at least 2 h 4 min \(7440 s\)\. A device in bridge mode should not track/,
    );
  });
});

describe('the first page', () => {
  const ZONE = 'Europe/Berlin';
  const cover = (snapshot: TargetSnapshot, timeZone?: string): string => {
    const page = renderReport({ ...input(snapshot), timeZone }, { format: 'html', redact: false });
    return page.slice(page.indexOf('<main>'), page.indexOf('Result per mode'));
  };
  const rows = (page: string): string[] => {
    const section = /Connections that were forgotten.*?<\/section>/s.exec(page)?.[0] ?? '';
    return [...section.matchAll(/<tr><td>(.*?)<\/tr>/g)].map(([, row = '']) => row);
  };

  it('shows the five newest failing connections, each mode among them, in UTC and local time', () => {
    const found = rows(cover(ONE_HOUR, ZONE));
    expect(found).toHaveLength(5);
    for (const mode of ['send', 'recv', 'keepalive'])
      expect(found.some((row) => row.includes(`<td>${mode}</td>`))).toBe(true);
    const times = found.map((row) => row.slice(0, 19));
    expect(times).toEqual([...times].sort().reverse());
    for (const row of found) {
      const [, utc = '', local = ''] = /^([\d :-]{19})<\/td><td>([\d :-]{19} \+01:00)<\/td>/.exec(row) ?? [];
      expect(Date.parse(`${utc.replace(' ', 'T')}Z`)).toBe(
        Date.parse(local.replace(' ', 'T').replace(' ', '')),
      );
    }
  });

  it('names a far end once that is configured by its address, and its name and address otherwise', () => {
    const address = '203.0.113.9';
    const named = (host: string): string => {
      const config = { ...ONE_HOUR.config, far_end: { kind: 'native', host, port: 5382 } } as const;
      return (
        /<dt>Far end<\/dt><dd>(.*?)<\/dd>/.exec(cover({ ...ONE_HOUR, config, address }, ZONE))?.[1] ?? ''
      );
    };
    expect(named(address)).toBe(address);
    expect(named('vps.example')).toBe(`vps.example, ${address}`);
  });

  it('tells only UTC where that is the local time, or no zone is known', () => {
    for (const zone of ['UTC', undefined]) expect(cover(ONE_HOUR, zone)).not.toContain('local time');
  });

  it('takes no death for a proof that is none', () => {
    const mode = forgetful('send', 3600);
    const { lower = 0 } = mode.finding;
    const death = (idle: number, at: number) => ({
      at,
      id: at,
      idle,
      verdict: { kind: 'dead', evidence: 'silence' } as const,
    });
    // Shorter than what others survive, and longer than what is asked for.
    const tests = [death(lower - 1, START + 1), death(lower + 1, START + 2), death(7500, START + 3)];
    expect(rows(cover(target([{ ...mode, tests }])))).toHaveLength(1);
    // Not proven: the section is not there, and no page is turned.
    for (const snapshot of [
      COMPLIANT,
      EARLY,
      target([{ ...mode, finding: { ...mode.finding, compliant: undefined as never } }]),
    ]) {
      expect(rows(cover(snapshot))).toEqual([]);
      expect(html(snapshot)).not.toContain('class="new-page"');
    }
    expect(html(ONE_HOUR)).toContain('class="new-page"');
  });

  it('comes before the evidence, and what helps until then after it', () => {
    const headings = [...html(ONE_HOUR).matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading);
    expect(headings.slice(0, 3)).toEqual([
      'What is asked for',
      'Connections that were forgotten',
      'Result per mode',
    ]);
    expect(headings.at(-1)).toMatch(/^Until then/);
  });
});

describe('what a customer writes on the report', () => {
  const reference = { customer: 'Anna <Schmidt>', contract: 'DE-4711', ticket: 'T-9' };
  const filled = { ...input(ONE_HOUR), reference, timeZone: 'Europe/Berlin' };

  it.each(['html', 'md', 'json', 'csv'] as const)('is in %s, and with redaction it is not', (format) => {
    const shown = renderReport(filled, { format, redact: false });
    for (const one of ['Schmidt', 'DE-4711', 'T-9']) expect(shown).toContain(one);
    const hidden = renderReport(filled, { format, redact: true });
    for (const one of ['Schmidt', 'DE-4711', 'T-9', 'Berlin', '+01:00']) expect(hidden).not.toContain(one);
  });

  it('stands at the foot of the printed pages as a string of CSS that ends nowhere', () => {
    const ticket = '"} </style><b>\\';
    const page = renderReport({ ...filled, reference: { ticket } }, { format: 'html', redact: false });
    expect(page.match(/<\/style>/g)).toHaveLength(1);
    expect(page).toContain(String.raw`ticket \22 \7d  \3c \2f style\3e \3c b\3e \5c `);
  });

  it('has rules: one line, so long, and a time zone that exists', () => {
    expect(referenceProblem('x'.repeat(120))).toBeUndefined();
    expect(referenceProblem('x'.repeat(121))).toBe('must have at most 120 characters');
    expect(referenceProblem('a\nb')).toBe('must be one line without characters that cannot be seen');
    expect(referenceProblem('Grüße, 日本')).toBeUndefined();
    expect(['Europe/Berlin', 'UTC', 'America/New_York'].map(timeZoneProblem)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    for (const zone of ['Berlin', '+01:00', 'Europe/', 'x'])
      expect(timeZoneProblem(zone)).toBe('must be a time zone such as Europe/Berlin, or UTC');
    expect(referenceOf(() => '  ')).toBeUndefined();
    expect(referenceOf((field) => (field === 'ticket' ? ' T-9 ' : undefined))).toEqual({ ticket: 'T-9' });
  });
});

describe('renderReport() as CSV', () => {
  it('has a line for each test, the oldest first, with both times and since when it was silent', () => {
    const text = renderReport(
      { ...input(ONE_HOUR), timeZone: 'Europe/Berlin' },
      { format: 'csv', redact: false },
    );
    const [head = '', ...lines] = text.trimEnd().split('\r\n');
    const tests = ONE_HOUR.modes.flatMap((mode) => mode.tests);
    expect(lines).toHaveLength(tests.length);
    expect(head).toBe(
      'tested_utc,tested_local,silent_since_utc,idle_seconds,mode,verdict,reason,local_address,seen_address,remote_address,path,customer,contract,ticket',
    );
    expect(lines[0]).toMatch(
      /^2026-11-20T08:00:16Z,2026-11-20 09:00:16 \+01:00,2026-11-20T08:00:01Z,15,\w+,alive,answered,192\.168\.1\.20:40000,203\.0\.113\.7:50000,198\.51\.100\.9:5382,[^,]+,,,$/,
    );
    const times = lines.map((line) => line.slice(0, 20));
    expect(times).toEqual([...times].sort());
  });

  it('hides addresses where that is asked for, and no cell is a formula', () => {
    const snapshot = { ...ONE_HOUR, config: { ...ONE_HOUR.config, name: '=1+1' } };
    const text = renderReport(input(snapshot), { format: 'csv', redact: true });
    expect(text).not.toMatch(/192\.168|203\.0/);
    expect(text).toContain(",'=1+1,");
  });
});

describe('local times', () => {
  it.each([
    ['2026-07-01T12:00:00Z', 'Europe/Berlin', '2026-07-01 14:00:00 +02:00'],
    ['2026-11-20T23:30:05Z', 'Europe/Berlin', '2026-11-21 00:30:05 +01:00'],
    // The hour that comes twice.
    ['2026-10-25T00:30:00Z', 'Europe/Berlin', '2026-10-25 02:30:00 +02:00'],
    ['2026-10-25T01:30:00Z', 'Europe/Berlin', '2026-10-25 02:30:00 +01:00'],
    ['2026-11-20T00:00:00Z', 'Asia/Kolkata', '2026-11-20 05:30:00 +05:30'],
    ['2026-11-20T00:00:00Z', 'America/St_Johns', '2026-11-19 20:30:00 -03:30'],
    ['2026-11-20T00:00:00Z', 'Europe/London', '2026-11-20 00:00:00 +00:00'],
  ])('%s in %s', (iso, zone, words) => {
    expect(localWords(iso, zone)).toBe(words);
  });
});

describe('renderReport() with redaction', () => {
  const secret = ['192.168.1.20', '203.0.113.7', '198.51.100.9', 'vps.isp-test.net', '2001:db8:1::5'];
  const snapshot = target([forgetful('send', 3600)], {
    downReason: 'connect ECONNREFUSED 198.51.100.9:5382',
    events: [
      { at: START, text: 'address changed from 203.0.113.7 to [2001:db8:1::5]:5000, see vps.isp-test.net.' },
    ],
    explanations: [
      { id: 'x', certainty: 'likely', text: 'It lies in 100.64.0.0/10.', evidence: ['::ffff:203.0.113.7'] },
    ],
  });

  it.each(['html', 'md', 'json'] as const)('leaves no address and no host name in %s', (format) => {
    const shown = renderReport(input(snapshot), { format, redact: false });
    const hidden = renderReport(input(snapshot), { format, redact: true });
    for (const one of secret.filter((s) => s !== '2001:db8:1::5')) {
      expect(shown, one).toContain(one);
    }
    for (const one of secret) expect(hidden, one).not.toContain(one);
  });

  it('gives equal addresses equal placeholders, keeps ports and ranges', () => {
    const document = buildDocument(input(snapshot), { redact: true });
    const seen = document.target.seen_address;
    expect(seen).toMatch(/^address-\d$/);
    expect(document.modes[0]?.tests[0]?.seen_address).toBe(`${seen}:50000`);
    expect(document.explanations[0]?.evidence).toEqual([seen]);
    expect(document.explanations[0]?.text).toBe('It lies in 100.64.0.0/10.');
    expect(document.events[0]?.text).toMatch(
      /^address changed from address-\d to \[address-\d\]:5000, see responder\.example\.$/,
    );
    expect(document.redacted).toBe(true);
    expect(document.generated).toBe('2026-11-20T10:30:00Z');
  });
});

describe('renderReport() as JSON', () => {
  it.each(Object.entries(SNAPSHOTS))('%s fits the shipped schema', (_name, snapshot) => {
    const document: unknown = JSON.parse(
      renderReport(input(snapshot, HISTORY), { format: 'json', redact: false }),
    );
    const validate = new Ajv2020({ strict: true, formats: { 'date-time': true } }).compile(
      z.toJSONSchema(documentSchema),
    );
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
    expect(documentSchema.safeParse(document).error).toBeUndefined();
  });

  it('the schema refuses a field that it does not know and a verdict that is none', () => {
    const validate = new Ajv2020({ strict: true, formats: { 'date-time': true } }).compile(
      z.toJSONSchema(documentSchema),
    );
    const document = buildDocument(input(ONE_HOUR), { redact: false });
    expect(validate({ ...document, surprise: 1 })).toBe(false);
    expect(validate({ ...document, verdict: { result: 'maybe', sentence: '' } })).toBe(false);
  });

  it('leaves out what is unknown, and says that it was not finished', () => {
    const document = buildDocument(input(EARLY), { redact: false });
    expect(document.complete).toBe(false);
    expect(document.verdict.result).toBe('unknown');
    const keepalive = document.modes.find(({ mode }) => mode === 'keepalive');
    expect(Object.keys(keepalive ?? {})).toEqual([
      'mode',
      'meaning',
      'result',
      'phase',
      'deaths',
      'suspect',
      'tests',
    ]);
    expect(document).not.toHaveProperty('keepalive_recommended_seconds');
  });

  it('rules out what the data rule out, and nothing else', () => {
    const status = (conntrack: TargetSnapshot['conntrack']) =>
      buildDocument(input(target([forgetful('send', 3600)], { conntrack })), { redact: false })
        .ruled_out.slice(0, 2)
        .map((one) => one.status);
    expect(status({ local: 432_000, responder: 86_400 })).toEqual(['ruled_out', 'ruled_out']);
    expect(status({ local: 3600 })).toEqual(['possible', 'unknown']);
    expect(status({ responder: 300 })).toEqual(['unknown', 'possible']);
    expect(buildDocument(input(COMPLIANT), { redact: false }).ruled_out).toEqual([]);
  });

  it('claims no control for deaths that did not happen', () => {
    expect(buildDocument(input(COMPLIANT), { redact: false }).controls[0]).toBe(
      'No test that counts ended in a death.',
    );
  });

  it('counts the tests that were set aside', () => {
    const mode = forgetful('send', 3600);
    const tests = [
      ...mode.tests,
      { at: START, id: 900, idle: 60, verdict: { kind: 'inconclusive', reason: 'canary_lost' } as const },
    ];
    const { controls } = buildDocument(input(target([{ ...mode, tests }])), { redact: false });
    expect(controls.at(-1)).toBe(
      'Tests that were set aside and moved nothing: 1 because the heartbeat connection did not live through the same time.',
    );
  });
});

describe('renderReport() as Markdown', () => {
  it('has the verdict, the bracket, every test and the quotations', () => {
    const text = markdown(ONE_HOUR);
    expect(text).toMatch(/^\*\*Not compliant: an idle TCP connection is forgotten/m);
    expect(text).toMatch(/^\| send \| .* \| survived [\d.]+ s, died at [\d.]+ s \| 3 \| not compliant \|$/m);
    expect(text.match(/^\| 2026-11-20 .* \| (alive|dead) \|/gm)).toHaveLength(
      ONE_HOUR.modes.flatMap((mode) => mode.tests).length,
    );
    expect(text).toContain('MUST NOT be less than 2 hours 4 minutes.');
  });

  it('is not broken by names with markup in them', () => {
    const text = markdown({
      ...ONE_HOUR,
      config: { ...ONE_HOUR.config, name: 'a | <b>\n# c' },
    });
    expect(text).toContain('# How long this path remembers an idle TCP connection: a \\| &lt;b> # c\n');
  });
});

describe('renderReport() as Markdown, addresses of pages', () => {
  it('leaves them as they are', () => {
    const [one] = ONE_HOUR.explanations;
    if (one === undefined) throw new Error('the fixture has an explanation');
    const explained = [{ ...one, evidence: ['a_b (https://example.org/c_d).'] }];
    expect(markdown({ ...ONE_HOUR, explanations: explained })).toContain(
      '- a\\_b (https://example.org/c_d).',
    );
  });
});
