/** Snapshots as the engine shows them, for tests of what is rendered from them. */
import type { TargetConfig } from '../../src/config/config.js';
import { explain } from '../../src/core/diagnosis/explain.js';
import { type ModeEvidence } from '../../src/core/diagnosis/outcome.js';
import { pathVerdict } from '../../src/core/diagnosis/path-verdict.js';
import { settings } from '../../src/core/diagnosis/settings.js';
import type { Finding } from '../../src/core/finding.js';
import { MODES, type Mode } from '../../src/core/modes.js';
import type { Verdict } from '../../src/core/verdict.js';
import type { ModeSnapshot, TargetSnapshot, TestRecord } from '../../src/engine/snapshot.js';

/** 2026-11-20 08:00:00 UTC. */
export const START = 1_795_161_600;

export const CONFIG: TargetConfig = {
  name: 'home',
  far_end: { kind: 'native', host: 'vps.isp-test.net', port: 5382 },
  modes: MODES,
  family: 'any',
  labels: { site: 'home', isp: 'example' },
  search: { min_idle: 15, max_idle: 7800, resolution: 10, connections: 24, deadline: 8, guard: 5 },
};

const DEAD: Verdict = { kind: 'dead', evidence: 'silence' };
const ALIVE: Verdict = { kind: 'alive' };

/** The tests of a search that climbs geometrically and then closes its bracket around `timeout`. */
export function testsOf(mode: Mode, timeout: number, evidence: Verdict = DEAD): TestRecord[] {
  const idles: number[] = [];
  for (let idle = 15; idle < timeout; idle *= 1.22) idles.push(Math.round(idle * 10) / 10);
  let [low, high] = [idles.at(-1) ?? 15, Math.min(timeout * 1.12, 7800)];
  if (timeout < 7800) {
    idles.push(high);
    while (high - low > 10) {
      const middle = (low + high) / 2;
      idles.push(middle);
      if (middle < timeout) low = middle;
      else high = middle;
    }
    idles.push(high + 1, high + 2);
  }
  let now = START;
  return idles.map((idle, index) => ({
    at: (now = Math.max(now + 8, START + 1.07 * idle)),
    id: index + 1,
    idle: Math.round(idle * 1000) / 1000,
    verdict: idle < timeout ? ALIVE : evidence,
    local: `192.168.1.20:${40_000 + MODES.indexOf(mode) * 100 + index}`,
    seen: `203.0.113.7:${50_000 + index}`,
    remote: '198.51.100.9:5382',
  }));
}

/** A mode whose mappings are forgotten after `timeout`. */
export function forgetful(mode: Mode, timeout: number): ModeSnapshot {
  const tests = testsOf(mode, timeout);
  const lower = Math.max(...tests.filter((t) => t.verdict.kind === 'alive').map((t) => t.idle));
  const upper = Math.min(...tests.filter((t) => t.verdict.kind === 'dead').map((t) => t.idle));
  const finding: Finding = {
    phase: 'track',
    lower,
    upper,
    timeout: (lower + upper) / 2,
    compliant: upper > 7440,
    suspect: false,
    deaths: 3,
  };
  return { mode, finding, confirmedTimestamp: START + 5000, connections: 0, waiting: [], tests };
}

/** A mode in which a twentieth of the connections is forgotten after 300 s. */
export function pooled(mode: Mode): ModeSnapshot {
  const { finding, ...rest } = forgetful(mode, 300);
  const mixture = { share: 0.05, shareLower: 0.036, shareUpper: 0.077, survived: 7436 };
  return { ...rest, finding: { ...finding, lower: 295, upper: 305, timeout: 300, deaths: 20, mixture } };
}

/** A mode in which nothing dies. */
export function lasting(mode: Mode): ModeSnapshot {
  const tests = testsOf(mode, 1e9).filter(({ idle }) => idle <= 7800);
  tests.push({ at: START + 7800, id: 99, idle: 7800, verdict: ALIVE });
  return {
    mode,
    finding: { phase: 'track', lower: 7800, timeout: 7800, compliant: true, suspect: false, deaths: 0 },
    confirmedTimestamp: START + 7800,
    connections: 0,
    waiting: [],
    tests,
  };
}

/** A mode that is still climbing. */
export function climbing(mode: Mode, lower?: number): ModeSnapshot {
  return {
    mode,
    finding: { phase: 'climb', ...(lower === undefined ? {} : { lower }), suspect: false, deaths: 0 },
    connections: 2,
    waiting: [
      { id: 7, state: 'idle', age: (lower ?? 0) + 3 },
      { id: 8, state: 'idle', age: 2, testAt: 90 },
    ],
    tests: lower === undefined ? [] : testsOf(mode, lower + 1).filter(({ verdict }) => verdict === ALIVE),
  };
}

/** A whole target around some modes, with the diagnosis that the engine would add. */
export function target(modes: readonly ModeSnapshot[], rest: Partial<TargetSnapshot> = {}): TargetSnapshot {
  const { search } = CONFIG;
  const evidence: Partial<Record<Mode, ModeEvidence>> = {};
  for (const { mode, finding, tests } of modes) {
    const silence = tests.filter((t) => t.verdict.kind === 'dead').length;
    evidence[mode] = { finding, deaths: silence > 0 ? { silence } : {} };
  }
  const conntrack = rest.conntrack ?? { local: 432_000, responder: 432_000 };
  const lowers = modes.map(({ finding }) => (finding.timeout === undefined ? undefined : finding.lower));
  const half = lowers.some((lower) => lower === undefined)
    ? undefined
    : Math.min(3600, Math.floor(Math.min(...lowers.map((lower) => lower ?? 0)) / 2));
  return {
    config: { ...CONFIG, modes: modes.map(({ mode }) => mode) },
    up: true,
    address: '198.51.100.9',
    localAddress: '192.168.1.20',
    seenAddress: '203.0.113.7',
    natDetected: true,
    conntrack,
    localization: { local: { available: true } },
    verdict: pathVerdict(
      Object.fromEntries(modes.map(({ mode, finding }) => [mode, finding])),
      modes.map(({ mode }) => mode),
      { minIdle: search.min_idle, guard: search.guard },
    ),
    ...(half === undefined ? {} : { keepaliveRecommended: half, settings: settings(half, { proofs: [] }) }),
    explanations: explain({
      modes: evidence,
      limits: {
        minIdle: search.min_idle,
        resolution: search.resolution,
        guard: search.guard,
      },
      conntrack,
      natDetected: true,
      addresses: { local: 'private', seen: 'public' },
    }),
    modes,
    events: [
      { at: START, text: 'probing vps.isp-test.net at 198.51.100.9:5382' },
      { at: START + 4035, mode: 'send', text: 'not compliant: a connection died after 4032 s' },
    ],
    ...rest,
  };
}

/** What the blog's modem looks like: one hour, from inside. */
export const BRIDGE_MODEM = target([forgetful('send', 3600), lasting('recv'), forgetful('keepalive', 3600)]);
/** A strict NAT of one hour. */
export const ONE_HOUR = target([
  forgetful('send', 3600),
  forgetful('recv', 3600),
  forgetful('keepalive', 3600),
]);
/** A path that keeps everything. */
export const COMPLIANT = target(MODES.map(lasting));
/** A path of which little is known yet. */
export const EARLY = target([climbing('send', 60), climbing('recv', 50), climbing('keepalive')], {
  explanations: [],
});
