/** Where `ANNOUNCE` arrives: checks its proof, hands it to the book, wherever that is, and answers. */
import { sameMac, tokenMac } from '../../net/token.js';
import type { Seconds } from '../../units.js';
import { announcementMacInput } from '../../wire/proofs.js';
import type { Announce, ResponderMessage } from '../../wire/messages.js';
import { plainAddress } from '../../net/client-address.js';
import type { Announcements, Announcer, Refused } from './announcements.js';
import type { Calls } from '../calls.js';
import type { NativeConnection } from '../native-connection.js';

/** What a process of a responder that takes announcements is told. */
export interface Discovery {
  /** How often an exporter is asked to announce itself, whole seconds. */
  readonly interval: Seconds;
  /** The book, in the process that has it: the only one, or the primary. */
  readonly announcements?: Announcements;
}

export interface AnnouncementDeskDeps {
  readonly discovery: Discovery;
  readonly token: string;
  /** To the process that has the book, where this one has not. */
  readonly calls: Calls;
}

export class AnnouncementDesk {
  readonly #deps: AnnouncementDeskDeps;

  constructor(deps: AnnouncementDeskDeps) {
    this.#deps = deps;
  }

  /** Asked for in every `WELCOME` of a client that wants to know, seconds. */
  get interval(): Seconds {
    return this.#deps.discovery.interval;
  }

  /** Serves an announcement on an opened control connection; false if its proof is wrong. */
  serve(connection: NativeConnection, message: Announce): boolean {
    const { calls, discovery, token } = this.#deps;
    const { opening, session, socket } = connection;
    if (opening === undefined || session === undefined) return false;
    const announcement = fieldsOf(message);
    const input = announcementMacInput(opening.hello, opening.challenge, announcement);
    if (!sameMac(message.mac, tokenMac(token, input))) return false;
    const by: Announcer = { session: session.key, seen: plainAddress(socket.remoteAddress ?? '') };
    if (discovery.announcements !== undefined) {
      connection.send(announcementAnswer(discovery.announcements.take(by, announcement)));
    } else calls.announce(connection, by, announcement);
    return true;
  }
}

/** What the announcer is told. */
export function announcementAnswer(refused: Refused | undefined): ResponderMessage {
  if (refused === undefined) return { kind: 'announced' };
  return { kind: 'error', code: 'announcement', detail: refused.detail };
}

function fieldsOf({ kind: _, mac: _proof, ...fields }: Announce) {
  return fields;
}
