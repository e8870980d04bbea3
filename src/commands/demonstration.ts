/** The exporter without any configuration: a demonstration, and what it says of itself. */
import { lstatSync } from 'node:fs';
import { DEFAULT_CONFIG_FILE, type ExporterFlags } from '../cli/exporter-flags.js';
import type { Config } from '../config/config.js';
import { humanDuration } from '../core/human-duration.js';

/** Whether there is no configuration at all: no file was named, and none lies where one would be looked for. */
export function isDemo({ configFile, configAutoReload }: ExporterFlags): boolean {
  if (configFile !== undefined || configAutoReload) return false;
  return lstatSync(DEFAULT_CONFIG_FILE, { throwIfNoEntry: false }) === undefined;
}

/** Where it listens unless told otherwise: nobody else shall see it. */
const DEMO_HOST = '127.0.0.1';

/** The flags as the demonstration takes them. */
export function forDemo(flags: ExporterFlags): ExporterFlags {
  if (flags.isListenGiven) return flags;
  const listenAddresses = flags.web.listenAddresses.map(({ port }) => ({ host: DEMO_HOST, port }));
  return { ...flags, web: { ...flags.web, listenAddresses } };
}

/**
 * @param url the status page
 * @param command what to type in front of a subcommand
 */
export function demoBanner({ targets }: Config, url: string, telemetryPath: string, command: string): string {
  const [target] = targets;
  const box = target?.far_end.kind === 'embedded' ? target.far_end.idle_timeout : 0;
  return `
This is a demonstration: there is no ${DEFAULT_CONFIG_FILE} here and no --config.file. It measures its own built-in
NAT, which forgets after ${humanDuration(box)}. Nothing is written, and only this host can see it.

  status page  ${url}
  metrics      ${url.replace(/\/$/, '')}${telemetryPath}

A path of your own:
  ${command} measure ssh://YOU@ANY-SSH-SERVER   once; nothing is installed there
  ${command} init                               a configuration for the exporter

Ctrl-C ends it.

`;
}
