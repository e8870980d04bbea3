/** The optional packages of the protocol `ssh`: loaded when a target needs them, and not before. */
import { createRequire } from 'node:module';
import type * as Ssh2 from 'ssh2';
import type * as SshConfig from 'ssh-config';
import { SshError } from './ssh-error.js';

interface Packages {
  readonly ssh2: typeof Ssh2;
  readonly 'ssh-config': typeof SshConfig;
}

const load = createRequire(import.meta.url);

/** @throws SshError where the package is not installed */
export function requireSsh<Name extends keyof Packages>(name: Name): Packages[Name] {
  try {
    return load(name) as Packages[Name];
  } catch {
    throw new SshError(
      `protocol ssh needs the optional package ${name}, which is not installed here (npm install without --omit=optional)`,
    );
  }
}
