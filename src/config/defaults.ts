/** Every default of the configuration file, written once; the JSON Schema, the docs and the flags are tied to it. */
import { MODES, type Mode } from '../core/modes.js';
import type { Seconds } from '../units.js';
import type { SearchConfig } from './types.js';

/** `search`: what a target's search does unless the file says otherwise. */
export const DEFAULT_SEARCH: SearchConfig = {
  min_idle: 15,
  max_idle: 7800,
  resolution: 10,
  connections: 24,
  deadline: 8,
  guard: 5,
};

/** `schedule`: every five minutes. */
export const DEFAULT_SCHEDULE = '*/5 * * * *';

/** `max_connections`: idle probe connections of all targets together. */
export const DEFAULT_MAX_CONNECTIONS = 15_000;

/** `targets[].port`: the native protocol. */
export const DEFAULT_PORT = 5382;

/** `targets[].echo_port`: NAT-TCP-test's echo server. */
export const DEFAULT_ECHO_PORT = 31_415;

/** `targets[].sleep_port`: NAT-TCP-test's sleep server. */
export const DEFAULT_SLEEP_PORT = 27_182;

/** `targets[].modes`: all of them. */
export const DEFAULT_MODES: readonly Mode[] = MODES;

/** `targets[].embedded.idle_timeout`: what the built-in NAT forgets after. */
export const DEFAULT_EMBEDDED_IDLE_TIMEOUT: Seconds = 60;

/** `targets[].announce.scheme`: as the exporter serves without a web configuration. */
export const DEFAULT_ANNOUNCE_SCHEME = 'http';

/** `targets[].announce.metrics_path`: that of `--web.telemetry-path`. */
export const DEFAULT_ANNOUNCE_PATH = '/metrics';

/** `remote_write.interval`: as often as most Prometheus servers scrape. */
export const DEFAULT_REMOTE_WRITE_INTERVAL: Seconds = 60;

/** `remote_write.queue_samples`: some days of an exporter with one target, some hours of one with twenty. */
export const DEFAULT_QUEUE_SAMPLES = 500_000;

/** Name that the built-in target must have and no other may: rules and fleet panels exclude it. */
export const EMBEDDED_TARGET_NAME = 'embedded';

/** Fewest characters of a token. */
export const MIN_TOKEN_LENGTH = 16;
