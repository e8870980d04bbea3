/** What the command line can say: the typed result of parsing it. */
import type { AuditFormat } from '../audit/audit-forms.js';
import type { ListenAddress } from '../config/listen-address.js';
import type { TargetConfig } from '../config/types.js';
import type { Endpoint } from '../http/request.js';
import type { LogFormat, LogLevel } from '../log.js';
import type { ListenAddresses } from '../responder/servers.js';
import type { Seconds } from '../units.js';
import { visible } from '../visible.js';

/** How to log. */
export interface LogFlags {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

/** The web server of the exporter and of the responder. */
export interface WebFlags {
  /** At least one. */
  readonly listenAddresses: readonly ListenAddress[];
  /** Begins with `/`. */
  readonly telemetryPath: string;
  /** File in the form of the Prometheus exporter-toolkit: TLS, users, headers. */
  readonly configFile?: string;
  /** More hosts by which the server may be called, as `parseAllowedHost` writes them; absent: none. */
  readonly allowedHosts?: readonly string[];
}

/** No subcommand: the exporter. */
export interface ExporterFlags {
  readonly configFile: string;
  /** Only check the configuration file. */
  readonly configCheck: boolean;
  readonly web: WebFlags & {
    /** Whether `POST /-/reload` is served. */
    readonly enableLifecycle: boolean;
  };
  readonly log: LogFlags;
}

/** `responder`: the far end. */
export interface ResponderFlags {
  /** At least one address of the native protocol. */
  readonly listen: ListenAddresses;
  readonly tokenFile?: string;
  /** Exporters may announce themselves; absent: they may not. */
  readonly discovery?: {
    /** How long an exporter is listed after its last announcement. */
    readonly ttl: Seconds;
  };
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
  /** Processes that share the native port. */
  readonly workers: number;
  readonly web: WebFlags;
  readonly log: LogFlags;
}

/** `measure`: one path, once. */
export interface MeasureFlags {
  /** What to measure, checked by the rules that hold for a target of the configuration file. */
  readonly target: TargetConfig;
  /** Print the result as JSON. */
  readonly json: boolean;
  /** Write a report; the ending chooses its form. */
  readonly report?: { readonly file: string; readonly format: 'html' | 'md' | 'json' };
  /** Placeholders instead of addresses and host names in the report and in the JSON. */
  readonly redact: boolean;
  /** Address of a Pushgateway that gets the metrics of the result. */
  readonly push?: string;
  /** No progress. */
  readonly quiet: boolean;
  readonly log: LogFlags;
}

/** `audit`: a table of all paths that a Prometheus knows. */
export interface AuditFlags {
  /** The Prometheus to ask, and how. */
  readonly prometheus: Endpoint;
  /** The labels whose values make the groups, at least one; `given`: some path has to have each. */
  readonly by: { readonly labels: readonly string[]; readonly given: boolean };
  /** The moment, Unix time in seconds; absent: now. */
  readonly at?: Seconds;
  /** How far back paths are looked for that are not watched any more. */
  readonly lookback: Seconds;
  /** Most paths that are named of each group. */
  readonly worst: number;
  /** Print the result as JSON. */
  readonly json: boolean;
  /** Write a report; the ending chooses its form. */
  readonly report?: { readonly file: string; readonly format: AuditFormat };
  readonly log: LogFlags;
}

/** The parsed command line. `warnings` are lines for the log: variables that look like ours but are not. */
export type CommandLine =
  | { readonly command: 'exporter'; readonly options: ExporterFlags; readonly warnings: readonly string[] }
  | { readonly command: 'responder'; readonly options: ResponderFlags; readonly warnings: readonly string[] }
  | { readonly command: 'measure'; readonly options: MeasureFlags; readonly warnings: readonly string[] }
  | { readonly command: 'audit'; readonly options: AuditFlags; readonly warnings: readonly string[] }
  /** Print `text` on standard output and succeed. */
  | { readonly command: 'help' | 'version'; readonly text: string };

/** The command line is wrong; the message is one line that says what and where. */
export class UsageError extends Error {
  override readonly name = 'UsageError';

  constructor(message: string) {
    super(visible(message));
  }
}
