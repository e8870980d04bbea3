/** A path as it is drawn: this host, its routers, the far end, what lies between them, and where the box stands. */
import { defined } from '../../defined.js';
import type { ForgettingBox } from './localization.js';
import type { HopAddress, LocalizationTold } from './locating.js';
import type { Side } from './locate-contract.js';
import type { LocatedPlace } from './places.js';

/** `forgets`: the box that was located; `perhaps`: one of several places between which it was not decided. */
export type StationMark = 'forgets' | 'perhaps';

/** What is drawn of a path, from this host to the far end: hosts and routers in turn with the gaps between them. */
export interface Station {
  readonly kind: 'here' | 'router' | 'gap' | 'far_end';
  /** 0 this host, h + 1 the far end, between them routers; for a gap the hop before it. */
  readonly hop: number;
  /** Of a router that told it. */
  readonly address?: string;
  readonly mark?: StationMark;
}

/** What a drawing needs to know of a localisation. */
export interface LocatedPath {
  /** Routers on the path as each end counts them. */
  readonly hops: Readonly<Partial<Record<Side, number | undefined>>>;
  readonly addresses: readonly HopAddress[];
  /** Of a box that was located: its kind, its label (see `hopLabel`), its place and its steps. */
  readonly kind?: ForgettingBox['kind'] | undefined;
  readonly hop?: string | undefined;
  readonly place?: LocatedPlace | undefined;
  readonly kc?: number | undefined;
  readonly ks?: number | undefined;
}

export function locatedPath(
  { result, hop, place }: LocalizationTold,
  addresses: readonly HopAddress[],
): LocatedPath {
  const { hops } = result.evidence;
  const known = { hops, addresses, place };
  if (result.kind === 'not_located') return known;
  const { kind, kc, ks } = result.box;
  return { ...known, kind, kc, ks, hop };
}

/** The stations of a path; undefined where no end has counted the routers. */
export function stationsOf(path: LocatedPath): readonly Station[] | undefined {
  const { client, responder } = path.hops;
  const hops = client ?? responder;
  if (hops === undefined) return undefined;
  const marks = marksOf(path, hops);
  const addresses = new Map(path.addresses.map(({ hop, address }) => [hop, address]));
  const station = (kind: Station['kind'], hop: number): Station =>
    defined({
      kind,
      hop,
      address: kind === 'router' ? addresses.get(hop) : undefined,
      mark: marks.get(kind === 'gap' ? gap(hop) : String(hop)),
    });
  return Array.from({ length: hops + 2 }, (_, hop) => [
    station(hop === 0 ? 'here' : hop === hops + 1 ? 'far_end' : 'router', hop),
    ...(hop <= hops ? [station('gap', hop)] : []),
  ]).flat();
}

/** The name of a gap. */
function gap(before: number): string {
  return `${before}-${before + 1}`;
}

/** Which stations are marked, by their names. */
function marksOf(
  { kind, hop, place, kc, ks, hops: counted }: LocatedPath,
  hops: number,
): Map<string, StationMark> {
  if (kind === undefined) return new Map();
  if (kind === 'several' || kind === 'one_sided') {
    // What the far end counts is a hop of this end's only where both count alike.
    const isCommon = counted.responder === hops;
    const names = [
      ...(kc === undefined ? [] : aroundKc(kc, hops)),
      ...(ks === undefined || !isCommon ? [] : aroundKs(ks, hops)),
    ];
    return new Map(names.map((name) => [name, 'perhaps']));
  }
  const name = place === 'own_host' ? '0' : place === 'far_end' ? String(hops + 1) : (hop ?? '');
  return new Map([[name, 'forgets']]);
}

/** What a step of this end leaves open: that hop, something before it, or the hop before if it looks at the TTL first. */
function aroundKc(kc: number, hops: number): readonly string[] {
  if (kc > hops) return [...(hops > 0 ? [String(hops)] : []), gap(hops)];
  return [String(kc), gap(kc - 1), ...(kc > 1 ? [String(kc - 1)] : [])];
}

/** The same of the far end, whose step `ks` is hop h + 1 - ks. */
function aroundKs(ks: number, hops: number): readonly string[] {
  const hop = hops + 1 - ks;
  if (hop < 1) return [gap(0), ...(hops > 0 ? ['1'] : [])];
  return [String(hop), gap(hop), ...(hop < hops ? [String(hop + 1)] : [])];
}
