/** Announcements over the wire: who may announce, what is answered, and what older clients and responders see. */
import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tokenMac } from '../../../src/net/token.js';
import { Announcements, type AnnouncementsOptions } from '../../../src/responder/discovery/announcements.js';
import { type ClusterOptions, startClusteredResponder } from '../../../src/responder/cluster/primary.js';
import {
  createResponderMetrics,
  registerAnnouncementMetrics,
} from '../../../src/responder/responder-metrics.js';
import type { ResponderOptions } from '../../../src/responder/responder.js';
import type { AnnouncementFields } from '../../../src/wire/announcement.js';
import { encodeClientMessage } from '../../../src/wire/codec.js';
import { announcementMacInput, macInput } from '../../../src/wire/proofs.js';
import type { Hello, ResponderMessage } from '../../../src/wire/messages.js';
import { type Fixture, startFixture } from '../fixture.js';
import { newHello, RawClient } from '../raw-client.js';
import { openSockets } from '../../support/sockets.js';
import { withOnly, workerPids } from '../cluster/workers.js';

vi.setConfig({ testTimeout: 60_000 });

const TOKEN = 'correct horse battery staple';
const X = '0123456789abcdef';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Far {
  readonly port: number;
  readonly announcements: Announcements;
}

async function far(
  options: Partial<ResponderOptions> = {},
  limits: Partial<AnnouncementsOptions> = {},
): Promise<Far & Fixture> {
  const announcements = new Announcements({ ttl: 90, ...limits });
  const discovery = { interval: announcements.interval, announcements };
  const fixture = await startFixture({ token: TOKEN, discovery, ...options });
  closing.push(() => fixture.close());
  return { ...fixture, announcements };
}

interface Opened {
  readonly client: RawClient;
  readonly hello: Hello;
  readonly challenge: string;
  readonly welcome: ResponderMessage | undefined;
}

/** Opens a connection as far as WELCOME. */
async function open(port: number, hello: Hello, token = TOKEN): Promise<Opened> {
  const client = await RawClient.open(port, hello);
  closing.push(() => client.destroy());
  const [first] = client.messages;
  const challenge = first?.kind === 'challenge' ? first.nonce : '';
  client.say({ kind: 'auth', mac: tokenMac(token, macInput('client', hello, challenge)) });
  const [, welcome] = await client.hear(2);
  return { client, hello, challenge, welcome };
}

const asking = (fields: Partial<Hello> = {}): Hello => newHello('control', { announce: true, ...fields });

function announce({ client, hello, challenge }: Opened, fields: AnnouncementFields): void {
  const mac = tokenMac(TOKEN, announcementMacInput(hello, challenge, fields));
  client.say({ kind: 'announce', ...fields, mac });
}

/** What is answered, told by a ping that follows. */
async function answerTo(opened: Opened, fields: AnnouncementFields): Promise<ResponderMessage[]> {
  const { client } = opened;
  const before = client.messages.length;
  announce(opened, fields);
  await client.until(() => client.messages.length > before, 'an answer');
  client.say({ kind: 'ping', nonce: X });
  await client.until(() => client.messages.at(-1)?.kind === 'pong', 'the pong');
  return client.messages.slice(before, -1);
}

describe('a responder that takes announcements', () => {
  it('says how often it wants to hear, takes an announcement, and the connection goes on', async () => {
    const { port, announcements } = await far();
    const opened = await open(port, asking());
    expect(opened.welcome).toMatchObject({ kind: 'welcome', announce: 30 });
    expect(await answerTo(opened, { address: '192.0.2.9:15382', labels: { site: 'a b' } })).toEqual([
      { kind: 'announced' },
    ]);
    expect(announcements.groups()).toMatchObject([
      { targets: ['192.0.2.9:15382'], labels: { __meta_nat_idle_label_site: 'a b' } },
    ]);
  });

  it('proves the interval with the rest of its WELCOME', async () => {
    const { hello, challenge, welcome } = await open((await far()).port, asking());
    if (welcome?.kind !== 'welcome') throw new Error('no welcome');
    const proof = (message: typeof welcome) =>
      tokenMac(TOKEN, macInput('responder', hello, challenge, message));
    expect(welcome.mac).toBe(proof(welcome));
    expect(welcome.mac).not.toBe(proof({ ...welcome, announce: 31 }));
  });

  it('refuses an address that nobody else can reach, says why, and the connection goes on', async () => {
    const { port, announcements, metrics } = await far();
    registerAnnouncementMetrics(metrics.registry, announcements);
    const opened = await open(port, asking());
    expect(await answerTo(opened, { address: '127.0.0.1:1' })).toEqual([
      { kind: 'error', code: 'announcement', detail: 'a loopback address is not served' },
    ]);
    // It is the client that is seen on loopback here.
    expect(await answerTo(opened, { address: ':1' })).toMatchObject([{ code: 'announcement' }]);
    expect(await answerTo(opened, { address: '192.0.2.1:1' })).toEqual([{ kind: 'announced' }]);
    const text = await metrics.registry.metrics();
    expect(text).toContain('nat_responder_announced_exporters 1\n');
    expect(text).toContain('nat_responder_announcements_rejected_total{reason="address"} 2\n');
    expect(text).toContain('nat_responder_announcements_rejected_total{reason="limit_total"} 0\n');
    // A refusal is neither a call for an unknown probe nor a connection turned away.
    expect(Object.values(metrics.counts.rejected).every((count) => count === 0)).toBe(true);
  });

  it('refuses the labels that Prometheus or the exporter set themselves, and the connection goes on', async () => {
    const { port, announcements, metrics } = await far();
    registerAnnouncementMetrics(metrics.registry, announcements);
    const opened = await open(port, asking());
    const address = '192.0.2.9:1';
    for (const name of ['job', 'instance', 'mode', 'target', 'le', 'alertname']) {
      expect(await answerTo(opened, { address, labels: { site: 'home', [name]: 'x' } })).toEqual([
        { kind: 'error', code: 'announcement', detail: `the label name ${name} is reserved` },
      ]);
    }
    expect(announcements.groups()).toEqual([]);
    expect(await answerTo(opened, { address, labels: { site: 'home' } })).toEqual([{ kind: 'announced' }]);
    expect(await metrics.registry.metrics()).toContain(
      'nat_responder_announcements_rejected_total{reason="label"} 6\n',
    );
  });

  it('keeps an exporter after its connection ended, until its time is up', async () => {
    let now = 0;
    const { port, announcements } = await far({}, { now: () => now });
    const opened = await open(port, asking());
    await answerTo(opened, { address: '192.0.2.9:1' });
    opened.client.destroy();
    now = 89;
    expect(announcements.size).toBe(1);
    now = 90;
    expect(announcements.size).toBe(0);
  });

  it('holds a flood of announcements to its bounds', async () => {
    const { port, announcements } = await far({}, { maxPerClient: 5 });
    const opened = await open(port, asking());
    for (let index = 0; index < 200; index += 1) announce(opened, { address: `flood-${index}.example:1` });
    await opened.client.hear(202);
    expect(announcements.size).toBe(5);
    expect(announcements.refused.limit_client).toBe(195);
  });

  it('ends a connection whose announcement is not proven, or is proven for another connection', async () => {
    const { port, announcements, metrics } = await far();
    const fields = { address: '192.0.2.9:1' };
    const [one, two] = [await open(port, asking()), await open(port, asking())];
    one.client.say({ kind: 'announce', ...fields, mac: 'f'.repeat(64) });
    expect((await one.client.hearToTheEnd()).at(-1)).toBe('auth');
    const stolen = tokenMac(TOKEN, announcementMacInput(one.hello, one.challenge, fields));
    two.client.say({ kind: 'announce', ...fields, mac: stolen });
    expect((await two.client.hearToTheEnd()).at(-1)).toBe('auth');
    const three = await open(port, asking());
    const own = tokenMac(TOKEN, announcementMacInput(three.hello, three.challenge, fields));
    three.client.say({ kind: 'announce', address: '192.0.2.66:1', mac: own });
    expect((await three.client.hearToTheEnd()).at(-1)).toBe('auth');
    expect(announcements.groups()).toEqual([]);
    expect(metrics.counts.rejected.auth).toBe(3);
  });

  it.each(['caf%c3%a9', '%41'])(
    'answers syntax, not auth, to the proven but unusual escapes %s',
    async (value) => {
      const { port, announcements, metrics } = await far();
      const { client, hello, challenge } = await open(port, asking());
      const fields = `ANNOUNCE address=192.0.2.9:1 labels=site:${value}`;
      const input = announcementMacInput(hello, challenge, { address: 'X' });
      const mac = tokenMac(TOKEN, input.replace('ANNOUNCE address=X', fields));
      client.write(`${fields} mac=${mac}\n`);
      expect((await client.hearToTheEnd()).at(-1)).toBe('syntax');
      expect(client.messages.at(-1)).toMatchObject({
        detail: 'label site has escapes that encodeURIComponent has not',
      });
      expect(announcements.size).toBe(0);
      expect(metrics.counts.rejected).toMatchObject({ auth: 0, syntax: 1 });
    },
  );

  it.each([
    ['a control connection that did not ask', newHello('control')],
    ['a check connection', newHello('check')],
    ['a probe connection', newHello('probe')],
  ])('takes none over %s', async (_, hello) => {
    const { port, announcements } = await far();
    const opened = await open(port, hello);
    expect(opened.welcome).not.toHaveProperty('announce');
    announce(opened, { address: '192.0.2.9:1' });
    expect((await opened.client.hearToTheEnd()).at(-1)).toBe('syntax');
    expect(announcements.size).toBe(0);
  });

  it('ends a connection that announces before WELCOME', async () => {
    const { port, announcements } = await far();
    const client = await RawClient.open(port, asking());
    client.say({ kind: 'announce', address: '192.0.2.9:1', mac: 'f'.repeat(64) });
    expect(await client.hearToTheEnd()).toEqual(['challenge', 'auth']);
    expect(announcements.size).toBe(0);
  });

  it('takes none without discovery, and none without a token', async () => {
    const off = await startFixture({ token: TOKEN });
    closing.push(() => off.close());
    const opened = await open(off.port, asking());
    expect(opened.welcome).not.toHaveProperty('announce');
    announce(opened, { address: '192.0.2.9:1' });
    expect((await opened.client.hearToTheEnd()).at(-1)).toBe('syntax');

    const discovery = { interval: 30, announcements: new Announcements({ ttl: 90 }) };
    const open2 = await startFixture({ discovery });
    closing.push(() => open2.close());
    const client = await RawClient.open(open2.port, asking());
    expect(client.messages[0]).toMatchObject({ kind: 'welcome' });
    expect(client.messages[0]).not.toHaveProperty('announce');
    client.destroy();
  });
});

describe('a client of version 1 as it was before announcements', () => {
  /** Recorded from the program at that time, token and nonces as here. */
  const HELLO =
    'HELLO v=1 role=control session=0123456789abcdef0123456789abcdef nonce=fedcba9876543210fedcba9876543210 ' +
    `pad=${'0'.repeat(148)}\n`;
  const CLIENT_TEXT = (challenge: string) =>
    'nat-idle-exporter client\n' +
    'HELLO v=1 role=control session=0123456789abcdef0123456789abcdef nonce=fedcba9876543210fedcba9876543210\n' +
    `CHALLENGE nonce=${challenge}\n`;
  const mac = (text: string) => createHmac('sha256', TOKEN).update(text).digest('hex');

  it('says the same bytes as today', () => {
    const hello: Hello = {
      kind: 'hello',
      version: 1,
      role: 'control',
      session: X.repeat(2),
      nonce: 'fedcba9876543210'.repeat(2),
    };
    const challenge = 'c0ffee00'.repeat(4);
    expect(encodeClientMessage(hello)).toBe(HELLO);
    expect(macInput('client', hello, challenge)).toBe(CLIENT_TEXT(challenge));
    expect(tokenMac(TOKEN, macInput('client', hello, challenge))).toBe(
      '1a2a7363f772c26321ca49b0fd763e9e618a4a36ecf6f0931fadaee7ff502961',
    );
    const welcome = {
      kind: 'welcome',
      version: 1,
      nonce: hello.nonce,
      seen: '192.0.2.1:5000',
      conntrack: 432_000,
      instance: '00112233aabbccdd',
    } as const;
    expect(tokenMac(TOKEN, macInput('responder', hello, challenge, welcome))).toBe(
      'be46885f74cc0342f21dd18d806834e95b26bb1d88aec69dc3529780e45d48d3',
    );
  });

  it('is welcomed in the words and with the proof of that time', async () => {
    const { port } = await far({ instance: '00112233aabbccdd' });
    const client = await RawClient.connect(port);
    closing.push(() => client.destroy());
    client.write(HELLO);
    await client.hear(1);
    const challenge =
      /^CHALLENGE nonce=([0-9a-f]{32})\n$/.exec(client.received.toString('latin1'))?.[1] ?? '';
    client.write(`AUTH mac=${mac(CLIENT_TEXT(challenge))}\n`);
    await client.hear(2);
    const welcome =
      `WELCOME v=1 nonce=fedcba9876543210fedcba9876543210 seen=127.0.0.1:${client.socket.localPort} ` +
      'instance=00112233aabbccdd';
    const proof = mac(
      `${CLIENT_TEXT(challenge).replace('exporter client', 'exporter responder')}${welcome}\n`,
    );
    expect(client.received.toString('latin1').split('\n')[1]).toBe(`${welcome} mac=${proof}`);
    client.write(`PING nonce=${X}\n`);
    expect((await client.hear(3)).at(-1)).toEqual({ kind: 'pong', nonce: X });
  });
});

describe('a clustered responder that takes announcements', () => {
  async function start(
    options: Partial<ClusterOptions> & Pick<ClusterOptions, 'discovery'>,
  ): Promise<number> {
    const responder = await startClusteredResponder({
      native: [{ host: '127.0.0.1', port: 0 }],
      workers: 2,
      execArgv: ['--import', 'tsx'],
      logger: pino({ level: 'silent' }),
      token: TOKEN,
      ...options,
    });
    closing.push(() => responder.close());
    return responder.addresses.native[0]?.port ?? 0;
  }

  it('keeps one book for all workers, and answers over whichever holds the connection', async () => {
    const announcements = new Announcements({ ttl: 90 });
    const metrics = createResponderMetrics();
    registerAnnouncementMetrics(metrics.registry, announcements);
    const port = await start({ discovery: { interval: announcements.interval, announcements } });
    const workers = workerPids();
    expect(workers).toHaveLength(2);
    const idle = workers.map(openSockets);
    for (let index = 0; index < 4; index += 1) {
      const opened = await withOnly(workers[index % 2] ?? 0, () => open(port, asking()));
      expect(opened.welcome).toMatchObject({ announce: 30 });
      expect(await answerTo(opened, { address: `e${index}.example:1` })).toEqual([{ kind: 'announced' }]);
      expect(await answerTo(opened, { address: 'localhost:1' })).toMatchObject([{ code: 'announcement' }]);
      // The same caller number serves for calls.
      opened.client.say({ kind: 'call', probe: 5, nonce: X });
      await opened.client.until(
        () => opened.client.messages.some((each) => each.kind === 'error' && each.code === 'unknown_probe'),
        'unknown_probe',
      );
    }
    // Each of the two holds half of the connections.
    expect(workers.map((pid, index) => openSockets(pid) - (idle[index] ?? 0))).toEqual([2, 2]);
    expect(announcements.groups().map(({ targets }) => targets[0])).toEqual(
      [0, 1, 2, 3].map((index) => `e${index}.example:1`),
    );
    const text = await metrics.registry.metrics();
    expect(text).toContain('nat_responder_announced_exporters 4\n');
    expect(text).toContain('nat_responder_announcements_rejected_total{reason="address"} 4\n');
  });
});
