/**
 * The configuration as the program uses it (every default filled in, durations in seconds, paths absolute): made of
 * the file's keys, and written back as them.
 */
import { dump } from 'js-yaml';
import { z } from 'zod';
import { defined } from '../defined.js';
import {
  decodeFarEnd,
  encodeFarEnd,
  type FarEnd,
  type farEndFields,
  isLocatable,
  modesOf,
  searchDefaultsOf,
} from './far-ends.js';
import type { Frozen } from './fields.js';
import {
  DEFAULT_LOCATE,
  DEFAULT_SEARCH,
  fileSchema,
  type LocateConfig,
  partOfSearch,
  type SearchConfig,
} from './schema.js';
import { type Mapping, mappingOf, valueAt } from './yaml.js';

/** The file as its schema reads it. */
export type ConfigFile = z.output<ReturnType<typeof fileSchema>>;
/** One entry of `targets`. */
type TargetFile = NonNullable<ConfigFile['targets']>[number];

export interface TargetConfig
  extends Frozen<Omit<TargetFile, keyof typeof farEndFields | 'search' | 'locate'>> {
  readonly far_end: FarEnd;
  /** The file's own `search` with the target's over it. */
  readonly search: SearchConfig;
  /** How it is looked which box forgets; absent where it is not. */
  readonly locate?: LocateConfig;
}

/** Where to tell Prometheus to scrape this exporter. */
export type AnnounceConfig = NonNullable<TargetConfig['announce']>;
/** Where samples are sent for an exporter that cannot be scraped. */
export type RemoteWriteConfig = NonNullable<Frozen<ConfigFile>['remote_write']>;

/** Where more targets stand, and what their searches start from. */
export interface TargetFilesConfig {
  /** Absolute paths; the file's name may have wildcards. */
  readonly patterns: readonly string[];
  /** The configuration file's own `search`, over which a target's is laid. */
  readonly search: SearchConfig;
  /** The same for how boxes are located. */
  readonly locate: LocateConfig | 'off';
}

export interface Config
  extends Frozen<Omit<ConfigFile, 'max_connections' | 'search' | 'locate' | 'target_files' | 'targets'>> {
  /** Most idle probe connections of all targets together; the engine's default unless given. */
  readonly max_connections?: number;
  readonly target_files?: TargetFilesConfig;
  readonly targets: readonly TargetConfig[];
}

/**
 * Makes the configuration of a file.
 *
 * @param raw the file before its schema filled in the defaults: a target's search is over the file's only where it
 * says something, and a target that names no modes has those of its far end
 */
export function decodeConfig(
  { search = DEFAULT_SEARCH, locate = DEFAULT_LOCATE, target_files, targets = [], ...others }: ConfigFile,
  raw: unknown,
): Config {
  return {
    ...others,
    ...defined({ target_files: target_files && { patterns: target_files, search, locate } }),
    targets: targets.map(({ search: own, locate: ownLocate, ...target }, index) => {
      const said = mappingOf(valueAt(raw, ['targets', index]));
      const over = Object.entries(own ?? {}).filter(([key]) => Object.hasOwn(mappingOf(said['search']), key));
      const decoded = decodeFarEnd(target, said);
      const outer = mappingOf(valueAt(raw, ['search']));
      const ofProtocol = Object.entries(partOfSearch(searchDefaultsOf(decoded.far_end.kind))).filter(
        ([key]) => !Object.hasOwn(outer, key),
      );
      return {
        ...decoded,
        modes: Object.hasOwn(said, 'modes') ? decoded.modes : [...modesOf(decoded.far_end.kind)],
        search: { ...search, ...Object.fromEntries([...ofProtocol, ...over]) },
        ...defined({
          locate: isLocatable(decoded.far_end.kind)
            ? laidOver(locate, ownLocate, mappingOf(said['locate']))
            : undefined,
        }),
      };
    }),
  };
}

/** A target's `locate` over the file's, key by key; undefined where it is off. */
function laidOver(
  outer: LocateConfig | 'off',
  own: LocateConfig | 'off' | undefined,
  said: Mapping,
): LocateConfig | undefined {
  const whole = own ?? outer;
  if (whole === 'off') return undefined;
  if (own === undefined || outer === 'off') return whole;
  return { ...outer, ...Object.fromEntries(Object.entries(own).filter(([key]) => Object.hasOwn(said, key))) };
}

/** Writes the keys that a mapping has, each as its field has it in the file, in the order of the fields. */
function encode(fields: z.core.$ZodLooseShape, values: Mapping): Record<string, unknown> {
  const known = Object.entries(fields).filter(([key]) => values[key] !== undefined);
  return Object.fromEntries(known.map(([key, field]) => [key, z.encode(field, values[key])]));
}

/**
 * The effective configuration as YAML that the exporter would accept again, every default filled in; the targets
 * of `target_files` stand among the others. It may be shown to anybody who can open the web page: only keys of the
 * configuration's own grammar are written and none of them holds a secret; of a token or password the file's path is
 * shown, its content is not even known here.
 */
export function configYaml({ targets, target_files, ...others }: Config): string {
  const { shape } = fileSchema('');
  const target = shape.targets.unwrap().element.shape;
  const none = targets.length === 0;
  const file = {
    ...others,
    // Without any target only the files keep the configuration usable.
    target_files: none ? target_files?.patterns : undefined,
    targets: none
      ? undefined
      : targets.map(({ locate = 'off', ...each }) =>
          encode(target, {
            ...encodeFarEnd(each),
            locate: isLocatable(each.far_end.kind) ? locate : undefined,
          }),
        ),
  };
  return dump(encode({ ...shape, targets: z.unknown() }, file), { lineWidth: -1, noRefs: true });
}
