/** From a target's configuration to its path: which protocol, which ports, which token. */
import type { Clock } from '../clock.js';
import type { AnnounceConfig, TargetConfig } from '../config/config.js';
import type { Mode } from '../core/modes.js';
import { LiveToken } from '../net/token.js';
import { type AnnouncementOutcome, Announcer } from '../probe/announcer.js';
import { createLegacyPath } from '../probe/legacy-path.js';
import { createNativePath } from '../probe/native-path.js';
import type { Path } from '../probe/path.js';
import type { Seconds } from '../units.js';

/** A handshake and hello may take this long even where tests are less patient, seconds. */
const LEAST_OPEN_DEADLINE: Seconds = 3;

/** Where the built-in far end listens, mode by mode. */
export interface EmbeddedFarEnd {
  readonly address: string;
  readonly port: (mode: Mode) => number;
  close(): Promise<void>;
}

export interface OpenPathOptions {
  readonly target: TargetConfig;
  /** The pinned address of the far end. */
  readonly address: string;
  readonly clock: Clock;
  /** Only for the embedded target. */
  readonly embedded?: EmbeddedFarEnd;
  /** Called for every answer to an announcement of this exporter. */
  readonly announced?: (outcome: AnnouncementOutcome) => void;
  /** Told when the token's file cannot be used any more. */
  readonly trouble?: (text: string) => void;
}

/** Makes the path; opens nothing yet. @throws TokenError */
export function openPath(options: OpenPathOptions): Path {
  const { target, address, clock, embedded, announced, trouble = () => undefined } = options;
  const deadline = Math.max(target.search.deadline, LEAST_OPEN_DEADLINE);
  const { far_end: farEnd, local_address: localAddress, token_file: tokenFile } = target;
  const endpoint = (port: number) => ({
    address,
    port,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  switch (farEnd.kind) {
    case 'native': {
      const native = { clock, deadline, endpoint: () => endpoint(farEnd.port) };
      if (tokenFile === undefined) return createNativePath(native);
      const token = new LiveToken(tokenFile, trouble);
      return createNativePath({
        ...native,
        ...(target.announce === undefined
          ? {}
          : { announcer: announcerOf(target.announce, clock, announced) }),
        // Read anew for each connection: a token that is replaced on both ends must not need a restart here.
        get token() {
          return token.value;
        },
      });
    }
    case 'nat-tcp-test': {
      const { echo_port: echo, sleep_port: sleep } = farEnd;
      return createLegacyPath({ clock, deadline, echo: endpoint(echo), sleep: endpoint(sleep) });
    }
    case 'embedded': {
      if (embedded === undefined) throw new Error('the embedded far end has not been started');
      return createNativePath({ clock, deadline, endpoint: (mode) => endpoint(embedded.port(mode)) });
    }
  }
}

function announcerOf(
  { address, scheme, metrics_path: path, labels }: AnnounceConfig,
  clock: Clock,
  told: OpenPathOptions['announced'] = () => undefined,
): Announcer {
  const labelled = Object.keys(labels).length === 0 ? {} : { labels };
  return new Announcer({ announcement: { address, scheme, path, ...labelled }, clock, told });
}
