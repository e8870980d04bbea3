/**
 * What a path's localisations have come to: what still holds, and when which mode is asked (again). Plain values that
 * survive JSON; moments are Unix time, seconds.
 */
import type { Seconds } from '../../units.js';
import { isSamePath, type PathEnds } from '../diagnosis/proof.js';
import type { FindingsByMode } from '../diagnosis/publishable.js';
import type { Mode } from '../modes.js';
import type { Side } from './locate-contract.js';
import { type Locatable, modesToLocate } from './locatable.js';
import type { HopAddress, LocalizationFound, Profile } from './locating.js';
import type { Localization, NotLocated } from './localization.js';
import { profileGround } from './profile-search.js';

/** Runs because something changed are so far apart at least, seconds: a timeout may swing. */
const BETWEEN_EXTRA_RUNS: Seconds = 86_400;
/** What was found is believed for so many of the times after which it is asked again. */
const BELIEVED_FOR = 2;
/** Results that say nothing about the path: they are tried again soon, and take nothing back. */
const FAULTS: readonly NotLocated[] = ['interrupted', 'open_failed', 'no_distance', 'unclear'];
/** Such a result is tried again after so long, and after twice as long each further time, seconds. */
const FIRST_RETRY: Seconds = 600;
const LONGEST_RETRY: Seconds = 86_400;

/** What the newest run that counts in a mode came to. */
export interface LocateEntry extends LocalizationFound {
  readonly mode: Mode;
  /** The far end's address, and ours as it saw it, where they were known. */
  readonly address?: string;
  readonly seen?: string;
}

export interface LocateMemory {
  readonly entries: readonly LocateEntry[];
  /** Modes whose newest runs failed: how often in a row, and when the last one ended. */
  readonly failed: readonly { readonly mode: Mode; readonly times: number; readonly at: Seconds }[];
  /** Modes in which something that was found does not hold any more. */
  readonly changed: readonly Mode[];
  /** When a run ended last that something had changed for. */
  readonly extraAt?: Seconds;
  /** Routers on the path as each end counted them last, and those that told their addresses. */
  readonly hops: Readonly<Partial<Record<Side, number>>>;
  readonly addresses: readonly HopAddress[];
}

export const NOTHING_LOCATED: LocateMemory = {
  entries: [],
  failed: [],
  changed: [],
  hops: {},
  addresses: [],
};

function isFault({ result }: LocateEntry): boolean {
  return result.kind === 'not_located' && FAULTS.includes(result.reason);
}

/** What the present moment says about what is remembered. */
export interface LocateGround {
  /** As they were found, whatever may be published of them. */
  readonly findings: FindingsByMode;
  readonly ends: PathEnds;
  /** Distance within which two brackets are one, seconds. */
  readonly guard: Seconds;
  /** Time after which what was found is asked again, seconds. */
  readonly every: Seconds;
  /** Whether the idle timeouts along the path are wanted, too. */
  readonly profile: boolean;
  /** Whether what is due waits for its turn, or has it. */
  readonly isAsking: boolean;
  /** Unix time, seconds. */
  readonly now: Seconds;
}

/**
 * What is left of a memory: the same value where all of it is. What was refuted is gone, and what is too old, unless it is
 * just being asked again: in a large fleet that turn may come late.
 */
export function holding(memory: LocateMemory, ground: LocateGround): LocateMemory {
  const { ends, every, now } = ground;
  const isElsewhere = (entry: LocateEntry): boolean => !isSamePath(entry, ends);
  const asked = ground.isAsking ? modesToLocate(ground.findings, ground.guard).map(({ mode }) => mode) : [];
  const isOld = (entry: LocateEntry, at = entry.at): boolean =>
    now - at > BELIEVED_FOR * every && !asked.includes(entry.mode);
  const gone = memory.entries.filter((entry) => isElsewhere(entry) || isRefuted(entry, ground));
  const entries = memory.entries
    .filter((entry) => !gone.includes(entry) && !isOld(entry))
    .map((entry) => (isOld(entry, entry.profile?.at) ? withoutProfile(entry) : entry));
  const isSame =
    entries.length === memory.entries.length && entries.every((each, at) => each === memory.entries[at]);
  if (isSame) return memory;
  const left = { ...memory, entries, changed: union(memory.changed, gone) };
  return memory.entries.some(isElsewhere) ? { ...left, hops: {}, addresses: [] } : left;
}

function withoutProfile({ profile: _profile, ...entry }: LocateEntry): LocateEntry {
  return entry;
}

/** Whether another timeout is known than the one that was located. While none is, nothing is refuted. */
function isRefuted({ mode, result }: LocateEntry, { findings, guard }: LocateGround): boolean {
  const { lower = 0, upper = Infinity, suspect = false } = findings[mode] ?? {};
  const { evidence } = result;
  return !suspect && (lower > evidence.upper + guard || upper < evidence.lower - guard);
}

/** The timeout of a mode has changed: what was found of it is gone at once. */
export function withdrawn(memory: LocateMemory, mode: Mode): LocateMemory {
  const gone = memory.entries.filter((entry) => entry.mode === mode);
  if (gone.length === 0) return memory;
  return {
    ...memory,
    entries: memory.entries.filter((entry) => entry.mode !== mode),
    changed: union(memory.changed, gone),
  };
}

function union(modes: readonly Mode[], entries: readonly LocateEntry[]): readonly Mode[] {
  return [...new Set([...modes, ...entries.map(({ mode }) => mode)])];
}

/** A mode that is to be asked, and from when on. */
export interface DueMode extends Locatable {
  readonly at: Seconds;
  /** What is asked: the box, or the idle timeouts along the path on which it was found. */
  readonly what: 'box' | 'profile';
}

/** Every mode in which a box can be looked for, the one that is due first in front. */
export function dueModes(memory: LocateMemory, ground: LocateGround): readonly DueMode[] {
  return modesToLocate(ground.findings, ground.guard)
    .map((locatable) => ({ ...locatable, ...dueOf(memory, locatable.mode, ground) }))
    .sort((one, other) => one.at - other.at || WEIGHT[one.what] - WEIGHT[other.what]);
}

/** Of what is due at the same time the box comes first. */
const WEIGHT: Readonly<Record<DueMode['what'], number>> = { box: 0, profile: 1 };

function dueOf(
  { entries, failed, changed, extraAt = -Infinity }: LocateMemory,
  mode: Mode,
  { every, profile }: LocateGround,
): Pick<DueMode, 'at' | 'what'> {
  const entry = entries.find((each) => each.mode === mode && !isFault(each));
  const failure = failed.find((each) => each.mode === mode);
  const rested =
    failure === undefined
      ? -Infinity
      : failure.at + Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** (failure.times - 1));
  const boxAt = Math.max(
    (entry?.at ?? -Infinity) + every,
    rested,
    changed.includes(mode) ? extraAt + BETWEEN_EXTRA_RUNS : -Infinity,
  );
  const isOpen = profile && entry !== undefined && lacksProfile(entry);
  return isOpen && rested < boxAt ? { at: rested, what: 'profile' } : { at: boxAt, what: 'box' };
}

/** Whether a profile can be measured that is not, not wholly, or was before the box was looked for last. */
function lacksProfile({ at, result, profile }: LocateEntry): boolean {
  const isWhole = profile !== undefined && profile.places.length > 0 && profile.at >= at;
  return !isWhole && profileGround(result) !== undefined;
}

/** A run was given up, or nothing can be said because of what came in between. */
export function failedRun(memory: LocateMemory, mode: Mode, at: Seconds): LocateMemory {
  const times = (memory.failed.find((each) => each.mode === mode)?.times ?? 0) + 1;
  return { ...memory, failed: [...memory.failed.filter((each) => each.mode !== mode), { mode, times, at }] };
}

/** A run has ended. A result that says nothing about the path takes nothing back. */
export function concludedRun(memory: LocateMemory, entry: LocateEntry): LocateMemory {
  const { mode, at } = entry;
  const others = memory.entries.filter((each) => each.mode !== mode);
  if (isFault(entry)) {
    const before = memory.entries.find((each) => each.mode === mode);
    const kept = before?.result.kind === 'located' ? before : entry;
    return failedRun({ ...memory, entries: [...others, kept] }, mode, at);
  }
  const before = memory.entries.find((each) => each.mode === mode);
  const { profile } = before !== undefined && isSameBox(before.result, entry.result) ? before : {};
  return {
    ...memory,
    entries: [...others, profile === undefined ? entry : { ...entry, profile }],
    failed: memory.failed.filter((each) => each.mode !== mode),
    changed: memory.changed.filter((each) => each !== mode),
    ...(memory.changed.includes(mode) ? { extraAt: at } : {}),
  };
}

/** Whether what was measured beside the one box holds beside the other. */
function isSameBox(one: Localization, other: Localization): boolean {
  const [a, b] = [profileGround(one), profileGround(other)];
  if (a === undefined || b === undefined) return false;
  return a.hops === b.hops && a.box.kind === b.box.kind && a.box.kc === b.box.kc && a.box.ks === b.box.ks;
}

/** Idle timeouts along the path of what was found are known, all of them or the first. Nothing where it does not stand any more. */
export function profiledRun(memory: LocateMemory, result: Localization, profile: Profile): LocateMemory {
  const entry = memory.entries.find((each) => each.result === result);
  if (entry === undefined) return memory;
  const isWhole = profile.places.length > 0;
  return {
    ...memory,
    entries: memory.entries.map((each) => (each === entry ? { ...entry, profile } : each)),
    failed: isWhole ? memory.failed.filter(({ mode }) => mode !== entry.mode) : memory.failed,
  };
}

/** Moments as the wall clock tells them after it was set. */
export function movedMemory(memory: LocateMemory, moved: (at: Seconds) => Seconds): LocateMemory {
  const { extraAt } = memory;
  const move = <Thing extends { readonly at: Seconds }>(thing: Thing): Thing => ({
    ...thing,
    at: moved(thing.at),
  });
  return {
    ...memory,
    entries: memory.entries.map((entry) => {
      const { profile } = entry;
      return move(profile === undefined ? entry : { ...entry, profile: move(profile) });
    }),
    failed: memory.failed.map(move),
    ...(extraAt === undefined ? {} : { extraAt: moved(extraAt) }),
  };
}
