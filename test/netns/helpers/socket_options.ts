/**
 * What this host's own keepalives tell of the path to HOST, as JSON: who stands at hops, how far it is, what comes of a
 * refresh that ends at a hop, and how keepalives die. `socket_options.ts HOST PORT on|off DEADLINE`; "cut" is printed
 * when the path is to be cut, and waits for a line.
 */
import { once } from 'node:events';
import { systemClock } from '../../../src/clock.js';
import { openLink, type Link } from '../../../src/net/link.js';
import { hopAddress } from '../../../src/net/socket-options/hop-address.js';
import { enableSocketOptions, socketOptions } from '../../../src/net/socket-options/library.js';
import { pause } from '../../../src/pause.js';
import { Conversation } from '../../../src/probe/conversation.js';
import { createNativePath } from '../../../src/probe/far-ends/native.js';
import { keepalive } from '../../../src/probe/modes/keepalive.js';

const [address = '', port = '', wanted = 'on', deadline = '3'] = process.argv.slice(2);
const { signal } = new AbortController();
const endpoint = { address, port: Number(port) };
if (wanted === 'on') await enableSocketOptions();

const open = (): Promise<Link> => openLink(endpoint, 3, signal);
const rest = (seconds: number): Promise<void> => pause(systemClock, seconds, signal);

/** The idle connections are opened together. */
const links = await Promise.all(Array.from({ length: 7 }, open));
const [one, two, three, refreshed, answered, dying, tired] = links as [
  Link,
  Link,
  Link,
  Link,
  Link,
  Link,
  Link,
];
await rest(1.2);

const addresses = await Promise.all([1, 2, 3].map((hops) => hopAddress(endpoint, hops, 1, signal)));
const reached = await Promise.all([one, two, three].map((link, index) => link.reaches(index + 1)));

const refreshing = refreshed.refresh(1, 1);
// More keepalives than the kernel would bear before it ended the connection by itself.
const exhausting = tired.refresh(1, 1);
await rest(2.5);
const count = refreshing?.stop();

async function observe(link: Link): Promise<{ kind: string; took: number }> {
  const began = systemClock.monotonic();
  const conversation = new Conversation(link, { push: () => ({ messages: [] }) });
  const seen = await keepalive({ conversation }, { clock: systemClock, deadline: Number(deadline), signal });
  return { kind: seen.kind, took: systemClock.monotonic() - began };
}

/** What the responder at HOST finds out about its half of the path, where it offers to. */
async function farEnd(): Promise<unknown> {
  const path = createNativePath({
    clock: systemClock,
    deadline: 3,
    endpoint: () => ({ address, port: Number(port) + 1 }),
  });
  const canary = await path.openCanary(signal);
  const probes = await Promise.all(Array.from({ length: 4 }, () => path.open('send', undefined, signal)));
  await rest(1.2);
  const context = { clock: systemClock, deadline: 3, signal };
  const [one, two, three, refreshedThere] = probes.map(({ ends }) => ends?.responder);
  const reachedFrom = await Promise.all([
    one?.reaches(1, context),
    two?.reaches(2, context),
    three?.reaches(3, context),
  ]);
  const begun = await refreshedThere?.refresh(1, 1, context);
  await rest(2.5);
  const counted = await refreshedThere?.rest(context);
  const tested = await probes[3]?.test(context);
  for (const each of [...probes, canary]) each.close();
  return { offered: canary.introduction.fresh, reachedFrom, begun, counted, tested: tested?.kind };
}

const alive = await observe(answered);
const far = await farEnd();
await rest(10);
const tiring = exhausting?.stop();
const rested = await observe(tired);
process.stdout.write('cut\n');
await once(process.stdin, 'data');
const dead = await observe(dying);
const { available } = socketOptions();
process.stdout.write(
  `${JSON.stringify({ available, addresses, reached, count, alive, tiring, rested, dead, far })}\n`,
);
process.exit(0);
