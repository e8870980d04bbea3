/**
 * The configuration file, key by key, written once: what may stand there, its defaults, what the program makes of it
 * (durations in seconds, absolute paths) and what it writes back. Rules that tie several keys together stand in
 * `rules.ts`.
 */
import { z } from 'zod';
import { MODES } from '../core/modes.js';
import { defined } from '../defined.js';
import { FILE_LIMITS } from '../files.js';
import { SCHEMES } from '../wire/announcement.js';
import { farEndFields } from './far-ends.js';
import {
  announcedAddress,
  choice,
  cron,
  duration,
  file,
  type Frozen,
  httpUrl,
  ipAddress,
  labels,
  mapping,
  MIN_TOKEN_LENGTH,
  name,
  offOr,
  path,
  proxyUrl,
  siteUrl,
  telemetryPath,
  text,
  wholeNumber,
  yesOrNo,
} from './fields.js';

/** `schedule`: every five minutes. */
export const DEFAULT_SCHEDULE = '*/5 * * * *';

/** `max_connections`: idle probe connections of all targets together. */
export const DEFAULT_MAX_CONNECTIONS = 15_000;

/** Labels that Prometheus sets where it scrapes, and that only we can set where we send. */
const IDENTITY_LABELS = ['job', 'instance'];

/** The longest guard: a verdict on REQ-5 is given at 7440 s less at most this. */
const LONGEST_GUARD = 5;

/** A responder ends what has idled for 26 hours, which would look like the death of a mapping: the rest is for tests. */
const LONGEST_IDLE = 25 * 3600;

/** Longest time after which it is looked again which box forgets: a year. */
const LONGEST_EVERY = 365 * 86_400;

/** `search`, of the file and of a target. */
export const searchSchema = mapping(
  {
    min_idle: duration('Shortest idle time that is tested.', '15s', { above: 0 }),
    max_idle: duration('Idle times above this are not tested.', '2h10m', { above: 0, atMost: LONGEST_IDLE }),
    resolution: duration('Wanted width of the bracket around the idle timeout.', '10s', { above: 0 }),
    connections: wholeNumber('Most idle connections per mode and target; canaries come on top.', 2, 1000, 24),
    deadline: duration('How long a test may stay unanswered before it is a death.', '8s', { above: 0 }),
    guard: duration(
      'Distance kept from a value that is asked about exactly: 7440 s and the known round values.',
      '5s',
      { atMost: LONGEST_GUARD },
    ),
  },
  'How to search, for all targets.',
);

export type SearchConfig = Frozen<z.output<typeof searchSchema>>;

/** What a target's search does unless the file says otherwise. */
export const DEFAULT_SEARCH: SearchConfig = searchSchema.parse({});

/** The keys of a search as a mapping of the file has them, and no others. */
export function partOfSearch(said: Readonly<Record<string, unknown>>): Partial<SearchConfig> {
  const parts = Object.entries(searchSchema.shape).filter(([key]) => Object.hasOwn(said, key));
  return Object.fromEntries(parts.map(([key, field]) => [key, field.parse(said[key])]));
}

/** `locate`, of the file and of a target. */
export const locateSchema = mapping(
  {
    every: duration('Time after which it is looked again which box forgets.', '7d', {
      atLeast: 60,
      atMost: LONGEST_EVERY,
    }),
    max_hops: wholeNumber('Routers beyond which a path is not looked at.', 1, 62, 24),
    profile: yesOrNo(
      'Whether the idle timeout of every hop is measured as well, and what is left when the box that forgets is mended.',
      false,
    ),
    refresh: choice(['auto'], 'What keeps connections fresh: whatever each end can.', 'auto'),
    addresses: yesOrNo('Whether the routers on the path are asked for their addresses.', true),
  },
  'Which box forgets.',
);

export type LocateConfig = Frozen<z.output<typeof locateSchema>>;

/** How boxes are located unless the file says otherwise. */
export const DEFAULT_LOCATE: LocateConfig = locateSchema.parse({});

const locateField = offOr(locateSchema, 'Which box forgets: how it is looked for, or off.');

/** `targets[].announce`: what an exporter announces to the responder of a target. */
export const announceSchema = mapping(
  {
    address: announcedAddress(
      'Where others reach this exporter: HOST:PORT, or :PORT for the host that the responder sees.',
    ),
    scheme: choice(SCHEMES, 'How this exporter is scraped.', 'http'),
    metrics_path: telemetryPath('Where its metrics are.', '/metrics'),
    labels: labels('Labels that the responder hands to Prometheus for relabelling.'),
  },
  'Where Prometheus can scrape this exporter, told to the responder of this target for its service discovery.',
);

/** Wildcards only in the file's name, and a name that says which language the file is in. */
const targetFilePattern = text('Path of a file; its name may have the wildcards * and ?.')
  .regex(/^(.*\/)?[^/]+\.(json|ya?ml)$/, { error: 'must end in .json, .yaml or .yml' })
  .regex(/^([^*?]*\/)?[^/]*$/, { error: 'must have wildcards only in the name of the file' });

const targetFields = (folder: string) => ({
  name: name(
    'Value of the label `target`, unique; `embedded` and `embedded-…` are reserved for built-in targets.',
    128,
  ),
  ...farEndFields,
  modes: z
    .array(z.literal(MODES, { error: `must be one of ${MODES.join(', ')}` }), {
      error: 'must be a list of modes',
    })
    .min(1, { error: 'must not be empty' })
    .meta({
      description: 'Who breaks the silence; by default every mode that the far end can be asked.',
      uniqueItems: true,
    })
    .prefault([...MODES]),
  family: choice([4, 6, 'any'], 'Address family of the path.', 'any'),
  local_address: ipAddress('Address of this machine to probe from.').exactOptional(),
  interface: name(
    'Interface of this machine to probe from; its address is looked up for each connection.',
    64,
  ).exactOptional(),
  token_file: file("File with the responder's token", folder, {
    limit: FILE_LIMITS.secret,
    least: MIN_TOKEN_LENGTH,
  }).exactOptional(),
  announce: announceSchema.exactOptional(),
  labels: labels('More labels on every series of the target; all targets carry the same names.'),
  search: searchSchema
    .meta({ description: "Overrides of the top-level `search` for this target's searches." })
    .exactOptional(),
  locate: locateField.exactOptional(),
});

// Only our own token has a least length; a receiver's password is its owner's affair.
const remoteWriteFields = (folder: string) => ({
  url: httpUrl("The receiver's address for Prometheus remote write."),
  basic_auth: mapping(
    {
      username: text('The user.'),
      password_file: file('File with the password', folder, { limit: FILE_LIMITS.secret }),
    },
    'User and password.',
  ).exactOptional(),
  bearer_token_file: file('File with a token, sent as Authorization: Bearer', folder, {
    limit: FILE_LIMITS.secret,
  }).exactOptional(),
  tls_config: mapping(
    {
      ca_file: file("File with the certificates (PEM) that are trusted instead of the system's", folder, {
        limit: FILE_LIMITS.certificate,
      }).exactOptional(),
    },
    'How the receiver is trusted, with https.',
  ).exactOptional(),
  proxy_url: proxyUrl(
    'HTTP proxy through which the receiver is reached, without user and password.',
  ).exactOptional(),
  interval: duration('Time between two samples of a series, 1s or more.', '1m', { atLeast: 1 }),
  external_labels: labels(
    'More labels on every series that is sent; a series keeps a label that it has already.',
    IDENTITY_LABELS,
  ),
  // Some days of an exporter with one target, some hours of one with twenty.
  queue_samples: wholeNumber(
    'Most samples that wait for the receiver; beyond that the oldest are dropped.',
    10_000,
    100_000_000,
    500_000,
  ),
});

/** The whole file; relative paths start at the folder. */
export const fileSchema = (folder: string) =>
  mapping(
    {
      schedule: cron('When a rolling round may start in steady state (node-cron).', DEFAULT_SCHEDULE),
      state_dir: text(
        'Folder for what survives a restart; a relative path starts at the working directory.',
      ).exactOptional(),
      external_url: siteUrl(
        'Where people reach the pages of this exporter; alerts link to the runbook there.',
      ).exactOptional(),
      max_connections: wholeNumber(
        'Most idle probe connections of all targets together; canaries and short checks come on top.',
        10,
        1_000_000,
        DEFAULT_MAX_CONNECTIONS,
      ),
      search: searchSchema.exactOptional(),
      locate: locateField.exactOptional(),
      target_files: z
        .array(path(targetFilePattern, folder), { error: 'must be a list of paths' })
        .min(1, { error: 'must not be empty' })
        .meta({ description: "Files with more targets; a relative path starts at this file's folder." })
        .exactOptional(),
      targets: z
        .array(mapping(targetFields(folder), 'One path to measure.'), { error: 'must be a list of targets' })
        .min(1, { error: 'must not be empty' })
        .meta({ description: 'The paths to measure; may be left out where there are target_files.' })
        .exactOptional(),
      remote_write: mapping(
        remoteWriteFields(folder),
        'Where to send samples when nobody can scrape this exporter.',
      ).exactOptional(),
    },
    'Configuration of nat-idle-exporter.',
  );

/** The JSON Schema that editors use: what `config.schema.json` holds. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema(''), {
    io: 'input',
    // What a value means comes after what may stand there.
    override: ({ jsonSchema: node }) => {
      const { default: byDefault, uniqueItems } = node;
      delete node.default;
      delete node.uniqueItems;
      Object.assign(node, defined({ default: byDefault, uniqueItems }));
    },
  });
  return { title: 'nat-idle-exporter configuration', ...schema };
}
