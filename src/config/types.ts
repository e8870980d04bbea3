/** The validated configuration: every default filled in, every duration in seconds. */
import type { Mode } from '../core/modes.js';
import type { Seconds } from '../units.js';
import type { AnnouncementFields } from '../wire/announcement.js';

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

/** What an exporter announces to the responder of a target. */
export interface AnnounceConfig {
  /** `HOST:PORT` as the responder takes it; `:PORT` leaves the host to the responder. */
  readonly address: string;
  readonly scheme: NonNullable<AnnouncementFields['scheme']>;
  readonly metrics_path: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface TargetConfig {
  readonly name: string;
  readonly far_end: FarEnd;
  readonly modes: readonly Mode[];
  readonly family: 4 | 6 | 'any';
  readonly local_address?: string;
  readonly token_file?: string;
  /** Where the far end shall tell Prometheus to scrape this exporter. */
  readonly announce?: AnnounceConfig;
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

/** Where samples are sent for an exporter that cannot be scraped. */
export interface RemoteWriteConfig {
  /** http or https, without user and password. */
  readonly url: string;
  readonly basic_auth?: { readonly username: string; readonly password_file: string };
  readonly bearer_token_file?: string;
  readonly tls_config?: { readonly ca_file?: string };
  /** Time between two samples of a series, 1 s or more. */
  readonly interval: Seconds;
  readonly external_labels: Readonly<Record<string, string>>;
  /** Most samples that wait for the receiver; beyond that the oldest are dropped. */
  readonly queue_samples: number;
}

export interface Config {
  /** node-cron expression. */
  readonly schedule: string;
  readonly state_dir?: string;
  /** Most idle probe connections of all targets together; the engine's default unless given. */
  readonly max_connections?: number;
  readonly target_files?: TargetFilesConfig;
  readonly targets: readonly TargetConfig[];
  readonly remote_write?: RemoteWriteConfig;
}
