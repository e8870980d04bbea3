/** A path without a network: the test decides what is reachable, what is forgotten, and who restarts. */
import type { LinkEnd } from '../../src/net/errors.js';
import {
  type Canary,
  FarEndError,
  type Introduction,
  type Path,
  type ProbeConnection,
} from '../../src/probe/path.js';
import type { Clock, Timer } from '../../src/clock.js';
import type { Heard } from '../../src/probe/conversation.js';
import { PROOF_KINDS, type ProofKind } from '../../src/core/diagnosis/proof.js';
import type { Mode } from '../../src/core/modes.js';
import { defined } from '../../src/defined.js';
import type { Observation, TestContext } from '../../src/probe/observe.js';
import type { Seconds } from '../../src/units.js';
import { pause } from '../../src/pause.js';
import type { Side } from '../../src/core/locate/locate-contract.js';
import type { RefreshingEnd, RefreshingEnds } from '../../src/probe/refreshing-ends.js';

export class FakePath implements Path {
  readonly #clock: Clock;
  readonly canaries: FakeCanary[] = [];
  checks = 0;
  /** Whether packets pass at all. */
  passes = true;
  /** Undefined as with a legacy far end, which does not tell. */
  instance: string | undefined = 'a';
  /** The far ends that the next checks meet, where another one than `instance`. */
  turns: string[] = [];
  /** Whether canaries repeat what got lost as TCP does, at growing intervals; else at once. */
  backsOff = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  localAddress = '192.0.2.2';
  /** Says where connections start from, in its place. */
  source: (() => string) | undefined;
  seenAddress = '198.51.100.1';

  /** After so long a silence the far end breaks it by itself. */
  speaksAfter: Seconds | undefined;
  /** Modes that it cannot be asked. */
  cannotBeAsked: readonly Mode[] | undefined;

  /** Whether the far end can refresh connections, too. */
  fresh = true;
  /** Routers on the path. */
  hops = 3;
  /** Smallest TTLs with which refreshes of this end and of the far end keep the box fresh; by default a router at hop 2. */
  kc = 2;
  ks = 2;
  /** Another box on the path, which forgets later: after how long, and with which TTLs refreshes keep it fresh. */
  second: { readonly timeout: Seconds; readonly kc: number; readonly ks: number } | undefined;
  /** Whether the far end's answers to small TTLs arrive, as where the route has become shorter. */
  strays = false;
  /** Whether refreshes do harm: the box forgets whoever sends three that are not answered. */
  harms = false;
  /** What the far end says of keepalives' arrival, and the TTL that its refreshes have where it was asked for another. */
  lies: {
    readonly reached?: (ttl: number) => boolean;
    readonly ttl?: (asked: number) => number;
  } = {};
  /** How many connections of this path were open at once, canaries aside. */
  mostOpen = 0;

  get introduction(): Introduction {
    const { localAddress, seenAddress, instance, speaksAfter, cannotBeAsked, fresh } = this;
    return defined({ localAddress, seenAddress, instance, speaksAfter, cannotBeAsked, fresh });
  }

  /** The routers' own addresses. */
  hopAddress(hop: number): Promise<string | undefined> {
    return Promise.resolve(hop === 2 ? undefined : `10.0.${hop}.1`);
  }

  /** What the NAT remembers an idle connection for; undefined means for ever. */
  idleTimeout: Seconds | undefined;
  /** Whether canaries, too, are forgotten when they are silent for so long. */
  forgetsBusy = false;
  /** The age at which every connection is forgotten, however busy it is; undefined means never. */
  lifetime: Seconds | undefined;
  /** Whether the next connection is one of those that are forgotten after `idleTimeout`; the others never are. */
  meetsBadNode = (): boolean => true;
  /** Somebody in front of the NAT answers TCP keepalives, whatever it has forgotten. */
  answersKeepalives = false;
  /** Connections that are remembered at once, busy canaries included: one more, and the longest idle one is forgotten. */
  quota: number | undefined;
  /** Whether canaries are deaf and dumb from the start, as behind a box that swallows their sign of life. */
  swallowsBeats = false;
  /** The far end closes probe connections and checks as soon as they are open, as at a limit. */
  turnsAway = false;
  /** The far end closes canaries as soon as they are open. */
  dropsCanaries = false;
  /** Whether fresh connections work, while those that exist live on. */
  checkable = true;
  /** What connections can be held by. */
  holds: readonly ProofKind[] = [];
  /** What a box on the path counts as traffic. */
  counts: readonly ProofKind[] = PROOF_KINDS;
  readonly probes = new Set<FakeProbe>();
  opened = 0;
  /** The modes for which a connection was opened. */
  readonly asked = new Set<Mode>();

  #depart(): void {
    this.localAddress = this.source?.() ?? this.localAddress;
  }

  async open(mode: Mode, _testAt: Seconds | undefined, signal: AbortSignal): Promise<ProbeConnection> {
    this.#depart();
    await pause(this.#clock, this.passes ? 0.05 : 3, signal);
    if (!this.passes || signal.aborted) throw new FarEndError('no answer within 3 s');
    this.opened += 1;
    this.asked.add(mode);
    const probe = new FakeProbe(this, this.#clock, mode);
    this.probes.add(probe);
    this.mostOpen = Math.max(this.mostOpen, this.probes.size);
    this.#evict();
    if (this.turnsAway) setImmediate(() => probe.finish({ kind: 'closed', detail: 'closed by the far end' }));
    return probe;
  }

  #evict(): void {
    const remembered = [...this.probes].filter(({ forgotten }) => !forgotten);
    const busy = this.canaries.filter(({ closed, end }) => !closed && end === undefined).length;
    const most = Math.max(0, (this.quota ?? Infinity) - busy);
    for (const probe of remembered.slice(0, Math.max(0, remembered.length - most))) probe.forgotten = true;
  }

  /** The NAT is rebooted: it knows nobody any more. */
  reboot(): void {
    for (const each of [...this.canaries, ...this.probes]) each.forgotten = true;
  }

  async check(signal: AbortSignal): Promise<Introduction> {
    this.checks += 1;
    this.#depart();
    await pause(this.#clock, this.passes ? 0.05 : 3, signal);
    if (!this.passes || this.turnsAway || !this.checkable) throw new FarEndError('no answer within 3 s');
    const met = this.turns.shift();
    return met === undefined ? this.introduction : { ...this.introduction, instance: met };
  }

  openCanary(): Promise<Canary> {
    this.#depart();
    const canary = new FakeCanary(this, this.#clock);
    canary.greeted = !this.swallowsBeats;
    canary.forgotten = this.swallowsBeats;
    this.canaries.push(canary);
    if (this.dropsCanaries)
      setImmediate(() => canary.finish({ kind: 'closed', detail: 'closed by the far end' }));
    return Promise.resolve(canary);
  }

  /** The far end is restarted: every connection gets a FIN. */
  restart(): void {
    if (this.instance !== undefined) this.instance += "'";
    for (const each of [...this.canaries, ...this.probes])
      each.finish({ kind: 'closed', detail: 'closed by the far end' });
  }
}

/** An idle connection through the fake NAT. */
export class FakeProbe implements ProbeConnection {
  readonly #path: FakePath;
  readonly #clock: Clock;
  readonly #mode: Mode;
  readonly #isBad: boolean;
  readonly #since: Seconds;
  /** When the box saw traffic last, seconds. */
  #usedAt: Seconds;
  /** The same of the other box. */
  #secondUsedAt: Seconds;
  #upkeep: Timer | undefined;
  readonly opened: ProbeConnection['opened'];
  readonly local = '192.0.2.2:40000';
  readonly remote = '203.0.113.9:5382';
  readonly instance?: string;
  forgotten = false;
  /** Seconds that have passed for the NAT and not for our clocks: this host stood still. */
  stood: Seconds = 0;
  #ended: ((end: LinkEnd) => void) | undefined;

  constructor(path: FakePath, clock: Clock, mode: Mode) {
    this.#path = path;
    this.#clock = clock;
    this.#mode = mode;
    this.#isBad = path.meetsBadNode();
    this.#since = clock.monotonic();
    this.#usedAt = this.#since;
    this.#secondUsedAt = this.#since;
    this.opened = { earliest: this.#since, latest: this.#since };
    if (path.instance !== undefined) this.instance = path.instance;
  }

  whenEnded(run: (end: LinkEnd) => void): void {
    this.#ended = run;
  }

  finish(end: LinkEnd): void {
    this.#ended?.(end);
  }

  /** The box meets a packet of this kind: whether it passes. */
  #passes(kind: ProofKind): boolean {
    const { idleTimeout = Infinity, lifetime = Infinity, counts, passes } = this.#path;
    const now = this.#clock.monotonic();
    if (now - this.#usedAt + this.stood >= idleTimeout || now - this.#since >= lifetime)
      this.forgotten = true;
    if (!passes || this.forgotten) return false;
    if (counts.includes(kind)) this.#usedAt = now;
    return true;
  }

  readonly #refreshes = new Map<Side, Timer>();
  #unanswered = 0;
  #heard = 0;

  segmentsHeard(): number {
    return this.#heard;
  }

  get ends(): RefreshingEnds {
    return this.#path.fresh
      ? { client: this.#end('client'), responder: this.#end('responder') }
      : { client: this.#end('client') };
  }

  #end(side: Side): RefreshingEnd {
    return {
      refresh: (asked, interval) => {
        const ttl = (side === 'responder' ? this.#path.lies.ttl?.(asked) : undefined) ?? asked;
        const again = (): void => {
          this.#refreshed(side, ttl);
          this.#refreshes.set(side, this.#clock.after(interval, again));
        };
        this.#refreshes.set(side, this.#clock.after(interval, again));
        return Promise.resolve(true);
      },
      rest: () => {
        this.#refreshes.get(side)?.cancel();
        return Promise.resolve({ sent: 0, heard: 0 });
      },
      reaches: async (ttl, { signal }) => {
        const told = side === 'responder' ? this.#path.lies.reached?.(ttl) : undefined;
        const arrives = (told ?? ttl > this.#path.hops) && this.#path.passes;
        await pause(this.#clock, arrives ? 0.1 : 2.5, signal);
        return arrives;
      },
    };
  }

  /** A refresh leaves with a TTL: whether the box meets it, and whether it arrives. */
  #refreshed(side: Side, ttl: number): void {
    const { hops, kc, ks, harms, strays, passes, idleTimeout = Infinity } = this.#path;
    const now = this.#clock.monotonic();
    this.#meetSecond(side, ttl, now);
    if (now - this.#usedAt + this.stood >= idleTimeout) this.forgotten = true;
    if (strays) this.#heard += 1;
    if (!passes || this.forgotten || ttl < (side === 'client' ? kc : ks)) return;
    this.#usedAt = now;
    this.#unanswered += 1;
    if (ttl > hops) {
      this.#heard += 1;
      this.#unanswered = 0;
    } else if (harms && this.#unanswered >= 3) this.forgotten = true;
  }

  /** The other box, too, may have forgotten, or be kept fresh by a refresh that comes as far. */
  #meetSecond(side: Side, ttl: number, now: Seconds): void {
    const { second } = this.#path;
    if (second === undefined) return;
    if (now - this.#secondUsedAt + this.stood >= second.timeout) this.forgotten = true;
    if (ttl >= (side === 'client' ? second.kc : second.ks)) this.#secondUsedAt = now;
  }

  /** As Linux does: ten probes without an answer, one a second, are the end. */
  keepAlive(interval: Seconds): void {
    let unanswered = 0;
    const probe = (): void => {
      unanswered = this.#passes('keepalive') ? 0 : unanswered + 1;
      if (unanswered > 10) this.finish({ kind: 'silence', detail: 'no answer' });
      else this.#upkeep = this.#clock.after(unanswered === 0 ? interval : 1, probe);
    };
    this.#upkeep = this.#clock.after(interval, probe);
  }

  async refresh({ deadline, signal }: TestContext): Promise<Heard<unknown>> {
    const end = this.#clock.monotonic() + deadline;
    while (this.#clock.monotonic() < end && !signal.aborted) {
      await pause(this.#clock, 0.06, signal);
      if (this.#passes('data')) return { kind: 'message', message: 'pong' };
    }
    return signal.aborted ? { kind: 'aborted' } : { kind: 'deadline', stalled: 0 };
  }

  async test({ deadline, signal }: TestContext): Promise<Observation> {
    const now = this.#clock.monotonic();
    const broken = { earliest: now, latest: now };
    this.#upkeep?.cancel();
    const { idleTimeout, answersKeepalives } = this.#path;
    this.#meetSecond('client', Infinity, now);
    const isAnswered = answersKeepalives && this.#mode === 'keepalive';
    if (idleTimeout !== undefined && now - this.#usedAt + this.stood >= idleTimeout)
      this.forgotten = this.#isBad && !isAnswered;
    while (this.#clock.monotonic() < now + deadline && !signal.aborted) {
      await pause(this.#clock, 0.06, signal);
      if (this.#clock.monotonic() - this.#since >= (this.#path.lifetime ?? Infinity)) this.forgotten = true;
      if (this.#path.passes && !this.forgotten) return { kind: 'answered', broken };
    }
    return signal.aborted
      ? { kind: 'unclear', reason: 'interrupted' }
      : { kind: 'died', evidence: 'silence', broken };
  }

  close(): void {
    this.#ended = undefined;
    this.#upkeep?.cancel();
    for (const timer of this.#refreshes.values()) timer.cancel();
    this.#path.probes.delete(this);
  }
}

export class FakeCanary implements Canary {
  readonly #path: FakePath;
  readonly #clock: Clock;
  readonly introduction: Introduction;
  readonly #since: Seconds;
  #heardAt: Seconds;
  readonly beatsAt: Seconds[] = [];
  forgotten = false;
  greeted = true;
  closed = false;
  end: LinkEnd | undefined;
  #ended: ((end: LinkEnd) => void) | undefined;
  /** The oldest segment without an acknowledgement: when it is repeated next, and how much later once more. */
  #unacknowledged: { readonly next: Seconds; readonly wait: Seconds } | undefined;

  constructor(path: FakePath, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.introduction = path.introduction;
    this.#since = clock.monotonic();
    this.#heardAt = this.#since;
  }

  /** As TCP would: repeats until it gets through or the deadline passes. */
  async beat(deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    this.beatsAt.push(this.#clock.monotonic());
    // A day of it is no test's business, and would be all that grows.
    if (this.beatsAt.length > 200) this.beatsAt.shift();
    const end = this.#clock.monotonic() + deadline;
    while (this.#clock.monotonic() < end && this.end === undefined && !signal.aborted) {
      await pause(this.#clock, 0.1, signal);
      const now = this.#clock.monotonic();
      const { lifetime = Infinity, idleTimeout = Infinity, forgetsBusy } = this.#path;
      if (now - this.#since >= lifetime || (forgetsBusy && now - this.#heardAt >= idleTimeout))
        this.forgotten = true;
      if (!this.#transmits() || !this.#path.passes || this.forgotten) continue;
      this.#unacknowledged = undefined;
      this.#heardAt = now;
      return true;
    }
    return false;
  }

  /** Whether a segment leaves now: Linux doubles the time between two tries from 0.2 s on, to at most 120 s. */
  #transmits(): boolean {
    if (!this.#path.backsOff) return true;
    const now = this.#clock.monotonic();
    this.#unacknowledged ??= { next: now, wait: 0.2 };
    let { next, wait } = this.#unacknowledged;
    let transmits = false;
    for (; next <= now; wait = Math.min(2 * wait, 120)) {
      // One that was due while nobody looked left at its time, not now.
      transmits = now - next < 0.15;
      next += wait;
    }
    this.#unacknowledged = { next, wait };
    return transmits;
  }

  whenEnded(run: (end: LinkEnd) => void): void {
    this.#ended = run;
  }

  finish(end: LinkEnd): void {
    if (this.end !== undefined || this.closed) return;
    this.end = end;
    this.#ended?.(end);
  }

  close(): void {
    this.closed = true;
    this.end ??= { kind: 'closed', detail: 'closed by us' };
  }
}
