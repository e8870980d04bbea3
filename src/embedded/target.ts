/** The built-in far end: a responder behind two loopback relays that forget, all inside this process. */
import type { EmbeddedBox } from '../config/far-ends.js';
import type { Mode } from '../core/modes.js';
import { MappingTable } from './mapping-table.js';
import { type Relay, type RelayOptions, startRelay } from './nat-relay.js';

/** A responder that listens on loopback. */
export interface LocalResponder {
  readonly port: number;
  /** How many descriptors it holds in this process. */
  descriptors(): number;
  close(): Promise<void>;
}

/**
 * Starts the embedded target: one box, whose table is shared by all modes. Connections of `send` and `recv` are forgotten silently; those of `keepalive` are reset
 * at expiry, because the relay's own kernel would answer their keepalives for ever.
 *
 * @param box how the box forgets
 * @param startResponder starts the responder on 127.0.0.1, on a port of its choice
 */
export async function openEmbeddedTarget(
  { idle_timeout, bad_share, quota, lifetime }: EmbeddedBox,
  startResponder: () => Promise<LocalResponder>,
) {
  const responder = await startResponder();
  const parts: { close(): Promise<void>; descriptors(): number }[] = [responder];
  const close = async (): Promise<void> => {
    // The relays before the responder that they lead to.
    for (const part of parts.splice(0).reverse()) await part.close();
  };
  const table = new MappingTable({ idleTimeout: idle_timeout, badShare: bad_share, quota, lifetime });
  const relay = async (onExpiry: RelayOptions['onExpiry']): Promise<Relay> => {
    const upstream = { host: '127.0.0.1', port: responder.port };
    const started = await startRelay({ upstream, table, onExpiry });
    parts.push(started);
    return started;
  };
  let silent: Relay;
  let resetting: Relay;
  try {
    silent = await relay('drop');
    resetting = await relay('reset');
  } catch (error) {
    await close();
    throw error;
  }
  return {
    address: '127.0.0.1',
    port: (mode: Mode) => (mode === 'keepalive' ? resetting : silent).address.port,
    /** How many descriptors all of it holds. */
    descriptors: () => parts.reduce((sum, part) => sum + part.descriptors(), 0),
    close,
  };
}
