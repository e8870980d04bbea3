/** Who breaks the silence on an idle connection. */

/**
 * - `send`: the client writes, the far end must answer.
 * - `recv`: the far end writes, the client must hear it (and its answer must arrive).
 * - `keepalive`: the client's kernel sends TCP keepalives, the far end's kernel must acknowledge.
 */
export type Mode = 'send' | 'recv' | 'keepalive';

/** Every mode, in the order in which people read them. */
export const MODES: readonly Mode[] = ['send', 'recv', 'keepalive'];
