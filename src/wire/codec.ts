/** Messages ↔ lines of ASCII: `VERB key=value …`; the grammar is in `docs/PROTOCOL.md`. */
import ipaddr from 'ipaddr.js';
import { defined } from '../defined.js';
import {
  type AnnouncementFields,
  announcementText,
  isAnnouncedAddress,
  isAnnouncedPath,
  parseLabels,
  SCHEMES,
} from './announcement.js';
import {
  type Announce,
  type ClientMessage,
  type GoneCause,
  type Hello,
  PROTOCOL_VERSION,
  type RejectCode,
  type ResponderMessage,
  type Role,
  type Welcome,
} from './messages.js';

/**
 * Length of an encoded `hello` in bytes, its terminator included. It is longer than any first answer, so that
 * a responder cannot be used to amplify traffic towards a forged address.
 */
const HELLO_BYTES = 256;

/** Most characters of an `error`'s detail. */
const MAX_DETAIL = 64;

/** Largest probe number, and largest conntrack timeout in seconds. */
const MAX_NUMBER = 0xffff_ffff;

/**
 * Why a line was not understood: `binary` (not printable ASCII), `verb` (unknown verb; a client passes over
 * such a line), `version` (a hello or welcome of another version), `syntax` (everything else).
 */
export type ProblemCode = 'binary' | 'verb' | 'version' | 'syntax';

/** A decoded message, or what is wrong with the line. Network input is never an exception. */
export type Decoded<Message> =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly code: ProblemCode; readonly problem: string };

const ROLES: readonly Role[] = ['control', 'probe', 'check'];
const GONE_CAUSES: readonly GoneCause[] = ['reset', 'closed', 'timed_out'];

/** Every code that an `ERROR` can have. */
const REJECT_CODES: readonly RejectCode[] = [
  'version',
  'syntax',
  'auth',
  'limit_client',
  'limit_total',
  'unknown_probe',
  'duplicate_probe',
  'timeout',
  'shutting_down',
  'announcement',
];

/** The line of a client's message, with its terminator. */
export function encodeClientMessage(message: ClientMessage): string {
  switch (message.kind) {
    case 'hello': {
      const bare = `${helloFields(message)}${message.announce === true ? ' announce=1' : ''} pad=`;
      return `${bare}${'0'.repeat(Math.max(1, HELLO_BYTES - 1 - bare.length))}\n`;
    }
    case 'auth':
      return `AUTH mac=${message.mac}\n`;
    case 'ping':
      return `PING nonce=${message.nonce}\n`;
    case 'call':
      return `CALL probe=${message.probe} nonce=${message.nonce}\n`;
    case 'drop':
      return `DROP probe=${message.probe}\n`;
    case 'answer':
      return `ANSWER nonce=${message.nonce}\n`;
    case 'announce':
      return `${announcementText(message)} mac=${message.mac}\n`;
  }
}

/** The line of a responder's message, with its terminator. An error's detail is cut to what a line can carry. */
export function encodeResponderMessage(message: ResponderMessage): string {
  switch (message.kind) {
    case 'challenge':
      return `CHALLENGE nonce=${message.nonce}\n`;
    case 'welcome':
      return `${welcomeFields(message)}${message.mac === undefined ? '' : ` mac=${message.mac}`}\n`;
    case 'pong':
      return `PONG nonce=${message.nonce}\n`;
    case 'ring':
      return `RING nonce=${message.nonce}\n`;
    case 'rung':
      return `RUNG probe=${message.probe} nonce=${message.nonce}\n`;
    case 'heard':
      return `HEARD probe=${message.probe} nonce=${message.nonce}\n`;
    case 'announced':
      return 'ANNOUNCED\n';
    case 'gone':
      return `GONE probe=${message.probe} cause=${message.cause}\n`;
    case 'error': {
      const probe = message.probe === undefined ? '' : ` probe=${message.probe}`;
      const detail = message.detail ? ` detail=${escapeDetail(message.detail)}` : '';
      return `ERROR code=${message.code}${probe}${detail}\n`;
    }
  }
}

/** Reads a line (without terminator) that a client sent. Never throws. */
export function decodeClientMessage(line: string): Decoded<ClientMessage> {
  const hello = decodePlainHello(line);
  if (hello !== undefined) return { ok: true, message: hello };
  const parsed = parseLine(line);
  if (!parsed.ok) return parsed;
  const fields = new Fields(parsed.fields);
  switch (parsed.verb) {
    case 'HELLO': {
      if (line.length < HELLO_BYTES - 1) {
        return syntax(`a HELLO has at least ${HELLO_BYTES - 1} characters, this one has ${line.length}`);
      }
      if (!fields.speaksOurVersion()) return otherVersion(parsed.fields);
      const role = fields.oneOf('role', ROLES);
      const session = fields.hex('session', 32);
      const nonce = fields.hex('nonce', 32);
      const hello = { kind: 'hello', version: PROTOCOL_VERSION, role, session, nonce } as const;
      if (role === 'probe') return fields.done({ ...hello, probe: fields.number('probe') });
      if (fields.has('probe')) return syntax('only the role probe has a probe number');
      const asks = role === 'control' && parsed.fields.get('announce') === '1';
      return fields.done(asks ? { ...hello, announce: true } : hello);
    }
    case 'AUTH':
      return fields.doneStrictly({ kind: 'auth', mac: fields.hex('mac', 64) });
    case 'PING':
      return fields.doneStrictly({ kind: 'ping', nonce: fields.hex('nonce', 16) });
    case 'CALL':
      return fields.doneStrictly({
        kind: 'call',
        probe: fields.number('probe'),
        nonce: fields.hex('nonce', 16),
      });
    case 'DROP':
      return fields.doneStrictly({ kind: 'drop', probe: fields.number('probe') });
    case 'ANSWER':
      return fields.doneStrictly({ kind: 'answer', nonce: fields.hex('nonce', 16) });
    case 'ANNOUNCE':
      return fields.doneStrictly({
        kind: 'announce',
        ...fields.announcement(),
        mac: fields.hex('mac', 64),
      });
    default:
      return unknownVerb(parsed.verb);
  }
}

/** A HELLO as `encodeClientMessage` writes it; a responder reads thousands of them in a second. */
const PLAIN_HELLO =
  /^HELLO v=1 role=(control|probe|check) session=([0-9a-f]{32})(?: probe=(0|[1-9][0-9]{0,9}))? nonce=([0-9a-f]{32}) pad=0+$/;

/** What the grammar says of such a line, in a tenth of the time; undefined leaves the line to the grammar. */
function decodePlainHello(line: string): Hello | undefined {
  if (line.length < HELLO_BYTES - 1) return undefined;
  const found = PLAIN_HELLO.exec(line);
  if (found === null) return undefined;
  const [, role, session = '', probe, nonce = ''] = found as unknown as [string, Role, ...string[]];
  if ((role === 'probe') !== (probe !== undefined) || Number(probe ?? 0) > MAX_NUMBER) return undefined;
  const version = PROTOCOL_VERSION;
  if (probe === undefined) return { kind: 'hello', version, role, session, nonce };
  return { kind: 'hello', version, role, session, probe: Number(probe), nonce };
}

/** Reads a line (without terminator) that a responder sent. Never throws. */
export function decodeResponderMessage(line: string): Decoded<ResponderMessage> {
  const parsed = parseLine(line);
  if (!parsed.ok) return parsed;
  const fields = new Fields(parsed.fields);
  switch (parsed.verb) {
    case 'CHALLENGE':
      return fields.doneStrictly({ kind: 'challenge', nonce: fields.hex('nonce', 32) });
    case 'WELCOME': {
      if (!fields.speaksOurVersion()) return otherVersion(parsed.fields);
      const welcome = defined({
        kind: 'welcome',
        version: PROTOCOL_VERSION,
        nonce: fields.hex('nonce', 32),
        seen: fields.endpoint('seen'),
        conntrack: fields.has('conntrack') ? fields.number('conntrack') : undefined,
        instance: fields.has('instance') ? fields.hex('instance', 16) : undefined,
        announce: fields.has('announce') ? fields.number('announce') : undefined,
        mac: fields.has('mac') ? fields.hex('mac', 64) : undefined,
      });
      return fields.done(welcome);
    }
    case 'PONG':
      return fields.doneStrictly({ kind: 'pong', nonce: fields.hex('nonce', 16) });
    case 'RING':
      return fields.doneStrictly({ kind: 'ring', nonce: fields.hex('nonce', 16) });
    case 'RUNG':
    case 'HEARD':
      return fields.doneStrictly({
        kind: parsed.verb === 'RUNG' ? 'rung' : 'heard',
        probe: fields.number('probe'),
        nonce: fields.hex('nonce', 16),
      });
    case 'ANNOUNCED':
      return fields.doneStrictly({ kind: 'announced' });
    case 'GONE':
      return fields.doneStrictly({
        kind: 'gone',
        probe: fields.number('probe'),
        cause: fields.oneOf('cause', GONE_CAUSES),
      });
    case 'ERROR':
      return fields.doneStrictly(
        defined({
          kind: 'error',
          code: fields.oneOf('code', REJECT_CODES),
          probe: fields.has('probe') ? fields.number('probe') : undefined,
          detail: fields.has('detail') ? fields.detail('detail') : undefined,
        }),
      );
    default:
      return unknownVerb(parsed.verb);
  }
}

/**
 * The text whose HMAC-SHA256 under the token proves that one side knows it. `challenge` is the responder's
 * nonce. The client's proof covers the hello and both nonces; the responder's covers the welcome besides, so
 * that nobody without the token can change the address or the conntrack timeout that it reports. The two
 * directions differ, so that one side's proof cannot be reflected to it.
 */
export function macInput(direction: 'client', hello: Hello, challenge: string): string;
export function macInput(direction: 'responder', hello: Hello, challenge: string, welcome: Welcome): string;
export function macInput(
  direction: 'client' | 'responder',
  hello: Hello,
  challenge: string,
  welcome?: Welcome,
): string {
  const common = `nat-idle-exporter ${direction}\n${helloFields(hello)}\nCHALLENGE nonce=${challenge}\n`;
  return welcome === undefined ? common : `${common}${welcomeFields(welcome)}\n`;
}

/**
 * The text whose HMAC-SHA256 under the token is the `mac` of an `ANNOUNCE`. It names the connection by its hello and
 * the responder's nonce, so that nobody who can write into the connection can announce another address, and no
 * recorded announcement is worth anything on another connection.
 */
export function announcementMacInput(
  hello: Hello,
  challenge: string,
  announcement: AnnouncementFields,
): string {
  const opening = `${helloFields(hello)}\nCHALLENGE nonce=${challenge}\n`;
  return `nat-idle-exporter announcement\n${opening}${announcementText(announcement)}\n`;
}

function helloFields(hello: Hello): string {
  const probe = hello.probe === undefined ? '' : ` probe=${hello.probe}`;
  return `HELLO v=${hello.version} role=${hello.role} session=${hello.session}${probe} nonce=${hello.nonce}`;
}

function welcomeFields(welcome: Welcome): string {
  const conntrack = welcome.conntrack === undefined ? '' : ` conntrack=${welcome.conntrack}`;
  const instance = welcome.instance === undefined ? '' : ` instance=${welcome.instance}`;
  const announce = welcome.announce === undefined ? '' : ` announce=${welcome.announce}`;
  return `WELCOME v=${welcome.version} nonce=${welcome.nonce} seen=${welcome.seen}${conntrack}${instance}${announce}`;
}

function escapeDetail(detail: string): string {
  return detail
    .slice(0, MAX_DETAIL)
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/[ %]/g, (character) => (character === ' ' ? '%20' : '%25'));
}

type Problem = Extract<Decoded<never>, { ok: false }>;

function syntax(problem: string): Problem {
  return { ok: false, code: 'syntax', problem };
}

function unknownVerb(verb: string): Problem {
  return { ok: false, code: 'verb', problem: `unknown verb ${verb}` };
}

function otherVersion(fields: ReadonlyMap<string, string>): Problem {
  const found = fields.get('v') ?? '';
  if (!NUMBER.test(found)) return syntax('v must be a version number');
  return { ok: false, code: 'version', problem: `version ${found}, this side speaks ${PROTOCOL_VERSION}` };
}

const NUMBER = /^(?:0|[1-9][0-9]{0,9})$/;
const HEX = /^[0-9a-f]+$/;
const KEY = /^[a-z]{1,16}$/;
const VERB = /^[A-Z]{1,16}$/;
const ENDPOINT = /^(?:([0-9.]{7,15})|\[([0-9a-f:.]{2,45})\]):(0|[1-9][0-9]{0,4})$/;
const DETAIL = /^(?:[\x21-\x24\x26-\x7e]|%20|%25)+$/;

type ParsedLine =
  | { readonly ok: true; readonly verb: string; readonly fields: ReadonlyMap<string, string> }
  | Problem;

function parseLine(line: string): ParsedLine {
  if (/[^\x20-\x7e]/.test(line)) return { ok: false, code: 'binary', problem: 'not printable ASCII' };
  const [verb = '', ...words] = line.split(' ');
  if (!VERB.test(verb)) return syntax('a line begins with a verb in capital letters');
  const fields = new Map<string, string>();
  for (const word of words) {
    const cut = word.indexOf('=');
    const key = word.slice(0, Math.max(0, cut));
    if (!KEY.test(key) || cut === word.length - 1) return syntax('a verb is followed by key=value pairs');
    if (fields.has(key)) return syntax(`${key} is given twice`);
    fields.set(key, word.slice(cut + 1));
  }
  return { ok: true, verb, fields };
}

/** Reads typed values out of a line's fields and remembers the first thing that is wrong. */
class Fields {
  readonly #fields: ReadonlyMap<string, string>;
  readonly #read = new Set<string>();
  #problem: string | undefined;

  constructor(fields: ReadonlyMap<string, string>) {
    this.#fields = fields;
  }

  has(key: string): boolean {
    return this.#fields.has(key);
  }

  speaksOurVersion(): boolean {
    return this.#take('v') === String(PROTOCOL_VERSION);
  }

  hex(key: string, digits: number): string {
    const value = this.#take(key);
    if (value.length !== digits || !HEX.test(value))
      this.#fail(`${key} must be ${digits} lower-case hex digits`);
    return value;
  }

  number(key: string): number {
    const value = this.#take(key);
    const number = Number(value);
    if (!NUMBER.test(value) || number > MAX_NUMBER)
      this.#fail(`${key} must be an integer of 0 to ${MAX_NUMBER}`);
    return number;
  }

  oneOf<Value extends string>(key: string, values: readonly Value[]): Value {
    const value = this.#take(key);
    const found = values.find((candidate) => candidate === value);
    if (found === undefined) this.#fail(`${key} must be one of ${values.join(', ')}`);
    return found ?? (values[0] as Value);
  }

  announcement(): Omit<Announce, 'kind' | 'mac'> {
    const address = this.#take('address');
    if (!isAnnouncedAddress(address)) this.#fail('address must be a host and a port');
    const path = this.has('path') ? this.#take('path') : undefined;
    if (path !== undefined && !isAnnouncedPath(path)) this.#fail('path must be a path without query');
    const labels = this.has('labels') ? parseLabels(this.#take('labels')) : undefined;
    if (typeof labels === 'string') this.#fail(labels);
    const scheme = this.has('scheme') ? this.oneOf('scheme', SCHEMES) : undefined;
    return defined({ address, scheme, path, labels: typeof labels === 'string' ? undefined : labels });
  }

  endpoint(key: string): string {
    const value = this.#take(key);
    const [, v4, v6 = '', port] = ENDPOINT.exec(value) ?? [];
    const isAddress = v4 === undefined ? ipaddr.IPv6.isValid(v6) : ipaddr.IPv4.isValidFourPartDecimal(v4);
    if (!isAddress || Number(port) > 65_535) this.#fail(`${key} must be an address and a port`);
    return value;
  }

  detail(key: string): string {
    const value = this.#take(key);
    const text = value.replace(/%20|%25/g, (escape) => (escape === '%20' ? ' ' : '%'));
    if (!DETAIL.test(value) || text.length > MAX_DETAIL) {
      this.#fail(`${key} must have at most ${MAX_DETAIL} characters`);
    }
    return text;
  }

  /** Keys that were not asked for are passed over: a later revision of version 1 may add some. */
  done<Message>(message: Message): Decoded<Message> {
    return this.#problem === undefined ? { ok: true, message } : syntax(this.#problem);
  }

  doneStrictly<Message>(message: Message): Decoded<Message> {
    for (const key of this.#fields.keys()) {
      if (!this.#read.has(key)) this.#fail(`unknown key ${key}`);
    }
    return this.done(message);
  }

  #take(key: string): string {
    this.#read.add(key);
    const value = this.#fields.get(key);
    if (value === undefined) this.#fail(`${key} is missing`);
    return value ?? '';
  }

  #fail(problem: string): void {
    this.#problem ??= problem;
  }
}
