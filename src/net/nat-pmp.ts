/** NAT-PMP, as far as it tells a router's outer address. */
import { createSocket } from 'node:dgram';
import type { Clock, Timer } from '../clock.js';
import type { Seconds } from '../units.js';

/** NAT-PMP's port at the gateway. @see RFC 6886 section 3.1 */
const NAT_PMP_PORT = 5351;
/** Version 0, opcode 0: what is your external address? @see RFC 6886 section 3.2 */
const EXTERNAL_ADDRESS_REQUEST = Uint8Array.of(0, 0);
/** An answer's opcode is the request's plus 128. */
const EXTERNAL_ADDRESS_ANSWER = 128;
const ANSWER_LENGTH = 12;
/** Pauses before the request is repeated, which double as RFC 6886 section 3.1 asks, seconds. */
const REPEAT_AFTER: readonly Seconds[] = [0.25, 0.5];
/** A router that does not answer within this long is not asked any further, seconds. */
const DEADLINE: Seconds = 2;

export interface Question {
  readonly gateway: string;
  /** The address to ask from: that of the path. */
  readonly local: string;
  readonly clock: Clock;
  /** Another port than NAT-PMP's own. */
  readonly port?: number;
}

/**
 * Asks a gateway for its outer IPv4 address: three datagrams of two bytes at most, nothing is mapped.
 * @returns undefined when it does not answer within 2 s, refuses, or has no address; never throws
 * @see RFC 6886 section 3.2
 */
export function askOuterAddress(question: Question): Promise<string | undefined> {
  const { gateway, local, clock, port = NAT_PMP_PORT } = question;
  return new Promise((resolve) => {
    const socket = createSocket('udp4').unref();
    const timers: Timer[] = [];
    const finish = (address: string | undefined): void => {
      if (timers.length === 0) return;
      for (const timer of timers.splice(0)) timer.cancel();
      socket.close();
      resolve(address);
    };
    timers.push(clock.after(DEADLINE, () => finish(undefined)));
    // ICMP's "port unreachable" arrives as an error: no router, or none that speaks NAT-PMP.
    socket.on('error', () => finish(undefined));
    socket.on('message', (message) => {
      const answer = outerAddressIn(message);
      if (answer !== undefined) finish(answer.address);
    });
    // A connected socket hears nobody but the gateway.
    const send = (): void => socket.send(EXTERNAL_ADDRESS_REQUEST, (error) => error && finish(undefined));
    socket.once('connect', () => {
      send();
      let wait = 0;
      for (const pause of REPEAT_AFTER) timers.push(clock.after((wait += pause), send));
    });
    socket.bind({ address: local, port: 0, exclusive: true }, () => socket.connect(port, gateway));
  });
}

/**
 * Reads an answer.
 * @returns undefined for what is no answer to an external address request; without `address` for a refusal
 */
function outerAddressIn(message: Uint8Array): { readonly address?: string } | undefined {
  const [version, opcode, resultHigh = 0, resultLow = 0] = message;
  if (opcode !== EXTERNAL_ADDRESS_ANSWER || version !== 0) return undefined;
  if (resultHigh !== 0 || resultLow !== 0) return {};
  if (message.length < ANSWER_LENGTH) return undefined;
  const address = [...message.subarray(8, ANSWER_LENGTH)].join('.');
  return address === '0.0.0.0' ? {} : { address };
}
