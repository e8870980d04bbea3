/** The servers of a responder: a protocol is a file beside this one, and a row here. */
import type { AddressInfo } from 'node:net';
import { DEFAULT_ECHO_PORT, DEFAULT_PORT, DEFAULT_SLEEP_PORT } from '../config/far-ends.js';
import type { ListenAddress } from '../config/listen-address.js';
import type { Door, DoorConnection } from './door.js';
import { NatTcpTestServer } from './nat-tcp-test.js';
import { type NativeOptions, NativeServer } from './native.js';

interface ServerRow {
  /** The flag that says where it listens, and its help. */
  readonly flag: `--${string}`;
  readonly help: string;
  /** The port that its clients expect unless they are told otherwise. */
  readonly port: number;
  readonly start: (options: NativeOptions) => Door<DoorConnection>;
}

/** By the name under which addresses are given and told. */
export const SERVERS = {
  native: {
    flag: '--listen-address',
    help: 'where to listen',
    port: DEFAULT_PORT,
    start: (options) => new NativeServer(options),
  },
  legacyEcho: {
    flag: '--legacy.echo-address',
    help: 'echo server',
    port: DEFAULT_ECHO_PORT,
    start: (options) => new NatTcpTestServer('legacy_echo', options),
  },
  legacySleep: {
    flag: '--legacy.sleep-address',
    help: 'sleep server',
    port: DEFAULT_SLEEP_PORT,
    start: (options) => new NatTcpTestServer('legacy_sleep', options),
  },
} as const satisfies Readonly<Record<string, ServerRow>>;

export type ServerName = keyof typeof SERVERS;

export const SERVER_NAMES = Object.keys(SERVERS) as readonly ServerName[];

/** Where each server listens; one without addresses is off. */
export interface ListenAddresses extends Readonly<Partial<Record<ServerName, readonly ListenAddress[]>>> {
  /** Several, because a NAT may treat ports differently. */
  readonly native: readonly ListenAddress[];
}

/** What was bound for each server, in the order of the addresses asked for. */
export type BoundAddresses = Readonly<Record<ServerName, readonly AddressInfo[]>>;

/** One value for each server. */
export function eachServer<Value>(make: (name: ServerName) => Value): Record<ServerName, Value> {
  return Object.fromEntries(SERVER_NAMES.map((name) => [name, make(name)])) as Record<ServerName, Value>;
}

/** All addresses that are asked for. */
export function allAddresses(asked: ListenAddresses): ListenAddress[] {
  return SERVER_NAMES.flatMap((name) => asked[name] ?? []);
}
