/** Flags from environment variables: `--web.listen-address` is also `NAT_IDLE_WEB_LISTEN_ADDRESS`. */
import type { Command, Option } from 'commander';
import { didYouMean } from '../config/did-you-mean.js';
import { UsageError } from './flags.js';

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'NAT_IDLE_';

/** Not a flag: the commit that an image was built from, read by `readBuild`. */
const REVISION_VARIABLE = `${PREFIX}REVISION`;

/** What Kubernetes and Docker set for a service that happens to be called `nat-idle-…`. */
const SERVICE_VARIABLE = /_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)$/;

/** The name of the variable that sets a flag. */
export function variableOf(flag: string): string {
  return PREFIX + flag.replace(/^--/, '').replace(/[.-]/g, '_').toUpperCase();
}

/** Reads a yes or no. An empty variable says nothing. */
function readSwitch(variable: string, value: string): boolean {
  if (/^(true|1|yes|on)$/i.test(value)) return true;
  if (/^(false|0|no|off)$/i.test(value)) return false;
  throw new UsageError(`${variable}: must be true or false, found ${JSON.stringify(value)}`);
}

/** Whether the option comes from nowhere but the command line. */
function isCommandLineOnly(option: Option): boolean {
  return option.long === '--help' || option.long === '--version';
}

/**
 * Fills in every option that the command line did not give and the environment does. Repeatable flags are
 * separated by commas there.
 * @throws UsageError when a switch is neither true nor false
 */
export function applyEnvironment(command: Command, environment: Environment): void {
  for (const option of command.options) {
    if (isCommandLineOnly(option)) continue;
    const key = option.attributeName();
    const variable = variableOf(option.long ?? '');
    const value = environment[variable];
    if (value === undefined || command.getOptionValueSource(key) === 'cli') continue;
    if (option.isBoolean()) {
      if (value !== '') command.setOptionValueWithSource(key, readSwitch(variable, value), 'env');
    } else if (option.parseArg !== undefined) {
      const parts = value.split(',').map((part) => part.trim());
      command.setOptionValueWithSource(key, parts, 'env');
    } else {
      command.setOptionValueWithSource(key, value, 'env');
    }
  }
}

/** One warning for each variable that begins like ours and sets no flag of any command: a misspelling. */
export function unknownVariables(commands: readonly Command[], environment: Environment): string[] {
  const known = commands.flatMap(({ options }) =>
    options.filter((option) => !isCommandLineOnly(option)).map((option) => variableOf(option.long ?? '')),
  );
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && name !== REVISION_VARIABLE)
    .filter((name) => !known.includes(name) && !SERVICE_VARIABLE.test(name))
    .sort()
    .map((name) => {
      const meant = didYouMean(name, known);
      const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
      return `environment variable ${name} sets no flag${hint}`;
    });
}
