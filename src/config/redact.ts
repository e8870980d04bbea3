/** The configuration as it may be shown to anybody who can open the web page. */
import { dump } from 'js-yaml';
import { formatDuration } from '../units.js';
import type { Config, FarEnd, RemoteWriteConfig, SearchConfig, TargetConfig } from './types.js';

/** A `search` mapping as the file has it. */
export function searchFile({ connections, ...durations }: SearchConfig): Record<string, unknown> {
  return {
    min_idle: formatDuration(durations.min_idle),
    max_idle: formatDuration(durations.max_idle),
    resolution: formatDuration(durations.resolution),
    connections,
    deadline: formatDuration(durations.deadline),
    guard: formatDuration(durations.guard),
  };
}

/** The keys that say where a far end is, as the file has them. */
function farEndFile(farEnd: FarEnd): Record<string, unknown> {
  switch (farEnd.kind) {
    case 'native':
      return { host: farEnd.host, port: farEnd.port, protocol: 'native' };
    case 'nat-tcp-test':
      return {
        host: farEnd.host,
        protocol: 'nat-tcp-test',
        echo_port: farEnd.echo_port,
        sleep_port: farEnd.sleep_port,
      };
    case 'embedded':
      return { embedded: { idle_timeout: formatDuration(farEnd.idle_timeout) } };
  }
}

/** A target as the file has it, every default written out. */
function targetFile(target: TargetConfig): Record<string, unknown> {
  const { announce, far_end, local_address, token_file } = target;
  return {
    name: target.name,
    ...farEndFile(far_end),
    modes: [...target.modes],
    ...(far_end.kind === 'embedded' ? {} : { family: target.family }),
    ...(local_address === undefined ? {} : { local_address }),
    ...(token_file === undefined ? {} : { token_file }),
    ...(announce === undefined ? {} : { announce: { ...announce, labels: { ...announce.labels } } }),
    labels: { ...target.labels },
    search: searchFile(target.search),
  };
}

/** `remote_write` as the file has it; a query of the URL may hold a key and is left out. */
function remoteWriteFile(remote: RemoteWriteConfig): Record<string, unknown> {
  const url = new URL(remote.url);
  url.search = '';
  return {
    ...remote,
    url: url.href,
    interval: formatDuration(remote.interval),
  };
}

/**
 * The effective configuration as YAML that the exporter would accept again, every default filled in; the targets
 * of `target_files` stand among the others. Only keys of the configuration's own grammar are written and none of
 * them holds a secret: of a token or password the file's path is shown, its content is not even known here.
 */
export function redactedConfigYaml(config: Config): string {
  const { schedule, state_dir, max_connections, target_files, targets, remote_write } = config;
  return dump(
    {
      schedule,
      ...(state_dir === undefined ? {} : { state_dir }),
      ...(max_connections === undefined ? {} : { max_connections }),
      // Without any target only the files keep the configuration usable.
      ...(target_files === undefined || targets.length > 0 ? {} : { target_files: target_files.patterns }),
      ...(targets.length > 0 ? { targets: targets.map(targetFile) } : {}),
      ...(remote_write === undefined ? {} : { remote_write: remoteWriteFile(remote_write) }),
    },
    { lineWidth: -1, noRefs: true },
  );
}
