/** Opens, tests and discards connections in a draft; nobody else asks for these actions. */
import { defined } from '../../defined.js';
import type { Seconds } from '../../units.js';
import type { Connection, Draft, PlannedLaunch, Role } from './state.js';
import type { ConnectionId } from './contract.js';

/** Slips of arithmetic that must not make a moment look unreached, seconds. */
const EPSILON = 1e-6;

/** How long the connection has been idle now, seconds; -Infinity while it is opening. */
export function ageOf(draft: Pick<Draft, 'now'>, connection: Connection): Seconds {
  return connection.since === undefined ? Number.NEGATIVE_INFINITY : draft.now - connection.since;
}

/** Connections that may still be opened or planned. */
export function roomOf(draft: Draft): number {
  return draft.options.connections - draft.connections.length - draft.launches.length;
}

/** Idle connections, oldest first. */
export function idleConnections(draft: Draft): Connection[] {
  return draft.connections
    .filter((connection) => connection.state === 'idle')
    .sort((a, b) => (a.since ?? 0) - (b.since ?? 0) || a.id - b.id);
}

/** Asks for a connection now. */
export function open(draft: Draft, role: Role, testAt?: Seconds): void {
  const id = draft.nextId;
  draft.nextId = id + 1;
  draft.launchedAt = draft.now;
  const planned = defined({ testAt });
  draft.connections = [...draft.connections, { id, role, state: 'opening', ...planned }];
  draft.actions.push({ kind: 'open', id, ...(draft.options.timing === 'at_launch' && planned) });
}

/** Asks for a connection at a later moment; it counts as one of the budget from now on. */
export function planLaunch(draft: Draft, launch: PlannedLaunch): void {
  draft.launches = [...draft.launches, launch].sort((a, b) => a.at - b.at);
}

/** Opens what was planned for this moment. */
export function openDueLaunches(draft: Draft): void {
  while (draft.launches[0] !== undefined && draft.launches[0].at <= draft.now + EPSILON) {
    const [due, ...later] = draft.launches;
    draft.launches = later;
    open(draft, due.role, due.testAt);
  }
  const next = draft.launches[0];
  if (next !== undefined) wakeAt(draft, next.at);
}

/** Breaks the silence on the connection: its one and only test. */
export function test(draft: Draft, connection: Connection): void {
  replace(draft, { ...connection, state: 'testing', testAt: ageOf(draft, connection), testedAt: draft.now });
  draft.actions.push({ kind: 'test', id: connection.id });
}

/** Gives the connection up without a verdict. */
export function discard(draft: Draft, connection: Connection): void {
  remove(draft, connection.id);
  draft.actions.push({ kind: 'discard', id: connection.id });
}

/** Puts a changed connection in the place of the old one. */
export function replace(draft: Draft, changed: Connection): void {
  draft.connections = draft.connections.map((connection) =>
    connection.id === changed.id ? changed : connection,
  );
}

export function remove(draft: Draft, id: ConnectionId): void {
  draft.connections = draft.connections.filter((connection) => connection.id !== id);
}

/** Whether the connection has reached an age. */
export function isAged(draft: Draft, connection: Connection, age: Seconds): boolean {
  return ageOf(draft, connection) >= age - EPSILON;
}

/** Tests the connection once it has reached an age: now, or after a wake. Returns whether it is tested now. */
export function testAtAge(draft: Draft, connection: Connection, age: Seconds): boolean {
  if (connection.since === undefined) return false;
  if (isAged(draft, connection, age)) {
    test(draft, connection);
    return true;
  }
  if (connection.testAt !== age) replace(draft, { ...connection, testAt: age });
  wakeAt(draft, connection.since + age);
  return false;
}

/** Asks to be woken at this moment or before. */
export function wakeAt(draft: Draft, at: Seconds): void {
  if (at < draft.wakeAt) draft.wakeAt = Math.max(at, draft.now);
}
