/** How a located box is said, and what the statement rests on: pages, reports, logs and the terminal use these words. */
import { addressClass } from '../diagnosis/address-class.js';
import { betweenDurations, durationWithSeconds, plainSeconds } from '../human-duration.js';
import { spokenTimeout } from '../words.js';
import { ask, cellOf, keyOf, ttlOf } from './cells.js';
import { cornerOf } from './corner.js';
import type { Question, Side } from './locate-contract.js';
import { SIDES } from './locate-contract.js';
import {
  type CellCount,
  type ForgettingBox,
  type LocateEvidence,
  type Localization,
  NOT_LOCATED,
} from './localization.js';
import { hostTracking, type PathSurroundings } from './places.js';
import type { CellTimeout, ProfileEntry } from './profile.js';
import type { ProfileFound } from './profile-search.js';

/** Which box forgets, or why that is not known, in one to four plain sentences. */
export function localizationSentence(found: Localization, surroundings: PathSurroundings): string {
  if (found.kind === 'located') return boxSentence(found.box, found.evidence, surroundings);
  const { client, responder } = found.evidence.hops;
  const counted =
    found.reason === 'distances_differ'
      ? ` (${client ?? 'unknown'} from here, ${responder ?? 'unknown'} from the far end)`
      : '';
  return `Not located: ${NOT_LOCATED[found.reason]}${counted}.`;
}

function boxSentence(box: ForgettingBox, evidence: LocateEvidence, surroundings: PathSurroundings): string {
  const forgets = `forgets connections that are idle for ${timeoutOf(evidence)}`;
  const hop = (number: number): string => hopWords(number, surroundings);
  switch (box.kind) {
    case 'router':
      return `The router at ${hop(box.hop)} ${forgets}.${classSentence(box.hop, surroundings)}`;
    case 'ttl_first':
      return `The router at ${hop(box.hop)}, which checks the TTL before it remembers, ${forgets}.${classSentence(box.hop, surroundings)}`;
    case 'transparent':
      return transparentSentence(box, evidence, surroundings, forgets);
    case 'several': {
      const hops = evidence.hops.client ?? 0;
      return `At least two boxes on the path forget connections that are idle for ${timeoutOf(evidence)}: the nearest stands ${nearestWords(hops + 1 - box.ks, hop)}; the farthest ${farthestWords(box.kc, hops, hop)}.`;
    }
    case 'one_sided':
      return oneSidedSentence(box, evidence, hop);
  }
}

function timeoutOf({ mode, lower, upper }: LocateEvidence): string {
  return durationWithSeconds(spokenTimeout(mode, { lower, upper }));
}

function hopWords(hop: number, { addresses }: PathSurroundings): string {
  const address = addresses.get(hop);
  return `hop ${hop}${address === undefined ? '' : ` (${address})`}`;
}

/** What kind of address a hop told: a fact about the address, not about its owner. */
function classSentence(hop: number, { addresses }: PathSurroundings): string {
  const address = addresses.get(hop);
  switch (address === undefined ? 'other' : addressClass(address)) {
    case 'cgn':
      return ' Its address lies in 100.64.0.0/10, which is kept for carrier-grade NATs (RFC 6598).';
    case 'private':
      return ' Its address is a private one.';
    default:
      return '';
  }
}

type Transparent = Extract<ForgettingBox, { kind: 'transparent' }>;

function transparentSentence(
  box: Transparent,
  evidence: LocateEvidence,
  surroundings: PathSurroundings,
  forgets: string,
): string {
  const { conntrack, guard } = surroundings;
  const hops = evidence.hops.client ?? 0;
  const own = hostTracking(evidence, conntrack.local, guard);
  const far = hostTracking(evidence, conntrack.responder, guard);
  if (box.after === 0 && hops === 0) return directSentence(own, far, forgets);
  if (box.after === 0) {
    const where = `What ${forgets} stands between this computer and ${hopWords(1, surroundings)}, the first router that can be seen.`;
    if (own === 'equal')
      return `${where} This computer's own connection tracking has that very timeout: it is what forgets.`;
    const excluded =
      own === 'other'
        ? `; this computer's own connection tracking keeps them for ${durationWithSeconds(conntrack.local ?? 0)}, it is not that`
        : ", then at this computer's own firewall";
    return `${where} With every router on the path kept fresh from outside, connections still died (${countOf(evidence, cornerOf(box))}); kept fresh only up to hop 1 from here, they lived (${countOf(evidence, cellOf('client', 1))}). So it is not a NAT at hop 1 or beyond, unless hop 1 counts only what comes from inside: look at the modem (also in bridge mode)${excluded}.`;
  }
  if (box.after === hops) {
    const where = `What ${forgets} stands behind ${hopWords(hops, surroundings)}, the last router before the far end.`;
    if (far === 'equal')
      return `${where} The far end's own connection tracking has that very timeout: it is what forgets.`;
    const excluded =
      far === 'other'
        ? `; its own connection tracking keeps them for ${durationWithSeconds(conntrack.responder ?? 0)}, it is not that`
        : ', or its own firewall';
    return `${where} Look at what stands in front of the far end: a provider's firewall, a security group of a cloud${excluded}; or at the last router, if it counts only what comes from outside.`;
  }
  return `Between ${hopWords(box.after, surroundings)} and ${hopWords(box.after + 1, surroundings)} stands something without an address that ${forgets}: a modem in bridge mode, a transparent firewall; or a router next to it that handles the TTL differently in the two directions.`;
}

type Tracking = ReturnType<typeof hostTracking>;

/** Without a router both hosts and all that is between them are one place. */
function directSentence(own: Tracking, far: Tracking, forgets: string): string {
  const where = `What ${forgets} stands between this computer and the far end; no router does.`;
  if (own === 'equal' && far === 'equal')
    return `${where} The own connection tracking of both hosts has that very timeout: either may be what forgets.`;
  if (own === 'equal') return `${where} This computer's own connection tracking has that very timeout.`;
  if (far === 'equal') return `${where} The far end's own connection tracking has that very timeout.`;
  return where;
}

function nearestWords(hop: number, words: (hop: number) => string): string {
  return hop === 0
    ? `between this computer and ${words(1)}, or is that router`
    : `at ${words(hop)} or right behind it, or at ${words(hop + 1)} if that checks the TTL first`;
}

function farthestWords(kc: number, hops: number, words: (hop: number) => string): string {
  return kc === hops + 1
    ? `behind ${words(hops)}, the last router, or is that router`
    : `at ${words(kc)} or right before it${kc > 1 ? `, or at ${words(kc - 1)} if that checks the TTL first` : ''}`;
}

type OneSided = Extract<ForgettingBox, { kind: 'one_sided' }>;

function oneSidedSentence(
  { kc, ks, refreshedBy }: OneSided,
  evidence: LocateEvidence,
  words: (hop: number) => string,
): string {
  const forgets = `forgets connections that are idle for ${timeoutOf(evidence)}`;
  const plain = (hop: number): string => `hop ${hop}`;
  const ends = ['this computer', 'the far end'] as const;
  const parts = [
    ...(kc === undefined ? [] : [`counted from here, ${candidates(kc, evidence.hops.client, words, ends)}`]),
    ...(ks === undefined
      ? []
      : [`counted from the far end, ${candidates(ks, evidence.hops.responder, plain, [ends[1], ends[0]])}`]),
  ];
  return `The farthest box that ${forgets} is, ${parts.join('; ')}.${refreshedWords(refreshedBy)}${whyOneSided(refreshedBy, evidence)}`;
}

/** The three boxes that one end, the first of both, cannot tell apart. */
function candidates(
  step: number,
  hops: number | undefined,
  words: (hop: number) => string,
  [origin, other]: readonly [string, string],
): string {
  if (hops !== undefined && step > hops)
    return hops === 0
      ? `something between ${origin} and ${other}`
      : `${words(hops)}, the last router, or something without an address between it and ${other}`;
  if (step === 1) return `${words(1)}, or something without an address between ${origin} and it`;
  return `${words(step)}, something without an address before it, or ${words(step - 1)} if that checks the TTL before it remembers`;
}

function refreshedWords(refreshedBy: Side | undefined): string {
  if (refreshedBy === undefined) return '';
  const whose = refreshedBy === 'client' ? 'this end' : 'the far end';
  return ` Something on the path counts only packets of ${whose}: those of the other one do not keep it fresh.`;
}

function whyOneSided(refreshedBy: Side | undefined, { hops, lost }: LocateEvidence): string {
  const { client, responder } = hops;
  for (const side of SIDES) {
    const reason = lost[side];
    if (reason !== undefined)
      return ` ${side === 'client' ? "This end's" : "The far end's"} own refreshes say nothing: ${NOT_LOCATED[reason]}.`;
  }
  if (client !== undefined && responder !== undefined && client !== responder)
    return ` The two ends count different numbers of routers (${client} from here, ${responder} from the far end), so that what they see cannot be put together.`;
  return refreshedBy === undefined && responder === undefined
    ? ' The far end cannot refresh connections by itself: a newer responder would tell which of them it is.'
    : '';
}

/** `3 of 3` of a cell: how many of its tests agree. */
function countOf({ cells }: LocateEvidence, question: Question): string {
  const { alive, dead } = cells.find((cell) => isSame(cell, question)) ?? { alive: 0, dead: 0 };
  return `${Math.max(alive, dead)} of ${alive + dead}`;
}

function isSame({ k, m }: CellCount, question: Question): boolean {
  return keyOf(ask(k, m)) === keyOf(question);
}

/** What a provider's engineer can check: how it was asked, both rows, the corner and what else was tried. */
export function evidenceLines(evidence: LocateEvidence): readonly string[] {
  const { mode, idle, interval, hops, cells, harm } = evidence;
  const counted = [
    ...(hops.client === undefined ? [] : [`${hops.client} from here`]),
    ...(hops.responder === undefined ? [] : [`${hops.responder} from the far end`]),
  ];
  const row = (side: Side): string[] => {
    const own = cells.filter((cell) => ttlOf(side, cell) === cell.k + cell.m);
    const asked = own.map((cell) => `TTL ${ttlOf(side, cell)} ${outcomeOf(cell)}`);
    const from = side === 'client' ? 'from here' : 'from the far end';
    return own.length > 1 ? [`Kept fresh ${from} only (TTL 0: not at all): ${asked.join(', ')}.`] : [];
  };
  const both = cells.filter(({ k, m }) => k > 0 && m > 0);
  return [
    `Mode ${mode}: connections idled for ${plainSeconds(idle)} and were kept fresh every ${plainSeconds(interval)}${counted.length === 0 ? '' : `; routers on the path: ${counted.join(', ')}`}.`,
    ...SIDES.flatMap(row),
    ...both.map(cellLine),
    ...harm.map(harmLine),
  ];
}

/** What became of the connections that both ends kept fresh. */
export function cellLine(cell: CellCount): string {
  return `Kept fresh with TTL ${cell.k} from here and TTL ${cell.m} from the far end: ${outcomeOf(cell)}.`;
}

/** What became of those that must live, unless the refreshes do harm. */
export function harmLine(cell: CellCount): string {
  return `Harm control, tested below the idle timeout, ${whose(cell)}: ${outcomeOf(cell)}.`;
}

function whose({ k, m }: CellCount): string {
  return k > 0 ? `kept fresh with TTL ${k} from here` : `kept fresh with TTL ${m} from the far end`;
}

/** `dead (3 of 3)`. */
export function outcomeOf({ alive, dead }: Pick<CellCount, 'alive' | 'dead'>): string {
  return `${alive >= dead ? 'alive' : 'dead'} (${Math.max(alive, dead)} of ${alive + dead})`;
}

/** One place of a profile: `Hop 3 forgets after 12 s.` */
export function profileSentence({ hop, kind, lower, upper }: ProfileEntry): string {
  const where =
    kind === 'transparent' ? `Between hops ${hop.replace('-', ' and ')}, something` : `Hop ${hop}`;
  // One that treats the TTL differently in the two directions looks the same.
  const beside = kind === 'transparent' ? ', or a router beside it,' : '';
  const how = kind === 'ttl_first' ? ', which checks the TTL before it remembers,' : '';
  return upper === undefined
    ? `${where}${how} keeps idle connections for at least ${durationWithSeconds(lower)}.`
    : `${where}${beside}${how} forgets idle connections ${betweenDurations(lower, upper)}.`;
}

/**
 * What is left when the box that forgets is mended: what it hides at its very place cannot be seen past it, so that
 * there is no promise in it.
 */
export function mendedSentence({ lower, upper }: CellTimeout): string {
  const left =
    upper === undefined
      ? `nothing else that can be seen forgets within ${durationWithSeconds(lower)}`
      : `another one forgets idle connections ${betweenDurations(lower, upper)}`;
  return `When that box is mended, ${left}; one that it hides at its own place may forget sooner.`;
}

/** All of it, what is left at the end. */
export function profileSentences({ places, behind }: ProfileFound): readonly string[] {
  return [...places.map(profileSentence), ...(behind === undefined ? [] : [mendedSentence(behind)])];
}
