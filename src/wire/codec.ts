/** Messages ↔ lines of ASCII: `VERB key=value …`; the grammar is in `docs/PROTOCOL.md`. */
import { defined } from '../defined.js';
import { announcementText } from './announcement.js';
import {
  type Decoded,
  Fields,
  MAX_DETAIL,
  MAX_NUMBER,
  otherVersion,
  parseLine,
  syntax,
  unknownVerb,
} from './line-fields.js';
import {
  type ClientMessage,
  type GoneCause,
  type Hello,
  PROTOCOL_VERSION,
  type RejectCode,
  type ResponderMessage,
  type Role,
  LONGEST_REFRESH_INTERVAL,
  MOST_REFRESH_HOPS,
} from './messages.js';
import { helloFields, welcomeFields } from './proofs.js';

/**
 * Length of an encoded `hello` in bytes, its terminator included. It is longer than any first answer, so that
 * a responder cannot be used to amplify traffic towards a forged address.
 */
const HELLO_BYTES = 256;

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
  'fresh',
];

/** The line of a client's message, with its terminator. */
export function encodeClientMessage(message: ClientMessage): string {
  switch (message.kind) {
    case 'hello': {
      const bare = `${helloFields(message)}${helloQuestions(message)} pad=`;
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
    case 'fresh': {
      const interval = message.interval === undefined ? '' : ` interval=${message.interval}`;
      return `FRESH probe=${message.probe} ttl=${message.ttl}${interval}\n`;
    }
    case 'reach':
      return `REACH probe=${message.probe} ttl=${message.ttl}\n`;
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
    case 'freshened':
      return `FRESHENED probe=${message.probe} sent=${message.sent} heard=${message.heard}\n`;
    case 'reached':
      return `REACHED probe=${message.probe} acked=${message.acked ? 1 : 0}\n`;
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
      const asks = (what: string): true | undefined => parsed.fields.get(what) === '1' || undefined;
      const announce = role === 'control' ? asks('announce') : undefined;
      return fields.done(defined({ ...hello, announce, fresh: asks('fresh') }));
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
    case 'FRESH': {
      const probe = fields.number('probe');
      const ttl = fields.number('ttl', 0, MOST_REFRESH_HOPS);
      const interval = ttl === 0 ? undefined : fields.number('interval', 1, LONGEST_REFRESH_INTERVAL);
      return fields.doneStrictly(defined({ kind: 'fresh', probe, ttl, interval }));
    }
    case 'REACH':
      return fields.doneStrictly({
        kind: 'reach',
        probe: fields.number('probe'),
        ttl: fields.number('ttl', 1, MOST_REFRESH_HOPS),
      });
    default:
      return unknownVerb(parsed.verb);
  }
}

/** What a hello asks for beside being welcomed: whoever does not know it passes over it, and it is not proven. */
function helloQuestions({ announce, fresh }: Hello): string {
  return `${announce === true ? ' announce=1' : ''}${fresh === true ? ' fresh=1' : ''}`;
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
        fresh: fields.has('fresh') ? fields.one('fresh') : undefined,
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
    case 'FRESHENED':
      return fields.doneStrictly({
        kind: 'freshened',
        probe: fields.number('probe'),
        sent: fields.number('sent'),
        heard: fields.number('heard'),
      });
    case 'REACHED':
      return fields.doneStrictly({
        kind: 'reached',
        probe: fields.number('probe'),
        acked: fields.number('acked', 0, 1) === 1,
      });
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

function escapeDetail(detail: string): string {
  return detail
    .slice(0, MAX_DETAIL)
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/[ %]/g, (character) => (character === ' ' ? '%20' : '%25'));
}
