import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  decodeClientMessage,
  decodeResponderMessage,
  encodeClientMessage,
  encodeResponderMessage,
} from '../../src/wire/codec.js';
import { announcementMacInput, macInput } from '../../src/wire/proofs.js';
import { MAX_LINE_BYTES } from '../../src/wire/lines.js';
import type { Announce, Hello, Welcome } from '../../src/wire/messages.js';

/** What the program has for them. */
const HELLO_BYTES = 256;
const MAX_DETAIL = 64;
import {
  almostLines,
  announcements,
  challenges,
  clientMessages,
  errors,
  hellos,
  responderMessages,
  welcomes,
} from './arbitraries.js';

const SESSION = '0123456789abcdef0123456789abcdef';
const NONCE = 'fedcba9876543210fedcba9876543210';
const HELLO: Hello = {
  kind: 'hello',
  version: 1,
  role: 'probe',
  session: SESSION,
  probe: 7,
  nonce: NONCE,
};
const WELCOME: Welcome = { kind: 'welcome', version: 1, nonce: NONCE, seen: '192.0.2.1:5000' };

const MAC = 'f'.repeat(64);
const announce = (fields: string) => `ANNOUNCE ${fields} mac=${MAC}`;
const body = (line: string) => line.slice(0, -1);
const pad = (line: string) => `${line} pad=`.padEnd(HELLO_BYTES - 1, '0');

// The many inputs take seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

describe('codec', () => {
  it('reads back every client message that it wrote', () => {
    fc.assert(
      fc.property(clientMessages, (message) => {
        expect(decodeClientMessage(body(encodeClientMessage(message)))).toEqual({ ok: true, message });
      }),
      { numRuns: 20_000 },
    );
  });

  it('reads back every responder message that it wrote', () => {
    fc.assert(
      fc.property(responderMessages, (message) => {
        expect(decodeResponderMessage(body(encodeResponderMessage(message)))).toEqual({ ok: true, message });
      }),
      { numRuns: 20_000 },
    );
  });

  it('never throws and never invents a message on arbitrary text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 600 }), almostLines), (line) => {
        // What is accepted means the same when it is written again.
        const client = decodeClientMessage(line);
        if (client.ok) {
          expect(decodeClientMessage(body(encodeClientMessage(client.message)))).toEqual(client);
        }
        const responder = decodeResponderMessage(line);
        if (responder.ok) {
          expect(decodeResponderMessage(body(encodeResponderMessage(responder.message)))).toEqual(responder);
        }
      }),
      { numRuns: 60_000 },
    );
  });

  it('turns down every message with one byte changed to something outside of its alphabet', () => {
    fc.assert(
      fc.property(
        clientMessages,
        fc.nat(),
        fc.constantFrom('\0', '\n', '\u00e9', '\t'),
        (message, at, bad) => {
          const line = body(encodeClientMessage(message));
          const index = at % line.length;
          const spoilt = line.slice(0, index) + bad + line.slice(index + 1);
          expect(decodeClientMessage(spoilt)).toMatchObject({ ok: false, code: 'binary' });
        },
      ),
      { numRuns: 10_000 },
    );
  });

  it('never answers a hello with a line longer than it', () => {
    fc.assert(
      fc.property(hellos, fc.oneof(welcomes, errors), (hello, answer) => {
        const asked = encodeClientMessage(hello);
        expect(asked.length).toBe(HELLO_BYTES);
        expect(encodeResponderMessage(answer).length).toBeLessThanOrEqual(asked.length);
      }),
      { numRuns: 5_000 },
    );
    const longest = encodeResponderMessage({
      kind: 'welcome',
      version: 1,
      nonce: NONCE,
      seen: '[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535',
      conntrack: 4_294_967_295,
      instance: 'f'.repeat(16),
      announce: 4_294_967_295,
      fresh: true,
      mac: 'f'.repeat(64),
    });
    const wordiest = encodeResponderMessage({
      kind: 'error',
      code: 'shutting_down',
      detail: ' '.repeat(MAX_DETAIL),
    });
    expect(longest.length).toBeLessThan(HELLO_BYTES);
    expect(wordiest.length).toBeLessThan(HELLO_BYTES);
    expect(HELLO_BYTES).toBeLessThan(MAX_LINE_BYTES);
  });

  it('writes the lines that the document shows', () => {
    expect(encodeClientMessage(HELLO)).toBe(
      `${pad(`HELLO v=1 role=probe session=${SESSION} probe=7 nonce=${NONCE}`)}\n`,
    );
    expect(encodeClientMessage({ kind: 'call', probe: 7, nonce: '0123456789abcdef' })).toBe(
      'CALL probe=7 nonce=0123456789abcdef\n',
    );
    expect(encodeResponderMessage({ ...WELCOME, conntrack: 432_000 })).toBe(
      `WELCOME v=1 nonce=${NONCE} seen=192.0.2.1:5000 conntrack=432000\n`,
    );
    const lines = [
      encodeClientMessage({ kind: 'fresh', probe: 7, ttl: 3, interval: 30 }),
      encodeClientMessage({ kind: 'fresh', probe: 7, ttl: 0 }),
      encodeResponderMessage({ kind: 'freshened', probe: 7, sent: 12, heard: 0 }),
      encodeClientMessage({ kind: 'reach', probe: 7, ttl: 3 }),
      encodeResponderMessage({ kind: 'reached', probe: 7, acked: true }),
    ];
    const document = readFileSync('docs/PROTOCOL.md', 'utf8');
    for (const line of lines) expect(document).toContain(line.trimEnd());
    expect(encodeResponderMessage({ kind: 'error', code: 'syntax', detail: '100 % wrong' })).toBe(
      'ERROR code=syntax detail=100%20%25%20wrong\n',
    );
  });

  it('cuts the detail of an error to printable ASCII of bounded length', () => {
    const line = encodeResponderMessage({
      kind: 'error',
      code: 'syntax',
      detail: `caf\u00e9\n${'x'.repeat(99)}`,
    });
    expect(decodeResponderMessage(body(line))).toEqual({
      ok: true,
      message: { kind: 'error', code: 'syntax', detail: `caf??${'x'.repeat(MAX_DETAIL - 5)}` },
    });
  });

  it('writes and reads an announcement as the document shows it', () => {
    const announce: Announce = {
      kind: 'announce',
      address: 'exporter.example:15382',
      scheme: 'https',
      path: '/metrics',
      labels: { site: 'Zürich 1', isp: 'a,b:c' },
      mac: MAC,
    };
    const line =
      'ANNOUNCE address=exporter.example:15382 scheme=https path=/metrics ' +
      `labels=site:Z%C3%BCrich%201,isp:a%2Cb%3Ac mac=${MAC}`;
    expect(encodeClientMessage(announce)).toBe(`${line}\n`);
    expect(decodeClientMessage(line)).toEqual({ ok: true, message: announce });
    expect(encodeResponderMessage({ kind: 'announced' })).toBe('ANNOUNCED\n');
  });

  it('reads every announcement that it takes as one text only, the one that the mac proves', () => {
    const value = fc.array(
      fc.constantFrom('a', '-', '~', '%', '2', 'C', 'c', 'E', 'F', '%C3%A9', '%c3', '%20'),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    let taken = 0;
    fc.assert(
      fc.property(value, (parts) => {
        const fields = `ANNOUNCE address=:1 labels=site:${parts.join('')}`;
        const decoded = decodeClientMessage(`${fields} mac=${MAC}`);
        if (!decoded.ok || decoded.message.kind !== 'announce') return;
        taken += 1;
        expect(encodeClientMessage(decoded.message)).toBe(`${fields} mac=${MAC}\n`);
      }),
      { numRuns: 1000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('asks for announcements in a key of HELLO that an older responder passes over', () => {
    const asking: Hello = {
      kind: 'hello',
      version: 1,
      role: 'control',
      session: SESSION,
      nonce: NONCE,
      announce: true,
    };
    const line = pad(`HELLO v=1 role=control session=${SESSION} nonce=${NONCE} announce=1`);
    expect(encodeClientMessage(asking)).toBe(`${line}\n`);
    // Any other value is a later revision's.
    const { announce: _, ...plain } = asking;
    expect(decodeClientMessage(line.replace('announce=1', 'announce=7'))).toEqual({
      ok: true,
      message: plain,
    });
    const probe = pad(`HELLO v=1 role=probe probe=1 session=${SESSION} nonce=${NONCE} announce=1`);
    expect(decodeClientMessage(probe)).toEqual({ ok: true, message: { ...plain, role: 'probe', probe: 1 } });
  });

  it('asks likewise whether probes can be refreshed, and proves the answer', () => {
    const asking: Hello = {
      kind: 'hello',
      version: 1,
      role: 'control',
      session: SESSION,
      nonce: NONCE,
      fresh: true,
    };
    const line = pad(`HELLO v=1 role=control session=${SESSION} nonce=${NONCE} fresh=1`);
    expect(encodeClientMessage(asking)).toBe(`${line}\n`);
    const { fresh: _, ...plain } = asking;
    expect(decodeClientMessage(line.replace('fresh=1', 'fresh=7'))).toEqual({ ok: true, message: plain });
    const offered = { ...WELCOME, fresh: true } as const;
    expect(encodeResponderMessage(offered)).toBe(`${body(encodeResponderMessage(WELCOME))} fresh=1\n`);
    expect(macInput('responder', asking, NONCE, offered)).not.toBe(
      macInput('responder', asking, NONCE, WELCOME),
    );
  });

  it.each([
    ['', 'syntax', 'a line begins with a verb in capital letters'],
    ['ping nonce=0123456789abcdef', 'syntax', 'a line begins with a verb in capital letters'],
    ['GET / HTTP/1.1', 'syntax', 'a verb is followed by key=value pairs'],
    ['NOISE a=1', 'verb', 'unknown verb NOISE'],
    ['PING', 'syntax', 'nonce is missing'],
    ['PING nonce=', 'syntax', 'a verb is followed by key=value pairs'],
    ['PING  nonce=0123456789abcdef', 'syntax', 'a verb is followed by key=value pairs'],
    ['PING nonce=0123456789abcdef ', 'syntax', 'a verb is followed by key=value pairs'],
    ['PING nonce=0123456789ABCDEF', 'syntax', 'nonce must be 16 lower-case hex digits'],
    ['PING nonce=0123456789abcde', 'syntax', 'nonce must be 16 lower-case hex digits'],
    ['PING nonce=0123456789abcdef nonce=0123456789abcdef', 'syntax', 'nonce is given twice'],
    ['PING nonce=0123456789abcdef extra=1', 'syntax', 'unknown key extra'],
    ['CALL probe=01 nonce=0123456789abcdef', 'syntax', 'probe must be an integer of 0 to 4294967295'],
    ['CALL probe=4294967296 nonce=0123456789abcdef', 'syntax', 'probe must be an integer of 0 to 4294967295'],
    ['CALL probe=-1 nonce=0123456789abcdef', 'syntax', 'probe must be an integer of 0 to 4294967295'],
    ['REACH probe=7 ttl=0', 'syntax', 'ttl must be an integer of 1 to 64'],
    ['REACH probe=7 ttl=65', 'syntax', 'ttl must be an integer of 1 to 64'],
    ['FRESH probe=7 ttl=65 interval=1', 'syntax', 'ttl must be an integer of 0 to 64'],
    ['FRESH probe=7 ttl=3', 'syntax', 'interval is missing'],
    ['FRESH probe=7 ttl=3 interval=0', 'syntax', 'interval must be an integer of 1 to 60'],
    ['FRESH probe=7 ttl=3 interval=61', 'syntax', 'interval must be an integer of 1 to 60'],
    ['FRESH probe=7 ttl=0 interval=1', 'syntax', 'unknown key interval'],
    ['HELLO v=1', 'syntax', 'a HELLO has at least 255 characters, this one has 9'],
    [pad('HELLO v=2 anything=new'), 'version', 'version 2, this side speaks 1'],
    [pad('HELLO v=x'), 'syntax', 'v must be a version number'],
    [pad('HELLO'), 'syntax', 'v must be a version number'],
    [pad(`HELLO v=1 role=king session=${SESSION} nonce=${NONCE}`), 'syntax', /^role must be one of/],
    [pad(`HELLO v=1 role=probe session=${SESSION} nonce=${NONCE}`), 'syntax', 'probe is missing'],
    [
      pad(`HELLO v=1 role=control probe=1 session=${SESSION} nonce=${NONCE}`),
      'syntax',
      'only the role probe has a probe number',
    ],
    ['PING nonce=\u0000', 'binary', 'not printable ASCII'],
  ])('decodeClientMessage(%j) names the rule that is broken', (line, code, problem) => {
    const decoded = decodeClientMessage(line);
    expect(decoded).toMatchObject({ ok: false, code });
    if (!decoded.ok) expect(decoded.problem).toMatch(problem);
  });

  const announcedBadly: [string, string][] = [
    [`ANNOUNCE mac=${MAC}`, 'address is missing'],
    ['ANNOUNCE address=:1', 'mac is missing'],
    ...[
      'example',
      'example:0',
      'example:65536',
      'example:01',
      '::1:5',
      '[::1',
      'a/b:1',
      'ex%41mple:1',
      'a@b:1',
    ].map((address): [string, string] => [
      announce(`address=${address}`),
      'address must be a host and a port',
    ]),
    [announce('address=:1 scheme=ftp'), 'scheme must be one of http, https'],
    ...['metrics', '/metrics?x=1', '/a%20b', `/${'x'.repeat(128)}`].map((path): [string, string] => [
      announce(`address=:1 path=${path}`),
      'path must be a path without query',
    ]),
    ...['site', 'site:', ':x', '__name__:x', '9a:x', 'a-b:x', 'a:b,', 'a:b;c'].map(
      (labels): [string, string] => [
        announce(`address=:1 labels=${labels}`),
        'labels must be name:value pairs with names of Prometheus',
      ],
    ),
    ...['a:%', 'a:%FF', 'a:%00', 'a:%0A', 'a:%ED%A0%80'].map((labels): [string, string] => [
      announce(`address=:1 labels=${labels}`),
      'label a must have a text as its value',
    ]),
    ...['caf%c3%a9', 'caf%C3%a9', '%41', '%7E', 'a%2d', '%27', 'ok%2c'].map((value): [string, string] => [
      announce(`address=:1 labels=a:${value}`),
      'label a has escapes that encodeURIComponent has not',
    ]),
    [announce('address=:1 labels=a:b,a:c'), 'label a is given twice'],
    [
      announce(`address=:1 labels=${Array.from({ length: 17 }, (_, index) => `a${index}:b`).join(',')}`),
      'labels must be at most 16',
    ],
    [announce('address=:1 job=x'), 'unknown key job'],
  ];
  it.each(announcedBadly)(
    'decodeClientMessage(%j) names the rule of announcements that is broken',
    (line, problem) => {
      expect(decodeClientMessage(line)).toEqual({ ok: false, code: 'syntax', problem });
    },
  );

  it.each([
    ['WELCOME v=1 nonce=00 seen=192.0.2.1:1', 'syntax', 'nonce must be 32 lower-case hex digits'],
    [`WELCOME v=1 nonce=${NONCE} seen=example:1`, 'syntax', 'seen must be an address and a port'],
    [`WELCOME v=1 nonce=${NONCE} seen=192.0.2.1:65536`, 'syntax', 'seen must be an address and a port'],
    [`WELCOME v=7 nonce=${NONCE}`, 'version', 'version 7, this side speaks 1'],
    ['ERROR code=mood', 'syntax', /^code must be one of/],
    ['ERROR code=auth detail=%41', 'syntax', 'detail must have at most 64 characters'],
    [`WELCOME v=1 nonce=${NONCE} seen=192.0.2.1:1 fresh=0`, 'syntax', 'fresh must be an integer of 1 to 1'],
    ['REACHED probe=1 acked=2', 'syntax', 'acked must be an integer of 0 to 1'],
    ['FRESHENED probe=1 sent=1', 'syntax', 'heard is missing'],
    ['GONE probe=1 cause=whim', 'syntax', /^cause must be one of/],
    ['SSH-2.0-OpenSSH_9.2', 'syntax', 'a line begins with a verb in capital letters'],
  ])('decodeResponderMessage(%j) names the rule that is broken', (line, code, problem) => {
    const decoded = decodeResponderMessage(line);
    expect(decoded).toMatchObject({ ok: false, code });
    if (!decoded.ok) expect(decoded.problem).toMatch(problem);
  });

  it('reads a hello alike however its keys are ordered', () => {
    fc.assert(
      fc.property(hellos, (hello) => {
        const [verb = '', ...words] = encodeClientMessage(hello).trimEnd().split(' ');
        const shuffled = [verb, ...words.reverse()].join(' ');
        expect(decodeClientMessage(shuffled)).toEqual({ ok: true, message: hello });
        expect(decodeClientMessage([verb, ...words.reverse()].join(' '))).toEqual({
          ok: true,
          message: hello,
        });
      }),
    );
  });

  it('holds a hello of the usual form to all rules', () => {
    const fields = `session=${SESSION} nonce=${NONCE}`;
    expect(decodeClientMessage(pad(`HELLO v=1 role=probe ${fields}`))).toMatchObject({
      problem: 'probe is missing',
    });
    const stray = `HELLO v=1 role=control session=${SESSION} probe=1 nonce=${NONCE}`;
    expect(decodeClientMessage(pad(stray))).toMatchObject({
      problem: 'only the role probe has a probe number',
    });
    const large = `HELLO v=1 role=probe session=${SESSION} probe=4294967296 nonce=${NONCE}`;
    expect(decodeClientMessage(pad(large))).toMatchObject({
      problem: 'probe must be an integer of 0 to 4294967295',
    });
    expect(decodeClientMessage(`HELLO v=1 role=control ${fields} pad=0`)).toMatchObject({ ok: false });
  });

  it('passes over keys that a later revision may add to hello and welcome', () => {
    const hello = pad(`HELLO v=1 role=check session=${SESSION} nonce=${NONCE} colour=red`);
    expect(decodeClientMessage(hello)).toMatchObject({ ok: true, message: { role: 'check' } });
    const welcome = `WELCOME v=1 nonce=${NONCE} seen=[2001:db8::1]:5000 load=3`;
    expect(decodeResponderMessage(welcome)).toMatchObject({ ok: true, message: { kind: 'welcome' } });
  });
});

describe('macInput', () => {
  it('differs whenever direction, hello, challenge or welcome differ', () => {
    fc.assert(
      fc.property(hellos, hellos, challenges, challenges, welcomes, welcomes, (h1, h2, c1, c2, w1, w2) => {
        const bare = (welcome: Welcome) => ({ ...welcome, mac: undefined });
        const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
        // What an older side would not know of is not proven.
        const known = (hello: Hello) => ({ ...hello, announce: undefined, fresh: undefined });
        const sameStart = same(known(h1), known(h2)) && c1 === c2;
        expect(macInput('client', h1, c1) === macInput('client', h2, c2)).toBe(sameStart);
        expect(macInput('client', h1, c1)).not.toBe(macInput('responder', h1, c1, w1));
        expect(macInput('responder', h1, c1, w1) === macInput('responder', h1, c1, w2)).toBe(
          same(bare(w1), bare(w2)),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the text that the document shows', () => {
    const challenge = 'c'.repeat(32);
    const start = `HELLO v=1 role=probe session=${SESSION} probe=7 nonce=${NONCE}\nCHALLENGE nonce=${challenge}\n`;
    expect(macInput('client', HELLO, challenge)).toBe(`nat-idle-exporter client\n${start}`);
    expect(macInput('responder', HELLO, challenge, { ...WELCOME, mac: 'f'.repeat(64) })).toBe(
      `nat-idle-exporter responder\n${start}WELCOME v=1 nonce=${NONCE} seen=192.0.2.1:5000\n`,
    );
  });
});

describe('announcementMacInput', () => {
  it('differs whenever hello, challenge or announcement differ, and from every other proof', () => {
    fc.assert(
      fc.property(
        hellos,
        hellos,
        challenges,
        challenges,
        announcements,
        announcements,
        (h1, h2, c1, c2, a1, a2) => {
          const known = (hello: Hello, challenge: string, fields: unknown) =>
            JSON.stringify([{ ...hello, announce: undefined }, challenge, fields]);
          const same = known(h1, c1, encodeClientMessage({ kind: 'announce', ...a1, mac: MAC }));
          const other = known(h2, c2, encodeClientMessage({ kind: 'announce', ...a2, mac: MAC }));
          expect(announcementMacInput(h1, c1, a1) === announcementMacInput(h2, c2, a2)).toBe(same === other);
          expect(announcementMacInput(h1, c1, a1)).not.toBe(
            announcementMacInput(h1, c1, { ...a1, address: 'other:1' }),
          );
          expect(announcementMacInput(h1, c1, a1)).not.toBe(macInput('client', h1, c1));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is the text that the document shows', () => {
    const challenge = 'c'.repeat(32);
    expect(announcementMacInput(HELLO, challenge, { address: ':15382', labels: { site: 'a b' } })).toBe(
      'nat-idle-exporter announcement\n' +
        `HELLO v=1 role=probe session=${SESSION} probe=7 nonce=${NONCE}\nCHALLENGE nonce=${challenge}\n` +
        'ANNOUNCE address=:15382 labels=site:a%20b\n',
    );
  });
});

describe('the address that a far end sees', () => {
  const seen = (value: string) => decodeResponderMessage(`WELCOME v=1 nonce=${NONCE} seen=${value}`);

  it.each([
    '999.1.1.1:1',
    '1.2.3:1',
    '1.2.3.4.5:1',
    '01.2.3.4:1',
    '1.2.3.4:65536',
    '1.2.3.4:01',
    '1.2.3.4',
    '[1.2.3.4]:1',
    '[::1::]:1',
    '[1:2:3]:1',
    '[::ffff:999.1.1.1]:1',
    '[fe80::1%eth0]:1',
    '[::::]:1',
    '[1:2:3:4:5:6:7:8:9]:1',
    '2001:db8::1:1',
  ])('is not %s', (value) => {
    expect(seen(value)).toMatchObject({ ok: false, code: 'syntax' });
  });

  it.each([
    '192.0.2.1:0',
    '192.0.2.1:65535',
    '[2001:db8::1]:5000',
    '[::]:0',
    '[::ffff:c000:201]:1',
    '[fe80::1]:1',
  ])('may be %s', (value) => {
    expect(seen(value)).toMatchObject({ ok: true, message: { seen: value } });
  });
});
