/** A scripted `EngineView`: snapshots made by hand, for tests of what shows them. */
import type { TargetConfig } from '../../src/config/config.js';
import type { Explanation } from '../../src/core/diagnosis/explanation.js';
import { type Ground, type Proof, PROOF_KINDS, type Proving } from '../../src/core/diagnosis/proof.js';
import { pathVerdict } from '../../src/core/diagnosis/path-verdict.js';
import type { Finding } from '../../src/core/finding.js';
import { MODES, type Mode } from '../../src/core/modes.js';
import type { CardContext } from '../../src/exporter/page/card.js';
import type { HistoryEntry } from '../../src/history/entry.js';
import type { Verdict } from '../../src/core/verdict.js';
import type {
  EngineView,
  ModeSnapshot,
  TargetSnapshot,
  TestRecord,
  WaitingConnection,
} from '../../src/engine/snapshot.js';

/** 2026-03-01T12:00:00Z, the moment at which the scripted scenes play. */
export const SCENE_TIME = 1772366400;

/** What a card of the page is drawn with, where nothing of it matters. */
export const CARD_CONTEXT: CardContext = {
  now: SCENE_TIME,
  reports: true,
  history: new Map(),
  rows: { labels: [], cardsElsewhere: false },
  broken: () => undefined,
};

/** A view whose targets can be replaced while somebody watches. */
export class FakeView implements EngineView {
  readonly schedule = '*/5 * * * *';
  #targets: readonly TargetSnapshot[];

  constructor(targets: readonly TargetSnapshot[]) {
    this.#targets = targets;
  }

  targets(): readonly TargetSnapshot[] {
    return this.#targets;
  }

  show(targets: readonly TargetSnapshot[]): void {
    this.#targets = targets;
  }
}

export function makeConfig(name: string, overrides: Partial<TargetConfig> = {}): TargetConfig {
  return {
    name,
    far_end: { kind: 'native', host: 'responder.example', port: 5382 },
    modes: MODES,
    family: 'any',
    labels: {},
    search: { min_idle: 15, max_idle: 7800, resolution: 10, connections: 24, deadline: 8, guard: 5 },
    ...overrides,
  };
}

export function makeMode(
  mode: Mode,
  finding: Partial<Finding> = {},
  rest: Partial<Omit<ModeSnapshot, 'mode' | 'finding'>> = {},
): ModeSnapshot {
  return {
    mode,
    finding: { phase: 'climb', suspect: false, deaths: 0, ...finding },
    connections: rest.waiting?.filter(({ state }) => state !== 'opening').length ?? 0,
    waiting: [],
    tests: [],
    ...rest,
  };
}

export function makeTarget(
  config: TargetConfig,
  rest: Partial<Omit<TargetSnapshot, 'config'>> = {},
): TargetSnapshot {
  const modes = rest.modes ?? config.modes.map((mode) => makeMode(mode));
  const findings = Object.fromEntries(modes.map(({ mode, finding }) => [mode, finding]));
  const { min_idle: minIdle, guard } = config.search;
  return {
    config,
    conntrack: {},
    localization: { local: { available: true } },
    verdict: pathVerdict(findings, config.modes, { minIdle, guard }),
    explanations: [],
    events: [],
    ...rest,
    modes,
  };
}

export function makeTest(id: number, idle: number, verdict: Verdict, at = SCENE_TIME - 60): TestRecord {
  return {
    at,
    id,
    idle,
    verdict,
    local: `192.168.1.20:${String(40000 + id)}`,
    seen: `203.0.113.9:${String(61000 + id)}`,
    remote: '198.51.100.7:5382',
  };
}

export const ALIVE: Verdict = { kind: 'alive' };
export const SILENT: Verdict = { kind: 'dead', evidence: 'silence' };
export const INTERRUPTED: Verdict = { kind: 'inconclusive', reason: 'interrupted' };

function waiting(count: number, age: number, testAt?: number): WaitingConnection[] {
  return Array.from({ length: count }, (_, index) => ({
    id: 1000 + index,
    state: 'idle' as const,
    age: Math.max(1, age - index * 7),
    ...(testAt === undefined ? {} : { testAt }),
  }));
}

const ADDRESSES = {
  up: true,
  address: '198.51.100.7',
  seenAddress: '203.0.113.9',
  localAddress: '192.168.1.20',
  natDetected: true,
} as const;

/** Twenty minutes after the start: four idle times survived, nothing died. */
export function climbingTarget(name = 'vps', overrides: Partial<TargetConfig> = {}): TargetSnapshot {
  const config = makeConfig(name, overrides);
  const tests = [15, 60, 240, 600].map((idle, index) =>
    makeTest(index + 1, idle, ALIVE, SCENE_TIME - 1200 + idle),
  );
  return makeTarget(config, {
    ...ADDRESSES,
    announced: true,
    modes: config.modes.map((mode) => makeMode(mode, { lower: 600 }, { tests, waiting: waiting(18, 1180) })),
    events: [{ at: SCENE_TIME - 1200, text: 'the search starts' }],
  });
}

/** A finished verdict: forgets after one hour in every mode. */
export function forgettingTarget(name = 'vps', overrides: Partial<TargetConfig> = {}): TargetSnapshot {
  const config = makeConfig(name, overrides);
  const tests: TestRecord[] = [
    ...[15, 60, 240, 600, 1800, 3300, 3500, 3590].map((idle, i) =>
      makeTest(i + 1, idle, ALIVE, SCENE_TIME - 9000 + i * 700),
    ),
    ...[7200, 3900, 3605, 3601].map((idle, i) => makeTest(20 + i, idle, SILENT, SCENE_TIME - 4000 + i * 800)),
    makeTest(30, 3000, INTERRUPTED, SCENE_TIME - 8000),
  ];
  const finding = {
    phase: 'track',
    lower: 3595,
    upper: 3601,
    timeout: 3598,
    compliant: false,
    deaths: 4,
  } as const;
  return makeTarget(config, {
    ...ADDRESSES,
    conntrack: { responder: 432000 },
    keepaliveRecommended: 1797,
    explanations: FORGETTING_EXPLANATIONS,
    proving: PROVEN,
    settings: {
      interval: 1797,
      snippets: [
        {
          product: 'OpenSSH client (~/.ssh/config)',
          text: 'Host *\n  ServerAliveInterval 1797\n  ServerAliveCountMax 3',
          tried: 'held',
        },
        {
          product: 'Linux kernel (sysctl)',
          text: 'net.ipv4.tcp_keepalive_time = 1797',
          tried: 'held',
        },
        { product: 'PostgreSQL', text: 'tcp_keepalives_idle = 1797', tried: 'held' },
      ],
      leftOut: [],
    },
    modes: config.modes.map((mode) =>
      makeMode(mode, finding, {
        tests,
        confirmedTimestamp: SCENE_TIME - 240,
        waiting: waiting(12, 2900, 3598),
      }),
    ),
    events: [
      { at: SCENE_TIME - 9000, text: 'the search starts' },
      { at: SCENE_TIME - 4000, mode: 'send', text: 'a connection died after 2 h 0 min idle (silence)' },
      { at: SCENE_TIME - 600, mode: 'send', text: 'found: forgets after 1 h 0 min' },
    ],
  });
}

const PROVEN_GROUND: Ground = { interval: 1797, mode: 'send', lower: 3595, upper: 3601 };
const PROOFS: readonly Proof[] = PROOF_KINDS.map((kind) => ({
  ...PROVEN_GROUND,
  kind,
  held: true,
  at: SCENE_TIME - 300,
}));
/** Both kinds held for an interval of 1797 s. */
export const PROVEN: Proving = { advice: { ground: PROVEN_GROUND }, proofs: PROOFS, open: [] };

const FORGETTING_EXPLANATIONS: readonly Explanation[] = [
  {
    id: 'mapping_forgotten',
    certainty: 'measured',
    text: 'Something on the path forgets an idle connection after 1 h 0 min.',
    evidence: ['send: alive after 59 min 55 s, dead after 1 h 0 min 1 s', 'recv: the same bracket'],
  },
  {
    id: 'known_value',
    certainty: 'hint',
    text: 'One hour is the default of several carrier-grade NATs.',
    evidence: ['the bracket holds the round value 3600 s'],
  },
];

/** Remembers longer than RFC 5382 asks for. */
export function compliantTarget(name = 'office', overrides: Partial<TargetConfig> = {}): TargetSnapshot {
  const config = makeConfig(name, overrides);
  const tests = [60, 600, 3600, 7435, 7795].map((idle, i) =>
    makeTest(i + 1, idle, ALIVE, SCENE_TIME - 8000 + i * 1500),
  );
  const finding = { phase: 'track', lower: 7795, timeout: 7795, compliant: true } as const;
  return makeTarget(config, {
    ...ADDRESSES,
    keepaliveRecommended: 3600,
    modes: config.modes.map((mode) =>
      makeMode(mode, finding, { tests, confirmedTimestamp: SCENE_TIME - 900, waiting: waiting(24, 5000) }),
    ),
    events: [{ at: SCENE_TIME - 2000, text: 'nothing died up to 2 h 10 min' }],
  });
}

/** Something drops TCP keepalives; data survives. */
export function eatenTarget(name = 'eaten', overrides: Partial<TargetConfig> = {}): TargetSnapshot {
  const { verdict: _verdict, config, ...whole } = compliantTarget(name, overrides);
  return makeTarget(config, {
    ...whole,
    modes: whole.modes.map((mode) =>
      mode.mode === 'keepalive'
        ? makeMode(
            'keepalive',
            { phase: 'refine', upper: 15, deaths: 3 },
            { tests: [makeTest(1, 15, SILENT)] },
          )
        : mode,
    ),
  });
}

/** Linux' default NAT: a packet from inside revives the mapping, only recv sees the timeout. */
export function looseTarget(name = 'loose', overrides: Partial<TargetConfig> = {}): TargetSnapshot {
  const { verdict: _verdict, config, ...whole } = compliantTarget(name, overrides);
  return makeTarget(config, {
    ...whole,
    keepaliveRecommended: 149,
    modes: whole.modes.map((mode) =>
      mode.mode === 'recv'
        ? makeMode(
            'recv',
            { phase: 'track', lower: 299, upper: 301, timeout: 300, compliant: false, deaths: 4 },
            {
              tests: [makeTest(1, 120, ALIVE), makeTest(2, 299, ALIVE), makeTest(3, 301, SILENT)],
              confirmedTimestamp: SCENE_TIME - 30,
            },
          )
        : mode,
    ),
    explanations: [
      {
        id: 'revived_from_inside',
        certainty: 'likely',
        text: 'A packet from inside revives the mapping: only recv sees that it was forgotten.',
        evidence: ['send: alive after 2 h 9 min', 'recv: dead after 5 min 1 s'],
      },
    ],
  });
}

/** The responder cannot be reached and nothing is known. */
export function downTarget(name = 'gone', overrides: Partial<TargetConfig> = {}): TargetSnapshot {
  return makeTarget(makeConfig(name, overrides), {
    up: false,
    downReason: 'connection refused by 198.51.100.7:5382',
    address: '198.51.100.7',
    events: [{ at: SCENE_TIME - 30, text: 'the far end does not answer: connection refused' }],
  });
}

/** A mixed fleet of `count` targets. */
export function fleet(count: number): TargetSnapshot[] {
  const makers = [climbingTarget, forgettingTarget, compliantTarget, looseTarget, downTarget];
  return Array.from({ length: count }, (_, index) => {
    const make = makers[index % makers.length] as (typeof makers)[number];
    const name = `site-${String(index + 1).padStart(2, '0')}`;
    return make(name, { labels: { site: name, isp: `isp-${String(index % 4)}` } });
  });
}

/** A month in which the timeout dropped ten days ago; from one hour to five minutes unless told otherwise, seconds. */
export function droppingHistory(before = 3600, after = 300): HistoryEntry[] {
  const day = 86_400;
  return Array.from({ length: 30 }, (_, index) => index).flatMap((index) =>
    MODES.map((mode) => {
      const timeout = index < 20 ? before : after;
      const bracket = { lower: timeout - 5, upper: timeout + 5, timeout };
      return { at: SCENE_TIME - (30 - index) * day + 60, mode, ...bracket, compliant: timeout >= 7440 };
    }),
  );
}

/** Behind a pool: a twentieth of the connections is forgotten after 300 s, and the others live. */
export function pooledTarget(name = 'pool', overrides: Partial<TargetConfig> = {}): TargetSnapshot {
  const config = makeConfig(name, overrides);
  const mixture = { share: 0.05, shareLower: 0.036, shareUpper: 0.077, survived: 7436 };
  const finding = {
    phase: 'track',
    lower: 295,
    upper: 305,
    timeout: 300,
    compliant: false,
    deaths: 20,
  } as const;
  const tests = [310, 900, 1800, 3600, 5400, 7000, 7300, 7436, 7436, 7436].map((idle, index) =>
    makeTest(index, idle, index % 4 === 0 ? SILENT : ALIVE),
  );
  return makeTarget(config, {
    modes: config.modes.map((mode) => makeMode(mode, { ...finding, mixture }, { tests })),
  });
}
