/** The messages of the native protocol, version 1; `docs/PROTOCOL.md` tells their order and meaning. */
import type { AnnouncementFields } from './announcement.js';

/** Version of the native protocol spoken by this program. */
export const PROTOCOL_VERSION = 1;

/**
 * What a connection is for.
 * - `control`: heartbeat canary; it also carries requests that concern the session's probe connections.
 * - `probe`: a connection that is left idle and tested once.
 * - `check`: a fresh connection that only proves that the path works now.
 */
export type Role = 'control' | 'probe' | 'check';

/**
 * What an `ERROR` says: why a responder turns a connection away or ends it, or what it does not do while the connection
 * stays open (`unknown_probe`, `announcement`, `fresh`). A closed set.
 */
export type RejectCode =
  | 'version'
  | 'syntax'
  | 'auth'
  | 'limit_client'
  | 'limit_total'
  | 'unknown_probe'
  | 'duplicate_probe'
  | 'timeout'
  | 'shutting_down'
  | 'announcement'
  | 'fresh';

/** How a probe connection ended as the responder sees it. */
export type GoneCause = 'reset' | 'closed' | 'timed_out';

/** client → responder. Nonces, session and mac are lower-case hex of the length given. */
export type ClientMessage =
  /**
   * First line of every connection; padded so that it is longer than any answer to it.
   * `session` (32 digits) is the client's secret that ties its connections together; `probe` names a probe
   * connection within the session (role `probe` only); `nonce` has 32 digits. `announce` (role `control` only) asks
   * whether the responder takes announcements, `fresh` whether it can refresh probe connections: one that knows nothing of
   * them passes over it.
   */
  | {
      readonly kind: 'hello';
      readonly version: number;
      readonly role: Role;
      readonly session: string;
      readonly probe?: number;
      readonly nonce: string;
      readonly announce?: true;
      readonly fresh?: true;
    }
  /** Proof of the token: HMAC-SHA256 (64 digits) over both nonces and the hello, see `macInput`. */
  | { readonly kind: 'auth'; readonly mac: string }
  /** Control: heartbeat. Probe: the `send` test. `nonce` has 16 digits. */
  | { readonly kind: 'ping'; readonly nonce: string }
  /** Control only: write now on the named probe connection of this session (the `recv` test). */
  | { readonly kind: 'call'; readonly probe: number; readonly nonce: string }
  /**
   * Control only: forget the named probe connection. A client that saw a mapping die asks for it, because its
   * own FIN no longer reaches the far end, which would keep the ghost for a day. Unknown probes are no error.
   */
  | { readonly kind: 'drop'; readonly probe: number }
  /** Probe only: the client heard `ring` and answers it. */
  | { readonly kind: 'answer'; readonly nonce: string }
  /**
   * Control only, and only after a `welcome` with `announce`: where this client's exporter can be scraped. `mac`
   * (64 digits) proves the token for just this text on just this connection, see `announcementMacInput`.
   */
  | ({ readonly kind: 'announce'; readonly mac: string } & AnnouncementFields)
  /**
   * Control only, and only after a `welcome` with `fresh`: keep the named probe connection of this session fresh with
   * keepalives of `ttl` hops (1 to 64), one whenever it has been idle for `interval` seconds (1 to 60). `ttl` 0, without
   * interval, ends it.
   */
  | { readonly kind: 'fresh'; readonly probe: number; readonly ttl: number; readonly interval?: number }
  /** Likewise: try whether a keepalive of `ttl` hops (1 to 64) on the named probe connection is acknowledged. */
  | { readonly kind: 'reach'; readonly probe: number; readonly ttl: number };

/** Most hops that a responder refreshes to, and its longest interval in seconds. */
export const MOST_REFRESH_HOPS = 64;
export const LONGEST_REFRESH_INTERVAL = 60;

/** responder → client. */
export type ResponderMessage =
  /** Sent only when a token is configured; `nonce` has 32 digits. */
  | { readonly kind: 'challenge'; readonly nonce: string }
  /**
   * The hello of the far end: the idle clock of a probe connection starts here. `nonce` repeats the client's;
   * `seen` is the client's address and port as the responder sees them (`192.0.2.1:5000`, `[2001:db8::1]:5000`);
   * `conntrack` the responder host's own established timeout in seconds, where it has one; `instance` (16 digits)
   * is drawn anew at each start of the responder, so that its restart is not taken for a NAT's; `announce` is there
   * only for a client that asked, and says how often it may announce itself, in seconds, and `fresh` that it
   * takes `fresh` and `reach`; `mac` (64 digits)
   * proves the token in the other direction and is there only after a challenge.
   */
  | {
      readonly kind: 'welcome';
      readonly version: number;
      readonly nonce: string;
      readonly seen: string;
      readonly conntrack?: number;
      readonly instance?: string;
      readonly announce?: number;
      readonly fresh?: true;
      readonly mac?: string;
    }
  /** Answers `ping`. */
  | { readonly kind: 'pong'; readonly nonce: string }
  /** On the probe connection: the far end breaks the silence. `nonce` repeats that of `call`. */
  | { readonly kind: 'ring'; readonly nonce: string }
  /** On the control connection that sent `call`: `ring` was written. */
  | { readonly kind: 'rung'; readonly probe: number; readonly nonce: string }
  /** On the control connection that sent `call`: the client's `answer` arrived. */
  | { readonly kind: 'heard'; readonly probe: number; readonly nonce: string }
  /** On every control connection of the session: a probe connection ended as the responder sees it. */
  | { readonly kind: 'gone'; readonly probe: number; readonly cause: GoneCause }
  /** Answers `announce`: the address is in the list now, or still. */
  | { readonly kind: 'announced' }
  /**
   * Answers `fresh`: it was done. `sent` and `heard` are the segments of the connection since its refreshing began, as the
   * responder's kernel counts them: keepalives that ended on the way raise only the first. 0 when one begins.
   */
  | { readonly kind: 'freshened'; readonly probe: number; readonly sent: number; readonly heard: number }
  /** Answers `reach`, after 2.5 s at most: whether a keepalive of so many hops was acknowledged. */
  | { readonly kind: 'reached'; readonly probe: number; readonly acked: boolean }
  /**
   * The request or the connection is turned away; with every code but `unknown_probe`, `announcement` and
   * `fresh` the connection is closed.
   * `probe` is there with `unknown_probe` and `fresh` and names the one that was asked about.
   */
  | {
      readonly kind: 'error';
      readonly code: RejectCode;
      readonly probe?: number;
      readonly detail?: string;
    };

/** The first message of every connection. */
export type Hello = Extract<ClientMessage, { kind: 'hello' }>;

/** An exporter's word where it can be scraped. */
export type Announce = Extract<ClientMessage, { kind: 'announce' }>;

/** What a client wants of a probe connection, so that boxes stay fresh or the distance is known. */
export type FreshRequest = Extract<ClientMessage, { kind: 'fresh' | 'reach' }>;

/** The far end's hello. */
export type Welcome = Extract<ResponderMessage, { kind: 'welcome' }>;
