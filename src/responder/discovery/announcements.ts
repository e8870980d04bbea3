/**
 * The exporters that announced where they can be scraped: judged, kept for a while, listed for Prometheus. One book
 * for the whole responder; with several processes the primary has it.
 */
import { systemClock } from '../../clock.js';
import { announcedHost } from '../../config/announced-host.js';
import { RESERVED_LABEL_NAMES } from '../../config/labels.js';
import { defined } from '../../defined.js';
import type { Seconds } from '../../units.js';
import { type AnnouncementFields, isAnnouncedAddress } from '../../wire/announcement.js';
import { clientKey } from '../../net/client-address.js';

/** Why an announcement is not taken: a closed set, also a metric label. */
export type AnnouncementRefusal = 'address' | 'label' | 'taken' | 'limit_client' | 'limit_total';

/** Who announces: the session is the client's secret, `seen` the IP address that its connection comes from. */
export interface Announcer {
  readonly session: string;
  readonly seen: string;
}

export interface AnnouncementsOptions {
  /** How long an exporter stays in the list after its last announcement, 3 s or more. */
  readonly ttl: Seconds;
  /** Monotonic seconds. */
  readonly now?: () => Seconds;
  /** Most exporters in the list. */
  readonly maxEntries?: number;
  /** Most exporters of one client: an IPv4 address or an IPv6 /64. */
  readonly maxPerClient?: number;
}

/** One group of Prometheus' HTTP service discovery. */
export interface TargetGroup {
  readonly targets: readonly [string];
  readonly labels: Readonly<Record<string, string>>;
}

const DEFAULT_MAX_ENTRIES = 10_000;
const DEFAULT_MAX_PER_CLIENT = 100;

/** An exporter announces itself this often while it is in the list: two announcements may be lost. */
const ANNOUNCEMENTS_PER_TTL = 3;

/** Prefix of the labels that exist only while Prometheus relabels. */
const META = '__meta_nat_idle_';

const WORDS: Readonly<Record<Exclude<AnnouncementRefusal, 'address' | 'label'>, string>> = {
  taken: 'another exporter has announced this address differently',
  limit_client: 'this client has announced as many exporters as it may',
  limit_total: 'as many exporters are announced as may be',
};

/** An announcer, and the client that counts for it, see `clientKey`. */
interface Owner extends Announcer {
  readonly client: string;
}

interface Entry {
  readonly host: string;
  readonly announcement: AnnouncementFields;
  readonly text: string;
  readonly owner: Owner;
  readonly expiresAt: Seconds;
}

/** An announcement that was not taken; `detail` is for people. */
export interface Refused {
  readonly reason: AnnouncementRefusal;
  readonly detail: string;
}

export class Announcements {
  readonly #ttl: Seconds;
  readonly #now: () => Seconds;
  readonly #maxEntries: number;
  readonly #maxPerClient: number;
  /** By address. Every entry lives equally long, so that the first one is the next to expire. */
  readonly #entries = new Map<string, Entry>();
  readonly #perClient = new Map<string, number>();
  readonly refused: Record<AnnouncementRefusal, number> = {
    address: 0,
    label: 0,
    taken: 0,
    limit_client: 0,
    limit_total: 0,
  };

  constructor({ ttl, now, maxEntries, maxPerClient }: AnnouncementsOptions) {
    this.#ttl = ttl;
    this.#now = now ?? (() => systemClock.monotonic());
    this.#maxEntries = maxEntries ?? DEFAULT_MAX_ENTRIES;
    this.#maxPerClient = maxPerClient ?? DEFAULT_MAX_PER_CLIENT;
  }

  /** How often an exporter is asked to announce itself, whole seconds of 1 or more. */
  get interval(): Seconds {
    return Math.max(1, Math.floor(this.#ttl / ANNOUNCEMENTS_PER_TTL));
  }

  /** Exporters in the list now. */
  get size(): number {
    this.#expire();
    return this.#entries.size;
  }

  /**
   * Takes an announcement, or says why not. An address belongs to the session or the client that announced it first,
   * until it expires: others may only repeat it unchanged. But whoever is seen at the very address that it announces
   * takes it over from everybody who is not.
   */
  take({ session, seen }: Announcer, announcement: AnnouncementFields): Refused | undefined {
    this.#expire();
    const settled = settle(announcement, seen);
    if (typeof settled === 'string') return this.#refused('address', settled);
    // The reader's labelmap would make it a label of the target, beside or instead of the one that belongs there.
    const reserved = RESERVED_LABEL_NAMES.find((name) => Object.hasOwn(announcement.labels ?? {}, name));
    if (reserved !== undefined) return this.#refused('label', `the label name ${reserved} is reserved`);
    const { address, host } = settled;
    const client = clientKey(seen);
    const text = JSON.stringify({ ...announcement, address });
    const before = this.#entries.get(address);
    const becomesOwner =
      before === undefined || mayReplace(before, { session, client, rightful: seen === host });
    if (!becomesOwner && before.text !== text) return this.#refused('taken', WORDS.taken);
    // Whoever repeats what another one announced keeps it alive, and does not become its owner.
    const owner: Owner = becomesOwner ? { session, client, seen } : before.owner;
    if (before?.owner.client !== owner.client && this.#countOf(owner.client) >= this.#maxPerClient)
      return this.#refused('limit_client', WORDS.limit_client);
    if (before === undefined && this.#entries.size >= this.#maxEntries)
      return this.#refused('limit_total', WORDS.limit_total);
    if (before !== undefined) this.#remove(address, before);
    const expiresAt = this.#now() + this.#ttl;
    this.#entries.set(address, { owner, host, announcement, text, expiresAt });
    this.#perClient.set(owner.client, this.#countOf(owner.client) + 1);
    return undefined;
  }

  /** The list as Prometheus reads it, in the order of the addresses. */
  groups(): readonly TargetGroup[] {
    this.#expire();
    return [...this.#entries]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([address, entry]) => ({ targets: [address], labels: labelsOf(entry) }));
  }

  #refused(reason: AnnouncementRefusal, detail: string): Refused {
    this.refused[reason] += 1;
    return { reason, detail };
  }

  #expire(): void {
    const now = this.#now();
    for (const [address, entry] of this.#entries) {
      if (entry.expiresAt > now) return;
      this.#remove(address, entry);
    }
  }

  #remove(address: string, { owner: { client } }: Entry): void {
    this.#entries.delete(address);
    const left = this.#countOf(client) - 1;
    if (left > 0) this.#perClient.set(client, left);
    else this.#perClient.delete(client);
  }

  #countOf(client: string): number {
    return this.#perClient.get(client) ?? 0;
  }
}

/**
 * Whether an announcer may replace an entry: its session, which is a secret, always may. Otherwise who is seen at the
 * announced address goes before who is not, and among equals its client (a whole /64 over IPv6) may.
 */
function mayReplace(
  { host, owner: { seen, session, client } }: Entry,
  by: { readonly session: string; readonly client: string; readonly rightful: boolean },
): boolean {
  if (session === by.session) return true;
  return by.rightful === (seen === host) ? client === by.client : by.rightful;
}

/** The address in its one spelling, or what is wrong with it. An empty host is the one that the responder sees. */
function settle({ address }: AnnouncementFields, seen: string): { address: string; host: string } | string {
  if (!isAnnouncedAddress(address)) return 'the address must be a host and a port';
  const cut = address.lastIndexOf(':');
  const port = address.slice(cut + 1);
  const named = address.slice(0, cut).replace(/^\[(.*)\]$/, '$1') || seen;
  const judged = announcedHost(named);
  if (typeof judged === 'string') return judged;
  const { host, family } = judged;
  return { address: family === 6 ? `[${host}]:${port}` : `${host}:${port}`, host };
}

function labelsOf({ host, announcement, owner: { seen } }: Entry): Record<string, string> {
  const { scheme, path, labels = {} } = announcement;
  return {
    ...defined({ __scheme__: scheme, __metrics_path__: path }),
    [`${META}host`]: host,
    [`${META}seen_address`]: seen,
    ...Object.fromEntries(Object.entries(labels).map(([name, value]) => [`${META}label_${name}`, value])),
  };
}
