/** What the report says of which box forgets: the evidence, the letter, the drawing, and nothing of addresses where they are masked. */
import { HtmlValidate } from 'html-validate';
import { describe, expect, test } from 'vitest';
import { buildDocument } from '../../src/report/build.js';
import { renderReport, type ReportFormat } from '../../src/report/report-forms.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { compliantTarget, forgettingTarget, SCENE_TIME } from '../support/fake-view.js';
import { BRIDGE_MODEM, CGN, locating, MIXED, PROFILE } from '../support/located.js';
import { boxed, locatedTarget } from '../support/located-targets.js';

const input = (snapshot: TargetSnapshot) => ({ snapshot, at: SCENE_TIME, version: '1.2.3' });
const render = (snapshot: TargetSnapshot, format: ReportFormat = 'md', redact = false): string =>
  renderReport(input(snapshot), { format, redact });
const askOf = (snapshot: TargetSnapshot): string => buildDocument(input(snapshot), { redact: false }).ask;

const MODEM = locatedTarget('home', { result: BRIDGE_MODEM, profile: PROFILE });
const PROVIDERS = locatedTarget('home', { result: CGN });

describe('which box forgets, in the report', () => {
  test('has what an engineer can check: both rows, the corner, counts, distances, the moment', () => {
    const text = render(PROVIDERS);
    expect(text).toContain('## Which box forgets');
    expect(text).toContain(
      'The router at hop 2 (100.64.2.1) forgets connections that are idle for 1 h 0 min (3600 s).',
    );
    expect(text).toContain('2026-03-01 11:00:00 UTC, in mode send');
    expect(text).toMatch(/kept fresh by \| TTL 0 \| TTL 1 \| TTL 2 \| TTL 3/);
    expect(text).toMatch(
      /this end alone\W+dead \(3 of 3\) \| dead \(3 of 3\) \| alive \(3 of 3\) \| alive \(1 of 1\)/,
    );
    expect(text).toMatch(/the far end alone\W+dead \(3 of 3\) \| dead \(3 of 3\) \| alive \(3 of 3\)/);
    expect(text).toContain('Kept fresh with TTL 1 from here and TTL 1 from the far end: dead (3 of 3).');
    expect(text).toContain(
      'Harm control, tested below the idle timeout, kept fresh with TTL 3 from here: alive (1 of 1).',
    );
    expect(text).toContain('hop 1: 192.168.1.1, hop 2: 100.64.2.1');
    expect(render(MODEM)).toContain(
      'Between hops 0 and 1, something, or a router beside it, forgets idle connections',
    );
  });

  test('says the same in all forms, and draws it in the one for browsers', async () => {
    const page = render(MODEM, 'html');
    expect(page).toContain(
      'aria-label="The path: this end; something without an address, forgets; hop 1 (192.168.1.1); hop 2 (100.64.2.1); hop 3; far end."',
    );
    const { results } = await new HtmlValidate({
      extends: ['html-validate:standard', 'html-validate:a11y'],
    }).validateString(page);
    expect(results.flatMap(({ messages }) => messages.map(({ message }) => message))).toEqual([]);
    expect(JSON.parse(render(MODEM, 'json'))).toMatchObject({
      localization: { modes: [{ state: 'located' }, {}, {}] },
    });
  });

  test('masks the addresses of routers where that is asked for, in every form', () => {
    for (const format of ['html', 'md', 'json'] as const)
      for (const snapshot of [MODEM, PROVIDERS]) {
        expect(render(snapshot, format)).toContain('100.64.2.1');
        expect(render(snapshot, format, true)).not.toMatch(/100\.64\.2\.1|192\.168\.1\.1/);
      }
  });

  test('says why nothing was located', () => {
    expect(render(locatedTarget('mixed', { result: MIXED }))).toContain(
      'Not located: connections that were treated alike fared differently',
    );
    expect(render(forgettingTarget())).not.toContain('Which box forgets');
  });
});

describe('the letter', () => {
  test("asks nothing of the provider where the customer's modem forgets", () => {
    expect(askOf(MODEM)).toMatch(
      /^None of the provider\. It stands on this side of hop 1 .* Switch the firewall of the modem off/,
    );
  });

  test('names the router that has to be mended', () => {
    expect(askOf(PROVIDERS)).toBe(
      'Please set, of the router at hop 2 (100.64.2.1) as counted from our computer, the timeout for established TCP connections to at least 2 h 4 min (7440 s).',
    );
  });

  test('is the general one where nothing was located, and none where the path is compliant', () => {
    expect(askOf(locatedTarget('mixed', { result: MIXED }))).toBe(askOf(forgettingTarget()));
    const fine = compliantTarget();
    expect(askOf({ ...fine, locating: locating({ result: CGN }) })).toBe(askOf(fine));
  });

  test('asks of each, where several modes are forgotten at several places', () => {
    const known = locating({ result: CGN });
    const other = locating({ result: boxed({ kind: 'transparent', after: 0, kc: 1, ks: 4 }) });
    const modes = [known.modes[0]!, { ...other.modes[0]!, mode: 'recv' as const }];
    const ask = askOf({ ...forgettingTarget(), locating: { ...known, modes } });
    expect(ask).toMatch(/^Please set, of the router at hop 2 .* Besides: It stands on this side of hop 1/);
  });
});
