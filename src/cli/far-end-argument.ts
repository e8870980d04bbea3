/** A far end as people write it on a command line: `vps.example:5382`, `ssh://me@vps.example`, `nat-tcp-test://host`. */
import { UsageError } from './flags.js';

/** Schemes that name a protocol in front of a host. */
const SCHEMES = ['ssh', 'nat-tcp-test'] as const;

export interface FarEndParts {
  readonly scheme?: string;
  readonly user?: string;
  /** Host, and port where one is given. */
  readonly host: string;
}

/**
 * `ssh://me@host:22` apart; without a scheme all of it is the host.
 *
 * @param place how messages call the argument
 * @throws UsageError
 */
export function farEndParts(argument: string, place: string): FarEndParts {
  const [, scheme, rest] = /^([^:/]*):\/\/(.*)$/.exec(argument) ?? [];
  if (scheme === undefined || rest === undefined) return { host: argument };
  if (!SCHEMES.some((known) => known === scheme))
    throw new UsageError(
      `${place}: must have one of the schemes ${SCHEMES.map((each) => `${each}://`).join(', ')} or none`,
      argument,
    );
  const at = rest.lastIndexOf('@');
  const host = rest.slice(at + 1).replace(/\/$/, '');
  if (at < 0) return { scheme, host };
  if (scheme !== 'ssh') throw new UsageError(`${place}: only ssh:// has a user before @`, argument);
  if (rest.slice(0, at).includes(':')) throw new UsageError(`${place}: must not hold a password`);
  return { scheme, user: rest.slice(0, at), host };
}
