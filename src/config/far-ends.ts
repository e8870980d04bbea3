/**
 * The kinds of far end: what each is told in the configuration file, what it can be asked, and how a target of the
 * file becomes one and is written back. A new protocol is a row of `PROTOCOLS`.
 */
import type { z } from 'zod';
import { isEmbeddedName } from '../core/embedded-names.js';
import { type Mode, MODES } from '../core/modes.js';
import type { SearchOptions } from '../core/search/contract.js';
import type { Seconds } from '../units.js';
import { MAX_SLEEP } from '../wire/nat-tcp-test-messages.js';
import {
  choice,
  duration,
  durationWithoutDefault,
  type Frozen,
  homePath,
  host,
  mapping,
  port,
  share,
  text,
  wholeNumberWithoutDefault,
} from './fields.js';
import type { Mapping } from './yaml.js';

/** Port of a native responder. */
export const DEFAULT_PORT = 5382;
/** Port of an SSH server. */
export const DEFAULT_SSH_PORT = 22;
/** Ports of NAT-TCP-test's servers. */
export const DEFAULT_ECHO_PORT = 31_415;
export const DEFAULT_SLEEP_PORT = 27_182;

/** Name of the built-in target on the command line and in examples. */
export const EMBEDDED_TARGET_NAME = 'embedded';

/** How a far end can be asked a mode. */
interface Asked {
  /** When the moment of a test is chosen, `late` unless given. */
  readonly timing?: SearchOptions['timing'];
  /** The longest idle time that it can be asked for, where it has a limit of its own. */
  readonly longest?: Seconds;
}

/** What a far end on the network speaks. */
interface Protocol {
  /** The modes that it can be asked; a target of the file may have no other. */
  readonly modes: Readonly<Partial<Record<Mode, Asked>>>;
  /** What the report says of it where it tells how was measured. */
  readonly method: string;
  /** Its keys beside `host`; targets of other protocols must not have them. */
  readonly fields: Readonly<Record<string, z.ZodType>>;
  /** Keys of others that it has no use for, each with the reason that is told. */
  readonly useless?: Readonly<Record<string, string>>;
  /** Whether it can keep connections fresh, which is how it is found out which box forgets. */
  readonly locates?: true;
  /** Its search where the file does not say otherwise, as the file has it. */
  readonly search?: Readonly<Record<string, string | number>>;
}

const PROTOCOLS = {
  native: {
    modes: { send: {}, recv: {}, keepalive: {} },
    method:
      'Both ends exchange data before the idling starts, and the answer proves with a random number that the far end itself gave it.',
    fields: {
      port: port(
        `Port of a native responder; of an SSH server, where it is ${DEFAULT_SSH_PORT} or what ~/.ssh/config says unless given.`,
        DEFAULT_PORT,
      ),
    },
    locates: true,
  },
  'nat-tcp-test': {
    // The sleep server is told at launch when to write.
    modes: { send: {}, recv: { timing: 'at_launch', longest: MAX_SLEEP }, keepalive: {} },
    method:
      'The far end speaks the NAT-TCP-test protocol. There the idle time starts when the connection is opened, no data is exchanged before it (except where the test needs it), and it cannot be seen whether an answer of this end arrived.',
    fields: {
      echo_port: port('Port of the echo server, with protocol nat-tcp-test.', DEFAULT_ECHO_PORT),
      sleep_port: port('Port of the sleep server, with protocol nat-tcp-test.', DEFAULT_SLEEP_PORT),
    },
    useless: {
      port: 'nat-tcp-test has echo_port and sleep_port',
      token_file: 'nat-tcp-test knows no token',
      announce: 'nat-tcp-test knows no announcements',
    },
  },
  ssh: {
    modes: { send: {}, recv: {}, keepalive: {} },
    method:
      'The far end is an SSH server: a small shell program in each session answers, and writes when another session has it write. Both ends exchange data before the idling starts, and a session on which the server was heard before its test says nothing. What the server sends by itself after two hours of silence sets an end to what can be measured.',
    fields: {
      // Its default is another one than native's, and may stand in the user's own configuration.
      port: wholeNumberWithoutDefault('Port of an SSH server.', 1, 65_535).exactOptional(),
      user: text(
        "Who logs in, with protocol ssh; as ~/.ssh/config says unless given, else this process's user.",
      ).exactOptional(),
      identity_file: homePath(
        'The only key to log in with, with protocol ssh; those of the agent and of ~/.ssh unless given.',
      ).exactOptional(),
      known_hosts_file: homePath(
        "The host keys to trust, with protocol ssh; the user's and the host's own files unless given.",
      ).exactOptional(),
    },
    useless: {
      token_file: 'ssh has keys',
      announce: 'ssh knows no announcements',
    },
    // Most servers send a TCP keepalive after two hours, and let few connections log in at once.
    search: { max_idle: '7190s', connections: 8 },
  },
} as const satisfies Readonly<Record<string, Protocol>>;

type ProtocolName = keyof typeof PROTOCOLS;
type FieldsOf<Name extends ProtocolName> = (typeof PROTOCOLS)[Name]['fields'];
type Together<Union> = (Union extends unknown ? (part: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;

/** What the file says unless it names another protocol. */
export const DEFAULT_PROTOCOL: ProtocolName = 'native';
/** The protocols, as the file and the command line name them. */
export const PROTOCOL_NAMES = Object.keys(PROTOCOLS) as ProtocolName[];

/** Every kind of far end: the protocols, and the built-in one. */
export const FAR_END_KINDS: readonly FarEnd['kind'][] = [...PROTOCOL_NAMES, 'embedded'];

/** A key that several protocols have is described by the first of them. */
const protocolFields = Object.assign(
  {},
  // The order of all, then the fields of the first that has them.
  ...PROTOCOL_NAMES.map((name) => PROTOCOLS[name].fields),
  ...PROTOCOL_NAMES.map((name) => PROTOCOLS[name].fields).reverse(),
) as Together<FieldsOf<ProtocolName>>;

/** Keys of a target that say where its far end is and what it speaks. */
export const farEndFields = {
  host: host('Host name or address of the far end.').exactOptional(),
  /** The built-in responder behind the built-in loopback NAT. */
  embedded: mapping(
    {
      idle_timeout: duration('What the built-in NAT forgets after, 1s or more.', '1m', { above: 0 }),
      bad_share: share(
        'The share of new connections that are forgotten so, drawn at random; the others never are.',
      ).exactOptional(),
      quota: wholeNumberWithoutDefault(
        'Connections remembered at once; one more and the one that was silent longest is forgotten.',
        1,
        65_535,
      ).exactOptional(),
      lifetime: durationWithoutDefault('Age at which every connection is forgotten, however busy it is.', {
        above: 0,
      }).exactOptional(),
    },
    'The built-in responder behind the built-in loopback NAT.',
  ).exactOptional(),
  // The default's own keys come first; the file and its schema are read in this order.
  ...PROTOCOLS[DEFAULT_PROTOCOL].fields,
  protocol: choice(PROTOCOL_NAMES, 'What the far end speaks.', DEFAULT_PROTOCOL),
  ...protocolFields,
};

/** These keys as the schema reads them: every default filled in, those of other protocols too. */
type FarEndKeys = z.output<z.ZodObject<typeof farEndFields>>;

/** How the built-in NAT forgets. */
export type EmbeddedBox = Extract<FarEnd, { kind: 'embedded' }>;

/** Where the far end of a target is. */
export type FarEnd = Frozen<
  | {
      [Name in ProtocolName]: { kind: Name; host: string } & z.output<z.ZodObject<FieldsOf<Name>>>;
    }[ProtocolName]
  | ({ kind: 'embedded' } & NonNullable<FarEndKeys['embedded']>)
>;

/** What a target that needs nothing from the network must not say. */
const NETWORK_KEYS = [
  ...Object.keys(farEndFields).filter((key) => key !== 'embedded'),
  'family',
  'local_address',
  'interface',
  'token_file',
  'announce',
  'locate',
];

/** The mapping without some of its keys. */
function without<Keys extends object, Key extends string>(
  mapping: Keys,
  keys: readonly Key[],
): Omit<Keys, Key> {
  const left = Object.entries(mapping).filter(([key]) => !keys.some((other) => other === key));
  return Object.fromEntries(left) as Omit<Keys, Key>;
}

const FAR_END_KEYS = Object.keys(farEndFields) as (keyof FarEndKeys)[];

/**
 * A target of the file with its far end in place of the keys that say it; only those of its protocol count.
 * @param said the target before its schema filled in the defaults, some of which are another protocol's
 */
export function decodeFarEnd<Target extends FarEndKeys>(
  target: Target,
  said: Mapping,
): Omit<Target, keyof FarEndKeys> & { readonly far_end: FarEnd } {
  const { embedded, host = '', protocol } = target;
  const others = without(target, FAR_END_KEYS);
  if (embedded !== undefined) return { ...others, far_end: { kind: 'embedded', ...embedded } };
  const { fields }: Protocol = PROTOCOLS[protocol];
  const described: Readonly<Record<string, unknown>> = protocolFields;
  const own = Object.entries(target).filter(
    ([key]) => Object.hasOwn(fields, key) && (described[key] === fields[key] || Object.hasOwn(said, key)),
  );
  return { ...others, far_end: { kind: protocol, host, ...Object.fromEntries(own) } as FarEnd };
}

/** The target from which `decodeFarEnd` makes the same one. */
export function encodeFarEnd({ far_end, ...others }: { readonly far_end: FarEnd }): Mapping {
  const { kind, ...keys } = far_end;
  if (kind === 'embedded') return { ...without(others, NETWORK_KEYS), embedded: keys };
  return { ...others, protocol: kind, ...keys };
}

/** The protocol of a target as the file has it; undefined for the built-in target and where it is unknown. */
function protocolOf(target: Mapping): ProtocolName | undefined {
  if (Object.hasOwn(target, 'embedded')) return undefined;
  const named = Object.hasOwn(target, 'protocol') ? target['protocol'] : DEFAULT_PROTOCOL;
  return PROTOCOL_NAMES.find((name) => name === named);
}

/** Whether targets of a protocol may have the key. */
function uses(name: ProtocolName, key: string): boolean {
  const { fields, useless = {}, locates }: Protocol = PROTOCOLS[name];
  if (key === 'locate') return locates === true;
  return !Object.hasOwn(useless, key) && (!Object.hasOwn(protocolFields, key) || Object.hasOwn(fields, key));
}

/** A key of a target that its far end forbids or lacks. */
interface WrongKey {
  readonly key: string;
  readonly rule: string;
}

/** The keys of a target, as the file has it, that do not fit its far end: exactly one, and only its own keys. */
export function keysAgainstFarEnd(said: Mapping): WrongKey[] {
  // What is off may be off everywhere.
  const { locate, ...others } = said;
  const target = locate === 'off' ? others : said;
  const { name } = target;
  if (Object.hasOwn(target, 'embedded')) {
    const found = NETWORK_KEYS.filter((key) => Object.hasOwn(target, key)).map((key) => ({
      key,
      rule: 'cannot be used together with embedded',
    }));
    if (typeof name !== 'string' || isEmbeddedName(name)) return found;
    const rule = `must be ${EMBEDDED_TARGET_NAME} or ${EMBEDDED_TARGET_NAME}-<anything> for a built-in target`;
    return [...found, { key: 'name', rule }];
  }
  const found: WrongKey[] = [];
  if (!Object.hasOwn(target, 'host'))
    found.push({ key: 'host', rule: 'is missing (a target needs host or embedded)' });
  if (isEmbeddedName(name)) {
    const rule = 'is reserved for built-in targets (those with embedded instead of host)';
    found.push({ key: 'name', rule });
  }
  const protocol = protocolOf(target);
  if (protocol === undefined) return found;
  for (const key of Object.keys(target).filter((key) => !uses(protocol, key))) {
    const { useless }: Protocol = PROTOCOLS[protocol];
    const reason = key === 'locate' ? 'both ends have to keep connections fresh' : useless?.[key];
    const why = reason === undefined ? '' : ` (${reason})`;
    const users = PROTOCOL_NAMES.filter((each) => uses(each, key)).join(' or ');
    found.push({ key, rule: `can only be used with protocol ${users}${why}` });
  }
  return found;
}

/** The longest idle time that a target, as the file has it, can be asked for in a mode, and who says so. */
export function longestIdle(target: Mapping, mode: Mode): { idle: Seconds; protocol: string } | undefined {
  const protocol = protocolOf(target);
  if (protocol === undefined) return undefined;
  const idle = askedOf(protocol)[mode]?.longest;
  return idle === undefined ? undefined : { idle, protocol };
}

/** The modes that a target, as the file has it, can be asked, and who says so; undefined where that is unknown. */
export function askable(target: Mapping): { modes: readonly Mode[]; protocol: string } | undefined {
  const protocol = protocolOf(target);
  return protocol && { modes: modesOf(protocol), protocol };
}

/** How a far end can be asked; the built-in one is a native responder. */
function askedOf(kind: FarEnd['kind']): Protocol['modes'] {
  return PROTOCOLS[kind === 'embedded' ? 'native' : kind].modes;
}

/** The modes that a far end can be asked: those of a target that does not say which. */
export function modesOf(kind: FarEnd['kind']): readonly Mode[] {
  return MODES.filter((mode) => Object.hasOwn(askedOf(kind), mode));
}

/** Whether it is looked on paths to a far end which box forgets, unless the file says otherwise. */
export function isLocatable(kind: FarEnd['kind']): boolean {
  return kind !== 'embedded' && uses(kind, 'locate');
}

/** What the search of a target is unless the file says otherwise, as the file has it. */
export function searchDefaultsOf(kind: FarEnd['kind']): NonNullable<Protocol['search']> {
  const { search = {} }: Protocol = PROTOCOLS[kind === 'embedded' ? 'native' : kind];
  return search;
}

/** The same for a target as the file has it. */
export function searchDefaultsIn(target: Mapping): Mapping {
  const protocol = protocolOf(target);
  return protocol === undefined ? {} : searchDefaultsOf(protocol);
}

/** When the moment of a test of this mode is chosen. */
export function timingOf(kind: FarEnd['kind'], mode: Mode): SearchOptions['timing'] {
  return askedOf(kind)[mode]?.timing ?? 'late';
}

/** What the report says of a far end where it tells how was measured. */
export function methodOf(kind: FarEnd['kind']): string {
  return kind === 'embedded'
    ? 'The far end and the NAT are built into the program, on the loopback interface: a demonstration, which says nothing about any line.'
    : PROTOCOLS[kind].method;
}
