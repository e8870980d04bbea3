#!/usr/bin/env node
/**
 * argv → command: the only place that ends the process or listens to signals. A command is loaded when it is called: most
 * of a start is the loading of modules.
 */
import { called } from './cli/called.js';
import { UsageError } from './cli/flags.js';
import { parseCommandLine } from './cli/parse.js';
import type { Running } from './commands/exporter.js';
import { tellSystemd } from './commands/tell-systemd.js';
import { ConfigError } from './config/problem.js';
import { readBuild } from './version.js';
import { visibleLines } from './visible.js';

/** Exit code of a usage or configuration error. */
const EXIT_USAGE = 2;
/** Exit code of a measurement that was cut short, or that failed. */
const EXIT_NO_VERDICT = 3;
/** Commands whose exit code is an answer. */
const ASKING: readonly string[] = ['measure', 'remeasure', 'audit'];
/** Exit code of what nobody foresaw. */
let failure = 1;
/** A stop that takes longer than this is cut short, milliseconds. */
const LONGEST_STOP = 5000;

async function main(): Promise<void> {
  const build = readBuild(process.env);
  const line = parseCommandLine(process.argv.slice(2), process.env, build);
  // To a script 1 is the answer "not compliant": whatever keeps a question from its answer must not look like it.
  if (ASKING.includes(line.command)) failure = EXIT_NO_VERDICT;
  const typed = called(process.argv[1], process.env);
  switch (line.command) {
    case 'help':
    case 'version':
      process.stdout.write(line.text);
      return;
    case 'exporter': {
      const { checkExporterConfig, startExporter } = await import('./commands/exporter.js');
      if (line.options.configCheck) {
        process.stdout.write(checkExporterConfig(line.options));
        return;
      }
      return untilSignal(startExporter(line.options, build, line.warnings, typed));
    }
    case 'init': {
      const { runInit } = await import('./commands/init.js');
      return runInit(line.options, { stdin: process.stdin, stdout: process.stdout, command: typed });
    }
    case 'responder': {
      const { startResponderCommand } = await import('./commands/responder.js');
      return untilSignal(startResponderCommand(line.options, build, line.warnings));
    }
    case 'measure': {
      const { runMeasure } = await import('./commands/measure.js');
      process.exitCode = await runMeasure(line.options, build, line.warnings, {
        stdout: process.stdout,
        stderr: process.stderr,
        environment: process.env,
        signal: interruption(),
      });
      return;
    }
    case 'remeasure': {
      const { runRemeasure } = await import('./commands/remeasure.js');
      process.exitCode = await runRemeasure(line.options, build, {
        stdout: process.stdout,
        stderr: process.stderr,
        signal: interruption(),
      });
      return;
    }
    case 'audit': {
      const { runAudit } = await import('./commands/audit.js');
      process.exitCode = await runAudit(line.options, build, line.warnings, {
        stdout: process.stdout,
        stderr: process.stderr,
        signal: interruption(),
      });
      return;
    }
  }
}

/** Aborted by the first SIGTERM or SIGINT; a second one ends the process at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT_NO_VERDICT);
      controller.abort();
      setTimeout(() => process.exit(EXIT_NO_VERDICT), LONGEST_STOP).unref();
    });
  }
  return controller.signal;
}

/**
 * Resolves after SIGTERM or SIGINT has stopped the command; a second signal ends the process at once. A signal that
 * comes while the command starts is heeded when it has.
 */
async function untilSignal(starting: Promise<Running>): Promise<void> {
  const reload = (running: Running): unknown => running.reload?.();
  process.on('SIGHUP', () => void starting.then(reload, () => undefined));
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.once('SIGTERM', () => process.exit(1));
        process.once('SIGINT', () => process.exit(1));
        setTimeout(() => process.exit(1), LONGEST_STOP).unref();
        resolve();
      });
    }
  });
  const running = await starting;
  tellSystemd(process.env);
  await stopped;
  await running.stop();
}

main().then(
  // A pipe may not have taken all of a long document yet.
  () => process.stdout.write('', () => process.exit(process.exitCode ?? 0)),
  (error: unknown) => {
    if (error instanceof ConfigError || error instanceof UsageError) {
      process.stderr.write(`${error.message}\n`);
      process.exit(EXIT_USAGE);
    }
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${visibleLines(told)}\n`);
    process.exit(failure);
  },
);
