/** The validated configuration: every default filled in, every duration in seconds. */
import type { Mode } from '../core/mode.js';
import type { Seconds } from '../units.js';

export interface SearchConfig {
  readonly min_idle: Seconds;
  readonly max_idle: Seconds;
  readonly resolution: Seconds;
  readonly connections: number;
  readonly deadline: Seconds;
  readonly guard: Seconds;
}

/** Where the far end of a target is. */
export type FarEnd =
  | { readonly kind: 'native'; readonly host: string; readonly port: number }
  | {
      readonly kind: 'nat-tcp-test';
      readonly host: string;
      readonly echo_port: number;
      readonly sleep_port: number;
    }
  /** The built-in responder behind the built-in loopback NAT. */
  | { readonly kind: 'embedded'; readonly idle_timeout: Seconds };

export interface TargetConfig {
  readonly name: string;
  readonly far_end: FarEnd;
  readonly modes: readonly Mode[];
  readonly family: 4 | 6 | 'any';
  readonly local_address?: string;
  readonly token_file?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly search: SearchConfig;
}

/** Where more targets stand, and what their searches start from. */
export interface TargetFilesConfig {
  /** Absolute paths; the file's name may have wildcards. */
  readonly patterns: readonly string[];
  /** The configuration file's own `search`, over which a target's is laid. */
  readonly search: SearchConfig;
}

export interface Config {
  /** node-cron expression. */
  readonly schedule: string;
  readonly state_dir?: string;
  /** Most idle probe connections of all targets together; the engine's default unless given. */
  readonly max_connections?: number;
  readonly target_files?: TargetFilesConfig;
  readonly targets: readonly TargetConfig[];
}
