/** Rules that tie several keys of the configuration file together, checked even where single keys are wrong. */
import { formatDuration, type Seconds } from '../units.js';
import {
  type AnnouncementFields,
  announcementText,
  isAnnouncedLabelValue,
  MAX_ANNOUNCED_LABELS,
} from '../wire/announcement.js';
import { MAX_LINE_BYTES } from '../wire/lines.js';
import {
  DEFAULT_ANNOUNCE_PATH,
  DEFAULT_ANNOUNCE_SCHEME,
  DEFAULT_SEARCH,
  EMBEDDED_TARGET_NAME,
} from './defaults.js';
import { durationIn } from './fields.js';
import { familyOf } from './listen-address.js';

/** A broken rule; `value` is absent where showing it would say nothing. */
export interface Violation {
  readonly path: readonly PropertyKey[];
  readonly rule: string;
  readonly value?: unknown;
}

type Mapping = Readonly<Record<string, unknown>>;

/** Longest idle time that a NAT-TCP-test sleep server accepts. */
const LONGEST_SLEEP: Seconds = 86_400;

/** The value as a mapping; anything else has its own problem already and reads as an empty one. */
function mappingOf(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}

/** Two durations of one `search`, the second of which must be longer. */
interface Order {
  readonly shorter: 'min_idle' | 'resolution';
  readonly longer: 'max_idle';
}

const ORDERS: readonly Order[] = [
  { shorter: 'min_idle', longer: 'max_idle' },
  { shorter: 'resolution', longer: 'max_idle' },
];

/** One `search` mapping and where it stands. */
interface Layer {
  readonly path: readonly PropertyKey[];
  readonly search: Mapping;
}

/** Checks the durations that count after merging; the blame goes to the innermost place that set one of them. */
function searchViolations(layers: readonly Layer[]): Violation[] {
  const found: Violation[] = [];
  const settled = (key: keyof typeof DEFAULT_SEARCH): Seconds | undefined => {
    const layer = layers.find(({ search }) => Object.hasOwn(search, key));
    return layer === undefined ? DEFAULT_SEARCH[key] : durationIn(layer.search[key]);
  };
  for (const { shorter, longer } of ORDERS) {
    const short = settled(shorter);
    const long = settled(longer);
    if (short === undefined || long === undefined || short < long) continue;
    for (const { path, search } of layers) {
      if (Object.hasOwn(search, shorter)) {
        const rule = `must be shorter than ${longer} (${formatDuration(long)})`;
        found.push({ path: [...path, shorter], rule, value: search[shorter] });
        break;
      }
      if (Object.hasOwn(search, longer)) {
        const rule = `must be longer than ${shorter} (${formatDuration(short)})`;
        found.push({ path: [...path, longer], rule, value: search[longer] });
        break;
      }
    }
  }
  return found;
}

/** Keys that say where a far end is; the built-in one needs none of them. */
const FAR_END_KEYS = [
  'host',
  'port',
  'protocol',
  'echo_port',
  'sleep_port',
  'family',
  'local_address',
  'token_file',
  'announce',
];

/** Exactly one far end, and only the keys that belong to it. */
function farEndViolations(target: Mapping, path: readonly PropertyKey[]): Violation[] {
  const found: Violation[] = [];
  const refuse = (keys: readonly string[], rule: string): void => {
    for (const key of keys) {
      if (Object.hasOwn(target, key)) found.push({ path: [...path, key], rule, value: target[key] });
    }
  };
  if (Object.hasOwn(target, 'embedded')) {
    refuse(FAR_END_KEYS, 'cannot be used together with embedded');
    if (typeof target['name'] === 'string' && target['name'] !== EMBEDDED_TARGET_NAME) {
      const rule = `must be ${EMBEDDED_TARGET_NAME} for the built-in target`;
      found.push({ path: [...path, 'name'], rule, value: target['name'] });
    }
    return found;
  }
  if (!Object.hasOwn(target, 'host')) {
    found.push({ path: [...path, 'host'], rule: 'is missing (a target needs host or embedded)' });
  }
  if (target['name'] === EMBEDDED_TARGET_NAME) {
    const rule = 'is reserved for the built-in target (a target with embedded instead of host)';
    found.push({ path: [...path, 'name'], rule, value: target['name'] });
  }
  const protocol = Object.hasOwn(target, 'protocol') ? target['protocol'] : 'native';
  if (protocol === 'native')
    refuse(['echo_port', 'sleep_port'], 'can only be used with protocol nat-tcp-test');
  if (protocol === 'nat-tcp-test') {
    refuse(['port'], 'can only be used with protocol native (nat-tcp-test has echo_port and sleep_port)');
    refuse(['token_file'], 'can only be used with protocol native (nat-tcp-test knows no token)');
    refuse(['announce'], 'can only be used with protocol native (nat-tcp-test knows no announcements)');
  }
  return found;
}

/** One address family from end to end. */
function familyViolations(target: Mapping, path: readonly PropertyKey[]): Violation[] {
  const literal = (key: string): 4 | 6 | undefined => {
    const value = target[key];
    return typeof value === 'string' ? familyOf(value) : undefined;
  };
  const host = literal('host');
  const local = literal('local_address');
  const family = target['family'];
  const found: Violation[] = [];
  if (family === 4 || family === 6) {
    for (const [key, actual] of [['host', host] as const, ['local_address', local] as const]) {
      if (actual !== undefined && actual !== family) {
        const rule = `must be an IPv${family} address because family is ${family}`;
        found.push({ path: [...path, key], rule, value: target[key] });
      }
    }
  } else if (host !== undefined && local !== undefined && host !== local) {
    const rule = `must be an IPv${host} address because host is one`;
    found.push({ path: [...path, 'local_address'], rule, value: target['local_address'] });
  }
  return found;
}

/** What the legacy protocol cannot be asked. */
function legacyViolations(target: Mapping, path: readonly PropertyKey[], top: Mapping): Violation[] {
  if (target['protocol'] !== 'nat-tcp-test') return [];
  const modes = Object.hasOwn(target, 'modes') ? target['modes'] : ['recv'];
  if (!Array.isArray(modes) || !modes.includes('recv')) return [];
  const own = mappingOf(target['search']);
  const inner = Object.hasOwn(own, 'max_idle');
  const value = inner ? own['max_idle'] : top['max_idle'];
  const longest = durationIn(value);
  if (longest === undefined || longest <= LONGEST_SLEEP) return [];
  const rule = `must be at most ${formatDuration(LONGEST_SLEEP)} for mode recv with protocol nat-tcp-test`;
  return [{ path: inner ? [...path, 'search', 'max_idle'] : ['search', 'max_idle'], rule, value }];
}

/** What stands around an announcement's text on its line: the mac and the terminator. */
const ANNOUNCEMENT_MARGIN = ' mac='.length + 64 + 1;

/** Announcing needs a token, and an announcement fits into one line of the protocol. */
function announceViolations(target: Mapping, path: readonly PropertyKey[]): Violation[] {
  if (!Object.hasOwn(target, 'announce')) return [];
  const found: Violation[] = [];
  if (!Object.hasOwn(target, 'embedded') && target['protocol'] !== 'nat-tcp-test') {
    const rule = 'needs token_file (nobody may announce without a token)';
    if (!Object.hasOwn(target, 'token_file')) found.push({ path: [...path, 'announce'], rule });
  }
  const announce = mappingOf(target['announce']);
  const labels = Object.entries(mappingOf(announce['labels'])).filter(
    (label): label is [string, string] => typeof label[1] === 'string' && label[1] !== '',
  );
  if (labels.length > MAX_ANNOUNCED_LABELS)
    found.push({
      path: [...path, 'announce', 'labels'],
      rule: `must be at most ${MAX_ANNOUNCED_LABELS} labels, found ${labels.length}`,
    });
  const textOf = (key: string): string => (typeof announce[key] === 'string' ? announce[key] : '');
  // What may not stand in a label at all is told with the labels.
  const usable = labels.filter(([, value]) => isAnnouncedLabelValue(value));
  const fields: AnnouncementFields = {
    address: textOf('address'),
    scheme: announce['scheme'] === 'https' ? 'https' : DEFAULT_ANNOUNCE_SCHEME,
    path: textOf('metrics_path') || DEFAULT_ANNOUNCE_PATH,
    labels: Object.fromEntries(usable),
  };
  const bytes = announcementText(fields).length + ANNOUNCEMENT_MARGIN;
  if (bytes > MAX_LINE_BYTES) {
    const rule = `is too long: its line would have ${bytes} bytes of at most ${MAX_LINE_BYTES} (shorten the labels)`;
    found.push({ path: [...path, 'announce'], rule });
  }
  return found;
}

/** No mode twice. */
function modeViolations(target: Mapping, path: readonly PropertyKey[]): Violation[] {
  const modes: readonly unknown[] = Array.isArray(target['modes']) ? target['modes'] : [];
  return modes.flatMap((mode, index) =>
    modes.indexOf(mode) < index
      ? [{ path: [...path, 'modes', index], rule: 'is there already', value: mode }]
      : [],
  );
}

/** Names are unique and all targets carry the same label names, or Prometheus could not tell the series apart. */
function fleetViolations(targets: readonly Mapping[]): Violation[] {
  const found: Violation[] = [];
  const firstWithName = new Map<unknown, number>();
  const labelNames = targets.map((target) => Object.keys(mappingOf(target['labels'])).sort());
  const wanted = labelNames[0] ?? [];
  for (const [index, target] of targets.entries()) {
    const name = target['name'];
    const first = firstWithName.get(name);
    if (typeof name === 'string' && first !== undefined) {
      const rule = `must be unique, targets[${first}] has the same name`;
      found.push({ path: ['targets', index, 'name'], rule, value: name });
    } else {
      firstWithName.set(name, index);
    }
    const names = labelNames[index] ?? [];
    if (names.join() !== wanted.join()) {
      const rule = `must have the same label names as targets[0] [${wanted.join(', ')}]`;
      found.push({ path: ['targets', index, 'labels'], rule, value: names });
    }
  }
  return found;
}

/** One way to prove who sends. */
function remoteWriteViolations(remote: Mapping): Violation[] {
  if (!Object.hasOwn(remote, 'basic_auth') || !Object.hasOwn(remote, 'bearer_token_file')) return [];
  const rule = 'cannot be used together with basic_auth';
  return [{ path: ['remote_write', 'bearer_token_file'], rule }];
}

/** Every rule between keys that the file breaks, `raw` being what the YAML parser made of it. */
export function violationsIn(raw: unknown): Violation[] {
  const top = mappingOf(mappingOf(raw)['search']);
  const list = mappingOf(raw)['targets'];
  const targets = Array.isArray(list) ? list.map(mappingOf) : [];
  const outer: Layer = { path: ['search'], search: top };
  const nowhere =
    raw === mappingOf(raw) && list === undefined && mappingOf(raw)['target_files'] === undefined;
  return [
    ...(nowhere ? [{ path: ['targets'], rule: 'is missing' }] : []),
    ...searchViolations([outer]),
    ...targets.flatMap((target, index) => {
      const path = ['targets', index];
      const inner: Layer = { path: [...path, 'search'], search: mappingOf(target['search']) };
      return [
        ...farEndViolations(target, path),
        ...modeViolations(target, path),
        ...familyViolations(target, path),
        ...searchViolations([inner, outer]),
        ...legacyViolations(target, path, top),
        ...announceViolations(target, path),
      ];
    }),
    ...fleetViolations(targets),
    ...remoteWriteViolations(mappingOf(mappingOf(raw)['remote_write'])),
  ];
}
