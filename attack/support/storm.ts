/** FIN and DROP in one turn: each probe connection is ended by its client and dropped over its control connection. */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomHex } from '../../src/net/token.js';
import { encodeClientMessage } from '../../src/wire/codec.js';
import { newHello, RawClient } from '../../test/responder/raw-client.js';
import { ATTACKER } from './house.js';

/** One round: `count` probe connections of a new session. */
export async function finAndDrop(port: number, count: number): Promise<void> {
  const session = randomHex(16);
  const control = await RawClient.open(port, newHello('control', { session }), ATTACKER);
  const open = (probe: number): Promise<RawClient> =>
    RawClient.open(port, newHello('probe', { session, probe }), ATTACKER);
  const probes = await Promise.all(Array.from({ length: count }, (_, probe) => open(probe)));
  for (const { socket } of probes) socket.end();
  control.write(probes.map((_, probe) => encodeClientMessage({ kind: 'drop', probe })).join(''));
  await sleep(200);
  for (const client of [...probes, control]) client.destroy();
}

/** The rounds of a client that wants descriptors to be lost: many at once, few at once, one by one. */
export const ROUNDS: readonly number[] = [
  ...Array.from({ length: 10 }, () => 100),
  ...Array.from({ length: 10 }, () => 30),
  ...Array.from({ length: 20 }, () => 8),
  ...Array.from({ length: 10 }, () => 1),
];
