/** A responder on loopback with a clock that the test moves. */
import { pino } from 'pino';
import { type Responder, type ResponderOptions, startResponder } from '../../src/responder/responder.js';

export interface Fixture extends Responder {
  readonly port: number;
  readonly echoPort: number;
  readonly sleepPort: number;
  /** Moves the responder's clock forward by seconds. */
  advance(seconds: number): void;
}

export async function startFixture(options: Partial<ResponderOptions> = {}): Promise<Fixture> {
  let now = 1000;
  const loopback = [{ host: '127.0.0.1', port: 0 }];
  const responder = await startResponder({
    native: loopback,
    legacyEcho: loopback,
    legacySleep: loopback,
    logger: pino({ level: 'silent' }),
    conntrack: () => undefined,
    now: () => now,
    ...options,
    limits: { sweepInterval: 0.02, ...options.limits },
  });
  const { native, legacyEcho, legacySleep } = responder.addresses;
  return {
    ...responder,
    port: native[0]?.port ?? 0,
    echoPort: legacyEcho[0]?.port ?? 0,
    sleepPort: legacySleep[0]?.port ?? 0,
    advance: (seconds) => {
      now += seconds;
    },
  };
}
