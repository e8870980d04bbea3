/**
 * The searches that a profile is made of, as a pure state machine: `(state, event) → state, actions`. Each cell is an
 * ordinary search whose connections are all refreshed as the cell says; so many run side by side as there are places.
 * First what is left when the box that was located is mended, then windows and gaps, then slits and what is beside them.
 * All or nothing: a cell that cannot be read would let its neighbours be blamed for what it hides.
 * No socket, clock or chance in here. @see docs/LOCALIZATION.md
 */
import type { Finding } from '../finding.js';
import type { Seconds } from '../../units.js';
import type { SearchEvent, SearchOptions } from '../search/contract.js';
import { findingOf } from '../search/finding-of.js';
import type { SearchState } from '../search/state.js';
import { connectionsOf, createSearch, step } from '../search/step.js';
import { ttlOf } from './cells.js';
import { isEcho } from './corner.js';
import type { Cell, LocateAction, LocateEvent, Refresh, Side } from './locate-contract.js';
import { SIDES } from './locate-contract.js';
import type { ForgettingBox, LocateEvidence, Localization, NotLocated } from './localization.js';
import {
  cellsBehind,
  type CellTimeout,
  enoughFor,
  leftWhenMended,
  profileCells,
  type ProfileEntry,
  profileKey,
  profileOf,
} from './profile.js';

/** Connections of one search, at least: with fewer it takes much longer. */
const LEAST_CONNECTIONS = 4;
/** No search opens so many connections. */
const IDS_OF_A_SEARCH = 2 ** 20;
/** Share of the box's own timeout from which on cells are searched: all of them live through that. */
const FROM = 0.9;
/** Interruptions after which its searches are begun anew; one more ends it. */
const INTERRUPTIONS_BORNE = 5;
/** Tests whose refreshes went farther than they may, after which the route is another one. */
const STRAYS_BORNE = 3;
/** Tests more that said nothing than said something, after which it does not go on. */
const UNCLEAR_BORNE = 20;

/** A box of which both ends know where it stands. */
type PlacedBox = Extract<ForgettingBox, { readonly kind: 'router' | 'transparent' | 'ttl_first' }>;

/** What a profile can be made of. */
export interface ProfileGround {
  readonly box: PlacedBox;
  readonly evidence: LocateEvidence;
  /** Routers on the path, on which both ends agree. */
  readonly hops: number;
}

/** Undefined where no single box is named, or one end alone names it: cells need both ends. */
export function profileGround(result: Localization): ProfileGround | undefined {
  if (result.kind !== 'located') return undefined;
  const { box, evidence } = result;
  const { client: hops } = evidence.hops;
  if (box.kind === 'several' || box.kind === 'one_sided' || hops === undefined) return undefined;
  return { box, evidence, hops };
}

export interface ProfileOptions extends ProfileGround {
  /** How the searches ask; `connections` are for all of them together. */
  readonly search: SearchOptions;
}

/** The idle timeouts along a path, as far as they are known. */
export interface ProfileFound {
  /** From this host to the far end; empty until all are known. */
  readonly places: readonly ProfileEntry[];
  /** What is left when the box that forgets is mended. */
  readonly behind?: CellTimeout;
}

/** What is wanted of the driver: see `LocateAction`. */
export type ProfileAction =
  | Extract<LocateAction, { readonly kind: 'open' | 'test' | 'discard' | 'wake' }>
  /** What is left behind the box is known; the places follow. */
  | { readonly kind: 'learnt'; readonly profile: ProfileFound }
  /** It is over. No action follows. */
  | { readonly kind: 'conclude'; readonly profile: ProfileFound }
  | { readonly kind: 'fail'; readonly reason: NotLocated };

/** A cell that is being searched. */
interface CellSearch {
  readonly serial: number;
  readonly cell: Cell;
  readonly search: SearchState;
  readonly wakeAt: Seconds;
}

export interface ProfileState {
  readonly options: ProfileOptions;
  readonly now: Seconds;
  readonly isOver: boolean;
  /** By `profileKey`. */
  readonly known: ReadonlyMap<string, CellTimeout>;
  readonly waiting: readonly Cell[];
  readonly running: readonly CellSearch[];
  /** Connections of each search that runs or waits. */
  readonly each: number;
  readonly nextSerial: number;
  /** Tests that said something. */
  readonly tests: number;
  /** Those that said nothing. */
  readonly unclear: number;
  readonly strays: number;
  readonly interruptions: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
interface Draft extends Mutable<ProfileState> {
  actions: ProfileAction[];
}

/** A profile that has not begun: its first event is `start`. */
export function createProfile(options: ProfileOptions): ProfileState {
  const { box, evidence } = options;
  const known = new Map<string, CellTimeout>();
  // Where the corner died, all died that was refreshed less far.
  for (let k = 0; k < box.kc; k++)
    for (let m = 0; m < box.ks; m++)
      known.set(profileKey({ k, m }), { lower: evidence.lower, upper: evidence.idle });
  // Where a step lived, all lives that is refreshed farther: these are beside the slit of a router that checks the TTL first.
  if (box.kind === 'ttl_first') {
    known.set(profileKey({ k: box.kc, m: box.ks - 1 }), { lower: evidence.idle });
    known.set(profileKey({ k: box.kc - 1, m: box.ks }), { lower: evidence.idle });
  }
  return {
    options,
    now: 0,
    isOver: false,
    known,
    waiting: [],
    running: [],
    each: 0,
    nextSerial: 1,
    tests: 0,
    unclear: 0,
    strays: 0,
    interruptions: 0,
  };
}

/**
 * Takes in one event and decides what to do. The given state stays as it is.
 * @param at seconds; a time that runs backwards counts as the newest known
 */
export function profileStep(
  before: ProfileState,
  at: Seconds,
  event: LocateEvent,
): { state: ProfileState; actions: readonly ProfileAction[] } {
  const draft: Draft = { ...before, now: Math.max(before.now, at), actions: [] };
  if (!draft.isOver) {
    takeIn(draft, event);
    goOn(draft);
  }
  const { actions, ...state } = draft;
  return { state, actions };
}

function takeIn(draft: Draft, event: LocateEvent): void {
  switch (event.kind) {
    case 'opened':
    case 'open_failed':
      feed(draft, event.id, ({ id }) => ({ kind: event.kind, id }));
      return;
    case 'verdict':
      feed(draft, event.id, ({ id, cell }) => {
        const { verdict, idle } = counts(draft, cell, event) ? event : { ...event, verdict: STRAYED };
        if (verdict.kind === 'inconclusive') draft.unclear += 1;
        else draft.tests += 1;
        if (draft.unclear > draft.tests + UNCLEAR_BORNE) fail(draft, 'unclear');
        return { kind: 'verdict', id, verdict, idle };
      });
      return;
    case 'tick':
      for (const { serial, wakeAt } of draft.running)
        if (wakeAt <= draft.now) advance(draft, serial, { kind: 'tick' });
      return;
    case 'interrupted':
      draft.interruptions += 1;
      if (draft.interruptions > INTERRUPTIONS_BORNE) fail(draft, 'interrupted');
      else beginAnew(draft);
      return;
    case 'start':
    case 'reached':
      return;
  }
}

/** What a test is worth whose refreshes went farther than they may, or of which nobody knows how far. */
const STRAYED = { kind: 'inconclusive', reason: 'disturbed' } as const;

/** Whether refreshes died on the way, as those of a cell must that ends before the far end. */
function counts(
  draft: Draft,
  cell: Cell,
  { arrivals }: Extract<LocateEvent, { readonly kind: 'verdict' }>,
): boolean {
  const refreshing = SIDES.filter((side) => ttlOf(side, cell) > 0);
  // The acknowledgements of an echo do not come back, or answer for the other end.
  if (isEcho(cell, draft.options.hops)) return true;
  if (refreshing.some((side) => arrivals[side] === true)) draft.strays += 1;
  if (draft.strays > STRAYS_BORNE) fail(draft, 'distance_changed');
  return refreshing.every((side) => arrivals[side] === false);
}

/** Tells the search to which a connection belongs, if it still runs. */
function feed(draft: Draft, id: number, read: (whose: { id: number; cell: Cell }) => SearchEvent): void {
  const serial = Math.floor(id / IDS_OF_A_SEARCH);
  const whose = draft.running.find((each) => each.serial === serial);
  if (whose !== undefined) advance(draft, serial, read({ id: id % IDS_OF_A_SEARCH, cell: whose.cell }));
}

function advance(draft: Draft, serial: number, event: SearchEvent): void {
  const before = draft.running.find((each) => each.serial === serial);
  if (before === undefined) return;
  const { state, actions } = step(before.search, draft.now, event);
  const wake = actions.flatMap((action) => (action.kind === 'wake' ? [action.at] : [])).at(-1);
  // A wake that was not replaced stands, unless it was this one.
  const wakeAt = wake ?? (before.wakeAt > draft.now ? before.wakeAt : Infinity);
  const after = { ...before, search: state, wakeAt };
  draft.running = draft.running.map((each) => (each === before ? after : each));
  for (const action of actions) {
    if (action.kind === 'open') open(draft, after, action.id);
    if (action.kind === 'test' || action.kind === 'discard')
      draft.actions.push({ kind: action.kind, id: idOf(after, action.id) });
  }
  const finding = findingOf(state);
  if (finding.phase === 'track') settle(draft, after, finding);
}

function idOf({ serial }: CellSearch, id: number): number {
  return serial * IDS_OF_A_SEARCH + id;
}

function open(draft: Draft, whose: CellSearch, id: number): void {
  const refresh = (side: Side): Refresh | undefined => {
    const ttl = ttlOf(side, whose.cell);
    return ttl === 0 ? undefined : { ttl, means: 'keepalive' };
  };
  const { interval } = draft.options.evidence;
  draft.actions.push({
    kind: 'open',
    id: idOf(whose, id),
    interval,
    client: refresh('client'),
    responder: refresh('responder'),
  });
}

/** A cell's search has come to its end. */
function settle(draft: Draft, whose: CellSearch, finding: Finding): void {
  drop(draft, whose);
  const { evidence, search } = draft.options;
  const { lower, upper, mixture, closed } = finding;
  if (mixture !== undefined || closed === true) fail(draft, 'mixed');
  else if (lower === undefined || (upper !== undefined && upper < evidence.lower - search.guard))
    fail(draft, 'harmful');
  else
    draft.known = new Map(draft.known).set(profileKey(whose.cell), {
      lower,
      ...(upper === undefined ? {} : { upper }),
    });
}

/** A search does not go on: its connections are closed. */
function drop(draft: Draft, whose: CellSearch): void {
  for (const { id } of connectionsOf(whose.search))
    draft.actions.push({ kind: 'discard', id: idOf(whose, id) });
  draft.running = draft.running.filter(({ serial }) => serial !== whose.serial);
}

function beginAnew(draft: Draft): void {
  draft.waiting = [...draft.running.map(({ cell }) => cell), ...draft.waiting];
  for (const whose of draft.running) drop(draft, whose);
}

function fail(draft: Draft, reason: NotLocated): void {
  if (draft.isOver) return;
  end(draft);
  draft.actions.push({ kind: 'fail', reason });
}

function end(draft: Draft): void {
  for (const whose of draft.running) drop(draft, whose);
  draft.waiting = [];
  draft.isOver = true;
}

/** Does what the moment asks for. */
function goOn(draft: Draft): void {
  if (draft.isOver) return;
  if (draft.running.length === 0 && draft.waiting.length === 0) beginWave(draft);
  const room = Math.max(1, Math.floor(draft.options.search.connections / draft.each));
  while (draft.running.length < room && draft.waiting.length > 0) beginNext(draft);
  const wakeAt = Math.min(...draft.running.map((each) => each.wakeAt));
  if (Number.isFinite(wakeAt)) draft.actions.push({ kind: 'wake', at: wakeAt });
}

/** The cells that are asked side by side, or the end. */
function beginWave(draft: Draft): void {
  const { options, known } = draft;
  const behind = behindCells(options);
  const left = behind.filter((cell) => !known.has(profileKey(cell)));
  const cells = left.length > 0 ? left : profileCells(options.hops, known);
  const mended = leftWhenMended(behind, known);
  const found = mended === undefined ? {} : { behind: mended };
  if (cells.length === 0) {
    end(draft);
    draft.actions.push({
      kind: 'conclude',
      profile: { places: profileOf(options.hops, known), ...found },
    });
    return;
  }
  if (left.length === 0 && mended !== undefined)
    draft.actions.push({ kind: 'learnt', profile: { places: [], behind: mended } });
  draft.waiting = cells;
  const { connections } = options.search;
  draft.each = Math.min(connections, Math.max(LEAST_CONNECTIONS, Math.floor(connections / cells.length)));
}

/** Refreshes that reach the other end keep everything fresh, and would show nothing. */
function behindCells({ box, hops }: ProfileOptions): readonly Cell[] {
  return cellsBehind(box).filter(({ k, m }) => k <= hops && m <= hops);
}

function beginNext(draft: Draft): void {
  const [cell, ...waiting] = draft.waiting;
  if (cell === undefined) return;
  const { search, evidence } = draft.options;
  const serial = draft.nextSerial;
  draft.nextSerial += 1;
  draft.waiting = waiting;
  const enough = enoughFor(cell, draft.options.hops, draft.known);
  const maxIdle = Math.min(search.maxIdle, enough ?? Infinity);
  const options: SearchOptions = {
    ...search,
    connections: draft.each,
    minIdle: Math.min(FROM * evidence.lower, FROM * maxIdle),
    maxIdle,
    timing: 'late',
  };
  draft.running = [...draft.running, { serial, cell, search: createSearch(options), wakeAt: Infinity }];
  advance(draft, serial, { kind: 'start' });
}

/** Idle connections that it holds. */
export function profileConnections({ running }: ProfileState): number {
  return running.reduce((sum, { search }) => sum + connectionsOf(search).length, 0);
}

/**
 * Seconds until it ends, when nothing dies: the searches that run are taken for half done. What routers that check the
 * TTL first ask for besides is not known before they are met.
 */
export function profileTimeLeft(state: ProfileState): Seconds {
  const { options, running, waiting, each, known } = state;
  const { connections, maxIdle } = options.search;
  const isBehind = behindCells(options).some((cell) => !known.has(profileKey(cell)));
  const hasBegun = running.length > 0 || waiting.length > 0;
  const later = isBehind || !hasBegun ? profileCells(options.hops, known).length : 0;
  /** A search with so few connections takes so many of the longest idle time. */
  const pace = 1 + 2.2 / Math.max(1, each);
  const laterEach = Math.max(LEAST_CONNECTIONS, Math.floor(connections / Math.max(1, later)));
  const laterRounds = Math.ceil((later * laterEach) / connections);
  const rounds = Math.ceil((waiting.length * each) / connections) + (running.length > 0 ? 0.5 : 0);
  return (rounds * pace + laterRounds * (1 + 2.2 / laterEach)) * maxIdle;
}
