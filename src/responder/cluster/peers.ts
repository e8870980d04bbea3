/**
 * What the workers of one responder say to each other, through their primary process: connections of one
 * session may end up in different workers.
 */
import type { AnnouncementFields } from '../../wire/announcement.js';
import type { FreshRequest, GoneCause, ResponderMessage } from '../../wire/messages.js';
import type { Announcer } from '../discovery/announcements.js';

/** A control connection in some worker that waits for word about its call. */
export interface Origin {
  readonly worker: number;
  readonly caller: number;
}

/** worker → primary. Without `probe` a control connection is meant. */
export type PeerRequest =
  /** A connection wants to open; answered by `joined` with the same ticket. */
  | { readonly kind: 'join'; readonly ticket: number; readonly session: string; readonly probe?: number }
  | {
      readonly kind: 'leave';
      readonly session: string;
      readonly probe?: number;
      readonly cause?: GoneCause;
    }
  | {
      readonly kind: 'call';
      readonly session: string;
      readonly probe: number;
      readonly nonce: string;
      readonly caller: number;
    }
  | {
      readonly kind: 'tend';
      readonly session: string;
      readonly request: FreshRequest;
      readonly caller: number;
    }
  | { readonly kind: 'drop'; readonly session: string; readonly probe: number }
  | { readonly kind: 'tell'; readonly origin: Origin; readonly message: ResponderMessage }
  /** How many connections this worker holds, the legacy ones included. */
  | { readonly kind: 'load'; readonly connections: number }
  | AnnounceRequest;

/** An exporter announces itself to a worker: the primary keeps the book. Answered by `tell`. */
export interface AnnounceRequest {
  readonly kind: 'announce';
  readonly by: Announcer;
  readonly announcement: AnnouncementFields;
  readonly caller: number;
}

/** primary → worker. */
export type PeerOrder =
  | { readonly kind: 'joined'; readonly ticket: number; readonly accepted: boolean }
  | {
      readonly kind: 'ring';
      readonly session: string;
      readonly probe: number;
      readonly nonce: string;
      readonly origin: Origin;
    }
  | {
      readonly kind: 'tend';
      readonly session: string;
      readonly request: FreshRequest;
      readonly origin: Origin;
    }
  | { readonly kind: 'drop'; readonly session: string; readonly probe: number }
  | { readonly kind: 'gone'; readonly session: string; readonly probe: number; readonly cause: GoneCause }
  | { readonly kind: 'tell'; readonly caller: number; readonly message: ResponderMessage }
  /** A call, or what was asked of a probe, was not passed on, because the probe's worker takes nothing at present: nobody will answer it. */
  | { readonly kind: 'lost'; readonly caller: number }
  /** Whether the session has control connections in other workers. */
  | { readonly kind: 'controls'; readonly session: string; readonly elsewhere: boolean }
  /** From now on welcomes carry this instance: a worker has died. Legacy clients that wait are left. */
  | { readonly kind: 'instance'; readonly instance: string }
  /** The session has lost connections with a worker: end its controls, so that its client notices. */
  | { readonly kind: 'end'; readonly session: string }
  /** How many connections the other workers hold together. */
  | { readonly kind: 'elsewhere'; readonly connections: number };

/** A worker's line to its primary. */
export interface Peers {
  /** Adds one who hears every order from now on. */
  follow(obey: (order: PeerOrder) => void): void;
  ask(request: PeerRequest): void;
  /** So much waits for the primary that nothing more should be asked that can be put off. */
  readonly full: boolean;
  /** `run` is called whenever the primary has taken something. */
  whenTaken(run: () => void): void;
}
