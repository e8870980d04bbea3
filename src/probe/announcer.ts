/**
 * Announces this exporter to one far end, over whichever of its canaries lives: soon after the first one is open,
 * then as often as the far end asks. Nothing that goes wrong here touches a canary.
 */
import { Backoff } from '../backoff.js';
import type { Clock, Timer } from '../clock.js';
import type { Seconds } from '../units.js';
import type { AnnouncementFields } from '../wire/announcement.js';
import { encodeClientMessage } from '../wire/codec.js';
import type { ResponderMessage } from '../wire/messages.js';

/** What came of announcing; `detail` is for people. */
export type AnnouncementOutcome =
  | { readonly kind: 'announced' }
  | { readonly kind: 'refused'; readonly detail: string }
  /** The far end takes no announcements: it is older, or nobody has switched them on. */
  | { readonly kind: 'not_taken' };

export interface AnnouncerOptions {
  readonly announcement: AnnouncementFields;
  readonly clock: Clock;
  /** Called for every answer. */
  readonly answered: (outcome: AnnouncementOutcome) => void;
  /** 0 to 1, so that exporters which lost the same responder do not come back at the same moment. */
  readonly random?: () => number;
}

/** A canary as far as announcing is concerned. */
export interface AnnouncementChannel {
  /** How often the far end wants to hear, in seconds; undefined when it takes no announcements. */
  readonly interval: Seconds | undefined;
  /** The proof of the token on this connection, 64 hex digits. */
  mac(announcement: AnnouncementFields): string;
  say(line: string): void;
}

/** The first announcement follows within this time, seconds. */
const SOON: Seconds = 2;
/** Bounds of the time between two announcements, whatever the far end asks for, seconds. */
const SHORTEST_INTERVAL: Seconds = 1;
const LONGEST_INTERVAL: Seconds = 86_400;
/** Longest pause after a refusal where the far end asks for less, seconds. */
const LONGEST_PAUSE: Seconds = 300;
/** An announcement comes earlier than asked by up to this part of the interval. */
const SPREAD = 0.2;

export class Announcer {
  readonly #options: Required<AnnouncerOptions>;
  readonly #channels = new Set<AnnouncementChannel>();
  #next: Timer | undefined;
  /** Whether an announcement waits for its answer: what nobody asked for is none. */
  #asked = false;
  /** Pauses while the far end refuses, where they are longer than what it asks for. */
  readonly #refused: Backoff;
  #pause: Seconds = 0;

  constructor(options: AnnouncerOptions) {
    this.#options = { random: Math.random, ...options };
    this.#refused = new Backoff({ longest: LONGEST_PAUSE, random: this.#options.random });
  }

  /** A canary has been welcomed. */
  opened(channel: AnnouncementChannel): void {
    if (channel.interval === undefined) {
      this.#options.answered({ kind: 'not_taken' });
      return;
    }
    this.#channels.add(channel);
    if (this.#channels.size > 1) return;
    // The one before may have gone with its responder and all that this one knew.
    this.#schedule(Math.max(Math.min(SOON, interval(channel) / 4) * this.#options.random(), this.#pause));
  }

  /** The canary has ended, or is being closed. */
  closed(channel: AnnouncementChannel): void {
    this.#channels.delete(channel);
    if (this.#channels.size === 0) this.#next?.cancel();
  }

  /** Something arrived on a canary that nobody waited for. */
  heard(message: ResponderMessage): void {
    if (!this.#asked) return;
    if (message.kind === 'announced') {
      this.#asked = false;
      this.#refused.reset();
      this.#pause = 0;
      this.#options.answered({ kind: 'announced' });
    } else if (message.kind === 'error' && message.code === 'announcement') {
      this.#asked = false;
      this.#pause = this.#refused.next();
      this.#schedule(this.#pauseOn([...this.#channels].at(-1)));
      this.#options.answered({ kind: 'refused', detail: message.detail ?? 'it does not say why' });
    }
  }

  #schedule(delay: Seconds): void {
    this.#next?.cancel();
    this.#next = this.#options.clock.after(delay, () => this.#announce());
  }

  #announce(): void {
    const { announcement } = this.#options;
    const youngest = [...this.#channels].at(-1);
    if (youngest === undefined) return;
    const mac = youngest.mac(announcement);
    this.#asked = true;
    youngest.say(encodeClientMessage({ kind: 'announce', ...announcement, mac }));
    this.#schedule(this.#pauseOn(youngest));
  }

  #pauseOn(channel: AnnouncementChannel | undefined): Seconds {
    const asked = channel === undefined ? LONGEST_INTERVAL : interval(channel);
    return Math.max(asked * (1 - SPREAD * this.#options.random()), this.#pause);
  }
}

function interval({ interval: asked = LONGEST_INTERVAL }: AnnouncementChannel): Seconds {
  return Math.min(LONGEST_INTERVAL, Math.max(SHORTEST_INTERVAL, asked));
}
