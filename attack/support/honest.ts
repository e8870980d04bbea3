/**
 * An honest client as a process of its own: `honest.js PORT [TOKEN_FILE]` opens a connection, is welcomed, gets its
 * pong, again and again until standard input ends, and then prints how it was served.
 */
import { randomHex, readTokenFile, tokenMac } from '../../src/net/token.js';
import { macInput } from '../../src/wire/proofs.js';
import { newHello, RawClient } from '../../test/responder/raw-client.js';

const [, , port = '', tokenFile] = process.argv;
const token = tokenFile === undefined ? undefined : readTokenFile(tokenFile);
const PAUSE_MS = 50;
const PATIENCE_MS = 5000;

async function exchange(client: RawClient, hello = newHello('check')): Promise<void> {
  client.say(hello);
  const [first] = await client.hear(1);
  let heard = 1;
  if (first?.kind === 'challenge' && token !== undefined) {
    client.say({ kind: 'auth', mac: tokenMac(token, macInput('client', hello, first.nonce)) });
    heard = 2;
  }
  const welcome = (await client.hear(heard))[heard - 1];
  if (welcome?.kind !== 'welcome')
    throw new Error(welcome?.kind === 'error' ? welcome.code : (welcome?.kind ?? 'nothing'));
  client.say({ kind: 'ping', nonce: randomHex(8) });
  await client.hear(heard + 1);
}

async function once(): Promise<number> {
  const began = performance.now();
  const client = await RawClient.connect(Number(port));
  const late = setTimeout(() => client.destroy(), PATIENCE_MS);
  try {
    await exchange(client);
    return performance.now() - began;
  } finally {
    clearTimeout(late);
    client.destroy();
  }
}

let ending = false;
process.stdin.resume().once('end', () => {
  ending = true;
});
const times: number[] = [];
let failed = 0;
let reason = '';
console.log('began');
do {
  try {
    times.push(await once());
  } catch (error) {
    failed += 1;
    reason = (error instanceof Error ? error.message : String(error)).slice(0, 100);
  }
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
} while (!ending);
times.sort((a, b) => a - b);
const round = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value));
console.log(
  JSON.stringify({
    served: times.length,
    failed,
    p50: round(times[times.length >> 1]),
    max: round(times.at(-1)),
    reason,
  }),
);
