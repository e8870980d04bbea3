/** The shape of the configuration file, key by key; rules that tie several keys together stand in `rules.ts`. */
import { z } from 'zod';
import { MODES } from '../core/modes.js';
import { formatDuration } from '../units.js';
import { SCHEMES } from '../wire/announcement.js';
import {
  DEFAULT_ANNOUNCE_PATH,
  DEFAULT_ANNOUNCE_SCHEME,
  DEFAULT_ECHO_PORT,
  DEFAULT_EMBEDDED_IDLE_TIMEOUT,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MODES,
  DEFAULT_PORT,
  DEFAULT_QUEUE_SAMPLES,
  DEFAULT_REMOTE_WRITE_INTERVAL,
  DEFAULT_SCHEDULE,
  DEFAULT_SEARCH,
  DEFAULT_SLEEP_PORT,
} from './defaults.js';
import {
  announcedAddress,
  cron,
  duration,
  host,
  httpUrl,
  ipAddress,
  labels,
  name,
  port,
  telemetryPath,
  text,
  wholeNumber,
} from './fields.js';

/** Labels that Prometheus sets where it scrapes, and that only we can set where we send. */
const IDENTITY_LABELS = ['job', 'instance'];

/** The longest guard: a verdict on REQ-5 is given at 7440 s less at most this. */
const LONGEST_GUARD = 5;

/** A responder ends what has idled for 26 hours, which would look like the death of a mapping: the rest is for tests. */
const LONGEST_IDLE = 25 * 3600;

/** A mapping with these keys and no others. */
function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape, description: string) {
  return z
    .strictObject(shape, {
      error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping of keys to values' : undefined),
    })
    .meta({ description });
}

/** One out of a few words or numbers. */
function choice<const Value extends string | number>(
  values: readonly Value[],
  description: string,
  byDefault: Value,
) {
  return z
    .literal(values, { error: `must be one of ${values.join(', ')}` })
    .meta({ description, default: byDefault })
    .optional();
}

const searchShape = {
  min_idle: duration('Shortest idle time that is tested.', DEFAULT_SEARCH.min_idle, { above: 0 }),
  max_idle: duration('Idle times above this are not tested.', DEFAULT_SEARCH.max_idle, {
    above: 0,
    atMost: LONGEST_IDLE,
  }),
  resolution: duration('Wanted width of the bracket around the idle timeout.', DEFAULT_SEARCH.resolution, {
    above: 0,
  }),
  connections: wholeNumber(
    'Most idle connections per mode and target; canaries come on top.',
    2,
    1000,
    DEFAULT_SEARCH.connections,
  ),
  deadline: duration('How long a test may stay unanswered before it is a death.', DEFAULT_SEARCH.deadline, {
    above: 0,
  }),
  guard: duration(
    'Distance kept from a value that is asked about exactly: 7440 s and the known round values.',
    DEFAULT_SEARCH.guard,
    { atMost: LONGEST_GUARD },
  ),
};

const embeddedShape = {
  idle_timeout: duration(
    `What the built-in NAT forgets after, ${formatDuration(1)} or more.`,
    DEFAULT_EMBEDDED_IDLE_TIMEOUT,
    { above: 0 },
  ),
};

const announceShape = {
  address: announcedAddress(
    'Where others reach this exporter: HOST:PORT, or :PORT for the host that the responder sees.',
  ),
  scheme: choice(SCHEMES, 'How this exporter is scraped.', DEFAULT_ANNOUNCE_SCHEME),
  metrics_path: telemetryPath('Where its metrics are.', DEFAULT_ANNOUNCE_PATH),
  labels: labels('Labels that the responder hands to Prometheus for relabelling.'),
};

const MODE_RULE = `must be one of ${MODES.join(', ')}`;

const targetShape = {
  name: name('Value of the label `target`, unique; `embedded` is reserved for the built-in target.', 128),
  host: host('Host name or address of the far end.').optional(),
  embedded: mapping(embeddedShape, 'The built-in responder behind the built-in loopback NAT.').optional(),
  port: port('Port of a native responder.', DEFAULT_PORT),
  protocol: choice(['native', 'nat-tcp-test'], 'What the far end speaks.', 'native'),
  echo_port: port('Port of the echo server, with protocol nat-tcp-test.', DEFAULT_ECHO_PORT),
  sleep_port: port('Port of the sleep server, with protocol nat-tcp-test.', DEFAULT_SLEEP_PORT),
  modes: z
    .array(z.enum(MODES, { error: MODE_RULE }), { error: 'must be a list of modes' })
    .min(1, { error: 'must not be empty' })
    .meta({ description: 'Who breaks the silence.', default: [...DEFAULT_MODES], uniqueItems: true })
    .optional(),
  family: choice([4, 6, 'any'], 'Address family of the path.', 'any'),
  local_address: ipAddress('Address of this machine to probe from.').optional(),
  token_file: text(
    "File with the responder's token; a relative path starts at this file's folder.",
  ).optional(),
  announce: mapping(
    announceShape,
    'Where Prometheus can scrape this exporter, told to the responder of this target for its service discovery.',
  ).optional(),
  labels: labels('More labels on every series of the target; all targets carry the same names.'),
  search: mapping(searchShape, "Overrides of the top-level `search` for this target's searches.").optional(),
};

/** Wildcards only in the file's name, and a name that says which language the file is in. */
const targetFilePattern = text('Path of a file; its name may have the wildcards * and ?.')
  .regex(/^(.*\/)?[^/]+\.(json|ya?ml)$/, { error: 'must end in .json, .yaml or .yml' })
  .regex(/^([^*?]*\/)?[^/]*$/, { error: 'must have wildcards only in the name of the file' });
const basicAuthShape = {
  username: text('The user.'),
  password_file: text("File with the password; a relative path starts at this file's folder."),
};

const tlsShape = {
  ca_file: text(
    "File with the certificates (PEM) that are trusted instead of the system's; a relative path starts at this file's folder.",
  ).optional(),
};

const remoteWriteShape = {
  url: httpUrl("The receiver's address for Prometheus remote write."),
  basic_auth: mapping(basicAuthShape, 'User and password.').optional(),
  bearer_token_file: text(
    "File with a token, sent as Authorization: Bearer; a relative path starts at this file's folder.",
  ).optional(),
  tls_config: mapping(tlsShape, 'How the receiver is trusted, with https.').optional(),
  interval: duration('Time between two samples of a series, 1s or more.', DEFAULT_REMOTE_WRITE_INTERVAL, {
    atLeast: 1,
  }),
  external_labels: labels(
    'More labels on every series that is sent; a series keeps a label that it has already.',
    IDENTITY_LABELS,
  ),
  queue_samples: wholeNumber(
    'Most samples that wait for the receiver; beyond that the oldest are dropped.',
    10_000,
    100_000_000,
    DEFAULT_QUEUE_SAMPLES,
  ),
};

/** The whole file as written by the user: every default still absent, durations still texts. */
export const configFileSchema = mapping(
  {
    schedule: cron('When a rolling round may start in steady state (node-cron).', DEFAULT_SCHEDULE),
    state_dir: text(
      'Folder for what survives a restart; a relative path starts at the working directory.',
    ).optional(),
    max_connections: wholeNumber(
      'Most idle probe connections of all targets together; canaries and short checks come on top.',
      10,
      1_000_000,
      DEFAULT_MAX_CONNECTIONS,
    ),
    search: mapping(searchShape, 'How to search, for all targets.').optional(),
    target_files: z
      .array(targetFilePattern, { error: 'must be a list of paths' })
      .min(1, { error: 'must not be empty' })
      .meta({ description: "Files with more targets; a relative path starts at this file's folder." })
      .optional(),
    targets: z
      .array(mapping(targetShape, 'One path to measure.'), { error: 'must be a list of targets' })
      .min(1, { error: 'must not be empty' })
      .meta({ description: 'The paths to measure; may be left out where there are target_files.' })
      .optional(),
    remote_write: mapping(
      remoteWriteShape,
      'Where to send samples when nobody can scrape this exporter.',
    ).optional(),
  },
  'Configuration of nat-idle-exporter.',
);

/** A configuration file that fits the schema. */
export type ConfigFile = z.infer<typeof configFileSchema>;
/** One entry of `targets`. */
export type TargetFile = NonNullable<ConfigFile['targets']>[number];
/** The `remote_write` mapping. */
export type RemoteWriteFile = NonNullable<ConfigFile['remote_write']>;
/** A `search` mapping. */
export type SearchFile = NonNullable<ConfigFile['search']>;

/** The JSON Schema that editors use: what `config.schema.json` holds. */
export function configJsonSchema(): Record<string, unknown> {
  return { title: 'nat-idle-exporter configuration', ...z.toJSONSchema(configFileSchema, { io: 'input' }) };
}

/** The mappings of `remote_write` by their key; itself under no key. */
const remoteWriteKeys: Readonly<Record<string, object>> = {
  '': remoteWriteShape,
  basic_auth: basicAuthShape,
  tls_config: tlsShape,
};

/** The keys that may stand at a place of the file, for suggestions; empty when the place has no fixed keys. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  const [first, , third] = path;
  if (path.length === 0) return Object.keys(configFileSchema.shape);
  if (first === 'remote_write') return Object.keys(remoteWriteKeys[String(path[1] ?? '')] ?? {});
  if (first === 'search' || third === 'search') return Object.keys(searchShape);
  if (third === 'embedded') return Object.keys(embeddedShape);
  if (third === 'announce') return path.length === 3 ? Object.keys(announceShape) : [];
  return path.length === 2 ? Object.keys(targetShape) : [];
}
