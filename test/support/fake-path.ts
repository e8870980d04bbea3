/** A path without a network: the test decides what is reachable, what is forgotten, and who restarts. */
import type { LinkEnd } from '../../src/net/errors.js';
import {
  type Canary,
  FarEndError,
  type Introduction,
  type Path,
  type ProbeConnection,
} from '../../src/probe/path.js';
import type { Clock } from '../../src/clock.js';
import type { Mode } from '../../src/core/modes.js';
import type { Observation, TestContext } from '../../src/probe/observe.js';
import type { Seconds } from '../../src/units.js';
import { pause } from '../../src/pause.js';

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
  seenAddress = '198.51.100.1';

  get introduction(): Introduction {
    const { localAddress, seenAddress, instance } = this;
    return { localAddress, seenAddress, ...(instance === undefined ? {} : { instance }) };
  }

  /** What the NAT remembers an idle connection for; undefined means for ever. */
  idleTimeout: Seconds | undefined;
  /** Whether canaries, too, are forgotten when they are silent for so long. */
  forgetsBusy = false;
  /** The age at which every connection is forgotten, however busy it is; undefined means never. */
  lifetime: Seconds | undefined;
  /** Whether canaries are deaf and dumb from the start, as behind a box that swallows their sign of life. */
  swallowsBeats = false;
  /** The far end closes probe connections and checks as soon as they are open, as at a limit. */
  turnsAway = false;
  /** The far end closes canaries as soon as they are open. */
  dropsCanaries = false;
  /** Whether fresh connections work, while those that exist live on. */
  checkable = true;
  readonly probes = new Set<FakeProbe>();
  opened = 0;

  async open(_mode: Mode, _testAt: Seconds | undefined, signal: AbortSignal): Promise<ProbeConnection> {
    await pause(this.#clock, this.passes ? 0.05 : 3, signal);
    if (!this.passes || signal.aborted) throw new FarEndError('no answer within 3 s');
    this.opened += 1;
    const probe = new FakeProbe(this, this.#clock);
    this.probes.add(probe);
    if (this.turnsAway) setImmediate(() => probe.finish({ kind: 'closed', detail: 'closed by the far end' }));
    return probe;
  }

  /** The NAT is rebooted: it knows nobody any more. */
  reboot(): void {
    for (const each of [...this.canaries, ...this.probes]) each.forgotten = true;
  }

  async check(signal: AbortSignal): Promise<Introduction> {
    this.checks += 1;
    await pause(this.#clock, this.passes ? 0.05 : 3, signal);
    if (!this.passes || this.turnsAway || !this.checkable) throw new FarEndError('no answer within 3 s');
    const met = this.turns.shift();
    return met === undefined ? this.introduction : { ...this.introduction, instance: met };
  }

  openCanary(): Promise<Canary> {
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
  readonly #since: Seconds;
  readonly opened: ProbeConnection['opened'];
  readonly local = '192.0.2.2:40000';
  readonly remote = '203.0.113.9:5382';
  readonly instance?: string;
  forgotten = false;
  /** Seconds that have passed for the NAT and not for our clocks: this host stood still. */
  stood: Seconds = 0;
  #ended: ((end: LinkEnd) => void) | undefined;

  constructor(path: FakePath, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.#since = clock.monotonic();
    this.opened = { earliest: this.#since, latest: this.#since };
    if (path.instance !== undefined) this.instance = path.instance;
  }

  whenEnded(run: (end: LinkEnd) => void): void {
    this.#ended = run;
  }

  finish(end: LinkEnd): void {
    this.#ended?.(end);
  }

  async test({ deadline, signal }: TestContext): Promise<Observation> {
    const now = this.#clock.monotonic();
    const broken = { earliest: now, latest: now };
    const { idleTimeout } = this.#path;
    if (idleTimeout !== undefined && now - this.#since + this.stood >= idleTimeout) this.forgotten = true;
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
