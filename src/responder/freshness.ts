/**
 * What a client may ask of one of its probe connections so that it learns which box forgets: keepalives that go only so
 * many hops, and whether one of so many hops arrives. Packets go to the client alone; at what they expire answers here.
 */
import { reaches, refresh, stopRefreshing } from '../net/socket-options/refreshing.js';
import type { FreshRequest, ResponderMessage } from '../wire/messages.js';
import type { Client } from './admission.js';
import type { NativeConnection } from './native-connection.js';

/** What is being done with a probe connection. Before anything is written on it, that must end. */
export interface Tended {
  /** Ends it: what is sent from then on goes all the way. */
  stop(): { readonly sent: number; readonly heard: number } | undefined;
}

export class Freshness {
  readonly #most: number;
  /** How many connections of each client are tended now. */
  readonly #tended = new WeakMap<Client, number>();

  /** @param most connections of one client that may be tended at once */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Does what was asked and answers it once; at a `reach` within 2.5 s, unless the connection ends before.
   * @param probe a connection of the very session that asks
   */
  serve(probe: NativeConnection, request: FreshRequest, answer: (message: ResponderMessage) => void): void {
    const { probe: number } = request;
    const refuse = (detail: string): void => answer({ kind: 'error', code: 'fresh', probe: number, detail });
    if (request.kind === 'reach') this.#reach(probe, request.ttl, answer, refuse);
    else this.#refresh(probe, request, answer, refuse);
  }

  #refresh(
    probe: NativeConnection,
    { probe: number, ttl, interval = 0 }: Extract<FreshRequest, { kind: 'fresh' }>,
    answer: (message: ResponderMessage) => void,
    refuse: (detail: string) => void,
  ): void {
    const { sent = 0, heard = 0 } = probe.tended?.stop() ?? {};
    if (ttl === 0) {
      answer({ kind: 'freshened', probe: number, sent, heard });
      return;
    }
    const end = this.#begin(probe);
    if (end === undefined) return refuse('too many connections are refreshed');
    const refreshing = refresh(probe.socket, ttl, interval);
    if (refreshing === undefined) {
      end();
      return refuse('this host cannot do it');
    }
    probe.tended = {
      stop: () => {
        end();
        return refreshing.stop();
      },
    };
    answer({ kind: 'freshened', probe: number, sent: 0, heard: 0 });
  }

  #reach(
    probe: NativeConnection,
    ttl: number,
    answer: (message: ResponderMessage) => void,
    refuse: (detail: string) => void,
  ): void {
    if (probe.tended !== undefined) return refuse('the connection is being refreshed or tried');
    const end = this.#begin(probe);
    if (end === undefined) return refuse('too many connections are refreshed');
    const { socket } = probe;
    const tended: Tended = {
      stop: () => {
        end();
        stopRefreshing(socket);
        return undefined;
      },
    };
    probe.tended = tended;
    void reaches(socket, ttl).then((acked) => {
      const undisturbed = probe.tended === tended;
      if (undisturbed) tended.stop();
      if (!probe.open) return;
      if (acked === undefined || !undisturbed) refuse('the connection was used meanwhile');
      else answer({ kind: 'reached', probe: probe.probe, acked });
    });
  }

  /** @returns what takes the connection out of the count again; undefined where its client has too many already */
  #begin(probe: NativeConnection): (() => void) | undefined {
    const { client } = probe;
    if (client === undefined) return undefined;
    const tended = this.#tended.get(client) ?? 0;
    if (tended >= this.#most) return undefined;
    this.#tended.set(client, tended + 1);
    return () => {
      probe.tended = undefined;
      this.#tended.set(client, (this.#tended.get(client) ?? 1) - 1);
    };
  }
}
