/** The native protocol as attackers speak it. */
import { tokenMac } from '../../src/net/token.js';
import { encodeClientMessage } from '../../src/wire/codec.js';
import { macInput } from '../../src/wire/proofs.js';
import type { Hello } from '../../src/wire/messages.js';
import { newHello, RawClient } from '../../test/responder/raw-client.js';
import { ATTACKER } from './house.js';

/** A hello as it goes over the wire. */
export const helloLine = (...hello: Parameters<typeof newHello>): string =>
  encodeClientMessage(newHello(...hello));

/** Opens a connection of a client that knows the token, as far as WELCOME. */
export async function openProven(
  port: number,
  token: string,
  hello: Hello = newHello('control'),
  address = ATTACKER,
): Promise<{ readonly client: RawClient; readonly hello: Hello; readonly challenge: string }> {
  const client = await RawClient.open(port, hello, address);
  const [first] = client.messages;
  const challenge = first?.kind === 'challenge' ? first.nonce : '';
  client.say({ kind: 'auth', mac: tokenMac(token, macInput('client', hello, challenge)) });
  await client.hear(2);
  return { client, hello, challenge };
}
