/** A line of the native protocol taken apart: its verb, and its keys with their typed values. Nothing here throws. */
import ipaddr from 'ipaddr.js';
import { defined } from '../defined.js';
import { isAnnouncedAddress, isAnnouncedPath, parseLabels, SCHEMES } from './announcement.js';
import { type Announce, PROTOCOL_VERSION } from './messages.js';

/** Most characters of an `error`'s detail. */
export const MAX_DETAIL = 64;

/** Largest probe number, and largest conntrack timeout in seconds. */
export const MAX_NUMBER = 0xffff_ffff;

/**
 * Why a line was not understood: `binary` (not printable ASCII), `verb` (unknown verb; a client passes over
 * such a line), `version` (a hello or welcome of another version), `syntax` (everything else).
 */
export type ProblemCode = 'binary' | 'verb' | 'version' | 'syntax';

/** A decoded message, or what is wrong with the line. Network input is never an exception. */
export type Decoded<Message> =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly code: ProblemCode; readonly problem: string };

type Problem = Extract<Decoded<never>, { ok: false }>;

export function syntax(problem: string): Problem {
  return { ok: false, code: 'syntax', problem };
}

export function unknownVerb(verb: string): Problem {
  return { ok: false, code: 'verb', problem: `unknown verb ${verb}` };
}

export function otherVersion(fields: ReadonlyMap<string, string>): Problem {
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

export function parseLine(line: string): ParsedLine {
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
export class Fields {
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

  number(key: string, least = 0, most = MAX_NUMBER): number {
    const value = this.#take(key);
    const number = Number(value);
    if (!NUMBER.test(value) || number < least || number > most)
      this.#fail(`${key} must be an integer of ${least} to ${most}`);
    return number;
  }

  /** A key that says yes, and nothing else. */
  one(key: string): true {
    this.number(key, 1, 1);
    return true;
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
