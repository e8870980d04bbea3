/** A path over a network in virtual time, with the far end that it leads to. */
import { openPath } from '../../src/probe/far-ends/index.js';
import { createNativePath } from '../../src/probe/far-ends/native.js';
import type { Path, PathOptions, ProbeConnection } from '../../src/probe/path.js';
import type { Observation } from '../../src/probe/observe.js';
import type { Mode } from '../../src/core/modes.js';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeResponder, serveEcho, serveSleep } from '../support/fake-far-ends.js';
import { type FakeLink, FakeNetwork } from '../support/fake-link.js';
import { makeConfig } from '../support/fake-view.js';

const NATIVE = 5382;
const ECHO = 31_415;
const SLEEP = 27_182;
const FAR_END = '203.0.113.9';

/** A path to the servers of NAT-TCP-test at these ports. */
export function natTcpTestPath({
  echo,
  sleep,
  ...options
}: Omit<PathOptions, 'target'> & { readonly echo: number; readonly sleep: number }): Path {
  const target = makeConfig('original', {
    far_end: { kind: 'nat-tcp-test', host: options.address, echo_port: echo, sleep_port: sleep },
    search: { ...DEFAULT_SEARCH, deadline: 3 },
  });
  return openPath({ target, ...options });
}

/** The scene of a test: everything is opened, tested and let idle in virtual time. */
export class Scene {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork(this.clock);
  readonly stop = new AbortController();
  readonly path: Path;
  readonly responder: FakeResponder;

  constructor(protocol: 'native' | 'legacy' = 'native', { token, theirs = token }: Tokens = {}) {
    const { clock, network } = this;
    const { openLink } = network;
    const endpoint = (port: number) => ({ address: FAR_END, port });
    this.responder = new FakeResponder(theirs);
    network.listen(NATIVE, this.responder.serve);
    network.listen(ECHO, serveEcho);
    network.listen(SLEEP, serveSleep(clock));
    this.path =
      protocol === 'native'
        ? createNativePath({
            clock,
            deadline: 3,
            endpoint: () => endpoint(NATIVE),
            openLink,
            ...(token === undefined ? {} : { token: () => token }),
          })
        : natTcpTestPath({ clock, address: FAR_END, echo: ECHO, sleep: SLEEP, openLink });
  }

  /** Serves anything else at the port of the legacy protocol's echo or sleep server, or of the native one. */
  serve(server: 'native' | 'echo' | 'sleep', serve: (link: FakeLink) => void): void {
    this.network.listen({ native: NATIVE, echo: ECHO, sleep: SLEEP }[server], serve);
  }

  open(mode: Mode, testAt?: number): Promise<ProbeConnection> {
    return this.clock.settle(this.path.open(mode, testAt, this.stop.signal), 10);
  }

  canary() {
    return this.clock.settle(this.path.openCanary(this.stop.signal), 10);
  }

  check() {
    return this.clock.settle(this.path.check(this.stop.signal), 10);
  }

  /** Tests now. */
  test(connection: ProbeConnection, deadline = 2): Promise<Observation> {
    const { clock, stop } = this;
    return clock.settle(connection.test({ clock, deadline, signal: stop.signal }), 60);
  }

  beat(
    canary: { beat(deadline: number, signal: AbortSignal): Promise<boolean> },
    deadline = 2,
  ): Promise<boolean> {
    return this.clock.settle(canary.beat(deadline, this.stop.signal), 60);
  }

  /** The near end of the connection that was opened last. */
  get newest(): FakeLink {
    const link = this.network.opened.at(-1);
    if (link === undefined) throw new Error('no connection was opened');
    return link;
  }
}

export interface Tokens {
  readonly token?: string;
  /** The far end's, where it is another one. */
  readonly theirs?: string | undefined;
}
