/** The responder of the embedded target: on loopback, in this process, silent. */
import type { LocalResponder } from '../embedded/target.js';
import { createLogger } from '../log.js';
import { startResponder } from '../responder/responder.js';

/** More connections than any search budget of one target can ask for. */
const CONNECTIONS = 4096;

export async function embeddedResponder(): Promise<LocalResponder> {
  const responder = await startResponder({
    native: [{ host: '127.0.0.1', port: 0 }],
    limits: { maxConnections: CONNECTIONS, maxConnectionsPerClient: CONNECTIONS },
    logger: createLogger({ level: 'error', format: 'logfmt' }),
    // This process has no far end of its own whose tracking could be mistaken for the NAT's.
    conntrack: () => undefined,
  });
  return {
    port: responder.addresses.native[0]?.port ?? 0,
    descriptors: () => responder.descriptors(),
    close: () => responder.close(),
  };
}
