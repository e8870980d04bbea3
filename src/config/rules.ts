/** Rules that tie several keys of the configuration file together, checked even where single keys are wrong. */
import type { z } from 'zod';
import { MODES } from '../core/modes.js';
import { defined } from '../defined.js';
import { formatDuration, type Seconds } from '../units.js';
import {
  type AnnouncementFields,
  announcementText,
  isAnnouncedLabelValue,
  MAX_ANNOUNCED_LABELS,
} from '../wire/announcement.js';
import { MAX_LINE_BYTES } from '../wire/lines.js';
import { keysAgainstFarEnd, longestIdle } from './far-ends.js';
import { familyOf } from './listen-address.js';
import { announceSchema, searchSchema } from './schema.js';
import { type Mapping, mappingOf } from './yaml.js';

/** A place of the file. */
export type Path = readonly PropertyKey[];

/** A broken rule; `value` is absent where showing it would say nothing. */
export interface Violation {
  readonly path: Path;
  readonly rule: string;
  readonly value?: unknown;
}

/** What a field makes of a value, its default where there is none; undefined where it has its own problem already. */
function read<Field extends z.ZodType>(field: Field, value: unknown): z.output<Field> | undefined {
  return field.safeParse(value).data;
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
  readonly path: Path;
  readonly search: Mapping;
}

/** The innermost place that sets a key of `search`; undefined where all leave it to the default. */
function setterOf(layers: readonly Layer[], key: string): Layer | undefined {
  return layers.find(({ search }) => Object.hasOwn(search, key));
}

/** Checks the durations that count after merging; the blame goes to the innermost place that set one of them. */
function searchViolations(layers: readonly Layer[]): Violation[] {
  const found: Violation[] = [];
  const settled = (key: Order['shorter' | 'longer']): Seconds | undefined =>
    read(searchSchema.shape[key], setterOf(layers, key)?.search[key]);
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

/** One address family from end to end. */
function familyViolations(target: Mapping, path: Path): Violation[] {
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

/** Idle times that the far end cannot be asked for. */
function longestViolations(target: Mapping, path: Path, layers: readonly Layer[]): Violation[] {
  const setter = setterOf(layers, 'max_idle');
  const value = setter?.search['max_idle'];
  const longest = read(searchSchema.shape.max_idle, value);
  const modes: readonly unknown[] = Array.isArray(target['modes']) ? target['modes'] : MODES;
  return MODES.filter((mode) => modes.includes(mode)).flatMap((mode) => {
    const limit = longestIdle(target, mode);
    if (limit === undefined || longest === undefined || longest <= limit.idle) return [];
    const rule = `must be at most ${formatDuration(limit.idle)} for mode ${mode} with protocol ${limit.protocol}`;
    return [{ path: [...(setter?.path ?? [...path, 'search']), 'max_idle'], rule, value }];
  });
}

/** What stands around an announcement's text on its line: the mac and the terminator. */
const ANNOUNCEMENT_MARGIN = ' mac='.length + 64 + 1;

/** Announcing needs a token, and an announcement fits into one line of the protocol. */
function announceViolations(target: Mapping, path: Path): Violation[] {
  if (!Object.hasOwn(target, 'announce')) return [];
  const found: Violation[] = [];
  const useless = keysAgainstFarEnd(target).some(({ key }) => key === 'announce');
  if (!useless && !Object.hasOwn(target, 'token_file')) {
    const rule = 'needs token_file (nobody may announce without a token)';
    found.push({ path: [...path, 'announce'], rule });
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
  const { address, scheme, metrics_path } = announceSchema.shape;
  // What may not stand in a label at all is told with the labels; the same goes for what else is wrong.
  const usable = labels.filter(([, value]) => isAnnouncedLabelValue(value));
  const fields: AnnouncementFields = {
    address: read(address, announce['address']) ?? '',
    labels: Object.fromEntries(usable),
    ...defined({
      scheme: read(scheme, announce['scheme']),
      path: read(metrics_path, announce['metrics_path']),
    }),
  };
  const bytes = announcementText(fields).length + ANNOUNCEMENT_MARGIN;
  if (bytes > MAX_LINE_BYTES) {
    const rule = `is too long: its line would have ${bytes} bytes of at most ${MAX_LINE_BYTES} (shorten the labels)`;
    found.push({ path: [...path, 'announce'], rule });
  }
  return found;
}

/** No mode twice. */
function modeViolations(target: Mapping, path: Path): Violation[] {
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
        ...keysAgainstFarEnd(target).map(({ key, rule }) => ({
          path: [...path, key],
          rule,
          value: target[key],
        })),
        ...modeViolations(target, path),
        ...familyViolations(target, path),
        ...searchViolations([inner, outer]),
        ...longestViolations(target, path, [inner, outer]),
        ...announceViolations(target, path),
      ];
    }),
    ...fleetViolations(targets),
    ...remoteWriteViolations(mappingOf(mappingOf(raw)['remote_write'])),
  ];
}
