/** The native protocol: heartbeat canaries that also carry requests, and probes that the far end can be asked about. */
import type { Clock } from '../../clock.js';
import type { AnnounceConfig } from '../../config/config.js';
import type { FarEnd } from '../../config/far-ends.js';
import { PROOF_KINDS } from '../../core/diagnosis/proof.js';
import type { Mode } from '../../core/modes.js';
import { defined } from '../../defined.js';
import type { Endpoint } from '../../net/link.js';
import { hopAddress } from '../../net/socket-options/hop-address.js';
import { LiveToken, randomHex, tokenMac } from '../../net/token.js';
import type { Seconds } from '../../units.js';
import { announcementMacInput } from '../../wire/proofs.js';
import { type AnnouncementChannel, type AnnouncementOutcome, Announcer } from '../announcer.js';
import { detached, greet, type Greeting, type GreetingOptions, introductionOf } from '../native-greeting.js';
import { type NativeHome, NativeProbe } from '../native-probe.js';
import { type Control, ping } from '../native-requests.js';
import { LONGEST_STALL } from '../observe.js';
import {
  type Canary,
  endpointAt,
  type Introduction,
  mayBeSame,
  openingDeadline,
  type Path,
  type ProbeConnection,
  type Protocol,
  type Welcomed,
} from '../path.js';

export const native: Protocol<Extract<FarEnd, { kind: 'native' }>> = {
  path(options) {
    const { target, clock, announced = () => undefined, trouble = () => undefined } = options;
    const { openLink, welcomed } = options;
    const common = defined({
      clock,
      deadline: openingDeadline(target),
      endpoint: () => endpointAt(options, target.far_end.port),
      openLink,
      welcomed,
    });
    if (target.token_file === undefined) return createNativePath(common);
    const token = new LiveToken(target.token_file, trouble);
    const announcer = target.announce && announcerOf(target.announce, clock, announced);
    // Read anew for each connection: a token that is replaced on both ends must not need a restart here.
    return createNativePath({ ...common, token: () => token.value, ...defined({ announcer }) });
  },
};

function announcerOf(
  { address, scheme, metrics_path: path, labels }: AnnounceConfig,
  clock: Clock,
  answered: (outcome: AnnouncementOutcome) => void,
): Announcer {
  const labelled = Object.keys(labels).length === 0 ? {} : { labels };
  return new Announcer({ announcement: { address, scheme, path, ...labelled }, clock, answered });
}

export interface NativePathOptions extends GreetingOptions {
  /** Where connections of this mode go; canaries and checks go to `endpoint('send')`. */
  readonly endpoint: (mode: Mode) => Endpoint;
  /** Announces this exporter over the canaries; needs the token. */
  readonly announcer?: Announcer;
  /** Told of each welcome that says from whom it is. */
  readonly welcomed?: (welcomed: Welcomed) => void;
}

/** A native path is one session: a secret of its own ties its connections together. */
export function createNativePath(options: NativePathOptions): Path {
  return new NativePath(options);
}

class NativePath implements Path, NativeHome {
  readonly holds = PROOF_KINDS;
  readonly #options: NativePathOptions;
  readonly #session = randomHex(16);
  /** The conversations of the canaries, the youngest last. */
  readonly #controls = new Set<Control>();
  readonly #probes = new Map<number, NativeProbe>();
  #lastProbe = 0;
  #newest = '';
  /** Whether connections are cut off, while that is found out: canaries that are lost together ask together. */
  #cutOff: Promise<boolean> | undefined;
  #middleThere: Promise<boolean> | undefined;

  constructor(options: NativePathOptions) {
    this.#options = options;
  }

  async open(mode: Mode, _testAt: Seconds | undefined, signal: AbortSignal): Promise<ProbeConnection> {
    const probe = ++this.#lastProbe;
    const greeting = await this.#greet({ role: 'probe', session: this.#session, probe }, signal, mode);
    const connection = new NativeProbe(this, mode, probe, greeting);
    this.#probes.set(probe, connection);
    return connection;
  }

  async openCanary(signal: AbortSignal): Promise<Canary> {
    const { announcer, clock } = this.#options;
    const greeting = await this.#greet(
      // Only who asks is told: a responder's WELCOME to everybody else stays as it always was.
      defined({ role: 'control', session: this.#session, announce: announcer && true, fresh: true }),
      signal,
    );
    const { conversation } = greeting;
    const channel = announcer === undefined ? undefined : channelOf(greeting);
    const silenced = (): void => {
      if (channel !== undefined) announcer?.closed(channel);
    };
    conversation.whenStray((message) => {
      if (message.kind === 'gone') this.#gone(message.probe, message.cause);
      else announcer?.heard(message);
    });
    const { fresh, instance } = greeting.welcome;
    const control: Control = { conversation, instance, fresh: fresh === true };
    this.#controls.add(control);
    if (channel !== undefined) announcer?.opened(channel);
    return {
      introduction: introductionOf(greeting),
      greeted: true,
      get end() {
        return conversation.end;
      },
      beat: async (deadline, beatSignal) =>
        (await ping(conversation, { clock, deadline, signal: beatSignal })).kind === 'message',
      hangs: async (lost) =>
        (await conversation.link.isAcknowledged()) === true && !(await this.#isCutOff(greeting, lost)),
      othersLive: async (lost) =>
        (await conversation.link.isAcknowledged()) === true && (await this.#isMiddleThere(greeting, lost)),
      whenEnded: (run) =>
        conversation.whenEnded((end) => {
          silenced();
          run(end);
        }),
      close: () => {
        this.#controls.delete(control);
        silenced();
        conversation.close();
      },
    };
  }

  /**
   * Whether connections do not come through any more although the far end looks after them, by its own word: it is asked
   * over a fresh connection to write on one that idles, which is of no use afterwards: the one that is nearest to the
   * canary in age, for a box may end whatever is old. What was acknowledged does not tell it, for a proxy in front of the
   * box acknowledges in the far end's place. False where no connection idles.
   */
  #isCutOff(canary: Greeting, signal: AbortSignal): Promise<boolean> {
    this.#cutOff ??= this.#ringBeside(canary, signal).finally(() => {
      this.#cutOff = undefined;
    });
    return this.#cutOff;
  }

  async #ringBeside({ opened, welcome: { instance } }: Greeting, signal: AbortSignal): Promise<boolean> {
    const apart = (probe: NativeProbe): Seconds => Math.abs(probe.opened.latest - opened.latest);
    const [nearest] = this.#idling(instance).sort((one, other) => apart(one) - apart(other));
    return nearest !== undefined && (await this.#rings(nearest, signal)) === false;
  }

  /**
   * Whether a connection of middle age still comes through, or there is none: the nearest to a canary in age may have been
   * forgotten for its silence alone, and the youngest may be younger than a loss of all the others.
   */
  #isMiddleThere({ welcome: { instance } }: Greeting, signal: AbortSignal): Promise<boolean> {
    const byAge = this.#idling(instance).sort((one, other) => one.opened.latest - other.opened.latest);
    this.#middleThere ??= this.#comesThrough(byAge[Math.floor(byAge.length / 2)], signal).finally(() => {
      this.#middleThere = undefined;
    });
    return this.#middleThere;
  }

  async #comesThrough(probe: NativeProbe | undefined, signal: AbortSignal): Promise<boolean> {
    return probe === undefined || (await this.#rings(probe, signal)) !== false;
  }

  #idling(instance: string | undefined): NativeProbe[] {
    return [...this.#probes.values()].filter(
      ({ conversation, instance: own }) => conversation.end === undefined && mayBeSame(own, instance),
    );
  }

  /**
   * Has the far end, asked over a fresh connection, write on a probe, which is of no use afterwards.
   * @returns whether that comes; undefined where the far end does not say that it wrote
   */
  async #rings(probe: NativeProbe, signal: AbortSignal): Promise<boolean | undefined> {
    const { clock, deadline } = this.#options;
    let control: Control | undefined;
    try {
      const { conversation, welcome } = await this.#greet(
        { role: 'control', session: this.#session, fresh: true },
        signal,
      );
      // The youngest control is the one that is asked.
      control = { conversation, instance: welcome.instance, fresh: welcome.fresh === true };
      this.#controls.add(control);
      const ring = await probe.ring({ clock, deadline, signal });
      if ('kind' in ring) return undefined;
      switch (ring.heard.kind) {
        case 'message':
          return true;
        case 'deadline':
          return ring.heard.stalled > LONGEST_STALL ? undefined : false;
        case 'ended':
          // A proxy that loses its own connection behind the box closes this one.
          return ring.heard.end.kind === 'local' ? undefined : false;
        default:
          return undefined;
      }
    } catch {
      return undefined;
    } finally {
      if (control !== undefined) this.#controls.delete(control);
      control?.conversation.close();
      probe.spend();
    }
  }

  async check(signal: AbortSignal): Promise<Introduction> {
    const greeting = await this.#greet({ role: 'check', session: this.#session, fresh: true }, signal);
    greeting.conversation.close();
    return introductionOf(greeting);
  }

  async hopAddress(hops: number, deadline: Seconds, signal: AbortSignal): Promise<string | undefined> {
    return hopAddress(this.#options.endpoint('send'), hops, deadline, signal);
  }

  async #greet(
    says: Parameters<typeof greet>[2],
    signal: AbortSignal,
    mode: Mode = 'send',
  ): Promise<Greeting> {
    const greeting = await greet(this.#options, this.#options.endpoint(mode), says, signal);
    const { opened: moment, welcome } = greeting;
    if (welcome.instance !== undefined) this.#options.welcomed?.({ instance: welcome.instance, moment });
    return greeting;
  }

  /**
   * The youngest canary that has not ended: the one least likely to be forgotten. One that leads to the far end that
   * welcomed the probe is preferred: another one does not know it.
   */
  control(instance: string | undefined): Control | undefined {
    const living = [...this.#controls].filter(({ conversation }) => conversation.end === undefined);
    return living.findLast((control) => mayBeSame(control.instance, instance)) ?? living.at(-1);
  }

  /** One text for each far end, whatever line it was cut out of: thousands of probes hold on to it. */
  nameOf(instance: string): string {
    if (this.#newest !== instance) this.#newest = detached(instance);
    return this.#newest;
  }

  /** A probe was closed: what the far end says of it concerns nobody any more. */
  forget(probe: number): void {
    this.#probes.delete(probe);
  }

  /** The far end saw a probe connection end; our side may never hear of it. */
  #gone(probe: number, cause: 'reset' | 'closed' | 'timed_out'): void {
    this.#probes.get(probe)?.endedThere({
      kind: cause === 'timed_out' ? 'silence' : cause,
      detail: `the far end saw the connection end (${cause})`,
    });
  }
}

/** How to announce on an opened canary; on one without a token nobody would be believed. */
function channelOf({ conversation, hello, token, challenge, welcome }: Greeting): AnnouncementChannel {
  const proven = token !== undefined && challenge !== undefined;
  return {
    interval: proven ? welcome.announce : undefined,
    mac: (announcement) =>
      proven ? tokenMac(token, announcementMacInput(hello, challenge, announcement)) : '',
    say: (line) => conversation.say(line),
  };
}
