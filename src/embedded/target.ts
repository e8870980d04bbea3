/** The built-in far end: a responder behind two loopback relays that forget, all inside this process. */
import type { Mode } from '../core/mode.js';
import type { Seconds } from '../units.js';
import { startRelay } from './relay.js';

/** A responder that listens on loopback. */
export interface LocalResponder {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts the embedded target. Connections of `send` and `recv` are forgotten silently; those of `keepalive` are reset
 * at expiry, because the relay's own kernel would answer their keepalives for ever.
 *
 * @param idleTimeout seconds after which the relays forget
 * @param startResponder starts the responder on 127.0.0.1, on a port of its choice
 */
export async function openEmbeddedTarget(
  idleTimeout: Seconds,
  startResponder: () => Promise<LocalResponder>,
) {
  const responder = await startResponder();
  const upstream = { host: '127.0.0.1', port: responder.port };
  const silent = await startRelay({ upstream, idleTimeout, onExpiry: 'drop' });
  const resetting = await startRelay({ upstream, idleTimeout, onExpiry: 'reset' });
  return {
    address: '127.0.0.1',
    port: (mode: Mode) => (mode === 'keepalive' ? resetting : silent).address.port,
    close: async () => {
      await Promise.all([silent.close(), resetting.close()]);
      await responder.close();
    },
  };
}
