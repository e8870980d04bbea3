/**
 * Whether advice keeps a connection alive here: what can be tried, what was shown by it, and for how long that counts. A
 * connection is held for some intervals by exactly what is advised, and then asked whether it lives.
 */
import type { Seconds } from '../../units.js';
import type { Finding } from '../finding.js';
import { durationWithSeconds } from '../human-duration.js';
import { MODE_ROWS, type Mode } from '../modes.js';
import { CONDITION_ROWS, type PathCondition } from './conditions.js';
import type { FindingsByMode } from './publishable.js';

/** What a connection is held by: the kernel's TCP keepalives, or data of the protocol itself. */
export const PROOF_KINDS = ['keepalive', 'data'] as const;
export type ProofKind = (typeof PROOF_KINDS)[number];

/** Intervals for which a connection is held before it is asked. */
export const PROOF_INTERVALS = 3;
/** Failures in a row that refute advice: an outage, or an eviction by chance, ends a single connection as well. */
export const FAILURES_OF_A_REFUTATION = 2;
/** How much longer a connection must be held than the longest that a silent one lives, seconds: a test is that inexact. */
const BEYOND: Seconds = 0.5;
/** Intervals that differ by no more than this share, or a second, are the same advice. */
const SAME_SHARE = 0.02;
/** Brackets that lie no further apart than this share are the same timeout. */
const SAME_TIMEOUT_SHARE = 0.01;
/** What was shown is tried again when it is so old, seconds: boxes are replaced by others with the same timeout. */
const HELD_COUNTS_FOR: Seconds = 7 * 86_400;
const FAILED_COUNTS_FOR: Seconds = 86_400;

/** What is advised on a path, and the silence that it is measured against. */
export interface Ground {
  /** The advised interval, whole seconds. */
  readonly interval: Seconds;
  /** The mode that forgets first: in it a held connection is asked whether it lives. */
  readonly mode: Mode;
  /** Its bracket, seconds. */
  readonly lower: Seconds;
  readonly upper: Seconds;
}

/** Advice, and whether it can be proven. */
export interface Advice {
  /** Absent where there is nothing that a proof could rest on; then nothing counts that was shown before. */
  readonly ground?: Ground;
  /** Why nothing can be tried (now), for people; absent where it can. */
  readonly why?: string;
}

/** Both ends of a path, as far as they are known. */
export interface PathEnds {
  /** The far end's address. */
  readonly address?: string | undefined;
  /** Our own addresses as the far end saw them of late; empty while unknown. */
  readonly seen: readonly string[];
}

/** What came of one try. */
export interface Proof extends Ground {
  readonly kind: ProofKind;
  /** Whether the connection lived. */
  readonly held: boolean;
  /** Unix time at which that was known, seconds. */
  readonly at: Seconds;
  /** The far end's address, and ours as it saw it, where they were known. */
  readonly address?: string;
  readonly seen?: string;
}

/** What is advised on a path, as far as a proof is concerned. */
export interface Advised {
  readonly interval: Seconds | undefined;
  /** As they are published. */
  readonly findings: FindingsByMode;
  /** The configured modes that speak of the mapping. */
  readonly speaking: readonly Mode[];
  readonly conditions: readonly PathCondition[];
}

/** Conditions beside which nothing is proven: one connection does not stand for the others, or ends of age. */
const HINDERING: readonly PathCondition[] = ['mixture', 'connection_quota', 'fixed_lifetime'];

/** What can be proven of the advice on a path. */
export function adviceOf({ interval, findings, speaking, conditions }: Advised): Advice {
  if (interval === undefined) return { why: 'no interval is advised yet' };
  const dying = speaking.flatMap((mode) => {
    const { lower, upper } = findings[mode] ?? {};
    return lower === undefined || upper === undefined ? [] : [{ interval, mode, lower, upper }];
  });
  if (dying.length === 0)
    return { why: 'nothing died here, and a connection that lives anyway shows nothing' };
  const longest = PROOF_INTERVALS * interval - BEYOND;
  const [ground] = dying.filter(({ upper }) => upper < longest).sort(byUse);
  if (ground === undefined)
    return {
      why: `a silent connection may live through ${PROOF_INTERVALS} intervals (${durationWithSeconds(PROOF_INTERVALS * interval)})`,
    };
  const hindrance = conditions.find((condition) => HINDERING.includes(condition));
  if (hindrance !== undefined) return { ground, why: CONDITION_ROWS[hindrance].meaning };
  if (speaking.some((mode) => !isSettled(findings[mode])))
    return { ground, why: 'the finding awaits confirmation' };
  return { ground };
}

/** Modes that carry data first, since others may answer empty segments; then the one that forgets first. */
function byUse(a: Ground, b: Ground): number {
  const isEmpty = ({ mode }: Ground): number => (MODE_ROWS[mode].answeredBy === 'kernel' ? 1 : 0);
  return isEmpty(a) - isEmpty(b) || a.upper - b.upper;
}

function isSettled(finding: Finding | undefined): boolean {
  return finding?.suspect === false && (finding.compliant !== undefined || finding.closed === true);
}

/** How long a try takes that has to be made once more, and otherwise, seconds. */
export function durationOfProof(
  { interval }: Pick<Ground, 'interval'>,
  deadline: Seconds,
): { readonly least: Seconds; readonly most: Seconds } {
  const least = PROOF_INTERVALS * interval;
  return { least, most: FAILURES_OF_A_REFUTATION * (least + 2 * deadline) };
}

/** Whether two grounds are the same advice against the same timeout, up to the inexactness of tests. */
export function isSameGround(a: Ground, b: Ground): boolean {
  const slack = SAME_TIMEOUT_SHARE * Math.max(a.upper, b.upper);
  return (
    Math.abs(a.interval - b.interval) <= Math.max(1, SAME_SHARE * a.interval) &&
    a.lower <= b.upper + slack &&
    b.lower <= a.upper + slack
  );
}

/** What was shown and counts for the present advice: the same list where all of it does. */
export function standing(
  proofs: readonly Proof[],
  ground: Ground | undefined,
  ends: PathEnds,
): readonly Proof[] {
  const counts = (proof: Proof): boolean =>
    ground !== undefined && isSameGround(proof, ground) && isSamePath(proof, ends);
  return proofs.every(counts) ? proofs : proofs.filter(counts);
}

/** Whether what was shown between two ends was shown of these: what is unknown contradicts nothing. */
export function isSamePath(proof: Pick<Proof, 'address' | 'seen'>, { address, seen }: PathEnds): boolean {
  const sameFarEnd = proof.address === undefined || address === undefined || proof.address === address;
  return sameFarEnd && (proof.seen === undefined || seen.length === 0 || seen.includes(proof.seen));
}

/** What of `kinds` is to be tried: what was not, and what was so long ago that it may be otherwise by now. */
function untried(kinds: readonly ProofKind[], proofs: readonly Proof[], now: Seconds): readonly ProofKind[] {
  const isFresh = ({ at, held }: Proof): boolean => now - at <= (held ? HELD_COUNTS_FOR : FAILED_COUNTS_FOR);
  return kinds.filter((kind) => !proofs.some((proof) => proof.kind === kind && isFresh(proof)));
}

/** 1 or 0 for each kind that was tried. */
export type Verified = Readonly<Partial<Record<ProofKind, boolean>>>;

export function verifiedBy(proofs: readonly Proof[]): Verified {
  return Object.fromEntries(proofs.map(({ kind, held }) => [kind, held]));
}

const HELD_BY: Readonly<Record<ProofKind, string>> = { keepalive: 'TCP keepalives', data: 'data' };

/** `tried here: TCP keepalives every 6 s did not keep a connection alive` */
export function proofWords({ kind, interval, held }: Pick<Proof, 'kind' | 'interval' | 'held'>): string {
  return `tried here: ${HELD_BY[kind]} every ${durationWithSeconds(interval)} ${held ? 'kept' : 'did not keep'} a connection alive`;
}

/** What is about to be done, and how long it takes: `one connection is held by TCP keepalives and one by data …` */
export function planWords(kinds: readonly ProofKind[], ground: Ground, deadline: Seconds): string {
  const { least, most } = durationOfProof(ground, deadline);
  const each = kinds.map((kind) => `one connection is held by ${HELD_BY[kind]}`).join(', ');
  return `${each}, every ${durationWithSeconds(ground.interval)} for ${durationWithSeconds(least)}, and asked whether it lives; what fails is tried once more, which makes ${durationWithSeconds(most)} at most`;
}

/** What is known and to be done about the advice on a path. */
export interface Proving {
  readonly advice: Advice;
  /** What was tried and counts. */
  readonly proofs: readonly Proof[];
  /** What is still to be tried; empty where all was, or nothing can be now. */
  readonly open: readonly ProofKind[];
}

/** Why nothing was shown, for people; undefined where something was. */
export function whyUnproven({ advice, proofs, open }: Proving): string | undefined {
  if (proofs.length > 0) return undefined;
  if (advice.why !== undefined) return advice.why;
  return open.length > 0 ? 'it could not be tried to its end' : 'connections to this far end cannot be held';
}

/**
 * @param proofs what was tried and counts
 * @param holds what connections to the far end can be held by
 * @param now Unix time, seconds
 */
export function provingOf(
  advice: Advice,
  proofs: readonly Proof[],
  holds: readonly ProofKind[],
  now: Seconds,
): Proving {
  return { advice, proofs, open: advice.why === undefined ? untried(holds, proofs, now) : [] };
}
