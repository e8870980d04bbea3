/** Random messages and bytes for the tests of the wire. */
import fc from 'fast-check';
import {
  type AnnouncementFields,
  isAnnouncedLabelValue,
  MAX_ANNOUNCED_LABELS,
  MAX_ANNOUNCED_PATH,
} from '../../src/wire/announcement.js';
import {
  type ClientMessage,
  PROTOCOL_VERSION,
  type RejectCode,
  type ResponderMessage,
} from '../../src/wire/messages.js';

/** What the program has for them. */
const MAX_NUMBER = 0xffff_ffff;
const MAX_DETAIL = 64;
/** Every code: the compiler misses one that is left out. */
const REJECT_CODES: Readonly<Record<RejectCode, true>> = {
  version: true,
  syntax: true,
  auth: true,
  limit_client: true,
  limit_total: true,
  unknown_probe: true,
  duplicate_probe: true,
  timeout: true,
  shutting_down: true,
  announcement: true,
  fresh: true,
};

const hex = (digits: number) =>
  fc.string({
    unit: fc.constantFrom(...Array.from('0123456789abcdef')),
    minLength: digits,
    maxLength: digits,
  });
const number = fc.integer({ min: 0, max: MAX_NUMBER });
const version = fc.constant(PROTOCOL_VERSION);
const printable = fc.constantFrom(
  ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)),
);

export const challenges = hex(32);
export const macs = hex(64);

export const hellos = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const),
    version,
    role: fc.constantFrom('control' as const, 'check' as const),
    session: hex(32),
    nonce: hex(32),
  }),
  fc.record({
    kind: fc.constant('hello' as const),
    version,
    role: fc.constant('control' as const),
    session: hex(32),
    nonce: hex(32),
    announce: fc.constant(true as const),
  }),
  fc.record({
    kind: fc.constant('hello' as const),
    version,
    role: fc.constantFrom('control' as const, 'check' as const),
    session: hex(32),
    nonce: hex(32),
    fresh: fc.constant(true as const),
  }),
  fc.record({
    kind: fc.constant('hello' as const),
    version,
    role: fc.constant('probe' as const),
    session: hex(32),
    probe: number,
    nonce: hex(32),
  }),
);

const ports = fc.integer({ min: 1, max: 65_535 });
const letters = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ');
const hosts = fc.oneof(
  fc.constant(''),
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]`),
  fc.domain(),
);

/** Announcements of any content; their lines may be longer than what is sent. */
export const announcements: fc.Arbitrary<AnnouncementFields> = fc.record(
  {
    address: fc.tuple(hosts, ports).map(([host, port]) => `${host}:${port}`),
    scheme: fc.constantFrom('http' as const, 'https' as const),
    path: fc
      .string({
        unit: fc.constantFrom(...letters, '/', '.', '_', '~', '-', '0'),
        maxLength: MAX_ANNOUNCED_PATH - 1,
      })
      .map((path) => `/${path}`),
    labels: fc.dictionary(
      fc
        .string({ unit: fc.constantFrom(...letters, '_', '0', '9'), minLength: 1, maxLength: 12 })
        .filter((name) => /^[a-zA-Z]/.test(name)),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter(isAnnouncedLabelValue),
      { minKeys: 1, maxKeys: MAX_ANNOUNCED_LABELS, noNullPrototype: true },
    ),
  },
  { requiredKeys: ['address'] },
);

export const clientMessages: fc.Arbitrary<ClientMessage> = fc.oneof(
  hellos,
  fc.record({ kind: fc.constant('auth' as const), mac: macs }),
  fc.record({ kind: fc.constant('ping' as const), nonce: hex(16) }),
  fc.record({ kind: fc.constant('call' as const), probe: number, nonce: hex(16) }),
  fc.record({ kind: fc.constant('drop' as const), probe: number }),
  fc.record({ kind: fc.constant('answer' as const), nonce: hex(16) }),
  fc.record({
    kind: fc.constant('fresh' as const),
    probe: number,
    ttl: fc.integer({ min: 1, max: 64 }),
    interval: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ kind: fc.constant('fresh' as const), probe: number, ttl: fc.constant(0) }),
  fc.record({ kind: fc.constant('reach' as const), probe: number, ttl: fc.integer({ min: 1, max: 64 }) }),
  fc.tuple(announcements, macs).map(([fields, mac]) => ({ kind: 'announce' as const, ...fields, mac })),
);

const endpoints = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat({ max: 65_535 })).map(([address, port]) => `${address}:${port}`),
  fc.tuple(fc.ipV6(), fc.nat({ max: 65_535 })).map(([address, port]) => `[${address.toLowerCase()}]:${port}`),
);

export const welcomes = fc.record(
  {
    kind: fc.constant('welcome' as const),
    version,
    nonce: hex(32),
    seen: endpoints,
    conntrack: number,
    instance: hex(16),
    announce: number,
    fresh: fc.constant(true as const),
    mac: macs,
  },
  { requiredKeys: ['kind', 'version', 'nonce', 'seen'] },
);

export const errors = fc.record(
  {
    kind: fc.constant('error' as const),
    code: fc.constantFrom(...(Object.keys(REJECT_CODES) as RejectCode[])),
    probe: number,
    detail: fc.string({ unit: printable, minLength: 1, maxLength: MAX_DETAIL }),
  },
  { requiredKeys: ['kind', 'code'] },
);

export const responderMessages: fc.Arbitrary<ResponderMessage> = fc.oneof(
  fc.record({ kind: fc.constant('challenge' as const), nonce: challenges }),
  welcomes,
  fc.constant({ kind: 'announced' as const }),
  fc.record({ kind: fc.constantFrom('pong' as const, 'ring' as const), nonce: hex(16) }),
  fc.record({ kind: fc.constantFrom('rung' as const, 'heard' as const), probe: number, nonce: hex(16) }),
  fc.record({
    kind: fc.constant('gone' as const),
    probe: number,
    cause: fc.constantFrom('reset' as const, 'closed' as const, 'timed_out' as const),
  }),
  fc.record({ kind: fc.constant('freshened' as const), probe: number, sent: number, heard: number }),
  fc.record({ kind: fc.constant('reached' as const), probe: number, acked: fc.boolean() }),
  errors,
);

/** Lines that look like ours and are not: good words in bad places. */
export const almostLines = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          'HELLO',
          'AUTH',
          'PING',
          'CALL',
          'WELCOME',
          'ERROR',
          'GONE',
          'RING',
          'ANNOUNCE',
          ...['FRESH', 'REACH', 'FRESHENED', 'REACHED', 'ttl=0', 'ttl=3', 'interval=1', 'acked=1'],
          'address=:1',
          'labels=a:b,',
          ' ',
          ' ',
          '=',
          '%20',
          '%',
          '0',
        ],
        ...['v=1', 'role=probe', 'nonce=', 'probe=', 'mac=', 'detail=', 'code=version', 'seen=[::1]:1', '\r'],
      ),
      hex(16),
      hex(32),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((words) => words.join(''));
