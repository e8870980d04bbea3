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
import { askable, DEFAULT_PORT, keysAgainstFarEnd, longestIdle, searchDefaultsIn } from './far-ends.js';
import { familyOf, withoutBrackets } from './listen-address.js';
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

/** One `search` mapping and where it stands. */
interface Layer {
  readonly path: Path;
  readonly search: Mapping;
}

/** The innermost place that sets one of the keys of `search`; undefined where all leave them to their defaults. */
function setterOf(layers: readonly Layer[], keys: readonly string[]): Layer | undefined {
  return layers.find(({ search }) => keys.some((key) => Object.hasOwn(search, key)));
}

/** The duration that counts after merging. */
function settled(layers: readonly Layer[], key: 'min_idle' | 'max_idle' | 'resolution'): Seconds | undefined {
  return read(searchSchema.shape[key], setterOf(layers, [key])?.search[key]);
}

/** What must be shorter than the longest idle time; the blame goes to the innermost place that set one of the two. */
function searchViolations(layers: readonly Layer[]): Violation[] {
  return (['min_idle', 'resolution'] as const).flatMap((key) => {
    const setter = setterOf(layers, [key, 'max_idle']);
    const short = settled(layers, key);
    const long = settled(layers, 'max_idle');
    if (setter === undefined || short === undefined || long === undefined || short < long) return [];
    const { path, search } = setter;
    const [blamed, rule] = Object.hasOwn(search, key)
      ? [key, `must be shorter than max_idle (${formatDuration(long)})`]
      : ['max_idle', `must be longer than ${key} (${formatDuration(short)})`];
    return [{ path: [...path, blamed], rule, value: search[blamed] }];
  });
}

/** One address family from end to end. */
function familyViolations(target: Mapping, path: Path): Violation[] {
  const familyAt = (key: string): 4 | 6 | undefined => {
    const value = target[key];
    return typeof value === 'string' ? familyOf(value) : undefined;
  };
  const { family } = target;
  const [wanted, why] =
    family === 4 || family === 6 ? [family, `family is ${family}`] : [familyAt('host'), 'host is one'];
  const wrong = ['host', 'local_address'].filter((key) => (familyAt(key) ?? wanted) !== wanted);
  return wanted === undefined
    ? []
    : wrong.map((key) => ({
        path: [...path, key],
        rule: `must be an IPv${wanted} address because ${why}`,
        value: target[key],
      }));
}

/** One way to say where connections start from. */
function sourceViolations(target: Mapping, path: Path): Violation[] {
  if (!Object.hasOwn(target, 'interface') || !Object.hasOwn(target, 'local_address')) return [];
  const rule = 'cannot be used together with local_address';
  return [{ path: [...path, 'interface'], rule, value: target['interface'] }];
}

/** The native protocol's port at the end of an address that has brackets nowhere. */
function portInHost(target: Mapping, path: Path): Violation[] {
  const { host } = target;
  const parts = typeof host === 'string' && familyOf(host) === 6 ? withoutBrackets(host) : undefined;
  if (parts?.digits !== String(DEFAULT_PORT)) return [];
  const { address, digits } = parts;
  const rule = `must not contain a port: write host: ${address} and port: ${digits} (an address that ends so is written in full, with eight groups)`;
  return [{ path: [...path, 'host'], rule, value: host }];
}

/** Idle times that the far end cannot be asked for. */
function longestViolations(target: Mapping, path: Path, layers: readonly Layer[]): Violation[] {
  const longest = settled(layers, 'max_idle');
  const at = [...(setterOf(layers, ['max_idle'])?.path ?? [...path, 'search']), 'max_idle'];
  const value = setterOf(layers, ['max_idle'])?.search['max_idle'];
  const modes = modesIn(target) ?? askable(target)?.modes ?? MODES;
  return MODES.filter((mode) => modes.includes(mode)).flatMap((mode) => {
    const limit = longestIdle(target, mode);
    if (limit === undefined || longest === undefined || longest <= limit.idle) return [];
    const rule = `must be at most ${formatDuration(limit.idle)} for mode ${mode} with protocol ${limit.protocol}`;
    return [{ path: at, rule, value }];
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

/** The list of modes that a target has of its own; undefined where it has none. */
function modesIn(target: Mapping): readonly unknown[] | undefined {
  return Array.isArray(target['modes']) ? target['modes'] : undefined;
}

/** No mode twice, and none that the far end cannot be asked. */
function modeViolations(target: Mapping, path: Path): Violation[] {
  const can = askable(target);
  const lacked: readonly unknown[] =
    can === undefined ? [] : MODES.filter((mode) => !can.modes.includes(mode));
  const modes = modesIn(target) ?? [];
  return modes.flatMap((mode, index) => {
    const at = { path: [...path, 'modes', index], value: mode };
    if (modes.indexOf(mode) < index) return [{ ...at, rule: 'is there already' }];
    if (can === undefined || !lacked.includes(mode)) return [];
    return [{ ...at, rule: `must be one of ${can.modes.join(', ')} with protocol ${can.protocol}` }];
  });
}

/** Whether the targets may carry other label names than each other: one that a target lacks is an empty label of it. */
export type LabelNames = 'differ' | 'not differ';

/** Names are unique, and all targets carry the same label names where they are to. */
function fleetViolations(targets: readonly Mapping[], labelNamesMay: LabelNames): Violation[] {
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
    if (labelNamesMay === 'not differ' && names.join() !== wanted.join()) {
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
export function violationsIn(raw: unknown, labelNames: LabelNames): Violation[] {
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
      const layers = [inner, outer, { ...inner, search: searchDefaultsIn(target) }];
      return [
        ...keysAgainstFarEnd(target).map(({ key, rule }) => ({
          path: [...path, key],
          rule,
          value: target[key],
        })),
        ...modeViolations(target, path),
        ...familyViolations(target, path),
        ...sourceViolations(target, path),
        ...portInHost(target, path),
        ...searchViolations(layers),
        ...longestViolations(target, path, layers),
        ...announceViolations(target, path),
      ];
    }),
    ...fleetViolations(targets, labelNames),
    ...remoteWriteViolations(mappingOf(mappingOf(raw)['remote_write'])),
  ];
}
