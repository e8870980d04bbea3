/** The text of a first configuration file: one target, and every other key of note as a comment. */
import { dump } from 'js-yaml';
import { formatDuration } from '../units.js';
import { DEFAULT_SCHEDULE, DEFAULT_SEARCH, searchSchema } from './schema.js';

export interface FirstFile {
  /** The keys of the one target. */
  readonly target: Readonly<Record<string, unknown>>;
  /** Absent: nothing survives a restart. */
  readonly stateDir?: string;
}

/** Columns of a key with its value, in front of what it means. */
const KEY = 24;

/** The file as people read and change it; ends with a newline. */
export function firstFile({ target, stateDir }: FirstFile): string {
  const state = stateDir === undefined ? '# state_dir: ./data' : yaml({ state_dir: stateDir });
  return `# Configuration of nat-idle-exporter. What is commented out shows its default or an example; every key is described in
# https://www.npmjs.com/package/nat-idle-exporter (docs/CONFIGURATION.md). Check it: nat-idle-exporter --config.check

# Findings and the history survive a restart in this folder.
${state}

# When a rolling round may start once a target's idle timeout is known (node-cron).
# schedule: "${DEFAULT_SCHEDULE}"

# How to search, for all targets; a target can override each key.
# search:
${searchKeys()}

# The paths to measure.
targets:
${indented(yaml([target]), '  ')}
    # modes: [send, recv, keepalive]    # who breaks the silence
    # family: any                       # 4, 6 or any
    # local_address: 192.0.2.10         # for hosts with several uplinks (interface: eth1 where it changes)
    # labels: {site: home}              # on every series; all targets carry the same label names
`;
}

function yaml(value: unknown): string {
  return dump(value, { lineWidth: -1 }).trimEnd();
}

function indented(text: string, by: string): string {
  return text.replace(/^/gm, by);
}

/** `#   min_idle: 15s   # Shortest idle time that is tested.` for each key, with its default. */
function searchKeys(): string {
  return Object.entries(searchSchema.shape)
    .map(([key, field]) => {
      const value = DEFAULT_SEARCH[key as keyof typeof DEFAULT_SEARCH];
      const shown = key === 'connections' ? String(value) : formatDuration(value);
      return `#   ${`${key}: ${shown}`.padEnd(KEY)}# ${field.meta()?.description ?? ''}`;
    })
    .join('\n');
}
