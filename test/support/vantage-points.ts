/**
 * A simulated fleet of vantage points, told by the exporter's own metrics code: each is an exporter with one path,
 * which carries the labels `isp`, `site` and `access`.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Finding } from '../../src/core/finding.js';
import { MODES, type Mode } from '../../src/core/modes.js';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import { FakeView, makeConfig, makeMode, makeTarget } from './fake-view.js';

/** What is known of a path. */
export type Kind = 'healthy' | 'hourly' | 'loose' | 'unknown' | 'partial';

/** One exporter with its path. */
export interface VantagePoint {
  readonly instance: string;
  readonly isp: string;
  readonly site: string;
  readonly access: string;
  readonly kind: Kind;
}

const SURVIVED: Partial<Finding> = { phase: 'track', lower: 7795, timeout: 7795, compliant: true };
const SHORT: Partial<Finding> = {
  phase: 'track',
  lower: 299,
  upper: 301,
  timeout: 300,
  compliant: false,
  deaths: 4,
};
const HOURLY: Partial<Finding> = { ...SHORT, lower: 3595, upper: 3605, timeout: 3600 };
const CLIMBING: Partial<Finding> = { phase: 'climb', lower: 900 };

/** The findings of each kind. */
const FINDINGS: Readonly<Record<Kind, (mode: Mode) => Partial<Finding>>> = {
  healthy: () => SURVIVED,
  hourly: () => HOURLY,
  loose: (mode) => (mode === 'recv' ? SHORT : SURVIVED),
  unknown: () => CLIMBING,
  partial: (mode) => (mode === 'send' ? SURVIVED : CLIMBING),
};

/** What the recording rules say of a path; absent while unknown. */
export const COMPLIANT: Readonly<Record<Kind, 0 | 1 | undefined>> = {
  healthy: 1,
  hourly: 0,
  loose: 0,
  unknown: undefined,
  partial: undefined,
};

/** How many of a hundred paths are of each kind, at most providers. */
const MIX: readonly (readonly [Kind, number])[] = [
  ['healthy', 58],
  ['hourly', 18],
  ['loose', 10],
  ['unknown', 11],
  ['partial', 3],
];
const ACCESSES = ['fibre', 'cable', 'dsl', 'mobile'] as const;
const ISPS = 8;
const CGN = 6;
const GOOD = 2;
const PATHS_PER_SITE = 40;

/** The metrics that the fleet dashboard, the recording rules and the audit read. */
const METRICS =
  /^(nat_search_phase|nat_idle_timeout(_(lower|upper)_bound)?_seconds|rfc5382_req5_compliant|nat_target_up)\{/;

/** A fleet of `count` vantage points; the same count gives the same fleet. */
export function vantagePoints(count: number): VantagePoint[] {
  return Array.from({ length: count }, (_, index) => {
    // 37 is coprime to 100: every kind occurs among the first few already.
    let place = (index * 37) % 100;
    const [drawn] = MIX.find(([, share]) => (place -= share) < 0) ?? ['unknown'];
    const isp = index % ISPS;
    // One provider's carrier-grade NAT forgets after an hour, another provider is without a fault.
    const kind =
      isp === CGN && drawn === 'healthy' ? 'hourly' : isp === GOOD && drawn !== 'unknown' ? 'healthy' : drawn;
    return {
      instance: `vantage-${String(index).padStart(4, '0')}:15382`,
      isp: `isp-${isp}`,
      site: `site-${String(Math.floor(index / PATHS_PER_SITE)).padStart(2, '0')}`,
      access: ACCESSES[Math.floor(index / ISPS) % ACCESSES.length] ?? 'fibre',
      kind,
    };
  });
}

/** The series of one exporter with a path of this kind, with its value; labels to be filled in are upper case. */
async function template(kind: Kind): Promise<string[]> {
  const config = makeConfig('responder', { labels: { isp: 'ISP', site: 'SITE', access: 'ACCESS' } });
  const target = makeTarget(config, {
    up: true,
    modes: MODES.map((mode) => makeMode(mode, FINDINGS[kind](mode))),
  });
  const metrics = new ExporterMetrics({
    view: new FakeView([target]),
    build: { version: '0.1.0', revision: 'fleet' },
    defaultMetrics: false,
  });
  const lines = (await metrics.text()).split('\n').filter((line) => METRICS.test(line));
  return lines.map((line) => line.replace('{', '{job="nat-idle-exporter",instance="INSTANCE",'));
}

function fill(line: string, { instance, isp, site, access }: VantagePoint): string {
  return line
    .replace('INSTANCE', instance)
    .replace('ISP', isp)
    .replace('SITE', site)
    .replace('ACCESS', access);
}

/** Every series of a scrape of the whole fleet, each with its value. */
export async function scrapeOf(fleet: readonly VantagePoint[]): Promise<string[]> {
  const templates = new Map<Kind, readonly string[]>();
  for (const kind of new Set(fleet.map((point) => point.kind))) templates.set(kind, await template(kind));
  return fleet.flatMap((point) => (templates.get(point.kind) ?? []).map((line) => fill(line, point)));
}

/**
 * What else is known of some paths, as more series of the same scrape: where the box stands that forgets after an hour,
 * that the loose ones are pools, and where the pages of every exporter are.
 */
export function besidesOf(fleet: readonly VantagePoint[]): string[] {
  const path =
    'job="nat-idle-exporter",instance="INSTANCE",target="responder",isp="ISP",site="SITE",access="ACCESS"';
  const known: Readonly<Partial<Record<Kind, readonly string[]>>> = {
    hourly: [`nat_forgetting_box_info{${path},mode="send",hop="2",kind="router",place="cgn_hop"} 1`],
    loose: [`nat_path_condition{${path},condition="mixture"} 1`, `nat_idle_early_death_ratio{${path}} 0.2`],
  };
  const pages =
    'nat_idle_exporter_site_info{job="nat-idle-exporter",instance="INSTANCE",scheme="http",external_url="",route_prefix=""} 1';
  return fleet.flatMap((point) => [pages, ...(known[point.kind] ?? [])].map((line) => fill(line, point)));
}

/** What the recording rules of a path make of such a scrape: compliance and the number of modes. */
export function recordedOf(fleet: readonly VantagePoint[]): string[] {
  const labels =
    '{job="nat-idle-exporter",instance="INSTANCE",target="responder",isp="ISP",site="SITE",access="ACCESS"}';
  return fleet.flatMap((point) => {
    const compliant = COMPLIANT[point.kind];
    return [
      `path:nat_modes_configured:count${labels} ${MODES.length}`,
      ...(compliant === undefined ? [] : [`path:rfc5382_req5_compliant:all_modes${labels} ${compliant}`]),
    ].map((line) => fill(line, point));
  });
}

/**
 * Writes the same samples again and again as OpenMetrics text, from `from` to before `to` (Unix times, whole
 * seconds) every `step` seconds.
 * @returns the number of samples
 */
export function writeHistory(
  file: string,
  series: readonly string[],
  { from, to, step }: { readonly from: number; readonly to: number; readonly step: number },
): number {
  const digits = '0000000000';
  const text = Buffer.from(`${series.map((line) => `${line} ${digits}`).join('\n')}\n`);
  // Only the moments differ between two scrapes, and their places do not.
  const places: number[] = [];
  for (let at = text.indexOf(`${digits}\n`); at !== -1; at = text.indexOf(`${digits}\n`, at + 1))
    places.push(at);
  const output = openSync(file, 'w');
  let samples = 0;
  try {
    for (let moment = from; moment < to; moment += step) {
      const stamp = Buffer.from(String(moment));
      for (const place of places) stamp.copy(text, place);
      writeSync(output, text);
      samples += places.length;
    }
    writeSync(output, '# EOF\n');
  } finally {
    closeSync(output);
  }
  return samples;
}
