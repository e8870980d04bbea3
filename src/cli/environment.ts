/** Flags from environment variables: `--web.listen-address` is also `NAT_IDLE_WEB_LISTEN_ADDRESS`. */
import { didYouMean } from '../config/did-you-mean.js';
import { type Flag, nameOf, UsageError } from './flags.js';

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'NAT_IDLE_';

/** Not a flag: the commit that an image was built from, read by `readBuild`. */
const REVISION_VARIABLE = `${PREFIX}REVISION`;

/** What Kubernetes and Docker set for a service that happens to be called `nat-idle-…`. */
const SERVICE_VARIABLE = /_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)$/;

/** The name of the variable that sets a flag. */
function variableOf(flag: Flag<unknown>): string {
  return PREFIX + nameOf(flag).replace(/^--/, '').replace(/[.-]/g, '_').toUpperCase();
}

/**
 * What the environment says of a flag; undefined when it says nothing. Repeatable flags are separated by commas.
 * @throws UsageError when a switch is neither true nor false
 */
export function fromEnvironment(flag: Flag<unknown>, environment: Environment): string[] | undefined {
  const variable = variableOf(flag);
  const value = environment[variable];
  if (value === undefined) return undefined;
  if (flag.isRepeatable === true) return value.split(',').map((part) => part.trim());
  if (flag.flags.includes(' ')) return [value];
  if (value === '') return undefined;
  if (/^(true|1|yes|on)$/i.test(value)) return ['true'];
  if (/^(false|0|no|off)$/i.test(value)) return ['false'];
  throw new UsageError(`${variable}: must be true or false, found ${JSON.stringify(value)}`);
}

/** One warning for each variable that begins like ours and sets no flag of any command: a misspelling. */
export function unknownVariables(flags: readonly Flag<unknown>[], environment: Environment): string[] {
  const known = flags.map(variableOf);
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
