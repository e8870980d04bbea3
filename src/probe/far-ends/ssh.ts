/** An SSH server as far end: a small shell program in each session answers, and has other sessions written to. */
import type { TargetConfig } from '../../config/config.js';
import type { FarEnd } from '../../config/far-ends.js';
import type { Mode } from '../../core/modes.js';
import { defined } from '../../defined.js';
import type { LinkEnd } from '../../net/errors.js';
import { LoginQueue } from '../../ssh/login-queue.js';
import { SshError } from '../../ssh/ssh-error.js';
import { SshServer } from '../../ssh/ssh-server.js';
import type { Seconds } from '../../units.js';
import { visible } from '../../visible.js';
import type { TestContext } from '../observe.js';
import {
  type Canary,
  endpointAt,
  FarEndError,
  type Introduction,
  openingDeadline,
  type Path,
  type PathOptions,
  type ProbeConnection,
  type Protocol,
} from '../path.js';
import {
  asFarEndError,
  askFacts,
  makeBox,
  openSession,
  ping,
  type RemoteFacts,
  settle,
  type SshSession,
  USUAL_KEEPALIVE_TIME,
} from '../ssh-session.js';
import { type Boxed, instanceOf, type ProbedPath, SshProbe } from '../ssh-probe.js';

type SshTarget = TargetConfig & { readonly far_end: Extract<FarEnd, { kind: 'ssh' }> };

/** What all ways to one target share: a server has to see one login after the other, and no refused key twice. */
interface Approach {
  readonly server: SshServer;
  readonly logins: LoginQueue;
}

const approaches = new WeakMap<TargetConfig, Approach>();

function approachTo(target: SshTarget, acceptNew = false): Approach {
  const known = approaches.get(target);
  if (known !== undefined) return known;
  const fresh = { server: new SshServer({ settings: target.far_end, acceptNew }), logins: new LoginQueue() };
  approaches.set(target, fresh);
  return fresh;
}

/** Runs what reads the user's SSH configuration. @throws FarEndError in place of SshError */
function reading<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw error instanceof SshError ? asFarEndError(error) : error;
  }
}

export const ssh: Protocol<SshTarget['far_end']> = {
  host: (target) => reading(() => approachTo(target).server.reach.hostName),
  path: (options) => new SshPath(options),
};

/** What nobody can be asked where no program runs. */
const WITHOUT_PROGRAM: readonly Mode[] = ['recv'];

class SshPath implements Path, ProbedPath {
  readonly holds = ['keepalive', 'data'] as const;
  readonly #options: PathOptions<SshTarget['far_end']>;
  readonly #approach: Approach;
  /** The sessions of the canaries, the youngest last. */
  readonly #controls = new Set<Boxed>();
  /** Whether the server runs a program for us; unknown before the first session. */
  #runsProgram: boolean | undefined;
  #facts: RemoteFacts | undefined;
  /** The shortest silence that the far end was seen to break by itself, seconds. */
  #seenToSpeak: Seconds = Infinity;

  constructor(options: PathOptions<SshTarget['far_end']>) {
    this.#options = options;
    this.#approach = approachTo(options.target, options.acceptNewHostKey);
  }

  /** After so long a silence the far end breaks it by itself, seconds. */
  get speaksAfter(): Seconds {
    const byKernel = this.#facts === undefined ? USUAL_KEEPALIVE_TIME : (this.#facts.speaksAfter ?? Infinity);
    return Math.min(byKernel, this.#seenToSpeak);
  }

  /** The far end broke a silence by itself. */
  spoke(after: Seconds): void {
    if (after >= this.speaksAfter) return;
    this.#seenToSpeak = after;
    this.#options.speaks?.(after);
  }

  async open(mode: Mode, _testAt: Seconds | undefined, signal: AbortSignal): Promise<ProbeConnection> {
    const session = await this.#session(signal);
    const { conversation, hello } = session;
    try {
      const context = this.#context(signal);
      if (mode === 'recv' && hello === undefined)
        throw new FarEndError(`${conversation.link.remote} runs no program, which mode recv needs`);
      const box = mode === 'recv' ? await makeBox(conversation, context) : undefined;
      const opened = await settle(conversation, context);
      return new SshProbe(this, mode, session, defined({ opened, box }));
    } catch (error) {
      conversation.close();
      throw error;
    }
  }

  async openCanary(signal: AbortSignal): Promise<Canary> {
    const session = await this.#session(signal, true);
    const { conversation, hello } = session;
    const { clock } = this.#options;
    const context = this.#context(signal);
    let control: Boxed;
    let introduction: Introduction;
    try {
      introduction = await this.#introduction(session, context);
      control =
        hello === undefined ? { conversation } : { conversation, box: await makeBox(conversation, context) };
    } catch (error) {
      conversation.close();
      throw error;
    }
    this.#controls.add(control);
    // A program that is ended there, or a server that says goodbye, ends it as a FIN does.
    const seen = (end: LinkEnd): LinkEnd => (end.kind === 'local' ? { ...end, kind: 'closed' } : end);
    return {
      introduction,
      greeted: true,
      get end() {
        return conversation.end && seen(conversation.end);
      },
      beat: async (deadline, beatSignal) =>
        (await ping(conversation, { clock, deadline, signal: beatSignal })).kind === 'message',
      hangs: async () => (await conversation.link.isAcknowledged()) === true,
      whenEnded: (run) => conversation.whenEnded((end) => run(seen(end))),
      close: () => {
        this.#controls.delete(control);
        conversation.close();
      },
    };
  }

  async check(signal: AbortSignal): Promise<Introduction> {
    const session = await this.#session(signal, true);
    try {
      return await this.#introduction(session, this.#context(signal));
    } finally {
      session.conversation.close();
    }
  }

  /** The youngest control session that has not ended, with its box. */
  get control(): (Boxed & { readonly box: string }) | undefined {
    const living = [...this.#controls].filter(
      ({ conversation, box }) => conversation.end === undefined && box,
    );
    return living.at(-1) as (Boxed & { readonly box: string }) | undefined;
  }

  get clock(): PathOptions['clock'] {
    return this.#options.clock;
  }

  #context(signal: AbortSignal): TestContext {
    return { clock: this.#options.clock, deadline: openingDeadline(this.#options.target), signal };
  }

  /** @param urgent for what is to show now whether the path works */
  #session(signal: AbortSignal, urgent = false): Promise<SshSession> {
    const { server, logins } = this.#approach;
    const { clock, openLink, welcomed } = this.#options;
    return logins.run(
      async () => {
        const endpoint = endpointAt(
          this.#options,
          reading(() => server.reach.port),
        );
        const wantsProgram = this.#runsProgram !== false;
        const earliest = clock.monotonic();
        const session = await openSession({ server, endpoint, clock, openLink, wantsProgram }, signal);
        this.#runsProgram = session.hello !== undefined;
        const instance = instanceOf(session);
        if (instance !== undefined) welcomed?.({ instance, moment: { earliest, latest: clock.monotonic() } });
        return session;
      },
      { urgent },
    );
  }

  /** @throws FarEndError where not one of the modes can be asked */
  async #introduction(session: SshSession, context: TestContext): Promise<Introduction> {
    const { conversation, hello } = session;
    const cannotBeAsked = hello === undefined ? WITHOUT_PROGRAM : [];
    const { modes, far_end: farEnd } = this.#options.target;
    if (modes.every((mode) => cannotBeAsked.includes(mode))) {
      const { port, user } = reading(() => this.#approach.server.reach);
      throw new FarEndError(
        `${farEnd.host}:${port} runs no program for ${visible(user)} (no shell, or a forced command), which mode ${modes.join(', ')} needs: only the others can be measured`,
        { remedy: 'modes' },
      );
    }
    if (hello !== undefined) this.#facts ??= await askFacts(conversation, context);
    const speaksAfter = this.speaksAfter;
    return defined({
      localAddress: conversation.link.localAddress,
      seenAddress: hello?.seenAddress,
      conntrack: this.#facts?.conntrack,
      instance: instanceOf(session),
      speaksAfter: speaksAfter === Infinity ? undefined : speaksAfter,
      cannotBeAsked: cannotBeAsked.length === 0 ? undefined : cannotBeAsked,
    });
  }
}
