/**
 * One verdict: whatever a path's searches have found, page, JSON, report, exit code, text, log, recording rule and audit
 * say the same of it. Each row is a state file; a real engine starts from it, and every mouth is asked.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditExpressions } from '../src/audit/ask-prometheus.js';
import { type Answers, pathsOf, type Sample } from '../src/audit/paths.js';
import type { TargetConfig } from '../src/config/config.js';
import { MODES, type Mode, requirementOf } from '../src/core/modes.js';
import { DEFAULT_LOCATE } from '../src/config/schema.js';
import type { Localization } from '../src/core/locate/localization.js';
import { type LocateMemory, NOTHING_LOCATED } from '../src/core/locate/locate-memory.js';
import type { Profile } from '../src/core/locate/locating.js';
import { mendedSentence, profileSentences } from '../src/core/locate/locate-words.js';
import type { QuotaMemory } from '../src/core/quota/memory.js';
import { defined } from '../src/defined.js';
import type { TargetSnapshot } from '../src/engine/snapshot.js';
import { Launches } from '../src/engine/launches.js';
import { StateStore } from '../src/engine/state-store.js';
import { TargetRunner } from '../src/engine/target-runner.js';
import { targetsDocument } from '../src/exporter/api.js';
import { ExporterMetrics } from '../src/exporter/metrics.js';
import { renderCard } from '../src/exporter/page/card.js';
import { renderRow } from '../src/exporter/page/fleet-table.js';
import { createLogger } from '../src/log.js';
import { exitCode, renderResult } from '../src/measure/result.js';
import { RESULT_TONES } from '../src/paper/standards.js';
import { renderReport, type ReportFormat } from '../src/report/report-forms.js';
import { FakeClock } from './support/fake-clock.js';
import { FakePath } from './support/fake-path.js';
import { CARD_CONTEXT, FakeView, makeConfig } from './support/fake-view.js';
import { ADDRESSES, BRIDGE_MODEM, CGN, PROFILE } from './support/located.js';
import { requires } from './support/requires.js';
import { savedSearch, type Seen } from './support/searches.js';

interface Row {
  readonly path: string;
  /** What each configured mode has seen. */
  readonly seen: Readonly<Partial<Record<Mode, Seen>>>;
  readonly verdict: 'compliant' | 'not_compliant' | 'unknown';
  /** Modes that say nothing of the mapping. */
  readonly leftOut?: readonly Mode[];
  /** Modes whose bracket is closed, and whose timeout is not shown because it would contradict their verdict. */
  readonly withheld?: readonly Mode[];
  readonly search?: Partial<TargetConfig['search']>;
  /** What is remembered of a quota; that an accusation was checked unless given. */
  readonly quota?: QuotaMemory;
  /** Where what forgets in `send` was located. */
  readonly located?: {
    readonly result: Localization;
    readonly hop: string;
    readonly place: string;
    /** What else was measured along the path. */
    readonly profile: Profile;
  };
}

type Located = NonNullable<Row['located']>;

const CHECK = { connections: 72, held: 18, upper: 3600, at: 0 };
const CHECKED: QuotaMemory = { compliantWith: 0, outcome: { kind: 'timeout', ...CHECK } };
const A_QUOTA: QuotaMemory = { compliantWith: 0, outcome: { kind: 'quota', ...CHECK } };

const SURVIVES: Seen = { lower: 7795, compliant: true };
const LONGER: Seen = { lower: 9002, deaths: [9008, 9009, 9010], compliant: true };
const FORGETS: Seen = { lower: 3595, deaths: [3601, 3602, 3604], compliant: false };
const CLIMBS: Seen = { lower: 600 };
const DIES_AT_ONCE: Seen = { deaths: [15.1, 15.2, 15.3], compliant: false };
const DIED = [40_000, 30_000, 20_000, 9000].map((ago) => ({ ago, idle: 3601, dead: true }));
const OUTLIVED = [35_000, 34_000, 25_000].map((ago) => ({ ago, idle: 7795 }));
const CLOSED: Seen = { lower: 3595, deaths: [3601, 3602, 3604], closed: true };
const UNPROVEN: Seen = { lower: 3595, deaths: [3601] };

/** Behind the box that was located another one forgets. */
const ANOTHER_BEHIND: Profile = {
  ...PROFILE,
  places: [
    { hop: '2', kind: 'router', lower: 3598, upper: 3602 },
    { hop: '3', kind: 'router', lower: 5395, upper: 5405 },
  ],
  behind: { lower: 5395, upper: 5405 },
};

const ROWS: readonly Row[] = [
  {
    path: 'every mode compliant',
    seen: { send: SURVIVES, recv: SURVIVES, keepalive: SURVIVES },
    verdict: 'compliant',
  },
  {
    path: 'a bracket closed beyond what is required',
    seen: { send: LONGER, recv: SURVIVES, keepalive: LONGER },
    verdict: 'compliant',
    search: { max_idle: 10_000 },
  },
  {
    path: 'a bracket around what is required, and the claim proven',
    seen: { send: { lower: 7436, deaths: [7441, 7442, 7443], compliant: true } },
    verdict: 'compliant',
  },
  { path: 'send alone compliant', seen: { send: SURVIVES }, verdict: 'compliant' },
  { path: 'recv alone not compliant', seen: { recv: FORGETS }, verdict: 'not_compliant' },
  { path: 'keepalive alone compliant', seen: { keepalive: SURVIVES }, verdict: 'compliant' },
  {
    path: 'every mode not compliant',
    seen: { send: FORGETS, recv: FORGETS, keepalive: FORGETS },
    verdict: 'not_compliant',
  },
  {
    path: 'one mode not compliant, the others compliant',
    seen: { send: SURVIVES, recv: FORGETS, keepalive: SURVIVES },
    verdict: 'not_compliant',
  },
  {
    path: 'one mode not compliant, the others undecided',
    seen: { send: CLIMBS, recv: FORGETS, keepalive: {} },
    verdict: 'not_compliant',
  },
  {
    path: 'three deaths far below, the bracket still open',
    seen: { send: { lower: 600, deaths: [3601, 3602, 3604], compliant: false }, recv: SURVIVES },
    verdict: 'not_compliant',
  },
  {
    path: 'one mode undecided',
    seen: { send: SURVIVES, recv: SURVIVES, keepalive: CLIMBS },
    verdict: 'unknown',
  },
  { path: 'nothing seen yet', seen: { send: {}, recv: {}, keepalive: {} }, verdict: 'unknown' },
  {
    path: 'one death only',
    seen: { send: SURVIVES, recv: UNPROVEN, keepalive: SURVIVES },
    verdict: 'unknown',
  },
  {
    path: 'deaths below the bound await confirmation',
    seen: { send: { ...SURVIVES, suspected: 3600 }, recv: SURVIVES, keepalive: SURVIVES },
    verdict: 'compliant',
  },
  {
    path: 'a short max_idle survived',
    seen: { send: { lower: 600 }, recv: { lower: 600 } },
    verdict: 'unknown',
    search: { max_idle: 600 },
  },
  {
    path: 'keepalives eaten, data compliant',
    seen: { send: SURVIVES, recv: SURVIVES, keepalive: DIES_AT_ONCE },
    verdict: 'compliant',
    leftOut: ['keepalive'],
  },
  {
    path: 'keepalives eaten, data not compliant',
    seen: { send: FORGETS, recv: FORGETS, keepalive: DIES_AT_ONCE },
    verdict: 'not_compliant',
    leftOut: ['keepalive'],
  },
  {
    path: 'keepalives eaten, data undecided',
    seen: { send: CLIMBS, recv: SURVIVES, keepalive: DIES_AT_ONCE },
    verdict: 'unknown',
    leftOut: ['keepalive'],
  },
  {
    path: 'keepalives dead at once, nothing known of data',
    seen: { send: {}, recv: SURVIVES, keepalive: DIES_AT_ONCE },
    verdict: 'unknown',
  },
  {
    path: 'keepalives dead at once, data never sent from inside',
    seen: { recv: SURVIVES, keepalive: DIES_AT_ONCE },
    verdict: 'unknown',
  },
  { path: 'keepalive alone, dead at once', seen: { keepalive: DIES_AT_ONCE }, verdict: 'unknown' },
  {
    path: 'every mode dead at once',
    seen: { send: DIES_AT_ONCE, recv: DIES_AT_ONCE, keepalive: DIES_AT_ONCE },
    verdict: 'not_compliant',
  },
  {
    path: 'somebody in between answers keepalives',
    seen: {
      send: { ...FORGETS, tests: DIED },
      recv: FORGETS,
      keepalive: { ...SURVIVES, tests: OUTLIVED },
    },
    verdict: 'not_compliant',
    leftOut: ['keepalive'],
    withheld: ['keepalive'],
  },
  {
    path: 'somebody in between answers keepalives, data compliant',
    seen: {
      send: { ...LONGER, tests: DIED.map((test) => ({ ...test, idle: 9008 })) },
      recv: LONGER,
      keepalive: {
        lower: 11_000,
        compliant: true,
        tests: OUTLIVED.map((test) => ({ ...test, idle: 11_000 })),
      },
    },
    verdict: 'compliant',
    leftOut: ['keepalive'],
    withheld: ['keepalive'],
    search: { max_idle: 11_000 },
  },
  {
    path: 'data dies and keepalives do not know it yet',
    seen: { send: FORGETS, recv: FORGETS, keepalive: SURVIVES },
    verdict: 'not_compliant',
    withheld: ['keepalive'],
  },
  {
    path: 'somebody closes idle connections',
    seen: { send: CLOSED, recv: CLOSED, keepalive: CLOSED },
    verdict: 'unknown',
  },
  {
    path: 'somebody closes in one mode, another one forgets',
    seen: { send: CLOSED, recv: FORGETS, keepalive: SURVIVES },
    verdict: 'not_compliant',
  },
  {
    path: 'accused in every mode, and not checked with fewer connections',
    seen: { send: FORGETS, recv: FORGETS, keepalive: FORGETS },
    verdict: 'unknown',
    quota: { compliantWith: 71 },
  },
  {
    path: 'a drop on a path that was compliant with as many connections',
    seen: { send: FORGETS, recv: FORGETS, keepalive: FORGETS },
    verdict: 'not_compliant',
    quota: { compliantWith: 72 },
  },
  {
    path: 'forgets, and it depends on how many connections are open',
    seen: { send: FORGETS, recv: FORGETS, keepalive: FORGETS },
    verdict: 'unknown',
    quota: A_QUOTA,
  },
  {
    path: 'survives with few connections, and it depends on how many are open',
    seen: { send: SURVIVES, recv: SURVIVES, keepalive: SURVIVES },
    verdict: 'unknown',
    quota: A_QUOTA,
  },
  {
    path: 'not compliant, the modem before hop 1 located, and every hop measured',
    seen: { send: FORGETS, recv: FORGETS, keepalive: FORGETS },
    verdict: 'not_compliant',
    located: { result: BRIDGE_MODEM, hop: '0-1', place: 'before_hop_1', profile: PROFILE },
  },
  {
    path: 'not compliant in one mode, the router at hop 2 located',
    seen: { send: FORGETS, recv: SURVIVES },
    verdict: 'not_compliant',
    located: { result: CGN, hop: '2', place: 'cgn_hop', profile: ANOTHER_BEHIND },
  },
  {
    path: 'a timeout that the verdict contradicts',
    seen: { send: { lower: 7436, deaths: [7446, 7447, 7448], compliant: false }, recv: SURVIVES },
    verdict: 'not_compliant',
    withheld: ['send'],
  },
];

const BUILD = { version: '1.2.3', revision: 'abcdef0' };
const STANDING = { compliant: 'compliant', not_compliant: 'violating', unknown: 'measuring' } as const;
const EXIT = { compliant: 0, not_compliant: 1, unknown: 3 } as const;
const OPENING = { compliant: /^Compliant: /m, not_compliant: /^Not compliant: /m, unknown: /^No verdict: /m };

interface Started {
  readonly snapshot: TargetSnapshot;
  /** Lines of the log that carry the verdict on the path. */
  readonly told: readonly { readonly msg: string; readonly verdict: string; readonly left_out: string }[];
}

const started = new Map<string, Started>();
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'one-verdict-'));
  for (const row of ROWS) started.set(row.path, await startFrom(row));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What an engine says that starts from a row's searches, before any test of its own ends. */
async function startFrom({ path: name, seen, search, quota = CHECKED, located }: Row): Promise<Started> {
  const target = makeConfig(name, { modes: MODES.filter((mode) => seen[mode] !== undefined) });
  const config: TargetConfig = {
    ...target,
    far_end: { kind: 'native', host: '192.0.2.7', port: 5382 },
    search: { ...target.search, ...search },
    ...(located === undefined ? {} : { locate: { ...DEFAULT_LOCATE, profile: true } }),
  };
  const clock = new FakeClock();
  const lines: object[] = [];
  const write = (line: string): unknown => lines.push(JSON.parse(line) as object);
  const log = createLogger({ level: 'info', format: 'json', stream: { write } });
  const store = new StateStore(directory, log);
  await store.save(name, {
    path: JSON.stringify([config.far_end, config.family, null]),
    savedAt: clock.wall(),
    quota: { memory: quota, at: 0 },
    searches: config.modes.map((mode) => savedSearch(config, mode, seen[mode] ?? {}, clock.wall())),
    ...(located === undefined ? {} : { localization: savedPlace(located, clock.wall()) }),
  });
  const path = new FakePath(clock);
  const runner = new TargetRunner({
    target: config,
    clock,
    log,
    observer: {},
    testsKept: 500,
    launches: new Launches({ clock }),
    openEmbedded: () => Promise.reject(new Error('no embedded far end here')),
    openPath: () => path,
    askRouter: () => Promise.resolve(undefined),
    capability: () => ({ available: true }),
    store,
  });
  await runner.start();
  while (path.checks === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await clock.advance(2);
  const snapshot = runner.snapshot();
  const stopped = runner.stop();
  await clock.advance(10);
  await stopped;
  return { snapshot, told: lines.filter((line): line is Started['told'][number] => 'left_out' in line) };
}

/** A localisation of an hour ago. */
function savedPlace({ result, profile }: Located, now: number): LocateMemory {
  const at = now - 3600;
  return {
    ...NOTHING_LOCATED,
    entries: [{ mode: 'send', at, result, profile: { ...profile, at } }],
    hops: { client: 3, responder: 3 },
    addresses: [...ADDRESSES],
  };
}

function of(path: string): Started {
  const found = started.get(path);
  if (found === undefined) throw new Error(`${path} was not started`);
  return found;
}

/** The text of a piece of HTML as a reader sees it. */
function readable(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('\u00a0', ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

describe.each(ROWS)('$path: $verdict', ({ path, verdict, leftOut = [], withheld = [], seen }) => {
  it('is what the engine decides, and the modes are as the row wants them', () => {
    const { snapshot } = of(path);
    expect(snapshot.verdict).toMatchObject({ result: verdict, leftOut });
    expect(snapshot.verdict.sentence).toMatch(OPENING[verdict]);
    for (const { mode, finding } of snapshot.modes) {
      expect(finding.lower).toBe(seen[mode]?.lower);
      expect(finding.upper).toBe(seen[mode]?.deaths?.[0]);
      if (leftOut.includes(mode)) expect(finding.compliant).toBeUndefined();
      if (withheld.includes(mode)) expect(finding.timeout).toBeUndefined();
      if (finding.timeout !== undefined && finding.compliant !== undefined)
        expect(finding.timeout >= requirementOf(mode).idle).toBe(finding.compliant);
    }
  });

  it('is said on the page, in the card and in the overview', () => {
    const { snapshot } = of(path);
    const context = { ...CARD_CONTEXT, now: 1_700_000_000 };
    const card = renderCard(snapshot, context).text;
    expect(card).toContain(`<article class="card ${STANDING[verdict]}"`);
    expect(card).toContain(`<span class="badge ${STANDING[verdict]}">`);
    expect(readable(card)).toContain(snapshot.verdict.sentence);
    for (const mode of leftOut)
      expect(readable(card)).toMatch(new RegExp(`${mode} .*\\n.*the verdict leaves them out`));
    const row = renderRow(snapshot, context).text;
    expect(row).toContain(`<span class="badge ${STANDING[verdict]}">`);
    expect(readable(row)).toContain(snapshot.verdict.sentence);
  });

  it('is said by /api/v1/targets', () => {
    const { snapshot } = of(path);
    const document = targetsDocument(new FakeView([snapshot]), BUILD, 1_700_000_000, () => undefined);
    expect(document.targets).toMatchObject([
      { standing: STANDING[verdict], verdict: snapshot.verdict.sentence },
    ]);
    for (const { mode, compliant } of document.targets[0]?.modes ?? [])
      if (leftOut.includes(mode)) expect(compliant).toBeUndefined();
  });

  it('is said by the report in every form', () => {
    const { snapshot } = of(path);
    const report = (format: ReportFormat): string =>
      renderReport({ snapshot, at: 1_700_000_000, version: '1.2.3' }, { format, redact: false });
    const json = JSON.parse(report('json')) as { verdict: unknown; modes: { mode: Mode; result: string }[] };
    const { sentence, conditions } = snapshot.verdict;
    expect(json.verdict).toEqual({ result: verdict, sentence, conditions });
    for (const { mode, result } of json.modes) if (leftOut.includes(mode)) expect(result).toBe('unknown');
    expect(report('html')).toContain(`<p class="verdict ${RESULT_TONES[verdict]}">`);
    expect(readable(report('html'))).toContain(snapshot.verdict.sentence);
    expect(report('md')).toContain(snapshot.verdict.sentence.replaceAll('_', '\\_'));
  });

  it('is the exit code of measure, and opens a paragraph of its result', () => {
    const { snapshot } = of(path);
    expect(exitCode(snapshot)).toBe(EXIT[verdict]);
    expect(renderResult(snapshot).replaceAll(/\s+/g, ' ')).toContain(snapshot.verdict.sentence);
    expect(renderResult(snapshot)).toMatch(OPENING[verdict]);
  });

  it('is told in the log, once it is decided', () => {
    const { snapshot, told } = of(path);
    expect(told.map(({ msg, verdict: said, left_out }) => [msg, said, left_out])).toEqual(
      verdict === 'unknown' ? [] : [[snapshot.verdict.sentence, verdict, leftOut.join()]],
    );
  });
});

describe.each(ROWS.flatMap((row) => (row.located === undefined ? [] : [{ ...row, ...row.located }])))(
  '$path: $place, hop $hop',
  ({ path, place, hop, profile }) => {
    const told = () => of(path).snapshot.locating?.modes.find(({ mode }) => mode === 'send')?.found;
    const sentences = (): string[] => {
      const { sentence, profile } = told()!;
      return [sentence, ...profileSentences(profile!)];
    };

    it('is what the engine holds of it', () => {
      expect(told()).toMatchObject({ hop, place });
      expect(sentences()).toHaveLength(4);
    });

    it('is said on the page, by the API, in the report and by measure, with every hop', () => {
      const { snapshot } = of(path);
      const card = readable(renderCard(snapshot, { ...CARD_CONTEXT, now: 1_700_000_000 }).text);
      const { targets } = targetsDocument(new FakeView([snapshot]), BUILD, 1_700_000_000, () => undefined);
      expect(targets[0]?.locating?.modes[0]?.found).toMatchObject({ hop, place });
      const report = (format: ReportFormat): string =>
        renderReport({ snapshot, at: 1_700_000_000, version: '1.2.3' }, { format, redact: false });
      const { localization } = JSON.parse(report('json')) as {
        localization: { modes: { found?: object }[] };
      };
      expect(localization.modes[0]?.found).toMatchObject({ hop, place });
      const plain = (text: string): string => text.replaceAll(/\s+/g, ' ');
      for (const sentence of sentences()) {
        expect(card).toContain(sentence);
        expect(JSON.stringify(targets)).toContain(sentence);
        expect(report('json')).toContain(sentence);
        expect(readable(report('html'))).toContain(sentence);
        expect(report('md')).toContain(sentence);
        expect(plain(renderResult(snapshot))).toContain(sentence);
      }
    });

    it('has the same profile in the API, in the report and as metrics', async () => {
      const { snapshot } = of(path);
      const view = new FakeView([snapshot]);
      const { targets } = targetsDocument(view, BUILD, 1_700_000_000, () => undefined);
      const asked = targets[0]?.locating?.modes[0]?.found?.profile;
      const bounds = ({ lower, upper }: { readonly lower: number; readonly upper?: number }) =>
        defined({ lower_bound_seconds: lower, upper_bound_seconds: upper });
      expect(asked?.places).toMatchObject(
        profile.places.map(({ hop: at, kind, ...bracket }) => ({ hop: at, kind, ...bounds(bracket) })),
      );
      expect(asked?.behind).toEqual({
        ...bounds(profile.behind!),
        sentence: mendedSentence(profile.behind!),
      });
      const report = renderReport(
        { snapshot, at: 1_700_000_000, version: '1.2.3' },
        { format: 'json', redact: false },
      );
      const { localization } = JSON.parse(report) as {
        localization: { modes: { found?: { profile?: { places: object; behind: object } } }[] };
      };
      expect(localization.modes[0]?.found?.profile).toMatchObject({
        places: asked?.places,
        behind: asked?.behind,
      });
      const text = await new ExporterMetrics({ view, build: BUILD }).text();
      const shown = text
        .split('\n')
        .filter((line) => /^nat_(hop_idle_timeout|idle_timeout_behind)\w*_seconds\{/.test(line));
      expect(shown.sort()).toEqual(
        profiled(path, hop, profile)
          .map(({ metric, at, value }) => `${metric}{target="${path}",mode="send",hop="${at}"} ${value}`)
          .sort(),
      );
    });

    it('is a metric, and from there what an audit says', async () => {
      const view = new FakeView([of(path).snapshot]);
      const text = await new ExporterMetrics({ view, build: BUILD }).text();
      const [line = ''] = /^nat_forgetting_box_info\{.*\} 1$/m.exec(text) ?? [];
      const metric = Object.fromEntries(
        [...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
      );
      expect(metric).toMatchObject({ target: path, mode: 'send', hop, place });
      const nothing = Object.fromEntries(
        Object.keys(auditExpressions(86_400)).map((what) => [what, [] as Sample[]]),
      ) as unknown as Answers;
      const configured = [{ metric: { target: path }, value: 1 }];
      const [audited] = pathsOf({ ...nothing, configured, boxes: [{ metric, value: 1 }] });
      expect(audited?.boxes).toMatchObject([{ hop, place }]);
    });
  },
);

/** The samples of a profile. */
function profiled(path: string, hop: string, { places, behind }: Profile) {
  const middle = ({
    lower,
    upper,
  }: {
    readonly lower: number;
    readonly upper?: number;
  }): number | undefined => (upper === undefined ? undefined : (lower + upper) / 2);
  const sample = (metric: string, at: string, value: number | undefined) =>
    value === undefined ? [] : [{ path, metric, at, value: value === Infinity ? '+Inf' : String(value) }];
  return [
    ...places.flatMap((place) => [
      ...sample('nat_hop_idle_timeout_seconds', place.hop, middle(place)),
      ...sample('nat_hop_idle_timeout_lower_bound_seconds', place.hop, place.lower),
      ...sample('nat_hop_idle_timeout_upper_bound_seconds', place.hop, place.upper ?? Infinity),
    ]),
    ...sample('nat_idle_timeout_behind_seconds', hop, behind && (middle(behind) ?? behind.lower)),
  ];
}

describe('the rows together', () => {
  it('hold every verdict several times, with and without modes that are left out', () => {
    for (const verdict of ['compliant', 'not_compliant', 'unknown'] as const) {
      const rows = ROWS.filter((row) => row.verdict === verdict);
      expect(rows.filter(({ leftOut }) => leftOut === undefined).length).toBeGreaterThan(2);
      expect(rows.filter(({ leftOut }) => leftOut !== undefined).length).toBeGreaterThan(0);
    }
  });
});

requires({ packages: ['prometheus'] }).describe('Prometheus', () => {
  const rules = fileURLToPath(new URL('../prometheus/rules/nat-idle.rules.yml', import.meta.url));
  const decided = ROWS.filter(({ verdict }) => verdict !== 'unknown');

  /** Runs promtool over what the exporter shows of all rows; throws with what it complains of. */
  async function promtool(tests: readonly { expr: string; samples: readonly string[] }[]): Promise<void> {
    const view = new FakeView(ROWS.map(({ path }) => of(path).snapshot));
    const text = await new ExporterMetrics({ view, build: BUILD }).text();
    const series = [...text.matchAll(/^([a-z]\w*\{.*\}) (\S+)$/gm)].map(([, name = '', value = '']) => ({
      series: name,
      values: `${value.replace('+Inf', 'inf')} ${value.replace('+Inf', 'inf')}`,
    }));
    expect(series.length).toBeGreaterThan(20 * ROWS.length);
    const file = join(directory, 'rows.test.yml');
    const promql_expr_test = tests.map(({ expr, samples }) => ({
      expr,
      eval_time: '1m',
      exp_samples: samples.map((line) => ({
        labels: line.slice(0, line.lastIndexOf(' ')),
        value: Number(line.slice(line.lastIndexOf(' ') + 1)),
      })),
    }));
    const whole = {
      rule_files: [rules],
      evaluation_interval: '1m',
      tests: [{ interval: '1m', input_series: series, promql_expr_test }],
    };
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(whole));
    execFileSync('promtool', ['test', 'rules', file], { stdio: 'pipe', encoding: 'utf8' });
  }

  const recorded = decided.map(
    ({ path, verdict }) =>
      `path:rfc5382_req5_compliant:all_modes{target="${path}"} ${verdict === 'compliant' ? 1 : 0}`,
  );

  it('records the same verdict of every path, and none where there is none', async () => {
    await promtool([{ expr: 'path:rfc5382_req5_compliant:all_modes', samples: recorded }]);
  });

  it('would be caught recording another one', async () => {
    const [first = '', ...others] = recorded;
    await expect(
      promtool([
        { expr: 'path:rfc5382_req5_compliant:all_modes', samples: [first.replace(/\d$/, '0'), ...others] },
      ]),
    ).rejects.toThrow(/FAILED/);
  });

  it("answers the dashboard's panel with the same profile of every path", async () => {
    const dashboard = readFileSync(
      new URL('../grafana/dashboards/nat-idle-timeout.json', import.meta.url),
      'utf8',
    );
    const tests = ROWS.flatMap(({ path, located }) => {
      if (located === undefined) return [];
      const samples = profiled(path, located.hop, located.profile);
      return [...new Set(samples.map(({ metric }) => metric))].map((metric) => {
        const [, found = ''] = new RegExp(`"expr": "(.*[ (]${metric}\\{.*)"`).exec(dashboard) ?? [];
        const expr = (JSON.parse(`"${found}"`) as string).replace('$target', path).replaceAll(/\$\w+/g, '.*');
        const isShown = ({ value }: { value: string }): boolean =>
          value !== '+Inf' || !expr.includes('< +Inf');
        return {
          expr,
          samples: samples
            .filter((each) => each.metric === metric && isShown(each))
            .map(({ at, value }) => `{hop="${at}", mode="send"} ${value}`),
        };
      });
    });
    expect(tests).toHaveLength(8);
    await promtool(tests);
  });

  it('answers an audit so that it says the same verdict of every path', async () => {
    const expressions = auditExpressions(86_400);
    const speaking = ROWS.map(({ path, seen, leftOut = [] }) => ({
      metric: { target: path },
      value: Object.keys(seen).length - leftOut.length,
    }));
    const compliant: Sample[] = decided.map(({ path, verdict }) => ({
      metric: { target: path },
      value: verdict === 'compliant' ? 1 : 0,
    }));
    const asText = (samples: readonly Sample[]): string[] =>
      samples.map(({ metric, value }) => `{target="${metric['target'] ?? ''}"} ${value}`);
    // What the audit is given below is what Prometheus really answers.
    await promtool([
      { expr: expressions.configured, samples: asText(speaking) },
      { expr: expressions.compliant, samples: asText(compliant) },
    ]);
    const nothing = Object.fromEntries(Object.keys(expressions).map((what) => [what, [] as Sample[]]));
    const audited = pathsOf({ ...(nothing as unknown as Answers), configured: speaking, compliant });
    expect(new Map(audited.map(({ labels, state }) => [labels['target'], state]))).toEqual(
      new Map(ROWS.map(({ path, verdict }) => [path, verdict])),
    );
  });
});
