/** One connection of the native protocol: what is kept of it, and what may be written on it. */
import type { Socket } from 'node:net';
import type { Seconds } from '../units.js';
import { encodeResponderMessage } from '../wire/codec.js';
import type { Hello, ResponderMessage } from '../wire/messages.js';
import type { Client, Refusal } from './admission.js';
import type { Origin } from './cluster/peers.js';
import { type ConnectionOwner, DoorConnection } from './door.js';
import type { Tended } from './freshness.js';
import type { Limits } from './limits.js';
import type { Session } from './sessions.js';

/** The hello of a connection and its challenge: kept until it has proven the token, or for as long as it may announce. */
export interface Opening {
  readonly hello: Hello;
  readonly challenge: string;
}

/** A `ring` that waits for its `answer`. */
export interface Ringing {
  readonly caller: NativeConnection | Origin;
  readonly nonce: string;
}

/** What the native server does for those who hold one of its connections. */
export interface NativeOwner extends ConnectionOwner {
  /** Most bytes of answers that a client may leave unread. */
  readonly maxUnread: number;
  /** Ends a connection without a word. */
  drop(connection: NativeConnection): void;
  /** Says `shutting_down` on an opened connection and ends it. */
  shutDown(connection: NativeConnection, detail?: string): void;
  /** Reads lines that were held, and the connection again unless some have to wait once more. */
  readHeld(connection: NativeConnection, lines: Uint8Array): void;
}

export class NativeConnection extends DoorConnection<NativeOwner> {
  /** Why it is over a limit; it is only told so. */
  readonly refusal: Refusal | undefined;
  session: Session | undefined = undefined;
  probe = 0;
  /** Bytes received less bytes sent, until it has opened. */
  credit = 0;
  /** Lines since the last sweep. */
  lines = 0;
  unfinished: Uint8Array | undefined = undefined;
  opening: Opening | undefined = undefined;
  ringing: Ringing | undefined = undefined;
  /** Its client may ask for refreshes of its probes. */
  offersFreshness = false;
  /** It is being refreshed with a limited TTL. */
  tended: Tended | undefined = undefined;
  /** Number under which other workers answer its calls; 0 before the first one. */
  callerNumber = 0;
  /** It waits for the primary to say whether its probe number is free. */
  joining = false;

  constructor(socket: Socket, owner: NativeOwner, admitted: Client | Refusal, acceptedAt: Seconds) {
    const refused = typeof admitted === 'string';
    super(socket, owner, refused ? undefined : admitted, 'pending', acceptedAt);
    this.refusal = refused ? admitted : undefined;
  }

  /** Whether the client leaves more answers unread than it may. */
  get unread(): boolean {
    return this.socket.writableLength > this.owner.maxUnread;
  }

  /** Writes a line, except one that would be more than what an unopened connection has sent; false where it did not. */
  send(message: ResponderMessage): boolean {
    const line = encodeResponderMessage(message);
    // What is said must arrive.
    this.tended?.stop();
    if (this.kind === 'pending') {
      if (line.length > this.credit) return false;
      this.credit -= line.length;
    } else if (this.socket.writableCorked === 0 && this.unread) {
      // Others make it write, too; the next sweep ends it.
      return false;
    }
    this.socket.write(line, 'latin1');
    return true;
  }

  /** Whether it was silent for longer than its kind may be. @param now whole monotonic seconds */
  expired(now: Seconds, limits: Limits): boolean {
    const age = now - this.activeAt;
    if (this.kind === 'pending') return age >= limits.openingDeadline;
    if (this.kind !== 'probe') return age >= limits.silentDeadline;
    if (age >= limits.idleDeadline) return true;
    const { session } = this;
    // An orphan is measured from the later of the two moments: it may just have been opened.
    return session?.orphaned === true && Math.min(age, now - session.orphanedAt) >= limits.orphanDeadline;
  }
}
