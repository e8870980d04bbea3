/**
 * The process's one link to the kernel's socket calls: loaded once, tried out, and from then on there or not there for a
 * reason that is told. Before it is asked for, nothing native is loaded.
 */
import { createServer } from 'node:net';
import { descriptorOf } from './descriptor.js';
import { AF_INET, CONNECTION, IP_TTL, LITTLE_ENDIAN, TCP_INFO, TCP_USER_TIMEOUT } from './linux.js';
import { loadSystemCalls, type SystemCalls } from './system-calls.js';
import { TCP_INFO_BYTES } from './tcp-info.js';

/** Why socket options cannot be set. A closed set, in the order in which the reasons are looked for. */
export type Unavailability =
  /** nobody asked for them, or somebody forbade them */
  | 'switched_off'
  /** another system has other numbers, or none */
  | 'not_linux'
  /** Node was started with --no-addons, or with --permission and without --allow-addons */
  | 'addons_disabled'
  /** koffi is not installed, or has no binary for this machine */
  | 'no_library'
  /** it was loaded, and the kernel did not do as it was told */
  | 'self_test';

/** Whether this process can set and read socket options that Node has no word for. */
export type Capability =
  | { readonly available: true }
  | { readonly available: false; readonly why: Unavailability };

/** The reasons as they are told to people. */
export const UNAVAILABLE_WORDS: Readonly<Record<Unavailability, string>> = {
  switched_off: 'switched off by --socket-options=off',
  not_linux: 'this system is not Linux',
  addons_disabled: 'Node was started without native add-ons',
  no_library: 'the package koffi is not installed, or has no binary for this machine',
  self_test: 'the library was loaded, and the kernel did not do as it was told',
};

let capability: Capability = { available: false, why: 'switched_off' };
let loaded: SystemCalls | undefined;
let loading: Promise<Capability> | undefined;

/** The kernel's calls; undefined unless they were asked for and work. */
export function systemCalls(): SystemCalls | undefined {
  return loaded;
}

/** What can be done in this process now. */
export function socketOptions(): Capability {
  return capability;
}

/** Loads the library and tries it out, once per process; without this call there are no socket options. Never throws. */
export function enableSocketOptions(): Promise<Capability> {
  loading ??= load().then((why) => {
    capability = why === undefined ? { available: true } : { available: false, why };
    return capability;
  });
  return loading;
}

/** @returns what is in the way */
async function load(): Promise<Unavailability | undefined> {
  if (process.platform !== 'linux') return 'not_linux';
  let calls: SystemCalls;
  try {
    calls = await loadSystemCalls();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED' ? 'addons_disabled' : 'no_library';
  }
  try {
    if (!optionsHold(calls) || !(await descriptorsAreOurs(calls))) return 'self_test';
  } catch {
    return 'self_test';
  }
  loaded = calls;
  return undefined;
}

/** Whether a socket has the options that it was given, and this kernel tells of it what is read. */
function optionsHold(calls: SystemCalls): boolean {
  const descriptor = calls.socket(AF_INET, CONNECTION);
  if (descriptor < 0) return false;
  const holds = (option: typeof IP_TTL, given: number): boolean => {
    const value = new Int32Array([given]);
    const bytes = new Uint8Array(value.buffer);
    if (calls.setOption(descriptor, option, bytes) !== 0) return false;
    value[0] = 0;
    return calls.getOption(descriptor, option, bytes) === bytes.length && value[0] === given;
  };
  try {
    const info = new Uint8Array(TCP_INFO_BYTES);
    return (
      [1, 17, 255].every((hops) => holds(IP_TTL, hops)) &&
      holds(TCP_USER_TIMEOUT, 2 ** 31 - 1) &&
      calls.getOption(descriptor, TCP_INFO, info) === info.length
    );
  } finally {
    calls.close(descriptor);
  }
}

/** Whether what Node gives as the descriptor of a socket is that: the kernel names the port that Node knows. */
function descriptorsAreOurs(calls: SystemCalls): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port: 0, host: '127.0.0.1' }, () => {
      const bound = server.address();
      const descriptor = descriptorOf(server);
      const address = new DataView(new ArrayBuffer(16));
      const told = calls.localAddress(descriptor ?? -1, new Uint8Array(address.buffer));
      server.close(() => {
        const isIpv4 = told === address.byteLength && address.getUint16(0, LITTLE_ENDIAN) === AF_INET;
        resolve(
          isIpv4 &&
            typeof bound === 'object' &&
            bound?.port === address.getUint16(2) &&
            descriptorOf(server) === undefined,
        );
      });
    });
  });
}
