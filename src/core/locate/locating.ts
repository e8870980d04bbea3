/** What readers see of a path's localisations, mode by mode: what is being done, and which box was found. */
import { defined } from '../../defined.js';
import type { Seconds } from '../../units.js';
import type { Mode } from '../modes.js';
import { ttlOf } from './cells.js';
import type { Side } from './locate-contract.js';
import type { CellCount, LocateEvidence, Localization } from './localization.js';
import type { LocateProgress } from './locate-progress.js';
import { localizationSentence } from './locate-words.js';
import { hopLabel, type LocatedPlace, type PathSurroundings, placeOf } from './places.js';
import type { ProfileFound } from './profile-search.js';

/** A router that told its address. */
export interface HopAddress {
  /** Counted from this host, ≥ 1. */
  readonly hop: number;
  readonly address: string;
}

/** The idle timeouts along a path, where they were asked for. */
export interface Profile extends ProfileFound {
  /** Unix time at which the newest of it was measured, seconds. */
  readonly at: Seconds;
}

/** What one run came to, and when. */
export interface LocalizationFound {
  /** Unix time at which it ended, seconds. */
  readonly at: Seconds;
  readonly result: Localization;
  readonly profile?: Profile;
}

/** The same as it is told. */
export interface LocalizationTold extends LocalizationFound {
  /** Which box forgets, or why that is not known. Where hops told their addresses it names them. */
  readonly sentence: string;
  /** Where the box stands, as labels have it; of a box that was located only. */
  readonly hop?: string;
  readonly place?: LocatedPlace;
}

/** A run under way. */
export interface LocateRun {
  readonly stage: Exclude<LocateProgress['stage'], 'over'> | 'profile';
  /** Connections that it holds now. */
  readonly connections: number;
  /** Tests that said something so far. */
  readonly tests: number;
  /** Seconds until it ends, when nothing comes in between. */
  readonly left: Seconds;
}

/** One mode. */
export interface ModeLocating {
  readonly mode: Mode;
  /**
   * `running` whatever an earlier run found; else `located` or `not_located` by what `found` holds; else `idle`.
   */
  readonly state: 'idle' | 'running' | 'located' | 'not_located';
  /** Why it is idle, for people. */
  readonly why?: string;
  readonly running?: LocateRun;
  /** What was found and still holds, also while it is asked again. */
  readonly found?: LocalizationTold;
}

/** One path. */
export interface Locating {
  /** Routers on the path as each end counted them last. */
  readonly hops: Readonly<Partial<Record<Side, number>>>;
  /** The routers that told their addresses, the nearest first; empty where nobody asks them. */
  readonly addresses: readonly HopAddress[];
  /** The configured modes in their order. */
  readonly modes: readonly ModeLocating[];
}

/** What was found, in words and labels. */
export function told(found: LocalizationFound, surroundings: PathSurroundings): LocalizationTold {
  const { result } = found;
  const sentence = localizationSentence(result, surroundings);
  if (result.kind === 'not_located') return { ...found, sentence };
  const { box, evidence } = result;
  const hops = evidence.hops.client ?? 0;
  return { ...found, sentence, hop: hopLabel(box, hops), place: placeOf(box, evidence, surroundings) };
}

/** What is known of a mode. */
export function modeLocating(
  mode: Mode,
  {
    running,
    found,
    why,
  }: {
    readonly running?: LocateRun | undefined;
    readonly found?: LocalizationTold | undefined;
    readonly why?: string | undefined;
  },
): ModeLocating {
  const state = running === undefined ? (found?.result.kind ?? 'idle') : 'running';
  return defined({ mode, state, why: state === 'idle' ? why : undefined, running, found });
}

/** What became of the connections that one end alone refreshed with a TTL; 0: nobody did. */
export interface RowCell {
  readonly ttl: number;
  readonly alive: number;
  readonly dead: number;
}

/** The row of one end, by TTL; empty where that end refreshed nothing. */
export function rowCells({ cells }: LocateEvidence, side: Side): readonly RowCell[] {
  const own = cells.filter((cell) => ttlOf(side, cell) === cell.k + cell.m);
  if (own.every((cell) => cell.k + cell.m === 0)) return [];
  return own.map(({ k, m, alive, dead }) => ({ ttl: k + m, alive, dead }));
}

/** The cells that both ends refreshed. */
export function sharedCells({ cells }: LocateEvidence): readonly CellCount[] {
  return cells.filter(({ k, m }) => k > 0 && m > 0);
}
