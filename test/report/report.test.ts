import { Ajv2020 } from 'ajv/dist/2020.js';
import { HtmlValidate } from 'html-validate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { HistoryEntry } from '../../src/history/entry.js';
import { buildDocument, type ReportInput } from '../../src/report/build.js';
import { documentSchema } from '../../src/report/report-document.js';
import { renderReport } from '../../src/report/report-forms.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { BRIDGE_MODEM, COMPLIANT, EARLY, forgetful, ONE_HOUR, START, target } from './snapshots.js';

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

const SNAPSHOTS = { BRIDGE_MODEM, ONE_HOUR, COMPLIANT, EARLY };

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
    expect(page.match(/<td>198\.51\.100\.[01]:5382<\/td>/g)).toHaveLength(tests.length);
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
